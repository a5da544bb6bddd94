package domain

import (
	"crypto/rand"
	"errors"
	"iter"
	"regexp"
	"strings"
	"time"

	api "github.com/aloft-cloud/aloft/internal/api/apigateway"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/store"
)

// A Row is a domain, as REST APIs have it.
type Row = api.DomainName

// A Mapping has paths of a domain lead to a stage of an API.
type Mapping struct {
	ID    string
	Path  string // "orders/v1", or empty for all that no other has
	API   string
	Stage string // empty: paths name it
}

var (
	names    = store.NewTable[aws.ARN, Row]("apigateway.domain")
	homes    = store.NewTable[aws.ARN, home]("apigateway.domainHome") // of domains by name alone
	mappings = store.NewTable[partKey, Mapping]("gateway.mapping")    // by path
	rules    = store.NewTable[partKey, Rule]("gateway.routingRule")   // by id
	trusted  = store.NewTable[aws.ARN, string]("gateway.truststore")  // PEM
)

// A home is where the domain of a name is.
type home struct{ Account, Region string }

// A partKey is a part of a domain.
type partKey struct {
	Of   aws.ARN
	Part string
}

// What is asked at a domain.
const (
	mappingsOnly = "BASE_PATH_MAPPING_ONLY"
	rulesOnly    = "ROUTING_RULE_ONLY"
	rulesFirst   = "ROUTING_RULE_THEN_BASE_PATH_MAPPING"
)

var hostName = regexp.MustCompile(`^(\*\.)?([a-zA-Z0-9]([a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?\.)+[a-zA-Z0-9-]{2,63}$`)

func keyOf(call *aws.Call, name string) aws.ARN {
	return call.ARN("apigateway", "/domainnames/"+strings.ToLower(name))
}

func homeOf(name string) aws.ARN {
	return aws.ARN{Service: "apigateway", Resource: "/domainnames/" + strings.ToLower(name)}
}

// reserved reports whether a host is one of the platform's own, which is
// nobody's domain.
func (d *Domains) reserved(host string) bool {
	host = strings.TrimPrefix(strings.ToLower(host), "*.")
	for _, own := range []string{"amazonaws.com", "api.aws", "on.aws"} {
		if host == own || strings.HasSuffix(host, "."+own) {
			return true
		}
	}
	return host == "localhost" || host == d.own || d.own != "localhost" && d.own != "" && strings.HasSuffix(host, "."+d.own)
}

// Place sets the names that a domain's own is to be an alias of.
func Place(call *aws.Call, row *Row) {
	row.RegionalDomainName, row.RegionalHostedZoneId, row.DistributionDomainName, row.DistributionHostedZoneId = nil, nil, nil, nil
	row.CertificateUploadDate = new(time.Now().UTC().Truncate(time.Second))
	if IsPrivate(row) {
		if row.DomainNameId == nil {
			row.DomainNameId = new(newID(10))
		}
		row.DomainNameArn = new(ARNOf(call, row))
		return
	}
	if row.EndpointConfiguration.Types[0] == "REGIONAL" {
		row.RegionalDomainName = new("d-" + newID(10) + ".execute-api." + call.Region + ".amazonaws.com")
		row.RegionalHostedZoneId = new("Z1U9ULNL0V5AJ3")
		return
	}
	row.DistributionDomainName = new("d" + newID(13) + ".cloudfront.net")
	row.DistributionHostedZoneId = new("Z2FDTNDATAQYW2")
}

// Create keeps a new domain; trust is whom it trusts, in PEM, if it wants
// certificates of clients. taken is what refuses a name that there is.
func (d *Domains) Create(tx *store.Tx, call *aws.Call, row *Row, trust string, taken error) error {
	if !hostName.MatchString(*row.DomainName) {
		return api.BadRequestException.Errorf("Invalid domain name specified: %s", *row.DomainName)
	}
	if d.reserved(*row.DomainName) {
		return api.BadRequestException.Errorf("The domain name %s is the platform's own.", *row.DomainName)
	}
	at := homeOf(*row.DomainName)
	if found, err := homes.Has(tx, at); err != nil {
		return err
	} else if found {
		return taken
	}
	if err := homes.Put(tx, at, home{call.Account, call.Region}); err != nil {
		return err
	}
	return d.Put(tx, call, row, trust)
}

// Put keeps a domain that has changed. An empty trust leaves whom it trusts as
// it is.
func (d *Domains) Put(tx *store.Tx, call *aws.Call, row *Row, trust string) error {
	arn := keyOf(call, *row.DomainName)
	d.changed(tx)
	if trust != "" {
		if err := trusted.Put(tx, arn, trust); err != nil {
			return err
		}
	}
	return names.Put(tx, arn, *row)
}

// Find returns a domain of the caller's account.
func (d *Domains) Find(tx *store.Tx, call *aws.Call, name string) (Row, error) {
	row, err := names.Get(tx, keyOf(call, name))
	if errors.Is(err, store.ErrNotFound) {
		err = api.NotFoundException.Errorf("Invalid domain name identifier specified")
	}
	return row, err
}

// All yields the domains of the caller's account and region past a name.
func (d *Domains) All(tx *store.Tx, call *aws.Call, after string) iter.Seq[Row] {
	return func(yield func(Row) bool) {
		for _, row := range names.ScanAfter(tx, call.ARN("apigateway", ""), keyOf(call, after)) {
			if !yield(row) {
				return
			}
		}
	}
}

// Delete removes a domain with its mappings and rules.
func (d *Domains) Delete(tx *store.Tx, call *aws.Call, name string) error {
	row, err := d.Find(tx, call, name)
	if err != nil {
		return err
	}
	arn := keyOf(call, name)
	d.changed(tx)
	return errors.Join(dropAssociations(tx, call, &row), mappings.DeletePrefix(tx, partKey{Of: arn}), rules.DeletePrefix(tx, partKey{Of: arn}), trusted.Delete(tx, arn),
		homes.Delete(tx, homeOf(name)), names.Delete(tx, arn))
}

// Refusals are a service's words for mappings that cannot be.
type Refusals struct{ Taken, NoAPI error }

// Map adds a mapping to a domain.
func (d *Domains) Map(tx *store.Tx, call *aws.Call, name string, m Mapping, refuse Refusals) error {
	if _, err := d.Find(tx, call, name); err != nil {
		return err
	}
	key := partKey{keyOf(call, name), m.Path}
	if found, err := mappings.Has(tx, key); err != nil {
		return err
	} else if found {
		return refuse.Taken
	}
	if err := d.checkTarget(tx, call, m.API, m.Stage, refuse.NoAPI); err != nil {
		return err
	}
	d.changed(tx)
	return mappings.Put(tx, key, m)
}

// Remap changes the mapping of a path.
func (d *Domains) Remap(tx *store.Tx, call *aws.Call, name, path string, m Mapping, refuse Refusals) error {
	if err := mappings.Delete(tx, partKey{keyOf(call, name), path}); err != nil {
		return err
	}
	return d.Map(tx, call, name, m, refuse)
}

// Unmap removes the mapping of a path.
func (d *Domains) Unmap(tx *store.Tx, call *aws.Call, name, path string) error {
	d.changed(tx)
	return mappings.Delete(tx, partKey{keyOf(call, name), path})
}

// Mappings yields the mappings of a domain past a path, or all if it is nil.
func (d *Domains) Mappings(tx *store.Tx, call *aws.Call, name string, after *string) iter.Seq[Mapping] {
	return func(yield func(Mapping) bool) {
		of := keyOf(call, name)
		for key, m := range mappings.Scan(tx, partKey{Of: of}) {
			if after != nil && key.Part <= *after {
				continue
			}
			if !yield(m) {
				return
			}
		}
	}
}

// CheckUnmapped refuses to remove an API that a domain of its account leads to.
func (d *Domains) CheckUnmapped(tx *store.Tx, call *aws.Call, id string) error {
	for row := range d.All(tx, call, "") {
		for m := range d.Mappings(tx, call, *row.DomainName, nil) {
			if m.API == id {
				return api.BadRequestException.Errorf("Please remove all base path mappings related to the API in your domain: %s", *row.DomainName)
			}
		}
	}
	return tx.Err()
}

// checkTarget refuses what no stage of an API of the account is.
func (d *Domains) checkTarget(tx *store.Tx, call *aws.Call, id, stage string, noAPI error) error {
	for _, g := range d.gateways {
		hasAPI, hasStage, err := g.HasStage(tx, call, id, stage)
		switch {
		case err != nil:
			return err
		case hasAPI && (hasStage || stage == ""):
			return nil
		case hasAPI:
			return api.BadRequestException.Errorf("Invalid stage identifier specified")
		}
	}
	return noAPI
}

// NewID returns the id of a new mapping or rule.
func NewID() string { return newID(6) }

func newID(n int) string {
	const letters = "abcdefghijklmnopqrstuvwxyz0123456789"
	b := make([]byte, n)
	rand.Read(b)
	for i := range b {
		b[i] = letters[int(b[i])%len(letters)]
	}
	return string(b)
}

var mappingPath = regexp.MustCompile(`^([a-zA-Z0-9$_.+!*'(),-]+(/[a-zA-Z0-9$_.+!*'(),-]+)*)?$`)

// IsPath reports whether a text can be the path of a mapping.
func IsPath(path string) bool { return len(path) <= 300 && mappingPath.MatchString(path) }
