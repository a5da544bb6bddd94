package rds

import (
	"context"
	"slices"
	"strings"
	"time"

	api "github.com/aloft-cloud/aloft/internal/api/rds"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/store"
)

// A clusterSnapshot is a copy of a cluster's database, and a dbSnapshot one of an
// instance's. It is made in the background, as databases are.
type clusterSnapshot struct {
	Base base
	Is   api.DBClusterSnapshot
}

type dbSnapshot struct {
	Base base
	Is   api.DBSnapshot
}

// copied is a base that begins as a copy of another.
func (b *base) copied() base {
	c := *b
	c.ID, c.Source, c.Failure, c.Password = strings.ToLower(newID()), b.ID, "", nil
	return c
}

// snapCluster has a snapshot of a cluster made.
func (s *Service) snapCluster(tx *store.Tx, call *aws.Call, c *cluster, given string, tags []api.Tag) (*api.DBClusterSnapshot, error) {
	if err := checkIdentifier("DBClusterSnapshotIdentifier", given); err != nil {
		return nil, err
	}
	if err := c.checkAvailable(); err != nil {
		return nil, err
	}
	name := strings.ToLower(given)
	arn := clusterSnapshots.arn(call, name)
	if there, err := clusterSnapshots.Has(tx, arn); err != nil || there {
		return nil, errorOr(err, api.DBClusterSnapshotAlreadyExistsFault.Errorf("Cannot create the cluster snapshot because one with the identifier %s already exists.", name))
	}
	row, is := clusterSnapshot{Base: c.Base.copied()}, &c.Is
	row.Is = api.DBClusterSnapshot{
		DBClusterSnapshotIdentifier: &name, DBClusterIdentifier: is.DBClusterIdentifier, DBClusterSnapshotArn: new(arn.String()), SnapshotCreateTime: new(time.Now().Truncate(time.Millisecond)),
		Status: new(creating), SnapshotType: new("manual"), PercentProgress: new(int32(0)), Engine: is.Engine, EngineMode: is.EngineMode, EngineVersion: is.EngineVersion, Port: is.Port,
		AllocatedStorage: is.AllocatedStorage, AvailabilityZones: is.AvailabilityZones, VpcId: new("vpc-0"), ClusterCreateTime: is.ClusterCreateTime, MasterUsername: is.MasterUsername,
		StorageEncrypted: is.StorageEncrypted, KmsKeyId: is.KmsKeyId, IAMDatabaseAuthenticationEnabled: is.IAMDatabaseAuthenticationEnabled, TagList: tagged(nil, tags),
		DbClusterResourceId: is.DbClusterResourceId, StorageType: is.StorageType, BackupRetentionPeriod: is.BackupRetentionPeriod, PreferredBackupWindow: is.PreferredBackupWindow,
	}
	if aws.Value(is.CopyTagsToSnapshot) {
		row.Is.TagList = tagged(is.TagList, tags)
	}
	out := row.Is
	return &out, s.make(tx, arn, func() error { return clusterSnapshots.Put(tx, arn, row) })
}

// snapInstance has a snapshot of an instance made.
func (s *Service) snapInstance(tx *store.Tx, call *aws.Call, i *instance, given string, tags []api.Tag) (*api.DBSnapshot, error) {
	if err := checkIdentifier("DBSnapshotIdentifier", given); err != nil {
		return nil, err
	}
	if i.member() {
		return nil, invalidCombination.Errorf("The specified instance is a member of a cluster and a snapshot cannot be created directly. Please use the CreateDBClusterSnapshot API instead.")
	}
	if *i.Is.DBInstanceStatus != stopped {
		if err := i.checkAvailable(); err != nil {
			return nil, err
		}
	}
	name := strings.ToLower(given)
	arn := dbSnapshots.arn(call, name)
	if there, err := dbSnapshots.Has(tx, arn); err != nil || there {
		return nil, errorOr(err, api.DBSnapshotAlreadyExistsFault.Errorf("Cannot create the snapshot because a snapshot with the identifier %s already exists.", name))
	}
	row, is := dbSnapshot{Base: i.Base.copied()}, &i.Is
	row.Is = api.DBSnapshot{
		DBSnapshotIdentifier: &name, DBInstanceIdentifier: is.DBInstanceIdentifier, DBSnapshotArn: new(arn.String()), SnapshotCreateTime: new(time.Now().Truncate(time.Millisecond)), Status: new(creating),
		SnapshotType: new("manual"), PercentProgress: new(int32(0)), Engine: is.Engine, EngineVersion: is.EngineVersion, Port: &i.Base.Port, AllocatedStorage: is.AllocatedStorage,
		AvailabilityZone: is.AvailabilityZone, VpcId: new("vpc-0"), InstanceCreateTime: is.InstanceCreateTime, MasterUsername: is.MasterUsername, LicenseModel: is.LicenseModel, Iops: is.Iops,
		StorageType: is.StorageType, Encrypted: is.StorageEncrypted, KmsKeyId: is.KmsKeyId, IAMDatabaseAuthenticationEnabled: is.IAMDatabaseAuthenticationEnabled, DbiResourceId: is.DbiResourceId,
		TagList: tagged(nil, tags), SnapshotTarget: new("region"), Timezone: is.Timezone, BackupRetentionPeriod: is.BackupRetentionPeriod, PreferredBackupWindow: is.PreferredBackupWindow,
	}
	if len(is.OptionGroupMemberships) > 0 {
		row.Is.OptionGroupName = is.OptionGroupMemberships[0].OptionGroupName
	}
	if aws.Value(is.CopyTagsToSnapshot) {
		row.Is.TagList = tagged(is.TagList, tags)
	}
	out := row.Is
	return &out, s.make(tx, arn, func() error { return dbSnapshots.Put(tx, arn, row) })
}

// CreateDBClusterSnapshot has a snapshot of a cluster made.
func (s *Service) CreateDBClusterSnapshot(ctx context.Context, call *aws.Call, in *api.CreateDBClusterSnapshotInput) (*api.CreateDBClusterSnapshotOutput, error) {
	out := new(api.CreateDBClusterSnapshotOutput)
	err := s.db.Update(ctx, func(tx *store.Tx) error {
		_, c, err := clusters.find(tx, call, in.DBClusterIdentifier)
		if err == nil {
			out.DBClusterSnapshot, err = s.snapCluster(tx, call, &c, in.DBClusterSnapshotIdentifier, in.Tags)
		}
		return err
	})
	return out, err
}

// CreateDBSnapshot has a snapshot of an instance made.
func (s *Service) CreateDBSnapshot(ctx context.Context, call *aws.Call, in *api.CreateDBSnapshotInput) (*api.CreateDBSnapshotOutput, error) {
	out := new(api.CreateDBSnapshotOutput)
	err := s.db.Update(ctx, func(tx *store.Tx) error {
		_, i, err := instances.find(tx, call, in.DBInstanceIdentifier)
		if err == nil {
			out.DBSnapshot, err = s.snapInstance(tx, call, &i, in.DBSnapshotIdentifier, in.Tags)
		}
		return err
	})
	return out, err
}

// DeleteDBClusterSnapshot removes a snapshot of a cluster.
func (s *Service) DeleteDBClusterSnapshot(ctx context.Context, call *aws.Call, in *api.DeleteDBClusterSnapshotInput) (*api.DeleteDBClusterSnapshotOutput, error) {
	var out api.DBClusterSnapshot
	err := s.db.Update(ctx, func(tx *store.Tx) error {
		arn, row, err := clusterSnapshots.find(tx, call, in.DBClusterSnapshotIdentifier)
		if err != nil {
			return err
		}
		if *row.Is.Status == creating {
			return api.InvalidDBClusterSnapshotStateFault.Errorf("Cannot delete the snapshot %s because it is not in one of the states: available, failed", nameOf(arn))
		}
		out = row.Is
		out.Status = new("deleted")
		tx.AfterCommit(s.bell.Ring)
		return clusterSnapshots.Delete(tx, arn)
	})
	return &api.DeleteDBClusterSnapshotOutput{DBClusterSnapshot: &out}, err
}

// DeleteDBSnapshot removes a snapshot of an instance.
func (s *Service) DeleteDBSnapshot(ctx context.Context, call *aws.Call, in *api.DeleteDBSnapshotInput) (*api.DeleteDBSnapshotOutput, error) {
	var out api.DBSnapshot
	err := s.db.Update(ctx, func(tx *store.Tx) error {
		arn, row, err := dbSnapshots.find(tx, call, in.DBSnapshotIdentifier)
		if err != nil {
			return err
		}
		if *row.Is.Status == creating {
			return api.InvalidDBSnapshotStateFault.Errorf("Cannot delete the snapshot %s because it is not in one of the states: available, failed", nameOf(arn))
		}
		out = row.Is
		out.Status = new("deleted")
		tx.AfterCommit(s.bell.Ring)
		return dbSnapshots.Delete(tx, arn)
	})
	return &api.DeleteDBSnapshotOutput{DBSnapshot: &out}, err
}

// isAutomated reports whether only snapshots are asked for that RDS makes on its own: we
// make none.
func isAutomated(kind *string) bool { return kind != nil && *kind != "manual" }

// DescribeDBClusterSnapshots lists snapshots of clusters.
func (s *Service) DescribeDBClusterSnapshots(ctx context.Context, call *aws.Call, in *api.DescribeDBClusterSnapshotsInput) (*api.DescribeDBClusterSnapshotsOutput, error) {
	if len(in.Filters) > 0 {
		return nil, notYet("filters of snapshots")
	}
	all, err := listOf(ctx, s, call, &clusterSnapshots, in.DBClusterSnapshotIdentifier)
	if err != nil {
		return nil, err
	}
	out := &api.DescribeDBClusterSnapshotsOutput{DBClusterSnapshots: []api.DBClusterSnapshot{}}
	all = slices.DeleteFunc(all, func(r clusterSnapshot) bool {
		return isAutomated(in.SnapshotType) || in.DBClusterIdentifier != nil && nameOf(clusters.arn(call, *in.DBClusterIdentifier)) != *r.Is.DBClusterIdentifier
	})
	some, next := page(all, in.MaxRecords, in.Marker, func(r *clusterSnapshot) string { return *r.Is.DBClusterSnapshotIdentifier })
	for i := range some {
		out.DBClusterSnapshots = append(out.DBClusterSnapshots, some[i].Is)
	}
	out.Marker = next
	return out, nil
}

// DescribeDBSnapshots lists snapshots of instances.
func (s *Service) DescribeDBSnapshots(ctx context.Context, call *aws.Call, in *api.DescribeDBSnapshotsInput) (*api.DescribeDBSnapshotsOutput, error) {
	if len(in.Filters) > 0 {
		return nil, notYet("filters of snapshots")
	}
	all, err := listOf(ctx, s, call, &dbSnapshots, in.DBSnapshotIdentifier)
	if err != nil {
		return nil, err
	}
	out := &api.DescribeDBSnapshotsOutput{DBSnapshots: []api.DBSnapshot{}}
	all = slices.DeleteFunc(all, func(r dbSnapshot) bool {
		return isAutomated(in.SnapshotType) || in.DBInstanceIdentifier != nil && nameOf(instances.arn(call, *in.DBInstanceIdentifier)) != *r.Is.DBInstanceIdentifier
	})
	some, next := page(all, in.MaxRecords, in.Marker, func(r *dbSnapshot) string { return *r.Is.DBSnapshotIdentifier })
	for i := range some {
		out.DBSnapshots = append(out.DBSnapshots, some[i].Is)
	}
	out.Marker = next
	return out, nil
}
