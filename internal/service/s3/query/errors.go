package query

import (
	"fmt"
	"strings"

	"github.com/aloft-cloud/aloft/internal/aws"
)

// Fault returns the refusal of that code, in the words that S3 has for it.
func Fault(code, message string) error {
	return aws.Fault{Code: code, Status: 400}.With(nil, message)
}

// What is wrong with a statement, wherever in it.
const (
	wordsChar       = "The SQL expression contains a character that is not valid."
	wordsLiteral    = "The SQL expression contains an operator that is not valid."
	wordsToken      = "The SQL expression contains an unexpected token."
	wordsKeyword    = "The expected keyword in the SQL expression was not found."
	wordsExpression = "The expected SQL expression was not found."
	wordsLeft       = "The expected left parenthesis in the SQL expression was not found."
	wordsRight      = "The expected right parenthesis character in the SQL expression was not found."
	wordsCast       = "An attempt to convert from one data type to another using CAST failed in the SQL expression."
	wordsArgument   = "An incorrect argument type was specified in a function call in the SQL expression."
	wordsArity      = "There is an incorrect number of arguments in the function call in the SQL expression."
	wordsOverflow   = "An integer overflow or underflow occurred in the SQL expression."
	wordsStructure  = "S3 encountered an unsupported SQL structure. Check the SQL Reference."
)

// place says where in text is at.
func place(text string, at int) string {
	before := text[:at]
	line := strings.LastIndexByte(before, '\n')
	return fmt.Sprintf(" At line %d, column %d.", strings.Count(before, "\n")+1, at-line)
}
