package events

import (
	"bytes"
	"context"
	"encoding/json"
	"strings"
	"time"

	api "github.com/aloft-cloud/aloft/internal/api/events"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/store"
)

const (
	maxEntries = 256 << 10 // bytes of all entries of a request
	timeLayout = "2006-01-02T15:04:05Z"
)

// An envelope is an event, with its members in the order that AWS gives them.
type envelope struct {
	Version    string          `json:"version"`
	ID         string          `json:"id"`
	DetailType string          `json:"detail-type"`
	Source     string          `json:"source"`
	Account    string          `json:"account"`
	Time       string          `json:"time"`
	Region     string          `json:"region"`
	Resources  []string        `json:"resources"`
	Detail     json.RawMessage `json:"detail"`
	Replay     string          `json:"replay-name,omitempty"`
}

// PutEvents puts events on buses. Each is refused, or kept, by itself; all that
// are kept are so at once. One for a bus that is not there is lost, as on AWS.
func (s *Service) PutEvents(ctx context.Context, call *aws.Call, in *api.PutEventsInput) (*api.PutEventsOutput, error) {
	w, err := s.wayFor(ctx, call, in)
	if err != nil {
		return nil, err
	}
	size := 0
	for i := range in.Entries {
		size += sizeOf(&in.Entries[i])
	}
	if size > maxEntries {
		return nil, invalid("Total size of the entries in the request is over the limit.")
	}
	out := &api.PutEventsOutput{FailedEntryCount: new(int32(0)), Entries: make([]api.PutEventsResultEntry, len(in.Entries))}
	now := time.Now().UTC()
	var put []incoming
	for i := range in.Entries {
		e := &in.Entries[i]
		if code, message := checkEntry(e); code != "" {
			out.Entries[i] = api.PutEventsResultEntry{ErrorCode: &code, ErrorMessage: &message}
			*out.FailedEntryCount++
			continue
		}
		bus, err := w.leads(call, e)
		if err != nil {
			return nil, err
		}
		event := newEnvelope(call, e, now)
		if w.bus.Region != "" {
			event.Region = w.bus.Region // one that signs for all regions says none
		}
		out.Entries[i].EventId = &event.ID
		put = append(put, incoming{bus: bus, event: event, ingested: now, trace: aws.Or(e.TraceHeader, call.Trace)})
	}
	err = s.db.Update(ctx, func(tx *store.Tx) error {
		for i := range put {
			if err := s.put(tx, &put[i]); err != nil {
				return err
			}
			if err := s.replicate(tx, &w, &put[i]); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// wayFor is the way of the endpoint that events are put by, if they are.
func (s *Service) wayFor(ctx context.Context, call *aws.Call, in *api.PutEventsInput) (way, error) {
	if in.EndpointId == nil {
		return way{}, nil
	}
	return look(ctx, s.db, func(tx *store.Tx) (way, error) { return wayOf(tx, call, *in.EndpointId) })
}

// sizeOf is how much of the limit an entry takes, as AWS counts.
func sizeOf(e *api.PutEventsRequestEntry) int {
	size := len(aws.Value(e.Source)) + len(aws.Value(e.DetailType)) + len(aws.Value(e.Detail))
	if e.Time != nil {
		size += 14
	}
	for _, r := range e.Resources {
		size += len(r)
	}
	return size
}

// checkEntry says what is wrong with an entry, or "".
func checkEntry(e *api.PutEventsRequestEntry) (code, message string) {
	for _, m := range []struct {
		name  string
		value *string
	}{{"Source", e.Source}, {"DetailType", e.DetailType}, {"Detail", e.Detail}} {
		if aws.Value(m.value) == "" {
			return "InvalidArgument", "Parameter " + m.name + " is not valid. Reason: " + m.name + " is a required argument."
		}
	}
	if detail := strings.TrimSpace(*e.Detail); !strings.HasPrefix(detail, "{") || !json.Valid([]byte(detail)) {
		return "MalformedDetail", "Detail is malformed."
	}
	if strings.HasPrefix(*e.Source, "aws.") {
		return "NotAuthorizedForSourceException", "Not authorized for the source."
	}
	return "", ""
}

// newEnvelope makes an event of an entry that holds.
func newEnvelope(call *aws.Call, e *api.PutEventsRequestEntry, now time.Time) envelope {
	var detail bytes.Buffer
	if json.Compact(&detail, []byte(*e.Detail)) != nil {
		detail.Reset() // checkEntry has seen to it
	}
	return envelope{
		Version: "0", ID: aws.NewRequestID(), DetailType: *e.DetailType, Source: *e.Source, Account: call.Account,
		Time: aws.Or(e.Time, now).UTC().Format(timeLayout), Region: call.Region, Resources: append([]string{}, e.Resources...), Detail: detail.Bytes(),
	}
}
