package apigateway

import (
	"crypto/rand"
	"encoding/base64"
	"errors"
	"iter"
	"time"

	api "github.com/aloft-cloud/aloft/internal/api/apigateway"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/store"
)

// The parts of an API. A resource holds its methods, and those their
// integrations and responses.
var (
	apis        = store.NewTable[aws.ARN, api.RestApi]("apigateway.api")
	homes       = store.NewTable[aws.ARN, home]("apigateway.home") // of APIs by id alone
	resources   = store.NewTable[partKey, api.Resource]("apigateway.resource")
	children    = store.NewTable[childKey, string]("apigateway.child")   // ids of resources
	models      = store.NewTable[partKey, api.Model]("apigateway.model") // by name
	validators  = store.NewTable[partKey, api.RequestValidator]("apigateway.validator")
	authorizers = store.NewTable[partKey, api.Authorizer]("apigateway.authorizer")
	responses   = store.NewTable[partKey, api.GatewayResponse]("apigateway.response") // by type
	stages      = store.NewTable[partKey, api.Stage]("apigateway.stage")              // by name
	deployments = store.NewTable[partKey, deployment]("apigateway.deployment")
)

// What deployments copied.
var (
	deployedResources   = store.NewTable[copyKey, api.Resource]("apigateway.deployedResource")
	deployedModels      = store.NewTable[copyKey, api.Model]("apigateway.deployedModel")
	deployedValidators  = store.NewTable[copyKey, api.RequestValidator]("apigateway.deployedValidator")
	deployedAuthorizers = store.NewTable[copyKey, api.Authorizer]("apigateway.deployedAuthorizer")
	deployedResponses   = store.NewTable[copyKey, api.GatewayResponse]("apigateway.deployedResponse")
)

// A home is where the API of an id is: hosts do not say.
type home struct{ Account, Region string }

// A partKey is a part of an API.
type partKey struct {
	API aws.ARN
	ID  string
}

// A childKey is a resource by its parent and its part of the path.
type childKey struct {
	API          aws.ARN
	Parent, Part string
}

// A copyKey is what a deployment copied of a part of an API.
type copyKey struct {
	API            aws.ARN
	Deployment, ID string
}

// A deployment is one, with what it copied of the API besides its parts.
type deployment struct {
	api.Deployment
	API api.RestApi
}

// apiARN is the key of an API; the one that policies know has no account.
func apiARN(call *aws.Call, id string) aws.ARN { return call.ARN("apigateway", "/restapis/"+id) }

func homeARN(id string) aws.ARN { return aws.ARN{Service: "apigateway", Resource: "/restapis/" + id} }

// findAPI returns the API of that id, or a refusal if there is none.
func findAPI(tx *store.Tx, call *aws.Call, id string) (aws.ARN, api.RestApi, error) {
	arn := apiARN(call, id)
	row, err := apis.Get(tx, arn)
	if errors.Is(err, store.ErrNotFound) {
		return arn, row, errNoAPI(call, id)
	}
	return arn, row, err
}

// find returns a part of an API from its table, or a refusal that names its kind.
func find[V any](tx *store.Tx, table store.Table[partKey, V], call *aws.Call, apiID, kind, id string) (partKey, V, error) {
	key := partKey{apiARN(call, apiID), id}
	row, err := table.Get(tx, key)
	return key, row, refused(err, kind)
}

// newID returns a fresh id of n letters and digits.
func newID(n int) string {
	const letters = "abcdefghijklmnopqrstuvwxyz0123456789"
	b := make([]byte, n)
	rand.Read(b)
	for i := range b {
		b[i] = letters[int(b[i])%len(letters)]
	}
	return string(b)
}

// now is the time as it is kept: whole seconds.
func now() *time.Time { return new(time.Now().UTC().Truncate(time.Second)) }

// usualPage and maxPage are how many items a list has, and has at most.
const (
	usualPage = 25
	maxPage   = 500
)

// A page is a part of a list: those after an item, as many as were asked for.
type page struct {
	limit int
	after string
}

// pageOf reads what a caller asks of a list. Positions are ids, in disguise.
func pageOf(limit *int32, position *string) (page, error) {
	p := page{limit: int(aws.Or(limit, usualPage))}
	if position != nil && *position != "" {
		b, err := base64.StdEncoding.DecodeString(*position)
		if err != nil || len(b) == 0 {
			return p, errBad("Invalid position specified")
		}
		p.after = string(b)
	}
	p.limit = max(0, min(p.limit, maxPage))
	return p, nil
}

// positionAfter is the position with which a list goes on past id.
func positionAfter(id string) *string { return new(base64.StdEncoding.EncodeToString([]byte(id))) }

// listParts returns a page of the parts of an API from their table.
func listParts[V any](tx *store.Tx, table store.Table[partKey, V], call *aws.Call, apiID string, limit *int32, position *string) ([]V, *string, error) {
	p, err := pageOf(limit, position)
	if err != nil {
		return nil, nil, err
	}
	arn, _, err := findAPI(tx, call, apiID)
	if err != nil {
		return nil, nil, err
	}
	items, last := []V{}, ""
	for key, row := range table.ScanAfter(tx, partKey{API: arn}, partKey{arn, p.after}) {
		if len(items) == p.limit {
			if p.limit == 0 {
				break
			}
			return items, positionAfter(last), nil
		}
		items, last = append(items, row), key.ID
	}
	return items, nil, tx.Err()
}

// listOf returns a page of the things of an account from their table, which are
// at prefix in its region.
func listOf[V any](tx *store.Tx, table store.Table[aws.ARN, V], call *aws.Call, prefix string, limit *int32, position *string) ([]V, *string, error) {
	p, err := pageOf(limit, position)
	if err != nil {
		return nil, nil, err
	}
	items, last := []V{}, ""
	all := call.ARN("apigateway", "")
	for arn, row := range table.ScanAfter(tx, all, call.ARN("apigateway", prefix+p.after)) {
		if len(items) == p.limit {
			if p.limit == 0 {
				break
			}
			return items, positionAfter(last), nil
		}
		items, last = append(items, row), arn.Resource[len(prefix):]
	}
	return items, nil, tx.Err()
}

// pageFrom returns a page of what all yields, in the form and with the id that
// show gives it.
func pageFrom[V, Item any](p page, all iter.Seq[V], show func(V) (Item, string)) ([]Item, *string) {
	items, last := []Item{}, ""
	for v := range all {
		if len(items) == p.limit {
			if p.limit == 0 {
				break
			}
			return items, positionAfter(last)
		}
		item, id := show(v)
		items, last = append(items, item), id
	}
	return items, nil
}
