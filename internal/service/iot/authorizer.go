package iot

import (
	"context"
	"crypto"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"time"

	api "github.com/aloft-cloud/aloft/internal/api/iot"
	"github.com/aloft-cloud/aloft/internal/api/lambda"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/dispatch"
	"github.com/aloft-cloud/aloft/internal/service"
	"github.com/aloft-cloud/aloft/internal/store"
)

var authorizers = store.NewTable[aws.ARN, authorizer]("iot.authorizer")

// An authorizer is a function that says who may do what.
type authorizer struct {
	Function string
	TokenKey string            `json:",omitempty"` // what has the token
	Keys     map[string]string `json:",omitempty"` // public ones, that sign tokens
	Status   string
	Unsigned bool `json:",omitempty"` // tokens are not signed
	Caching  bool `json:",omitempty"`
	Created  time.Time
	Modified time.Time
	Tags     map[string]string `json:",omitempty"`
}

const authorizerKind = "authorizer/"

func authorizerARN(call *aws.Call, name string) aws.ARN { return call.ARN("iot", authorizerKind+name) }

func authorizerNamed[In interface{ GetAuthorizerName() string }](call *aws.Call, in In) aws.ARN {
	return authorizerARN(call, in.GetAuthorizerName())
}

func findAuthorizer(tx *store.Tx, arn aws.ARN) (authorizer, error) {
	row, err := authorizers.Get(tx, arn)
	if errors.Is(err, store.ErrNotFound) {
		return row, api.ResourceNotFoundException.Errorf("Authorizer %s does not exist.", nameOf(arn))
	}
	return row, err
}

// check refuses an authorizer that could not work.
func (a *authorizer) check() error {
	if arn, err := aws.ParseARN(a.Function); err != nil || arn.Service != "lambda" {
		return invalid("Invalid authorizer function ARN: %s", a.Function)
	}
	if !a.Unsigned && (a.TokenKey == "" || len(a.Keys) == 0) {
		return invalid("An authorizer needs TokenKeyName and TokenSigningPublicKeys, unless signing is disabled.")
	}
	for name, text := range a.Keys {
		if _, err := publicKey(text); err != nil {
			return invalid("The public key %s is not valid.", name)
		}
	}
	return nil
}

func publicKey(text string) (*rsa.PublicKey, error) {
	block, _ := pem.Decode([]byte(text))
	if block == nil {
		return nil, errors.New("no PEM")
	}
	key, err := x509.ParsePKIXPublicKey(block.Bytes)
	if err != nil {
		return nil, err
	}
	if rsaKey, ok := key.(*rsa.PublicKey); ok {
		return rsaKey, nil
	}
	return nil, errors.New("no RSA key")
}

// CreateAuthorizer makes an authorizer.
func (s *Service) CreateAuthorizer(ctx context.Context, call *aws.Call, in *api.CreateAuthorizerInput) (*api.CreateAuthorizerOutput, error) {
	now := time.Now()
	row := authorizer{
		Function: in.AuthorizerFunctionArn, TokenKey: aws.Value(in.TokenKeyName), Keys: in.TokenSigningPublicKeys, Status: aws.Or(in.Status, inactive),
		Unsigned: aws.Value(in.SigningDisabled), Caching: aws.Value(in.EnableCachingForHttp), Created: now, Modified: now, Tags: service.TagMap(in.Tags, pairOf),
	}
	if err := row.check(); err != nil {
		return nil, err
	}
	arn := authorizerARN(call, in.AuthorizerName)
	err := s.DB.Update(ctx, func(tx *store.Tx) error {
		if exists, err := authorizers.Has(tx, arn); err != nil || exists {
			return firstOf(err, api.ResourceAlreadyExistsException.With(&api.ResourceAlreadyExistsExceptionDetail{
				ResourceId: &in.AuthorizerName, ResourceArn: new(arn.String()),
			}, "Authorizer "+in.AuthorizerName+" already exists"))
		}
		return authorizers.Put(tx, arn, row)
	})
	return &api.CreateAuthorizerOutput{AuthorizerName: &in.AuthorizerName, AuthorizerArn: new(arn.String())}, err
}

// DescribeAuthorizer describes an authorizer.
func (s *Service) DescribeAuthorizer(ctx context.Context, call *aws.Call, in *api.DescribeAuthorizerInput) (*api.DescribeAuthorizerOutput, error) {
	arn := authorizerARN(call, in.AuthorizerName)
	row, err := s.readAuthorizer(ctx, arn)
	if err != nil {
		return nil, err
	}
	return &api.DescribeAuthorizerOutput{AuthorizerDescription: row.described(arn)}, nil
}

// described is an authorizer as answers show it.
func (row *authorizer) described(arn aws.ARN) *api.AuthorizerDescription {
	d := &api.AuthorizerDescription{
		AuthorizerName: new(nameOf(arn)), AuthorizerArn: new(arn.String()), AuthorizerFunctionArn: &row.Function, TokenSigningPublicKeys: row.Keys,
		Status: &row.Status, CreationDate: &row.Created, LastModifiedDate: &row.Modified, SigningDisabled: &row.Unsigned, EnableCachingForHttp: &row.Caching,
	}
	if row.TokenKey != "" {
		d.TokenKeyName = &row.TokenKey
	}
	return d
}

func (s *Service) readAuthorizer(ctx context.Context, arn aws.ARN) (row authorizer, err error) {
	err = s.DB.View(ctx, func(tx *store.Tx) (err error) {
		row, err = findAuthorizer(tx, arn)
		return err
	})
	return row, err
}

// UpdateAuthorizer changes an authorizer.
func (s *Service) UpdateAuthorizer(ctx context.Context, call *aws.Call, in *api.UpdateAuthorizerInput) (*api.UpdateAuthorizerOutput, error) {
	arn := authorizerARN(call, in.AuthorizerName)
	return &api.UpdateAuthorizerOutput{AuthorizerName: &in.AuthorizerName, AuthorizerArn: new(arn.String())}, s.DB.Update(ctx, func(tx *store.Tx) error {
		row, err := findAuthorizer(tx, arn)
		if err != nil {
			return err
		}
		row.Function, row.TokenKey = aws.Or(in.AuthorizerFunctionArn, row.Function), aws.Or(in.TokenKeyName, row.TokenKey)
		row.Status, row.Caching = aws.Or(in.Status, row.Status), aws.Or(in.EnableCachingForHttp, row.Caching)
		if in.TokenSigningPublicKeys != nil {
			row.Keys = in.TokenSigningPublicKeys
		}
		row.Modified = time.Now()
		return firstOf(row.check(), authorizers.Put(tx, arn, row))
	})
}

// DeleteAuthorizer deletes an authorizer that does not work any more.
func (s *Service) DeleteAuthorizer(ctx context.Context, call *aws.Call, in *api.DeleteAuthorizerInput) (*api.DeleteAuthorizerOutput, error) {
	arn := authorizerARN(call, in.AuthorizerName)
	return &api.DeleteAuthorizerOutput{}, s.DB.Update(ctx, func(tx *store.Tx) error {
		row, err := findAuthorizer(tx, arn)
		if err != nil {
			return err
		}
		if row.Status == active {
			return api.DeleteConflictException.Errorf("The authorizer %s must be deactivated before it is deleted.", in.AuthorizerName)
		}
		if name, err := defaults.Get(tx, defaultOf(call)); ignoreMissing(err) != nil || name == in.AuthorizerName {
			return firstOf(ignoreMissing(err), api.DeleteConflictException.Errorf("The authorizer %s is the default one.", in.AuthorizerName))
		}
		return authorizers.Delete(tx, arn)
	})
}

// ListAuthorizers lists authorizers, or those of a status.
func (s *Service) ListAuthorizers(ctx context.Context, call *aws.Call, in *api.ListAuthorizersInput) (*api.ListAuthorizersOutput, error) {
	p, err := newPage(in.PageSize, in.Marker)
	if err != nil {
		return nil, err
	}
	out := &api.ListAuthorizersOutput{}
	return out, s.DB.View(ctx, func(tx *store.Tx) error {
		out.Authorizers = []api.AuthorizerSummary{}
		out.NextMarker = fill(p, authorizers.Scan(tx, all(call)), nameOf, func(name string, arn aws.ARN, row authorizer) bool {
			if in.Status != nil && *in.Status != row.Status {
				return false
			}
			out.Authorizers = append(out.Authorizers, api.AuthorizerSummary{AuthorizerName: &name, AuthorizerArn: new(arn.String())})
			return true
		})
		return nil
	})
}

// A verdict is what the function of an authorizer answers.
type verdict struct {
	IsAuthenticated          bool              `json:"isAuthenticated"`
	PrincipalID              string            `json:"principalId"`
	DisconnectAfterInSeconds *int32            `json:"disconnectAfterInSeconds"`
	RefreshAfterInSeconds    *int32            `json:"refreshAfterInSeconds"`
	PolicyDocuments          []json.RawMessage `json:"policyDocuments"`
}

// documents are the policies of a verdict, which are texts or objects.
func (v *verdict) documents() []string {
	var out []string
	for _, raw := range v.PolicyDocuments {
		text := string(raw)
		if s := ""; json.Unmarshal(raw, &s) == nil {
			text = s
		}
		out = append(out, text)
	}
	return out
}

// ask has the function of an authorizer say what event may do. A token whose
// signature is not good is not shown to it.
func (s *Service) ask(ctx context.Context, arn aws.ARN, row *authorizer, token, signature string, event map[string]any) (*verdict, error) {
	event["signatureVerified"] = false
	if !row.Unsigned {
		if !row.signed(token, signature) {
			return &verdict{}, nil
		}
		event["signatureVerified"] = true
	}
	if token != "" {
		event["token"] = token
	}
	out, err := dispatch.CallChecked(ctx, s.Table, aws.ServiceCall("iot", arn), lambda.Invoke, &lambda.InvokeInput{FunctionName: row.Function, Payload: encode(event)})
	if err != nil {
		return nil, err
	}
	v := new(verdict)
	if out.FunctionError != nil || json.Unmarshal(out.Payload, v) != nil {
		return nil, api.InvalidResponseException.Errorf("The authorizer function did not answer with a policy.")
	}
	return v, nil
}

// signed reports whether a key of the authorizer's signed a token.
func (a *authorizer) signed(token, signature string) bool {
	sum := sha256.Sum256([]byte(token))
	sig, err := base64.StdEncoding.DecodeString(signature)
	if err != nil || token == "" {
		return false
	}
	for _, text := range a.Keys {
		if key, err := publicKey(text); err == nil && rsa.VerifyPKCS1v15(key, crypto.SHA256, sum[:], sig) == nil {
			return true
		}
	}
	return false
}

// TestInvokeAuthorizer asks an authorizer.
func (s *Service) TestInvokeAuthorizer(ctx context.Context, call *aws.Call, in *api.TestInvokeAuthorizerInput) (*api.TestInvokeAuthorizerOutput, error) {
	arn := authorizerARN(call, in.AuthorizerName)
	row, err := s.readAuthorizer(ctx, arn)
	if err != nil {
		return nil, err
	}
	data, protocols := map[string]any{}, []string{}
	if h := in.HttpContext; h != nil {
		data["http"], protocols = map[string]any{"headers": h.Headers, "queryString": aws.Value(h.QueryString)}, append(protocols, "http")
	}
	if m := in.MqttContext; m != nil {
		data["mqtt"] = map[string]any{"username": aws.Value(m.Username), "password": m.Password, "clientId": aws.Value(m.ClientId)}
		protocols = append(protocols, "mqtt")
	}
	if t := in.TlsContext; t != nil {
		data["tls"], protocols = map[string]any{"serverName": aws.Value(t.ServerName)}, append(protocols, "tls")
	}
	event := map[string]any{"protocols": protocols, "protocolData": data, "connectionMetadata": map[string]any{"id": aws.NewRequestID()}}
	v, err := s.ask(ctx, arn, &row, aws.Value(in.Token), aws.Value(in.TokenSignature), event)
	if err != nil {
		return nil, err
	}
	return &api.TestInvokeAuthorizerOutput{
		IsAuthenticated: &v.IsAuthenticated, PrincipalId: &v.PrincipalID, PolicyDocuments: v.documents(),
		RefreshAfterInSeconds: v.RefreshAfterInSeconds, DisconnectAfterInSeconds: v.DisconnectAfterInSeconds,
	}, nil
}
