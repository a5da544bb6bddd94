package deploy

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"time"

	"github.com/aloft-cloud/aloft/internal/aws"
)

// A Phase is what is being done with a stack.
type Phase string

// Phases of stacks. A stack at rest has none.
const (
	AtRest              Phase = ""
	Creating            Phase = "create"
	Updating            Phase = "update"
	CleaningUp          Phase = "cleanup"
	RollingBackCreation Phase = "rollback-create"
	RollingBackUpdate   Phase = "rollback-update"
	CleaningUpRollback  Phase = "rollback-cleanup"
	Deleting            Phase = "delete"
	Importing           Phase = "import"
)

// What happens to a stack that cannot be created.
const (
	OnFailureRollback = "ROLLBACK"
	OnFailureNothing  = "DO_NOTHING"
	OnFailureDelete   = "DELETE"
)

// A Tree is a map of plain values that keeps numbers as they are spelled.
type Tree map[string]any

// UnmarshalJSON implements json.Unmarshaler.
func (t *Tree) UnmarshalJSON(text []byte) error {
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.UseNumber()
	return dec.Decode((*map[string]any)(t))
}

// A Spec is what a stack is, or is to be.
type Spec struct {
	Template         string            `json:"-"` // as it was given
	Processed        Tree              `json:"-"` // with its macros expanded
	Body             string            // under which the journal keeps both
	Description      string            // the template's
	Transforms       []string          // macros that the template asks for
	NoEcho           []string          // parameters whose values are not shown
	Parameters       map[string]string // given, or their defaults
	Resolved         map[string]string // what SSM keeps, by parameter
	Tags             []Tag
	Capabilities     []string
	NotificationARNs []string
	RoleARN          string // as whom; empty: the caller
}

// A Tag is one of a stack's.
type Tag struct{ Key, Value string }

// A Stack is what is remembered of a stack, besides its resources.
type Stack struct {
	ID, Name string // the ARN, and its middle
	Spec     Spec   // what it is
	Next     *Spec  // what it is becoming
	Status   string
	Reason   string

	Phase  Phase
	Deed   string   // id of what is being done, of this phase and those before it
	Caller aws.Call // who asked for it
	Token  string   // the ClientRequestToken of that
	Failed []string // logical ids that could not be dealt with in Deed
	Verb   string   // what could not be done with them: "create", "update"

	DisableRollback      bool
	OnFailure            string
	RetainExceptOnCreate bool
	Retain               []string  // logical ids that this deletion keeps
	Deadline             time.Time // of the creation; zero: none
	Protected            bool      // from deletion
	Parent, Root         string    // ids of the stacks it is nested in
	ChangeSet            string    // id of the change set that was executed last
	Policy               string    // the stack policy, a document
	PolicyNow            string    // that takes its place during this update
	Skip                 []string  // logical ids that this rollback leaves as they are
	Watch                Watch     // the alarms it is taken back for
	WatchUntil           time.Time // when they have been looked at for long enough; zero: not all is there yet

	Import map[string]string // by logical id, what identifies the resources that are imported
	Names  map[string]string // by logical id, of the nested stacks that a change set has begun

	Created time.Time
	Updated time.Time // zero: never
	Deleted time.Time // zero: not
	Outputs []Output
}

// An Output is one of a stack's.
type Output struct {
	Key, Value, Description, Export string
}

// A Version is a resource as it is, or was.
type Version struct {
	Type           string
	PhysicalID     string
	Ref            string // if not the physical id
	Attributes     Tree   // what Fn::GetAtt gives
	Properties     Tree   // that it was made with
	Metadata       any
	DependsOn      []string
	DeletionPolicy string
	ReplacePolicy  string
	Status, Reason string
	Changed        time.Time
}

// A Row is what is remembered of a resource of a stack.
type Row struct {
	ID string // logical
	Version

	Deed     string    // that dealt with it last
	Made     bool      // by Deed
	Before   *Version  // as it was when Deed began; nil: Deed made it, or did not touch it
	Tried    bool      // Deed changed it in place, or may have
	Intent   *Intent   // what is being done to it, nil if nothing
	Replaced []Version // that others took the place of, to be deleted
}

// An Intent is a step that has begun. Should the platform stop before it is
// done, it says what may have happened.
type Intent struct {
	Verb       string // "create", "update", "delete"
	Token      string
	Name       string // that was generated for it
	Properties Tree
	Replaces   bool // what there is keeps its place until this is done
}

// An Event is one step of a stack, as people see it.
type Event struct {
	ID         string
	LogicalID  string
	PhysicalID string
	Type       string
	Status     string
	Reason     string
	Properties string // JSON
	Token      string
	Time       time.Time
	Deed       string // that it is of
	Phase      Phase
}

// StackType is the type of stacks.
const StackType = "AWS::CloudFormation::Stack"

// ErrSuperseded reports that something else is being done with a stack now.
var ErrSuperseded = errors.New("deploy: something else is being done with the stack")

// A Change is what a step changes in what is remembered, all or nothing.
type Change struct {
	Stack  func(*Stack) // may be called more than once; nil: nothing
	Rows   []Row
	Remove []string // logical ids of rows
	Events []Event  // in order
}

// A Journal remembers stacks.
type Journal interface {
	// Load returns a stack and its rows.
	Load(ctx context.Context, id string) (*Stack, []Row, error)

	// Save makes change durable. If the stack is not in the deed and the phase
	// that st says, it keeps rows and their events, leaves the rest, and
	// returns ErrSuperseded.
	Save(ctx context.Context, st *Stack, change Change) error

	// Finish saves change, the last of a deed, and sets the exports of the
	// stack to those of its outputs. It refuses exports that other stacks have,
	// and to take away those that others use.
	Finish(ctx context.Context, st *Stack, change Change) error

	// InUse says why the exports of a stack cannot go, or "" if they can.
	InUse(ctx context.Context, id string) (string, error)

	// Import returns a value that another stack exports, and remembers that
	// this one uses it.
	Import(ctx context.Context, id, name string) (string, error)
}
