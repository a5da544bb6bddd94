package dynamodb

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"iter"
	"slices"
	"time"

	api "github.com/aloft-cloud/aloft/internal/api/dynamodb"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/item"
	"github.com/aloft-cloud/aloft/internal/service"
	"github.com/aloft-cloud/aloft/internal/store"
)

// history has what items were before they changed, by table. A key is that of
// the item's row and the time of the change, so that what an item was at some
// time is the first row after that, or if there is none what it is.
var history = store.NewBytes[string]("dynamodb.history")

const (
	historyTime   = 8 // bytes of a key
	usualRecovery = 35
)

// A recovery says since when the table's history is kept.
type recovery struct {
	Since time.Time `json:",omitzero"`
	Days  int32     `json:",omitempty"` // how long it is kept
}

func (r *recovery) enabled() bool { return !r.Since.IsZero() }

// earliest is the first time whose items can be told.
func (r *recovery) earliest() time.Time {
	if kept := time.Now().AddDate(0, 0, -int(r.Days)); kept.After(r.Since) {
		return kept
	}
	return r.Since
}

func (r *recovery) describe() *api.ContinuousBackupsDescription {
	d := &api.PointInTimeRecoveryDescription{PointInTimeRecoveryStatus: new(api.PointInTimeRecoveryStatusDisabled)}
	if r.enabled() {
		d.PointInTimeRecoveryStatus = new(api.PointInTimeRecoveryStatusEnabled)
		d.RecoveryPeriodInDays = &r.Days
		d.EarliestRestorableDateTime, d.LatestRestorableDateTime = new(r.earliest()), new(time.Now())
	}
	return &api.ContinuousBackupsDescription{ContinuousBackupsStatus: api.ContinuousBackupsStatusEnabled, PointInTimeRecoveryDescription: d}
}

// remembers reports whether the table's history is kept: for recovery, or for
// copies of it that are being made.
func (t *table) remembers() bool { return t.Recovery.enabled() || len(t.Copies) > 0 }

// remember keeps what w has changed, if the table's history is kept. If an
// item changes twice at one time, what it was before the first counts.
func (t *table) remember(tx *store.Tx, w *write, key []byte) error {
	if !t.remembers() || w.new.Equal(w.old) {
		return nil
	}
	key = binary.BigEndian.AppendUint64(slices.Clip(key), uint64(time.Now().UnixNano()))
	rows := history.Rows(t.ID)
	if has, err := rows.Has(tx, key); err != nil || has {
		return err
	}
	return rows.Put(tx, key, append([]byte{}, w.old...))
}

// itemsAt yields the keys and items of t as they were at a time, from a key on.
func (t *table) itemsAt(tx *store.Tx, at time.Time, from []byte) iter.Seq2[[]byte, item.Item] {
	return func(yield func([]byte, item.Item) bool) {
		nextRow, stopRows := iter.Pull2(t.rows.Scan(tx, from, nil))
		defer stopRows()
		nextOld, stopOld := iter.Pull2(history.Rows(t.ID).Scan(tx, from, nil))
		defer stopOld()
		key, row, more := nextRow()
		stamped, old, moreOld := nextOld()
		for more || moreOld {
			k, it := key, row
			if !more || moreOld && bytes.Compare(stamped[:len(stamped)-historyTime], key) < 0 {
				k, it = stamped[:len(stamped)-historyTime], nil
			}
			k, it = bytes.Clone(k), bytes.Clone(it)
			for found := false; moreOld && bytes.Equal(stamped[:len(stamped)-historyTime], k); stamped, old, moreOld = nextOld() {
				if ns := int64(binary.BigEndian.Uint64(stamped[len(stamped)-historyTime:])); !found && time.Unix(0, ns).After(at) {
					it, found = bytes.Clone(old), true
				}
			}
			if more && bytes.Equal(key, k) {
				key, row, more = nextRow()
			}
			if len(it) > 0 && !yield(k, it) {
				return
			}
		}
	}
}

// DescribeContinuousBackups tells whether a table's history is kept.
func (s *Service) DescribeContinuousBackups(ctx context.Context, call *aws.Call, in *api.DescribeContinuousBackupsInput) (*api.DescribeContinuousBackupsOutput, error) {
	t, err := s.viewTable(ctx, call, in.TableName)
	if err != nil {
		return nil, noTable(err, in.TableName)
	}
	return &api.DescribeContinuousBackupsOutput{ContinuousBackupsDescription: t.Recovery.describe()}, nil
}

// noTable puts err as operations on backups do, if it is that there is no table.
func noTable(err error, name string) error {
	if errors.Is(err, api.ResourceNotFoundException) {
		return api.TableNotFoundException.With(nil, "Table not found: "+name)
	}
	return err
}

// UpdateContinuousBackups says whether a table's history is kept.
func (s *Service) UpdateContinuousBackups(ctx context.Context, call *aws.Call, in *api.UpdateContinuousBackupsInput) (*api.UpdateContinuousBackupsOutput, error) {
	arn, err := tableARN(call, in.TableName)
	if err != nil {
		return nil, err
	}
	spec := in.PointInTimeRecoverySpecification
	if !spec.PointInTimeRecoveryEnabled && spec.RecoveryPeriodInDays != nil {
		return nil, refuse("RecoveryPeriodInDays can only be set when PointInTimeRecoveryEnabled is true")
	}
	var t *table
	err = s.db.Update(ctx, func(tx *store.Tx) error {
		t, err = changeTable(tx, arn, func(t *table) error {
			if spec.PointInTimeRecoveryEnabled {
				if !t.Recovery.enabled() {
					t.Recovery = recovery{time.Now(), usualRecovery}
				}
				t.Recovery.Days = aws.Or(spec.RecoveryPeriodInDays, t.Recovery.Days)
				return nil
			}
			t.Recovery = recovery{}
			return t.forget(tx)
		})
		return err
	})
	if err != nil {
		return nil, noTable(err, tableName(arn))
	}
	return &api.UpdateContinuousBackupsOutput{ContinuousBackupsDescription: t.Recovery.describe()}, nil
}

// forget removes the history of t, unless something is being made of it.
func (t *table) forget(tx *store.Tx) error {
	if len(t.Copies) > 0 {
		return errCopied(t)
	}
	for arn := range t.everywhere {
		if err := checkUnread(tx, arn); err != nil {
			return err
		}
	}
	return history.Rows(t.ID).DeleteRange(tx, nil, nil)
}

// checkUncopied refuses to do without t, one of several replicas, while
// something is being made of that.
func (t *table) checkUncopied(tx *store.Tx) error {
	if slices.ContainsFunc(t.Copies, func(id aws.ARN) bool { return id.Region == t.arn.Region }) {
		return errCopied(t)
	}
	return checkUnread(tx, t.arn)
}

func errCopied(t *table) error {
	return api.ResourceInUseException.With(nil, "Attempt to change a resource which is still in use: Table is being backed up or exported: "+t.name())
}

// checkUnread refuses to do without a table that another is being made of.
func checkUnread(tx *store.Tx, arn aws.ARN) error {
	for _, other := range tables.Scan(tx, aws.ARN{}) {
		if other.restoring() && other.Restored.Source == arn {
			return api.ResourceInUseException.With(nil, "Attempt to change a resource which is still in use: Table is being restored: "+tableName(arn))
		}
	}
	return tx.Err()
}

// A restoration says which table, as of when, a table was made of.
type restoration struct {
	Source   aws.ARN
	Backup   aws.ARN `json:",omitzero"` // of it; zero: its history
	At       time.Time
	Backfill *backfill `json:",omitempty"` // what is being done before it can be used
	Parted   bool      `json:",omitempty"` // the table was a replica of Source

	Before *restoration `json:",omitempty"` // if Parted, what is told of the table after
}

// restoring reports whether items are still missing.
func (t *table) restoring() bool { return t.Restored != nil && t.Restored.Backfill != nil }

// unfinished reports whether the table cannot be used before its items are there.
func (t *table) unfinished() bool {
	return t.restoring() || t.Importing != (aws.ARN{}) || t.Transition != nil && t.Transition.Status != api.TableStatusUpdating
}

func (r *restoration) describe() *api.RestoreSummary {
	if r == nil || r.Parted {
		return nil
	}
	d := &api.RestoreSummary{SourceTableArn: new(r.Source.String()), RestoreDateTime: r.At, RestoreInProgress: r.Backfill != nil}
	if r.Backup != (aws.ARN{}) {
		d.SourceBackupArn = new(r.Backup.String())
	}
	return d
}

// restore copies some more items, and reports whether all are there.
func (t *table) restore(tx *store.Tx) (done bool, err error) {
	b := t.Restored.Backfill
	var from []byte
	if b.After != nil {
		from = store.KeyAfter(b.After)
	}
	items, err := t.Restored.items(tx, from)
	if err != nil {
		return false, err
	}
	rows, size := 0, 0
	for key, it := range items {
		b.After = key
		if err := t.rows.Put(tx, key, it); err != nil {
			return false, err
		}
		for ix := range t.indexes {
			if err := t.index(tx, ix, nil, it); err != nil {
				return false, err
			}
		}
		rows++
		if size += len(it); rows == fillRows || size >= fillBytes {
			return false, tx.Err()
		}
	}
	return true, tx.Err()
}

// endRestore notes that all items are there.
func (t *table) endRestore() {
	t.Restored.Backfill = nil
	if t.Restored.Parted {
		t.Restored = t.Restored.Before
	}
}

// RestoreTableToPointInTime makes a table of another as it was at some time. A
// task fills it.
func (s *Service) RestoreTableToPointInTime(ctx context.Context, call *aws.Call, in *api.RestoreTableToPointInTimeInput) (*api.RestoreTableToPointInTimeOutput, error) {
	from, to, err := restoredTables(call, in)
	if err != nil {
		return nil, err
	}
	if (in.RestoreDateTime == nil) == !aws.Value(in.UseLatestRestorableTime) {
		return nil, refuse("Exactly one of RestoreDateTime and UseLatestRestorableTime must be specified")
	}
	at := aws.Or(in.RestoreDateTime, time.Now())
	sse, err := s.encryptionBy(ctx, call, to, in.SSESpecificationOverride)
	if err != nil {
		return nil, err
	}
	var t *table
	err = s.db.Update(ctx, func(tx *store.Tx) error {
		source, err := readTable(tx, from)
		if errors.Is(err, store.ErrNotFound) {
			return api.TableNotFoundException.With(nil, "Table not found: "+tableName(from))
		}
		if err != nil {
			return err
		}
		if err := s.checkKey(tx, source); err != nil {
			return err
		}
		if t, err = source.restored(in, at); err != nil {
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
	return &api.RestoreTableToPointInTimeOutput{TableDescription: t.describeNew()}, nil
}

// makeRestored makes t under the name to, for a task to fill.
func (s *Service) makeRestored(tx *store.Tx, t *table, to aws.ARN) error {
	if has, err := tables.Has(tx, to); err != nil || has {
		if err == nil {
			err = api.TableAlreadyExistsException.With(nil, "Table already exists: "+tableName(to))
		}
		return err
	}
	t.arn = to
	tx.AfterCommit(s.backfills.Ring)
	return putTable(tx, t)
}

// restoredTables returns the table that is to be restored, and what it is
// restored as.
func restoredTables(call *aws.Call, in *api.RestoreTableToPointInTimeInput) (from, to aws.ARN, err error) {
	name := aws.Or(in.SourceTableArn, aws.Value(in.SourceTableName))
	if name == "" {
		return from, to, refuse("One of SourceTableArn and SourceTableName must be specified")
	}
	if from, err = tableARN(call, name); err != nil {
		return from, to, err
	}
	to = call.ARN("dynamodb", tableKind+in.TargetTableName)
	return from, to, checkName(in.TargetTableName)
}

// restored returns the table that is to be made of t as it was at a time.
func (t *table) restored(in *api.RestoreTableToPointInTimeInput, at time.Time) (*table, error) {
	if !t.Recovery.enabled() {
		return nil, api.PointInTimeRecoveryUnavailableException.With(nil, "Point in time recovery is not enabled for table '"+t.name()+"'")
	}
	if at.Before(t.Recovery.earliest().Truncate(time.Second)) || at.After(time.Now()) {
		return nil, api.InvalidRestoreTimeException.With(nil, "Invalid restore time: it must be between EarliestRestorableDateTime and LatestRestorableDateTime")
	}
	return t.remade(in, restoration{Source: t.arn, At: at, Backfill: &backfill{}})
}

// remade returns a table like t that is to be filled as r says. It has neither
// tags, policy and stream of t, nor do its items expire.
func (t *table) remade(in *api.RestoreTableToPointInTimeInput, r restoration) (*table, error) {
	if in.VectorIndexOverride != nil {
		return nil, aws.NotImplemented.Errorf("Aloft has no vector indexes yet.")
	}
	out := &table{
		ID: newUUID(), Created: time.Now(), Key: t.Key, Definitions: t.Definitions, Locals: t.Locals, Globals: t.Globals,
		LastIndex: t.LastIndex, Tags: map[string]string{}, Billing: t.Billing, Encryption: t.Encryption, Class: t.Class, ClassSince: t.ClassSince,
		Restored: &r,
	}
	if in.BillingModeOverride != nil {
		out.Billing = billing{OnDemand: *in.BillingModeOverride == payPerRequest}
		if out.Billing.OnDemand {
			out.Billing.OnDemandSince = time.Now()
		} else if in.ProvisionedThroughputOverride == nil {
			return nil, refuse(invalid + "ReadCapacityUnits and WriteCapacityUnits must both be specified when BillingMode is PROVISIONED")
		}
	}
	if err := out.Billing.set(in.ProvisionedThroughputOverride, in.OnDemandThroughputOverride, nil); err != nil {
		return nil, err
	}
	var err error
	if in.LocalSecondaryIndexOverride != nil {
		var names []string
		for _, ix := range in.LocalSecondaryIndexOverride {
			names = append(names, ix.IndexName)
		}
		if out.Locals, err = keepIndexes(out.Locals, names); err != nil {
			return nil, err
		}
	}
	if in.GlobalSecondaryIndexOverride != nil {
		var names []string
		for _, ix := range in.GlobalSecondaryIndexOverride {
			names = append(names, ix.IndexName)
		}
		if out.Globals, err = keepIndexes(out.Globals, names); err != nil {
			return nil, err
		}
	}
	for ix := range out.indexes {
		ix.Backfill = nil // all are filled as the table is
	}
	return out, nil
}

// keepIndexes returns those indexes that names name.
func keepIndexes(list []*index, names []string) ([]*index, error) {
	var out []*index
	for _, name := range names {
		i := slices.IndexFunc(list, func(ix *index) bool { return ix.Name == name })
		if i < 0 {
			return nil, refuse(invalid + "Table override contains an index that the source table does not have: " + name)
		}
		out = append(out, list[i])
	}
	return out, nil
}

func (s *Service) restoreAccess(call *aws.Call, in *api.RestoreTableToPointInTimeInput, check func(service.Access) error) error {
	from, to, err := restoredTables(call, in)
	if err != nil {
		return err
	}
	for _, arn := range []aws.ARN{from, to} {
		if err := check(service.Access{Action: "dynamodb:RestoreTableToPointInTime", Resource: arn}); err != nil {
			return err
		}
	}
	return nil
}

// trimHistory removes what is longer ago than it is kept.
func (s *Service) trimHistory(ctx context.Context) (time.Duration, error) {
	kept := make(map[string]time.Time) // by table: what is after
	err := s.db.View(ctx, func(tx *store.Tx) error {
		for _, t := range tables.Scan(tx, aws.ARN{}) {
			if t.Recovery.enabled() && len(t.Copies) == 0 {
				kept[t.ID] = t.Recovery.earliest()
			}
		}
		return nil
	})
	if err != nil {
		return 0, err
	}
	if err := s.expireBackups(ctx); err != nil {
		return 0, err
	}
	for id, since := range kept {
		for from := []byte{}; from != nil; {
			if from, err = s.trimSome(ctx, id, since, from); err != nil {
				return 0, err
			}
		}
	}
	return idle, nil
}

// trimSome does so from a key on, and returns the key to go on from, or nil.
func (s *Service) trimSome(ctx context.Context, id string, since time.Time, from []byte) (next []byte, err error) {
	const most = 10_000 // rows looked at
	var old [][]byte
	rows := history.Rows(id)
	err = s.db.View(ctx, func(tx *store.Tx) error {
		next, old = nil, nil
		n := 0
		for key := range rows.Scan(tx, from, nil) {
			if n++; n == most {
				next = bytes.Clone(key)
				break
			}
			if ns := int64(binary.BigEndian.Uint64(key[len(key)-historyTime:])); time.Unix(0, ns).Before(since) {
				old = append(old, bytes.Clone(key))
			}
		}
		return nil
	})
	if err != nil || len(old) == 0 {
		return next, err
	}
	return next, s.db.Update(ctx, func(tx *store.Tx) error {
		for _, key := range old {
			if err := rows.Delete(tx, key); err != nil {
				return err
			}
		}
		return nil
	})
}
