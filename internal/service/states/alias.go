package states

import (
	"context"
	"errors"
	"math/rand/v2"
	"slices"
	"time"

	api "github.com/aloft-cloud/aloft/internal/api/states"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/store"
)

const maxAliases = 100 // of a machine

// parseAlias reads the ARN of an alias.
func parseAlias(text string) (aliasKey, error) {
	t, err := parseTarget(text)
	if err != nil {
		return aliasKey{}, err
	}
	if t.Qualifier == "" || t.number() > 0 {
		return aliasKey{}, api.InvalidArn.Errorf("Invalid Arn: '%s'", text)
	}
	return aliasKey{t.Machine, t.Qualifier}, nil
}

func (k aliasKey) String() string { return k.Machine.String() + ":" + k.Name }

// findAlias returns an alias, or a refusal that says text if there is none.
func findAlias(tx *store.Tx, key aliasKey, text string) (alias, error) {
	row, err := aliases.Get(tx, key)
	return row, refuseAbsent(err, api.ResourceNotFound.Errorf("Request references a resource that does not exist: '%s'", text))
}

// routes reads where an alias is to lead, and the machine whose versions these are.
func routes(tx *store.Tx, given []api.RoutingConfigurationListItem) (aws.ARN, []route, error) {
	var machine aws.ARN
	var out []route
	total := int32(0)
	for _, r := range given {
		t, err := findVersion(tx, r.StateMachineVersionArn)
		if err != nil {
			return machine, nil, err
		}
		if machine != (aws.ARN{}) && machine != t.Machine {
			return machine, nil, api.ValidationException.Errorf("The routing configuration must only have versions of one state machine.")
		}
		machine = t.Machine
		out = append(out, route{t.number(), r.Weight})
		total += r.Weight
	}
	if total != 100 {
		return machine, nil, api.ValidationException.Errorf("Sum of routing configuration weights must equal 100.")
	}
	if len(out) == 2 && out[0].Version == out[1].Version {
		return machine, nil, api.ValidationException.Errorf("Routing configuration must contain distinct state machine version ARNs. Received duplicated version ARNs.")
	}
	return machine, out, nil
}

// CreateStateMachineAlias makes an alias. One that is there and is the same is
// no refusal.
func (s *Service) CreateStateMachineAlias(ctx context.Context, _ *aws.Call, in *api.CreateStateMachineAliasInput) (*api.CreateStateMachineAliasOutput, error) {
	now := time.Now().UTC()
	out := &api.CreateStateMachineAliasOutput{}
	err := s.DB.Update(ctx, func(tx *store.Tx) error {
		machine, to, err := routes(tx, in.RoutingConfiguration)
		if err != nil {
			return err
		}
		key := aliasKey{machine, in.Name}
		*out = api.CreateStateMachineAliasOutput{StateMachineAliasArn: key.String(), CreationDate: now}
		there, err := aliases.Get(tx, key)
		if err == nil {
			out.CreationDate = there.Created
			if !slices.Equal(there.Routes, to) || there.Description != aws.Value(in.Description) {
				return api.ConflictException.Errorf("Failed to create alias because an alias with the same name and a different routing configuration already exists.")
			}
			return nil
		}
		if !errors.Is(err, store.ErrNotFound) {
			return err
		}
		count := 0
		for range aliases.Scan(tx, aliasKey{Machine: machine}) {
			count++
		}
		if count >= maxAliases {
			return api.ServiceQuotaExceededException.Errorf("You have reached the maximum number of aliases for state machine %s: %d", machine, maxAliases)
		}
		return aliases.Put(tx, key, alias{Description: aws.Value(in.Description), Routes: to, Created: now, Updated: now})
	})
	return out, err
}

// UpdateStateMachineAlias changes where an alias leads.
func (s *Service) UpdateStateMachineAlias(ctx context.Context, _ *aws.Call, in *api.UpdateStateMachineAliasInput) (*api.UpdateStateMachineAliasOutput, error) {
	key, err := parseAlias(in.StateMachineAliasArn)
	if err != nil {
		return nil, err
	}
	if in.Description == nil && in.RoutingConfiguration == nil {
		return nil, api.ValidationException.Errorf("Either the description or the routing configuration must be specified.")
	}
	now := time.Now().UTC()
	err = s.DB.Update(ctx, func(tx *store.Tx) error {
		row, err := findAlias(tx, key, in.StateMachineAliasArn)
		if err != nil {
			return err
		}
		if in.RoutingConfiguration != nil {
			machine, to, err := routes(tx, in.RoutingConfiguration)
			if err != nil {
				return err
			}
			if machine != key.Machine {
				return api.ValidationException.Errorf("The routing configuration must only have versions of the alias's state machine.")
			}
			row.Routes = to
		}
		row.Description, row.Updated = aws.Or(in.Description, row.Description), now
		return aliases.Put(tx, key, row)
	})
	if err != nil {
		return nil, err
	}
	return &api.UpdateStateMachineAliasOutput{UpdateDate: now}, nil
}

// DescribeStateMachineAlias describes an alias.
func (s *Service) DescribeStateMachineAlias(ctx context.Context, _ *aws.Call, in *api.DescribeStateMachineAliasInput) (*api.DescribeStateMachineAliasOutput, error) {
	key, err := parseAlias(in.StateMachineAliasArn)
	if err != nil {
		return nil, err
	}
	var row alias
	err = s.DB.View(ctx, func(tx *store.Tx) (err error) {
		row, err = findAlias(tx, key, in.StateMachineAliasArn)
		return err
	})
	if err != nil {
		return nil, err
	}
	out := &api.DescribeStateMachineAliasOutput{
		StateMachineAliasArn: new(key.String()), Name: &key.Name, Description: optional(row.Description), CreationDate: &row.Created, UpdateDate: &row.Updated,
	}
	for _, r := range row.Routes {
		out.RoutingConfiguration = append(out.RoutingConfiguration, api.RoutingConfigurationListItem{StateMachineVersionArn: versionARN(key.Machine, r.Version), Weight: r.Weight})
	}
	return out, nil
}

// DeleteStateMachineAlias deletes an alias.
func (s *Service) DeleteStateMachineAlias(ctx context.Context, _ *aws.Call, in *api.DeleteStateMachineAliasInput) (*api.DeleteStateMachineAliasOutput, error) {
	key, err := parseAlias(in.StateMachineAliasArn)
	if err != nil {
		return nil, err
	}
	if err := s.DB.Update(ctx, func(tx *store.Tx) error { return aliases.Delete(tx, key) }); err != nil {
		return nil, err
	}
	return &api.DeleteStateMachineAliasOutput{}, nil
}

// ListStateMachineAliases lists the aliases of a machine, or those that lead to a version.
func (s *Service) ListStateMachineAliases(ctx context.Context, _ *aws.Call, in *api.ListStateMachineAliasesInput) (*api.ListStateMachineAliasesOutput, error) {
	t, err := parseTarget(in.StateMachineArn)
	if err != nil {
		return nil, err
	}
	p, err := newPage(in.NextToken, in.MaxResults)
	if err != nil {
		return nil, err
	}
	out := &api.ListStateMachineAliasesOutput{}
	err = s.DB.View(ctx, func(tx *store.Tx) error {
		*out = api.ListStateMachineAliasesOutput{StateMachineAliases: []api.StateMachineAliasListItem{}}
		if _, _, err := findSpec(tx, &t, in.StateMachineArn); err != nil {
			return err
		}
		last := ""
		for key, row := range aliases.ScanAfter(tx, aliasKey{Machine: t.Machine}, aliasKey{t.Machine, p.after}) {
			if t.Qualifier != "" && !slices.ContainsFunc(row.Routes, func(r route) bool { return r.Version == t.number() }) {
				continue
			}
			if len(out.StateMachineAliases) == p.limit {
				out.NextToken = nextPage(last)
				break
			}
			last = key.Name
			out.StateMachineAliases = append(out.StateMachineAliases, api.StateMachineAliasListItem{StateMachineAliasArn: key.String(), CreationDate: row.Created})
		}
		return nil
	})
	return out, err
}

// pick chooses the version that an execution of an alias runs.
func (a *alias) pick() int64 {
	n := rand.Int32N(100)
	for _, r := range a.Routes {
		if n -= r.Weight; n < 0 {
			return r.Version
		}
	}
	return a.Routes[0].Version
}
