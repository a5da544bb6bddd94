package poll

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/store"
)

// A tape is a stream of one shard, whose records are numbers.
type tape struct {
	mu      sync.Mutex
	records []Record
	closed  bool
}

func (s *tape) shards(context.Context) ([]shard, error) { return []shard{{id: "shard"}}, nil }

func (s *tape) iterator(_ context.Context, _, kind, at string, _ time.Time) (string, error) {
	if kind == startAfter {
		return at, nil
	}
	return "0", nil
}

func (s *tape) read(_ context.Context, _, iterator string, limit int) ([]Record, string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	from, err := strconv.Atoi(iterator)
	if err != nil {
		return nil, "", err
	}
	to := min(len(s.records), from+limit)
	if s.closed && to == len(s.records) {
		return slices.Clone(s.records[from:to]), "", nil
	}
	return slices.Clone(s.records[from:to]), strconv.Itoa(to), nil
}

func (s *tape) expired(error) bool { return false }
func (s *tape) trimmed(error) bool { return false }
func (s *tape) topic() string      { return "tape" }

// add records n more, of keys that repeat.
func (s *tape) add(n, keys int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for range n {
		id := strconv.Itoa(len(s.records) + 1)
		s.records = append(s.records, Record{ID: id, JSON: json.RawMessage(id), At: time.Now(), key: strconv.Itoa(len(s.records) % keys)})
	}
}

var owner = aws.ARN{Service: "test", Region: "r", Account: "a", Resource: "owner"}

func newEngine(t *testing.T) *Engine {
	db, err := store.OpenMemory()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return New(Config{DB: db, Log: slog.New(slog.NewTextHandler(t.Output(), nil))})
}

// row is how far the shard was read.
func (e *Engine) row(t *testing.T) (row shardRow) {
	t.Helper()
	err := e.cfg.DB.View(t.Context(), func(tx *store.Tx) (err error) {
		row, err = shardRows.Get(tx, shardKey{owner, "shard"})
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return row
}

// Whatever fails, and however many lanes there are, records of a key are
// handled in order, and a place is remembered only when all before it is done.
func TestOrder(t *testing.T) {
	for lanes := 1; lanes <= 4; lanes++ {
		synctest.Test(t, func(t *testing.T) {
			e, src := newEngine(t), &tape{}
			src.add(500, 7)
			src.closed = true
			var mu sync.Mutex
			done := make(map[string]bool)
			last := make(map[string]int)
			j := &Job{Owner: owner, BatchSize: 10, Lanes: lanes, Start: startHorizon, Retries: -1, Bisect: true}
			j.Handle = func(_ context.Context, b *Batch) Result {
				mu.Lock()
				defer mu.Unlock()
				after := 0
				if at := e.row(t).After; at != "" {
					after, _ = strconv.Atoi(at)
				}
				for i := 1; i <= after; i++ {
					if !done[strconv.Itoa(i)] {
						t.Fatalf("the place is %d, but %d was not handled", after, i)
					}
				}
				fail := rand.IntN(4)
				if fail == 0 {
					return Result{Err: errors.New("as asked")}
				}
				var res Result
				for i, r := range b.Records {
					if fail == 1 && i == len(b.Records)/2 {
						res.Failed = []string{r.ID}
						break
					}
					n, _ := strconv.Atoi(r.ID)
					if n <= last[r.key] {
						t.Errorf("%d was handled after %d", n, last[r.key])
					}
					last[r.key], done[r.ID] = n, true
				}
				return res
			}
			if err := e.pollUntilDone(t.Context(), j, src); err != nil {
				t.Fatal(err)
			}
			if row := e.row(t); len(done) != 500 || row.After != "500" || !row.Done {
				t.Errorf("%d records were handled; row %+v", len(done), row)
			}
		})
	}
}

// pollUntilDone polls until the shard is read to its end.
func (e *Engine) pollUntilDone(ctx context.Context, j *Job, src stream) error {
	if _, _, err := e.listShards(ctx, j, src); err != nil {
		return err
	}
	return newReader(e, j, src, "shard").run(ctx)
}

// Who was not the last to claim a shard does not move it.
func TestClaim(t *testing.T) {
	e, src := newEngine(t), &tape{}
	src.add(3, 1)
	src.closed = true
	j := &Job{Owner: owner, BatchSize: 1, Start: startHorizon}
	handled := 0
	j.Handle = func(ctx context.Context, b *Batch) Result {
		if handled++; handled == 2 {
			if _, err := e.claim(ctx, shardKey{owner, "shard"}); err != nil {
				t.Error(err)
			}
		}
		return Result{}
	}
	if err := e.pollUntilDone(t.Context(), j, src); !errors.Is(err, errLost) {
		t.Errorf("got %v, want %v", err, errLost)
	}
	if row := e.row(t); row.After != "1" || handled != 2 {
		t.Errorf("%d handled, row %+v", handled, row)
	}
}

// Records that fail too often, or are too old, are given up, and told of.
func TestGiveUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e, src := newEngine(t), &tape{}
		src.add(2, 1)
		time.Sleep(time.Hour)
		src.add(3, 1)
		src.closed = true
		var told []string
		j := &Job{Owner: owner, BatchSize: 10, Start: startHorizon, Retries: 2, MaxAge: time.Minute, Bisect: true}
		j.Handle = func(_ context.Context, b *Batch) Result {
			if slices.ContainsFunc(b.Records, func(r Record) bool { return r.ID == "4" }) {
				return Result{Err: errors.New("as asked")}
			}
			return Result{}
		}
		j.Dead = func(_ *store.Tx, b *Batch, f Failure) error {
			text := fmt.Sprint(f.Condition, f.Invokes, string(b.JSON()))
			if !slices.Contains(told, text) { // a transaction may be run twice
				told = append(told, text)
			}
			return nil
		}
		if err := e.pollUntilDone(t.Context(), j, src); err != nil {
			t.Fatal(err)
		}
		if got, want := strings.Join(told, " "), "RecordAgeExceeded1[1,2] RetryAttemptsExhausted3[4]"; got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	})
}

func TestParseFailures(t *testing.T) {
	f := func(answer, want string) {
		t.Helper()
		failed, ok := ParseFailures([]byte(answer))
		if got := fmt.Sprint(failed, ok); got != want {
			t.Errorf("ParseFailures(%s) = %s, want %s", answer, got, want)
		}
	}
	for _, success := range []string{``, `null`, `{}`, `""`, `{"batchItemFailures":null}`, `{"batchItemFailures":[]}`} {
		f(success, "[] true")
	}
	f(`{"batchItemFailures":[{"itemIdentifier":"a"},{"itemIdentifier":"b"}]}`, "[a b] true")
	for _, failure := range []string{`{"batchItemFailures":[{"itemIdentifier":""}]}`, `{"batchItemFailures":[{"itemIdentifier":null}]}`, `{"batchItemFailures":[{"foo":"bar"}]}`, `{"batchItemFailures":1}`, `"text"`, `[1]`, `{`} {
		f(failure, "[] false")
	}
}

func FuzzParseFailures(f *testing.F) {
	f.Add([]byte(`{"batchItemFailures":[{"itemIdentifier":"a"}]}`))
	f.Fuzz(func(t *testing.T, answer []byte) {
		failed, ok := ParseFailures(answer)
		if !ok && len(failed) > 0 {
			t.Errorf("ParseFailures(%q) = %q, %v", answer, failed, ok)
		}
		for _, id := range failed { // what it names is not empty
			if id == "" {
				t.Errorf("ParseFailures(%q) names nothing", answer)
			}
		}
	})
}
