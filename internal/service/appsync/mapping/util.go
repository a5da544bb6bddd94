package mapping

import (
	"crypto/rand"
	"encoding/base64"
	"encoding/binary"
	"maps"
	"math"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"

	"golang.org/x/text/unicode/norm"

	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/vtl"
)

// A helper is a function of util.
type helper func(r *Run, a arguments) (any, error)

// arguments are those of a helper: there are as many as one asks for.
type arguments []any

func (a arguments) at(i int) any {
	if i < len(a) {
		return a[i]
	}
	return nil
}

func (a arguments) text(i int) string {
	if v := a.at(i); v != nil {
		return vtl.String(v)
	}
	return ""
}

func (a arguments) number(i int) float64 {
	switch v := a.at(i).(type) {
	case int64:
		return float64(v)
	case float64:
		return v
	}
	return 0
}

func (a arguments) items(i int) []any {
	if l, ok := a.at(i).(*vtl.List); ok {
		return l.Items
	}
	return nil
}

func (a arguments) mapping(i int) *vtl.Map {
	if m, ok := a.at(i).(*vtl.Map); ok {
		return m
	}
	return vtl.NewMap()
}

// helpers are all of them, by name below util.
var helpers = join(valueHelpers, errorHelpers, collectionHelpers, timeHelpers, dynamoHelpers, transformHelpers, extensionHelpers, xmlHelpers)

func join(all ...map[string]helper) map[string]helper {
	out := make(map[string]helper)
	for _, m := range all {
		maps.Copy(out, m)
	}
	return out
}

// pure makes a helper of a function that cannot fail.
func pure(f func(a arguments) any) helper {
	return func(_ *Run, a arguments) (any, error) { return f(a), nil }
}

var valueHelpers = map[string]helper{
	"qr":               pure(func(arguments) any { return "" }),
	"quiet":            pure(func(arguments) any { return "" }),
	"escapeJavaScript": pure(func(a arguments) any { return escapeScript(a.text(0)) }),
	"urlEncode":        pure(func(a arguments) any { return url.QueryEscape(a.text(0)) }),
	"urlDecode": pure(func(a arguments) any {
		s, err := url.QueryUnescape(a.text(0))
		if err != nil {
			return nil
		}
		return s
	}),
	"base64Encode": pure(func(a arguments) any { return base64.StdEncoding.EncodeToString([]byte(a.text(0))) }),
	"base64Decode": pure(func(a arguments) any {
		b, err := base64.StdEncoding.DecodeString(a.text(0))
		if err != nil {
			return nil
		}
		return string(b)
	}),
	"parseJson": func(_ *Run, a arguments) (any, error) {
		v, err := vtl.ParseJSON(a.text(0))
		if err != nil {
			return nil, &Abort{Problem{Type: "MappingTemplate", Message: "Unable to parse the JSON document: '" + a.text(0) + "'"}}
		}
		return v, nil
	},
	"toJson":               pure(func(a arguments) any { return vtl.JSON(a.at(0)) }),
	"autoId":               pure(func(arguments) any { return aws.NewRequestID() }),
	"autoUlid":             pure(func(arguments) any { return newULID() }),
	"autoKsuid":            pure(func(arguments) any { return newKSUID() }),
	"isNull":               pure(func(a arguments) any { return a.at(0) == nil }),
	"isNullOrEmpty":        pure(func(a arguments) any { return a.at(0) == nil || empty(a.at(0)) }),
	"isNullOrBlank":        pure(func(a arguments) any { return a.at(0) == nil || strings.TrimSpace(a.text(0)) == "" }),
	"defaultIfNull":        pure(func(a arguments) any { return either(a.at(0) != nil, a) }),
	"defaultIfNullOrEmpty": pure(func(a arguments) any { return either(a.at(0) != nil && !empty(a.at(0)), a) }),
	"defaultIfNullOrBlank": pure(func(a arguments) any { return either(a.at(0) != nil && strings.TrimSpace(a.text(0)) != "", a) }),
	"isString":             pure(func(a arguments) any { return typeOf(a.at(0)) == "String" }),
	"isNumber":             pure(func(a arguments) any { return typeOf(a.at(0)) == "Number" }),
	"isBoolean":            pure(func(a arguments) any { return typeOf(a.at(0)) == "Boolean" }),
	"isList":               pure(func(a arguments) any { return typeOf(a.at(0)) == "List" }),
	"isMap":                pure(func(a arguments) any { return typeOf(a.at(0)) == "Map" }),
	"typeOf":               pure(func(a arguments) any { return typeOf(a.at(0)) }),
	"matches": func(_ *Run, a arguments) (any, error) {
		re, err := regexp.Compile(a.text(0))
		if err != nil {
			return nil, &Abort{Problem{Type: "MappingTemplate", Message: "Invalid regular expression: " + a.text(0)}}
		}
		return re.MatchString(a.text(1)), nil
	},
	"authType": func(r *Run, _ arguments) (any, error) { return r.AuthType, nil },

	"str.toUpper":   pure(func(a arguments) any { return strings.ToUpper(a.text(0)) }),
	"str.toLower":   pure(func(a arguments) any { return strings.ToLower(a.text(0)) }),
	"str.toReplace": pure(func(a arguments) any { return strings.ReplaceAll(a.text(0), a.text(1), a.text(2)) }),
	"str.normalize": pure(func(a arguments) any { return normalize(a.text(0), a.text(1)) }),

	"math.roundNum":     pure(func(a arguments) any { return int64(math.Floor(a.number(0) + 0.5)) }),
	"math.minVal":       pure(func(a arguments) any { return math.Min(a.number(0), a.number(1)) }),
	"math.maxVal":       pure(func(a arguments) any { return math.Max(a.number(0), a.number(1)) }),
	"math.randomDouble": pure(func(arguments) any { return randomFraction() }),
	"math.randomWithinRange": pure(func(a arguments) any {
		return int64(a.number(0) + math.Floor(randomFraction()*(a.number(1)-a.number(0))))
	}),
}

func either(first bool, a arguments) any {
	if first {
		return a.at(0)
	}
	return a.at(1)
}

func empty(v any) bool {
	switch v := v.(type) {
	case string:
		return v == ""
	case *vtl.List:
		return len(v.Items) == 0
	case *vtl.Map:
		return v.Len() == 0
	}
	return false
}

func typeOf(v any) string {
	switch v.(type) {
	case nil:
		return "Null"
	case string:
		return "String"
	case int64, float64:
		return "Number"
	case bool:
		return "Boolean"
	case *vtl.List:
		return "List"
	case *vtl.Map, context:
		return "Map"
	}
	return "Object"
}

// escapeScript writes a text as it stands within quotes of JavaScript.
func escapeScript(s string) string {
	quoted := vtl.JSON(s)
	return strings.NewReplacer("'", `\'`, "/", `\/`).Replace(quoted[1 : len(quoted)-1])
}

func randomFraction() float64 {
	var b [8]byte
	rand.Read(b[:])
	return float64(binary.BigEndian.Uint64(b[:])>>11) / (1 << 53)
}

// newULID returns a ULID: a time and random bits, which sort by time.
func newULID() string {
	const letters = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
	var b [16]byte
	binary.BigEndian.PutUint64(b[:8], uint64(time.Now().UnixMilli())<<16)
	rand.Read(b[6:])
	out := make([]byte, 26)
	hi, lo := binary.BigEndian.Uint64(b[:8]), binary.BigEndian.Uint64(b[8:])
	for i := range slices.Backward(out) {
		out[i] = letters[lo&31]
		lo, hi = lo>>5|hi<<59, hi>>5
	}
	return string(out)
}

// newKSUID returns a KSUID: likewise, in base 62.
func newKSUID() string {
	const letters = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
	const epoch = 1_400_000_000
	var b [20]byte
	binary.BigEndian.PutUint32(b[:4], uint32(time.Now().Unix()-epoch))
	rand.Read(b[4:])
	out := make([]byte, 27)
	for i := range slices.Backward(out) {
		rest := 0
		for j, c := range b {
			rest = rest<<8 | int(c)
			b[j] = byte(rest / 62)
			rest %= 62
		}
		out[i] = letters[rest]
	}
	return string(out)
}

var errorHelpers = map[string]helper{
	"error": func(_ *Run, a arguments) (any, error) { return nil, &Abort{problem(a)} },
	"appendError": func(r *Run, a arguments) (any, error) {
		r.Errors = append(r.Errors, problem(a))
		return "", nil
	},
	"unauthorized": func(*Run, arguments) (any, error) { return nil, &Abort{Problem{Type: "Unauthorized"}} },
	"validate": func(_ *Run, a arguments) (any, error) {
		if a.at(0) == true {
			return "", nil
		}
		p := Problem{Message: a.text(1), Type: "CustomTemplateException", Data: a.at(3)}
		if a.at(2) != nil {
			p.Type = a.text(2)
		}
		return nil, &Abort{p}
	},
	"log.info":  logged,
	"log.error": logged,
	"log.debug": logged,
	"rds.toJsonObject": func(*Run, arguments) (any, error) {
		return nil, &Abort{Problem{Type: "NotImplemented", Message: "Aloft does not answer util.rds of AppSync yet."}}
	},
}

// problem is what error and appendError are called with.
func problem(a arguments) Problem {
	p := Problem{Message: a.text(0), Type: "Custom", Data: a.at(2), Info: a.at(3)}
	if a.at(1) != nil {
		p.Type = a.text(1)
	}
	return p
}

// maxLogged is how many lines a resolver may log.
const maxLogged = 1000

func logged(r *Run, a arguments) (any, error) {
	text := a.text(0)
	for _, arg := range a[min(1, len(a)):] {
		text = strings.Replace(text, "{}", vtl.String(arg), 1)
	}
	if len(r.Logs) < maxLogged {
		r.Logs = append(r.Logs, text)
	}
	return "", nil
}

var collectionHelpers = map[string]helper{
	"list.copyAndRetainAll":    pure(func(a arguments) any { return retain(a, true) }),
	"list.copyAndRemoveAll":    pure(func(a arguments) any { return retain(a, false) }),
	"map.copyAndRetainAllKeys": pure(func(a arguments) any { return retainKeys(a, true) }),
	"map.copyAndRemoveAllKeys": pure(func(a arguments) any { return retainKeys(a, false) }),
	"http.copyHeaders":         pure(func(a arguments) any { return copyHeaders(a.mapping(0)) }),
	"http.addResponseHeader": func(r *Run, a arguments) (any, error) {
		r.setHeader(a.text(0), a.at(1))
		return "", nil
	},
	"http.addResponseHeaders": func(r *Run, a arguments) (any, error) {
		m := a.mapping(0)
		for _, k := range m.Keys() {
			v, _ := m.Lookup(k)
			r.setHeader(k, v)
		}
		return "", nil
	},
}

func (r *Run) setHeader(name string, v any) {
	if r.Headers == nil {
		r.Headers = make(map[string]string)
	}
	if v != nil && len(r.Headers) < 20 {
		r.Headers[name] = vtl.String(v)
	}
}

func retain(a arguments, keep bool) any {
	out := vtl.NewList()
	for _, v := range a.items(0) {
		if slices.ContainsFunc(a.items(1), func(w any) bool { return vtl.JSON(v) == vtl.JSON(w) }) == keep {
			out.Items = append(out.Items, v)
		}
	}
	return out
}

func retainKeys(a arguments, keep bool) any {
	out, m := vtl.NewMap(), a.mapping(0)
	for _, k := range m.Keys() {
		if slices.ContainsFunc(a.items(1), func(w any) bool { return vtl.String(w) == k }) == keep {
			v, _ := m.Lookup(k)
			out.Set(k, v)
		}
	}
	return out
}

// kept are headers that are of one connection.
var kept = []string{"host", "content-length", "connection", "transfer-encoding", "te", "upgrade", "expect", "keep-alive", "proxy-authenticate", "proxy-authorization"}

func copyHeaders(m *vtl.Map) any {
	out := vtl.NewMap()
	for _, k := range m.Keys() {
		if !slices.Contains(kept, strings.ToLower(k)) {
			v, _ := m.Lookup(k)
			out.Set(k, v)
		}
	}
	return out
}

var extensionHelpers = map[string]helper{
	"extensions.evictFromApiCache": func(r *Run, a arguments) (any, error) {
		r.Evict = append(r.Evict, Eviction{a.text(0), a.text(1), a.mapping(2)})
		return "", nil
	},
	"extensions.setSubscriptionFilter": func(r *Run, a arguments) (any, error) {
		r.Filter, r.HasFilter = a.at(0), true
		return "", nil
	},
	"extensions.setSubscriptionInvalidationFilter": func(r *Run, a arguments) (any, error) {
		r.Invalidation = a.at(0)
		return "", nil
	},
	"extensions.invalidateSubscriptions": func(r *Run, a arguments) (any, error) {
		r.Invalidate = append(r.Invalidate, a.at(0))
		return "", nil
	},
}

// forms are how letters of several parts are written.
var forms = map[string]norm.Form{"nfc": norm.NFC, "nfd": norm.NFD, "nfkc": norm.NFKC, "nfkd": norm.NFKD}

func normalize(s, form string) string {
	if f, ok := forms[strings.ToLower(form)]; ok {
		return f.String(s)
	}
	return s
}
