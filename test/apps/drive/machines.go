package drive

import (
	"context"
	"regexp"
	"strings"
	"time"

	"github.com/aloft-cloud/aloft/internal/api/sns"
	"github.com/aloft-cloud/aloft/internal/api/states"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/client"
)

// mostInputs is how many inputs are tried until one is taken.
const mostInputs = 4

// machines starts each state machine that nothing else starts, with the inputs
// that are shipped, and with one made of what its definition reads.
func (d *driver) machines(ctx context.Context) {
	for i, p := range d.all("AWS::StepFunctions::StateMachine") {
		m, err := client.Do(ctx, d.Client, states.DescribeStateMachine, &states.DescribeStateMachineInput{StateMachineArn: p.id})
		if err != nil || i >= mostEntries || d.fed[p.id] {
			continue
		}
		made, _ := merged(d.readFirst(ctx, m.Definition), inputFor(m.Definition)).(map[string]any)
		var inputs []any
		for _, s := range d.samples.of("input", m.Name) {
			inputs = append(inputs, d.filled(ctx, s))
		}
		inputs = append(inputs, d.placed(ctx, made), map[string]any{})
		d.putNamed(ctx, m.Definition)
		inputs = append(inputs[:min(len(inputs)-2, mostInputs-2)], inputs[len(inputs)-2:]...)
		d.entries++
		if r, ok := d.executions(ctx, p.id); ok && r.ran > 0 {
			d.say(true, "state machine %s: it ran while the stack was made", p.logical)
			continue
		}
		d.wantCalled(ctx, m.Definition)
		words, fine := "", false
		for i, input := range inputs {
			var one string
			if one, fine = d.execute(ctx, m, encoded(input)); fine {
				words = one
				break
			}
			if i < len(inputs)-1 { // the last is empty
				words = one
			}
		}
		d.say(fine, "a run of state machine %s: %s", p.logical, words)
	}
}

// readFirst is what the functions of a definition read of their input.
func (d *driver) readFirst(ctx context.Context, definition string) map[string]any {
	all := make(map[string]any)
	for _, arn := range arns.FindAllString(definition, -1) {
		if name := functionOf(arn); name != "" {
			all, _ = merged(fields(d.source(ctx, name)), all).(map[string]any)
		}
	}
	return all
}

var calledService = regexp.MustCompile(`arn:aws[\w-]*:states:::(?:aws-sdk:)?([a-z0-9-]+):[a-zA-Z]`)

// wantCalled notes the services that tasks of a definition call and that are not here.
func (d *driver) wantCalled(ctx context.Context, definition string) {
	for _, m := range calledService.FindAllStringSubmatch(definition, -1) {
		if m[1] != "http" {
			d.wantService(ctx, m[1])
		}
	}
}

// execute runs a state machine, and says how that ended.
func (d *driver) execute(ctx context.Context, m *states.DescribeStateMachineOutput, input string) (words string, fine bool) {
	if m.Type == "EXPRESS" {
		ctx, cancel := context.WithTimeout(ctx, usualWait)
		defer cancel()
		out, err := client.Do(ctx, d.Client, states.StartSyncExecution, &states.StartSyncExecutionInput{StateMachineArn: m.StateMachineArn, Input: &input})
		if err != nil {
			return brief(err.Error()), false
		}
		d.want(aws.Value(out.Cause))
		return brief(out.Status + " " + aws.Value(out.Error) + " " + aws.Value(out.Cause)), out.Status == "SUCCEEDED"
	}
	run, err := client.Do(ctx, d.Client, states.StartExecution, &states.StartExecutionInput{StateMachineArn: m.StateMachineArn, Input: &input})
	if err != nil {
		return brief(err.Error()), false
	}
	began := time.Now()
	for time.Since(began) < usualWait && ctx.Err() == nil {
		now, err := client.Do(ctx, d.Client, states.DescribeExecution, &states.DescribeExecutionInput{ExecutionArn: run.ExecutionArn})
		if err != nil {
			return brief(err.Error()), false
		}
		if now.Status != "RUNNING" {
			d.want(aws.Value(now.Cause))
			return brief(now.Status + " " + aws.Value(now.Error) + " " + aws.Value(now.Cause)), now.Status == "SUCCEEDED"
		}
		pause(ctx, 150*time.Millisecond)
	}
	if d.waits(ctx, run.ExecutionArn) {
		return "it waits", true
	}
	return "still running", false
}

var (
	inputPaths = regexp.MustCompile(`\$(?:states\.input)?\.([a-zA-Z_][\w.-]*\w)`)
	compared   = regexp.MustCompile(`"Variable"\s*:\s*"\$\.([\w.]+)"\s*,\s*"(String|Numeric|Boolean)Equals"\s*:\s*("[^"]*"|[\d.]+|true|false)`)
	items      = regexp.MustCompile(`"(?:ItemsPath|Items)"\s*:\s*"(?:\{%\s*)?\$(?:states\.input)?\.([\w.]+)`)
)

// inputFor makes an input of the paths that a definition reads.
func inputFor(definition string) map[string]any {
	input := make(map[string]any)
	for _, m := range inputPaths.FindAllStringSubmatch(definition, -1) {
		if !strings.HasPrefix(m[1], "states.") {
			set(input, m[1], valueFor(m[1][strings.LastIndexByte(m[1], '.')+1:]))
		}
	}
	for _, m := range compared.FindAllStringSubmatch(definition, -1) {
		set(input, m[1], parsed(m[3]))
	}
	for _, m := range items.FindAllStringSubmatch(definition, -1) {
		set(input, m[1], []any{map[string]any{"id": "1", "name": "one"}})
	}
	return input
}

// placed is an input that names things of the application, where it names some,
// and an object that is there.
func (d *driver) placed(ctx context.Context, input map[string]any) map[string]any {
	d.place(ctx, input, func(any) bool { return true })
	return input
}

// blank is what examples have where their user is to put something.
var blank = regexp.MustCompile(`(?i)^<.*>$|^\{\{?.*\}$|your|replace|xxx|example-?bucket|my-?bucket|:123456789012:`)

// filled is an example with what its user is to put there.
func (d *driver) filled(ctx context.Context, sample any) any {
	copied := parsed(encoded(sample))
	d.place(ctx, copied, func(v any) bool { text, ok := v.(string); return ok && blank.MatchString(text) })
	return copied
}

// place puts the names of things of the application in where they belong.
func (d *driver) place(ctx context.Context, v any, wanted func(any) bool) {
	if list, ok := v.([]any); ok {
		for _, inner := range list {
			d.place(ctx, inner, wanted)
		}
	}
	object, _ := v.(map[string]any)
	for name, value := range object {
		switch value.(type) {
		case map[string]any, []any:
			d.place(ctx, value, wanted)
			continue
		}
		if thing := ""; wanted(value) {
			if thing = d.thingFor(ctx, strings.ToLower(name)); thing != "" {
				object[name] = thing
			}
		}
	}
}

// thingFor is a thing of the application that a member of an input names, or "".
func (d *driver) thingFor(ctx context.Context, name string) string {
	name = strings.ReplaceAll(name, "_", "")
	first := func(typ string) string {
		if all := d.all(typ); len(all) > 0 {
			return all[0].id
		}
		return ""
	}
	switch {
	case name == "topic", strings.Contains(name, "topicarn"):
		return d.topic(ctx)
	case strings.Contains(name, "table"):
		return first("AWS::DynamoDB::Table")
	case strings.Contains(name, "queueurl"):
		return first("AWS::SQS::Queue")
	case strings.Contains(name, "bucket"):
		return first("AWS::S3::Bucket")
	case name == "key", strings.HasSuffix(name, "objectkey"), strings.HasSuffix(name, "s3key"), strings.HasSuffix(name, "filename"):
		bucket := first("AWS::S3::Bucket")
		key, body := d.object(ctx, "", "", "")
		if bucket != "" && d.put(ctx, bucket, key, body, "") == nil {
			return key
		}
	}
	return ""
}

// literalKey is where a definition names an object itself.
var literalKey = regexp.MustCompile(`"Key"\s*:\s*"([\w./-]+\.\w+)"`)

// putNamed puts the objects that a definition names into the application's buckets.
func (d *driver) putNamed(ctx context.Context, definition string) {
	for _, m := range literalKey.FindAllStringSubmatch(definition, mostEntries) {
		_, body := d.object(ctx, "", "", m[1])
		for _, p := range d.all("AWS::S3::Bucket") {
			_ = d.put(ctx, p.id, m[1], body, "")
		}
	}
}

// topic is one of the application, or one that it was given.
func (d *driver) topic(ctx context.Context) string {
	if all := d.all("AWS::SNS::Topic"); len(all) > 0 {
		return all[0].id
	}
	if out, err := client.Do(ctx, d.Client, sns.ListTopics, &sns.ListTopicsInput{}); err == nil && len(out.Topics) > 0 {
		return aws.Value(out.Topics[0].TopicArn)
	}
	return "1"
}

// set sets what a path of names leads to.
func set(object map[string]any, path string, value any) {
	names := strings.Split(strings.Trim(path, "."), ".")
	for _, name := range names[:len(names)-1] {
		inner, ok := object[name].(map[string]any)
		if !ok {
			inner = make(map[string]any)
			object[name] = inner
		}
		object = inner
	}
	last := names[len(names)-1]
	if _, deeper := object[last].(map[string]any); !deeper {
		object[last] = value
	}
}
