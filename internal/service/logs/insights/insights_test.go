package insights

import (
	"strings"
	"testing"
)

// messages are ten seconds apart, the latest first.
var messages = []string{
	`{"level":"ERROR","path":"/a","ms":30,"user":{"id":"u1"}}`,
	`{"level":"INFO","path":"/b","ms":20,"tags":["x","y"]}`,
	`{"level":"INFO","path":"/a","ms":10}`,
	`plain user=ann took 5 ms`,
	"REPORT RequestId: 11111111-2222-3333-4444-555555555555\tDuration: 12.50 ms\tBilled Duration: 13 ms\tMemory Size: 128 MB\tMax Memory Used: 64 MB\t",
}

func run(text string) string {
	q, err := Parse(text)
	if err != nil {
		return "error: " + err.Error()
	}
	r := q.NewRun(0)
	for i, m := range messages {
		if !r.Add(&Record{Time: int64(40_000 - 10_000*i), Message: m, Stream: "s", Ptr: "p"}) {
			break
		}
	}
	var rows []string
	for _, row := range r.Results() {
		var fields []string
		for _, f := range row {
			if f.Name != "@ptr" {
				fields = append(fields, f.Name+"="+f.Value)
			}
		}
		rows = append(rows, strings.Join(fields, " "))
	}
	return strings.Join(rows, "; ")
}

func TestRun(t *testing.T) {
	f := func(query, want string) {
		t.Helper()
		if got := run(query); got != want {
			t.Errorf("%s\n got %s\nwant %s", query, got, want)
		}
	}
	f("fields path, ms | filter level = 'ERROR'", "path=/a ms=30")
	f("fields @timestamp | limit 1", "@timestamp=1970-01-01 00:00:40.000")
	f("filter level = \"INFO\" | fields path, ms * 2 as twice", "path=/b twice=40; path=/a twice=20")
	f("fields user.id | filter ispresent(user.id)", "user.id=u1")
	f("fields tags.1 | filter ispresent(tags.1)", "tags.1=y")
	f("stats count(*) as n by level", "n=2; level=ERROR n=1; level=INFO n=2")
	f("filter ispresent(level) | stats count(*), avg(ms), max(ms), min(ms), sum(ms), pct(ms, 50) by path | sort path desc",
		"path=/b count(*)=1 avg(ms)=20 max(ms)=20 min(ms)=20 sum(ms)=20 pct(ms,50)=20; path=/a count(*)=2 avg(ms)=20 max(ms)=30 min(ms)=10 sum(ms)=40 pct(ms,50)=20")
	f("stats count() as n by bin(30s) as t", "t=1970-01-01 00:00:00.000 n=3; t=1970-01-01 00:00:30.000 n=2")
	f("stats count(*) by bin(1m)", "bin(1m)=1970-01-01 00:00:00.000 count(*)=5")
	f("stats count_distinct(path) as paths, latest(path) as last, earliest(path) as first", "paths=2 last=/a first=/a")
	f("stats sum(ms) / count(ms) as mean", "mean=20")
	f("filter @message like /user=(\\w+)/ | parse @message 'user=* took * ms' as user, took | display user, took", "user=ann took=5")
	f("parse @message /user=(?<who>\\w+)/ | filter ispresent(who) | fields who", "who=ann")
	f("filter @type = 'REPORT' | stats avg(@duration) as d, max(@maxMemoryUsed) as m, max(@billedDuration) as b", "d=12.5 m=64000000 b=13")
	f("filter level in ['ERROR', 'WARN'] or ms < 15 | sort ms asc | fields ms", "ms=10; ms=30")
	f("filter not (level = 'INFO') and ispresent(level) | fields level", "level=ERROR")
	f("filter level not in ['ERROR'] and ispresent(level) | fields ms", "ms=20; ms=10")
	f("filter path like 'a' | dedup path | fields ms", "ms=30")
	f("filter ms >= 10 | sort ms | limit 2 | fields ms", "ms=10; ms=20")
	f("fields toupper(level) as l, strlen(path) as n, concat(level, '-', path) as c | filter l = 'ERROR'", "l=ERROR n=2 c=ERROR-/a")
	f("# only a comment\nfields level # and one more\n| filter level = 'ERROR'", "level=ERROR")
	f("filter ms > 10 | stats count(*) as n by path | filter n > 0 | sort n desc, path asc", "path=/a n=1; path=/b n=1")
	f("pattern @message", "error: Aloft does not have the command pattern of Logs Insights yet.")
	f("fields", "error: unexpected symbol found <EOF>")
	f("nonsense x", "error: unexpected symbol found nonsense at offset 0")
	f("filter nope(1)", "error: unknown function nope at offset 7")
	f("filter no = 'x' | stats count(*) as n", "n=0")
}

// No text makes the parser or what it parsed panic.
func FuzzParse(f *testing.F) {
	for _, q := range []string{"fields @timestamp, @message | filter a like /b/ | sort c desc | limit 20", "stats pct(ms, 99) by bin(5m)", "parse @message '*=*' as a, b | dedup a", "filter x in [1, 'b'] and not y =~ 'z'"} {
		f.Add(q)
	}
	f.Fuzz(func(t *testing.T, text string) { run(text) })
}
