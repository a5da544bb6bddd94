package ssm

import (
	"errors"
	"time"

	api "github.com/aloft-cloud/aloft/internal/api/ssm"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/store"
)

var (
	parameters = store.NewTable[key, parameter]("ssm.parameter")
	history    = store.NewTable[versionKey, version]("ssm.version") // all but the latest
	seals      = store.NewTable[aws.ARN, []byte]("ssm.seal")        // keys of old secure strings, by account and region
)

// A key is the name of a parameter in an account and region.
type key struct {
	In   aws.ARN // see shelf
	Name string  // with the slash it was given
}

type versionKey struct {
	Key     key
	Version int64
}

// A parameter is a named value.
type parameter struct {
	version
	Tags []api.Tag `json:",omitempty"`
}

// A version is a value that a parameter has, or had.
type version struct {
	Version     int64
	Type        string
	Value       string // sealed, if it is a secure string
	KeyID       string `json:",omitempty"` // of KMS, that it is sealed with; empty if it is an old seal
	DataKey     []byte `json:",omitempty"` // that it is sealed with in between, encrypted
	Description *string
	Pattern     string `json:",omitempty"` // that values must match
	Tier        string
	DataType    string
	Modified    time.Time
	By          string   // ARN
	Labels      []string `json:",omitempty"`
}

// shelf is where the parameters of an account and region are.
func shelf(call *aws.Call) aws.ARN { return call.ARN("ssm", "parameter") }

// find returns a parameter, or a refusal if there is none.
func find(tx *store.Tx, k key) (parameter, error) {
	row, err := parameters.Get(tx, k)
	if errors.Is(err, store.ErrNotFound) {
		return row, errNotFound()
	}
	return row, err
}

// findVersion returns the version of a parameter that a selector names, by
// number or label: the latest if it is empty.
func findVersion(tx *store.Tx, k key, selector string) (version, error) {
	row, err := find(tx, k)
	if err != nil || selector == "" || row.is(selector) {
		return row.version, err
	}
	for _, v := range history.Scan(tx, versionKey{Key: k}) {
		if v.is(selector) {
			return v, nil
		}
	}
	return version{}, errNoVersion(k.Name, selector)
}
