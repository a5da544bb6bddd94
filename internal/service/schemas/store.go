package schemas

import (
	"errors"
	"strconv"
	"strings"
	"time"

	api "github.com/aloft-cloud/aloft/internal/api/schemas"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/store"
)

var (
	registries  = store.NewTable[aws.ARN, registry]("schemas.registry")
	schemas     = store.NewTable[aws.ARN, schema]("schemas.schema")
	versions    = store.NewTable[versionKey, version]("schemas.version")
	discoverers = store.NewTable[aws.ARN, discoverer]("schemas.discoverer")
)

// A registry has schemas.
type registry struct {
	Description string            `json:",omitempty"`
	Tags        map[string]string `json:",omitempty"`
}

// A schema has versions, of which the last counts.
type schema struct {
	Description string `json:",omitempty"`
	Type        string
	Last        int // number of the latest version
	Modified    time.Time
	Tags        map[string]string `json:",omitempty"`
}

type versionKey struct {
	Schema aws.ARN
	Number int
}

// A version is a schema as it once was.
type version struct {
	Content string
	Type    string
	Created time.Time
}

const (
	registryKind = "registry/"
	schemaKind   = "schema/"
)

func registryARN(call *aws.Call, name string) aws.ARN { return call.ARN("schemas", registryKind+name) }

func schemaARN(call *aws.Call, registry, name string) aws.ARN {
	return call.ARN("schemas", schemaKind+registry+"/"+name)
}

// schemaName is the name of a schema within its registry.
func schemaName(arn aws.ARN) string {
	_, name, _ := strings.Cut(strings.TrimPrefix(arn.Resource, schemaKind), "/")
	return name
}

func findRegistry(tx *store.Tx, arn aws.ARN) (registry, error) {
	row, err := registries.Get(tx, arn)
	if errors.Is(err, store.ErrNotFound) {
		return row, api.NotFoundException.Errorf("Registry with name %s does not exist.", strings.TrimPrefix(arn.Resource, registryKind))
	}
	return row, err
}

func findSchema(tx *store.Tx, arn aws.ARN) (schema, error) {
	row, err := schemas.Get(tx, arn)
	if errors.Is(err, store.ErrNotFound) {
		return row, api.NotFoundException.Errorf("Schema with name %s does not exist.", schemaName(arn))
	}
	return row, err
}

// findVersion returns a version of a schema by its number, or the latest.
func findVersion(tx *store.Tx, arn aws.ARN, number *string) (schema, version, int, error) {
	row, err := findSchema(tx, arn)
	if err != nil {
		return row, version{}, 0, err
	}
	n := row.Last
	if number != nil {
		if n, err = strconv.Atoi(*number); err != nil {
			return row, version{}, 0, api.BadRequestException.Errorf("Schema version %s is not valid.", *number)
		}
	}
	v, err := versions.Get(tx, versionKey{arn, n})
	if errors.Is(err, store.ErrNotFound) {
		err = api.NotFoundException.Errorf("Version %d of schema %s does not exist.", n, schemaName(arn))
	}
	return row, v, n, err
}
