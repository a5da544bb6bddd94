package platformtest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"time"

	"github.com/aloft-cloud/aloft/internal/auth/sigv4"
	"github.com/aloft-cloud/aloft/internal/sandbox"
)

// lens makes a function of Object Lambda, which reads the object, or whatever is
// asked for, where its event says that it is, and shouts it. serve is the
// platform. What it is asked for besides is in the key: silent, fail, slow,
// refuse, bad.
func lens(serve http.HandlerFunc) sandbox.Handler {
	return func(ctx context.Context, f *sandbox.Function, e sandbox.Event, log func(string)) ([]byte, error) {
		type place struct{ InputS3Url, OutputRoute, OutputToken string }
		var in struct {
			GetObjectContext, HeadObjectContext, ListObjectsContext, ListObjectsV2Context *place
			UserRequest                                                                   struct {
				URL     string
				Headers map[string]string
			}
		}
		if err := json.Unmarshal(e.Payload, &in); err != nil {
			return nil, err
		}
		log(string(e.Payload))
		ask := func(method, url string) *httptest.ResponseRecorder {
			w := httptest.NewRecorder()
			serve(w, httptest.NewRequest(method, url, nil))
			return w
		}
		switch {
		case in.HeadObjectContext != nil:
			w := ask(http.MethodHead, in.HeadObjectContext.InputS3Url)
			return json.Marshal(map[string]any{"statusCode": w.Code, "headers": map[string]any{
				"Content-Length": w.Header().Get("Content-Length"), "x-amz-meta-of": "lens", "ETag": `"made"`, "x-amz-mp-parts-count": 3,
			}})
		case in.ListObjectsContext != nil:
			w := ask(http.MethodGet, in.ListObjectsContext.InputS3Url)
			return json.Marshal(map[string]any{"statusCode": w.Code, "listResultXml": strings.ReplaceAll(w.Body.String(), "<Key>", "<Key>seen-")})
		case in.ListObjectsV2Context != nil:
			return []byte(`{"statusCode":200,"listBucketResult":{"name":"n","keyCount":1,"contents":[{"key":"made","size":7,"eTag":"e","lastModified":"2024-01-02T03:04:05Z"}]}}`), nil
		}
		at := in.GetObjectContext
		w := ask(http.MethodGet, at.InputS3Url)
		r := httptest.NewRequest(http.MethodPost, "https://"+at.OutputRoute+".s3-object-lambda.us-east-1.amazonaws.com/WriteGetObjectResponse",
			strings.NewReader(strings.ToUpper(w.Body.String())))
		r.Header.Set("X-Amz-Request-Route", at.OutputRoute)
		r.Header.Set("X-Amz-Request-Token", at.OutputToken)
		r.Header.Set("X-Amz-Fwd-Status", fmt.Sprint(w.Code))
		r.Header.Set("X-Amz-Fwd-Header-Content-Type", "text/loud")
		r.Header.Set("X-Amz-Meta-Range", in.UserRequest.Headers["Range"])
		switch {
		case strings.Contains(in.UserRequest.URL, "silent"):
			return []byte("null"), nil
		case strings.Contains(in.UserRequest.URL, "fail"):
			return nil, errors.New("failed as asked")
		case strings.Contains(in.UserRequest.URL, "slow"):
			time.Sleep(2 * time.Minute)
		case strings.Contains(in.UserRequest.URL, "refuse"):
			r.Header.Set("X-Amz-Fwd-Status", "403")
			r.Header.Set("X-Amz-Fwd-Error-Code", "TooSecret")
			r.Header.Set("X-Amz-Fwd-Error-Message", "Not for you")
		case strings.Contains(in.UserRequest.URL, "bad"):
			r.Header.Set("X-Amz-Fwd-Status", "299")
		}
		keys, err := f.Credentials(ctx)
		if err != nil {
			return nil, err
		}
		r.Header.Set("X-Amz-Content-Sha256", "UNSIGNED-PAYLOAD")
		sigv4.SignHash(r, sigv4.Credentials{AccessKey: keys.AccessKeyID, Secret: keys.SecretAccessKey, Token: keys.SessionToken}, "us-east-1", "s3-object-lambda", time.Now(), "UNSIGNED-PAYLOAD")
		done := httptest.NewRecorder()
		serve(done, r)
		log(fmt.Sprintf("answered %d %s", done.Code, done.Body))
		return []byte(`{"statusCode":200}`), nil
	}
}
