package template

import (
	"maps"
	"slices"
	"strings"
)

// A Template is a template that has passed CloudFormation's checks of form.
type Template struct {
	Root        map[string]any // what it was made of
	Description string
	Metadata    map[string]any
	Transforms  []string // names of the macros it asked for
	Parameters  map[string]*Parameter
	Mappings    map[string]map[string]map[string]any
	Conditions  map[string]any
	Rules       map[string]*Rule
	Resources   map[string]*Resource
	Outputs     map[string]*Output
}

// A Resource is one member of Resources.
type Resource struct {
	ID             string // logical: the key in Resources
	Type           string
	Properties     map[string]any // nil if it has none
	Metadata       any
	DependsOn      []string
	Condition      string // empty: always there
	DeletionPolicy string // empty: Delete
	ReplacePolicy  string // UpdateReplacePolicy; empty: Delete
	CreationPolicy map[string]any
	UpdatePolicy   map[string]any
}

// An Output is one member of Outputs.
type Output struct {
	Description string
	Value       any
	Condition   string
	Export      any // the name it is exported by, nil if it is not
}

// Policies for what becomes of a resource that its stack no longer has.
const (
	Delete                 = "Delete"
	Retain                 = "Retain"
	RetainExceptOnCreate   = "RetainExceptOnCreate"
	Snapshot               = "Snapshot"
	maxResources           = 500
	maxOthers              = 200 // parameters, outputs, mappings
	maxDescription         = 1024
	maxLogicalID           = 255
	maxMappingAttributes   = 200
	supportedFormatVersion = "2010-09-09"
)

var topLevel = []string{
	"AWSTemplateFormatVersion", "Conditions", "Description", "Hooks", "Mappings", "Metadata",
	"Outputs", "Parameters", "Resources", "Rules", "Transform",
}

// Load makes a Template of a tree whose macros have been expanded, or says what
// is wrong with it. It looks at form alone: whether types and properties exist
// is for those who make resources.
func Load(root map[string]any) (*Template, error) {
	if extra := unknownKeys(root, topLevel); extra != nil {
		return nil, errorf("Invalid template property or properties [%s]", strings.Join(extra, ", "))
	}
	t := &Template{Root: root}
	for _, load := range []func() error{
		t.loadHead, t.loadParameters, t.loadMappings, t.loadConditions, t.loadRules, t.loadResources, t.loadOutputs,
		t.checkNulls, t.checkNames, t.checkFunctions, t.checkReferences,
	} {
		if err := load(); err != nil {
			return nil, err
		}
	}
	return t, nil
}

// unknownKeys returns the keys of m that are not among known, sorted.
func unknownKeys(m map[string]any, known []string) []string {
	var extra []string
	for _, key := range slices.Sorted(maps.Keys(m)) {
		if !slices.Contains(known, key) {
			extra = append(extra, key)
		}
	}
	return extra
}

func (t *Template) loadHead() error {
	if v, ok := t.Root["AWSTemplateFormatVersion"]; ok && v != supportedFormatVersion {
		return errorf("Template format error: unsupported value for AWSTemplateFormatVersion.")
	}
	if v, ok := t.Root["Description"]; ok {
		s, isText := v.(string)
		if !isText {
			return errorf("Template format error: Description must be a string.")
		}
		if len(s) > maxDescription {
			return errorf("Template format error: 'Description' length is greater than %d", maxDescription)
		}
		t.Description = s
	}
	if v, ok := t.Root["Metadata"]; ok {
		m, isMap := v.(map[string]any)
		if !isMap {
			return errorf("Template format error: Metadata must be an object.")
		}
		t.Metadata = m
	}
	for _, transform := range Transforms(t.Root) {
		t.Transforms = append(t.Transforms, transform.Name)
	}
	return nil
}

// A Transform is a macro that a template asks for.
type Transform struct {
	Name       string
	Parameters map[string]any
}

// Transforms returns the macros that a whole template asks for, in the order
// in which they are to run.
func Transforms(root map[string]any) []Transform {
	var found []Transform
	add := func(v any) {
		switch v := v.(type) {
		case string:
			found = append(found, Transform{Name: v})
		case map[string]any:
			name, _ := v["Name"].(string)
			parameters, _ := v["Parameters"].(map[string]any)
			if name != "" {
				found = append(found, Transform{Name: name, Parameters: parameters})
			}
		}
	}
	if list, ok := root["Transform"].([]any); ok {
		for _, v := range list {
			add(v)
		}
	} else {
		add(root["Transform"])
	}
	return found
}

// section returns a section of the template, which must be a map of maps.
func (t *Template) section(name string) (map[string]any, error) {
	v, ok := t.Root[name]
	if !ok {
		return nil, nil
	}
	m, ok := v.(map[string]any)
	if !ok {
		return nil, errorAt([]string{name}, "Template format error: %s must be an object.", name)
	}
	for key, member := range m {
		if _, ok := member.(map[string]any); !ok {
			return nil, errorAt([]string{name, key}, "Template format error: Any %s member must be an object.", name)
		}
	}
	return m, nil
}

func alphanumeric(s string) bool {
	for _, c := range []byte(s) {
		if (c < '0' || '9' < c) && (c < 'A' || 'Z' < c) && (c < 'a' || 'z' < c) {
			return false
		}
	}
	return s != ""
}

var mappingKeys = func(c rune) bool {
	return c == '-' || c == '.' || '0' <= c && c <= '9' || 'A' <= c && c <= 'Z' || 'a' <= c && c <= 'z'
}

func (t *Template) loadMappings() error {
	section, err := t.section("Mappings")
	if err != nil {
		return err
	}
	if len(section) > maxOthers {
		return errorf("Template format error: Number of mappings, %d, is greater than maximum allowed, %d", len(section), maxOthers)
	}
	t.Mappings = make(map[string]map[string]map[string]any, len(section))
	for _, name := range slices.Sorted(maps.Keys(section)) {
		m := make(map[string]map[string]any)
		for key, row := range section[name].(map[string]any) {
			attributes, err := mappingRow(name, key, row)
			if err != nil {
				return err
			}
			m[key] = attributes
		}
		t.Mappings[name] = m
	}
	return nil
}

func mappingRow(name, key string, row any) (map[string]any, error) {
	path := []string{"Mappings", name, key}
	attributes, ok := row.(map[string]any)
	if !ok {
		return nil, errorAt(path, "Template format error: Every Mappings member %s must be a map", name)
	}
	if len(attributes) > maxMappingAttributes {
		return nil, errorAt(path, "Template format error: Number of attributes for mapping, %d, is greater than maximum allowed, %d", len(attributes), maxMappingAttributes)
	}
	for _, attribute := range slices.Sorted(maps.Keys(attributes)) {
		if strings.TrimFunc(attribute, mappingKeys) != "" {
			return nil, errorAt(path, "Template format error: Mappings attribute name '%s' must contain only alphanumeric characters.", attribute)
		}
		v := attributes[attribute]
		if list, isList := v.([]any); isList {
			for _, element := range list {
				if !isScalar(element) {
					return nil, errorAt(path, "Template format error: Every Mappings attribute must be a String or a List.")
				}
			}
		} else if !isScalar(v) {
			return nil, errorAt(path, "Template format error: Every Mappings attribute must be a String or a List.")
		}
	}
	return attributes, nil
}

func (t *Template) loadConditions() error {
	v, ok := t.Root["Conditions"]
	if !ok {
		return nil
	}
	m, ok := v.(map[string]any)
	if !ok {
		return errorAt([]string{"Conditions"}, "Template format error: Conditions must be an object.")
	}
	for _, name := range slices.Sorted(maps.Keys(m)) {
		if _, ok := m[name].(map[string]any); !ok {
			return errorAt([]string{"Conditions", name}, "Template format error: Any Conditions member must be an object.")
		}
	}
	t.Conditions = m
	return nil
}

var resourceKeys = []string{
	"Condition", "CreationPolicy", "DeletionPolicy", "DependsOn", "Metadata", "Properties", "Type",
	"UpdatePolicy", "UpdateReplacePolicy", "Version",
}

func (t *Template) loadResources() error {
	section, err := t.section("Resources")
	if err != nil {
		return err
	}
	if len(section) == 0 {
		return errorf("Template format error: At least one Resources member must be defined.")
	}
	if len(section) > maxResources {
		return errorf("Template format error: Number of resources, %d, is greater than maximum allowed, %d", len(section), maxResources)
	}
	t.Resources = make(map[string]*Resource, len(section))
	for _, id := range slices.Sorted(maps.Keys(section)) {
		if !alphanumeric(id) {
			return errorAt([]string{"Resources", id}, "Template format error: Resource name %s is non alphanumeric.", id)
		}
		if len(id) > maxLogicalID {
			return errorAt([]string{"Resources", id}, "Template format error: Resource name %s exceeds the maximum resource name length of %d characters.", id, maxLogicalID)
		}
		r, err := loadResource(id, section[id].(map[string]any))
		if err != nil {
			return err
		}
		t.Resources[id] = r
	}
	return nil
}

func loadResource(id string, m map[string]any) (*Resource, error) {
	path := []string{"Resources", id}
	if extra := unknownKeys(m, resourceKeys); extra != nil {
		return nil, errorAt(append(path, extra[0]), "Invalid template resource property '%s'", extra[0])
	}
	typ, ok := m["Type"].(string)
	if !ok || typ == "" {
		return nil, errorAt(path, "Template format error: [/Resources/%s] Every Resources object must contain a Type member.", id)
	}
	r := &Resource{ID: id, Type: typ, Metadata: m["Metadata"]}
	var err error
	for key, to := range map[string]*map[string]any{
		"Properties": &r.Properties, "CreationPolicy": &r.CreationPolicy, "UpdatePolicy": &r.UpdatePolicy,
	} {
		if *to, err = object(m, key, path); err != nil {
			return nil, err
		}
	}
	if v, ok := m["Condition"]; ok {
		if r.Condition, ok = v.(string); !ok {
			return nil, errorAt(append(path, "Condition"), "Template format error: Every Condition member must be a string.")
		}
	}
	if r.DependsOn, err = dependsOn(m["DependsOn"], path); err != nil {
		return nil, err
	}
	if r.DeletionPolicy, err = policy(m, "DeletionPolicy", id, Delete, Retain, Snapshot, RetainExceptOnCreate); err != nil {
		return nil, err
	}
	if r.ReplacePolicy, err = policy(m, "UpdateReplacePolicy", id, Delete, Retain, Snapshot); err != nil {
		return nil, err
	}
	return r, nil
}

func object(m map[string]any, key string, path []string) (map[string]any, error) {
	v, ok := m[key]
	if !ok {
		return nil, nil
	}
	o, ok := v.(map[string]any)
	if !ok {
		return nil, errorAt(append(path, key), "Template format error: %s must be an object in resource %s", key, path[len(path)-1])
	}
	return o, nil
}

func dependsOn(v any, path []string) ([]string, error) {
	switch v := v.(type) {
	case nil:
		return nil, nil
	case string:
		return []string{v}, nil
	case []any:
		var ids []string
		for _, element := range v {
			id, ok := element.(string)
			if !ok {
				return nil, errorAt(append(path, "DependsOn"), "Template format error: Every DependsOn value must be a string.")
			}
			ids = append(ids, id)
		}
		return ids, nil
	}
	return nil, errorAt(append(path, "DependsOn"), "Template format error: DependsOn must be a string or list of strings.")
}

// policy reads one of the policies of a resource. Functions in it are for the
// language extensions to replace before.
func policy(m map[string]any, key, id string, known ...string) (string, error) {
	v, ok := m[key]
	if !ok {
		return "", nil
	}
	s, ok := v.(string)
	if !ok {
		return "", errorAt([]string{"Resources", id, key}, "Template format error: Every %s member must be a string.", key)
	}
	if !slices.Contains(known, s) {
		return "", errorAt([]string{"Resources", id, key}, "Template format error: Unrecognized %s %s for resource %s", key, s, id)
	}
	return s, nil
}

func (t *Template) loadOutputs() error {
	v, ok := t.Root["Outputs"]
	if !ok {
		return nil
	}
	section, ok := v.(map[string]any)
	if !ok {
		return errorAt([]string{"Outputs"}, "Template format error: Outputs must be an object.")
	}
	if len(section) > maxOthers {
		return errorf("Template format error: Number of outputs, %d, is greater than maximum allowed, %d", len(section), maxOthers)
	}
	t.Outputs = make(map[string]*Output, len(section))
	for _, name := range slices.Sorted(maps.Keys(section)) {
		if !alphanumeric(name) {
			return errorAt([]string{"Outputs", name}, "Template format error: Outputs name '%s' is non alphanumeric.", name)
		}
		o, err := loadOutput(name, section[name])
		if err != nil {
			return err
		}
		t.Outputs[name] = o
	}
	return nil
}

func loadOutput(name string, v any) (*Output, error) {
	path := []string{"Outputs", name}
	m, ok := v.(map[string]any)
	value, has := m["Value"]
	if !ok || !has {
		return nil, errorAt(path, "Template format error: Every Outputs member must contain a Value object")
	}
	if extra := unknownKeys(m, []string{"Condition", "Description", "Export", "Value"}); extra != nil {
		return nil, errorAt(path, "Invalid output property or properties [%s]", strings.Join(extra, ", "))
	}
	o := &Output{Value: value}
	o.Description, _ = m["Description"].(string)
	if o.Condition, ok = m["Condition"].(string); !ok && m["Condition"] != nil {
		return nil, errorAt(path, "Template format error: Every Condition member must be a string.")
	}
	if export, has := m["Export"]; has {
		e, ok := export.(map[string]any)
		if !ok || e["Name"] == nil || len(e) != 1 {
			return nil, errorAt(path, "Template format error: Output %s is malformed. The Name field of every Export member must be specified and consist only of alphanumeric characters, colons, or hyphens.", name)
		}
		o.Export = e["Name"]
	}
	return o, nil
}

// isScalar says whether v may stand where CloudFormation wants a string.
func isScalar(v any) bool {
	switch v.(type) {
	case string, bool, Number:
		return true
	}
	return false
}

// Text returns the text of a scalar, as it becomes part of a string.
func Text(v any) (string, bool) {
	switch v := v.(type) {
	case string:
		return v, true
	case Number:
		return v.String(), true
	case bool:
		if v {
			return "true", true
		}
		return "false", true
	}
	return "", false
}
