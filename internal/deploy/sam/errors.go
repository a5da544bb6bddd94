package sam

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// An Error says all that is wrong with a template, in the words of AWS's
// transform.
type Error struct {
	Causes []Cause
}

// A Cause is one thing that is wrong.
type Cause struct {
	ID      string // of the resource it is about; empty if it is about the whole
	Message string
}

func (e *Error) Error() string {
	parts := []string{fmt.Sprintf("Invalid Serverless Application Specification document. Number of errors found: %d.", len(e.Causes))}
	for _, cause := range e.Causes {
		parts = append(parts, cause.Message)
	}
	return strings.Join(parts, " ")
}

// newError sorts causes and drops those said twice.
func newError(causes []Cause) error {
	slices.SortStableFunc(causes, func(a, b Cause) int { return cmp.Compare(a.ID, b.ID) })
	seen := make(map[string]bool)
	causes = slices.DeleteFunc(causes, func(c Cause) bool {
		again := seen[c.Message]
		seen[c.Message] = true
		return again
	})
	return &Error{Causes: causes}
}

// A resourceError is what is wrong with one resource; others are still looked at.
type resourceError struct{ id, reason string }

func (e *resourceError) Error() string {
	return fmt.Sprintf("Resource with id [%s] is invalid. %s", e.id, e.reason)
}

func badResource(id, format string, args ...any) error {
	return &resourceError{id, fmt.Sprintf(format, args...)}
}

// An eventError is what is wrong with an event of a resource.
type eventError struct{ id, reason string }

func (e *eventError) Error() string {
	return fmt.Sprintf("Event with id [%s] is invalid. %s", e.id, e.reason)
}

func badEvent(id, format string, args ...any) error {
	return &eventError{id, fmt.Sprintf(format, args...)}
}

// ofEvent says whose event it is that is wrong.
func ofEvent(resource string, err error) error {
	if e, ok := errors.AsType[*eventError](err); ok {
		return badResource(resource, "%s", e.Error())
	}
	return err
}

// A templateError is about a part of the template; the resource it was found in
// is the last that is not looked at.
type templateError struct{ reason string }

func (e *templateError) Error() string {
	return "Structure of the SAM template is invalid. " + e.reason
}

func badTemplate(format string, args ...any) error {
	return &templateError{fmt.Sprintf(format, args...)}
}

// badDocument ends the transform: nothing more is looked at.
func badDocument(format string, args ...any) error {
	return &Error{Causes: []Cause{{Message: badTemplate(format, args...).Error()}}}
}

// duplicateError is a generated resource that has the id of another.
type duplicateError struct{ id, made, typ string }

func (e *duplicateError) Error() string {
	return fmt.Sprintf("Transforming resource with id [%s] attempts to create a new resource with id [%s] and type \"%s\". A resource with that id already exists within this template. Please use a different id for that resource.", e.id, e.made, e.typ)
}

// A kind is what a value should be, as messages name it.
type kind string

const (
	aMap     kind = "map"
	aList    kind = "list"
	aString  kind = "string"
	aBoolean kind = "boolean"
	anInt    kind = "integer"
)

func (k kind) of(v any) bool {
	switch k {
	case aMap:
		return isMap(v)
	case aList:
		return isList(v)
	case aString:
		return isString(v)
	case aBoolean:
		return isBool(v)
	}
	return isInt(v)
}

// wantResource refuses v, a property of resource id, if it is not of kind k.
func wantResource(id, property string, v any, k kind) error {
	if k.of(v) {
		return nil
	}
	return badResource(id, "Property '%s' should be a %s.", property, k)
}

// wantEvent refuses v, a property of event id, if it is not of kind k.
func wantEvent(id, property string, v any, k kind) error {
	if k.of(v) {
		return nil
	}
	return badEvent(id, "Property '%s' should be a %s.", property, k)
}

// quoted lists words as AWS's messages do.
func quoted(words []string) string {
	parts := make([]string, len(words))
	for i, w := range words {
		parts[i] = "'" + w + "'"
	}
	return "[" + strings.Join(parts, ", ") + "]"
}

// shown writes a value into a message, as AWS's transform does.
func shown(v any) string {
	switch v := v.(type) {
	case nil:
		return "None"
	case string:
		return v
	case bool:
		if v {
			return "True"
		}
		return "False"
	}
	return shownInside(v)
}

func shownInside(v any) string {
	switch v := v.(type) {
	case string:
		if strings.Contains(v, "'") && !strings.Contains(v, `"`) {
			return `"` + v + `"`
		}
		return "'" + strings.ReplaceAll(v, "'", `\'`) + "'"
	case object:
		var parts []string
		for _, key := range keys(v) {
			parts = append(parts, shownInside(key)+": "+shownInside(v[key]))
		}
		return "{" + strings.Join(parts, ", ") + "}"
	case []any:
		var parts []string
		for _, element := range v {
			parts = append(parts, shownInside(element))
		}
		return "[" + strings.Join(parts, ", ") + "]"
	case interface{ String() string }:
		return v.String()
	case int:
		return strconv.Itoa(v)
	}
	return shown(v)
}
