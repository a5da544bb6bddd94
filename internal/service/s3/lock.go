package s3

import (
	"context"
	"time"

	api "github.com/aloft-cloud/aloft/internal/api/s3"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/store"
)

// A version of an object that is locked can be hidden by others, and by delete
// markers, but not removed: until a date, or as long as somebody holds it.

// A lock keeps a version from being removed.
type lock struct {
	Mode  string    `json:",omitempty"` // of the retention; empty if there is none
	Until time.Time `json:",omitzero"`
	Hold  string    `json:",omitempty"` // ON or OFF; empty if it was never set
}

// locked is the lock of o, which may be none.
func (o *object) locked() lock {
	if o.More == nil {
		return lock{}
	}
	return o.More.Lock
}

// setLock makes l the lock of o.
func (o *object) setLock(l lock) {
	if l != o.locked() {
		o.more().Lock = l
	}
}

// retains reports whether the retention of l is not over yet.
func (l lock) retains(now time.Time) bool { return l.Mode != "" && l.Until.After(now) }

// guards refuses to remove what l locks. bypass goes around GOVERNANCE.
func (l lock) guards(now time.Time, bypass bool) error {
	if l.Hold == api.ObjectLockLegalHoldStatusOn ||
		l.retains(now) && !(bypass && l.Mode == api.ObjectLockRetentionModeGovernance) {
		return errLocked()
	}
	return nil
}

// allows refuses to weaken the retention of l to that of next: it may only be
// made longer, unless bypass goes around GOVERNANCE.
func (l lock) allows(next lock, now time.Time, bypass bool) error {
	kept := next.Mode == l.Mode && !next.Until.Before(l.Until)
	stricter := bypass && l.Mode == api.ObjectLockRetentionModeGovernance
	if !l.retains(now) || kept || stricter {
		return nil
	}
	return errLocked()
}

func errLocked() error {
	return api.AccessDenied.Errorf("Access Denied because object protected by object lock.")
}

func errNoLocks() error {
	return api.InvalidRequest.Errorf("Bucket is missing Object Lock Configuration")
}

// lockMembers are those of inputs and outputs that say the lock of an object.
type lockMembers struct {
	ObjectLockMode, ObjectLockLegalHoldStatus *string
	ObjectLockRetainUntilDate                 *time.Time
}

func lockMembersOf(in any) (m lockMembers) {
	copyMembers(&m, in)
	return m
}

// lockOf reads the members of an input that lock the object it makes.
func lockOf(in any) (lock, error) {
	var event struct {
		ObjectLockEventHold                                               *string
		ObjectLockEventHoldDurationDays, ObjectLockEventHoldDurationYears *int32
	}
	if copyMembers(&event, in); event.ObjectLockEventHold != nil || event.ObjectLockEventHoldDurationDays != nil || event.ObjectLockEventHoldDurationYears != nil {
		return lock{}, errLacking("event holds of objects")
	}
	said := lockMembersOf(in)
	l := lock{Mode: aws.Value(said.ObjectLockMode), Hold: aws.Value(said.ObjectLockLegalHoldStatus)}
	switch until := said.ObjectLockRetainUntilDate; {
	case (said.ObjectLockMode == nil) != (until == nil):
		return l, errArgument("x-amz-object-lock-retain-until-date", "", "x-amz-object-lock-retain-until-date and x-amz-object-lock-mode must both be supplied")
	case until != nil && !isMode(l.Mode):
		return l, errArgument("x-amz-object-lock-mode", l.Mode, "Unknown wormMode directive.")
	case until != nil && !until.After(time.Now()):
		return l, errArgument("x-amz-object-lock-retain-until-date", until.UTC().Format(time.RFC3339), "The retain until date must be in the future!")
	case until != nil:
		l.Until = until.UTC()
	}
	if said.ObjectLockLegalHoldStatus != nil && !isHold(l.Hold) {
		return l, errArgument("x-amz-object-lock-legal-hold", l.Hold, "Legal Hold must be either of 'ON' or 'OFF'")
	}
	return l, nil
}

func isMode(s string) bool {
	return s == api.ObjectLockRetentionModeGovernance || s == api.ObjectLockRetentionModeCompliance
}

func isHold(s string) bool {
	return s == api.ObjectLockLegalHoldStatusOn || s == api.ObjectLockLegalHoldStatusOff
}

// admits refuses a lock where there may be none.
func (b bucket) admits(l lock) error {
	if b.Locks || l == (lock{}) {
		return nil
	}
	return errNoLocks()
}

// protect gives o, a new version, the retention that its bucket has for those
// that bring none, and refuses a lock where there may be none.
func protect(tx *store.Tx, b aws.ARN, row bucket, o *object) error {
	l := o.locked()
	if o.Marker || !row.Locks || l.Mode != "" {
		return row.admits(l)
	}
	conf, err := findSettings(tx, b)
	if r := conf.Retention; err == nil && r != nil {
		l.Mode = *r.Mode
		l.Until = o.Modified.AddDate(int(aws.Value(r.Years)), 0, int(aws.Value(r.Days)))
		o.setLock(l)
	}
	return err
}

// relock changes the lock of a version of an object.
func (s *Service) relock(ctx context.Context, bucket, key string, version, expectedOwner *string, change func(*lock) error) error {
	return s.db.Update(ctx, func(tx *store.Tx) error {
		b, o, err := findLockable(tx, bucket, key, version, expectedOwner, "PUT")
		if err != nil {
			return err
		}
		l := o.locked()
		if err := change(&l); err != nil {
			return err
		}
		o.setLock(l)
		return s.change(tx, b, key, o)
	})
}

// findLockable returns an object of a bucket that has locks.
func findLockable(tx *store.Tx, bucket, key string, version, expectedOwner *string, method string) (aws.ARN, object, error) {
	b, row, err := findBucket(tx, bucket, expectedOwner)
	if err != nil {
		return b, object{}, err
	}
	if !row.Locks {
		return b, object{}, errNoLocks()
	}
	o, err := findObject(tx, b, row, key, version, method)
	return b, o, err
}

// PutObjectRetention says until when a version is retained.
func (s *Service) PutObjectRetention(ctx context.Context, call *aws.Call, in *api.PutObjectRetentionInput) (*api.PutObjectRetentionOutput, error) {
	r, now := aws.Value(in.Retention), time.Now()
	mode := aws.Value(r.Mode)
	switch {
	case r.EventHold != nil || r.EventHoldDuration != nil:
		return nil, errLacking("event holds")
	case (r.Mode == nil) != (r.RetainUntilDate == nil), r.Mode != nil && !isMode(mode):
		return nil, errMalformed()
	case r.RetainUntilDate != nil && !r.RetainUntilDate.After(now):
		return nil, errArgument("RetainUntilDate", r.RetainUntilDate.In(pacific).Format("Mon Jan 02 15:04:05 MST 2006"), "The retain until date must be in the future!")
	}
	err := s.relock(ctx, in.Bucket, in.Key, in.VersionId, in.ExpectedBucketOwner, func(l *lock) error {
		next := lock{Mode: mode, Until: aws.Value(r.RetainUntilDate).UTC(), Hold: l.Hold}
		if err := l.allows(next, now, aws.Value(in.BypassGovernanceRetention)); err != nil {
			return err
		}
		*l = next
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &api.PutObjectRetentionOutput{}, nil
}

// pacific is the time that S3 says a date in the past in.
var pacific = time.FixedZone("PST", -8*60*60)

// GetObjectRetention says until when a version is retained.
func (s *Service) GetObjectRetention(ctx context.Context, call *aws.Call, in *api.GetObjectRetentionInput) (*api.GetObjectRetentionOutput, error) {
	l, err := s.findLock(ctx, in.Bucket, in.Key, in.VersionId, in.ExpectedBucketOwner)
	if err == nil && l.Mode == "" {
		err = errNoLock()
	}
	if err != nil {
		return nil, err
	}
	return &api.GetObjectRetentionOutput{Retention: &api.ObjectLockRetention{Mode: &l.Mode, RetainUntilDate: &l.Until}}, nil
}

// PutObjectLegalHold holds a version, or lets it go.
func (s *Service) PutObjectLegalHold(ctx context.Context, call *aws.Call, in *api.PutObjectLegalHoldInput) (*api.PutObjectLegalHoldOutput, error) {
	status := aws.Value(aws.Value(in.LegalHold).Status)
	if !isHold(status) {
		return nil, errMalformed()
	}
	err := s.relock(ctx, in.Bucket, in.Key, in.VersionId, in.ExpectedBucketOwner, func(l *lock) error {
		l.Hold = status
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &api.PutObjectLegalHoldOutput{}, nil
}

// GetObjectLegalHold says whether somebody holds a version.
func (s *Service) GetObjectLegalHold(ctx context.Context, call *aws.Call, in *api.GetObjectLegalHoldInput) (*api.GetObjectLegalHoldOutput, error) {
	l, err := s.findLock(ctx, in.Bucket, in.Key, in.VersionId, in.ExpectedBucketOwner)
	if err == nil && l.Hold == "" {
		err = errNoLock()
	}
	if err != nil {
		return nil, err
	}
	return &api.GetObjectLegalHoldOutput{LegalHold: &api.ObjectLockLegalHold{Status: &l.Hold}}, nil
}

// findLock returns the lock of a version of an object.
func (s *Service) findLock(ctx context.Context, bucket, key string, version, expectedOwner *string) (l lock, err error) {
	err = s.db.View(ctx, func(tx *store.Tx) error {
		_, o, err := findLockable(tx, bucket, key, version, expectedOwner, "GET")
		l = o.locked()
		return err
	})
	return l, err
}

func errNoLock() error {
	return api.NoSuchObjectLockConfiguration.Errorf("The specified object does not have a ObjectLock configuration")
}
