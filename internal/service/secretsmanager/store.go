package secretsmanager

import (
	"errors"
	"strings"
	"time"

	api "github.com/aloft-cloud/aloft/internal/api/secretsmanager"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/store"
	"github.com/aloft-cloud/aloft/internal/store/due"
)

var (
	secrets  = store.NewTable[aws.ARN, secret]("secretsmanager.secret") // by name: see shelf
	versions = store.NewTable[versionKey, version]("secretsmanager.version")
	dues     = due.NewTimes[aws.ARN]("secretsmanager.due") // of secrets that are to be rotated or deleted: their rows say which
)

// A secret is a secret and all that is known of it, but for its values.
type secret struct {
	Suffix      string // that its ARN ends with, after its name and a hyphen
	Description string `json:",omitempty"`
	Type        string `json:",omitempty"`
	Key         string `json:",omitempty"` // of KMS, as it was named; "" is AWS's own
	Policy      string `json:",omitempty"`
	Owner       string `json:",omitempty"` // the service that it is of: "events.amazonaws.com"
	Tags        []api.Tag

	Created  time.Time
	Changed  time.Time
	Accessed time.Time // a day; zero: never
	Deleted  time.Time // when it was asked to be; zero: never
	Gone     time.Time // when it is

	Function string                 `json:",omitempty"` // ARN of who rotates it
	Rules    *api.RotationRulesType `json:",omitempty"`
	Rotates  bool                   `json:",omitempty"`
	Rotated  time.Time              // zero: never
	Next     time.Time              // when it is rotated next; zero: not by the clock
}

type versionKey struct {
	Secret aws.ARN
	ID     string
}

// A version is a value that a secret has, had or is to have.
type version struct {
	Stages   []string
	Created  time.Time
	Accessed time.Time // a day; zero: never
	DataKey  []byte    // encrypted by KMS; nil: there is no value yet
	Sealed   []byte
	Binary   bool // it is bytes, and no text
}

const kind = "secret:"

// shelf is the key of the row of a secret of that name.
func shelf(call *aws.Call, name string) aws.ARN { return call.ARN("secretsmanager", kind+name) }

func nameOf(key aws.ARN) string { return strings.TrimPrefix(key.Resource, kind) }

// arn is the ARN of s.
func (s *secret) arn(key aws.ARN) aws.ARN {
	key.Resource += "-" + s.Suffix
	return key
}

const suffixLength = 6

// A found is a secret that a caller meant.
type found struct {
	key aws.ARN
	secret
}

// find returns the secret that id names: by name, by ARN, or by an ARN without
// what comes after the name.
func find(tx *store.Tx, call *aws.Call, id string) (f found, err error) {
	if !strings.HasPrefix(id, "arn:") {
		f.key = shelf(call, id)
		f.secret, err = secrets.Get(tx, f.key)
		return f, notFound(err)
	}
	arn, err := aws.ParseARN(id)
	if err != nil || arn.Service != "secretsmanager" || !strings.HasPrefix(arn.Resource, kind) {
		return f, invalid("Invalid ARN: %s", id)
	}
	if cut := len(arn.Resource) - suffixLength - 1; cut > len(kind) && arn.Resource[cut] == '-' {
		f.key = arn
		f.key.Resource = arn.Resource[:cut]
		f.secret, err = secrets.Get(tx, f.key)
		if err == nil && f.Suffix == arn.Resource[cut+1:] {
			return f, nil
		}
		if err != nil && !errors.Is(err, store.ErrNotFound) {
			return f, err
		}
	}
	f.key = arn
	f.secret, err = secrets.Get(tx, arn)
	return f, notFound(err)
}

// need is find, of a secret that is not to be deleted.
func need(tx *store.Tx, call *aws.Call, id string) (found, error) {
	f, err := find(tx, call, id)
	if err == nil && !f.Deleted.IsZero() {
		err = errDeleted()
	}
	return f, err
}

func notFound(err error) error {
	if errors.Is(err, store.ErrNotFound) {
		return errNoSecret()
	}
	return err
}

// all are the versions of a secret, by id.
func (f *found) all(tx *store.Tx) (map[string]version, error) {
	out := make(map[string]version)
	for k, v := range versions.Scan(tx, versionKey{Secret: f.key}) {
		out[k.ID] = v
	}
	return out, tx.Err()
}

func today() time.Time { return time.Now().UTC().Truncate(24 * time.Hour) }
