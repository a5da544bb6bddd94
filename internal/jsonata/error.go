package jsonata

import (
	"errors"
	"fmt"
	"runtime"
	"strings"

	"github.com/aloft-cloud/aloft/internal/tree"
)

// Error is a refusal of an expression, with the code that JSONata has for it.
type Error struct {
	Code    string // S0202, T1006 ...
	Message string
	Offset  int // in the expression, where that is known
}

func (e *Error) Error() string { return e.Code + ": " + e.Message }

// Message is what an error says, without its code.
func Message(err error) string {
	var e *Error
	if errors.As(err, &e) {
		return e.Message
	}
	return err.Error()
}

// Bounded reports whether err says that an expression needs too much.
func Bounded(err error) bool {
	var e *Error
	return errors.As(err, &e) && strings.HasPrefix(e.Code, "U")
}

// messages are those of the codes; {} stands for arguments.
var messages = map[string]string{
	"S0101": "String literal must be terminated by a matching quote",
	"S0102": "Number out of range: {}",
	"S0103": "Unsupported escape sequence: \\{}",
	"S0104": "The escape sequence \\u must be followed by 4 hex digits",
	"S0105": "Quoted property name must be terminated with a backquote (`)",
	"S0106": "Comment has no closing tag",
	"S0201": "Syntax error: {}",
	"S0202": "Expected {}, got {}",
	"S0203": "Expected {} before end of expression",
	"S0204": "Unknown operator: {}",
	"S0207": "Unexpected end of expression",
	"S0208": "Parameter {} of function definition must be a variable name (start with $)",
	"S0209": "A predicate cannot follow a grouping expression in a step",
	"S0210": "Each step can only have one grouping expression",
	"S0211": "The symbol {} cannot be used as a unary operator",
	"S0212": "The left side of := must be a variable name (start with $)",
	"S0213": "The literal value {} cannot be used as a step within a path expression",
	"S0214": "The right side of {} must be a variable name (start with $)",
	"S0215": "A context variable binding must precede any predicates on a step",
	"S0216": "A context variable binding must precede the 'order-by' clause on a step",
	"S0217": "The object representing the 'parent' cannot be derived from this expression",
	"S0301": "Empty regular expressions are not allowed",
	"S0302": "No terminating / in regular expression",
	"S0303": "The regular expression {} is not supported: {}",
	"S0401": "Type parameters can only be applied to functions and arrays",
	"S0402": "Choice groups containing parameterized types are not supported",
	"T0410": "Argument {} of function {} does not match function signature",
	"T0411": "Context value is not a compatible type with argument {} of function {}",
	"T0412": "Argument {} of function {} must be an array of {}",
	"D1001": "Number out of range: {}",
	"D1002": "Cannot negate a non-numeric value: {}",
	"T1003": "Key in object structure must evaluate to a string; got: {}",
	"D1004": "Regular expression matches zero length string",
	"T1005": "Attempted to invoke a non-function. Did you mean ${}?",
	"T1006": "Attempted to invoke a non-function",
	"T1007": "Attempted to partially apply a non-function. Did you mean ${}?",
	"T1008": "Attempted to partially apply a non-function",
	"D1009": "Multiple key definitions evaluate to same key: {}",
	"T1010": "The matcher function argument passed to function {} does not return the correct object structure",
	"T2001": "The left side of the {} operator must evaluate to a number",
	"T2002": "The right side of the {} operator must evaluate to a number",
	"T2003": "The left side of the range operator (..) must evaluate to an integer",
	"T2004": "The right side of the range operator (..) must evaluate to an integer",
	"T2006": "The right side of the function application operator ~> must be a function",
	"T2007": "Type mismatch when comparing values {} and {} in order-by clause",
	"T2008": "The expressions within an order-by clause must evaluate to numeric or string values",
	"T2009": "The values {} and {} either side of operator {} must be of the same data type",
	"T2010": "The expressions either side of operator {} must evaluate to numeric or string values",
	"T2011": "The insert/update clause of the transform expression must evaluate to an object: {}",
	"T2012": "The delete clause of the transform expression must evaluate to a string or array of strings: {}",
	"D2014": "The size of the sequence allocated by the range operator (..) must not exceed 1e6.  Attempted to allocate {}.",
	"D3001": "Attempting to invoke string function on Infinity or NaN",
	"D3010": "Second argument of replace function cannot be an empty string",
	"D3011": "Fourth argument of replace function must evaluate to a positive number",
	"D3012": "Attempted to replace a matched string with a non-string value",
	"D3020": "Third argument of split function must evaluate to a positive number",
	"D3030": "Unable to cast value to a number: {}",
	"D3040": "Third argument of match function must evaluate to a positive number",
	"D3050": "The second argument of reduce function must be a function with at least two arguments",
	"D3060": "The sqrt function cannot be applied to a negative number: {}",
	"D3061": "The power function has resulted in a value that cannot be represented as a JSON number: base={}, exponent={}",
	"D3070": "The single argument form of the sort function can only be applied to an array of strings or an array of numbers.  Use the second argument to specify a comparison function",
	"D3080": "The picture string must only contain a maximum of two sub-pictures",
	"D3081": "The sub-picture must not contain more than one instance of the 'decimal-separator' character",
	"D3082": "The sub-picture must not contain more than one instance of the 'percent' character",
	"D3083": "The sub-picture must not contain more than one instance of the 'per-mille' character",
	"D3084": "The sub-picture must not contain both a 'percent' and a 'per-mille' character",
	"D3085": "The mantissa part of a sub-picture must contain at least one character that is either an 'optional digit character' or a member of the 'decimal digit family'",
	"D3086": "The sub-picture must not contain a passive character that is preceded by an active character and that is followed by another active character",
	"D3087": "The sub-picture must not contain a 'grouping-separator' character that appears adjacent to a 'decimal-separator' character",
	"D3088": "The sub-picture must not contain a 'grouping-separator' at the end of the integer part",
	"D3089": "The sub-picture must not contain two adjacent instances of the 'grouping-separator' character",
	"D3090": "The integer part of the sub-picture must not contain a member of the 'decimal digit family' that is followed by an instance of the 'optional digit character'",
	"D3091": "The fractional part of the sub-picture must not contain an instance of the 'optional digit character' that is followed by a member of the 'decimal digit family'",
	"D3092": "A sub-picture that contains a 'percent' or 'per-mille' character must not contain a character treated as an 'exponent-separator'",
	"D3093": "The exponent part of the sub-picture must comprise only of one or more characters that are members of the 'decimal digit family'",
	"D3100": "The radix of the formatBase function must be between 2 and 36.  It was given {}",
	"D3110": "The argument of the toMillis function must be an ISO 8601 formatted timestamp. Given {}",
	"D3120": "Syntax error in expression passed to function eval: {}",
	"D3121": "Dynamic error evaluating the expression passed to function eval: {}",
	"D3130": "Formatting or parsing an integer as a sequence starting with {} is not supported by this implementation",
	"D3131": "In a decimal digit pattern, all digits must be from the same decimal group",
	"D3132": "Unknown component specifier {} in date/time picture string",
	"D3133": "The 'name' modifier can only be applied to months and days in the date/time picture string, not {}",
	"D3134": "The timezone integer format specifier cannot have more than four digits",
	"D3135": "No matching closing bracket ']' in date/time picture string",
	"D3136": "The date/time picture string is missing specifiers required to parse the timestamp",
	"D3137": "{}",
	"D3138": "The $single() function expected exactly 1 matching result.  Instead it matched more.",
	"D3139": "The $single() function expected exactly 1 matching result.  Instead it matched 0.",
	"D3140": "Malformed URL passed to ${}(): {}",
	"D3141": "{}",
	"U1001": "Stack overflow error: Check for non-terminating recursive function.  Consider rewriting as tail-recursive.",
	"U1002": "Expression evaluation timeout: Check for infinite loop",
	"U1003": "The expression needs too much memory",
}

// plain are the codes whose arguments stand in their message without quotes.
var plain = map[string]bool{"S0303": true, "T1005": true, "T1007": true, "D3137": true, "D3140": true, "D3141": true}

func newError(code string, args ...any) *Error {
	parts := strings.Split(messages[code], "{}")
	var b strings.Builder
	for i, p := range parts {
		if i > 0 && i <= len(args) {
			b.WriteString(shown(args[i-1], plain[code]))
		}
		b.WriteString(p)
	}
	return &Error{Code: code, Message: b.String()}
}

func shown(v any, plain bool) string {
	switch v := v.(type) {
	case string:
		if plain {
			return v
		}
		return string(tree.AppendString(nil, v))
	case int:
		return fmt.Sprint(v)
	}
	if f, ok := v.(float64); ok {
		return tree.String(outputFloat(f))
	}
	return stringify(v)
}

// fail ends the evaluation or the parsing; Eval and Parse recover from it.
func fail(code string, args ...any) {
	panic(newError(code, args...))
}

func failAt(pos int, code string, args ...any) {
	e := newError(code, args...)
	e.Offset = pos
	panic(e)
}

// rescue turns what fail threw into an error. A mistake of ours is one too, of
// the code U1000: an expression must not stop a server.
func rescue(err *error) {
	switch r := recover().(type) {
	case nil:
	case *Error:
		*err = r
	case runtime.Error:
		*err = &Error{Code: "U1000", Message: "Internal error: " + r.Error()}
	default:
		panic(r)
	}
}
