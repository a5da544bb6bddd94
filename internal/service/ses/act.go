package ses

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/aloft-cloud/aloft/internal/api/lambda"
	api "github.com/aloft-cloud/aloft/internal/api/ses"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/dispatch"
	"github.com/aloft-cloud/aloft/internal/event"
	"github.com/aloft-cloud/aloft/internal/store"
)

const (
	actionsLast = 4 * time.Hour // that an action is tried, which may succeed later
	maxTold     = 150 << 10     // bytes of a message that a topic gets
	deciding    = 30 * time.Second
)

// A flow says what is done after an action.
type flow int

const (
	goOn     flow = iota // with the next action
	stopRule             // with the next rule
	stopSet              // with nothing
)

// A step is what an action comes to, of which the store hears in one transaction.
type step struct {
	flow
	send []event.Delivery
	head string // headers that are added
}

// goThroughRules does what the rules say that mail has met, action by action,
// and notes after each how far it came.
func (s *Service) goThroughRules(ctx context.Context, _ *aws.Call, in *mailInput) (*mailOutput, error) {
	at := in.delivery.Target
	key := arrivalKey{ID: strings.TrimPrefix(at.Resource, arrivalKind)}
	key.Account = at
	key.Account.Resource = ""
	for {
		w, err := s.open(ctx, key)
		if err != nil || w == nil {
			return &mailOutput{}, err
		}
		did, err := s.do(ctx, w)
		err = errors.Join(err, w.message.Close())
		if err != nil {
			if passing(err) && time.Since(w.row.At) < actionsLast {
				return nil, err
			}
			s.Log.Warn("action of a receipt rule failed", "rule", w.rule.Name, "set", w.row.Set, "account", key.Account.Account, "region", key.Account.Region, "mail", key.ID, "err", err)
			did = step{}
		}
		if err := s.note(ctx, w, did); err != nil {
			return nil, err
		}
	}
}

// passing reports whether what failed may succeed later.
func passing(err error) bool {
	refusal, ok := errors.AsType[*aws.Error](err)
	return !ok || refusal.Status >= 500 && refusal.Code != aws.NotImplemented.Code || refusal.Status == 429
}

// work is an action that is to be done with mail.
type work struct {
	key     arrivalKey
	row     arrival
	rule    *met
	action  *api.ReceiptAction
	message *store.BodyReader
}

// open finds what is to be done next with mail: nil, if that is all.
func (s *Service) open(ctx context.Context, key arrivalKey) (w *work, err error) {
	err = s.DB.View(ctx, func(tx *store.Tx) error {
		w = nil
		row, err := arrivals.Get(tx, key)
		if errors.Is(err, store.ErrNotFound) {
			return nil
		}
		if err != nil {
			return err
		}
		w = &work{key: key, row: row}
		w.message, err = s.DB.Blobs().Open(tx, row.Body)
		return err
	})
	if err != nil || w == nil {
		return nil, err
	}
	w.rule = &w.row.Rules[w.row.Rule]
	if w.row.Action < len(w.rule.Actions) {
		w.action = &w.rule.Actions[w.row.Action]
	}
	return w, nil
}

// note keeps how far mail came, with what that sets off. When all is done, the
// mail is not kept any more.
func (s *Service) note(ctx context.Context, w *work, did step) error {
	return s.DB.Update(ctx, func(tx *store.Tx) error {
		row, err := arrivals.Get(tx, w.key)
		if errors.Is(err, store.ErrNotFound) {
			return nil
		}
		if err != nil {
			return err
		}
		if row.Rule != w.row.Rule || row.Action != w.row.Action {
			return nil // it was done already
		}
		for _, d := range did.send {
			if err := s.Router.Send(tx, d); err != nil {
				return err
			}
		}
		row.Head = did.head + row.Head
		row.Action++
		if did.flow == stopRule || row.Action >= len(w.rule.Actions) {
			row.Rule, row.Action = row.Rule+1, 0
		}
		if did.flow == stopSet || row.Rule >= len(row.Rules) {
			return errors.Join(arrivals.Delete(tx, w.key), s.DB.Blobs().Drop(tx, row.Body))
		}
		return arrivals.Put(tx, w.key, row)
	})
}

// by is the call of the rule.
func (w *work) by() *aws.Call {
	return aws.ServiceCall("ses", ruleARN(w.key.Account, w.row.Set, w.rule.Name))
}

// whole is the message with the headers that it got here.
func (w *work) whole() io.Reader { return io.MultiReader(strings.NewReader(w.row.Head), w.message) }

func (w *work) size() int64 { return int64(len(w.row.Head)) + w.message.Size() }

// about is what events say of the mail and of the action.
func (w *work) about() (receivedMail, receiptNotice, error) {
	head, err := io.ReadAll(io.LimitReader(w.whole(), maxHead))
	if err != nil {
		return receivedMail{}, receiptNotice{}, err
	}
	_, err = w.message.Seek(0, io.SeekStart)
	return describe(&w.row, w.key.ID, head), receiptOf(&w.row, w.rule, noticeOf(w.action, w.key.ID), time.Now()), err
}

// tell is the delivery by which a topic hears of an action, if it names one.
func (w *work) tell(content *string) ([]event.Delivery, error) {
	topic := topicOf(w.action)
	if topic == nil {
		return nil, nil
	}
	arn, err := aws.ParseARN(*topic)
	if err != nil {
		return nil, err
	}
	m, r, err := w.about()
	if err != nil {
		return nil, err
	}
	body, err := mailNotification(m, r, content)
	if err != nil {
		return nil, err
	}
	return []event.Delivery{{
		Source: w.by().Principal.Source, Target: arn, Body: body, Line: w.key.ID, Params: map[string]string{event.Subject: "Amazon SES Email Receipt Notification"},
	}}, nil
}

// do does the next action.
func (s *Service) do(ctx context.Context, w *work) (did step, err error) {
	a := w.action
	switch {
	case a == nil: // a rule without actions
		return step{}, nil
	case a.S3Action != nil:
		if err := s.storeObject(ctx, w.by(), a.S3Action, aws.Value(a.S3Action.ObjectKeyPrefix)+w.key.ID, w.whole()); err != nil {
			return did, err
		}
		if _, err := w.message.Seek(0, io.SeekStart); err != nil {
			return did, err
		}
	case a.SNSAction != nil:
		return w.publish()
	case a.LambdaAction != nil:
		return s.invoke(ctx, w)
	case a.BounceAction != nil:
		b := a.BounceAction
		did.send, err = w.bounce(b.Sender, b.SmtpReplyCode, aws.Value(b.StatusCode), b.Message)
	case a.StopAction != nil:
		did.flow = stopSet
	case a.AddHeaderAction != nil:
		did.head = a.AddHeaderAction.HeaderName + ": " + a.AddHeaderAction.HeaderValue + "\r\n"
	}
	if err != nil {
		return did, err
	}
	told, err := w.tell(nil)
	did.send = append(did.send, told...)
	return did, err
}

// publish tells a topic of mail, with all of it. What is too large for that goes
// back to who sent it.
func (w *work) publish() (did step, err error) {
	if w.size() > maxTold {
		did.send, err = w.bounce("MAILER-DAEMON@amazonses.com", "552", "5.3.4", fmt.Sprintf("Message size exceeds the maximum of %d KB", maxTold>>10))
		return did, err
	}
	data, err := io.ReadAll(w.whole())
	if err != nil {
		return did, err
	}
	if _, err := w.message.Seek(0, io.SeekStart); err != nil {
		return did, err
	}
	content := strings.ToValidUTF8(string(data), "\ufffd")
	if aws.Value(w.action.SNSAction.Encoding) == api.SNSActionEncodingBase64 {
		content = base64.StdEncoding.EncodeToString(data)
	}
	did.send, err = w.tell(&content)
	return did, err
}

// invoke has a function hear of mail, and, if it is asked, decide on it.
func (s *Service) invoke(ctx context.Context, w *work) (did step, err error) {
	f := w.action.LambdaAction
	arn, err := aws.ParseARN(f.FunctionArn)
	if err != nil {
		return did, err
	}
	m, r, err := w.about()
	if err != nil {
		return did, err
	}
	body, err := lambdaEvent(m, r)
	if err != nil {
		return did, err
	}
	if did.send, err = w.tell(nil); err != nil {
		return did, err
	}
	by := w.by()
	if aws.Value(f.InvocationType) != api.InvocationTypeRequestResponse {
		did.send = append(did.send, event.Delivery{Source: by.Principal.Source, Target: arn, Body: body, Line: w.key.ID, Retry: event.Retry{MaxAge: actionsLast}})
		return did, nil
	}
	ctx, done := context.WithTimeout(ctx, deciding)
	defer done()
	out, err := dispatch.Call(ctx, s.Table, by, lambda.Invoke, &lambda.InvokeInput{FunctionName: f.FunctionArn, InvocationType: new(lambda.InvocationTypeRequestResponse), Payload: body})
	if errors.Is(err, context.DeadlineExceeded) {
		return did, aws.Fault{Code: "FunctionTimedOut", Status: 400}.Errorf("The function did not answer within %s.", deciding)
	}
	if err != nil {
		return did, err
	}
	if out.FunctionError != nil {
		s.Log.Warn("function of a receipt rule failed", "function", f.FunctionArn, "mail", w.key.ID, "err", *out.FunctionError)
		return did, nil
	}
	did.flow = disposition(out.Payload)
	return did, nil
}

// disposition is what a function says is to be done after it. What says nothing
// of that lets the rest go on.
func disposition(payload []byte) flow {
	var said struct {
		Disposition string `json:"disposition"`
	}
	if json.Unmarshal(bytes.TrimSpace(payload), &said) != nil {
		return goOn
	}
	switch strings.ToUpper(said.Disposition) {
	case "STOP_RULE":
		return stopRule
	case "STOP_RULE_SET":
		return stopSet
	}
	return goOn
}
