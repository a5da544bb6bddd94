package platformtest

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// compare says how an answer differs from what was recorded of it: want, the
// part at path of it.
func (r Recording) compare(at string, want any, a answer, path string) string {
	if w, ok := want.(map[string]any); ok {
		if meta, ok := w["ResponseMetadata"].(map[string]any); ok {
			if status, _ := meta["HTTPStatusCode"].(float64); int(status) != a.status && !(status < 300 && a.status < 300) {
				return fmt.Sprintf("%s: the status is %d, want %v: %v", at, a.status, status, a.body)
			}
		}
	}
	if a.code != "" {
		return r.differ(at, want, r.refusal(want, a))
	}
	var got any = a.body
	for part := range strings.SplitSeq(path, ".") {
		if part == "" {
			continue
		}
		switch v := got.(type) {
		case map[string]any:
			got = v[part]
		case []any:
			if i, err := strconv.Atoi(part); err == nil && i < len(v) {
				got = v[i]
			}
		}
	}
	return r.differ(at, want, got)
}

// refusal is a in the form in which SDKs tell it, as want is.
func (r Recording) refusal(want any, a answer) any {
	message := a.body["message"]
	if message == nil {
		message = a.body["Message"]
	}
	w, ok := want.(map[string]any)
	if !ok {
		return fmt.Sprintf("An error occurred (%s) when calling the %s operation: %v", a.code, a.operation, message)
	}
	e := map[string]any{"Code": a.code, "Message": message}
	out := map[string]any{"Error": e}
	wantError, _ := w["Error"].(map[string]any)
	kind, _ := a.body["__type"].(string)
	told := map[string]any{"QueryErrorCode": kind[strings.LastIndexByte(kind, '#')+1:], "Type": "Sender", "Detail": nil}
	if a.status >= 500 {
		told["Type"] = "Receiver"
	}
	for k, v := range told {
		if _, ok := wantError[k]; ok {
			e[k] = v
		}
	}
	for _, k := range []string{"message", "Message"} {
		if _, ok := w[k]; ok {
			out[k] = message
		}
	}
	for k, v := range a.body {
		if _, ok := w[k]; ok {
			out[k] = v
		} else if k != "__type" && !strings.EqualFold(k, "message") {
			e[k] = v
		}
	}
	return out
}

// differ says how got differs from want, as far as that is not masked.
func (r Recording) differ(at string, want, got any) string {
	if h, ok := got.(http.Header); ok {
		got = named(h, want)
	}
	if r.As != nil {
		got = r.As(want, got)
	}
	text, isText := got.(string)
	if _, ok := want.(string); isText && !ok { // recorded as what it means
		var v any
		if json.Unmarshal([]byte(text), &v) == nil {
			got = v
		}
	}
	switch w := want.(type) {
	case map[string]any:
		return r.differMaps(at, w, got)
	case []any:
		g, ok := got.([]any)
		if !ok || len(g) != len(w) {
			return fmt.Sprintf("%s is %v, want %v", at, got, want)
		}
		for i := range w {
			if diff := r.differ(fmt.Sprintf("%s[%d]", at, i), w[i], g[i]); diff != "" {
				return diff
			}
		}
		return ""
	case string:
		if got != nil && (w == "datetime" || w == "timestamp" || wholeMask.MatchString(w) || slices.Contains(r.Masks, w)) || isText && r.sameText(w, text) {
			return ""
		}
	}
	if reflect.DeepEqual(want, got) {
		return ""
	}
	return fmt.Sprintf("%s is %v, want %v", at, got, want)
}

func (r Recording) differMaps(at string, want map[string]any, got any) string {
	g, ok := got.(map[string]any)
	if !ok && (got != nil || len(want) > 0) { // SDKs have maps, if empty ones
		return fmt.Sprintf("%s is %v, want an object", at, got)
	}
	var others []string // what stands for masked names
	for k, v := range g {
		if _, has := want[k]; !has && !slices.Contains(r.Hidden, k) {
			others = append(others, k)
			if !slices.ContainsFunc(keys(want), func(k string) bool { return strings.Contains(k, "<") }) {
				return fmt.Sprintf("%s.%s is %v, and was not recorded", at, k, v)
			}
		}
	}
	for k, v := range want {
		if k == "ResponseMetadata" || slices.Contains(r.Unknown, k) && g[k] != nil {
			continue
		}
		value, has := g[k]
		if !has && strings.Contains(k, "<") && len(others) == 1 {
			value = g[others[0]]
		}
		if diff := r.differ(at+"."+k, v, value); diff != "" {
			return diff
		}
	}
	return ""
}

func keys(m map[string]any) []string {
	var all []string
	for k := range m {
		all = append(all, k)
	}
	return all
}

// mask matches what was masked.
const mask = `<[^<>]*(?:<[^<>]*>[^<>]*)*>`

var wholeMask = regexp.MustCompile(`\A<[^<>]*>\z`)

var setOf = regexp.MustCompile(`\[[A-Za-z0-9_]+(, [A-Za-z0-9_]+)+\]`)

// sameText reports whether got may have been recorded as want: parts of that are
// masked, sets are in the order of a hash, and bytes, in base64 here, as text.
func (r Recording) sameText(want, got string) bool {
	if b, err := base64.StdEncoding.DecodeString(got); err == nil {
		python, isPython := strings.CutPrefix(want, "b'")
		if s, err := strconv.Unquote(`"` + strings.TrimSuffix(python, "'") + `"`); string(b) == want || isPython && err == nil && s == string(b) {
			return true
		}
	}
	masks := mask
	for _, m := range r.Masks {
		masks += "|" + regexp.QuoteMeta(m)
	}
	parts := regexp.MustCompile(masks).Split(sortSets(want), -1)
	for i := range parts {
		parts[i] = regexp.QuoteMeta(parts[i])
	}
	return regexp.MustCompile(`(?s)\A` + strings.Join(parts, ".*") + `\z`).MatchString(sortSets(got))
}

// sortSets puts what AWS lists in the order of a hash in that of names.
func sortSets(text string) string {
	return setOf.ReplaceAllStringFunc(text, func(set string) string {
		all := strings.Split(strings.Trim(set, "[]"), ", ")
		slices.Sort(all)
		return "[" + strings.Join(all, ", ") + "]"
	})
}
