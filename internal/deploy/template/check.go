package template

import (
	"maps"
	"slices"
	"strconv"
	"strings"
)

// checkNulls refuses values that are null: CloudFormation has none.
func (t *Template) checkNulls() error {
	for _, section := range slices.Sorted(maps.Keys(t.Root)) {
		if section == "Metadata" {
			continue
		}
		if at := findNull(t.Root[section], nil); at != nil {
			at = append(at, section)
			slices.Reverse(at)
			return errorAt(at, "[/%s] 'null' values are not allowed in templates", strings.Join(at, "/"))
		}
	}
	return nil
}

// findNull returns the way to a null in v, innermost name first.
func findNull(v any, way []string) []string {
	switch v := v.(type) {
	case nil:
		return []string{}
	case map[string]any:
		for _, key := range slices.Sorted(maps.Keys(v)) {
			if at := findNull(v[key], way); at != nil {
				return append(at, key)
			}
		}
	case []any:
		for i, element := range v {
			if at := findNull(element, way); at != nil {
				return append(at, strconv.Itoa(i))
			}
		}
	}
	return nil
}

// checkNames refuses a name that is both a parameter's and a resource's.
func (t *Template) checkNames() error {
	var common []string
	for _, name := range slices.Sorted(maps.Keys(t.Parameters)) {
		if t.Resources[name] != nil {
			common = append(common, name)
		}
	}
	if common != nil {
		return errorf("Template format error: all resources and parameters must have unique names. Common name(s): [%s]", strings.Join(common, ", "))
	}
	return nil
}

// checkFunctions looks at the arguments of every function that can be checked
// without values, and refuses functions that there are not.
func (t *Template) checkFunctions() error {
	for _, id := range slices.Sorted(maps.Keys(t.Resources)) {
		r := t.Resources[id]
		if err := t.checkValue(r.Properties, []string{"Resources", id, "Properties"}); err != nil {
			return err
		}
		if r.Condition != "" && t.Conditions[r.Condition] == nil {
			return errorAt([]string{"Resources", id, "Condition"}, "Template format error: Unresolved condition dependency %s in the Resources block of the template", r.Condition)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(t.Outputs)) {
		o := t.Outputs[name]
		if err := t.checkValue(o.Value, []string{"Outputs", name, "Value"}); err != nil {
			return err
		}
		if err := t.checkValue(o.Export, []string{"Outputs", name, "Export"}); err != nil {
			return err
		}
		if o.Condition != "" && t.Conditions[o.Condition] == nil {
			return errorAt([]string{"Outputs", name, "Condition"}, "Template format error: Unresolved condition dependency %s in the Outputs block of the template", o.Condition)
		}
	}
	return t.checkConditions()
}

// function returns the name and argument of v if it is a call of a function: a
// map with one member of a function's name.
func function(v any) (name string, arg any, ok bool) {
	m, isMap := v.(map[string]any)
	if !isMap || len(m) != 1 {
		return "", nil, false
	}
	for name, arg = range m {
	}
	return name, arg, name == "Ref" || name == "Condition" || strings.HasPrefix(name, "Fn::")
}

func (t *Template) checkValue(v any, path []string) error {
	name, arg, ok := function(v)
	if ok && name != "Condition" { // IAM policies have members of that name
		if err := t.checkCall(name, arg, path); err != nil {
			return err
		}
	}
	switch v := v.(type) {
	case map[string]any:
		for _, key := range slices.Sorted(maps.Keys(v)) {
			if err := t.checkValue(v[key], append(path, key)); err != nil {
				return err
			}
		}
	case []any:
		for i, element := range v {
			if err := t.checkValue(element, append(path, strconv.Itoa(i))); err != nil {
				return err
			}
		}
	}
	return nil
}

// checkCall checks what can be said of a call without knowing any values.
func (t *Template) checkCall(name string, arg any, path []string) error {
	at := slices.Clone(path)
	switch name {
	case "Ref":
		if s, ok := arg.(string); !ok || s == "" {
			return errorAt(at, "Template error: All References must be of type string")
		}
	case "Fn::Transform":
		return errorAt(at, "Template error: Fn::Transform was not expanded")
	case "Fn::If":
		list, ok := arg.([]any)
		if !ok || len(list) < 1 {
			return errorAt(at, "Template error: Fn::If requires a list argument with the first element being a condition")
		}
		condition, ok := list[0].(string)
		switch {
		case !ok:
			return errorAt(at, "Template error: Fn::If requires a list argument with the first element being a condition")
		case len(list) != 3:
			return errorAt(at, "Template error: Fn::If requires a list argument with three elements")
		case t.Conditions[condition] == nil:
			return errorAt(at, "Template error: unresolved condition dependency %s in Fn::If", condition)
		}
	case "Fn::GetAtt":
		_, _, err := getAttArgs(arg)
		return err
	case "Fn::Sub":
		_, _, err := subArgs(arg)
		return err
	default:
		if wrongArgs[name] == "" {
			return errorAt(at, "Template error: Encountered unsupported function: %s Supported functions are: %s", name, supportedFunctions)
		}
	}
	return checkShape(name, arg, at)
}

// supportedFunctions is the list in the refusal of another.
const supportedFunctions = "[Fn::Base64, Fn::GetAtt, Fn::GetAZs, Fn::ImportValue, Fn::Join, Fn::Split, Fn::FindInMap, Fn::Select, Ref, Fn::Equals, Fn::If, Fn::Not, Condition, Fn::And, Fn::Or, Fn::Contains, Fn::EachMemberEquals, Fn::EachMemberIn, Fn::ValueOf, Fn::ValueOfAll, Fn::RefAll, Fn::Sub, Fn::Cidr]"

// checkShape checks the number of arguments.
func checkShape(name string, arg any, path []string) error {
	list, _ := arg.([]any)
	n := len(list)
	bad := false
	switch name {
	case "Fn::Join", "Fn::Split", "Fn::Select":
		bad = n != 2
	case "Fn::FindInMap":
		bad = n != 3 && n != 4
	}
	if bad {
		return errorAt(path, "%s", wrongArgs[name])
	}
	return nil
}

// wrongArgs is what CloudFormation says of the arguments of a function.
var wrongArgs = map[string]string{
	"Fn::Base64":       "Template error: every Fn::Base64 object must have a String-typed value.",
	"Fn::Cidr":         "Template error: every Fn::Cidr object requires two or three parameters, (1) an IP address range, (2) a number of CIDRs to make, and (3) the number of their host bits",
	"Fn::Equals":       "Template error: every Fn::Equals object requires a list of 2 string parameters.",
	"Fn::FindInMap":    "Template error: every Fn::FindInMap object requires three parameters, the map name, map key and the attribute for return value",
	"Fn::GetAZs":       "Template error: every Fn::GetAZs object must have a String-typed value.",
	"Fn::GetAtt":       "Template error: every Fn::GetAtt object requires two non-empty parameters, the resource name and the resource attribute",
	"Fn::ImportValue":  "Template error: the attribute in Fn::ImportValue must be a string or a function that returns a string",
	"Fn::Join":         "Template error: every Fn::Join object requires two parameters, (1) a string delimiter and (2) a list of strings to be joined or a function that returns a list of strings (such as Fn::GetAZs) to be joined.",
	"Fn::Length":       "Template error: Fn::Length only takes a list, or a function that returns one, as its argument",
	"Fn::Select":       "Template error: Fn::Select requires a list argument with two elements: an integer index and a list",
	"Fn::Split":        "Template error: every Fn::Split object requires two parameters, (1) a string delimiter and (2) a string to be split or a function that returns a string to be split.",
	"Fn::Sub":          "Template error: One or more Fn::Sub intrinsic functions don't specify expected arguments. Specify a string as first argument, and an optional second argument to specify a mapping of values to replace in the string",
	"Fn::ToJsonString": "Template error: Fn::ToJsonString takes a map or a list",
	"Fn::And":          "Template error: every Fn::And object requires a list of at least 2 and at most 10 boolean parameters.",
	"Fn::Or":           "Template error: every Fn::Or object requires a list of at least 2 and at most 10 boolean parameters.",
	"Fn::Not":          "Template error: Fn::Not requires a list argument with one element",
	"subValue":         "Template error: every value of the context object of every Fn::Sub object must be a string or a function that returns a string",
	"subKey":           "Template error: every key of the context object of every Fn::Sub object must contain only alphanumeric characters and underscores",
	"subName":          "Template error: variable names in Fn::Sub syntax must contain only alphanumeric characters, underscores, periods, and colons",
}

func badArgs(name string) error { return &Error{Message: wrongArgs[name]} }
