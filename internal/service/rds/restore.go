package rds

import (
	"cmp"
	"context"
	"strings"

	api "github.com/aloft-cloud/aloft/internal/api/rds"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/store"
)

// restored is a base that begins as a snapshot: of the engine, and of a version that
// the same server serves.
func (b *base) restored(engine string, version *string, port *int32) (base, *engine, error) {
	e, err := findEngine(engine)
	if err != nil {
		return base{}, nil, err
	}
	if e.name != b.Engine {
		return base{}, nil, invalidCombination.Errorf("The engine %s is not that of the snapshot, %s.", e.name, b.Engine)
	}
	c := b.copied()
	c.Port = aws.Or(port, e.port)
	if err := c.upgrade(version); err != nil {
		return base{}, nil, err
	}
	return c, e, nil
}

// RestoreDBClusterFromSnapshot makes a cluster whose database begins as a snapshot is.
func (s *Service) RestoreDBClusterFromSnapshot(ctx context.Context, call *aws.Call, in *api.RestoreDBClusterFromSnapshotInput) (*api.RestoreDBClusterFromSnapshotOutput, error) {
	if err := checkIdentifier("DBClusterIdentifier", in.DBClusterIdentifier); err != nil {
		return nil, err
	}
	if in.Domain != nil {
		return nil, notYet("users of Active Directory")
	}
	name := strings.ToLower(in.DBClusterIdentifier)
	arn := clusters.arn(call, name)
	out := new(api.RestoreDBClusterFromSnapshotOutput)
	err := s.db.Update(ctx, func(tx *store.Tx) error {
		_, from, err := clusterSnapshots.find(tx, call, in.SnapshotIdentifier)
		if err != nil {
			return err
		}
		if *from.Is.Status != available {
			return api.InvalidDBClusterSnapshotStateFault.Errorf("The snapshot %s is not in available state.", in.SnapshotIdentifier)
		}
		b, e, err := from.Base.restored(in.Engine, in.EngineVersion, in.Port)
		if err != nil {
			return err
		}
		iam := cmp.Or(in.EnableIAMDatabaseAuthentication, from.Is.IAMDatabaseAuthenticationEnabled)
		if err := checkIAM(iam, e); err != nil {
			return err
		}
		c := cluster{Base: b, Is: newCluster(call, name, &api.CreateDBClusterInput{
			AvailabilityZones: in.AvailabilityZones, BackupRetentionPeriod: in.BackupRetentionPeriod, DatabaseName: &b.First, DBSubnetGroupName: in.DBSubnetGroupName, MasterUsername: &b.User,
			PreferredBackupWindow: in.PreferredBackupWindow, VpcSecurityGroupIds: in.VpcSecurityGroupIds, StorageEncrypted: from.Is.StorageEncrypted, KmsKeyId: in.KmsKeyId,
			EnableIAMDatabaseAuthentication: iam, EnableCloudwatchLogsExports: in.EnableCloudwatchLogsExports, EngineMode: in.EngineMode, DeletionProtection: in.DeletionProtection,
			CopyTagsToSnapshot: in.CopyTagsToSnapshot, Tags: in.Tags, NetworkType: in.NetworkType, DBClusterInstanceClass: in.DBClusterInstanceClass, StorageType: in.StorageType, Iops: in.Iops,
			BacktrackWindow: in.BacktrackWindow, ScalingConfiguration: in.ScalingConfiguration, ServerlessV2ScalingConfiguration: in.ServerlessV2ScalingConfiguration,
			MonitoringInterval: in.MonitoringInterval, MonitoringRoleArn: in.MonitoringRoleArn, EnablePerformanceInsights: in.EnablePerformanceInsights, EngineLifecycleSupport: in.EngineLifecycleSupport,
		})}
		c.show(e, in.DBClusterParameterGroupName)
		out.DBCluster, err = s.putCluster(tx, call, arn, c, in.DBSubnetGroupName, in.DBClusterParameterGroupName)
		return err
	})
	return out, err
}

// RestoreDBInstanceFromDBSnapshot makes an instance whose database begins as a snapshot is.
func (s *Service) RestoreDBInstanceFromDBSnapshot(ctx context.Context, call *aws.Call, in *api.RestoreDBInstanceFromDBSnapshotInput) (*api.RestoreDBInstanceFromDBSnapshotOutput, error) {
	switch {
	case in.DBClusterSnapshotIdentifier != nil:
		return nil, notYet("instances that begin as snapshots of clusters")
	case in.DBSnapshotIdentifier == nil:
		return nil, bad("The parameter DBSnapshotIdentifier must be provided and must not be blank.")
	case in.Domain != nil || in.DomainFqdn != nil:
		return nil, notYet("users of Active Directory")
	case aws.Value(in.ManageMasterUserPassword):
		return nil, notYet("passwords that RDS manages for what begins as a snapshot")
	}
	if err := checkIdentifier("DBInstanceIdentifier", in.DBInstanceIdentifier); err != nil {
		return nil, err
	}
	name := strings.ToLower(in.DBInstanceIdentifier)
	arn := instances.arn(call, name)
	out := new(api.RestoreDBInstanceFromDBSnapshotOutput)
	err := s.db.Update(ctx, func(tx *store.Tx) error {
		_, from, err := dbSnapshots.find(tx, call, *in.DBSnapshotIdentifier)
		if err != nil {
			return err
		}
		if *from.Is.Status != available {
			return api.InvalidDBSnapshotStateFault.Errorf("The snapshot %s is not in available state.", *in.DBSnapshotIdentifier)
		}
		b, e, err := from.Base.restored(aws.Or(in.Engine, from.Base.Engine), nil, in.Port)
		if err != nil {
			return err
		}
		iam := cmp.Or(in.EnableIAMDatabaseAuthentication, from.Is.IAMDatabaseAuthenticationEnabled)
		if err := checkIAM(iam, e); err != nil {
			return err
		}
		i := instance{Base: b, Is: newInstance(call, name, &api.CreateDBInstanceInput{
			DBInstanceClass: aws.Or(in.DBInstanceClass, "db.t3.micro"), MasterUsername: &b.User, DBName: &b.First, AllocatedStorage: from.Is.AllocatedStorage, VpcSecurityGroupIds: in.VpcSecurityGroupIds,
			BackupRetentionPeriod: in.BackupRetentionPeriod, PreferredBackupWindow: in.PreferredBackupWindow, AvailabilityZone: in.AvailabilityZone, MultiAZ: in.MultiAZ,
			AutoMinorVersionUpgrade: in.AutoMinorVersionUpgrade, Iops: in.Iops, StorageThroughput: in.StorageThroughput, PubliclyAccessible: in.PubliclyAccessible, StorageType: in.StorageType,
			StorageEncrypted: from.Is.Encrypted, KmsKeyId: from.Is.KmsKeyId, CACertificateIdentifier: in.CACertificateIdentifier, CopyTagsToSnapshot: in.CopyTagsToSnapshot,
			EnableIAMDatabaseAuthentication: iam, EnableCloudwatchLogsExports: in.EnableCloudwatchLogsExports, DeletionProtection: in.DeletionProtection, Tags: in.Tags, NetworkType: in.NetworkType,
			EngineLifecycleSupport: in.EngineLifecycleSupport, DBSubnetGroupName: in.DBSubnetGroupName,
		})}
		i.show(e, in.LicenseModel)
		out.DBInstance, err = s.putInstance(tx, call, arn, i, e, in.DBParameterGroupName)
		return err
	})
	return out, err
}
