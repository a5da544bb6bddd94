package template

import (
	"encoding/base64"
	"encoding/json"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// A Scope is what references in a template mean.
type Scope struct {
	Account          string
	Region           string
	StackName        string
	StackID          string
	NotificationARNs []string

	Parameters map[string]any  // as Bind returned them
	Conditions map[string]bool // as Conditions returned them

	// Resource returns the Ref value of a resource, or its attribute if one
	// is named. It may return Unknown.
	Resource func(id, attribute string) (any, error)

	// Export returns a value that another stack exports.
	Export func(name string) (string, error)

	values map[string]any // loop variables and the names of one Fn::Sub
}

// noValue is what Ref of AWS::NoValue gives: what holds it goes away.
type noValue struct{}

// Resolve computes v: every function in it is replaced by its value, and what
// is AWS::NoValue is left out. It returns nil if v as a whole is AWS::NoValue.
func (t *Template) Resolve(v any, s *Scope) (any, error) {
	got, err := t.resolve(v, s)
	if _, gone := got.(noValue); gone {
		return nil, err
	}
	return got, err
}

func (t *Template) resolve(v any, s *Scope) (any, error) {
	if name, arg, ok := function(v); ok && (name != "Condition" || s.inCondition()) {
		return t.call(name, arg, s)
	}
	switch v := v.(type) {
	case map[string]any:
		out := make(map[string]any, len(v))
		for _, key := range slices.Sorted(maps.Keys(v)) {
			member, err := t.resolve(v[key], s)
			if err != nil {
				return nil, err
			}
			if _, gone := member.(noValue); !gone {
				out[key] = member
			}
		}
		return out, nil
	case []any:
		out := make([]any, 0, len(v))
		for _, element := range v {
			got, err := t.resolve(element, s)
			if err != nil {
				return nil, err
			}
			if _, gone := got.(noValue); !gone {
				out = append(out, got)
			}
		}
		return out, nil
	}
	return v, nil
}

// inCondition says whether conditions themselves are being computed.
func (s *Scope) inCondition() bool { return s.Conditions == nil }

func (t *Template) call(name string, arg any, s *Scope) (any, error) {
	switch name {
	case "Ref":
		return t.ref(arg, s)
	case "Fn::GetAtt":
		return t.getAtt(arg, s)
	case "Fn::Sub":
		return t.sub(arg, s)
	case "Fn::If":
		return t.choose(arg, s)
	case "Condition", "Fn::And", "Fn::Or", "Fn::Not", "Fn::Equals":
		return t.logic(name, arg, s)
	}
	arg, err := t.resolve(arg, s)
	if err != nil {
		return nil, err
	}
	if holdsUnknown(arg) {
		return Unknown{}, nil
	}
	return t.compute(name, arg, s)
}

// compute calls a function whose argument has been resolved.
func (t *Template) compute(name string, arg any, s *Scope) (any, error) {
	list, _ := arg.([]any)
	switch name {
	case "Fn::Base64":
		text, ok := Text(arg)
		if !ok {
			return nil, badArgs(name)
		}
		return base64.StdEncoding.EncodeToString([]byte(text)), nil
	case "Fn::Cidr":
		return cidr(list)
	case "Fn::FindInMap":
		return t.findInMap(list)
	case "Fn::GetAZs":
		return zones(arg, s)
	case "Fn::ImportValue":
		export, ok := Text(arg)
		if !ok {
			return nil, badArgs(name)
		}
		return s.Export(export)
	case "Fn::Join":
		return join(list)
	case "Fn::Length":
		if list == nil {
			return nil, badArgs(name)
		}
		return Number(strconv.Itoa(len(list))), nil
	case "Fn::Select":
		return pick(list)
	case "Fn::Split":
		return split(list)
	case "Fn::ToJsonString":
		return toJSON(arg)
	}
	return nil, errorf("Template error: Encountered unsupported function: %s Supported functions are: %s", name, supportedFunctions)
}

func holdsUnknown(v any) bool {
	switch v := v.(type) {
	case Unknown:
		return true
	case map[string]any:
		for _, member := range v {
			if holdsUnknown(member) {
				return true
			}
		}
	case []any:
		return slices.ContainsFunc(v, holdsUnknown)
	}
	return false
}

// HoldsUnknown says whether any part of a resolved value is Unknown.
func HoldsUnknown(v any) bool { return holdsUnknown(v) }

func (t *Template) ref(arg any, s *Scope) (any, error) {
	name, ok := arg.(string)
	if !ok {
		return nil, errorf("Template error: All References must be of type string")
	}
	if v, ok := s.values[name]; ok {
		return v, nil
	}
	if strings.HasPrefix(name, "AWS::") {
		return s.pseudo(name)
	}
	if v, ok := s.Parameters[name]; ok {
		return v, nil
	}
	if s.Resource == nil || t.Resources[name] == nil {
		return nil, errorf("Template format error: Unresolved resource dependencies [%s] in the Resources block of the template", name)
	}
	return s.Resource(name, "")
}

// pseudoParameters are the references that every template may make.
var pseudoParameters = []string{
	"AWS::AccountId", "AWS::NoValue", "AWS::NotificationARNs", "AWS::Partition", "AWS::Region",
	"AWS::StackId", "AWS::StackName", "AWS::URLSuffix",
}

func (s *Scope) pseudo(name string) (any, error) {
	switch name {
	case "AWS::AccountId":
		return s.Account, nil
	case "AWS::NoValue":
		return noValue{}, nil
	case "AWS::NotificationARNs":
		list := []any{}
		for _, topic := range s.NotificationARNs {
			list = append(list, topic)
		}
		return list, nil
	case "AWS::Partition":
		return "aws", nil
	case "AWS::Region":
		return s.Region, nil
	case "AWS::StackId":
		return s.StackID, nil
	case "AWS::StackName":
		return s.StackName, nil
	case "AWS::URLSuffix":
		return "amazonaws.com", nil
	}
	return nil, errorf("Template format error: Unresolved resource dependencies [%s] in the Resources block of the template", name)
}

// getAttArgs returns the resource and the attribute of a GetAtt. The attribute
// is a string, or a Ref.
func getAttArgs(arg any) (id string, attribute any, err error) {
	if s, ok := arg.(string); ok {
		id, rest, _ := strings.Cut(s, ".")
		arg = []any{id, rest}
	}
	list, ok := arg.([]any)
	if !ok || len(list) < 2 {
		return "", nil, badArgs("Fn::GetAtt")
	}
	id, ok = list[0].(string)
	if !ok || id == "" {
		return "", nil, badArgs("Fn::GetAtt")
	}
	if len(list) == 2 {
		if _, isText := list[1].(string); isText && list[1] != "" {
			return id, list[1], nil
		}
		if _, _, isCall := function(list[1]); isCall {
			return id, list[1], nil
		}
		return "", nil, badArgs("Fn::GetAtt")
	}
	var parts []string
	for _, part := range list[1:] {
		text, ok := part.(string)
		if !ok || text == "" {
			return "", nil, badArgs("Fn::GetAtt")
		}
		parts = append(parts, text)
	}
	return id, strings.Join(parts, "."), nil
}

func (t *Template) getAtt(arg any, s *Scope) (any, error) {
	id, attribute, err := getAttArgs(arg)
	if err != nil {
		return nil, err
	}
	got, err := t.resolve(attribute, s)
	if err != nil {
		return nil, err
	}
	name, ok := got.(string)
	if !ok || name == "" {
		return nil, badArgs("Fn::GetAtt")
	}
	if s.Resource == nil || t.Resources[id] == nil {
		return nil, errorf("Template error: instance of Fn::GetAtt references undefined resource %s", id)
	}
	return s.Resource(id, name)
}

func join(args []any) (any, error) {
	if len(args) != 2 {
		return nil, badArgs("Fn::Join")
	}
	separator, ok := Text(args[0])
	list, isList := args[1].([]any)
	if !ok || !isList {
		return nil, badArgs("Fn::Join")
	}
	parts := make([]string, len(list))
	for i, element := range list {
		if parts[i], ok = Text(element); !ok {
			return nil, badArgs("Fn::Join")
		}
	}
	return strings.Join(parts, separator), nil
}

func split(args []any) (any, error) {
	if len(args) != 2 {
		return nil, badArgs("Fn::Split")
	}
	separator, ok := args[0].(string)
	text, isText := Text(args[1])
	if !ok || !isText || separator == "" {
		return nil, badArgs("Fn::Split")
	}
	list := []any{}
	for part := range strings.SplitSeq(text, separator) {
		list = append(list, part)
	}
	return list, nil
}

func pick(args []any) (any, error) {
	if len(args) != 2 {
		return nil, badArgs("Fn::Select")
	}
	text, ok := Text(args[0])
	list, isList := args[1].([]any)
	i, err := strconv.Atoi(text)
	if !ok || err != nil || !isList {
		return nil, badArgs("Fn::Select")
	}
	if i < 0 || i >= len(list) {
		return nil, errorf("Template error: Fn::Select cannot select nonexistent value at index %d", i)
	}
	return list[i], nil
}

func (t *Template) findInMap(args []any) (any, error) {
	if len(args) != 3 && len(args) != 4 {
		return nil, badArgs("Fn::FindInMap")
	}
	var names [3]string
	for i := range names {
		var ok bool
		if names[i], ok = Text(args[i]); !ok {
			return nil, badArgs("Fn::FindInMap")
		}
	}
	if v, ok := t.Mappings[names[0]][names[1]][names[2]]; ok {
		return v, nil
	}
	if len(args) == 4 {
		if options, ok := args[3].(map[string]any); ok && options["DefaultValue"] != nil {
			return options["DefaultValue"], nil
		}
		return nil, badArgs("Fn::FindInMap")
	}
	if t.Mappings[names[0]] == nil {
		return nil, errorf("Template error: Mapping named '%s' is not present in the 'Mappings' section of template.", names[0])
	}
	return nil, errorf("Template error: Unable to get mapping for %s::%s::%s", names[0], names[1], names[2])
}

// zones returns the availability zones of a region: each has three here.
func zones(arg any, s *Scope) (any, error) {
	region, ok := Text(arg)
	if !ok {
		return nil, badArgs("Fn::GetAZs")
	}
	if region == "" {
		region = s.Region
	}
	return []any{region + "a", region + "b", region + "c"}, nil
}

func toJSON(v any) (any, error) {
	switch v.(type) {
	case map[string]any, []any:
	default:
		return nil, badArgs("Fn::ToJsonString")
	}
	var b strings.Builder
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return nil, err
	}
	return strings.TrimSuffix(b.String(), "\n"), nil
}
