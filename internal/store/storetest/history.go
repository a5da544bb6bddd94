package storetest

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"github.com/aloft-cloud/aloft/internal/store"
	"github.com/aloft-cloud/aloft/internal/task"
)

// A Workload is what many clients do to a store at once, to record a history.
type Workload struct {
	Clients int // 0 is 12
	Txns    int // of each client; negative is until Context ends
	Lists   int // and as many sets; 0 is 4
	Seed    uint64
	From    int // where IDs, values and keys begin, so that histories do not mix

	Began func(Txn) // called before a transaction, with what it will write
	Acked func(Txn) // called after it has been acknowledged

	Context context.Context
}

var (
	lists = store.NewBytes[int]("storetest.list")
	sets  = store.NewBytes[int]("storetest.set")
)

func (w Workload) withDefaults() Workload {
	if w.Clients == 0 {
		w.Clients = 12
	}
	if w.Lists == 0 {
		w.Lists = 4
	}
	if w.Context == nil {
		w.Context = context.Background()
	}
	return w
}

// A recorder runs a workload.
type recorder struct {
	Workload
	db *store.DB

	mu      sync.Mutex
	history []Txn
	last    int // ID or value given out
}

// Run runs w on db and returns what happened, in no order. A transaction that
// met store.ErrFailed is in it as unknown; those that met other errors are not.
func Run(db *store.DB, w Workload) []Txn {
	r := &recorder{Workload: w.withDefaults(), db: db, last: w.From}
	var g task.Group
	for c := range r.Clients {
		g.Go(func() {
			random := rand.New(rand.NewPCG(w.Seed, uint64(c)))
			for n := 0; n != r.Txns && r.Context.Err() == nil; n++ {
				r.one(random)
			}
		})
	}
	g.Wait()
	return r.history
}

func (r *recorder) next() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.last++
	return r.last
}

// one plans a transaction and runs it.
func (r *recorder) one(random *rand.Rand) {
	reading := random.IntN(4) == 0
	t := Txn{ID: r.next(), Ops: make([]Op, 1+random.IntN(4))}
	for i := range t.Ops {
		kinds := []Kind{Append, Read, Insert, Scan, Read, Scan}
		if reading {
			kinds = []Kind{Read, Scan}
		}
		o := Op{Kind: kinds[random.IntN(len(kinds))], Key: r.From + random.IntN(r.Lists)}
		if o.Kind == Append || o.Kind == Insert {
			o.Val = r.next()
		}
		t.Ops[i] = o
	}
	reverse := random.IntN(2) == 0
	run := r.db.Update
	if reading && random.IntN(2) == 0 {
		run = r.db.View
	}
	plan := t.Ops
	t.Start = time.Now().UnixNano()
	if r.Began != nil {
		r.Began(t)
	}
	err := run(r.Context, func(tx *store.Tx) (err error) {
		t.Ops, err = perform(tx, plan, reverse)
		return err
	})
	t.End = time.Now().UnixNano()
	if err != nil && !errors.Is(err, store.ErrFailed) {
		return
	}
	if err != nil {
		t.Ops = plan
		t.Forget()
	} else if r.Acked != nil {
		r.Acked(t)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.history = append(r.history, t)
}

// perform does what plan says, and returns it with what was seen.
func perform(tx *store.Tx, plan []Op, reverse bool) ([]Op, error) {
	ops := slices.Clone(plan)
	for i := range ops {
		o := &ops[i]
		var err error
		switch o.Kind {
		case Append:
			var l []byte
			if l, err = readList(tx, o.Key); err == nil {
				err = lists.Rows(o.Key).Put(tx, nil, binary.BigEndian.AppendUint64(l, uint64(o.Val)))
			}
		case Read:
			var l []byte
			l, err = readList(tx, o.Key)
			for ; len(l) > 0; l = l[8:] {
				o.Seen = append(o.Seen, int(binary.BigEndian.Uint64(l)))
			}
		case Insert:
			err = sets.Rows(o.Key).Put(tx, member(o.Val), nil)
		case Scan:
			scan := sets.Rows(o.Key).Scan
			if reverse {
				scan = sets.Rows(o.Key).ScanReverse
			}
			for k := range scan(tx, nil, nil) {
				o.Seen = append(o.Seen, int(binary.BigEndian.Uint64(k)^scramble))
			}
		}
		if err != nil {
			return nil, err
		}
	}
	return ops, nil
}

// member returns the key of a value in a set. They are not in the order of time.
func member(v int) []byte { return binary.BigEndian.AppendUint64(nil, uint64(v)^scramble) }

const scramble = 0x55

func readList(tx *store.Tx, key int) ([]byte, error) {
	l, err := lists.Rows(key).Get(tx, nil)
	if errors.Is(err, store.ErrNotFound) {
		return nil, nil
	}
	return l, err
}

// Final reads all that w wrote: the last transaction of its history.
func Final(db *store.DB, w Workload) (Txn, error) {
	w = w.withDefaults()
	var plan []Op
	for k := range w.Lists {
		plan = append(plan, Op{Kind: Read, Key: w.From + k}, Op{Kind: Scan, Key: w.From + k})
	}
	t := Txn{ID: -1, Start: time.Now().UnixNano()}
	err := db.View(context.Background(), func(tx *store.Tx) (err error) {
		t.Ops, err = perform(tx, plan, false)
		return err
	})
	if err != nil {
		return t, fmt.Errorf("read everything: %w", err)
	}
	t.End = time.Now().UnixNano()
	return t, nil
}
