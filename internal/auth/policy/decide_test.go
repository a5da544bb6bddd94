package policy

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"unicode/utf8"

	"github.com/aloft-cloud/aloft/internal/aws"
)

const (
	yes = `{"Statement":{"Effect":"Allow","Action":"*","Resource":"*"}}`
	no  = `{"Statement":{"Effect":"Deny","Action":"s3:*","Resource":"*"}}`
	hm  = `{"Statement":{"Effect":"Allow","Action":"sqs:*","Resource":"*"}}`
)

// grants is the policy of a resource that lets a principal do anything.
func grants(principal string) string {
	return `{"Statement":{"Effect":"Allow","Action":"*","Principal":` + principal + `}}`
}

func TestDecide(t *testing.T) {
	root := aws.Principal{Kind: aws.Root, ARN: "arn:aws:iam::" + acct + ":root", ID: acct, Account: acct}
	lambda := aws.ServiceCall("lambda", aws.ARN{Service: "lambda", Account: acct, Resource: "function:f"}).Principal
	type set struct {
		identity, boundary, resource string
		session                      []string // nil: not limited
		closed, foreign              bool
	}
	f := func(who aws.Principal, s set, want string) {
		t.Helper()
		r := newRequest("s3:GetObject", "arn:aws:s3:::b/k")
		r.Call.Principal = who
		if s.foreign {
			r.Owner = other
		}
		var p Set
		if s.identity != "" {
			p.Identity = []*Document{parse(t, hm), parse(t, s.identity)}
		}
		if s.boundary != "" {
			p.Boundary = parse(t, s.boundary)
		}
		if s.resource != "" {
			p.Resource = parse(t, s.resource)
		}
		for _, doc := range s.session {
			p.Session = append(p.Session, parse(t, doc))
		}
		p.Limited, p.Closed = s.session != nil, s.closed
		got := "allowed"
		if d := Decide(r, &p); !d.Allowed {
			got = d.Reason(r.Action)
		}
		if got != want {
			t.Errorf("%s %+v\ngot  %s\nwant %s", who.ARN, s, got, want)
		}
	}
	const (
		ok         = "allowed"
		noIdentity = "because no identity-based policy allows the s3:GetObject action"
		noResource = "because no resource-based policy allows the s3:GetObject action"
		noBoundary = "because no permissions boundary allows the s3:GetObject action"
		noSession  = "because no session policy allows the s3:GetObject action"
	)
	eve, worker := user("eve"), session("worker", "job")
	toEve, toRole := grants(`{"AWS":"`+eve.ARN+`"}`), grants(`{"AWS":"`+worker.Role+`"}`)
	toSession, toAccount, toAll := grants(`{"AWS":"`+worker.ARN+`"}`), grants(`{"AWS":"`+acct+`"}`), grants(`"*"`)
	toLambda := grants(`{"Service":"lambda.amazonaws.com"}`)
	denied := strings.Replace(no, `"Action"`, `"Principal":"*","Action"`, 1)

	f(eve, set{}, noIdentity)
	f(eve, set{identity: yes}, ok)
	f(eve, set{identity: hm}, noIdentity)
	f(eve, set{identity: no, resource: toEve}, "with an explicit deny in an identity-based policy")
	f(eve, set{identity: yes, resource: denied}, "with an explicit deny in a resource-based policy")
	f(eve, set{identity: yes, boundary: no}, "with an explicit deny in a permissions boundary")
	f(eve, set{identity: yes, boundary: hm}, noBoundary)
	f(eve, set{identity: yes, boundary: yes}, ok)
	f(eve, set{boundary: yes}, noIdentity)
	f(worker, set{identity: yes, session: []string{no}}, "with an explicit deny in a session policy")
	f(worker, set{identity: yes, session: []string{hm}}, noSession)
	f(worker, set{identity: yes, session: []string{hm, yes}}, ok)
	f(worker, set{identity: yes, session: []string{}}, noSession)

	// In one account either side may allow; a boundary does not limit what is given to somebody by name.
	f(eve, set{resource: toEve}, ok)
	f(eve, set{resource: toEve, boundary: hm}, ok)
	f(eve, set{resource: toAll}, ok)
	f(eve, set{resource: toAll, boundary: hm}, noBoundary)
	f(eve, set{resource: toAccount}, noIdentity) // the account decides
	f(eve, set{resource: toRole}, noIdentity)
	f(worker, set{resource: toRole}, ok)
	f(worker, set{resource: toRole, session: []string{hm}}, noSession)
	f(worker, set{resource: toSession, session: []string{hm}, boundary: hm}, ok)
	f(worker, set{resource: grants(`{"AWS":"AROAEXAMPLE"}`)}, ok)
	f(worker, set{resource: grants(`{"AWS":"AROA"}`)}, noIdentity)

	// Between accounts both sides must.
	f(eve, set{identity: yes, foreign: true}, noResource)
	f(eve, set{resource: toEve, foreign: true}, noIdentity)
	f(eve, set{identity: yes, resource: toEve, foreign: true}, ok)
	f(eve, set{identity: yes, resource: toAccount, foreign: true}, ok)
	f(eve, set{identity: yes, resource: grants(`{"AWS":"` + other + `"}`), foreign: true}, noResource)
	f(eve, set{identity: yes, resource: toEve, boundary: hm, foreign: true}, noBoundary)

	// Roles and keys let nobody in of themselves.
	f(eve, set{identity: yes, closed: true}, noResource)
	f(eve, set{identity: yes, resource: toAccount, closed: true}, ok)
	f(eve, set{resource: toAccount, closed: true}, noIdentity)
	f(eve, set{resource: toEve, closed: true}, ok)
	f(root, set{closed: true}, noResource)
	f(root, set{resource: toAccount, closed: true}, ok)

	f(root, set{}, ok)
	f(root, set{resource: toLambda}, ok)
	f(root, set{resource: denied}, "with an explicit deny in a resource-based policy")
	f(root, set{foreign: true}, noResource)
	f(root, set{resource: toAccount, foreign: true}, ok)

	f(lambda, set{}, noResource)
	f(lambda, set{resource: toLambda}, ok)
	f(lambda, set{resource: toAll}, ok)
	f(lambda, set{resource: grants(`{"Service":"lambda.eu-west-1.amazonaws.com"}`)}, ok)
	f(lambda, set{resource: grants(`{"Service":"lambda.us-east-1.amazonaws.com"}`)}, noResource)
	f(lambda, set{resource: grants(`{"Service":"sns.amazonaws.com"}`)}, noResource)
	f(lambda, set{resource: toAccount}, noResource)
	f(lambda, set{resource: strings.Replace(toLambda, `"Action"`, `"Condition":{"ArnLike":{"aws:SourceArn":"arn:aws:lambda:*:*:function:f"},"StringEquals":{"aws:SourceAccount":"123456789012","aws:PrincipalServiceName":"lambda.amazonaws.com"}},"Action"`, 1)}, ok)
	f(lambda, set{resource: strings.Replace(toLambda, `"Action"`, `"Condition":{"ArnLike":{"aws:SourceArn":"arn:aws:lambda:*:*:function:g"}},"Action"`, 1)}, noResource)

	f(aws.Principal{}, set{}, noResource)
	f(aws.Principal{}, set{resource: toAll}, ok)
	f(aws.Principal{}, set{resource: toAccount}, noResource)

	// Everyone but some.
	spared := `{"Statement":{"Effect":"Deny","Action":"*","NotPrincipal":{"AWS":["` + eve.ARN + `","arn:aws:iam::` + acct + `:root"]}}}`
	f(eve, set{identity: yes, resource: spared}, ok)
	f(user("bob"), set{identity: yes, resource: spared}, "with an explicit deny in a resource-based policy")
	f(root, set{resource: spared}, ok)
}

// The slow and obvious reading of policies, to compare with: sets of values
// and regular expressions over plain JSON.

// globs remembers the regular expressions of patterns.
var globs sync.Map

func slowGlob(pattern, s string, fold bool) bool {
	if re, ok := globs.Load(pattern); ok && !fold {
		return re.(*regexp.Regexp).MatchString(s)
	}
	var re strings.Builder
	for _, c := range pattern {
		switch c {
		case '*':
			re.WriteString(`(?s:.*)`)
		case '?':
			re.WriteString(`(?s:.)`)
		default:
			re.WriteString(regexp.QuoteMeta(string(c)))
		}
	}
	flags := ""
	if fold {
		flags = "(?i)"
	}
	compiled := regexp.MustCompile(flags + "^" + re.String() + "$")
	if !fold {
		globs.Store(pattern, compiled)
	}
	return compiled.MatchString(s)
}

func slowARN(pattern, arn string) bool {
	if pattern == "*" {
		return true
	}
	p, a := strings.SplitN(pattern, ":", 6), strings.SplitN(arn, ":", 6)
	for len(p) < 6 {
		p = append(p, "*")
	}
	if len(a) < 6 {
		return false
	}
	for i := range p {
		if !slowGlob(p[i], a[i], false) {
			return false
		}
	}
	return true
}

func slowList(v any) []string {
	switch v := v.(type) {
	case string:
		return []string{v}
	case []any:
		var out []string
		for _, item := range v {
			out = append(out, item.(string))
		}
		return out
	}
	return nil
}

func slowCondition(op string, wants []string, values []string, present bool) bool {
	each := strings.HasPrefix(op, "ForAllValues:")
	op = op[strings.IndexByte(op, ':')+1:]
	op, lenient := strings.CutSuffix(op, "IfExists")
	negated := strings.Contains(op, "Not")
	if op == "Null" {
		return slices.Contains(wants, fmt.Sprint(!present))
	}
	if !present {
		return lenient || each || negated
	}
	for _, v := range values {
		equal := false
		for _, w := range wants {
			if strings.Contains(op, "Arn") {
				equal = equal || slowARN(w, v)
			} else if strings.Contains(op, "Like") {
				equal = equal || slowGlob(w, v, false)
			} else {
				equal = equal || w == v
			}
		}
		if good := equal != negated; good != (each || negated) {
			return good
		}
	}
	return each || negated
}

func slowEffect(doc map[string]any, action, resource string, keys map[string][]string) Effect {
	said := Silent
	for _, item := range doc["Statement"].([]any) {
		s := item.(map[string]any)
		applies := true
		for _, name := range []string{"Action", "NotAction", "Resource", "NotResource"} {
			v, has := s[name]
			if !has {
				continue
			}
			hit := slices.ContainsFunc(slowList(v), func(p string) bool {
				if strings.HasSuffix(name, "Action") {
					return slowGlob(p, action, true)
				}
				return slowARN(p, resource)
			})
			applies = applies && hit != strings.HasPrefix(name, "Not")
		}
		if c, ok := s["Condition"].(map[string]any); ok {
			for op, byKey := range c {
				for key, wants := range byKey.(map[string]any) {
					values, present := keys[key]
					applies = applies && slowCondition(op, slowList(wants), values, present && len(values) > 0)
				}
			}
		}
		if !applies {
			continue
		}
		if s["Effect"] == "Deny" {
			return Deny
		}
		said = Allow
	}
	return said
}

// pick returns one of several.
func pick[T any](rnd *rand.Rand, of ...T) T { return of[rnd.IntN(len(of))] }

func some(rnd *rand.Rand, of ...string) any {
	if rnd.IntN(3) == 0 {
		return pick(rnd, of...)
	}
	list := []any{}
	for range 1 + rnd.IntN(3) {
		list = append(list, pick(rnd, of...))
	}
	return list
}

func randomDocument(rnd *rand.Rand) map[string]any {
	statements := []any{}
	for range 1 + rnd.IntN(3) {
		s := map[string]any{"Effect": pick(rnd, "Allow", "Allow", "Deny")}
		s[pick(rnd, "Action", "Action", "NotAction")] = some(rnd, "a:Get", "a:Ge*", "a:*", "b:?et", "b:Put", "*", "A:get", "*:P*t")
		s[pick(rnd, "Resource", "Resource", "NotResource")] = some(rnd, "*", "arn:aws:a:::x", "arn:aws:a:::x*", "arn:aws:a:r::x/?", "arn:aws:*:*:*:*/y", "arn:aws:b", "arn:aws:a:*:x")
		if rnd.IntN(2) == 0 {
			op := pick(rnd, "", "", "ForAnyValue:", "ForAllValues:") + pick(rnd, "StringEquals", "StringLike", "StringNotEquals", "StringNotLike", "ArnLike", "ArnNotEquals") + pick(rnd, "", "", "IfExists")
			if strings.HasPrefix(op, "ForAnyValue:") {
				op = strings.Replace(op, "Not", "", 1) // of which the slow reading knows nothing
			}
			if rnd.IntN(6) == 0 {
				s["Condition"] = map[string]any{"Null": map[string]any{pick(rnd, "k:one", "k:none"): some(rnd, "true", "false")}}
			} else {
				s["Condition"] = map[string]any{op: map[string]any{pick(rnd, "k:one", "k:two", "k:none"): some(rnd, "arn:aws:a:::x", "arn:aws:*:::?", "v", "v*", "*")}}
			}
		}
		statements = append(statements, s)
	}
	return map[string]any{"Version": "2012-10-17", "Statement": statements}
}

func TestEffectAsTheSlowReading(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 2))
	counts := map[Effect]int{}
	for range 4_000 {
		doc := randomDocument(rnd)
		text, err := json.Marshal(doc)
		if err != nil {
			t.Fatal(err)
		}
		var plain map[string]any
		if err := json.Unmarshal(text, &plain); err != nil {
			t.Fatal(err)
		}
		action := pick(rnd, "a:Get", "a:Put", "b:Get", "b:Put")
		resource := pick(rnd, "arn:aws:a:::x", "arn:aws:a:r::x/y", "arn:aws:b:r:1:z/y", "arn:aws:a:::y")
		keys := map[string][]string{"k:one": {pick(rnd, "v", "value", "arn:aws:a:::x")}, "k:two": {"v", pick(rnd, "v", "w")}}
		want := slowEffect(plain, action, resource, keys)
		r := newRequest(action, resource)
		r.Keys = keys
		if got := parse(t, string(text)).Effect(r); got != want {
			t.Fatalf("%s\n%s on %s with %v: got %v, want %v", text, action, resource, keys, got, want)
		}
		counts[want]++
	}
	if counts[Silent] < 500 || counts[Allow] < 500 || counts[Deny] < 500 {
		t.Errorf("the cases are one-sided: %v", counts)
	}
}

func FuzzGlob(f *testing.F) {
	f.Add("a*b?c", "axxbyc")
	f.Add("**é?", "éé")
	f.Fuzz(func(t *testing.T, pattern, s string) {
		if len(pattern) > 50 || len(s) > 200 || !utf8.ValidString(pattern) || !utf8.ValidString(s) {
			return
		}
		p := compile(pattern, true, false)
		if got, want := p.match(s, nil), slowGlob(pattern, s, false); got != want {
			t.Errorf("%q matches %q: got %v, want %v", pattern, s, got, want)
		}
	})
}
