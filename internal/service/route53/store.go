package route53

import (
	"context"
	"crypto/rand"
	"errors"
	"slices"
	"strings"
	"time"

	api "github.com/aloft-cloud/aloft/internal/api/route53"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/store"
)

var (
	zones   = store.NewTable[aws.ARN, zone]("route53.zone")
	homes   = store.NewTable[aws.ARN, string]("route53.home") // accounts, of zones and checks by id alone
	records = store.NewTable[recordKey, api.ResourceRecordSet]("route53.record")
	checks  = store.NewTable[aws.ARN, check]("route53.check")
)

// A zone is a hosted zone.
type zone struct {
	Name      string // "example.com."
	Reference string
	Comment   *string           `json:",omitempty"`
	Private   bool              `json:",omitempty"`
	VPCs      []api.VPC         `json:",omitempty"`
	Tags      map[string]string `json:",omitempty"`
	Created   time.Time
	Records   int64
}

// A recordKey is where a record set is.
type recordKey struct {
	Zone aws.ARN
	Name string // from the right, each label ended by a zero: "com", "example"
	Type string
	ID   string // SetIdentifier
}

// A check is a health check.
type check struct {
	Reference string
	Config    api.HealthCheckConfig
	Version   int64
	Tags      map[string]string `json:",omitempty"`
}

const (
	zoneKind  = "hostedzone"
	checkKind = "healthcheck"
)

// shelf is where the zones and checks of an account are: they are of no region.
func shelf(call *aws.Call) aws.ARN {
	return aws.ARN{Service: "route53", Account: call.Account}
}

// keyOf is where a zone or check of the caller's is, by an id that may have its
// kind before it, as answers have it.
func keyOf(call *aws.Call, kind, id string) aws.ARN {
	arn := shelf(call)
	arn.Resource = kind + "/" + strings.TrimPrefix(strings.TrimPrefix(id, "/"), kind+"/")
	return arn
}

func homeOf(arn aws.ARN) aws.ARN {
	arn.Account = ""
	return arn
}

// ownerOf returns the account of a zone or a check.
func (s *Service) ownerOf(ctx context.Context, resource aws.ARN) (string, error) {
	account := ""
	err := s.db.View(ctx, func(tx *store.Tx) (err error) {
		account, err = homes.Get(tx, homeOf(resource))
		if errors.Is(err, store.ErrNotFound) {
			return nil
		}
		return err
	})
	return account, err
}

// findZone returns a zone of the caller's.
func findZone(tx *store.Tx, call *aws.Call, id string) (aws.ARN, zone, error) {
	arn := keyOf(call, zoneKind, id)
	z, err := zones.Get(tx, arn)
	if errors.Is(err, store.ErrNotFound) {
		return arn, z, api.NoSuchHostedZone.Errorf("No hosted zone found with ID: %s", idOf(arn))
	}
	return arn, z, err
}

// changeZone changes a zone of the caller's.
func (s *Service) changeZone(ctx context.Context, call *aws.Call, id string, change func(tx *store.Tx, arn aws.ARN, z *zone) error) error {
	return s.db.Update(ctx, func(tx *store.Tx) error {
		arn, z, err := findZone(tx, call, id)
		if err != nil {
			return err
		}
		if err := change(tx, arn, &z); err != nil {
			return err
		}
		return zones.Put(tx, arn, z)
	})
}

// changed has what is known of zones read anew once tx is kept.
func (s *Service) changed(tx *store.Tx) {
	tx.AfterCommit(func() {
		s.epoch.Add(1)
		s.zones.Store(nil)
	})
}

func idOf(arn aws.ARN) string { return arn.Resource[strings.IndexByte(arn.Resource, '/')+1:] }

// newID returns letters that nothing is named by yet.
func newID(first string) string {
	const letters = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
	b := make([]byte, 13)
	rand.Read(b)
	for i := range b {
		b[i] = letters[int(b[i])%len(letters)]
	}
	return first + string(b)
}

// reversed is a name as keys have it: "www.example.com." is "com\0example\0www\0".
func reversed(name string) string {
	labels := strings.Split(strings.TrimSuffix(name, "."), ".")
	slices.Reverse(labels)
	return strings.Join(labels, "\x00") + "\x00"
}
