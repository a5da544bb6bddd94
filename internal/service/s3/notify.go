package s3

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"

	api "github.com/aloft-cloud/aloft/internal/api/s3"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/event"
	"github.com/aloft-cloud/aloft/internal/store"
)

// A deed is a change to an object that a bucket may tell of.
type deed struct {
	call   *aws.Call
	bucket string
	key    string
	event  string // "ObjectCreated:Put"
	reason string // of it, as EventBridge hears: "PutObject"; for tags and lists, none
	bypass bool   // goes around locks by GOVERNANCE
}

// tell sends word of d, which made o or removed it, to whom the bucket
// notifies: if and only if tx is kept.
func (s *Service) tell(tx *store.Tx, row bucket, d deed, o object) error {
	if !row.Notifies {
		return nil
	}
	b := bucketARN(d.bucket)
	conf, err := notifications.Get(tx, b)
	if errors.Is(err, store.ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	now := time.Now().UTC()
	for _, n := range listeners(&conf) {
		if !n.hears(d) {
			continue
		}
		target, err := aws.ParseARN(n.target)
		if err != nil {
			return err
		}
		body, err := json.Marshal(records{[]record{d.record(row, o, n.id, now)}})
		if err != nil {
			return err
		}
		err = s.events.Send(tx, event.Delivery{
			Source: b, Account: row.Owner, Region: row.Region, Trace: d.call.Trace, Target: target, Body: body,
			Params: map[string]string{event.Subject: "Amazon S3 Notification"},
		})
		if err != nil {
			return err
		}
	}
	if conf.EventBridgeConfiguration == nil {
		return nil
	}
	return s.tellBus(tx, row, d, o, now)
}

// A listener is whom a bucket notifies of some events.
type listener struct {
	id, target string
	kind       string // "CloudFunction", "Queue", "Topic": as configurations name it
	events     []string
	filter     *api.NotificationConfigurationFilter
}

// listeners are all that conf has, but for EventBridge.
func listeners(conf *api.NotificationConfiguration) []listener {
	var all []listener
	for _, c := range conf.TopicConfigurations {
		all = append(all, listener{aws.Value(c.Id), c.TopicArn, "Topic", c.Events, c.Filter})
	}
	for _, c := range conf.QueueConfigurations {
		all = append(all, listener{aws.Value(c.Id), c.QueueArn, "Queue", c.Events, c.Filter})
	}
	for _, c := range conf.LambdaFunctionConfigurations {
		all = append(all, listener{aws.Value(c.Id), c.LambdaFunctionArn, "CloudFunction", c.Events, c.Filter})
	}
	return all
}

// hears says whether n is to be told of d.
func (n *listener) hears(d deed) bool {
	for _, e := range n.events {
		if covers(strings.TrimPrefix(e, "s3:"), d.event) {
			prefix, suffix := n.ends()
			return strings.HasPrefix(d.key, prefix) && strings.HasSuffix(d.key, suffix)
		}
	}
	return false
}

// covers says whether a pattern of events, "ObjectCreated:*", is one of the other's.
func covers(pattern, name string) bool {
	if all, ok := strings.CutSuffix(pattern, "*"); ok {
		return strings.HasPrefix(name, all)
	}
	return pattern == name
}

// ends are how keys that n hears of begin and end.
func (n *listener) ends() (prefix, suffix string) {
	if n.filter == nil || n.filter.Key == nil {
		return "", ""
	}
	for _, r := range n.filter.Key.FilterRules {
		if strings.EqualFold(aws.Value(r.Name), "prefix") {
			prefix = aws.Value(r.Value)
		} else {
			suffix = aws.Value(r.Value)
		}
	}
	return prefix, suffix
}

// records is what is told to queues, topics and functions.
type records struct{ Records []record }

// A record is one event, in the order of members that AWS has.
type record struct {
	EventVersion      string            `json:"eventVersion"`
	EventSource       string            `json:"eventSource"`
	AWSRegion         string            `json:"awsRegion"`
	EventTime         string            `json:"eventTime"`
	EventName         string            `json:"eventName"`
	UserIdentity      principal         `json:"userIdentity"`
	RequestParameters map[string]string `json:"requestParameters"`
	ResponseElements  struct {
		RequestID string `json:"x-amz-request-id"`
		HostID    string `json:"x-amz-id-2"`
	} `json:"responseElements"`
	S3 struct {
		SchemaVersion   string `json:"s3SchemaVersion"`
		ConfigurationID string `json:"configurationId"`
		Bucket          struct {
			Name  string    `json:"name"`
			Owner principal `json:"ownerIdentity"`
			ARN   string    `json:"arn"`
		} `json:"bucket"`
		Object recordedObject `json:"object"`
	} `json:"s3"`
}

type principal struct {
	ID string `json:"principalId"`
}

type recordedObject struct {
	Key       string `json:"key"`
	Size      *int64 `json:"size,omitempty"`
	ETag      string `json:"eTag,omitempty"`
	Version   string `json:"versionId,omitempty"`
	Sequencer string `json:"sequencer,omitempty"`
}

// record is d as told to a listener.
func (d *deed) record(row bucket, o object, id string, now time.Time) record {
	r := record{EventVersion: "2.1", EventSource: "aws:s3", AWSRegion: row.Region, EventName: d.event}
	r.EventTime = now.Format("2006-01-02T15:04:05.000Z")
	r.UserIdentity = principal{"AWS:" + d.call.Principal.ID}
	r.RequestParameters = map[string]string{"sourceIPAddress": d.call.SourceIP}
	r.ResponseElements.RequestID, r.ResponseElements.HostID = d.call.RequestID, d.call.RequestID+"/aloft"
	r.S3.SchemaVersion, r.S3.ConfigurationID = "1.0", id
	r.S3.Bucket.Name, r.S3.Bucket.ARN = d.bucket, bucketARN(d.bucket).String()
	r.S3.Bucket.Owner = principal{ownerPrincipal(row.Owner)}
	r.S3.Object = recordedObject{Key: escapeKey(d.key), ETag: o.ETag, Version: aws.Value(o.versionID())}
	switch kind, _, _ := strings.Cut(d.event, ":"); kind {
	case "ObjectCreated":
		r.S3.Object.Size, r.S3.Object.Sequencer = &o.Size, sequencer(now)
	case "ObjectRemoved", "LifecycleExpiration":
		r.S3.Object.Sequencer = sequencer(now)
		if !o.Marker {
			r.S3.Object.ETag = ""
		}
	default:
		r.EventVersion = "2.3"
	}
	return r
}

// escapeKey writes a key as events do: as forms would, but for slashes.
func escapeKey(key string) string { return strings.ReplaceAll(url.QueryEscape(key), "%2F", "/") }

// sequencer is a text that is greater for later events.
func sequencer(now time.Time) string { return fmt.Sprintf("00%016X", now.UnixNano()) }

// ownerPrincipal is the name that events have for an account.
func ownerPrincipal(account string) string {
	return "A" + strings.ToUpper(canonicalID(account)[:13])
}

// tellBus sends word of d to the default event bus of the bucket's owner.
func (s *Service) tellBus(tx *store.Tx, row bucket, d deed, o object, now time.Time) error {
	detailType := d.detailType(o)
	if detailType == "" {
		return nil
	}
	detail := busDetail{Version: "0", RequestID: d.call.RequestID, Requester: d.requester(), SourceIP: d.call.SourceIP, Reason: d.reason}
	detail.Bucket.Name = d.bucket
	detail.Object = busObject{Key: d.key, Version: aws.Value(o.namedVersion())}
	switch detailType {
	case "Object Created":
		detail.Object.Size, detail.Object.ETag, detail.Object.Sequencer = &o.Size, o.ETag, sequencer(now)
	case "Object Deleted":
		detail.Object.Sequencer = sequencer(now)
		if detail.Deletion = "Permanently Deleted"; strings.HasSuffix(d.event, "DeleteMarkerCreated") {
			detail.Deletion, detail.Object.ETag = "Delete Marker Created", o.ETag
		}
	case "Object Restore Initiated", "Object Restore Completed":
		detail.Object.Size, detail.Object.ETag, detail.Class = &o.Size, o.ETag, o.class()
		if until := o.More.restored(); !until.IsZero() {
			detail.SourceIP, detail.Restored = "", until.Format(time.RFC3339)
		}
	default:
		detail.Object.ETag = o.ETag
	}
	body, err := json.Marshal(busEvent{
		Version: "0", ID: aws.NewRequestID(), DetailType: detailType, Source: "aws.s3", Account: row.Owner,
		Time: now.Format(time.RFC3339), Region: row.Region, Resources: []string{bucketARN(d.bucket).String()}, Detail: detail,
	})
	if err != nil {
		return err
	}
	return s.events.Send(tx, event.Delivery{
		Source: bucketARN(d.bucket), Account: row.Owner, Region: row.Region, Trace: d.call.Trace, Body: body,
		Target: aws.ARN{Service: "events", Region: row.Region, Account: row.Owner, Resource: "event-bus/default"},
	})
}

// detailType is what EventBridge calls d, or "" if it does not hear of such.
func (d *deed) detailType(o object) string {
	switch kind, what, _ := strings.Cut(d.event, ":"); kind {
	case "ObjectCreated":
		return "Object Created"
	case "ObjectRemoved", "LifecycleExpiration":
		return "Object Deleted"
	case "ObjectTagging":
		if what == "Put" {
			return "Object Tags Added"
		}
		return "Object Tags Deleted"
	case "ObjectAcl":
		return "Object ACL Updated"
	case "ObjectRestore":
		if what == "Post" {
			return "Object Restore Initiated"
		}
		return "Object Restore Completed"
	}
	return ""
}

// requester is who did d: an account, or a service.
func (d *deed) requester() string {
	if d.call.Principal.Kind == aws.Service {
		return d.call.Principal.ARN
	}
	return d.call.Principal.Account
}

// A busEvent is an event as EventBridge has it.
type busEvent struct {
	Version    string    `json:"version"`
	ID         string    `json:"id"`
	DetailType string    `json:"detail-type"`
	Source     string    `json:"source"`
	Account    string    `json:"account"`
	Time       string    `json:"time"`
	Region     string    `json:"region"`
	Resources  []string  `json:"resources"`
	Detail     busDetail `json:"detail"`
}

type busDetail struct {
	Version string `json:"version"`
	Bucket  struct {
		Name string `json:"name"`
	} `json:"bucket"`
	Object    busObject `json:"object"`
	RequestID string    `json:"request-id"`
	Requester string    `json:"requester"`
	SourceIP  string    `json:"source-ip-address,omitempty"`
	Reason    string    `json:"reason,omitempty"`
	Deletion  string    `json:"deletion-type,omitempty"`
	Restored  string    `json:"restore-expiry-time,omitempty"`
	Class     string    `json:"source-storage-class,omitempty"`
}

type busObject struct {
	Key       string `json:"key"`
	Size      *int64 `json:"size,omitempty"`
	ETag      string `json:"etag,omitempty"`
	Version   string `json:"version-id,omitempty"`
	Sequencer string `json:"sequencer,omitempty"`
}
