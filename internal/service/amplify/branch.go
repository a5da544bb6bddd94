package amplify

import (
	"context"
	"iter"
	"strings"
	"time"

	api "github.com/aloft-cloud/aloft/internal/api/amplify"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/store"
)

const usualTTL = "5"

// CreateBranch makes a branch of an app.
func (s *Service) CreateBranch(ctx context.Context, call *aws.Call, in *api.CreateBranchInput) (*api.CreateBranchOutput, error) {
	app, now := appARN(call, in.AppId), time.Now().UTC()
	b := branch{Branch: api.Branch{
		BranchArn: below(app, "branches", in.BranchName).String(), BranchName: in.BranchName, DisplayName: label(in.BranchName), Stage: "NONE", Tags: in.Tags,
		CreateTime: now, UpdateTime: now, EnvironmentVariables: map[string]string{}, EnableAutoBuild: true, CustomDomains: []string{},
		ActiveJobId: "0", TotalNumberOfJobs: "0", Ttl: usualTTL,
	}}
	update := api.UpdateBranchInput{
		Description: in.Description, Framework: in.Framework, Stage: in.Stage, EnableNotification: in.EnableNotification, EnableAutoBuild: in.EnableAutoBuild,
		EnableSkewProtection: in.EnableSkewProtection, EnvironmentVariables: in.EnvironmentVariables, BasicAuthCredentials: in.BasicAuthCredentials,
		EnableBasicAuth: in.EnableBasicAuth, EnablePerformanceMode: in.EnablePerformanceMode, BuildSpec: in.BuildSpec, Ttl: in.Ttl, DisplayName: in.DisplayName,
		EnablePullRequestPreview: in.EnablePullRequestPreview, PullRequestEnvironmentName: in.PullRequestEnvironmentName,
		BackendEnvironmentArn: in.BackendEnvironmentArn, Backend: in.Backend, ComputeRoleArn: in.ComputeRoleArn,
	}
	err := s.db.Update(ctx, func(tx *store.Tx) error {
		if _, err := findApp(tx, app); err != nil {
			return err
		}
		exists, err := branches.Has(tx, partKey{app, in.BranchName})
		if err != nil {
			return err
		}
		if exists {
			return api.BadRequestException.Errorf("Failed to create branch. The branch %s already exists for the app %s", in.BranchName, in.AppId)
		}
		if err := changeBranch(tx, app, &b.Branch, &update); err != nil {
			return err
		}
		s.index.Changed(tx)
		return branches.Put(tx, partKey{app, in.BranchName}, b)
	})
	return &api.CreateBranchOutput{Branch: &b.Branch}, err
}

// label is what a branch is called in the name of its host.
func label(name string) string {
	return strings.Trim(strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z', r >= '0' && r <= '9':
			return r
		case r >= 'A' && r <= 'Z':
			return r + 'a' - 'A'
		}
		return '-'
	}, name), "-")
}

// changeBranch makes of a branch what a caller says.
func changeBranch(tx *store.Tx, app aws.ARN, b *api.Branch, in *api.UpdateBranchInput) error {
	put(&b.Description, in.Description)
	put(&b.Framework, in.Framework)
	put(&b.Stage, in.Stage)
	put(&b.EnableNotification, in.EnableNotification)
	put(&b.EnableAutoBuild, in.EnableAutoBuild)
	put(&b.EnableBasicAuth, in.EnableBasicAuth)
	put(&b.Ttl, in.Ttl)
	put(&b.EnablePullRequestPreview, in.EnablePullRequestPreview)
	putOr(&b.EnableSkewProtection, in.EnableSkewProtection)
	putOr(&b.BasicAuthCredentials, in.BasicAuthCredentials)
	putOr(&b.EnablePerformanceMode, in.EnablePerformanceMode)
	putOr(&b.BuildSpec, in.BuildSpec)
	putOr(&b.PullRequestEnvironmentName, in.PullRequestEnvironmentName)
	putOr(&b.BackendEnvironmentArn, in.BackendEnvironmentArn)
	putOr(&b.Backend, in.Backend)
	putOr(&b.ComputeRoleArn, in.ComputeRoleArn)
	if in.EnvironmentVariables != nil {
		b.EnvironmentVariables = in.EnvironmentVariables
	}
	if name := aws.Value(in.DisplayName); name != "" {
		if b.DisplayName = label(name); b.DisplayName != strings.ToLower(name) {
			return api.BadRequestException.Errorf("displayName %s is not valid: it is part of a host name.", name)
		}
	}
	for key, other := range branches.Scan(tx, partKey{App: app}) {
		if key.Name != b.BranchName && other.DisplayName == b.DisplayName {
			return api.BadRequestException.Errorf("displayName %s is already used by the branch %s.", b.DisplayName, key.Name)
		}
	}
	return checkCredentials(b.EnableBasicAuth, b.BasicAuthCredentials)
}

// GetBranch returns a branch.
func (s *Service) GetBranch(ctx context.Context, call *aws.Call, in *api.GetBranchInput) (*api.GetBranchOutput, error) {
	var b branch
	err := s.db.View(ctx, func(tx *store.Tx) (err error) {
		b, err = findBranch(tx, appARN(call, in.AppId), in.BranchName)
		return err
	})
	return &api.GetBranchOutput{Branch: &b.Branch}, err
}

// ListBranches lists the branches of an app.
func (s *Service) ListBranches(ctx context.Context, call *aws.Call, in *api.ListBranchesInput) (*api.ListBranchesOutput, error) {
	out := &api.ListBranchesOutput{}
	app := appARN(call, in.AppId)
	err := s.db.View(ctx, func(tx *store.Tx) error {
		if _, err := findApp(tx, app); err != nil {
			return err
		}
		scan := func(after string) iter.Seq2[partKey, branch] {
			return branches.ScanAfter(tx, partKey{App: app}, partKey{app, after})
		}
		var err error
		out.Branches, out.NextToken, err = page(in.NextToken, in.MaxResults, scan, func(k partKey, b branch) (string, api.Branch) { return k.Name, b.Branch })
		return err
	})
	return out, err
}

// UpdateBranch changes a branch.
func (s *Service) UpdateBranch(ctx context.Context, call *aws.Call, in *api.UpdateBranchInput) (*api.UpdateBranchOutput, error) {
	app := appARN(call, in.AppId)
	var b branch
	err := s.db.Update(ctx, func(tx *store.Tx) (err error) {
		if b, err = findBranch(tx, app, in.BranchName); err != nil {
			return err
		}
		if err := changeBranch(tx, app, &b.Branch, in); err != nil {
			return err
		}
		b.UpdateTime = time.Now().UTC()
		s.index.Changed(tx)
		return branches.Put(tx, partKey{app, in.BranchName}, b)
	})
	return &api.UpdateBranchOutput{Branch: &b.Branch}, err
}

// DeleteBranch deletes a branch, its jobs and its files.
func (s *Service) DeleteBranch(ctx context.Context, call *aws.Call, in *api.DeleteBranchInput) (*api.DeleteBranchOutput, error) {
	app := appARN(call, in.AppId)
	var b branch
	err := s.db.Update(ctx, func(tx *store.Tx) (err error) {
		if b, err = findBranch(tx, app, in.BranchName); err != nil {
			return err
		}
		for key, d := range domains.Scan(tx, partKey{App: app}) {
			for _, sub := range d.SubDomains {
				if sub.SubDomainSetting.BranchName == in.BranchName {
					return api.BadRequestException.Errorf("Branch %s is used by the domain %s.", in.BranchName, key.Name)
				}
			}
		}
		return s.deleteBranch(tx, partKey{app, in.BranchName}, &b)
	})
	return &api.DeleteBranchOutput{Branch: &b.Branch}, err
}

// deleteBranch removes a branch. The worker removes its files.
func (s *Service) deleteBranch(tx *store.Tx, key partKey, b *branch) error {
	if err := s.drop(tx, key.App, b.Set); err != nil {
		return err
	}
	of := jobKey{App: key.App, Branch: key.Name}
	for k, j := range jobs.Scan(tx, of) {
		if err := s.forget(tx, k, &j); err != nil {
			return err
		}
	}
	s.index.Changed(tx)
	return branches.Delete(tx, key)
}

// forget removes a job, and what it left of files.
func (s *Service) forget(tx *store.Tx, key jobKey, j *job) error {
	if err := s.end(tx, key, j); err != nil {
		return err
	}
	return jobs.Delete(tx, key)
}
