package asl

import (
	"github.com/aloft-cloud/aloft/internal/tree"
)

// Value is a JSON document: nil, bool, string, json.Number, []any or *tree.Object.
type Value = tree.Value

// QueryLanguage says what the expressions of a state are written in.
type QueryLanguage string

// The query languages.
const (
	JSONPath QueryLanguage = "JSONPath"
	JSONata  QueryLanguage = "JSONata"
)

// StateType is the Type of a state.
type StateType string

// The types of states.
const (
	Task     StateType = "Task"
	Wait     StateType = "Wait"
	Pass     StateType = "Pass"
	Succeed  StateType = "Succeed"
	Fail     StateType = "Fail"
	Choice   StateType = "Choice"
	Parallel StateType = "Parallel"
	Map      StateType = "Map"
)

// Machine is a state machine, a branch of a Parallel or the processor of a Map.
type Machine struct {
	Comment        string
	Version        string
	QueryLanguage  QueryLanguage
	StartAt        string
	TimeoutSeconds int64             // 0 is none
	States         map[string]*State // of this level
	Names          []string          // of States, as defined
	Distributed    bool              // a Map's processor runs as executions of its own
	Express        bool              // ... of type EXPRESS

	VariableReferences map[string][]string // of a whole definition: the variables that each state reads, sorted

	all    map[string]*State // of every level
	parent *State            // the Parallel or Map this is in, nil at the top
}

// State finds a state at any depth: names are unique in a whole definition.
func (m *Machine) State(name string) *State { return m.all[name] }

// Parent is the Parallel or Map state that m is a part of, nil for a whole definition.
func (m *Machine) Parent() *State { return m.parent }

// State is one state of a machine.
type State struct {
	Name          string
	Comment       string
	Type          StateType
	QueryLanguage QueryLanguage
	Next          string // "" when End, and for Choice, Succeed, Fail
	End           bool

	Resource  string     // of a Task: an ARN
	Branches  []*Machine // of a Parallel
	Processor *Machine   // of a Map: ItemProcessor, or Iterator as it once was
	Label     string     // of a distributed Map; its name where none is given

	Retry []Retrier
	Catch []Catcher

	machine *Machine // the level it is in
	path    string   // /States/X, for diagnostics
	flow    flow     // what it does with its data
	reader  *access  // ItemReader
	writer  *access  // ResultWriter
	batcher *batching
}

// Machine is the level that the state is in.
func (s *State) Machine() *Machine { return s.machine }

// Retrier is one entry of Retry, defaults filled in.
type Retrier struct {
	ErrorEquals     []string
	IntervalSeconds int64   // 1
	MaxAttempts     int64   // 3
	BackoffRate     float64 // 2
	MaxDelaySeconds int64   // 0 is no limit
	FullJitter      bool
}

// Catcher is one entry of Catch.
type Catcher struct {
	ErrorEquals []string
	Next        string

	flow flow
}

// batching is the ItemBatcher of a distributed Map.
type batching struct {
	maxItems, maxBytes limitField
	input              *template // BatchInput
}
