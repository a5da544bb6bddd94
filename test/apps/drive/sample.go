package drive

import (
	"encoding/json"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// samples are examples of input that an application ships, and its sources.
type samples struct {
	list    []sample
	sources map[string]string // by path
	files   map[string]string // paths of images and documents, by extension
}

// A sample is one: an event, a body, an input.
type sample struct {
	name  string // of its file, in small letters
	value any
}

var (
	sampleFile = regexp.MustCompile(`(?i)(event|sample|payload|input|request|body|message|test|example|data|record)`)
	noSample   = regexp.MustCompile(`(?i)package(-lock)?\.json|tsconfig|cdk\.|template|swagger|openapi|schema|asl|statemachine\.|composer|jest|config|\.eslintrc|manifest|angular|example-pattern|metadata`)
	noSources  = []string{"node_modules", ".git", "cdk.out", ".aws-sam", ".serverless", "dist", "build", "target", "vendor", ".venv", "venv", "__pycache__", "public"}
	quoted     = regexp.MustCompile(`(?s)'(\{.*?\})'|"(\{\\".*?\})"|<<<? *'?\w*'?\n(\{.*?\n\})|` + "```(?:json|javascript|js|JSON)?\\s*\\n\\s*(\\{.*?\\n?\\s*\\})\\s*\\n\\s*```")
	sourceExt  = []string{".js", ".ts", ".mjs", ".cjs", ".py", ".rb", ".go", ".java", ".cs", ".rs", ".kt", ".vtl"}
)

// samplesIn reads those in a directory.
func samplesIn(dir string) *samples {
	s := &samples{sources: make(map[string]string), files: make(map[string]string)}
	var readmes []sample
	_ = filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil || len(s.sources) > 400 {
			return filepath.SkipDir
		}
		if e.IsDir() {
			if slices.Contains(noSources, e.Name()) || strings.Count(path[len(dir):], "/") > 6 {
				return filepath.SkipDir
			}
			return nil
		}
		info, err := e.Info()
		if err != nil || info.Size() > 200_000 || info.Size() == 0 {
			return nil
		}
		ext := strings.ToLower(filepath.Ext(path))
		rel := strings.TrimPrefix(path, dir)
		switch {
		case ext == ".json" && sampleFile.MatchString(rel) && !noSample.MatchString(filepath.Base(path)):
			if value, ok := parse(path); ok {
				s.list = append(s.list, sample{strings.ToLower(rel), value})
			}
		case ext == ".md" && strings.HasPrefix(strings.ToLower(e.Name()), "readme"):
			if text, err := os.ReadFile(path); err == nil {
				readmes = append(readmes, samplesOf("readme", string(text))...)
			}
		case slices.Contains(sourceExt, ext):
			if text, err := os.ReadFile(path); err == nil {
				s.sources[rel] = string(text)
			}
		case slices.Contains([]string{".jpg", ".jpeg", ".png", ".csv", ".pdf", ".txt", ".xml", ".mp3", ".mp4", ".wav", ".docx", ".xlsx"}, ext):
			s.files[ext] = path
		}
		return nil
	})
	s.list = append(s.list, readmes...)
	return s
}

func parse(path string) (any, bool) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, false
	}
	var value any
	if json.Unmarshal(text, &value) != nil {
		return nil, false
	}
	switch value.(type) {
	case map[string]any, []any:
		return value, true
	}
	return nil, false
}

// samplesOf finds the objects of JSON in the commands and blocks of a text.
func samplesOf(name, text string) []sample {
	var list []sample
	for _, m := range quoted.FindAllStringSubmatch(text, 40) {
		inner := m[1] + m[3] + m[4]
		if m[2] != "" {
			inner = strings.ReplaceAll(m[2], `\"`, `"`)
		}
		var value map[string]any
		if json.Unmarshal([]byte(inner), &value) == nil && value["Version"] == nil && value["Statement"] == nil && value["StartAt"] == nil {
			list = append(list, sample{name, value})
		}
	}
	return list
}

// A kind of sample is told by what is in it.
func kindOf(v any) string {
	m, ok := v.(map[string]any)
	if !ok {
		return "input"
	}
	if records, ok := m["Records"].([]any); ok && len(records) > 0 {
		first, _ := records[0].(map[string]any)
		for _, key := range []string{"eventSource", "EventSource"} {
			if source, ok := first[key].(string); ok {
				return strings.TrimPrefix(source, "aws:")
			}
		}
		return "records"
	}
	switch {
	case m["httpMethod"] != nil, m["requestContext"] != nil, m["rawPath"] != nil:
		return "api"
	case m["detail-type"] != nil:
		return "event"
	case m["DetailType"] != nil && m["Detail"] != nil, m["Entries"] != nil:
		return "entry"
	case m["awslogs"] != nil:
		return "logs"
	case m["AWSTemplateFormatVersion"] != nil, m["Resources"] != nil, m["StartAt"] != nil, m["Statement"] != nil, m["dependencies"] != nil, m["compilerOptions"] != nil, m["paths"] != nil && (m["openapi"] != nil || m["swagger"] != nil):
		return "other"
	}
	return "input"
}

// of returns the samples of a kind, those with a name like that of what they are for first.
func (s *samples) of(kind, name string) []any {
	type scored struct {
		value any
		score int
	}
	var list []scored
	words := wordsOf(name)
	for _, one := range s.list {
		if kindOf(one.value) != kind {
			continue
		}
		score := 0
		for _, w := range words {
			if strings.Contains(one.name, w) {
				score += len(w)
			}
		}
		list = append(list, scored{one.value, score})
	}
	slices.SortStableFunc(list, func(a, b scored) int { return b.score - a.score })
	values := make([]any, len(list))
	for i, one := range list {
		values[i] = one.value
	}
	return values
}

var wordIn = regexp.MustCompile(`[A-Z]?[a-z]+|[A-Z]{2,}|\d+`)

// wordsOf are the words in a name that tell it from others.
func wordsOf(name string) []string {
	var list []string
	for _, w := range wordIn.FindAllString(name, -1) {
		w = strings.ToLower(w)
		if len(w) > 2 && !slices.Contains([]string{"function", "lambda", "handler", "app", "src", "index", "dev", "prod", "the", "aws"}, w) {
			list = append(list, w)
		}
	}
	return list
}

// sourceOf is the source of a handler, such as src/get.handler, or of all that
// the application has.
func (s *samples) sourceOf(handler string) string {
	stem := handler
	if i := strings.LastIndexByte(stem, '.'); i > 0 {
		stem = stem[:i]
	}
	stem = strings.ReplaceAll(strings.TrimPrefix(stem, "./"), "::", "/")
	var found strings.Builder
	for path, text := range s.sources {
		if without := strings.TrimSuffix(path, filepath.Ext(path)); strings.HasSuffix(without, "/"+stem) || strings.HasSuffix(strings.ReplaceAll(without, "/", "."), "."+stem) {
			found.WriteString(text)
		}
	}
	if found.Len() > 0 {
		return found.String()
	}
	for _, text := range s.sources {
		if found.Len() < 200_000 {
			found.WriteString(text)
		}
	}
	return found.String()
}

var (
	carriers   = `(?:body|Body|data|payload|item|input|params|requestBody|request_body|requestJSON|json_body|detail|record|request|event|msg|update|user|order)`
	fieldReads = []*regexp.Regexp{
		regexp.MustCompile(`\b` + carriers + `((?:\??\.[a-zA-Z_]\w*)+)\b([^(\w]|$)`),
		regexp.MustCompile(`\b` + carriers + `((?:\[["']\w+["']\])+)()`),
		regexp.MustCompile(`\b` + carriers + `\.get\(["'](\w+)["']()`),
		regexp.MustCompile(`\bmessage(\.[a-z]\w*)\b([^(\w]|$)`),
		regexp.MustCompile(`json:"(\w+)()`),
		regexp.MustCompile(`["'](\w+)["']\s*:\s*(?:int|str|float|bool|list|dict)\b()`), // what a source says is required, of which type
	}
	fieldList = regexp.MustCompile(`\{\s*([\w\s,:=]+?)\s*\}\s*(?::\s*[\w<>.]+\s*)?=\s*(?:await\s+)?(?:JSON\.parse\([^)]*\)|` + carriers + `)((?:\??\.\w+)*)`)
	separate  = regexp.MustCompile(`[\[\]"'?.]+`)
	noField   = []string{"body", "Records", "pathParameters", "queryStringParameters", "headers", "requestContext", "httpMethod", "isBase64Encoded", "path", "resource", "rawPath", "rawQueryString", "multiValueHeaders", "stageVariables", "detail", "source", "Body", "eventName", "dynamodb", "eventSource", "s3", "Sns", "kinesis", "Item", "Items", "TableName", "Key", "Key", "requestTemplates", "triggerSource", "response", "arguments", "identity", "awslogs", "routeKey", "cookies", "version", "error", "status", "data"}
	method    = []string{"length", "toString", "map", "forEach", "push", "then", "catch", "json", "get", "trim", "split", "promise", "log", "filter", "find", "reduce", "keys", "items", "values", "includes", "join", "strip", "lower", "upper", "decode", "read", "append"}
)

// aliases are other names that a source gives its input.
var aliases = regexp.MustCompile(`(?m)\b(\w+)\s*=\s*event\s*;?\s*$`)

// fields makes an object of what a source reads of its input.
func fields(source string) map[string]any {
	object := make(map[string]any)
	for _, m := range aliases.FindAllStringSubmatch(source, 4) {
		source = regexp.MustCompile(`\b`+m[1]+`\s*([\[.])`).ReplaceAllString(source, "event$1")
	}
	add := func(path string) {
		names := strings.Split(strings.Trim(separate.ReplaceAllString(path, "."), "."), ".")
		for len(names) > 0 && slices.Contains(method, names[len(names)-1]) {
			names = names[:len(names)-1]
		}
		if len(names) > 0 && names[0] != "" && !slices.Contains(noField, names[0]) && len(object) < 40 {
			set(object, strings.Join(names[:min(len(names), 5)], "."), valueFor(names[len(names)-1]))
		}
	}
	for _, re := range fieldReads {
		for _, m := range re.FindAllStringSubmatch(source, -1) {
			add(m[1])
		}
	}
	for _, m := range fieldList.FindAllStringSubmatch(source, -1) {
		for name := range strings.SplitSeq(m[1], ",") {
			name, _, _ = strings.Cut(strings.TrimSpace(name), ":")
			name, _, _ = strings.Cut(name, "=")
			if name = strings.TrimSpace(name); name != "" && !strings.Contains(name, " ") {
				add(m[2] + "." + name)
			}
		}
	}
	return object
}

// valueFor is a value for what has a name.
func valueFor(name string) any {
	low := strings.ToLower(name)
	for _, k := range likely {
		if k.name.MatchString(low) {
			return k.value
		}
	}
	return "1"
}

var likely = []struct {
	name  *regexp.Regexp
	value any
}{
	{regexp.MustCompile(`e?mail|recipient|sender|^to$|^from$`), "someone@example.com"},
	{regexp.MustCompile(`phone|mobile|destination_?number`), "+14155550100"},
	{regexp.MustCompile(`password`), "Placeholder-1!"},
	{regexp.MustCompile(`url|uri|link|website`), "https://example.com/"},
	{regexp.MustCompile(`price|amount|total|quantity|count|age|number|num|size|limit|cost|stock|rating|score|balance|year`), 1},
	{regexp.MustCompile(`timestamp|epoch`), 1735689600},
	{regexp.MustCompile(`date|time|_at$|createdat|updatedat`), "2030-01-01T00:00:00Z"},
	{regexp.MustCompile(`^(is|has)[_a-z]|enabled|checked|done|completed|active`), true},
	{regexp.MustCompile(`items|products|tags|list$`), []any{map[string]any{"id": "1", "name": "one", "quantity": 1, "price": 1, "productId": "1"}}},
	{regexp.MustCompile(`mass$|weight|height|latitude|longitude`), 1.5},
	{regexp.MustCompile(`lang|source_?code|target_?code`), "en"},
	{regexp.MustCompile(`currency`), "USD"},
	{regexp.MustCompile(`name|title|text|content|message|description|body|prompt|question|subject|query|comment`), "hello world"},
	{regexp.MustCompile(`status`), "pending"},
}
