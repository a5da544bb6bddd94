package protocol

import (
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"unicode/utf8"

	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/smithy"
)

// An API is a service's model made ready to read requests. It is safe for
// concurrent use.
type API struct {
	svc    *smithy.Service
	quirks quirks
	ops    func() map[string]*smithy.OperationInfo
	routes func() *routeNode
}

// New returns the API of svc. What it needs it makes when first used.
func New(svc *smithy.Service) *API {
	return &API{
		svc:    svc,
		quirks: quirksOf(svc),
		ops: sync.OnceValue(func() map[string]*smithy.OperationInfo {
			ops := make(map[string]*smithy.OperationInfo, len(svc.Operations))
			for i := range svc.Operations {
				ops[svc.Operations[i].Name] = &svc.Operations[i]
			}
			return ops
		}),
		routes: sync.OnceValue(func() *routeNode { return newRoutes(svc) }),
	}
}

// An Exchange is one request and its answer: what is asked, and in which of
// the protocols. The answer speaks as the request did.
type Exchange struct {
	Op       *smithy.OperationInfo // nil if the request asks for nothing we know
	Protocol smithy.Protocol

	api     *API
	labels  []label
	query   url.Values
	form    *Form
	json    string // version of awsJson that the request speaks
	oldCBOR bool   // CBOR as SDKs for Java have spoken it with Kinesis before rpcv2Cbor
	head    bool   // the answer has no body
	bare    bool   // a refusal is its code and nothing else
	ours    bool   // awsJson by the name of the service's folder: members have any of their names
}

// Match finds the operation that r asks for. form is the body of a request
// that sent a form, nil for others. If there is no such operation the error is
// a refusal, and the exchange is good for encoding it.
//
// Each service answers awsJson too, whatever its own protocol: the target is
// then the name of its folder and the operation, as in lambda.CreateFunction.
func (a *API) Match(r *http.Request, form *Form) (*Exchange, error) {
	x := &Exchange{api: a, head: r.Method == http.MethodHead}
	if target := r.Header.Get("X-Amz-Target"); target != "" && r.Method == http.MethodPost {
		return x, x.matchTarget(target, r.Header.Get("Content-Type"))
	}
	if op, ok := cborOperation(r); ok {
		x.Protocol = smithy.CBOR
		return x, x.named(op)
	}
	rest := a.speaks(smithy.RESTJSON) || a.speaks(smithy.RESTXML)
	if a.speaks(smithy.EC2) || a.speaks(smithy.Query) || form.Value("Action") != "" && !rest {
		x.Protocol = smithy.Query
		if a.speaks(smithy.EC2) {
			x.Protocol = smithy.EC2
		}
		return x, x.matchAction(r, form)
	}
	switch {
	case a.speaks(smithy.RESTJSON):
		x.Protocol = smithy.RESTJSON
	case a.speaks(smithy.RESTXML):
		x.Protocol = smithy.RESTXML
	default:
		x.Protocol, x.json = a.svc.Protocols[0], a.svc.JSONVersion
		if a.quirks.terse {
			return x, x.matchNothing(r)
		}
		return x, aws.UnknownOperation.Errorf("The request has no X-Amz-Target.")
	}
	return x, x.matchPath(r)
}

func (a *API) speaks(p smithy.Protocol) bool { return slices.Contains(a.svc.Protocols, p) }

func (x *Exchange) matchTarget(target, contentType string) error {
	x.Protocol, x.json = smithy.JSON, x.api.svc.JSONVersion
	if strings.HasPrefix(contentType, oldCBOR) {
		x.Protocol, x.oldCBOR = smithy.CBOR, true
	}
	if _, version, ok := strings.Cut(contentType, "application/x-amz-json-"); ok && strings.HasPrefix(version, "1.") {
		x.json = version[:min(3, len(version))]
	}
	if x.json != "1.1" {
		x.json = "1.0"
	}
	if kind, _, _ := strings.Cut(contentType, ";"); x.api.quirks.terse && (kind == "" || strings.TrimSpace(kind) == plainJSON) {
		x.json = ""
	}
	dot := strings.LastIndexByte(target, '.')
	prefix := target[:max(dot, 0)]
	x.ours = prefix == x.api.svc.Name
	if prefix != x.api.svc.TargetPrefix && prefix != x.api.svc.Name {
		return x.unknown("No operation is named %s.", target)
	}
	return x.named(target[dot+1:])
}

// plainJSON is the content type of awsJson without a version.
const plainJSON = "application/json"

// matchNothing refuses a request that names no operation, as services of AWS's
// common framework do: in JSON if that was sent, and otherwise in few words.
func (x *Exchange) matchNothing(r *http.Request) error {
	kind, _, _ := strings.Cut(r.Header.Get("Content-Type"), ";")
	kind = strings.TrimSpace(kind)
	switch {
	case r.Method == http.MethodPost && (kind == plainJSON || kind == "" && r.ContentLength == 0):
		x.json = ""
	case r.Method == http.MethodPost && kind == "application/x-amz-json-1.0":
		x.json = "1.0"
	default:
		x.bare = true
		return errNotFound
	}
	return aws.UnknownOperation.Errorf("")
}

// Judges reports whether the body of a request that was not matched says why.
func (x *Exchange) Judges() bool { return x.Op == nil && x.api != nil && x.api.quirks.terse }

// Judge returns the refusal of a request that names no operation, which is err,
// once its body is known.
func (x *Exchange) Judge(body []byte, err error) error {
	if !x.bare && len(body) > 0 && !json.Valid(body) {
		return aws.SerializationFault.Errorf("")
	}
	return err
}

// Signed reports whether nobody may ask for what is asked without a signature.
func (x *Exchange) Signed() bool { return x.api.quirks.terse }

// oldCBOR is how content types of the older CBOR begin; a version follows.
const oldCBOR = "application/x-amz-cbor-"

// cborOperation returns the operation that a request of rpcv2Cbor names.
func cborOperation(r *http.Request) (string, bool) {
	if r.Header.Get("Smithy-Protocol") != "rpc-v2-cbor" {
		return "", false
	}
	_, op, ok := strings.Cut(r.URL.Path, "/operation/")
	return op, ok && strings.Contains(r.URL.Path, "/service/")
}

func (x *Exchange) matchAction(r *http.Request, form *Form) error {
	if form == nil && strings.HasPrefix(r.Header.Get("Content-Type"), "application/x-www-form-urlencoded") && r.ContentLength != 0 {
		return errMalformed // it says that it is one
	}
	if form.Value("Action") == "" && r.URL.RawQuery != "" {
		f, err := ParseForm(r.URL.RawQuery)
		if err != nil {
			return errMalformed
		}
		form = f
	}
	x.form = form
	if m := x.api.quirks.urlMember; m != "" && form != nil && form.Value(m) == "" && r.URL.Path != "/" {
		if f, err := form.at(m); err == nil {
			f.value, f.set = r.URL.Path, true
		}
	}
	action := form.Value("Action")
	if action == "" {
		return errNoAction
	}
	if v := form.Value("Version"); v != "" && v != x.api.svc.Version {
		return aws.UnknownOperation.Errorf("Could not find operation %s for version %s", action, v)
	}
	return x.named(action)
}

func (x *Exchange) named(name string) error {
	if x.Op = x.api.ops()[name]; x.Op == nil {
		switch x.Protocol {
		case smithy.EC2:
			return aws.InvalidAction.Errorf("The action %s is not valid for this web service.", name)
		case smithy.Query:
			return aws.UnknownOperation.Errorf("Could not find operation %s for version %s", name, x.api.svc.Version)
		}
		return x.unknown("No operation of %s is named %s.", x.api.svc.Name, name)
	}
	return nil
}

// unknown refuses what is no operation, in words if the service has any for it.
func (x *Exchange) unknown(format string, args ...any) error {
	if x.api.quirks.terse {
		return aws.UnknownOperation.Errorf("")
	}
	return aws.UnknownOperation.Errorf(format, args...)
}

func (x *Exchange) matchPath(r *http.Request) error {
	if r.URL.RawQuery != "" {
		x.query, _ = url.ParseQuery(r.URL.RawQuery) // what is malformed is left out
	}
	s := search{method: r.Method, query: x.query, header: r.Header}
	rest := strings.Split(strings.TrimPrefix(r.URL.EscapedPath(), "/"), "/")
	if x.api.quirks.bucketHosts {
		if bucket := BucketOf(r.Host); bucket != "" && bucket != r.Header.Get("X-Amz-Request-Route") {
			rest = append([]string{bucket}, rest...)
		}
	}
	route := s.find(x.api.routes(), rest)
	switch {
	case route != nil:
	case s.other && x.api.quirks.bucketHosts && r.Method == http.MethodPost && len(rest) == 1:
		return errNoForm
	case s.other:
		return errMethod
	default:
		return errNoPath
	}
	for i, name := range route.labels {
		value, err := url.PathUnescape(s.values[i])
		if err != nil || !utf8.ValidString(value) {
			return errMalformed
		}
		x.labels = append(x.labels, label{name, value})
	}
	x.Op = route.op
	return nil
}

// Service returns the service that is asked.
func (x *Exchange) Service() *smithy.Service { return x.api.svc }
