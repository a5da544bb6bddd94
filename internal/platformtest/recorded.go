package platformtest

import (
	"cmp"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aloft-cloud/aloft/internal/auth"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/platform"
)

// A Recording compares the platform's answers with those that AWS was recorded
// to give. A file of steps says what was asked, case by case:
//
//	# What is said before the first blank line is about the file.
//
//	*
//	- CreateBucket {"Bucket":"bucket"}
//
//	TestKeys::test_get_key[…]
//	-=KEY CreateKey {}
//	get-key GetKey {"Id":"@KEY.Id@","As":"@…@"}
//	tags<Tags iam.ListTags {"Arn":"@Arn@"}
//	- sleep 5m
//
// A case begins with its name in the recording, or the end of it. An … in it
// matches anything, so that the steps are those of several cases, and what the
// last one stands for is @…@. The steps of the case * come before those of every
// other. Those after "without" are cases that are not replayed, each with the
// reason; where there are such, every recorded case is one or the other:
//
//	without
//	test_get_key[slow]: nothing was recorded
//
// A step is the name under which the answer was recorded, or - if it was not;
// the operation, of another service if it says so; and the input. =KEY keeps the
// answer: @KEY.Id@ is the member Id of it, wherever that is, and @Id@ that of the
// last answer that had one. <Tags says that only this part was recorded. An
// operation is asked as the root of account in us-east-1, or of another account
// and in another region, if they lead it: 222222222222/us-west-2/GetKey. A plain
// request has a method, a URL and headers instead, and Body among these:
//
//	page<Body GET http://localhost:4566/bucket {"Origin":"https://example.com"}
//
// Its answer has StatusCode, Headers and Body, which if it is XML is told as
// what is in it. A step is repeated that says how often: 3*CreateKey {"Id":"@N@"}.
type Recording struct {
	Service string            // whose recording it is, and whose operations the steps call
	Texts   map[string]string // what @NAME@ in a step stands for, besides

	Masks   []string                // recorded in place of what nobody could know, besides <…>
	Unknown []string                // members whose values nobody could know
	Hidden  []string                // members of answers that were not recorded
	As      func(want, got any) any // got in the form in which want was recorded. nil: it is

	Change func(*platform.Config) // what an operator chose. nil: nothing
	Closed bool                   // the platform takes nobody's word: what was not recorded is done from inside
}

// account is the one in which AWS was asked.
const account = "111111111111"

// A recordedCase is one case of a file of steps.
type recordedCase struct {
	name  string
	steps []string
}

// Run replays the steps in file, each case on a platform of its own. vectors is
// the folder of recorded answers, which the environment names by ALOFT_VECTORS.
func (r Recording) Run(t *testing.T, vectors, file string) {
	if vectors == "" {
		t.Skip("needs ALOFT_VECTORS, the folder of recorded answers")
	}
	text, err := os.ReadFile(filepath.Join(vectors, "recorded", r.Service+".json"))
	if err != nil {
		t.Fatal(err)
	}
	var recorded map[string]map[string]any
	if err := json.Unmarshal(text, &recorded); err != nil {
		t.Fatal(err)
	}
	if text, err = os.ReadFile(file); err != nil {
		t.Fatal(err)
	}
	before, without, cases := parseCases(string(text))
	cases, compared := expand(t, cases, recorded), 0
	checkAll(t, cases, without, recorded)
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				compared += r.replay(t, append(before[:len(before):len(before)], c.steps...), recorded[c.name])
			})
		})
	}
	t.Logf("%d of %d cases, %d answers", len(cases), len(recorded), compared)
}

// parseCases reads a file of steps.
func parseCases(text string) (before, without []string, cases []recordedCase) {
	for i, part := range strings.Split(strings.TrimSpace(text), "\n\n") {
		lines := strings.Split(strings.TrimSpace(part), "\n")
		switch {
		case i == 0: // what the file is
		case lines[0] == "*":
			before = lines[1:]
		case lines[0] == "without":
			without = append(without, lines[1:]...)
		default:
			cases = append(cases, recordedCase{lines[0], lines[1:]})
		}
	}
	return before, without, cases
}

// checkAll reports cases that were recorded and are neither replayed nor, with a
// reason, without steps, if any are.
func checkAll(t *testing.T, cases []recordedCase, without []string, recorded map[string]map[string]any) {
	if len(without) == 0 {
		return
	}
	known := make(map[string]bool)
	for _, c := range cases {
		known[c.name] = true
	}
	for _, line := range without {
		name, _, ok := strings.Cut(line, ": ")
		if !ok {
			t.Errorf("%s: not replayed for no reason", line)
		}
		for _, c := range expand(t, []recordedCase{{name: name}}, recorded) {
			if known[c.name] {
				t.Errorf("%s is replayed, or listed twice", c.name)
			}
			known[c.name] = true
		}
	}
	for name := range recorded {
		if !known[name] {
			t.Errorf("%s is not replayed, and not listed with a reason", name)
		}
	}
}

// expand returns cases by their whole names, one for each that was recorded.
func expand(t *testing.T, cases []recordedCase, recorded map[string]map[string]any) []recordedCase {
	var all []recordedCase
	for _, c := range cases {
		parts := strings.Split(c.name, "…")
		for i := range parts {
			parts[i] = regexp.QuoteMeta(parts[i])
		}
		name := regexp.MustCompile(`(?s)(?:^|::|/)` + strings.Join(parts, "(.*)") + `$`)
		found := len(all)
		for full := range recorded {
			if m := name.FindStringSubmatch(full); m != nil {
				steps := make([]string, len(c.steps))
				for i, step := range c.steps {
					steps[i] = strings.ReplaceAll(step, "@…@", m[len(m)-1])
				}
				all = append(all, recordedCase{full, steps})
			}
		}
		if len(all) == found {
			t.Errorf("%s was not recorded", c.name)
		}
	}
	return all
}

// replay does steps, and returns how many answers it compared.
func (r Recording) replay(t *testing.T, steps []string, answers map[string]any) (compared int) {
	var changes []func(*platform.Config)
	if r.Change != nil {
		changes = append(changes, r.Change)
	}
	if r.Closed {
		changes = append(changes, func(c *platform.Config) { c.Open = false })
	}
	p := Start(t, changes...)
	m := memory{texts: r.Texts, kept: make(map[string]any)}
	for _, step := range repeated(steps) {
		label, rest, _ := strings.Cut(step, " ")
		operation, input, _ := strings.Cut(rest, " ")
		if operation == "sleep" {
			d, err := time.ParseDuration(input)
			if err != nil {
				t.Fatal(err)
			}
			time.Sleep(d)
			continue
		}
		label, keep, _ := strings.Cut(label, "=")
		label, path, _ := strings.Cut(label, "<")
		input, err := m.fill(input)
		if err != nil {
			t.Fatalf("%s: %v", step, err)
		}
		a := r.ask(t, p, operation, input)
		m.keep(keep, a.body)
		if want, ok := answers[label]; ok {
			compared++
			if diff := r.compare(label, want, a, path); diff != "" {
				t.Error(diff)
			}
		} else if label != "-" {
			t.Errorf("%s was not recorded", label)
		} else if a.status >= 400 {
			t.Fatalf("%s: %d %v", step, a.status, a.body)
		}
		time.Sleep(time.Second)
	}
	return compared
}

// repeated are steps with each that says how often, such as 3*CreateKey, as many
// times: what stands for @N@ in it is counted from 0.
func repeated(steps []string) []string {
	var all []string
	for _, step := range steps {
		label, rest, _ := strings.Cut(step, " ")
		times, once, ok := strings.Cut(rest, "*")
		n, err := strconv.Atoi(times)
		if !ok || err != nil {
			all = append(all, step)
			continue
		}
		for i := range n {
			all = append(all, label+" "+strings.ReplaceAll(once, "@N@", strconv.Itoa(i)))
		}
	}
	return all
}

// An answer is what the platform said.
type answer struct {
	operation string
	status    int
	code      string // of a refusal, as SDKs tell it
	body      map[string]any
}

func (r Recording) ask(t *testing.T, p *platform.Platform, operation, input string) answer {
	if operation == strings.ToUpper(operation) {
		return plain(t, p, operation, input)
	}
	c := caller{account, "us-east-1"}
	for from, rest, ok := strings.Cut(operation, "/"); ok; from, rest, ok = strings.Cut(operation, "/") {
		if operation = rest; strings.Contains(from, "-") {
			c.region = from
		} else {
			c.account = from
		}
	}
	if !strings.Contains(operation, ".") {
		operation = r.Service + "." + operation
	}
	if r.Closed {
		return answer{status: http.StatusOK, body: c.call(t, p, operation, input)}
	}
	w := c.ask(p, operation, cmp.Or(input, "{}"))
	a := answer{operation: operation[strings.IndexByte(operation, '.')+1:], status: w.Code, body: decode(t, operation, w)}
	if kind, ok := a.body["__type"].(string); ok {
		a.code = kind[strings.LastIndexByte(kind, '#')+1:]
	}
	if query, _, ok := strings.Cut(w.Header().Get("X-Amzn-Query-Error"), ";"); ok {
		a.code = query
	}
	return a
}

// Ask calls an operation, such as sqs.CreateQueue, as the root of an account,
// and returns the status and the body of the answer.
func Ask(t *testing.T, p *platform.Platform, operation, input string) (int, map[string]any) {
	t.Helper()
	w := caller{account, "us-east-1"}.ask(p, operation, input)
	return w.Code, decode(t, operation, w)
}

// A caller is the root of an account, in a region.
type caller struct{ account, region string }

// authorization is what c says to a platform that takes anybody's word.
func (c caller) authorization(service string) string {
	return "AWS4-HMAC-SHA256 Credential=" + c.account + "/20260101/" + c.region + "/" + service + "/aws4_request, SignedHeaders=host, Signature=0"
}

// call calls an operation from inside.
func (c caller) call(t *testing.T, p *platform.Platform, operation, input string) (out map[string]any) {
	t.Helper()
	service, name, _ := strings.Cut(operation, ".")
	call := &aws.Call{Account: c.account, Region: c.region, Principal: auth.Root(c.account)}
	text, err := p.Table.CallJSON(t.Context(), call, service, name, []byte(input))
	if err == nil {
		err = json.Unmarshal(text, &out)
	}
	if err != nil {
		t.Fatalf("%s %s: %v", operation, input, err)
	}
	return out
}

func (c caller) ask(p *platform.Platform, operation, input string) *httptest.ResponseRecorder {
	service, _, _ := strings.Cut(operation, ".")
	q := httptest.NewRequest(http.MethodPost, "http://localhost/", strings.NewReader(input))
	q.RemoteAddr = "127.0.0.1:50000"
	q.Header = http.Header{
		"Content-Type": {"application/x-amz-json-1.0"}, "X-Amz-Target": {operation}, "Authorization": {c.authorization(service)},
	}
	w := httptest.NewRecorder()
	p.Handler.ServeHTTP(w, q)
	return w
}

func decode(t *testing.T, operation string, w *httptest.ResponseRecorder) map[string]any {
	t.Helper()
	body := make(map[string]any)
	if err := json.Unmarshal(w.Body.Bytes(), &body); err != nil && w.Body.Len() > 0 {
		t.Fatalf("%s: %d %s", operation, w.Code, w.Body)
	}
	return body
}

// A memory is what later steps may speak of.
type memory struct {
	texts   map[string]string
	kept    map[string]any // by name
	answers []any          // the last one first
}

func (m *memory) keep(name string, body any) {
	m.answers = append([]any{body}, m.answers...)
	if name != "" {
		m.kept[name] = body
	}
}

var reference = regexp.MustCompile(`@([A-Za-z0-9]+)(?:\.([A-Za-z0-9]+))?@`)

// fill puts what references stand for into an input.
func (m *memory) fill(input string) (filled string, err error) {
	filled = reference.ReplaceAllStringFunc(input, func(ref string) string {
		name := reference.FindStringSubmatch(ref)
		from, member := m.answers, name[1]
		if name[2] != "" {
			from, member = []any{m.kept[name[1]]}, name[2]
		} else if text, ok := m.texts[name[1]]; ok {
			return text
		}
		for _, body := range from {
			if text, ok := findText(body, member); ok {
				quoted := strconv.Quote(text)
				return quoted[1 : len(quoted)-1]
			}
		}
		err = fmt.Errorf("no answer had a %s", ref)
		return ref
	})
	return filled, err
}

// findText returns the text called member in v, the outermost first.
func findText(v any, member string) (string, bool) {
	switch v := v.(type) {
	case map[string]any:
		if text, ok := v[member].(string); ok {
			return text, true
		}
		for _, inner := range v {
			if text, ok := findText(inner, member); ok {
				return text, true
			}
		}
	case []any:
		for _, inner := range v {
			if text, ok := findText(inner, member); ok {
				return text, true
			}
		}
	}
	return "", false
}
