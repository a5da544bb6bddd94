package serverless

import (
	"regexp"
	"strings"
	"unicode"
)

// Names and logical ids are those of the framework: applications refer to them.

func upperFirst(s string) string {
	if s == "" {
		return s
	}
	return strings.ToUpper(s[:1]) + s[1:]
}

var notAlphanumeric = regexp.MustCompile(`[^0-9A-Za-z]`)

// alphanumeric is what ids keep of the names of topics, queues and buckets.
func alphanumeric(s string) string {
	return upperFirst(notAlphanumeric.ReplaceAllString(s, ""))
}

// logical is what ids keep of the names of functions, layers and authorizers.
func logical(name string) string {
	return upperFirst(strings.NewReplacer("-", "Dash", "_", "Underscore").Replace(name))
}

func functionID(key string) string { return logical(key) + "LambdaFunction" }
func logGroupID(key string) string { return logical(key) + "LogGroup" }

const (
	roleID    = "IamRoleLambdaExecution"
	bucketID  = "ServerlessDeploymentBucket"
	restID    = "ApiGatewayRestApi"
	httpAPIID = "HttpApi"
	socketID  = "WebsocketsApi"
)

var pathVariable = regexp.MustCompile(`\{(.*)\}`)

// pathPart is what ids keep of one part of a path.
func pathPart(part string) string {
	part = upperFirst(strings.ToLower(part))
	part = strings.ReplaceAll(part, "-", "Dash")
	part = pathVariable.ReplaceAllString(part, "${1}Var")
	return alphanumeric(part)
}

// pathName is what ids keep of a path.
func pathName(path string) string {
	var b strings.Builder
	for part := range strings.SplitSeq(path, "/") {
		b.WriteString(pathPart(part))
	}
	return b.String()
}

func methodID(path, method string) string {
	return "ApiGatewayMethod" + pathName(path) + upperFirst(strings.ToLower(method))
}

var words = regexp.MustCompile(`[A-Z]+[a-z]*|[a-z]+|[0-9]+`)

// camelCase joins the words of s, each with a capital.
func camelCase(s string) string {
	var b strings.Builder
	for _, w := range words.FindAllString(s, -1) {
		b.WriteString(upperFirst(strings.ToLower(w)))
	}
	return b.String()
}

// startCase joins the words of s, as they are but with a capital first.
func startCase(s string) string {
	var b strings.Builder
	for _, w := range words.FindAllString(s, -1) {
		b.WriteString(upperFirst(w))
	}
	return b.String()
}

// routeName is what ids keep of a WebSocket route.
func routeName(route string) string {
	return strings.NewReplacer("$", "S", "/", "Slash", "-", "Dash", "_", "Underscore", ".", "Period").Replace(route)
}

// onlyLetters drops what ids may not have from a digest.
func onlyLetters(digest string) string {
	return strings.Map(func(r rune) rune {
		if r < unicode.MaxASCII && (unicode.IsLetter(r) || unicode.IsDigit(r)) {
			return r
		}
		return -1
	}, digest)
}
