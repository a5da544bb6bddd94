package serverless

import (
	"maps"
	"slices"
	"strings"
)

// A function is one of the service's.
type function struct {
	key    string // in the file
	name   string // FunctionName
	path   []string
	config object
	events []event
	alias  string // that events go to: "provisioned", "snapstart" or ""
}

// An event is one entry of a function's events.
type event struct {
	fn     *function
	kind   string
	config any // object or text
	path   []string
	index  int // of all events of the function, from 1
}

// get returns a member of the event's configuration, if it has members.
func (e event) get(path ...string) any { return at(e.config, path...) }

// target is the ARN that events invoke.
func (f *function) target() object {
	arn := getAtt(functionID(f.key), "Arn")
	if f.alias == "" {
		return arn
	}
	return join(":", arn, f.alias)
}

// aliasID is the logical id of the alias that events go to, or nil.
func (f *function) aliasID() any {
	switch f.alias {
	case "provisioned":
		return logical(f.key) + "ProvConcLambdaAlias"
	case "snapstart":
		return logical(f.key) + "SnapStartLambdaAlias"
	case "":
		return nil
	}
	return functionID(f.key) + "Alias" + alphanumeric(f.alias)
}

// normalizeHead makes what variables refer to as later versions have it.
func (s *Service) normalizeHead() error {
	switch p := s.root["provider"].(type) {
	case string:
		s.root["provider"] = object{"name": p}
	case nil:
		return s.errorAt(nil, "there is no provider")
	}
	return nil
}

// normalize makes new spellings of older ones, once variables are resolved.
func (s *Service) normalize(env map[string]string) error {
	if name := at(s.root["service"], "name"); name != nil {
		s.root["service"] = name
	}
	if name := text(s.provider()["name"]); name != "aws" {
		return s.errorAt([]string{"provider", "name"}, "Aloft deploys what is for aws, not for %q", name)
	}
	for _, section := range []string{"functions", "resources"} {
		if err := s.mergeList(section); err != nil {
			return err
		}
	}
	s.normalizeProvider()
	if err := s.expandConstructs(); err != nil {
		return err
	}
	for _, p := range texts(pluginList(s.root["plugins"])) {
		if p == "serverless-iamroles" {
			p = "serverless-iam-roles-per-function" // which has its name for the same
		}
		s.plugins[p] = true
	}
	if s.plugins["serverless-pseudo-parameters"] {
		s.root["functions"] = pseudo(s.root["functions"])
		s.root["resources"] = pseudo(s.root["resources"])
		s.root["provider"] = pseudo(s.root["provider"])
	}
	if s.plugins["serverless-dotenv-plugin"] {
		s.shareEnv(env)
	}
	if s.plugins["serverless-express"] {
		s.sharedEnv()["SERVERLESS_EXPRESS_PLATFORM"] = "aws" // by which its handler knows where it is
	}
	s.layers = keys(asObject(s.root["layers"]))
	functions := asObject(s.root["functions"])
	for _, key := range keys(functions) {
		if functions[key] == nil {
			continue
		}
		f, err := s.newFunction(key, functions[key])
		if err != nil {
			return err
		}
		s.functions = append(s.functions, f)
	}
	slices.SortStableFunc(s.functions, func(a, b *function) int { return s.line(a.path) - s.line(b.path) })
	return s.checkKeys()
}

// mergeList makes one map of a section that is a list of them.
func (s *Service) mergeList(section string) error {
	parts, ok := s.root[section].([]any)
	if !ok {
		return nil
	}
	all := object{}
	for _, part := range parts {
		m, ok := part.(object)
		if part != nil && !ok {
			return s.errorAt([]string{section}, "want a list of maps")
		}
		merge(all, m)
	}
	s.root[section] = all
	return nil
}

// moved are members of provider that belong elsewhere since version 3.
var moved = map[string][]string{
	"apiKeys":                 {"apiGateway", "apiKeys"},
	"usagePlan":               {"apiGateway", "usagePlan"},
	"resourcePolicy":          {"apiGateway", "resourcePolicy"},
	"iamRoleStatements":       {"iam", "role", "statements"},
	"iamManagedPolicies":      {"iam", "role", "managedPolicies"},
	"rolePermissionsBoundary": {"iam", "role", "permissionsBoundary"},
	"cfnRole":                 {"iam", "deploymentRole"},
}

func (s *Service) normalizeProvider() {
	p := s.provider()
	for _, old := range keys(moved) {
		v, has := p[old]
		if !has {
			continue
		}
		to := moved[old]
		around := p
		for _, key := range to[:len(to)-1] {
			if asObject(around[key]) == nil {
				around[key] = object{}
			}
			around = asObject(around[key])
		}
		last := to[len(to)-1]
		if _, has := around[last]; !has {
			around[last] = v
		}
		delete(p, old)
	}
	if role, has := p["role"]; has {
		p["iam"] = object{"role": role} // it takes the place of one we would make
		delete(p, "role")
	}
	if name, isText := p["deploymentBucket"].(string); isText {
		p["deploymentBucket"] = object{"name": name}
	}
}

func (s *Service) newFunction(key string, v any) (*function, error) {
	f := &function{key: key, path: []string{"functions", key}}
	var ok bool
	if f.config, ok = v.(object); !ok {
		return nil, s.errorAt(f.path, "want a map")
	}
	f.name = text(f.config["name"])
	if f.name == "" {
		f.name = s.prefix() + "-" + key
	}
	switch {
	case truthy(f.config["snapStart"]) && truthy(f.config["provisionedConcurrency"]):
		return nil, s.errorAt(f.path, "a function cannot have both snapStart and provisionedConcurrency")
	case truthy(f.config["provisionedConcurrency"]):
		f.alias = "provisioned"
	case truthy(f.config["snapStart"]):
		f.alias = "snapstart"
	default:
		f.alias = text(s.shifting(f.config)["alias"])
	}
	for i, v := range list(f.config["events"]) {
		e := event{fn: f, path: in(f.path, "events", itoa(i)), index: i + 1}
		switch v := v.(type) {
		case nil:
			continue
		case string:
			e.kind = v
		case object:
			for _, kind := range keys(v) {
				e.kind, e.config = kind, v[kind]
				f.events = append(f.events, e)
			}
			continue
		default:
			return nil, s.errorAt(e.path, "want an event")
		}
		f.events = append(f.events, e)
	}
	return f, nil
}

// pluginList returns the plugins, which may be under modules.
func pluginList(v any) any {
	if modules := at(v, "modules"); modules != nil {
		return modules
	}
	return v
}

// sharedEnv is the environment of all functions.
func (s *Service) sharedEnv() object {
	vars := asObject(s.provider()["environment"])
	if vars == nil {
		vars = object{}
		s.provider()["environment"] = vars
	}
	return vars
}

// shareEnv gives all functions what the .env files set, as the plugin does.
func (s *Service) shareEnv(env map[string]string) {
	vars := s.sharedEnv()
	include, exclude := texts(at(s.root, "custom", "dotenv", "include")), texts(at(s.root, "custom", "dotenv", "exclude"))
	for name, v := range maps.All(env) {
		if _, has := vars[name]; has || slices.Contains(exclude, name) || include != nil && !slices.Contains(include, name) {
			continue
		}
		vars[name] = v
	}
}

// pseudo writes #{AWS::Region}, which a plugin takes, as Fn::Sub.
func pseudo(v any) any {
	switch v := v.(type) {
	case object:
		for key, member := range v {
			if key == "Fn::Sub" {
				if s, isText := member.(string); isText {
					v[key] = strings.ReplaceAll(s, "#{", "${")
				}
				continue
			}
			v[key] = pseudo(member)
		}
	case []any:
		for i, e := range v {
			v[i] = pseudo(e)
		}
	case string:
		if strings.Contains(v, "#{") {
			return sub(strings.ReplaceAll(strings.ReplaceAll(v, "${", "${!"), "#{", "${"))
		}
	}
	return v
}

// ownSyntax takes the one syntax of variables that applications used to choose
// instead of the usual: ${{…}}, to keep ${…} for CloudFormation.
func (r *resolver) ownSyntax(expression string) {
	if r.braces = strings.Contains(expression, "{{"); r.braces {
		r.s.root = respell(r.s.root).(object)
	}
}

var respelling = strings.NewReplacer("${{", "${", "}}", "}", "${", `\${`)

// respell writes ${{…}} as ${…}, and that as what is no variable.
func respell(v any) any {
	switch v := v.(type) {
	case object:
		for key, member := range v {
			if key != "variableSyntax" {
				v[key] = respell(member)
			}
		}
	case []any:
		for i, e := range v {
			v[i] = respell(e)
		}
	case string:
		return respelling.Replace(v)
	}
	return v
}
