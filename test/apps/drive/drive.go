// Package drive drives an application that was deployed by its own entries, as
// the world would: it asks its routes, puts a message into its queues, an
// object into its buckets, an event on its buses. What it puts there is what
// the application ships as an example, or else made from its models, schemas,
// patterns and filters.
//
// An entry answers if it took what was put there, and what is behind it ran
// without an error: functions by their metrics, state machines by their
// executions, queues, topics and rules by theirs.
package drive

import (
	"cmp"
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/aloft-cloud/aloft/internal/client"
)

// An App is an application that was deployed.
type App struct {
	Client  *client.Client
	Account string
	Dir     string   // its sources
	Stacks  []string // of it; what is nested in them is found
}

// A Report is what came of it.
type Report struct {
	Words   string // a few of what was driven, and how it answered
	Answers bool   // one of its entries did
	Wants   string // what its functions wanted that is not here: "bedrock, rekognition"
	NoPath  bool   // it has nothing that could be driven
}

// mostEntries is how many entries of one kind are driven.
const mostEntries = 8

// A driver drives one application.
type driver struct {
	App
	began   time.Time
	parts   []part
	fed     map[string]bool // ARNs of what other parts of the application put things into
	samples *samples
	tokens  map[string]string // of users of pools, by the pool's id
	values  map[string]any    // what routes said, for the paths of others
	keys    map[string]any    // of tables, as members of an input

	entries int
	fine    int
	said    []string
	wants   map[string]bool
}

// Run drives an application.
func Run(ctx context.Context, app App) Report {
	d := &driver{App: app, began: time.Now(), fed: make(map[string]bool), tokens: make(map[string]string), values: make(map[string]any), wants: make(map[string]bool)}
	d.find(ctx)
	d.samples = samplesIn(app.Dir)
	d.keys = d.tableKeys(ctx)
	d.feeds(ctx)
	for _, kind := range []func(context.Context){
		d.restAPIs, d.httpAPIs, d.functionURLs, d.balancers, d.graphQL, d.webSockets, d.distributions, d.rules, d.schedules, d.receiptRules, d.buckets, d.lenses, d.deliveries, d.topics, d.mappings, d.pipes,
		d.logGroups, d.userPools, d.machines,
	} {
		if ctx.Err() == nil {
			kind(ctx)
		}
	}
	if d.entries == 0 {
		d.domains(ctx)
	}
	if d.entries == 0 {
		d.functions(ctx)
	}
	if d.entries == 0 {
		d.stores(ctx)
	}
	if d.fine == 0 {
		d.wantLanguages(ctx)
	}
	wants := make([]string, 0, len(d.wants))
	for name := range d.wants {
		wants = append(wants, name)
	}
	slices.Sort(wants)
	r := Report{Words: ownPaths.ReplaceAllString(strings.Join(d.said, "; "), ""), Answers: d.fine > 0, Wants: strings.Join(wants, ", "), NoPath: d.entries == 0}
	if r.NoPath {
		r.Words = "nothing that answers: " + d.kinds()
	}
	return r
}

// An entry is one way into an application.
type entry struct {
	name    string
	targets []target                    // of which one is to run
	wait    time.Duration               // longer than usual
	do      func(context.Context) error // puts something there
}

// usualWait is how long an entry's targets have time to run.
const usualWait = 20 * time.Second

// drive drives an entry, and says whether it answers.
func (d *driver) drive(ctx context.Context, e entry) bool {
	d.entries++
	before := make([]reading, len(e.targets))
	for i, t := range e.targets {
		before[i] = d.read(ctx, t)
	}
	if err := e.do(ctx); err != nil {
		why := ""
		for _, t := range e.targets {
			why = cmp.Or(why, d.why(ctx, t))
		}
		d.say(false, "%s: %s%s", e.name, brief(err.Error()), after(": ", why))
		return false
	}
	if len(e.targets) == 0 {
		d.say(true, "%s: taken", e.name)
		return true
	}
	until := time.Now().Add(usualWait + e.wait)
	for {
		good, bad := 0, 0
		for i, t := range e.targets {
			now := d.read(ctx, t)
			switch {
			case now.failed > before[i].failed:
				bad++
			case now.ran > before[i].ran:
				good++
			}
		}
		if good+bad == len(e.targets) || (good > 0 || bad > 0) && time.Until(until) < usualWait-3*time.Second || time.Now().After(until) || ctx.Err() != nil {
			return d.verdict(ctx, e, good, bad)
		}
		pause(ctx, 150*time.Millisecond)
	}
}

// verdict says what came of an entry's targets.
func (d *driver) verdict(ctx context.Context, e entry, good, bad int) bool {
	why := ""
	for _, t := range e.targets {
		if good == 0 {
			why = cmp.Or(why, d.why(ctx, t))
		}
	}
	switch {
	case good > 0:
		d.say(true, "%s: %d of %d targets ran%s", e.name, good, len(e.targets), after(": ", why))
	case bad > 0:
		d.say(false, "%s: failed%s", e.name, after(": ", why))
	default:
		d.say(false, "%s: nothing ran%s", e.name, after(": ", why))
	}
	return good > 0
}

// say keeps the words of an entry.
func (d *driver) say(fine bool, form string, args ...any) {
	if fine {
		d.fine++
	}
	words := fmt.Sprintf(form, args...)
	d.want(words)
	if !slices.Contains(d.said, words) && len(d.said) < mostEntries {
		d.said = append(d.said, words)
	}
}

var (
	ownPaths = regexp.MustCompile(`/(?:tmp|work|home|root)/(?:[\w.+-]+/)*`) // of the machine on which an application was tried
	notHere  = regexp.MustCompile(`Aloft knows no service that signs as \\*(?:"|&quot;|&#34;)([\w.-]+)|Aloft does not answer ([\w-]+(?::\w+)?)|Aloft does not have (?:aws-sdk:)?([\w-]+):\w+, which this task calls`)
	far      = regexp.MustCompile(`getaddrinfo (?:ENOTFOUND|EAI_AGAIN) ([\w.-]+)|lookup ([\w.-]+\.[a-z]+)|host='([\w.-]+)', port|UnknownHostException: ([\w.-]+)|Unable to connect to ([\w.-]+\w)|connect (?:ECONNREFUSED|ETIMEDOUT) ([\d.:]+)|(?i:could not translate host name) "([\w.-]+)"|([\w.-]+):\d+: \[Errno -[235]\]`)
)

// want notes what words say is not here.
func (d *driver) want(words string) {
	for _, re := range []*regexp.Regexp{notHere, far} {
		for _, m := range re.FindAllStringSubmatch(words, -1) {
			d.wants[strings.Join(m[1:], "")] = true
		}
	}
}

// brief is the beginning of a text, on one line.
func brief(text string) string {
	text = strings.Join(strings.Fields(text), " ")
	if runes := []rune(text); len(runes) > 160 {
		text = string(runes[:160])
	}
	return text
}

// after is text with a beginning, if there is text.
func after(beginning, text string) string {
	if text == "" {
		return ""
	}
	return beginning + text
}

func pause(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}
