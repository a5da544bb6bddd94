package cloudformation_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// unheld are recorded cases whose refusals no script expects, and why.
var unheld = []struct{ name, why string }{
	{"test_extension", "there are no extensions"},
	{"TestExtensions", "there are no extensions"},
	{"ec2_resource_provider", "there are no instances and keys of EC2"},
	{"/ErrorForInProgress", "a stack is deleted before it can be asked about"},
	{"test_cfn_function_url", "it is Lambda's, and held there"},
	{"test_s3.py", "it is S3's, and held there"},
	{"test_ssm.py", "it is SSM's, and has no words"},
	{"test_to_validate_template_limit_for_macro", "held by TestLimits"},
	{"test_fn_split_with_get_att", "a note on what change sets of AWS cannot tell; ours can"},
	{"failed_state", "the words of a macro that fails, held by macro.txtar"},
	{"test_stack_resource_not_found", "a masked message"},
	{"test_dependent_ref", "what depends on a condition that is not met is held for outputs"},
	{"test_mapping_with_invalid_refs", "the same words as of a mapping that is too deep"},
}

// Each refusal that AWS was recorded to make is expected by a script, in all its
// words but for ids and names.
func TestRecorded(t *testing.T) {
	dir := os.Getenv("ALOFT_VECTORS")
	if dir == "" {
		t.Skip("set ALOFT_VECTORS to the recorded answers")
	}
	text, err := os.ReadFile(filepath.Join(dir, "recorded", "cloudformation.json"))
	if err != nil {
		t.Fatal(err)
	}
	var cases map[string]any
	if err := json.Unmarshal(text, &cases); err != nil {
		t.Fatal(err)
	}
	expected := expectations(t)
	held := 0
	for name, content := range cases {
		refusals(content, name, func(name, message string) {
			if slices.ContainsFunc(unheld, func(u struct{ name, why string }) bool { return strings.Contains(name, u.name) }) {
				return
			}
			held++
			pattern := masked(message)
			if !slices.ContainsFunc(expected, pattern.MatchString) {
				t.Errorf("%s: no script expects %q", name, message)
			}
		})
	}
	if held < 50 {
		t.Errorf("%d refusals were found, want more", held)
	}
}

// expectations are what scripts expect of answers, as texts.
func expectations(t *testing.T) []string {
	files, err := filepath.Glob("testdata/*.txtar")
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, file := range files {
		script, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(string(script)) {
			if pattern, ok := strings.CutPrefix(strings.TrimSpace(line), "stdout "); ok {
				all = append(all, strings.ReplaceAll(strings.Trim(pattern, `'"`), `\`, ""))
			}
		}
	}
	return all
}

var mask = regexp.MustCompile(`<[^<>]+>|'|arn:aws:\S+?/[\w-]+|1{12}|role-[0-9a-f]+|line 1, column 25|\[test\]|non-existent-stack-set-id`)

// masked matches a message whatever stands for what was masked in it.
func masked(message string) *regexp.Regexp {
	var b strings.Builder
	end := 0
	for _, at := range mask.FindAllStringIndex(message, -1) {
		b.WriteString(regexp.QuoteMeta(message[end:at[0]]))
		b.WriteString(`.+`)
		end = at[1]
	}
	b.WriteString(regexp.QuoteMeta(message[end:]))
	return regexp.MustCompile(b.String())
}

var called = regexp.MustCompile(`^An error occurred \((\w+)\) when calling the \w+ operation: (.*)$`)

// refusals calls found for each refusal in what was recorded.
func refusals(v any, name string, found func(name, message string)) {
	switch v := v.(type) {
	case map[string]any:
		if e, ok := v["Error"].(map[string]any); ok {
			if message, _ := e["Message"].(string); message != "" {
				found(name, message)
			}
			return
		}
		for key, inner := range v {
			refusals(inner, name+"/"+key, found)
		}
	case []any:
		for _, inner := range v {
			refusals(inner, name, found)
		}
	case string:
		if m := called.FindStringSubmatch(v); m != nil && m[2] != "" {
			found(name, m[2])
		}
	}
}
