package schemas

import (
	"context"
	"errors"
	"strings"

	"github.com/aloft-cloud/aloft/internal/api/events"
	api "github.com/aloft-cloud/aloft/internal/api/schemas"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/dispatch"
	"github.com/aloft-cloud/aloft/internal/store"
)

const (
	discovererKind = "discoverer/"
	targetID       = "schema-discoverer" // of the rule by which a bus tells its discoverer

	// everyEvent is the pattern of that rule.
	everyEvent = `{"source":[{"prefix":""}]}`
)

// A discoverer listens to a bus.
type discoverer struct {
	Description string            `json:",omitempty"`
	Source      string            // ARN of the bus
	State       string            // api.DiscovererStateStarted or Stopped
	Across      bool              // it listens to events of other accounts, too
	Tags        map[string]string `json:",omitempty"`
}

func discovererARN(call *aws.Call, id string) aws.ARN {
	return call.ARN("schemas", discovererKind+id)
}

func discovererOf[In interface{ GetDiscovererId() string }](call *aws.Call, in In) aws.ARN {
	return discovererARN(call, in.GetDiscovererId())
}

func findDiscoverer(tx *store.Tx, arn aws.ARN) (discoverer, error) {
	row, err := discoverers.Get(tx, arn)
	if errors.Is(err, store.ErrNotFound) {
		return row, api.NotFoundException.Errorf("Discoverer with id %s does not exist.", strings.TrimPrefix(arn.Resource, discovererKind))
	}
	return row, err
}

// ruleOf names the rule by which a bus tells its discoverer of events.
func ruleOf(id string) string { return "Schemas-" + id }

// listen has a bus tell a discoverer of its events, or no more.
func (s *Service) listen(ctx context.Context, call *aws.Call, arn aws.ARN, bus string, on bool) error {
	rule := ruleOf(strings.TrimPrefix(arn.Resource, discovererKind))
	if !on {
		_, err := dispatch.Call(ctx, s.table, call, events.DisableRule, &events.DisableRuleInput{Name: rule, EventBusName: &bus})
		return err
	}
	put := &events.PutRuleInput{Name: rule, EventBusName: &bus, EventPattern: new(everyEvent), Description: new("Tells the discoverer of schemas of events."), State: new(events.RuleStateEnabled)}
	if _, err := dispatch.Call(ctx, s.table, call, events.PutRule, put); err != nil {
		return err
	}
	_, err := dispatch.Call(ctx, s.table, call, events.PutTargets, &events.PutTargetsInput{Rule: rule, EventBusName: &bus, Targets: []events.Target{{Id: targetID, Arn: arn.String()}}})
	return err
}

// CreateDiscoverer has the schemas found of the events of a bus.
func (s *Service) CreateDiscoverer(ctx context.Context, call *aws.Call, in *api.CreateDiscovererInput) (*api.CreateDiscovererOutput, error) {
	bus, err := aws.ParseARN(in.SourceArn)
	if err != nil || bus.Service != "events" || !strings.HasPrefix(bus.Resource, "event-bus/") || bus.Account != call.Account || bus.Region != call.Region {
		return nil, api.BadRequestException.Errorf("Source %s is not an event bus of this account and region.", in.SourceArn)
	}
	id := "events-" + strings.ReplaceAll(bus.Resource, "/", "-")
	arn := discovererARN(call, id)
	row := discoverer{Description: aws.Value(in.Description), Source: in.SourceArn, State: api.DiscovererStateStarted, Across: aws.Or(in.CrossAccount, true), Tags: in.Tags}
	create := func(tx *store.Tx) error {
		exists, err := discoverers.Has(tx, arn)
		if err != nil {
			return err
		}
		if exists {
			return api.ConflictException.Errorf("Discoverer with id %s already exists.", id)
		}
		return nil
	}
	if err := s.db.View(ctx, create); err != nil {
		return nil, err
	}
	if err := s.listen(ctx, call, arn, in.SourceArn, true); err != nil {
		return nil, err
	}
	err = s.db.Update(ctx, func(tx *store.Tx) error { return errors.Join(create(tx), discoverers.Put(tx, arn, row)) })
	if err != nil {
		return nil, err
	}
	return &api.CreateDiscovererOutput{
		Description: in.Description, DiscovererArn: new(arn.String()), DiscovererId: &id, SourceArn: &row.Source, State: &row.State, CrossAccount: &row.Across, Tags: in.Tags,
	}, nil
}

// DescribeDiscoverer describes a discoverer.
func (s *Service) DescribeDiscoverer(ctx context.Context, call *aws.Call, in *api.DescribeDiscovererInput) (*api.DescribeDiscovererOutput, error) {
	arn := discovererOf(call, in)
	row, err := s.lookDiscoverer(ctx, arn)
	if err != nil {
		return nil, err
	}
	return &api.DescribeDiscovererOutput{
		Description: optional(row.Description), DiscovererArn: new(arn.String()), DiscovererId: &in.DiscovererId, SourceArn: &row.Source, State: &row.State, CrossAccount: &row.Across, Tags: row.Tags,
	}, nil
}

func (s *Service) lookDiscoverer(ctx context.Context, arn aws.ARN) (row discoverer, err error) {
	return row, s.db.View(ctx, func(tx *store.Tx) error {
		row, err = findDiscoverer(tx, arn)
		return err
	})
}

func (s *Service) changeDiscoverer(ctx context.Context, arn aws.ARN, change func(*discoverer)) (row discoverer, err error) {
	err = s.db.Update(ctx, func(tx *store.Tx) error {
		if row, err = findDiscoverer(tx, arn); err != nil {
			return err
		}
		change(&row)
		return discoverers.Put(tx, arn, row)
	})
	return row, err
}

// UpdateDiscoverer changes what is said of a discoverer.
func (s *Service) UpdateDiscoverer(ctx context.Context, call *aws.Call, in *api.UpdateDiscovererInput) (*api.UpdateDiscovererOutput, error) {
	arn := discovererOf(call, in)
	row, err := s.changeDiscoverer(ctx, arn, func(d *discoverer) {
		d.Description, d.Across = aws.Or(in.Description, d.Description), aws.Or(in.CrossAccount, d.Across)
	})
	if err != nil {
		return nil, err
	}
	return &api.UpdateDiscovererOutput{
		Description: optional(row.Description), DiscovererArn: new(arn.String()), DiscovererId: &in.DiscovererId, SourceArn: &row.Source, State: &row.State, CrossAccount: &row.Across, Tags: row.Tags,
	}, nil
}

// StartDiscoverer has a discoverer listen again.
func (s *Service) StartDiscoverer(ctx context.Context, call *aws.Call, in *api.StartDiscovererInput) (*api.StartDiscovererOutput, error) {
	row, err := s.turn(ctx, call, discovererOf(call, in), api.DiscovererStateStarted)
	if err != nil {
		return nil, err
	}
	return &api.StartDiscovererOutput{DiscovererId: &in.DiscovererId, State: &row.State}, nil
}

// StopDiscoverer has a discoverer listen no more.
func (s *Service) StopDiscoverer(ctx context.Context, call *aws.Call, in *api.StopDiscovererInput) (*api.StopDiscovererOutput, error) {
	row, err := s.turn(ctx, call, discovererOf(call, in), api.DiscovererStateStopped)
	if err != nil {
		return nil, err
	}
	return &api.StopDiscovererOutput{DiscovererId: &in.DiscovererId, State: &row.State}, nil
}

func (s *Service) turn(ctx context.Context, call *aws.Call, arn aws.ARN, state string) (discoverer, error) {
	row, err := s.lookDiscoverer(ctx, arn)
	if err != nil {
		return row, err
	}
	if err := s.listen(ctx, call, arn, row.Source, state == api.DiscovererStateStarted); err != nil {
		return row, err
	}
	return s.changeDiscoverer(ctx, arn, func(d *discoverer) { d.State = state })
}

// DeleteDiscoverer deletes a discoverer, and the rule of its bus; what it found
// stays.
func (s *Service) DeleteDiscoverer(ctx context.Context, call *aws.Call, in *api.DeleteDiscovererInput) (*api.DeleteDiscovererOutput, error) {
	arn := discovererOf(call, in)
	row, err := s.lookDiscoverer(ctx, arn)
	if err != nil {
		return nil, err
	}
	rule := ruleOf(in.DiscovererId)
	_, err = dispatch.Call(ctx, s.table, call, events.RemoveTargets, &events.RemoveTargetsInput{Rule: rule, EventBusName: &row.Source, Ids: []string{targetID}})
	if err == nil {
		_, err = dispatch.Call(ctx, s.table, call, events.DeleteRule, &events.DeleteRuleInput{Name: rule, EventBusName: &row.Source})
	}
	if err != nil && !errors.Is(err, events.ResourceNotFoundException) { // the bus may be gone, and its rules with it
		return nil, err
	}
	return &api.DeleteDiscovererOutput{}, s.db.Update(ctx, func(tx *store.Tx) error { return discoverers.Delete(tx, arn) })
}

// ListDiscoverers lists discoverers by id.
func (s *Service) ListDiscoverers(ctx context.Context, call *aws.Call, in *api.ListDiscoverersInput) (*api.ListDiscoverersOutput, error) {
	limit, after, err := pageOf(in.Limit, in.NextToken)
	if err != nil {
		return nil, err
	}
	out := &api.ListDiscoverersOutput{}
	err = s.db.View(ctx, func(tx *store.Tx) error {
		*out = api.ListDiscoverersOutput{Discoverers: []api.DiscovererSummary{}}
		for arn, d := range discoverers.ScanAfter(tx, call.ARN("schemas", ""), discovererARN(call, after)) {
			id := strings.TrimPrefix(arn.Resource, discovererKind)
			if !strings.HasPrefix(id, aws.Value(in.DiscovererIdPrefix)) || !strings.HasPrefix(d.Source, aws.Value(in.SourceArnPrefix)) {
				continue
			}
			if len(out.Discoverers) == limit {
				out.NextToken = tokenAfter(*out.Discoverers[limit-1].DiscovererId)
				break
			}
			out.Discoverers = append(out.Discoverers, api.DiscovererSummary{DiscovererArn: new(arn.String()), DiscovererId: &id, SourceArn: &d.Source, State: &d.State, CrossAccount: &d.Across, Tags: d.Tags})
		}
		return tx.Err()
	})
	return out, err
}
