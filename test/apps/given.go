package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"regexp/syntax"
	"strconv"
	"strings"
	"time"

	cfn "github.com/aloft-cloud/aloft/internal/api/cloudformation"
	"github.com/aloft-cloud/aloft/internal/api/iam"
	"github.com/aloft-cloud/aloft/internal/api/kinesis"
	"github.com/aloft-cloud/aloft/internal/api/sns"
	"github.com/aloft-cloud/aloft/internal/api/sqs"
	"github.com/aloft-cloud/aloft/internal/api/ssm"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/client"
	"github.com/aloft-cloud/aloft/internal/deploy/template"
)

// given is what a user gives to an application that asks for it.
type given struct {
	runner     *runner
	app        application
	stack      string
	env        map[string]string
	parameters map[string]string
	built      map[string]bool // directories
	copied     map[string]bool // files
}

func (r *runner) given(a application) *given {
	g := &given{
		runner: r, app: a, env: make(map[string]string), parameters: make(map[string]string),
		built: make(map[string]bool), copied: make(map[string]bool),
	}
	// A short name, as people give to `sam deploy --guided`.
	g.stack = strings.Trim(regexp.MustCompile(`[^A-Za-z0-9]+`).ReplaceAllString(filepath.Base(a.name), "-"), "-")
	if len(g.stack) > 16 {
		g.stack = strings.Trim(g.stack[:16], "-")
	}
	if g.stack == "" || g.stack[0] <= '9' {
		g.stack = "app-" + g.stack
	}
	if r.stacks[g.stack]++; r.stacks[g.stack] > 1 {
		g.stack = fmt.Sprintf("%s-%d", g.stack, r.stacks[g.stack]) // two of a repository are called so
	}
	if a.kind == kindSAM || a.kind == kindPlain {
		g.fill()
	}
	return g
}

func (g *given) environ() []string {
	var list []string
	for name, value := range g.env {
		list = append(list, name+"="+value)
	}
	return list
}

func (g *given) flags() []string {
	var list []string
	for name, value := range g.parameters {
		list = append(list, "--parameter", name+"="+value)
	}
	return list
}

// toFill are defaults that say that the user is to put something else.
var toFill = regexp.MustCompile(`(?i)\benter\b|enter_?your|notpassed|\byour[ _-]|^<.*>$|replace|change-?me|^xxx|^\.\.\.$`)

// fill gives each parameter of a template that wants one a value that fits.
func (g *given) fill() {
	text, err := os.ReadFile(g.app.file)
	if err != nil {
		return
	}
	doc, err := template.Parse(string(text), template.Options{Aliases: true})
	if err != nil {
		return
	}
	declared, _ := doc.Root["Parameters"].(map[string]any)
	for name, d := range declared {
		p, _ := d.(map[string]any)
		if byDefault, ok := p["Default"]; p == nil || ok && !toFill.MatchString(fmt.Sprint(byDefault)) {
			continue
		}
		uses := make(map[string]bool)
		usesOf(doc.Root["Resources"], name, "", uses)
		g.parameters[name] = g.value(name, p, uses)
	}
}

// usesOf finds the properties that refer to a parameter.
func usesOf(v any, name, path string, uses map[string]bool) {
	switch v := v.(type) {
	case map[string]any:
		if typ, ok := v["Type"].(string); ok && strings.HasPrefix(typ, "AWS::") {
			path = typ
		}
		if v["Ref"] == name {
			uses[path] = true
		}
		for key, inner := range v {
			to := path
			if !strings.HasPrefix(key, "Fn::") && key != "Properties" {
				to += "." + key
			}
			usesOf(inner, name, to, uses)
		}
	case []any:
		for _, inner := range v {
			usesOf(inner, name, path, uses)
		}
	case string:
		if strings.Contains(v, "${"+name+"}") {
			uses[path+" in "+v] = true
		}
	}
}

// value is one that a parameter's type, its constraints and its uses like.
func (g *given) value(name string, p map[string]any, uses map[string]bool) string {
	typ, _ := p["Type"].(string)
	if allowed, _ := p["AllowedValues"].([]any); len(allowed) > 0 {
		return fmt.Sprint(allowed[0])
	}
	if strings.Contains(typ, "Number") {
		if least, ok := p["MinValue"]; ok {
			return fmt.Sprint(least)
		}
		return "1"
	}
	if strings.HasPrefix(typ, "AWS::SSM::Parameter") {
		g.make("{roleName}", nil) // of roles that are named there, one is there
		g.ssm("/placeholder/"+name, "placeholder")
		return "/placeholder/" + name
	}
	words := strings.ToLower(name + " " + typ)
	for use := range uses {
		words += " " + strings.ToLower(use)
	}
	for _, w := range []string{words, strings.ToLower(fmt.Sprint(p["Description"]))} {
		for _, c := range g.candidates(w, uses) {
			if fits(c, p) {
				return c
			}
		}
	}
	pattern, _ := p["AllowedPattern"].(string)
	for _, c := range []string{"placeholder", "Placeholder1!", "placeholder1", "1", "123456789012", "placeholderplaceholder", example(pattern)} {
		if fits(c, p) {
			return c
		}
	}
	return "placeholder"
}

// fits says whether a value satisfies a parameter's constraints.
func fits(value string, p map[string]any) bool {
	if pattern, ok := p["AllowedPattern"].(string); ok {
		re, err := regexp.Compile("^(?:" + pattern + ")$")
		if err == nil && !re.MatchString(value) {
			return false
		}
	}
	least, err := strconv.Atoi(fmt.Sprint(p["MinLength"]))
	if err == nil && len(value) < least {
		return false
	}
	most, err := strconv.Atoi(fmt.Sprint(p["MaxLength"]))
	return err != nil || len(value) <= most
}

// example is a short text that a pattern matches.
func example(pattern string) string {
	re, err := syntax.Parse(pattern, syntax.Perl)
	if err != nil {
		return ""
	}
	return exampleOf(re.Simplify())
}

func exampleOf(re *syntax.Regexp) string {
	switch re.Op {
	case syntax.OpLiteral:
		return string(re.Rune)
	case syntax.OpCharClass:
		for _, want := range "a1A" {
			for i := 0; i < len(re.Rune); i += 2 {
				if re.Rune[i] <= want && want <= re.Rune[i+1] {
					return string(want)
				}
			}
		}
		return string(re.Rune[:1])
	case syntax.OpAnyChar, syntax.OpAnyCharNotNL:
		return "a"
	case syntax.OpCapture, syntax.OpPlus, syntax.OpAlternate:
		return exampleOf(re.Sub[0])
	case syntax.OpConcat:
		all := ""
		for _, sub := range re.Sub {
			all += exampleOf(sub)
		}
		return all
	}
	return ""
}

// candidates are values for what words speak of, the most fitting first.
func (g *given) candidates(words string, uses map[string]bool) []string {
	var list []string
	for _, k := range kinds {
		if k.words.MatchString(words) {
			list = append(list, g.make(k.value, uses))
		}
	}
	return list
}

var kinds = []struct {
	words *regexp.Regexp
	value string
}{
	{regexp.MustCompile(`instance::id|instanceid`), "i-0123456789abcdef0"},
	{regexp.MustCompile(`vpcendpoint`), "vpce-0123456789abcdef0"},
	{regexp.MustCompile(`vpc::id|vpcid|\bvpc\b`), "vpc-0123456789abcdef0"},
	{regexp.MustCompile(`subnet`), "subnet-0123456789abcdef0"},
	{regexp.MustCompile(`securitygroup`), "sg-0123456789abcdef0"},
	{regexp.MustCompile(`image::id`), "ami-0123456789abcdef0"},
	{regexp.MustCompile(`keypair`), "placeholder"},
	{regexp.MustCompile(`availabilityzone`), "us-east-1a"},
	{regexp.MustCompile(`volumeid`), "fsvol-0123456789abcdef0"},
	{regexp.MustCompile(`certificate`), "arn:aws:acm:us-east-1:{account}:certificate/12345678-1234-1234-1234-123456789012"},
	{regexp.MustCompile(`hostedzone`), "Z0123456789ABCDEFGHIJ"},
	{regexp.MustCompile(`imageuri`), "{account}.dkr.ecr.us-east-1.amazonaws.com/placeholder:latest"},
	{regexp.MustCompile(`userpool.*arn|arn.*userpool`), "arn:aws:cognito-idp:us-east-1:{account}:userpool/us-east-1_Placehold"},
	{regexp.MustCompile(`userpool`), "us-east-1_Placehold"},
	{regexp.MustCompile(`msk|kafka`), "arn:aws:kafka:us-east-1:{account}:cluster/placeholder/12345678-1234-1234-1234-123456789012-1"},
	{regexp.MustCompile(`broker`), "arn:aws:mq:us-east-1:{account}:broker:placeholder:b-12345678-1234-1234-1234-123456789012"},
	{regexp.MustCompile(`secret.*arn|arn.*secret`), "arn:aws:secretsmanager:us-east-1:{account}:secret:placeholder-AbCdEf"},
	{regexp.MustCompile(`topic.*arn|arn.*topic`), "{topic}"},
	{regexp.MustCompile(`queue.*arn|arn.*queue`), "{queue}"},
	{regexp.MustCompile(`stream.*arn|arn.*stream`), "{stream}"},
	{regexp.MustCompile(`layer.*arn|arn.*layer`), "arn:aws:lambda:us-east-1:{account}:layer:placeholder:1"},
	{regexp.MustCompile(`statemachine.*arn|arn.*statemachine`), "arn:aws:states:us-east-1:{account}:stateMachine:placeholder"},
	{regexp.MustCompile(`key.*arn|arn.*key`), "arn:aws:kms:us-east-1:{account}:key/12345678-1234-1234-1234-123456789012"},
	{regexp.MustCompile(`(lambda|function).*arn`), "arn:aws:lambda:us-east-1:{account}:function:placeholder"},
	{regexp.MustCompile(`role.*arn|arn.*role`), "{role}"},
	{regexp.MustCompile(`bucket`), "{bucket}"},
	{regexp.MustCompile(`\.roles?\b|rolename`), "{roleName}"},
	{regexp.MustCompile(`mail|sender|recipient|notif|from|\bto\b`), "someone@example.com"},
	{regexp.MustCompile(`phone|sms`), "+14155550100"},
	{regexp.MustCompile(`origin|url|endpoint|webhook|destination`), "https://example.com/"},
	{regexp.MustCompile(`origin`), "https://example.com"},
	{regexp.MustCompile(`domain|hostname`), "app.example.com"},
	{regexp.MustCompile(`schedule`), "rate(1 day)"},
	{regexp.MustCompile(`account`), "{account}"},
	{regexp.MustCompile(`region`), "us-east-1"},
	{regexp.MustCompile(`cidr`), "10.0.0.0/16"},
	{regexp.MustCompile(`arn`), "arn:aws:iam::{account}:role/placeholder"},
	{regexp.MustCompile(`date|time`), "2030-01-01T00:00:00"},
	{regexp.MustCompile(`password`), "Placeholder-1!"},
	{regexp.MustCompile(`loggroup`), "/placeholder/log"},
	{regexp.MustCompile(`user|name`), "placeholder"},
}

// make returns a value of a kind, and makes what must be there already.
func (g *given) make(kind string, uses map[string]bool) string {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	c := g.runner.client()
	switch kind {
	case "{bucket}":
		name := fmt.Sprintf("placeholder-%s-%d", g.runner.owner(), len(g.parameters))
		for use := range uses {
			if strings.HasPrefix(use, "AWS::S3::Bucket.BucketName") {
				return name // the template makes it
			}
		}
		if response, err := c.Put(ctx, "/"+name, "", nil); err == nil {
			response.Body.Close()
		}
		return name
	case "{topic}":
		if out, err := client.Do(ctx, c, sns.CreateTopic, &sns.CreateTopicInput{Name: "placeholder"}); err == nil {
			return aws.Value(out.TopicArn)
		}
	case "{queue}":
		_, _ = client.Do(ctx, c, sqs.CreateQueue, &sqs.CreateQueueInput{QueueName: "placeholder"})
		return "arn:aws:sqs:us-east-1:" + g.runner.owner() + ":placeholder"
	case "{stream}":
		_, _ = client.Do(ctx, c, kinesis.CreateStream, &kinesis.CreateStreamInput{StreamName: "placeholder", ShardCount: new(int32(1))})
		return "arn:aws:kinesis:us-east-1:" + g.runner.owner() + ":stream/placeholder"
	case "{role}", "{roleName}":
		_, _ = client.Do(ctx, c, iam.CreateRole, &iam.CreateRoleInput{
			RoleName:                 "placeholder",
			AssumeRolePolicyDocument: `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"lambda.amazonaws.com"},"Action":"sts:AssumeRole"}]}`,
		})
		if kind == "{roleName}" {
			return "placeholder"
		}
		return "arn:aws:iam::" + g.runner.owner() + ":role/placeholder"
	}
	return strings.ReplaceAll(kind, "{account}", g.runner.owner())
}

// ssm keeps a parameter in the account.
func (g *given) ssm(name, value string) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	_, _ = client.Do(ctx, g.runner.client(), ssm.PutParameter, &ssm.PutParameterInput{Name: name, Value: value, Type: new("String")})
}

var (
	noVariable  = regexp.MustCompile(`the environment has no variable (\w+)`)
	noOption    = regexp.MustCompile(`there is no option ([\w-]+)`)
	noParameter = regexp.MustCompile(`there is no parameter ([\w./-]+)|Unable to fetch parameters \[([\w./-]+)`)
	noFile      = regexp.MustCompile(`there is no file ([\w./-]+)`)
	noCode      = regexp.MustCompile(`which is not there|no such file or directory`)
)

// learn does what words say is to be done first, and says whether it did.
func (g *given) learn(words string) bool {
	if m := noVariable.FindStringSubmatch(words); m != nil && g.env[m[1]] == "" {
		g.env[m[1]] = g.value(m[1], nil, nil)
		return true
	}
	if m := noOption.FindStringSubmatch(words); m != nil && g.parameters[m[1]] == "" {
		g.parameters[m[1]] = g.value(m[1], nil, nil)
		return true
	}
	if m := noParameter.FindStringSubmatch(words); m != nil {
		name := m[1] + m[2]
		if g.copied[name] {
			return false
		}
		g.copied[name] = true
		g.ssm(name, "placeholder")
		return true
	}
	if m := noFile.FindStringSubmatch(words); m != nil && !g.copied[m[1]] {
		g.copied[m[1]] = true
		return g.copyExample(m[1])
	}
	return noCode.MatchString(words) && g.build()
}

// copyExample makes a file of the example of it that is beside it.
func (g *given) copyExample(name string) bool {
	path := filepath.Join(g.app.dir, name)
	ext := filepath.Ext(path)
	stem := strings.TrimSuffix(path, ext)
	for _, mark := range []string{"example", "sample", "template", "dist"} {
		for _, from := range []string{path + "." + mark, stem + "." + mark + ext, stem + "-" + mark + ext, stem + "_" + mark + ext, filepath.Join(filepath.Dir(path), mark+"."+filepath.Base(path))} {
			text, err := os.ReadFile(from)
			if err == nil {
				return os.WriteFile(path, text, 0o644) == nil
			}
		}
	}
	return false
}

// build runs what builds the packages that a template names, as READMEs say.
func (g *given) build() bool {
	done := false
	for _, dir := range []string{g.app.dir, filepath.Dir(g.app.dir)} {
		if g.built[dir] || !strings.HasPrefix(dir, g.app.top) {
			continue
		}
		g.built[dir] = true
		has := func(name string) bool { _, err := os.Stat(filepath.Join(dir, name)); return err == nil }
		switch {
		case has("2-build-layer.sh"):
			g.runner.command(dir, nil, "./2-build-layer.sh")
		case has("pom.xml"):
			g.runner.command(dir, nil, "mvn", "-q", "-B", "-DskipTests", "package")
		case has("package.json"):
			g.runner.command(dir, nil, "npm", "install", "--no-audit", "--no-fund")
			g.runner.command(dir, nil, "npm", "run", "build")
		case has("Makefile"):
			g.runner.command(dir, nil, "make")
		default:
			continue
		}
		done = true
	}
	return done
}

// settled waits until a stack is made.
func (r *runner) settled(ctx context.Context, c *client.Client, name string) error {
	for ctx.Err() == nil {
		out, err := client.Do(ctx, c, cfn.DescribeStacks, &cfn.DescribeStacksInput{StackName: &name})
		if err != nil {
			return err
		}
		if s := out.Stacks[0]; !strings.HasSuffix(string(s.StackStatus), "_IN_PROGRESS") {
			if s.StackStatus == "CREATE_COMPLETE" {
				return nil
			}
			return errorOf(string(s.StackStatus) + " " + aws.Value(s.StackStatusReason))
		}
		time.Sleep(50 * time.Millisecond)
	}
	return ctx.Err()
}

func errorOf(words string) error { return errors.New(words) }
