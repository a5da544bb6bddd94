package states

import (
	"errors"
	"time"

	api "github.com/aloft-cloud/aloft/internal/api/states"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/service/states/flow"
	"github.com/aloft-cloud/aloft/internal/store"
	"github.com/aloft-cloud/aloft/internal/store/due"
)

var (
	executions = store.NewTable[aws.ARN, execution]("states.execution")
	listed     = store.NewTable[listKey, struct{}]("states.listed")  // executions of a machine or a map run, by time
	running    = store.NewTable[listKey, struct{}]("states.running") // likewise, of those that have not ended
	runs       = store.NewTable[aws.ARN, flow.Run]("states.run")
	strands    = store.NewTable[strandKey, flow.Strand]("states.strand")
	history    = store.NewTable[strandKey, flow.Event]("states.event") // ID is the event's
	works      = store.NewTable[workKey, work]("states.work")
	watches    = store.NewTable[watchKey, work]("states.watch")
	dues       = due.NewTimes[strandKey]("states.due")
)

// An execution is one of a machine, or of a distributed map of one.
type execution struct {
	Machine  aws.ARN
	Spec     string // id of what it runs
	Version  int64  `json:",omitempty"` // that it was started by
	Alias    string `json:",omitempty"` // likewise
	Name     string
	Status   string // of api.ExecutionStatus…
	Input    string
	Output   *string `json:",omitempty"`
	Error    *string `json:",omitempty"`
	Cause    *string `json:",omitempty"`
	Trace    string  `json:",omitempty"`
	Started  time.Time
	Stopped  time.Time
	Alarm    time.Time // when it has run too long, or is forgotten
	Redrives int32     `json:",omitempty"`
	Redriven time.Time

	MapRun aws.ARN    // of which it is a part; zero if it is of a machine itself
	Map    string     `json:",omitempty"` // state of the machine that is that map
	Label  string     `json:",omitempty"` // of it
	Index  int64      `json:",omitempty"` // among the map run's
	Items  int64      `json:",omitempty"` // that it has of the map's
	Item   *flow.Item `json:",omitempty"`
}

// machineARN is how answers name the machine that an execution is of.
func (e *execution) machineARN() string {
	if e.Label != "" {
		return e.Machine.String() + "/" + e.Label
	}
	return e.Machine.String()
}

// versionARN and aliasARN are what an execution was started by, if it was.
func (e *execution) versionARN() *string {
	if e.Version == 0 {
		return nil
	}
	return new(versionARN(e.Machine, e.Version))
}

func (e *execution) aliasARN() *string {
	if e.Alias == "" {
		return nil
	}
	return new(e.Machine.String() + ":" + e.Alias)
}

// list is whose executions e is listed with.
func (e *execution) list() aws.ARN {
	if e.MapRun != (aws.ARN{}) {
		return e.MapRun
	}
	return e.Machine
}

// A listKey is a place in a list of executions.
type listKey struct {
	Of        aws.ARN // a machine, or a map run
	Started   time.Time
	Execution aws.ARN
}

// A strandKey names a strand, or an event, of an execution. With ID 0 it is the
// execution itself, in what is due.
type strandKey struct {
	Execution aws.ARN
	ID        int64
}

// A workKey names something to do for a strand of an execution.
type workKey struct {
	Execution aws.ARN
	ID        int64
	Kind      string // of work…
}

// Kinds of work.
const (
	workCall    = "call"    // make the call of its task
	workAdvance = "advance" // go on with strands that are ready
	workChild   = "child"   // hear how the execution ended that it waits for
	workMap     = "map"     // begin with its distributed map
	workRemove  = "remove"  // stop what a deleted machine runs; Execution is the machine
	workExpress = "express" // run an express execution
)

// A work is what there is to know besides its key.
type work struct {
	Attempt int64   `json:",omitempty"`
	Child   aws.ARN // that ended
}

// A watchKey says that a strand waits for an execution to end.
type watchKey struct {
	Execution aws.ARN
	By        aws.ARN
	Strand    int64
}

// findExecution returns an execution, or a refusal that says text if there is none.
func findExecution(tx *store.Tx, arn aws.ARN, text string) (execution, error) {
	row, err := executions.Get(tx, arn)
	if errors.Is(err, store.ErrNotFound) {
		return row, errNoExecution(text)
	}
	return row, err
}

func errNoExecution(text string) error {
	return api.ExecutionDoesNotExist.Errorf("Execution Does Not Exist: '%s'", text)
}

// forget removes all that is kept of an execution.
func forget(tx *store.Tx, arn aws.ARN, e *execution) error {
	key := listKey{e.list(), e.Started, arn}
	for at := range mapsOf.Scan(tx, listKey{Of: arn}) {
		if err := errors.Join(mapsOf.Delete(tx, at), mapRuns.Delete(tx, at.Execution)); err != nil {
			return err
		}
	}
	return errors.Join(
		listed.Delete(tx, key), executions.Delete(tx, arn), runs.Delete(tx, arn),
		strands.DeletePrefix(tx, strandKey{Execution: arn}), history.DeletePrefix(tx, strandKey{Execution: arn}),
		works.DeletePrefix(tx, workKey{Execution: arn}),
	)
}
