package iam

import (
	"context"
	"testing"

	"github.com/aloft-cloud/aloft/internal/auth"
	"github.com/aloft-cloud/aloft/internal/auth/policy"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/service"
	"github.com/aloft-cloud/aloft/internal/store"

	api "github.com/aloft-cloud/aloft/internal/api/iam"
)

func newService(t testing.TB) *Service {
	t.Helper()
	db, err := store.OpenMemory()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	s, err := New(t.Context(), db)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// The root's key is made once, and lasts; so do the sessions of an installation.
func TestRootKey(t *testing.T) {
	s := newService(t)
	k, err := s.RootKey(t.Context(), auth.DefaultAccount)
	if err != nil || k == nil {
		t.Fatalf("got %v, %v", k, err)
	}
	session, err := s.Mint().NewSession(aws.Principal{Kind: aws.Root, Account: auth.DefaultAccount, Temporary: new(aws.Temporary)})
	if err != nil {
		t.Fatal(err)
	}
	again, err := New(t.Context(), s.db)
	if err != nil {
		t.Fatal(err)
	}
	if other, err := again.RootKey(t.Context(), auth.DefaultAccount); other != nil || err != nil {
		t.Errorf("made again: %v, %v", other, err)
	}
	got, err := again.AccessKey(t.Context(), k.AccessKey)
	if err != nil || got.Secret != k.Secret || !got.Active || got.Principal != auth.Root(auth.DefaultAccount) {
		t.Errorf("got %+v, %v", got, err)
	}
	if !again.Mint().Made(session.AccessKey) {
		t.Error("the installation does not know its session")
	}
	if _, err := again.AccessKey(t.Context(), session.AccessKey); err != auth.ErrNotFound {
		t.Errorf("got %v", err)
	}
}

// AWS's own policies are in the grammar of AWS.
func TestManagedPolicies(t *testing.T) {
	all := readCatalogue().byARN
	if len(all) < 70 {
		t.Errorf("got %d policies", len(all))
	}
	for arn, p := range all {
		if err := policy.Check(p.document, policy.ForManaged); err != nil {
			t.Errorf("%s: %v", arn, err)
		}
		if p.row.Default < 1 || p.row.Created.IsZero() {
			t.Errorf("%s: %+v", arn, p.row)
		}
	}
}

// A decision about a role's session, with IAM behind it.
func BenchmarkAuthorize(b *testing.B) {
	s, ctx := newService(b), context.Background()
	root := &aws.Call{Account: "123456789012", Region: "eu-west-1", Principal: auth.Root("123456789012")}
	r, err := s.CreateRole(ctx, root, &api.CreateRoleInput{RoleName: "worker", AssumeRolePolicyDocument: `{"Statement":{"Effect":"Allow","Principal":"*","Action":"sts:AssumeRole"}}`})
	if err != nil {
		b.Fatal(err)
	}
	for _, name := range []string{"AmazonDynamoDBFullAccess", "service-role/AWSLambdaBasicExecutionRole"} {
		if _, err := s.AttachRolePolicy(ctx, root, &api.AttachRolePolicyInput{RoleName: "worker", PolicyArn: "arn:aws:iam::aws:policy/" + name}); err != nil {
			b.Fatal(err)
		}
	}
	a := auth.New(auth.Config{Directory: s, Mint: s.Mint()})
	a.Add(s.Definition())
	call := &aws.Call{Account: "123456789012", Region: "eu-west-1", Principal: aws.Principal{
		Kind: aws.Session, ARN: "arn:aws:sts::123456789012:assumed-role/worker/job", ID: r.Role.RoleId + ":job", Account: "123456789012",
		Role: r.Role.Arn, Temporary: new(aws.Temporary),
	}}
	access := service.Access{Action: "logs:PutLogEvents", Resource: aws.ARN{Service: "logs", Region: "eu-west-1", Account: "123456789012", Resource: "log-group:/aws/lambda/f:*"}}
	b.ReportAllocs()
	for b.Loop() {
		if err := a.Authorize(ctx, call, access); err != nil {
			b.Fatal(err)
		}
	}
}
