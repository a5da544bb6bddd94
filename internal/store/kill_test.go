package store_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/aloft-cloud/aloft/internal/store"
	"github.com/aloft-cloud/aloft/internal/store/storetest"
)

var kills = flag.Int("kills", 20, "how often TestKill kills")

// childDir tells this program that it is to be killed, and where its store is.
const childDir = "ALOFT_STORE_CHILD"

func TestMain(m *testing.M) {
	if dir := os.Getenv(childDir); dir != "" {
		round, _ := strconv.Atoi(os.Args[1])
		child(dir, round)
		return
	}
	os.Exit(m.Run())
}

// A report is what the child says before and after each transaction.
type report struct {
	Open  bool           `json:",omitempty"` // it is about to open the store
	Began *storetest.Txn `json:",omitempty"`
	Acked *storetest.Txn `json:",omitempty"`
	Body  *killedBody    `json:",omitempty"` // acknowledged
}

type killedBody struct {
	Round, N int
	Size     int64
}

// killed are bodies that children wrote, each with a row in the log of killedLog.
var (
	killed    = store.NewTable[killedBody, store.Body]("test.killed")
	killedLog = store.NewLog[string, killedBody]("test.killedlog")
)

func killWorkload(round int) storetest.Workload {
	return storetest.Workload{Txns: -1, Seed: uint64(round), From: round << 24}
}

// child works on the store in dir until it is killed.
func child(dir string, round int) {
	var mu sync.Mutex
	say := func(r report) {
		b, err := json.Marshal(r)
		if err != nil {
			panic(err)
		}
		mu.Lock()
		defer mu.Unlock()
		os.Stdout.Write(append(b, '\n'))
	}
	say(report{Open: true})
	c := store.Config{Dir: dir}
	if round%2 == 0 {
		c = store.SmallMemTable(c)
	}
	db, err := store.Open(c)
	if err != nil {
		panic(err)
	}
	w := killWorkload(round)
	w.Began = func(t storetest.Txn) { say(report{Began: &t}) }
	w.Acked = func(t storetest.Txn) { say(report{Acked: &t}) }
	go storetest.Run(db, w)
	random := rand.New(rand.NewPCG(uint64(round), 1))
	for n := 0; ; n++ {
		b := killedBody{round, n, random.Int64N(3 * store.MaxInline)}
		if err := saveKilled(db, b); err != nil {
			panic(err)
		}
		say(report{Body: &b})
	}
}

func saveKilled(db *store.DB, b killedBody) error {
	ctx := context.Background()
	up := db.Blobs().Create(ctx)
	defer up.Close()
	if _, err := io.CopyN(up, pattern(), b.Size); err != nil {
		return err
	}
	if err := up.Finish(); err != nil {
		return err
	}
	return db.Update(ctx, func(tx *store.Tx) error {
		body, err := up.Keep(tx)
		if err != nil {
			return err
		}
		killedLog.Append(tx, "", b)
		return killed.Put(tx, b, body)
	})
}

// Kill -9 loses nothing that was acknowledged, and leaves nothing half-written.
func TestKill(t *testing.T) {
	if testing.Short() {
		*kills = 3
	}
	dir := t.TempDir()
	random := rand.New(rand.NewPCG(1, 1))
	var txns, bodies int
	var slowest time.Duration
	for round := 1; round <= *kills; round++ {
		history, acked := killOne(t, dir, round, random.IntN(10)*random.IntN(300))
		start := time.Now()
		db, err := store.Open(store.Config{Dir: dir})
		if err != nil {
			t.Fatal(err)
		}
		slowest = max(slowest, time.Since(start))
		last, err := storetest.Final(db, killWorkload(round))
		if err != nil {
			t.Fatal(err)
		}
		if err := storetest.Check(append(history, last)); err != nil {
			t.Errorf("round %d: %v", round, err)
		}
		checkKilled(t, db, round, acked)
		if round == *kills {
			checkKilled(t, db, 0, nil)
		}
		if err := db.Close(); err != nil {
			t.Error(err)
		}
		txns, bodies = txns+len(history), bodies+len(acked)
		if t.Failed() {
			return
		}
	}
	t.Logf("%d kills amid %d transactions and %d bodies; the slowest Open took %v", *kills, txns, bodies, slowest)
	if slowest > time.Second {
		t.Errorf("Open took %v, want at most a second", slowest)
	}
}

// killOne runs a child, kills it after so many reports, and returns what it
// did for all we know.
func killOne(t *testing.T, dir string, round, after int) (history []storetest.Txn, acked []killedBody) {
	cmd := exec.Command(os.Args[0], strconv.Itoa(round))
	cmd.Env = append(os.Environ(), childDir+"="+dir)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	began := make(map[int]storetest.Txn)
	lines := bufio.NewReader(out)
	for n := 0; ; n++ {
		if n == after {
			cmd.Process.Kill()
		}
		line, err := lines.ReadBytes('\n')
		if err != nil {
			break // the rest of a line is nothing that was said
		}
		var r report
		if err := json.Unmarshal(line, &r); err != nil {
			t.Fatalf("child said %q: %v", line, err)
		}
		switch {
		case r.Began != nil:
			began[r.Began.ID] = *r.Began
		case r.Acked != nil:
			delete(began, r.Acked.ID)
			history = append(history, *r.Acked)
		case r.Body != nil:
			acked = append(acked, *r.Body)
		}
	}
	cmd.Wait()
	for _, t := range began {
		t.Forget()
		history = append(history, t)
	}
	return history, acked
}

// checkKilled finds that every body of a round that has a row is there, and in
// the log, and that those acknowledged have one. Round 0 is all.
func checkKilled(t *testing.T, db *store.DB, round int, acked []killedBody) {
	left := make(map[killedBody]bool)
	for _, b := range acked {
		left[b] = true
	}
	var rows, last []killedBody
	view(t, db, func(tx *store.Tx) error {
		for b, body := range killed.Scan(tx, killedBody{Round: round}) {
			rows = append(rows, b)
			delete(left, b)
			if err := readKilled(db, tx, b, body); err != nil {
				t.Errorf("%v: %v", b, err)
			}
		}
		for _, b := range killedLog.Scan(tx, "", store.Position{}) {
			if round == 0 || b.Round == round {
				last = append(last, b)
			}
		}
		return nil
	})
	if len(left) > 0 {
		t.Errorf("lost: %v", left)
	}
	if fmt.Sprint(rows) != fmt.Sprint(last) { // the log is in the order of rounds, too
		t.Errorf("the rows are %v\nand the log is %v", rows, last)
	}
}

func readKilled(db *store.DB, tx *store.Tx, b killedBody, body store.Body) error {
	r, err := db.Blobs().Open(tx, body)
	if err != nil {
		return err
	}
	defer r.Close()
	got, err := io.ReadAll(r)
	want, _ := io.ReadAll(io.LimitReader(pattern(), b.Size))
	if err != nil || !bytes.Equal(got, want) {
		return fmt.Errorf("read %d bytes, %v; want %d", len(got), err, b.Size)
	}
	return nil
}
