package cloudformation

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/aloft-cloud/aloft/internal/api/lambda"
	"github.com/aloft-cloud/aloft/internal/api/sns"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/deploy/resource"
	"github.com/aloft-cloud/aloft/internal/store"
)

// signalHost is the suffix of the hosts at which answers and signals arrive.
const signalHost = "cloudformation-response"

// maxSignalBytes is how long an answer, or a signal, may be.
const maxSignalBytes = 4096

// A receiver is where an answer to a request of a custom resource, or the
// signals of a wait condition, arrive. Who knows its token may send them.
type receiver struct {
	Stack   aws.ARN
	Resets  bool // it goes when the stack is at rest
	Sent    bool // the request
	Created time.Time
	Answer  *resource.Answer
	Signals map[string]signal // by their id
}

// A signal is one of those that a wait condition waits for.
type signal struct {
	Status   string
	Reason   string
	UniqueId string
	Data     string
}

type receiverKey struct {
	Place aws.ARN
	Token string
}

// Those of a stack, so that they go with it.
type receiverOfKey struct {
	Stack aws.ARN
	Token string
}

var (
	receivers  = store.NewTable[receiverKey, receiver]("cloudformation.receiver")
	receiverOf = store.NewTable[receiverOfKey, bool]("cloudformation.receiverof") // whether it goes at rest
)

func receiverTopic(token string) string { return "cloudformation/receiver/" + token }

// signalURL is the address of a receiver. It ends as AWS's do, in what it is for.
func signalURL(op *resource.Op, token string) string {
	host := strings.ReplaceAll(token, "-", "") + "-" + op.Call.Account + "-" + op.Call.Region
	about := url.PathEscape(op.Stack.ID + "|" + op.LogicalID + "|" + token)
	return "https://" + host + "." + signalHost + "." + op.Call.Region + ".amazonaws.com/" + about + "?X-Amz-Expires=7200"
}

// receiverAt is the key of the receiver that a host names.
func receiverAt(id string) (receiverKey, bool) {
	token, rest, ok := strings.Cut(id, "-")
	account, region, ok2 := strings.Cut(rest, "-")
	return receiverKey{place(aws.ARN{Account: account, Region: region}), token}, ok && ok2
}

func receiverFor(op *resource.Op, token string) receiverKey {
	return receiverKey{place(stackID(op.Stack.ID)), strings.ReplaceAll(token, "-", "")}
}

// open makes a receiver, if it is not there already.
func (s *Service) open(op *resource.Op, key receiverKey, resets bool) (receiver, error) {
	var got receiver
	err := s.db.Update(op.Ctx, func(tx *store.Tx) error {
		var err error
		if got, err = receivers.Get(tx, key); !errors.Is(err, store.ErrNotFound) {
			return err
		}
		got = receiver{Stack: stackID(op.Stack.ID), Resets: resets, Created: time.Now()}
		if err := receiverOf.Put(tx, receiverOfKey{got.Stack, key.Token}, resets); err != nil {
			return err
		}
		return receivers.Put(tx, key, got)
	})
	return got, err
}

// Ask implements resource.Signals.
func (s *Service) Ask(op *resource.Op, request resource.Request, within time.Duration) (*resource.Answer, error) {
	key := receiverFor(op, request.RequestId)
	got, err := s.open(op, key, true)
	if err != nil {
		return nil, err
	}
	if !got.Sent {
		request.ResponseURL = signalURL(op, request.RequestId)
		if err := s.sendRequest(op, request); err != nil {
			return nil, err
		}
		err := s.db.Update(op.Ctx, func(tx *store.Tx) error {
			r, err := receivers.Get(tx, key)
			if err != nil {
				return err
			}
			r.Sent = true
			return receivers.Put(tx, key, r)
		})
		if err != nil {
			return nil, err
		}
	}
	got, err = s.awaitAnswer(op.Ctx, key, got.Created.Add(within), func(r receiver) bool { return r.Answer != nil })
	return got.Answer, err
}

// sendRequest gives a request to the function or the topic that is to answer it.
func (s *Service) sendRequest(op *resource.Op, request resource.Request) error {
	text := []byte(resource.JSON(request))
	to, err := aws.ParseARN(request.ServiceToken)
	switch {
	case err == nil && to.Service == "lambda":
		_, err = resource.Do(op, lambda.Invoke, &lambda.InvokeInput{FunctionName: request.ServiceToken, InvocationType: new("Event"), Payload: text})
		return err
	case err == nil && to.Service == "sns":
		_, err = resource.Do(op, sns.Publish, &sns.PublishInput{
			TopicArn: &request.ServiceToken, Subject: new("AWS CloudFormation custom resource request"), Message: string(text),
		})
		return err
	}
	return &resource.Refusal{Message: "Invalid service token."}
}

// awaitAnswer waits until a receiver is as wanted, or it is late.
func (s *Service) awaitAnswer(ctx context.Context, key receiverKey, late time.Time, wanted func(receiver) bool) (receiver, error) {
	bell, stop := s.db.Watch(receiverTopic(key.Token))
	defer stop()
	timer := time.NewTimer(time.Until(late))
	defer timer.Stop()
	for {
		var r receiver
		err := s.db.View(ctx, func(tx *store.Tx) error {
			var err error
			r, err = receivers.Get(tx, key)
			return err
		})
		if errors.Is(err, store.ErrNotFound) {
			return r, nil
		}
		if err != nil || wanted(r) {
			return r, err
		}
		if !time.Now().Before(late) {
			return r, nil
		}
		select {
		case <-bell:
		case <-timer.C:
		case <-ctx.Done():
			return r, ctx.Err()
		}
	}
}

// Handle implements resource.Signals.
func (s *Service) Handle(op *resource.Op) (string, error) {
	_, err := s.open(op, receiverFor(op, op.Token), false)
	return signalURL(op, op.Token), err
}

// handleKey is the key of the receiver whose address is handle.
func handleKey(handle string) (receiverKey, error) {
	u, err := url.Parse(handle)
	if err != nil {
		return receiverKey{}, &resource.Refusal{Message: "Invalid WaitCondition handle"}
	}
	id, _, ok := strings.Cut(u.Host, "."+signalHost)
	key, ok2 := receiverAt(id)
	if !ok || !ok2 {
		return key, &resource.Refusal{Message: "Invalid WaitCondition handle"}
	}
	return key, nil
}

// Await implements resource.Signals.
func (s *Service) Await(op *resource.Op, handle string, count int, within time.Duration) (map[string]string, error) {
	key, err := handleKey(handle)
	if err != nil {
		return nil, err
	}
	mine, err := s.open(op, receiverFor(op, op.Token), true) // so that the time is counted from the first try
	if err != nil {
		return nil, err
	}
	failed := ""
	got, err := s.awaitAnswer(op.Ctx, key, mine.Created.Add(within), func(r receiver) bool {
		for id, sig := range r.Signals {
			if sig.Status == "FAILURE" {
				failed = "WaitCondition received failed message: '" + sig.Reason + "' for uniqueId: " + id
			}
		}
		return failed != "" || len(r.Signals) >= count
	})
	if err != nil {
		return nil, err
	}
	if failed != "" {
		return nil, &resource.Refusal{Message: failed}
	}
	data := make(map[string]string)
	for id, sig := range got.Signals {
		data[id] = sig.Data
	}
	return data, nil
}

// Forget implements resource.Signals.
func (s *Service) Forget(op *resource.Op, handle string) error {
	key, err := handleKey(handle)
	if err != nil {
		return nil
	}
	return s.db.Update(op.Ctx, func(tx *store.Tx) error {
		if err := receiverOf.Delete(tx, receiverOfKey{stackID(op.Stack.ID), key.Token}); err != nil {
			return err
		}
		return receivers.Delete(tx, key)
	})
}

// dropReceivers removes those that a stack at rest needs no more, or all of one
// that is deleted.
func dropReceivers(tx *store.Tx, stack aws.ARN, all bool) error {
	for key, resets := range receiverOf.Scan(tx, receiverOfKey{Stack: stack}) {
		if !resets && !all {
			continue
		}
		if err := receivers.Delete(tx, receiverKey{place(stack), key.Token}); err != nil {
			return err
		}
		if err := receiverOf.Delete(tx, key); err != nil {
			return err
		}
	}
	return nil
}

// receive takes an answer or a signal.
func (s *Service) receive(w http.ResponseWriter, r *http.Request, _ *aws.Call, id string) {
	key, ok := receiverAt(id)
	if r.Method != http.MethodPut || !ok {
		http.Error(w, "PUT answers and signals here", http.StatusMethodNotAllowed)
		return
	}
	text, err := io.ReadAll(io.LimitReader(r.Body, maxSignalBytes+1))
	if err != nil {
		http.Error(w, "the answer was cut short", http.StatusBadRequest)
		return
	}
	err = s.db.Update(r.Context(), func(tx *store.Tx) error {
		got, err := receivers.Get(tx, key)
		if err != nil {
			return err
		}
		if got.Resets {
			if got.Answer == nil {
				got.Answer = readAnswer(text)
			}
		} else if err := got.take(text); err != nil {
			return err
		}
		tx.Notify(receiverTopic(key.Token))
		return receivers.Put(tx, key, got)
	})
	switch {
	case errors.Is(err, store.ErrNotFound):
		http.Error(w, "nothing is waited for here", http.StatusNotFound)
	case errors.Is(err, errBadSignal):
		http.Error(w, err.Error(), http.StatusBadRequest)
	case err != nil:
		http.Error(w, "InternalFailure", http.StatusInternalServerError)
	}
}

// readAnswer reads an answer. One that cannot be understood is a failure.
func readAnswer(text []byte) *resource.Answer {
	if len(text) > maxSignalBytes {
		return &resource.Answer{Reason: "Response object is too long."}
	}
	answer := &resource.Answer{}
	if err := json.Unmarshal(text, answer); err != nil {
		return &resource.Answer{Reason: "Response is not valid JSON"}
	}
	if answer.Status != "SUCCESS" && answer.Status != "FAILED" {
		answer.Status, answer.Reason = "", "Invalid response object: 'Status' must be SUCCESS or FAILED"
	}
	if answer.Status == "FAILED" && answer.Reason == "" {
		answer.Reason = "None"
	}
	return answer
}

var errBadSignal = errors.New("a signal is JSON with Status SUCCESS or FAILURE, Reason, UniqueId and Data")

// take adds a signal. Another of the same id takes its place.
func (r *receiver) take(text []byte) error {
	var sig signal
	if err := json.Unmarshal(text, &sig); err != nil || len(text) > maxSignalBytes || sig.UniqueId == "" || sig.Status != "SUCCESS" && sig.Status != "FAILURE" {
		return errBadSignal
	}
	if r.Signals == nil {
		r.Signals = make(map[string]signal)
	}
	r.Signals[sig.UniqueId] = sig
	return nil
}

var _ resource.Signals = (*Service)(nil)
