package policy

import (
	"maps"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/aloft-cloud/aloft/internal/aws"
)

// A Request is one thing that somebody wants to do.
type Request struct {
	Call     *aws.Call
	Action   string // "s3:GetObject"
	Resource aws.ARN
	Owner    string              // account of the resource
	Keys     map[string][]string // condition keys of the service, by full name
	Tags     map[string]string   // of the principal: aws:PrincipalTag

	// Given are keys that go before what the call itself says. They are for
	// simulations alone.
	Given map[string][]string
}

// A value is what a condition key has in a request: one text or several.
type value struct {
	one   string
	many  []string // if not nil, instead of one
	found bool
}

func text(s string) value        { return value{one: s, found: true} }
func optional(s string) value    { return value{one: s, found: s != ""} }
func boolean(b bool) value       { return text(strconv.FormatBool(b)) }
func moment(t time.Time) value   { return text(t.UTC().Format(time.RFC3339)) }
func list(values []string) value { return value{many: values, found: true} }

// lookup returns what a key, in lower case, has in r. Keys that say who calls
// and whence come from the call alone; a service cannot set them.
func (r *Request) lookup(key string) value {
	if r.Given != nil {
		if v := findKey(r.Given, key); v.found {
			return v
		}
	}
	if !strings.HasPrefix(key, "aws:") {
		return r.serviceKey(key)
	}
	if v, known := r.principalKey(key); known {
		return v
	}
	c := r.Call
	switch key {
	case "aws:sourceip":
		return optional(c.SourceIP)
	case "aws:securetransport":
		return boolean(c.Secure || onThisMachine(c.SourceIP))
	case "aws:useragent":
		return optional(c.UserAgent)
	case "aws:referer":
		return optional(referer(c))
	case "aws:currenttime":
		return moment(time.Now())
	case "aws:epochtime":
		return text(strconv.FormatInt(time.Now().Unix(), 10))
	case "aws:requestedregion":
		return optional(c.Region)
	case "aws:resourceaccount":
		return optional(r.Owner)
	case "aws:viaawsservice":
		return boolean(c.Via != "")
	case "aws:calledvia", "aws:calledviafirst", "aws:calledvialast":
		return value{one: c.Via + ".amazonaws.com", found: c.Via != ""}
	}
	return r.serviceKey(key)
}

// referer is the page that a request comes from; SES says by it for whom it
// stores mail.
func referer(c *aws.Call) string {
	switch {
	case c.Principal.Kind == aws.Service && c.Principal.ARN == "ses.amazonaws.com":
		return c.Principal.Source.Account
	case c.Request != nil:
		return c.Request.Referer()
	}
	return ""
}

// onThisMachine says whether a request never was on a wire: it is as safe from
// others' eyes as one over TLS.
func onThisMachine(ip string) bool {
	a, err := netip.ParseAddr(ip)
	return ip == "" || err == nil && a.IsLoopback() // services have no address
}

// principalKey is lookup for keys that say who calls.
func (r *Request) principalKey(key string) (v value, known bool) {
	p := &r.Call.Principal
	switch key {
	case "aws:username":
		if _, name, ok := strings.Cut(p.ARN, ":user/"); ok && p.Kind == aws.User {
			return text(name[strings.LastIndexByte(name, '/')+1:]), true
		}
		return value{}, true
	case "aws:userid":
		if p.Kind == aws.Anonymous {
			return text("anonymous"), true
		}
		return optional(p.ID), true
	case "aws:principalarn":
		if p.Kind == aws.Session && p.Role != "" {
			return text(p.Role), true
		}
		return value{one: p.ARN, found: p.Kind != aws.Service && p.ARN != ""}, true
	case "aws:principalaccount":
		return optional(p.Account), true
	case "aws:principaltype":
		return optional(principalType(p)), true
	case "aws:principalisawsservice":
		return boolean(p.Kind == aws.Service), true
	case "aws:principalservicename":
		return value{one: p.ARN, found: p.Kind == aws.Service}, true
	case "aws:sourcearn":
		return value{one: p.Source.String(), found: p.Source != aws.ARN{}}, true
	case "aws:sourceaccount":
		if p.Source.Account == "" && p.Source != (aws.ARN{}) {
			return optional(r.Call.Account), true // ARNs of buckets do not say whose they are
		}
		return optional(p.Source.Account), true
	case "aws:sourceowner": // which only some older services say
		return value{one: p.Source.Account, found: p.Source.Service == "cloudwatch"}, true
	case "aws:tokenissuetime":
		if p.Temporary != nil {
			return moment(p.Temporary.Issued), true
		}
		return value{}, true
	case "aws:multifactorauthpresent":
		return value{one: "false", found: p.Temporary != nil}, true
	case "aws:sourceidentity":
		if p.Temporary != nil {
			return optional(p.Temporary.SourceIdentity), true
		}
		return value{}, true
	}
	if tag, ok := strings.CutPrefix(key, "aws:principaltag/"); ok {
		return r.tag(tag), true
	}
	return value{}, false
}

func principalType(p *aws.Principal) string {
	switch p.Kind {
	case aws.Anonymous:
		return "Anonymous"
	case aws.Root:
		return "Account"
	case aws.User:
		return "User"
	case aws.Session:
		if p.Role == "" {
			return "FederatedUser"
		}
		return "AssumedRole"
	}
	return ""
}

// tag returns a tag of the principal. A session's own goes before its role's.
func (r *Request) tag(name string) value {
	if t := r.Call.Principal.Temporary; t != nil {
		if v := tagOf(t.Tags, name); v.found {
			return v
		}
	}
	return tagOf(r.Tags, name)
}

func tagOf(tags map[string]string, lower string) value {
	if v, ok := tags[lower]; ok {
		return text(v)
	}
	for _, name := range slices.Sorted(maps.Keys(tags)) {
		if strings.EqualFold(name, lower) {
			return text(tags[name])
		}
	}
	return value{}
}

// serviceKey is lookup for what the service said of the request.
func (r *Request) serviceKey(lower string) value { return findKey(r.Keys, lower) }

func findKey(keys map[string][]string, lower string) value {
	if v, ok := keys[lower]; ok {
		return list(v)
	}
	for name, v := range keys {
		if strings.EqualFold(name, lower) {
			return list(v)
		}
	}
	return value{}
}
