package sam

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"sort"
	"strings"
	"testing"

	"github.com/aloft-cloud/aloft/internal/deploy/template"
)

// Of the pairs of AWS's own translator, at least so many come out equivalent.
// Raise them when more do.
const (
	wantOutputs  = 354
	wantRefusals = 169
)

// Every pair of the official translator's tests: what it makes of a template,
// or why it refuses it.
func TestVectors(t *testing.T) {
	dir := os.Getenv("ALOFT_VECTORS")
	if dir == "" {
		t.Skip("set ALOFT_VECTORS to the folder of test vectors to run this")
	}
	outputs, err := filepath.Glob(filepath.Join(dir, "sam", "output", "*.json"))
	if err != nil || len(outputs) == 0 {
		t.Fatalf("no vectors in %s: %v", dir, err)
	}
	only := os.Getenv("SAM")
	var made, refused, pairs, refusals int
	for _, output := range outputs {
		name := strings.TrimSuffix(filepath.Base(output), ".json")
		input, err := os.ReadFile(filepath.Join(dir, "sam", "input", name+".yaml"))
		if err != nil || only != "" && only != name {
			continue
		}
		expected, err := os.ReadFile(output)
		if err != nil {
			t.Fatal(err)
		}
		difference := compare(t, string(input), expected)
		if difference != "" && (testing.Verbose() || only != "") {
			t.Logf("%s: %s", name, difference)
		}
		if strings.HasPrefix(name, "error_") {
			refusals++
			if difference == "" {
				refused++
			}
		} else {
			pairs++
			if difference == "" {
				made++
			}
		}
	}
	t.Logf("%d of %d outputs and %d of %d refusals are equivalent: %.1f %%",
		made, pairs, refused, refusals, 100*float64(made+refused)/float64(pairs+refusals))
	if only == "" && (made < wantOutputs || refused < wantRefusals) {
		t.Errorf("want at least %d and %d", wantOutputs, wantRefusals)
	}
}

func compare(t *testing.T, input string, expected []byte) string {
	t.Helper()
	var want any
	dec := json.NewDecoder(strings.NewReader(string(expected)))
	dec.UseNumber()
	if err := dec.Decode(&want); err != nil {
		t.Fatal(err)
	}
	d, err := template.Parse(input, template.Options{Aliases: true})
	if err != nil {
		return "parse: " + err.Error()
	}
	got, err := Transform(d.Root, Input{Region: "ap-southeast-1"})
	if message, ok := at(want, "errorMessage").(string); ok {
		if err == nil {
			return "was not refused; want " + message
		}
		if plain(err.Error()) != plain(message) {
			return "\n got " + err.Error() + "\nwant " + message
		}
		return ""
	}
	if err != nil {
		return err.Error()
	}
	return diff("", normal(got), normal(want))
}

var beginsCause = regexp.MustCompile(` (?:Resource with id \[|Event with id \[|Transforming resource |Structure of the SAM)`)

// plain evens out what differs between the translator's messages and our own
// that is not worded: quotes, and the order of causes, which is that of the
// text of the template.
func plain(message string) string {
	message = strings.ReplaceAll(message, `"`, "'")
	causes := strings.Split(beginsCause.ReplaceAllStringFunc(message, func(s string) string { return "\n" + s }), "\n")
	slices.Sort(causes)
	return strings.Join(causes, "\n")
}

var (
	deploymentID = regexp.MustCompile(`(Deployment)[0-9a-f]{10}\b`)
	deploymentOf = regexp.MustCompile(`(RestApi deployment id: )[0-9a-f]{40}`)
)

// normal sorts lists and drops hashes of what the translator hashes otherwise.
func normal(v any) any {
	switch v := v.(type) {
	case string:
		return deploymentOf.ReplaceAllString(deploymentID.ReplaceAllString(v, "$1"), "$1")
	case json.Number:
		return json.Number(strings.TrimSuffix(v.String(), ".0"))
	case object:
		out := make(object, len(v))
		for key, member := range v {
			out[normal(key).(string)] = normal(member)
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i, element := range v {
			out[i] = normal(element)
		}
		sort.SliceStable(out, func(i, j int) bool { return canonical(out[i]) < canonical(out[j]) })
		return out
	}
	return v
}

// diff says where got differs from want first.
func diff(path string, got, want any) string {
	g, gIsMap := got.(object)
	w, wIsMap := want.(object)
	if gIsMap && wIsMap {
		names := append(keys(g), keys(w)...)
		slices.Sort(names)
		for _, name := range slices.Compact(names) {
			if d := diff(path+"/"+name, g[name], w[name]); d != "" {
				return d
			}
		}
		return ""
	}
	gl, gIsList := got.([]any)
	wl, wIsList := want.([]any)
	if gIsList && wIsList && len(gl) == len(wl) {
		for i := range gl {
			if d := diff(path+"/"+itoa(i), gl[i], wl[i]); d != "" {
				return d
			}
		}
		return ""
	}
	if canonical(got) != canonical(want) {
		return path + ": got " + canonical(got) + ", want " + canonical(want)
	}
	return ""
}

// Any tree is transformed or refused.
func FuzzTransform(f *testing.F) {
	f.Add(`{"Resources":{"F":{"Type":"AWS::Serverless::Function","Properties":{"CodeUri":"s3://b/k","Handler":"h","Runtime":"r","AutoPublishAlias":"live","Events":{"A":{"Type":"Api","Properties":{"Path":"/","Method":"get"}},"H":{"Type":"HttpApi"},"Q":{"Type":"SQS","Properties":{"Queue":"q"}}}}}}}`)
	f.Add(`{"Globals":{"Function":{"Runtime":"r","Tags":{"a":"b"}}},"Resources":{"A":{"Type":"AWS::Serverless::Api","Properties":{"StageName":"p","Cors":"'*'","Auth":{"DefaultAuthorizer":"AWS_IAM","UsagePlan":{"CreateUsagePlan":"SHARED"}}}},"T":{"Type":"AWS::Serverless::SimpleTable"},"L":{"Type":"AWS::Serverless::LayerVersion","Properties":{"ContentUri":"s3://b/k"}}}}`)
	f.Fuzz(func(t *testing.T, text string) {
		d, err := template.Parse(text, template.Options{})
		if err != nil {
			return
		}
		before := canonical(d.Root)
		_, _ = Transform(d.Root, Input{Region: "eu-west-1"})
		if after := canonical(d.Root); after != before {
			t.Fatalf("the template was changed: %s became %s", before, after)
		}
	})
}
