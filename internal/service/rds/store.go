package rds

import (
	"crypto/rand"
	"errors"
	"iter"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"

	api "github.com/aloft-cloud/aloft/internal/api/rds"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/store"
)

const serviceName = "rds"

var (
	clusters = kind[cluster]{
		store.NewTable[aws.ARN, cluster]("rds.cluster"), "cluster:",
		func(name string) error { return api.DBClusterNotFoundFault.Errorf("DBCluster %s not found.", name) },
	}
	instances = kind[instance]{
		store.NewTable[aws.ARN, instance]("rds.instance"), "db:",
		func(name string) error { return api.DBInstanceNotFoundFault.Errorf("DBInstance %s not found.", name) },
	}
	subnetGroups = kind[subnetGroup]{
		store.NewTable[aws.ARN, subnetGroup]("rds.subnetgroup"), "subgrp:",
		func(name string) error {
			return api.DBSubnetGroupNotFoundFault.Errorf("DB subnet group '%s' does not exist.", name)
		},
	}
	parameterGroups = kind[parameterGroup]{
		store.NewTable[aws.ARN, parameterGroup]("rds.parametergroup"), "pg:",
		func(name string) error {
			return api.DBParameterGroupNotFoundFault.Errorf("DBParameterGroup not found: %s", name)
		},
	}
	clusterParameterGroups = kind[parameterGroup]{
		store.NewTable[aws.ARN, parameterGroup]("rds.clusterparametergroup"), "cluster-pg:",
		func(name string) error {
			return api.DBParameterGroupNotFoundFault.Errorf("DBClusterParameterGroup not found: %s", name)
		},
	}
	proxies = kind[proxy]{
		store.NewTable[aws.ARN, proxy]("rds.proxy"), "db-proxy:",
		func(name string) error { return api.DBProxyNotFoundFault.Errorf("The proxy %s doesn't exist.", name) },
	}
	proxyEndpoints = kind[proxyEndpoint]{
		store.NewTable[aws.ARN, proxyEndpoint]("rds.proxyendpoint"), "db-proxy-endpoint:",
		func(name string) error {
			return api.DBProxyEndpointNotFoundFault.Errorf("The proxy endpoint %s doesn't exist.", name)
		},
	}
	clusterSnapshots = kind[clusterSnapshot]{
		store.NewTable[aws.ARN, clusterSnapshot]("rds.clustersnapshot"), "cluster-snapshot:",
		func(name string) error {
			return api.DBClusterSnapshotNotFoundFault.Errorf("DBClusterSnapshot not found: %s", name)
		},
	}
	dbSnapshots = kind[dbSnapshot]{
		store.NewTable[aws.ARN, dbSnapshot]("rds.snapshot"), "snapshot:",
		func(name string) error { return api.DBSnapshotNotFoundFault.Errorf("DBSnapshot not found: %s", name) },
	}
	endpoints = kind[endpoint]{store.NewTable[aws.ARN, endpoint]("rds.endpoint"), "endpoint:", nil}

	// pending are the clusters, instances and snapshots that are to be made.
	pending = store.NewTable[aws.ARN, struct{}]("rds.pending")
)

// A base is a database that package database keeps, as rows of its owners have it.
type base struct {
	ID      string // of the database
	Engine  string // "aurora-postgresql"
	Version string // of the engine, as its owner wants it
	Port    int32
	First   string `json:",omitempty"` // the database in it that is made first
	User    string // the master user

	// Password is what the master user is made with, sealed; it is forgotten then.
	Password []byte `json:",omitempty"`
	Failure  string `json:",omitempty"` // why it could not be made

	Source   string            `json:",omitempty"` // the database that it is to be made as a copy of
	Settings map[string]string `json:",omitempty"` // of its parameter group
}

// A cluster is one of Aurora, or of several zones. Its members are not in Is.
type cluster struct {
	Base base
	Is   api.DBCluster
}

// An instance is one that has a database, or a member of a cluster.
type instance struct {
	Base base // of a member, that of its cluster, but for ID
	Is   api.DBInstance
}

// member reports whether the instance is of a cluster.
func (i *instance) member() bool { return i.Is.DBClusterIdentifier != nil }

type subnetGroup struct {
	Is   api.DBSubnetGroup
	Tags []api.Tag `json:",omitempty"`
}

// A parameterGroup is one of either kind.
type parameterGroup struct {
	Name, Family, Description string
	Values                    map[string]api.Parameter `json:",omitempty"` // that were set
	Tags                      []api.Tag                `json:",omitempty"`
}

// A kind is what there is of one sort.
type kind[V any] struct {
	store.Table[aws.ARN, V]
	prefix  string // of the resource in ARNs
	missing func(name string) error
}

// arn is what names the resource that is given by its name, or its ARN. Names are
// in small letters, however they are written.
func (k *kind[V]) arn(call *aws.Call, given string) aws.ARN {
	if arn, err := aws.ParseARN(given); err == nil {
		return arn
	}
	return call.ARN(serviceName, k.prefix+strings.ToLower(given))
}

// find returns what a name or an ARN names.
func (k *kind[V]) find(tx *store.Tx, call *aws.Call, given string) (aws.ARN, V, error) {
	arn := k.arn(call, given)
	v, err := k.Get(tx, arn)
	if errors.Is(err, store.ErrNotFound) || arn.Account != call.Account {
		err = k.missing(nameOf(arn))
	}
	return arn, v, err
}

// of returns all of the kind that the account and region of a call have.
func (k *kind[V]) of(tx *store.Tx, call *aws.Call) iter.Seq2[aws.ARN, V] {
	return k.Scan(tx, call.ARN(serviceName, ""))
}

// nameOf is the name in an ARN.
func nameOf(arn aws.ARN) string { return arn.Resource[strings.IndexByte(arn.Resource, ':')+1:] }

// newID is the end of an id of RDS's: 26 capital letters and digits.
func newID() string { return rand.Text() }

// bad refuses a parameter.
func bad(format string, args ...any) error {
	return invalidParameter.Errorf(format, args...)
}

var (
	invalidParameter   = aws.Fault{Code: "InvalidParameterValue", Status: 400}
	invalidCombination = aws.Fault{Code: "InvalidParameterCombination", Status: 400}
)

// notYet refuses what AWS has and we have not.
func notYet(what string) error {
	return aws.NotImplemented.Errorf("Aloft does not answer rds with %s yet.", what)
}

var identifierForm = regexp.MustCompile(`^[A-Za-z](-?[A-Za-z0-9])*$`)

// checkIdentifier refuses what no cluster or instance can be called.
func checkIdentifier(member, id string) error {
	if len(id) > 63 || !identifierForm.MatchString(id) {
		return bad("The parameter %s is not a valid identifier. Identifiers must begin with a letter; must contain only ASCII letters, digits, and hyphens; and must not end with a hyphen or contain two consecutive hyphens.", member)
	}
	return nil
}

// page cuts a list that is in order of its names.
func page[T any](all []T, size *int32, marker *string, name func(*T) string) ([]T, *string) {
	from := 0
	for marker != nil && from < len(all) && name(&all[from]) <= *marker {
		from++
	}
	all = all[from:]
	most := int(aws.Or(size, 100))
	if len(all) <= most || most <= 0 {
		return all, nil
	}
	return all[:most], new(name(&all[most-1]))
}

// tagged returns had with tags, in order of their names.
func tagged(had []api.Tag, tags []api.Tag) []api.Tag {
	all := make(map[string]string)
	for _, t := range slices.Concat(had, tags) {
		all[aws.Value(t.Key)] = aws.Value(t.Value)
	}
	out := []api.Tag{}
	for _, key := range slices.Sorted(maps.Keys(all)) {
		out = append(out, api.Tag{Key: &key, Value: new(all[key])})
	}
	return out
}

// groupsOf are security groups, as answers show them.
func groupsOf(ids []string) []api.VpcSecurityGroupMembership {
	out := []api.VpcSecurityGroupMembership{}
	for _, id := range ids {
		out = append(out, api.VpcSecurityGroupMembership{VpcSecurityGroupId: &id, Status: new("active")})
	}
	return out
}

func itoa[N ~int | ~int32 | ~uint16](n N) string { return strconv.Itoa(int(n)) }
