package rds

import (
	"context"
	"crypto/cipher"
	"log/slog"
	"net"
	"slices"
	"sync"
	"sync/atomic"

	api "github.com/aloft-cloud/aloft/internal/api/rds"
	rdsdata "github.com/aloft-cloud/aloft/internal/api/rds-data"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/ca"
	"github.com/aloft-cloud/aloft/internal/database"
	"github.com/aloft-cloud/aloft/internal/dispatch"
	"github.com/aloft-cloud/aloft/internal/service"
	"github.com/aloft-cloud/aloft/internal/store"
	"github.com/aloft-cloud/aloft/internal/store/master"
	"github.com/aloft-cloud/aloft/internal/task"
)

// A Fleet keeps databases. Package database has the one there is.
type Fleet interface {
	Make(ctx context.Context, db *database.Database, o *database.Owner) error
	SetPassword(ctx context.Context, db *database.Database, user, password string) error
	Dial(ctx context.Context, db *database.Database) (net.Conn, error)
	Serve(ctx context.Context, c net.Conn, db *database.Database, d *database.Door) error
	Copy(ctx context.Context, from, to string) error
	Stop(id string)
	Remove(id string) error
	IDs() ([]string, error)
	Task() task.Task
	Close() error
}

// Config is what RDS works with.
type Config struct {
	DB       *store.DB
	Table    *dispatch.Table
	Fleet    Fleet
	CA       *ca.Authority
	Auth     Authority // of tokens
	Sessions *dispatch.Sessions
	Name     string // of this installation, so that two of one host have other addresses
	Key      string // file of the key that seals passwords; "" forgets it
	Listen   bool   // endpoints have addresses of this host
	Log      *slog.Logger
}

// Service is RDS, with its Data API.
type Service struct {
	cfg    Config
	db     *store.DB
	master func() (cipher.AEAD, error) // seals passwords
	index  *store.Derived[index]
	group  task.Group
	bell   task.Bell // rung when there are databases to make, or to remove
	doors  task.Bell // rung when there are other endpoints
	making sync.Map  // of what is pending, that which is being made

	unfinished atomic.Pointer[error] // why something of it is to be tried again

	listeners map[uint16]*listener // of the task that listens

	sessions sessions
}

// New returns RDS.
func New(cfg Config) *Service {
	s := &Service{
		cfg: cfg, db: cfg.DB, index: store.Derive(cfg.DB, makeIndex), bell: task.NewBell(), doors: task.NewBell(), listeners: make(map[uint16]*listener),
		master: master.Later(cfg.Key),
	}
	s.group.Log = cfg.Log
	s.sessions.bell, s.sessions.all = task.NewBell(), make(map[string]*session)
	return s
}

// Close ends all servers of databases and what is connected with them.
func (s *Service) Close() error {
	err := s.cfg.Fleet.Close()
	s.group.Wait()
	return err
}

// Definition implements the contract in package service.
func (s *Service) Definition() service.Definition {
	return service.Definition{
		API: api.API,
		Tasks: []task.Task{
			{Name: "rds/work", Run: s.work, Bell: s.bell}, {Name: "rds/listen", Run: s.listen, Bell: s.doors}, s.cfg.Fleet.Task(),
		},
		Operations: slices.Concat(s.databaseOperations(), s.groupOperations(), s.proxyOperations(), s.snapshotOperations()),
	}
}

// Data is the definition of the Data API.
func (s *Service) Data() service.Definition {
	return service.Definition{
		API: rdsdata.API,
		Operations: []service.Operation{
			service.Op(rdsdata.ExecuteStatement, s.ExecuteStatement, onARN[*rdsdata.ExecuteStatementInput]),
			service.Op(rdsdata.BatchExecuteStatement, s.BatchExecuteStatement, onARN[*rdsdata.BatchExecuteStatementInput]),
			service.Op(rdsdata.BeginTransaction, s.BeginTransaction, onARN[*rdsdata.BeginTransactionInput]).But("A transaction ends, undone, when Aloft does."),
			service.Op(rdsdata.CommitTransaction, s.CommitTransaction, onARN[*rdsdata.CommitTransactionInput]),
			service.Op(rdsdata.RollbackTransaction, s.RollbackTransaction, onARN[*rdsdata.RollbackTransactionInput]),
		},
		Tasks: []task.Task{{Name: "rds-data/sessions", Run: s.endSessions, Bell: s.sessions.bell}},
	}
}

func (s *Service) databaseOperations() []service.Operation {
	const lacks = "PostgreSQL serves aurora-postgresql and postgres, by the newest minor of the major version (14 to 18; older ones are served by 14). MariaDB 11.4.5 serves mysql, mariadb, aurora-mysql and aurora, on x86-64 alone; what only MySQL has, such as caching_sha2_password and ->, is lacking. Oracle, SQL Server and Db2 are refused, as are replicas, global clusters and Active Directory. Classes, storage, zones, backups and monitoring are kept as settings; there is no network, and security groups let everything through. Users of PostgreSQL in rds_iam themselves, and clients of proxies, sign in by tokens of IAM; users of MySQL at the database itself do not."
	return []service.Operation{
		service.Op(api.CreateDBCluster, s.CreateDBCluster, onCluster[*api.CreateDBClusterInput]).But(lacks),
		service.Op(api.ModifyDBCluster, s.ModifyDBCluster, onCluster[*api.ModifyDBClusterInput]).But("Changes are made at once. New names, and the rotation of managed passwords, are refused."),
		service.Op(api.DeleteDBCluster, s.DeleteDBCluster, onCluster[*api.DeleteDBClusterInput]),
		service.Op(api.DescribeDBClusters, s.DescribeDBClusters, service.Any),
		service.Op(api.StartDBCluster, s.StartDBCluster, onCluster[*api.StartDBClusterInput]),
		service.Op(api.StopDBCluster, s.StopDBCluster, onCluster[*api.StopDBClusterInput]),
		service.Op(api.RebootDBCluster, s.RebootDBCluster, onCluster[*api.RebootDBClusterInput]),
		service.Op(api.EnableHttpEndpoint, s.EnableHttpEndpoint, onARN[*api.EnableHttpEndpointInput]),
		service.Op(api.DisableHttpEndpoint, s.DisableHttpEndpoint, onARN[*api.DisableHttpEndpointInput]),

		service.Op(api.CreateDBInstance, s.CreateDBInstance, onInstance[*api.CreateDBInstanceInput]).But(lacks + " The instances of a cluster are names for one server."),
		service.Op(api.ModifyDBInstance, s.ModifyDBInstance, onInstance[*api.ModifyDBInstanceInput]).But("Changes are made at once. New names, and the rotation of managed passwords, are refused."),
		service.Op(api.DeleteDBInstance, s.DeleteDBInstance, onInstance[*api.DeleteDBInstanceInput]),
		service.Op(api.DescribeDBInstances, s.DescribeDBInstances, service.Any),
		service.Op(api.StartDBInstance, s.StartDBInstance, onInstance[*api.StartDBInstanceInput]),
		service.Op(api.StopDBInstance, s.StopDBInstance, onInstance[*api.StopDBInstanceInput]).But("Snapshots at the stop are refused."),
		service.Op(api.RebootDBInstance, s.RebootDBInstance, onInstance[*api.RebootDBInstanceInput]),

		service.Op(api.DescribeDBEngineVersions, s.DescribeDBEngineVersions, service.Any).But("The versions that are listed are few; any is taken."),
		service.Op(api.DescribeEvents, s.DescribeEvents, service.Any).But("It tells why databases could not be made, and what server stands for another; other events are not kept."),
	}
}

func (s *Service) groupOperations() []service.Operation {
	const kept = "Parameters that the server knows by that name are set; others are kept."
	return []service.Operation{
		service.Op(api.CreateDBSubnetGroup, s.CreateDBSubnetGroup, onSubnetGroup[*api.CreateDBSubnetGroupInput]).But("Subnets are kept as they are named: there is no network."),
		service.Op(api.ModifyDBSubnetGroup, s.ModifyDBSubnetGroup, onSubnetGroup[*api.ModifyDBSubnetGroupInput]),
		service.Op(api.DeleteDBSubnetGroup, s.DeleteDBSubnetGroup, onSubnetGroup[*api.DeleteDBSubnetGroupInput]),
		service.Op(api.DescribeDBSubnetGroups, s.DescribeDBSubnetGroups, service.Any),

		service.Op(api.CreateDBParameterGroup, s.CreateDBParameterGroup, onParameterGroup[*api.CreateDBParameterGroupInput]),
		service.Op(api.ModifyDBParameterGroup, s.ModifyDBParameterGroup, onParameterGroup[*api.ModifyDBParameterGroupInput]).But(kept),
		service.Op(api.ResetDBParameterGroup, s.ResetDBParameterGroup, onParameterGroup[*api.ResetDBParameterGroupInput]),
		service.Op(api.DeleteDBParameterGroup, s.DeleteDBParameterGroup, onParameterGroup[*api.DeleteDBParameterGroupInput]),
		service.Op(api.DescribeDBParameterGroups, s.DescribeDBParameterGroups, service.Any),
		service.Op(api.DescribeDBParameters, s.DescribeDBParameters, onParameterGroup[*api.DescribeDBParametersInput]).But("Those that were set."),

		service.Op(api.CreateDBClusterParameterGroup, s.CreateDBClusterParameterGroup, onClusterParameterGroup[*api.CreateDBClusterParameterGroupInput]),
		service.Op(api.ModifyDBClusterParameterGroup, s.ModifyDBClusterParameterGroup, onClusterParameterGroup[*api.ModifyDBClusterParameterGroupInput]).But(kept),
		service.Op(api.ResetDBClusterParameterGroup, s.ResetDBClusterParameterGroup, onClusterParameterGroup[*api.ResetDBClusterParameterGroupInput]),
		service.Op(api.DeleteDBClusterParameterGroup, s.DeleteDBClusterParameterGroup, onClusterParameterGroup[*api.DeleteDBClusterParameterGroupInput]),
		service.Op(api.DescribeDBClusterParameterGroups, s.DescribeDBClusterParameterGroups, service.Any),
		service.Op(api.DescribeDBClusterParameters, s.DescribeDBClusterParameters, onClusterParameterGroup[*api.DescribeDBClusterParametersInput]).But("Those that were set."),

		service.Op(api.AddTagsToResource, s.AddTagsToResource, onName[*api.AddTagsToResourceInput]),
		service.Op(api.RemoveTagsFromResource, s.RemoveTagsFromResource, onName[*api.RemoveTagsFromResourceInput]),
		service.Op(api.ListTagsForResource, s.ListTagsForResource, onName[*api.ListTagsForResourceInput]),
	}
}

func (s *Service) snapshotOperations() []service.Operation {
	const ends = "Connections end while a snapshot is made, and who connects meanwhile waits; snapshots are neither shared nor copied, and none are made by themselves."
	return []service.Operation{
		service.Op(api.CreateDBClusterSnapshot, s.CreateDBClusterSnapshot, onCluster[*api.CreateDBClusterSnapshotInput]).But(ends),
		service.Op(api.DeleteDBClusterSnapshot, s.DeleteDBClusterSnapshot, func(call *aws.Call, in *api.DeleteDBClusterSnapshotInput) aws.ARN {
			return clusterSnapshots.arn(call, in.DBClusterSnapshotIdentifier)
		}),
		service.Op(api.DescribeDBClusterSnapshots, s.DescribeDBClusterSnapshots, service.Any),
		service.Op(api.RestoreDBClusterFromSnapshot, s.RestoreDBClusterFromSnapshot, onCluster[*api.RestoreDBClusterFromSnapshotInput]).But("Of snapshots of clusters, with the engine and the major version that they have."),
		service.Op(api.CreateDBSnapshot, s.CreateDBSnapshot, onInstance[*api.CreateDBSnapshotInput]).But(ends),
		service.Op(api.DeleteDBSnapshot, s.DeleteDBSnapshot, func(call *aws.Call, in *api.DeleteDBSnapshotInput) aws.ARN {
			return dbSnapshots.arn(call, in.DBSnapshotIdentifier)
		}),
		service.Op(api.DescribeDBSnapshots, s.DescribeDBSnapshots, service.Any),
		service.Op(api.RestoreDBInstanceFromDBSnapshot, s.RestoreDBInstanceFromDBSnapshot, onInstance[*api.RestoreDBInstanceFromDBSnapshotInput]).But("Of snapshots of instances, with the engine that they have."),
	}
}

func (s *Service) proxyOperations() []service.Operation {
	const lacks = "A proxy passes connections through to its target: none are shared, and clients sign in at the database itself, also as users of whom the proxy has no secret, unless they are to show tokens of IAM."
	return []service.Operation{
		service.Op(api.CreateDBProxy, s.CreateDBProxy, service.Any).But(lacks),
		service.Op(api.ModifyDBProxy, s.ModifyDBProxy, service.Any),
		service.Op(api.DeleteDBProxy, s.DeleteDBProxy, service.Any),
		service.Op(api.DescribeDBProxies, s.DescribeDBProxies, service.Any),
		service.Op(api.CreateDBProxyEndpoint, s.CreateDBProxyEndpoint, service.Any).But("Endpoints that only read lead to the server that writes, and refuse nothing."),
		service.Op(api.ModifyDBProxyEndpoint, s.ModifyDBProxyEndpoint, service.Any),
		service.Op(api.DeleteDBProxyEndpoint, s.DeleteDBProxyEndpoint, service.Any),
		service.Op(api.DescribeDBProxyEndpoints, s.DescribeDBProxyEndpoints, service.Any),
		service.Op(api.RegisterDBProxyTargets, s.RegisterDBProxyTargets, service.Any),
		service.Op(api.DeregisterDBProxyTargets, s.DeregisterDBProxyTargets, service.Any),
		service.Op(api.DescribeDBProxyTargets, s.DescribeDBProxyTargets, service.Any),
		service.Op(api.DescribeDBProxyTargetGroups, s.DescribeDBProxyTargetGroups, service.Any),
		service.Op(api.ModifyDBProxyTargetGroup, s.ModifyDBProxyTargetGroup, service.Any).But("How connections are pooled is kept as settings; there is no pool."),
	}
}

func onCluster[In interface{ GetDBClusterIdentifier() string }](call *aws.Call, in In) aws.ARN {
	return clusters.arn(call, in.GetDBClusterIdentifier())
}

func onInstance[In interface{ GetDBInstanceIdentifier() string }](call *aws.Call, in In) aws.ARN {
	return instances.arn(call, in.GetDBInstanceIdentifier())
}

func onSubnetGroup[In interface{ GetDBSubnetGroupName() string }](call *aws.Call, in In) aws.ARN {
	return subnetGroups.arn(call, in.GetDBSubnetGroupName())
}

func onParameterGroup[In interface{ GetDBParameterGroupName() string }](call *aws.Call, in In) aws.ARN {
	return parameterGroups.arn(call, in.GetDBParameterGroupName())
}

func onClusterParameterGroup[In interface{ GetDBClusterParameterGroupName() string }](call *aws.Call, in In) aws.ARN {
	return clusterParameterGroups.arn(call, in.GetDBClusterParameterGroupName())
}

func onName[In interface{ GetResourceName() string }](_ *aws.Call, in In) aws.ARN {
	return named(in.GetResourceName())
}

func onARN[In interface{ GetResourceArn() string }](_ *aws.Call, in In) aws.ARN {
	return named(in.GetResourceArn())
}

func named(text string) aws.ARN {
	arn, err := aws.ParseARN(text)
	if err != nil {
		return aws.AnyResource // the handler refuses it
	}
	return arn
}
