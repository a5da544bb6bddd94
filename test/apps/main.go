// Command apps deploys applications that were fetched, each as it is, calls
// them, and writes down what came of it: docs/apps.md is its output.
//
//	aloft dev --listen 127.0.0.1:4600 --data /tmp/apps &
//	go run ./test/apps -aloft ./aloft -endpoint http://127.0.0.1:4600 -state apps.json -out docs/apps.md serverless-patterns=DIR examples=DIR
//
// A collection is a directory of applications. With a file after it, as in
// serverless-patterns=DIR,FILE, only those are tried that FILE names, a line each.
// With `all` after that, as in repositories=DIR,FILE,all, each of those holds
// applications itself.
//
// What is known is kept in the state: applications whose result -again does not
// match are not tried again. Applications of the CDK are synthesised once, into
// -synth, by the cdk that PATH finds, with the libraries that are found from
// their directory: a node_modules above the collection serves all of them.
package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"
)

// How long calls of one application may take, and how long building it may.
const (
	patience      = 3 * time.Minute
	buildPatience = 12 * time.Minute // Rust and Maven take their time
)

func main() {
	if code, ok := docker(os.Args[1:]); ok {
		os.Exit(code)
	}
	r := &runner{account: int(time.Now().Unix() % 1e9), region: usualRegion}
	out := flag.String("out", "docs/apps.md", "file to write")
	state := flag.String("state", "", "file that keeps what is known")
	again := flag.String("again", "^$", "results to try again, a regular expression over `result: words` or `deployed, answers: words`")
	long := flag.Duration("for", time.Hour, "how long to try")
	only := flag.String("only", "", "kinds to try, a regular expression: CDK, SAM, …")
	named := flag.String("name", "", "names of what to try, a regular expression")
	flag.StringVar(&r.aloft, "aloft", "aloft", "the program")
	flag.StringVar(&r.endpoint, "endpoint", "http://127.0.0.1:4566", "the Aloft that runs")
	flag.StringVar(&r.synth, "synth", "", "directory for what the CDK synthesised; without, its applications are not tried")
	flag.Parse()
	r.until = time.Now().Add(*long)
	err := r.load(*state)
	for _, rule := range []struct {
		re   **regexp.Regexp
		text string
	}{{&r.again, *again}, {&r.only, *only}, {&r.named, *named}} {
		if err == nil {
			*rule.re, err = regexp.Compile(rule.text)
		}
	}
	if err == nil {
		err = r.run(flag.Args())
	}
	if err == nil {
		err = os.WriteFile(*out, []byte(r.page()), 0o644)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "apps:", err)
		os.Exit(1)
	}
}

// usualRegion is where applications are deployed that do not name another.
const usualRegion = "us-east-1"

// What came of an application.
const (
	works   = "deployed"
	lacks   = "refused"        // by the name of what Aloft lacks
	other   = "not deployed"   // a file, a value or a tool is not there, or AWS would refuse it too
	another = "another tool's" // an application of Terraform, or no application
)

// A result is what came of one application.
type result struct {
	Collection, Name, Kind string // Kind is "SAM", "serverless.yml", …
	What                   string
	Words                  string // why it did not work, or how it answers
	Answers                bool   // on one of its paths
	Wants                  string `json:",omitempty"` // what its functions wanted that is not here
	NoPath                 bool   `json:",omitempty"` // it has nothing that could answer
	fresh                  bool   // it was tried now
}

// line is what -again is asked of.
func (r *result) line() string {
	if r.Answers {
		return r.What + ", answers: " + r.Words
	}
	return r.What + ": " + r.Words
}

type runner struct {
	aloft, endpoint, synth string
	account                int            // of the application that is tried: each has one of its own
	stacks                 map[string]int // how often stacks of the account have a name
	tried                  int            // applications of the account
	others                 bool           // more of the account will be tried
	ownNames               bool           // their stacks have the names that their files give them
	region                 string         // where it is deployed
	until                  time.Time

	state   *os.File
	again   *regexp.Regexp
	only    *regexp.Regexp
	named   *regexp.Regexp
	known   map[string]result // by collection and name
	results []result
	titles  []string
}

// load reads what is known.
func (r *runner) load(state string) (err error) {
	r.known = make(map[string]result)
	if state == "" {
		return nil
	}
	if r.state, err = os.OpenFile(state, os.O_RDWR|os.O_CREATE|os.O_APPEND, 0o644); err != nil {
		return err
	}
	lines := json.NewDecoder(r.state)
	for lines.More() {
		var res result
		if err := lines.Decode(&res); err != nil {
			return err
		}
		r.known[res.Collection+"\n"+res.Name] = res
	}
	return nil
}

func (r *runner) run(collections []string) error {
	for _, c := range collections {
		title, place, ok := strings.Cut(c, "=")
		if !ok {
			return fmt.Errorf("%s: want NAME=DIRECTORY", c)
		}
		if len(r.titles) == 0 || r.titles[len(r.titles)-1] != title {
			r.titles = append(r.titles, title)
		}
		dir, list, _ := strings.Cut(place, ",")
		list, all, _ := strings.Cut(list, ",")
		names, err := namesIn(dir, list)
		if err != nil {
			return err
		}
		for _, name := range names {
			if err := r.entry(title, dir, name, all == "all"); err != nil {
				return err
			}
		}
	}
	return nil
}

// namesIn names the applications in dir: those that list names, or all.
func namesIn(dir, list string) ([]string, error) {
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
		if e.IsDir() && !strings.HasPrefix(e.Name(), ".") && e.Name() != "node_modules" {
			names = append(names, e.Name())
		}
	}
	return names, nil
}

// entry tries what is in one directory of a collection: one application, or
// all those that a repository holds, in one account.
func (r *runner) entry(title, dir, name string, all bool) error {
	top := filepath.Join(dir, name)
	apps, err := find(top, all)
	if err != nil {
		return err
	}
	if len(apps) == 0 {
		apps = []application{{dir: top}}
	}
	r.account++
	r.stacks, r.tried, r.others, r.ownNames = make(map[string]int), 0, len(apps) > 1, slices.ContainsFunc(apps, readsOutputs)
	defer func() { r.clean() }()
	for i := range apps {
		a := &apps[i]
		a.top, a.title, a.name = top, title, strings.ReplaceAll(name, "+", "/")
		if below, err := filepath.Rel(top, a.dir); all && len(apps) > 1 && err == nil && below != "." {
			a.name += "/" + below
		}
		if err := r.record(*a); err != nil {
			return err
		}
	}
	return r.second(apps)
}

// needsAnother is what is said of an application that needs what another of
// its repository makes.
var needsAnother = regexp.MustCompile(`No export named|does not exist or is not attachable|cannot be found|can't find the specified|there is no parameter|there is no output|Unable to fetch parameters`)

// second tries again what of a repository was tried before others that it needs.
func (r *runner) second(apps []application) error {
	first := len(r.results) - len(apps)
	r.others = false
	for i, a := range apps {
		res := &r.results[first+i]
		if res.What != other || !res.fresh || !needsAnother.MatchString(res.Words) || len(apps) == 1 {
			continue
		}
		*res = r.try(a)
		if r.state != nil {
			if err := json.NewEncoder(r.state).Encode(res); err != nil {
				return err
			}
		}
	}
	return nil
}

// readsOutputs says whether an application reads outputs of the stacks of others,
// by their names.
func readsOutputs(a application) bool {
	text, err := os.ReadFile(a.file)
	return err == nil && a.kind == kindService && regexp.MustCompile(`\{cf[:.(]`).Match(text)
}

// record tries an application, if it is to be tried, and keeps the result.
func (r *runner) record(a application) error {
	known, ok := r.known[a.title+"\n"+a.name]
	tries := time.Now().Before(r.until) && r.only.MatchString(a.kind) && r.named.MatchString(a.name)
	switch {
	case ok && (!tries || !r.again.MatchString(known.line())):
		r.results = append(r.results, known)
		return nil
	case !tries:
		r.results = append(r.results, result{Collection: a.title, Name: a.name, Kind: a.kind, What: another})
		return nil
	}
	began := time.Now()
	res := r.try(a)
	res.fresh = true
	fmt.Fprintf(os.Stderr, "%-60s %-16s %5.1f s  %v %s %s\n", a.name, res.What, time.Since(began).Seconds(), res.Answers, res.Wants, res.Words)
	r.results = append(r.results, res)
	if r.state == nil {
		return nil
	}
	return json.NewEncoder(r.state).Encode(res)
}
