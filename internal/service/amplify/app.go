package amplify

import (
	"context"
	"encoding/base64"
	"iter"
	"strings"
	"time"

	api "github.com/aloft-cloud/aloft/internal/api/amplify"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/store"
)

const domainSuffix = ".amplifyapp.com"

// CreateApp makes an app.
func (s *Service) CreateApp(ctx context.Context, call *aws.Call, in *api.CreateAppInput) (*api.CreateAppOutput, error) {
	if err := checkTags(in.Tags); err != nil {
		return nil, err
	}
	id := "d" + newID(13)
	arn, now := appARN(call, id), time.Now().UTC()
	a := api.App{
		AppId: id, AppArn: arn.String(), Name: in.Name, DefaultDomain: id + domainSuffix, Platform: api.PlatformWeb,
		CreateTime: now, UpdateTime: now, Tags: in.Tags, EnvironmentVariables: map[string]string{},
	}
	err := change(&a, &api.UpdateAppInput{
		Description: in.Description, Platform: in.Platform, ComputeRoleArn: in.ComputeRoleArn, IamServiceRoleArn: in.IamServiceRoleArn,
		EnvironmentVariables: in.EnvironmentVariables, EnableBranchAutoBuild: in.EnableBranchAutoBuild, EnableBranchAutoDeletion: in.EnableBranchAutoDeletion,
		EnableBasicAuth: in.EnableBasicAuth, BasicAuthCredentials: in.BasicAuthCredentials, CustomRules: in.CustomRules, BuildSpec: in.BuildSpec,
		CustomHeaders: in.CustomHeaders, EnableAutoBranchCreation: in.EnableAutoBranchCreation, AutoBranchCreationPatterns: in.AutoBranchCreationPatterns,
		AutoBranchCreationConfig: in.AutoBranchCreationConfig, Repository: in.Repository, JobConfig: in.JobConfig, CacheConfig: in.CacheConfig,
	})
	if err != nil {
		return nil, err
	}
	err = s.db.Update(ctx, func(tx *store.Tx) error {
		s.index.Changed(tx)
		return apps.Put(tx, arn, a)
	})
	if err != nil {
		return nil, err
	}
	return &api.CreateAppOutput{App: &a}, nil
}

// change makes of an app what a caller says. Tokens for repositories are not
// kept: nothing here uses them.
func change(a *api.App, in *api.UpdateAppInput) error {
	put(&a.Name, in.Name)
	put(&a.Description, in.Description)
	put(&a.Repository, in.Repository)
	put(&a.Platform, in.Platform)
	put(&a.EnableBranchAutoBuild, in.EnableBranchAutoBuild)
	put(&a.EnableBasicAuth, in.EnableBasicAuth)
	putOr(&a.ComputeRoleArn, in.ComputeRoleArn)
	putOr(&a.IamServiceRoleArn, in.IamServiceRoleArn)
	putOr(&a.EnableBranchAutoDeletion, in.EnableBranchAutoDeletion)
	putOr(&a.BasicAuthCredentials, in.BasicAuthCredentials)
	putOr(&a.BuildSpec, in.BuildSpec)
	putOr(&a.CustomHeaders, in.CustomHeaders)
	putOr(&a.EnableAutoBranchCreation, in.EnableAutoBranchCreation)
	putOr(&a.AutoBranchCreationConfig, in.AutoBranchCreationConfig)
	putOr(&a.JobConfig, in.JobConfig)
	putOr(&a.CacheConfig, in.CacheConfig)
	if in.EnvironmentVariables != nil {
		a.EnvironmentVariables = in.EnvironmentVariables
	}
	if in.AutoBranchCreationPatterns != nil {
		a.AutoBranchCreationPatterns = in.AutoBranchCreationPatterns
	}
	if in.CustomRules != nil {
		a.CustomRules = in.CustomRules
	}
	if a.Repository != "" {
		a.RepositoryCloneMethod = new(api.RepositoryCloneMethodToken)
	}
	if err := checkCredentials(a.EnableBasicAuth, a.BasicAuthCredentials); err != nil {
		return err
	}
	if _, err := compileRules(a.CustomRules); err != nil {
		return err
	}
	_, err := parseHeaders(aws.Value(a.CustomHeaders), "")
	return err
}

// checkCredentials refuses what is not base64 of a name and a password.
func checkCredentials(enabled bool, credentials *string) error {
	if credentials == nil || *credentials == "" {
		if enabled {
			return api.BadRequestException.Errorf("basicAuthCredentials is required when enableBasicAuth is true.")
		}
		return nil
	}
	text, err := base64.StdEncoding.DecodeString(*credentials)
	if err != nil || !strings.Contains(string(text), ":") {
		return api.BadRequestException.Errorf("basicAuthCredentials must be a base64-encoded string in the format user:password.")
	}
	return nil
}

// GetApp returns an app.
func (s *Service) GetApp(ctx context.Context, call *aws.Call, in *api.GetAppInput) (*api.GetAppOutput, error) {
	var a api.App
	err := s.db.View(ctx, func(tx *store.Tx) (err error) {
		a, err = findApp(tx, appARN(call, in.AppId))
		return err
	})
	return &api.GetAppOutput{App: &a}, err
}

// ListApps lists apps.
func (s *Service) ListApps(ctx context.Context, call *aws.Call, in *api.ListAppsInput) (*api.ListAppsOutput, error) {
	out := &api.ListAppsOutput{}
	err := s.db.View(ctx, func(tx *store.Tx) (err error) {
		scan := func(after string) iter.Seq2[aws.ARN, api.App] {
			return apps.ScanAfter(tx, call.ARN("amplify", ""), appARN(call, after))
		}
		out.Apps, out.NextToken, err = page(in.NextToken, in.MaxResults, scan, func(arn aws.ARN, a api.App) (string, api.App) { return appID(arn), a })
		return err
	})
	return out, err
}

// UpdateApp changes an app.
func (s *Service) UpdateApp(ctx context.Context, call *aws.Call, in *api.UpdateAppInput) (*api.UpdateAppOutput, error) {
	var a api.App
	err := s.db.Update(ctx, func(tx *store.Tx) (err error) {
		arn := appARN(call, in.AppId)
		if a, err = findApp(tx, arn); err != nil {
			return err
		}
		if err := change(&a, in); err != nil {
			return err
		}
		a.UpdateTime = time.Now().UTC()
		s.index.Changed(tx)
		return apps.Put(tx, arn, a)
	})
	return &api.UpdateAppOutput{App: &a}, err
}

// DeleteApp deletes an app, and all that it has.
func (s *Service) DeleteApp(ctx context.Context, call *aws.Call, in *api.DeleteAppInput) (*api.DeleteAppOutput, error) {
	var a api.App
	err := s.db.Update(ctx, func(tx *store.Tx) (err error) {
		arn := appARN(call, in.AppId)
		if a, err = findApp(tx, arn); err != nil {
			return err
		}
		for key, b := range branches.Scan(tx, partKey{App: arn}) {
			if err := s.deleteBranch(tx, key, &b); err != nil {
				return err
			}
		}
		for hook, w := range webhooks.Scan(tx, call.ARN("amplify", "")) {
			if aws.Value(w.AppId) == in.AppId {
				if err := webhooks.Delete(tx, hook); err != nil {
					return err
				}
			}
		}
		if err := domains.DeletePrefix(tx, partKey{App: arn}); err != nil {
			return err
		}
		if err := backends.DeletePrefix(tx, partKey{App: arn}); err != nil {
			return err
		}
		s.index.Changed(tx)
		return apps.Delete(tx, arn)
	})
	return &api.DeleteAppOutput{App: &a}, err
}
