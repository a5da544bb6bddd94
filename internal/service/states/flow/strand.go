package flow

import (
	"time"

	"github.com/aloft-cloud/aloft/internal/tree"
)

// Root is the id of the strand that an execution begins with.
const Root = 1

// A Phase is what a strand is doing.
type Phase string

// Phases.
const (
	Ready   Phase = "ready"   // to enter its state
	Again   Phase = "again"   // to begin with its state once more, which it has entered
	Pending Phase = "pending" // an item of a Map that has to wait for others
	Waiting Phase = "waiting" // in a Wait
	Backoff Phase = "backoff" // before it tries its state again
	Calling Phase = "calling" // a call is to be made, or under way
	Token   Phase = "token"   // somebody else is to end its task
	Forked  Phase = "forked"  // its branches or items are under way
	Mapping Phase = "mapping" // a distributed map is under way
	Done    Phase = "done"    // it has an output, and waits for others to join with
	Stopped Phase = "stopped" // it failed, or was stopped
)

// A Strand is one line of states of an execution.
type Strand struct {
	ID     int64
	Parent int64 `json:",omitempty"` // it forked from; 0 for Root
	Index  int   `json:",omitempty"` // among those that did
	Phase  Phase
	State  string
	Input  Doc          // of the state
	Vars   *tree.Object `json:",omitempty"`
	Item   *Item        `json:",omitempty"` // of a Map that the strand is in
	Last   int64        `json:",omitempty"` // id of its last event

	Entered time.Time // when it entered the state
	Event   int64     `json:",omitempty"` // id of the event by which it did
	Before  int64     `json:",omitempty"` // id of the event before that
	Tries   []int     `json:",omitempty"` // of the state, by retrier
	Retries int       `json:",omitempty"` // of the state

	Attempt   int64         `json:",omitempty"` // counts tasks, so that what comes late is told apart
	Call      *Call         `json:",omitempty"` // of its task
	Secret    string        `json:",omitempty"` // of its token
	Child     string        `json:",omitempty"` // execution that its task started
	Early     *Answer       `json:",omitempty"` // came for the token before the call's own
	Until     time.Time     // when a Wait or a pause before a retry is over
	Timeout   time.Time     // of its task
	Heartbeat time.Time     // when the next is overdue
	Every     time.Duration `json:",omitempty"` // how long a heartbeat is good for

	First   int64 `json:",omitempty"` // strand that forked from this one; the others follow
	Count   int   `json:",omitempty"` // of those
	Begun   int   `json:",omitempty"`
	Joined  int   `json:",omitempty"`
	AtOnce  int   `json:",omitempty"` // that may be under way; 0: any number
	Started int64 `json:",omitempty"` // id of the event by which it forked

	Output Doc // of a strand that is done

	Alarm time.Time // when Due was last, for who keeps such times
}

// An Item is what a Map is at, for the Context object.
type Item struct {
	Index int
	Value Doc
	Key   string `json:",omitempty"`
}

// A Call is what a task calls.
type Call struct {
	Resource  string
	Arguments Doc
	Role      string `json:",omitempty"` // that Credentials name; else the machine's
}

// Due is when the strand next wants to hear of the time; zero is never.
func (s *Strand) Due() time.Time {
	switch s.Phase {
	case Waiting, Backoff:
		return s.Until
	case Calling, Token, Mapping:
		if s.Heartbeat.IsZero() || !s.Timeout.IsZero() && s.Timeout.Before(s.Heartbeat) {
			return s.Timeout
		}
		return s.Heartbeat
	}
	return time.Time{}
}

// A Doc is a JSON document in a row.
type Doc struct{ V tree.Value }

// MarshalJSON prints the document.
func (d Doc) MarshalJSON() ([]byte, error) { return tree.Append(nil, d.V), nil }

// UnmarshalJSON reads what MarshalJSON printed.
func (d *Doc) UnmarshalJSON(b []byte) (err error) {
	d.V, err = tree.Parse(b)
	return err
}
