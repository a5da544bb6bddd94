package firehose

import (
	"context"
	"errors"
	"log/slog"
	"strconv"
	"time"

	api "github.com/aloft-cloud/aloft/internal/api/firehose"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/store"
	"github.com/aloft-cloud/aloft/internal/task"
)

const (
	maxBusy    = 32 // lines that are worked on at once
	never      = 24 * time.Hour
	firstPause = time.Second // after what failed; it doubles
	lastPause  = 5 * time.Minute
)

// Hints say when a line is due: when it has so many bytes, or its oldest record
// is so old.
type hints struct {
	bytes int64
	age   time.Duration
}

// A line is what is remembered of a line besides its rows.
type line struct {
	hints
	count  int // records
	size   int64
	oldest time.Time
	busy   bool
	last   uint64 // version of the last record that was counted at the start

	failures int // in a row
	failed   time.Time
	pause    time.Time // until when nothing is tried
}

// due returns when something is to be done for a line; the zero time is never.
func (l *line) due(now time.Time) time.Time {
	switch {
	case l.count == 0 || l.busy:
		return time.Time{}
	case l.size >= l.bytes && now.After(l.pause):
		return now
	}
	at := l.oldest.Add(l.age)
	if l.size >= l.bytes || at.Before(l.pause) {
		at = l.pause
	}
	return at
}

// hintsOf is when objects are written of a configuration of S3.
func hintsOf(c *api.ExtendedS3DestinationConfiguration) hints {
	h := aws.Value(c.BufferingHints)
	usual := int32(5)
	if d := c.DynamicPartitioningConfiguration; d != nil && aws.Value(d.Enabled) {
		usual = 128
	}
	return hints{int64(aws.Or(h.SizeInMBs, usual)) << 20, time.Duration(aws.Or(h.IntervalInSeconds, 300)) * time.Second}
}

// hints returns when a line of a stream is due.
func (row *stream) hints(kind string) hints {
	switch {
	case kind == lineIn:
		for _, p := range row.processing() {
			if p.Type != api.ProcessorTypeLambda {
				continue
			}
			size, _ := strconv.ParseFloat(parameter(&p, api.ProcessorParameterNameBufferSizeInMBs, "1"), 64)
			age, _ := strconv.Atoi(parameter(&p, api.ProcessorParameterNameBufferIntervalInSeconds, "60"))
			return hints{int64(min(size, 3) * (1 << 20)), time.Duration(age) * time.Second}
		}
		return hints{bytes: 1 << 20}
	case kind == lineOut && row.HTTP != nil:
		h := aws.Value(row.HTTP.BufferingHints)
		return hints{int64(aws.Or(h.SizeInMBs, 5)) << 20, time.Duration(aws.Or(h.IntervalInSeconds, 300)) * time.Second}
	case kind == lineBackup && row.backup() != nil:
		return hintsOf(row.backup())
	}
	return hintsOf(row.S3)
}

// add puts records at the end of a line.
func (s *Service) add(tx *store.Tx, key lineKey, row *stream, all []record) error {
	if len(all) == 0 {
		return nil
	}
	if key.Of != "" {
		if err := partitions.Put(tx, key, struct{}{}); err != nil {
			return err
		}
	}
	a := addition{key: key, hints: row.hints(key.Kind), count: len(all), oldest: all[0].At}
	for i := range all {
		a.size += int64(len(all[i].Data))
		var err error
		if a.at, err = records.Append(tx, key, all[i]); err != nil {
			return err
		}
	}
	tx.AfterCommit(func() { s.added(&a) })
	return nil
}

// An addition is records that a line has more.
type addition struct {
	key lineKey
	hints
	count  int
	size   int64
	oldest time.Time
	at     *store.Position // of the last; known once they are kept
}

// added remembers an addition, until lines are counted if they are not yet.
func (s *Service) added(a *addition) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.counted {
		s.early = append(s.early, a)
		return
	}
	s.count(a)
}

// count counts an addition, unless it was there when lines were counted.
func (s *Service) count(a *addition) {
	l := s.lines[a.key]
	if l == nil {
		l = new(line)
		s.lines[a.key] = l
	}
	if a.at.Version <= l.last {
		return
	}
	l.hints = a.hints
	if l.count <= 0 { // it may be taken before it is remembered
		l.oldest = a.oldest
		s.bell.Ring()
	}
	l.count, l.size = l.count+a.count, l.size+a.size
	if l.size >= l.bytes {
		s.bell.Ring()
	}
}

// taken remembers that a line has less; oldest is the first that is left.
func (s *Service) taken(key lineKey, n int, size int64, oldest time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	l := s.lines[key]
	if l == nil {
		return
	}
	l.count, l.size = l.count-n, l.size-size
	if l.oldest = oldest; oldest.IsZero() {
		l.oldest = time.Now()
	}
	if l.count == 0 && key.Of != "" && !l.busy {
		delete(s.lines, key)
	}
}

// retune has the lines of a stream be due as it says now.
func (s *Service) retune(arn aws.ARN, row *stream) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for key, l := range s.lines {
		if key.Stream == arn {
			l.hints = row.hints(key.Kind)
		}
	}
	s.bell.Ring()
}

// forget forgets the lines of a stream that is gone.
func (s *Service) forget(arn aws.ARN) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for key := range s.lines {
		if key.Stream == arn {
			delete(s.lines, key)
		}
	}
}

// recall counts what lines there are, at the start. What is put meanwhile is
// counted afterwards.
func (s *Service) recall(ctx context.Context) error {
	s.mu.Lock()
	s.counted = false
	s.mu.Unlock()
	return s.DB.View(ctx, func(tx *store.Tx) error {
		found := make(map[lineKey]*line)
		count := func(key lineKey, row *stream) {
			l := &line{hints: row.hints(key.Kind)}
			for at, r := range records.Scan(tx, key, store.Position{}) {
				if l.count == 0 {
					l.oldest = r.At
				}
				l.count, l.size, l.last = l.count+1, l.size+int64(len(r.Data)), at.Version
			}
			if l.count > 0 {
				found[key] = l
			}
		}
		for arn, row := range streams.Scan(tx, aws.ARN{}) {
			for _, kind := range []string{lineIn, lineOut, lineBackup} {
				count(lineKey{Stream: arn, Kind: kind}, &row)
			}
			for key := range partitions.Scan(tx, lineKey{Stream: arn}) {
				count(key, &row)
			}
		}
		if err := tx.Err(); err != nil {
			return err
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		s.lines, s.counted = found, true
		for _, a := range s.early {
			s.count(a)
		}
		s.early = nil
		return nil
	})
}

// run works on lines that are due until ctx ends.
func (s *Service) run(ctx context.Context) (time.Duration, error) {
	group := task.Group{Log: s.Log}
	defer group.Wait()
	if err := s.recall(ctx); err != nil {
		return 0, err
	}
	for {
		due, wait := s.due(time.Now())
		for _, key := range due {
			group.Go(func() { s.work(ctx, key) })
		}
		timer := time.NewTimer(wait)
		select {
		case <-timer.C:
		case <-s.bell:
		case <-ctx.Done():
			timer.Stop()
			return 0, nil
		}
		timer.Stop()
	}
}

// due returns the lines that are to be worked on now, which are busy from now
// on, and how long until others are.
func (s *Service) due(now time.Time) (keys []lineKey, wait time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	wait = never
	for key, l := range s.lines {
		at := l.due(now)
		switch {
		case at.IsZero():
		case at.After(now):
			wait = min(wait, at.Sub(now))
		case s.busy < maxBusy:
			l.busy = true
			s.busy++
			keys = append(keys, key)
		}
	}
	return keys, wait
}

// work does what a line is due for, and remembers how that went.
func (s *Service) work(ctx context.Context, key lineKey) {
	err := s.flush(ctx, key)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.busy--
	s.bell.Ring()
	l := s.lines[key]
	if l == nil {
		return
	}
	l.busy = false
	switch {
	case err == nil:
		l.failures, l.failed, l.pause = 0, time.Time{}, time.Time{}
		if l.count == 0 && key.Of != "" {
			delete(s.lines, key)
		}
	case !errors.Is(err, context.Canceled):
		if l.failures++; l.failures == 1 {
			l.failed = time.Now()
			s.log().Warn("delivery stream cannot deliver", "stream", key.Stream.String(), "line", key.Kind, "err", err)
		}
		l.pause = time.Now().Add(min(firstPause<<min(l.failures-1, 20), lastPause))
	}
}

// failures returns how often a line failed in a row, and since when.
func (s *Service) failures(key lineKey) (int, time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if l := s.lines[key]; l != nil {
		return l.failures, l.failed
	}
	return 0, time.Time{}
}

func (s *Service) log() *slog.Logger {
	if s.Log == nil {
		return slog.Default()
	}
	return s.Log
}
