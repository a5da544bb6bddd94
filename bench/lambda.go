package main

import (
	"archive/zip"
	"bytes"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"time"

	"github.com/aloft-cloud/aloft/internal/api/iam"
	api "github.com/aloft-cloud/aloft/internal/api/lambda"
	"github.com/aloft-cloud/aloft/internal/auth/sigv4"
	"github.com/aloft-cloud/aloft/internal/client"
)

// hello is a function for provided.al2023, without a library.
const hello = `package main

import ("bytes"; "io"; "net/http"; "os")

func main() {
	base := "http://" + os.Getenv("AWS_LAMBDA_RUNTIME_API") + "/2018-06-01/runtime/invocation/"
	for {
		r, err := http.Get(base + "next")
		if err != nil { return }
		event, _ := io.ReadAll(r.Body)
		r.Body.Close()
		p, err := http.Post(base+r.Header.Get("Lambda-Runtime-Aws-Request-Id")+"/response", "application/json", bytes.NewReader(event))
		if err != nil { return }
		io.Copy(io.Discard, p.Body)
		p.Body.Close()
	}
}
`

// A code is a function's, and the floor of its cold start: its bare process.
type code struct {
	name, runtime, handler string
	zip                    []byte
	floor                  []string // a command that boots the same language and ends
	warmBar                float64  // ms
}

// lambda measures warm and cold invokes of each runtime that is installed.
func (b *bench) lambda() error {
	c := b.client()
	role, err := client.Do(b.ctx, c, iam.CreateRole, &iam.CreateRoleInput{RoleName: "bench", AssumeRolePolicyDocument: trust})
	if err != nil {
		return err
	}
	codes, err := b.codes()
	if err != nil {
		return err
	}
	for _, code := range codes {
		in := &api.CreateFunctionInput{
			FunctionName: code.name, Runtime: &code.runtime, Handler: &code.handler, Role: role.Role.Arn,
			Code: &api.FunctionCode{ZipFile: code.zip}, MemorySize: new(int32(512)), Timeout: new(int32(30)),
		}
		if _, err := client.Do(b.ctx, c, api.CreateFunction, in); err != nil {
			return fmt.Errorf("%s: %w", code.name, err)
		}
		if err := b.cold(c, code); err != nil {
			return fmt.Errorf("%s: %w", code.name, err)
		}
		if err := b.warm(code); err != nil {
			return fmt.Errorf("%s: %w", code.name, err)
		}
	}
	return nil
}

const trust = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"lambda.amazonaws.com"},"Action":"sts:AssumeRole"}]}`

// cold measures first invokes, each after a change that makes new workers.
func (b *bench) cold(c *client.Client, code code) error {
	var took []time.Duration
	for i := range 12 {
		_, err := client.Do(b.ctx, c, api.UpdateFunctionConfiguration, &api.UpdateFunctionConfigurationInput{
			FunctionName: code.name, Environment: &api.Environment{Variables: map[string]string{"ROUND": fmt.Sprint(i)}},
		})
		if err != nil {
			return err
		}
		time.Sleep(150 * time.Millisecond) // blank workers are made off the path
		began := time.Now()
		out, err := client.Do(b.ctx, c, api.Invoke, &api.InvokeInput{FunctionName: code.name, Payload: []byte("{}")})
		if err != nil {
			return err
		}
		if out.FunctionError != nil {
			return fmt.Errorf("%s", out.Payload)
		}
		took = append(took, time.Since(began))
	}
	var floor []time.Duration
	for range 12 {
		began := time.Now()
		cmd := exec.Command(code.floor[0], code.floor[1:]...)
		if out, err := cmd.CombinedOutput(); err != nil && cmd.ProcessState == nil {
			return fmt.Errorf("%w\n%s", err, out)
		}
		floor = append(floor, time.Since(began))
	}
	slices.Sort(took)
	slices.Sort(floor)
	cold, bare := took[len(took)/2], floor[len(floor)/2]
	row(code.name+", cold invoke", fmt.Sprintf("%.1f ms", ms(cold)), fmt.Sprintf("its bare process boots in %.1f ms: %.2f of it", ms(bare), float64(cold)/float64(bare)))
	return nil
}

// warm measures invokes of a worker that is there.
func (b *bench) warm(code code) error {
	request := b.invoke(code.name)
	for _, clients := range []int{1, 16} {
		l := load{requests: [][]byte{request}, clients: clients, duration: b.duration}
		if err := l.warmUp(b.aloft.addr); err != nil {
			return err
		}
		floor, err := l.run(b.null.addr)
		if err != nil {
			return err
		}
		f, err := l.run(b.aloft.addr)
		if err != nil {
			return err
		}
		note := fmt.Sprintf("p99 %.2f ms, %.0f/s; null server p50 %.2f ms, %.0f/s", ms(f.p99), f.rate, ms(floor.p50), floor.rate)
		if clients == 1 && code.warmBar > 0 {
			note += fmt.Sprintf(", bar %.2f ms", code.warmBar)
		}
		row(fmt.Sprintf("%s, warm invoke, %d clients, p50", code.name, clients), fmt.Sprintf("%.2f ms", ms(f.p50)), note)
	}
	return nil
}

// warmUp has as many workers made as the load will use.
func (l load) warmUp(addr string) error {
	l.duration = 500 * time.Millisecond
	_, err := l.run(addr)
	return err
}

// invoke returns a signed invoke, as bytes.
func (b *bench) invoke(name string) []byte {
	r, err := http.NewRequest(http.MethodPost, "http://"+b.aloft.addr+"/2015-03-31/functions/"+name+"/invocations", nil)
	if err != nil {
		panic(err) // an address of our own
	}
	body := []byte(`{"hello":"world"}`)
	sigv4.Sign(r, sigv4.Credentials{AccessKey: b.aloft.key, Secret: b.aloft.secret}, "us-east-1", "lambda", time.Now(), body)
	return raw(r, body)
}

// codes are the functions to measure: those whose language is installed.
func (b *bench) codes() ([]code, error) {
	bin := filepath.Join(b.dir, "bootstrap")
	src := filepath.Join(b.dir, "hello.go")
	if err := os.WriteFile(src, []byte(hello), 0o600); err != nil {
		return nil, err
	}
	build := exec.Command("go", "build", "-trimpath", "-ldflags=-s -w", "-o", bin, src)
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("%w\n%s", err, out)
	}
	program, err := os.ReadFile(bin)
	if err != nil {
		return nil, err
	}
	zipped, err := zipOf("bootstrap", program)
	if err != nil {
		return nil, err
	}
	all := []code{{"go", "provided.al2023", "bootstrap", zipped, []string{bin}, 0.5}}
	if node, err := exec.LookPath("node"); err == nil {
		zipped, err := zipOf("index.js", []byte("exports.handler = async event => event"))
		if err != nil {
			return nil, err
		}
		all = append(all, code{"node", "nodejs20.x", "index.handler", zipped, []string{node, "-e", "0"}, 0})
	}
	if python, err := exec.LookPath("python3"); err == nil {
		zipped, err := zipOf("index.py", []byte("def handler(event, context):\n    return event\n"))
		if err != nil {
			return nil, err
		}
		all = append(all, code{"python", "python3.12", "index.handler", zipped, []string{python, "-c", "import json, http.client"}, 0})
	}
	return all, nil
}

func zipOf(name string, content []byte) ([]byte, error) {
	var out bytes.Buffer
	w := zip.NewWriter(&out)
	h := &zip.FileHeader{Name: name, Method: zip.Deflate}
	h.SetMode(0o755)
	f, err := w.CreateHeader(h)
	if err != nil {
		return nil, err
	}
	if _, err := f.Write(content); err != nil {
		return nil, err
	}
	err = w.Close()
	return out.Bytes(), err
}
