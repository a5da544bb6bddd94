// Command apps deploys applications that were fetched, each as it is, and writes
// down what came of it: docs/apps.md is its output.
//
//	aloft dev --listen 127.0.0.1:4600 --data /tmp/apps &
//	go run ./test/apps -aloft ./aloft -endpoint http://127.0.0.1:4600 -out docs/apps.md serverless-patterns=DIR examples=DIR
//
// A collection is a directory of applications. With a file after it, as in
// serverless-patterns=DIR,FILE, only those are tried that FILE names, a line each.
package main

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/aloft-cloud/aloft/internal/deploy/template"
)

// patience is how long one step of one application may take.
const patience = 300 * time.Second

func main() {
	r := &runner{}
	out := flag.String("out", "docs/apps.md", "file to write")
	flag.StringVar(&r.aloft, "aloft", "aloft", "the program")
	flag.StringVar(&r.endpoint, "endpoint", "http://127.0.0.1:4566", "the Aloft that runs")
	flag.BoolVar(&r.checkOnly, "check", false, "deploy nothing, say what would be")
	flag.Parse()
	if err := r.run(*out, flag.Args()); err != nil {
		fmt.Fprintln(os.Stderr, "apps:", err)
		os.Exit(1)
	}
}

// What came of an application.
const (
	works   = "deployed"
	lacks   = "refused"        // by the name of what Aloft lacks
	other   = "not deployed"   // a file, a value or a tool is not there, or AWS would refuse it too
	another = "another tool's" // an application of the CDK, or no application
)

// A result is what came of one application.
type result struct {
	name, kind string // "SAM", "serverless.yml", …
	what       string
	words      string // why it did not work, or how it answers
}

type runner struct {
	aloft, endpoint string
	checkOnly       bool
	account         int // of the application that is tried: each has one of its own
}

func (r *runner) run(out string, collections []string) error {
	var page strings.Builder
	page.WriteString(heading)
	for _, c := range collections {
		title, place, ok := strings.Cut(c, "=")
		if !ok {
			return fmt.Errorf("%s: want NAME=DIRECTORY", c)
		}
		dir, list, _ := strings.Cut(place, ",")
		names, err := appsIn(dir, list)
		if err != nil {
			return err
		}
		var results []result
		for _, name := range names {
			began := time.Now()
			res := r.try(filepath.Join(dir, name), name)
			fmt.Fprintf(os.Stderr, "%-60s %-16s %5.1f s  %s\n", name, res.what, time.Since(began).Seconds(), res.words)
			results = append(results, res)
		}
		write(&page, title, results)
		if err := os.WriteFile(out, []byte(page.String()), 0o644); err != nil { // what is known so far
			return err
		}
	}
	return nil
}

// appsIn names the applications in dir: those that list names, or all.
func appsIn(dir, list string) ([]string, error) {
	if list != "" {
		text, err := os.ReadFile(list)
		return strings.Fields(string(text)), err
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	var names []string
	for _, e := range entries {
		if e.IsDir() && !strings.HasPrefix(e.Name(), ".") {
			names = append(names, e.Name())
		}
	}
	return names, nil
}

// try deploys one application.
func (r *runner) try(dir, name string) result {
	res := result{name: name}
	r.account++
	file, kind, err := find(dir)
	if err != nil {
		res.what, res.words = another, err.Error()
		return res
	}
	res.kind = kind
	values := &given{env: make(map[string]string)}
	for range 20 { // each time it asks for one value more
		res.what, res.words = r.once(file, values)
		res.words = ownPaths.ReplaceAllString(strings.ReplaceAll(res.words, dir+"/", ""), "")
		if res.what != other || !values.learn(res.words) {
			break
		}
	}
	return res
}

func (r *runner) once(file string, values *given) (what, words string) {
	check, said := r.command(values, "deploy", "--check", "--json", file)
	var found []struct {
		Deploys  bool
		Findings []struct{ Kind, Type, Message string }
	}
	if json.Unmarshal(check, &found) != nil || len(found) == 0 {
		return judge(said)
	}
	var types, refused []string
	for _, f := range found[0].Findings {
		switch {
		case f.Kind == "note" && strings.HasPrefix(f.Message, "parameter "):
			values.parameter(file, strings.Fields(f.Message)[1])
		case f.Kind != "refused":
		case strings.HasPrefix(f.Message, "Aloft does not support the type"):
			types = append(types, f.Type)
		case strings.HasPrefix(f.Message, "Aloft does not support the property"):
			words := strings.Fields(f.Message)
			types = append(types, words[6]+" of "+f.Type)
		default:
			refused = append(refused, f.Message)
		}
	}
	slices.Sort(types)
	switch types = slices.Compact(types); {
	case types != nil:
		return lacks, strings.Join(types, ", ")
	case refused != nil:
		return judge(strings.Join(refused, "; "))
	case r.checkOnly:
		return works, "by --check"
	}
	out, said := r.command(values, append([]string{"deploy", "--json", file}, values.flags()...)...)
	var done struct {
		Status  string
		Outputs map[string]string
	}
	if json.Unmarshal(out, &done) != nil || !strings.HasSuffix(done.Status, "_COMPLETE") || strings.Contains(done.Status, "ROLLBACK") {
		return judge(said)
	}
	return works, r.answers(done.Outputs)
}

// command runs aloft, and returns what it prints and what it complains of.
func (r *runner) command(values *given, args ...string) (out []byte, said string) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	cmd := exec.CommandContext(ctx, r.aloft, append(args, "--endpoint", r.endpoint, "--access-key-id", fmt.Sprintf("%012d", 100000000000+r.account))...)
	cmd.Env = append(cmd.Environ(), values.environ()...)
	cmd.WaitDelay = time.Second
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := cmd.Run()
	said = strings.TrimSpace(strings.TrimPrefix(strings.TrimSpace(stderr.String()), "aloft: "))
	if ctx.Err() != nil {
		said = "it took longer than " + patience.String()
	} else if said == "" && err != nil {
		said = err.Error()
	}
	return stdout.Bytes(), said
}

// ownPaths are what words say of the machine on which an application was tried.
var ownPaths = regexp.MustCompile(`(/[\w.-]+)+/build/[0-9a-f]+/?|\x1b\[[0-9;]*m|(/[\w.-]+){2,}/`)

var gateway = regexp.MustCompile(`^https?://([a-z0-9]+\.(?:execute-api|lambda-url))\.[a-z0-9-]+\.(?:amazonaws\.com|on\.aws)(/[^ {}<>]*)?$`)

// answers says what addresses among outputs answer to a GET.
func (r *runner) answers(outputs map[string]string) string {
	var said []string
	for _, value := range outputs {
		m := gateway.FindStringSubmatch(value)
		if m == nil {
			continue
		}
		request, err := http.NewRequest("GET", r.endpoint+m[2], nil)
		if err != nil {
			continue
		}
		request.Host = m[1] + "." + strings.Replace(request.URL.Host, "127.0.0.1", "localhost", 1)
		client := http.Client{Timeout: 20 * time.Second}
		response, err := client.Do(request)
		if err != nil {
			said = append(said, "GET "+cmp.Or(m[2], "/")+": no answer")
			continue
		}
		response.Body.Close()
		said = append(said, fmt.Sprintf("GET %s: %d", cmp.Or(m[2], "/"), response.StatusCode))
	}
	slices.Sort(said)
	return strings.Join(slices.Compact(said), ", ")
}

var (
	typesLacking = regexp.MustCompile(`Unrecognized resource types: \[(.*?)\]`)
	ownWords     = regexp.MustCompile(`\bAloft (does not|has no|runs no)\b`)
)

// judge tells what Aloft lacks from what an application asks of its user, or
// does not bring, by what was said.
func judge(said string) (what, words string) {
	words = strings.Join(strings.Fields(said), " ")
	if types := typesLacking.FindStringSubmatch(words); types != nil {
		return lacks, types[1]
	}
	if ownWords.MatchString(words) {
		return lacks, words
	}
	return other, words
}

// given are the values that stand for those an application asks of its user.
type given struct {
	env        map[string]string
	parameters []string
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
	for _, p := range g.parameters {
		list = append(list, "--parameter", p)
	}
	return list
}

// parameter gives a parameter of a template a value of its type.
func (g *given) parameter(file, name string) {
	text, err := os.ReadFile(file)
	if err != nil {
		return
	}
	doc, err := template.Parse(string(text), template.Options{Aliases: true})
	if err != nil {
		return
	}
	declared, _ := doc.Root["Parameters"].(map[string]any)
	p, _ := declared[name].(map[string]any)
	typ, _ := p["Type"].(string)
	value := "placeholder"
	low := strings.ToLower(name)
	allowed, _ := p["AllowedValues"].([]any)
	switch {
	case len(allowed) > 0:
		value = fmt.Sprint(allowed[0])
	case strings.Contains(typ, "Number"):
		value = "1"
	case strings.Contains(typ, "VPC::Id"), strings.Contains(low, "vpcid"):
		value = "vpc-0123456789abcdef0"
	case strings.Contains(typ, "Subnet::Id"), strings.Contains(low, "subnet"):
		value = "subnet-0123456789abcdef0"
	case strings.Contains(typ, "SecurityGroup"), strings.Contains(low, "securitygroup"):
		value = "sg-0123456789abcdef0"
	case strings.Contains(low, "mail"), strings.Contains(low, "sender"), strings.Contains(low, "recipient"):
		value = "someone@example.com"
	case strings.Contains(low, "phone"):
		value = "+14155550100"
	case strings.Contains(low, "url"), strings.Contains(low, "endpoint"):
		value = "https://example.com/"
	case strings.Contains(low, "bucket"):
		value = fmt.Sprintf("placeholder-%d", time.Now().UnixNano())
	case strings.Contains(low, "arn"):
		value = "arn:aws:iam::000000000000:role/placeholder"
	}
	if pair := name + "=" + value; !slices.Contains(g.parameters, pair) && !strings.Contains(low, "bucket") || !slices.ContainsFunc(g.parameters, func(p string) bool { return strings.HasPrefix(p, name+"=") }) {
		g.parameters = append(g.parameters, pair)
	}
}

var asked = regexp.MustCompile(`the environment has no variable (\w+)|there is no option ([\w-]+)`)

// learn gives a value to what words say is not set, and says whether it did.
func (g *given) learn(words string) bool {
	m := asked.FindStringSubmatch(words)
	switch {
	case m == nil:
		return false
	case m[1] != "" && g.env[m[1]] == "":
		g.env[m[1]] = "placeholder"
		return true
	case m[2] != "" && !slices.Contains(g.parameters, m[2]+"=placeholder"):
		g.parameters = append(g.parameters, m[2]+"=placeholder")
		return true
	}
	return false
}

var errNone = errors.New("no template: an application of the CDK, of Terraform or of another tool")

// find returns the template of an application, the one nearest to its top.
func find(dir string) (file, kind string, err error) {
	best := ""
	depth := func(p string) int { return strings.Count(p, string(filepath.Separator)) }
	err = filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name := d.Name()
		if d.IsDir() && (name == "node_modules" || strings.HasPrefix(name, ".") && path != dir || strings.HasPrefix(name, "cdk") && path != dir || depth(path)-depth(dir) > 2) {
			return fs.SkipDir
		}
		if k := kindOf(path, name); !d.IsDir() && k != "" && (best == "" || depth(path) < depth(best) || depth(path) == depth(best) && rank(name) < rank(filepath.Base(best))) {
			best, kind = path, k
		}
		return nil
	})
	if err == nil && best == "" {
		err = errNone
	}
	return best, kind, err
}

// rank is smaller for names that are more usual.
func rank(name string) int {
	for i, usual := range []string{"serverless.", "template."} {
		if strings.HasPrefix(name, usual) {
			return i
		}
	}
	return 9
}

func kindOf(path, name string) string {
	ext := filepath.Ext(name)
	if strings.HasPrefix(name, "serverless.") && !strings.Contains(name, ".template.") && slices.Contains([]string{".yml", ".yaml", ".ts", ".js", ".json"}, ext) {
		return "serverless.yml"
	}
	if !slices.Contains([]string{".yml", ".yaml", ".json", ".template"}, ext) || name == "package-lock.json" {
		return ""
	}
	text, err := os.ReadFile(path)
	switch {
	case err != nil || !bytes.Contains(text, []byte("Resources")) || !bytes.Contains(text, []byte("AWS::")):
		return ""
	case bytes.Contains(text, []byte("AWS::Serverless")):
		return "SAM"
	case bytes.Contains(text, []byte("AWSTemplateFormatVersion")) || rank(name) == 1:
		return "CloudFormation"
	}
	return ""
}

const heading = `# Applications that were tried

Written by ` + "`go run ./test/apps`" + `: each application was deployed as it was fetched, with one ` + "`aloft deploy`" + `, where
` + "`aloft deploy --check`" + ` had nothing against it. Placeholders stood for parameters and environment variables that an
application asks of its user. Where outputs name an address, the answer to a plain GET of it is given, without a key, a
token or a parameter that it may want. It is no promise: ` + "`aloft deploy --check DIR`" + ` says what would work of yours.

What is refused has the types, properties or operations that Aloft lacks by their names. What was not deployed for another
reason has that in the words that a user sees: a file, a value, a layer or a tool is not there, or the template asks for what
AWS refuses as well.
`

// write adds the table of a collection to the page.
func write(page *strings.Builder, title string, results []result) {
	count := make(map[string]int)
	for _, r := range results {
		count[r.what]++
	}
	own := len(results) - count[another]
	fmt.Fprintf(page, "\n## %s\n\n%d applications: %d deployed, %d refused by the name of what Aloft lacks, %d not deployed for another reason.",
		title, own, count[works], count[lacks], count[other])
	if n := count[another]; n > 0 {
		fmt.Fprintf(page, " %d others have no template: they are the CDK's or another tool's.", n)
	}
	page.WriteString("\n\n| application | kind | result | |\n|---|---|---|---|\n")
	for _, r := range results {
		if r.what == another {
			continue
		}
		words := strings.ReplaceAll(r.words, "|", "\\|")
		if runes := []rune(words); len(runes) > 240 {
			words = string(runes[:240]) + " …"
		}
		fmt.Fprintf(page, "| %s | %s | %s | %s |\n", r.name, r.kind, r.what, words)
	}
}
