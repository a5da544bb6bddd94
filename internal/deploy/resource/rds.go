package resource

import (
	"encoding/json"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/aloft-cloud/aloft/internal/api/rds"
	"github.com/aloft-cloud/aloft/internal/api/secretsmanager"
	"github.com/aloft-cloud/aloft/internal/aws"
)

// RDS has the types of RDS, and the one that tells a secret of its database.
func RDS() []*Type {
	return []*Type{dbCluster(), dbInstance(), dbSubnetGroup(), dbParameterGroup(), dbClusterParameterGroup(), dbProxy(), dbProxyTargetGroup(), dbProxyEndpoint(), secretTargetAttachment()}
}

func databaseTags(tags map[string]string) (out []rds.Tag) {
	for _, key := range slices.Sorted(maps.Keys(tags)) {
		out = append(out, rds.Tag{Key: new(key), Value: new(tags[key])})
	}
	return out
}

// retagDatabase makes the tags of what an ARN names those of op.New.
func retagDatabase(op *Op, arn string) error {
	return retag(op, tagMap, func(tags map[string]string) error {
		_, err := Do(op, rds.AddTagsToResource, &rds.AddTagsToResourceInput{ResourceName: arn, Tags: databaseTags(tags)})
		return err
	}, func(keys []string) error {
		_, err := Do(op, rds.RemoveTagsFromResource, &rds.RemoveTagsFromResourceInput{ResourceName: arn, TagKeys: keys})
		return err
	})
}

// waited is what was waited for, or nothing if it is not there.
func waited(m *Made, err error) (*Made, error) {
	if err != nil && ignoreGone(err) == nil {
		return nil, nil
	}
	return m, err
}

// saidOf is what RDS says of a database: why it could not be made, or what server
// stands for the one that was asked for.
func saidOf(op *Op, kind, id string) (string, error) {
	out, err := Do(op, rds.DescribeEvents, &rds.DescribeEventsInput{SourceType: &kind, SourceIdentifier: &id})
	if err != nil || len(out.Events) == 0 {
		return "", err
	}
	return aws.Value(out.Events[0].Message), nil
}

// whyFailed is why a database could not be made.
func whyFailed(op *Op, kind, id string) error {
	why, err := saidOf(op, kind, id)
	if err != nil {
		return err
	}
	if why == "" {
		why = "The database could not be made."
	}
	return &Refusal{why}
}

// changes are the settings that an update changes.
func changes(op *Op, settings string) map[string]any {
	out := pick(op.New, strings.Fields(settings)...)
	maps.DeleteFunc(out, func(name string, _ any) bool { return !op.Changed(name) })
	return out
}

const clusterSettings = `AllocatedStorage AutoMinorVersionUpgrade BacktrackWindow EngineVersion Iops MonitoringInterval MonitoringRoleArn StorageType BackupRetentionPeriod CopyTagsToSnapshot DBClusterParameterGroupName DeletionProtection EnableHttpEndpoint EnableIAMDatabaseAuthentication
	MasterUserPassword Port PreferredBackupWindow PreferredMaintenanceWindow ScalingConfiguration ServerlessV2ScalingConfiguration VpcSecurityGroupIds`

// createCluster makes a cluster, and returns what it is called.
func createCluster(op *Op) (string, error) {
	in := &rds.CreateDBClusterInput{Tags: databaseTags(tagMap(op.New["Tags"]))}
	known := append(strings.Fields(clusterSettings), "AvailabilityZones", "DBClusterInstanceClass",
		"DBSubnetGroupName", "DatabaseName", "EnableCloudwatchLogsExports", "Engine", "EngineMode", "KmsKeyId", "ManageMasterUserPassword",
		"MasterUsername", "NetworkType", "PubliclyAccessible", "StorageEncrypted")
	if err := Bind(op, pick(op.New, known...), in); err != nil {
		return "", err
	}
	in.DBClusterIdentifier = strings.ToLower(op.Named("DBClusterIdentifier"))
	if op.Text("SnapshotIdentifier") != "" {
		return in.DBClusterIdentifier, restoreCluster(op, in)
	}
	_, err := Do(op, rds.CreateDBCluster, in)
	return in.DBClusterIdentifier, err
}

func dbCluster() *Type {
	wait := func(op *Op, id string) (*Made, error) {
		m := &Made{PhysicalID: id}
		return m, settle(op, func() (bool, error) {
			out, err := Do(op, rds.DescribeDBClusters, &rds.DescribeDBClustersInput{DBClusterIdentifier: &id})
			if err != nil {
				return false, err
			}
			c := &out.DBClusters[0]
			if *c.Status == "failed" {
				return false, whyFailed(op, "db-cluster", id)
			}
			m.Attributes = map[string]any{
				"Endpoint.Address": *c.Endpoint, "Endpoint.Port": strconv.Itoa(int(*c.Port)), "ReadEndpoint.Address": *c.ReaderEndpoint,
				"DBClusterArn": *c.DBClusterArn, "DBClusterResourceId": *c.DbClusterResourceId,
			}
			if c.MasterUserSecret != nil {
				m.Attributes["MasterUserSecret.SecretArn"] = *c.MasterUserSecret.SecretArn
			}
			m.Note, err = saidOf(op, "db-cluster", id)
			return *c.Status == "available", err
		})
	}
	return &Type{
		Name: "AWS::RDS::DBCluster",
		Properties: Props(`AllocatedStorage AssociatedRoles- AutoMinorVersionUpgrade AvailabilityZones@ BacktrackWindow BackupRetentionPeriod ClusterScalabilityType-
			CopyTagsToSnapshot DBClusterIdentifier@ DBClusterInstanceClass DBClusterParameterGroupName DBInstanceParameterGroupName DBSubnetGroupName@ DBSystemId-
			DatabaseInsightsMode DatabaseName@ DeleteAutomatedBackups DeletionProtection Domain- DomainIAMRoleName- EnableCloudwatchLogsExports EnableGlobalWriteForwarding-
			EnableHttpEndpoint EnableIAMDatabaseAuthentication EnableLocalWriteForwarding- Engine@ EngineLifecycleSupport EngineMode@ EngineVersion GlobalClusterIdentifier-
			Iops KmsKeyId@ ManageMasterUserPassword MasterUserAuthenticationType- MasterUserPassword MasterUserSecret MasterUsername@ MonitoringInterval MonitoringRoleArn
			NetworkType PerformanceInsightsEnabled PerformanceInsightsKmsKeyId PerformanceInsightsRetentionPeriod Port PreferredBackupWindow PreferredMaintenanceWindow
			PubliclyAccessible@ ReadEndpoint ReplicationSourceIdentifier- RestoreToTime- RestoreType- ScalingConfiguration ServerlessV2ScalingConfiguration
			SnapshotIdentifier@ SourceDBClusterIdentifier- SourceDbClusterResourceId- SourceRegion- StorageEncrypted@ StorageType Tags UseLatestRestorableTime- VpcSecurityGroupIds`),
		Attributes: []string{"Endpoint.Address", "Endpoint.Port", "ReadEndpoint.Address", "DBClusterArn", "DBClusterResourceId", "MasterUserSecret.SecretArn"},
		Naming:     Naming{Property: "DBClusterIdentifier", Max: 63, Lower: true},
		Create: func(op *Op) (*Made, error) {
			id, err := createCluster(op)
			if err != nil {
				return nil, err
			}
			return wait(op, id)
		},
		Find: func(op *Op) (*Made, error) {
			return waited(wait(op, strings.ToLower(op.Named("DBClusterIdentifier"))))
		},
		Update: func(op *Op) (*Made, error) {
			in := &rds.ModifyDBClusterInput{ApplyImmediately: new(true)}
			if err := Bind(op, changes(op, clusterSettings), in); err != nil {
				return nil, err
			}
			in.DBClusterIdentifier = op.PhysicalID
			out, err := Do(op, rds.ModifyDBCluster, in)
			if err != nil {
				return nil, err
			}
			m, err := wait(op, op.PhysicalID)
			if err != nil {
				return m, err
			}
			return m, retagDatabase(op, *out.DBCluster.DBClusterArn)
		},
		Delete: func(op *Op) error {
			last := lastSnapshot(op)
			_, err := Do(op, rds.DeleteDBCluster, &rds.DeleteDBClusterInput{DBClusterIdentifier: op.PhysicalID, SkipFinalSnapshot: new(last == nil), FinalDBSnapshotIdentifier: last})
			return err
		},
		Note: "MariaDB 11.4 stands for MySQL and Aurora MySQL. A snapshot is left where the policy says Snapshot, and not where it says nothing.",
	}
}

const instanceSettings = `AllocatedStorage AllowMajorVersionUpgrade AutoMinorVersionUpgrade BackupRetentionPeriod CopyTagsToSnapshot DBInstanceClass DBParameterGroupName EngineVersion
	DeletionProtection EnableIAMDatabaseAuthentication Iops MasterUserPassword MaxAllocatedStorage MonitoringInterval MonitoringRoleArn MultiAZ
	PreferredBackupWindow PreferredMaintenanceWindow PromotionTier PubliclyAccessible StorageThroughput StorageType`

// createInstance makes a instance, and returns what it is called.
func createInstance(op *Op) (string, error) {
	in := &rds.CreateDBInstanceInput{Tags: databaseTags(tagMap(op.New["Tags"])), VpcSecurityGroupIds: texts(op.New["VPCSecurityGroups"])}
	known := append(strings.Fields(instanceSettings), "AvailabilityZone", "CACertificateIdentifier", "CharacterSetName", "DBClusterIdentifier", "DBName", "DBSubnetGroupName",
		"EnableCloudwatchLogsExports", "EnablePerformanceInsights", "Engine", "KmsKeyId", "LicenseModel", "ManageMasterUserPassword", "MasterUsername",
		"NetworkType", "Port", "StorageEncrypted", "Timezone")
	properties := pick(op.New, known...)
	delete(properties, "AllowMajorVersionUpgrade")
	if err := Bind(op, properties, in); err != nil {
		return "", err
	}
	in.DBInstanceIdentifier = strings.ToLower(op.Named("DBInstanceIdentifier"))
	if op.Text("DBSnapshotIdentifier") != "" {
		return in.DBInstanceIdentifier, restoreInstance(op, in)
	}
	_, err := Do(op, rds.CreateDBInstance, in)
	return in.DBInstanceIdentifier, err
}

func dbInstance() *Type {
	wait := func(op *Op, id string) (*Made, error) {
		m := &Made{PhysicalID: id}
		return m, settle(op, func() (bool, error) {
			out, err := Do(op, rds.DescribeDBInstances, &rds.DescribeDBInstancesInput{DBInstanceIdentifier: &id})
			if err != nil {
				return false, err
			}
			i := &out.DBInstances[0]
			if *i.DBInstanceStatus == "failed" {
				return false, whyFailed(op, "db-instance", id)
			}
			m.Attributes = map[string]any{"DBInstanceArn": *i.DBInstanceArn, "DbiResourceId": *i.DbiResourceId}
			if i.Endpoint != nil {
				m.Attributes["Endpoint.Address"], m.Attributes["Endpoint.Port"], m.Attributes["Endpoint.HostedZoneId"] = *i.Endpoint.Address, strconv.Itoa(int(*i.Endpoint.Port)), *i.Endpoint.HostedZoneId
			}
			if i.MasterUserSecret != nil {
				m.Attributes["MasterUserSecret.SecretArn"] = *i.MasterUserSecret.SecretArn
			}
			m.Note, err = saidOf(op, "db-instance", id)
			return *i.DBInstanceStatus == "available", err
		})
	}
	return &Type{
		Name: "AWS::RDS::DBInstance",
		Properties: Props(`AllocatedStorage AllowMajorVersionUpgrade AssociatedRoles- AutoMinorVersionUpgrade AvailabilityZone@ BackupRetentionPeriod BackupTarget
			CACertificateIdentifier CertificateRotationRestart CharacterSetName@ CopyTagsToSnapshot CustomIAMInstanceProfile- DBClusterIdentifier@ DBInstanceClass
			DBInstanceIdentifier@ DBName@ DBParameterGroupName DBSecurityGroups- DBSnapshotIdentifier@ DBSubnetGroupName DatabaseInsightsMode DedicatedLogVolume
			DeleteAutomatedBackups DeletionProtection Domain- DomainAuthSecretArn- DomainDnsIps- DomainFqdn- DomainIAMRoleName- DomainOu- EnableCloudwatchLogsExports
			EnableIAMDatabaseAuthentication EnablePerformanceInsights Engine@ EngineLifecycleSupport EngineVersion Iops KmsKeyId@ LicenseModel ManageMasterUserPassword
			MasterUserPassword MasterUserSecret MasterUsername@ MaxAllocatedStorage MonitoringInterval MonitoringRoleArn MultiAZ NetworkType OptionGroupName
			PerformanceInsightsKMSKeyId PerformanceInsightsRetentionPeriod Port@ PreferredBackupWindow PreferredMaintenanceWindow ProcessorFeatures PromotionTier
			PubliclyAccessible SourceDBInstanceIdentifier- SourceDBClusterIdentifier- SourceRegion- StorageEncrypted@ StorageThroughput StorageType Tags Timezone@
			UseDefaultProcessorFeatures VPCSecurityGroups`),
		Attributes: []string{"Endpoint.Address", "Endpoint.Port", "Endpoint.HostedZoneId", "DBInstanceArn", "DbiResourceId", "MasterUserSecret.SecretArn"},
		Naming:     Naming{Property: "DBInstanceIdentifier", Max: 63, Lower: true},
		Create: func(op *Op) (*Made, error) {
			id, err := createInstance(op)
			if err != nil {
				return nil, err
			}
			return wait(op, id)
		},
		Find: func(op *Op) (*Made, error) {
			return waited(wait(op, strings.ToLower(op.Named("DBInstanceIdentifier"))))
		},
		Update: func(op *Op) (*Made, error) {
			in := &rds.ModifyDBInstanceInput{ApplyImmediately: new(true)}
			if err := Bind(op, changes(op, instanceSettings), in); err != nil {
				return nil, err
			}
			in.DBInstanceIdentifier, in.VpcSecurityGroupIds = op.PhysicalID, texts(op.New["VPCSecurityGroups"])
			out, err := Do(op, rds.ModifyDBInstance, in)
			if err != nil {
				return nil, err
			}
			m, err := wait(op, op.PhysicalID)
			if err != nil {
				return m, err
			}
			return m, retagDatabase(op, *out.DBInstance.DBInstanceArn)
		},
		Delete: func(op *Op) error {
			last := lastSnapshot(op)
			_, err := Do(op, rds.DeleteDBInstance, &rds.DeleteDBInstanceInput{DBInstanceIdentifier: op.PhysicalID, SkipFinalSnapshot: new(last == nil), FinalDBSnapshotIdentifier: last})
			return err
		},
		Note: "MariaDB 11.4 stands for MySQL and Aurora MySQL. A snapshot is left where the policy says Snapshot, and not where it says nothing.",
	}
}

func dbSubnetGroup() *Type {
	return &Type{
		Name:       "AWS::RDS::DBSubnetGroup",
		Properties: Props("DBSubnetGroupDescription! DBSubnetGroupName@ SubnetIds! Tags"),
		Naming:     Naming{Property: "DBSubnetGroupName", Lower: true},
		Create: func(op *Op) (*Made, error) {
			in := &rds.CreateDBSubnetGroupInput{DBSubnetGroupDescription: op.Text("DBSubnetGroupDescription"), SubnetIds: texts(op.New["SubnetIds"]), Tags: databaseTags(tagMap(op.New["Tags"]))}
			in.DBSubnetGroupName = strings.ToLower(op.Named("DBSubnetGroupName"))
			if _, err := Do(op, rds.CreateDBSubnetGroup, in); err != nil {
				return nil, err
			}
			return &Made{PhysicalID: in.DBSubnetGroupName}, nil
		},
		Find: func(op *Op) (*Made, error) {
			name := strings.ToLower(op.Named("DBSubnetGroupName"))
			if _, err := Do(op, rds.DescribeDBSubnetGroups, &rds.DescribeDBSubnetGroupsInput{DBSubnetGroupName: &name}); err != nil {
				return nil, ignoreGone(err)
			}
			return &Made{PhysicalID: name}, nil
		},
		Update: func(op *Op) (*Made, error) {
			in := &rds.ModifyDBSubnetGroupInput{DBSubnetGroupName: op.PhysicalID, DBSubnetGroupDescription: new(op.Text("DBSubnetGroupDescription")), SubnetIds: texts(op.New["SubnetIds"])}
			out, err := Do(op, rds.ModifyDBSubnetGroup, in)
			if err != nil {
				return nil, err
			}
			return &Made{PhysicalID: op.PhysicalID}, retagDatabase(op, *out.DBSubnetGroup.DBSubnetGroupArn)
		},
		Delete: func(op *Op) error {
			_, err := Do(op, rds.DeleteDBSubnetGroup, &rds.DeleteDBSubnetGroupInput{DBSubnetGroupName: op.PhysicalID})
			return err
		},
	}
}

// parametersOf are the parameters that a template sets.
func parametersOf(v any) (out []rds.Parameter) {
	values := object(v)
	for _, name := range slices.Sorted(maps.Keys(values)) {
		out = append(out, rds.Parameter{ParameterName: new(name), ParameterValue: new(text(values[name])), ApplyMethod: new("pending-reboot")})
	}
	return out
}

func dbParameterGroup() *Type {
	set := func(op *Op, name string) (*Made, error) {
		m := &Made{PhysicalID: name, Attributes: map[string]any{"DBParameterGroupName": name}}
		all := parametersOf(op.New["Parameters"])
		if len(all) == 0 {
			return m, nil
		}
		_, err := Do(op, rds.ModifyDBParameterGroup, &rds.ModifyDBParameterGroupInput{DBParameterGroupName: name, Parameters: all})
		return m, err
	}
	return &Type{
		Name:       "AWS::RDS::DBParameterGroup",
		Properties: Props("DBParameterGroupName@ Description!@ Family!@ Parameters Tags"),
		Attributes: []string{"DBParameterGroupName"},
		Naming:     Naming{Property: "DBParameterGroupName", Lower: true},
		Create: func(op *Op) (*Made, error) {
			in := &rds.CreateDBParameterGroupInput{
				DBParameterGroupName: strings.ToLower(op.Named("DBParameterGroupName")), DBParameterGroupFamily: op.Text("Family"), Description: op.Text("Description"), Tags: databaseTags(tagMap(op.New["Tags"])),
			}
			if _, err := Do(op, rds.CreateDBParameterGroup, in); err != nil {
				return nil, err
			}
			return set(op, in.DBParameterGroupName)
		},
		Find: func(op *Op) (*Made, error) {
			name := strings.ToLower(op.Named("DBParameterGroupName"))
			if _, err := Do(op, rds.DescribeDBParameterGroups, &rds.DescribeDBParameterGroupsInput{DBParameterGroupName: &name}); err != nil {
				return nil, ignoreGone(err)
			}
			return set(op, name)
		},
		Update: func(op *Op) (*Made, error) {
			if _, err := Do(op, rds.ResetDBParameterGroup, &rds.ResetDBParameterGroupInput{DBParameterGroupName: op.PhysicalID, ResetAllParameters: new(true)}); err != nil {
				return nil, err
			}
			m, err := set(op, op.PhysicalID)
			if err != nil {
				return m, err
			}
			return m, retagDatabase(op, op.ARN("rds", "pg:"+op.PhysicalID))
		},
		Delete: func(op *Op) error {
			_, err := Do(op, rds.DeleteDBParameterGroup, &rds.DeleteDBParameterGroupInput{DBParameterGroupName: op.PhysicalID})
			return err
		},
	}
}

func dbClusterParameterGroup() *Type {
	set := func(op *Op, name string) (*Made, error) {
		in := &rds.ModifyDBClusterParameterGroupInput{DBClusterParameterGroupName: name, Parameters: parametersOf(op.New["Parameters"])}
		if len(in.Parameters) == 0 {
			return &Made{PhysicalID: name}, nil
		}
		_, err := Do(op, rds.ModifyDBClusterParameterGroup, in)
		return &Made{PhysicalID: name}, err
	}
	return &Type{
		Name:       "AWS::RDS::DBClusterParameterGroup",
		Properties: Props("DBClusterParameterGroupName@ Description!@ Family!@ Parameters! Tags"),
		Naming:     Naming{Property: "DBClusterParameterGroupName", Lower: true},
		Create: func(op *Op) (*Made, error) {
			in := &rds.CreateDBClusterParameterGroupInput{
				DBClusterParameterGroupName: strings.ToLower(op.Named("DBClusterParameterGroupName")), DBParameterGroupFamily: op.Text("Family"), Description: op.Text("Description"),
				Tags: databaseTags(tagMap(op.New["Tags"])),
			}
			if _, err := Do(op, rds.CreateDBClusterParameterGroup, in); err != nil {
				return nil, err
			}
			return set(op, in.DBClusterParameterGroupName)
		},
		Find: func(op *Op) (*Made, error) {
			name := strings.ToLower(op.Named("DBClusterParameterGroupName"))
			if _, err := Do(op, rds.DescribeDBClusterParameterGroups, &rds.DescribeDBClusterParameterGroupsInput{DBClusterParameterGroupName: &name}); err != nil {
				return nil, ignoreGone(err)
			}
			return set(op, name)
		},
		Update: func(op *Op) (*Made, error) {
			in := &rds.ResetDBClusterParameterGroupInput{DBClusterParameterGroupName: op.PhysicalID, ResetAllParameters: new(true)}
			if _, err := Do(op, rds.ResetDBClusterParameterGroup, in); err != nil {
				return nil, err
			}
			m, err := set(op, op.PhysicalID)
			if err != nil {
				return m, err
			}
			return m, retagDatabase(op, op.ARN("rds", "cluster-pg:"+op.PhysicalID))
		},
		Delete: func(op *Op) error {
			_, err := Do(op, rds.DeleteDBClusterParameterGroup, &rds.DeleteDBClusterParameterGroupInput{DBClusterParameterGroupName: op.PhysicalID})
			return err
		},
	}
}

// secretTargetAttachment writes into a secret how its database is reached.
func secretTargetAttachment() *Type {
	attach := func(op *Op) (*Made, error) {
		secret := op.Text("SecretId")
		where, err := whereDatabase(op)
		if err != nil {
			return nil, err
		}
		out, err := Do(op, secretsmanager.GetSecretValue, &secretsmanager.GetSecretValueInput{SecretId: secret})
		if err != nil {
			return nil, err
		}
		is := make(map[string]any)
		if json.Unmarshal([]byte(aws.Value(out.SecretString)), &is) != nil {
			return nil, invalidRequest("The secret is no JSON object.")
		}
		maps.Copy(is, where)
		value, err := json.Marshal(is)
		if err != nil {
			return nil, err
		}
		_, err = Do(op, secretsmanager.PutSecretValue, &secretsmanager.PutSecretValueInput{SecretId: secret, SecretString: new(string(value)), ClientRequestToken: new(aws.NewRequestID())})
		return &Made{PhysicalID: *out.ARN, Attributes: map[string]any{"Id": *out.ARN}}, err
	}
	return &Type{
		Name:       "AWS::SecretsManager::SecretTargetAttachment",
		Properties: Props("SecretId!@ TargetId! TargetType!"),
		Attributes: []string{"Id"},
		Create:     attach,
		Update:     attach,
		Delete:     func(*Op) error { return nil },
		Note:       "Targets are clusters and instances of RDS. A secret keeps what was written into it when the attachment goes.",
	}
}

// whereDatabase is what a secret is told of its database.
func whereDatabase(op *Op) (map[string]any, error) {
	id := op.Text("TargetId")
	if arn, err := aws.ParseARN(id); err == nil {
		id = arn.Resource[strings.LastIndexByte(arn.Resource, ':')+1:]
	}
	where := make(map[string]any)
	put := func(name string, value *string) {
		if value != nil {
			where[name] = *value
		}
	}
	switch kind := op.Text("TargetType"); kind {
	case "AWS::RDS::DBCluster":
		out, err := Do(op, rds.DescribeDBClusters, &rds.DescribeDBClustersInput{DBClusterIdentifier: &id})
		if err != nil {
			return nil, err
		}
		c := &out.DBClusters[0]
		where["port"], where["engine"] = *c.Port, secretEngine(*c.Engine)
		put("host", c.Endpoint)
		put("dbname", c.DatabaseName)
		put("dbClusterIdentifier", c.DBClusterIdentifier)
	case "AWS::RDS::DBInstance":
		out, err := Do(op, rds.DescribeDBInstances, &rds.DescribeDBInstancesInput{DBInstanceIdentifier: &id})
		if err != nil {
			return nil, err
		}
		i := &out.DBInstances[0]
		where["engine"] = secretEngine(*i.Engine)
		if i.Endpoint != nil {
			where["host"], where["port"] = *i.Endpoint.Address, *i.Endpoint.Port
		}
		put("dbname", i.DBName)
		put("dbInstanceIdentifier", i.DBInstanceIdentifier)
	default:
		return nil, &Refusal{"Aloft attaches no secrets to " + kind + " yet."}
	}
	return where, nil
}

// secretEngine is what secrets call an engine.
func secretEngine(engine string) string {
	return strings.Replace(strings.TrimPrefix(engine, "aurora-"), "postgresql", "postgres", 1)
}
