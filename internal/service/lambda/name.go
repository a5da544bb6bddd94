package lambda

import (
	"strings"

	"github.com/aloft-cloud/aloft/internal/aws"
)

// latest is the name of the version that can be changed.
const latest = "$LATEST"

const functionKind = "function:"

// A ref is a function as a caller names it.
type ref struct {
	function  aws.ARN // without version
	qualifier string  // version or alias; empty if none was named
}

// arn is the function with the version or alias that was named.
func (r ref) arn() aws.ARN {
	a := r.function
	if r.qualifier != "" {
		a.Resource += ":" + r.qualifier
	}
	return a
}

// latest is arn with $LATEST if no version was named.
func (r ref) latest() aws.ARN {
	if r.qualifier == "" {
		r.qualifier = latest
	}
	return r.arn()
}

// name is the name of a function by its ARN.
func name(function aws.ARN) string { return strings.TrimPrefix(function.Resource, functionKind) }

// isAlias reports whether a qualifier can only be an alias.
func isAlias(qualifier string) bool {
	return !isNumber(qualifier) && !strings.Contains(qualifier, "$")
}

func isNumber(s string) bool { return s != "" && strings.Trim(s, "0123456789") == "" }

// guess reads a function's name in any of its forms: name, ACCOUNT:function:name,
// or an ARN, each with a version or alias after it or without. Names that the
// model's pattern does not match give nothing of use.
func guess(call *aws.Call, text, qualifier string) ref {
	r := ref{function: call.ARN("lambda", ""), qualifier: qualifier}
	parts := strings.Split(text, ":")
	if len(parts) > 3 && parts[0] == "arn" {
		parts = parts[3:]
		if len(parts) > 1 {
			r.function.Region, parts = parts[0], parts[1:]
		}
	}
	if len(parts) > 1 && len(parts[0]) == 12 && isNumber(parts[0]) {
		r.function.Account, parts = parts[0], parts[1:]
	}
	if len(parts) > 1 && parts[0] == "function" {
		parts = parts[1:]
	}
	r.function.Resource = functionKind + parts[0]
	if len(parts) > 1 && qualifier == "" {
		r.qualifier = strings.Join(parts[1:], ":")
	}
	return r
}

// parseName reads a function's name and an input's qualifier, and refuses
// those that contradict each other or the region.
func parseName(call *aws.Call, text string, qualifier *string) (ref, error) {
	r := guess(call, text, "")
	if r.function.Region != call.Region {
		return r, errRegion(call, r.function.Region)
	}
	if qualifier != nil {
		if r.qualifier != "" && r.qualifier != *qualifier {
			return r, invalid("The derived qualifier from the function name does not match the specified qualifier.")
		}
		r.qualifier = *qualifier
	}
	return r, nil
}

// parseFunction reads the name of a function of which no version may be named.
func parseFunction(call *aws.Call, text string) (aws.ARN, error) {
	r, err := parseName(call, text, nil)
	if err == nil && r.qualifier != "" && r.qualifier != latest {
		err = invalid("This operation is permitted on Lambda functions only. Aliases and versions do not support this operation. Please specify either a function name or an unqualified function ARN.")
	}
	return r.function, err
}
