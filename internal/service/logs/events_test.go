package logs

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	api "github.com/aloft-cloud/aloft/internal/api/logs"
)

func (f *fixture) group(streams ...string) {
	must(f, f.CreateLogGroup, &api.CreateLogGroupInput{LogGroupName: "g"})
	for _, name := range streams {
		must(f, f.CreateLogStream, &api.CreateLogStreamInput{LogGroupName: "g", LogStreamName: name})
	}
}

func (f *fixture) put(stream string, events ...api.InputLogEvent) *api.PutLogEventsOutput {
	f.t.Helper()
	return must(f, f.PutLogEvents, &api.PutLogEventsInput{LogGroupName: "g", LogStreamName: stream, LogEvents: events})
}

func at(when time.Time, message string) api.InputLogEvent {
	return api.InputLogEvent{Timestamp: when.UnixMilli(), Message: message}
}

// Whatever was put is read in order of time, by pages of any size, in both
// directions, from one stream and from all.
func TestReadingOrder(t *testing.T) {
	type entry struct {
		stream, text string
		time         int64
		n            int
	}
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(t)
		streams := []string{"a", "ab", "b"}
		f.group(streams...)
		r := rand.New(rand.NewPCG(1, 2))
		var all []entry
		for n := range 60 {
			name := streams[r.IntN(len(streams))]
			var events []api.InputLogEvent
			when := time.Now().Add(-time.Duration(r.IntN(60)) * time.Second)
			for i := range 1 + r.IntN(30) {
				when = when.Add(time.Duration(r.IntN(3)*r.IntN(2)) * time.Second / 2)
				text := fmt.Sprintf("%d.%d %s", n, i, strings.Repeat("x", r.IntN(40)))
				events = append(events, at(when, text))
				all = append(all, entry{name, text, when.UnixMilli(), n*100 + i})
			}
			f.put(name, events...)
		}
		texts := func(list []entry, keep func(entry) bool) (out []string) {
			for _, e := range list {
				if keep(e) {
					out = append(out, e.text)
				}
			}
			return out
		}
		slices.SortFunc(all, func(a, b entry) int {
			return cmp.Or(cmp.Compare(a.time, b.time), cmp.Compare(a.stream, b.stream), cmp.Compare(a.n, b.n))
		})
		for _, limit := range []int32{1, 7, 1000} {
			for _, name := range streams {
				want := texts(all, func(e entry) bool { return e.stream == name })
				checkTexts(t, "forward", f.readStream(name, limit, true), want)
				checkTexts(t, "backward", f.readStream(name, limit, false), want)
			}
			every := func(entry) bool { return true }
			checkTexts(t, "group", f.readGroup(&api.FilterLogEventsInput{Limit: &limit}), texts(all, every))
			back := f.readGroup(&api.FilterLogEventsInput{Limit: &limit, StartFromHead: new(false), StartTime: new(time.Now().Add(-time.Hour).UnixMilli())})
			slices.Reverse(back)
			// The clock of a bubble begins in 2000, before AWS could do this.
			if back != nil {
				checkTexts(t, "group, latest first", back, texts(all, every))
			}
			prefixed := f.readGroup(&api.FilterLogEventsInput{Limit: &limit, LogStreamNamePrefix: new("a")})
			checkTexts(t, "prefix", prefixed, texts(all, func(e entry) bool { return e.stream != "b" }))
			from, to := all[20].time, all[len(all)-20].time
			ranged := f.readGroup(&api.FilterLogEventsInput{Limit: &limit, LogStreamNames: []string{"b", "ab"}, StartTime: &from, EndTime: &to, FilterPattern: new("x")})
			checkTexts(t, "range", ranged, texts(all, func(e entry) bool {
				return e.stream != "a" && e.time >= from && e.time <= to && strings.Contains(e.text, "x")
			}))
		}
	})
}

func checkTexts(t *testing.T, what string, got, want []string) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("%s: got %d events %.300q, want %d %.300q", what, len(got), got, len(want), want)
	}
}

// readStream reads a whole stream in one direction until the token stays the same.
func (f *fixture) readStream(name string, limit int32, forward bool) (texts []string) {
	in := &api.GetLogEventsInput{LogGroupName: new("g"), LogStreamName: name, Limit: &limit, StartFromHead: &forward}
	for {
		out := must(f, f.GetLogEvents, in)
		var page []string
		for _, e := range out.Events {
			page = append(page, *e.Message)
		}
		token := out.NextBackwardToken
		if forward {
			texts = append(texts, page...)
			token = out.NextForwardToken
		} else {
			texts = append(page, texts...)
		}
		if in.NextToken != nil && *token == *in.NextToken {
			return texts
		}
		in.NextToken = token
	}
}

func (f *fixture) readGroup(in *api.FilterLogEventsInput) (texts []string) {
	in.LogGroupName = new("g")
	if in.StartFromHead != nil && time.Now().UnixMilli() < descendingSince {
		refuse(f, f.FilterLogEvents, in, "InvalidParameterException: startFromHead can be false only if startTime is on or after 2024-01-01T00:00:00Z.")
		return nil
	}
	ids := make(map[string]bool)
	for {
		out := must(f, f.FilterLogEvents, in)
		for _, e := range out.Events {
			texts = append(texts, *e.Message)
			if ids[*e.EventId] || len(*e.EventId) != 56 {
				f.t.Errorf("event id %s", *e.EventId)
			}
			ids[*e.EventId] = true
		}
		if out.NextToken == nil {
			return texts
		}
		in.NextToken = out.NextToken
	}
}

// From 2024 on, groups are read backwards too.
func TestReadingBackwards(t *testing.T) {
	f := newFixture(t)
	f.group("a", "b")
	now := time.Now()
	var want []string
	for i := range 50 {
		text := fmt.Sprint(i)
		f.put([]string{"a", "b"}[i%2], at(now.Add(time.Duration(i-100)*time.Second/2), text))
		want = append(want, text)
	}
	slices.Reverse(want)
	for _, limit := range []int32{1, 7, 100} {
		in := &api.FilterLogEventsInput{Limit: &limit, StartFromHead: new(false), StartTime: new(now.Add(-time.Hour).UnixMilli())}
		checkTexts(t, "latest first", f.readGroup(in), want)
	}
}

// A reader that follows a stream gets what came since, from an empty stream on.
func TestFollow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, fromHead := range []bool{true, false} {
			f := newFixture(t)
			f.group("s")
			in := &api.GetLogEventsInput{LogGroupName: new("g"), LogStreamName: "s", StartFromHead: &fromHead}
			for i := range 5 {
				out := must(f, f.GetLogEvents, in)
				if i > 0 && (len(out.Events) != 1 || *out.Events[0].Message != fmt.Sprint(i)) {
					t.Fatalf("after %d: %v", i, out.Events)
				}
				again := must(f, f.GetLogEvents, &api.GetLogEventsInput{LogGroupName: new("g"), LogStreamName: "s", NextToken: out.NextForwardToken})
				if len(again.Events) != 0 || *again.NextForwardToken != *out.NextForwardToken {
					t.Fatalf("at the end: %v", again.Events)
				}
				in.NextToken = out.NextForwardToken
				f.put("s", at(time.Now(), fmt.Sprint(i+1)))
			}
		}
	})
}

func TestRejected(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(t)
		time.Sleep(100 * 24 * time.Hour)
		f.group("s")
		now := time.Now()
		day := 24 * time.Hour
		check := func(what string, got *int32, want int32) {
			t.Helper()
			if (got == nil) != (want < 0) || got != nil && *got != want {
				t.Errorf("%s: got %v, want %d", what, got, want)
			}
		}
		if out := f.put("s", at(now.Add(-14*day), "a"), at(now.Add(-13*day), "b")); out.RejectedLogEventsInfo != nil {
			t.Errorf("fourteen days: %+v", out.RejectedLogEventsInfo)
		}
		out := f.put("s", at(now.Add(-14*day-1e6), "a"), at(now.Add(-14*day-1e6), "b"), at(now.Add(-14*day), "c"))
		check("too old", out.RejectedLogEventsInfo.TooOldLogEventEndIndex, 2)
		out = f.put("s", at(now.Add(2*time.Hour), "d"), at(now.Add(2*time.Hour+1e6), "e"))
		check("too new", out.RejectedLogEventsInfo.TooNewLogEventStartIndex, 1)
		must(f, f.PutRetentionPolicy, &api.PutRetentionPolicyInput{LogGroupName: "g", RetentionInDays: 3})
		out = f.put("s", at(now.Add(-3*day-1e6), "f"), at(now.Add(-3*day), "g"))
		check("expired", out.RejectedLogEventsInfo.ExpiredLogEventEndIndex, 1)
		check("not too old", out.RejectedLogEventsInfo.TooOldLogEventEndIndex, -1)
		checkTexts(t, "kept", f.readStream("s", 100, true), []string{"g", "d"})
	})
}

func TestBadBatch(t *testing.T) {
	f := newFixture(t)
	f.group("s")
	now := time.Now()
	put := func(want string, events ...api.InputLogEvent) {
		t.Helper()
		refuse(f, f.PutLogEvents, &api.PutLogEventsInput{LogGroupName: "g", LogStreamName: "s", LogEvents: events}, "InvalidParameterException: "+want)
	}
	put("Log events in a single PutLogEvents request must be in chronological order.", at(now, "a"), at(now.Add(-1e6), "b"))
	put("The batch of log events in a single PutLogEvents request cannot span more than 24 hours.", at(now.Add(-25*time.Hour), "a"), at(now, "b"))
	put("Upload too large: 1048602 bytes exceeds limit of 1048576", at(now, strings.Repeat("x", 1<<20)))
	f.put("s", at(now, strings.Repeat("x", 1<<20-26)))
	refuse(f, f.PutLogEvents, &api.PutLogEventsInput{LogGroupName: "g", LogStreamName: "no", LogEvents: []api.InputLogEvent{at(now, "a")}},
		"ResourceNotFoundException: The specified log stream does not exist.")
	refuse(f, f.PutLogEvents, &api.PutLogEventsInput{LogGroupName: "no", LogStreamName: "s", LogEvents: []api.InputLogEvent{at(now, "a")}},
		"ResourceNotFoundException: The specified log group does not exist.")
}

func TestBadToken(t *testing.T) {
	f := newFixture(t)
	f.group("s")
	const want = "InvalidParameterException: The specified nextToken is invalid."
	for _, token := range []string{"x", "f/1/s", "f/" + strings.Repeat("9", 56), "b/" + strings.Repeat("x", 56) + "/s"} {
		refuse(f, f.GetLogEvents, &api.GetLogEventsInput{LogGroupName: new("g"), LogStreamName: "s", NextToken: &token}, want)
		refuse(f, f.FilterLogEvents, &api.FilterLogEventsInput{LogGroupName: new("g"), NextToken: &token}, want)
	}
	huge := "f/" + strings.Repeat("9", 56) + "/s"
	must(f, f.GetLogEvents, &api.GetLogEventsInput{LogGroupName: new("g"), LogStreamName: "s", NextToken: &huge})
	refuse(f, f.FilterLogEvents, &api.FilterLogEventsInput{LogGroupName: new("g"), FilterPattern: new("a:b")},
		"InvalidParameterException: Invalid character(s) in term ':'")
}

// What is older than the retention is gone at once, and its space soon after.
func TestRetention(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(t)
		f.group("s", "t")
		must(f, f.PutRetentionPolicy, &api.PutRetentionPolicyInput{LogGroupName: "g", RetentionInDays: 1})
		stored := func() int64 {
			out := must(f, f.DescribeLogGroups, &api.DescribeLogGroupsInput{})
			return *out.LogGroups[0].StoredBytes
		}
		f.put("s", at(time.Now(), "old"))
		time.Sleep(12 * time.Hour)
		f.put("s", at(time.Now(), "young"))
		f.put("t", at(time.Now(), "young too"))
		checkTexts(t, "both", f.readStream("s", 10, true), []string{"old", "young"})
		time.Sleep(12*time.Hour + time.Second)
		checkTexts(t, "later", f.readStream("s", 10, true), []string{"young"})
		checkTexts(t, "later, group", f.readGroup(&api.FilterLogEventsInput{}), []string{"young", "young too"})
		time.Sleep(slot * time.Millisecond)
		before := stored()
		wait, err := f.expire(f.ctx)
		if err != nil || wait < sweep || wait > 24*time.Hour {
			t.Fatalf("expire: %v, %v", wait, err)
		}
		if after := stored(); after >= before || after == 0 {
			t.Errorf("stored %d bytes, then %d", before, after)
		}
		checkTexts(t, "swept", f.readStream("s", 10, true), []string{"young"})
		time.Sleep(24 * time.Hour)
		if _, err := f.expire(f.ctx); err != nil || stored() != 0 {
			t.Errorf("stored %d bytes after a day, %v", stored(), err)
		}
		must(f, f.DeleteRetentionPolicy, &api.DeleteRetentionPolicyInput{LogGroupName: "g"})
		refuse(f, f.PutRetentionPolicy, &api.PutRetentionPolicyInput{LogGroupName: "g", RetentionInDays: 2},
			"InvalidParameterException: 1 validation error detected: Value '2' at 'retentionInDays' failed to satisfy constraint: Member must satisfy enum value set: [1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653]")
	})
}

// Blocks hold what was put into them, and other bytes are refused, not believed.
func FuzzBlock(f *testing.F) {
	c := newCodec()
	f.Add([]byte("hello"), uint16(3), int64(1))
	f.Add([]byte(strings.Repeat("hello ", 100)), uint16(300), int64(1<<40))
	f.Add(c.encode([]event{{Message: "x"}}, 0, 0), uint16(1), int64(0))
	f.Fuzz(func(t *testing.T, text []byte, size uint16, first int64) {
		first &= forever - 1
		var events []event
		for i := 0; i < len(text); i += int(size) + 1 {
			p := position{Time: first + int64(i), Batch: 7, Index: int64(len(events))}
			events = append(events, event{p, 42, string(text[i:min(len(text), i+int(size)+1)])})
		}
		if len(events) > 0 {
			got, err := c.decode(nil, c.encode(events, first, 42), first, 7)
			if err != nil || !slices.Equal(got, events) {
				t.Errorf("got %v, %v, want %v", got, err, events)
			}
		}
		c.decode(nil, text, first, 0)
	})
}

func BenchmarkPutLogEvents(b *testing.B) {
	for _, n := range []int{1, 100} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			f := newFixture(&testing.T{})
			f.group("s")
			var events []api.InputLogEvent
			for i := range n {
				events = append(events, at(time.Now(), fmt.Sprintf("2026-01-01T00:00:00Z INFO request %d took %d ms", i, i*7)))
			}
			b.ReportAllocs()
			for b.Loop() {
				f.put("s", events...)
			}
		})
	}
}
