package drive

import (
	"cmp"
	"context"
	"regexp"
	"strings"
	"time"

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
		inputs := append(d.samples.of("input", m.Name), d.placed(ctx, inputFor(m.Definition)), map[string]any{})
		inputs = append(inputs[:min(len(inputs)-2, mostInputs-2)], inputs[len(inputs)-2:]...)
		d.entries++
		if r, ok := d.executions(ctx, p.id); ok && r.ran > 0 {
			d.say(true, "state machine %s: it ran while the stack was made", p.logical)
			continue
		}
		d.wantCalled(ctx, m.Definition)
		words, fine := "", false
		for _, input := range inputs {
			var one string
			if one, fine = d.execute(ctx, m, encoded(input)); fine {
				words = one
				break
			}
			words = cmp.Or(words, one)
		}
		d.say(fine, "a run of state machine %s: %s", p.logical, words)
	}
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
	inputPaths = regexp.MustCompile(`\$(?:states\.input)?\.([a-zA-Z_][\w.]*)`)
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

// placed is an input that names a bucket of the application, where it names one,
// and an object that is there.
func (d *driver) placed(ctx context.Context, input map[string]any) map[string]any {
	buckets := d.all("AWS::S3::Bucket")
	for name, value := range input {
		low := strings.ToLower(name)
		switch inner, ok := value.(map[string]any); {
		case ok:
			d.placed(ctx, inner)
		case len(buckets) == 0:
		case strings.Contains(low, "bucket"):
			input[name] = buckets[0].id
		case low == "key" || strings.HasSuffix(low, "objectkey") || strings.HasSuffix(low, "s3key") || strings.HasSuffix(low, "filename"):
			key, body := d.object(ctx, "", "", "")
			if d.put(ctx, buckets[0].id, key, body, "") == nil {
				input[name] = key
			}
		}
	}
	return input
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
