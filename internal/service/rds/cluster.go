package rds

import (
	"context"
	"strings"
	"time"

	api "github.com/aloft-cloud/aloft/internal/api/rds"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/store"
)

// States of clusters and instances.
const (
	creating  = "creating"
	available = "available"
	deleting  = "deleting"
	starting  = "starting"
	stopping  = "stopping"
	stopped   = "stopped"
	failed    = "failed"
)

// CreateDBCluster makes a cluster, whose database is made in the background.
func (s *Service) CreateDBCluster(ctx context.Context, call *aws.Call, in *api.CreateDBClusterInput) (*api.CreateDBClusterOutput, error) {
	e, err := findEngine(in.Engine)
	if err != nil {
		return nil, err
	}
	if err := checkNewCluster(in, e); err != nil {
		return nil, err
	}
	name := strings.ToLower(in.DBClusterIdentifier)
	arn := clusters.arn(call, name)
	c := cluster{Base: newBase(e, in.EngineVersion, in.Port), Is: newCluster(call, name, in)}
	c.Base.First, c.Base.User = aws.Value(in.DatabaseName), aws.Value(in.MasterUsername)
	c.show(e, in.DBClusterParameterGroupName)
	keep, err := s.giveMaster(ctx, call, &c.Base, &c.Is.MasterUserSecret, masterUser{
		kind: "cluster", user: in.MasterUsername, password: in.MasterUserPassword, managed: aws.Value(in.ManageMasterUserPassword), key: in.MasterUserSecretKmsKeyId, owner: arn,
	})
	if err != nil {
		return nil, err
	}
	out := new(api.CreateDBClusterOutput)
	err = s.db.Update(ctx, func(tx *store.Tx) (err error) {
		out.DBCluster, err = s.putCluster(tx, call, arn, c, in.DBSubnetGroupName, in.DBClusterParameterGroupName)
		return err
	})
	if err := keep(err); err != nil {
		return nil, err
	}
	return out, nil
}

// show has a new cluster show what its base says.
func (c *cluster) show(e *engine, group *string) {
	c.Is.Engine, c.Is.EngineVersion, c.Is.Port = &e.name, &c.Base.Version, &c.Base.Port
	c.Is.DBClusterParameterGroup = new(aws.Or(group, "default."+e.parameters(c.Base.Version)))
}

// putCluster keeps a new cluster, and has its database made.
func (s *Service) putCluster(tx *store.Tx, call *aws.Call, arn aws.ARN, c cluster, subnets, group *string) (*api.DBCluster, error) {
	if there, err := clusters.Has(tx, arn); err != nil || there {
		return nil, errorOr(err, api.DBClusterAlreadyExistsFault.Errorf("DB Cluster already exists"))
	}
	if err := checkGroups(tx, call, subnets, group); err != nil {
		return nil, err
	}
	var err error
	if c.Base.Settings, err = clusterSettings(tx, call, group); err != nil {
		return nil, err
	}
	for kind, host := range map[string]string{"": *c.Is.Endpoint, "ro": *c.Is.ReaderEndpoint} {
		if err := s.addEndpoint(tx, call, &endpoint{Host: host, Of: arn, Kind: kind}); err != nil {
			return nil, err
		}
	}
	return &c.Is, s.make(tx, arn, func() error { return clusters.Put(tx, arn, c) })
}

// make has what put puts made in the background.
func (s *Service) make(tx *store.Tx, arn aws.ARN, put func() error) error {
	s.index.Changed(tx)
	tx.AfterCommit(s.bell.Ring)
	if err := pending.Put(tx, arn, struct{}{}); err != nil {
		return err
	}
	return put()
}

func errorOr(err, or error) error {
	if err != nil {
		return err
	}
	return or
}

func newBase(e *engine, version *string, port *int32) base {
	return base{ID: strings.ToLower(newID()), Engine: e.name, Version: e.version(version), Port: aws.Or(port, e.port)}
}

// checkNewCluster refuses what no cluster can be.
func checkNewCluster(in *api.CreateDBClusterInput, e *engine) error {
	if err := checkIdentifier("DBClusterIdentifier", in.DBClusterIdentifier); err != nil {
		return err
	}
	switch {
	case in.ReplicationSourceIdentifier != nil:
		return notYet("replicas of clusters")
	case in.GlobalClusterIdentifier != nil:
		return notYet("global clusters")
	case aws.Value(in.EnableLimitlessDatabase) || aws.Value(in.ClusterScalabilityType) == api.ClusterScalabilityTypeLimitless:
		return notYet("limitless databases")
	case in.Domain != nil:
		return notYet("users of Active Directory")
	case !e.aurora && in.DBClusterInstanceClass == nil:
		return invalidCombination.Errorf("DBClusterInstanceClass is required for the engine %s.", e.name)
	case aws.Value(in.EngineMode) == "serverless" && !e.aurora:
		return invalidCombination.Errorf("The engine mode serverless you requested is currently unavailable.")
	}
	if err := checkIAM(in.EnableIAMDatabaseAuthentication, e); err != nil {
		return err
	}
	return checkMaster(in.MasterUsername, in.MasterUserPassword, aws.Value(in.ManageMasterUserPassword), e)
}

// newCluster is a cluster as answers show it.
func newCluster(call *aws.Call, name string, in *api.CreateDBClusterInput) api.DBCluster {
	now := time.Now().Truncate(time.Millisecond)
	mode := aws.Or(in.EngineMode, "provisioned")
	is := api.DBCluster{
		AllocatedStorage: new(aws.Or(in.AllocatedStorage, 1)), AvailabilityZones: zonesOf(call, in.AvailabilityZones), BackupRetentionPeriod: new(aws.Or(in.BackupRetentionPeriod, 1)),
		DatabaseName: in.DatabaseName, DBClusterIdentifier: &name, DBSubnetGroup: new(aws.Or(in.DBSubnetGroupName, "default")),
		Status: new(creating), EarliestRestorableTime: &now, LatestRestorableTime: &now,
		Endpoint: new(host(call, name, "cluster-")), ReaderEndpoint: new(host(call, name, "cluster-ro-")), CustomEndpoints: []string{},
		MultiAZ: new(false), MasterUsername: in.MasterUsername, PreferredBackupWindow: new(aws.Or(in.PreferredBackupWindow, "04:00-04:30")),
		PreferredMaintenanceWindow: new(aws.Or(in.PreferredMaintenanceWindow, "sun:05:00-sun:05:30")), ReadReplicaIdentifiers: []string{},
		DBClusterMembers: []api.DBClusterMember{}, VpcSecurityGroups: groupsOf(in.VpcSecurityGroupIds), HostedZoneId: new("Z2R2ITUGPM61AM"),
		StorageEncrypted: new(aws.Value(in.StorageEncrypted)), KmsKeyId: in.KmsKeyId, DbClusterResourceId: new("cluster-" + newID()),
		DBClusterArn: new(clusters.arn(call, name).String()), AssociatedRoles: []api.DBClusterRole{}, ClusterCreateTime: &now,
		IAMDatabaseAuthenticationEnabled: new(aws.Value(in.EnableIAMDatabaseAuthentication)), EnabledCloudwatchLogsExports: in.EnableCloudwatchLogsExports,
		EngineMode: &mode, DeletionProtection: new(aws.Value(in.DeletionProtection)), HttpEndpointEnabled: new(aws.Value(in.EnableHttpEndpoint)),
		CopyTagsToSnapshot: new(aws.Value(in.CopyTagsToSnapshot)), CrossAccountClone: new(false), DomainMemberships: []api.DomainMembership{},
		TagList: tagged(nil, in.Tags), AutoMinorVersionUpgrade: new(aws.Or(in.AutoMinorVersionUpgrade, true)), NetworkType: new(aws.Or(in.NetworkType, "IPV4")),
		ActivityStreamStatus: new("stopped"), DBClusterInstanceClass: in.DBClusterInstanceClass, StorageType: in.StorageType, Iops: in.Iops,
		EngineLifecycleSupport: new(aws.Or(in.EngineLifecycleSupport, "open-source-rds-extended-support")), BacktrackWindow: in.BacktrackWindow,
		PerformanceInsightsEnabled: in.EnablePerformanceInsights, DatabaseInsightsMode: in.DatabaseInsightsMode, MonitoringInterval: in.MonitoringInterval, MonitoringRoleArn: in.MonitoringRoleArn,
	}
	if c := in.ServerlessV2ScalingConfiguration; c != nil {
		is.ServerlessV2ScalingConfiguration = (*api.ServerlessV2ScalingConfigurationInfo)(c)
	}
	if mode == "serverless" {
		is.Capacity = new(int32(0))
		is.ScalingConfigurationInfo = scaling(&api.ScalingConfigurationInfo{
			MinCapacity: new(int32(1)), MaxCapacity: new(int32(16)), AutoPause: new(true), SecondsUntilAutoPause: new(int32(300)), TimeoutAction: new("RollbackCapacityChange"), SecondsBeforeTimeout: new(int32(300)),
		}, in.ScalingConfiguration)
	}
	return is
}

func scaling(was *api.ScalingConfigurationInfo, c *api.ScalingConfiguration) *api.ScalingConfigurationInfo {
	if c == nil || was == nil {
		return was
	}
	is := *was
	setIf(&is.MinCapacity, c.MinCapacity)
	setIf(&is.MaxCapacity, c.MaxCapacity)
	setIf(&is.AutoPause, c.AutoPause)
	setIf(&is.SecondsUntilAutoPause, c.SecondsUntilAutoPause)
	setIf(&is.TimeoutAction, c.TimeoutAction)
	setIf(&is.SecondsBeforeTimeout, c.SecondsBeforeTimeout)
	return &is
}

func setIf[T any](at **T, to *T) {
	if to != nil {
		*at = to
	}
}

func zonesOf(call *aws.Call, given []string) []string {
	if len(given) > 0 {
		return given
	}
	return []string{call.Region + "a", call.Region + "b", call.Region + "c"}
}

// changeCluster changes a cluster, and answers with what it is meanwhile.
func (s *Service) changeCluster(ctx context.Context, call *aws.Call, given, meanwhile string, change func(tx *store.Tx, arn aws.ARN, c *cluster) error) (*api.DBCluster, error) {
	var out api.DBCluster
	err := s.db.Update(ctx, func(tx *store.Tx) error {
		arn, c, err := clusters.find(tx, call, given)
		if err != nil {
			return err
		}
		if err := change(tx, arn, &c); err != nil {
			return err
		}
		if out, err = describeCluster(tx, arn, &c); err != nil {
			return err
		}
		if meanwhile != "" {
			out.Status = &meanwhile
		}
		s.index.Changed(tx)
		return clusters.Put(tx, arn, c)
	})
	return &out, err
}

// checkAvailable refuses to change a cluster that is not there yet.
func (c *cluster) checkAvailable() error {
	if *c.Is.Status != available {
		return api.InvalidDBClusterStateFault.Errorf("DBCluster %s is not in available state. Current state: %s", *c.Is.DBClusterIdentifier, *c.Is.Status)
	}
	return nil
}

// ModifyDBCluster changes a cluster, at once.
func (s *Service) ModifyDBCluster(ctx context.Context, call *aws.Call, in *api.ModifyDBClusterInput) (*api.ModifyDBClusterOutput, error) {
	switch {
	case in.NewDBClusterIdentifier != nil:
		return nil, notYet("new names for clusters")
	case aws.Value(in.RotateMasterUserPassword):
		return nil, notYet("the rotation of passwords that RDS manages")
	case in.Domain != nil:
		return nil, notYet("users of Active Directory")
	}
	c, err := s.getCluster(ctx, call, in.DBClusterIdentifier)
	if err != nil {
		return nil, err
	}
	if err := c.checkAvailable(); err != nil {
		return nil, err
	}
	if e, err := findEngine(c.Base.Engine); err == nil {
		if err := checkIAM(in.EnableIAMDatabaseAuthentication, e); err != nil {
			return nil, err
		}
	}
	if err := s.changePassword(ctx, &c.Base, in.MasterUserPassword); err != nil {
		return nil, err
	}
	out, err := s.changeCluster(ctx, call, in.DBClusterIdentifier, "", func(tx *store.Tx, _ aws.ARN, c *cluster) error {
		if err := c.checkAvailable(); err != nil {
			return err
		}
		if err := checkGroups(tx, call, nil, in.DBClusterParameterGroupName); err != nil {
			return err
		}
		if in.DBClusterParameterGroupName != nil {
			if c.Base.Settings, err = clusterSettings(tx, call, in.DBClusterParameterGroupName); err != nil {
				return err
			}
		}
		modifyCluster(c, in)
		err := c.Base.upgrade(in.EngineVersion)
		c.Is.EngineVersion = &c.Base.Version
		return err
	})
	return &api.ModifyDBClusterOutput{DBCluster: out}, err
}

func modifyCluster(c *cluster, in *api.ModifyDBClusterInput) {
	is := &c.Is
	setIf(&is.BackupRetentionPeriod, in.BackupRetentionPeriod)
	setIf(&is.DBClusterParameterGroup, in.DBClusterParameterGroupName)
	setIf(&is.PreferredBackupWindow, in.PreferredBackupWindow)
	setIf(&is.PreferredMaintenanceWindow, in.PreferredMaintenanceWindow)
	setIf(&is.IAMDatabaseAuthenticationEnabled, in.EnableIAMDatabaseAuthentication)
	setIf(&is.BacktrackWindow, in.BacktrackWindow)
	setIf(&is.DeletionProtection, in.DeletionProtection)
	setIf(&is.HttpEndpointEnabled, in.EnableHttpEndpoint)
	setIf(&is.CopyTagsToSnapshot, in.CopyTagsToSnapshot)
	setIf(&is.AutoMinorVersionUpgrade, in.AutoMinorVersionUpgrade)
	setIf(&is.AllocatedStorage, in.AllocatedStorage)
	setIf(&is.StorageType, in.StorageType)
	setIf(&is.Iops, in.Iops)
	setIf(&is.MonitoringInterval, in.MonitoringInterval)
	setIf(&is.MonitoringRoleArn, in.MonitoringRoleArn)
	setIf(&is.PerformanceInsightsEnabled, in.EnablePerformanceInsights)
	is.ScalingConfigurationInfo = scaling(is.ScalingConfigurationInfo, in.ScalingConfiguration)
	if in.ServerlessV2ScalingConfiguration != nil {
		is.ServerlessV2ScalingConfiguration = (*api.ServerlessV2ScalingConfigurationInfo)(in.ServerlessV2ScalingConfiguration)
	}
	if in.VpcSecurityGroupIds != nil {
		is.VpcSecurityGroups = groupsOf(in.VpcSecurityGroupIds)
	}
	if in.Port != nil {
		is.Port, c.Base.Port = in.Port, *in.Port
	}
	if l := in.CloudwatchLogsExportConfiguration; l != nil {
		is.EnabledCloudwatchLogsExports = exports(is.EnabledCloudwatchLogsExports, l)
	}
}

// DeleteDBCluster removes a cluster that has no instances, and its data.
func (s *Service) DeleteDBCluster(ctx context.Context, call *aws.Call, in *api.DeleteDBClusterInput) (*api.DeleteDBClusterOutput, error) {
	if err := checkFinal(in.SkipFinalSnapshot, in.FinalDBSnapshotIdentifier); err != nil {
		return nil, err
	}
	var out api.DBCluster
	var secret *api.MasterUserSecret
	err := s.db.Update(ctx, func(tx *store.Tx) error {
		arn, c, err := clusters.find(tx, call, in.DBClusterIdentifier)
		if err != nil {
			return err
		}
		if out, err = describeCluster(tx, arn, &c); err != nil {
			return err
		}
		switch {
		case *c.Is.DeletionProtection:
			return invalidCombination.Errorf("Cannot delete protected Cluster, please disable deletion protection and try again.")
		case len(out.DBClusterMembers) > 0:
			return api.InvalidDBClusterStateFault.Errorf("Cluster cannot be deleted, it still contains DB instances in non-deleting state.")
		}
		out.Status, secret = new(deleting), c.Is.MasterUserSecret
		if in.FinalDBSnapshotIdentifier != nil {
			if _, err := s.snapCluster(tx, call, &c, *in.FinalDBSnapshotIdentifier, nil); err != nil {
				return err
			}
		}
		if err := s.removeEndpoints(tx, arn); err != nil {
			return err
		}
		s.index.Changed(tx)
		tx.AfterCommit(s.bell.Ring)
		if err := pending.Delete(tx, arn); err != nil {
			return err
		}
		return clusters.Delete(tx, arn)
	})
	if err != nil {
		return nil, err
	}
	s.dropSecret(ctx, call, secret)
	return &api.DeleteDBClusterOutput{DBCluster: &out}, nil
}

// checkFinal refuses to remove what neither leaves a snapshot nor is to leave none.
func checkFinal(skip *bool, name *string) error {
	switch {
	case aws.Value(skip) && name != nil:
		return invalidCombination.Errorf("FinalDBSnapshotIdentifier can not be specified when deleting a database with SkipFinalSnapshot.")
	case !aws.Value(skip) && name == nil:
		return invalidCombination.Errorf("FinalDBSnapshotIdentifier is required unless SkipFinalSnapshot is specified.")
	}
	return nil
}

// StopDBCluster ends the server of a cluster, which takes no connections then.
func (s *Service) StopDBCluster(ctx context.Context, call *aws.Call, in *api.StopDBClusterInput) (*api.StopDBClusterOutput, error) {
	out, err := s.changeCluster(ctx, call, in.DBClusterIdentifier, stopping, func(tx *store.Tx, _ aws.ARN, c *cluster) error {
		if err := c.checkAvailable(); err != nil {
			return err
		}
		c.Is.Status = new(stopped)
		s.endAfter(tx, c.Base.ID)
		return nil
	})
	return &api.StopDBClusterOutput{DBCluster: out}, err
}

// StartDBCluster lets a cluster that was stopped take connections again.
func (s *Service) StartDBCluster(ctx context.Context, call *aws.Call, in *api.StartDBClusterInput) (*api.StartDBClusterOutput, error) {
	out, err := s.changeCluster(ctx, call, in.DBClusterIdentifier, starting, func(_ *store.Tx, _ aws.ARN, c *cluster) error {
		if *c.Is.Status != stopped {
			return api.InvalidDBClusterStateFault.Errorf("DbCluster %s is not in stopped state.", *c.Is.DBClusterIdentifier)
		}
		c.Is.Status = new(available)
		return nil
	})
	return &api.StartDBClusterOutput{DBCluster: out}, err
}

// RebootDBCluster ends the server of a cluster; the next connection starts it.
func (s *Service) RebootDBCluster(ctx context.Context, call *aws.Call, in *api.RebootDBClusterInput) (*api.RebootDBClusterOutput, error) {
	out, err := s.changeCluster(ctx, call, in.DBClusterIdentifier, "rebooting", func(tx *store.Tx, _ aws.ARN, c *cluster) error {
		s.endAfter(tx, c.Base.ID)
		return c.checkAvailable()
	})
	return &api.RebootDBClusterOutput{DBCluster: out}, err
}

// EnableHttpEndpoint has the Data API answer for a cluster.
func (s *Service) EnableHttpEndpoint(ctx context.Context, call *aws.Call, in *api.EnableHttpEndpointInput) (*api.EnableHttpEndpointOutput, error) {
	err := s.setHTTP(ctx, call, in.ResourceArn, true)
	return &api.EnableHttpEndpointOutput{ResourceArn: &in.ResourceArn, HttpEndpointEnabled: new(true)}, err
}

// DisableHttpEndpoint has the Data API not answer for a cluster.
func (s *Service) DisableHttpEndpoint(ctx context.Context, call *aws.Call, in *api.DisableHttpEndpointInput) (*api.DisableHttpEndpointOutput, error) {
	err := s.setHTTP(ctx, call, in.ResourceArn, false)
	return &api.DisableHttpEndpointOutput{ResourceArn: &in.ResourceArn, HttpEndpointEnabled: new(false)}, err
}

func (s *Service) setHTTP(ctx context.Context, call *aws.Call, given string, on bool) error {
	_, err := s.changeCluster(ctx, call, given, "", func(_ *store.Tx, _ aws.ARN, c *cluster) error {
		c.Is.HttpEndpointEnabled = &on
		return nil
	})
	return err
}

// exports returns had, with the logs that are to be exported and without those that are not.
func exports(had []string, change *api.CloudwatchLogsExportConfiguration) []string {
	out := []string{}
	seen := make(map[string]bool)
	for _, kind := range change.DisableLogTypes {
		seen[kind] = true
	}
	for _, kind := range append(had[:len(had):len(had)], change.EnableLogTypes...) {
		if !seen[kind] {
			out, seen[kind] = append(out, kind), true
		}
	}
	return out
}
