package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"time"

	"github.com/spf13/cobra"

	cfn "github.com/aloft-cloud/aloft/internal/api/cloudformation"
	"github.com/aloft-cloud/aloft/internal/api/sts"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/client"
	"github.com/aloft-cloud/aloft/internal/pack"
)

func deployCommand(s *settings) *cobra.Command {
	var stack string
	var asJSON, check bool
	var params []string
	cmd := &cobra.Command{
		Use:   "deploy DIR...",
		Short: "Deploy the application in DIR: a serverless.yml, SAM or CloudFormation template, and its code",
		Long: "Deploy applications: a serverless.yml, SAM or CloudFormation template, and its code.\n" +
			"Several, and those that a serverless-compose.yml or a directory of directories holds,\nare deployed in the order in which they refer to each other.",
		Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := s.load(); err != nil {
				return err
			}
			progress := cmd.OutOrStdout()
			if asJSON {
				progress = io.Discard
			}
			d := newDeployer(s, s.get("endpoint"), progress)
			d.stack = stack
			for _, p := range params {
				key, value, ok := strings.Cut(p, "=")
				if !ok {
					return fmt.Errorf("--parameter %s: want NAME=VALUE", p)
				}
				d.parameters = append(d.parameters, cfn.Parameter{ParameterKey: new(key), ParameterValue: new(value)})
			}
			if check {
				found, err := d.checkAll(cmd.Context(), args)
				if asJSON && found != nil {
					return errors.Join(err, printJSON(cmd.OutOrStdout(), found))
				}
				return err
			}
			done, err := d.deployAll(cmd.Context(), args)
			switch {
			case asJSON && len(done) == 1:
				return errors.Join(err, printJSON(cmd.OutOrStdout(), done[0]))
			case asJSON && len(done) > 1:
				return errors.Join(err, printJSON(cmd.OutOrStdout(), done))
			}
			return err
		},
	}
	cmd.Flags().StringVar(&stack, "stack", "", "name of the stack, the directory's if not given")
	cmd.Flags().BoolVar(&check, "check", false, "say what would work and what not, with file and line, and make nothing")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print stack, status and outputs as JSON")
	cmd.Flags().StringArrayVarP(&params, "parameter", "p", nil, "a parameter of the template, or an option of serverless.yml, NAME=VALUE")
	stageFlag(cmd, s)
	return cmd
}

// A deployment is what came of one, as --json prints it.
type deployment struct {
	Stack   string            `json:"stack"`
	Status  string            `json:"status"`
	Reason  string            `json:"reason,omitempty"`
	Outputs map[string]string `json:"outputs"`

	Unchanged bool `json:"unchanged,omitempty"`
}

// A deployer deploys applications by the public API.
type deployer struct {
	settings   *settings
	client     *client.Client
	out        io.Writer
	stack      string
	cache      string // directory of what was built
	parameters []cfn.Parameter
}

func newDeployer(s *settings, endpoint string, out io.Writer) *deployer {
	d := &deployer{settings: s, client: newClient(s, endpoint), out: out}
	if cache, err := os.UserCacheDir(); err == nil {
		d.cache = filepath.Join(cache, "aloft", "build")
	}
	return d
}

func newClient(s *settings, endpoint string) *client.Client {
	return client.New(client.Config{
		Endpoint:  endpoint,
		Region:    s.get("region"),
		AccessKey: s.get("access-key-id"),
		Secret:    s.get("secret-access-key"),
		Token:     s.get("session-token"),
	})
}

var notInNames = regexp.MustCompile(`[^A-Za-z0-9-]+`)

// stackNamed makes the name of a stack of that of a directory: it begins with a
// letter.
func stackNamed(dir string) string {
	name := strings.Trim(notInNames.ReplaceAllString(dir, "-"), "-")
	if name == "" || name[0] >= '0' && name[0] <= '9' {
		name = strings.TrimSuffix("app-"+name, "-")
	}
	return name
}

// deploy packs the application in dir and makes or updates its stack.
func (d *deployer) deploy(ctx context.Context, dir string) (*deployment, error) {
	file, err := pack.FindTemplate(dir)
	if err != nil {
		return nil, err
	}
	began := time.Now()
	if pack.IsService(file) {
		return d.deployService(ctx, file, began)
	}
	name := d.stack
	if name == "" {
		abs, err := filepath.Abs(file)
		if err != nil {
			return nil, err
		}
		name = stackNamed(filepath.Base(filepath.Dir(abs)))
	}
	fmt.Fprintf(d.out, "\n  Deploying %s\n", name)
	up := &uploader{client: d.client}
	template, err := d.packer(up).Pack(ctx, file)
	if err != nil {
		return nil, err
	}
	done, err := d.apply(ctx, up, name, string(template))
	d.finish(done, time.Since(began))
	if done != nil && err == nil {
		d.showOutputs(done.Outputs)
	}
	return done, err
}

func (d *deployer) packer(up *uploader) *pack.Packer {
	return &pack.Packer{
		Uploader: up,
		Report:   func(resource, what string) { fmt.Fprintf(d.out, "    %s: %s\n", resource, what) },
		Cache:    d.cache,
		Images:   &registry{up.client},
		Rooms:    rooms(),
		Near:     isLoopback(d.client.Endpoint()),
	}
}

// isLoopback says whether an endpoint is on this machine.
func isLoopback(endpoint string) bool {
	u, err := url.Parse(endpoint)
	if err != nil {
		return false
	}
	ip := net.ParseIP(u.Hostname())
	return u.Hostname() == "localhost" || ip != nil && ip.IsLoopback()
}

// apply makes the stack as the template says, and shows how.
func (d *deployer) apply(ctx context.Context, up *uploader, name, template string) (*deployment, error) {
	follow := &follower{client: up.client, out: d.out, stack: name, began: make(map[string]time.Time), live: isTerminal(d.out)}
	if err := follow.skipPast(ctx); err != nil {
		return nil, err
	}
	begun, err := d.submit(ctx, up, name, template)
	if err != nil {
		return nil, err
	}
	done, err := follow.untilDone(ctx, begun)
	if done != nil {
		done.Unchanged = !begun
	}
	return done, err
}

// maxBody is how long a template may be in a request; longer ones go to a bucket.
const maxBody = 51200

// submit begins to make the stack, or to update it if there is one. It says
// whether there was anything to do.
func (d *deployer) submit(ctx context.Context, up *uploader, name, template string) (begun bool, err error) {
	capabilities := []string{"CAPABILITY_IAM", "CAPABILITY_NAMED_IAM", "CAPABILITY_AUTO_EXPAND"}
	body, url := &template, (*string)(nil)
	if len(template) > maxBody {
		bucket, key, err := up.Upload(ctx, digestOf(template)+".template", func() ([]byte, error) { return []byte(template), nil })
		if err != nil {
			return false, err
		}
		body, url = nil, new("https://s3.amazonaws.com/"+bucket+"/"+key)
	}
	_, err = client.Do(ctx, up.client, cfn.UpdateStack, &cfn.UpdateStackInput{
		StackName: name, TemplateBody: body, TemplateURL: url, Capabilities: capabilities, Parameters: d.parameters,
	})
	refused, ok := errors.AsType[*aws.Error](err)
	switch {
	case err == nil || !ok:
		return true, err
	case strings.Contains(refused.Message, "No updates are to be performed"):
		return false, nil
	case strings.Contains(refused.Message, "ROLLBACK_COMPLETE") || strings.Contains(refused.Message, "CREATE_FAILED"):
		// A stack whose creation failed can only be deleted.
		if err := d.remove(ctx, up.client, name); err != nil {
			return false, err
		}
	case !strings.Contains(refused.Message, "does not exist"):
		return false, err
	}
	_, err = client.Do(ctx, up.client, cfn.CreateStack, &cfn.CreateStackInput{
		StackName: name, TemplateBody: body, TemplateURL: url, Capabilities: capabilities, Parameters: d.parameters,
	})
	return true, err
}

// isTerminal says whether people watch what is written to w.
func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	if !ok {
		return false
	}
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}

// remove deletes a stack and waits until it is gone.
func (d *deployer) remove(ctx context.Context, c *client.Client, name string) error {
	if _, err := client.Do(ctx, c, cfn.DeleteStack, &cfn.DeleteStackInput{StackName: name}); err != nil {
		return err
	}
	for {
		out, err := client.Do(ctx, c, cfn.DescribeStacks, &cfn.DescribeStacksInput{StackName: &name})
		if _, gone := errors.AsType[*aws.Error](err); gone {
			return nil
		}
		if err != nil {
			return err
		}
		if s := out.Stacks[0].StackStatus; s == "DELETE_FAILED" {
			return fmt.Errorf("stack %s could not be deleted: %s", name, aws.Value(out.Stacks[0].StackStatusReason))
		}
		if err := pause(ctx); err != nil {
			return err
		}
	}
}

// finish shows what came of a deployment.
func (d *deployer) finish(done *deployment, took time.Duration) {
	if done == nil || !strings.HasSuffix(done.Status, "_COMPLETE") || strings.Contains(done.Status, "ROLLBACK") {
		return
	}
	what := strings.ToLower(strings.TrimSuffix(done.Status, "_COMPLETE")) + "d"
	if done.Unchanged {
		what = "as it was"
	}
	fmt.Fprintf(d.out, "\n  %s is %s, after %.2f s\n\n", done.Stack, what, took.Seconds())
}

// showOutputs shows outputs of a stack, one a line.
func (d *deployer) showOutputs(outputs map[string]string) {
	width := 0
	for name := range outputs {
		width = max(width, len(name))
	}
	for _, name := range sortedKeys(outputs) {
		fmt.Fprintf(d.out, "    %-*s  %s\n", width, name, d.reachable(outputs[name]))
	}
}

// An uploader keeps archives in a bucket of the caller's account.
type uploader struct {
	client *client.Client

	mu     sync.Mutex // guards bucket
	bucket string     // once it is known to be there
}

// Upload implements pack.Uploader.
func (u *uploader) Upload(ctx context.Context, name string, content func() ([]byte, error)) (string, string, error) {
	if err := u.findBucket(ctx); err != nil {
		return "", "", err
	}
	place := "/" + u.bucket + "/" + name
	head, err := u.client.HTTP(ctx, "s3", http.MethodHead, place, nil)
	if err != nil {
		return "", "", err
	}
	head.Body.Close()
	if head.StatusCode == http.StatusOK {
		return u.bucket, name, nil
	}
	body, err := content()
	if err != nil {
		return "", "", err
	}
	return u.bucket, name, u.put(ctx, place, "", body)
}

func (u *uploader) findBucket(ctx context.Context) error {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.bucket != "" {
		return nil
	}
	who, err := client.Do(ctx, u.client, sts.GetCallerIdentity, &sts.GetCallerIdentityInput{})
	if err != nil {
		return err
	}
	bucket := "aloft-artifacts-" + aws.Value(who.Account) + "-" + u.client.Region()
	head, err := u.client.HTTP(ctx, "s3", http.MethodHead, "/"+bucket, nil)
	if err != nil {
		return err
	}
	head.Body.Close()
	if head.StatusCode == http.StatusNotFound {
		var where []byte
		if r := u.client.Region(); r != "us-east-1" {
			where = []byte("<CreateBucketConfiguration><LocationConstraint>" + r + "</LocationConstraint></CreateBucketConfiguration>")
		}
		if err := u.put(ctx, "/"+bucket, "", where); err != nil {
			return err
		}
	}
	u.bucket = bucket
	return nil
}

func (u *uploader) put(ctx context.Context, place, contentType string, body []byte) error {
	r, err := u.client.Put(ctx, place, contentType, body)
	if err != nil {
		return err
	}
	defer r.Body.Close()
	if r.StatusCode != http.StatusOK {
		text, err := io.ReadAll(io.LimitReader(r.Body, 4096))
		return errors.Join(fmt.Errorf("PUT %s: %s: %s", place, r.Status, bytes.TrimSpace(text)), err)
	}
	return nil
}

func printJSON(w io.Writer, v any) error {
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	return enc.Encode(v)
}
