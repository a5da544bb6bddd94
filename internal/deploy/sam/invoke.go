package sam

import (
	"slices"
)

// destinationTypes are where the result of an asynchronous invoke may go.
var destinationTypes = []string{"SQS", "SNS", "EventBridge", "Lambda", "S3Bucket"}

// invokeConfig makes what EventInvokeConfig asks for, with queues and topics
// for destinations that are not named.
func (f *function) invokeConfig() ([]*resource, error) {
	if !given(f.props["EventInvokeConfig"]) {
		return nil, nil
	}
	v, err := f.resolved("EventInvokeConfig")
	if err != nil {
		return nil, err
	}
	config := asObject(v)
	r := newResource("AWS::Lambda::EventInvokeConfig", f.made.id+"EventInvokeConfig", f.attrs)
	if f.alias != nil {
		r.dependsOn = []any{f.alias.id}
	}
	var made []*resource
	destinations := object{}
	if given(config["DestinationConfig"]) {
		if err := wantResource(f.id, "EventInvokeConfig.DestinationConfig", config["DestinationConfig"], aMap); err != nil {
			return nil, err
		}
		for _, name := range []string{"OnSuccess", "OnFailure"} {
			v := at(config, "DestinationConfig", name)
			if v == nil {
				continue
			}
			if err := wantResource(f.id, "EventInvokeConfig.DestinationConfig."+name, v, aMap); err != nil {
				return nil, err
			}
			target, destination, err := f.destination(asObject(v), r.id, name)
			if err != nil {
				return nil, err
			}
			destinations[name] = object{"Destination": destination}
			if target != nil {
				made = append(made, target)
			}
		}
	}
	r.props["FunctionName"] = f.made.ref()
	r.props["Qualifier"] = "$LATEST"
	if f.aliasOf != "" {
		r.props["Qualifier"] = f.aliasOf
	}
	r.props["DestinationConfig"] = destinations
	copyMembers(r.props, config, "MaximumEventAgeInSeconds", "MaximumRetryAttempts")
	return append(made, r), nil
}

// destination returns where results go: what is named, or a queue or topic
// that is made for it.
func (f *function) destination(config object, id, event string) (made *resource, destination any, err error) {
	kind, _ := config["Type"].(string)
	if !slices.Contains(destinationTypes, kind) {
		return nil, nil, badResource(f.id, "'Type: %s' must be one of %s", shown(config["Type"]), quoted(destinationTypes))
	}
	destination = config["Destination"]
	condition, named, err := f.destinationCondition(destination, id)
	if err != nil {
		return nil, nil, err
	}
	if destination == nil || condition != "" {
		typ, suffix := "AWS::SQS::Queue", "Queue"
		switch kind {
		case "SQS":
		case "SNS":
			typ, suffix = "AWS::SNS::Topic", "Topic"
		default:
			return nil, nil, badResource(f.id, "Destination is required if Type is not ['SQS', 'SNS']")
		}
		made = newResource(typ, id+event+suffix, f.passed())
		if both := f.bothConditions(asString(f.attrs["Condition"]), condition); both != "" {
			made.attrs["Condition"] = both
		}
		var arn any = made.arn()
		if kind == "SNS" {
			arn = made.ref()
		}
		destination = arn
		if condition != "" {
			destination = choice(condition, arn, named)
		}
	}
	if policy := allowSend(kind, id+event, destination); policy != nil {
		f.policies = append(f.policies, policy)
	}
	return made, destination, nil
}

// destinationCondition returns the condition under which an Fn::If names no
// destination, and the destination it names otherwise.
func (f *function) destinationCondition(v any, id string) (condition string, named any, err error) {
	if !isIf(v) {
		return "", nil, nil
	}
	args, ok := ifArgs(v)
	if !ok {
		return "", nil, badResource(id, "Malformed 'Destination' property: Fn::If requires 3 arguments.")
	}
	condition, _ = args[0].(string)
	switch yes, no := isNoValue(args[1]), isNoValue(args[2]); {
	case yes && no:
		return "", nil, nil
	case yes:
		return condition, args[2], nil
	case no:
		name := "NOT" + condition + hashOf(id)
		f.t.addCondition(name, not(condition))
		return name, args[1], nil
	}
	return "", nil, nil
}

// bothConditions returns a condition that both hold.
func (f *function) bothConditions(a, b string) string {
	if a == "" {
		return b
	}
	if b == "" {
		return a
	}
	name := a + "AND" + b + hashOf(f.id)
	f.t.addCondition(name, object{"Fn::And": []any{object{"Condition": a}, object{"Condition": b}}})
	return name
}
