package protocol

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"
)

func TestPatterns(t *testing.T) {
	f := func(expr, s string, want bool) {
		t.Helper()
		if got := newPattern(expr).matches(s); got != want {
			t.Errorf("%s matches %q: %v, want %v", expr, s, got, want)
		}
	}
	f(`[a-z]+`, "abc", true)
	f(`[a-z]+`, "abc1", false)
	f(`a|b`, "ab", false)
	f(`[a-zA-Z0-9_.-]{3,2048}`, "ab", false)
	f(`[a-zA-Z0-9_.-]{0,2048}`, "", true)
	f(`[\u0009\u000A\u000D\u0020-\u00FF]+`, "é\n", true)
	f(`[\u0009\u000A\u000D\u0020-\u00FF]+`, "€", false)
	f(`[\u0020-\uD7FF\uE000-\uFFFD\uD800\uDC00-\uDBFF\uDFFF\r\n\t]*`, "😀", true)
	f(`(?!^[0-9]+$)([a-zA-Z0-9-_]+)`, "2024", false)
	f(`(?!^[0-9]+$)([a-zA-Z0-9-_]+)`, "v2024", true)
	f(`^(?!aws:)[a-z:]+$`, "aws:x", false)
	f(`^(?!aws:)[a-z:]+$`, "x:aws", true)
	f(`[0-9A-Za-z\.\-_]*(?<!\.)`, "bucket.", false)
	f(`[0-9A-Za-z\.\-_]*(?<!\.)`, "my.bucket", true)
	f(`^[a-z0-9]([a-z0-9]|-(?!-)){1,61}[a-z0-9]$`, "a--b", false)
	f(`^[a-z0-9]([a-z0-9]|-(?!-)){1,61}[a-z0-9]$`, "a-b", true)
}

// unchecked are the patterns that we let pass: they look around where RE2
// cannot, and the services that have them check the names themselves.
var unchecked = reasons(map[string]string{
	"Domain names.":                         "acm/DomainNameString amplify/DomainName",
	"A URL of a database.":                  "firehose/ClusterJDBCURL",
	"An ARN whose qualifier is not digits.": "lambda/FunctionUrlFunctionName",
	"Names that may not begin so.":          "lambda/CollectionName pipes/EventBridgeEventSource scheduler/Source",
	"Names without two dashes.":             "rds/TargetDBClusterParameterGroupName rds/TargetDBParameterGroupName",
	"ISO 8601 in all its forms.":            "ssm/StringDateTime",
})

// Every pattern of AWS's models is one that we can check, or is listed.
func TestModelPatterns(t *testing.T) {
	dir := os.Getenv("ALOFT_MODELS")
	if dir == "" {
		t.Skip("set ALOFT_MODELS to a directory of <service>/service-2.json")
	}
	files, _ := filepath.Glob(filepath.Join(dir, "*", "service-2.json"))
	for _, file := range files {
		b, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var model struct {
			Shapes map[string]struct{ Pattern string }
		}
		if err := json.Unmarshal(b, &model); err != nil {
			t.Fatal(err)
		}
		for name, s := range model.Shapes {
			at := filepath.Base(filepath.Dir(file)) + "/" + name
			if s.Pattern != "" && (compile(s.Pattern) == nil) != (unchecked[at] != "") {
				t.Errorf("%s: %s: list it if we cannot check it", at, s.Pattern)
			}
		}
	}
}
