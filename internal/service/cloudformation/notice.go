package cloudformation

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/aloft-cloud/aloft/internal/api/sns"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/deploy"
	"github.com/aloft-cloud/aloft/internal/dispatch"
	"github.com/aloft-cloud/aloft/internal/store"
)

// A notice is an event of a stack that topics are yet to be told of.
type notice struct {
	Stack  aws.ARN
	Topics []string
	Event  deploy.Event
}

// notices are all in one line, so that they are told in order.
var notices = store.NewLog[string, notice]("cloudformation.notice")

const (
	noticeLine  = "all"
	noticeTopic = "cloudformation/notice"
)

// noteEvent has the topics of a stack told of an event.
func noteEvent(tx *store.Tx, st *deploy.Stack, e deploy.Event) error {
	spec := &st.Spec
	if st.Next != nil {
		spec = st.Next
	}
	if len(spec.NotificationARNs) == 0 {
		return nil
	}
	tx.Notify(noticeTopic)
	_, err := notices.Append(tx, noticeLine, notice{stackID(st.ID), spec.NotificationARNs, e})
	return err
}

// tell publishes notices until ctx ends.
func (s *Service) tell(ctx context.Context) (time.Duration, error) {
	bell, stop := s.db.Watch(noticeTopic)
	defer stop()
	for {
		var last *store.Position
		var list []notice
		callers := make(map[aws.ARN]aws.Call)
		err := s.db.View(ctx, func(tx *store.Tx) error {
			last, list = nil, nil
			for at, n := range notices.Scan(tx, noticeLine, store.Position{}) {
				st, err := stacks.Get(tx, n.Stack)
				if err != nil {
					return err
				}
				callers[n.Stack] = st.Caller
				last, list = &at, append(list, n)
			}
			return nil
		})
		if err != nil {
			return 0, err
		}
		for _, n := range list {
			s.publish(ctx, callers[n.Stack], n)
		}
		if last == nil {
			select {
			case <-bell:
				continue
			case <-ctx.Done():
				return 0, nil
			}
		}
		err = s.db.Update(ctx, func(tx *store.Tx) error { return notices.Trim(tx, noticeLine, *last) })
		if err != nil {
			return 0, err
		}
	}
}

// publish tells the topics of a notice, as who deploys the stack.
func (s *Service) publish(ctx context.Context, call aws.Call, n notice) {
	for _, topic := range n.Topics {
		call.RequestID = aws.NewRequestID()
		_, err := dispatch.CallChecked(ctx, s.table, &call, sns.Publish, &sns.PublishInput{
			TopicArn: &topic, Subject: new("AWS CloudFormation Notification"), Message: n.text(),
		})
		if err != nil {
			slog.WarnContext(ctx, "a topic was not told of what a stack does", "stack", n.Stack.String(), "topic", topic, "err", err)
		}
	}
}

// text is a notice as AWS writes it.
func (n notice) text() string {
	e := n.Event
	token := e.Token
	if token == "" {
		token = "null"
	}
	var b strings.Builder
	for _, line := range [][2]string{
		{"StackId", n.Stack.String()}, {"Timestamp", e.Time.UTC().Format("2006-01-02T15:04:05.000Z")}, {"EventId", e.ID},
		{"LogicalResourceId", e.LogicalID}, {"Namespace", n.Stack.Account}, {"PhysicalResourceId", e.PhysicalID},
		{"ResourceProperties", e.Properties}, {"ResourceStatus", e.Status}, {"ResourceStatusReason", e.Reason},
		{"ResourceType", e.Type}, {"StackName", stackName(n.Stack)}, {"ClientRequestToken", token},
	} {
		fmt.Fprintf(&b, "%s='%s'\n", line[0], line[1])
	}
	return b.String()
}
