package lambda

import (
	"context"
	"errors"
	"strconv"
	"time"

	api "github.com/aloft-cloud/aloft/internal/api/lambda"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/store"
)

// CreateFunction makes a function.
func (s *Service) CreateFunction(ctx context.Context, call *aws.Call, in *api.CreateFunctionInput) (*api.CreateFunctionOutput, error) {
	fn, err := parseFunction(call, in.FunctionName)
	if err != nil {
		return nil, err
	}
	if n := name(fn); len(n) > maxNameLength {
		return nil, errConstraint(api.InvalidParameterValueException, n, "functionName", "Member must have length less than or equal to 64")
	}
	c := changeOfCreate(in)
	if err := c.check(); err != nil {
		return nil, err
	}
	if err := checkPackage(in); err != nil {
		return nil, err
	}
	if err := s.checkRole(ctx, fn, in.Role); err != nil {
		return nil, err
	}
	if err := s.checkFiles(ctx, fn, &c); err != nil {
		return nil, err
	}
	if err := s.makeForeign(ctx, call, in.Layers, aws.Value(in.Runtime)); err != nil {
		return nil, err
	}
	code, err := s.receive(ctx, call, fn, sourceOfCreate(in.Code))
	if err != nil {
		return nil, err
	}
	defer code.Close()

	var made *api.FunctionConfiguration
	err = s.db.Update(ctx, func(tx *store.Tx) error {
		if exists, err := functions.Has(tx, fn); err != nil {
			return err
		} else if exists {
			return conflict("Function already exist: %s", name(fn))
		}
		if err := checkCodeSigning(tx, call, aws.Value(in.CodeSigningConfigArn)); err != nil {
			return err
		}
		row := function{Tags: in.Tags, CodeSigning: aws.Value(in.CodeSigningConfigArn), Latest: version{settings: newSettings(name(fn)), Description: aws.Value(in.Description)}}
		v := &row.Latest
		c.apply(&v.settings)
		if err := v.checkMounts(); err != nil {
			return err
		}
		v.Code, v.Image = code.packed, code.image
		if v.Layers, err = findLayers(tx, call, in.Layers); err != nil {
			return err
		}
		v.begin(time.Now())
		if err := errors.Join(checkSize(v), code.keep(tx), useLayers(tx, v), functions.Put(tx, fn, row), s.await(tx, versionKey{fn, 0})); err != nil {
			return err
		}
		made = v.describe(fn, fn, 0)
		if aws.Value(in.Publish) {
			made, err = s.publish(tx, fn, &row, nil)
			made.FunctionArn = new(fn.String()) // as AWS has it
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	return made, nil
}

// GetFunction describes a function, and says where its code is.
func (s *Service) GetFunction(ctx context.Context, call *aws.Call, in *api.GetFunctionInput) (*api.GetFunctionOutput, error) {
	r, err := parseName(call, in.FunctionName, in.Qualifier)
	if err != nil {
		return nil, err
	}
	var v version
	var number int64
	var fn function
	err = s.db.View(ctx, func(tx *store.Tx) error {
		var err error
		if v, number, err = findVersion(tx, r); err != nil {
			return err
		}
		fn, err = functions.Get(tx, r.function)
		return err
	})
	if err != nil {
		return nil, err
	}
	out := &api.GetFunctionOutput{
		Configuration: v.describe(r.arn(), r.function, number),
		Code:          s.locate(call, &v),
	}
	if len(fn.Tags) > 0 {
		out.Tags = fn.Tags
	}
	if fn.Reserved != nil {
		out.Concurrency = &api.Concurrency{ReservedConcurrentExecutions: fn.Reserved}
	}
	return out, nil
}

// locate says where the code of a version is.
func (s *Service) locate(call *aws.Call, v *version) *api.FunctionCodeLocation {
	if i := v.Image; i != nil {
		return &api.FunctionCodeLocation{RepositoryType: new("ECR"), ImageUri: &i.URI, ResolvedImageUri: new(i.Name + "@" + i.Digest)}
	}
	return &api.FunctionCodeLocation{RepositoryType: new("S3"), Location: new(s.codeURL(call, v.Code.Key))}
}

// GetFunctionConfiguration describes a function.
func (s *Service) GetFunctionConfiguration(ctx context.Context, call *aws.Call, in *api.GetFunctionConfigurationInput) (*api.GetFunctionConfigurationOutput, error) {
	r, err := parseName(call, in.FunctionName, in.Qualifier)
	if err != nil {
		return nil, err
	}
	var out *api.FunctionConfiguration
	err = s.db.View(ctx, func(tx *store.Tx) error {
		v, number, err := findVersion(tx, r)
		out = v.describe(r.arn(), r.function, number)
		return err
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// ListFunctions lists functions in order of their names, or all their versions.
func (s *Service) ListFunctions(ctx context.Context, call *aws.Call, in *api.ListFunctionsInput) (*api.ListFunctionsOutput, error) {
	p, err := newPager(in.Marker, in.MaxItems)
	if err != nil {
		return nil, err
	}
	all := aws.Value(in.FunctionVersion) == api.FunctionVersionAll
	home := call.ARN("lambda", "")
	list := []api.FunctionConfiguration{}
	err = s.db.View(ctx, func(tx *store.Tx) error {
		for fn, row := range functions.Scan(tx, home) {
			if p.takes(name(fn)) {
				arn := fn
				if all {
					arn = ref{fn, latest}.arn()
				}
				list = append(list, row.Latest.list(arn, fn, 0))
			}
			if !all {
				continue
			}
			for key, v := range versions.Scan(tx, versionKey{Function: fn}) {
				if p.takes(name(fn) + " " + sortable(key.Number)) {
					list = append(list, v.list(ref{fn, versionName(key.Number)}.arn(), fn, key.Number))
				}
			}
			if p.more {
				break
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &api.ListFunctionsOutput{Functions: list, NextMarker: p.next()}, nil
}

// DeleteFunction removes a function with all that belongs to it, or one version of it.
func (s *Service) DeleteFunction(ctx context.Context, call *aws.Call, in *api.DeleteFunctionInput) (*api.DeleteFunctionOutput, error) {
	r, err := parseName(call, in.FunctionName, in.Qualifier)
	if err != nil {
		return nil, err
	}
	if r.qualifier != "" && isAlias(r.qualifier) {
		return nil, invalid("Deletion of aliases is not currently supported.")
	}
	err = s.db.Update(ctx, func(tx *store.Tx) error {
		row, err := findFunction(tx, r.function)
		if err != nil {
			return err
		}
		s.changed(tx, r.function)
		tx.AfterCommit(func() { s.runner.Forget(r.function) })
		switch {
		case r.qualifier == "":
			return s.deleteFunction(tx, r.function, &row)
		case r.qualifier == latest:
			return invalid("$LATEST version cannot be deleted without deleting the function.")
		}
		return s.deleteVersion(tx, r)
	})
	if err != nil {
		return nil, err
	}
	return &api.DeleteFunctionOutput{StatusCode: new(int32(204))}, nil
}

func (s *Service) deleteFunction(tx *store.Tx, fn aws.ARN, row *function) error {
	if err := s.dropVersion(tx, &row.Latest); err != nil {
		return err
	}
	for _, v := range versions.Scan(tx, versionKey{Function: fn}) {
		if err := s.dropVersion(tx, &v); err != nil {
			return err
		}
	}
	if row.Reserved != nil {
		s.reserved(tx, fn, reservedBut(tx, fn))
	}
	tx.AfterCommit(func() {
		s.sessions.Forget(fn)
		s.targets.forget(fn)
		s.epoch.Add(1)
	})
	return errors.Join(
		deleteURLs(tx, fn),
		functions.Delete(tx, fn),
		versions.DeletePrefix(tx, versionKey{Function: fn}),
		aliases.DeletePrefix(tx, aliasKey{Function: fn}),
		policies.DeletePrefix(tx, policyKey{Resource: fn}),
		pendings.DeletePrefix(tx, versionKey{Function: fn}),
		eventConfigs.DeletePrefix(tx, aliasKey{Function: fn}),
		provisions.DeletePrefix(tx, aliasKey{Function: fn}),
		runtimeUpdates.DeletePrefix(tx, aliasKey{Function: fn}),
		queued.Rows(fn).DeleteRange(tx, nil, nil),
		s.forgetDurables(tx, fn),
	)
}

func (s *Service) deleteVersion(tx *store.Tx, r ref) error {
	v, number, err := findVersion(tx, r)
	if errors.Is(err, api.ResourceNotFoundException) {
		return nil // AWS does not say so
	}
	if err != nil {
		return err
	}
	for key, a := range aliases.Scan(tx, aliasKey{Function: r.function}) {
		if _, weighted := a.Weights[r.qualifier]; weighted || a.Version == r.qualifier {
			return conflict("Unable to delete version because the following aliases reference it: [%s]", key.Name)
		}
	}
	tx.AfterCommit(func() { s.epoch.Add(1) })
	key := versionKey{r.function, number}
	return errors.Join(
		s.dropVersion(tx, &v),
		versions.Delete(tx, key),
		pendings.Delete(tx, key),
		policies.Delete(tx, policyKey{r.function, r.qualifier}),
		provisions.Delete(tx, aliasKey{r.function, r.qualifier}),
	)
}

// lookUp finds the function that a caller names.
func (s *Service) lookUp(ctx context.Context, call *aws.Call, text string) (fn aws.ARN, row function, err error) {
	if fn, err = parseFunction(call, text); err != nil {
		return fn, row, err
	}
	err = s.db.View(ctx, func(tx *store.Tx) error {
		row, err = findFunction(tx, fn)
		return err
	})
	return fn, row, err
}

// sortable is text for n in the order of numbers.
func sortable(n int64) string {
	text := strconv.FormatInt(n, 10)
	return "0000000000000000000"[:19-len(text)] + text
}
