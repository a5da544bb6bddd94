package s3_test

import (
	"encoding/base64"
	"encoding/json"
	"maps"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/aloft-cloud/aloft/internal/platformtest"
)

// TestRecorded compares answers with those that AWS gave.
func TestRecorded(t *testing.T) {
	recording.Run(t, os.Getenv("ALOFT_VECTORS"), "testdata/recorded.steps")
}

// TestRecordedPages is TestRecorded for what pages of other sites ask.
func TestRecordedPages(t *testing.T) {
	closed := recording
	closed.Closed = true
	closed.Run(t, os.Getenv("ALOFT_VECTORS"), "testdata/pages.steps")
}

var recording = platformtest.Recording{
	Service: "s3",
	Texts: map[string]string{
		"PART":      encoded("a", 5<<20+1),
		"CONTENT5M": encoded("test content 123", 5<<20/16+1),
		"A6140":     encoded("a", 6138),
		"MB10":      encoded("a", 10_000_000),
		"BIG":       base64.StdEncoding.EncodeToString([]byte(strings.Repeat("a", 10_000_000-4) + "Nk4e")),
	},
	Unknown: []string{"ETag", "eTag", "etag", "LastModified", "Location", "UploadId", "VersionId", "ID", "Owner", "Initiator", "Bucket", "Name", "SSEKMSKeyId", "BucketName", "Role", "SSECustomerKeyMD5"},
	Hidden:  []string{"StatusCode", "Server"},
	Masks:   []string{"last-modified", "last--modified", "host-id", "request-id", "id-2", "x-amz-id-2", "x-amz-request-id", "date", "sequencer", "object-sequencer", "amz-id", "amz-request-id", "m-d5-of-body", "server"},
	As:      asTold,
}

// encoded is text, n times, as operations take bytes.
func encoded(text string, n int) string {
	return base64.StdEncoding.EncodeToString([]byte(strings.Repeat(text, n)))
}

// asTold is an answer as SDKs tell it.
func asTold(want, got any) any {
	if want == nil && got == "" {
		return nil
	}
	w, _ := want.(map[string]any)
	if page, ok := got.(string); ok && w["content"] != nil {
		return map[string]any{"content": page}
	}
	if text, ok := got.(string); ok && w["eventName"] != nil {
		return notices(text)[0]
	}
	g, ok := got.(map[string]any)
	if list, isList := want.([]any); isList && ok && g["Messages"] != nil {
		return received(list, g)
	}
	if w == nil || !ok {
		return got
	}
	if g["EncodingType"] == "url" {
		unescapeKeys(g)
	}
	if body, ok := g["Body"].(string); ok {
		g["Body"] = read(w["Body"], body)
	}
	if e, ok := w["Error"].(map[string]any); ok && isStatus(e["Code"]) { // of a HEAD
		return map[string]any{"Error": map[string]any{"Code": e["Code"], "Message": http.StatusText(number(e["Code"]))}}
	}
	if e, ok := g["Error"].(map[string]any); ok && w["Code"] != nil { // recorded without its name
		delete(g, "Error")
		maps.Copy(e, g)
		return asTold(want, e)
	}
	if w["Transfer-Encoding"] != nil { // in chunks, where the length is not known
		delete(g, "Content-Length")
	}
	if w["@xmlns"] == nil {
		delete(g, "@xmlns")
	}
	if w["x-amz-bucket-arn"] != nil { // recorded but for this
		delete(g, "Content-Length")
	}
	if isStatus(w["Code"]) && http.StatusText(number(w["Code"])) == g["Message"] {
		g["Code"] = w["Code"]
	}
	if list, ok := w["messages"].([]any); ok && g["Messages"] != nil {
		return map[string]any{"messages": received(list, g)}
	}
	if g["Expires"] != nil && w["ExpiresString"] != nil { // SDKs tell it twice
		g["ExpiresString"] = g["Expires"]
	}
	if body, ok := g["Body"].(map[string]any); ok && w["StatusCode"] != nil && w["Headers"] == nil {
		return map[string]any{"StatusCode": g["StatusCode"], "Error": body["Error"]}
	}
	if len(w) == 1 && w["StatusCode"] != nil {
		return map[string]any{"StatusCode": g["StatusCode"]}
	}
	if w["HTTPHeaders"] != nil {
		told := maps.Clone(w)
		told["HTTPHeaders"], told["HTTPStatusCode"] = g["Headers"], g["StatusCode"]
		return told
	}
	return got
}

// received are messages as they were recorded: the notices in them, by what
// happened, or else all that is in them.
func received(want []any, got map[string]any) any {
	first, _ := want[0].(map[string]any)
	var all []any
	for _, m := range got["Messages"].([]any) {
		if first["Body"] != nil {
			all = append(all, m)
		} else {
			all = append(all, notices(m.(map[string]any)["Body"].(string))...)
		}
	}
	slices.SortStableFunc(all, func(a, b any) int { return strings.Compare(happened(a), happened(b)) })
	return all
}

// notices are the notices of a message: of S3's own, of EventBridge or of SNS.
func notices(body string) []any {
	var m map[string]any
	if json.Unmarshal([]byte(body), &m) != nil {
		return []any{body}
	}
	if records, ok := m["Records"].([]any); ok {
		return records
	}
	return []any{m}
}

// happened is what a notice is about.
func happened(notice any) string {
	m, _ := notice.(map[string]any)
	name, _ := m["eventName"].(string)
	detail, _ := m["detail"].(map[string]any)
	restored, _ := detail["restore-expiry-time"].(string) // after it began
	return name + restored
}

// unescapeKeys gives listed keys the names they have.
func unescapeKeys(list map[string]any) {
	for _, kind := range []string{"Contents", "Versions", "DeleteMarkers"} {
		entries, _ := list[kind].([]any)
		for _, e := range entries {
			entry := e.(map[string]any)
			if key, err := url.QueryUnescape(entry["Key"].(string)); err == nil {
				entry["Key"] = key
			}
		}
	}
}

// read is a body as it was recorded: not at all if somebody had read it before.
func read(want any, body string) any {
	if want == "" {
		return ""
	}
	content, err := base64.StdEncoding.DecodeString(body)
	var v any
	if _, isText := want.(string); !isText && err == nil && json.Unmarshal(content, &v) == nil {
		return v
	}
	return body
}

// isStatus reports whether code is the status, which is all that tells of an
// error where there is no body.
func isStatus(code any) bool { return number(code) != 0 }

func number(text any) int {
	s, _ := text.(string)
	n, _ := strconv.Atoi(s)
	return n
}
