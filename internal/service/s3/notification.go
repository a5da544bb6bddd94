package s3

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/aloft-cloud/aloft/internal/api/lambda"
	api "github.com/aloft-cloud/aloft/internal/api/s3"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/dispatch"
	"github.com/aloft-cloud/aloft/internal/event"
	"github.com/aloft-cloud/aloft/internal/store"
)

// PutBucketNotificationConfiguration says whom a bucket notifies. Those that
// are new are tried first, as AWS does: a queue or topic gets a test event.
func (s *Service) PutBucketNotificationConfiguration(ctx context.Context, call *aws.Call, in *api.PutBucketNotificationConfigurationInput) (*api.PutBucketNotificationConfigurationOutput, error) {
	conf := in.NotificationConfiguration
	if conf == nil {
		return nil, errMalformed()
	}
	if err := checkNotifications(conf); err != nil {
		return nil, err
	}
	var row bucket
	err := s.db.View(ctx, func(tx *store.Tx) (err error) {
		_, row, err = findBucket(tx, in.Bucket, in.ExpectedBucketOwner)
		return err
	})
	if err != nil {
		return nil, err
	}
	if !aws.Value(in.SkipDestinationValidation) {
		if err := s.tryListeners(ctx, call, in.Bucket, row, listeners(conf)); err != nil {
			return nil, err
		}
	}
	err = s.db.Update(ctx, func(tx *store.Tx) error {
		b, row, err := findBucket(tx, in.Bucket, in.ExpectedBucketOwner)
		if err != nil {
			return err
		}
		row.Notifies = len(listeners(conf)) > 0 || conf.EventBridgeConfiguration != nil
		return errors.Join(buckets.Put(tx, b, row), notifications.Put(tx, b, *conf))
	})
	return &api.PutBucketNotificationConfigurationOutput{}, err
}

// GetBucketNotificationConfiguration says whom a bucket notifies.
func (s *Service) GetBucketNotificationConfiguration(ctx context.Context, call *aws.Call, in *api.GetBucketNotificationConfigurationInput) (*api.GetBucketNotificationConfigurationOutput, error) {
	out := new(api.GetBucketNotificationConfigurationOutput)
	return out, s.db.View(ctx, func(tx *store.Tx) error {
		b, _, err := findBucket(tx, in.Bucket, in.ExpectedBucketOwner)
		if err != nil {
			return err
		}
		conf, err := notifications.Get(tx, b)
		if err != nil && !errors.Is(err, store.ErrNotFound) {
			return err
		}
		*out = api.GetBucketNotificationConfigurationOutput(conf)
		return nil
	})
}

// checkNotifications refuses a configuration that S3 does not take, and gives
// each part that has no id one.
func checkNotifications(conf *api.NotificationConfiguration) error {
	for i := range conf.TopicConfigurations {
		c := &conf.TopicConfigurations[i]
		c.Id = idOf(c.Id)
		c.Filter = capitalised(c.Filter)
	}
	for i := range conf.QueueConfigurations {
		c := &conf.QueueConfigurations[i]
		c.Id = idOf(c.Id)
		c.Filter = capitalised(c.Filter)
	}
	for i := range conf.LambdaFunctionConfigurations {
		c := &conf.LambdaFunctionConfigurations[i]
		c.Id = idOf(c.Id)
		c.Filter = capitalised(c.Filter)
	}
	all := listeners(conf)
	for i := range all {
		if err := all[i].check(); err != nil {
			return err
		}
	}
	return checkOverlaps(all)
}

func idOf(id *string) *string {
	if aws.Value(id) == "" {
		return new(aws.NewRequestID())
	}
	return id
}

// capitalised returns a filter with the names of its rules as AWS shows them.
func capitalised(f *api.NotificationConfigurationFilter) *api.NotificationConfigurationFilter {
	if f == nil || f.Key == nil {
		return f
	}
	for i, r := range f.Key.FilterRules {
		switch strings.ToLower(aws.Value(r.Name)) {
		case "prefix":
			f.Key.FilterRules[i].Name = new("Prefix")
		case "suffix":
			f.Key.FilterRules[i].Name = new("Suffix")
		}
	}
	return f
}

// check refuses a listener that is malformed.
func (n *listener) check() error {
	target, err := aws.ParseARN(n.target)
	services := map[string]string{"CloudFunction": "lambda", "Queue": "sqs", "Topic": "sns"}
	if err != nil || target.Service != services[n.kind] {
		return errArgument(n.kind, n.target, "The ARN could not be parsed")
	}
	if n.kind == "Queue" && strings.HasSuffix(n.target, ".fifo") {
		return errArgument(n.kind, n.target, "FIFO SQS queues are not supported.")
	}
	if len(n.events) == 0 {
		return errMalformed()
	}
	for _, e := range n.events {
		if !slices.Contains(eventNames, strings.TrimPrefix(e, "s3:")) || !strings.HasPrefix(e, "s3:") {
			return errArgument("Event", e, "The event is not supported for notifications")
		}
	}
	if n.filter == nil || n.filter.Key == nil {
		return nil
	}
	seen := make(map[string]bool)
	for _, r := range n.filter.Key.FilterRules {
		name := aws.Value(r.Name)
		switch {
		case name != "Prefix" && name != "Suffix":
			return errArgument("FilterRule.Name", name, "filter rule name must be either prefix or suffix")
		case seen[name]:
			return errArgument("FilterRule.Name", name, "Cannot specify more than one "+strings.ToLower(name)+" rule in a filter.")
		case len(aws.Value(r.Value)) > 1024:
			return errArgument("FilterRule.Value", aws.Value(r.Value), "Size of filter rule value cannot exceed 1024 bytes in UTF-8")
		}
		seen[name] = true
	}
	return nil
}

// eventNames are the events that a listener may ask for, without "s3:".
var eventNames = []string{
	"ReducedRedundancyLostObject", "ObjectCreated:*", "ObjectCreated:Put", "ObjectCreated:Post", "ObjectCreated:Copy",
	"ObjectCreated:CompleteMultipartUpload", "ObjectRemoved:*", "ObjectRemoved:Delete", "ObjectRemoved:DeleteMarkerCreated",
	"ObjectRestore:*", "ObjectRestore:Post", "ObjectRestore:Completed", "ObjectRestore:Delete", "Replication:*",
	"Replication:OperationFailedReplication", "Replication:OperationNotTracked", "Replication:OperationMissedThreshold",
	"Replication:OperationReplicatedAfterThreshold", "LifecycleTransition", "IntelligentTiering", "ObjectAcl:Put",
	"LifecycleExpiration:*", "LifecycleExpiration:Delete", "LifecycleExpiration:DeleteMarkerCreated", "ObjectTagging:*",
	"ObjectTagging:Put", "ObjectTagging:Delete",
}

// checkOverlaps refuses two listeners of which both would hear the same event.
func checkOverlaps(all []listener) error {
	ids := make(map[string]bool)
	for i := range all {
		if ids[all[i].id] {
			return api.InvalidArgument.Errorf("Same ID used for multiple configurations. IDs must be unique")
		}
		ids[all[i].id] = true
		for j := range all[:i] {
			if !all[i].shares(&all[j]) {
				continue
			}
			if all[i].filter == nil && all[j].filter == nil {
				return api.InvalidArgument.Errorf("Configurations overlap. Configurations on the same bucket cannot share a common event type. : [%s, %s]", all[j].id, all[i].id)
			}
			return api.InvalidArgument.Errorf("Configuration is ambiguously defined. Cannot have overlapping suffixes in two rules if the prefixes are overlapping for the same event type.")
		}
	}
	return nil
}

// shares says whether there is an event of which n and other both would hear.
func (n *listener) shares(other *listener) bool {
	common := slices.ContainsFunc(n.events, func(a string) bool {
		return slices.ContainsFunc(other.events, func(b string) bool { return covers(a, b) || covers(b, a) })
	})
	p, s := n.ends()
	q, t := other.ends()
	return common && (strings.HasPrefix(p, q) || strings.HasPrefix(q, p)) && (strings.HasSuffix(s, t) || strings.HasSuffix(t, s))
}

// tryListeners refuses listeners that cannot be told of anything.
func (s *Service) tryListeners(ctx context.Context, call *aws.Call, name string, row bucket, all []listener) error {
	var d api.InvalidArgumentDetail
	places := []struct{ name, value **string }{{&d.ArgumentName1, &d.ArgumentValue1}, {&d.ArgumentName2, &d.ArgumentValue2}}
	bad := 0
	for i := range all {
		why, err := s.try(ctx, call, name, row, &all[i])
		if err != nil {
			return err
		}
		if why == "" {
			continue
		}
		if bad < len(places) {
			argument := all[i].target
			if all[i].kind == "CloudFunction" {
				argument += ", null"
			}
			*places[bad].name, *places[bad].value = &argument, &why
		}
		bad++
	}
	if bad > 0 {
		return api.InvalidArgument.With(&d, "Unable to validate the following destination configurations")
	}
	return nil
}

// try says why a listener cannot be told, or "" if it can.
func (s *Service) try(ctx context.Context, call *aws.Call, name string, row bucket, n *listener) (string, error) {
	target, err := aws.ParseARN(n.target)
	if err != nil {
		return "", err
	}
	if n.kind == "CloudFunction" {
		as := aws.ServiceCall("s3", bucketARN(name))
		as.Account, as.Region = row.Owner, target.Region
		_, err := dispatch.Call(ctx, s.table, as, lambda.Invoke, &lambda.InvokeInput{FunctionName: n.target, InvocationType: new(lambda.InvocationTypeDryRun)})
		if _, refused := errors.AsType[*aws.Error](err); refused {
			return fmt.Sprintf("Not authorized to invoke function [%s]", n.target), nil
		}
		return "", err
	}
	body, err := json.Marshal(testEvent{"Amazon S3", "s3:TestEvent", time.Now().UTC().Format("2006-01-02T15:04:05.000Z"), name, call.RequestID, call.RequestID + "/aloft"})
	if err != nil {
		return "", err
	}
	err = s.deliver.Deliver(ctx, &event.Delivery{
		Source: bucketARN(name), Account: row.Owner, Region: row.Region, Target: target, Body: body, Params: map[string]string{event.Subject: "Amazon S3 Notification"},
	})
	refusal, refused := errors.AsType[*aws.Error](err)
	kind := strings.ToLower(n.kind)
	switch {
	case err == nil:
		return "", nil
	case !refused || refusal.Fault == aws.NotImplemented:
		return "", err
	case s.exists(ctx, call, target):
		return "Permissions on the destination " + kind + " do not allow S3 to publish notifications from this bucket", nil
	}
	return "The destination " + kind + " does not exist", nil
}

// exists says whether a queue or topic is there, as far as the caller may know.
func (s *Service) exists(ctx context.Context, call *aws.Call, target aws.ARN) bool {
	there := *call
	there.Region = target.Region
	operation, in := "GetTopicAttributes", map[string]string{"TopicArn": target.String()}
	if target.Service == "sqs" {
		operation, in = "GetQueueUrl", map[string]string{"QueueName": target.Resource, "QueueOwnerAWSAccountId": target.Account}
	}
	text, err := json.Marshal(in)
	if err == nil {
		_, err = s.table.CallJSON(ctx, &there, target.Service, operation, text)
	}
	return err == nil
}

// A testEvent is what a queue or topic gets that is to be notified.
type testEvent struct{ Service, Event, Time, Bucket, RequestId, HostId string }
