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
