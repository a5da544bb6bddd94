package resource

import (
	"strings"

	"github.com/aloft-cloud/aloft/internal/api/rds"
)

// lastSnapshot is what the snapshot is to be called that op leaves of a database, or nil
// if it leaves none: that of a cluster is not left by its instances.
func lastSnapshot(op *Op) *string {
	if !op.Snapshot || op.Type != "AWS::RDS::DBCluster" && text(op.Old["DBClusterIdentifier"]) != "" {
		return nil
	}
	name := strings.ToLower(op.Stack.Name + "-snapshot-" + op.LogicalID)
	name = strings.Trim(name[:min(len(name), 50)], "-")
	return new(name + "-" + strings.ReplaceAll(op.Token, "-", "")[:12])
}

// restoreCluster makes a cluster, as CreateDBCluster would make it by in, of a snapshot.
func restoreCluster(op *Op, in *rds.CreateDBClusterInput) error {
	of := &rds.RestoreDBClusterFromSnapshotInput{}
	known := pick(op.New, "AvailabilityZones", "SnapshotIdentifier", "Engine", "EngineVersion", "Port", "DBSubnetGroupName", "DatabaseName", "VpcSecurityGroupIds", "KmsKeyId",
		"EnableIAMDatabaseAuthentication", "BacktrackWindow", "EnableCloudwatchLogsExports", "EngineMode", "ScalingConfiguration", "DBClusterParameterGroupName", "DeletionProtection",
		"CopyTagsToSnapshot", "DBClusterInstanceClass", "StorageType", "Iops", "ServerlessV2ScalingConfiguration", "BackupRetentionPeriod", "PreferredBackupWindow")
	if err := Bind(op, known, of); err != nil {
		return err
	}
	of.DBClusterIdentifier, of.Tags = in.DBClusterIdentifier, in.Tags
	if _, err := Do(op, rds.RestoreDBClusterFromSnapshot, of); err != nil {
		return err
	}
	change := &rds.ModifyDBClusterInput{DBClusterIdentifier: in.DBClusterIdentifier, EnableHttpEndpoint: in.EnableHttpEndpoint, MasterUserPassword: in.MasterUserPassword}
	if change.EnableHttpEndpoint == nil && change.MasterUserPassword == nil {
		return nil
	}
	err := settle(op, func() (bool, error) {
		out, err := Do(op, rds.DescribeDBClusters, &rds.DescribeDBClustersInput{DBClusterIdentifier: &of.DBClusterIdentifier})
		return err == nil && *out.DBClusters[0].Status != "creating", err
	})
	if err != nil {
		return err
	}
	_, err = Do(op, rds.ModifyDBCluster, change)
	return err
}

// restoreInstance makes an instance, as CreateDBInstance would make it by in, of a
// snapshot.
func restoreInstance(op *Op, in *rds.CreateDBInstanceInput) error {
	of := &rds.RestoreDBInstanceFromDBSnapshotInput{}
	known := pick(op.New, "DBSnapshotIdentifier", "DBInstanceClass", "Port", "AvailabilityZone", "DBSubnetGroupName", "MultiAZ", "PubliclyAccessible", "AutoMinorVersionUpgrade",
		"LicenseModel", "Engine", "Iops", "StorageThroughput", "StorageType", "CopyTagsToSnapshot", "EnableIAMDatabaseAuthentication", "EnableCloudwatchLogsExports",
		"DBParameterGroupName", "DeletionProtection", "AllocatedStorage", "BackupRetentionPeriod", "PreferredBackupWindow", "ManageMasterUserPassword")
	if err := Bind(op, known, of); err != nil {
		return err
	}
	of.DBInstanceIdentifier, of.Tags, of.VpcSecurityGroupIds = in.DBInstanceIdentifier, in.Tags, in.VpcSecurityGroupIds
	if _, err := Do(op, rds.RestoreDBInstanceFromDBSnapshot, of); err != nil || in.MasterUserPassword == nil {
		return err
	}
	err := settle(op, func() (bool, error) {
		out, err := Do(op, rds.DescribeDBInstances, &rds.DescribeDBInstancesInput{DBInstanceIdentifier: &of.DBInstanceIdentifier})
		return err == nil && *out.DBInstances[0].DBInstanceStatus != "creating", err
	})
	if err != nil {
		return err
	}
	_, err = Do(op, rds.ModifyDBInstance, &rds.ModifyDBInstanceInput{DBInstanceIdentifier: of.DBInstanceIdentifier, MasterUserPassword: in.MasterUserPassword})
	return err
}
