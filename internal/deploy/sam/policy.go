package sam

import (
	_ "embed"
	"maps"
	"regexp"
	"slices"
	"strings"
	"sync"
)

//go:embed policytemplates.txt
var policyTemplatesText string

//go:embed managedpolicies.txt
var managedPoliciesText string

// A policyTemplate makes the statements of a policy of a few parameters.
type policyTemplate struct {
	parameters []string
	statements []any
}

// policyTemplates reads policytemplates.txt, which says how it is written.
var policyTemplates = sync.OnceValue(func() map[string]*policyTemplate {
	templates := make(map[string]*policyTemplate)
	var current *policyTemplate
	var statement object
	for line := range strings.Lines(policyTemplatesText) {
		line = strings.TrimSuffix(line, "\n")
		words := strings.Fields(line)
		if len(words) == 0 || words[0] == "#" {
			continue
		}
		if line[0] != '\t' {
			current = &policyTemplate{parameters: words[1:]}
			templates[words[0]] = current
			continue
		}
		switch words[0] {
		case "allow", "only":
			statement = object{"Effect": "Allow", "Action": words[1]}
			if words[0] == "allow" {
				var actions []any
				for _, action := range words[1:] {
					actions = append(actions, action)
				}
				statement["Action"] = actions
			}
			current.statements = append(current.statements, statement)
		case "on":
			statement["Resource"] = current.value(words[1])
		case "each":
			statement["Resource"] = append(asList(statement["Resource"]), current.value(words[1]))
		case "when":
			statement["Condition"] = object{words[1]: object{words[2]: current.value(words[3])}}
		}
	}
	return templates
})

var templateVariable = regexp.MustCompile(`\$\{([A-Za-z0-9]+)\}`)

// value makes an Fn::Sub of a text with variables. Those that are parameters
// are its names, and stand as {parameter} until the template is used.
func (p *policyTemplate) value(text string) any {
	if !strings.Contains(text, "${") {
		return text
	}
	names := object{}
	for _, m := range templateVariable.FindAllStringSubmatch(text, -1) {
		for _, parameter := range p.parameters {
			if strings.EqualFold(parameter, m[1]) {
				names[m[1]] = policyParameter(parameter)
			}
		}
	}
	return sub(text, names)
}

// A policyParameter stands for a parameter's value.
type policyParameter string

// fill returns the policy for values of its parameters.
func (p *policyTemplate) fill(values object) object {
	var replace func(v any) any
	replace = func(v any) any {
		switch v := v.(type) {
		case policyParameter:
			return values[string(v)]
		case object:
			out := make(object, len(v))
			for key, member := range v {
				out[key] = replace(member)
			}
			return out
		case []any:
			out := make([]any, len(v))
			for i, element := range v {
				out[i] = replace(element)
			}
			return out
		}
		return v
	}
	return object{"Statement": replace(p.statements)}
}

// Kinds of entries of Policies.
const (
	unknownPolicy = iota
	managedPolicy
	policyDocument
	templatePolicy
)

const mixedPolicies = "Different policy types within the same Fn::If statement is unsupported. Separate different policy types into different Fn::If statements"

// policyKind says what an entry of Policies is.
func policyKind(v any, templates bool) (int, error) {
	m, isMap := v.(object)
	switch {
	case isString(v):
		return managedPolicy, nil
	case isIf(v):
		args, ok := ifArgs(v)
		if !ok {
			return 0, badTemplate("Fn::If requires 3 arguments")
		}
		yes, err := policyKind(args[1], templates)
		if err != nil {
			return 0, err
		}
		no, err := policyKind(args[2], templates)
		switch {
		case err != nil:
			return 0, err
		case yes == no || isNoValue(args[2]):
			return yes, nil
		case isNoValue(args[1]):
			return no, nil
		}
		return 0, badTemplate(mixedPolicies)
	case isCall(v):
		return managedPolicy, nil
	case isMap && m["Statement"] != nil:
		return policyDocument, nil
	case isMap && len(m) == 1 && templates && policyTemplates()[keys(m)[0]] != nil:
		return templatePolicy, nil
	}
	return unknownPolicy, nil
}

// policyList returns the entries of a Policies property.
func policyList(v any) []any {
	if !given(v) {
		return nil
	}
	if list, ok := v.([]any); ok {
		return list
	}
	return []any{v}
}

// expandPolicyTemplates replaces the policy templates of a resource by policies.
func expandPolicyTemplates(typ, id string, properties object) error {
	if typ != functionType && typ != stateMachineType {
		return nil
	}
	list := policyList(properties["Policies"])
	if list == nil {
		return nil
	}
	out := make([]any, len(list))
	for i, entry := range list {
		kind, err := policyKind(entry, true)
		if err != nil {
			return err
		}
		out[i] = entry
		if kind != templatePolicy {
			continue
		}
		if args, ok := ifArgs(entry); ok {
			branches := []any{args[0], args[1], args[2]}
			for b := 1; b <= 2; b++ {
				if isNoValue(args[b]) {
					continue
				}
				if branches[b], err = fillTemplate(id, asObject(args[b])); err != nil {
					return err
				}
			}
			out[i] = object{"Fn::If": branches}
			continue
		}
		if out[i], err = fillTemplate(id, asObject(entry)); err != nil {
			return err
		}
	}
	properties["Policies"] = out
	return nil
}

func fillTemplate(id string, entry object) (any, error) {
	name := keys(entry)[0]
	p := policyTemplates()[name]
	values, ok := entry[name].(object)
	if !ok || p == nil {
		return nil, badResource(id, "Must specify valid parameter values for policy template '%s'", name)
	}
	var missing []string
	for _, parameter := range p.parameters {
		if _, has := values[parameter]; !has {
			missing = append(missing, parameter)
		}
	}
	if missing != nil {
		slices.Sort(missing)
		return nil, badResource(id, "Following required parameters of template '%s' don't have values: %s", name, quoted(missing))
	}
	return p.fill(values), nil
}

// managedPolicies maps the names of AWS's own policies to their paths.
var managedPolicies = sync.OnceValue(func() map[string]string {
	paths := make(map[string]string)
	for line := range strings.Lines(managedPoliciesText) {
		if path := strings.TrimSpace(line); path != "" && path[0] != '#' {
			paths[path[strings.LastIndexByte(path, '/')+1:]] = path
		}
	}
	return paths
})

// managedARN is the ARN of one of AWS's own policies, by its path.
func managedARN(path string) string { return "arn:aws:iam::aws:policy/" + path }

// policyARN returns the ARN of the policy of a name, or the name if it is none
// of AWS's own.
func policyARN(name string) string {
	if path, ok := managedPolicies()[name]; ok {
		return managedARN(path)
	}
	return name
}

// A roleSpec is what a role for a resource is made of.
type roleSpec struct {
	resource  string // that acts as the role
	attrs     object
	assume    any
	policies  any      // the Policies property
	managed   []string // ARNs
	documents []any    // inline policies that come first
	path      any
	boundary  any
	tags      []any
}

// role makes the role of a resource.
func (s roleSpec) role() (*resource, error) {
	r := newResource("AWS::IAM::Role", s.resource+"Role", s.attrs)
	managed := []any{}
	for _, arn := range s.managed {
		managed = append(managed, arn)
	}
	documents := s.documents
	for i, entry := range policyList(s.policies) {
		kind, err := policyKind(entry, false)
		if err != nil {
			return nil, err
		}
		switch kind {
		case policyDocument:
			name := r.id + "Policy" + itoa(i)
			documents = append(documents, mapBranches(entry, func(v any) any {
				return object{"PolicyName": name, "PolicyDocument": v}
			}))
		case managedPolicy:
			arn := mapBranches(entry, func(v any) any {
				if name, ok := v.(string); ok {
					return policyARN(name)
				}
				return v
			})
			if !contains(managed, arn) {
				managed = append(managed, arn)
			}
		default:
			return nil, badResource(s.resource, "Policy at index %d in the 'Policies' property is not valid", i)
		}
	}
	r.props["AssumeRolePolicyDocument"] = s.assume
	r.props["ManagedPolicyArns"] = managed
	if len(documents) > 0 {
		r.props["Policies"] = documents
	}
	put(r.props, "Path", s.path)
	put(r.props, "PermissionsBoundary", s.boundary)
	if s.tags != nil {
		r.props["Tags"] = s.tags
	}
	return r, nil
}

// mapBranches applies f to v, or to both branches of v if it is an Fn::If.
func mapBranches(v any, f func(any) any) any {
	args, ok := ifArgs(v)
	if !ok || !isIf(v) {
		return f(v)
	}
	out := slices.Clone(args)
	for b := 1; b <= 2; b++ {
		if !isNoValue(args[b]) {
			out[b] = f(args[b])
		}
	}
	return object{"Fn::If": out}
}

// assumeRole lets a service act as a role.
func assumeRole(service string) object {
	return object{"Version": "2012-10-17", "Statement": []any{object{
		"Action": []any{"sts:AssumeRole"}, "Effect": "Allow", "Principal": object{"Service": []any{service}},
	}}}
}

// allow is an inline policy of one statement.
func allow(name string, action, on any) object {
	return object{"PolicyName": name, "PolicyDocument": object{"Statement": []any{
		object{"Action": action, "Effect": "Allow", "Resource": on},
	}}}
}

// allowSend is the policy to send to a destination of one of the kinds that
// event sources and asynchronous invokes know. Others need none.
func allowSend(kind, id string, on any) object {
	switch kind {
	case "SQS":
		return allow(id+"SQSPolicy", "sqs:SendMessage", on)
	case "SNS":
		return allow(id+"SNSPolicy", "sns:publish", on)
	case "EventBridge":
		return allow(id+"EventBridgePolicy", "events:PutEvents", on)
	case "Lambda":
		return allow(id+"LambdaPolicy", "lambda:InvokeFunction", on)
	case "S3", "S3Bucket":
		return object{"PolicyName": id + "S3Policy", "PolicyDocument": object{"Statement": []any{
			object{"Action": "s3:PutObject", "Effect": "Allow", "Resource": object{"Fn::Join": []any{"/", []any{on, "*"}}}},
			object{"Action": "s3:ListBucket", "Effect": "Allow", "Resource": on},
		}}}
	}
	return nil
}

// PolicyTemplates returns the names of the policy templates, sorted.
func PolicyTemplates() []string { return slices.Sorted(maps.Keys(policyTemplates())) }
