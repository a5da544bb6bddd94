package sns

import (
	"context"
	"crypto/md5"
	"encoding/hex"
	"errors"
	"math/rand/v2"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/aloft-cloud/aloft/internal/api/logs"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/dispatch"
	"github.com/aloft-cloud/aloft/internal/event"
	"github.com/aloft-cloud/aloft/internal/smithy"
)

// feedbackKinds are the protocols whose deliveries a topic may log, by what the
// names of its attributes begin with.
var feedbackKinds = map[string][]string{
	"HTTP": {"http", "https"}, "SQS": {"sqs"}, "Lambda": {"lambda"}, "Firehose": {"firehose"}, "Application": {"application"},
}

const (
	successRole = "SuccessFeedbackRoleArn"
	failureRole = "FailureFeedbackRoleArn"
	sampleRate  = "SuccessFeedbackSampleRate"
)

// feedbackOf splits the name of an attribute of feedback; kind is "" if it is none.
func feedbackOf(name string) (kind, setting string) {
	for kind := range feedbackKinds {
		if setting, ok := strings.CutPrefix(name, kind); ok && (setting == successRole || setting == failureRole || setting == sampleRate) {
			return kind, setting
		}
	}
	return "", ""
}

// checkFeedback refuses the value of an attribute of feedback.
func checkFeedback(name, setting, value string) error {
	if value == "" {
		return nil
	}
	if setting == sampleRate {
		if n, err := strconv.Atoi(value); err != nil || n < 0 || n > 100 {
			return invalid("%s: Invalid value [%s]. Must be an integer between 0 and 100.", name, value)
		}
		return nil
	}
	if !isRole(value) {
		return invalid("%s", name)
	}
	return nil
}

// isRole reports whether text names a role.
func isRole(text string) bool {
	arn, err := aws.ParseARN(text)
	return err == nil && arn.Service == "iam" && strings.HasPrefix(arn.Resource, "role/")
}

// What a delivery carries of what is to be logged of it.
const (
	ofSuccess = "SuccessRole"
	ofFailure = "FailureRole"
	ofMD5     = "MD5"
	ofMessage = "MessageId"
	ofTime    = "Published"
	ofKind    = "Protocol"
	ofTo      = "Destination"
)

// watch has d report what becomes of it, if t logs that for the protocol.
func watch(t *topic, sub *subscription, m *message, d *event.Delivery) {
	for kind, protocols := range feedbackKinds {
		for _, protocol := range protocols {
			if protocol != sub.Protocol {
				continue
			}
			good, bad := t.Attributes[kind+successRole], t.Attributes[kind+failureRole]
			if rate, err := strconv.Atoi(t.Attributes[kind+sampleRate]); err != nil || rand.N(100) >= rate {
				good = ""
			}
			if good == "" && bad == "" {
				return
			}
			sum := md5.Sum([]byte(m.text(sub.Protocol)))
			d.Report = true
			d.Context = map[string]string{
				ofSuccess: good, ofFailure: bad, ofMD5: hex.EncodeToString(sum[:]), ofMessage: m.id, ofKind: sub.Protocol, ofTo: sub.Endpoint,
				ofTime: m.at.UTC().Format(time.RFC3339Nano),
			}
		}
	}
}

type feedback struct {
	Notification struct {
		MD5       string `json:"messageMD5Sum"`
		MessageID string `json:"messageId"`
		Topic     string `json:"topicArn"`
		Timestamp string `json:"timestamp"`
	} `json:"notification"`
	Delivery struct {
		ID          string `json:"deliveryId"`
		Destination string `json:"destination"`
		Response    string `json:"providerResponse,omitempty"`
		Dwell       int64  `json:"dwellTimeMs"`
		Attempts    int    `json:"attempts"`
		Status      int    `json:"statusCode"`
	} `json:"delivery"`
	Status string `json:"status"`
}

// settled is the delivery that logs what became of d, unless that is not wanted.
func (s *Service) settled(d *event.Delivery, o event.Outcome) (log event.Delivery, wanted bool) {
	role, status, group := d.Context[ofSuccess], "SUCCESS", ""
	if o.Err != nil {
		role, status, group = d.Context[ofFailure], "FAILURE", "/Failure"
	}
	if role == "" {
		return log, false
	}
	f := feedback{Status: status}
	n := &f.Notification
	n.MD5, n.MessageID, n.Topic = d.Context[ofMD5], d.Context[ofMessage], d.Source.String()
	now := time.Now()
	if at, err := time.Parse(time.RFC3339Nano, d.Context[ofTime]); err == nil {
		n.Timestamp, f.Delivery.Dwell = at.Format("2006-01-02 15:04:05.000"), now.Sub(at).Milliseconds()
	}
	f.Delivery.ID, f.Delivery.Destination, f.Delivery.Attempts, f.Delivery.Status = aws.NewRequestID(), d.Context[ofTo], o.Attempts, http.StatusOK
	if d.Context[ofKind] == "lambda" {
		f.Delivery.Status = http.StatusAccepted
	}
	if o.Err != nil {
		refusal := aws.Refusal(o.Err)
		f.Delivery.Status = refusal.Status
		f.Delivery.Response = toJSON(map[string]string{"ErrorCode": refusal.Code, "ErrorMessage": refusal.Message})
	}
	target := d.Source
	target.Resource = feedbackTarget
	return event.Delivery{
		Source: d.Source, Target: target, Line: d.Source.Resource + group, Body: []byte(toJSON(f)),
		Params:  map[string]string{paramGroup: "sns/" + d.Source.Region + "/" + d.Source.Account + "/" + d.Source.Resource + group, paramRole: role},
		Context: map[string]string{ofTime: strconv.FormatInt(now.UnixMilli(), 10)},
		Retry:   event.Retry{MaxAge: time.Hour},
	}, true
}

// What deliveries of feedback say.
const (
	feedbackTarget = "feedback/log"
	paramGroup     = "LogGroup"
	paramRole      = "Role"
)

// logFeedback writes a line of a log group, which it makes if it is not there. AWS
// has no such operation.
var logFeedback = smithy.Operation[deliverInput, deliverOutput]{Service: "sns", Name: "LogFeedback"}

func (s *Service) writeFeedback(ctx context.Context, call *aws.Call, in *deliverInput) (*deliverOutput, error) {
	d := in.delivery
	session, err := s.sessions.Assume(ctx, call, d.Params[paramRole])
	if err != nil {
		return nil, err
	}
	by := session.Call(call)
	at, err := strconv.ParseInt(d.Context[ofTime], 10, 64)
	if err != nil {
		return nil, err
	}
	group := d.Params[paramGroup]
	stream := time.UnixMilli(at).UTC().Format("2006/01/02")
	put := &logs.PutLogEventsInput{LogGroupName: group, LogStreamName: stream, LogEvents: []logs.InputLogEvent{{Timestamp: at, Message: string(d.Body)}}}
	_, err = dispatch.Call(ctx, s.table, by, logs.PutLogEvents, put)
	if !errors.Is(err, logs.ResourceNotFoundException) {
		return &deliverOutput{}, err
	}
	if _, err := dispatch.Call(ctx, s.table, by, logs.CreateLogGroup, &logs.CreateLogGroupInput{LogGroupName: group}); err != nil && !errors.Is(err, logs.ResourceAlreadyExistsException) {
		return nil, err
	}
	if _, err := dispatch.Call(ctx, s.table, by, logs.CreateLogStream, &logs.CreateLogStreamInput{LogGroupName: group, LogStreamName: stream}); err != nil && !errors.Is(err, logs.ResourceAlreadyExistsException) {
		return nil, err
	}
	_, err = dispatch.Call(ctx, s.table, by, logs.PutLogEvents, put)
	return &deliverOutput{}, err
}
