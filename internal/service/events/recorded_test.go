package events_test

import (
	"encoding/base64"
	"encoding/json"
	"os"
	"strings"
	"testing"

	"github.com/aloft-cloud/aloft/internal/platformtest"
)

// TestRecorded compares answers with those that AWS gave.
func TestRecorded(t *testing.T) {
	platformtest.Recording{
		Service: "events",
		Texts:   map[string]string{"LARGE": strings.Repeat("a", 1<<20)},
		Masks:   []string{"date", "api-destination-arn", "connection-arn", "target-arn", "target-id", "m-d5-of-body", "receipt-handle", "event-id", "message-id", "signature", "signing-cert-u-r-l", "topic-arn", "unsubscribe-u-r-l"},
		Unknown: []string{"SizeBytes"}, // AWS counts what is left of an event when it is packed
		As:      raised,
	}.Run(t, os.Getenv("ALOFT_VECTORS"), "testdata/recorded.steps")
}

// raised is a refusal as it was recorded of patterns, with the place apart, and
// events as they were recorded of a stream and of an object.
func raised(want, got any) any {
	if text, ok := got.(string); ok {
		if _, isList := want.([]any); isList {
			return eventsIn(text)
		}
	}
	w, _ := want.(map[string]any)
	if text, ok := got.(string); ok && w != nil { // the bytes of a record
		if event, err := base64.StdEncoding.DecodeString(text); err == nil {
			return string(event)
		}
	}
	g, _ := got.(map[string]any)
	e, refused := g["Error"].(map[string]any)
	if w["exception_message"] == nil || !refused {
		return got
	}
	raw, _ := e["Message"].(string)
	e["MessageRaw"] = raw
	e["Message"], _, _ = strings.Cut(raw, "\n")
	return map[string]any{"exception_message": g, "exception_type": w["exception_type"]}
}

// eventsIn are the events in the bytes of an object.
func eventsIn(text string) []any {
	var all []any
	d := json.NewDecoder(base64.NewDecoder(base64.StdEncoding, strings.NewReader(text)))
	for {
		var event any
		if d.Decode(&event) != nil {
			return all
		}
		all = append(all, event)
	}
}
