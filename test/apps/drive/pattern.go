package drive

import (
	"encoding/json"
	"fmt"
	"strings"
)

// matching makes an event that a pattern of EventBridge, a filter of an event
// source or a filter policy lets through.
func matching(pattern any) any {
	switch p := pattern.(type) {
	case map[string]any:
		event := make(map[string]any)
		for key, inner := range p {
			if alternatives, ok := inner.([]any); ok && key == "$or" && len(alternatives) > 0 {
				first, _ := matching(alternatives[0]).(map[string]any)
				for k, v := range first {
					event[k] = v
				}
				continue
			}
			if v := matching(inner); v != absent {
				event[key] = v
			}
		}
		return event
	case []any:
		if len(p) > 0 {
			return one(p[0])
		}
	}
	return pattern
}

// absent is the value of what must not be there.
var absent any = struct{ absent bool }{true}

// one is a value that one rule of a pattern lets through.
func one(rule any) any {
	m, ok := rule.(map[string]any)
	if !ok {
		return rule
	}
	for kind, arg := range m {
		switch kind {
		case "prefix":
			return textOf(arg) + "1"
		case "suffix":
			return "1" + textOf(arg)
		case "equals-ignore-case":
			return textOf(arg)
		case "wildcard":
			return strings.ReplaceAll(textOf(arg), "*", "1")
		case "anything-but":
			return "something else"
		case "exists":
			if arg == false {
				return absent
			}
			return "1"
		case "cidr":
			address, _, _ := strings.Cut(textOf(arg), "/")
			return address
		case "numeric":
			return numeric(arg)
		}
	}
	return "1"
}

func textOf(v any) string {
	if m, ok := v.(map[string]any); ok { // {"prefix": {"equals-ignore-case": "x"}}
		for _, inner := range m {
			return textOf(inner)
		}
	}
	return fmt.Sprint(v)
}

// numeric is a number that [">", 0, "<=", 5] lets through.
func numeric(arg any) any {
	list, _ := arg.([]any)
	value := 0.0
	for i := 0; i+1 < len(list); i += 2 {
		n, _ := list[i+1].(float64)
		switch list[i] {
		case "=", ">=", "<=":
			value = n
		case ">":
			value = n + 1
		case "<":
			if value >= n {
				value = n - 1
			}
		}
	}
	return value
}

// parsed is the value of a text of JSON, or nil.
func parsed(text string) any {
	var v any
	if json.Unmarshal([]byte(text), &v) != nil {
		return nil
	}
	return v
}

// encoded is a value as JSON.
func encoded(v any) string {
	if text, ok := v.(string); ok {
		return text
	}
	text, err := json.Marshal(v)
	if err != nil {
		return "{}"
	}
	return string(text)
}

// merged is a with what b has besides; b's values count.
func merged(a, b any) any {
	am, ok := a.(map[string]any)
	bm, ok2 := b.(map[string]any)
	if !ok || !ok2 {
		if b == nil {
			return a
		}
		return b
	}
	all := make(map[string]any)
	for k, v := range am {
		all[k] = v
	}
	for k, v := range bm {
		all[k] = merged(all[k], v)
	}
	return all
}
