package limit

import (
	"math"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// A rate holds within two per cent, whoever comes and when; a burst beyond it
// is refused, and the next second works.
func TestBucket(t *testing.T) {
	f := func(rate, burst float64, lasts, pause time.Duration) {
		t.Helper()
		synctest.Test(t, func(t *testing.T) {
			b := NewBucket(rate, burst)
			var good, refused atomic.Int64
			var wg sync.WaitGroup
			began := time.Now()
			for i := range 64 {
				random := rand.New(rand.NewPCG(uint64(i), 1))
				wg.Go(func() {
					for time.Since(began) < lasts {
						if b.Take() {
							good.Add(1)
						} else {
							refused.Add(1)
						}
						time.Sleep(time.Duration(random.Int64N(int64(pause))) + 1)
					}
				})
			}
			wg.Wait()
			want := burst + rate*lasts.Seconds()
			if got := float64(good.Load()); math.Abs(got-want) > want*0.02+1 || refused.Load() == 0 {
				t.Errorf("%v a second, %v at once: %v were let through and %v refused, want %v let through", rate, burst, got, refused.Load(), want)
			}
			time.Sleep(time.Second)
			if !b.Take() {
				t.Error("the next second does not work")
			}
		})
	}
	f(1000, 100, 10*time.Second, 10*time.Millisecond)
	f(100, 1, 10*time.Second, 10*time.Millisecond)
	f(10, 500, 10*time.Second, 10*time.Millisecond)
	f(5000, 5000, 3*time.Second, time.Millisecond)
}
