package insights

import (
	"encoding/json"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// A Record is a log event, or what a command made of some.
type Record struct {
	Time     int64 // ms
	Ingested int64 // ms
	Message  string
	Stream   string
	Log      string // "account:group"
	Ptr      string

	set    map[string]value // by commands
	json   map[string]any   // of the message
	parsed bool
	group  map[*groupCall]*tally
}

// Get returns a field, or nil.
func (r *Record) Get(name string) value {
	if v, ok := r.set[name]; ok {
		return v
	}
	switch name {
	case "@timestamp":
		return moment(float64(r.Time))
	case "@ingestionTime":
		return moment(float64(r.Ingested))
	case "@message":
		return r.Message
	case "@logStream":
		return r.Stream
	case "@log":
		return r.Log
	case "@ptr":
		return r.Ptr
	}
	if strings.HasPrefix(name, "@") {
		return r.report(name)
	}
	return r.member(name)
}

// reports are fields of the lines that Lambda writes of each run.
var reports = map[string]*regexp.Regexp{
	"@requestId":      regexp.MustCompile(`RequestId: ([0-9a-fA-F-]{36})`),
	"@type":           regexp.MustCompile(`^(START|END|REPORT|INIT_START) `),
	"@duration":       regexp.MustCompile(`\tDuration: ([0-9.]+) ms`),
	"@billedDuration": regexp.MustCompile(`Billed Duration: ([0-9.]+) ms`),
	"@initDuration":   regexp.MustCompile(`Init Duration: ([0-9.]+) ms`),
	"@memorySize":     regexp.MustCompile(`Memory Size: ([0-9]+) MB`),
	"@maxMemoryUsed":  regexp.MustCompile(`Max Memory Used: ([0-9]+) MB`),
	"@xrayTraceId":    regexp.MustCompile(`XRAY TraceId: (\S+)`),
}

func (r *Record) report(name string) value {
	re := reports[name]
	if re == nil {
		return nil
	}
	if name == "@requestId" && !reports["@type"].MatchString(r.Message) {
		if m := requestID.FindStringSubmatch(r.Message); m != nil {
			return m[1]
		}
	}
	line, _, _ := strings.Cut(r.Message, "\n")
	m := re.FindStringSubmatch(line)
	switch {
	case m == nil:
		return nil
	case name == "@memorySize", name == "@maxMemoryUsed": // in bytes
		n, _ := strconv.ParseFloat(m[1], 64)
		return n * 1e6
	}
	if n, err := strconv.ParseFloat(m[1], 64); err == nil && name != "@requestId" {
		return n
	}
	return m[1]
}

// requestID is where the runtimes of Lambda write it: after the time.
var requestID = regexp.MustCompile(`^\S+\t([0-9a-fA-F]{8}-[0-9a-fA-F-]{27})\t`)

// member returns a member of a message that is JSON: "a.b.0.c".
func (r *Record) member(name string) value {
	if !r.parsed {
		r.parsed = true
		if at := strings.IndexByte(r.Message, '{'); at >= 0 {
			d := json.NewDecoder(strings.NewReader(r.Message[at:]))
			if d.Decode(&r.json) != nil {
				r.json = nil
			}
		}
	}
	if r.json == nil {
		return nil
	}
	if v, ok := r.json[name]; ok {
		return plain(v)
	}
	var node any = r.json
	for part := range strings.SplitSeq(name, ".") {
		switch at := node.(type) {
		case map[string]any:
			node = at[part]
		case []any:
			i, err := strconv.Atoi(part)
			if err != nil || i < 0 || i >= len(at) {
				return nil
			}
			node = at[i]
		default:
			return nil
		}
	}
	return plain(node)
}

func plain(v any) value {
	switch v := v.(type) {
	case map[string]any, []any:
		b, err := json.Marshal(v)
		if err != nil {
			return nil
		}
		return string(b)
	default:
		return v
	}
}

// A Run is a query at work.
type Run struct {
	q       *Query
	limit   int
	stages  []*stage
	out     []*Record
	Matched int // records that got through
}

// A stage is a command at work.
type stage struct {
	command
	grouped *grouped
	held    []*Record       // by sort
	seen    map[string]bool // by dedup
	passed  int             // by limit
}

// NewRun begins a query, of which no more than limit records are wanted; 0 is
// as many as it says.
func (q *Query) NewRun(limit int) *Run {
	run := &Run{q: q, limit: q.limit}
	if limit > 0 {
		run.limit = min(run.limit, limit)
	}
	for _, c := range q.commands {
		st := &stage{command: c}
		if c.stats != nil {
			st.grouped = newGrouped(c.stats)
		}
		if c.dedup != nil {
			st.seen = make(map[string]bool)
		}
		run.stages = append(run.stages, st)
	}
	return run
}

// Add takes a record, the latest first. It says whether more can matter.
func (run *Run) Add(r *Record) bool {
	run.pass(r, 0)
	if len(run.stages) > 0 && run.full() {
		return false
	}
	return true
}

// full says whether what is held back by no command is as much as is wanted.
func (run *Run) full() bool {
	for _, st := range run.stages {
		if st.grouped != nil || st.sort != nil {
			return false
		}
	}
	return len(run.out) >= run.limit
}

// pass takes a record through the commands from one on.
func (run *Run) pass(r *Record, from int) {
	for _, st := range run.stages[from:] {
		switch {
		case st.filter != nil:
			if !truth(st.filter.eval(r)) {
				return
			}
		case st.grouped != nil:
			st.grouped.add(r)
			return
		case st.sort != nil:
			st.held = append(st.held, r)
			return
		case st.limit > 0:
			if st.passed++; st.passed > st.limit {
				return
			}
		case st.seen != nil:
			var key strings.Builder
			for _, name := range st.dedup {
				key.WriteString(text(r.Get(name)))
				key.WriteByte(0)
			}
			if st.seen[key.String()] {
				return
			}
			st.seen[key.String()] = true
		default:
			st.extend(r)
		}
	}
	run.Matched++
	if len(run.out) < run.limit {
		run.out = append(run.out, r)
	}
}

// extend gives r fields.
func (st *stage) extend(r *Record) {
	if r.set == nil {
		r.set = make(map[string]value)
	}
	for _, f := range st.fields {
		if string(asField(f.expr)) != f.name {
			r.set[f.name] = f.expr.eval(r)
		}
	}
	if st.parse == nil {
		return
	}
	m := st.parse.re.FindStringSubmatch(text(st.parse.from.eval(r)))
	for i, name := range st.parse.names {
		if m != nil && name != "" {
			r.set[name] = m[i+1]
		}
	}
}

func asField(e expr) field {
	f, _ := e.(field)
	return f
}

// A Field is one of a result.
type Field struct{ Name, Value string }

// Results ends the run. Records without fields of their own have their time
// and message, and all but those of stats a pointer.
func (run *Run) Results() [][]Field {
	for i, st := range run.stages {
		switch {
		case st.grouped != nil:
			for _, r := range st.grouped.records() {
				run.pass(r, i+1)
			}
		case st.sort != nil:
			slices.SortStableFunc(st.held, st.order)
			for _, r := range st.held {
				run.pass(r, i+1)
			}
		}
	}
	shown := run.q.shown
	if shown == nil {
		shown = []string{"@timestamp", "@message"}
	}
	results := [][]Field{}
	for _, r := range run.out {
		var fields []Field
		for _, name := range shown {
			if v := r.Get(name); v != nil {
				fields = append(fields, Field{name, text(v)})
			}
		}
		if !run.q.grouped {
			fields = append(fields, Field{"@ptr", r.Ptr})
		}
		results = append(results, fields)
	}
	return results
}

func (st *stage) order(a, b *Record) int {
	for _, o := range st.sort {
		c := compare(o.expr.eval(a), o.expr.eval(b))
		if o.desc {
			c = -c
		}
		if c != 0 {
			return c
		}
	}
	return 0
}
