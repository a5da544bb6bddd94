package serverless

import (
	"crypto/md5"
	"encoding/hex"
	"encoding/json"
	"regexp"
	"strings"
)

// inputs sets what a rule gives its target instead of the event: one of a
// text, a path or a template.
func (b *builder) inputs(e event, target object) error {
	said := 0
	for _, key := range []string{"input", "inputPath", "inputTransformer"} {
		if truthy(e.get(key)) {
			said++
		}
	}
	if said > 1 {
		return b.s.errorAt(in(e.path, e.kind), "want one of input, inputPath and inputTransformer")
	}
	switch input := e.get("input").(type) {
	case nil:
	case string:
		target["Input"] = input
	default:
		target["Input"] = asJSON(input)
	}
	put(target, "InputPath", e.get("inputPath"))
	if t := e.get("inputTransformer"); t != nil {
		transformer := object{"InputTemplate": at(t, "inputTemplate")}
		put(transformer, "InputPathsMap", at(t, "inputPathsMap"))
		target["InputTransformer"] = transformer
	}
	return nil
}

func enabled(e event) string {
	if v := e.get("enabled"); v != nil && !truthy(v) {
		return "DISABLED"
	}
	return "ENABLED"
}

// cloudWatchEvents adds the rules of the events of kind cloudwatchEvent.
func (b *builder) cloudWatchEvents() error {
	count := make(map[string]int)
	for _, e := range b.s.events("cloudwatchEvent") {
		count[e.fn.key]++
		suffix := "EventsRuleCloudWatchEvent" + itoa(count[e.fn.key])
		id := logical(e.fn.key) + suffix
		target := object{"Arn": e.fn.target(), "Id": e.fn.key + "CloudWatchEvent"}
		if err := b.inputs(e, target); err != nil {
			return err
		}
		props := object{"EventPattern": e.get("event"), "State": enabled(e), "Targets": []any{target}}
		put(props, "Description", e.get("description"))
		put(props, "Name", e.get("name"))
		b.add(id, "AWS::Events::Rule", props, e.fn.aliasID())
		b.permit(logical(e.fn.key)+"LambdaPermission"+suffix, e.fn, "events.amazonaws.com", getAtt(id, "Arn"))
	}
	return nil
}

// eventBridge adds the rules of the events of kind eventBridge, and the buses
// that they name.
func (b *builder) eventBridge() error {
	for _, e := range b.s.events("eventBridge") {
		if e.get("pattern") == nil && e.get("schedule") == nil {
			return b.s.errorAt(in(e.path, "eventBridge"), "want a pattern or a schedule")
		}
		// Ids and names count all events of a function.
		plain := e.fn.name + "-rule-" + itoa(e.index)
		name := text(first(e.get("name"), shortened(plain, "rule-"+itoa(e.index))))
		bus, busID := b.eventBus(e.get("eventBus"))
		target := object{"Arn": e.fn.target(), "Id": shortened(name+"-target", "target")}
		if err := b.inputs(e, target); err != nil {
			return err
		}
		if p := e.get("retryPolicy"); p != nil {
			policy := object{}
			put(policy, "MaximumEventAgeInSeconds", at(p, "maximumEventAge"))
			put(policy, "MaximumRetryAttempts", at(p, "maximumRetryAttempts"))
			target["RetryPolicy"] = policy
		}
		if arn := e.get("deadLetterQueueArn"); arn != nil {
			target["DeadLetterConfig"] = object{"Arn": arn}
		}
		props := object{"Name": name, "State": enabled(e), "Targets": []any{target}}
		if bus != "default" {
			put(props, "EventBusName", bus)
		}
		put(props, "EventPattern", e.get("pattern"))
		put(props, "ScheduleExpression", e.get("schedule"))
		put(props, "Description", e.get("description"))
		b.add(alphanumeric(plain)+"EventBridgeRule", "AWS::Events::Rule", props, busID, e.fn.aliasID())
		parts := []any{"rule", name}
		if bus != nil && bus != "default" {
			parts = []any{"rule", bus, name}
		}
		b.permit(logical(e.fn.key)+"EventBridgeLambdaPermission"+itoa(e.index), e.fn, "events.amazonaws.com", join(":",
			"arn", ref("AWS::Partition"), "events", ref("AWS::Region"), ref("AWS::AccountId"), join("/", parts...)))
	}
	return nil
}

// eventBus returns a rule's bus, and the id of what makes it if that is here.
func (b *builder) eventBus(bus any) (name, id any) {
	s, isText := bus.(string)
	if !isText || s == "default" {
		return bus, nil
	}
	if strings.HasPrefix(s, "arn") {
		return s[strings.IndexByte(s, '/')+1:], nil
	}
	made := logical(s) + "EventBridgeEventBus"
	b.add(made, "AWS::Events::EventBus", object{"Name": s})
	return s, made
}

// shortened is a name, or if that is too long, its beginning and a digest.
func shortened(name, suffix string) string {
	if len(name) <= 64 {
		return name
	}
	sum := md5.Sum([]byte(name))
	return name[:31-len(suffix)] + hex.EncodeToString(sum[:]) + "-" + suffix
}

var scheduleForm = regexp.MustCompile(`^(rate|cron|at)\(.+\)$`)

// schedules adds the rules of the events of kind schedule. One of method
// scheduler is a schedule of EventBridge Scheduler instead.
func (b *builder) schedules() error {
	count := make(map[string]int)
	invoked := make(map[string]bool)
	var resources []any
	for _, e := range b.s.events("schedule") {
		rates := list(first(e.get("rate"), e.config))
		if e.get("name") != nil && len(rates) > 1 {
			return b.s.errorAt(in(e.path, "schedule"), "a schedule of several rates cannot have a name")
		}
		for _, rate := range rates {
			if s, isText := rate.(string); !isText && !isCall(rate) || isText && !scheduleForm.MatchString(s) {
				return b.s.errorAt(in(e.path, "schedule"), "want rate(…) or cron(…), not %s", asJSON(rate))
			}
			count[e.fn.key]++
			var err error
			if text(e.get("method")) == "scheduler" {
				err = b.schedulerSchedule(e, rate, count[e.fn.key])
				if !invoked[e.fn.key] {
					arn := "arn:${AWS::Partition}:lambda:${AWS::Region}:${AWS::AccountId}:function:" + e.fn.name
					resources = append(resources, sub(arn), sub(arn+":*"))
				}
				invoked[e.fn.key] = true
			} else {
				err = b.scheduleRule(e, rate, count[e.fn.key])
			}
			if err != nil {
				return err
			}
		}
	}
	if len(resources) > 0 && b.role != nil {
		b.role["AssumeRolePolicyDocument"] = trust("lambda.amazonaws.com", "scheduler.amazonaws.com")
		b.allow([]string{"lambda:InvokeFunction"}, resources...)
	}
	return nil
}

func (b *builder) scheduleRule(e event, rate any, n int) error {
	if e.get("timezone") != nil {
		return b.s.errorAt(in(e.path, "schedule", "timezone"), "only schedules of method scheduler have a time zone")
	}
	suffix := "EventsRuleSchedule" + itoa(n)
	target := object{"Arn": e.fn.target(), "Id": e.fn.key + "Schedule"}
	if err := b.inputs(e, target); err != nil {
		return err
	}
	scheduleInput(e, target)
	props := object{"ScheduleExpression": rate, "State": enabled(e), "Targets": []any{target}}
	put(props, "Name", e.get("name"))
	put(props, "Description", e.get("description"))
	b.add(logical(e.fn.key)+suffix, "AWS::Events::Rule", props, e.fn.aliasID())
	b.permit(logical(e.fn.key)+"LambdaPermission"+suffix, e.fn, "events.amazonaws.com", getAtt(logical(e.fn.key)+suffix, "Arn"))
	return nil
}

// scheduleInput replaces a body of text by the JSON that it is.
func scheduleInput(e event, target object) {
	body, isText := e.get("input", "body").(string)
	if !isText {
		return
	}
	input := asObject(clone(e.get("input")))
	if json.Valid([]byte(body)) {
		input["body"] = json.RawMessage(body)
	}
	target["Input"] = asJSON(input)
}

func (b *builder) schedulerSchedule(e event, rate any, n int) error {
	for _, key := range []string{"inputPath", "inputTransformer"} {
		if e.get(key) != nil {
			return b.s.errorAt(in(e.path, "schedule", key), "schedules of method scheduler do not have it")
		}
	}
	role, _ := roleArn(b.roleOf(e.fn))
	target := object{"Arn": e.fn.target(), "RoleArn": role}
	if err := b.inputs(e, target); err != nil {
		return err
	}
	scheduleInput(e, target)
	props := object{"ScheduleExpression": rate, "State": enabled(e), "Target": target, "FlexibleTimeWindow": object{"Mode": "OFF"}}
	put(props, "Name", e.get("name"))
	put(props, "Description", e.get("description"))
	put(props, "ScheduleExpressionTimezone", e.get("timezone"))
	b.add(logical(e.fn.key)+"SchedulerSchedule"+itoa(n), "AWS::Scheduler::Schedule", props, e.fn.aliasID())
	return nil
}
