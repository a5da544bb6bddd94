package event

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/store"
	"github.com/aloft-cloud/aloft/internal/task"
)

var (
	topic = aws.ARN{Service: "sns", Region: "us-east-1", Account: "000000000000", Resource: "news"}
	dead  = aws.ARN{Service: "sqs", Region: "us-east-1", Account: "000000000000", Resource: "dead"}
)

func queueNamed(name string) aws.ARN {
	return aws.ARN{Service: "sqs", Region: "us-east-1", Account: "000000000000", Resource: name}
}

// A world takes deliveries, as its function says.
type world struct {
	mu      sync.Mutex
	heard   []string // target, body and when, in order
	began   time.Time
	deliver func(d *Delivery) error
}

func (w *world) Deliver(_ context.Context, d *Delivery) error {
	if err := w.deliver(d); err != nil {
		return err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.heard = append(w.heard, fmt.Sprintf("%s %s %v", d.Target.Resource, d.Body, time.Since(w.began)))
	if a := d.Params[MessageAttributes]; a != "" {
		w.heard = append(w.heard, a)
	}
	return nil
}

func (w *world) Settled(d *Delivery, o Outcome) (Delivery, bool) {
	report := Delivery{Source: d.Source, Target: d.Target, Line: "report", Body: fmt.Appendf(nil, "%s after %d", d.Body, o.Attempts)}
	return report, string(d.Body) != "unseen"
}

func (w *world) Dead(d *Delivery, why Failure) map[string]Attribute {
	return map[string]Attribute{"WHY": {"String", fmt.Sprint(why)}}
}

// start runs a router on db until the function it returns is called.
func start(t *testing.T, db *store.DB, w *world) (*Router, func()) {
	ctx, cancel := context.WithCancel(t.Context())
	rt := NewRouter(db, w, slog.New(slog.NewTextHandler(t.Output(), nil)))
	var tasks task.Group
	tasks.Start(ctx, rt.Task())
	return rt, func() { cancel(); tasks.Wait() }
}

func open(t *testing.T) *store.DB {
	db, err := store.OpenMemory()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}

func send(t *testing.T, db *store.DB, rt *Router, deliveries ...Delivery) {
	t.Helper()
	for _, d := range deliveries {
		if err := db.Update(t.Context(), func(tx *store.Tx) error { return rt.Send(tx, d) }); err != nil {
			t.Fatal(err)
		}
	}
}

func want(t *testing.T, w *world, lines ...string) {
	t.Helper()
	w.mu.Lock()
	defer w.mu.Unlock()
	if !slices.Equal(w.heard, lines) {
		t.Errorf("heard:\n%s\nwant:\n%s", strings.Join(w.heard, "\n"), strings.Join(lines, "\n"))
	}
}

// One target that hangs or fails holds up no other.
func TestLines(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		db := open(t)
		w := &world{began: time.Now()}
		w.deliver = func(d *Delivery) error {
			if d.Target.Resource == "slow" {
				time.Sleep(time.Minute)
			}
			return nil
		}
		rt, stop := start(t, db, w)
		defer stop()
		for range 2 * maxAtOnce {
			send(t, db, rt, Delivery{Source: topic, Target: queueNamed("slow"), Body: []byte("m")})
		}
		send(t, db, rt, Delivery{Source: topic, Target: queueNamed("fast"), Body: []byte("m")})
		synctest.Wait()
		want(t, w, "fast m 0s")
		time.Sleep(time.Hour)
		synctest.Wait()
		if got := len(w.heard); got != 2*maxAtOnce+1 {
			t.Errorf("heard %d", got)
		}
	})
}

// What fails is tried again, later each time, and is then dead.
func TestRetry(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		db := open(t)
		w := &world{began: time.Now()}
		var tries []time.Duration
		w.deliver = func(d *Delivery) error {
			if d.Target.Resource != "jobs" {
				return nil
			}
			tries = append(tries, time.Since(w.began))
			return errors.New("not now")
		}
		rt, stop := start(t, db, w)
		defer stop()
		send(t, db, rt, Delivery{Source: topic, Target: queueNamed("jobs"), Body: []byte("m"), DeadLetter: dead, Retry: Retry{Attempts: 4}})
		time.Sleep(time.Hour)
		synctest.Wait()
		if got := fmt.Sprint(tries); got != "[0s 1s 3s 7s]" {
			t.Errorf("tried after %s", got)
		}
		want(t, w, "dead m 7s",
			`{"WHY":{"DataType":"String","StringValue":"{InternalFailure The request failed because of an internal error. 4 MaximumRetryAttempts}"}}`)
	})
}

// What is refused for good is dead at once, and what is throttled is not.
func TestRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		db := open(t)
		w := &world{began: time.Now()}
		throttles := 1
		w.deliver = func(d *Delivery) error {
			switch d.Target.Resource {
			case "closed":
				return aws.AccessDenied.Errorf("No.")
			case "full":
				if throttles--; throttles >= 0 {
					return aws.Fault{Code: "ThrottlingException", Status: 400}.Errorf("Rate exceeded")
				}
			}
			return nil
		}
		rt, stop := start(t, db, w)
		defer stop()
		send(t, db, rt,
			Delivery{Source: topic, Target: queueNamed("closed"), Body: []byte("m"), Original: []byte("o"), DeadLetter: dead},
			Delivery{Source: topic, Target: queueNamed("full"), Body: []byte("m"), DeadLetter: dead})
		time.Sleep(time.Hour)
		synctest.Wait()
		want(t, w, "dead o 0s", `{"WHY":{"DataType":"String","StringValue":"{AccessDeniedException No. 1 }"}}`, "full m 1s")
	})
}

// In an ordered line the first holds the rest.
func TestOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		db := open(t)
		w := &world{began: time.Now()}
		fails := 2
		w.deliver = func(d *Delivery) error {
			if string(d.Body) == "1" {
				if fails--; fails >= 0 {
					return errors.New("not now")
				}
			}
			return nil
		}
		rt, stop := start(t, db, w)
		defer stop()
		for i := range 4 {
			send(t, db, rt, Delivery{Source: topic, Target: queueNamed("jobs"), Body: fmt.Append(nil, i), Ordered: true})
		}
		time.Sleep(time.Hour)
		synctest.Wait()
		want(t, w, "jobs 0 0s", "jobs 1 3s", "jobs 2 3s", "jobs 3 3s")
	})
}

// What an earlier run left is delivered by the next.
func TestRestart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		db := open(t)
		w := &world{began: time.Now(), deliver: func(*Delivery) error { return errors.New("not now") }}
		rt, stop := start(t, db, w)
		for _, name := range []string{"a", "b", "c"} {
			send(t, db, rt, Delivery{Source: topic, Target: queueNamed(name), Body: []byte("m")}, Delivery{Source: topic, Target: queueNamed(name), Body: []byte("m")})
		}
		time.Sleep(time.Second / 2)
		synctest.Wait()
		stop()
		var waits []string
		err := db.View(t.Context(), func(tx *store.Tx) error {
			for d := range rt.Waiting(tx, queueNamed("b")) {
				waits = append(waits, fmt.Sprint(d.Target.Resource, d.Attempts))
			}
			return nil
		})
		if err != nil || fmt.Sprint(waits) != "[b1 b1]" {
			t.Errorf("waiting: %v, %v", waits, err)
		}
		w.deliver = func(*Delivery) error { return nil }
		_, stop = start(t, db, w)
		defer stop()
		time.Sleep(time.Hour)
		synctest.Wait()
		if len(w.heard) != 6 {
			t.Errorf("heard %q", w.heard)
		}
	})
}

// What becomes of a delivery for good is reported, once, to whoever wants that.
func TestReport(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		db := open(t)
		w := &world{began: time.Now()}
		failing := true
		w.deliver = func(d *Delivery) error {
			if failing && string(d.Body) == "again" {
				failing = false
				return errors.New("not now")
			}
			if string(d.Body) == "bad" {
				return aws.AccessDenied.Errorf("no")
			}
			return nil
		}
		rt, stop := start(t, db, w)
		defer stop()
		for _, body := range []string{"quiet", "unseen", "again", "bad"} {
			send(t, db, rt, Delivery{Source: topic, Target: queueNamed("jobs"), Body: []byte(body), Report: body != "quiet", Retry: Retry{First: time.Second}})
			time.Sleep(time.Minute)
		}
		want(t, w, "jobs quiet 0s", "jobs unseen 1m0s", "jobs again 2m1s", "jobs again after 2 2m1s", "jobs bad after 1 3m0s")
	})
}
