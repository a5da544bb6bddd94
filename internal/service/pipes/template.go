package pipes

import (
	"encoding/base64"
	"encoding/json"
	"strings"
	"time"

	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/event/transform"
)

// A view is an event as templates and paths see it.
type view struct {
	event json.RawMessage
	pipe  *pipe
	arn   aws.ARN
	came  time.Time
}

// find returns what a path leads to. What is text in an event, but is JSON, a
// path may go on into: the body of a message, the data of a record.
func (v *view) find(path string) ([]byte, bool) {
	p, err := transform.ParsePath(path)
	if err != nil {
		return nil, false
	}
	if found, ok := p.Find(v.event); ok {
		return found, true
	}
	return p.Find(v.opened())
}

// opened is the event with its body or data as the JSON that it is.
func (v *view) opened() []byte {
	var members map[string]json.RawMessage
	if json.Unmarshal(v.event, &members) != nil {
		return v.event
	}
	for _, name := range []string{"body", "data"} {
		var text string
		if json.Unmarshal(members[name], &text) != nil {
			continue
		}
		inner := []byte(text)
		if decoded, err := base64.StdEncoding.DecodeString(text); name == "data" && err == nil {
			inner = decoded
		}
		if json.Valid(inner) {
			members[name] = inner
		}
	}
	out, err := json.Marshal(members)
	if err != nil {
		return v.event
	}
	return out
}

// apply fills a template with an event; nil is the event itself.
func (v *view) apply(template *string) json.RawMessage {
	if aws.Value(template) == "" {
		return v.event
	}
	return transform.ParseTemplate(*template).Fill(v.value)
}

// value is what stands for a name in a template.
func (v *view) value(name string) ([]byte, bool) {
	if strings.HasPrefix(name, "$") {
		return v.find(name)
	}
	switch name {
	case "aws.pipes.event":
		return v.event, true
	case "aws.pipes.event.json":
		return v.opened(), true
	case "aws.pipes.event.ingestion-time":
		return transform.Quote(v.came.UTC().Format(time.RFC3339)), true
	case "aws.pipes.pipe-arn":
		return transform.Quote(v.arn.String()), true
	case "aws.pipes.pipe-name":
		return transform.Quote(v.pipe.Spec.Name), true
	case "aws.pipes.source-arn":
		return transform.Quote(v.pipe.Spec.Source), true
	case "aws.pipes.enrichment-arn":
		return transform.Quote(aws.Value(v.pipe.Spec.Enrichment)), true
	case "aws.pipes.target-arn":
		return transform.Quote(v.pipe.Spec.Target), true
	}
	return nil, false
}

// text is a parameter: what its path leads to, or what it says.
func (v *view) text(parameter *string) string {
	p := aws.Value(parameter)
	if !strings.HasPrefix(p, "$.") {
		return p
	}
	found, _ := v.find(p)
	var s string
	if json.Unmarshal(found, &s) == nil {
		return s
	}
	return string(found)
}

// texts is text for each value of a map.
func (v *view) texts(parameters map[string]string) map[string]string {
	out := make(map[string]string)
	for name, p := range parameters {
		out[name] = v.text(&p)
	}
	return out
}
