package asl

import (
	"fmt"

	"github.com/aloft-cloud/aloft/internal/tree"
)

// The limits of the service that the language feels.
const (
	MaxDefinition = 1 << 20   // bytes of a definition
	MaxPayload    = 256 << 10 // bytes of an input, result or output
	MaxVariable   = 256 << 10 // bytes of one variable
	MaxVariables  = 256 << 10 // bytes assigned by one Assign
	MaxStored     = 10 << 20  // bytes of all variables of an execution
)

// CheckSize refuses a result or output that is too large; of is the state's
// name, or the resource of the task that gave it.
func CheckSize(v Value, of string) *Error {
	if len(tree.Append(nil, v)) <= MaxPayload {
		return nil
	}
	return &Error{ErrDataLimitExceeded, fmt.Sprintf(
		"The state/task '%s' returned a result with a size exceeding the maximum number of bytes service limit.", of)}
}
