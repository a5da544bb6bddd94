package s3

import (
	"context"
	"errors"
	"time"

	api "github.com/aloft-cloud/aloft/internal/api/s3"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/store"
	"github.com/aloft-cloud/aloft/internal/task"
)

func (s *Service) tasks() []task.Task {
	return []task.Task{
		{Name: "s3/lifecycle", Run: s.sweep},
		{Name: "s3/inventory", Run: s.runInventories},
		{Name: "s3/logs", Run: s.runLogs, Bell: s.log.bell},
	}
}

// pageSize is how many rows a transaction of the sweep looks at.
const pageSize = 500

// sweep does what the lifecycles of all buckets have due, as AWS does once a
// day after midnight, and here at each start too.
func (s *Service) sweep(ctx context.Context) (time.Duration, error) {
	now := time.Now().UTC()
	var due []aws.ARN
	err := s.db.View(ctx, func(tx *store.Tx) error {
		due = nil
		for b, row := range buckets.Scan(tx, aws.ARN{}) {
			if row.Lifecycle {
				due = append(due, b)
			}
		}
		return nil
	})
	for _, b := range due {
		err = errors.Join(err, s.sweepBucket(ctx, b, now))
	}
	return time.Until(midnight(now.Add(time.Nanosecond))), err
}

// expired is the event of objects whose time is over.
const expired = "LifecycleExpiration"

// A sweeping is the work on one bucket.
type sweeping struct {
	*Service
	now  time.Time
	b    aws.ARN
	row  bucket
	life *lifecycle
	call *aws.Call
}

// sweepBucket does what the lifecycle of a bucket has due, page by page.
func (s *Service) sweepBucket(ctx context.Context, b aws.ARN, now time.Time) error {
	for _, page := range []func(w *sweeping, tx *store.Tx, after string) (string, error){(*sweeping).latest, (*sweeping).older, (*sweeping).uploads} {
		for after, more := "", true; more; more = after != "" {
			var last string
			err := s.db.Update(ctx, func(tx *store.Tx) error {
				last = ""
				w, err := s.sweeping(tx, b, now)
				if w != nil {
					last, err = page(w, tx, after)
				}
				return err
			})
			if err != nil {
				return err
			}
			after = last
		}
	}
	return nil
}

// sweeping returns the work on b, or nil if there is none any more.
func (s *Service) sweeping(tx *store.Tx, b aws.ARN, now time.Time) (*sweeping, error) {
	row, err := buckets.Get(tx, b)
	if errors.Is(err, store.ErrNotFound) {
		return nil, nil
	}
	conf, found := findSettings(tx, b)
	if err := errors.Join(err, found); err != nil || conf.Lifecycle == nil {
		return nil, err
	}
	w := &sweeping{Service: s, now: now, b: b, row: row, life: conf.Lifecycle, call: aws.ServiceCall("s3", b)}
	w.call.Account, w.call.Region = row.Owner, row.Region
	w.call.Principal.ID = "s3.amazonaws.com"
	return w, nil
}

// latest looks at the latest versions of keys behind after, and returns the
// last it looked at, or "" if there are no more.
func (w *sweeping) latest(tx *store.Tx, after string) (string, error) {
	type found struct {
		key string
		o   object
	}
	var page []found
	for k, o := range objects.ScanAfter(tx, objectKey{Bucket: w.b}, objectKey{w.b, after}) {
		if page = append(page, found{k.Key, o}); len(page) == pageSize {
			break
		}
	}
	for _, f := range page {
		if err := w.current(tx, f.key, f.o); err != nil {
			return "", err
		}
	}
	if len(page) < pageSize {
		return "", nil
	}
	return page[len(page)-1].key, nil
}

// current does what is due with the latest version of a key.
func (w *sweeping) current(tx *store.Tx, key string, o object) error {
	d := deed{call: w.call, bucket: w.b.Resource, key: key, event: expired, reason: "Lifecycle Expiration"}
	if o.Marker {
		if !w.forgets(key, &o) {
			return nil
		}
		for range older.Scan(tx, versionKey{Bucket: w.b, Key: key}) {
			return nil // the marker hides something
		}
		_, err := w.remove(tx, w.b, w.row, d, &o.Version, nil, w.now)
		return err
	}
	if at, rule := w.life.expiry(key, &o); rule != nil && !at.After(w.now) {
		_, err := w.remove(tx, w.b, w.row, d, nil, nil, w.now.Truncate(time.Second))
		return err
	}
	class := w.class(key, &o, func(r *api.LifecycleRule, say func(time.Time, *string)) {
		for _, t := range r.Transitions {
			say(due(o.Modified, t.Days, t.Date), t.StorageClass)
		}
	})
	if class == "" {
		return nil
	}
	o.Class = class
	return objects.Put(tx, objectKey{w.b, key}, o)
}

// forgets says whether a delete marker that hides nothing is to go.
func (w *sweeping) forgets(key string, o *object) bool {
	for i := range w.life.Rules {
		r := &w.life.Rules[i]
		e := aws.Value(r.Expiration)
		switch {
		case !w.life.covers(r, key, o):
		case aws.Value(e.ExpiredObjectDeleteMarker):
			return true
		case e.Days != nil && !due(o.Modified, e.Days, nil).After(w.now):
			return true
		}
	}
	return false
}

// minTransition is the least size of objects that change their class, if
// nothing else is said.
const minTransition = 128 << 10

// class is the storage class that o is to have by now, or "" if it is to stay:
// the last that is due of those that actions says of a rule.
func (w *sweeping) class(key string, o *object, actions func(r *api.LifecycleRule, say func(time.Time, *string))) string {
	if o.Size < minTransition && w.life.Least == api.TransitionDefaultMinimumObjectSizeAllStorageClasses128k {
		return ""
	}
	var last time.Time
	class := ""
	for i := range w.life.Rules {
		r := &w.life.Rules[i]
		if !w.life.covers(r, key, o) {
			continue
		}
		actions(r, func(at time.Time, to *string) {
			if !at.After(w.now) && !at.Before(last) && to != nil {
				last, class = at, *to
			}
		})
	}
	if class == o.class() {
		return ""
	}
	return class
}

// older looks at the versions before the latest of keys behind after, and
// returns the last key, or "" if there are no more.
func (w *sweeping) older(tx *store.Tx, after string) (string, error) {
	for n := 0; n < pageSize; {
		key := ""
		for k := range older.ScanAfter(tx, versionKey{Bucket: w.b}, versionKey{w.b, after, 1<<64 - 1}) {
			key = k.Key
			break
		}
		if key == "" {
			return "", nil
		}
		seen, err := w.noncurrent(tx, key)
		if err != nil {
			return "", err
		}
		n, after = n+seen, key
	}
	return after, nil
}

// noncurrent does what is due with the versions of a key before the latest, and
// returns how many there were.
func (w *sweeping) noncurrent(tx *store.Tx, key string) (int, error) {
	now, _, err := latest(tx, w.b, key)
	if err != nil {
		return 0, err
	}
	var versions []object // the newest first
	for _, o := range older.ScanReverse(tx, versionKey{Bucket: w.b, Key: key}) {
		versions = append(versions, o)
	}
	since := now.Modified // when the version became one of the past
	for newer, o := range versions {
		if err := w.past(tx, key, o, since, int32(newer)); err != nil {
			return 0, err
		}
		since = o.Modified
	}
	return len(versions), nil
}

// past does what is due with o, a version of a key that is not the latest since
// then, and has so many newer ones that are not either.
func (w *sweeping) past(tx *store.Tx, key string, o object, since time.Time, newer int32) error {
	for i := range w.life.Rules {
		r := &w.life.Rules[i]
		e := r.NoncurrentVersionExpiration
		if e == nil || o.locked().guards(w.now, false) != nil || !w.life.covers(r, key, &o) || newer < aws.Value(e.NewerNoncurrentVersions) || due(since, e.NoncurrentDays, nil).After(w.now) {
			continue
		}
		d := deed{call: w.call, bucket: w.b.Resource, key: key, event: "LifecycleExpiration:Delete", reason: "Lifecycle Expiration"}
		return errors.Join(w.removeVersion(tx, w.b, key, o), w.tell(tx, w.row, d, o))
	}
	class := w.class(key, &o, func(r *api.LifecycleRule, say func(time.Time, *string)) {
		for _, t := range r.NoncurrentVersionTransitions {
			if newer >= aws.Value(t.NewerNoncurrentVersions) {
				say(due(since, t.NoncurrentDays, nil), t.StorageClass)
			}
		}
	})
	if class == "" || o.Marker {
		return nil
	}
	o.Class = class
	return older.Put(tx, versionKey{w.b, key, o.Seq}, o)
}

// uploads aborts uploads that were begun long ago and not completed.
func (w *sweeping) uploads(tx *store.Tx, _ string) (string, error) {
	for k, u := range uploads.Scan(tx, uploadKey{Bucket: w.b}) {
		for i := range w.life.Rules {
			r := &w.life.Rules[i]
			a := r.AbortIncompleteMultipartUpload
			if a == nil || !w.life.covers(r, k.Key, &u.Object) || due(u.Initiated, a.DaysAfterInitiation, nil).After(w.now) {
				continue
			}
			if err := errors.Join(w.dropParts(tx, w.b, k.ID), uploads.Delete(tx, k)); err != nil {
				return "", err
			}
			break
		}
	}
	return "", nil
}
