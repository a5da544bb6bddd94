package cloudcontrol

import (
	"bytes"
	"encoding/json"
	"time"

	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/store"
)

// What becomes of requests.
const (
	pending   = "PENDING"
	working   = "IN_PROGRESS"
	done      = "SUCCESS"
	failed    = "FAILED"
	cancelled = "CANCEL_COMPLETE"
)

// A tree is a map of plain values that keeps numbers as they are spelled.
type tree map[string]any

// UnmarshalJSON implements json.Unmarshaler.
func (t *tree) UnmarshalJSON(text []byte) error {
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.UseNumber()
	return dec.Decode((*map[string]any)(t))
}

// A request is something that is to be done with a resource.
type request struct {
	Token      string
	Client     string // the ClientToken
	Operation  string // "CREATE", "UPDATE", "DELETE"
	Type       string
	Identifier string
	Name       string // that was generated for a resource that is to be made
	Role       string
	Caller     aws.Call
	Old, New   tree // properties
	Status     string
	Message    string
	Code       string
	Began      bool // the step, perhaps before a crash
	At         time.Time
}

// A made resource is one that a request has made.
type madeResource struct {
	Properties tree
	Attributes tree
}

type requestKey struct {
	Place aws.ARN
	Token string
}

type resourceKey struct {
	Place      aws.ARN
	Type       string
	Identifier string
}

var (
	requests  = store.NewTable[requestKey, request]("cloudcontrol.request")
	open      = store.NewTable[requestKey, struct{}]("cloudcontrol.open") // those to work on
	resources = store.NewTable[resourceKey, madeResource]("cloudcontrol.resource")
)

// place is where the requests and resources of a caller are.
func place(call *aws.Call) aws.ARN { return call.ARN("cloudcontrol", "resources") }
