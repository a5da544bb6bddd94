package cli

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"github.com/spf13/cobra"

	cfn "github.com/aloft-cloud/aloft/internal/api/cloudformation"
	"github.com/aloft-cloud/aloft/internal/api/ssm"
	"github.com/aloft-cloud/aloft/internal/api/sts"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/client"
	"github.com/aloft-cloud/aloft/internal/deploy/serverless"
	"github.com/aloft-cloud/aloft/internal/pack"
)

// stageFlag declares the flag of the stage, which serverless.yml asks for.
func stageFlag(cmd *cobra.Command, s *settings) {
	cmd.Flags().StringVar(&s.stage, "stage", "", "stage of a serverless.yml, its own if not given")
}

// deployService deploys a service of the Serverless Framework.
func (d *deployer) deployService(ctx context.Context, file string, began time.Time) (*deployment, error) {
	s, err := d.loadService(ctx, file, nil)
	if err != nil {
		return nil, err
	}
	return d.deployLoaded(ctx, file, s, began)
}

// loadService reads a service. Params are of those that compose it with others.
func (d *deployer) loadService(ctx context.Context, file string, params map[string]string) (*serverless.Service, error) {
	cfg := serverless.Config{
		Stage: d.settings.stage, UsualRegion: d.client.Region(), Getenv: os.LookupEnv, Lookup: &lookup{d.client},
		Options: make(map[string]string), Params: make(map[string]string),
	}
	if _, from := d.settings.find("region"); strings.HasPrefix(from, "--") {
		cfg.Region = d.client.Region()
	}
	for _, p := range d.parameters {
		cfg.Options[aws.Value(p.ParameterKey)] = aws.Value(p.ParameterValue)
		cfg.Params[aws.Value(p.ParameterKey)] = aws.Value(p.ParameterValue)
	}
	for name, v := range params {
		cfg.Params[name] = v
	}
	loaded, err := pack.LoadService(ctx, file, cfg)
	return loaded, inDirectory(file, err)
}

// inDirectory says where the file is that an error of a service is about.
func inDirectory(file string, err error) error {
	if e, ok := errors.AsType[*serverless.Error](err); ok {
		where := *e
		where.File = filepath.Join(filepath.Dir(file), e.File)
		return &where
	}
	return err
}

func (d *deployer) deployLoaded(ctx context.Context, file string, s *serverless.Service, began time.Time) (*deployment, error) {
	name := d.stack
	if name == "" {
		name = s.StackName()
	}
	fmt.Fprintf(d.out, "\n  Deploying %s, stage %s, to %s\n", s.Name, s.Stage, s.Region)
	up := &uploader{client: d.client.In(s.Region)}
	template, err := d.packer(up).PackService(ctx, filepath.Dir(file), s)
	if err != nil {
		return nil, inDirectory(file, err)
	}
	inner := *d
	inner.parameters = nil // they are options of the file, not of the template
	done, err := inner.apply(ctx, up, name, string(template))
	d.finish(done, time.Since(began))
	if err != nil {
		return done, err
	}
	d.showService(s, done)
	a := &afterwards{d: d, up: up, client: up.client, service: s, stack: name, done: done}
	return done, a.do(ctx, filepath.Dir(file))
}

// showService shows how to call a service, what it says of itself, and what of
// it was left out.
func (d *deployer) showService(s *serverless.Service, done *deployment) {
	points := s.Endpoints()
	addresses := make([]string, len(points))
	width := 0
	for i, e := range points {
		addresses[i] = strings.TrimSuffix(d.reachable(done.Outputs[e.Output]), "/") + e.Path
		width = max(width, len(addresses[i]))
	}
	for i, e := range points {
		fmt.Fprintf(d.out, "    %-6s  %-*s  %s\n", e.Method, width, addresses[i], e.Function)
	}
	own := make(map[string]string)
	for name, v := range done.Outputs {
		if s.Telling(name) {
			own[name] = v
		}
	}
	if len(own) > 0 {
		fmt.Fprintln(d.out)
		d.showOutputs(own)
	}
	if len(s.Notes) > 0 {
		fmt.Fprintf(d.out, "\n  Left out:\n")
		for _, n := range s.Notes {
			fmt.Fprintf(d.out, "    %s\n", n)
		}
	}
}

func digestOf(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])
}

// awsAddress is an address of what Aloft serves by hosts of its own.
var awsAddress = regexp.MustCompile(`(https?|wss?)://([a-z0-9]+\.execute-api)\.[a-z0-9-]+\.amazonaws\.com(?:\.cn)?|(https?)://((?:[a-z0-9-]+\.)?[a-z0-9]+\.(?:amplifyapp|cloudfront))\.(?:com|net)\b` +
	`|(https?)://([A-Za-z0-9-]+)(?:\.[a-z0-9-]+)?(\.elb)(?:\.[a-z0-9-]+)?\.amazonaws\.com\b(:\d+)?`)

// reachable writes an address that AWS would serve as one that Aloft does.
func (d *deployer) reachable(value string) string {
	u, err := url.Parse(d.client.Endpoint())
	if err != nil {
		return value
	}
	host := u.Host
	if strings.Trim(u.Hostname(), "0123456789.:") == "" { // an address has no names below it
		host = "localhost"
		if p := u.Port(); p != "" {
			host += ":" + p
		}
	}
	return awsAddress.ReplaceAllStringFunc(value, func(address string) string {
		m := awsAddress.FindStringSubmatch(address)
		if m[8] != "" {
			return address // the listener of another port, which the host has to name
		}
		scheme := strings.TrimSuffix(m[1]+m[3]+m[5], "s")
		if u.Scheme == "https" {
			scheme += "s"
		}
		return scheme + "://" + m[2] + m[4] + m[6] + m[7] + "." + host
	})
}

// A lookup finds what variables refer to by the public API.
type lookup struct{ client *client.Client }

func (l *lookup) in(region string) *client.Client {
	if region == "" {
		return l.client
	}
	return l.client.In(region)
}

// Account implements serverless.Lookup.
func (l *lookup) Account(ctx context.Context) (string, error) {
	who, err := client.Do(ctx, l.client, sts.GetCallerIdentity, &sts.GetCallerIdentityInput{})
	if err != nil {
		return "", err
	}
	return aws.Value(who.Account), nil
}

// Parameter implements serverless.Lookup.
func (l *lookup) Parameter(ctx context.Context, region, name string, decrypt bool) (*serverless.Parameter, error) {
	out, err := client.Do(ctx, l.in(region), ssm.GetParameter, &ssm.GetParameterInput{Name: name, WithDecryption: &decrypt})
	if refused, ok := errors.AsType[*aws.Error](err); ok && refused.Code == "ParameterNotFound" {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return &serverless.Parameter{Type: aws.Value(out.Parameter.Type), Value: aws.Value(out.Parameter.Value)}, nil
}

// Output implements serverless.Lookup.
func (l *lookup) Output(ctx context.Context, region, stack, output string) (string, error) {
	out, err := client.Do(ctx, l.in(region), cfn.DescribeStacks, &cfn.DescribeStacksInput{StackName: &stack})
	if refused, ok := errors.AsType[*aws.Error](err); ok && strings.Contains(refused.Message, "does not exist") {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	for _, o := range out.Stacks[0].Outputs {
		if aws.Value(o.OutputKey) == output {
			return aws.Value(o.OutputValue), nil
		}
	}
	return "", nil
}

const maxObject = 1 << 20 // bytes of an object that is a variable

// Object implements serverless.Lookup.
func (l *lookup) Object(ctx context.Context, bucket, key string) ([]byte, error) {
	r, err := l.client.HTTP(ctx, "s3", http.MethodGet, (&url.URL{Path: "/" + bucket + "/" + key}).EscapedPath(), nil)
	if err != nil {
		return nil, err
	}
	defer r.Body.Close()
	body, err := io.ReadAll(io.LimitReader(r.Body, maxObject+1))
	switch {
	case err != nil:
		return nil, err
	case r.StatusCode == http.StatusNotFound:
		return nil, nil
	case r.StatusCode != http.StatusOK:
		return nil, fmt.Errorf("s3://%s/%s: %s", bucket, key, r.Status)
	case len(body) > maxObject:
		return nil, fmt.Errorf("s3://%s/%s: it is over %d bytes", bucket, key, maxObject)
	}
	return body, nil
}
