package lambda

import (
	"context"
	"errors"
	"strings"
	"time"

	api "github.com/aloft-cloud/aloft/internal/api/lambda"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/poll"
	"github.com/aloft-cloud/aloft/internal/service"
	"github.com/aloft-cloud/aloft/internal/store"
)

const mappingKind = "event-source-mapping:"

// States of an event source mapping.
const (
	stateCreating  = "Creating"
	stateEnabling  = "Enabling"
	stateEnabled   = "Enabled"
	stateUpdating  = "Updating"
	stateDisabling = "Disabling"
	stateDisabled  = "Disabled"
	stateDeleting  = "Deleting"
)

// A mapping has a function called with what comes from a source.
type mapping struct {
	Function  aws.ARN
	Qualifier string `json:",omitempty"`
	Source    aws.ARN
	Enabled   bool
	State     string
	Modified  time.Time
	Tags      map[string]string `json:",omitempty"`

	BatchSize   int32
	Window      int32               `json:",omitempty"` // s
	Filters     *api.FilterCriteria `json:",omitempty"`
	Partial     bool                `json:",omitempty"` // the function says which records failed
	Concurrency *int32              `json:",omitempty"`
	KMSKey      string              `json:",omitempty"`
	Metrics     []string            `json:",omitempty"`
	LogLevel    string              `json:",omitempty"`
	Pollers     *pollers            `json:",omitempty"`

	// Of streams.
	Start     string     `json:",omitempty"`
	StartAt   *time.Time `json:",omitempty"`
	Lanes     int32      `json:",omitempty"`
	MaxAge    int32      `json:",omitempty"` // s; -1 is no limit
	Retries   int32      `json:",omitempty"` // -1 is no limit
	Bisect    bool       `json:",omitempty"`
	Tumbling  int32      `json:",omitempty"` // s
	OnFailure string     `json:",omitempty"` // ARN of a destination
}

// pollers are how many would read a queue. They are remembered, and no more.
type pollers struct {
	Least *int32  `json:",omitempty"`
	Most  *int32  `json:",omitempty"`
	Group *string `json:",omitempty"`
}

func (m *mapping) ref() ref { return ref{m.Function, m.Qualifier} }

// isQueue reports whether the source is a queue, else it is a stream.
func (m *mapping) isQueue() bool { return m.Source.Service == "sqs" }

// mappingARN is the ARN of the mapping of that UUID.
func mappingARN(call *aws.Call, uuid string) aws.ARN { return call.ARN("lambda", mappingKind+uuid) }

func mappingOf[In interface{ GetUUID() string }](call *aws.Call, in In) aws.ARN {
	return mappingARN(call, in.GetUUID())
}

// mayMap asks for the permission to make a mapping, which is about no one
// resource; policies tell functions apart by a key.
func mayMap(call *aws.Call, in *api.CreateEventSourceMappingInput, check func(service.Access) error) error {
	keys := service.Keys{"lambda:FunctionArn": {guess(call, in.FunctionName, "").arn().String()}}
	return check(service.Access{Action: "lambda:CreateEventSourceMapping", Resource: aws.AnyResource, Keys: keys})
}

// CreateEventSourceMapping has a function called with what comes from a source.
func (s *Service) CreateEventSourceMapping(ctx context.Context, call *aws.Call, in *api.CreateEventSourceMappingInput) (*api.CreateEventSourceMappingOutput, error) {
	source, err := sourceOf(in)
	if err != nil {
		return nil, err
	}
	r, err := parseName(call, in.FunctionName, nil)
	if err != nil {
		return nil, err
	}
	m := newMapping(r, source, in)
	if err := changeOfMapping(in).apply(m); err != nil {
		return nil, err
	}
	if err := m.check(in); err != nil {
		return nil, err
	}
	if err := s.checkMapped(ctx, m); err != nil {
		return nil, err
	}
	key := mappingARN(call, aws.NewRequestID())
	err = s.db.Update(ctx, func(tx *store.Tx) error {
		if err := checkDuplicate(tx, key, m); err != nil {
			return err
		}
		s.poller.Changed(tx, key)
		return mappings.Put(tx, key, *m)
	})
	if err != nil {
		return nil, err
	}
	return m.describe(key, poll.ResultNone), nil
}

// newMapping is a mapping of which nothing more is said.
func newMapping(r ref, source aws.ARN, in *api.CreateEventSourceMappingInput) *mapping {
	m := &mapping{Function: r.function, Qualifier: r.qualifier, Source: source, Enabled: aws.Or(in.Enabled, true), State: stateCreating, Modified: time.Now(), Tags: in.Tags, BatchSize: 10}
	if !m.Enabled {
		m.State = stateDisabled
	}
	if !m.isQueue() {
		m.BatchSize, m.Lanes, m.MaxAge, m.Retries = 100, 1, -1, -1
		m.Start, m.StartAt = aws.Value(in.StartingPosition), in.StartingPositionTimestamp
	}
	return m
}

// describe is a mapping as answers show it.
func (m *mapping) describe(key aws.ARN, result string) *api.EventSourceMappingConfiguration {
	out := &api.EventSourceMappingConfiguration{
		UUID:                           new(strings.TrimPrefix(key.Resource, mappingKind)),
		EventSourceMappingArn:          new(key.String()),
		EventSourceArn:                 new(m.Source.String()),
		FunctionArn:                    new(m.ref().arn().String()),
		LastModified:                   &m.Modified,
		State:                          &m.State,
		StateTransitionReason:          new("USER_INITIATED"),
		BatchSize:                      &m.BatchSize,
		MaximumBatchingWindowInSeconds: &m.Window,
		FilterCriteria:                 m.Filters,
		FunctionResponseTypes:          []string{},
	}
	if m.Partial {
		out.FunctionResponseTypes = []string{api.FunctionResponseTypeReportBatchItemFailures}
	}
	if m.Concurrency != nil {
		out.ScalingConfig = &api.ScalingConfig{MaximumConcurrency: m.Concurrency}
	}
	if p := m.Pollers; p != nil {
		out.ProvisionedPollerConfig = &api.ProvisionedPollerConfig{MinimumPollers: p.Least, MaximumPollers: p.Most, PollerGroupName: p.Group}
	}
	if m.KMSKey != "" {
		out.KMSKeyArn = &m.KMSKey
	}
	if m.Metrics != nil {
		out.MetricsConfig = &api.EventSourceMappingMetricsConfig{Metrics: m.Metrics}
	}
	if m.LogLevel != "" {
		out.LoggingConfig = &api.EventSourceMappingLoggingConfig{SystemLogLevel: &m.LogLevel}
	}
	if m.isQueue() {
		return out
	}
	out.StateTransitionReason = new("User action")
	out.LastProcessingResult = &result
	out.StartingPosition, out.StartingPositionTimestamp = &m.Start, m.StartAt
	out.ParallelizationFactor, out.TumblingWindowInSeconds = &m.Lanes, &m.Tumbling
	out.MaximumRecordAgeInSeconds, out.MaximumRetryAttempts = &m.MaxAge, &m.Retries
	out.BisectBatchOnFunctionError = &m.Bisect
	out.DestinationConfig = &api.DestinationConfig{OnFailure: &api.OnFailure{}}
	if m.OnFailure != "" {
		out.DestinationConfig.OnFailure.Destination = &m.OnFailure
	}
	return out
}

// findMapping returns a mapping, or a refusal if there is none.
func findMapping(tx *store.Tx, key aws.ARN) (mapping, error) {
	m, err := mappings.Get(tx, key)
	if errors.Is(err, store.ErrNotFound) {
		err = errNoResource()
	}
	return m, err
}

// GetEventSourceMapping describes a mapping.
func (s *Service) GetEventSourceMapping(ctx context.Context, call *aws.Call, in *api.GetEventSourceMappingInput) (*api.GetEventSourceMappingOutput, error) {
	key := mappingARN(call, in.UUID)
	var out *api.EventSourceMappingConfiguration
	err := s.db.View(ctx, func(tx *store.Tx) error {
		m, err := findMapping(tx, key)
		out = m.describe(key, poll.LastResult(tx, key))
		return err
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// ListEventSourceMappings lists the mappings of a source, of a function, or all.
func (s *Service) ListEventSourceMappings(ctx context.Context, call *aws.Call, in *api.ListEventSourceMappingsInput) (*api.ListEventSourceMappingsOutput, error) {
	p, err := newPager(in.Marker, in.MaxItems)
	if err != nil {
		return nil, err
	}
	p.left = min(maxMappingPage, int(aws.Or(in.MaxItems, maxMappingPage)))
	var of ref
	if in.FunctionName != nil {
		if of, err = parseName(call, *in.FunctionName, nil); err != nil {
			return nil, err
		}
	}
	list := []api.EventSourceMappingConfiguration{}
	err = s.db.View(ctx, func(tx *store.Tx) error {
		for key, m := range mappings.Scan(tx, call.ARN("lambda", "")) {
			switch {
			case in.FunctionName != nil && (m.Function != of.function || of.qualifier != "" && m.Qualifier != of.qualifier):
			case in.EventSourceArn != nil && *in.EventSourceArn != m.Source.String():
			case p.takes(key.Resource):
				list = append(list, *m.describe(key, poll.LastResult(tx, key)))
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &api.ListEventSourceMappingsOutput{EventSourceMappings: list, NextMarker: p.next()}, nil
}

// maxMappingPage is how many mappings an answer lists at most.
const maxMappingPage = 100

// UpdateEventSourceMapping changes a mapping.
func (s *Service) UpdateEventSourceMapping(ctx context.Context, call *aws.Call, in *api.UpdateEventSourceMappingInput) (*api.UpdateEventSourceMappingOutput, error) {
	key := mappingARN(call, in.UUID)
	c := changeOfMappingUpdate(in)
	var seen mapping // what the change was checked for
	change := func(m *mapping) error {
		if err := c.apply(m); err != nil || in.FunctionName == nil {
			return err
		}
		r, err := parseName(call, *in.FunctionName, nil)
		m.Function, m.Qualifier = r.function, r.qualifier
		return err
	}
	err := s.db.View(ctx, func(tx *store.Tx) (err error) {
		seen, err = findMapping(tx, key)
		return err
	})
	if err != nil {
		return nil, err
	}
	if err := change(&seen); err != nil {
		return nil, err
	}
	if err := errors.Join(seen.check(nil), s.checkMapped(ctx, &seen)); err != nil {
		return nil, err
	}
	var out *api.EventSourceMappingConfiguration
	err = s.db.Update(ctx, func(tx *store.Tx) error {
		m, err := findMapping(tx, key)
		if err != nil {
			return err
		}
		was := m.Enabled
		if err := change(&m); err != nil {
			return err
		}
		set(&m.Enabled, in.Enabled)
		m.Modified = time.Now()
		switch {
		case m.State == stateDeleting:
			return conflict("Cannot update the event source mapping because it is being deleted.")
		case m.Enabled && !was:
			m.State = stateEnabling
		case !m.Enabled && was:
			m.State = stateDisabling
		default:
			m.State = stateUpdating
		}
		out = m.describe(key, poll.LastResult(tx, key))
		s.poller.Changed(tx, key)
		return mappings.Put(tx, key, m)
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// DeleteEventSourceMapping removes a mapping, as soon as nothing is handled for it.
func (s *Service) DeleteEventSourceMapping(ctx context.Context, call *aws.Call, in *api.DeleteEventSourceMappingInput) (*api.DeleteEventSourceMappingOutput, error) {
	key := mappingARN(call, in.UUID)
	var out *api.EventSourceMappingConfiguration
	err := s.db.Update(ctx, func(tx *store.Tx) error {
		m, err := findMapping(tx, key)
		if err != nil {
			return err
		}
		m.State = stateDeleting
		out = m.describe(key, poll.LastResult(tx, key))
		s.poller.Changed(tx, key)
		return mappings.Put(tx, key, m)
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}
