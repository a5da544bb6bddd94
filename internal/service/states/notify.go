package states

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/aloft-cloud/aloft/internal/api/logs"
	api "github.com/aloft-cloud/aloft/internal/api/states"
	"github.com/aloft-cloud/aloft/internal/auth"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/dispatch"
	"github.com/aloft-cloud/aloft/internal/event"
	"github.com/aloft-cloud/aloft/internal/gateway/accesslog"
	"github.com/aloft-cloud/aloft/internal/service/states/flow"
	"github.com/aloft-cloud/aloft/internal/store"
)

// A statusChange is the detail of the event that says how an execution is.
type statusChange struct {
	ExecutionArn           string       `json:"executionArn"`
	StateMachineArn        string       `json:"stateMachineArn"`
	Name                   string       `json:"name"`
	Status                 string       `json:"status"`
	StartDate              int64        `json:"startDate"`
	StopDate               *int64       `json:"stopDate"`
	Input                  *string      `json:"input"`
	Output                 *string      `json:"output"`
	StateMachineVersionArn *string      `json:"stateMachineVersionArn"`
	StateMachineAliasArn   *string      `json:"stateMachineAliasArn"`
	RedriveCount           int32        `json:"redriveCount"`
	RedriveDate            *int64       `json:"redriveDate"`
	RedriveStatus          string       `json:"redriveStatus"`
	RedriveStatusReason    *string      `json:"redriveStatusReason"`
	InputDetails           *dataDetails `json:"inputDetails"`
	OutputDetails          *dataDetails `json:"outputDetails"`
	Error                  *string      `json:"error"`
	Cause                  *string      `json:"cause"`
}

type dataDetails struct {
	Included bool `json:"included"`
}

// maxInEvent is how much data an event has at most; more is left out.
const maxInEvent = 248 << 10

// notify tells the default bus what the status of an execution is now.
func (s *Service) notify(tx *store.Tx, arn aws.ARN, e *execution) error {
	now := *e
	tx.AfterCommit(func() { s.measure(&now) })
	status, why := e.redrivable()
	detail := statusChange{
		ExecutionArn: arn.String(), StateMachineArn: e.machineARN(), Name: e.Name, Status: e.Status, StartDate: e.Started.UnixMilli(),
		StopDate: ms(e.Stopped), StateMachineVersionArn: e.versionARN(), StateMachineAliasArn: e.aliasARN(), RedriveCount: e.Redrives,
		RedriveDate: ms(e.Redriven), RedriveStatus: status, RedriveStatusReason: optional(why), Error: e.Error, Cause: e.Cause,
		Input: &e.Input, InputDetails: &dataDetails{true},
	}
	if e.Output != nil {
		detail.Output, detail.OutputDetails = e.Output, &dataDetails{true}
	}
	if len(e.Input)+len(aws.Value(e.Output)) > maxInEvent {
		detail.Input, detail.InputDetails = nil, &dataDetails{false}
		if e.Output != nil {
			detail.Output, detail.OutputDetails = nil, &dataDetails{false}
		}
	}
	body, err := json.Marshal(struct {
		Source     string       `json:"source"`
		DetailType string       `json:"detail-type"`
		Resources  []string     `json:"resources"`
		Detail     statusChange `json:"detail"`
	}{"aws.states", "Step Functions Execution Status Change", []string{arn.String()}, detail})
	if err != nil {
		return err
	}
	bus := aws.ARN{Service: "events", Region: arn.Region, Account: arn.Account, Resource: "event-bus/default"}
	return s.Router.Send(tx, event.Delivery{Source: e.Machine, Target: bus, Body: body})
}

func ms(t time.Time) *int64 {
	if t.IsZero() {
		return nil
	}
	return new(t.UnixMilli())
}

// log has events of an execution written to the log of its machine, once tx is kept.
func (s *Service) log(tx *store.Tx, arn aws.ARN, e *execution, events []flow.Event) error {
	what, err := specs.Get(tx, specKey{e.Machine, e.Spec})
	if err != nil {
		return err
	}
	if len(what.Logging.Destinations) == 0 {
		return nil
	}
	events, redrives := slices.Clone(events), e.Redrives
	tx.AfterCommit(func() { s.logEvents(arn, e.Machine, &what.Logging, redrives, events) })
	return nil
}

// fatal and failures are what types of events end with that are logged at
// levels FATAL and ERROR.
var (
	fatal    = []string{"ExecutionAborted", "ExecutionFailed", "ExecutionTimedOut"}
	failures = []string{"Aborted", "Failed", "TimedOut"}
)

// wanted says whether events of a type are logged at a level.
func wanted(level, kind string) bool {
	switch level {
	case api.LogLevelAll:
		return true
	case api.LogLevelError:
		return slices.ContainsFunc(failures, func(end string) bool { return strings.HasSuffix(kind, end) })
	case api.LogLevelFatal:
		return slices.Contains(fatal, kind)
	}
	return false
}

// logEvents has events written to a log.
func (s *Service) logEvents(execution, machine aws.ARN, c *api.LoggingConfiguration, redrives int32, events []flow.Event) {
	group, ok := accesslog.GroupOf(aws.Value(aws.Value(c.Destinations[0].CloudWatchLogsLogGroup).LogGroupArn), machine.Account)
	if !ok {
		return // it was checked when the machine was made
	}
	sum := sha256.Sum256([]byte(machine.String()))
	for i := range events {
		e := &events[i]
		if !wanted(*c.Level, e.Type) {
			continue
		}
		line, err := json.Marshal(struct {
			ID        string          `json:"id"`
			Type      string          `json:"type"`
			Details   json.RawMessage `json:"details"`
			Previous  string          `json:"previous_event_id"`
			At        string          `json:"event_timestamp"`
			Execution string          `json:"execution_arn"`
			Redrives  string          `json:"redrive_count"`
		}{
			strconv.FormatInt(e.ID, 10), e.Type, e.LogDetails(*c.IncludeExecutionData), strconv.FormatInt(e.Prev, 10),
			strconv.FormatInt(e.At.UnixMilli(), 10), execution.String(), strconv.Itoa(int(redrives)),
		})
		if err != nil {
			s.Log.Error("event cannot be logged", "execution", execution.String(), "err", err)
			continue
		}
		stream := "states/" + strings.TrimPrefix(machine.Resource, machineKind) + "/" + e.At.Format("2006-01-02-15-00") + "/" + hex.EncodeToString(sum[:4])
		s.lines.Add(accesslog.Place{Group: group, Stream: stream}, accesslog.Line{At: e.At, Text: string(line)})
	}
}

// writeLog writes lines to a log group.
func (s *Service) writeLog(ctx context.Context, at accesslog.Place, lines []accesslog.Line) error {
	err := dispatch.WriteLog(ctx, s.Table, auth.Root(at.Group.Account), at, lines)
	if errors.Is(err, logs.ResourceNotFoundException) {
		s.Log.Warn("log of a state machine has no group", "group", at.Group.String(), "lines", len(lines))
		return nil
	}
	return err
}
