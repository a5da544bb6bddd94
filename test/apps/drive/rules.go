package drive

import (
	"cmp"
	"context"
	"fmt"
	"regexp"
	"strings"
	"time"

	"github.com/aloft-cloud/aloft/internal/api/events"
	"github.com/aloft-cloud/aloft/internal/api/lambda"
	"github.com/aloft-cloud/aloft/internal/api/pipes"
	"github.com/aloft-cloud/aloft/internal/api/scheduler"
	"github.com/aloft-cloud/aloft/internal/api/states"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/client"
)

// A rule is one with its targets.
type rule struct {
	*events.DescribeRuleOutput
	targets []events.Target
}

func (d *driver) ruleList(ctx context.Context) []rule {
	var list []rule
	for _, p := range d.all("AWS::Events::Rule") {
		var bus *string
		name := p.id
		if i := strings.LastIndexAny(p.id, "|/"); i >= 0 {
			bus, name = new(p.id[:i]), p.id[i+1:]
		}
		out, err := client.Do(ctx, d.Client, events.DescribeRule, &events.DescribeRuleInput{Name: name, EventBusName: bus})
		targets, err2 := client.Do(ctx, d.Client, events.ListTargetsByRule, &events.ListTargetsByRuleInput{Rule: name, EventBusName: bus})
		if err == nil && err2 == nil {
			list = append(list, rule{out, targets.Targets})
		}
	}
	return list
}

// rules puts an event that each rule matches on its bus. What only AWS's own
// services send, and schedules, goes to the targets as the rule would send it.
func (d *driver) rules(ctx context.Context) {
	for i, r := range d.ruleList(ctx) {
		if i >= mostEntries {
			return
		}
		name := aws.Value(r.Name)
		pattern, _ := parsed(aws.Value(r.EventPattern)).(map[string]any)
		event, _ := matching(pattern).(map[string]any)
		source, _ := event["source"].(string)
		detail, _ := event["detail"].(map[string]any)
		trail := detail["eventName"] != nil // of a call, as CloudTrail tells: it is not here
		kind, _ := event["detail-type"].(string)
		stored := source == "aws.s3" && (kind == "" || strings.HasPrefix(kind, "Object Created") || kind == "Object Deleted")
		if r.EventPattern == nil || trail && source != "" || strings.HasPrefix(source, "aws.") && !stored {
			d.direct(ctx, r, event)
			continue
		}
		e := entry{name: "an event that rule " + brief(name) + " matches"}
		for _, t := range r.targets {
			e.targets = append(e.targets, target{t.Arn, name})
		}
		if source == "aws.s3" {
			e.do = func(ctx context.Context) error { return d.objectOf(ctx, event, e.targets) }
		} else {
			e.do = func(ctx context.Context) error { return d.putEvent(ctx, r, event) }
		}
		d.drive(ctx, e)
	}
}

// putEvent puts an event on the bus of a rule: one that is shipped, or made of
// the pattern.
func (d *driver) putEvent(ctx context.Context, r rule, event map[string]any) error {
	detail := event["detail"]
	kind, _ := event["detail-type"].(string)
	found := false
	for _, s := range d.samples.of("event", aws.Value(r.Name)+kind) {
		shipped, _ := s.(map[string]any)
		if shipped["detail-type"] == event["detail-type"] || event["detail-type"] == nil {
			detail = merged(shipped["detail"], detail)
			kind = cmp.Or(kind, textOf(shipped["detail-type"]))
			found = true
			break
		}
	}
	for _, s := range d.samples.of("entry", kind) {
		shipped, _ := s.(map[string]any)
		if list, ok := shipped["Entries"].([]any); ok && len(list) > 0 {
			shipped, _ = list[0].(map[string]any)
		}
		if text, ok := shipped["Detail"].(string); ok && !found && parsed(text) != nil {
			detail = merged(parsed(text), detail)
			kind, found = cmp.Or(kind, textOf(shipped["DetailType"])), true
		}
	}
	if !found && len(r.targets) > 0 {
		detail = merged(fields(d.source(ctx, functionOf(r.targets[0].Arn))), detail)
	}
	if _, ok := detail.(map[string]any); !ok {
		detail = map[string]any{}
	}
	source, _ := event["source"].(string)
	in := events.PutEventsRequestEntry{Source: new(cmp.Or(source, "driven")), DetailType: new(cmp.Or(kind, "driven")), Detail: new(encoded(detail)), EventBusName: r.EventBusName}
	if resources, ok := event["resources"]; ok {
		in.Resources = []string{textOf(resources)}
	}
	out, err := client.Do(ctx, d.Client, events.PutEvents, &events.PutEventsInput{Entries: []events.PutEventsRequestEntry{in}})
	if err == nil && aws.Value(out.FailedEntryCount) > 0 {
		err = fmt.Errorf("PutEvents: %s", aws.Value(out.Entries[0].ErrorMessage))
	}
	return err
}

// objectOf puts an object into the bucket that an event of S3 is of.
func (d *driver) objectOf(ctx context.Context, event map[string]any, targets []target) error {
	detail, _ := event["detail"].(map[string]any)
	bucket, _ := detail["bucket"].(map[string]any)
	object, _ := detail["object"].(map[string]any)
	name, _ := bucket["name"].(string)
	if all := d.all("AWS::S3::Bucket"); name == "" && len(all) > 0 {
		name = all[0].id
	}
	wanted, _ := object["key"].(string)
	arn := ""
	if len(targets) > 0 {
		arn = targets[0].arn
	}
	key, body := d.object(ctx, arn, "", wanted)
	if wanted != "" {
		key = wanted
	}
	kind := "Created"
	if textOf(event["detail-type"]) == "Object Deleted" {
		kind = "Removed"
	}
	return d.put(ctx, name, key, body, kind)
}

// direct gives the targets of a rule what the rule would give them.
func (d *driver) direct(ctx context.Context, r rule, event map[string]any) {
	what := "an event of AWS to rule "
	whole := map[string]any{
		"version": "0", "id": "6a7e8feb-b491-4cf7-a9f1-bf3703467718", "detail-type": "Scheduled Event", "source": "aws.events", "account": d.Account,
		"time": time.Now().UTC().Format(time.RFC3339), "region": d.Client.Region(), "resources": []any{aws.Value(r.Arn)}, "detail": map[string]any{},
	}
	if r.ScheduleExpression != nil {
		what = "the time of rule "
	} else {
		for _, s := range d.samples.of("event", aws.Value(r.Name)+textOf(event["detail-type"])) {
			whole = merged(whole, s).(map[string]any)
			break
		}
		whole = merged(whole, event).(map[string]any)
	}
	for i, t := range r.targets {
		if i >= mostEntries {
			break
		}
		event := whole
		if r.ScheduleExpression == nil {
			event, _ = merged(d.readBy(ctx, t.Arn), whole).(map[string]any)
		}
		d.give(ctx, what+brief(aws.Value(r.Name)), t.Arn, shaped(t, event))
	}
}

// readBy is what a target reads of an event, by its source.
func (d *driver) readBy(ctx context.Context, arn string) any {
	if strings.Contains(arn, ":stateMachine:") {
		if m, err := client.Do(ctx, d.Client, states.DescribeStateMachine, &states.DescribeStateMachineInput{StateMachineArn: arn}); err == nil {
			return d.placed(ctx, inputFor(m.Definition))
		}
	}
	return map[string]any{"detail": d.placed(ctx, fields(d.source(ctx, functionOf(arn))))}
}

// shaped is what a target gets of an event.
func shaped(t events.Target, event map[string]any) string {
	switch {
	case t.Input != nil:
		return *t.Input
	case t.InputPath != nil:
		return encoded(at(event, *t.InputPath))
	case t.InputTransformer == nil:
		return encoded(event)
	}
	text := t.InputTransformer.InputTemplate
	for name, path := range t.InputTransformer.InputPathsMap {
		value := encoded(at(event, path))
		if _, ok := at(event, path).(string); ok && !strings.Contains(text, `"<`+name+`>`) {
			value = `"` + value + `"`
		}
		text = strings.ReplaceAll(text, "<"+name+">", value)
	}
	return text
}

// at is what a path such as $.detail.state leads to.
func at(v any, path string) any {
	for _, name := range strings.Split(strings.Trim(strings.TrimPrefix(path, "$"), "."), ".") {
		if m, ok := v.(map[string]any); ok && name != "" {
			v = m[name]
		}
	}
	return v
}

// give gives a target an input as a rule or a schedule does.
func (d *driver) give(ctx context.Context, name, arn, input string) {
	e := entry{name: name, targets: []target{{arn: arn}}}
	switch {
	case functionOf(arn) != "":
		e.do = func(ctx context.Context) error {
			_, name, _ := strings.Cut(arn, ":function:")
			_, err := client.Do(ctx, d.Client, lambda.Invoke, &lambda.InvokeInput{FunctionName: name, InvocationType: new("Event"), Payload: []byte(input)})
			return err
		}
	case strings.Contains(arn, ":stateMachine:"):
		e.do = func(ctx context.Context) error {
			_, err := client.Do(ctx, d.Client, states.StartExecution, &states.StartExecutionInput{StateMachineArn: arn, Input: &input})
			return err
		}
	case strings.HasPrefix(arn, "arn:aws:sqs:"):
		e.do = func(ctx context.Context) error { return d.send(ctx, arn, input, false) }
	case strings.HasPrefix(arn, "arn:aws:sns:"):
		e.do = func(ctx context.Context) error { return d.publish(ctx, arn, subscription{}) }
	default:
		return
	}
	d.drive(ctx, e)
}

func (d *driver) scheduleList(ctx context.Context) []*scheduler.GetScheduleOutput {
	var list []*scheduler.GetScheduleOutput
	for _, p := range d.all("AWS::Scheduler::Schedule") {
		in := &scheduler.GetScheduleInput{Name: p.id}
		if group, name, ok := strings.Cut(p.id, "|"); ok {
			in.GroupName, in.Name = &group, name
		}
		if out, err := client.Do(ctx, d.Client, scheduler.GetSchedule, in); err == nil && out.Target != nil {
			list = append(list, out)
		}
	}
	return list
}

// schedules gives the target of each schedule its input.
func (d *driver) schedules(ctx context.Context) {
	for i, s := range d.scheduleList(ctx) {
		if i < mostEntries {
			d.give(ctx, "the time of schedule "+brief(aws.Value(s.Name)), s.Target.Arn, cmp.Or(aws.Value(s.Target.Input), "{}"))
		}
	}
}

func (d *driver) pipeList(ctx context.Context) []*pipes.DescribePipeOutput {
	var list []*pipes.DescribePipeOutput
	for _, p := range d.all("AWS::Pipes::Pipe") {
		if out, err := client.Do(ctx, d.Client, pipes.DescribePipe, &pipes.DescribePipeInput{Name: p.id}); err == nil {
			list = append(list, out)
		}
	}
	return list
}

// watched are the targets besides functions and state machines that tell what they got.
var watched = regexp.MustCompile(`^arn:aws:(?:sqs|sns|logs|kinesis):`)

// pipes puts something into the source of each pipe.
func (d *driver) pipes(ctx context.Context) {
	for _, p := range d.pipeList(ctx) {
		filter := ""
		if s := p.SourceParameters; s != nil && s.FilterCriteria != nil && len(s.FilterCriteria.Filters) > 0 {
			filter = aws.Value(s.FilterCriteria.Filters[0].Pattern)
		}
		e := entry{name: "a record into pipe " + brief(aws.Value(p.Name)), wait: 10 * time.Second}
		for _, arn := range []string{aws.Value(p.Target), aws.Value(p.Enrichment)} {
			if arn == "" {
				continue
			}
			if functionOf(arn) != "" || strings.Contains(arn, ":stateMachine:") || watched.MatchString(arn) {
				e.targets = append(e.targets, target{arn: arn})
				break
			}
		}
		e.do = func(ctx context.Context) error {
			source := d.source(ctx, functionOf(aws.Value(p.Enrichment))+functionOf(aws.Value(p.Target)))
			return d.feed(ctx, aws.Value(p.Source), filter, source, aws.Value(p.Name))
		}
		if d.fed[aws.Value(p.Source)] {
			continue
		}
		at := ""
		for _, to := range []string{aws.Value(p.Enrichment), aws.Value(p.Target)} {
			if strings.Contains(to, ":api-destination/") {
				at = cmp.Or(at, d.destination(ctx, to))
			}
		}
		if at != "" && len(e.targets) == 0 && len(d.wants) > 0 {
			d.entries++
			d.say(false, "%s: it leads to %s", e.name, at)
			continue
		}
		d.drive(ctx, e)
	}
}
