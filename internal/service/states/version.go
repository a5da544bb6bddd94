package states

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	api "github.com/aloft-cloud/aloft/internal/api/states"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/store"
)

const maxVersions = 1000 // of a machine

// versionARN names a version of a machine.
func versionARN(machine aws.ARN, number int64) string {
	return machine.String() + ":" + strconv.FormatInt(number, 10)
}

// publish gives the current spec of a machine a number, unless the last version
// is of it already. The caller keeps row.
func publish(tx *store.Tx, arn aws.ARN, row *machine, description string, now time.Time) (*string, error) {
	count := 0
	for key, v := range versions.ScanReverse(tx, versionKey{Machine: arn}) {
		if count == 0 && v.ID == row.ID {
			if description != "" && description != v.Description {
				return nil, api.ConflictException.Errorf("Failed to publish the State Machine version for revision %s. The current State Machine revision is already published with a different description.", row.ID)
			}
			return new(versionARN(arn, key.Number)), nil
		}
		count++
	}
	if count >= maxVersions {
		return nil, api.ServiceQuotaExceededException.Errorf("You have reached the maximum number of versions for state machine %s: %d", arn, maxVersions)
	}
	row.Versions++
	number := int64(row.Versions)
	return new(versionARN(arn, number)), versions.Put(tx, versionKey{arn, number}, version{ID: row.ID, Description: description, Created: now})
}

// PublishStateMachineVersion gives what a machine is now a number.
func (s *Service) PublishStateMachineVersion(ctx context.Context, _ *aws.Call, in *api.PublishStateMachineVersionInput) (*api.PublishStateMachineVersionOutput, error) {
	t, err := parseTarget(in.StateMachineArn)
	if err != nil {
		return nil, err
	}
	out := &api.PublishStateMachineVersionOutput{}
	err = s.DB.Update(ctx, func(tx *store.Tx) error {
		if t.Qualifier != "" {
			return errNoMachine(in.StateMachineArn)
		}
		row, err := findMachine(tx, t.Machine, in.StateMachineArn)
		if err != nil {
			return err
		}
		if row.Deleting {
			return api.StateMachineDeleting.Errorf("State Machine is being deleted: '%s'", t.Machine)
		}
		if in.RevisionId != nil && *in.RevisionId != row.Revision && !(*in.RevisionId == "INITIAL" && row.Revision == "") {
			return api.ConflictException.Errorf("Failed to publish the State Machine version for revision %s. The current State Machine revision is %s.", *in.RevisionId, row.Revision)
		}
		name, err := publish(tx, t.Machine, &row, aws.Value(in.Description), time.Now().UTC())
		if err != nil {
			return err
		}
		number, _ := strconv.ParseInt((*name)[strings.LastIndexByte(*name, ':')+1:], 10, 64)
		v, err := versions.Get(tx, versionKey{t.Machine, number})
		if err != nil {
			return err
		}
		*out = api.PublishStateMachineVersionOutput{CreationDate: v.Created, StateMachineVersionArn: *name}
		return machines.Put(tx, t.Machine, row)
	})
	return out, err
}

// DeleteStateMachineVersion deletes a version that no alias leads to.
func (s *Service) DeleteStateMachineVersion(ctx context.Context, _ *aws.Call, in *api.DeleteStateMachineVersionInput) (*api.DeleteStateMachineVersionOutput, error) {
	t, err := parseTarget(in.StateMachineVersionArn)
	if err != nil {
		return nil, err
	}
	err = s.DB.Update(ctx, func(tx *store.Tx) error {
		key := versionKey{t.Machine, t.number()}
		if key.Number == 0 {
			return api.ValidationException.Errorf("The state machine version ARN must have a version number: %s", in.StateMachineVersionArn)
		}
		var names []string
		for at, a := range aliases.Scan(tx, aliasKey{Machine: t.Machine}) {
			for _, r := range a.Routes {
				if r.Version == key.Number {
					names = append(names, at.Name)
				}
			}
		}
		if len(names) > 0 {
			return api.ConflictException.Errorf("Version to be deleted must not be referenced by an alias. Current list of aliases referencing this version: [%s]", strings.Join(names, ", "))
		}
		return versions.Delete(tx, key)
	})
	if err != nil {
		return nil, err
	}
	return &api.DeleteStateMachineVersionOutput{}, nil
}

// ListStateMachineVersions lists the versions of a machine, the last first.
func (s *Service) ListStateMachineVersions(ctx context.Context, _ *aws.Call, in *api.ListStateMachineVersionsInput) (*api.ListStateMachineVersionsOutput, error) {
	t, err := parseTarget(in.StateMachineArn)
	if err != nil {
		return nil, err
	}
	p, err := newPage(in.NextToken, in.MaxResults)
	if err != nil {
		return nil, err
	}
	before := int64(maxVersions * maxVersions)
	if p.after != "" {
		if before, err = strconv.ParseInt(p.after, 10, 64); err != nil {
			return nil, errToken()
		}
	}
	out := &api.ListStateMachineVersionsOutput{}
	err = s.DB.View(ctx, func(tx *store.Tx) error {
		*out = api.ListStateMachineVersionsOutput{StateMachineVersions: []api.StateMachineVersionListItem{}}
		if _, err := findMachine(tx, t.Machine, in.StateMachineArn); err != nil {
			return err
		}
		var last int64
		for key, v := range versions.ScanBefore(tx, versionKey{Machine: t.Machine}, versionKey{t.Machine, before}) {
			if len(out.StateMachineVersions) == p.limit {
				out.NextToken = nextPage(strconv.FormatInt(last, 10))
				break
			}
			last = key.Number
			out.StateMachineVersions = append(out.StateMachineVersions, api.StateMachineVersionListItem{StateMachineVersionArn: versionARN(t.Machine, key.Number), CreationDate: v.Created})
		}
		return nil
	})
	return out, err
}

// findVersion returns the number of the version that an ARN names, of any machine.
func findVersion(tx *store.Tx, text string) (target, error) {
	t, err := parseTarget(text)
	if err != nil {
		return t, err
	}
	there := false
	if n := t.number(); n > 0 {
		if there, err = versions.Has(tx, versionKey{t.Machine, n}); err != nil {
			return t, err
		}
	}
	if !there {
		return t, api.ValidationException.Errorf("The routing configuration names a version that does not exist: %s", text)
	}
	return t, nil
}

// errIs wraps store.ErrNotFound into a refusal, and leaves others as they are.
func refuseAbsent(err, refusal error) error {
	if errors.Is(err, store.ErrNotFound) {
		return refusal
	}
	if err != nil {
		return fmt.Errorf("read: %w", err)
	}
	return nil
}
