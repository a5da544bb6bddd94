package sandbox

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// TestStorm: whatever happens at once, every invoke gets its own answer or an
// error, and in the end nothing is left waiting.
func TestStorm(t *testing.T) {
	r := newRig(t, func(c *Config) { c.MemoryMB = 300 })
	base := self(t)
	var answers, refused atomic.Int64
	var wg sync.WaitGroup
	end := time.Now().Add(3 * time.Second)
	for n := range 12 {
		wg.Go(func() {
			rnd := rand.New(rand.NewPCG(uint64(n), 1))
			for i := 0; time.Now().Before(end); i++ {
				f := *base
				f.ARN.Resource = fmt.Sprint("function:storm", rnd.IntN(4))
				f.Revision = fmt.Sprint(rnd.IntN(2))
				f.Timeout = 2 * time.Second
				ctx, cancel := context.WithCancel(t.Context())
				want := fmt.Sprintf("%d-%d", n, i)
				payload := fmt.Sprintf(`{"Do":"echo","Say":%q}`, want)
				switch rnd.IntN(40) {
				case 0:
					payload = `{"Do":"exit"}`
				case 1:
					r.Forget(f.ARN)
				case 2:
					cancel()
				}
				res, err := r.Invoke(ctx, &f, Event{RequestID: want, Payload: []byte(payload)})
				cancel()
				switch {
				case errors.Is(err, ErrBusy) || errors.Is(err, context.Canceled):
					refused.Add(1)
				case err != nil:
					t.Error(err)
				case payload == `{"Do":"exit"}`:
					expect(t, res, "Unhandled", `.*exit status 7.*`)
				case string(res.Payload) != fmt.Sprintf("%q", want):
					t.Errorf("asked %s, was answered %s %s\n%s", want, res.FunctionError, res.Payload, res.LogTail)
				default:
					answers.Add(1)
				}
			}
		})
	}
	wg.Wait()
	t.Logf("%d answers, %d refused", answers.Load(), refused.Load())
	if answers.Load() < 20 {
		t.Error("hardly anything was answered")
	}
	r.Manager.mu.Lock()
	defer r.Manager.mu.Unlock()
	for _, c := range r.allCrews() {
		if len(c.queue) > 0 || c.returning < 0 || c.starting < 0 {
			t.Errorf("%s: %d wait, %d start, %d return", c.key, len(c.queue), c.starting, c.returning)
		}
	}
}
