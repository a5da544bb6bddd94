package amplify

import (
	"net/http"
	"regexp"
	"strings"

	"go.yaml.in/yaml/v3"
	"golang.org/x/net/http/httpguts"

	api "github.com/aloft-cloud/aloft/internal/api/amplify"
)

// A headerRule gives headers to the answers for some paths.
type headerRule struct {
	path    *regexp.Regexp
	headers []header
}

type header struct {
	Key   string `yaml:"key"`
	Value string `yaml:"value"`
}

// A headerFile is a customHttp.yml.
type headerFile struct {
	Custom []headerPattern `yaml:"customHeaders"`
	Apps   []struct {
		Root   string          `yaml:"appRoot"`
		Custom []headerPattern `yaml:"customHeaders"`
	} `yaml:"applications"`
}

type headerPattern struct {
	Pattern string   `yaml:"pattern"`
	Headers []header `yaml:"headers"`
}

// parseHeaders reads the headers that an app adds. Of several in one repository,
// it is the one at root that counts, or all if root is not said.
func parseHeaders(text, root string) ([]headerRule, error) {
	var f headerFile
	if err := yaml.Unmarshal([]byte(text), &f); err != nil {
		return nil, api.BadRequestException.Errorf("customHeaders is not valid YAML: %v", err)
	}
	all := f.Custom
	for _, a := range f.Apps {
		if root == "" || a.Root == root {
			all = append(all, a.Custom...)
		}
	}
	var out []headerRule
	for _, p := range all {
		for _, h := range p.Headers {
			if !httpguts.ValidHeaderFieldName(h.Key) || !httpguts.ValidHeaderFieldValue(h.Value) {
				return nil, api.BadRequestException.Errorf("The custom header %q is not valid.", h.Key)
			}
		}
		re, err := regexp.Compile(globbed(p.Pattern))
		if err != nil {
			return nil, api.BadRequestException.Errorf("The pattern %s of custom headers is not valid.", p.Pattern)
		}
		out = append(out, headerRule{re, p.Headers})
	}
	return out, nil
}

// globbed is a pattern of paths as a regular expression: * is anything, ** / is
// any folders or none, and a name alone is one in any folder.
func globbed(pattern string) string {
	pattern = strings.TrimPrefix(pattern, "/")
	if !strings.Contains(pattern, "/") {
		pattern = "**/" + pattern
	}
	var b strings.Builder
	b.WriteString("^/")
	for i := 0; i < len(pattern); i++ {
		switch rest := pattern[i:]; {
		case strings.HasPrefix(rest, "**/"):
			b.WriteString("(?:.*/)?")
			i += 2
		case rest[0] == '*':
			b.WriteString(".*")
		case rest[0] == '?':
			b.WriteString("[^/]")
		default:
			b.WriteString(regexp.QuoteMeta(rest[:1]))
		}
	}
	return b.String() + "$"
}

// give gives the answer for a path its headers.
func give(rules []headerRule, path string, h http.Header) {
	for _, r := range rules {
		if r.path.MatchString(path) {
			for _, add := range r.headers {
				h.Set(add.Key, add.Value)
			}
		}
	}
}
