package serverless

import (
	"maps"
	"regexp"
	"slices"
	"strings"
)

// stateMachines adds the state machines of the plugin serverless-step-functions.
func (b *builder) stateMachines() error {
	config := asObject(b.s.root["stepFunctions"])
	for _, name := range texts(config["activities"]) {
		id := logical(name) + "StepFunctionsActivity"
		b.add(id, "AWS::StepFunctions::Activity", object{"Name": name})
		b.output(id+"Arn", "Current Activity Arn", ref(id))
	}
	machines := asObject(config["stateMachines"])
	for _, name := range keys(machines) {
		path := []string{"stepFunctions", "stateMachines", name}
		m := asObject(machines[name])
		if m == nil || m["definition"] == nil {
			return b.s.errorAt(path, "want a definition")
		}
		if err := b.stateMachine(path, name, m); err != nil {
			return err
		}
	}
	return nil
}

func (b *builder) stateMachine(path []string, name string, m object) error {
	id := logical(text(first(m["id"], m["name"])))
	if id == "" {
		id = logical(name) + "StepFunctionsStateMachine"
	}
	definition := b.localFunctions(clone(m["definition"]))
	props := object{"DefinitionString": definitionString(definition)}
	var role any
	if props["RoleArn"] = m["role"]; m["role"] == nil {
		role = id + "Role"
		props["RoleArn"] = getAtt(id+"Role", "Arn")
		b.machineRole(id+"Role", definition, m)
	}
	put(props, "StateMachineType", m["type"])
	put(props, "StateMachineName", m["name"])
	tags := object{}
	if m["inheritGlobalTags"] != false {
		maps.Copy(tags, asObject(b.s.provider()["tags"]))
	}
	maps.Copy(tags, asObject(m["tags"]))
	if len(tags) > 0 {
		props["Tags"] = tagList(tags)
	}
	if l := asObject(m["loggingConfig"]); l != nil {
		logging := object{"Level": first(l["level"], "OFF"), "IncludeExecutionData": first(l["includeExecutionData"], false)}
		for _, arn := range list(l["destinations"]) {
			logging["Destinations"] = append(asList(logging["Destinations"]), object{"CloudWatchLogsLogGroup": object{"LogGroupArn": arn}})
		}
		props["LoggingConfiguration"] = logging
	}
	if t := m["tracingConfig"]; t != nil {
		props["TracingConfiguration"] = object{"Enabled": at(t, "enabled")}
	}
	for _, key := range []string{"alarms", "notifications", "encryptionConfig"} {
		if m[key] != nil {
			b.s.note(in(path, key), "Aloft does not make them for state machines")
		}
	}
	r := b.add(id, "AWS::StepFunctions::StateMachine", props, append([]any{role}, list(m["dependsOn"])...)...)
	if truthy(m["retain"]) {
		r["DeletionPolicy"] = "Retain"
	}
	if !truthy(at(b.s.root, "stepFunctions", "noOutput")) {
		b.output(id+"Arn", "Current StateMachine Arn", ref(id))
	}
	return b.machineEvents(path, name, id, m)
}

// localFunctions lets a definition name functions as the file does.
func (b *builder) localFunctions(v any) any {
	switch v := v.(type) {
	case object:
		for _, call := range []string{"Fn::GetAtt", "Ref"} {
			l := list(v[call])
			if len(l) == 0 {
				continue
			}
			if f := b.s.function(text(l[0])); f != nil && b.resources[text(l[0])] == nil {
				if l[0] = functionID(f.key); call == "Ref" {
					v[call] = l[0]
				}
			}
		}
		for key, m := range v {
			v[key] = b.localFunctions(m)
		}
	case []any:
		for i, e := range v {
			v[i] = b.localFunctions(e)
		}
	}
	return v
}

// definitionString writes a definition as text. What CloudFormation computes in
// it becomes variables of Fn::Sub, and other ${…} stay as they are.
func definitionString(definition any) any {
	vars := object{}
	var take func(v any) any
	take = func(v any) any {
		if isCall(v) {
			name := "Computed" + itoa(len(vars))
			vars[name] = v
			return "\x00{" + name + "}"
		}
		switch v := v.(type) {
		case object:
			out := object{}
			for _, key := range keys(v) {
				out[key] = take(v[key])
			}
			return out
		case []any:
			out := make([]any, len(v))
			for i, e := range v {
				out[i] = take(e)
			}
			return out
		}
		return v
	}
	text, isText := definition.(string)
	if !isText {
		text = asJSON(take(definition))
	}
	pseudo := strings.Contains(text, "#{")
	if len(vars) == 0 && !pseudo {
		return text
	}
	text = strings.ReplaceAll(text, "${", "${!")
	text = strings.ReplaceAll(strings.ReplaceAll(text, "\\u0000{", "${"), "#{", "${")
	// A number of seconds is no text.
	text = waitSeconds.ReplaceAllString(text, `"Seconds":$1`)
	return object{"Fn::Sub": []any{text, vars}}
}

var waitSeconds = regexp.MustCompile(`"Seconds":"(\$\{Computed\d+\})"`)

// machineRole adds the role of a state machine: what its tasks need, and what
// it says itself.
func (b *builder) machineRole(id string, definition any, m object) {
	allowed := make(map[string][]any)
	taskPermissions(definition, func(action string, resources ...any) {
		for _, r := range resources {
			if !slices.ContainsFunc(allowed[action], func(have any) bool { return asJSON(have) == asJSON(r) }) {
				allowed[action] = append(allowed[action], r)
			}
		}
	})
	statements := []any{}
	for _, action := range keys(allowed) {
		statements = append(statements, object{"Effect": "Allow", "Action": []any{action}, "Resource": allowed[action]})
	}
	statements = append(statements, list(clone(m["iamRoleStatements"]))...)
	if m["loggingConfig"] != nil {
		statements = append(statements, object{"Effect": "Allow", "Resource": "*", "Action": []any{
			"logs:CreateLogDelivery", "logs:GetLogDelivery", "logs:UpdateLogDelivery", "logs:DeleteLogDelivery", "logs:ListLogDeliveries",
			"logs:PutResourcePolicy", "logs:DescribeResourcePolicies", "logs:DescribeLogGroups",
		}})
	}
	props := object{"AssumeRolePolicyDocument": trust("states.amazonaws.com")}
	if len(statements) > 0 {
		props["Policies"] = []any{object{
			"PolicyName":     b.s.Stage + "-" + b.s.Name + "-statemachine",
			"PolicyDocument": object{"Version": "2012-10-17", "Statement": statements},
		}}
	}
	b.add(id, "AWS::IAM::Role", props)
}

var integration = regexp.MustCompile(`^arn:[^:]*:states:::(aws-sdk:)?([^:.]+):([^:.]+)`)

// taskPermissions tells allow what the tasks of a definition need.
func taskPermissions(v any, allow func(action string, resources ...any)) {
	switch v := v.(type) {
	case object:
		if v["Type"] == "Task" && v["Resource"] != nil {
			taskPermission(v, allow)
		}
		for _, key := range keys(v) {
			taskPermissions(v[key], allow)
		}
	case []any:
		for _, e := range v {
			taskPermissions(e, allow)
		}
	}
}

func taskPermission(task object, allow func(action string, resources ...any)) {
	m := integration.FindStringSubmatch(text(task["Resource"]))
	if m == nil {
		if arn := text(task["Resource"]); !strings.Contains(arn, ":activity:") {
			allow("lambda:InvokeFunction", withVersions(task["Resource"])...)
		}
		return
	}
	argument := func(name string) any {
		return first(at(task, "Parameters", name), at(task, "Arguments", name), "*")
	}
	service, operation := m[2], m[3]
	switch service + ":" + operation {
	case "lambda:invoke":
		function := argument("FunctionName")
		if s := text(function); s != "" && s != "*" && !strings.HasPrefix(s, "arn:") {
			function = sub("arn:${AWS::Partition}:lambda:${AWS::Region}:${AWS::AccountId}:function:" + s)
		}
		allow("lambda:InvokeFunction", withVersions(function)...)
	case "sns:publish":
		allow("sns:Publish", argument("TopicArn"))
	case "sqs:sendMessage":
		allow("sqs:SendMessage", "*")
	case "events:putEvents":
		allow("events:PutEvents", "*")
	case "states:startExecution":
		allow("states:StartExecution", argument("StateMachineArn"))
		allow("states:DescribeExecution", "*")
		allow("states:StopExecution", "*")
		allow("events:PutTargets", "*")
		allow("events:PutRule", "*")
		allow("events:DescribeRule", "*")
	case "dynamodb:getItem", "dynamodb:putItem", "dynamodb:updateItem", "dynamodb:deleteItem":
		table := argument("TableName")
		if table != "*" {
			table = join("", "arn:", ref("AWS::Partition"), ":dynamodb:", ref("AWS::Region"), ":", ref("AWS::AccountId"), ":table/", table)
		}
		allow("dynamodb:"+upperFirst(operation), table)
	default:
		allow(service+":"+upperFirst(operation), "*")
	}
}

// withVersions is a function's ARN and those of its versions.
func withVersions(arn any) []any {
	if arn == "*" {
		return []any{arn}
	}
	return []any{arn, join(":", arn, "*")}
}

// machineEvents adds the rules that start a state machine.
func (b *builder) machineEvents(path []string, name, id string, m object) error {
	count := make(map[string]int)
	for i, e := range list(m["events"]) {
		for _, kind := range keys(asObject(e)) {
			config := at(e, kind)
			place := in(path, "events", itoa(i), kind)
			ev := event{kind: kind, config: config, path: in(path, "events", itoa(i))}
			props := object{"State": enabled(ev)}
			suffix := "EventsRuleCloudWatchEvent"
			switch kind {
			case "schedule":
				suffix = "StepFunctionsEventsRuleSchedule"
				rates := list(first(at(config, "rate"), config))
				if len(rates) != 1 || text(at(config, "method")) == "scheduler" {
					return b.s.errorAt(place, "want one rate or cron, of the method eventBus")
				}
				props["ScheduleExpression"] = rates[0]
			case "cloudwatchEvent", "eventBridge":
				props["EventPattern"] = at(config, "event")
				put(props, "EventBusName", first(at(config, "eventBusName"), at(config, "eventBus")))
			default:
				return b.s.errorAt(place, "Aloft does not start state machines by events of this kind")
			}
			count[suffix]++
			role := logical(name) + "EventToStepFunctionsRole"
			target := object{"Arn": ref(id), "Id": name + "CloudWatchEvent", "RoleArn": getAtt(role, "Arn")}
			if err := b.inputs(ev, target); err != nil {
				return err
			}
			props["Targets"] = []any{target}
			put(props, "Name", at(config, "name"))
			put(props, "Description", at(config, "description"))
			b.add(logical(name)+suffix+itoa(count[suffix]), "AWS::Events::Rule", props)
			b.add(role, "AWS::IAM::Role", object{
				"AssumeRolePolicyDocument": trust("events.amazonaws.com"),
				"Policies": []any{object{"PolicyName": b.s.prefix() + "-" + name + "-event", "PolicyDocument": object{
					"Version":   "2012-10-17",
					"Statement": []any{object{"Effect": "Allow", "Action": []any{"states:StartExecution"}, "Resource": ref(id)}},
				}}},
			})
		}
	}
	return nil
}
