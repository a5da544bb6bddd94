package iot

import (
	"context"
	"errors"
	"regexp"
	"strings"
	"time"

	data "github.com/aloft-cloud/aloft/internal/api/iot-data"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/service"
	"github.com/aloft-cloud/aloft/internal/service/iot/shadow"
	"github.com/aloft-cloud/aloft/internal/store"
)

var shadows = store.NewTable[shadowKey, shadowRow]("iot.shadow")

// A shadowKey names a shadow of a thing; "" is the classic one.
type shadowKey struct {
	Thing aws.ARN
	Name  string
}

// A shadowRow is a shadow, or what is known of one that was deleted: its
// versions go on.
type shadowRow struct {
	shadow.Document
	Deleted bool `json:",omitempty"`
}

const (
	shadowsOf   = "/shadow" // what follows a thing in topics
	nameOfOne   = "/name/"
	doGet       = "/get"
	doUpdate    = "/update"
	doDelete    = "/delete"
	accepted    = "/accepted"
	rejected    = "/rejected"
	delta       = "/delta"
	documents   = "/documents"
	thingsTopic = "$aws/things/"
)

// topic is the beginning of the topics of a shadow.
func (k shadowKey) topic() string {
	t := thingsTopic + nameOf(k.Thing) + shadowsOf
	if k.Name != "" {
		t += nameOfOne + k.Name
	}
	return t
}

// GetThingShadow returns a shadow.
func (s *Service) GetThingShadow(ctx context.Context, call *aws.Call, in *data.GetThingShadowInput) (*data.GetThingShadowOutput, error) {
	out, err := s.changeShadow(ctx, call, doGet, shadowKey{thingARN(call, in.ThingName), aws.Value(in.ShadowName)}, nil)
	if err != nil {
		return nil, err
	}
	return &data.GetThingShadowOutput{Payload: out}, nil
}

// UpdateThingShadow changes a shadow, and tells who listens.
func (s *Service) UpdateThingShadow(ctx context.Context, call *aws.Call, in *data.UpdateThingShadowInput) (*data.UpdateThingShadowOutput, error) {
	out, err := s.changeShadow(ctx, call, doUpdate, shadowKey{thingARN(call, in.ThingName), aws.Value(in.ShadowName)}, in.Payload)
	if err != nil {
		return nil, err
	}
	return &data.UpdateThingShadowOutput{Payload: out}, nil
}

// DeleteThingShadow deletes a shadow.
func (s *Service) DeleteThingShadow(ctx context.Context, call *aws.Call, in *data.DeleteThingShadowInput) (*data.DeleteThingShadowOutput, error) {
	out, err := s.changeShadow(ctx, call, doDelete, shadowKey{thingARN(call, in.ThingName), aws.Value(in.ShadowName)}, nil)
	if err != nil {
		return nil, err
	}
	return &data.DeleteThingShadowOutput{Payload: out}, nil
}

// ListNamedShadowsForThing lists the shadows of a thing that have names.
func (s *Service) ListNamedShadowsForThing(ctx context.Context, call *aws.Call, in *data.ListNamedShadowsForThingInput) (*data.ListNamedShadowsForThingOutput, error) {
	p, err := newPage(in.PageSize, in.NextToken)
	if err != nil {
		return nil, data.InvalidRequestException.Errorf("Invalid token")
	}
	out := &data.ListNamedShadowsForThingOutput{Timestamp: new(time.Now().Unix())}
	return out, s.DB.View(ctx, func(tx *store.Tx) error {
		out.Results = []string{}
		seq := shadows.Scan(tx, shadowKey{Thing: thingARN(call, in.ThingName)})
		out.NextToken = fill(p, seq, func(k shadowKey) string { return k.Name }, func(name string, _ shadowKey, row shadowRow) bool {
			if !row.Deleted {
				out.Results = append(out.Results, name)
			}
			return !row.Deleted
		})
		return nil
	})
}

// changeShadow does what a request asks of a shadow, and publishes what came of
// it. It returns the answer.
func (s *Service) changeShadow(ctx context.Context, call *aws.Call, do string, key shadowKey, body []byte) (out []byte, err error) {
	e, err := s.emitter(ctx)
	if err != nil {
		return nil, err
	}
	if do == doGet {
		err = s.DB.View(ctx, func(tx *store.Tx) error {
			row, err := findShadow(tx, key)
			out = row.Get(time.Now())
			return err
		})
		return out, err
	}
	err = s.DB.Update(ctx, func(tx *store.Tx) (err error) {
		out, err = s.applyShadow(tx, e, call, do, key, body)
		return err
	})
	return out, err
}

// applyShadow is the part of changeShadow that changes something.
func (s *Service) applyShadow(tx *store.Tx, e *emitter, call *aws.Call, do string, key shadowKey, body []byte) ([]byte, error) {
	say := func(what string, text []byte) error {
		return s.emit(tx, e, newMessage(call, key.topic()+what, text))
	}
	now := time.Now()
	if do == doDelete {
		row, err := findShadow(tx, key)
		if err != nil {
			return nil, err
		}
		out := row.Deletion(now)
		row.Document, row.Deleted = row.Without(), true
		if err := shadows.Put(tx, key, row); err != nil {
			return nil, err
		}
		return out, say(doDelete+accepted, out)
	}
	row, err := shadows.Get(tx, key)
	if err := ignoreMissing(err); err != nil {
		return nil, err
	}
	change, err := row.Update(body, now)
	if err != nil {
		return nil, shadowRefusal(err)
	}
	if err := shadows.Put(tx, key, shadowRow{Document: change.Next}); err != nil {
		return nil, err
	}
	if err := say(doUpdate+accepted, change.Accepted); err != nil {
		return nil, err
	}
	if change.Delta != nil {
		if err := say(doUpdate+delta, change.Delta); err != nil {
			return nil, err
		}
	}
	return change.Accepted, say(doUpdate+documents, change.Documents)
}

func findShadow(tx *store.Tx, key shadowKey) (shadowRow, error) {
	row, err := shadows.Get(tx, key)
	if errors.Is(err, store.ErrNotFound) || err == nil && row.Deleted {
		name := nameOf(key.Thing)
		if key.Name != "" {
			name += "~" + key.Name
		}
		return row, data.ResourceNotFoundException.Errorf("No shadow exists with name: '%s'", name)
	}
	return row, err
}

// shadowRefusal words why a shadow refuses an update.
func shadowRefusal(err error) error {
	refused, ok := errors.AsType[*shadow.Error](err)
	if !ok {
		return err
	}
	switch refused.Code {
	case 409:
		return data.ConflictException.Errorf("%s", refused.Message)
	case 413:
		return data.RequestEntityTooLargeException.Errorf("%s", refused.Message)
	}
	return data.InvalidRequestException.Errorf("%s", refused.Message)
}

// shadowTopic matches topics that ask something of a shadow.
var shadowTopic = regexp.MustCompile(`^\$aws/things/([a-zA-Z0-9:_-]{1,128})/shadow(?:/name/([$a-zA-Z0-9:_-]{1,64}))?(/get|/update|/delete)$`)

// askShadow answers a message that asks something of a shadow, on the topics of
// the shadow. It reports whether it was one.
func (s *Service) askShadow(tx *store.Tx, e *emitter, call *aws.Call, m *message) (bool, error) {
	parts := shadowTopic.FindStringSubmatch(m.Topic)
	if parts == nil {
		return false, nil
	}
	key, do := shadowKey{thingARN(call, parts[1]), parts[2]}, parts[3]
	var err error
	if do == doGet {
		var row shadowRow
		if row, err = findShadow(tx, key); err == nil {
			return true, s.emit(tx, e, newMessage(call, m.Topic+accepted, shadow.WithToken(row.Get(time.Now()), m.Payload)))
		}
	} else {
		_, err = s.applyShadow(tx, e, call, do, key, m.Payload)
	}
	if refusal, ok := errors.AsType[*aws.Error](err); ok {
		return true, s.emit(tx, e, newMessage(call, m.Topic+rejected, shadow.Rejection(refusal.Status, refusal.Message, time.Now(), m.Payload)))
	}
	return true, err
}

// mayShadow asks for the permission of a shadow's operation.
func mayShadow[In interface{ GetThingName() string }](action string) func(*aws.Call, In, func(service.Access) error) error {
	return func(call *aws.Call, in In, check func(service.Access) error) error {
		resource := thingARN(call, in.GetThingName())
		if named, ok := any(in).(interface{ GetShadowName() string }); ok && named.GetShadowName() != "" {
			resource.Resource += "/" + named.GetShadowName()
		}
		return check(service.Access{Action: "iot:" + action, Resource: resource})
	}
}

// isReserved reports whether a topic is AWS's own, to which only what AWS has a
// meaning for may be published.
func isReserved(name string) bool {
	return strings.HasPrefix(name, "$") && !strings.HasPrefix(name, "$aws/rules/") && !shadowTopic.MatchString(name)
}
