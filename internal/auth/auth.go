package auth

import (
	"cmp"
	"context"
	"errors"

	"github.com/aloft-cloud/aloft/internal/auth/policy"
	"github.com/aloft-cloud/aloft/internal/auth/sigv4"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/service"
)

// A Directory knows the users and roles of all accounts. It answers from
// memory what it has answered before and has not changed since.
type Directory interface {
	// AccessKey returns the key of that id, or ErrNotFound.
	AccessKey(ctx context.Context, id string) (*Key, error)
	// Grants returns what limits and lets a user or a role, whose session p
	// may be. It returns none for one that there is no more.
	Grants(ctx context.Context, p *aws.Principal) (*Grants, error)
	// Policy returns the managed policy arn, or ErrNotFound.
	Policy(ctx context.Context, arn string) (*policy.Document, error)
}

// ErrNotFound is what a Directory returns for want of what it is asked for.
var ErrNotFound = errors.New("auth: not found")

// A Key is an access key that is not temporary.
type Key struct {
	Secret    string
	Active    bool
	Principal aws.Principal // a user, or the root of an account
}

// Grants are the policies of an identity.
type Grants struct {
	Identity []*policy.Document
	Boundary *policy.Document  // nil if there is none
	Tags     map[string]string // aws:PrincipalTag
}

// Config says how strict an Auth is, and what it decides by.
type Config struct {
	Directory Directory
	Mint      *Mint

	// Open takes an access key that the Mint did not make for that of the root
	// of an account, whatever its signature: the account that the id names, if
	// that is twelve digits, else DefaultAccount. It is for development.
	Open bool

	Region string // of requests that name none; "us-east-1" if empty
}

// DefaultAccount is the account of who names none.
const DefaultAccount = "000000000000"

// Auth authenticates and authorises.
type Auth struct {
	cfg      Config
	verifier sigv4.Verifier
	services map[string]*service.Definition // by the name in ARNs
	scopes   map[string][]string            // names that a service may be signed for
	said     cache[aws.ARN, answer]         // what services said of resources
	compiled cache[string, *policy.Document]
}

// New returns an Auth. Add tells it of services.
func New(cfg Config) *Auth {
	cfg.Region = cmp.Or(cfg.Region, "us-east-1")
	return &Auth{
		cfg:      cfg,
		services: make(map[string]*service.Definition),
		scopes:   make(map[string][]string),
	}
}

// Add tells a of a service, before the first request.
func (a *Auth) Add(def service.Definition) {
	api := def.API
	a.scopes[api.Name] = append([]string{api.SigningName, api.Name, api.EndpointPrefix}, def.Also...)
	if def.Policy != nil || def.Owner != nil {
		for _, name := range append(def.Also, cmp.Or(api.ARNName, api.Name)) {
			a.services[name] = &def
		}
	}
}

// compile returns the compiled form of a document that its keeper checked.
func (a *Auth) compile(text string) (*policy.Document, error) {
	if d, ok := a.compiled.get(text); ok {
		return d, nil
	}
	d, err := policy.Parse(text)
	if err != nil {
		return nil, err
	}
	a.compiled.put(text, d)
	return d, nil
}

const passRole = "iam:PassRole"

// PassRole is what a caller must be allowed who gives a role to a service:
//
//	service.OpEach(api.CreateFunction, s.CreateFunction, func(call *aws.Call, in *api.CreateFunctionInput, check func(service.Access) error) error {
//		if err := check(…); err != nil {
//			return err
//		}
//		return check(auth.PassRole(in.Role, "lambda"))
//	})
//
// A text that is no ARN passes as one that nobody is given: the handler is
// there to refuse it. A role of another account nobody may pass.
func PassRole(role, to string) service.Access {
	arn, err := aws.ParseARN(role)
	if err != nil {
		arn = aws.ARN{Service: "iam", Resource: role}
	}
	return service.Access{
		Action:   passRole,
		Resource: arn,
		Keys:     service.Keys{"iam:PassedToService": {to + ".amazonaws.com"}},
	}
}
