package s3

import (
	"context"
	"fmt"
	"net/url"
	"strings"
	"time"

	api "github.com/aloft-cloud/aloft/internal/api/s3"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/store"
)

const maxRules = 1000

// PutBucketLifecycleConfiguration says when objects of a bucket go, or go to
// another storage class.
func (s *Service) PutBucketLifecycleConfiguration(ctx context.Context, call *aws.Call, in *api.PutBucketLifecycleConfigurationInput) (*api.PutBucketLifecycleConfigurationOutput, error) {
	least := aws.Or(in.TransitionDefaultMinimumObjectSize, api.TransitionDefaultMinimumObjectSizeAllStorageClasses128k)
	if least != api.TransitionDefaultMinimumObjectSizeAllStorageClasses128k && least != api.TransitionDefaultMinimumObjectSizeVariesByStorageClass {
		return nil, api.InvalidRequest.Errorf("Invalid TransitionDefaultMinimumObjectSize found: %s", least)
	}
	if in.LifecycleConfiguration == nil {
		return nil, errMalformed()
	}
	rules := in.LifecycleConfiguration.Rules
	if err := checkRules(rules); err != nil {
		return nil, err
	}
	err := s.setLifecycle(ctx, in.Bucket, in.ExpectedBucketOwner, &lifecycle{rules, least})
	if err != nil {
		return nil, err
	}
	return &api.PutBucketLifecycleConfigurationOutput{TransitionDefaultMinimumObjectSize: &least}, nil
}

// GetBucketLifecycleConfiguration returns what was said last.
func (s *Service) GetBucketLifecycleConfiguration(ctx context.Context, call *aws.Call, in *api.GetBucketLifecycleConfigurationInput) (*api.GetBucketLifecycleConfigurationOutput, error) {
	c, err := s.settingsOf(ctx, in.Bucket, in.ExpectedBucketOwner)
	if err != nil {
		return nil, err
	}
	if c.Lifecycle == nil {
		return nil, api.NoSuchLifecycleConfiguration.With(
			&api.NoSuchLifecycleConfigurationDetail{BucketName: in.Bucket}, "The lifecycle configuration does not exist")
	}
	return &api.GetBucketLifecycleConfigurationOutput{Rules: c.Lifecycle.Rules, TransitionDefaultMinimumObjectSize: &c.Lifecycle.Least}, nil
}

// DeleteBucketLifecycle has objects stay.
func (s *Service) DeleteBucketLifecycle(ctx context.Context, call *aws.Call, in *api.DeleteBucketLifecycleInput) (*api.DeleteBucketLifecycleOutput, error) {
	return &api.DeleteBucketLifecycleOutput{}, s.setLifecycle(ctx, in.Bucket, in.ExpectedBucketOwner, nil)
}

func (s *Service) setLifecycle(ctx context.Context, name string, expectedOwner *string, l *lifecycle) error {
	return s.db.Update(ctx, func(tx *store.Tx) error {
		b, row, err := findBucket(tx, name, expectedOwner)
		if err != nil {
			return err
		}
		conf, err := findSettings(tx, b)
		if err != nil {
			return err
		}
		conf.Lifecycle, row.Lifecycle = l, l != nil
		if err := buckets.Put(tx, b, row); err != nil {
			return err
		}
		return configs.Put(tx, b, conf)
	})
}

// checkRules refuses rules that S3 does not take, and names those without a name.
func checkRules(rules []api.LifecycleRule) error {
	if len(rules) == 0 || len(rules) > maxRules {
		return errMalformed()
	}
	ids := make(map[string]bool)
	for i := range rules {
		r := &rules[i]
		if aws.Value(r.ID) == "" {
			r.ID = new(aws.NewRequestID())
		}
		if len(*r.ID) > 255 {
			return errArgument("ID", *r.ID, "ID length should not exceed allowed limit of 255")
		}
		if ids[*r.ID] {
			return errArgument("ID", *r.ID, "Rule ID must be unique. Found same ID for more than one rule")
		}
		ids[*r.ID] = true
		if err := checkRule(r); err != nil {
			return err
		}
	}
	return nil
}

func checkRule(r *api.LifecycleRule) error {
	if r.Status != api.ExpirationStatusEnabled && r.Status != api.ExpirationStatusDisabled || (r.Filter == nil) == (r.Prefix == nil) {
		return errMalformed()
	}
	if r.Expiration == nil && r.Transitions == nil && r.NoncurrentVersionExpiration == nil && r.NoncurrentVersionTransitions == nil && r.AbortIncompleteMultipartUpload == nil {
		return api.InvalidRequest.Errorf("At least one action needs to be specified in a rule")
	}
	if f := r.Filter; f != nil && said(f.Prefix != nil, f.Tag != nil, f.And != nil, f.ObjectSizeGreaterThan != nil, f.ObjectSizeLessThan != nil) > 1 {
		return errMalformed()
	}
	if e := r.Expiration; e != nil {
		if said(e.Days != nil, e.Date != nil, e.ExpiredObjectDeleteMarker != nil) != 1 {
			return errMalformed()
		}
		if err := checkDue("Expiration", e.Days, e.Date); err != nil {
			return err
		}
	}
	for _, t := range r.Transitions {
		if said(t.Days != nil, t.Date != nil) != 1 || t.StorageClass == nil {
			return errMalformed()
		}
		if t.Days != nil && *t.Days == 0 {
			t.Days = nil // a transition may be at once, unlike an expiry
		}
		if err := firstError(checkDue("Transition", t.Days, t.Date), checkClass(t.StorageClass)); err != nil {
			return err
		}
	}
	for _, t := range r.NoncurrentVersionTransitions {
		if err := checkClass(t.StorageClass); err != nil {
			return err
		}
	}
	if n := r.NoncurrentVersionExpiration; n != nil && aws.Value(n.NoncurrentDays) <= 0 {
		return errArgument("NoncurrentDays", fmt.Sprint(aws.Value(n.NoncurrentDays)), "'NoncurrentDays' for NoncurrentVersionExpiration action must be a positive integer")
	}
	if a := r.AbortIncompleteMultipartUpload; a != nil && aws.Value(a.DaysAfterInitiation) <= 0 {
		return errArgument("DaysAfterInitiation", fmt.Sprint(aws.Value(a.DaysAfterInitiation)), "'DaysAfterInitiation' for AbortIncompleteMultipartUpload action must be a positive integer")
	}
	return nil
}

// said counts what holds.
func said(facts ...bool) (n int) {
	for _, f := range facts {
		if f {
			n++
		}
	}
	return n
}

// checkDue refuses times that no action may be due at.
func checkDue(action string, days *int32, date *time.Time) error {
	if days != nil && *days <= 0 {
		return errArgument("Days", fmt.Sprint(*days), "'Days' for "+action+" action must be a positive integer")
	}
	if date != nil && !date.Equal(midnight(*date)) {
		return errArgument("Date", date.Format(time.RFC3339), "'Date' must be at midnight GMT")
	}
	return nil
}

// midnight is the first midnight in UTC that is not before t.
func midnight(t time.Time) time.Time {
	day := t.UTC().Truncate(24 * time.Hour)
	if day.Before(t) {
		day = day.Add(24 * time.Hour)
	}
	return day
}

// due is when an action is due that a rule has after so many days, or then.
func due(from time.Time, days *int32, date *time.Time) time.Time {
	if date != nil {
		return *date
	}
	return midnight(from.Add(time.Duration(aws.Value(days)) * 24 * time.Hour))
}

// A lifecycle is what is to become of the objects of a bucket.
type lifecycle struct {
	Rules []api.LifecycleRule
	Least string // size of objects that go to other classes
}

// covers says whether a rule, if it is enabled, is about an object.
func (l *lifecycle) covers(r *api.LifecycleRule, key string, o *object) bool {
	if r.Status != api.ExpirationStatusEnabled {
		return false
	}
	f := aws.Value(r.Filter)
	all := aws.Value(f.And)
	tags := all.Tags
	if f.Tag != nil {
		tags = append(tags, *f.Tag)
	}
	for _, prefix := range []*string{r.Prefix, f.Prefix, all.Prefix} {
		if !strings.HasPrefix(key, aws.Value(prefix)) {
			return false
		}
	}
	for _, n := range []*int64{f.ObjectSizeGreaterThan, all.ObjectSizeGreaterThan} {
		if n != nil && o.Size <= *n {
			return false
		}
	}
	for _, n := range []*int64{f.ObjectSizeLessThan, all.ObjectSizeLessThan} {
		if n != nil && o.Size >= *n {
			return false
		}
	}
	for _, want := range tags {
		if !o.tagged(want) {
			return false
		}
	}
	return true
}

func (o *object) tagged(want api.Tag) bool {
	for _, t := range o.Tags {
		if t == want {
			return true
		}
	}
	return false
}

// expiry is when the latest version of a key goes, and by which rule: nil if it stays.
func (l *lifecycle) expiry(key string, o *object) (at time.Time, rule *api.LifecycleRule) {
	for i := range l.Rules {
		r := &l.Rules[i]
		e := aws.Value(r.Expiration)
		if e.Days == nil && e.Date == nil || !l.covers(r, key, o) {
			continue
		}
		if t := due(o.Modified, e.Days, e.Date); rule == nil || t.Before(at) {
			at, rule = t, r
		}
	}
	return at, rule
}

// expires returns what answers say of when the latest version of a key goes, or nil.
func expires(tx *store.Tx, b aws.ARN, row bucket, key string, o *object) (*string, error) {
	if !row.Lifecycle {
		return nil, nil
	}
	c, err := findSettings(tx, b)
	if err != nil || c.Lifecycle == nil {
		return nil, err
	}
	at, rule := c.Lifecycle.expiry(key, o)
	if rule == nil {
		return nil, nil
	}
	return new(fmt.Sprintf(`expiry-date="%s", rule-id="%s"`, at.Format("Mon, 02 Jan 2006 15:04:05 GMT"), url.QueryEscape(*rule.ID))), nil
}
