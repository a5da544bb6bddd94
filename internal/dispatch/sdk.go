package dispatch

import (
	"slices"
	"strings"

	"github.com/aloft-cloud/aloft/internal/smithy"
)

// An SDKOperation is what a universal target, as aws-sdk:sqs:sendMessage, calls.
type SDKOperation struct {
	Service, Name string // of its row
	Answered      bool   // there is one
}

// FindSDK returns the operation that SDKs know as action of sdk. A service
// that the table does not have, and a name that its service does not have, is
// no operation.
func (t *Table) FindSDK(sdk, action string) (found SDKOperation, ok bool) {
	name := strings.ToUpper(action[:min(1, len(action))]) + action[min(1, len(action)):]
	for _, def := range t.services {
		if strings.NewReplacer(" ", "", "-", "").Replace(strings.ToLower(def.API.SDKID)) != strings.ToLower(sdk) {
			continue
		}
		if slices.ContainsFunc(def.API.Operations, func(op smithy.OperationInfo) bool { return op.Name == name }) {
			return SDKOperation{def.API.Name, name, t.rows[def.API.Name][name] != nil}, true
		}
	}
	return found, false
}
