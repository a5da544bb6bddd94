package dynamodb

import (
	"context"
	"slices"
	"time"

	api "github.com/aloft-cloud/aloft/internal/api/dynamodb"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/store"
)

// unscaled is what is told of the scaling of capacity: there is none.
func unscaled() *api.AutoScalingSettingsDescription {
	return &api.AutoScalingSettingsDescription{AutoScalingDisabled: new(true)}
}

// checkScaling refuses settings by which capacity would follow what is used.
func checkScaling(updates ...*api.AutoScalingSettingsUpdate) error {
	for _, u := range updates {
		if u != nil && !aws.Value(u.AutoScalingDisabled) {
			return aws.NotImplemented.Errorf("Aloft does not scale the capacity of tables by itself yet.")
		}
	}
	return nil
}

// DescribeGlobalTableSettings tells the settings of the replicas of a global table.
func (s *Service) DescribeGlobalTableSettings(ctx context.Context, call *aws.Call, in *api.DescribeGlobalTableSettingsInput) (*api.DescribeGlobalTableSettingsOutput, error) {
	t, err := s.viewGlobal(ctx, call, in.GlobalTableName)
	if err != nil {
		return nil, err
	}
	return &api.DescribeGlobalTableSettingsOutput{GlobalTableName: &in.GlobalTableName, ReplicaSettings: t.describeSettings("ACTIVE")}, nil
}

// describeSettings tells the settings of each replica of t.
func (t *table) describeSettings(status string) []api.ReplicaSettingsDescription {
	var out []api.ReplicaSettingsDescription
	for _, r := range t.Replicas {
		read, write := t.Billing.units()
		d := api.ReplicaSettingsDescription{
			RegionName: r.Region, ReplicaStatus: &status, ReplicaBillingModeSummary: t.Billing.mode(),
			ReplicaProvisionedReadCapacityUnits: new(or(r.Read, read)), ReplicaProvisionedReadCapacityAutoScalingSettings: unscaled(),
			ReplicaProvisionedWriteCapacityUnits: &write, ReplicaProvisionedWriteCapacityAutoScalingSettings: unscaled(),
		}
		if r.Class != "" {
			d.ReplicaTableClassSummary = &api.TableClassSummary{TableClass: &r.Class, LastUpdateDateTime: timeOrNil(r.ClassSince)}
		}
		for _, ix := range t.Globals {
			read, write := ix.Billing.units()
			d.ReplicaGlobalSecondaryIndexSettings = append(d.ReplicaGlobalSecondaryIndexSettings, api.ReplicaGlobalSecondaryIndexSettingsDescription{
				IndexName: ix.Name, IndexStatus: new("ACTIVE"),
				ProvisionedReadCapacityUnits: new(or(r.index(ix.Name).Read, read)), ProvisionedReadCapacityAutoScalingSettings: unscaled(),
				ProvisionedWriteCapacityUnits: &write, ProvisionedWriteCapacityAutoScalingSettings: unscaled(),
			})
		}
		out = append(out, d)
	}
	return out
}

// or returns n, or if that is nothing usual.
func or(n, usual int64) int64 {
	if n == 0 {
		return usual
	}
	return n
}

// index is what r has for itself of an index.
func (r *replica) index(name string) replicaIndex {
	for _, ix := range r.Indexes {
		if ix.Name == name {
			return ix
		}
	}
	return replicaIndex{Name: name}
}

// UpdateGlobalTableSettings changes the settings of all replicas of a global
// table, or of some.
func (s *Service) UpdateGlobalTableSettings(ctx context.Context, call *aws.Call, in *api.UpdateGlobalTableSettingsInput) (*api.UpdateGlobalTableSettingsOutput, error) {
	if err := checkSettingsScaling(in); err != nil {
		return nil, err
	}
	var t *table
	err := s.db.Update(ctx, func(tx *store.Tx) (err error) {
		if t, err = findGlobal(tx, call, in.GlobalTableName); err != nil {
			return err
		}
		if err := t.changeSettings(in); err != nil {
			return err
		}
		for _, u := range in.ReplicaSettingsUpdate {
			if err := t.changeReplicaSettings(u); err != nil {
				return err
			}
		}
		return putTable(tx, t)
	})
	if err != nil {
		return nil, err
	}
	return &api.UpdateGlobalTableSettingsOutput{GlobalTableName: &in.GlobalTableName, ReplicaSettings: t.describeSettings("UPDATING")}, nil
}

func checkSettingsScaling(in *api.UpdateGlobalTableSettingsInput) error {
	updates := []*api.AutoScalingSettingsUpdate{in.GlobalTableProvisionedWriteCapacityAutoScalingSettingsUpdate}
	for _, ix := range in.GlobalTableGlobalSecondaryIndexSettingsUpdate {
		updates = append(updates, ix.ProvisionedWriteCapacityAutoScalingSettingsUpdate)
	}
	for _, r := range in.ReplicaSettingsUpdate {
		updates = append(updates, r.ReplicaProvisionedReadCapacityAutoScalingSettingsUpdate)
		for _, ix := range r.ReplicaGlobalSecondaryIndexSettingsUpdate {
			updates = append(updates, ix.ProvisionedReadCapacityAutoScalingSettingsUpdate)
		}
	}
	return checkScaling(updates...)
}

// changeSettings changes those that all replicas of t share.
func (t *table) changeSettings(in *api.UpdateGlobalTableSettingsInput) error {
	b := &t.Billing
	onDemand := aws.Or(in.GlobalTableBillingMode, map[bool]string{true: payPerRequest, false: provisioned}[b.OnDemand]) == payPerRequest
	if onDemand != b.OnDemand {
		*b = billing{OnDemand: onDemand, OnDemandSince: b.OnDemandSince, Read: 5, Write: 5}
		if onDemand {
			b.OnDemandSince, b.Read, b.Write = time.Now(), 0, 0
		}
		for _, ix := range t.Globals {
			ix.Billing = billing{OnDemand: onDemand, Read: b.Read, Write: b.Write}
		}
	}
	if onDemand && (in.GlobalTableProvisionedWriteCapacityUnits != nil || in.GlobalTableGlobalSecondaryIndexSettingsUpdate != nil) {
		return refuse(invalid + "Neither ReadCapacityUnits nor WriteCapacityUnits can be specified when BillingMode is PAY_PER_REQUEST")
	}
	b.Write = aws.Or(in.GlobalTableProvisionedWriteCapacityUnits, b.Write)
	for _, u := range in.GlobalTableGlobalSecondaryIndexSettingsUpdate {
		i := slices.IndexFunc(t.Globals, func(ix *index) bool { return ix.Name == u.IndexName })
		if i < 0 {
			return errNoIndex(u.IndexName)
		}
		ix := &t.Globals[i].Billing
		ix.Write = aws.Or(u.ProvisionedWriteCapacityUnits, ix.Write)
	}
	return nil
}

func errNoIndex(name string) error {
	return api.IndexNotFoundException.With(nil, "Index not found: "+name)
}

// changeReplicaSettings changes those of one replica.
func (t *table) changeReplicaSettings(u api.ReplicaSettingsUpdate) error {
	i := t.findReplica(u.RegionName)
	if i < 0 {
		return api.ReplicaNotFoundException.With(nil, "Replica not found: "+u.RegionName)
	}
	var indexes []api.ReplicaGlobalSecondaryIndex
	for _, ix := range u.ReplicaGlobalSecondaryIndexSettingsUpdate {
		if !slices.ContainsFunc(t.Globals, func(have *index) bool { return have.Name == ix.IndexName }) {
			return errNoIndex(ix.IndexName)
		}
		indexes = append(indexes, api.ReplicaGlobalSecondaryIndex{
			IndexName: ix.IndexName, ProvisionedThroughputOverride: &api.ProvisionedThroughputOverride{ReadCapacityUnits: ix.ProvisionedReadCapacityUnits},
		})
	}
	t.Replicas[i].set(&api.ProvisionedThroughputOverride{ReadCapacityUnits: u.ReplicaProvisionedReadCapacityUnits}, nil, indexes, u.ReplicaTableClass)
	return nil
}

// DescribeTableReplicaAutoScaling tells how the capacity of the replicas of a
// table follows what is used: not at all.
func (s *Service) DescribeTableReplicaAutoScaling(ctx context.Context, call *aws.Call, in *api.DescribeTableReplicaAutoScalingInput) (*api.DescribeTableReplicaAutoScalingOutput, error) {
	t, err := s.viewTable(ctx, call, in.TableName)
	if err != nil {
		return nil, err
	}
	return &api.DescribeTableReplicaAutoScalingOutput{TableAutoScalingDescription: t.describeScaling()}, nil
}

func (t *table) describeScaling() *api.TableAutoScalingDescription {
	d := &api.TableAutoScalingDescription{TableName: new(t.name()), TableStatus: new("ACTIVE")}
	for arn := range t.everywhere {
		r := api.ReplicaAutoScalingDescription{
			RegionName: new(arn.Region), ReplicaStatus: new("ACTIVE"), GlobalSecondaryIndexes: []api.ReplicaGlobalSecondaryIndexAutoScalingDescription{},
			ReplicaProvisionedReadCapacityAutoScalingSettings: unscaled(), ReplicaProvisionedWriteCapacityAutoScalingSettings: unscaled(),
		}
		for _, ix := range t.Globals {
			r.GlobalSecondaryIndexes = append(r.GlobalSecondaryIndexes, api.ReplicaGlobalSecondaryIndexAutoScalingDescription{
				IndexName: &ix.Name, IndexStatus: new("ACTIVE"),
				ProvisionedReadCapacityAutoScalingSettings: unscaled(), ProvisionedWriteCapacityAutoScalingSettings: unscaled(),
			})
		}
		d.Replicas = append(d.Replicas, r)
	}
	return d
}

// UpdateTableReplicaAutoScaling refuses to let capacity follow what is used, and
// takes note that it need not.
func (s *Service) UpdateTableReplicaAutoScaling(ctx context.Context, call *aws.Call, in *api.UpdateTableReplicaAutoScalingInput) (*api.UpdateTableReplicaAutoScalingOutput, error) {
	t, err := s.viewTable(ctx, call, in.TableName)
	if err != nil {
		return nil, err
	}
	updates := []*api.AutoScalingSettingsUpdate{in.ProvisionedWriteCapacityAutoScalingUpdate}
	for _, ix := range in.GlobalSecondaryIndexUpdates {
		updates = append(updates, ix.ProvisionedWriteCapacityAutoScalingUpdate)
	}
	for _, r := range in.ReplicaUpdates {
		if t.findReplica(r.RegionName) < 0 && r.RegionName != t.arn.Region {
			return nil, errNoReplica()
		}
		updates = append(updates, r.ReplicaProvisionedReadCapacityAutoScalingUpdate)
		for _, ix := range r.ReplicaGlobalSecondaryIndexUpdates {
			updates = append(updates, ix.ProvisionedReadCapacityAutoScalingUpdate)
		}
	}
	if err := checkScaling(updates...); err != nil {
		return nil, err
	}
	return &api.UpdateTableReplicaAutoScalingOutput{TableAutoScalingDescription: t.describeScaling()}, nil
}
