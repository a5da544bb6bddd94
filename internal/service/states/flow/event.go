package flow

import (
	"encoding/json"
	"fmt"
	"reflect"
	"time"

	api "github.com/aloft-cloud/aloft/internal/api/states"
	"github.com/aloft-cloud/aloft/internal/asl"
	"github.com/aloft-cloud/aloft/internal/protocol"
)

// An Event is one of an execution's history.
type Event struct {
	ID, Prev int64
	At       time.Time
	Type     string
	Details  any // pointer to the generated structure of its details, or nil
}

// An eventRow is how an event is kept; its id is its key.
type eventRow struct {
	Type    string          `json:"t"`
	Prev    int64           `json:"p,omitempty"`
	At      time.Time       `json:"at"`
	Details json.RawMessage `json:"d,omitempty"`
}

// MarshalJSON is the event without its id.
func (e Event) MarshalJSON() ([]byte, error) {
	row := eventRow{Type: e.Type, Prev: e.Prev, At: e.At}
	if e.Details != nil {
		var err error
		if row.Details, err = json.Marshal(e.Details); err != nil {
			return nil, err
		}
	}
	return json.Marshal(row)
}

// UnmarshalJSON reads what MarshalJSON printed.
func (e *Event) UnmarshalJSON(b []byte) error {
	var row eventRow
	if err := json.Unmarshal(b, &row); err != nil {
		return err
	}
	*e = Event{Prev: row.Prev, At: row.At, Type: row.Type}
	if row.Details == nil {
		return nil
	}
	var whole api.HistoryEvent
	slot := detailsOf(&whole, e.Type)
	if !slot.IsValid() {
		return fmt.Errorf("flow: an event of type %q has details", e.Type)
	}
	slot.Set(reflect.New(slot.Type().Elem()))
	e.Details = slot.Interface()
	return json.Unmarshal(row.Details, e.Details)
}

// History is the event as GetExecutionHistory tells it.
func (e *Event) History() api.HistoryEvent {
	h := api.HistoryEvent{Id: e.ID, PreviousEventId: new(e.Prev), Timestamp: e.At, Type: e.Type}
	if e.Details != nil {
		if slot := detailsOf(&h, e.Type); slot.IsValid() {
			slot.Set(reflect.ValueOf(e.Details))
		}
	}
	return h
}

// groups are the types whose details are those of a kind.
var groups = map[string]string{}

func init() {
	for _, t := range []string{"Pass", "Task", "Choice", "Wait", "Succeed", "Fail", "Parallel", "Map"} {
		groups[t+"StateEntered"], groups[t+"StateExited"] = "StateEntered", "StateExited"
	}
}

// detailsOf is the member of h that has the details of events of a type; it is
// not valid for those that have none.
func detailsOf(h *api.HistoryEvent, kind string) reflect.Value {
	if group := groups[kind]; group != "" {
		kind = group
	}
	return reflect.ValueOf(h).Elem().FieldByName(kind + "EventDetails")
}

func entered(t asl.StateType) string { return string(t) + "StateEntered" }
func exited(t asl.StateType) string  { return string(t) + "StateExited" }

// untruncated says of data that it is whole.
func untruncated() *api.HistoryEventExecutionDataDetails {
	return &api.HistoryEventExecutionDataDetails{Truncated: new(false)}
}

// data are the members of details that hold what an execution works on.
var data = []string{"Input", "InputDetails", "Output", "OutputDetails", "Parameters", "AssignedVariables", "AssignedVariablesDetails"}

// Bare takes from an event what its execution works on.
func (e *Event) Bare() {
	if e.Details == nil {
		return
	}
	v := reflect.New(reflect.TypeOf(e.Details).Elem())
	v.Elem().Set(reflect.ValueOf(e.Details).Elem())
	for _, name := range data {
		if member := v.Elem().FieldByName(name); member.IsValid() {
			member.SetZero()
		}
	}
	e.Details = v.Interface()
}

// LogDetails are the details as a log has them, with or without what the
// execution works on.
func (e Event) LogDetails(whole bool) []byte {
	if !whole {
		e.Bare()
	}
	if e.Details == nil {
		return []byte("{}")
	}
	b, err := protocol.EncodeLower(e.Details)
	if err != nil {
		return []byte("{}")
	}
	return b
}
