package firehose

import (
	"strings"
	"time"

	"github.com/aloft-cloud/aloft/internal/javatime"
)

// Namespaces of expressions in prefixes.
const (
	ofTime     = "timestamp"
	ofFirehose = "firehose"
	fromQuery  = "partitionKeyFromQuery"
	fromLambda = "partitionKeyFromLambda"
)

const (
	errorOutputType = "error-output-type"
	randomString    = "random-string"

	usualTimes = "yyyy/MM/dd/HH/" // below prefixes without expressions
)

// A prefix is what names of objects begin with: text and expressions.
type prefix []prefixPart

// A prefixPart is text, without a namespace, or an expression.
type prefixPart struct{ namespace, value string }

// parsePrefix reads a prefix.
func parsePrefix(text string) (prefix, error) {
	var out prefix
	for {
		before, rest, found := strings.Cut(text, "!{")
		if before != "" {
			out = append(out, prefixPart{value: before})
		}
		if !found {
			return out, nil
		}
		inside, after, closed := strings.Cut(rest, "}")
		namespace, value, ok := strings.Cut(inside, ":")
		if !closed || !ok || value == "" {
			return nil, invalid("Invalid prefix: the expression !{%s is not of the form !{namespace:value}.", inside)
		}
		switch namespace {
		case ofTime:
			if _, err := javatime.Parse(value); err != nil {
				return nil, invalid("Invalid prefix: %s is not a valid timestamp format: %s", value, err)
			}
		case ofFirehose:
			if value != errorOutputType && value != randomString {
				return nil, invalid("Invalid prefix: !{firehose:%s} is not supported.", value)
			}
		case fromQuery, fromLambda:
		default:
			return nil, invalid("Invalid prefix: the namespace %s is not supported.", namespace)
		}
		out = append(out, prefixPart{namespace, value})
		text = after
	}
}

// has says whether a prefix has an expression; any of the namespace for "".
func (p prefix) has(namespace, value string) bool {
	for _, part := range p {
		if part.namespace == namespace && (value == "" || part.value == value) {
			return true
		}
	}
	return false
}

// dynamic says whether a prefix has expressions.
func (p prefix) dynamic() bool {
	for _, part := range p {
		if part.namespace != "" {
			return true
		}
	}
	return false
}

// Facts are what expressions say.
type facts struct {
	at      time.Time // in its zone
	failure string    // kind of failure
	random  string
	keys    map[string]string // by namespace and name
}

// evaluate returns the prefix for f. One without expressions gets the kind of
// failure, if it is for failures, and the time.
func (p prefix) evaluate(f *facts) string {
	var b strings.Builder
	for _, part := range p {
		switch part.namespace {
		case "":
			b.WriteString(part.value)
		case ofTime:
			format, _ := javatime.Parse(part.value) // it was checked when it was set
			b.WriteString(format.Format(f.at))
		case ofFirehose:
			if part.value == errorOutputType {
				b.WriteString(f.failure)
			} else {
				b.WriteString(f.random)
			}
		default:
			b.WriteString(f.keys[part.namespace+":"+part.value])
		}
	}
	if p.dynamic() {
		return b.String()
	}
	if f.failure != "" {
		b.WriteString(f.failure + "/")
	}
	format, _ := javatime.Parse(usualTimes)
	return b.String() + format.Format(f.at)
}
