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

	"github.com/dlclark/regexp2/v2"

	cfn "github.com/aloft-cloud/aloft/internal/api/cloudformation"
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
	built      map[string]bool   // directories
	copied     map[string]bool   // files
	home       int               // the account of its repository, where it is in another
	said       string            // by a build that failed
	empties    bool              // it wants values where its defaults have none
	made       map[string]string // things that are there already, by their names in braces
}

func (r *runner) given(a application) *given {
	g := &given{
		runner: r, app: a, env: make(map[string]string), parameters: make(map[string]string),
		built: make(map[string]bool), copied: make(map[string]bool), made: make(map[string]string),
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
	if r.tried++; r.tried > 1 {
		g.made["{domain}"] = fmt.Sprintf("app-%d.example.com", r.tried) // no two can have one name
	} else {
		g.made["{domain}"] = "app.example.com"
	}
	r.region = usualRegion
	if a.kind == kindSAM || a.kind == kindPlain {
		g.fill(a.file)
	}
	g.prebuild()
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
var toFill = regexp.MustCompile(`(?i)\benter\b|enter_?your|not_?passed|not_?provided|\byour[ _-]|^<.*>$|replace|change-?me|^xxx|^\.\.\.$`)

// fill gives each parameter of a template that wants one a value that fits.
func (g *given) fill(file string) {
	text, err := os.ReadFile(file)
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
		if g.parameters[name] != "" {
			continue
		}
		if byDefault, ok := p["Default"]; p == nil || ok && !toFill.MatchString(fmt.Sprint(byDefault)) && !(g.empties && byDefault == "") {
			continue
		}
		u := &uses{whole: make(map[string]bool)}
		u.find(doc.Root["Resources"], name, "", false)
		g.parameters[name] = g.value(name, p, u)
	}
}

// uses are the properties that refer to a parameter. Those that it is all of
// say what it is; where it is a part of a text, it is no ARN and no URL.
type uses struct {
	whole map[string]bool // "AWS::S3::Bucket.BucketName"
	part  bool
}

// find finds the properties in v that refer to the parameter name.
func (u *uses) find(v any, name, path string, within bool) {
	switch v := v.(type) {
	case map[string]any:
		if typ, ok := v["Type"].(string); ok && strings.HasPrefix(typ, "AWS::") {
			path = typ
		}
		if v["Ref"] == name {
			u.add(path, within)
		}
		for key, inner := range v {
			switch {
			case key == "Fn::Sub" || key == "Fn::Join":
				u.find(inner, name, path, key == "Fn::Join")
			case strings.HasPrefix(key, "Fn::") || key == "Properties":
				u.find(inner, name, path, within)
			default:
				u.find(inner, name, path+"."+key, false)
			}
		}
	case []any:
		for _, inner := range v {
			u.find(inner, name, path, within)
		}
	case string:
		if strings.Contains(v, "${"+name+"}") {
			u.add(path, !strings.HasPrefix(v, "${"+name+"}"))
		}
	}
}

func (u *uses) add(path string, within bool) {
	if within {
		u.part = true
	} else {
		u.whole[path] = true
	}
}

// value is one that a parameter's type, its constraints and its uses like.
func (g *given) value(name string, p map[string]any, u *uses) string {
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
	for use := range u.whole {
		words += " " + strings.ToLower(use)
	}
	description, _ := p["Description"].(string)
	if d := strings.ToLower(description); strings.Contains(d, "email") && !strings.Contains(d, "endpoint") && fits(someone, p) && !u.part {
		return someone
	}
	if strings.Contains(strings.ToLower(description), "hosted zone") && strings.Contains(words, "domain") {
		return g.make("{zoneName}", u)
	}
	for _, w := range []string{words, strings.ToLower(description)} {
		for _, k := range kinds {
			if !k.words.MatchString(w) || u.part && strings.ContainsAny(k.value, ":/") {
				continue
			}
			if c := g.make(k.value, u); fits(c, p) {
				return g.severally(name, typ, c)
			}
		}
	}
	pattern, _ := p["AllowedPattern"].(string)
	for _, c := range []string{"placeholder", "Placeholder1!", "placeholder1", "1", "123456789012", "placeholderplaceholder", example(pattern)} {
		if fits(c, p) {
			return g.severally(name, typ, c)
		}
	}
	return "placeholder"
}

// severally is two of a value for a list of which the template takes the second,
// or that must have two.
func (g *given) severally(name, typ, value string) string {
	second := regexp.MustCompile(`Select"?:?\s*\[\s*"?1"?\s*,\s*(!Ref|\{\s*"Ref":)\s*"?` + regexp.QuoteMeta(name) + `\b`)
	text, err := os.ReadFile(g.app.file)
	if err != nil || !strings.Contains(typ, "List") || !second.Match(text) && !strings.Contains(typ, "Subnet") {
		return value
	}
	if value == g.made["{subnet}"] {
		return value + "," + g.thing("{subnetB}")
	}
	return value + "," + strings.TrimSuffix(value, "0") + "1"
}

// fits says whether a value satisfies a parameter's constraints.
func fits(value string, p map[string]any) bool {
	if pattern, ok := p["AllowedPattern"].(string); ok {
		if re, err := regexp2.Compile(`\A(?:`+pattern+`)\z`, regexp2.None); err == nil {
			if ok, err := re.MatchString(value); err == nil && !ok {
				return false
			}
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
	noValue     = regexp.MustCompile(`Value '' at|'null' values are not allowed`)
	noRegion    = regexp.MustCompile(`nor the regional one is authorized|Layers are expected to be in region`)
	taken       = regexp.MustCompile(`already exist|is already exported by stack`)
	noModules   = regexp.MustCompile(`make build-\w+: exit status`)
	noCode      = regexp.MustCompile(`which is not there|no such file or directory`)
)

// learn does what words say is to be done first, and says whether it did.
func (g *given) learn(words string) bool {
	if m := noVariable.FindStringSubmatch(words); m != nil && g.env[m[1]] == "" {
		g.env[m[1]] = g.value(m[1], nil, &uses{})
		return true
	}
	if m := noOption.FindStringSubmatch(words); m != nil && g.parameters[m[1]] == "" {
		g.parameters[m[1]] = g.value(m[1], nil, &uses{})
		return true
	}
	if m := noParameter.FindStringSubmatch(words); m != nil {
		name := m[1] + m[2]
		if g.copied[name] || g.runner.others {
			return false // another of the repository may make it
		}
		g.copied[name] = true
		g.ssm(name, "placeholder")
		return true
	}
	if noValue.MatchString(words) && !g.empties {
		g.empties = true
		before := len(g.parameters)
		g.fill(g.app.file)
		return len(g.parameters) > before
	}
	if noRegion.MatchString(words) {
		return g.moves()
	}
	if m := noFile.FindStringSubmatch(words); m != nil && !g.copied[m[1]] {
		g.copied[m[1]] = true
		return g.copyExample(m[1]) || g.writeFile(m[1], words)
	}
	if m := emptyFile.FindStringSubmatch(words); m != nil && !g.copied[m[1]] {
		g.copied[m[1]] = true
		return g.fillFile(m[1])
	}
	if strings.Contains(words, "The specified bucket does not exist") && g.makeBuckets() {
		return true
	}
	if taken.MatchString(words) && g.runner.tried > 1 && !g.copied["account"] {
		// Another application of the repository has the name: this one gets an account of its own.
		g.copied["account"] = true
		g.home = g.runner.account
		g.runner.account += 1e9
		g.made = map[string]string{"{domain}": "app.example.com"}
		return true
	}
	if noModules.MatchString(words) && g.modules() {
		return true
	}
	return noCode.MatchString(words) && g.build()
}

// regional is what names the region of an application.
var regional = regexp.MustCompile(`(?:states\.|arn:aws:[a-z]+:)([a-z]{2}-[a-z]+-\d)\b`)

// moves goes to the region that an application names, and says whether that is
// another one.
func (g *given) moves() bool {
	files := []string{g.app.file}
	if g.app.kind == kindCDK {
		files, _ = filepath.Glob(filepath.Join(g.runner.madeOf(g.app), "*.template.json")) // a pattern that is fine
	}
	for _, file := range files {
		text, _ := os.ReadFile(file) // one that is not there names none
		if m := regional.FindSubmatch(text); m != nil && string(m[1]) != g.runner.region && g.runner.region == usualRegion {
			g.runner.region = string(m[1])
			return true
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
		case has("pom.xml"):
			g.said = g.runner.maven(dir)
			if file := filepath.Join(dir, "template-mvn.yml"); has("template-mvn.yml") {
				g.app.file = file // it has another one for another tool
			}
		case has("2-build-layer.sh"):
			g.runner.command(dir, nil, "bash", "./2-build-layer.sh")
		case has("package.json"):
			g.runner.npm(dir)
		case has("Makefile"):
			args := []string{}
			if text, err := os.ReadFile(filepath.Join(dir, "Makefile")); err == nil && regexp.MustCompile(`(?m)^build:`).Match(text) {
				args = append(args, "build")
			}
			g.runner.command(dir, nil, "make", args...)
		default:
			continue
		}
		done = true
	}
	return done
}

// modules installs the modules that a build of its own wants.
func (g *given) modules() bool {
	done := false
	_ = filepath.WalkDir(g.app.dir, func(path string, d os.DirEntry, err error) error {
		switch {
		case err != nil:
			return nil // it can be read, or needs nothing
		case d.IsDir() && d.Name() == "node_modules":
			return filepath.SkipDir
		case d.Name() == "package.json" && !g.built[filepath.Dir(path)]:
			dir := filepath.Dir(path)
			g.built[dir] = true
			if _, err := os.Stat(filepath.Join(dir, "node_modules")); err != nil {
				g.runner.npm(dir)
				done = true
			}
		}
		return nil
	})
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
