package rds

import (
	"cmp"
	"context"
	"slices"
	"strings"

	api "github.com/aloft-cloud/aloft/internal/api/rds"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/store"
)

// describeCluster is a cluster as answers show it: with its members.
func describeCluster(tx *store.Tx, arn aws.ARN, c *cluster) (api.DBCluster, error) {
	is := c.Is
	is.DBClusterMembers = []api.DBClusterMember{}
	for _, i := range members(tx, arn, c) {
		is.DBClusterMembers = append(is.DBClusterMembers, api.DBClusterMember{
			DBInstanceIdentifier: i.Is.DBInstanceIdentifier, IsClusterWriter: new(len(is.DBClusterMembers) == 0), DBClusterParameterGroupStatus: new("in-sync"), PromotionTier: i.Is.PromotionTier,
		})
	}
	return is, tx.Err()
}

// members are the instances of a cluster, the oldest, which writes, first.
func members(tx *store.Tx, arn aws.ARN, c *cluster) (all []instance) {
	for _, i := range instances.Scan(tx, aws.ARN{Service: serviceName, Region: arn.Region, Account: arn.Account}) {
		if i.member() && *i.Is.DBClusterIdentifier == *c.Is.DBClusterIdentifier {
			all = append(all, i)
		}
	}
	slices.SortStableFunc(all, func(a, b instance) int { return cmp.Compare(order(&a), order(&b)) })
	return all
}

// order is when an instance was made; those that are not yet come last.
func order(i *instance) int64 {
	if i.Is.InstanceCreateTime == nil {
		return 1<<63 - 1
	}
	return i.Is.InstanceCreateTime.UnixNano()
}

func (s *Service) getCluster(ctx context.Context, call *aws.Call, given string) (c cluster, err error) {
	err = s.db.View(ctx, func(tx *store.Tx) (err error) {
		_, c, err = clusters.find(tx, call, given)
		return err
	})
	return c, err
}

func (s *Service) getInstance(ctx context.Context, call *aws.Call, given string) (i instance, err error) {
	err = s.db.View(ctx, func(tx *store.Tx) (err error) {
		_, i, err = instances.find(tx, call, given)
		return err
	})
	return i, err
}

// filtered reports whether what has the attributes is what filters leave.
func filtered(filters []api.Filter, known map[string]string) (bool, error) {
	for _, f := range filters {
		value, ok := known[f.Name]
		if !ok {
			return false, bad("Unrecognized filter name: %s", f.Name)
		}
		matches := func(want string) bool {
			arn, err := aws.ParseARN(want)
			return strings.EqualFold(want, value) || err == nil && nameOf(arn) == value
		}
		if !slices.ContainsFunc(f.Values, matches) {
			return false, nil
		}
	}
	return true, nil
}

// DescribeDBClusters describes clusters.
func (s *Service) DescribeDBClusters(ctx context.Context, call *aws.Call, in *api.DescribeDBClustersInput) (*api.DescribeDBClustersOutput, error) {
	all := []api.DBCluster{}
	err := s.db.View(ctx, func(tx *store.Tx) error {
		all = all[:0]
		if in.DBClusterIdentifier != nil {
			arn, c, err := clusters.find(tx, call, *in.DBClusterIdentifier)
			if err != nil {
				return err
			}
			is, err := describeCluster(tx, arn, &c)
			all = append(all, is)
			return err
		}
		for arn, c := range clusters.of(tx, call) {
			fits, err := filtered(in.Filters, map[string]string{"db-cluster-id": *c.Is.DBClusterIdentifier, "db-cluster-resource-id": *c.Is.DbClusterResourceId, "engine": c.Base.Engine})
			if err != nil {
				return err
			}
			if !fits {
				continue
			}
			is, err := describeCluster(tx, arn, &c)
			if err != nil {
				return err
			}
			all = append(all, is)
		}
		return tx.Err()
	})
	if err != nil {
		return nil, err
	}
	out := new(api.DescribeDBClustersOutput)
	out.DBClusters, out.Marker = page(all, in.MaxRecords, in.Marker, func(c *api.DBCluster) string { return *c.DBClusterIdentifier })
	return out, nil
}

// DescribeDBInstances describes instances.
func (s *Service) DescribeDBInstances(ctx context.Context, call *aws.Call, in *api.DescribeDBInstancesInput) (*api.DescribeDBInstancesOutput, error) {
	all := []api.DBInstance{}
	err := s.db.View(ctx, func(tx *store.Tx) error {
		all = all[:0]
		if in.DBInstanceIdentifier != nil {
			_, i, err := instances.find(tx, call, *in.DBInstanceIdentifier)
			all = append(all, i.Is)
			return err
		}
		for _, i := range instances.of(tx, call) {
			fits, err := filtered(in.Filters, map[string]string{
				"db-instance-id": *i.Is.DBInstanceIdentifier, "dbi-resource-id": *i.Is.DbiResourceId, "engine": i.Base.Engine, "db-cluster-id": aws.Value(i.Is.DBClusterIdentifier),
			})
			if err != nil {
				return err
			}
			if fits {
				all = append(all, i.Is)
			}
		}
		return tx.Err()
	})
	if err != nil {
		return nil, err
	}
	out := new(api.DescribeDBInstancesOutput)
	out.DBInstances, out.Marker = page(all, in.MaxRecords, in.Marker, func(i *api.DBInstance) string { return *i.DBInstanceIdentifier })
	return out, nil
}

// DescribeDBEngineVersions lists the engines that there are.
func (s *Service) DescribeDBEngineVersions(_ context.Context, call *aws.Call, in *api.DescribeDBEngineVersionsInput) (*api.DescribeDBEngineVersionsOutput, error) {
	all := []api.DBEngineVersion{}
	for i := range engines {
		e := &engines[i]
		if in.Engine != nil && *in.Engine != e.name {
			continue
		}
		for _, v := range e.versions {
			wanted := in.EngineVersion == nil || v == *in.EngineVersion || strings.HasPrefix(v, *in.EngineVersion+".")
			if !wanted || aws.Value(in.DefaultOnly) && v != e.usual || in.DBParameterGroupFamily != nil && *in.DBParameterGroupFamily != e.parameters(v) {
				continue
			}
			is := api.DBEngineVersion{
				Engine: &e.name, MajorEngineVersion: new(e.major(v)), EngineVersion: &v, DBParameterGroupFamily: new(e.parameters(v)), DBEngineDescription: &e.title,
				DBEngineVersionDescription: new(e.title + " " + v), Status: new(available), ValidUpgradeTarget: []api.UpgradeTarget{},
			}
			if why := e.stands(v); why != "" {
				is.DBEngineVersionDescription = &why
			}
			if e.aurora {
				is.SupportedEngineModes = []string{"provisioned", "serverless"}
			}
			all = append(all, is)
		}
	}
	out := new(api.DescribeDBEngineVersionsOutput)
	out.DBEngineVersions, out.Marker = page(all, in.MaxRecords, in.Marker, func(v *api.DBEngineVersion) string { return *v.Engine + " " + *v.EngineVersion })
	return out, nil
}

// DescribeEvents tells why databases could not be made, and what serves those that are
// not served by what was asked for. Other events are not kept.
func (s *Service) DescribeEvents(ctx context.Context, call *aws.Call, in *api.DescribeEventsInput) (*api.DescribeEventsOutput, error) {
	out := &api.DescribeEventsOutput{Events: []api.Event{}}
	err := s.db.View(ctx, func(tx *store.Tx) error {
		out.Events = out.Events[:0]
		add := func(kind, name string, arn aws.ARN, b *base, is api.Event) {
			text, category := b.Failure, "failure"
			if text == "" {
				text, category = b.stands(), "notification"
			}
			if text == "" || in.SourceType != nil && *in.SourceType != kind || in.SourceIdentifier != nil && !strings.EqualFold(*in.SourceIdentifier, name) {
				return
			}
			is.SourceIdentifier, is.SourceType, is.SourceArn, is.Message, is.EventCategories = &name, &kind, new(arn.String()), &text, []string{category}
			out.Events = append(out.Events, is)
		}
		for arn, c := range clusters.of(tx, call) {
			add(api.SourceTypeDbCluster, *c.Is.DBClusterIdentifier, arn, &c.Base, api.Event{Date: c.Is.ClusterCreateTime})
		}
		for arn, i := range instances.of(tx, call) {
			add(api.SourceTypeDbInstance, *i.Is.DBInstanceIdentifier, arn, &i.Base, api.Event{Date: i.Is.InstanceCreateTime})
		}
		return tx.Err()
	})
	return out, err
}
