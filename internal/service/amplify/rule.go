package amplify

import (
	"errors"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/dlclark/regexp2/v2"

	api "github.com/aloft-cloud/aloft/internal/api/amplify"
	"github.com/aloft-cloud/aloft/internal/aws"
)

// What a rule does.
const (
	rewrites = "200"     // something else is answered
	missing  = "404"     // so it is where there is no file, with that status
	fallback = "404-200" // or with the status 200
)

// A rule is a redirect or a rewrite, ready to be tried.
type rule struct {
	status string
	host   string // that is asked, or "": any
	whole  bool   // the source is a host alone: the path goes on with the target
	query  []asked
	path   *regexp.Regexp // with a group for each name
	names  []string
	rich   *regexp2.Regexp // instead of path, for what RE2 lacks
	target target
}

// An asked is a parameter of a query that a source has: of a value, or of any
// that gets a name.
type asked struct{ key, value, name string }

// A target is where a rule leads.
type target struct {
	base  *url.URL // scheme and host, or nil
	path  string   // with placeholders, as all that follows
	query string
	frag  string
}

const (
	maxRules  = 1000
	wildcard  = "*"
	richTime  = 50 * time.Millisecond // for which a path is held against a rich expression
	anyPath   = "(.*)"
	oneOfPath = "([^/]+)"
)

// placeholder is <name>, or <*> for all that follows.
var placeholder = regexp.MustCompile(`<(\*|[A-Za-z0-9_-]+)>`)

// compileRules makes rules ready, and refuses what are none.
func compileRules(all []api.CustomRule) ([]*rule, error) {
	if len(all) > maxRules {
		return nil, api.BadRequestException.Errorf("An app has at most %d custom rules.", maxRules)
	}
	var out []*rule
	for _, c := range all {
		r, err := compileRule(&c)
		if err != nil {
			return nil, err
		}
		out = append(out, r)
	}
	return out, nil
}

func compileRule(c *api.CustomRule) (*rule, error) {
	r := &rule{status: aws.Or(c.Status, rewrites)}
	switch r.status {
	case rewrites, missing, fallback, "301", "302":
	default:
		return nil, errRule(c, "its status is none of 200, 301, 302, 404 and 404-200")
	}
	if country := aws.Value(c.Condition); country != "" {
		return nil, aws.NotImplemented.Errorf("Aloft does not know from which country a request is: the condition %s of a custom rule is refused.", country)
	}
	if err := r.source(c.Source); err != nil {
		return nil, errRule(c, err.Error())
	}
	if err := r.leadTo(c.Target); err != nil {
		return nil, errRule(c, err.Error())
	}
	return r, nil
}

func errRule(c *api.CustomRule, why string) error {
	return api.BadRequestException.Errorf("The custom rule with source %s is not valid: %s.", c.Source, why)
}

// source reads what a rule is for.
func (r *rule) source(text string) error {
	if expr, ok := strings.CutPrefix(text, "</"); ok && strings.HasSuffix(expr, "/>") {
		return r.expression(strings.TrimSuffix(expr, "/>"))
	}
	path, query, _ := strings.Cut(text, "?")
	if scheme, rest, ok := strings.Cut(path, "://"); ok && (strings.EqualFold(scheme, "https") || strings.EqualFold(scheme, "http")) {
		i := strings.IndexByte(rest, '/')
		if i < 0 {
			i = len(rest)
		}
		r.host, path = strings.ToLower(rest[:i]), rest[i:]
		r.whole = path == "" || path == "/"
	}
	for pair := range strings.SplitSeq(query, "&") {
		if key, value, _ := strings.Cut(pair, "="); key != "" {
			a := asked{key: unescape(key), value: unescape(value)}
			if m := placeholder.FindStringSubmatch(value); m != nil && m[0] == value {
				a = asked{key: unescape(key), name: m[1]}
			}
			r.query = append(r.query, a)
		}
	}
	if r.whole {
		return nil
	}
	var b strings.Builder
	b.WriteString(`^`)
	path = "/" + strings.TrimPrefix(unescapePath(path), "/")
	last := 0
	for _, m := range placeholder.FindAllStringSubmatchIndex(path, -1) {
		b.WriteString(regexp.QuoteMeta(path[last:m[0]]))
		name := path[m[2]:m[3]]
		if r.names = append(r.names, name); name == wildcard {
			b.WriteString(anyPath)
		} else {
			b.WriteString(oneOfPath)
		}
		last = m[1]
	}
	b.WriteString(regexp.QuoteMeta(path[last:]) + `$`)
	var err error
	r.path, err = regexp.Compile(b.String())
	return err
}

// expression reads a source that is a regular expression, of JavaScript.
func (r *rule) expression(text string) (err error) {
	if r.path, err = regexp.Compile(text); err == nil {
		return nil
	}
	r.path = nil
	if r.rich, err = regexp2.Compile(text, regexp2.ECMAScript); err == nil {
		r.rich.MatchTimeout = richTime
	}
	return err
}

// leadTo reads where a rule leads.
func (r *rule) leadTo(text string) error {
	text, r.target.frag, _ = strings.Cut(text, "#")
	text, r.target.query, _ = strings.Cut(text, "?")
	if scheme, rest, ok := strings.Cut(text, "://"); ok {
		i := strings.IndexByte(rest, '/')
		if i < 0 {
			i = len(rest)
		}
		u, err := url.Parse(strings.ToLower(scheme) + "://" + rest[:i])
		if err != nil {
			return err
		}
		if u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.User != nil || strings.ContainsAny(u.Host, "<>") {
			return errors.New("its target is not valid")
		}
		r.target.base, text = u, rest[i:]
	}
	r.target.path = "/" + strings.TrimLeft(unescapePath(text), "/")
	return nil
}

func unescape(s string) string {
	if t, err := url.QueryUnescape(s); err == nil {
		return t
	}
	return s
}

func unescapePath(s string) string {
	if t, err := url.PathUnescape(s); err == nil {
		return t
	}
	return s
}

// matches reports whether a rule is for q, and what its names stand for.
func (r *rule) matches(q *http.Request) (map[string]string, bool) {
	if r.host != "" && !strings.EqualFold(r.host, q.Host) && !strings.EqualFold(r.host, hostOnly(q.Host)) {
		return nil, false
	}
	found := make(map[string]string)
	switch {
	case r.whole:
	case r.rich != nil:
		if ok, err := r.rich.MatchString(q.URL.Path); err != nil || !ok {
			return nil, false
		}
	default:
		m := r.path.FindStringSubmatch(q.URL.Path)
		if m == nil {
			return nil, false
		}
		for i, name := range r.names {
			found[name] = m[i+1]
		}
	}
	values := q.URL.Query()
	for _, a := range r.query {
		if !values.Has(a.key) || a.name == "" && values.Get(a.key) != a.value {
			return nil, false
		}
		if a.name != "" {
			found[a.name] = values.Get(a.key)
		}
	}
	return found, true
}

// redirects reports whether a rule sends visitors elsewhere, and with which status.
func (r *rule) redirects() (status int, ok bool) {
	if r.status != "301" && r.status != "302" {
		return 0, false
	}
	status, err := strconv.Atoi(r.status)
	return status, err == nil
}

// leads returns where a rule leads q, for what its names stand for.
func (r *rule) leads(q *http.Request, found map[string]string) *url.URL {
	u := &url.URL{}
	if r.target.base != nil {
		*u = *r.target.base
	}
	fill := func(text string, escape func(string) string) string {
		return placeholder.ReplaceAllStringFunc(text, func(p string) string {
			if v, ok := found[p[1:len(p)-1]]; ok {
				return escape(v)
			}
			return p
		})
	}
	u.Path = fill(r.target.path, func(s string) string { return s })
	if r.whole {
		u.Path = strings.TrimSuffix(u.Path, "/") + q.URL.Path
	}
	u.Path = "/" + strings.TrimLeft(u.Path, "/") // two slashes would begin a host
	u.RawQuery = fill(r.target.query, url.QueryEscape)
	u.Fragment = fill(r.target.frag, func(s string) string { return s })
	if len(r.query) == 0 && r.target.query == "" {
		u.RawQuery = q.URL.RawQuery
	}
	return u
}
