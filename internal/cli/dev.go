package cli

import (
	"context"
	"fmt"
	"io"
	"io/fs"
	"path/filepath"
	"time"

	"github.com/fsnotify/fsnotify"
	"github.com/spf13/cobra"
)

func devCommand(s *settings) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "dev [DIR]",
		Short: "Start Aloft on this machine; with DIR, deploy the application in it and again on each change",
		Args:  cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			out := cmd.OutOrStdout()
			return serving(cmd.Context(), s, true, out, func(ctx context.Context, r *running) error {
				region := s.get("region") // by two names: boto3 and the AWS CLI know the second alone
				fmt.Fprintf(out, "\n  export AWS_ENDPOINT_URL=%s AWS_REGION=%s AWS_DEFAULT_REGION=%s AWS_ACCESS_KEY_ID=test AWS_SECRET_ACCESS_KEY=test\n", r.url, region, region)
				if len(args) == 0 {
					<-ctx.Done()
					return nil
				}
				return develop(ctx, newDeployer(s, r.url, out), args[0], out)
			})
		},
	}
	stageFlag(cmd, s)
	return cmd
}

// develop deploys the application in dir, and again when a file changes. A
// deployment that fails is told, and the next change tries again.
func develop(ctx context.Context, d *deployer, dir string, out io.Writer) error {
	w, err := fsnotify.NewWatcher()
	if err != nil {
		return err
	}
	defer w.Close()
	if err := watch(w, dir); err != nil {
		return err
	}
	for {
		if _, err := d.deployAll(ctx, []string{dir}); err != nil && ctx.Err() == nil {
			fmt.Fprintln(out, "\n  ✗", explain(err))
		}
		fmt.Fprintln(out, "\n  Watching for changes; Ctrl-C stops.")
		file, err := nextChange(ctx, w)
		if err != nil || ctx.Err() != nil {
			return err
		}
		fmt.Fprintf(out, "\n  %s changed\n", file)
	}
}

// settle is how long files must be quiet before they are deployed.
const settle = 150 * time.Millisecond

// nextChange waits until a file has changed and all are quiet again.
func nextChange(ctx context.Context, w *fsnotify.Watcher) (file string, err error) {
	var quiet <-chan time.Time
	for {
		select {
		case <-ctx.Done():
			return file, nil
		case <-quiet:
			return file, nil
		case err := <-w.Errors:
			return "", err
		case e := <-w.Events:
			if e.Op == fsnotify.Chmod || ignored(filepath.Base(e.Name)) {
				continue
			}
			if e.Has(fsnotify.Create) {
				if err := watch(w, e.Name); err != nil {
					return "", err
				}
			}
			file, quiet = e.Name, time.After(settle)
		}
	}
}

// watch adds the directories at and below path to w. What has gone is left out.
func watch(w *fsnotify.Watcher, path string) error {
	return filepath.WalkDir(path, func(p string, d fs.DirEntry, err error) error {
		if err != nil {
			return nil // gone since
		}
		if !d.IsDir() {
			return nil
		}
		if p != path && ignored(d.Name()) {
			return fs.SkipDir
		}
		return w.Add(p)
	})
}

// ignored are files whose changes deploy nothing.
func ignored(name string) bool {
	switch name {
	case ".git", ".aloft", ".aws-sam", ".serverless", "node_modules", "__pycache__", "4913": // vim's probe
		return true
	}
	return name[0] == '.' && name != "." && name != ".." || name[len(name)-1] == '~'
}
