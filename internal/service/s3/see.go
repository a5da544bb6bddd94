package s3

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/aloft-cloud/aloft/internal/api/lambda"
	api "github.com/aloft-cloud/aloft/internal/api/s3"
	"github.com/aloft-cloud/aloft/internal/auth/sigv4"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/dispatch"
	"github.com/aloft-cloud/aloft/internal/store"
)

const (
	lensPatience = time.Minute                // for a function
	lensRead     = lensPatience + time.Second // that the address of the object is good for
	lensRoute    = "io-cell001"               // the first label of the host that functions answer to
)

// Refusals of Object Lambda.
var (
	lambdaInvalidResponse     = aws.Fault{Code: "LambdaInvalidResponse", Status: 400}
	lambdaInvocationFailed    = aws.Fault{Code: "LambdaInvocationFailed", Status: 400}
	lambdaNotFound            = aws.Fault{Code: "LambdaNotFound", Status: 404}
	lambdaPermissionError     = aws.Fault{Code: "LambdaPermissionError", Status: 403}
	lambdaResponseNotReceived = aws.Fault{Code: "LambdaResponseNotReceived", Status: 500}
	lambdaRuntimeError        = aws.Fault{Code: "LambdaRuntimeError", Status: 500}
	lambdaTimeout             = aws.Fault{Code: "LambdaTimeout", Status: 500}
	lambdaSlowDown            = aws.Fault{Code: "SlowDown", Status: 503}
)

func errLambdaTimeout() error {
	return lambdaTimeout.Errorf("The Lambda function did not respond in the allowed time.")
}

// A lensEvent is what a function is told.
type lensEvent struct {
	RequestID     string       `json:"xAmzRequestId"`
	Get           *lensContext `json:"getObjectContext,omitempty"`
	Head          *lensContext `json:"headObjectContext,omitempty"`
	List          *lensContext `json:"listObjectsContext,omitempty"`
	ListV2        *lensContext `json:"listObjectsV2Context,omitempty"`
	Configuration struct {
		Lens    string `json:"accessPointArn"`
		Point   string `json:"supportingAccessPointArn"`
		Payload string `json:"payload"`
	} `json:"configuration"`
	Request struct {
		URL     string            `json:"url"`
		Headers map[string]string `json:"headers"`
	} `json:"userRequest"`
	Identity map[string]any `json:"userIdentity"`
	Version  string         `json:"protocolVersion"`
}

// A lensContext says where the object is, and how to answer GetObject.
type lensContext struct {
	URL   string `json:"inputS3Url"`
	Route string `json:"outputRoute,omitempty"`
	Token string `json:"outputToken,omitempty"`
}

// see answers an operation by the function of the lens that in names.
func (s *Service) see(ctx context.Context, call *aws.Call, operation string, in any) (any, error) {
	var l lens
	var found bool
	err := s.db.View(ctx, func(tx *store.Tx) (err error) {
		l, found, err = findLens(tx, call, in.(interface{ GetBucket() string }).GetBucket())
		return err
	})
	f := l.function(operation)
	if err != nil || !found || f == nil { // it was changed since access was checked
		return nil, firstError(err, errNoBucket(l.arn.Resource))
	}
	ctx, stop := context.WithTimeout(ctx, lensPatience)
	e, err := s.newLensEvent(call, &l, f, in)
	if err != nil {
		stop()
		return nil, err
	}
	switch in := in.(type) {
	case *api.GetObjectInput:
		if err = l.admits("GetObject", in.Range, in.PartNumber); err == nil {
			return s.seeObject(ctx, stop, call, &l, f, e)
		}
	case *api.HeadObjectInput:
		if err = l.admits("HeadObject", in.Range, in.PartNumber); err == nil {
			e.Head, e.Get = e.Get, nil
			defer stop()
			return seeHead(s.run(ctx, call, f, e))
		}
	case *api.ListObjectsInput:
		e.List, e.Get = e.Get, nil
		defer stop()
		return seeList[api.ListObjectsOutput](s.run(ctx, call, f, e))
	case *api.ListObjectsV2Input:
		e.ListV2, e.Get = e.Get, nil
		defer stop()
		return seeList[api.ListObjectsV2Output](s.run(ctx, call, f, e))
	}
	stop()
	return nil, err
}

// admits refuses a part of an object that the functions of l do not make.
func (l *lens) admits(operation string, byteRange *string, part *int32) error {
	switch {
	case byteRange != nil && !slices.Contains(l.Features, operation+"-Range"):
		return errHeader("Range", "")
	case part != nil && !slices.Contains(l.Features, operation+"-PartNumber"):
		return api.NotImplemented.Errorf("A parameter you provided implies functionality that is not implemented")
	}
	return nil
}

// run calls a function in the name of who asks, and returns what it did.
func (s *Service) run(ctx context.Context, call *aws.Call, f *lensFunction, e *lensEvent) ([]byte, error) {
	payload, err := json.Marshal(e)
	if err != nil {
		return nil, err
	}
	out, err := dispatch.CallChecked(ctx, s.table, call.Through(lensService), lambda.Invoke, &lambda.InvokeInput{FunctionName: f.Function, Payload: payload})
	switch {
	case errors.Is(ctx.Err(), context.DeadlineExceeded):
		return nil, errLambdaTimeout()
	case err != nil:
		return nil, lambdaRefusal(err)
	case out.FunctionError != nil:
		return nil, lambdaRuntimeError.Errorf("The Lambda function failed during execution.")
	}
	return out.Payload, nil
}

// lambdaRefusal says why a function was not run.
func lambdaRefusal(err error) error {
	refusal := aws.Refusal(err)
	switch {
	case refusal.Code == aws.AccessDenied.Code:
		return lambdaPermissionError.Errorf("The caller is not authorized to invoke the Lambda function. %s", refusal.Message)
	case refusal.Code == lambda.ResourceNotFoundException.Code:
		return lambdaNotFound.Errorf("The AWS Lambda function was not found. %s", refusal.Message)
	case refusal.Code == lambda.TooManyRequestsException.Code:
		return lambdaSlowDown.Errorf("Reduce your request rate for operations involving AWS Lambda. %s", refusal.Message)
	case refusal.Status < 500:
		return lambdaInvocationFailed.Errorf("Lambda function invocation failed. %s", refusal.Message)
	}
	return err
}

// newLensEvent says of the request in what all functions are told of one.
func (s *Service) newLensEvent(call *aws.Call, l *lens, f *lensFunction, in any) (*lensEvent, error) {
	at, err := s.addressFor(call, l, in)
	if err != nil {
		return nil, err
	}
	e := &lensEvent{RequestID: call.RequestID, Get: &lensContext{URL: at}, Identity: identity(call), Version: "1.00"}
	e.Configuration.Lens, e.Configuration.Point, e.Configuration.Payload = l.arn.String(), l.Point.String(), aws.Value(f.Payload)
	e.Request.URL, e.Request.Headers = asked(call, l, in)
	return e, nil
}

// addressFor signs an address of what in asks for, at the access point that
// supports l, in the name of who asks.
func (s *Service) addressFor(call *aws.Call, l *lens, in any) (string, error) {
	now := time.Now()
	p := call.Principal
	t := aws.Temporary{Issued: now, Expires: now.Add(lensRead)}
	if p.Temporary != nil {
		t = *p.Temporary
		if limit := now.Add(lensRead); t.Expires.IsZero() || limit.Before(t.Expires) {
			t.Expires = limit
		}
	}
	t.Via = lensService
	p.Temporary = &t
	keys, err := s.mint.NewSession(p)
	if err != nil {
		return "", err
	}
	name := strings.TrimPrefix(l.Point.Resource, pointKind)
	u := url.URL{
		Scheme: "https", Host: name + "-" + l.Point.Account + ".s3-accesspoint." + l.Point.Region + ".amazonaws.com",
		Path: "/" + keyIn(in), RawPath: "/" + keyInURI(keyIn(in)), RawQuery: queryOf(in),
	}
	r := &http.Request{Method: methodOf(in), URL: &u, Host: u.Host, Header: make(http.Header)}
	sigv4.Presign(r, sigv4.Credentials{AccessKey: keys.AccessKey, Secret: keys.Secret, Token: keys.Token}, l.Point.Region, "s3", now, lensRead)
	return u.String(), nil
}

func methodOf(in any) string {
	if _, ok := in.(*api.HeadObjectInput); ok {
		return http.MethodHead
	}
	return http.MethodGet
}

func keyIn(in any) string {
	if k, ok := in.(interface{ GetKey() string }); ok {
		return k.GetKey()
	}
	return ""
}

// queryOf is the query of a request for in, less the number of a part, which is
// one of what the function makes.
func queryOf(in any) string {
	q := make(url.Values)
	if _, ok := in.(*api.ListObjectsV2Input); ok {
		q.Set("list-type", "2")
	}
	v := reflect.ValueOf(in).Elem()
	for f := range v.Type().Fields() {
		name, place, _ := strings.Cut(f.Tag.Get("aws"), ",")
		at := v.FieldByIndex(f.Index)
		if !strings.Contains(place, "querystring") || name == "partNumber" || at.Kind() != reflect.Pointer || at.IsNil() {
			continue
		}
		if t, ok := at.Interface().(*time.Time); ok {
			q.Set(name, t.UTC().Format(http.TimeFormat))
			continue
		}
		text, err := json.Marshal(at.Interface())
		if err == nil && at.Elem().Kind() == reflect.String {
			text = []byte(at.Elem().String())
		}
		q.Set(name, string(text))
	}
	return q.Encode()
}

// asked is the address and the headers of a request, without what signs it.
func asked(call *aws.Call, l *lens, in any) (address string, headers map[string]string) {
	host := strings.TrimPrefix(l.arn.Resource, pointKind) + "-" + l.arn.Account + "." + lensService + "." + l.arn.Region + ".amazonaws.com"
	u := url.URL{Scheme: "https", Host: host, Path: "/" + keyIn(in), RawPath: "/" + keyInURI(keyIn(in)), RawQuery: queryOf(in)}
	headers = map[string]string{"Host": host}
	r := call.Request
	if r == nil || r.Header.Get("X-Amz-Target") != "" {
		return u.String(), headers
	}
	q := r.URL.Query()
	for name := range q {
		if strings.HasPrefix(strings.ToLower(name), "x-amz-") {
			q.Del(name)
		}
	}
	u.RawQuery = q.Encode()
	for name, values := range r.Header {
		if name != "Authorization" && name != "X-Amz-Security-Token" {
			headers[name] = strings.Join(values, ",")
		}
	}
	return u.String(), headers
}

// identity says who asks.
func identity(call *aws.Call) map[string]any {
	p := &call.Principal
	kinds := map[aws.Kind]string{aws.Root: "Root", aws.User: "IAMUser", aws.Session: "AssumedRole", aws.Service: "AWSService", aws.Anonymous: "Anonymous"}
	id := map[string]any{"type": kinds[p.Kind], "principalId": p.ID, "arn": p.ARN, "accountId": p.Account, "accessKeyId": call.AccessKey}
	arn, err := aws.ParseARN(p.ARN)
	if p.Kind == aws.User && err == nil {
		id["userName"] = arn.Resource[strings.LastIndexByte(arn.Resource, '/')+1:]
	}
	if p.Kind != aws.Session || p.Temporary == nil {
		return id
	}
	if p.Role == "" {
		id["type"] = "FederatedUser"
	}
	session := map[string]any{"attributes": map[string]string{
		"mfaAuthenticated": "false", "creationDate": p.Temporary.Issued.UTC().Format(time.UnixDate),
	}}
	if role, err := aws.ParseARN(p.Role); err == nil {
		issuer, _, _ := strings.Cut(p.ID, ":")
		session["sessionIssuer"] = map[string]string{
			"type": "Role", "principalId": issuer, "arn": p.Role, "accountId": role.Account,
			"userName": role.Resource[strings.LastIndexByte(role.Resource, '/')+1:],
		}
	}
	id["sessionContext"] = session
	return id
}
