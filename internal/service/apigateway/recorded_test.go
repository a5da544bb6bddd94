package apigateway_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aloft-cloud/aloft/internal/platform"
	"github.com/aloft-cloud/aloft/internal/platformtest"
)

// TestRecorded compares answers with those that AWS gave; see testdata/recorded.steps.
func TestRecorded(t *testing.T) {
	dir := os.Getenv("ALOFT_VECTORS")
	if dir == "" {
		t.Skip("needs ALOFT_VECTORS, the folder of recorded answers")
	}
	b, err := os.ReadFile(filepath.Join(dir, "recorded", "apigateway.json"))
	if err != nil {
		t.Fatal(err)
	}
	var all map[string]map[string]any
	if err := json.Unmarshal(b, &all); err != nil {
		t.Fatal(err)
	}
	recorded := make(map[string]map[string]any)
	for name, answers := range all {
		_, name, _ = strings.Cut(name, ".py::")
		recorded[name] = answers
	}
	text, err := os.ReadFile("testdata/recorded.steps")
	if err != nil {
		t.Fatal(err)
	}
	for i, part := range strings.Split(strings.TrimSpace(string(text)), "\n\n") {
		name, steps, _ := strings.Cut(part, "\n")
		if i == 0 {
			continue // what the file is
		}
		t.Run(name, func(t *testing.T) {
			if recorded[name] == nil {
				t.Fatal("was not recorded")
			}
			synctest.Test(t, func(t *testing.T) { replay(t, strings.Split(steps, "\n"), recorded[name]) })
		})
	}
}

func replay(t *testing.T, steps []string, answers map[string]any) {
	p := platformtest.Start(t)
	var ids []string // and what they stand for, in turn
	for _, step := range steps {
		label, rest, _ := strings.Cut(step, " ")
		operation, input, _ := strings.Cut(rest, " ")
		name, keep, _ := strings.Cut(label, "=")
		code, got := ask(t, p, operation, strings.NewReplacer(ids...).Replace(input))
		if id, ok := got["id"].(string); ok && keep != "" {
			root, _ := got["rootResourceId"].(string)
			ids = append(ids, "@"+keep+"@", id, "@"+keep+".root@", root)
		}
		if name == "-" {
			if code != http.StatusOK {
				t.Fatalf("%s: %d %v", step, code, got)
			}
			continue
		}
		want, ok := answers[name]
		if !ok {
			t.Fatalf("%s was not recorded", name)
		}
		if diff := differ(name, want, refusalAsRecorded(want, got)); diff != "" {
			t.Error(diff)
		}
		time.Sleep(time.Second)
	}
}

// ask makes a request in account 111111111111.
func ask(t *testing.T, p *platform.Platform, operation, body string) (int, map[string]any) {
	t.Helper()
	r := httptest.NewRequest("POST", "http://localhost/", strings.NewReader(body))
	r.Header = http.Header{
		"Content-Type": {"application/x-amz-json-1.1"}, "X-Amz-Target": {"apigateway." + operation},
		"Authorization": {"AWS4-HMAC-SHA256 Credential=111111111111/20260101/us-east-1/apigateway/aws4_request, SignedHeaders=host, Signature=0"},
	}
	w := httptest.NewRecorder()
	p.Handler.ServeHTTP(w, r)
	var out map[string]any
	if err := json.Unmarshal(w.Body.Bytes(), &out); err != nil {
		t.Fatalf("%s: %s", operation, w.Body)
	}
	return w.Code, out
}

// refusalAsRecorded is an answer in the form in which want was recorded, if it
// is a refusal.
func refusalAsRecorded(want any, got map[string]any) map[string]any {
	kind, ok := got["__type"].(string)
	if !ok {
		return got
	}
	out := map[string]any{"Error": map[string]any{"Code": kind[strings.LastIndexByte(kind, '#')+1:], "Message": got["message"]}}
	if w, ok := want.(map[string]any); ok && w["message"] != nil {
		out["message"] = got["message"]
	}
	return out
}

// differ says how got differs from want, as far as that is not masked.
func differ(at string, want, got any) string {
	if text, ok := got.(string); ok {
		if _, isText := want.(string); !isText && json.Unmarshal([]byte(text), &got) != nil { // recorded as what it means
			got = text
		}
	}
	switch w := want.(type) {
	case map[string]any:
		return differMaps(at, w, got)
	case []any:
		g, ok := got.([]any)
		if !ok || len(g) != len(w) {
			return fmt.Sprintf("%s is %v, want %v", at, got, want)
		}
		for i := range w {
			if diff := differ(fmt.Sprintf("%s[%d]", at, i), w[i], g[i]); diff != "" {
				return diff
			}
		}
		return ""
	case string:
		if g, ok := got.(string); w == "datetime" && got != nil || ok && masked(w).MatchString(sortSets(g)) {
			return ""
		}
	}
	if reflect.DeepEqual(want, got) {
		return ""
	}
	return fmt.Sprintf("%s is %v, want %v", at, got, want)
}

func differMaps(at string, want map[string]any, got any) string {
	g, ok := got.(map[string]any)
	if text, isLog := got.(string); isLog && want["line00"] != nil {
		if g, ok = make(map[string]any), true; text != "" {
			for i, line := range strings.Split(text, "\n") {
				g[fmt.Sprintf("line%02d", i)] = line
			}
		}
	}
	if !ok {
		return fmt.Sprintf("%s is %v, want an object", at, got)
	}
	for k, v := range g {
		if _, has := want[k]; !has {
			return fmt.Sprintf("%s.%s is %v, and was not recorded", at, k, v)
		}
	}
	for k, v := range want {
		if k == "ResponseMetadata" || k == "latency" {
			continue
		}
		if diff := differ(at+"."+k, v, g[k]); diff != "" {
			return diff
		}
	}
	return ""
}

var (
	mask  = regexp.MustCompile(`<[^>]*>|DDD MMM dd hh:mm:ss UTC yyyy`)
	setOf = regexp.MustCompile(`\[[A-Za-z0-9_]+(, [A-Za-z0-9_]+)+\]`)
)

// masked matches what a text may have been before parts of it were masked.
func masked(text string) *regexp.Regexp {
	parts := mask.Split(sortSets(text), -1)
	for i := range parts {
		parts[i] = regexp.QuoteMeta(parts[i])
	}
	return regexp.MustCompile(`(?s)\A` + strings.Join(parts, ".*") + `\z`)
}

// sortSets puts what AWS lists in the order of a hash in that of names.
func sortSets(text string) string {
	return setOf.ReplaceAllStringFunc(text, func(set string) string {
		all := strings.Split(strings.Trim(set, "[]"), ", ")
		slices.Sort(all)
		return "[" + strings.Join(all, ", ") + "]"
	})
}
