package s3_test

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"mime/multipart"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/aloft-cloud/aloft/internal/auth"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/platform"
	"github.com/aloft-cloud/aloft/internal/platformtest"
)

// run runs an operation as the root of the default account.
func run(t *testing.T, p *platform.Platform, service, operation, in string) map[string]any {
	t.Helper()
	call := &aws.Call{Account: auth.DefaultAccount, Region: "us-east-1", Principal: auth.Root(auth.DefaultAccount)}
	b, err := p.Table.CallJSON(t.Context(), call, service, operation, []byte(in))
	if err != nil {
		t.Fatal(err)
	}
	var out map[string]any
	if err := json.Unmarshal(b, &out); err != nil {
		t.Fatal(err)
	}
	return out
}

func mac(key []byte, text string) []byte {
	h := hmac.New(sha256.New, key)
	h.Write([]byte(text))
	return h.Sum(nil)
}

// A form is taken if its policy is signed by a user who may put the object, and
// allows it.
func TestPost(t *testing.T) {
	p := platformtest.Start(t)
	run(t, p, "s3", "CreateBucket", `{"Bucket":"uploads"}`)
	run(t, p, "iam", "CreateUser", `{"UserName":"eve"}`)
	run(t, p, "iam", "PutUserPolicy", `{"UserName":"eve","PolicyName":"p","PolicyDocument":"{\"Version\":\"2012-10-17\",\"Statement\":{\"Effect\":\"Allow\",\"Action\":\"s3:PutObject\",\"Resource\":\"arn:aws:s3:::uploads/mine/*\"}}"}`)
	key := run(t, p, "iam", "CreateAccessKey", `{"UserName":"eve"}`)["AccessKey"].(map[string]any)
	id, secret := key["AccessKeyId"].(string), key["SecretAccessKey"].(string)

	now := time.Now().UTC()
	date, stamp := now.Format("20060102"), now.Format("20060102T150405Z")
	f := func(secret, object, conditions string, expires time.Duration, extra, status, want string) {
		t.Helper()
		credential := id + "/" + date + "/us-east-1/s3/aws4_request"
		policy := base64.StdEncoding.EncodeToString(fmt.Appendf(nil, `{"expiration":%q,"conditions":[{"bucket":"uploads"},["starts-with","$key",""],{"x-amz-credential":%q},{"x-amz-algorithm":"AWS4-HMAC-SHA256"},{"x-amz-date":%q}%s]}`,
			now.Add(expires).Format(time.RFC3339), credential, stamp, conditions))
		k := mac(mac(mac(mac([]byte("AWS4"+secret), date), "us-east-1"), "s3"), "aws4_request")
		var body bytes.Buffer
		w := multipart.NewWriter(&body)
		for _, field := range [][2]string{
			{"key", object}, {"x-amz-credential", credential}, {"x-amz-algorithm", "AWS4-HMAC-SHA256"}, {"X-Amz-Date", stamp},
			{"policy", policy}, {"x-amz-signature", hex.EncodeToString(mac(k, policy))}, {extra, "1"},
		} {
			if field[0] != "" {
				w.WriteField(field[0], field[1])
			}
		}
		file, _ := w.CreateFormFile("file", "a.txt")
		file.Write([]byte("hello"))
		w.Close()
		r := httptest.NewRequest("POST", "http://uploads.s3.localhost:4566/", &body)
		r.Header.Set("Content-Type", w.FormDataContentType())
		answer := httptest.NewRecorder()
		p.Handler.ServeHTTP(answer, r)
		if fmt.Sprint(answer.Code) != status || !strings.Contains(answer.Body.String(), want) {
			t.Errorf("posting %s: %d %s; want %s %s", object, answer.Code, answer.Body, status, want)
		}
	}
	f(secret, "mine/${filename}", "", time.Hour, "", "204", "")
	f(secret, "mine/b", `,["content-length-range",1,4]`, time.Hour, "", "400", "EntityTooLarge")
	f(secret, "mine/b", `,["content-length-range",6,9]`, time.Hour, "", "400", "EntityTooSmall")
	f(secret, "mine/b", `,["eq","$key","mine/c"]`, time.Hour, "", "403", "Policy Condition failed")
	f(secret, "mine/b", `,["near","$key","mine/c"]`, time.Hour, "", "400", "InvalidPolicyDocument")
	f(secret, "mine/b", "", -time.Hour, "", "403", "Policy expired.")
	f(secret, "mine/b", "", time.Hour, "x-amz-meta-k", "403", "Extra input fields: x-amz-meta-k")
	f(secret, "mine/b", "", time.Hour, "x-ignore-k", "204", "")
	f(secret, "other/b", "", time.Hour, "", "403", "AccessDenied")
	f(secret+"x", "mine/b", "", time.Hour, "", "403", "SignatureDoesNotMatch")
	f(secret, "", "", time.Hour, "", "400", "Bucket POST must contain a field named")
	got := run(t, p, "s3", "ListObjectsV2", `{"Bucket":"uploads"}`)
	if n := len(got["Contents"].([]any)); n != 2 {
		t.Errorf("objects: %v", got)
	}
}
