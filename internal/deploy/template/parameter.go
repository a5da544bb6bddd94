package template

import (
	"maps"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// A Parameter is one member of Parameters.
type Parameter struct {
	Name                  string
	Type                  string
	Default               *string
	Description           string
	NoEcho                bool
	AllowedValues         []string
	AllowedPattern        string
	ConstraintDescription string
	MinLength, MaxLength  *float64
	MinValue, MaxValue    *float64
}

const (
	ssmValue          = "AWS::SSM::Parameter::Value<"
	maxParameterValue = 4096
)

var parameterKeys = []string{
	"AllowedPattern", "AllowedValues", "ConstraintDescription", "Default", "Description",
	"MaxLength", "MaxValue", "MinLength", "MinValue", "NoEcho", "Type",
}

// scalarTypes are the types of parameters that hold one value.
var scalarTypes = []string{
	"String", "Number", "AWS::EC2::AvailabilityZone::Name", "AWS::EC2::Image::Id", "AWS::EC2::Instance::Id",
	"AWS::EC2::KeyPair::KeyName", "AWS::EC2::SecurityGroup::GroupName", "AWS::EC2::SecurityGroup::Id",
	"AWS::EC2::Subnet::Id", "AWS::EC2::Volume::Id", "AWS::EC2::VPC::Id", "AWS::Route53::HostedZone::Id",
	"AWS::SSM::Parameter::Name",
}

// IsList says whether the parameter's value is a list.
func (p *Parameter) IsList() bool {
	kind := p.valueType()
	return kind == "CommaDelimitedList" || strings.HasPrefix(kind, "List<")
}

// valueType is the type of the value itself, wherever it is kept.
func (p *Parameter) valueType() string {
	if inner, ok := strings.CutPrefix(p.Type, ssmValue); ok {
		return strings.TrimSuffix(inner, ">")
	}
	return p.Type
}

// Stored says whether the value is a name of SSM's parameter that has the value.
func (p *Parameter) Stored() bool { return strings.HasPrefix(p.Type, ssmValue) }

func knownType(t string) bool {
	if inner, ok := strings.CutPrefix(t, ssmValue); ok {
		t, ok = strings.CutSuffix(inner, ">")
		return ok && knownType(t) && !strings.HasPrefix(t, ssmValue)
	}
	if t == "CommaDelimitedList" {
		return true
	}
	if inner, ok := strings.CutPrefix(t, "List<"); ok {
		t, ok = strings.CutSuffix(inner, ">")
		return ok && slices.Contains(scalarTypes, t)
	}
	return slices.Contains(scalarTypes, t)
}

func (t *Template) loadParameters() error {
	v, ok := t.Root["Parameters"]
	if !ok {
		return nil
	}
	section, ok := v.(map[string]any)
	if !ok {
		return errorAt([]string{"Parameters"}, "Template format error: Parameters must be an object.")
	}
	if len(section) > maxOthers {
		return errorf("Template format error: Number of parameters, %d, is greater than maximum allowed, %d", len(section), maxOthers)
	}
	t.Parameters = make(map[string]*Parameter, len(section))
	for _, name := range slices.Sorted(maps.Keys(section)) {
		path := []string{"Parameters", name}
		if !alphanumeric(name) {
			return errorAt(path, "Template format error: Parameter name %s is non alphanumeric.", name)
		}
		m, ok := section[name].(map[string]any)
		if !ok {
			return errorAt(path, "Template format error: Any Parameters member must be an object.")
		}
		p, err := loadParameter(name, m)
		if err != nil {
			return err
		}
		t.Parameters[name] = p
	}
	return nil
}

func loadParameter(name string, m map[string]any) (*Parameter, error) {
	path := []string{"Parameters", name}
	if extra := unknownKeys(m, parameterKeys); extra != nil {
		return nil, errorAt(path, "Invalid template parameter property '%s'", extra[0])
	}
	p := &Parameter{Name: name}
	var ok bool
	if p.Type, ok = m["Type"].(string); !ok {
		return nil, errorAt(path, "Template format error: Every Parameters object must contain a Type member.")
	}
	if !knownType(p.Type) {
		return nil, errorAt(append(path, "Type"), "Template format error: Unrecognized parameter type: %s", p.Type)
	}
	if v, has := m["Default"]; has {
		text, ok := Text(v)
		if !ok {
			return nil, errorAt(append(path, "Default"), "Template format error: Every Default member must be a string.")
		}
		p.Default = &text
	}
	for key, to := range map[string]*string{
		"Description": &p.Description, "AllowedPattern": &p.AllowedPattern, "ConstraintDescription": &p.ConstraintDescription,
	} {
		if v, has := m[key]; has {
			if *to, ok = Text(v); !ok {
				return nil, errorAt(append(path, key), "Template format error: Every %s member must be a string.", key)
			}
		}
	}
	if v, has := m["NoEcho"]; has {
		text, ok := Text(v)
		if p.NoEcho = strings.EqualFold(text, "true"); !ok {
			return nil, errorAt(append(path, "NoEcho"), "Template format error: Every NoEcho member must be a boolean.")
		}
	}
	if err := p.loadAllowed(m); err != nil {
		return nil, err
	}
	return p, p.loadBounds(m)
}

func (p *Parameter) loadAllowed(m map[string]any) error {
	path := []string{"Parameters", p.Name, "AllowedValues"}
	if v, has := m["AllowedValues"]; has {
		list, ok := v.([]any)
		if !ok {
			return errorAt(path, "Template format error: AllowedValues must be a list.")
		}
		p.AllowedValues = []string{}
		for _, element := range list {
			text, ok := Text(element)
			if !ok {
				return errorAt(path, "Template format error: Every AllowedValues value must be a string.")
			}
			p.AllowedValues = append(p.AllowedValues, text)
		}
	}
	if p.AllowedPattern != "" {
		if _, err := compilePattern(p.AllowedPattern); err != nil {
			return errorAt(path, "Template error: Parameter '%s' AllowedPattern must be a valid regular expression.", p.Name)
		}
	}
	return nil
}

func (p *Parameter) loadBounds(m map[string]any) error {
	for key, to := range map[string]**float64{
		"MinLength": &p.MinLength, "MaxLength": &p.MaxLength, "MinValue": &p.MinValue, "MaxValue": &p.MaxValue,
	} {
		v, has := m[key]
		if !has {
			continue
		}
		text, _ := Text(v)
		f, err := strconv.ParseFloat(text, 64)
		if err != nil {
			return errorAt([]string{"Parameters", p.Name, key}, "Template format error: Every %s member must be a number.", key)
		}
		*to = &f
	}
	return nil
}

// Values are the parameters of a stack.
type Values struct {
	Given    map[string]string // by the caller, or the default: what DescribeStacks shows
	Resolved map[string]string // of those whose type is a stored one: what was stored
	Bound    map[string]any    // what Ref gives: a string, or a list of strings
}

// A Lookup returns the value that SSM keeps by a name.
type Lookup func(name string) (string, error)

// Bind gives the template its parameters. Those that are not given have their
// defaults; lookup, which may be nil, finds values that SSM keeps.
func (t *Template) Bind(given map[string]string, lookup Lookup) (*Values, error) {
	if err := t.checkGiven(given); err != nil {
		return nil, err
	}
	v := &Values{Given: make(map[string]string), Resolved: make(map[string]string), Bound: make(map[string]any)}
	for _, name := range slices.Sorted(maps.Keys(t.Parameters)) {
		p := t.Parameters[name]
		text, ok := given[name]
		if !ok {
			text = *p.Default
		}
		v.Given[name] = text
		if err := p.check(text); err != nil {
			return nil, err
		}
		if p.Stored() {
			if lookup == nil {
				return nil, errorf("Parameter '%s' is of type %s, and Aloft does not answer ssm:GetParameters yet.", name, p.Type)
			}
			stored, err := lookup(text)
			if err != nil {
				return nil, err
			}
			v.Resolved[name] = stored
			text = stored
		}
		v.Bound[name] = p.value(text)
	}
	return v, nil
}

// checkGiven refuses parameters that are missing, and those there are not.
func (t *Template) checkGiven(given map[string]string) error {
	var missing, extra []string
	for _, name := range slices.Sorted(maps.Keys(t.Parameters)) {
		if _, ok := given[name]; !ok && t.Parameters[name].Default == nil {
			if strings.HasPrefix(t.Parameters[name].Type, "AWS::SSM::Parameter::") {
				return errorf("Parameter %s should either have input value or default value", name)
			}
			missing = append(missing, name)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(given)) {
		if t.Parameters[name] == nil {
			extra = append(extra, name)
		}
	}
	if missing != nil {
		return errorf("Parameters: [%s] must have values", strings.Join(missing, ", "))
	}
	if extra != nil {
		return errorf("Parameters: [%s] do not exist in the template", strings.Join(extra, ", "))
	}
	return nil
}

// value is what a reference to the parameter gives.
func (p *Parameter) value(text string) any {
	if !p.IsList() {
		return text
	}
	list := []any{}
	for _, part := range listParts(text) {
		list = append(list, part)
	}
	return list
}

func listParts(text string) []string {
	if text == "" {
		return nil
	}
	parts := strings.Split(text, ",")
	for i, part := range parts {
		parts[i] = strings.TrimSpace(part)
	}
	return parts
}

// check holds a value to the constraints of the parameter.
func (p *Parameter) check(text string) error {
	if len(text) > maxParameterValue {
		return errorf("Parameter '%s' exceeds the maximum parameter value length of %d bytes.", p.Name, maxParameterValue)
	}
	reason := ""
	if p.IsList() && !p.Stored() {
		for _, part := range listParts(text) {
			if reason = p.fault(part); reason != "" {
				break
			}
		}
	} else {
		reason = p.fault(text)
	}
	switch {
	case reason == "":
		return nil
	case p.ConstraintDescription != "":
		return errorf("Parameter '%s' failed to satisfy constraint: %s", p.Name, p.ConstraintDescription)
	default:
		return errorf("Parameter '%s' %s", p.Name, reason)
	}
}

// fault says which constraint a single value does not satisfy.
func (p *Parameter) fault(text string) string {
	if p.AllowedValues != nil && !slices.Contains(p.AllowedValues, text) {
		return "must be one of AllowedValues"
	}
	if p.AllowedPattern != "" {
		if re, err := compilePattern(p.AllowedPattern); err != nil || !re.matches(text) {
			return "must match pattern " + p.AllowedPattern
		}
	}
	n := float64(utf8.RuneCountInString(text))
	if p.MinLength != nil && n < *p.MinLength {
		return "must contain at least " + strconv.FormatFloat(*p.MinLength, 'f', -1, 64) + " characters"
	}
	if p.MaxLength != nil && n > *p.MaxLength {
		return "must contain at most " + strconv.FormatFloat(*p.MaxLength, 'f', -1, 64) + " characters"
	}
	if kind := p.valueType(); p.Stored() || kind != "Number" && kind != "List<Number>" {
		return ""
	}
	f, err := strconv.ParseFloat(text, 64)
	switch {
	case err != nil:
		return "must be a number."
	case p.MinValue != nil && f < *p.MinValue:
		return "must be a number not less than " + strconv.FormatFloat(*p.MinValue, 'f', -1, 64)
	case p.MaxValue != nil && f > *p.MaxValue:
		return "must be a number not greater than " + strconv.FormatFloat(*p.MaxValue, 'f', -1, 64)
	}
	return ""
}

// BindParameters binds the parameters of a tree whose macros are still to be
// expanded, so that nothing else of it can be checked.
func BindParameters(root map[string]any, given map[string]string, lookup Lookup) (*Values, error) {
	t := &Template{Root: root}
	if err := t.loadParameters(); err != nil {
		return nil, err
	}
	return t.Bind(given, lookup)
}
