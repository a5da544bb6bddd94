package secretsmanager

import (
	"context"
	"errors"
	"slices"

	api "github.com/aloft-cloud/aloft/internal/api/secretsmanager"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/store"
)

// Stages that have a meaning.
const (
	current  = "AWSCURRENT"
	previous = "AWSPREVIOUS"
	pending  = "AWSPENDING"
)

// maxSpare is how many versions without a stage a secret keeps.
const maxSpare = 100

// move gives a stage to a version, and takes it from the one that had it: who is
// no longer current was so before.
func move(all map[string]version, stage, to string) {
	for id, v := range all {
		if id == to || !slices.Contains(v.Stages, stage) {
			continue
		}
		v.Stages = without(v.Stages, stage)
		all[id] = v
		if stage == current {
			move(all, previous, id)
		}
	}
	v := all[to]
	if stage == current {
		v.Stages = without(v.Stages, previous)
	}
	if !slices.Contains(v.Stages, stage) {
		v.Stages = append(slices.Clone(v.Stages), stage)
		slices.Sort(v.Stages)
	}
	all[to] = v
}

func without(stages []string, stage string) []string {
	return slices.DeleteFunc(slices.Clone(stages), func(s string) bool { return s == stage })
}

// keep writes down versions, and drops those without a stage that are too many.
func keep(tx *store.Tx, key aws.ARN, all map[string]version) error {
	var spare []string
	for id, v := range all {
		if err := versions.Put(tx, versionKey{key, id}, v); err != nil {
			return err
		}
		if len(v.Stages) == 0 {
			spare = append(spare, id)
		}
	}
	if len(spare) <= maxSpare {
		return nil
	}
	slices.SortFunc(spare, func(a, b string) int { return all[a].Created.Compare(all[b].Created) })
	for _, id := range spare[:len(spare)-maxSpare] {
		if err := versions.Delete(tx, versionKey{key, id}); err != nil {
			return err
		}
	}
	return nil
}

// UpdateSecretVersionStage gives a stage to a version, or takes it from one.
func (s *Service) UpdateSecretVersionStage(ctx context.Context, call *aws.Call, in *api.UpdateSecretVersionStageInput) (*api.UpdateSecretVersionStageOutput, error) {
	var f found
	err := s.db.Update(ctx, func(tx *store.Tx) (err error) {
		if f, err = need(tx, call, in.SecretId); err != nil {
			return err
		}
		all, err := f.all(tx)
		if err != nil {
			return err
		}
		if err := restage(all, in); err != nil {
			return err
		}
		return errors.Join(keep(tx, f.key, all), secrets.Put(tx, f.key, f.secret))
	})
	if err != nil {
		return nil, err
	}
	return &api.UpdateSecretVersionStageOutput{ARN: new(f.arn(f.key).String()), Name: new(nameOf(f.key))}, nil
}

func restage(all map[string]version, in *api.UpdateSecretVersionStageInput) error {
	from, to := aws.Value(in.RemoveFromVersionId), aws.Value(in.MoveToVersionId)
	holder := ""
	for id, v := range all {
		if slices.Contains(v.Stages, in.VersionStage) {
			holder = id
		}
	}
	_, there := all[to]
	switch {
	case to != "" && !there:
		return errNoValue("VersionId", to)
	case from != "" && holder != from:
		return invalid("The parameter RemoveFromVersionId can't be different from the version that the staging label %s is attached to.", in.VersionStage)
	case to != "" && holder != "" && from == "" && holder != to:
		return invalid("The parameter RemoveFromVersionId can't be empty. Staging label %s is currently attached to version %s, so you must explicitly reference that version in RemoveFromVersionId.", in.VersionStage, holder)
	case to == "" && from == "":
		return invalid("You must specify RemoveFromVersionId or MoveToVersionId.")
	case to == "" && in.VersionStage == current:
		return invalid("You can only move staging label AWSCURRENT to a different secret version. It can't be completely removed.")
	case to != "":
		move(all, in.VersionStage, to)
		return nil
	}
	v := all[from]
	v.Stages = without(v.Stages, in.VersionStage)
	all[from] = v
	return nil
}
