package sandbox

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/aloft-cloud/aloft/internal/sandbox/rapi"
	"github.com/aloft-cloud/aloft/internal/task"
)

// Extensions that subscribe are sent what a worker and its function log, as
// records. While the worker is frozen they wait, as on Lambda; those that find
// no room are counted and dropped.

const (
	maxEarly   = 1000            // records from before there was a subscription
	tellAnswer = 5 * time.Second // of an extension that is told
	tellAgain  = 100 * time.Millisecond
)

// A record is one thing that subscribers are told.
type record struct {
	Time   string `json:"time"`
	Type   string `json:"type"`
	Record any    `json:"record"`
}

// kind is the type that subscribers ask for.
func (r *record) kind() string {
	kind, _, _ := strings.Cut(r.Type, ".")
	return kind
}

// telemetry is what subscribers of one worker are told.
type telemetry struct {
	active atomic.Bool // there are extensions, which may subscribe

	mu          sync.Mutex
	early       []record // nil once the worker has started
	closed      bool     // there are no more subscriptions
	subscribers []*subscriber
}

// A subscriber is one extension that is told.
type subscriber struct {
	rapi.Subscription
	w    *worker
	bell task.Bell // rung when there is something to tell at once

	mu      sync.Mutex
	records [][]byte
	bytes   int
	since   time.Time // the first of records came
	now     bool      // to tell without waiting for more
	dropped int
	lost    int // bytes that were dropped
}

// subscribed is told that an extension has subscribed. It is false if it is too late.
func (w *worker) subscribed(s rapi.Subscription) bool {
	t := &w.telemetry
	t.mu.Lock()
	if t.closed {
		t.mu.Unlock()
		return false
	}
	sub := &subscriber{Subscription: s, w: w, bell: task.NewBell()}
	t.subscribers = slices.DeleteFunc(t.subscribers, func(o *subscriber) bool { return o.Extension == s.Extension && o.Logs == s.Logs })
	t.subscribers = append(t.subscribers, sub)
	for i := range t.early {
		sub.take(&t.early[i])
	}
	t.mu.Unlock()
	w.m.group.Go(sub.run)
	kind := "platform.telemetrySubscription"
	if s.Logs {
		kind = "platform.logsSubscription"
	}
	w.tell(kind, map[string]any{"name": s.Extension, "state": "Subscribed", "types": s.Types})
	return true
}

// tell tells subscribers of w something of the platform.
func (w *worker) tell(kind string, what map[string]any) { w.telemetry.add(time.Now(), kind, what) }

// add tells subscribers something. Until the worker has started it is kept for
// those who are yet to subscribe.
func (t *telemetry) add(at time.Time, kind string, what any) {
	if t == nil || !t.active.Load() {
		return
	}
	r := record{at.UTC().Format(logTime), kind, what}
	t.mu.Lock()
	defer t.mu.Unlock()
	if !t.closed && len(t.early) < maxEarly {
		t.early = append(t.early, r)
	}
	for _, s := range t.subscribers {
		s.take(&r)
	}
}

// line tells subscribers a line that code wrote.
func (t *telemetry) line(kind string, at time.Time, b []byte, asJSON bool) {
	switch {
	case t == nil || !t.active.Load():
	case asJSON && bytes.HasPrefix(b, []byte("{")) && json.Valid(b):
		t.add(at, kind, json.RawMessage(bytes.Clone(bytes.TrimSpace(b))))
	default:
		t.add(at, kind, strings.ToValidUTF8(string(b), "\ufffd"))
	}
}

// close ends the time to subscribe.
func (t *telemetry) close() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.closed, t.early = true, nil
}

// flush has subscribers told what there is.
func (t *telemetry) flush() {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, s := range t.subscribers {
		s.mu.Lock()
		s.now = true
		s.mu.Unlock()
		s.bell.Ring()
	}
}

// since2022 are records that the Logs API does not know, and logsOnly those
// that the Telemetry API does not.
var (
	since2022 = []string{"platform.initStart", "platform.initReport", "platform.telemetrySubscription"}
	logsOnly  = []string{"platform.end", "platform.logsSubscription"}
)

// take adds a record to those to be told, if s wants it and there is room.
func (s *subscriber) take(r *record) {
	if !slices.Contains(s.Types, r.kind()) || s.Logs && slices.Contains(since2022, r.Type) || !s.Logs && slices.Contains(logsOnly, r.Type) {
		return
	}
	b, err := json.Marshal(r)
	if err != nil {
		return // what is no JSON was checked to be none
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.bytes+len(b) > 2*s.MaxBytes || len(s.records) >= 2*s.MaxItems {
		s.dropped++
		s.lost += len(b)
		return
	}
	if len(s.records) == 0 {
		s.since = time.Now()
		s.bell.Ring()
	}
	s.records = append(s.records, b)
	s.bytes += len(b)
	if s.bytes >= s.MaxBytes || len(s.records) >= s.MaxItems {
		s.bell.Ring()
	}
}

// due returns what is to be told now, or how long until something is; negative
// is never.
func (s *subscriber) due() ([][]byte, time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.records) == 0 {
		s.now = false
		return nil, -1
	}
	if left := s.Timeout - time.Since(s.since); left > 0 && !s.now && s.bytes < s.MaxBytes && len(s.records) < s.MaxItems {
		return nil, left
	}
	n, size := 0, 0
	for n < len(s.records) && n < s.MaxItems && size < s.MaxBytes {
		size += len(s.records[n])
		n++
	}
	batch := s.records[:n:n]
	s.records, s.bytes, s.since = s.records[n:], s.bytes-size, time.Now()
	if s.dropped > 0 {
		r := record{time.Now().UTC().Format(logTime), "platform.logsDropped", map[string]any{
			"reason": "Some logs were dropped because the subscriber has fallen behind", "droppedRecords": s.dropped, "droppedBytes": s.lost}}
		if b, err := json.Marshal(r); err == nil {
			batch = append(batch, b)
		}
		s.dropped, s.lost = 0, 0
	}
	return batch, 0
}

// run tells the extension until its worker has ended.
func (s *subscriber) run() {
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	for {
		batch, wait := s.due()
		if batch != nil {
			if !s.deliver(batch) {
				return
			}
			continue
		}
		if wait < 0 {
			wait = time.Hour
		}
		timer.Reset(wait)
		select {
		case <-timer.C:
		case <-s.bell:
		case <-s.w.exited:
			return
		}
	}
}

// deliver sends a batch until the extension has it. It is false if the worker
// has ended.
func (s *subscriber) deliver(batch [][]byte) bool {
	timer := time.NewTimer(tellAgain)
	defer timer.Stop()
	for {
		if s.send(batch) == nil {
			return true
		}
		timer.Reset(tellAgain)
		select {
		case <-timer.C:
		case <-s.w.exited:
			return false
		}
	}
}

// send sends a batch once.
func (s *subscriber) send(batch [][]byte) error {
	c, err := s.w.proc.Dial("127.0.0.1:" + s.Port)
	if err != nil {
		return err
	}
	defer c.Close()
	c.SetDeadline(time.Now().Add(tellAnswer))
	if s.TCP {
		_, err := c.Write(append(bytes.Join(batch, []byte("\n")), '\n'))
		return err
	}
	return s.post(c, append(append([]byte("["), bytes.Join(batch, []byte(","))...), ']'))
}

// post makes a request of the extension's server.
func (s *subscriber) post(c net.Conn, body []byte) error {
	req, err := http.NewRequest(http.MethodPost, "http://sandbox.localdomain:"+s.Port+s.Path, bytes.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/json")
	req.Close = true
	if err := req.Write(c); err != nil {
		return err
	}
	res, err := http.ReadResponse(bufio.NewReader(c), req)
	if err != nil {
		return err
	}
	res.Body.Close()
	if res.StatusCode >= 300 {
		return fmt.Errorf("the extension answered %s", res.Status)
	}
	return nil
}

// The records of the platform, as the Telemetry API has them.

func (s *start) tellInit(w *worker) {
	version, arn := scribe{s.c.f}.runtimeVersion(w.lang)
	w.tell("platform.initStart", map[string]any{"initializationType": s.kind(), "phase": "init", "runtimeVersion": version, "runtimeVersionArn": arn,
		"functionName": s.c.f.name(), "functionVersion": s.c.f.Version})
}

// tellStarted tells how the start of w went; why is nil if it is ready.
func (s *start) tellStarted(w *worker, took time.Duration, why *failure) {
	status := "success"
	if why != nil {
		status = why.status
	}
	done := map[string]any{"initializationType": s.kind(), "phase": "init", "status": status}
	if why != nil && why.errorType != "" {
		done["errorType"] = why.errorType
	}
	w.tell("platform.initRuntimeDone", done)
	report := maps.Clone(done)
	report["metrics"] = map[string]any{"durationMs": ms(took)}
	w.tell("platform.initReport", report)
}

func (w *worker) tellInvoke(e *Event, version string) {
	if !w.telemetry.active.Load() {
		return
	}
	what := map[string]any{"requestId": e.RequestID, "version": version}
	if e.TraceID != "" {
		what["tracing"] = map[string]any{"type": "X-Amzn-Trace-Id", "value": e.TraceID}
	}
	w.tell("platform.start", what)
}

// tellInvoked tells how an event went.
func (w *worker) tellInvoked(e *Event, f *Function, res *Result, why *failure) {
	if !w.telemetry.active.Load() {
		return
	}
	what := map[string]any{"requestId": e.RequestID, "status": "success"}
	switch {
	case why != nil:
		what["status"] = why.status
		if why.errorType != "" {
			what["errorType"] = why.errorType
		}
	case res.FunctionError != "":
		what["status"] = "error"
	}
	if e.TraceID != "" {
		what["tracing"] = map[string]any{"type": "X-Amzn-Trace-Id", "value": e.TraceID}
	}
	done := maps.Clone(what)
	done["metrics"] = map[string]any{"durationMs": ms(res.Stats.Duration), "producedBytes": len(res.Payload)}
	w.tell("platform.runtimeDone", done)
	w.tell("platform.end", map[string]any{"requestId": e.RequestID})
	metrics := map[string]any{"durationMs": ms(res.Stats.Duration), "billedDurationMs": res.Stats.Billed.Milliseconds(), "memorySizeMB": f.memoryMB(), "maxMemoryUsedMB": res.Stats.MaxMB}
	if res.Stats.Init > 0 {
		metrics["initDurationMs"] = ms(res.Stats.Init)
	}
	what["metrics"] = metrics
	w.tell("platform.report", what)
}
