package sam

import (
	"errors"
	"maps"
	"slices"
	"strings"
)

// Name is what templates call the transform.
const Name = "AWS::Serverless-2016-10-31"

// An Input is what the transform needs besides the template.
type Input struct {
	// Parameters are the values of the template's parameters; those that
	// are missing have their defaults.
	Parameters map[string]any
	Region     string
}

// A transformer is one run of the transform.
type transformer struct {
	in         Input
	root       object // the template, changed as we go
	resources  object // its Resources, where events add to APIs and buckets
	out        object // the Resources that come of it
	conditions object // its Conditions, to which some are added
	mappings   object
	params     resolver
	refs       references
	made       map[string]*resource // all that was made, by id
	recordSets map[string]*resource // AWS::Route53::RecordSetGroup, shared by domains of APIs
	usage      usagePlan            // shared by APIs
	rollouts   []*rollout           // deployment preferences, in the order of functions
	causes     []Cause
}

// Transform returns what a template with SAM resources stands for. It does not
// change root.
func Transform(root map[string]any, in Input) (map[string]any, error) {
	t := &transformer{
		in:         in,
		root:       cloneObject(root),
		made:       make(map[string]*resource),
		recordSets: make(map[string]*resource),
		refs:       references{things: make(map[string]map[string]string), renamed: make(map[string]string)},
	}
	for _, step := range []func() error{
		t.begin, t.findApplications, t.defaultDefinitions, t.implicitAPIs, t.mergeGlobals, t.embeddedConnectors, t.expand, t.finish,
	} {
		if err := step(); err != nil {
			return nil, err
		}
	}
	return t.root, nil
}

// begin checks the outline of the template.
func (t *transformer) begin() error {
	t.resources = asObject(t.root["Resources"])
	if len(t.resources) == 0 {
		return badDocument("'Resources' section is required")
	}
	for _, v := range t.resources {
		if !isMap(v) {
			return badDocument("All 'Resources' must be Objects. If you're using YAML, this may be an indentation issue.")
		}
	}
	for _, id := range t.samResources() {
		r := asObject(t.resources[id])
		if properties, has := r["Properties"]; has && !isMap(properties) {
			return newError([]Cause{{id, badResource(id, "Attribute 'Properties' should be a map.").Error()}})
		}
		if c, has := r["Condition"]; has && given(c) && !isString(c) {
			return badDocument("Every Condition member must be a string.")
		}
	}
	t.mappings = asObject(t.root["Mappings"])
	if _, has := t.root["Mappings"]; has && t.mappings == nil {
		return badDocument("'Mappings' or 'Parameters' is either null or not a valid dictionary.")
	}
	t.params.values = t.parameterValues()
	return nil
}

func (t *transformer) parameterValues() object {
	values := object{"AWS::Region": t.in.Region, "AWS::Partition": "aws"}
	for name, v := range asObject(t.root["Parameters"]) {
		if usual, has := asObject(v)["Default"]; has {
			values[name] = usual
		}
	}
	maps.Copy(values, t.in.Parameters)
	return values
}

// samResources returns the ids of resources of SAM's types, sorted.
func (t *transformer) samResources(types ...string) []string {
	var ids []string
	for _, id := range keys(t.resources) {
		typ := asString(at(t.resources[id], "Type"))
		if len(types) == 0 && slices.Contains(samTypes, typ) || slices.Contains(types, typ) {
			ids = append(ids, id)
		}
	}
	return ids
}

// properties returns those of a resource of the template, made if it has none.
func (t *transformer) properties(id string) object {
	r := asObject(t.resources[id])
	p, ok := r["Properties"].(object)
	if !ok {
		p = object{}
		r["Properties"] = p
	}
	return p
}

// A macro is a SAM resource that is being expanded.
type macro struct {
	t         *transformer
	id, typ   string
	props     object
	attrs     object // Condition, DeletionPolicy, UpdateReplacePolicy, UpdatePolicy, Metadata
	dependsOn any
}

// A macroType is how resources of a type are expanded.
type macroType struct {
	schema schema
	expand func(*macro) ([]*resource, error)
	things map[string]string // what references may name: the type of the resource it stands for
}

// Type names of SAM.
const (
	functionType     = "AWS::Serverless::Function"
	apiType          = "AWS::Serverless::Api"
	httpAPIType      = "AWS::Serverless::HttpApi"
	webSocketType    = "AWS::Serverless::WebSocketApi"
	tableType        = "AWS::Serverless::SimpleTable"
	layerType        = "AWS::Serverless::LayerVersion"
	applicationType  = "AWS::Serverless::Application"
	stateMachineType = "AWS::Serverless::StateMachine"
	connectorType    = "AWS::Serverless::Connector"
	graphQLType      = "AWS::Serverless::GraphQLApi"
	capacityType     = "AWS::Serverless::CapacityProvider"
)

// samTypes are the types of SAM, in the order in which they are expanded.
var samTypes = []string{
	functionType, stateMachineType, apiType, httpAPIType, webSocketType, applicationType, graphQLType, layerType, tableType,
	capacityType, "AWS::Serverless::MicrovmImage", "AWS::Serverless::NetworkConnector",
	"AWS::Serverless::WebFunction", connectorType,
}

// expand makes of each SAM resource what it stands for.
func (t *transformer) expand() error {
	t.out = cloneObject(t.resources)
	t.conditions = asObject(t.root["Conditions"])
	ids := t.samResources()
	slices.SortStableFunc(ids, func(a, b string) int {
		return slices.Index(samTypes, t.typeOf(a)) - slices.Index(samTypes, t.typeOf(b))
	})
	for _, id := range ids {
		if err := t.expandOne(id); err != nil {
			if _, ends := errors.AsType[*Error](err); ends {
				return err
			}
			t.refuse(id, err)
		}
	}
	return nil
}

// refuse remembers what is wrong with a resource.
func (t *transformer) refuse(id string, err error) {
	if e, ok := errors.AsType[*resourceError](err); ok {
		id = e.id
	} else if e, ok := errors.AsType[*eventError](err); ok {
		id = e.id
	}
	t.causes = append(t.causes, Cause{id, err.Error()})
}

func (t *transformer) typeOf(id string) string { return asString(at(t.resources[id], "Type")) }

func (t *transformer) expandOne(id string) error {
	m, err := t.macro(id)
	if err != nil {
		return err
	}
	typ, known := macros[m.typ]
	if !known {
		return badResource(id, "Aloft does not transform %s yet.", m.typ)
	}
	made, err := typ.expand(m)
	if err != nil {
		return err
	}
	byType := make(map[string]string)
	for _, r := range made {
		byType[r.typ] = r.id
	}
	for thing, of := range typ.things {
		if byType[of] != "" {
			t.refs.add(id, thing, byType[of])
		}
	}
	if id != m.id {
		t.refs.renamed[id] = m.id
	}
	delete(t.out, id)
	for _, r := range made {
		if existing := t.typeOf(r.id); existing != "" && !replaces(r.typ, existing) {
			t.causes = append(t.causes, Cause{id, (&duplicateError{id, r.id, r.typ}).Error()})
			continue
		}
		t.made[r.id] = r
		t.out[r.id] = r.tree()
	}
	return nil
}

// macro checks a SAM resource and readies it to be expanded.
func (t *transformer) macro(id string) (*macro, error) {
	r := asObject(t.resources[id])
	m := &macro{t: t, id: id, typ: asString(r["Type"]), attrs: object{}, dependsOn: r["DependsOn"]}
	if !alphanumeric.MatchString(id) {
		return nil, badResource(id, "Logical ids must be alphanumeric.")
	}
	properties := t.properties(id)
	if err := expandPolicyTemplates(m.typ, id, properties); err != nil {
		return nil, err
	}
	m.props = maps.Clone(properties)
	copyMembers(m.attrs, r, "DeletionPolicy", "UpdatePolicy", "Condition", "UpdateReplacePolicy", "Metadata")
	if _, known := macros[m.typ]; !known {
		return m, nil
	}
	return m, macros[m.typ].schema.check(id, m.props)
}

// passed returns the attributes that what a resource stands for has too.
func (m *macro) passed() object { return passed(m.attrs) }

func passed(attrs object) object {
	out := object{}
	copyMembers(out, attrs, "Condition", "DeletionPolicy", "UpdateReplacePolicy")
	return out
}

// text returns a property whose references to parameters are replaced.
func (m *macro) resolved(name string) (any, error) { return m.t.params.resolve(m.props[name]) }

// A resource is one that CloudFormation knows.
type resource struct {
	id, typ   string
	dependsOn any
	attrs     object
	props     object
}

func newResource(typ, id string, attrs object) *resource {
	return &resource{id: id, typ: typ, attrs: attrs, props: object{}}
}

func (r *resource) tree() object {
	tree := object{"Type": r.typ, "Properties": r.props}
	maps.Copy(tree, r.attrs)
	if given(r.dependsOn) {
		tree["DependsOn"] = r.dependsOn
	}
	return tree
}

func (r *resource) ref() object { return ref(r.id) }
func (r *resource) arn() object { return getAtt(r.id, "Arn") }

// replaces says whether a resource of type made may have the id of an existing
// one of type old: because it is what that stands for, or that itself.
func replaces(made, old string) bool {
	switch made {
	case "AWS::Lambda::Function":
		return old == functionType
	case "AWS::Lambda::LayerVersion":
		return old == layerType
	case "AWS::ApiGateway::RestApi":
		return old == apiType
	case "AWS::ApiGatewayV2::Api":
		return old == httpAPIType || old == webSocketType
	case "AWS::DynamoDB::Table":
		return old == tableType
	case "AWS::CloudFormation::Stack":
		return old == applicationType
	case "AWS::StepFunctions::StateMachine":
		return old == stateMachineType
	case "AWS::AppSync::GraphQLApi":
		return old == graphQLType
	case "AWS::S3::Bucket", "AWS::SNS::Topic", "AWS::Cognito::UserPool", "AWS::ApiGateway::DomainName",
		"AWS::ApiGateway::BasePathMapping", "AWS::ApiGateway::DomainNameV2", "AWS::ApiGateway::BasePathMappingV2":
		return old == made
	}
	return strings.TrimPrefix(made, "AWS::Lambda::") == strings.TrimPrefix(old, "AWS::Serverless::")
}

// finish puts the template together.
func (t *transformer) finish() error {
	t.deploymentGroups()
	if len(t.causes) > 0 {
		return newError(t.causes)
	}
	t.root["Resources"] = t.out
	if t.conditions != nil {
		t.root["Conditions"] = t.conditions
	}
	delete(t.root, "Transform")
	t.refs.rewrite(t.root)
	return nil
}

// addCondition adds a condition to those of the template.
func (t *transformer) addCondition(name string, v any) {
	if t.conditions == nil {
		t.conditions = object{}
	}
	t.conditions[name] = v
}

// propagateTags gives tags to all that was made that can have them.
func propagateTags(made []*resource, tags object) {
	for _, r := range made {
		switch {
		case r.typ == "AWS::ApiGatewayV2::Stage", r.typ == "AWS::ApiGatewayV2::DomainName":
			r.props["Tags"] = tags
		case slices.Contains(taggable, r.typ):
			r.props["Tags"] = tagList(tags)
		}
	}
}

// taggable are the types that can have tags as a list.
var taggable = []string{
	"AWS::Lambda::Function", "AWS::CloudFormation::Stack", "AWS::SNS::Topic", "AWS::StepFunctions::StateMachine",
	"AWS::IoT::TopicRule", "AWS::IAM::Role", "AWS::S3::Bucket", "AWS::DynamoDB::Table", "AWS::ApiGateway::RestApi",
	"AWS::ApiGateway::Stage", "AWS::ApiGateway::DomainName", "AWS::ApiGateway::DomainNameV2", "AWS::ApiGateway::UsagePlan",
	"AWS::ApiGateway::ApiKey", "AWS::CodeDeploy::Application", "AWS::CodeDeploy::DeploymentGroup", "AWS::SQS::Queue",
	"AWS::AppSync::GraphQLApi",
}
