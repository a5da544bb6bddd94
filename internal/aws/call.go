// Package aws holds the nouns every part of the platform shares: who calls and
// from where, what a thing is named, and how a request is refused. It imports
// nothing of the platform.
package aws

import (
	"crypto/rand"
	"encoding/hex"
	"net/http"
	"time"
)

// A Call is one request as a service sees it: who asks, and in which account
// and region. It is made once, by the edge or by a service acting for itself,
// and never changes.
type Call struct {
	Account   string // twelve digits: the account whose resources are meant
	Region    string // "eu-central-1"
	Principal Principal
	RequestID string // unique; in the answer, the log and the trail

	AccessKey string // id of the key that signed, empty if none did
	SourceIP  string // of the client, empty inside the platform
	UserAgent string
	Trace     string // X-Amzn-Trace-Id, as the client sent it
	Host      string // the host the client asked, with its port: the base of URLs in answers
	Secure    bool   // over TLS

	Via string // the service that makes the call in the principal's name: aws:CalledVia, kms:ViaService

	// Request is what the client sent, for what no input says of it. It is only to be
	// read, and nil inside the platform.
	Request *http.Request `json:"-"`
}

// Kinds of principals.
const (
	Anonymous Kind = iota // nobody signed
	Root                  // the account itself
	User                  // an IAM user
	Session               // a role's session, or a federated user's
	Service               // a part of the platform, such as lambda.amazonaws.com
	Federated             // somebody whom an identity provider knows
)

// A Kind says what sort of principal one is.
type Kind uint8

// A Principal is who makes a call.
type Principal struct {
	Kind    Kind
	ARN     string // "arn:aws:iam::123456789012:user/eve"; for a service or a provider its name, "lambda.amazonaws.com"
	ID      string // "AIDA…", or "AROA…:session": aws:userid
	Account string // the account the principal belongs to; empty for services
	Role    string // ARN of the role whose session it is
	Source  ARN    // for a service: the resource it acts for, aws:SourceArn

	Temporary *Temporary // what temporary credentials add; nil without them
}

// Temporary is what temporary credentials say beyond who holds them.
type Temporary struct {
	Issued          time.Time
	Expires         time.Time
	Policies        []string          // documents that limit what it may do
	ManagedPolicies []string          // ARNs of policies that do likewise
	Tags            map[string]string // aws:PrincipalTag, besides the role's own
	TransitiveTags  []string          // names of tags that go on to the next role
	SourceIdentity  string            // aws:SourceIdentity
	Via             string            // the service that gave them out for one request: aws:CalledVia
}

// ARN names a resource of service in the call's own account and region.
func (c *Call) ARN(service, resource string) ARN {
	return ARN{Service: service, Region: c.Region, Account: c.Account, Resource: resource}
}

// Through is c as a service makes it in the name of the principal of c.
func (c *Call) Through(service string) *Call {
	through := *c
	through.Via = service
	return &through
}

// ServiceCall is the call that a service makes for source, a resource of its
// own, in that resource's account and region.
func ServiceCall(service string, source ARN) *Call {
	return &Call{
		Account:   source.Account,
		Region:    source.Region,
		Principal: Principal{Kind: Service, ARN: service + ".amazonaws.com", Source: source},
		RequestID: NewRequestID(),
	}
}

// NewRequestID returns a fresh request id in the form of a UUID.
func NewRequestID() string {
	var b [16]byte
	rand.Read(b[:])
	b[6] = b[6]&0x0f | 0x40
	b[8] = b[8]&0x3f | 0x80
	var id [36]byte
	hex.Encode(id[0:8], b[0:4])
	hex.Encode(id[9:13], b[4:6])
	hex.Encode(id[14:18], b[6:8])
	hex.Encode(id[19:23], b[8:10])
	hex.Encode(id[24:36], b[10:])
	id[8], id[13], id[18], id[23] = '-', '-', '-', '-'
	return string(id[:])
}

const requestLetters = "0123456789ABCDEFGHIJKLMNOPQRSTUV" // those of AWS's longer ids

// NewLongRequestID returns a fresh request id in the form of DynamoDB's: 52
// capital letters and digits.
func NewLongRequestID() string {
	var id [52]byte
	rand.Read(id[:])
	for i, b := range id {
		id[i] = requestLetters[b%32]
	}
	return string(id[:])
}

// Value returns what p points to, or the zero value if p is nil.
func Value[T any](p *T) T {
	if p == nil {
		var zero T
		return zero
	}
	return *p
}

// Or returns what p points to, or usual if p is nil.
func Or[T any](p *T, usual T) T {
	if p == nil {
		return usual
	}
	return *p
}
