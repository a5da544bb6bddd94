package lambda

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"

	api "github.com/aloft-cloud/aloft/internal/api/lambda"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/store"
)

// A runtimeUpdate says when a version gets a newer runtime.
type runtimeUpdate struct {
	On      string
	Version string `json:",omitempty"` // ARN, if it is On Manual
}

// runtimeVersion is the ARN of the version of a runtime that there is: it
// tells runtimes apart, and nothing more.
func runtimeVersion(region, runtime string) string {
	sum := sha256.Sum256([]byte(runtime))
	return "arn:aws:lambda:" + region + "::runtime:" + hex.EncodeToString(sum[:])
}

// PutRuntimeManagementConfig says when a function gets a newer runtime.
func (s *Service) PutRuntimeManagementConfig(ctx context.Context, call *aws.Call, in *api.PutRuntimeManagementConfigInput) (*api.PutRuntimeManagementConfigOutput, error) {
	r, err := parseName(call, in.FunctionName, in.Qualifier)
	if err != nil {
		return nil, err
	}
	manual := in.UpdateRuntimeOn == api.UpdateRuntimeOnManual
	if manual != (aws.Value(in.RuntimeVersionArn) != "") {
		return nil, invalid("RuntimeVersionArn is required when UpdateRuntimeOn is Manual, and allowed only then.")
	}
	row := runtimeUpdate{On: in.UpdateRuntimeOn, Version: aws.Value(in.RuntimeVersionArn)}
	err = s.db.Update(ctx, func(tx *store.Tx) error {
		if _, _, err := findVersion(tx, r); err != nil {
			return err
		}
		return runtimeUpdates.Put(tx, configKey(r), row)
	})
	if err != nil {
		return nil, err
	}
	return &api.PutRuntimeManagementConfigOutput{FunctionArn: r.latest().String(), UpdateRuntimeOn: row.On, RuntimeVersionArn: in.RuntimeVersionArn}, nil
}

// GetRuntimeManagementConfig tells when a function gets a newer runtime.
func (s *Service) GetRuntimeManagementConfig(ctx context.Context, call *aws.Call, in *api.GetRuntimeManagementConfigInput) (*api.GetRuntimeManagementConfigOutput, error) {
	r, err := parseName(call, in.FunctionName, in.Qualifier)
	if err != nil {
		return nil, err
	}
	row := runtimeUpdate{On: api.UpdateRuntimeOnAuto}
	err = s.db.View(ctx, func(tx *store.Tx) error {
		if _, _, err := findVersion(tx, r); err != nil {
			return err
		}
		found, err := runtimeUpdates.Get(tx, configKey(r))
		if errors.Is(err, store.ErrNotFound) {
			return nil
		}
		row = found
		return err
	})
	if err != nil {
		return nil, err
	}
	out := &api.GetRuntimeManagementConfigOutput{FunctionArn: new(r.latest().String()), UpdateRuntimeOn: &row.On}
	if row.Version != "" {
		out.RuntimeVersionArn = &row.Version
	}
	return out, nil
}
