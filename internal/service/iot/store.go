package iot

import (
	"errors"
	"time"

	api "github.com/aloft-cloud/aloft/internal/api/iot"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/store"
)

var rules = store.NewTable[aws.ARN, rule]("iot.rule")

// A rule is one as its owner wrote it.
type rule struct {
	SQL         string
	Version     string
	Description *string      `json:",omitempty"`
	Actions     []api.Action `json:",omitempty"`
	ErrorAction *api.Action  `json:",omitempty"`
	Disabled    bool         `json:",omitempty"`
	Created     time.Time
	Tags        map[string]string `json:",omitempty"`
}

const ruleKind = "rule/"

func ruleARN(call *aws.Call, name string) aws.ARN { return call.ARN("iot", ruleKind+name) }

// findRule returns a rule. AWS does not tell one that is not there from one that
// the caller may not see.
func findRule(tx *store.Tx, arn aws.ARN) (rule, error) {
	row, err := rules.Get(tx, arn)
	if errors.Is(err, store.ErrNotFound) {
		return row, api.UnauthorizedException.Errorf("Access to topic rule '%s' was denied", arn.Resource[len(ruleKind):])
	}
	return row, err
}

// putRule keeps a rule, for messages that are published from then on.
func (s *Service) putRule(tx *store.Tx, arn aws.ARN, row rule) error {
	s.rules.Changed(tx)
	return rules.Put(tx, arn, row)
}

// errNoResource is the refusal if err says that there is no such resource.
func errNoResource(err error, name string) error {
	if errors.Is(err, store.ErrNotFound) {
		return api.ResourceNotFoundException.Errorf("The resource %s does not exist.", name)
	}
	return err
}

// Tables of the registry.
var (
	things       = store.NewTable[aws.ARN, thing]("iot.thing")
	thingTypes   = store.NewTable[aws.ARN, thingType]("iot.thingtype")
	principals   = store.NewTable[principalKey, bool]("iot.thingprincipal") // of things; whether exclusive
	thingsOf     = store.NewTable[thingOfKey, bool]("iot.principalthing")   // the same, by principal
	certificates = store.NewTable[aws.ARN, certificate]("iot.certificate")
	policies     = store.NewTable[aws.ARN, policyRow]("iot.policy")
	attached     = store.NewTable[attachedKey, bool]("iot.attachedpolicy")
	targets      = store.NewTable[targetKey, bool]("iot.policytarget") // the same, by policy
)

// A thing is what the registry knows of a device.
type thing struct {
	ID         string
	Type       string            `json:",omitempty"`
	Attributes map[string]string `json:",omitempty"`
	Version    int64
}

// A thingType is what things of a kind have in common.
type thingType struct {
	ID         string
	Properties *api.ThingTypeProperties `json:",omitempty"`
	Created    time.Time
	Deprecated time.Time         // zero: it is not
	Tags       map[string]string `json:",omitempty"`
}

type principalKey struct {
	Thing     aws.ARN
	Principal string
}

type thingOfKey struct {
	Account, Region string
	Principal       string
	Thing           string // name
}

// A certificate is one of a device.
type certificate struct {
	PEM      string
	Status   string
	Mode     string // DEFAULT: of the authority here; SNI_ONLY: of another
	Created  time.Time
	Modified time.Time
	From, To time.Time // it is good
}

// A policyRow is a policy and its versions.
type policyRow struct {
	Versions []policyVersion
	Default  string // id of a version
	Last     int    // number of the newest version that there was
	Created  time.Time
	Modified time.Time
	Tags     map[string]string `json:",omitempty"`
}

type policyVersion struct {
	ID       string
	Document string
	Created  time.Time
}

type attachedKey struct {
	Account, Region string
	Target          string // what has the policy: an ARN, or an identity of Cognito
	Policy          string // name
}

type targetKey struct {
	Policy aws.ARN
	Target string
}

const (
	thingKind       = "thing/"
	thingTypeKind   = "thingtype/"
	certificateKind = "cert/"
	policyKind      = "policy/"
)

func thingARN(call *aws.Call, name string) aws.ARN     { return call.ARN("iot", thingKind+name) }
func thingTypeARN(call *aws.Call, name string) aws.ARN { return call.ARN("iot", thingTypeKind+name) }
func certificateARN(call *aws.Call, id string) aws.ARN { return call.ARN("iot", certificateKind+id) }
func policyARN(call *aws.Call, name string) aws.ARN    { return call.ARN("iot", policyKind+name) }

func findThing(tx *store.Tx, arn aws.ARN) (thing, error) {
	row, err := things.Get(tx, arn)
	if errors.Is(err, store.ErrNotFound) {
		return row, api.ResourceNotFoundException.Errorf("Thing %s not found.", nameOf(arn))
	}
	return row, err
}

func findThingType(tx *store.Tx, arn aws.ARN) (thingType, error) {
	row, err := thingTypes.Get(tx, arn)
	if errors.Is(err, store.ErrNotFound) {
		return row, api.ResourceNotFoundException.Errorf("Thing type %s not found.", nameOf(arn))
	}
	return row, err
}

func findCertificate(tx *store.Tx, arn aws.ARN) (certificate, error) {
	row, err := certificates.Get(tx, arn)
	if errors.Is(err, store.ErrNotFound) {
		return row, api.ResourceNotFoundException.Errorf("The certificate given in the principal does not exist.")
	}
	return row, err
}

func findPolicy(tx *store.Tx, arn aws.ARN) (policyRow, error) {
	row, err := policies.Get(tx, arn)
	if errors.Is(err, store.ErrNotFound) {
		return row, api.ResourceNotFoundException.Errorf("Policy not found with name: %s", nameOf(arn))
	}
	return row, err
}

// version returns a version of a policy.
func (p *policyRow) version(id string) (*policyVersion, error) {
	for i := range p.Versions {
		if p.Versions[i].ID == id {
			return &p.Versions[i], nil
		}
	}
	return nil, api.ResourceNotFoundException.Errorf("The policy has no version %s.", id)
}
