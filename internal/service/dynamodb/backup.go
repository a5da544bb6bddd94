package dynamodb

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"iter"
	"strings"
	"time"

	api "github.com/aloft-cloud/aloft/internal/api/dynamodb"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/item"
	"github.com/aloft-cloud/aloft/internal/service"
	"github.com/aloft-cloud/aloft/internal/smithy"
	"github.com/aloft-cloud/aloft/internal/store"
)

// backups has what is known of each backup. The items of one are rows of
// rowsOf, under an id of their own.
var backups = store.NewTable[aws.ARN, backup]("dynamodb.backup")

const (
	backupKind   = "/backup/"
	userBackup   = "USER"
	systemBackup = "SYSTEM"

	// systemLife is how long the backup of a deleted table is kept.
	systemLife = 35 * 24 * time.Hour
)

// A backup is a table as it was at one time.
type backup struct {
	Name     string
	Type     string
	Created  time.Time
	Expires  time.Time `json:",omitzero"`
	Source   aws.ARN
	Table    table     // all of it but its items
	Rows     string    // the id under which those are
	At       time.Time // what they were then
	Items    int64
	Bytes    int64
	Backfill *backfill `json:",omitempty"` // what has been done to copy them; nil: all
}

// rows are the items of b, under the keys that they have in its table.
func (b *backup) rows() store.Rows { return rowsOf.Rows(rowsKey{Table: b.Rows}) }

// newBackup is a backup of t, and its ARN.
func newBackup(t *table, name, kind string) (aws.ARN, *backup) {
	now := time.Now()
	b := &backup{Name: name, Type: kind, Created: now, Source: t.arn, Table: *t}
	b.Table.Copies, b.Table.Tags = nil, nil
	arn := t.arn
	arn.Resource += fmt.Sprintf("%s%014d-%s", backupKind, now.UnixMilli(), newUUID()[:8])
	return arn, b
}

// onBackup is the row of an operation on one backup.
func onBackup[In, Out any, P interface {
	*In
	GetBackupArn() string
}](op smithy.Operation[In, Out], handle func(context.Context, *aws.Call, *In) (*Out, error)) service.Operation {
	return service.OpEach(op, handle, func(_ *aws.Call, in *In, check func(service.Access) error) error {
		arn, err := parseBackup(P(in).GetBackupArn())
		if err != nil {
			return err
		}
		return check(service.Access{Action: "dynamodb:" + op.Name, Resource: arn})
	})
}

func parseBackup(text string) (aws.ARN, error) {
	arn, err := aws.ParseARN(text)
	if err != nil || arn.Service != "dynamodb" || !strings.Contains(arn.Resource, backupKind) {
		return arn, refuse("The provided backup ARN is invalid: " + text)
	}
	return arn, nil
}

func findBackup(tx *store.Tx, arn aws.ARN) (*backup, error) {
	b, err := backups.Get(tx, arn)
	if errors.Is(err, store.ErrNotFound) {
		return nil, api.BackupNotFoundException.With(nil, "Backup not found: "+arn.String())
	}
	return &b, err
}

// CreateBackup makes a backup of a table as it is now. A task copies the items.
func (s *Service) CreateBackup(ctx context.Context, call *aws.Call, in *api.CreateBackupInput) (*api.CreateBackupOutput, error) {
	arn, err := tableARN(call, in.TableName)
	if err != nil {
		return nil, err
	}
	var b *backup
	var id aws.ARN
	err = s.db.Update(ctx, func(tx *store.Tx) error {
		_, err := changeTable(tx, arn, func(t *table) error {
			if err := s.checkKey(tx, t); err != nil {
				return err
			}
			id, b = newBackup(t, in.BackupName, userBackup)
			b.Rows, b.Backfill = newUUID(), &backfill{}
			b.At = b.Created.Add(-1) // what changes from now on is remembered
			t.Copies = append(t.Copies, id)
			return backups.Put(tx, id, *b)
		})
		tx.AfterCommit(s.backfills.Ring)
		return err
	})
	if err != nil {
		return nil, noTable(err, tableName(arn))
	}
	return &api.CreateBackupOutput{BackupDetails: b.details(id)}, nil
}

// copySome copies some more items of t into a backup. What they were then does
// not change any more, so it is read apart from where it is written.
func (s *Service) copySome(ctx context.Context, t *table, id aws.ARN) error {
	var b *backup
	var keys [][]byte
	var items []item.Item
	var n tally
	done := false
	err := s.db.View(ctx, func(tx *store.Tx) (err error) {
		if b, err = findBackup(tx, id); err != nil {
			return err
		}
		var from []byte
		if b.Backfill.After != nil {
			from = store.KeyAfter(b.Backfill.After)
		}
		keys, items, n, done = nil, nil, tally{b.Items, b.Bytes}, true
		size := 0
		for key, it := range t.itemsAt(tx, b.At, from) {
			keys, items = append(keys, bytes.Clone(key)), append(items, bytes.Clone(it))
			n.items, n.bytes = n.items+1, n.bytes+int64(it.Size())
			b.Backfill.After = keys[len(keys)-1]
			if size += len(it); len(items) == fillRows || size >= fillBytes {
				done = false
				break
			}
		}
		b.Items, b.Bytes = n.items, n.bytes
		if done {
			b.Backfill = nil
		}
		return tx.Err()
	})
	if err != nil {
		return err
	}
	return s.db.Update(ctx, func(tx *store.Tx) error {
		for i, key := range keys {
			if err := b.rows().Put(tx, key, items[i]); err != nil {
				return err
			}
		}
		if err := backups.Put(tx, id, *b); err != nil || !done {
			return err
		}
		return releaseCopy(tx, t.arn, id)
	})
}

// details describes b, which arn names.
func (b *backup) details(arn aws.ARN) *api.BackupDetails {
	d := &api.BackupDetails{
		BackupArn: arn.String(), BackupName: b.Name, BackupType: b.Type, BackupCreationDateTime: b.Created,
		BackupStatus: b.status(), BackupSizeBytes: &b.Bytes, BackupExpiryDateTime: timeOrNil(b.Expires),
	}
	return d
}

func (b *backup) status() string {
	if b.Backfill != nil {
		return "CREATING"
	}
	return "AVAILABLE"
}

// describe tells all about b, which arn names.
func (b *backup) describe(arn aws.ARN) *api.BackupDescription {
	t := &b.Table
	t.complete(b.Source, version{})
	mode := provisioned
	if t.Billing.OnDemand {
		mode = payPerRequest
	}
	read, write := t.Billing.units()
	source := &api.SourceTableDetails{
		TableName: t.name(), TableId: t.ID, TableArn: new(b.Source.String()), TableSizeBytes: &b.Bytes, ItemCount: &b.Items,
		KeySchema: t.Key.describe(), TableCreationDateTime: t.Created, BillingMode: &mode, OnDemandThroughput: t.Billing.limits(),
		ProvisionedThroughput: &api.ProvisionedThroughput{ReadCapacityUnits: read, WriteCapacityUnits: write},
	}
	features := &api.SourceTableFeatureDetails{SSEDescription: t.Encryption.describe()}
	for _, ix := range t.Locals {
		features.LocalSecondaryIndexes = append(features.LocalSecondaryIndexes, api.LocalSecondaryIndexInfo{
			IndexName: &ix.Name, KeySchema: ix.Key.describe(), Projection: ix.describeProjection(),
		})
	}
	for _, ix := range t.Globals {
		read, write := ix.Billing.units()
		features.GlobalSecondaryIndexes = append(features.GlobalSecondaryIndexes, api.GlobalSecondaryIndexInfo{
			IndexName: &ix.Name, KeySchema: ix.Key.describe(), Projection: ix.describeProjection(), OnDemandThroughput: ix.Billing.limits(),
			ProvisionedThroughput: &api.ProvisionedThroughput{ReadCapacityUnits: read, WriteCapacityUnits: write},
		})
	}
	if t.Stream.enabled() {
		features.StreamDescription = &api.StreamSpecification{StreamEnabled: true, StreamViewType: &t.Stream.View}
	}
	if t.TTL.Attribute != "" {
		features.TimeToLiveDescription = t.TTL.describe()
	}
	return &api.BackupDescription{BackupDetails: b.details(arn), SourceTableDetails: source, SourceTableFeatureDetails: features}
}

// DescribeBackup tells all about a backup.
func (s *Service) DescribeBackup(ctx context.Context, call *aws.Call, in *api.DescribeBackupInput) (*api.DescribeBackupOutput, error) {
	arn, err := parseBackup(in.BackupArn)
	if err != nil {
		return nil, err
	}
	var b *backup
	err = s.db.View(ctx, func(tx *store.Tx) error {
		b, err = findBackup(tx, arn)
		return err
	})
	if err != nil {
		return nil, err
	}
	return &api.DescribeBackupOutput{BackupDescription: b.describe(arn)}, nil
}

// DeleteBackup deletes a backup that is not being made.
func (s *Service) DeleteBackup(ctx context.Context, call *aws.Call, in *api.DeleteBackupInput) (*api.DeleteBackupOutput, error) {
	arn, err := parseBackup(in.BackupArn)
	if err != nil {
		return nil, err
	}
	var b *backup
	err = s.db.Update(ctx, func(tx *store.Tx) error {
		if b, err = findBackup(tx, arn); err != nil {
			return err
		}
		if b.Backfill != nil {
			return api.BackupInUseException.With(nil, "Backup is being created: "+arn.String())
		}
		return deleteBackup(tx, arn, b)
	})
	if err != nil {
		return nil, err
	}
	d := b.describe(arn)
	d.BackupDetails.BackupStatus = "DELETED"
	return &api.DeleteBackupOutput{BackupDescription: d}, nil
}

// deleteBackup removes b with its items, unless a table is being made of them.
func deleteBackup(tx *store.Tx, arn aws.ARN, b *backup) error {
	for _, t := range tables.Scan(tx, aws.ARN{}) {
		if t.restoring() && t.Restored.Backup == arn {
			return api.BackupInUseException.With(nil, "Backup is being used to restore another table: "+arn.String())
		}
	}
	if err := tx.Err(); err != nil {
		return err
	}
	if err := b.rows().DeleteRange(tx, nil, nil); err != nil {
		return err
	}
	return backups.Delete(tx, arn)
}

const usualBackups = 100 // on a page

// ListBackups lists the backups of a table, or of all, in order of their ARNs.
func (s *Service) ListBackups(ctx context.Context, call *aws.Call, in *api.ListBackupsInput) (*api.ListBackupsOutput, error) {
	after := call.ARN("dynamodb", "")
	var err error
	if in.ExclusiveStartBackupArn != nil {
		if after, err = parseBackup(*in.ExclusiveStartBackupArn); err != nil {
			return nil, err
		}
	}
	source := aws.ARN{}
	if in.TableName != nil {
		if source, err = tableARN(call, *in.TableName); err != nil {
			return nil, err
		}
	}
	limit := int(aws.Or(in.Limit, usualBackups))
	out := &api.ListBackupsOutput{BackupSummaries: []api.BackupSummary{}}
	err = s.db.View(ctx, func(tx *store.Tx) error {
		for arn, b := range backups.ScanAfter(tx, call.ARN("dynamodb", ""), after) {
			if in.TableName != nil && b.Source != source || !b.listed(in) {
				continue
			}
			if len(out.BackupSummaries) == limit {
				out.LastEvaluatedBackupArn = out.BackupSummaries[limit-1].BackupArn
				break
			}
			d := b.details(arn)
			out.BackupSummaries = append(out.BackupSummaries, api.BackupSummary{
				TableName: new(tableName(b.Source)), TableId: &b.Table.ID, TableArn: new(b.Source.String()), BackupArn: &d.BackupArn, BackupName: &d.BackupName,
				BackupCreationDateTime: &d.BackupCreationDateTime, BackupExpiryDateTime: d.BackupExpiryDateTime, BackupStatus: &d.BackupStatus,
				BackupType: &d.BackupType, BackupSizeBytes: d.BackupSizeBytes,
			})
		}
		return tx.Err()
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// listed reports whether b is of the time and type that in asks for.
func (b *backup) listed(in *api.ListBackupsInput) bool {
	if in.TimeRangeLowerBound != nil && b.Created.Before(*in.TimeRangeLowerBound) {
		return false
	}
	if in.TimeRangeUpperBound != nil && !b.Created.Before(*in.TimeRangeUpperBound) {
		return false
	}
	kind := aws.Or(in.BackupType, userBackup)
	return kind == "ALL" || kind == b.Type
}

// RestoreTableFromBackup makes a table of a backup. A task fills it.
func (s *Service) RestoreTableFromBackup(ctx context.Context, call *aws.Call, in *api.RestoreTableFromBackupInput) (*api.RestoreTableFromBackupOutput, error) {
	from, err := parseBackup(in.BackupArn)
	if err != nil {
		return nil, err
	}
	if err := checkName(in.TargetTableName); err != nil {
		return nil, err
	}
	overrides := &api.RestoreTableToPointInTimeInput{
		BillingModeOverride: in.BillingModeOverride, GlobalSecondaryIndexOverride: in.GlobalSecondaryIndexOverride,
		LocalSecondaryIndexOverride: in.LocalSecondaryIndexOverride, ProvisionedThroughputOverride: in.ProvisionedThroughputOverride,
		OnDemandThroughputOverride: in.OnDemandThroughputOverride, SSESpecificationOverride: in.SSESpecificationOverride, VectorIndexOverride: in.VectorIndexOverride,
	}
	to := call.ARN("dynamodb", tableKind+in.TargetTableName)
	sse, err := s.encryptionBy(ctx, call, to, in.SSESpecificationOverride)
	if err != nil {
		return nil, err
	}
	var t *table
	err = s.db.Update(ctx, func(tx *store.Tx) error {
		b, err := findBackup(tx, from)
		if err != nil {
			return err
		}
		if b.Backfill != nil {
			return api.BackupInUseException.With(nil, "Backup is being created: "+from.String())
		}
		if err := s.checkKey(tx, &b.Table); err != nil {
			return err
		}
		t, err = b.Table.remade(overrides, restoration{Source: b.Source, Backup: from, At: b.Created, Backfill: &backfill{}})
		if err != nil {
			return err
		}
		if in.SSESpecificationOverride != nil {
			t.Encryption = sse
		}
		return s.makeRestored(tx, t, to)
	})
	if err != nil {
		return nil, err
	}
	return &api.RestoreTableFromBackupOutput{TableDescription: t.describeNew()}, nil
}

func restoreBackupAccess(call *aws.Call, in *api.RestoreTableFromBackupInput, check func(service.Access) error) error {
	from, err := parseBackup(in.BackupArn)
	if err != nil {
		return err
	}
	for _, arn := range []aws.ARN{from, call.ARN("dynamodb", tableKind+in.TargetTableName)} {
		if err := check(service.Access{Action: "dynamodb:RestoreTableFromBackup", Resource: arn}); err != nil {
			return err
		}
	}
	return nil
}

func listBackupsAccess(call *aws.Call, in *api.ListBackupsInput, check func(service.Access) error) error {
	return check(service.Access{Action: "dynamodb:ListBackups", Resource: aws.AnyResource})
}

// items yields the keys and items that a table is restored of, from a key on.
func (r *restoration) items(tx *store.Tx, from []byte) (iter.Seq2[[]byte, item.Item], error) {
	if r.Backup != (aws.ARN{}) {
		b, err := findBackup(tx, r.Backup)
		if err != nil {
			return nil, err
		}
		return func(yield func([]byte, item.Item) bool) {
			for key, row := range b.rows().Scan(tx, from, nil) {
				if !yield(bytes.Clone(key), bytes.Clone(row)) {
					return
				}
			}
		}, nil
	}
	source, err := readTable(tx, r.Source)
	if err != nil {
		return nil, err
	}
	return source.itemsAt(tx, r.At, from), nil
}

// keepDeleted makes a backup of t, which is being deleted, of the very rows
// that it has.
func keepDeleted(tx *store.Tx, t *table) error {
	arn, b := newBackup(t, t.name()+"$DeletedTableBackup", systemBackup)
	b.Rows, b.At, b.Expires = t.ID, b.Created, b.Created.Add(systemLife)
	n := countRows(tx, t.rows)
	b.Items, b.Bytes = n.items, n.bytes
	return backups.Put(tx, arn, *b)
}

// expireBackups removes backups whose time is over.
func (s *Service) expireBackups(ctx context.Context) error {
	return s.db.Update(ctx, func(tx *store.Tx) error {
		for arn, b := range backups.Scan(tx, aws.ARN{}) {
			if b.Expires.IsZero() || b.Expires.After(time.Now()) {
				continue
			}
			err := deleteBackup(tx, arn, &b)
			if err != nil && !errors.Is(err, api.BackupInUseException) {
				return err
			}
		}
		return tx.Err()
	})
}

// releaseCopy notes that a copy of the table's items is done. What only copies
// needed is forgotten.
func releaseCopy(tx *store.Tx, arn, id aws.ARN) error {
	t, err := readTable(tx, arn)
	if err != nil {
		return err
	}
	t.Copies = without(t.Copies, id)
	if len(t.Copies) == 0 && !t.Recovery.enabled() {
		if err := history.Rows(t.ID).DeleteRange(tx, nil, nil); err != nil {
			return err
		}
	}
	return putTable(tx, t)
}
