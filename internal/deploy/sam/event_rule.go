package sam

import "maps"

const maxTargetID = 64

// targetID is the id of the target of a rule.
func targetID(id, suffix string) string {
	return id[:min(len(id), maxTargetID-len(suffix))] + suffix
}

// state sets whether a rule is on.
func (e *event) state(rule *resource) error {
	state, enabled := e.props["State"], e.props["Enabled"]
	if given(state) && enabled != nil {
		return badEvent(e.name, "State and Enabled Properties cannot both be specified.")
	}
	if given(state) {
		rule.props["State"] = state
	}
	if enabled != nil {
		rule.props["State"] = "DISABLED"
		if given(enabled) {
			rule.props["State"] = "ENABLED"
		}
	}
	return nil
}

// deadLetters returns the queue for what a rule cannot deliver, and what is
// made for it.
func (e *event) deadLetters(rule any) (arn any, made []*resource, err error) {
	config := asObject(e.props["DeadLetterConfig"])
	if e.props["DeadLetterConfig"] == nil {
		return nil, nil, nil
	}
	if err := checkDeadLetters(e.id, config); err != nil {
		return nil, nil, err
	}
	if config["Arn"] != nil {
		return config["Arn"], nil, nil
	}
	id := e.id + "Queue"
	if v := config["QueueLogicalId"]; v != nil {
		name, ok := v.(string)
		if !ok {
			return nil, nil, badEvent(e.id, "QueueLogicalId must be a string")
		}
		if name != "" {
			id = name
		}
	}
	queue := e.make("AWS::SQS::Queue", id)
	made = append(made, queue)
	if rule != nil {
		policy := e.make("AWS::SQS::QueuePolicy", e.id+"QueuePolicy")
		policy.props["PolicyDocument"] = maySend(object{"Service": "events.amazonaws.com"}, queue.arn(), rule)
		policy.props["Queues"] = []any{queue.ref()}
		made = append(made, policy)
	}
	return queue.arn(), made, nil
}

// maySend lets a principal send to a queue on behalf of source.
func maySend(principal, queue, source any) object {
	return object{"Version": "2012-10-17", "Statement": []any{object{
		"Action": "sqs:SendMessage", "Effect": "Allow", "Principal": principal, "Resource": queue,
		"Condition": object{"ArnEquals": object{"aws:SourceArn": source}},
	}}}
}

func checkDeadLetters(id string, config object) error {
	_, hasARN := config["Arn"]
	_, hasType := config["Type"]
	switch {
	case hasARN && hasType:
		return badEvent(id, "You can either define 'Arn' or 'Type' property of DeadLetterConfig.")
	case hasType && config["Type"] != "SQS":
		return badEvent(id, "The only valid value for 'Type' property of DeadLetterConfig is 'SQS'.")
	case !hasARN && !hasType:
		return badEvent(id, "No 'Arn' or 'Type' property provided for DeadLetterConfig.")
	}
	return nil
}

// ruleTarget is what a rule calls.
func (e *event) ruleTarget(id string, queue any) object {
	target := object{"Arn": e.arn, "Id": id}
	copyMembers(target, e.props, "Input", "InputPath", "RetryPolicy", "InputTransformer")
	if e.props["DeadLetterConfig"] != nil {
		target["DeadLetterConfig"] = object{"Arn": queue}
	}
	return target
}

func expandSchedule(e *event) ([]*resource, error) {
	rule := e.make("AWS::Events::Rule", e.id)
	rule.props["ScheduleExpression"] = e.props["Schedule"]
	if err := e.state(rule); err != nil {
		return nil, err
	}
	copyMembers(rule.props, e.props, "Name", "Description")
	queue, more, err := e.deadLetters(rule.arn())
	if err != nil {
		return nil, err
	}
	rule.props["Targets"] = []any{e.ruleTarget(targetID(e.id, "LambdaTarget"), queue)}
	made := append([]*resource{rule}, more...)
	return append(made, e.permission(e.id+"Permission", "events.amazonaws.com", rule.arn(), nil, nil)), nil
}

func expandRule(e *event) ([]*resource, error) {
	rule := e.make("AWS::Events::Rule", e.id)
	put(rule.props, "EventBusName", e.props["EventBusName"])
	put(rule.props, "EventPattern", e.props["Pattern"])
	put(rule.props, "Name", e.props["RuleName"])
	queue, made, err := e.deadLetters(rule.arn())
	if err != nil {
		return nil, err
	}
	if err := e.state(rule); err != nil {
		return nil, err
	}
	id := targetID(e.id, "LambdaTarget")
	if own, has := asObject(e.props["Target"])["Id"]; has {
		id, _ = own.(string)
	}
	rule.props["Targets"] = []any{e.ruleTarget(id, queue)}
	return append(made, rule, e.permission(e.id+"Permission", "events.amazonaws.com", rule.arn(), nil, nil)), nil
}

var scheduleV2Schema = newSchema("ScheduleV2", `PermissionsBoundary:s ScheduleExpression!:s FlexibleTimeWindow:m Name:s State:s
	Description:s StartDate:s EndDate:s ScheduleExpressionTimezone:s GroupName:s KmsKeyArn:s Input:s RoleArn:s
	DeadLetterConfig:m RetryPolicy:m OmitName:b=`)

func expandScheduleV2(e *event) ([]*resource, error) {
	return e.schedule(allow(e.id+"LambdaPolicy", "lambda:InvokeFunction", e.arn))
}

// schedule makes a schedule of EventBridge Scheduler, and the role by which it
// does what policy allows.
func (e *event) schedule(policy object) ([]*resource, error) {
	p := e.props
	r := e.make("AWS::Scheduler::Schedule", e.id)
	copyMembers(r.props, p, "ScheduleExpression", "Description", "StartDate", "EndDate", "ScheduleExpressionTimezone", "GroupName", "KmsKeyArn")
	if given(p["State"]) {
		r.props["State"] = p["State"]
	}
	switch {
	case given(p["OmitName"]) && given(p["Name"]):
		return nil, badEvent(e.id, "Name cannot be set when OmitName is True")
	case given(p["OmitName"]):
	case given(p["Name"]):
		r.props["Name"] = p["Name"]
	default:
		r.props["Name"] = e.id
	}
	r.props["FlexibleTimeWindow"] = object{"Mode": "OFF"}
	if given(p["FlexibleTimeWindow"]) {
		r.props["FlexibleTimeWindow"] = p["FlexibleTimeWindow"]
	}
	queue, more, err := e.deadLetters(nil)
	if err != nil {
		return nil, err
	}
	made := append([]*resource{r}, more...)
	role := p["RoleArn"]
	if !given(role) {
		own := newResource("AWS::IAM::Role", e.id+"Role", maps.Clone(e.attrs))
		own.props["AssumeRolePolicyDocument"] = assumeRole("scheduler.amazonaws.com")
		policies := []any{policy}
		if given(queue) {
			policies = append(policies, allow(e.id+"SQSPolicy", "sqs:SendMessage", queue))
		}
		own.props["Policies"] = policies
		if given(p["PermissionsBoundary"]) {
			own.props["PermissionsBoundary"] = p["PermissionsBoundary"]
		}
		made = append(made, own)
		role = own.arn()
	}
	target := object{"Arn": e.arn, "RoleArn": role}
	copyMembers(target, p, "Input", "RetryPolicy")
	if p["DeadLetterConfig"] != nil {
		target["DeadLetterConfig"] = object{"Arn": queue}
	}
	r.props["Target"] = target
	return made, nil
}
