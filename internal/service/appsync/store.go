package appsync

import (
	"crypto/rand"
	"errors"
	"strings"

	api "github.com/aloft-cloud/aloft/internal/api/appsync"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/store"
)

// Rows are as AWS answers them, but for what depends on who asks.
var (
	apis        = store.NewTable[aws.ARN, api.GraphqlApi]("appsync.api")
	homes       = store.NewTable[aws.ARN, home]("appsync.home") // of APIs by id alone
	schemas     = store.NewTable[aws.ARN, schemaRow]("appsync.schema")
	variables   = store.NewTable[aws.ARN, map[string]string]("appsync.variables")
	dataSources = store.NewTable[partKey, api.DataSource]("appsync.datasource")
	functions   = store.NewTable[partKey, api.FunctionConfiguration]("appsync.function")
	resolvers   = store.NewTable[resolverKey, api.Resolver]("appsync.resolver")
	apiKeys     = store.NewTable[partKey, api.ApiKey]("appsync.key")
)

// A home is where the API of an id is: hosts do not say.
type home struct{ Account, Region string }

// A partKey is a data source, a function or a key of an API.
type partKey struct {
	API aws.ARN
	ID  string
}

// A resolverKey is the resolver of a field.
type resolverKey struct {
	API         aws.ARN
	Type, Field string
}

// A schemaRow is the schema of an API.
type schemaRow struct {
	SDL     string
	Status  string // api.SchemaStatusSuccess or Failed
	Details string // why it failed; then SDL is what was before
}

const apiKind = "apis/"

func apiARN(call *aws.Call, id string) aws.ARN { return call.ARN("appsync", apiKind+id) }

func homeARN(id string) aws.ARN { return aws.ARN{Service: "appsync", Resource: apiKind + id} }

// at is the ARN of an API whose home is known.
func (h home) at(id string) aws.ARN {
	return aws.ARN{Service: "appsync", Region: h.Region, Account: h.Account, Resource: apiKind + id}
}

// below names a part of an API.
func below(arn aws.ARN, parts ...string) *string {
	arn.Resource += "/" + strings.Join(parts, "/")
	return new(arn.String())
}

// findAPI returns the API of that id, or a refusal if there is none.
func findAPI(tx *store.Tx, call *aws.Call, id string) (aws.ARN, api.GraphqlApi, error) {
	arn := apiARN(call, id)
	row, err := apis.Get(tx, arn)
	if errors.Is(err, store.ErrNotFound) {
		return arn, row, api.NotFoundException.Errorf("GraphQL API %s not found.", id)
	}
	return arn, row, err
}

// find returns a part of an API from its table, or a refusal that names its kind.
func find[V any](tx *store.Tx, table store.Table[partKey, V], call *aws.Call, apiID, kind, id string) (partKey, V, error) {
	arn, err := findEither(tx, call, apiID)
	key := partKey{arn, id}
	if err != nil {
		var none V
		return key, none, err
	}
	row, err := table.Get(tx, key)
	if errors.Is(err, store.ErrNotFound) {
		err = api.NotFoundException.Errorf("No %s found with name: %s", kind, id)
	}
	return key, row, err
}

// newID returns a fresh id of n letters and digits, which begins with a letter.
func newID(n int) string {
	const letters = "abcdefghijklmnopqrstuvwxyz234567"
	b := make([]byte, n)
	rand.Read(b)
	for i := range b {
		b[i] = letters[int(b[i])%len(letters)]
	}
	b[0] = 'a' + b[0]%26
	return string(b)
}

// idLetters is how long ids of APIs, functions and keys are.
const idLetters = 26
