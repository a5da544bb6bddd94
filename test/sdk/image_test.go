package sdk_test

import (
	"archive/tar"
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	fntypes "github.com/aws/aws-sdk-go-v2/service/lambda/types"
)

// imageProgram is a function that needs no file but its own: it answers with
// its arguments and what it finds in a file.
const imageProgram = `package main

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"os"
	"strconv"
	"strings"
)

func main() {
	c, err := net.Dial("tcp", os.Getenv("AWS_LAMBDA_RUNTIME_API"))
	if err != nil {
		panic(err)
	}
	r := bufio.NewReader(c)
	ask := func(method, path, body string) (id string) {
		fmt.Fprintf(c, "%s /2018-06-01/runtime/invocation/%s HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n%s", method, path, len(body), body)
		length := 0
		for {
			line, err := r.ReadString('\n')
			if err != nil {
				os.Exit(1)
			}
			name, value, _ := strings.Cut(strings.TrimSpace(line), ": ")
			switch strings.ToLower(name) {
			case "lambda-runtime-aws-request-id":
				id = value
			case "content-length":
				length, _ = strconv.Atoi(value)
			case "":
				io.CopyN(io.Discard, r, int64(length))
				return id
			}
		}
	}
	for {
		id := ask("GET", "next", "")
		text, _ := os.ReadFile("greeting")
		ask("POST", id+"/response", fmt.Sprintf("%q", strings.Join(os.Args[1:], " ")+": "+string(text)))
	}
}
`

// savedImage writes an image as docker save does: its upper layer has another
// greeting than its lower one.
func savedImage(t *testing.T, name string) string {
	t.Helper()
	src := t.TempDir()
	check(t, os.WriteFile(filepath.Join(src, "main.go"), []byte(imageProgram), 0o600))
	check(t, os.WriteFile(filepath.Join(src, "go.mod"), []byte("module boot\n"), 0o600))
	cmd := exec.Command("go", "build", "-o", "boot", ".")
	cmd.Dir, cmd.Env = src, append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	boot, err := os.ReadFile(filepath.Join(src, "boot"))
	check(t, err)
	config, err := json.Marshal(map[string]any{"os": "linux", "architecture": runtime.GOARCH, "config": map[string]any{"Entrypoint": []string{"boot"}, "Cmd": []string{"main"}, "WorkingDir": "/app", "Env": []string{"PATH=/bin"}}})
	check(t, err)
	path := filepath.Join(t.TempDir(), "image.tar")
	check(t, os.WriteFile(path, tarOf(t, map[string]string{
		"config.json": string(config), "manifest.json": fmt.Sprintf(`[{"Config":"config.json","RepoTags":[%q],"Layers":["a/layer.tar","b/layer.tar"]}]`, name),
		"a/layer.tar": string(tarOf(t, map[string]string{"bin/boot": string(boot), "app/greeting": "old"})),
		"b/layer.tar": string(tarOf(t, map[string]string{"app/greeting": "hello"})),
	}), 0o600))
	return path
}

func tarOf(t *testing.T, files map[string]string) []byte {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for name, text := range files {
		check(t, w.WriteHeader(&tar.Header{Name: name, Typeflag: tar.TypeReg, Mode: 0o755, Size: int64(len(text))}))
		_, err := w.Write([]byte(text))
		check(t, err)
	}
	check(t, w.Close())
	return b.Bytes()
}

// TestImage loads an image by the command line and runs it as a function, also
// after a restart.
func TestImage(t *testing.T) {
	data := t.TempDir()
	a := start(t, data)
	load := exec.Command(a.bin, "image", "load", savedImage(t, "app:v1"), "app:v1")
	load.Env = a.clientEnv()
	uri, err := load.Output()
	check(t, err)
	ctx := t.Context()
	role, err := iam.NewFromConfig(config(a)).CreateRole(ctx, &iam.CreateRoleInput{RoleName: new("image"), AssumeRolePolicyDocument: new(trust)})
	check(t, err)
	client := lambda.NewFromConfig(config(a))
	_, err = client.CreateFunction(ctx, &lambda.CreateFunctionInput{
		FunctionName: new("image"), PackageType: fntypes.PackageTypeImage, Role: role.Role.Arn, Timeout: new(int32(10)),
		Code: &fntypes.FunctionCode{ImageUri: new(strings.TrimSpace(string(uri)))},
	})
	check(t, err)
	invoke := func(want string) {
		t.Helper()
		out, err := client.Invoke(ctx, &lambda.InvokeInput{FunctionName: new("image")})
		check(t, err)
		if string(out.Payload) != want {
			t.Errorf("the function answered %s, want %s", out.Payload, want)
		}
	}
	if _, err := client.Invoke(ctx, &lambda.InvokeInput{FunctionName: new("image")}); err != nil && strings.Contains(err.Error(), "sandboxed") {
		t.Skip("this host cannot run images: ", err)
	}
	invoke(`"main: hello"`)
	_, err = client.UpdateFunctionConfiguration(ctx, &lambda.UpdateFunctionConfigurationInput{FunctionName: new("image"), ImageConfig: &fntypes.ImageConfig{Command: []string{"other", "words"}}})
	check(t, err)
	check(t, lambda.NewFunctionUpdatedV2Waiter(client).Wait(ctx, &lambda.GetFunctionInput{FunctionName: new("image")}, 10*time.Second))
	invoke(`"other words: hello"`)
	check(t, a.stop(os.Interrupt))
	a = start(t, data)
	client = lambda.NewFromConfig(config(a))
	invoke(`"other words: hello"`)
}
