package amplify

import (
	"context"
	"encoding/base64"
	"errors"
	"strconv"
	"time"

	api "github.com/aloft-cloud/aloft/internal/api/amplify"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/store"
)

func findJob(tx *store.Tx, app aws.ARN, name, id string) (jobKey, job, error) {
	if _, err := findBranch(tx, app, name); err != nil {
		return jobKey{}, job{}, err
	}
	n, err := strconv.ParseInt(id, 10, 64)
	key := jobKey{app, name, n}
	if err != nil || n < 1 {
		return key, job{}, errNoJob(id)
	}
	j, err := jobs.Get(tx, key)
	if errors.Is(err, store.ErrNotFound) {
		err = errNoJob(id)
	}
	return key, j, err
}

func errNoJob(id string) error { return api.NotFoundException.Errorf("Job %s not found.", id) }

// notBuilt is why the build of a repository fails.
const notBuilt = "Aloft does not build repositories. Build the app where you are, and deploy the files with CreateDeployment and StartDeployment."

// StartJob makes the job of building a repository, which fails: there is nothing
// here that builds.
func (s *Service) StartJob(ctx context.Context, call *aws.Call, in *api.StartJobInput) (*api.StartJobOutput, error) {
	app := appARN(call, in.AppId)
	var j job
	err := s.db.Update(ctx, func(tx *store.Tx) error {
		a, err := findApp(tx, app)
		if err != nil {
			return err
		}
		key, err := s.begin(tx, app, in.BranchName, api.JobStatusFailed, &j)
		if err != nil {
			return err
		}
		if a.Repository == "" {
			return api.BadRequestException.Errorf("Operation not supported. App %s is not connected to a repository.", in.AppId)
		}
		j.JobType, j.Reason, j.EndTime = in.JobType, notBuilt, new(j.StartTime)
		put(&j.CommitId, in.CommitId)
		put(&j.CommitMessage, in.CommitMessage)
		put(&j.CommitTime, in.CommitTime)
		return jobs.Put(tx, key, j)
	})
	return &api.StartJobOutput{JobSummary: &j.JobSummary}, err
}

// GetJob returns a job, and its steps.
func (s *Service) GetJob(ctx context.Context, call *aws.Call, in *api.GetJobInput) (*api.GetJobOutput, error) {
	var j job
	err := s.db.View(ctx, func(tx *store.Tx) (err error) {
		_, j, err = findJob(tx, appARN(call, in.AppId), in.BranchName, in.JobId)
		return err
	})
	if err != nil {
		return nil, err
	}
	steps := []api.Step{}
	if j.Status != api.JobStatusCreated {
		step := api.Step{StepName: "DEPLOY", StartTime: j.StartTime, Status: j.Status, EndTime: aws.Or(j.EndTime, j.StartTime)}
		if j.JobType != api.JobTypeManual {
			step.StepName = "BUILD"
		}
		if j.Reason != "" {
			step.StatusReason = &j.Reason
		}
		steps = append(steps, step)
	}
	return &api.GetJobOutput{Job: &api.Job{Summary: &j.JobSummary, Steps: steps}}, nil
}

// ListJobs lists the jobs of a branch, the latest first.
func (s *Service) ListJobs(ctx context.Context, call *aws.Call, in *api.ListJobsInput) (*api.ListJobsOutput, error) {
	out := &api.ListJobsOutput{}
	of := jobKey{App: appARN(call, in.AppId), Branch: in.BranchName}
	before := int64(1) << 62
	if in.NextToken != nil {
		b, err := base64.RawURLEncoding.DecodeString(*in.NextToken)
		if err == nil {
			before, err = strconv.ParseInt(string(b), 10, 64)
		}
		if err != nil {
			return nil, api.BadRequestException.Errorf("Invalid nextToken.")
		}
	}
	limit := int(aws.Or(in.MaxResults, maxPage))
	if limit < 1 {
		limit = maxPage
	}
	err := s.db.View(ctx, func(tx *store.Tx) error {
		*out = api.ListJobsOutput{JobSummaries: []api.JobSummary{}}
		if _, err := findBranch(tx, of.App, of.Branch); err != nil {
			return err
		}
		for _, j := range jobs.ScanBefore(tx, of, jobKey{of.App, of.Branch, before}) {
			if len(out.JobSummaries) == limit {
				last := out.JobSummaries[limit-1].JobId
				out.NextToken = new(base64.RawURLEncoding.EncodeToString([]byte(last)))
				break
			}
			out.JobSummaries = append(out.JobSummaries, j.JobSummary)
		}
		return nil
	})
	return out, err
}

// StopJob cancels a job that is not over.
func (s *Service) StopJob(ctx context.Context, call *aws.Call, in *api.StopJobInput) (*api.StopJobOutput, error) {
	var j job
	err := s.db.Update(ctx, func(tx *store.Tx) error {
		var key jobKey
		var err error
		if key, j, err = findJob(tx, appARN(call, in.AppId), in.BranchName, in.JobId); err != nil {
			return err
		}
		if over(j.Status) {
			return api.BadRequestException.Errorf("Job %s is already finished.", in.JobId)
		}
		j.Status, j.EndTime = api.JobStatusCancelled, new(time.Now().UTC())
		if err := s.end(tx, key, &j); err != nil {
			return err
		}
		return jobs.Put(tx, key, j)
	})
	return &api.StopJobOutput{JobSummary: &j.JobSummary}, err
}

// DeleteJob deletes a job of which nothing is served.
func (s *Service) DeleteJob(ctx context.Context, call *aws.Call, in *api.DeleteJobInput) (*api.DeleteJobOutput, error) {
	var j job
	err := s.db.Update(ctx, func(tx *store.Tx) error {
		app := appARN(call, in.AppId)
		key, found, err := findJob(tx, app, in.BranchName, in.JobId)
		if err != nil {
			return err
		}
		j = found
		b, err := findBranch(tx, app, in.BranchName)
		if err != nil {
			return err
		}
		if b.ActiveJobId == j.JobId {
			return api.BadRequestException.Errorf("Job %s is the one that is deployed, and cannot be deleted.", in.JobId)
		}
		return s.forget(tx, key, &j)
	})
	return &api.DeleteJobOutput{JobSummary: &j.JobSummary}, err
}

// end ends a job that does not go on: nobody puts files for it, and the worker
// has nothing to do with it. What it had of files goes.
func (s *Service) end(tx *store.Tx, key jobKey, j *job) error {
	if err := queue.Delete(tx, key); err != nil {
		return err
	}
	if err := expiries.Move(tx, key, &j.Expires, time.Time{}, s.work); err != nil {
		return err
	}
	if err := s.drop(tx, key.App, j.Ticket); err != nil {
		return err
	}
	if j.Status != api.JobStatusSucceed { // else its branch has the files, or has dropped them
		if err := s.drop(tx, key.App, j.Set); err != nil {
			return err
		}
	}
	j.Ticket, j.Set = "", ""
	return nil
}

// drop has the worker remove the files of a set, or of a ticket.
func (s *Service) drop(tx *store.Tx, app aws.ARN, set string) error {
	if set == "" {
		return nil
	}
	tx.AfterCommit(s.work.Ring)
	if err := tickets.Delete(tx, setKey{app, set}); err != nil {
		return err
	}
	return drops.Put(tx, setKey{app, set}, struct{}{})
}
