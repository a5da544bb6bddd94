package s3

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"encoding/xml"
	"errors"
	"io"
	"net/http"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	api "github.com/aloft-cloud/aloft/internal/api/s3"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/service"
)

// waiting are the requests for objects that wait for what a function makes of
// them, by the token that the function has.
type waiting struct {
	mu  sync.Mutex
	all map[string]*sight
}

// A sight is one of those requests.
type sight struct {
	ctx  context.Context // of the request, and of the patience that it has
	lens aws.ARN
	said chan seen // what the function answers
}

type seen struct {
	out *api.GetObjectOutput
	err error
}

func (w *waiting) add(s *sight) (token string) {
	b := make([]byte, 48)
	rand.Read(b)
	token = base64.RawURLEncoding.EncodeToString(b)
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.all == nil {
		w.all = make(map[string]*sight)
	}
	w.all[token] = s
	return token
}

// find returns the request of a token, or nil.
func (w *waiting) find(token string) *sight {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.all[token]
}

// take is find, and there is no such request any more.
func (w *waiting) take(token string) *sight {
	w.mu.Lock()
	defer w.mu.Unlock()
	s := w.all[token]
	delete(w.all, token)
	return s
}

// seeObject has a function make an object, and returns it when the function
// begins to write it. The function goes on when the request is over, as long as
// it likes.
func (s *Service) seeObject(ctx context.Context, stop context.CancelFunc, call *aws.Call, l *lens, f *lensFunction, e *lensEvent) (*api.GetObjectOutput, error) {
	w := &sight{ctx: ctx, lens: l.arn, said: make(chan seen, 1)}
	token := s.lenses.add(w)
	e.Get.Route, e.Get.Token = lensRoute, token
	ended := make(chan error, 1)
	s.runs.Go(func() {
		_, err := s.run(context.WithoutCancel(ctx), call, f, e)
		ended <- err
	})
	out, err := w.wait(ended)
	s.lenses.take(token)
	if err != nil {
		stop()
		return nil, err
	}
	out.Body = &sightBody{out.Body, stop}
	return out, nil
}

// wait returns what a function answers, unless it ends or takes too long without.
func (w *sight) wait(ended <-chan error) (*api.GetObjectOutput, error) {
	select {
	case a := <-w.said:
		return a.out, a.err
	case <-w.ctx.Done():
		if errors.Is(w.ctx.Err(), context.DeadlineExceeded) {
			return nil, errLambdaTimeout()
		}
		return nil, w.ctx.Err()
	case err := <-ended:
		select {
		case a := <-w.said:
			return a.out, a.err
		default:
		}
		return nil, firstError(err, lambdaResponseNotReceived.Errorf("The Lambda exited without successfully calling WriteGetObjectResponse."))
	}
}

// A sightBody is what a function writes, as it comes.
type sightBody struct {
	io.Reader
	stop context.CancelFunc // ends the writing too
}

// Close implements io.Closer.
func (b *sightBody) Close() error {
	b.stop()
	return nil
}

// mayAnswer lets a function answer the request whose token it has.
func (s *Service) mayAnswer(_ *aws.Call, in *api.WriteGetObjectResponseInput, check check) error {
	a := service.Access{Action: lensService + ":WriteGetObjectResponse", Resource: aws.AnyResource}
	if w := s.lenses.find(in.RequestToken); w != nil {
		a.Resource = w.lens
	}
	return check(a)
}

// WriteGetObjectResponse answers a request for an object that came by an access
// point of Object Lambda. It returns when who asked has read all of it.
func (s *Service) WriteGetObjectResponse(ctx context.Context, call *aws.Call, in *api.WriteGetObjectResponseInput) (*api.WriteGetObjectResponseOutput, error) {
	invalid := aws.Fault{Code: "ValidationError", Status: 400}
	w := s.lenses.take(in.RequestToken)
	if w == nil || in.RequestRoute != lensRoute {
		return nil, invalid.Errorf("The request token or the request route is invalid, or it was answered already.")
	}
	if status := aws.Or(in.StatusCode, http.StatusOK); !slices.Contains(lensStatuses, status) {
		w.said <- seen{err: lambdaInvalidResponse.Errorf("The Lambda function returned an invalid response: status code %d.", status)}
		return nil, invalid.Errorf("The status code %d is not supported.", status)
	}
	if in.ErrorCode != nil || in.ErrorMessage != nil {
		fault := aws.Fault{Code: aws.Or(in.ErrorCode, "LambdaRuntimeError"), Status: int(aws.Or(in.StatusCode, http.StatusBadRequest))}
		w.said <- seen{err: fault.Errorf("%s", aws.Value(in.ErrorMessage))}
		return &api.WriteGetObjectResponseOutput{}, nil
	}
	out := &api.GetObjectOutput{Metadata: in.Metadata}
	copyMembers(out, in)
	r, pipe := io.Pipe()
	out.Body = r
	over := context.AfterFunc(w.ctx, func() { r.CloseWithError(errLambdaTimeout()) })
	defer over()
	w.said <- seen{out: out}
	var err error
	if in.Body != nil {
		_, err = io.Copy(pipe, in.Body)
	}
	pipe.CloseWithError(err)
	if err != nil && w.ctx.Err() != nil {
		return nil, invalid.Errorf("The request that is answered is over.")
	}
	return &api.WriteGetObjectResponseOutput{}, err
}

// lensStatuses are those that functions may answer with.
var lensStatuses = []int32{200, 206, 304, 400, 401, 403, 404, 405, 409, 411, 412, 416, 500, 503}

// A lensAnswer is what functions return for all operations but GetObject.
type lensAnswer struct {
	StatusCode              int
	ErrorCode, ErrorMessage string
	Headers                 map[string]any
	Metadata                map[string]string
	ListResultXML           string
	ListBucketResult        json.RawMessage
}

// parseLensAnswer reads what a function returned, which err may say it did not.
func parseLensAnswer(payload []byte, err error) (*lensAnswer, error) {
	if err != nil {
		return nil, err
	}
	a := new(lensAnswer)
	if err := json.Unmarshal(payload, a); err != nil || a.StatusCode < 200 || a.StatusCode > 599 {
		return nil, errLambdaAnswer()
	}
	var document struct{ Code, Message string }
	if a.StatusCode >= 300 && a.ErrorCode == "" && xml.Unmarshal([]byte(a.ListResultXML), &document) == nil {
		a.ErrorCode, a.ErrorMessage = document.Code, document.Message
	}
	if a.StatusCode >= 300 {
		return nil, aws.Fault{Code: a.ErrorCode, Status: a.StatusCode}.Errorf("%s", a.ErrorMessage)
	}
	return a, nil
}

func errLambdaAnswer() error {
	return lambdaInvalidResponse.Errorf("The Lambda function returned an invalid response.")
}

// seeHead is what a function says of an object.
func seeHead(payload []byte, err error) (*api.HeadObjectOutput, error) {
	a, err := parseLensAnswer(payload, err)
	if err != nil {
		return nil, err
	}
	out := &api.HeadObjectOutput{Metadata: a.Metadata}
	v := reflect.ValueOf(out).Elem()
	for name, value := range a.Headers {
		text, ok := value.(string)
		if !ok {
			b, _ := json.Marshal(value) // it was JSON
			text = string(b)
		}
		if key, ok := strings.CutPrefix(strings.ToLower(name), "x-amz-meta-"); ok {
			if out.Metadata == nil {
				out.Metadata = make(map[string]string)
			}
			out.Metadata[key] = text
			continue
		}
		for f := range v.Type().Fields() {
			if tag, place, _ := strings.Cut(f.Tag.Get("aws"), ","); strings.EqualFold(tag, name) && strings.HasPrefix(place, "header") {
				if !setHeader(v.FieldByIndex(f.Index).Addr().Interface(), text) {
					return nil, errLambdaAnswer()
				}
			}
		}
	}
	return out, nil
}

// setHeader sets a member to the text of a header, if it may be that.
func setHeader(to any, text string) bool {
	var err error
	switch to := to.(type) {
	case **string:
		*to = &text
	case **bool:
		*to = new(text == "true")
	case **int64:
		*to = new(int64)
		**to, err = strconv.ParseInt(text, 10, 64)
	case **int32:
		var n int64
		n, err = strconv.ParseInt(text, 10, 32)
		*to = new(int32(n))
	case **time.Time:
		var t time.Time
		if t, err = http.ParseTime(text); err != nil {
			t, err = time.Parse(time.RFC3339, text)
		}
		*to = &t
	}
	return err == nil
}

// seeList is what a function says is in a bucket: in XML, or in JSON with the
// same names.
func seeList[Out any](payload []byte, err error) (*Out, error) {
	a, err := parseLensAnswer(payload, err)
	if err != nil {
		return nil, err
	}
	out := new(Out)
	switch {
	case a.ListResultXML != "":
		err = xml.Unmarshal([]byte(a.ListResultXML), out)
	case a.ListBucketResult != nil:
		err = json.Unmarshal(a.ListBucketResult, out)
	default:
		return nil, errLambdaAnswer()
	}
	if err != nil {
		return nil, errLambdaAnswer()
	}
	return out, nil
}
