// Package sdk has the AWS SDKs that Lambda gives to functions which bring none.
// They are taken from the host if they are there, or else fetched once, by the
// package manager of their language and from the registry that it is set up
// for, into a directory that all of a user's platforms share.
package sdk

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/aloft-cloud/aloft/internal/sandbox/lang"
)

// limit is how long a package manager may take.
const limit = 10 * time.Minute

// A Store finds and keeps SDKs. Its zero value knows those of the host alone.
type Store struct {
	Dir  string       // where they are kept; empty: nothing is fetched
	Tell func(string) // is told what takes a while, for people to read; may be nil

	mu   sync.Mutex
	jobs map[lang.Language]*job
}

// A job is the one time that an SDK is looked for.
type job struct {
	done chan struct{}
	dir  string
	err  error
}

// A kit is how to have an SDK.
type kit struct {
	title string // for people
	is    string // tells it from what an earlier Aloft fetched by that name: other packages have another
	has   string // what shows that it is there, in a directory of packages
	fetch func(ctx context.Context, l lang.Language, dir string) error
}

var kits = map[lang.SDK]kit{
	lang.JavaScript3: {"the AWS SDK for JavaScript v3", hashed(script3), "@aws-sdk/client-dynamodb/package.json", npm(script3...)},
	lang.JavaScript2: {"the AWS SDK for JavaScript v2", "", "aws-sdk/package.json", npm("aws-sdk@2")},
	lang.JavaClient:  {"AWS's client for functions in Java", "", "aws-lambda-java-runtime-interface-client-2.10.1.jar", jars(javaClient)},
	lang.Boto3:       {"boto3", "", "boto3/__init__.py", pip("boto3")},
}

// script3 is what functions use of version 3, which is a package for each
// service and several hundred of them.
var script3 = func() []string {
	var all []string
	const clients = `accessanalyzer acm amplify api-gateway apigatewaymanagementapi apigatewayv2 appconfig appconfigdata appsync athena bedrock bedrock-agent bedrock-agent-runtime bedrock-agentcore bedrock-runtime
		cloudformation cloudfront cloudwatch cloudwatch-logs codebuild codecommit codedeploy codepipeline cognito-identity cognito-identity-provider comprehend dynamodb dynamodb-streams ecr ecs
		ec2 eventbridge evidently firehose iam inspector2 iot iot-data-plane kinesis kms lambda pinpoint pipes polly rds-data rekognition resource-groups-tagging-api route-53 s3 s3vectors scheduler schemas secrets-manager
		ses sesv2 sfn sns sqs ssm sts textract transcribe translate verifiedpermissions xray`
	for name := range strings.FieldsSeq(clients) {
		all = append(all, "@aws-sdk/client-"+name)
	}
	return append(all, "@aws-sdk/lib-dynamodb", "@aws-sdk/lib-storage", "@aws-sdk/util-dynamodb", "@aws-sdk/s3-request-presigner",
		"@aws-sdk/s3-presigned-post", "@aws-sdk/credential-providers", "@aws-sdk/cloudfront-signer")
}()

// Get returns the directory of packages that has the SDK of l; "" if l has
// none, or the host shows it to programs anyway. It may take long the first
// time, and who asks meanwhile waits.
func (s *Store) Get(ctx context.Context, l lang.Language) (string, error) {
	s.mu.Lock()
	j := s.jobs[l]
	if j != nil {
		s.mu.Unlock()
		select {
		case <-j.done:
			return j.dir, j.err
		case <-ctx.Done():
			return "", ctx.Err()
		}
	}
	j = &job{done: make(chan struct{})}
	if s.jobs == nil {
		s.jobs = make(map[lang.Language]*job)
	}
	s.jobs[l] = j
	s.mu.Unlock()
	defer close(j.done)
	j.dir, j.err = s.find(ctx, l)
	return j.dir, j.err
}

func (s *Store) find(ctx context.Context, l lang.Language) (string, error) {
	k, ok := kits[l.SDK]
	if !ok || onHost(l, k) {
		return "", nil
	}
	if s.Dir == "" {
		return "", nil
	}
	dir := filepath.Join(s.Dir, name(l, k))
	packages := filepath.Join(dir, "node_modules")
	if l.Kind != lang.Node {
		packages = dir
	}
	if has(packages, k) {
		return packages, nil
	}
	s.tell("Fetching %s, this once", k.title)
	began := time.Now()
	if err := fetch(ctx, l, k, dir); err != nil {
		return "", fmt.Errorf("%s could not be fetched, and functions do without: %w", k.title, err)
	}
	if !has(packages, k) {
		return "", fmt.Errorf("%s is not in what was fetched", k.title)
	}
	s.tell("Fetched %s in %d s", k.title, int(time.Since(began).Seconds()))
	return packages, nil
}

func (s *Store) tell(format string, args ...any) {
	if s.Tell != nil {
		s.Tell(fmt.Sprintf(format, args...))
	}
}

// name is the directory of an SDK. That of Python is for one version, since it
// says which it can do without.
func name(l lang.Language, k kit) string {
	switch {
	case l.Kind == lang.Python:
		return fmt.Sprintf("%s-python%d.%d", l.SDK, l.Version.Major, l.Version.Minor)
	case k.is != "":
		return string(l.SDK) + "-" + k.is
	}
	return string(l.SDK)
}

// hashed is a short text that tells a list of packages from others.
func hashed(packages []string) string {
	sum := sha256.Sum256([]byte(strings.Join(packages, " ")))
	return hex.EncodeToString(sum[:4])
}

// fetch makes dir in one step, so that half of it is never found.
func fetch(ctx context.Context, l lang.Language, k kit, dir string) error {
	if err := os.MkdirAll(filepath.Dir(dir), 0o755); err != nil {
		return err
	}
	temp, err := os.MkdirTemp(filepath.Dir(dir), filepath.Base(dir)+"-*")
	if err != nil {
		return err
	}
	defer os.RemoveAll(temp)
	if err := os.Chmod(temp, 0o755); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	if err := k.fetch(ctx, l, temp); err != nil {
		return err
	}
	if err := prune(temp); err != nil {
		return err
	}
	err = os.Rename(temp, dir)
	if errors.Is(err, fs.ErrExist) { // somebody else was faster
		return nil
	}
	return err
}

// onHost reports whether programs of l find the SDK without us.
func onHost(l lang.Language, k kit) bool {
	dirs := []string{"lib/node_modules"}
	if l.Kind == lang.Python {
		version := fmt.Sprintf("lib/python%d.%d/", l.Version.Major, l.Version.Minor)
		dirs = []string{version + "site-packages", version + "dist-packages", "lib/python3/dist-packages"}
	}
	for _, d := range dirs {
		if has(filepath.Join(l.Prefix, d), k) {
			return true
		}
	}
	return false
}

func has(dir string, k kit) bool {
	_, err := os.Stat(filepath.Join(dir, k.has))
	return err == nil
}

// npm fetches packages of JavaScript.
func npm(packages ...string) func(context.Context, lang.Language, string) error {
	return func(ctx context.Context, l lang.Language, dir string) error {
		program, err := exec.LookPath("npm")
		if err != nil {
			program = filepath.Join(l.Prefix, "bin/npm")
		}
		args := []string{"install", "--prefix", dir, "--no-save", "--no-package-lock", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"}
		return run(ctx, dir, "npm", program, append(args, packages...)...)
	}
}

// pip fetches a package, for the version of Python that is to use it.
func pip(name string) func(context.Context, lang.Language, string) error {
	return func(ctx context.Context, l lang.Language, dir string) error {
		own := filepath.Join(l.Prefix, l.Exec)
		args := []string{"-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-cache-dir", "--target", dir, name}
		if exec.CommandContext(ctx, own, "-m", "pip", "--version").Run() == nil {
			return run(ctx, filepath.Dir(dir), "pip", own, args...)
		}
		other, err := exec.LookPath("python3") // any other can do it too
		if err != nil {
			other = own
		}
		version := fmt.Sprintf("%d.%d", l.Version.Major, l.Version.Minor)
		return run(ctx, filepath.Dir(dir), "pip", other, append(args, "--python-version", version, "--only-binary=:all:")...)
	}
}

func run(ctx context.Context, dir, what, program string, args ...string) error {
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.Dir = dir
	cmd.WaitDelay = time.Second
	out, err := cmd.CombinedOutput()
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, exec.ErrNotFound) {
		return fmt.Errorf("%s is not installed (apt-get install %s)", what, map[string]string{"npm": "npm", "pip": "python3-pip", "cargo": "cargo"}[what])
	}
	if err != nil {
		return fmt.Errorf("%s: %w: %s", what, err, bytes.TrimSpace(out[max(0, len(out)-500):]))
	}
	return nil
}

// prune removes what takes most of the room and is never read: types, and the
// second copy of version 3 that is for bundlers. Every user may read the rest.
func prune(dir string) error {
	return filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && (d.Name() == "dist-types" || d.Name() == "dist-es" && !imports(filepath.Dir(path))) {
			if err := os.RemoveAll(path); err != nil {
				return err
			}
			return fs.SkipDir
		}
		if d.Type()&fs.ModeSymlink != 0 {
			return nil
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		if d.IsDir() {
			return os.Chmod(path, info.Mode().Perm()|0o555)
		}
		return os.Chmod(path, info.Mode().Perm()|0o444)
	})
}

// imports reports whether a package may be read as an ES module by Node.js.
func imports(pkg string) bool {
	text, err := os.ReadFile(filepath.Join(pkg, "package.json"))
	return err == nil && bytes.Contains(text, []byte(`"import":`)) && !bytes.Contains(text, []byte(`"node":`))
}
