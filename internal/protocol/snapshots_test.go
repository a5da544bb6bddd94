package protocol

import (
	"bufio"
	"bytes"
	"encoding/base64"
	"fmt"
	"io"
	"net/http"
	"net/textproto"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"github.com/aloft-cloud/aloft/internal/api/cloudformation"
	"github.com/aloft-cloud/aloft/internal/api/dynamodb"
	"github.com/aloft-cloud/aloft/internal/api/iam"
	"github.com/aloft-cloud/aloft/internal/api/lambda"
	"github.com/aloft-cloud/aloft/internal/api/logs"
	"github.com/aloft-cloud/aloft/internal/api/s3"
	"github.com/aloft-cloud/aloft/internal/api/sts"
	"github.com/aloft-cloud/aloft/internal/smithy"
)

// Requests that the SDK for Go sends, as its own modules record them: each must
// reach the operation it is named for and be decoded whole.

var snapshotModules = map[string]*smithy.Service{
	"cloudformation": cloudformation.API,
	"cloudwatchlogs": logs.API,
	"dynamodb":       dynamodb.API,
	"iam":            iam.API,
	"lambda":         lambda.API,
	"s3":             s3.API,
	"sts":            sts.API,
}

// snapshotSkips are snapshots that cannot pass, with the reason.
var snapshotSkips = reasons(map[string]string{
	"The SDK writes text where the model has a number.": "s3/GetObjectAttributes s3/ListParts",
	"The SDK is newer than our models.": `
		dynamodb/CancelBulkOperation dynamodb/DescribeBulkOperation dynamodb/ListBulkOperations dynamodb/StartBulkPutItems
		cloudwatchlogs/DeleteAccountPolicy cloudwatchlogs/PutAccountPolicy cloudwatchlogs/DescribeLogGroups
		lambda/CreateEventSourceMapping lambda/UpdateEventSourceMapping lambda/DeleteEventSourceMapping lambda/GetEventSourceMapping
		lambda/ListEventSourceMappings`,
	"The snapshot has the status in the body.": "lambda/DeleteFunction lambda/InvokeAsync",
})

func eachSnapshot(t *testing.T, dir string, f func(t *testing.T, svc *smithy.Service, op string, snap []byte)) {
	for module, svc := range snapshotModules {
		t.Run(module, func(t *testing.T) {
			root, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "github.com/aws/aws-sdk-go-v2/service/"+module).Output()
			if err != nil || len(bytes.TrimSpace(root)) == 0 {
				t.Skipf("the SDK's module is not here; get it with go mod download: %v", err)
			}
			files, _ := filepath.Glob(filepath.Join(strings.TrimSpace(string(root)), dir, "*.snap"))
			if len(files) == 0 {
				t.Skip("the SDK's module has no snapshots")
			}
			for _, file := range files {
				op, _, _ := strings.Cut(filepath.Base(file), ".")
				if snapshotSkips[module+"/"+op] != "" || strings.HasSuffix(file, ".error.snap") {
					continue
				}
				snap, err := os.ReadFile(file)
				if err != nil {
					t.Fatal(err)
				}
				f(t, svc, op, snap)
			}
			t.Logf("%d snapshots", len(files))
		})
	}
}

func TestSDKRequests(t *testing.T) {
	eachSnapshot(t, "request_snapshot", func(t *testing.T, svc *smithy.Service, op string, snap []byte) {
		if err := decodeSnapshot(svc, op, snap); err != nil {
			t.Errorf("%s: %v", op, err)
		}
	})
}

func decodeSnapshot(svc *smithy.Service, op string, snap []byte) error {
	line, rest, _ := strings.Cut(string(snap), "\n\n")
	method, uri, _ := strings.Cut(strings.TrimSpace(line), " ")
	in := bufio.NewReader(strings.NewReader(rest))
	header, err := textproto.NewReader(in).ReadMIMEHeader()
	if err != nil && err != io.EOF {
		return err
	}
	body, _ := io.ReadAll(in)
	switch {
	case svc.Name != "s3" || op == "ListBuckets" || op == "ListDirectoryBuckets" || op == "WriteGetObjectResponse":
	default: // the bucket is in the host, which the snapshot has not
		uri = "/__Bucket__" + uri
	}
	r, err := http.NewRequest(method, "http://example.com"+uri, bytes.NewReader(body))
	if err != nil {
		return err
	}
	r.Header = http.Header(header)
	var form *Form
	if r.Header.Get("Content-Type") == "application/x-www-form-urlencoded" {
		if form, err = ParseForm(string(body)); err != nil {
			return err
		}
	}
	x, err := New(svc).Match(r, form)
	if err != nil {
		return err
	}
	if x.Op.Name != op {
		return fmt.Errorf("taken for %s", x.Op.Name)
	}
	v := x.Op.NewInput()
	if err := x.Decode(r, body, v, []string{"*"}); err != nil {
		return err
	}
	return whole(x, v, string(snap), string(body))
}

var placeholder = regexp.MustCompile(`__[A-Za-z0-9]+__`)

// whole reports whether all that the request says is in v.
func whole(x *Exchange, v any, snap, body string) error {
	got, err := EncodeJSON(v)
	if err != nil {
		return err
	}
	for _, p := range placeholder.FindAllString(snap, -1) {
		if !bytes.Contains(got, []byte(p)) && !bytes.Contains(got, []byte(base64.StdEncoding.EncodeToString([]byte(p)))) {
			return fmt.Errorf("%s is lost: %s", p, got)
		}
	}
	s := planOf(reflect.TypeOf(v).Elem())
	if x.Protocol != smithy.JSON && (x.Protocol != smithy.RESTJSON || s.payload != nil) {
		return nil
	}
	return sameJSON(string(wireNames.jsonStruct(nil, s, reflect.ValueOf(v).Elem())), body)
}

// The answers that the SDK for Go is tested with come out as they went in.
func TestSDKAnswers(t *testing.T) {
	eachSnapshot(t, "response_snapshot", func(t *testing.T, svc *smithy.Service, op string, snap []byte) {
		_, rest, _ := strings.Cut(string(snap), "\n")
		in := bufio.NewReader(strings.NewReader(rest))
		if _, err := textproto.NewReader(in).ReadMIMEHeader(); err != nil && err != io.EOF {
			t.Fatal(err)
		}
		body, _ := io.ReadAll(in)
		info := New(svc).ops()[op]
		if info == nil {
			t.Errorf("%s: no such operation", op)
			return
		}
		out := info.NewOutput()
		v := reflect.ValueOf(out).Elem()
		s := planOf(v.Type())
		if s.payload != nil || len(body) == 0 || svc.Protocols[0] != smithy.JSON && svc.Protocols[0] != smithy.RESTJSON {
			return
		}
		if err := (&decoder{}).decodeJSON(string(body), v); err != nil {
			t.Errorf("%s: %v", op, err)
			return
		}
		if err := sameJSON(string(wireNames.jsonStruct(nil, s, v)), string(body)); err != nil {
			t.Errorf("%s: %v", op, err)
		}
	})
}
