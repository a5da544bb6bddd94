package sts_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	sdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go"

	"github.com/aloft-cloud/aloft/internal/platformtest"
)

// inProcess is an HTTP client of a handler.
type inProcess struct{ http.Handler }

func (h inProcess) Do(r *http.Request) (*http.Response, error) {
	body := io.Reader(http.NoBody)
	if r.Body != nil {
		body = r.Body
	}
	in := httptest.NewRequest(r.Method, r.URL.String(), body)
	in.Header, in.ContentLength, in.Host = r.Header, r.ContentLength, r.URL.Host
	w := httptest.NewRecorder()
	h.ServeHTTP(w, in)
	return w.Result(), nil
}

func keys(id, secret, token string) sdk.CredentialsProvider {
	return sdk.CredentialsProviderFunc(func(context.Context) (sdk.Credentials, error) {
		return sdk.Credentials{AccessKeyID: id, SecretAccessKey: secret, SessionToken: token}, nil
	})
}

// What the SDK signs and reads, in its own protocol: users, roles, sessions,
// presigned calls and refusals.
func TestSDK(t *testing.T) {
	handler := inProcess{platformtest.Start(t).Handler}
	endpoint := new("http://localhost:4566")
	identities := func(c sdk.CredentialsProvider) *iam.Client {
		return iam.New(iam.Options{Region: "us-east-1", BaseEndpoint: endpoint, HTTPClient: handler, Credentials: c, RetryMaxAttempts: 1})
	}
	tokens := func(c sdk.CredentialsProvider) *sts.Client {
		return sts.New(sts.Options{Region: "us-east-1", BaseEndpoint: endpoint, HTTPClient: handler, Credentials: c, RetryMaxAttempts: 1})
	}
	ctx, root := t.Context(), keys("test", "test", "")
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	_, err := identities(root).CreateUser(ctx, &iam.CreateUserInput{UserName: new("eve"), Tags: []types.Tag{{Key: new("a"), Value: new("b")}}})
	must(err)
	k, err := identities(root).CreateAccessKey(ctx, &iam.CreateAccessKeyInput{UserName: new("eve")})
	must(err)
	eve := keys(*k.AccessKey.AccessKeyId, *k.AccessKey.SecretAccessKey, "")

	refused := func(err error, code, words string) {
		t.Helper()
		e, ok := errors.AsType[smithy.APIError](err)
		if !ok || e.ErrorCode() != code || !strings.Contains(e.ErrorMessage(), words) {
			t.Errorf("got %v, want %s: %s", err, code, words)
		}
	}
	_, err = identities(eve).ListUsers(ctx, nil)
	refused(err, "AccessDenied", "is not authorized to perform: iam:ListUsers on resource: arn:aws:iam::000000000000:user/ because")
	_, err = identities(keys(*k.AccessKey.AccessKeyId, "x", "")).ListUsers(ctx, nil)
	refused(err, "SignatureDoesNotMatch", "The request signature we calculated")
	_, err = tokens(keys("AKIA"+strings.Repeat("A", 16), "x", "bad")).GetCallerIdentity(ctx, nil)
	must(err) // in development
	_, err = identities(root).GetUser(ctx, &iam.GetUserInput{UserName: new("none")})
	if _, ok := errors.AsType[*types.NoSuchEntityException](err); !ok {
		t.Errorf("got %v", err)
	}

	role, err := identities(root).CreateRole(ctx, &iam.CreateRoleInput{
		RoleName:                 new("reader"),
		AssumeRolePolicyDocument: new(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::000000000000:user/eve"},"Action":"sts:AssumeRole"}]}`),
	})
	must(err)
	_, err = identities(root).AttachRolePolicy(ctx, &iam.AttachRolePolicyInput{RoleName: new("reader"), PolicyArn: new("arn:aws:iam::aws:policy/IAMReadOnlyAccess")})
	must(err)
	s, err := tokens(eve).AssumeRole(ctx, &sts.AssumeRoleInput{RoleArn: role.Role.Arn, RoleSessionName: new("job")})
	must(err)
	reader := keys(*s.Credentials.AccessKeyId, *s.Credentials.SecretAccessKey, *s.Credentials.SessionToken)
	users, err := identities(reader).ListUsers(ctx, nil)
	must(err)
	if len(users.Users) != 1 || *users.Users[0].UserName != "eve" {
		t.Errorf("got %+v", users.Users)
	}
	got, err := identities(reader).GetUser(ctx, &iam.GetUserInput{UserName: new("eve")})
	must(err)
	if len(got.User.Tags) != 1 || *got.User.Tags[0].Value != "b" {
		t.Errorf("got %+v", got.User)
	}

	// Who has the address may ask who that is.
	pre, err := sts.NewPresignClient(tokens(reader)).PresignGetCallerIdentity(ctx, nil)
	must(err)
	for address, want := range map[string]int{pre.URL: 200, strings.Replace(pre.URL, "GetCallerIdentity", "GetSessionToken", 1): 403} {
		r, err := http.NewRequestWithContext(ctx, pre.Method, address, nil)
		must(err)
		resp, err := handler.Do(r)
		must(err)
		body, err := io.ReadAll(resp.Body)
		must(err)
		if resp.StatusCode != want || want == 200 && !strings.Contains(string(body), "assumed-role/reader/job") {
			t.Errorf("%s: %d %s", address, resp.StatusCode, body)
		}
	}
}
