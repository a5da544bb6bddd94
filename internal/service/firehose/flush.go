package firehose

import (
	"context"
	"errors"
	"time"

	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/store"
)

// maxAge is how long what cannot be delivered is kept.
const maxAge = 24 * time.Hour

// A batch is records that are taken out of a line together.
type batch struct {
	key     lineKey
	records []record
	size    int64
	first   store.Position // of them
	last    store.Position
}

// flush does with the first records of a line what is to be done.
func (s *Service) flush(ctx context.Context, key lineKey) error {
	var row stream
	b := &batch{key: key}
	err := s.DB.View(ctx, func(tx *store.Tx) (err error) {
		if row, err = streams.Get(tx, key.Stream); err != nil {
			return err
		}
		b.read(tx, row.hints(key.Kind).bytes)
		return tx.Err()
	})
	if errors.Is(err, store.ErrNotFound) {
		s.forget(key.Stream)
		return nil
	}
	if err != nil || len(b.records) == 0 {
		return err
	}
	switch {
	case key.Kind == lineIn:
		return s.process(ctx, &row, b)
	case key.Kind == lineOut && row.HTTP != nil:
		err = s.post(ctx, &row, b)
	default:
		err = s.write(ctx, &row, b)
	}
	if err == nil || ctx.Err() != nil || time.Since(b.records[0].At) < maxAge {
		return err
	}
	s.log().Error("delivery stream gives records up that could not be delivered for a day", "stream", key.Stream.String(), "records", len(b.records), "err", err)
	return s.DB.Update(ctx, func(tx *store.Tx) error { return s.done(tx, b) })
}

// read takes the first records of the line, up to so many bytes.
func (b *batch) read(tx *store.Tx, most int64) {
	b.records, b.size = nil, 0
	for at, r := range records.Scan(tx, b.key, store.Position{}) {
		if len(b.records) > 0 && b.size+int64(len(r.Data)) > most {
			return
		}
		if len(b.records) == 0 {
			b.first = at
		}
		b.records, b.size, b.last = append(b.records, r), b.size+int64(len(r.Data)), at
	}
}

// done takes a batch out of its line.
func (s *Service) done(tx *store.Tx, b *batch) error {
	if err := records.Trim(tx, b.key, b.last); err != nil {
		return err
	}
	var oldest time.Time
	for _, r := range records.Scan(tx, b.key, b.last) {
		oldest = r.At
		break
	}
	if oldest.IsZero() && b.key.Of != "" {
		if err := partitions.Delete(tx, b.key); err != nil {
			return err
		}
	}
	tx.AfterCommit(func() { s.taken(b.key, len(b.records), b.size, oldest) })
	return tx.Err()
}

// moved takes a batch out of its line and puts records into another.
func (s *Service) moved(ctx context.Context, row *stream, b *batch, to lineKey, all []record) error {
	return s.DB.Update(ctx, func(tx *store.Tx) error {
		if there, err := streams.Has(tx, b.key.Stream); err != nil || !there {
			return err
		}
		if err := s.add(tx, to, row, all); err != nil {
			return err
		}
		return s.done(tx, b)
	})
}

// role is as whom a stream does what its processor needs.
func (s *Service) role(row *stream) string {
	if row.HTTP != nil {
		return aws.Or(row.HTTP.RoleARN, row.S3.RoleARN)
	}
	return row.S3.RoleARN
}
