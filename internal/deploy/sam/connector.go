package sam

import (
	"maps"
	"slices"
	"strings"
)

var connectorSchema = newSchema(connectorType, "Source!:m= Destination!:m[m]= Permissions!:[s]=")

// embeddedConnectors makes connectors of the Connectors of resources.
func (t *transformer) embeddedConnectors() error {
	made := object{}
	for _, id := range keys(t.resources) {
		r := asObject(t.resources[id])
		v, has := r["Connectors"]
		if !has {
			continue
		}
		delete(r, "Connectors")
		connectors, ok := v.(object)
		if !ok {
			t.refuse(id, badResource(id, "Attribute '%s.Connectors' should be a map.", id))
			continue
		}
		for _, name := range keys(connectors) {
			connector, err := embeddedConnector(id, name, connectors[name])
			if err != nil {
				t.refuse(id, err)
				continue
			}
			if t.resources[id+name] != nil {
				t.refuse(id, &duplicateError{id, id + name, connectorType})
				continue
			}
			made[id+name] = connector
		}
	}
	maps.Copy(t.resources, made)
	return nil
}

func embeddedConnector(id, name string, v any) (object, error) {
	given, ok := v.(object)
	if !ok {
		return nil, badResource(id+name, "%s.%s should be a map.", id, id+name)
	}
	connector := cloneObject(given)
	connector["Type"] = connectorType
	p, ok := connector["Properties"].(object)
	if !ok {
		return nil, badResource(id, "Attribute 'Connectors.%s.Properties' should be a map.", name)
	}
	source := object{"Id": id}
	if v, has := p["SourceReference"]; has {
		more, ok := v.(object)
		if !ok {
			return nil, badResource(id, "Property 'Connectors.%s.Properties.SourceReference' should be a map.", name)
		}
		if _, has := more["Id"]; has {
			return nil, badResource(name, "'Id' shouldn't be defined in 'SourceReference'.")
		}
		maps.Copy(source, more)
		delete(p, "SourceReference")
	}
	p["Source"] = source
	return connector, connectorSchema.check(id+name, p)
}

// A connection is between a source and one destination.
type connection struct {
	*macro
	profile             *connectorProfile
	source, destination *connectorEnd
	asked               []string // sorted
	suffix              string   // of ids, if there are several destinations
}

// A connectorEnd is what a connector connects.
type connectorEnd struct {
	id, typ string // id is empty if it is named by its properties
	values  object // Arn, RoleName, QueueUrl, ResourceId, Name, Qualifier
}

// expandConnector makes the policies by which a source may use its destinations.
func expandConnector(m *macro) ([]*resource, error) {
	destinations, several := m.props["Destination"].([]any)
	if !several {
		destinations = []any{m.props["Destination"]}
	}
	var asked []string
	for _, access := range asList(m.props["Permissions"]) {
		asked = append(asked, asString(access))
	}
	var made []*resource
	for i, destination := range destinations {
		c := &connection{macro: m, asked: sortedSet(slices.Clone(asked))}
		if several {
			c.suffix = "Destination" + itoa(i)
		}
		more, err := c.expand(asObject(m.props["Source"]), asObject(destination))
		if err != nil {
			return nil, err
		}
		made = append(made, more...)
	}
	if made == nil {
		return nil, badResource(m.id, "'Destination' is an empty list")
	}
	m.t.replaceDependency(m.id, made)
	return made, nil
}

func (c *connection) expand(source, destination object) ([]*resource, error) {
	var err error
	if c.destination, err = c.t.end(c.id, destination, source); err != nil {
		return nil, err
	}
	if c.source, err = c.t.end(c.id, source, destination); err != nil {
		return nil, err
	}
	return c.join()
}

// join makes what lets the source use the destination.
func (c *connection) join() ([]*resource, error) {
	from, to := c.source.typ, c.destination.typ
	if c.profile = connectorProfiles()[[2]string{from, to}]; c.profile == nil {
		return nil, badResource(c.id, "Unable to create connector from %s to %s; it's not supported or the template is invalid.", from, to)
	}
	if err := c.profile.check(c.id, from, to, c.asked); err != nil {
		return nil, err
	}
	var made []*resource
	var err error
	switch c.profile.policy {
	case "invoke":
		made, err = c.permissions()
	case "queue", "topic":
		made, err = c.resourcePolicy()
	default:
		made, err = c.rolePolicy()
	}
	for _, r := range made {
		r.dependsOn = c.dependsOn
		metadata := cloneObject(asObject(r.attrs["Metadata"]))
		metadata["aws:sam:connectors"] = object{c.id: object{
			"Source": object{"Type": c.t.givenType(c.source)}, "Destination": object{"Type": c.t.givenType(c.destination)},
		}}
		r.attrs["Metadata"] = metadata
	}
	return made, err
}

// connect joins two ends that are named by their properties.
func (m *macro) connect(id string, source, destination *connectorEnd, asked ...string) ([]*resource, error) {
	of := &macro{t: m.t, id: id, attrs: object{}}
	return (&connection{macro: of, source: source, destination: destination, asked: asked}).join()
}

// givenType is the type of an end as the template has it.
func (t *transformer) givenType(e *connectorEnd) string {
	if typ := t.typeOf(e.id); typ != "" {
		return typ
	}
	return e.typ
}

func (c *connection) make(typ, suffix string) *resource {
	return newResource(typ, c.id+suffix+c.suffix, maps.Clone(c.attrs))
}

// grants are those that are asked for, with their variables replaced.
func (c *connection) statements() ([]any, error) {
	var list []any
	for _, g := range c.profile.grants {
		if !slices.Contains(c.asked, g.access) {
			continue
		}
		var on []any
		for _, text := range g.on {
			v, err := c.filled(text)
			if err != nil {
				return nil, err
			}
			on = append(on, v)
		}
		list = append(list, object{"Effect": "Allow", "Action": g.actions, "Resource": on})
	}
	return list, nil
}

// rolePolicy makes a policy of the role of the source or the destination.
func (c *connection) rolePolicy() ([]*resource, error) {
	end, name := c.source, "Source"
	if c.profile.policy == "destination" {
		end, name = c.destination, "Destination"
	}
	statements, err := c.statements()
	if err != nil {
		return nil, err
	}
	if !given(end.values["RoleName"]) {
		return nil, badResource(c.id, "Unable to get IAM role name from '%s' resource.", name)
	}
	r := c.make("AWS::IAM::ManagedPolicy", "Policy")
	r.props["PolicyDocument"] = object{"Version": "2012-10-17", "Statement": statements}
	r.props["Roles"] = []any{end.values["RoleName"]}
	switch c.profile.before {
	case "mapping":
		if ids := c.t.mappingsBetween(c.source.id, c.destination.id); len(ids) == 1 {
			c.t.addDependency(ids[0], r.id)
		}
	case "source":
		c.t.addDependency(c.source.id, r.id)
	}
	return []*resource{r}, nil
}

// resourcePolicy lets the source send to a queue or a topic.
func (c *connection) resourcePolicy() ([]*resource, error) {
	g := c.profile.grants[0]
	to, err := c.filled("%{Destination.Arn}")
	if err != nil {
		return nil, err
	}
	from, err := c.filled("%{Source.Arn}")
	if err != nil {
		return nil, err
	}
	statement := object{
		"Effect": "Allow", "Principal": object{"Service": g.actions[0]}, "Resource": to, "Action": "sqs:SendMessage",
		"Condition": object{"ArnEquals": object{"aws:SourceArn": from}},
	}
	document := object{"Version": "2012-10-17", "Statement": []any{statement}}
	if c.profile.policy == "topic" {
		statement["Action"] = "sns:Publish"
		r := c.make("AWS::SNS::TopicPolicy", "TopicPolicy")
		r.props = object{"Topics": []any{to}, "PolicyDocument": document}
		return []*resource{r}, nil
	}
	url := c.destination.values["QueueUrl"]
	if !given(url) {
		return nil, badResource(c.id, "Unable to get SQS queue URL from 'Destination' resource.")
	}
	r := c.make("AWS::SQS::QueuePolicy", "QueuePolicy")
	r.props = object{"Queues": []any{url}, "PolicyDocument": document}
	return []*resource{r}, nil
}

// permissions lets the source call a function.
func (c *connection) permissions() ([]*resource, error) {
	var made []*resource
	for _, g := range c.profile.grants {
		source, err := c.filled(g.on[0])
		if err != nil {
			return nil, err
		}
		function := c.destination.values["Arn"]
		if !given(function) {
			return nil, badResource(c.id, "Unable to get Lambda function ARN from 'Destination' resource.")
		}
		r := c.make("AWS::Lambda::Permission", g.access+"LambdaPermission")
		r.props = object{"Action": "lambda:InvokeFunction", "FunctionName": function, "Principal": g.actions[0], "SourceArn": source}
		if g.account != "" {
			r.props["SourceAccount"] = sub(g.account, nil)
		}
		made = append(made, r)
	}
	return made, nil
}

// end finds what a connector names. other is the other end of it.
func (t *transformer) end(connector string, named, other object) (*connectorEnd, error) {
	_, hasID := named["Id"]
	hasMore := slices.ContainsFunc(keys(named), func(key string) bool { return key != "Id" && key != "Qualifier" })
	if hasID == hasMore {
		return nil, badResource(connector, "Must provide 'Id' (with optional 'Qualifier') or a supported combination of other properties.")
	}
	if !given(named["Id"]) {
		typ, _ := named["Type"].(string)
		if typ == "" {
			return nil, badResource(connector, "'Type' is missing or not a string.")
		}
		return &connectorEnd{typ: plainType(typ), values: named}, nil
	}
	id, ok := named["Id"].(string)
	if !ok {
		return nil, badResource(connector, "'Id' is missing or not a string.")
	}
	r := asObject(t.out[id])
	if len(r) == 0 {
		return nil, badResource(connector, "Unable to find resource with logical ID '%s'.", id)
	}
	typ, _ := r["Type"].(string)
	if typ == "" {
		return nil, badResource(connector, "'Type' is missing or not a string.")
	}
	end := &connectorEnd{id: id, typ: typ, values: endValues(typ, id)}
	put(end.values, "RoleName", roleOf(typ, asObject(r["Properties"]), other))
	if qualifier, has := named["Qualifier"]; has {
		end.values["Qualifier"] = qualifier
	}
	return end, nil
}

// plainType is the type that a SAM resource stands for.
func plainType(typ string) string {
	for _, plain := range []string{"AWS::Lambda::Function", "AWS::StepFunctions::StateMachine", "AWS::ApiGateway::RestApi",
		"AWS::ApiGatewayV2::Api", "AWS::DynamoDB::Table"} {
		if typ != webSocketType && typ != plain && replaces(plain, typ) {
			return plain
		}
	}
	return typ
}

// endValues are the values that resources of a type have.
func endValues(typ, id string) object {
	arn := object{"Arn": getAtt(id, "Arn")}
	switch typ {
	case "AWS::StepFunctions::StateMachine":
		return object{"Arn": ref(id), "Name": getAtt(id, "Name")}
	case "AWS::AppSync::GraphQLApi":
		return object{"Arn": ref(id), "ResourceId": getAtt(id, "ApiId")}
	case "AWS::AppSync::DataSource", "AWS::SNS::Topic":
		return object{"Arn": ref(id)}
	case "AWS::SQS::Queue":
		arn["QueueUrl"] = ref(id)
	case "AWS::ApiGatewayV2::Api", "AWS::ApiGateway::RestApi":
		arn["Qualifier"], arn["ResourceId"] = "*", ref(id)
	case "AWS::Lambda::Function", "AWS::Events::Rule", "AWS::DynamoDB::Table", "AWS::S3::Bucket", "AWS::Location::PlaceIndex", "AWS::Events::EventBus":
	default:
		return object{}
	}
	return arn
}

// roleOf returns the name of the role that a resource acts as: for a rule, on
// the other end of the connector.
func roleOf(typ string, properties, other object) any {
	var role any
	switch typ {
	case "AWS::Lambda::Function":
		role = properties["Role"]
	case "AWS::StepFunctions::StateMachine":
		role = properties["RoleArn"]
	case "AWS::AppSync::DataSource":
		role = properties["ServiceRoleArn"]
	case "AWS::Events::Rule":
		for _, target := range asList(properties["Targets"]) {
			arn := at(target, "Arn")
			if id := refersTo(arn); id != "" && id == other["Id"] || given(other["Arn"]) && equal(arn, other["Arn"]) {
				role = at(target, "RoleArn")
				break
			}
		}
	}
	if id := refersTo(role); id != "" {
		return ref(id)
	}
	return nil
}

// mappingsBetween returns the event source mappings from a source to a function.
func (t *transformer) mappingsBetween(source, function string) []string {
	var ids []string
	for _, id := range keys(t.out) {
		p := asObject(at(t.out[id], "Properties"))
		if at(t.out[id], "Type") == "AWS::Lambda::EventSourceMapping" && source != "" && function != "" &&
			refersTo(p["FunctionName"]) == function && refersTo(p["EventSourceArn"]) == source {
			ids = append(ids, id)
		}
	}
	return ids
}

// addDependency has a resource wait for another.
func (t *transformer) addDependency(id, on string) {
	r := asObject(t.out[id])
	if r == nil {
		return
	}
	all := dependencies(r)
	if !contains(all, on) {
		r["DependsOn"] = append(all, on)
	}
}

func dependencies(r object) []any {
	if one, ok := r["DependsOn"].(string); ok {
		return []any{one}
	}
	return slices.Clone(asList(r["DependsOn"]))
}

// replaceDependency has those that wait for a connector wait for what it became.
func (t *transformer) replaceDependency(id string, made []*resource) {
	for _, v := range t.out {
		r := asObject(v)
		all := dependencies(r)
		if !contains(all, id) {
			continue
		}
		all = slices.DeleteFunc(all, func(v any) bool { return v == id })
		for _, m := range made {
			if !contains(all, m.id) {
				all = append(all, m.id)
			}
		}
		slices.SortFunc(all, func(a, b any) int { return strings.Compare(asString(a), asString(b)) })
		r["DependsOn"] = all
	}
}
