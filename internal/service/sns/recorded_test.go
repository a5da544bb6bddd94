package sns_test

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/aloft-cloud/aloft/internal/platformtest"
)

// TestRecorded compares answers with those that AWS gave.
func TestRecorded(t *testing.T) {
	platformtest.Recording{
		Service: "sns",
		Texts: map[string]string{
			"LONG":    strings.Repeat("a", 2049),
			"A256":    strings.Repeat("a", 256),
			"A257":    strings.Repeat("a", 257),
			"LONGEST": strings.Repeat("a", 256<<10),
			"TOOLONG": strings.Repeat("a", 256<<10+1),
			"ID91":    "my" + strings.Repeat("really", 13) + "longid",
		},
		Masks:   []string{"date"},
		Unknown: []string{"SubscriptionPrincipal"},
		As:      inQuery,
	}.Run(t, os.Getenv("ALOFT_VECTORS"), "testdata/recorded.steps")
}

// inQuery is an answer as the query protocol has it, which SDKs speak.
func inQuery(want, got any) any {
	if want == "ValidationError" && got == "ValidationException" {
		return want
	}
	g, ok := got.(map[string]any)
	if !ok {
		return got
	}
	if w, ok := want.(map[string]any); ok {
		if e, ok := w["Error"].(map[string]any); ok {
			delete(e, "_normalized") // the message again, without the place
		}
	}
	if list, ok := g["Messages"].([]any); ok && !strings.Contains(fmt.Sprint(list), "SequenceNumber") { // of a queue without order
		slices.SortStableFunc(list, func(a, b any) int { return strings.Compare(bodyOf(a), bodyOf(b)) })
	}
	for _, name := range []string{"attributes", "phoneNumbers"} {
		upper := strings.ToUpper(name[:1]) + name[1:]
		if w, ok := want.(map[string]any); ok && w[name] != nil && g[upper] != nil {
			g[name] = g[upper]
			delete(g, upper)
		}
	}
	return g
}

func bodyOf(message any) string {
	m, _ := message.(map[string]any)
	body, _ := m["Body"].(string)
	return body
}
