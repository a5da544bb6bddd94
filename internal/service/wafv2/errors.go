package wafv2

import (
	"errors"

	api "github.com/aloft-cloud/aloft/internal/api/wafv2"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/gateway/firewall"
)

func errGone() error {
	return api.WAFNonexistentItemException.Errorf("AWS WAF couldn’t perform the operation because your resource doesn’t exist.")
}

func errTaken() error {
	return api.WAFDuplicateItemException.Errorf("AWS WAF couldn’t perform the operation because some resource in your request is a duplicate of an existing one.")
}

func errLock() error {
	return api.WAFOptimisticLockException.Errorf("AWS WAF couldn’t save your changes because someone changed the resource after you started to edit it. Reapply your changes.")
}

func errInUse() error {
	return api.WAFAssociatedItemException.Errorf("AWS WAF couldn’t perform the operation because your resource is being used by another resource or it’s associated with another resource.")
}

func errParameter(reason, field, value string) error {
	return api.WAFInvalidParameterException.Errorf("Error reason: %s, field: %s, parameter: %s", reason, field, value)
}

// refusal says what rules are that cannot be: what is not answered yet, by its
// name.
func refusal(err error) error {
	if lack, ok := errors.AsType[*firewall.Lack](err); ok {
		return aws.NotImplemented.Errorf("Aloft does not answer wafv2 rules with %s yet.", lack)
	}
	return err
}
