package main

import (
	_ "embed"
	"regexp"
	"strings"
)

// What AWS refuses in the same words, or what is not to be had any more, says
// nothing of Aloft: it is told apart, by these words.
var (
	alike = []struct {
		words *regexp.Regexp
		why   string
	}{
		{regexp.MustCompile(`The bucket does not allow ACLs`), "since April 2023 new buckets allow no ACLs, and the template does not say otherwise"},
		{regexp.MustCompile(`because public policies are blocked by`), "since April 2023 new buckets block public policies, and the template does not say otherwise"},
		{regexp.MustCompile(`iam:PassRole on resource: arn:aws:iam::\d+:role/`), "it names a role of its author's account"},
		{regexp.MustCompile(`at 'runtime' failed to satisfy constraint`), "its runtime is none, or one that can no longer be chosen"},
		{regexp.MustCompile(`names src/[\w/]*, which is not there`), "it names sources that it does not have"},
		{regexp.MustCompile(`Expected value of type Object at /States/QueryLanguage`), "its state machine has a member where a state belongs"},
		{regexp.MustCompile(`Resource must be in ARN format or "\*"`), "it wants the ARN of a secret written into it"},
		{regexp.MustCompile(`<NodeBaseLayer>`), "it wants layers written into it"},
		{regexp.MustCompile(`<your-bucket-name>`), "it wants the name of a bucket written into it"},
		{regexp.MustCompile(`No hosted zone found with ID: none`), "it has no zone, and no condition for that"},
		{regexp.MustCompile(`config/iam\.yml`), "its file has another name"},
		{regexp.MustCompile(`<INSERT_YOUR_HTTPS_TARGET_URL>`), "it wants a URL written into it"},
		{regexp.MustCompile(`'null' values are not allowed in templates`), "it wants keys written into it"},
		{regexp.MustCompile(`No export named [^ ]+ found`), "it imports what another stack is to export first"},
		{regexp.MustCompile(`^(?:\w+::)+MODULE(?:, (?:\w+::)+MODULE)*$`), "its modules are to be registered first, which its pipeline does"},
		{regexp.MustCompile(`layer arn:aws:lambda:[\w-]+:123456789012:`), "it names a layer of an account that its user is to put there"},
		{regexp.MustCompile(`Template format error|Template error: instance of Fn::GetAtt references undefined|Unresolved resource dependencies|Invalid template (?:resource )?property|resource SQSQueue with message: \[#: extraneous key \[Name\]|property \w+ not defined for resource of type|expected type: \w+, found|has no EntryPoints`), "its template is not valid"},
		{regexp.MustCompile(`AliasTarget, all of .TTL, and ResourceRecords., or TrafficPolicyInstanceId., but found more than one`), "its record is an alias with a time to live, which aliases do not have"},
		{regexp.MustCompile(`Error locating assembly descriptor`), "its build names a file that it does not have"},
		{regexp.MustCompile(`Parameter ScheduleExpression is not valid`), "its schedule is none"},
		{regexp.MustCompile(`Invalid value for the parameter Policy\.|Policy at index \d+ in the 'Policies' property is not valid`), "its policy is none"},
		{regexp.MustCompile(`Unable to parse API definition`), "its API definition is not valid"},
		{regexp.MustCompile(`S3 error: The specified bucket does not exist`), "the bucket of its nested templates is gone"},
		{regexp.MustCompile(`The specified bucket is not valid`), "its bucket has no valid name"},
		{regexp.MustCompile(`at 'eventSourceArn' failed to satisfy constraint`), "it wants the ARN of a stream written into it"},
	}
	gone = []struct {
		words *regexp.Regexp
		why   string
	}{
		{regexp.MustCompile(`(?i)npm error (?:code|notarget) (?:E404|ETARGET|No matching version)|404 Not Found - GET https://registry\.npmjs`), "a package that it needs is not published"},
		{regexp.MustCompile(`Could not find artifact|was not found in https://repo\.maven`), "a version of a package that it needs was not to be had"},
		{regexp.MustCompile(`macro AWS::CodeStar`), "CodeStar is no more"},
		{regexp.MustCompile(`go\.mod file not found|no required module provides package`), "it is built as Go was before modules"},
		{regexp.MustCompile(`dep ensure`), "it is built with dep, which is no more"},
		{regexp.MustCompile(`services\.gradle\.org|gradlew[^:]*: (?:exit status|fork/exec)`), "Gradle, which builds it, was not to be had"},
		{regexp.MustCompile(`failed to resolve address for github\.com|Could not resolve host: github\.com`), "what it has from github.com was not to be had"},
		{regexp.MustCompile(`node_modules/sharp`), "the libraries of a version of sharp that it needs are on github.com, and were not to be had"},
		{regexp.MustCompile(`jbang: No such file`), "JBang, which builds it, was not to be had"},
		{regexp.MustCompile(`docker run.*Cannot connect to the Docker daemon`), "it is built in an image, and images were not to be had"},
		{regexp.MustCompile(`cdk synth: dotnet run`), ".NET, in which its templates are written, was not to be had"},
	}
)

// failsAlike is what functions say that cannot run on AWS either.
var failsAlike = []struct {
	words *regexp.Regexp
	why   string
}{
	{regexp.MustCompile(`Cannot find (?:module|package) 'aws-sdk'`), "it asks for version 2 of the AWS SDK, which its runtime does not have"},
	{regexp.MustCompile(`Runtime\.HandlerNotFound`), "its module does not have the handler that its template names"},
	{regexp.MustCompile(`jackson.annotation.JsonSerializeAs`), "it builds with versions of its libraries that do not fit together"},
}

// python2 is what Python 3 says of sources of Python 2.
var python2 = regexp.MustCompile(`No module named '?(?:urllib2|urlparse|StringIO|httplib|ConfigParser|Queue)\b|module 'urllib' has no attribute|Missing parentheses in call to`)

// judgedText has what was found out by reading the sources of applications that
// do not answer: a line for each, its name, its class and why.
//
//go:embed judged.txt
var judgedText string

// judged are the lines of judgedText, by the names of applications.
var judged = func() map[string][2]string {
	all := make(map[string][2]string)
	for line := range strings.Lines(judgedText) {
		if part := strings.SplitN(strings.TrimSpace(line), " | ", 3); len(part) == 3 {
			all[part[0]] = [2]string{part[1], part[2]}
		}
	}
	return all
}()

// judgedOf is the class that was found for a result that does not answer.
func judgedOf(res *result) (class, why string) {
	if of, ok := judged[res.Name]; ok && !res.Answers && (res.What == works || res.What == other) {
		return of[0], of[1]
	}
	return classed, ""
}

// Classes of applications that tell nothing of Aloft.
const (
	awsToo  = "AWS refuses it too"
	noMore  = "wants what is gone"
	wants   = "wants what is not here"
	answers = "answers"
	classed = "" // what was said is what it is
)

// classOf is the class of a result, and why it is of that.
func classOf(res *result) (class, why string) {
	if class, why := judgedOf(res); class == awsToo || class == noMore {
		return class, why
	}
	if res.What == works {
		if !res.Answers && python2.MatchString(res.Words) {
			return noMore, "it is written in Python 2, for which AWS has no runtime any more"
		}
		for _, f := range failsAlike {
			if !res.Answers && f.words.MatchString(res.Words) {
				return awsToo, f.why
			}
		}
		return classed, ""
	}
	if strings.Contains(res.Words, "placeholder") {
		return classed, "" // what was given to it is not its own
	}
	for _, a := range alike {
		if a.words.MatchString(res.Words) {
			return awsToo, a.why
		}
	}
	if res.What != other {
		return classed, ""
	}
	for _, g := range gone {
		if g.words.MatchString(res.Words) {
			return noMore, g.why
		}
	}
	return classed, ""
}

// wantsOf is what an application wants that is not here.
func wantsOf(res *result) string {
	if class, why := judgedOf(res); class == wants {
		return why
	}
	return res.Wants
}
