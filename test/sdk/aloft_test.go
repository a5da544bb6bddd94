// Package sdk_test runs AWS's own clients against the built binary: the AWS
// CLI, boto3, aws-sdk-go-v2 and aws-sdk-js v3 each do a round over the
// services. The clients other than Go's are looked for in $ALOFT_CLIENTS, where
// .ci/run installs them.
package sdk_test

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/aloft-cloud/aloft/internal/scratch"
)

// removeBuild removes what build made.
var removeBuild = func() error { return nil }

// build makes the binary, once for all tests.
var build = sync.OnceValues(func() (string, error) {
	dir, remove, err := scratch.Dir("aloft-sdk-")
	if err != nil {
		return "", err
	}
	removeBuild = remove
	bin := filepath.Join(dir, "aloft")
	out, err := exec.Command("go", "build", "-o", bin, "github.com/aloft-cloud/aloft/cmd/aloft").CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("go build: %w\n%s", err, out)
	}
	return bin, nil
})

func TestMain(m *testing.M) {
	if api := os.Getenv("AWS_LAMBDA_RUNTIME_API"); api != "" { // it is a function
		noteEvents(api)
		return
	}
	code := m.Run()
	removeBuild()
	os.Exit(code)
}

// An aloft is a running binary.
type aloft struct {
	bin  string
	data string
	url  string
	cmd  *exec.Cmd
	log  *bytes.Buffer
}

var readyLine = regexp.MustCompile(`ready at (http://\S+)`)

// start runs the binary over data until the test ends.
func start(t *testing.T, data string, args ...string) *aloft {
	t.Helper()
	bin, err := build()
	if err != nil {
		t.Fatal(err)
	}
	a := &aloft{bin: bin, data: data, log: new(bytes.Buffer)}
	if len(args) == 0 {
		args = []string{"dev"}
	}
	a.cmd = exec.Command(bin, append(args, "--listen", "127.0.0.1:0", "--data", data)...)
	a.cmd.Dir = t.TempDir()
	a.cmd.Env = environ()
	a.cmd.Stderr = a.log
	out, err := a.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := a.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		a.stop(syscall.SIGTERM)
		if t.Failed() {
			t.Logf("aloft's log:\n%s", a.log)
		}
	})
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		if m := readyLine.FindStringSubmatch(lines.Text()); m != nil {
			a.url = m[1]
			return a
		}
	}
	t.Fatalf("aloft did not become ready:\n%s", a.log)
	return nil
}

// stop ends the binary by a signal, and waits for its end.
func (a *aloft) stop(sig os.Signal) error {
	if a.cmd.ProcessState != nil {
		return nil
	}
	if err := a.cmd.Process.Signal(sig); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	return a.cmd.Wait()
}

// environ is this process's environment without what would speak to AWS.
func environ() []string {
	var env []string
	for _, v := range os.Environ() {
		if !strings.HasPrefix(v, "AWS_") && !strings.HasPrefix(v, "ALOFT_") {
			env = append(env, v)
		}
	}
	return env
}

// clientEnv is what clients need to reach a.
func (a *aloft) clientEnv() []string {
	return append(environ(),
		"AWS_ENDPOINT_URL="+a.url, "AWS_REGION=us-east-1", "AWS_DEFAULT_REGION=us-east-1",
		"AWS_ACCESS_KEY_ID=test", "AWS_SECRET_ACCESS_KEY=test",
		"AWS_EC2_METADATA_DISABLED=true", "AWS_CONFIG_FILE=/dev/null", "AWS_SHARED_CREDENTIALS_FILE=/dev/null",
		"AWS_PAGER=", "NODE_PATH="+filepath.Join(os.Getenv("ALOFT_CLIENTS"), "node_modules"),
	)
}

// client returns the path of a client's program, or skips the test.
func client(t *testing.T, path string) string {
	t.Helper()
	dir := os.Getenv("ALOFT_CLIENTS")
	file := filepath.Join(dir, path)
	if _, err := os.Stat(file); dir == "" || err != nil {
		t.Skipf("needs %s in the folder that ALOFT_CLIENTS names; .ci/run installs it from test/sdk's requirements.txt and package.json", path)
	}
	return file
}

// runClient runs a program against a, and fails the test if it fails.
func runClient(t *testing.T, a *aloft, name string, args ...string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), name, args...)
	cmd.Env = append(a.clientEnv(), "WORK="+t.TempDir())
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%s: %v\n%s", filepath.Base(name), err, out)
	}
}
