package amplify

import (
	"context"
	"fmt"
	"io/fs"
	"strconv"
	"strings"
	"time"

	api "github.com/aloft-cloud/aloft/internal/api/amplify"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/store"
)

// uploadLasts is how long files can be put for a deployment.
const uploadLasts = 8 * time.Hour

// CreateDeployment begins a deployment of files that are put at the URLs that it
// returns.
func (s *Service) CreateDeployment(ctx context.Context, call *aws.Call, in *api.CreateDeploymentInput) (*api.CreateDeploymentOutput, error) {
	for name, sum := range in.FileMap {
		if err := checkPath(name); err != nil {
			return nil, api.BadRequestException.Errorf("%s", err)
		}
		if len(sum) != 0 && len(sum) != 32 {
			return nil, api.BadRequestException.Errorf("The MD5 hash of %s is not valid.", name)
		}
	}
	app, pass := appARN(call, in.AppId), newID(32)
	var j job
	err := s.db.Update(ctx, func(tx *store.Tx) error {
		key, err := s.begin(tx, app, in.BranchName, api.JobStatusCreated, &j)
		if err != nil {
			return err
		}
		j.Ticket = pass
		wanted := map[string]string{"": ""}
		if len(in.FileMap) > 0 {
			wanted = in.FileMap
		}
		for name, sum := range wanted {
			if err := uploads.Put(tx, fileKey{app, pass, name}, upload{Want: strings.ToLower(sum)}); err != nil {
				return err
			}
		}
		if err := expiries.Move(tx, key, &j.Expires, time.Now().Add(uploadLasts).UTC(), s.work); err != nil {
			return err
		}
		if err := tickets.Put(tx, setKey{app, pass}, ticket{Expires: j.Expires}); err != nil {
			return err
		}
		return jobs.Put(tx, key, j)
	})
	if err != nil {
		return nil, err
	}
	base := s.uploadURL(call, in.AppId, pass)
	out := &api.CreateDeploymentOutput{JobId: &j.JobId, FileUploadUrls: map[string]string{}, ZipUploadUrl: base}
	for name := range in.FileMap {
		out.FileUploadUrls[name] = base + "/" + escapePath(name)
	}
	return out, nil
}

// begin makes a job of a branch, unless another is not over.
func (s *Service) begin(tx *store.Tx, app aws.ARN, name, status string, j *job) (jobKey, error) {
	b, err := findBranch(tx, app, name)
	if err != nil {
		return jobKey{}, err
	}
	for key, last := range jobs.ScanReverse(tx, jobKey{App: app, Branch: name}) {
		if !over(last.Status) {
			return key, api.BadRequestException.Errorf("The last job(deployment) %d was not finished, please wait until it finish or use StopJob operation to cancel it before creating a new deployment.", key.ID)
		}
		break
	}
	b.Jobs++
	b.TotalNumberOfJobs = strconv.FormatInt(b.Jobs, 10)
	now, key := time.Now().UTC(), jobKey{app, name, b.Jobs}
	*j = job{JobSummary: api.JobSummary{
		JobArn: below(app, "branches", name).String() + fmt.Sprintf("/jobs/%010d", key.ID), JobId: strconv.FormatInt(key.ID, 10),
		CommitTime: now, StartTime: now, Status: status, JobType: api.JobTypeManual,
	}}
	return key, branches.Put(tx, partKey{app, name}, b)
}

// over reports whether a job with that status is.
func over(status string) bool {
	return status == api.JobStatusSucceed || status == api.JobStatusFailed || status == api.JobStatusCancelled
}

// StartDeployment deploys what was put for a deployment, or what a URL leads to.
func (s *Service) StartDeployment(ctx context.Context, call *aws.Call, in *api.StartDeploymentInput) (*api.StartDeploymentOutput, error) {
	if (in.JobId == nil) == (in.SourceUrl == nil) {
		return nil, api.BadRequestException.Errorf("Must specify jobId or sourceUrl for StartDeploymentRequest.")
	}
	app := appARN(call, in.AppId)
	if in.SourceUrl != nil {
		if _, err := parseSource(*in.SourceUrl, in.SourceUrlType); err != nil {
			return nil, api.BadRequestException.Errorf("%s", err)
		}
	}
	var j job
	err := s.db.Update(ctx, func(tx *store.Tx) error {
		var key jobKey
		var err error
		if in.SourceUrl != nil {
			key, err = s.begin(tx, app, in.BranchName, api.JobStatusPending, &j)
			j.SourceUrl, j.SourceUrlType = in.SourceUrl, new(aws.Or(in.SourceUrlType, api.SourceUrlTypeZip))
		} else {
			key, j, err = findJob(tx, app, in.BranchName, *in.JobId)
			if err == nil && j.Status != api.JobStatusCreated {
				err = api.BadRequestException.Errorf("Job %s is already started.", *in.JobId)
			}
			j.Status, j.StartTime = api.JobStatusPending, time.Now().UTC()
		}
		if err != nil {
			return err
		}
		if err := expiries.Move(tx, key, &j.Expires, time.Time{}, s.work); err != nil {
			return err
		}
		tx.AfterCommit(s.work.Ring)
		if err := queue.Put(tx, key, struct{}{}); err != nil {
			return err
		}
		return jobs.Put(tx, key, j)
	})
	return &api.StartDeploymentOutput{JobSummary: &j.JobSummary}, err
}

// maxPath is how long the path of a file may be, in bytes.
const maxPath = 1024

// checkPath refuses what is no path below a directory.
func checkPath(name string) error {
	if len(name) > maxPath || !fs.ValidPath(name) || name == "." || strings.ContainsAny(name, "\x00\\") {
		return fmt.Errorf("the path %.100q is not valid", name)
	}
	return nil
}
