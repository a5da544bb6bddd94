package storetest

import (
	"testing"

	"github.com/aloft-cloud/aloft/internal/store"
)

// An Open opens an empty store and has it closed when the test is over.
type Open func(t *testing.T) *store.DB

// Test tests all that is promised of the stores that open opens.
func Test(t *testing.T, open Open) {
	t.Run("strictly serialisable", func(t *testing.T) { testSerialisable(t, open) })
	t.Run("as a model", func(t *testing.T) { testModel(t, open) })
	t.Run("functions", func(t *testing.T) { testFunctions(t, open) })
	t.Run("logs", func(t *testing.T) { testLogs(t, open) })
}

func testSerialisable(t *testing.T, open Open) {
	for seed := range uint64(3) {
		if err := History(open(t), Workload{Txns: 200, Seed: seed}); err != nil {
			t.Errorf("seed %d: %v", seed, err)
		}
	}
}

// History runs w on db and checks what happened.
func History(db *store.DB, w Workload) error {
	history := Run(db, w)
	last, err := Final(db, w)
	if err != nil {
		return err
	}
	return Check(append(history, last))
}
