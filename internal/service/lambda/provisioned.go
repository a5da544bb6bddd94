package lambda

import (
	"cmp"
	"context"
	"errors"
	"sync"
	"time"

	api "github.com/aloft-cloud/aloft/internal/api/lambda"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/sandbox"
	"github.com/aloft-cloud/aloft/internal/store"
	"github.com/aloft-cloud/aloft/internal/task"
)

// A provisioned says how many workers of a version, or of what an alias points
// to, are ready before they are called.
type provisioned struct {
	Requested int32
	Modified  time.Time
}

// keeping is what is kept ready, and how far it is.
type keeping struct {
	bell task.Bell

	mu    sync.Mutex
	ready map[aliasKey]kept
}

// A kept is how many workers are ready of what a row asks for.
type kept struct {
	function *sandbox.Function
	ready    int
	broken   bool // the code does not come up
}

const (
	keepSoon  = time.Second // until workers that start are looked at again
	keepLater = time.Minute // if they have not come for a while
)

// keep has the runner keep what is asked for, and nothing else.
func (s *Service) keep(ctx context.Context) (time.Duration, error) {
	rows := make(map[aliasKey]provisioned)
	err := s.db.View(ctx, func(tx *store.Tx) error {
		for key, row := range provisions.Scan(tx, aliasKey{}) {
			rows[key] = row
		}
		return nil
	})
	if err != nil {
		return 0, err
	}
	wait := 24 * time.Hour
	now := make(map[aliasKey]kept)
	wanted := make(map[*sandbox.Function]bool)
	for key, row := range rows {
		t, err := s.target(ctx, ref{key.Function, key.Name})
		if errors.Is(err, api.ResourceNotFoundException) {
			continue
		}
		if err != nil {
			return 0, err
		}
		f := t.versions[len(t.versions)-1].function
		ready, broken := s.runner.Keep(f, int(row.Requested))
		now[key] = kept{f, ready, broken}
		wanted[f] = true
		if ready < int(row.Requested) {
			pause := keepSoon
			if time.Since(row.Modified) > keepLater {
				pause = keepLater
			}
			wait = min(wait, pause)
		}
	}
	s.keeping.mu.Lock()
	before := s.keeping.ready
	s.keeping.ready = now
	s.keeping.mu.Unlock()
	for _, k := range before {
		if !wanted[k.function] {
			s.runner.Keep(k.function, 0)
		}
	}
	return wait, nil
}

// describe is what a row asks for, and how far it is.
func (s *Service) describeProvisioned(key aliasKey, row *provisioned) *api.GetProvisionedConcurrencyConfigOutput {
	s.keeping.mu.Lock()
	k := s.keeping.ready[key]
	s.keeping.mu.Unlock()
	ready := min(int32(k.ready), row.Requested)
	out := &api.GetProvisionedConcurrencyConfigOutput{
		RequestedProvisionedConcurrentExecutions: &row.Requested,
		AvailableProvisionedConcurrentExecutions: &ready,
		AllocatedProvisionedConcurrentExecutions: &ready,
		Status:                                   new(api.ProvisionedConcurrencyStatusEnumInProgress),
		LastModified:                             new(row.Modified.UTC().Format("2006-01-02T15:04:05-0700")),
	}
	switch {
	case ready == row.Requested:
		out.Status = new(api.ProvisionedConcurrencyStatusEnumReady)
	case k.broken:
		out.Status, out.StatusReason = new(api.ProvisionedConcurrencyStatusEnumFailed), new("FUNCTION_ERROR_INIT_FAILURE")
	}
	return out
}

// parseProvisioned reads the name of a version or an alias.
func parseProvisioned(call *aws.Call, text, qualifier string) (ref, error) {
	r, err := parseName(call, text, &qualifier)
	if err == nil && (r.qualifier == "" || r.qualifier == latest) {
		err = invalid("The function resource provided must be an alias or a published version.")
	}
	return r, err
}

// findProvisionable returns a function, and the number of the version that r means.
func findProvisionable(tx *store.Tx, r ref) (function, int64, error) {
	_, n, err := findVersion(tx, r)
	if errors.Is(err, api.ResourceNotFoundException) && isAlias(r.qualifier) {
		err = errNoAlias(r.arn())
	}
	if err != nil {
		return function{}, 0, err
	}
	fn, err := functions.Get(tx, r.function)
	return fn, n, err
}

// PutProvisionedConcurrencyConfig has workers of a version ready before they are called.
func (s *Service) PutProvisionedConcurrencyConfig(ctx context.Context, call *aws.Call, in *api.PutProvisionedConcurrencyConfigInput) (*api.PutProvisionedConcurrencyConfigOutput, error) {
	if in.Qualifier == latest {
		return nil, invalid("Provisioned Concurrency Configs cannot be applied to unpublished function versions.")
	}
	r, err := parseProvisioned(call, in.FunctionName, in.Qualifier)
	if err != nil {
		return nil, err
	}
	key := aliasKey{r.function, r.qualifier}
	row := provisioned{Requested: in.ProvisionedConcurrentExecutions, Modified: time.Now()}
	err = s.db.Update(ctx, func(tx *store.Tx) error {
		fn, n, err := findProvisionable(tx, r)
		if err != nil {
			return err
		}
		if err := checkProvisioned(tx, key, n, &fn, row.Requested); err != nil {
			return err
		}
		tx.AfterCommit(s.keeping.bell.Ring)
		return provisions.Put(tx, key, row)
	})
	if err != nil {
		return nil, err
	}
	return &api.PutProvisionedConcurrencyConfigOutput{
		RequestedProvisionedConcurrentExecutions: &row.Requested, AllocatedProvisionedConcurrentExecutions: new(int32(0)), AvailableProvisionedConcurrentExecutions: new(int32(0)),
		Status: new(api.ProvisionedConcurrencyStatusEnumInProgress), LastModified: new(row.Modified.UTC().Format("2006-01-02T15:04:05-0700")),
	}, nil
}

// checkProvisioned refuses more than there is, and two rows for one version.
func checkProvisioned(tx *store.Tx, key aliasKey, version int64, fn *function, n int32) error {
	left := int32(accountConcurrency) - reservedBut(tx, key.Function)
	if fn.Reserved != nil {
		left = *fn.Reserved
	}
	for other, row := range provisions.Scan(tx, aliasKey{Function: homeOf(key.Function)}) {
		if other == key {
			continue
		}
		if fn.Reserved == nil || other.Function == key.Function {
			left -= row.Requested
		}
		if other.Function != key.Function {
			continue
		}
		_, same, err := findVersion(tx, ref{other.Function, other.Name})
		switch {
		case err != nil || same != version:
		case isAlias(key.Name):
			return conflict("Alias can't be used for Provisioned Concurrency configuration on an already Provisioned version")
		default:
			return conflict("Version is pointed by a Provisioned Concurrency alias")
		}
	}
	switch {
	case fn.Reserved != nil && n > left:
		return invalid("Requested Provisioned Concurrency should not be greater than the reservedConcurrentExecution for function")
	case n > left:
		return invalid("Specified ConcurrentExecutions for function is greater than account's unreserved concurrency [%d].", left)
	case fn.Reserved == nil && left-n < minUnreserved:
		return invalid("Specified ConcurrentExecutions for function decreases account's UnreservedConcurrentExecution below its minimum value of [%d].", minUnreserved)
	}
	return nil
}

// errNotProvisioned says that nothing is kept ready.
func errNotProvisioned() error {
	return api.ProvisionedConcurrencyConfigNotFoundException.Errorf("No Provisioned Concurrency Config found for this function")
}

// GetProvisionedConcurrencyConfig tells how many workers of a version are ready.
func (s *Service) GetProvisionedConcurrencyConfig(ctx context.Context, call *aws.Call, in *api.GetProvisionedConcurrencyConfigInput) (*api.GetProvisionedConcurrencyConfigOutput, error) {
	r, err := parseProvisioned(call, in.FunctionName, in.Qualifier)
	if err != nil {
		return nil, err
	}
	key := aliasKey{r.function, r.qualifier}
	var row provisioned
	err = s.db.View(ctx, func(tx *store.Tx) error {
		if _, _, err := findProvisionable(tx, r); err != nil {
			return err
		}
		row, err = provisions.Get(tx, key)
		return err
	})
	if errors.Is(err, store.ErrNotFound) {
		err = errNotProvisioned()
	}
	if err != nil {
		return nil, err
	}
	return s.describeProvisioned(key, &row), nil
}

// DeleteProvisionedConcurrencyConfig has no workers of a version kept any more.
func (s *Service) DeleteProvisionedConcurrencyConfig(ctx context.Context, call *aws.Call, in *api.DeleteProvisionedConcurrencyConfigInput) (*api.DeleteProvisionedConcurrencyConfigOutput, error) {
	r, err := parseProvisioned(call, in.FunctionName, in.Qualifier)
	if err != nil {
		return nil, err
	}
	err = s.db.Update(ctx, func(tx *store.Tx) error {
		if _, _, err := findProvisionable(tx, r); err != nil {
			return err
		}
		tx.AfterCommit(s.keeping.bell.Ring)
		return provisions.Delete(tx, aliasKey{r.function, r.qualifier})
	})
	if err != nil {
		return nil, err
	}
	return &api.DeleteProvisionedConcurrencyConfigOutput{}, nil
}

// ListProvisionedConcurrencyConfigs lists what is kept ready of a function.
func (s *Service) ListProvisionedConcurrencyConfigs(ctx context.Context, call *aws.Call, in *api.ListProvisionedConcurrencyConfigsInput) (*api.ListProvisionedConcurrencyConfigsOutput, error) {
	fn, err := parseFunction(call, in.FunctionName)
	if err != nil {
		return nil, err
	}
	p, err := newPager(in.Marker, in.MaxItems)
	if err != nil {
		return nil, err
	}
	list := []api.ProvisionedConcurrencyConfigListItem{}
	err = s.db.View(ctx, func(tx *store.Tx) error {
		if exists, err := functions.Has(tx, fn); err != nil || !exists {
			return cmp.Or(err, errNoFunction(fn))
		}
		for key, row := range provisions.Scan(tx, aliasKey{Function: fn}) {
			if p.takes(key.Name) {
				d := s.describeProvisioned(key, &row)
				list = append(list, api.ProvisionedConcurrencyConfigListItem{
					FunctionArn:                              new(ref{key.Function, key.Name}.arn().String()),
					RequestedProvisionedConcurrentExecutions: d.RequestedProvisionedConcurrentExecutions,
					AvailableProvisionedConcurrentExecutions: d.AvailableProvisionedConcurrentExecutions,
					AllocatedProvisionedConcurrentExecutions: d.AllocatedProvisionedConcurrentExecutions,
					Status:                                   d.Status, StatusReason: d.StatusReason, LastModified: d.LastModified,
				})
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &api.ListProvisionedConcurrencyConfigsOutput{ProvisionedConcurrencyConfigs: list, NextMarker: p.next()}, nil
}
