package lambda

import (
	"context"
	"crypto/rand"
	"errors"
	"strings"
	"time"

	api "github.com/aloft-cloud/aloft/internal/api/lambda"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/store"
)

const codeSigningKind = "code-signing-config:"

// A codeSigning says whose code functions may have.
type codeSigning struct {
	Description string   `json:",omitempty"`
	Profiles    []string // ARNs of versions of signing profiles
	Policy      string   // for other code
	Modified    time.Time
	Tags        map[string]string `json:",omitempty"`
}

func codeSigningOf[In interface{ GetCodeSigningConfigArn() string }](call *aws.Call, in In) aws.ARN {
	return parseOrNone(call, in.GetCodeSigningConfigArn())
}

// parseOrNone reads an ARN; text that is none gives one of nothing.
func parseOrNone(call *aws.Call, text string) aws.ARN {
	arn, err := aws.ParseARN(text)
	if err != nil {
		return call.ARN("lambda", text)
	}
	return arn
}

func (c *codeSigning) describe(arn aws.ARN) *api.CodeSigningConfig {
	return &api.CodeSigningConfig{
		CodeSigningConfigId:  strings.TrimPrefix(arn.Resource, codeSigningKind),
		CodeSigningConfigArn: arn.String(),
		Description:          &c.Description,
		AllowedPublishers:    &api.AllowedPublishers{SigningProfileVersionArns: c.Profiles},
		CodeSigningPolicies:  &api.CodeSigningPolicies{UntrustedArtifactOnDeployment: &c.Policy},
		LastModified:         c.Modified.UTC().Format(timeFormat),
	}
}

func findCodeSigning(tx *store.Tx, arn aws.ARN) (codeSigning, error) {
	row, err := codeSignings.Get(tx, arn)
	if errors.Is(err, store.ErrNotFound) {
		err = notFound("The Lambda code signing configuration %s can not be found.", arn)
	}
	return row, err
}

// CreateCodeSigningConfig says whose code functions may have.
func (s *Service) CreateCodeSigningConfig(ctx context.Context, call *aws.Call, in *api.CreateCodeSigningConfigInput) (*api.CreateCodeSigningConfigOutput, error) {
	row := codeSigning{Description: aws.Value(in.Description), Profiles: in.AllowedPublishers.SigningProfileVersionArns, Policy: api.CodeSigningPolicyWarn, Modified: time.Now(), Tags: in.Tags}
	if in.CodeSigningPolicies != nil {
		set(&row.Policy, in.CodeSigningPolicies.UntrustedArtifactOnDeployment)
	}
	arn := call.ARN("lambda", codeSigningKind+"csc-"+strings.ToLower(rand.Text())[:17])
	err := s.db.Update(ctx, func(tx *store.Tx) error { return codeSignings.Put(tx, arn, row) })
	if err != nil {
		return nil, err
	}
	return &api.CreateCodeSigningConfigOutput{CodeSigningConfig: row.describe(arn)}, nil
}

// GetCodeSigningConfig tells whose code functions may have.
func (s *Service) GetCodeSigningConfig(ctx context.Context, call *aws.Call, in *api.GetCodeSigningConfigInput) (*api.GetCodeSigningConfigOutput, error) {
	arn := parseOrNone(call, in.CodeSigningConfigArn)
	var row codeSigning
	err := s.db.View(ctx, func(tx *store.Tx) (err error) {
		row, err = findCodeSigning(tx, arn)
		return err
	})
	if err != nil {
		return nil, err
	}
	return &api.GetCodeSigningConfigOutput{CodeSigningConfig: row.describe(arn)}, nil
}

// UpdateCodeSigningConfig changes whose code functions may have.
func (s *Service) UpdateCodeSigningConfig(ctx context.Context, call *aws.Call, in *api.UpdateCodeSigningConfigInput) (*api.UpdateCodeSigningConfigOutput, error) {
	arn := parseOrNone(call, in.CodeSigningConfigArn)
	var row codeSigning
	err := s.db.Update(ctx, func(tx *store.Tx) (err error) {
		if row, err = findCodeSigning(tx, arn); err != nil {
			return err
		}
		set(&row.Description, in.Description)
		if in.AllowedPublishers != nil {
			row.Profiles = in.AllowedPublishers.SigningProfileVersionArns
		}
		if in.CodeSigningPolicies != nil {
			set(&row.Policy, in.CodeSigningPolicies.UntrustedArtifactOnDeployment)
		}
		row.Modified = time.Now()
		return codeSignings.Put(tx, arn, row)
	})
	if err != nil {
		return nil, err
	}
	return &api.UpdateCodeSigningConfigOutput{CodeSigningConfig: row.describe(arn)}, nil
}

// DeleteCodeSigningConfig removes a configuration that no function uses.
func (s *Service) DeleteCodeSigningConfig(ctx context.Context, call *aws.Call, in *api.DeleteCodeSigningConfigInput) (*api.DeleteCodeSigningConfigOutput, error) {
	arn := parseOrNone(call, in.CodeSigningConfigArn)
	err := s.db.Update(ctx, func(tx *store.Tx) error {
		if _, err := findCodeSigning(tx, arn); err != nil {
			return err
		}
		for _, row := range functions.Scan(tx, call.ARN("lambda", "")) {
			if row.CodeSigning == arn.String() {
				return conflict("This CodeSigningConfig is in use. Delete it from all functions before deleting it.")
			}
		}
		return codeSignings.Delete(tx, arn)
	})
	if err != nil {
		return nil, err
	}
	return &api.DeleteCodeSigningConfigOutput{}, nil
}

// ListCodeSigningConfigs lists all configurations.
func (s *Service) ListCodeSigningConfigs(ctx context.Context, call *aws.Call, in *api.ListCodeSigningConfigsInput) (*api.ListCodeSigningConfigsOutput, error) {
	p, err := newPager(in.Marker, in.MaxItems)
	if err != nil {
		return nil, err
	}
	list := []api.CodeSigningConfig{}
	err = s.db.View(ctx, func(tx *store.Tx) error {
		for arn, row := range codeSignings.Scan(tx, call.ARN("lambda", "")) {
			if p.takes(arn.Resource) {
				list = append(list, *row.describe(arn))
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &api.ListCodeSigningConfigsOutput{CodeSigningConfigs: list, NextMarker: p.next()}, nil
}

// ListFunctionsByCodeSigningConfig lists the functions that use a configuration.
func (s *Service) ListFunctionsByCodeSigningConfig(ctx context.Context, call *aws.Call, in *api.ListFunctionsByCodeSigningConfigInput) (*api.ListFunctionsByCodeSigningConfigOutput, error) {
	p, err := newPager(in.Marker, in.MaxItems)
	if err != nil {
		return nil, err
	}
	arn := parseOrNone(call, in.CodeSigningConfigArn)
	list := []string{}
	err = s.db.View(ctx, func(tx *store.Tx) error {
		if _, err := findCodeSigning(tx, arn); err != nil {
			return err
		}
		for fn, row := range functions.Scan(tx, call.ARN("lambda", "")) {
			if row.CodeSigning == arn.String() && p.takes(fn.Resource) {
				list = append(list, fn.String())
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &api.ListFunctionsByCodeSigningConfigOutput{FunctionArns: list, NextMarker: p.next()}, nil
}

// PutFunctionCodeSigningConfig gives a function a configuration.
func (s *Service) PutFunctionCodeSigningConfig(ctx context.Context, call *aws.Call, in *api.PutFunctionCodeSigningConfigInput) (*api.PutFunctionCodeSigningConfigOutput, error) {
	if err := s.signs(ctx, call, in.FunctionName, in.CodeSigningConfigArn); err != nil {
		return nil, err
	}
	fn, err := parseFunction(call, in.FunctionName)
	if err != nil {
		return nil, err
	}
	return &api.PutFunctionCodeSigningConfigOutput{CodeSigningConfigArn: in.CodeSigningConfigArn, FunctionName: name(fn)}, nil
}

// DeleteFunctionCodeSigningConfig takes the configuration of a function away.
func (s *Service) DeleteFunctionCodeSigningConfig(ctx context.Context, call *aws.Call, in *api.DeleteFunctionCodeSigningConfigInput) (*api.DeleteFunctionCodeSigningConfigOutput, error) {
	if err := s.signs(ctx, call, in.FunctionName, ""); err != nil {
		return nil, err
	}
	return &api.DeleteFunctionCodeSigningConfigOutput{}, nil
}

// signs sets the configuration of a function.
func (s *Service) signs(ctx context.Context, call *aws.Call, text, config string) error {
	fn, err := parseFunction(call, text)
	if err != nil {
		return err
	}
	return s.db.Update(ctx, func(tx *store.Tx) error {
		if err := checkCodeSigning(tx, call, config); err != nil {
			return err
		}
		row, err := findFunction(tx, fn)
		if err != nil {
			return err
		}
		row.CodeSigning = config
		return functions.Put(tx, fn, row)
	})
}

// checkCodeSigning refuses a configuration that there is not.
func checkCodeSigning(tx *store.Tx, call *aws.Call, config string) error {
	if config == "" {
		return nil
	}
	if exists, err := codeSignings.Has(tx, parseOrNone(call, config)); err != nil || exists {
		return err
	}
	return api.CodeSigningConfigNotFoundException.Errorf("The code signing configuration cannot be found. Check that the provided configuration is not deleted: %s.", config)
}

// GetFunctionCodeSigningConfig tells which configuration a function has.
func (s *Service) GetFunctionCodeSigningConfig(ctx context.Context, call *aws.Call, in *api.GetFunctionCodeSigningConfigInput) (*api.GetFunctionCodeSigningConfigOutput, error) {
	fn, row, err := s.lookUp(ctx, call, in.FunctionName)
	if err != nil {
		return nil, err
	}
	if row.CodeSigning == "" {
		return &api.GetFunctionCodeSigningConfigOutput{}, nil
	}
	return &api.GetFunctionCodeSigningConfigOutput{CodeSigningConfigArn: row.CodeSigning, FunctionName: name(fn)}, nil
}
