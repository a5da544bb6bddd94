package auth

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aloft-cloud/aloft/internal/auth/policy"
	"github.com/aloft-cloud/aloft/internal/auth/sigv4"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/service"
	"github.com/aloft-cloud/aloft/internal/smithy"
)

const acct = "123456789012"

var (
	eve    = aws.Principal{Kind: aws.User, ARN: "arn:aws:iam::" + acct + ":user/eve", ID: "AIDAEVE", Account: acct}
	worker = aws.Principal{
		Kind: aws.Session, ARN: "arn:aws:sts::" + acct + ":assumed-role/worker/job", ID: "AROAWORKER:job", Account: acct,
		Role: "arn:aws:iam::" + acct + ":role/worker", Temporary: &aws.Temporary{},
	}
)

// people is a Directory.
type people struct {
	keys     map[string]*Key
	grants   map[string]*Grants // by ARN, of the role if there is one
	policies map[string]*policy.Document
}

func (p *people) AccessKey(_ context.Context, id string) (*Key, error) {
	if k := p.keys[id]; k != nil {
		return k, nil
	}
	return nil, ErrNotFound
}

func (p *people) Grants(_ context.Context, who *aws.Principal) (*Grants, error) {
	arn := who.ARN
	if who.Role != "" {
		arn = who.Role
	}
	if g := p.grants[arn]; g != nil {
		return g, nil
	}
	return new(Grants), nil
}

func (p *people) Policy(_ context.Context, arn string) (*policy.Document, error) {
	if d := p.policies[arn]; d != nil {
		return d, nil
	}
	return nil, ErrNotFound
}

func document(t testing.TB, statement string) *policy.Document {
	t.Helper()
	d, err := policy.Parse(`{"Version":"2012-10-17","Statement":` + statement + `}`)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// newAuth returns an Auth with a user, a role, a bucket with a policy, and a
// service without any.
func newAuth(t testing.TB, open bool) (*Auth, *people, Credentials) {
	m := newMint(t, 1)
	k, err := m.NewKey(acct)
	if err != nil {
		t.Fatal(err)
	}
	tables := document(t, `{"Effect":"Allow","Action":"dynamodb:*","Resource":"arn:aws:dynamodb:*:*:table/todo"}`)
	p := &people{
		keys:   map[string]*Key{k.AccessKey: {Secret: k.Secret, Active: true, Principal: eve}},
		grants: map[string]*Grants{eve.ARN: {Identity: []*policy.Document{tables}}, worker.Role: {Identity: []*policy.Document{tables}}},
	}
	a := New(Config{Directory: p, Mint: m, Open: open})
	a.Add(service.Definition{API: &smithy.Service{Name: "dynamodb", SigningName: "dynamodb"}})
	a.Add(service.Definition{API: &smithy.Service{Name: "iam", SigningName: "iam"}})
	a.Add(service.Definition{API: &smithy.Service{Name: "s3", SigningName: "s3"}})
	a.Add(service.Definition{API: &smithy.Service{Name: "cloudwatch", SigningName: "monitoring"}})
	return a, p, k
}

// send returns a request, as it arrives, that keys signed for a service.
func send(service string, c Credentials, body string) *http.Request {
	r := httptest.NewRequest("POST", "http://localhost:4566/", strings.NewReader(body))
	r.RemoteAddr = "203.0.113.7:5000"
	sigv4.Sign(r, sigv4.Credentials{AccessKey: c.AccessKey, Secret: c.Secret, Token: c.Token}, "eu-west-1", service, time.Now(), []byte(body))
	return r
}

// want checks that err is a refusal with a code and words, or none.
func want(t *testing.T, err error, code, words string) {
	t.Helper()
	if code == "" {
		if err != nil {
			t.Errorf("got %v", err)
		}
		return
	}
	e, ok := errors.AsType[*aws.Error](err)
	if !ok || e.Code != code || e.Message != words {
		t.Errorf("got  %v\nwant %s: %s", err, code, words)
	}
}

func TestAuthenticate(t *testing.T) {
	a, people, k := newAuth(t, false)
	call, err := a.Authenticate(send("dynamodb", k, "{}"), "dynamodb", []byte("{}"))
	want(t, err, "", "")
	if call.Principal != eve || call.Account != acct || call.Region != "eu-west-1" || call.AccessKey != k.AccessKey || call.SourceIP != "203.0.113.7" || call.Host != "localhost:4566" {
		t.Errorf("got %+v", call)
	}
	refused := func(service string, c Credentials, body, code, words string) {
		t.Helper()
		_, err := a.Authenticate(send(service, c, "{}"), service, []byte(body))
		want(t, err, code, words)
	}
	bad := Credentials{AccessKey: k.AccessKey, Secret: "x"}
	refused("dynamodb", k, "{} ", "InvalidSignatureException", "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key and signing method. Consult the service documentation for details.")
	refused("dynamodb", bad, "{}", "InvalidSignatureException", "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key and signing method. Consult the service documentation for details.")
	refused("dynamodb", Credentials{AccessKey: "AKIAIOSFODNN7EXAMPLE"}, "{}", "UnrecognizedClientException", "The security token included in the request is invalid.")
	refused("dynamodb", Credentials{AccessKey: "test"}, "{}", "UnrecognizedClientException", "The security token included in the request is invalid.")
	refused("s3", Credentials{AccessKey: "test"}, "{}", "InvalidAccessKeyId", "The AWS Access Key Id you provided does not exist in our records.")
	refused("dynamodb", Credentials{AccessKey: k.AccessKey, Secret: k.Secret, Token: "x"}, "{}", "UnrecognizedClientException", "The security token included in the request is invalid.")
	refused("s3", Credentials{AccessKey: "test", Token: "x"}, "{}", "InvalidToken", "The provided token is malformed or otherwise invalid.")
	people.keys[k.AccessKey].Active = false
	refused("dynamodb", k, "{}", "UnrecognizedClientException", "The security token included in the request is invalid.")
}

func TestScopeOfSignature(t *testing.T) {
	a, _, k := newAuth(t, false)
	_, err := a.Authenticate(send("sqs", k, ""), "dynamodb", nil)
	want(t, err, "InvalidSignatureException", "Credential should be scoped to correct service: 'dynamodb'.")
	_, err = a.Authenticate(send("sqs", k, ""), "execute-api", nil)
	want(t, err, "InvalidSignatureException", "Credential should be scoped to correct service: 'execute-api'.")
	_, err = a.Authenticate(send("sqs", k, ""), "s3", nil)
	want(t, err, "AuthorizationHeaderMalformed", `The authorization header is malformed; incorrect service "sqs". This endpoint belongs to "s3".`)
	for _, scope := range []string{"monitoring", "cloudwatch"} {
		_, err = a.Authenticate(send(scope, k, ""), "cloudwatch", nil)
		want(t, err, "", "")
	}
}

func TestUnsigned(t *testing.T) {
	a, _, _ := newAuth(t, true)
	call, err := a.Authenticate(httptest.NewRequest("GET", "http://localhost/", nil), "dynamodb", nil)
	want(t, err, "", "")
	if call.Principal != (aws.Principal{}) || call.Account != DefaultAccount || call.Region != "us-east-1" {
		t.Errorf("got %+v", call)
	}
	want(t, CheckSigned(call), "MissingAuthenticationTokenException", "Request is missing Authentication Token")
	r := httptest.NewRequest("GET", "http://localhost/", nil)
	r.Header.Set("Authorization", "AWS AKIAIOSFODNN7EXAMPLE:frJIUN8DYpKDtOLCwo//yllqDzg=")
	_, err = a.Authenticate(r, "s3", nil)
	want(t, err, "InvalidRequest", "The authorization mechanism you have provided is not supported. Please use AWS4-HMAC-SHA256.")
}

func TestOpen(t *testing.T) {
	a, _, k := newAuth(t, true)
	f := func(c Credentials, account string) {
		t.Helper()
		call, err := a.Authenticate(send("dynamodb", c, "{}"), "dynamodb", []byte("other"))
		want(t, err, "", "")
		if err == nil && (call.Principal != Root(account) || call.Account != account) {
			t.Errorf("%s: got %+v", c.AccessKey, call.Principal)
		}
	}
	f(Credentials{AccessKey: "test"}, DefaultAccount)
	f(Credentials{AccessKey: "123456789012"}, "123456789012")
	f(Credentials{AccessKey: "AKIAIOSFODNN7EXAMPLE"}, DefaultAccount)
	f(Credentials{AccessKey: "ASIAY34FZKBOKMUTVV7A", Token: "of AWS"}, DefaultAccount)

	// What there is of a signature need not be whole.
	r := httptest.NewRequest("POST", "http://localhost/", nil)
	r.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential=test/20260101/eu-west-1/dynamodb/aws4_request")
	call, err := a.Authenticate(r, "dynamodb", nil)
	want(t, err, "", "")
	if call.Principal != Root(DefaultAccount) || call.Region != "eu-west-1" {
		t.Errorf("got %+v", call)
	}

	// Keys of ours are held to it, deleted ones too.
	_, err = a.Authenticate(send("dynamodb", Credentials{AccessKey: k.AccessKey, Secret: "x"}, ""), "dynamodb", nil)
	want(t, err, "InvalidSignatureException", "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key and signing method. Consult the service documentation for details.")
	deleted, err := a.cfg.Mint.NewKey(acct)
	want(t, err, "", "")
	_, err = a.Authenticate(send("dynamodb", deleted, ""), "dynamodb", nil)
	want(t, err, "UnrecognizedClientException", "The security token included in the request is invalid.")
}

func TestSessionsExpire(t *testing.T) {
	a, _, _ := newAuth(t, true)
	synctest.Test(t, func(t *testing.T) {
		p := worker
		p.Temporary = &aws.Temporary{Issued: time.Now(), Expires: time.Now().Add(time.Hour)}
		k, err := a.cfg.Mint.NewSession(p)
		want(t, err, "", "")
		call, err := a.Authenticate(send("dynamodb", k, ""), "dynamodb", nil)
		want(t, err, "", "")
		if call.Principal.ARN != worker.ARN || call.Account != acct {
			t.Errorf("got %+v", call.Principal)
		}
		held, err := a.Principal(k.AccessKey, k.Token)
		want(t, err, "", "")
		if held.ARN != worker.ARN {
			t.Errorf("got %+v", held)
		}
		_, err = a.Authenticate(send("dynamodb", Credentials{AccessKey: k.AccessKey, Secret: k.Secret}, ""), "dynamodb", nil)
		want(t, err, "UnrecognizedClientException", "The security token included in the request is invalid.")
		todo := service.Access{Action: "dynamodb:PutItem", Resource: aws.ARN{Service: "dynamodb", Region: "r", Account: acct, Resource: "table/todo"}}
		want(t, a.Authorize(t.Context(), call, todo), "", "")
		time.Sleep(time.Hour)
		want(t, a.Authorize(t.Context(), call, todo), "ExpiredTokenException", "The security token included in the request is expired")
		_, err = a.Authenticate(send("dynamodb", k, ""), "dynamodb", nil)
		want(t, err, "ExpiredTokenException", "The security token included in the request is expired")
		_, err = a.Authenticate(send("s3", k, ""), "s3", nil)
		want(t, err, "ExpiredToken", "The provided token has expired.")
		_, err = a.Principal(k.AccessKey, k.Token)
		want(t, err, "ExpiredTokenException", "The security token included in the request is expired")
	})
}

// In S3 the body is checked as it is read, whoever sends it.
func TestStreams(t *testing.T) {
	a, _, k := newAuth(t, true)
	for _, c := range []Credentials{k, {AccessKey: "test"}} {
		r := send("s3", c, "hello")
		r.Body = io.NopCloser(strings.NewReader("jello"))
		_, err := a.Authenticate(r, "s3", nil)
		want(t, err, "", "")
		_, err = io.ReadAll(r.Body)
		want(t, err, "XAmzContentSHA256Mismatch", "The provided 'x-amz-content-sha256' header does not match what was computed.")
	}
}

// A shop is a service whose resources have policies and owners.
type shop struct {
	policies map[string]string
	owners   map[string]string
	epoch    uint64
	asked    int
}

func (s *shop) definition(name string) service.Definition {
	return service.Definition{
		API: &smithy.Service{Name: name, SigningName: name},
		Policy: func(_ context.Context, arn aws.ARN) (string, error) {
			s.asked++
			return s.policies[arn.String()], nil
		},
		Owner: func(_ context.Context, arn aws.ARN) (string, error) { return s.owners[arn.String()], nil },
		Epoch: func() uint64 { return s.epoch },
	}
}

func TestAuthorize(t *testing.T) {
	a, _, _ := newAuth(t, false)
	buckets := &shop{policies: map[string]string{}, owners: map[string]string{"arn:aws:s3:::mine": acct, "arn:aws:s3:::theirs": "999999999999"}}
	a.Add(buckets.definition("s3"))
	trust := &shop{policies: map[string]string{}}
	a.Add(trust.definition("iam"))
	allow := func(who, action string) string {
		return `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":` + who + `,"Action":"` + action + `"}}`
	}
	f := func(who aws.Principal, action, resource, code, words string) {
		t.Helper()
		arn, err := aws.ParseARN(resource)
		if resource == "*" {
			arn, err = aws.AnyResource, nil
		}
		if err != nil {
			t.Fatal(err)
		}
		call := &aws.Call{Account: acct, Region: "eu-west-1", Principal: who}
		want(t, a.Authorize(t.Context(), call, service.Access{Action: action, Resource: arn}), code, words)
	}
	const todo = "arn:aws:dynamodb:eu-west-1:123456789012:table/todo"
	root, stranger, nobody := Root(acct), Root("111111111111"), aws.Principal{}
	lambda := aws.ServiceCall("lambda", aws.ARN{Service: "lambda", Region: "eu-west-1", Account: acct, Resource: "function:f"}).Principal

	f(root, "dynamodb:PutItem", todo, "", "")
	f(root, "dynamodb:ListTables", "*", "", "")
	f(eve, "dynamodb:PutItem", todo, "", "")
	f(worker, "dynamodb:PutItem", todo, "", "")
	f(eve, "dynamodb:PutItem", todo+"2", "AccessDeniedException", "User: arn:aws:iam::123456789012:user/eve is not authorized to perform: dynamodb:PutItem on resource: arn:aws:dynamodb:eu-west-1:123456789012:table/todo2 because no identity-based policy allows the dynamodb:PutItem action")
	f(worker, "dynamodb:ListTables", "*", "AccessDeniedException", "User: arn:aws:sts::123456789012:assumed-role/worker/job is not authorized to perform: dynamodb:ListTables on resource: * because no identity-based policy allows the dynamodb:ListTables action")
	f(stranger, "dynamodb:PutItem", todo, "AccessDeniedException", "User: arn:aws:iam::111111111111:root is not authorized to perform: dynamodb:PutItem on resource: arn:aws:dynamodb:eu-west-1:123456789012:table/todo because no resource-based policy allows the dynamodb:PutItem action")
	f(nobody, "dynamodb:PutItem", todo, "MissingAuthenticationTokenException", "Request is missing Authentication Token")
	f(eve, "sqs:SendMessage", "arn:aws:sqs:eu-west-1:123456789012:q", "AccessDeniedException", "User: arn:aws:iam::123456789012:user/eve is not authorized to perform: sqs:sendmessage on resource: arn:aws:sqs:eu-west-1:123456789012:q because no identity-based policy allows the sqs:sendmessage action")
	f(eve, "sns:Publish", "arn:aws:sns:eu-west-1:123456789012:t", "AuthorizationErrorException", "User: arn:aws:iam::123456789012:user/eve is not authorized to perform: SNS:Publish on resource: arn:aws:sns:eu-west-1:123456789012:t because no identity-based policy allows the SNS:Publish action")
	f(lambda, "sqs:SendMessage", "arn:aws:sqs:eu-west-1:123456789012:q", "AccessDeniedException", "User: lambda.amazonaws.com is not authorized to perform: sqs:sendmessage on resource: arn:aws:sqs:eu-west-1:123456789012:q because no resource-based policy allows the sqs:sendmessage action")

	f(eve, "s3:GetObject", "arn:aws:s3:::mine/k", "AccessDenied", `User: arn:aws:iam::123456789012:user/eve is not authorized to perform: s3:GetObject on resource: "arn:aws:s3:::mine/k" because no identity-based policy allows the s3:GetObject action`)
	f(root, "s3:GetObject", "arn:aws:s3:::mine/k", "", "")
	f(root, "s3:GetObject", "arn:aws:s3:::theirs/k", "AccessDenied", "Access Denied")
	f(root, "s3:CreateBucket", "arn:aws:s3:::new", "", "")
	f(nobody, "s3:GetObject", "arn:aws:s3:::mine/k", "AccessDenied", "Access Denied")
	buckets.policies["arn:aws:s3:::theirs"] = strings.Replace(allow(`"*"`, "s3:GetObject"), `"Action"`, `"Resource":"arn:aws:s3:::theirs/*","Action"`, 1)
	f(nobody, "s3:GetObject", "arn:aws:s3:::theirs/k", "AccessDenied", "Access Denied") // nobody told of the change
	buckets.epoch++
	f(nobody, "s3:GetObject", "arn:aws:s3:::theirs/k", "", "")
	f(nobody, "s3:PutObject", "arn:aws:s3:::theirs/k", "AccessDenied", "Access Denied")
	asked := buckets.asked
	f(root, "s3:GetObject", "arn:aws:s3:::theirs/another", "", "")
	if buckets.asked != asked {
		t.Error("the policy of a bucket is asked for again for each object")
	}

	const role = "arn:aws:iam::123456789012:role/worker"
	denied := " is not authorized to perform: sts:AssumeRole on resource: " + role
	f(eve, "sts:AssumeRole", role, "AccessDeniedException", "User: "+eve.ARN+denied)
	f(root, "sts:AssumeRole", role, "AccessDeniedException", "Roles may not be assumed by root accounts.")
	f(lambda, "sts:AssumeRole", role, "AccessDeniedException", "User: lambda.amazonaws.com"+denied)
	trust.policies[role], trust.epoch = allow(`{"Service":"lambda.amazonaws.com","AWS":"`+eve.ARN+`"}`, "*"), 1
	f(lambda, "sts:AssumeRole", role, "", "")
	f(eve, "sts:AssumeRole", role, "", "")
	f(eve, "iam:DeleteRole", role, "AccessDeniedException", "User: "+eve.ARN+" is not authorized to perform: iam:DeleteRole on resource: "+role+" because no identity-based policy allows the iam:DeleteRole action")
	f(lambda, "iam:DeleteRole", role, "AccessDeniedException", "User: lambda.amazonaws.com is not authorized to perform: iam:DeleteRole on resource: "+role+" because no resource-based policy allows the iam:DeleteRole action")
}

func TestLimitedSessions(t *testing.T) {
	a, people, _ := newAuth(t, false)
	people.policies = map[string]*policy.Document{"arn:aws:iam::aws:policy/X": document(t, `{"Effect":"Allow","Action":"dynamodb:Get*","Resource":"*"}`)}
	f := func(temporary aws.Temporary, action string, allowed bool) {
		t.Helper()
		p := worker
		p.Temporary = &temporary
		err := a.Authorize(t.Context(), &aws.Call{Principal: p}, service.Access{Action: action, Resource: aws.ARN{Service: "dynamodb", Region: "r", Account: acct, Resource: "table/todo"}})
		if (err == nil) != allowed {
			t.Errorf("%+v %s: got %v", temporary, action, err)
		}
	}
	put := `{"Statement":{"Effect":"Allow","Action":"dynamodb:PutItem","Resource":"*"}}`
	f(aws.Temporary{}, "dynamodb:Scan", true)
	f(aws.Temporary{Policies: []string{put}}, "dynamodb:PutItem", true)
	f(aws.Temporary{Policies: []string{put}}, "dynamodb:GetItem", false)
	f(aws.Temporary{Policies: []string{put}, ManagedPolicies: []string{"arn:aws:iam::aws:policy/X"}}, "dynamodb:GetItem", true)
	f(aws.Temporary{ManagedPolicies: []string{"arn:aws:iam::aws:policy/gone"}}, "dynamodb:GetItem", false)
}

func TestPassRole(t *testing.T) {
	got := PassRole("arn:aws:iam::123456789012:role/x", "lambda")
	if got.Action != "iam:PassRole" || got.Resource.String() != "arn:aws:iam::123456789012:role/x" || got.Keys["iam:PassedToService"][0] != "lambda.amazonaws.com" {
		t.Errorf("got %+v", got)
	}
	if got := PassRole("x", "lambda"); got.Resource == aws.AnyResource {
		t.Errorf("got %+v", got)
	}
}

// A role stays in its account, whoever passes it.
func TestPassRoleOfOthers(t *testing.T) {
	a, p, _ := newAuth(t, true)
	all := document(t, `{"Effect":"Allow","Action":"*","Resource":"*"}`)
	p.grants[worker.Role] = &Grants{Identity: []*policy.Document{all}}
	for _, who := range []aws.Principal{Root(acct), worker} {
		call := &aws.Call{Account: acct, Region: "eu-west-1", Principal: who}
		err := a.Authorize(t.Context(), call, PassRole("arn:aws:iam::999999999999:role/x", "lambda"))
		want(t, err, "AccessDeniedException", "Cross-account pass role is not allowed.")
		for _, role := range []string{"arn:aws:iam::" + acct + ":role/x", "x"} {
			want(t, a.Authorize(t.Context(), call, PassRole(role, "lambda")), "", "")
		}
	}
}

func BenchmarkAuthorize(b *testing.B) {
	a, _, _ := newAuth(b, false)
	tables := &shop{}
	a.Add(tables.definition("dynamodb"))
	access := service.Access{Action: "dynamodb:PutItem", Resource: aws.ARN{Service: "dynamodb", Region: "eu-west-1", Account: acct, Resource: "table/todo"}}
	for _, who := range []aws.Principal{Root(acct), worker} {
		b.Run(who.ARN[strings.LastIndexByte(who.ARN, ':')+1:], func(b *testing.B) {
			call := &aws.Call{Account: acct, Region: "eu-west-1", Principal: who}
			b.ReportAllocs()
			for b.Loop() {
				if err := a.Authorize(b.Context(), call, access); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkAuthenticateSession(b *testing.B) {
	a, _, _ := newAuth(b, false)
	p := worker
	p.Temporary = &aws.Temporary{Issued: time.Now(), Expires: time.Now().Add(time.Hour)}
	k, err := a.cfg.Mint.NewSession(p)
	if err != nil {
		b.Fatal(err)
	}
	r, body := send("dynamodb", k, "{}"), []byte("{}")
	b.ReportAllocs()
	for b.Loop() {
		if _, err := a.Authenticate(r, "dynamodb", body); err != nil {
			b.Fatal(err)
		}
	}
}
