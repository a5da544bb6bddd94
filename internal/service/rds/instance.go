package rds

import (
	"context"
	"strings"

	api "github.com/aloft-cloud/aloft/internal/api/rds"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/store"
)

// CreateDBInstance makes an instance: with a database of its own, which is made in
// the background, or as another way to that of a cluster.
func (s *Service) CreateDBInstance(ctx context.Context, call *aws.Call, in *api.CreateDBInstanceInput) (*api.CreateDBInstanceOutput, error) {
	e, err := findEngine(in.Engine)
	if err != nil {
		return nil, err
	}
	if err := checkNewInstance(in, e); err != nil {
		return nil, err
	}
	name := strings.ToLower(in.DBInstanceIdentifier)
	arn := instances.arn(call, name)
	i := instance{Base: newBase(e, in.EngineVersion, in.Port), Is: newInstance(call, name, in)}
	i.Base.First, i.Base.User = aws.Value(in.DBName), aws.Value(in.MasterUsername)
	i.show(e, in.LicenseModel)
	keep := func(err error) error { return err }
	if in.DBClusterIdentifier == nil {
		keep, err = s.giveMaster(ctx, call, &i.Base, &i.Is.MasterUserSecret, masterUser{
			kind: "db", user: in.MasterUsername, password: in.MasterUserPassword, managed: aws.Value(in.ManageMasterUserPassword), key: in.MasterUserSecretKmsKeyId, owner: arn,
		})
		if err != nil {
			return nil, err
		}
	}
	out := new(api.CreateDBInstanceOutput)
	err = s.db.Update(ctx, func(tx *store.Tx) (err error) {
		out.DBInstance, err = s.putInstance(tx, call, arn, i, e, in.DBParameterGroupName)
		return err
	})
	if err := keep(err); err != nil {
		return nil, err
	}
	return out, nil
}

// show has a new instance show what its base says.
func (i *instance) show(e *engine, license *string) {
	i.Is.Engine, i.Is.EngineVersion, i.Is.LicenseModel = &e.name, &i.Base.Version, new(aws.Or(license, e.license))
}

// putInstance keeps a new instance, and has its database made, or waited for.
func (s *Service) putInstance(tx *store.Tx, call *aws.Call, arn aws.ARN, i instance, e *engine, group *string) (*api.DBInstance, error) {
	there, err := instances.Has(tx, arn)
	if err != nil || there {
		return nil, errorOr(err, api.DBInstanceAlreadyExistsFault.Errorf("DB instance already exists"))
	}
	if i.member() {
		if err := joinCluster(tx, call, &i, e); err != nil {
			return nil, err
		}
	} else if i.Base.Settings, err = instanceSettings(tx, call, group); err != nil {
		return nil, err
	}
	if i.Is.DBSubnetGroup, err = subnetGroupOf(tx, call, i.Is.DBSubnetGroup); err != nil {
		return nil, err
	}
	i.Is.DBParameterGroups = []api.DBParameterGroupStatus{{
		DBParameterGroupName: new(aws.Or(group, "default."+e.parameters(i.Base.Version))), ParameterApplyStatus: new("in-sync"),
	}}
	i.Is.OptionGroupMemberships = []api.OptionGroupMembership{{
		OptionGroupName: new("default:" + strings.ReplaceAll(e.name+"-"+e.major(i.Base.Version), ".", "-")), Status: new("in-sync"),
	}}
	if err := s.addEndpoint(tx, call, &endpoint{Host: host(call, nameOf(arn), ""), Of: arn}); err != nil {
		return nil, err
	}
	return &i.Is, s.make(tx, arn, func() error { return instances.Put(tx, arn, i) })
}

// checkNewInstance refuses what no instance can be.
func checkNewInstance(in *api.CreateDBInstanceInput, e *engine) error {
	if err := checkIdentifier("DBInstanceIdentifier", in.DBInstanceIdentifier); err != nil {
		return err
	}
	switch {
	case !strings.HasPrefix(in.DBInstanceClass, "db."):
		return bad("Invalid DB Instance class: %s", in.DBInstanceClass)
	case in.Domain != nil || in.DomainFqdn != nil:
		return notYet("users of Active Directory")
	case in.TdeCredentialArn != nil:
		return notYet("transparent encryption")
	case in.DBClusterIdentifier != nil:
		if in.MasterUsername != nil || in.MasterUserPassword != nil || in.DBName != nil {
			return invalidCombination.Errorf("The requested DB Instance will be a member of a DB Cluster. Set master user, password and database name for the DB Cluster.")
		}
		return nil
	case e.aurora:
		return invalidCombination.Errorf("DBClusterIdentifier is required for the engine %s.", e.name)
	case in.AllocatedStorage == nil:
		return invalidCombination.Errorf("Invalid storage size for engine name %s and storage type %s: 0", e.name, aws.Or(in.StorageType, "gp2"))
	}
	if err := checkIAM(in.EnableIAMDatabaseAuthentication, e); err != nil {
		return err
	}
	return checkMaster(in.MasterUsername, in.MasterUserPassword, aws.Value(in.ManageMasterUserPassword), e)
}

// newInstance is an instance as answers show it. It has no endpoint before it is there.
func newInstance(call *aws.Call, name string, in *api.CreateDBInstanceInput) api.DBInstance {
	is := api.DBInstance{
		DBInstanceIdentifier: &name, DBInstanceClass: &in.DBInstanceClass, DBInstanceStatus: new(creating), MasterUsername: in.MasterUsername, DBName: in.DBName,
		AllocatedStorage: new(aws.Or(in.AllocatedStorage, 1)), PreferredBackupWindow: new(aws.Or(in.PreferredBackupWindow, "04:00-04:30")), BackupRetentionPeriod: new(aws.Or(in.BackupRetentionPeriod, 1)),
		DBSecurityGroups: []api.DBSecurityGroupMembership{}, VpcSecurityGroups: groupsOf(in.VpcSecurityGroupIds), AvailabilityZone: new(aws.Or(in.AvailabilityZone, call.Region+"a")),
		PreferredMaintenanceWindow: new(aws.Or(in.PreferredMaintenanceWindow, "sun:05:00-sun:05:30")), PendingModifiedValues: &api.PendingModifiedValues{}, MultiAZ: new(aws.Value(in.MultiAZ)),
		AutoMinorVersionUpgrade: new(aws.Or(in.AutoMinorVersionUpgrade, true)), ReadReplicaDBInstanceIdentifiers: []string{}, Iops: in.Iops, StorageThroughput: new(aws.Or(in.StorageThroughput, 0)),
		PubliclyAccessible: new(aws.Value(in.PubliclyAccessible)), StorageType: new(aws.Or(in.StorageType, "gp2")), DbInstancePort: new(int32(0)), DBClusterIdentifier: in.DBClusterIdentifier,
		StorageEncrypted: new(aws.Value(in.StorageEncrypted)), KmsKeyId: in.KmsKeyId, DbiResourceId: new("db-" + newID()), CACertificateIdentifier: new(aws.Or(in.CACertificateIdentifier, "rds-ca-rsa2048-g1")),
		DomainMemberships: []api.DomainMembership{}, CopyTagsToSnapshot: new(aws.Value(in.CopyTagsToSnapshot)), MonitoringInterval: new(aws.Or(in.MonitoringInterval, 0)), MonitoringRoleArn: in.MonitoringRoleArn,
		DBInstanceArn: new(instances.arn(call, name).String()), IAMDatabaseAuthenticationEnabled: new(aws.Value(in.EnableIAMDatabaseAuthentication)), PerformanceInsightsEnabled: new(aws.Value(in.EnablePerformanceInsights)),
		EnabledCloudwatchLogsExports: in.EnableCloudwatchLogsExports, DeletionProtection: new(aws.Value(in.DeletionProtection)), AssociatedRoles: []api.DBInstanceRole{}, MaxAllocatedStorage: in.MaxAllocatedStorage,
		TagList: tagged(nil, in.Tags), CustomerOwnedIpEnabled: new(false), NetworkType: new(aws.Or(in.NetworkType, "IPV4")), BackupTarget: new("region"), PromotionTier: new(aws.Or(in.PromotionTier, 1)),
		DedicatedLogVolume: new(false), EngineLifecycleSupport: new(aws.Or(in.EngineLifecycleSupport, "open-source-rds-extended-support")), CharacterSetName: in.CharacterSetName, Timezone: in.Timezone,
	}
	if in.DBSubnetGroupName != nil {
		is.DBSubnetGroup = &api.DBSubnetGroup{DBSubnetGroupName: in.DBSubnetGroupName}
	}
	return is
}

// joinCluster makes an instance a member of its cluster.
func joinCluster(tx *store.Tx, call *aws.Call, i *instance, e *engine) error {
	_, c, err := clusters.find(tx, call, *i.Is.DBClusterIdentifier)
	if err != nil {
		return err
	}
	if c.Base.Engine != e.name {
		return invalidCombination.Errorf("The engine name requested for your DB instance (%s) doesn't match the engine name of your DB cluster (%s).", e.name, c.Base.Engine)
	}
	id := i.Base.ID
	i.Base = c.Base
	i.Base.ID, i.Base.Password = id, nil
	i.Is.DBClusterIdentifier, i.Is.EngineVersion, i.Is.MasterUsername, i.Is.DBName = c.Is.DBClusterIdentifier, c.Is.EngineVersion, c.Is.MasterUsername, c.Is.DatabaseName
	i.Is.StorageType, i.Is.StorageEncrypted, i.Is.KmsKeyId, i.Is.VpcSecurityGroups = new("aurora"), c.Is.StorageEncrypted, c.Is.KmsKeyId, c.Is.VpcSecurityGroups
	i.Is.IAMDatabaseAuthenticationEnabled, i.Is.BackupRetentionPeriod, i.Is.AllocatedStorage = c.Is.IAMDatabaseAuthenticationEnabled, c.Is.BackupRetentionPeriod, c.Is.AllocatedStorage
	if i.Is.DBSubnetGroup == nil {
		i.Is.DBSubnetGroup = &api.DBSubnetGroup{DBSubnetGroupName: c.Is.DBSubnetGroup}
	}
	return nil
}

// changeInstance changes an instance, and answers with what it is meanwhile.
func (s *Service) changeInstance(ctx context.Context, call *aws.Call, given, meanwhile string, change func(tx *store.Tx, arn aws.ARN, i *instance) error) (*api.DBInstance, error) {
	var out api.DBInstance
	err := s.db.Update(ctx, func(tx *store.Tx) error {
		arn, i, err := instances.find(tx, call, given)
		if err != nil {
			return err
		}
		if err := change(tx, arn, &i); err != nil {
			return err
		}
		out = i.Is
		if meanwhile != "" {
			out.DBInstanceStatus = &meanwhile
		}
		s.index.Changed(tx)
		return instances.Put(tx, arn, i)
	})
	return &out, err
}

func (i *instance) checkAvailable() error {
	if *i.Is.DBInstanceStatus != available {
		return api.InvalidDBInstanceStateFault.Errorf("Instance %s is not in available state.", *i.Is.DBInstanceIdentifier)
	}
	return nil
}

// checkAlone refuses for a member what is done with its cluster.
func (i *instance) checkAlone(what string) error {
	if i.member() {
		return invalidCombination.Errorf("%s for an instance of a DB cluster is done on the DB cluster.", what)
	}
	return nil
}

// ModifyDBInstance changes an instance, at once.
func (s *Service) ModifyDBInstance(ctx context.Context, call *aws.Call, in *api.ModifyDBInstanceInput) (*api.ModifyDBInstanceOutput, error) {
	switch {
	case in.NewDBInstanceIdentifier != nil:
		return nil, notYet("new names for instances")
	case aws.Value(in.RotateMasterUserPassword):
		return nil, notYet("the rotation of passwords that RDS manages")
	case in.Domain != nil || in.DomainFqdn != nil:
		return nil, notYet("users of Active Directory")
	}
	i, err := s.getInstance(ctx, call, in.DBInstanceIdentifier)
	if err != nil {
		return nil, err
	}
	if err := i.checkAvailable(); err != nil {
		return nil, err
	}
	if e, err := findEngine(i.Base.Engine); err == nil {
		if err := checkIAM(in.EnableIAMDatabaseAuthentication, e); err != nil {
			return nil, err
		}
	}
	if in.MasterUserPassword != nil {
		if err := i.checkAlone("A change of the master password"); err != nil {
			return nil, err
		}
	}
	if err := s.changePassword(ctx, &i.Base, in.MasterUserPassword); err != nil {
		return nil, err
	}
	out, err := s.changeInstance(ctx, call, in.DBInstanceIdentifier, "", func(tx *store.Tx, _ aws.ARN, i *instance) error {
		if err := i.checkAvailable(); err != nil {
			return err
		}
		if in.DBSubnetGroupName != nil {
			i.Is.DBSubnetGroup, err = subnetGroupOf(tx, call, &api.DBSubnetGroup{DBSubnetGroupName: in.DBSubnetGroupName})
		}
		if in.DBParameterGroupName != nil && err == nil {
			i.Is.DBParameterGroups = []api.DBParameterGroupStatus{{DBParameterGroupName: in.DBParameterGroupName, ParameterApplyStatus: new("pending-reboot")}}
			i.Base.Settings, err = instanceSettings(tx, call, in.DBParameterGroupName)
		}
		modifyInstance(i, in)
		if err == nil {
			err = i.Base.upgrade(in.EngineVersion)
			i.Is.EngineVersion = &i.Base.Version
		}
		return err
	})
	return &api.ModifyDBInstanceOutput{DBInstance: out}, err
}

func modifyInstance(i *instance, in *api.ModifyDBInstanceInput) {
	is := &i.Is
	setIf(&is.AllocatedStorage, in.AllocatedStorage)
	setIf(&is.DBInstanceClass, in.DBInstanceClass)
	setIf(&is.BackupRetentionPeriod, in.BackupRetentionPeriod)
	setIf(&is.PreferredBackupWindow, in.PreferredBackupWindow)
	setIf(&is.PreferredMaintenanceWindow, in.PreferredMaintenanceWindow)
	setIf(&is.MultiAZ, in.MultiAZ)
	setIf(&is.AutoMinorVersionUpgrade, in.AutoMinorVersionUpgrade)
	setIf(&is.LicenseModel, in.LicenseModel)
	setIf(&is.Iops, in.Iops)
	setIf(&is.StorageThroughput, in.StorageThroughput)
	setIf(&is.StorageType, in.StorageType)
	setIf(&is.CACertificateIdentifier, in.CACertificateIdentifier)
	setIf(&is.CopyTagsToSnapshot, in.CopyTagsToSnapshot)
	setIf(&is.MonitoringInterval, in.MonitoringInterval)
	setIf(&is.MonitoringRoleArn, in.MonitoringRoleArn)
	setIf(&is.PubliclyAccessible, in.PubliclyAccessible)
	setIf(&is.PromotionTier, in.PromotionTier)
	setIf(&is.IAMDatabaseAuthenticationEnabled, in.EnableIAMDatabaseAuthentication)
	setIf(&is.PerformanceInsightsEnabled, in.EnablePerformanceInsights)
	setIf(&is.DeletionProtection, in.DeletionProtection)
	setIf(&is.MaxAllocatedStorage, in.MaxAllocatedStorage)
	if in.VpcSecurityGroupIds != nil {
		is.VpcSecurityGroups = groupsOf(in.VpcSecurityGroupIds)
	}
	if in.DBPortNumber != nil && is.Endpoint != nil {
		i.Base.Port = *in.DBPortNumber
		is.Endpoint.Port = in.DBPortNumber
	}
	if l := in.CloudwatchLogsExportConfiguration; l != nil {
		is.EnabledCloudwatchLogsExports = exports(is.EnabledCloudwatchLogsExports, l)
	}
}

// DeleteDBInstance removes an instance, and the data that is its own.
func (s *Service) DeleteDBInstance(ctx context.Context, call *aws.Call, in *api.DeleteDBInstanceInput) (*api.DeleteDBInstanceOutput, error) {
	var out api.DBInstance
	err := s.db.Update(ctx, func(tx *store.Tx) error {
		arn, i, err := instances.find(tx, call, in.DBInstanceIdentifier)
		if err != nil {
			return err
		}
		if !i.member() {
			if err := checkFinal(in.SkipFinalSnapshot, in.FinalDBSnapshotIdentifier); err != nil {
				return err
			}
		}
		if *i.Is.DeletionProtection {
			return invalidCombination.Errorf("Cannot delete protected DB Instance, please disable deletion protection and try again.")
		}
		if in.FinalDBSnapshotIdentifier != nil && !i.member() {
			if _, err := s.snapInstance(tx, call, &i, *in.FinalDBSnapshotIdentifier, nil); err != nil {
				return err
			}
		}
		out = i.Is
		out.DBInstanceStatus = new(deleting)
		if err := s.removeEndpoints(tx, arn); err != nil {
			return err
		}
		s.index.Changed(tx)
		tx.AfterCommit(s.bell.Ring)
		if err := pending.Delete(tx, arn); err != nil {
			return err
		}
		return instances.Delete(tx, arn)
	})
	if err != nil {
		return nil, err
	}
	s.dropSecret(ctx, call, out.MasterUserSecret)
	return &api.DeleteDBInstanceOutput{DBInstance: &out}, nil
}

// StopDBInstance ends the server of an instance, which takes no connections then.
func (s *Service) StopDBInstance(ctx context.Context, call *aws.Call, in *api.StopDBInstanceInput) (*api.StopDBInstanceOutput, error) {
	if in.DBSnapshotIdentifier != nil {
		return nil, notYet("snapshots of instances that stop")
	}
	out, err := s.changeInstance(ctx, call, in.DBInstanceIdentifier, stopping, func(tx *store.Tx, _ aws.ARN, i *instance) error {
		if err := i.checkAlone("Stop"); err != nil {
			return err
		}
		if err := i.checkAvailable(); err != nil {
			return err
		}
		i.Is.DBInstanceStatus = new(stopped)
		s.endAfter(tx, i.Base.ID)
		return nil
	})
	return &api.StopDBInstanceOutput{DBInstance: out}, err
}

// StartDBInstance lets an instance that was stopped take connections again.
func (s *Service) StartDBInstance(ctx context.Context, call *aws.Call, in *api.StartDBInstanceInput) (*api.StartDBInstanceOutput, error) {
	out, err := s.changeInstance(ctx, call, in.DBInstanceIdentifier, starting, func(_ *store.Tx, _ aws.ARN, i *instance) error {
		if *i.Is.DBInstanceStatus != stopped {
			return api.InvalidDBInstanceStateFault.Errorf("Instance %s is not in stopped state.", *i.Is.DBInstanceIdentifier)
		}
		i.Is.DBInstanceStatus = new(available)
		return nil
	})
	return &api.StartDBInstanceOutput{DBInstance: out}, err
}

// RebootDBInstance ends the server of an instance; the next connection starts it.
func (s *Service) RebootDBInstance(ctx context.Context, call *aws.Call, in *api.RebootDBInstanceInput) (*api.RebootDBInstanceOutput, error) {
	out, err := s.changeInstance(ctx, call, in.DBInstanceIdentifier, "rebooting", func(tx *store.Tx, _ aws.ARN, i *instance) error {
		for n := range i.Is.DBParameterGroups {
			i.Is.DBParameterGroups[n].ParameterApplyStatus = new("in-sync")
		}
		if !i.member() {
			s.endAfter(tx, i.Base.ID)
		}
		return i.checkAvailable()
	})
	return &api.RebootDBInstanceOutput{DBInstance: out}, err
}
