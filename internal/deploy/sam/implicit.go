package sam

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// managed marks an API whose definition we write.
const managed = "__MANAGE_SWAGGER"

// An apiKind is how the events of one kind of API gather.
type apiKind struct {
	event     string // type of the events
	typ       string // of the API
	property  string // of an event, that names the API
	id        string // of the API that events without one get
	condition string // of that
	skeleton  func() object
	valid     func(v any) bool
}

var restKind = apiKind{
	event: "Api", typ: apiType, property: "RestApiId", id: "ServerlessRestApi", condition: "ServerlessRestApiCondition",
	skeleton: swaggerSkeleton, valid: isSwagger,
}

var httpKind = apiKind{
	event: "HttpApi", typ: httpAPIType, property: "ApiId", id: "ServerlessHttpApi", condition: "ServerlessHttpApiCondition",
	skeleton: openAPISkeleton, valid: isOpenAPI,
}

// defaultDefinitions gives APIs without a definition one that events fill.
func (t *transformer) defaultDefinitions() error {
	for _, kind := range []apiKind{restKind, httpKind} {
		for _, id := range t.samResources(kind.typ) {
			p := t.properties(id)
			if !given(p["DefinitionBody"]) && !given(p["DefinitionUri"]) {
				p["DefinitionBody"] = kind.skeleton()
				p[managed] = true
			}
		}
	}
	return nil
}

// implicitAPIs makes APIs of the events that name none.
func (t *transformer) implicitAPIs() error {
	for _, kind := range []apiKind{restKind, httpKind} {
		g := gathering{t: t, kind: kind, routes: make(map[string]map[string]map[string]any), policies: make(map[string][]object)}
		if err := g.run(); err != nil {
			return err
		}
	}
	return nil
}

// A gathering collects the events of one kind of API.
type gathering struct {
	t        *transformer
	kind     apiKind
	routes   map[string]map[string]map[string]any // condition by API, path and method
	policies map[string][]object                  // DeletionPolicy and UpdateReplacePolicy of the functions of an API
}

func (g *gathering) run() error {
	existing := g.t.resources[g.kind.id]
	properties := object{"DefinitionBody": g.kind.skeleton(), managed: true}
	if g.kind.typ == apiType {
		properties["StageName"] = "Prod"
	}
	g.t.resources[g.kind.id] = object{"Type": g.kind.typ, "Properties": properties}
	var causes []Cause
	for _, id := range g.t.samResources(functionType, stateMachineType) {
		for _, name := range keys(asObject(g.t.properties(id)["Events"])) {
			event := asObject(asObject(g.t.properties(id)["Events"])[name])
			if event == nil || event["Type"] != g.kind.event {
				continue
			}
			err := g.add(id, name, event)
			if _, ok := errors.AsType[*eventError](err); ok {
				causes = append(causes, Cause{id, ofEvent(id, err).Error()})
				break // as in AWS's transform, the function's other events wait
			}
			if err != nil {
				if e, ok := errors.AsType[*resourceError](err); ok {
					return newError([]Cause{{e.id, e.Error()}})
				}
				return err
			}
		}
	}
	api := asObject(g.t.resources[g.kind.id])
	g.addCondition(api)
	g.addPolicies(api)
	if err := g.addPathConditions(); err != nil {
		return err
	}
	if len(asObject(at(api, "Properties", "DefinitionBody", "paths"))) == 0 {
		delete(g.t.resources, g.kind.id)
		if existing != nil {
			g.t.resources[g.kind.id] = existing
		}
	}
	if causes != nil {
		return newError(causes)
	}
	return nil
}

// add adds one event of a function to its API.
func (g *gathering) add(function, name string, event object) error {
	if !given(event["Properties"]) {
		if g.kind.typ == apiType {
			return nil // what it lacks is said when it is expanded
		}
		event["Properties"] = object{}
	}
	p, ok := event["Properties"].(object)
	if !ok {
		return badEvent(name, "Properties should be a map.")
	}
	if _, has := p[g.kind.property]; !has {
		g.addTags(function)
		p[g.kind.property] = ref(g.kind.id)
	}
	if g.kind.typ == httpAPIType && !given(p["Path"]) && !given(p["Method"]) {
		p["Path"], p["Method"] = defaultRoute, anyMethod
	}
	api, path, method, err := g.check(name, p)
	if err != nil {
		return err
	}
	r := asObject(g.t.resources[function])
	if g.routes[api] == nil {
		g.routes[api] = make(map[string]map[string]any)
	}
	if g.routes[api][path] == nil {
		g.routes[api][path] = make(map[string]any)
	}
	g.routes[api][path][method] = r["Condition"]
	g.policies[api] = append(g.policies[api], r)
	if err := g.addPath(name, api, path, method); err != nil {
		return err
	}
	if _, has := p["RouteSettings"]; has && g.kind.typ == httpAPIType {
		return g.addRouteSettings(name, api, p, r["Condition"])
	}
	return nil
}

// addTags gives the implicit API the tags of a function that passes them on.
func (g *gathering) addTags(function string) {
	section := strings.TrimPrefix(g.t.typeOf(function), "AWS::Serverless::")
	global := asObject(at(g.t.root, "Globals", section))
	p := g.t.properties(function)
	tags := asObject(p["Tags"])
	if len(tags) == 0 {
		tags = asObject(global["Tags"])
	}
	if len(tags) == 0 || !given(p["PropagateTags"]) && !given(global["PropagateTags"]) {
		return
	}
	api := g.t.properties(g.kind.id)
	if api["Tags"] == nil {
		api["Tags"] = object{}
	}
	for key, v := range tags {
		asObject(api["Tags"])[key] = v
	}
	api["PropagateTags"] = true
}

func (g *gathering) check(name string, p object) (api, path, method string, err error) {
	for _, required := range []string{"Path", "Method"} {
		if p[required] == nil {
			return "", "", "", badEvent(name, "Property '%s' is required.", required)
		}
	}
	id := apiID(p[g.kind.property])
	for _, c := range []struct {
		name string
		v    any
	}{{g.kind.property, id}, {"Path", p["Path"]}, {"Method", p["Method"]}} {
		if err := wantEvent(name, c.name, c.v, aString); err != nil {
			return "", "", "", err
		}
	}
	return id.(string), p["Path"].(string), p["Method"].(string), nil
}

// apiID returns the id that a reference to an API names.
func apiID(v any) any {
	if m, ok := v.(object); ok {
		if id, has := m["Ref"]; has {
			return id
		}
	}
	return v
}

func (g *gathering) addPath(name, api, path, method string) error {
	if g.t.resources[api] == nil || g.t.typeOf(api) == httpAPIType && g.kind.typ != httpAPIType {
		return badEvent(name, "%s must be a valid reference to an '%s' resource in same template.", g.kind.property, g.kind.typ)
	}
	p := g.t.properties(api)
	if !g.kind.valid(p["DefinitionBody"]) || !given(p[managed]) {
		return nil
	}
	d, err := openDefinition(p["DefinitionBody"])
	if err != nil {
		return err
	}
	return d.addPath(path, method)
}

func (g *gathering) addRouteSettings(name, api string, p object, condition any) error {
	method, path := p["Method"].(string), p["Path"].(string)
	route := strings.ToUpper(method) + " " + path
	if method == anyMethod {
		route = path
	}
	properties := g.t.properties(api)
	if properties["RouteSettings"] == nil {
		properties["RouteSettings"] = object{}
	}
	settings, ok := properties["RouteSettings"].(object)
	if !ok {
		return badResource(api, "Property 'RouteSettings' should be a map.")
	}
	if err := wantEvent(name, "RouteSettings", p["RouteSettings"], aMap); err != nil {
		return err
	}
	mine := asObject(p["RouteSettings"])
	if given(condition) {
		mine = choice(condition, mine, noValue())
	}
	if settings[route] == nil {
		settings[route] = object{}
	}
	for key, v := range mine {
		asObject(settings[route])[key] = v
	}
	return nil
}

// addCondition makes the implicit API only where one of its functions is.
func (g *gathering) addCondition(api object) {
	var all []string
	for _, methods := range g.routes[g.kind.id] {
		for _, condition := range methods {
			if condition == nil {
				return
			}
			all = append(all, asString(condition))
		}
	}
	switch all = sortedSet(all); len(all) {
	case 0:
	case 1:
		api["Condition"] = all[0]
	default:
		api["Condition"] = g.kind.condition
		g.combine(g.kind.condition, all)
	}
}

func sortedSet(words []string) []string {
	slices.Sort(words)
	return slices.Compact(words)
}

// combine adds the condition that one of several holds. An Fn::Or takes ten, so
// more make a chain.
func (g *gathering) combine(name string, conditions []string) {
	const most = 10
	all, _ := g.t.root["Conditions"].(object)
	if all == nil {
		all = object{}
		g.t.root["Conditions"] = all
	}
	links := (len(conditions) - 2) / (most - 1)
	for len(conditions) > 1 {
		link := name
		if links > 0 {
			link = fmt.Sprintf("%s%d", name, links)
			links--
		}
		n := min(most, len(conditions))
		var or []any
		for _, condition := range conditions[:n] {
			or = append(or, object{"Condition": condition})
		}
		all[link] = object{"Fn::Or": or}
		conditions = append(slices.Clone(conditions[n:]), link)
	}
}

// addPolicies keeps the implicit API if one of its functions is to be kept.
func (g *gathering) addPolicies(api object) {
	for attribute, order := range map[string][]string{
		"DeletionPolicy": {"Retain", "Delete"}, "UpdateReplacePolicy": {"Retain", "Snapshot", "Delete"},
	} {
		for _, policy := range order {
			if slices.ContainsFunc(g.policies[g.kind.id], func(r object) bool { return r[attribute] == policy }) {
				api[attribute] = policy
				break
			}
		}
	}
}

// addPathConditions makes paths conditional whose methods all are.
func (g *gathering) addPathConditions() error {
	for _, id := range g.t.samResources(g.kind.typ) {
		p := g.t.properties(id)
		if !given(p[managed]) {
			continue
		}
		d, err := openDefinition(p["DefinitionBody"])
		if err != nil {
			return err
		}
		for _, path := range keys(d.paths) {
			if condition := g.pathCondition(id, path); condition != "" {
				d.paths[path] = choice(condition, d.paths[path], noValue())
			}
		}
	}
	return nil
}

func (g *gathering) pathCondition(api, path string) string {
	var all []string
	for _, condition := range g.routes[api][path] {
		if condition == nil {
			return ""
		}
		all = append(all, asString(condition))
	}
	switch all = sortedSet(all); len(all) {
	case 0:
		return ""
	case 1:
		return all[0]
	}
	name := api + strings.NewReplacer("/", "SLASH", "{", "OB", "}", "CB").Replace(path) + "PathCondition"
	g.combine(name, all)
	return name
}
