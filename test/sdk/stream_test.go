package sdk_test

import (
	"archive/zip"
	"bufio"
	"bytes"
	"errors"
	"io"
	"net/http"
	"net/url"
	"os/exec"
	"testing"
	"time"

	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	fntypes "github.com/aws/aws-sdk-go-v2/service/lambda/types"
)

// streaming is a function that streams status and headers, and then two lines,
// the second when a moment has passed.
const streaming = `
exports.handler = awslambda.streamifyResponse(async (event, out) => {
  if (event.fail) throw new Error('as asked');
  out = awslambda.HttpResponseStream.from(out, { statusCode: 201, headers: { 'Content-Type': 'text/lines', 'X-Made-By': 'node' } });
  out.write('one\n');
  await new Promise(done => setTimeout(done, 300));
  out.write('two\n');
  out.end();
});`

// TestStream takes the answer of a function as it comes: by the API, and by URL.
func TestStream(t *testing.T) {
	if _, err := exec.LookPath("node"); err != nil {
		t.Skip("needs node")
	}
	a := start(t, t.TempDir())
	ctx, cfg := t.Context(), config(a)
	role, err := iam.NewFromConfig(cfg).CreateRole(ctx, &iam.CreateRoleInput{RoleName: new("stream"), AssumeRolePolicyDocument: new(trust)})
	check(t, err)
	client := lambda.NewFromConfig(cfg)
	var code bytes.Buffer
	w := zip.NewWriter(&code)
	f, err := w.Create("index.js")
	check(t, err)
	_, err = io.WriteString(f, streaming)
	check(t, errors.Join(err, w.Close()))
	name := new("stream")
	_, err = client.CreateFunction(ctx, &lambda.CreateFunctionInput{
		FunctionName: name, Runtime: fntypes.RuntimeNodejs22x, Handler: new("index.handler"), Role: role.Role.Arn, Code: &fntypes.FunctionCode{ZipFile: code.Bytes()},
	})
	check(t, err)
	check(t, lambda.NewFunctionActiveV2Waiter(client).Wait(ctx, &lambda.GetFunctionInput{FunctionName: name}, 10*time.Second))
	streamByAPI(t, client)
	made, err := client.CreateFunctionUrlConfig(ctx, &lambda.CreateFunctionUrlConfigInput{FunctionName: name, AuthType: fntypes.FunctionUrlAuthTypeAwsIam, InvokeMode: fntypes.InvokeModeResponseStream})
	check(t, err)
	streamByURL(t, a, *made.FunctionUrl)
}

func streamByAPI(t *testing.T, client *lambda.Client) {
	t.Helper()
	run := func(payload string) (body string, last fntypes.InvokeWithResponseStreamCompleteEvent) {
		out, err := client.InvokeWithResponseStream(t.Context(), &lambda.InvokeWithResponseStreamInput{FunctionName: new("stream"), Payload: []byte(payload)})
		check(t, err)
		stream := out.GetStream()
		defer stream.Close()
		for event := range stream.Events() {
			switch e := event.(type) {
			case *fntypes.InvokeWithResponseStreamResponseEventMemberPayloadChunk:
				body += string(e.Value.Payload)
			case *fntypes.InvokeWithResponseStreamResponseEventMemberInvokeComplete:
				last = e.Value
			}
		}
		check(t, stream.Err())
		return body, last
	}
	if body, last := run("{}"); !bytes.HasSuffix([]byte(body), []byte("\x00\x00\x00\x00one\ntwo\n")) || last.ErrorCode != nil {
		t.Errorf("got %q, %+v", body, last)
	}
	if body, last := run(`{"fail":true}`); last.ErrorCode == nil || last.ErrorDetails == nil {
		t.Errorf("a run that fails: got %q, %+v", body, last)
	}
}

func streamByURL(t *testing.T, a *aloft, functionURL string) {
	t.Helper()
	u, err := url.Parse(functionURL)
	check(t, err)
	get := func(signed bool) *http.Response {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, a.url, nil)
		check(t, err)
		r.Host = u.Host
		if signed {
			keys, err := config(a).Credentials.Retrieve(t.Context())
			check(t, err)
			const none = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
			check(t, v4.NewSigner().SignHTTP(t.Context(), keys, r, none, "lambda", "us-east-1", time.Now()))
		}
		resp, err := http.DefaultClient.Do(r)
		check(t, err)
		return resp
	}
	if resp := get(false); resp.StatusCode != http.StatusForbidden {
		t.Errorf("without a signature: %s", resp.Status)
	}
	resp := get(true)
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusCreated || resp.Header.Get("Content-Type") != "text/lines" || resp.Header.Get("X-Made-By") != "node" {
		t.Errorf("got %s %v", resp.Status, resp.Header)
	}
	lines := bufio.NewReader(resp.Body)
	first, err := lines.ReadString('\n')
	check(t, err)
	began := time.Now()
	rest, err := io.ReadAll(lines)
	check(t, err)
	if first+string(rest) != "one\ntwo\n" || time.Since(began) < 100*time.Millisecond {
		t.Errorf("got %q, and then %q after %v", first, rest, time.Since(began))
	}
}
