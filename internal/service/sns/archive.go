package sns

import (
	"context"
	"errors"
	"time"

	api "github.com/aloft-cloud/aloft/internal/api/sns"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/store"
)

// An archiveKey names a message in the archive of a FIFO topic, in the order
// in which they were published.
type archiveKey struct {
	Topic    aws.ARN
	Sequence string
}

// An archived is a message that is kept.
type archived struct {
	At    time.Time
	ID    string
	Entry entry
}

// archive keeps m.
func archive(tx *store.Tx, m *message) error {
	return archives.Put(tx, archiveKey{m.topic, m.sequence}, archived{m.at, m.id, *m.entry})
}

// A replaying is how far a subscription has got what was archived.
type replaying struct {
	From, To time.Time // To is zero if it goes on with what is new
	Last     string    // sequence number
	Status   string
}

const (
	replayPiece = 100 // messages in one transaction

	replayRunning   = "Running"
	replayCompleted = "Completed"
)

// show is the attribute ReplayStatus.
func (r *replaying) show() any {
	return map[string]string{"Status": r.Status, "StartingPoint": timestamp(r.From)}
}

// parseReplay reads a replay policy; "" is none.
func parseReplay(text string) (*replaying, error) {
	if text == "" || text == "{}" {
		return nil, nil
	}
	var p struct{ PointType, StartingPoint, EndingPoint string }
	if err := readJSON("ReplayPolicy", text, &p); err != nil {
		return nil, err
	}
	if p.PointType != "Timestamp" {
		return nil, invalid("ReplayPolicy: PointType must be Timestamp")
	}
	r := &replaying{Status: replayRunning}
	var err error
	if r.From, err = time.Parse(time.RFC3339, p.StartingPoint); err != nil {
		return nil, invalid("ReplayPolicy: StartingPoint must be a time in ISO 8601")
	}
	if p.EndingPoint == "" {
		return r, nil
	}
	if r.To, err = time.Parse(time.RFC3339, p.EndingPoint); err != nil || !r.To.After(r.From) {
		return nil, invalid("ReplayPolicy: EndingPoint must be a time in ISO 8601, after StartingPoint")
	}
	return r, nil
}

// startReplay sends a subscription what was archived, as text says.
func (s *Service) startReplay(tx *store.Tx, t *topic, key subscriptionKey, text string) error {
	r, err := parseReplay(text)
	if err != nil {
		return err
	}
	if r == nil {
		return replays.Delete(tx, key)
	}
	if t.Attributes["ArchivePolicy"] == "" {
		return invalid("ReplayPolicy: The topic has no archive")
	}
	tx.AfterCommit(s.replays.Ring)
	return replays.Put(tx, key, *r)
}

// replay goes on with all replays, and trims archives.
func (s *Service) replay(ctx context.Context) (time.Duration, error) {
	var running []subscriptionKey
	err := s.db.View(ctx, func(tx *store.Tx) error {
		running = nil
		for key, r := range replays.Scan(tx, subscriptionKey{}) {
			if r.Status == replayRunning {
				running = append(running, key)
			}
		}
		return tx.Err()
	})
	for _, key := range running {
		for more := true; more && err == nil; {
			more, err = s.replaySome(ctx, key)
		}
	}
	return 24 * time.Hour, errors.Join(err, s.trimArchives(ctx))
}

// replaySome sends a few messages of an archive to a subscription, and says
// whether there are more.
func (s *Service) replaySome(ctx context.Context, key subscriptionKey) (more bool, err error) {
	err = s.db.Update(ctx, func(tx *store.Tx) error {
		more = false
		r, err := replays.Get(tx, key)
		if err != nil || r.Status != replayRunning {
			return err
		}
		t, err := findTopic(tx, key.Topic)
		if err != nil {
			return err
		}
		sub, err := findSubscription(tx, key)
		if err != nil {
			return err
		}
		count := 0
		for k, a := range archives.ScanAfter(tx, archiveKey{Topic: key.Topic}, archiveKey{key.Topic, r.Last}) {
			if !r.To.IsZero() && a.At.After(r.To) {
				break
			}
			if r.Last = k.Sequence; a.At.Before(r.From) {
				continue
			}
			m := newMessage(key.Topic, &a.Entry)
			m.id, m.at, m.sequence, m.replayed = a.ID, a.At, k.Sequence, true
			if s.wants(&sub, &filtered{message: m}) {
				// The queue would take it for a duplicate of the first.
				m.MessageDeduplicationId = new(*m.MessageDeduplicationId + "-" + aws.NewRequestID()[:8])
				if err := s.sendMessage(tx, &t, key, &sub, m); err != nil {
					return err
				}
			}
			if count++; count == replayPiece {
				more = true
				break
			}
		}
		if !more {
			r.Status = replayCompleted
		}
		return errors.Join(tx.Err(), replays.Put(tx, key, r))
	})
	return more, ignore(err, api.NotFoundException)
}

// trimArchives deletes what archives need not keep any longer.
func (s *Service) trimArchives(ctx context.Context) error {
	type kept struct {
		arn    aws.ARN
		oldest time.Time
	}
	var all []kept
	err := s.db.View(ctx, func(tx *store.Tx) error {
		all = nil
		for arn, t := range topics.Scan(tx, aws.ARN{}) {
			if days := retentionDays(t.Attributes["ArchivePolicy"]); days > 0 {
				all = append(all, kept{arn, time.Now().AddDate(0, 0, -days)})
			}
		}
		return tx.Err()
	})
	for _, k := range all {
		if err != nil {
			return err
		}
		err = s.db.Update(ctx, func(tx *store.Tx) error {
			for key, a := range archives.Scan(tx, archiveKey{Topic: k.arn}) {
				if !a.At.Before(k.oldest) {
					break
				}
				if err := archives.Delete(tx, key); err != nil {
					return err
				}
			}
			return tx.Err()
		})
	}
	return err
}
