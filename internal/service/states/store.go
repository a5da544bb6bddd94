package states

import (
	"encoding/base64"
	"errors"
	"strconv"
	"strings"
	"time"

	api "github.com/aloft-cloud/aloft/internal/api/states"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/store"
)

var (
	machines   = store.NewTable[aws.ARN, machine]("states.machine")
	specs      = store.NewTable[specKey, spec]("states.spec")
	versions   = store.NewTable[versionKey, version]("states.version")
	aliases    = store.NewTable[aliasKey, alias]("states.alias")
	activities = store.NewTable[aws.ARN, activity]("states.activity")
)

// A machine is a state machine.
type machine struct {
	Name     string
	Type     string
	ID       string // of its current spec
	Revision string `json:",omitempty"` // as callers see it; empty until the first update
	Created  time.Time
	Deleting bool              `json:",omitempty"`
	Versions int               `json:",omitempty"` // the highest there was
	Tags     map[string]string `json:",omitempty"`
}

// A spec is what a machine is at a time. Executions keep to the one that they
// began with.
type spec struct {
	Definition string
	Role       string
	Logging    api.LoggingConfiguration
	Tracing    bool                         `json:",omitempty"`
	Encryption *api.EncryptionConfiguration `json:",omitempty"`
	Revision   string                       `json:",omitempty"` // of the machine then
	Updated    time.Time
}

// A specKey names a spec.
type specKey struct {
	Machine aws.ARN
	ID      string
}

// A version is a spec that has a number.
type version struct {
	ID          string // of the spec
	Description string `json:",omitempty"`
	Created     time.Time
}

type versionKey struct {
	Machine aws.ARN
	Number  int64
}

// An alias leads to one version or two.
type alias struct {
	Description string `json:",omitempty"`
	Routes      []route
	Created     time.Time
	Updated     time.Time
}

type aliasKey struct {
	Machine aws.ARN
	Name    string
}

// A route leads so many of a hundred executions to a version.
type route struct {
	Version int64
	Weight  int32
}

// An activity is a task that workers ask for.
type activity struct {
	Created    time.Time
	Tags       map[string]string            `json:",omitempty"`
	Encryption *api.EncryptionConfiguration `json:",omitempty"`
}

const (
	machineKind   = "stateMachine:"
	activityKind  = "activity:"
	executionKind = "execution:"
	expressKind   = "express:"
	mapRunKind    = "mapRun:"
)

// machineNamed is the ARN of a machine of that name.
func machineNamed(call *aws.Call, name string) aws.ARN {
	return call.ARN("states", machineKind+name)
}

// A target is what the ARN of a machine, a version, an alias, or the machine of
// a distributed map names.
type target struct {
	Machine   aws.ARN
	Qualifier string // a version's number, or an alias's name
	Label     string // of a map
}

// number is the number of the version that t names, or 0.
func (t *target) number() int64 {
	n, err := strconv.ParseInt(t.Qualifier, 10, 64)
	if err != nil || n < 1 {
		return 0
	}
	return n
}

// parseTarget reads the ARN of a machine, with or without a qualifier.
func parseTarget(text string) (target, error) {
	arn, err := parseARN(text)
	if err != nil {
		return target{}, err
	}
	rest, ok := strings.CutPrefix(arn.Resource, machineKind)
	if !ok {
		kind, _, _ := strings.Cut(arn.Resource, ":")
		return target{}, errContext(kind)
	}
	var t target
	name, qualifier, _ := strings.Cut(rest, ":")
	name, t.Label, _ = strings.Cut(name, "/")
	t.Qualifier = qualifier
	arn.Resource = machineKind + name
	t.Machine = arn
	return t, nil
}

// parseARN reads an ARN of Step Functions.
func parseARN(text string) (aws.ARN, error) {
	if !strings.HasPrefix(text, "arn:") {
		return aws.ARN{}, api.InvalidArn.Errorf("Invalid Arn: 'Invalid ARN prefix: %s'", text)
	}
	arn, err := aws.ParseARN(text)
	if err != nil || arn.Service != "states" {
		return aws.ARN{}, api.InvalidArn.Errorf("Invalid Arn: '%s'", text)
	}
	return arn, nil
}

// parseKind reads the ARN of a resource of a kind: "activity:".
func parseKind(text, kind string) (aws.ARN, error) {
	arn, err := parseARN(text)
	if err != nil {
		return arn, err
	}
	if !strings.HasPrefix(arn.Resource, kind) {
		other, _, _ := strings.Cut(arn.Resource, ":")
		return arn, errContext(other)
	}
	return arn, nil
}

func errContext(kind string) error {
	return api.InvalidArn.Errorf("Invalid Arn: 'Resource type not valid in this context: %s'", kind)
}

func errNoMachine(arn string) error {
	return api.StateMachineDoesNotExist.Errorf("State Machine Does Not Exist: '%s'", arn)
}

// findMachine returns a machine, or a refusal that says text if there is none.
func findMachine(tx *store.Tx, arn aws.ARN, text string) (machine, error) {
	row, err := machines.Get(tx, arn)
	if errors.Is(err, store.ErrNotFound) {
		return row, errNoMachine(text)
	}
	return row, err
}

// findSpec returns the spec that t names, and its machine.
func findSpec(tx *store.Tx, t *target, text string) (machine, spec, error) {
	row, err := findMachine(tx, t.Machine, text)
	if err != nil {
		return row, spec{}, err
	}
	id := row.ID
	if t.Qualifier != "" {
		v, err := versions.Get(tx, versionKey{t.Machine, t.number()})
		if errors.Is(err, store.ErrNotFound) {
			return row, spec{}, errNoMachine(text)
		}
		if err != nil {
			return row, spec{}, err
		}
		id = v.ID
	}
	what, err := specs.Get(tx, specKey{t.Machine, id})
	return row, what, err
}

// A page is where a list goes on, and how long it is.
type page struct {
	after string
	limit int
}

// usualPage is how many a page has if nobody says.
const usualPage = 100

// newPage reads what a request says of its page.
func newPage(token *string, most *int32) (page, error) {
	p := page{limit: int(aws.Or(most, 0))}
	if p.limit == 0 {
		p.limit = usualPage
	}
	if token == nil {
		return p, nil
	}
	after, err := base64.RawURLEncoding.DecodeString(*token)
	if err != nil || len(after) == 0 {
		return p, errToken()
	}
	p.after = string(after)
	return p, nil
}

func errToken() error { return api.InvalidToken.Errorf("Invalid Token: 'Invalid token'") }

// nextPage is the token of what comes after last.
func nextPage(last string) *string {
	return new(base64.RawURLEncoding.EncodeToString([]byte(last)))
}

// optional is nil for nothing.
func optional(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

// moment is nil for the zero time.
func moment(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}
