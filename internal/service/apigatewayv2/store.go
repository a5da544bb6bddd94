package apigatewayv2

import (
	"crypto/rand"
	"errors"
	"time"

	api "github.com/aloft-cloud/aloft/internal/api/apigatewayv2"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/gateway/proxy"
	"github.com/aloft-cloud/aloft/internal/store"
)

// Rows are as AWS answers them, but for what depends on who asks.
type (
	apiRow   = api.GetApiOutput
	routeRow = api.GetRouteOutput
	stageRow = api.GetStageOutput

	authorizerRow = api.GetAuthorizerOutput

	routeResponseRow       = api.GetRouteResponseOutput
	integrationResponseRow = api.GetIntegrationResponseOutput
	modelRow               = api.GetModelOutput
)

var (
	apis         = store.NewTable[aws.ARN, apiRow]("apigatewayv2.api")
	homes        = store.NewTable[aws.ARN, home]("apigatewayv2.home") // of APIs by id alone
	routes       = store.NewTable[partKey, routeRow]("apigatewayv2.route")
	routeKeys    = store.NewTable[partKey, string]("apigatewayv2.routeKey") // ids of routes by their keys
	integrations = store.NewTable[partKey, api.Integration]("apigatewayv2.integration")
	authorizers  = store.NewTable[partKey, authorizerRow]("apigatewayv2.authorizer")
	stages       = store.NewTable[partKey, stageRow]("apigatewayv2.stage")
	deployments  = store.NewTable[partKey, deployment]("apigatewayv2.deployment")
	deployed     = store.NewTable[deployedKey, target]("apigatewayv2.deployed")

	// Of WebSocket APIs, under the ids of route or integration and of their own.
	routeResponses       = store.NewTable[responseKey, routeResponseRow]("apigatewayv2.routeResponse")
	integrationResponses = store.NewTable[responseKey, integrationResponseRow]("apigatewayv2.integrationResponse")
	models               = store.NewTable[partKey, modelRow]("apigatewayv2.model")
	connections          = store.NewTable[aws.ARN, connection]("apigatewayv2.connection") // by id alone
)

// A home is where the API of an id is: hosts do not say.
type home struct{ Account, Region string }

// A partKey is a route, an integration, an authorizer, a stage or a deployment.
type partKey struct {
	API aws.ARN
	ID  string
}

// A responseKey is a response of a route or an integration.
type responseKey struct {
	Of partKey
	ID string
}

// A connection is an open WebSocket.
type connection struct {
	API          string // its id
	Stage        string
	Home         home
	Connected    time.Time
	SourceIP     string
	UserAgent    string
	Domain       string
	Authorizer   []byte `json:",omitempty"` // JSON, as events have it
	Host         string // for the headers of its last event
	ForwardedFor string
	Caller       proxy.Caller // if it signed
	Key          string       `json:",omitempty"` // to the API, that it brought
}

func connectionARN(id string) aws.ARN {
	return aws.ARN{Service: "execute-api", Resource: "@connections/" + id}
}

type deployedKey struct {
	API        aws.ARN
	Deployment string
	RouteKey   string
}

// A deployment is one, with what it copied of the API besides its routes.
type deployment struct {
	api.Deployment
	Cors *api.Cors `json:",omitempty"`
	Live bool      `json:",omitempty"` // of a stage that deploys by itself: no copy was made
}

// A target is what a route leads to, and who may go there.
type target struct {
	Integration   *api.Integration `json:",omitempty"` // nil if it leads nowhere
	Authorization string           `json:",omitempty"` // NONE if empty
	Scopes        []string         `json:",omitempty"`
	Authorizer    *authorizerRow   `json:",omitempty"`
	Answers       bool             `json:",omitempty"` // of deployments that have no Socket: the route does
	Socket        *socketTarget    `json:",omitempty"` // of WebSocket APIs
}

// apiARN is the key of an API; the one that policies know has no account.
func apiARN(call *aws.Call, id string) aws.ARN { return call.ARN("apigateway", "/apis/"+id) }

func homeARN(id string) aws.ARN { return aws.ARN{Service: "apigateway", Resource: "/apis/" + id} }

// findAPI returns the API of that id, or a refusal if there is none.
func findAPI(tx *store.Tx, call *aws.Call, id string) (aws.ARN, apiRow, error) {
	arn := apiARN(call, id)
	row, err := apis.Get(tx, arn)
	if errors.Is(err, store.ErrNotFound) {
		return arn, row, errNoAPI(call, id)
	}
	return arn, row, err
}

// find returns a part of an API from its table, or a refusal that names its kind.
func find[V any](tx *store.Tx, table store.Table[partKey, V], call *aws.Call, apiID, kind, id string) (partKey, V, error) {
	arn, _, err := findAPI(tx, call, apiID)
	key := partKey{arn, id}
	if err != nil {
		var none V
		return key, none, err
	}
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
