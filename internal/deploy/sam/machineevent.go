package sam

import (
	"maps"
	"strings"
)

const machineTargetSuffix = "StepFunctionsTarget"

var stateMachineEvents = map[string]eventType{
	"Api":             {schema: newSchema("Api", "Path!:s Method!:s RestApiId!:s Stage:s Auth:m UnescapeMappingTemplate:b="), link: linkREST, expand: expandMachineAPI},
	"CloudWatchEvent": {schema: newSchema("CloudWatchEvent", machineRuleProperties), expand: expandMachineRule},
	"EventBridgeRule": {schema: newSchema("EventBridgeRule", machineRuleProperties), expand: expandMachineRule},
	"Schedule":        {schema: newSchema("Schedule", "Schedule!:s Input:s Enabled:b State:s Name:s Description:s DeadLetterConfig:m RetryPolicy:m Target:m= RoleArn:s="), expand: expandMachineSchedule},
	"ScheduleV2":      {schema: scheduleV2Schema, expand: expandMachineScheduleV2},
}

const machineRuleProperties = `EventBusName:s RuleName:s Pattern:m Input:s InputPath:s DeadLetterConfig:m RetryPolicy:m
	State:s Target:m= InputTransformer:m`

// linkEvents checks the events before anything is made.
func (s *stateMachine) linkEvents() error {
	for _, name := range keys(asObject(s.props["Events"])) {
		e, err := newEvent(s.macro, stateMachineEvents, name)
		if err == nil && stateMachineEvents[e.typ].link != nil {
			err = stateMachineEvents[e.typ].link(e)
		}
		if err != nil {
			return ofEvent(s.id, err)
		}
	}
	return nil
}

// events makes what the events of the state machine need.
func (s *stateMachine) events() ([]*resource, error) {
	var made []*resource
	for _, name := range keys(asObject(s.props["Events"])) {
		e, err := newEvent(s.macro, stateMachineEvents, name)
		if err != nil {
			return nil, err
		}
		target := s.made
		if given(s.props["UseAliasAsEventTarget"]) && s.alias != nil {
			target = s.alias
		}
		e.target, e.arn, e.to = target.ref(), target.ref(), target.id
		typ := stateMachineEvents[e.typ]
		if typ.link != nil {
			if err := typ.link(e); err != nil {
				return nil, err
			}
		}
		more, err := typ.expand(e)
		if err != nil {
			return nil, err
		}
		made = append(made, more...)
	}
	return made, nil
}

// startRole makes the role by which a service starts the state machine.
func (e *event) startRole(principal string) *resource {
	r := e.make("AWS::IAM::Role", e.id+"Role")
	r.props["AssumeRolePolicyDocument"] = assumeRole(principal)
	r.props["Policies"] = []any{allow(r.id+"StartExecutionPolicy", "states:StartExecution", e.arn)}
	if boundary := e.owner.props["PermissionsBoundary"]; given(boundary) {
		r.props["PermissionsBoundary"] = boundary
	}
	return r
}

// machineTarget makes a rule start the state machine.
func (e *event) machineTarget(rule *resource, role any) ([]*resource, error) {
	queue, made, err := e.deadLetters(rule.arn())
	if err != nil {
		return nil, err
	}
	id := any(targetID(e.id, machineTargetSuffix))
	if own, has := asObject(e.props["Target"])["Id"]; has {
		id = own
	}
	target := e.ruleTarget("", queue)
	target["Id"], target["RoleArn"] = id, role
	rule.props["Targets"] = []any{target}
	return made, nil
}

func expandMachineSchedule(e *event) ([]*resource, error) {
	rule := e.make("AWS::Events::Rule", e.id)
	rule.props["ScheduleExpression"] = e.props["Schedule"]
	if err := e.state(rule); err != nil {
		return nil, err
	}
	copyMembers(rule.props, e.props, "Name", "Description")
	made := []*resource{rule}
	role := e.props["RoleArn"]
	if role == nil {
		own := e.startRole("events.amazonaws.com")
		made, role = append(made, own), own.arn()
	}
	more, err := e.machineTarget(rule, role)
	return append(made, more...), err
}

func expandMachineRule(e *event) ([]*resource, error) {
	rule := e.make("AWS::Events::Rule", e.id)
	put(rule.props, "EventBusName", e.props["EventBusName"])
	put(rule.props, "EventPattern", e.props["Pattern"])
	put(rule.props, "Name", e.props["RuleName"])
	if given(e.props["State"]) {
		rule.props["State"] = e.props["State"]
	}
	role := e.startRole("events.amazonaws.com")
	more, err := e.machineTarget(rule, role.arn())
	return append([]*resource{rule, role}, more...), err
}

func expandMachineScheduleV2(e *event) ([]*resource, error) {
	return e.schedule(allow(e.id+"StartExecutionPolicy", "states:StartExecution", e.arn))
}

// expandMachineAPI adds a method to a REST API that starts the state machine.
func expandMachineAPI(e *event) ([]*resource, error) {
	path, method := asString(e.props["Path"]), strings.ToLower(asString(e.props["Method"]))
	role := e.startRole("apigateway.amazonaws.com")
	body := e.api["DefinitionBody"]
	if !given(e.api[managed]) || body == nil {
		return []*resource{role}, nil
	}
	d, err := openREST(body)
	if err != nil {
		return nil, err
	}
	has, err := d.has(path, method)
	if err != nil {
		return nil, err
	}
	if has {
		return nil, badEvent(e.name, `API method "%s" defined multiple times for path "%s".`, method, path)
	}
	if err := e.integrateStart(d, path, method, role); err != nil {
		return nil, err
	}
	if given(e.props["Auth"]) {
		return []*resource{role}, e.secureMethod(d, path, method)
	}
	return []*resource{role}, nil
}

func (e *event) integrateStart(d *definition, path, method string, role *resource) error {
	input := `"$util.escapeJavaScript($input.json('$'))"`
	if given(e.props["UnescapeMappingTemplate"]) {
		input = `"$util.escapeJavaScript($input.json('$')).replaceAll("\\'","'")"`
	}
	condition := e.attrs["Condition"]
	uri := any(sub("arn:${AWS::Partition}:apigateway:${AWS::Region}:states:action/StartExecution", nil))
	if given(condition) {
		uri = choice(condition, uri, noValue())
	}
	return d.integrate(path, method, condition, func(m, how object) {
		maps.Copy(how, object{
			"type": "aws", "uri": uri, "credentials": role.arn(),
			"responses":        object{"200": object{"statusCode": "200"}, "400": object{"statusCode": "400"}},
			"requestTemplates": object{"application/json": sub(`{"input": `+input+`, "stateMachineArn": "${`+e.to+`}"}`, nil)},
		})
		if _, has := m["responses"]; !has {
			m["responses"] = object{"200": object{"description": "OK"}, "400": object{"description": "Bad Request"}}
		}
	})
}
