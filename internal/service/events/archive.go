package events

import (
	"context"
	"strings"
	"time"

	api "github.com/aloft-cloud/aloft/internal/api/events"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/store"
)

// keep adds an event to an archive.
func keep(tx *store.Tx, arn aws.ARN, in *incoming, text []byte) error {
	at, err := time.Parse(timeLayout, in.event.Time)
	if err != nil {
		at = in.ingested
	}
	_, err = archived.Append(tx, arn, archivedEvent{Event: text, Time: at, Kept: in.ingested})
	return err
}

// CreateArchive keeps what comes to a bus from now on.
func (s *Service) CreateArchive(ctx context.Context, call *aws.Call, in *api.CreateArchiveInput) (*api.CreateArchiveOutput, error) {
	if err := checkKey(in.KmsKeyIdentifier); err != nil {
		return nil, err
	}
	bus, err := arnOf(in.EventSourceArn, "EventSourceArn")
	if err != nil {
		return nil, err
	}
	if text := aws.Value(in.EventPattern); text != "" {
		if _, err := parsePattern(text); err != nil {
			return nil, err
		}
	}
	arn := archiveNamed(call, in)
	a := archive{Bus: bus, Description: aws.Value(in.Description), Pattern: aws.Value(in.EventPattern), Days: aws.Value(in.RetentionDays), Created: time.Now()}
	err = s.db.Update(ctx, func(tx *store.Tx) error {
		if _, err := findBus(tx, bus); err != nil {
			return err
		}
		exists, err := archives.Has(tx, arn)
		if err != nil {
			return err
		}
		if exists {
			return api.ResourceAlreadyExistsException.Errorf("Archive %s already exists.", in.ArchiveName)
		}
		if err := archivesOf.Put(tx, archiveKey{bus, arn}, struct{}{}); err != nil {
			return err
		}
		return s.putArchive(tx, arn, a)
	})
	if err != nil {
		return nil, err
	}
	return &api.CreateArchiveOutput{ArchiveArn: new(arn.String()), State: new(api.ArchiveStateEnabled), CreationTime: &a.Created}, nil
}

func (s *Service) putArchive(tx *store.Tx, arn aws.ARN, a archive) error {
	tx.AfterCommit(func() { s.matchers.Drop(a.Bus.String()) })
	return archives.Put(tx, arn, a)
}

// UpdateArchive changes what an archive keeps.
func (s *Service) UpdateArchive(ctx context.Context, call *aws.Call, in *api.UpdateArchiveInput) (*api.UpdateArchiveOutput, error) {
	if err := checkKey(in.KmsKeyIdentifier); err != nil {
		return nil, err
	}
	if text := aws.Value(in.EventPattern); text != "" {
		if _, err := parsePattern(text); err != nil {
			return nil, err
		}
	}
	arn := archiveNamed(call, in)
	var a archive
	err := s.db.Update(ctx, func(tx *store.Tx) (err error) {
		if a, err = findArchive(tx, arn); err != nil {
			return err
		}
		a.Description = aws.Or(in.Description, a.Description)
		a.Pattern = aws.Or(in.EventPattern, a.Pattern)
		a.Days = aws.Or(in.RetentionDays, a.Days)
		return s.putArchive(tx, arn, a)
	})
	if err != nil {
		return nil, err
	}
	return &api.UpdateArchiveOutput{ArchiveArn: new(arn.String()), State: new(api.ArchiveStateEnabled), CreationTime: &a.Created}, nil
}

// DeleteArchive deletes an archive and what it kept.
func (s *Service) DeleteArchive(ctx context.Context, call *aws.Call, in *api.DeleteArchiveInput) (*api.DeleteArchiveOutput, error) {
	arn := archiveNamed(call, in)
	err := s.db.Update(ctx, func(tx *store.Tx) error {
		a, err := findArchive(tx, arn)
		if err != nil {
			return err
		}
		if err := archivesOf.Delete(tx, archiveKey{a.Bus, arn}); err != nil {
			return err
		}
		if err := archived.DeletePrefix(tx, arn); err != nil {
			return err
		}
		tx.AfterCommit(func() { s.matchers.Drop(a.Bus.String()) })
		return archives.Delete(tx, arn)
	})
	if err != nil {
		return nil, err
	}
	return &api.DeleteArchiveOutput{}, nil
}

// contents counts the events of an archive, and their bytes.
func contents(tx *store.Tx, arn aws.ARN) (events, bytes int64) {
	for _, e := range archived.Scan(tx, arn, store.Position{}) {
		events, bytes = events+1, bytes+int64(len(e.Event))
	}
	return events, bytes
}

// DescribeArchive describes an archive.
func (s *Service) DescribeArchive(ctx context.Context, call *aws.Call, in *api.DescribeArchiveInput) (*api.DescribeArchiveOutput, error) {
	arn := archiveNamed(call, in)
	return look(ctx, s.db, func(tx *store.Tx) (*api.DescribeArchiveOutput, error) {
		a, err := findArchive(tx, arn)
		if err != nil {
			return nil, err
		}
		events, bytes := contents(tx, arn)
		return &api.DescribeArchiveOutput{
			ArchiveArn: new(arn.String()), ArchiveName: &in.ArchiveName, EventSourceArn: new(a.Bus.String()), Description: optional(a.Description),
			EventPattern: optional(a.Pattern), State: new(api.ArchiveStateEnabled), RetentionDays: &a.Days, SizeBytes: &bytes, EventCount: &events, CreationTime: &a.Created,
		}, nil
	})
}

// ListArchives lists archives.
func (s *Service) ListArchives(ctx context.Context, call *aws.Call, in *api.ListArchivesInput) (*api.ListArchivesOutput, error) {
	p, err := newPage(in.Limit, in.NextToken, in.NamePrefix)
	if err != nil {
		return nil, err
	}
	return look(ctx, s.db, func(tx *store.Tx) (*api.ListArchivesOutput, error) {
		if in.EventSourceArn != nil {
			bus, err := arnOf(*in.EventSourceArn, "EventSourceArn")
			if err != nil {
				return nil, err
			}
			if _, err := findBus(tx, bus); err != nil {
				return nil, err
			}
		}
		out := &api.ListArchivesOutput{Archives: []api.Archive{}}
		out.NextToken = fill(p, func(yield func(string, archive) bool) {
			for arn, a := range archives.Scan(tx, aws.ARN{Account: call.Account, Region: call.Region, Service: "events"}) {
				if !yield(strings.TrimPrefix(arn.Resource, archiveKind), a) {
					return
				}
			}
		}, func(name string, a archive) bool {
			if in.EventSourceArn != nil && *in.EventSourceArn != a.Bus.String() || aws.Or(in.State, api.ArchiveStateEnabled) != api.ArchiveStateEnabled {
				return false
			}
			events, bytes := contents(tx, call.ARN("events", archiveKind+name))
			out.Archives = append(out.Archives, api.Archive{
				ArchiveName: &name, EventSourceArn: new(a.Bus.String()), State: new(api.ArchiveStateEnabled), RetentionDays: &a.Days,
				SizeBytes: &bytes, EventCount: &events, CreationTime: &a.Created,
			})
			return true
		})
		return out, nil
	})
}

// trimArchives removes what archives keep no longer.
func (s *Service) trimArchives(ctx context.Context) (time.Duration, error) {
	var due []aws.ARN
	var days []int32
	err := s.db.View(ctx, func(tx *store.Tx) error {
		due, days = nil, nil
		for arn, a := range archives.Scan(tx, aws.ARN{}) {
			if a.Days > 0 {
				due, days = append(due, arn), append(days, a.Days)
			}
		}
		return nil
	})
	for i, arn := range due {
		if err == nil {
			err = s.trimArchive(ctx, arn, time.Now().AddDate(0, 0, -int(days[i])))
		}
	}
	return time.Hour, err
}

func (s *Service) trimArchive(ctx context.Context, arn aws.ARN, cutoff time.Time) error {
	return s.db.Update(ctx, func(tx *store.Tx) error {
		var upTo store.Position
		for at, e := range archived.Scan(tx, arn, store.Position{}) {
			if !e.Kept.Before(cutoff) {
				break
			}
			upTo = at
		}
		if upTo == (store.Position{}) {
			return nil
		}
		return archived.Trim(tx, arn, upTo)
	})
}
