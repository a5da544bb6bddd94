package domain

import (
	"errors"
	"iter"
	"net/http"
	"slices"
	"strings"

	api "github.com/aloft-cloud/aloft/internal/api/apigateway"
	"github.com/aloft-cloud/aloft/internal/auth/policy"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/store"
)

// An Association lets an endpoint of a network ask a private domain.
type Association = api.DomainNameAccessAssociation

var associations = store.NewTable[aws.ARN, Association]("gateway.domainAssociation")

// A privacy is who may ask a private domain.
type privacy struct {
	arn       aws.ARN // as policies name what is asked for
	owner     string
	policy    *policy.Document // nil lets nobody
	endpoints []string         // associated ones
}

// IsPrivate reports whether a domain is for networks alone.
func IsPrivate(row *Row) bool {
	return row.EndpointConfiguration != nil && slices.Contains(row.EndpointConfiguration.Types, "PRIVATE")
}

// ARNOf is the public name of a domain: those of private ones have an id.
func ARNOf(call *aws.Call, row *Row) string {
	arn := aws.ARN{Service: "apigateway", Region: call.Region, Resource: "/domainnames/" + *row.DomainName}
	if IsPrivate(row) {
		arn.Account = call.Account
		arn.Resource += "+" + *row.DomainNameId
	}
	return arn.String()
}

// compilePrivacy is who may ask a domain, or nil if everybody may.
func compilePrivacy(tx *store.Tx, arn aws.ARN, row *Row) (*privacy, error) {
	if !IsPrivate(row) {
		return nil, nil
	}
	p := &privacy{owner: arn.Account, arn: arn}
	p.arn.Service, p.arn.Resource = "execute-api", aws.Value(row.DomainNameId)
	if text := aws.Value(row.Policy); text != "" {
		var err error
		if p.policy, err = policy.Parse(strings.ReplaceAll(text, `"execute-api:/`, `"`+p.arn.String()+"/")); err != nil {
			return nil, err
		}
	}
	for _, a := range associations.Scan(tx, aws.ARN{}) {
		if aws.Value(a.DomainNameArn) == aws.Value(row.DomainNameArn) {
			p.endpoints = append(p.endpoints, aws.Value(a.AccessAssociationSource))
		}
	}
	return p, tx.Err()
}

// admit returns the endpoint by which a request comes, if it may: the first that
// is associated and that the policy lets in. There is no network that would say
// which it was.
func (p *privacy) admit(r *http.Request, call *aws.Call) (string, bool) {
	asked := p.arn
	asked.Resource += "/" + strings.TrimPrefix(r.URL.EscapedPath(), "/")
	for _, endpoint := range p.endpoints {
		q := policy.Request{Call: call, Action: "execute-api:Invoke", Resource: asked, Owner: p.owner, Keys: map[string][]string{"aws:SourceVpce": {endpoint}}}
		if p.policy != nil && p.policy.Effect(&q) == policy.Allow {
			return endpoint, true
		}
	}
	return "", false
}

// Associate keeps a new association of a private domain of the caller's.
func (d *Domains) Associate(tx *store.Tx, call *aws.Call, a *Association) error {
	name, id, _ := strings.Cut((*a.DomainNameArn)[strings.LastIndexByte(*a.DomainNameArn, '/')+1:], "+")
	row, err := d.Find(tx, call, name)
	if err != nil {
		return err
	}
	if !IsPrivate(&row) || aws.Value(row.DomainNameId) != id {
		return api.BadRequestException.Errorf("Access associations are supported only for private domain names")
	}
	for _, has := range associations.Scan(tx, call.ARN("apigateway", "")) {
		if *has.DomainNameArn == *a.DomainNameArn && *has.AccessAssociationSource == *a.AccessAssociationSource {
			return api.ConflictException.Errorf("The domain name access association already exists")
		}
	}
	arn := call.ARN("apigateway", "/domainnameaccessassociations/domainname/"+name+"+"+id+"/vpcesource/"+*a.AccessAssociationSource)
	a.DomainNameAccessAssociationArn = new(arn.String())
	d.changed(tx)
	return associations.Put(tx, arn, *a)
}

// Dissociate removes an association of the caller's.
func (d *Domains) Dissociate(tx *store.Tx, call *aws.Call, text string) error {
	arn, err := aws.ParseARN(text)
	if err != nil || arn.Account != call.Account || arn.Region != call.Region {
		return api.NotFoundException.Errorf("Invalid domain name access association identifier specified")
	}
	if _, err := associations.Get(tx, arn); errors.Is(err, store.ErrNotFound) {
		return api.NotFoundException.Errorf("Invalid domain name access association identifier specified")
	} else if err != nil {
		return err
	}
	d.changed(tx)
	return associations.Delete(tx, arn)
}

// Associations yields those of the caller's account past a name.
func (d *Domains) Associations(tx *store.Tx, call *aws.Call, after string) iter.Seq[Association] {
	return func(yield func(Association) bool) {
		for _, a := range associations.ScanAfter(tx, call.ARN("apigateway", ""), call.ARN("apigateway", after)) {
			if !yield(a) {
				return
			}
		}
	}
}

// dropAssociations removes all of a domain.
func dropAssociations(tx *store.Tx, call *aws.Call, row *Row) error {
	for arn, a := range associations.Scan(tx, call.ARN("apigateway", "")) {
		if aws.Value(a.DomainNameArn) == aws.Value(row.DomainNameArn) {
			if err := associations.Delete(tx, arn); err != nil {
				return err
			}
		}
	}
	return tx.Err()
}
