package cli

import (
	"archive/zip"
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/aloft-cloud/aloft/internal/api/amplify"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/client"
)

func publishCommand(s *settings) *cobra.Command {
	return &cobra.Command{
		Use:   "publish APP BRANCH DIR",
		Short: "Serve a folder of built files as a branch of an app of Amplify, by its id or name",
		Args:  cobra.ExactArgs(3),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := s.load(); err != nil {
				return err
			}
			c := newClient(s, s.get("endpoint"))
			app, err := findSite(cmd.Context(), c, args[0])
			if err != nil {
				return err
			}
			branch, err := client.Do(cmd.Context(), c, amplify.GetBranch, &amplify.GetBranchInput{AppId: app.AppId, BranchName: args[1]})
			if err != nil {
				return err
			}
			if err := publish(cmd.Context(), c, app.AppId, args[1], args[2]); err != nil {
				return err
			}
			d := &deployer{client: c}
			fmt.Fprintln(cmd.OutOrStdout(), d.reachable("https://"+branch.Branch.DisplayName+"."+app.DefaultDomain))
			return nil
		},
	}
}

// findSite finds an app by its id or its name.
func findSite(ctx context.Context, c *client.Client, name string) (*amplify.App, error) {
	in := &amplify.ListAppsInput{}
	var found *amplify.App
	for {
		out, err := client.Do(ctx, c, amplify.ListApps, in)
		if err != nil {
			return nil, err
		}
		for _, a := range out.Apps {
			switch {
			case a.AppId == name:
				return &a, nil
			case a.Name == name && found != nil:
				return nil, fmt.Errorf("several apps are called %s: give the id of one, such as %s or %s", name, found.AppId, a.AppId)
			case a.Name == name:
				found = &a
			}
		}
		if in.NextToken = out.NextToken; in.NextToken == nil {
			break
		}
	}
	if found == nil {
		return nil, fmt.Errorf("there is no app %s", name)
	}
	return found, nil
}

// publish deploys the files of a folder, and waits until they are served.
func publish(ctx context.Context, c *client.Client, app, branch, dir string) error {
	f, err := os.CreateTemp("", "aloft-publish-*.zip")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	defer f.Close()
	z := zip.NewWriter(f)
	if err := z.AddFS(os.DirFS(dir)); err != nil {
		return err
	}
	if err := z.Close(); err != nil {
		return err
	}
	out, err := client.Do(ctx, c, amplify.CreateDeployment, &amplify.CreateDeploymentInput{AppId: app, BranchName: branch})
	if err != nil {
		return err
	}
	if err := upload(ctx, out.ZipUploadUrl, f); err != nil {
		return err
	}
	in := &amplify.StartDeploymentInput{AppId: app, BranchName: branch, JobId: out.JobId}
	if _, err := client.Do(ctx, c, amplify.StartDeployment, in); err != nil {
		return err
	}
	for {
		out, err := client.Do(ctx, c, amplify.GetJob, &amplify.GetJobInput{AppId: app, BranchName: branch, JobId: *out.JobId})
		if err != nil {
			return err
		}
		switch out.Job.Summary.Status {
		case amplify.JobStatusSucceed:
			return nil
		case amplify.JobStatusFailed, amplify.JobStatusCancelled:
			return fmt.Errorf("the deployment has the status %s: %s", out.Job.Summary.Status, aws.Value(out.Job.Steps[0].StatusReason))
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(100 * time.Millisecond):
		}
	}
}

// upload puts a file where it is awaited.
func upload(ctx context.Context, url string, f *os.File) error {
	size, err := f.Seek(0, io.SeekCurrent)
	if err != nil {
		return err
	}
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return err
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPut, url, f)
	if err != nil {
		return err
	}
	r.ContentLength = size
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("the files were not taken: %s", resp.Status)
	}
	return nil
}
