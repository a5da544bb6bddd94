package dynamodb

import (
	"context"
	"errors"
	"slices"
	"time"

	api "github.com/aloft-cloud/aloft/internal/api/dynamodb"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/service"
	"github.com/aloft-cloud/aloft/internal/smithy"
	"github.com/aloft-cloud/aloft/internal/store"
)

// Global tables of version 2017.11.29 are made of tables that are there
// already, one in each region and all empty. They become replicas of one table,
// as those of the later version are, and are described by operations of their own.

// global is the table whose replica in the caller's region is part of the
// global table of that name.
func findGlobal(tx *store.Tx, call *aws.Call, name string) (*table, error) {
	t, err := readTable(tx, call.ARN("dynamodb", tableKind+name))
	if errors.Is(err, store.ErrNotFound) || err == nil && t.Global.IsZero() {
		return nil, api.GlobalTableNotFoundException.With(nil, "Global table not found: Global table with name: '"+name+"' does not exist.")
	}
	return t, err
}

// viewGlobal is findGlobal for those who only read.
func (s *Service) viewGlobal(ctx context.Context, call *aws.Call, name string) (*table, error) {
	var t *table
	err := s.db.View(ctx, func(tx *store.Tx) (err error) {
		t, err = findGlobal(tx, call, name)
		return err
	})
	return t, err
}

// CreateGlobalTable makes one table of those of one name in several regions.
func (s *Service) CreateGlobalTable(ctx context.Context, call *aws.Call, in *api.CreateGlobalTableInput) (*api.CreateGlobalTableOutput, error) {
	regions := make([]string, 0, len(in.ReplicationGroup))
	for _, r := range in.ReplicationGroup {
		region := aws.Value(r.RegionName)
		if slices.Contains(regions, region) {
			return nil, refuse(invalid + "Replicas must be in distinct regions: " + region)
		}
		regions = append(regions, region)
	}
	if len(regions) == 0 {
		return nil, refuse(invalid + "ReplicationGroup must not be empty")
	}
	var t *table
	err := s.db.Update(ctx, func(tx *store.Tx) (err error) {
		arn := call.ARN("dynamodb", tableKind+in.GlobalTableName)
		arn.Region = regions[0]
		if t, err = mayReplicate(tx, arn); err != nil {
			return err
		}
		t.Global = time.Now()
		t.Replicas, t.Consistency = []replica{{Region: t.arn.Region, Key: t.Encryption.named()}}, eventual
		for _, region := range regions[1:] {
			if err := s.join(tx, t, region); err != nil {
				return err
			}
		}
		return putTable(tx, t)
	})
	if err != nil {
		return nil, err
	}
	d := t.describeGlobalTable()
	d.GlobalTableStatus = new("CREATING")
	return &api.CreateGlobalTableOutput{GlobalTableDescription: d}, nil
}

// mayReplicate returns the table that arn names, if a global table can be made
// of it.
func mayReplicate(tx *store.Tx, arn aws.ARN) (*table, error) {
	t, err := readTable(tx, arn)
	switch {
	case errors.Is(err, store.ErrNotFound):
		return nil, api.TableNotFoundException.With(nil, "Table not found: "+tableName(arn))
	case err != nil:
		return nil, err
	case t.unfinished():
		return nil, errInUse(t)
	case len(t.Replicas) > 0:
		return nil, api.GlobalTableAlreadyExistsException.With(nil, "Global table already exists: Global table with name: '"+t.name()+"' already exists.")
	case t.Stream.View != bothImage:
		return nil, refuse(invalid + "StreamEnabled must be true, and StreamViewType NEW_AND_OLD_IMAGES, for table in region: " + arn.Region)
	}
	for range t.rows.Scan(tx, nil, nil) {
		return nil, refuse(invalid + "Table must be empty in region: " + arn.Region)
	}
	return t, tx.Err()
}

// join makes the table of the same name in another region a replica of t, which
// keeps what replicas have for themselves. Its stream ends.
func (s *Service) join(tx *store.Tx, t *table, region string) error {
	other, err := mayReplicate(tx, t.in(region))
	if err != nil {
		return err
	}
	if !sameShape(t, other) {
		return refuse(invalid + "Key schema and secondary indexes must be the same as those of the other replicas for table in region: " + region)
	}
	s.part(other.arn, other.ID)
	if err := other.release(tx); err != nil {
		return err
	}
	return t.replicate(tx, replica{Region: region, Key: other.Encryption.named()})
}

// sameShape reports whether two tables have the same keys and indexes.
func sameShape(a, b *table) bool {
	sameKey := func(a, b *keySchema) bool { return slices.Equal(a.Hash, b.Hash) && slices.Equal(a.Range, b.Range) }
	sameList := func(a, b []*index) bool {
		if len(a) != len(b) {
			return false
		}
		for _, ix := range a {
			if !slices.ContainsFunc(b, func(other *index) bool {
				return ix.Name == other.Name && ix.Projection == other.Projection && sameKey(&ix.Key, &other.Key)
			}) {
				return false
			}
		}
		return true
	}
	return sameKey(&a.Key, &b.Key) && sameList(a.Locals, b.Locals) && sameList(a.Globals, b.Globals)
}

// UpdateGlobalTable adds tables in other regions to a global table, and makes
// tables of their own of those that leave it.
func (s *Service) UpdateGlobalTable(ctx context.Context, call *aws.Call, in *api.UpdateGlobalTableInput) (*api.UpdateGlobalTableOutput, error) {
	var t *table
	err := s.db.Update(ctx, func(tx *store.Tx) (err error) {
		if t, err = findGlobal(tx, call, in.GlobalTableName); err != nil {
			return err
		}
		if t, err = readTable(tx, t.stays(in.ReplicaUpdates)); err != nil {
			return err
		}
		for _, u := range in.ReplicaUpdates {
			switch {
			case u.Create != nil && u.Delete == nil:
				if t.findReplica(u.Create.RegionName) >= 0 {
					return api.ReplicaAlreadyExistsException.With(nil, "Replica already exists: "+u.Create.RegionName)
				}
				if err := s.join(tx, t, u.Create.RegionName); err != nil {
					return err
				}
			case u.Delete != nil && u.Create == nil:
				if t.findReplica(u.Delete.RegionName) < 0 {
					return api.ReplicaNotFoundException.With(nil, "Replica not found: "+u.Delete.RegionName)
				}
				if err := s.detach(tx, t, u.Delete.RegionName); err != nil {
					return err
				}
			default:
				return refuse(invalid + "One of ReplicaUpdate.Create, ReplicaUpdate.Delete must be given")
			}
		}
		return putTable(tx, t)
	})
	if err != nil {
		return nil, err
	}
	d := t.describeGlobalTable()
	d.GlobalTableStatus = new("UPDATING")
	if len(t.Replicas) == 0 {
		d.GlobalTableStatus = new("DELETING")
	}
	return &api.UpdateGlobalTableOutput{GlobalTableDescription: d}, nil
}

// detach makes a table of its own of the replica of t in region, with all items
// that are there now. Many are copied by a task, and until then the table is
// being created. t itself can only be the last that leaves.
func (s *Service) detach(tx *store.Tx, t *table, region string) error {
	switch {
	case region != t.arn.Region:
	case len(t.Replicas) > 1:
		return refuse(invalid + "Replicas cannot be created in a request that deletes all others")
	default:
		t.leave(region)
		return nil
	}
	left, err := readTable(tx, t.in(region))
	if err != nil {
		return err
	}
	if left.doing() != "" {
		return errInUse(left)
	}
	if err := left.checkUncopied(tx); err != nil {
		return err
	}
	s.part(left.arn, left.ID)
	left.isolate(restoration{Source: t.arn, At: time.Now(), Backfill: &backfill{}, Parted: true, Before: left.Restored})
	done, err := left.restore(tx)
	if err != nil {
		return err
	}
	t.leave(region)
	t.Kinesis = slices.DeleteFunc(t.Kinesis, func(d destination) bool { return d.Region == region })
	if done {
		left.endRestore()
	} else {
		t.Copies = append(t.Copies, left.arn) // what changes from now on is remembered
	}
	tx.AfterCommit(s.backfills.Ring)
	return putOne(tx, left)
}

// isolate makes t, a replica, a table whose rows are its own, and are to be
// made as r says. What a region has for itself stays.
func (t *table) isolate(r restoration) {
	t.ID, t.Restored = newUUID(), &r
	t.Replicas, t.Consistency, t.Global, t.Copies = nil, "", time.Time{}, nil
	t.Kinesis = slices.DeleteFunc(t.Kinesis, func(d destination) bool { return d.Region != t.arn.Region })
	if t.Recovery.enabled() {
		t.Recovery.Since = time.Now()
	}
	if t.TTL.Attribute != "" {
		t.TTL.Backfill = newBackfill()
	}
	for ix := range t.indexes {
		ix.Backfill = nil // all are filled as the table is
	}
	t.complete(t.arn, t.version)
}

// stays is the replica of t that stays when updates are made, or if none does
// the one that leaves last.
func (t *table) stays(updates []api.ReplicaUpdate) aws.ARN {
	var gone []aws.ARN
	for _, u := range updates {
		if u.Delete != nil && t.findReplica(u.Delete.RegionName) >= 0 {
			gone = append(gone, t.in(u.Delete.RegionName))
		}
	}
	for arn := range t.everywhere {
		if !slices.Contains(gone, arn) {
			return arn
		}
	}
	return gone[len(gone)-1]
}

// globalARN is the ARN of a global table.
func globalARN(account, name string) aws.ARN {
	return aws.ARN{Service: "dynamodb", Account: account, Resource: "global-table/" + name}
}

func (t *table) describeGlobalTable() *api.GlobalTableDescription {
	d := &api.GlobalTableDescription{
		GlobalTableArn: new(globalARN(t.arn.Account, t.name()).String()), GlobalTableName: new(t.name()), GlobalTableStatus: new("ACTIVE"), CreationDateTime: &t.Global,
	}
	for _, r := range t.Replicas {
		d.ReplicationGroup = append(d.ReplicationGroup, api.ReplicaDescription{RegionName: &r.Region})
	}
	return d
}

// DescribeGlobalTable tells in which regions a global table has replicas.
func (s *Service) DescribeGlobalTable(ctx context.Context, call *aws.Call, in *api.DescribeGlobalTableInput) (*api.DescribeGlobalTableOutput, error) {
	t, err := s.viewGlobal(ctx, call, in.GlobalTableName)
	if err != nil {
		return nil, err
	}
	return &api.DescribeGlobalTableOutput{GlobalTableDescription: t.describeGlobalTable()}, nil
}

// ListGlobalTables lists the global tables that have a replica in a region.
func (s *Service) ListGlobalTables(ctx context.Context, call *aws.Call, in *api.ListGlobalTablesInput) (*api.ListGlobalTablesOutput, error) {
	limit := int(aws.Or(in.Limit, usualTables))
	out := &api.ListGlobalTablesOutput{GlobalTables: []api.GlobalTable{}}
	err := s.db.View(ctx, func(tx *store.Tx) error {
		prefix, first := call.ARN("dynamodb", ""), call.ARN("dynamodb", tableKind+aws.Value(in.ExclusiveStartGlobalTableName))
		prefix.Region = aws.Or(in.RegionName, call.Region)
		first.Region = prefix.Region
		for arn, t := range tables.ScanAfter(tx, prefix, first) {
			if t.Global.IsZero() {
				continue
			}
			if len(out.GlobalTables) == limit {
				out.LastEvaluatedGlobalTableName = out.GlobalTables[limit-1].GlobalTableName
				break
			}
			g := api.GlobalTable{GlobalTableName: new(tableName(arn))}
			for _, r := range t.Replicas {
				g.ReplicationGroup = append(g.ReplicationGroup, api.Replica{RegionName: &r.Region})
			}
			out.GlobalTables = append(out.GlobalTables, g)
		}
		return tx.Err()
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// globalInput is the input of an operation on a global table.
type globalInput[In any] interface {
	*In
	GetGlobalTableName() string
}

// onGlobal is the row of an operation on a global table.
func onGlobal[In, Out any, P globalInput[In]](op smithy.Operation[In, Out], handle func(context.Context, *aws.Call, *In) (*Out, error)) service.Operation {
	return service.Op(op, handle, func(call *aws.Call, in *In) aws.ARN { return globalARN(call.Account, P(in).GetGlobalTableName()) })
}

// createGlobalAccess checks for leave to make a global table of each of its tables.
func createGlobalAccess(call *aws.Call, in *api.CreateGlobalTableInput, check func(service.Access) error) error {
	const action = "dynamodb:CreateGlobalTable"
	if err := check(service.Access{Action: action, Resource: globalARN(call.Account, in.GlobalTableName)}); err != nil {
		return err
	}
	for _, r := range in.ReplicationGroup {
		arn := call.ARN("dynamodb", tableKind+in.GlobalTableName)
		arn.Region = aws.Value(r.RegionName)
		if err := check(service.Access{Action: action, Resource: arn}); err != nil {
			return err
		}
	}
	return nil
}

// updateGlobalAccess checks for leave to change a global table, and each table
// that is to be part of it.
func updateGlobalAccess(call *aws.Call, in *api.UpdateGlobalTableInput, check func(service.Access) error) error {
	const action = "dynamodb:UpdateGlobalTable"
	if err := check(service.Access{Action: action, Resource: globalARN(call.Account, in.GlobalTableName)}); err != nil {
		return err
	}
	for _, u := range in.ReplicaUpdates {
		arn := call.ARN("dynamodb", tableKind+in.GlobalTableName)
		if u.Create != nil {
			arn.Region = u.Create.RegionName
		} else if u.Delete != nil {
			arn.Region = u.Delete.RegionName
		}
		if err := check(service.Access{Action: action, Resource: arn}); err != nil {
			return err
		}
	}
	return nil
}
