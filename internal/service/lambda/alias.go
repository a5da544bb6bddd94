package lambda

import (
	"context"
	"errors"
	"maps"
	"slices"

	api "github.com/aloft-cloud/aloft/internal/api/lambda"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/store"
)

// CreateAlias names a version.
func (s *Service) CreateAlias(ctx context.Context, call *aws.Call, in *api.CreateAliasInput) (*api.CreateAliasOutput, error) {
	fn, err := parseFunction(call, in.FunctionName)
	if err != nil {
		return nil, err
	}
	if isNumber(in.Name) {
		return nil, errConstraint(aws.ValidationException, in.Name, "name", "Member must satisfy regular expression pattern: (?!^[0-9]+$)([a-zA-Z0-9-_]+)")
	}
	key := aliasKey{fn, in.Name}
	row := alias{Version: in.FunctionVersion, Description: aws.Value(in.Description), Revision: aws.NewRequestID()}
	if in.RoutingConfig != nil {
		row.Weights = in.RoutingConfig.AdditionalVersionWeights
	}
	err = s.db.Update(ctx, func(tx *store.Tx) error {
		if err := checkAlias(tx, fn, &row); err != nil {
			return err
		}
		if exists, err := aliases.Has(tx, key); err != nil {
			return err
		} else if exists {
			return conflict("Alias already exists: %s", ref{fn, in.Name}.arn())
		}
		s.changed(tx, fn)
		return aliases.Put(tx, key, row)
	})
	if err != nil {
		return nil, err
	}
	return row.describe(key), nil
}

// checkAlias refuses an alias that does not point to versions there are.
func checkAlias(tx *store.Tx, fn aws.ARN, a *alias) error {
	targets := append([]string{a.Version}, slices.Sorted(maps.Keys(a.Weights))...)
	switch {
	case len(a.Weights) > 1:
		return invalid("Number of items in AdditionalVersionWeights cannot be greater than 1")
	case len(a.Weights) == 1 && a.Version == latest:
		return api.InvalidParameterValueException.Errorf("$LATEST is not supported for an alias pointing to more than 1 version")
	case len(a.Weights) == 1 && targets[1] == a.Version:
		return invalid("Invalid function version %s. Function version %s is already included in routing configuration.", a.Version, a.Version)
	}
	for _, v := range targets {
		if _, _, err := findVersion(tx, ref{fn, v}); err != nil {
			return err
		}
	}
	return nil
}

// describe is an alias as answers show it.
func (a *alias) describe(key aliasKey) *api.AliasConfiguration {
	out := &api.AliasConfiguration{
		AliasArn:        new(ref{key.Function, key.Name}.arn().String()),
		Name:            &key.Name,
		FunctionVersion: &a.Version,
		Description:     &a.Description,
		RevisionId:      &a.Revision,
	}
	if len(a.Weights) > 0 {
		out.RoutingConfig = &api.AliasRoutingConfiguration{AdditionalVersionWeights: a.Weights}
	}
	return out
}

// GetAlias describes an alias.
func (s *Service) GetAlias(ctx context.Context, call *aws.Call, in *api.GetAliasInput) (*api.GetAliasOutput, error) {
	fn, err := parseFunction(call, in.FunctionName)
	if err != nil {
		return nil, err
	}
	key := aliasKey{fn, in.Name}
	var row alias
	err = s.db.View(ctx, func(tx *store.Tx) error {
		row, err = findAlias(tx, key)
		return err
	})
	if err != nil {
		return nil, err
	}
	return row.describe(key), nil
}

func findAlias(tx *store.Tx, key aliasKey) (alias, error) {
	row, err := aliases.Get(tx, key)
	if errors.Is(err, store.ErrNotFound) {
		err = errNoAlias(ref{key.Function, key.Name}.arn())
	}
	return row, err
}

// ListAliases lists the aliases of a function, or those of one version.
func (s *Service) ListAliases(ctx context.Context, call *aws.Call, in *api.ListAliasesInput) (*api.ListAliasesOutput, error) {
	fn, err := parseFunction(call, in.FunctionName)
	if err != nil {
		return nil, err
	}
	p, err := newPager(in.Marker, in.MaxItems)
	if err != nil {
		return nil, err
	}
	list := []api.AliasConfiguration{}
	err = s.db.View(ctx, func(tx *store.Tx) error {
		if _, err := findFunction(tx, fn); err != nil {
			return err
		}
		for key, row := range aliases.Scan(tx, aliasKey{Function: fn}) {
			if (in.FunctionVersion == nil || *in.FunctionVersion == row.Version) && p.takes(key.Name) {
				list = append(list, *row.describe(key))
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &api.ListAliasesOutput{Aliases: list, NextMarker: p.next()}, nil
}

// UpdateAlias points an alias to another version, or otherwise.
func (s *Service) UpdateAlias(ctx context.Context, call *aws.Call, in *api.UpdateAliasInput) (*api.UpdateAliasOutput, error) {
	fn, err := parseFunction(call, in.FunctionName)
	if err != nil {
		return nil, err
	}
	key := aliasKey{fn, in.Name}
	var row alias
	err = s.db.Update(ctx, func(tx *store.Tx) error {
		if _, err := findFunction(tx, fn); err != nil {
			return err
		}
		row, err = aliases.Get(tx, key)
		switch {
		case errors.Is(err, store.ErrNotFound):
			return notFound("Alias not found: %s", ref{fn, in.Name}.arn())
		case err != nil:
			return err
		case in.RevisionId != nil && *in.RevisionId != row.Revision:
			return errRevision("GetFunction/GetAlias")
		}
		set(&row.Version, in.FunctionVersion)
		set(&row.Description, in.Description)
		if in.RoutingConfig != nil {
			row.Weights = in.RoutingConfig.AdditionalVersionWeights
		}
		row.Revision = aws.NewRequestID()
		s.changed(tx, fn)
		return errors.Join(checkAlias(tx, fn, &row), aliases.Put(tx, key, row))
	})
	if err != nil {
		return nil, err
	}
	return row.describe(key), nil
}

// DeleteAlias removes an alias, if there is one.
func (s *Service) DeleteAlias(ctx context.Context, call *aws.Call, in *api.DeleteAliasInput) (*api.DeleteAliasOutput, error) {
	fn, err := parseFunction(call, in.FunctionName)
	if err != nil {
		return nil, err
	}
	err = s.db.Update(ctx, func(tx *store.Tx) error {
		if _, err := findFunction(tx, fn); err != nil {
			return err
		}
		s.changed(tx, fn)
		tx.AfterCommit(func() { s.epoch.Add(1) })
		return errors.Join(aliases.Delete(tx, aliasKey{fn, in.Name}), policies.Delete(tx, policyKey{fn, in.Name}), provisions.Delete(tx, aliasKey{fn, in.Name}))
	})
	if err != nil {
		return nil, err
	}
	return &api.DeleteAliasOutput{}, nil
}
