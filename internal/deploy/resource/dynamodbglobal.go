package resource

import (
	"maps"
	"slices"

	"github.com/aloft-cloud/aloft/internal/api/dynamodb"
)

// dynamoGlobalTable is a table with replicas in several regions. In its own
// region it is a table; the others join that.
func dynamoGlobalTable() *Type {
	return &Type{
		Name: "AWS::DynamoDB::GlobalTable",
		Properties: Props(`AttributeDefinitions BillingMode GlobalSecondaryIndexes GlobalTableSourceArn-@ GlobalTableWitnesses- KeySchema!@ LocalSecondaryIndexes@
			MultiRegionConsistency@ ReadOnDemandThroughputSettings ReadProvisionedThroughputSettings Replicas! SSESpecification StreamSpecification TableName@
			TimeToLiveSpecification WarmThroughput WriteOnDemandThroughputSettings WriteProvisionedThroughputSettings`),
		Attributes: []string{"Arn", "StreamArn", "TableId"},
		Naming:     Naming{Property: "TableName"},
		Note:       "Capacity is that of the seed or the least of auto scaling, and does not scale.",
		Create:     createGlobalTable,
		Update:     updateGlobalTable,
		Delete: func(op *Op) error {
			for _, region := range slices.Sorted(maps.Keys(replicas(op.Old))) {
				if region == op.Call.Region {
					continue
				}
				if err := leave(op, op.PhysicalID, region); err != nil {
					return err
				}
			}
			return dynamoTable().Delete(op)
		},
		Find: func(op *Op) (*Made, error) { return finishGlobalTable(op, op.Named("TableName")) },
	}
}

// replicas returns what properties say of each region.
func replicas(properties map[string]any) map[string]map[string]any {
	out := make(map[string]map[string]any)
	for _, element := range list(properties["Replicas"]) {
		out[text(object(element)["Region"])] = object(element)
	}
	return out
}

// capacity is the units of settings that may scale.
func capacity(settings map[string]any, kind string) any {
	if units := settings[kind+"CapacityUnits"]; units != nil {
		return units
	}
	scaling := object(settings[kind+"CapacityAutoScalingSettings"])
	for _, name := range []string{"SeedCapacity", "MinCapacity"} {
		if units := scaling[name]; units != nil {
			return units
		}
	}
	return nil
}

// throughput adds to out what a table or an index and its replica say of their
// capacity.
func throughput(out, global, replica map[string]any) {
	read := capacity(object(replica["ReadProvisionedThroughputSettings"]), "Read")
	if read == nil {
		read = capacity(object(global["ReadProvisionedThroughputSettings"]), "Read")
	}
	write := capacity(object(global["WriteProvisionedThroughputSettings"]), "Write")
	if read != nil || write != nil {
		out["ProvisionedThroughput"] = map[string]any{"ReadCapacityUnits": read, "WriteCapacityUnits": write}
	}
	most := make(map[string]any)
	for _, settings := range []any{global["ReadOnDemandThroughputSettings"], global["WriteOnDemandThroughputSettings"], replica["ReadOnDemandThroughputSettings"]} {
		maps.Copy(most, object(settings))
	}
	if len(most) > 0 {
		out["OnDemandThroughput"] = most
	}
}

// replicaTable is the replica in a region as the properties of a table.
func replicaTable(properties map[string]any, region string) map[string]any {
	if properties == nil {
		return nil
	}
	own, ok := replicas(properties)[region]
	if !ok {
		return nil
	}
	out := pick(properties, "AttributeDefinitions", "BillingMode", "KeySchema", "LocalSecondaryIndexes", "SSESpecification", "StreamSpecification",
		"TimeToLiveSpecification", "WarmThroughput")
	maps.Copy(out, pick(own, "ContributorInsightsSpecification", "DeletionProtectionEnabled", "KinesisStreamSpecification", "PointInTimeRecoverySpecification",
		"ResourcePolicy", "TableClass", "Tags"))
	throughput(out, properties, own)
	indexes := make(map[string]map[string]any)
	for _, element := range list(own["GlobalSecondaryIndexes"]) {
		indexes[text(object(element)["IndexName"])] = object(element)
	}
	var all []any
	for _, element := range list(properties["GlobalSecondaryIndexes"]) {
		index := pick(object(element), "IndexName", "KeySchema", "Projection", "WarmThroughput")
		replica := indexes[text(index["IndexName"])]
		throughput(index, object(element), replica)
		maps.Copy(index, pick(replica, "ContributorInsightsSpecification"))
		all = append(all, index)
	}
	if all != nil {
		out["GlobalSecondaryIndexes"] = all
	}
	return out
}

// inRegion is op for the replica in a region, as for a table.
func (op *Op) inRegion(region string) *Op {
	out, call := *op, *op.Call
	call.Region = region
	out.Call = &call
	out.Old, out.New = replicaTable(op.Old, region), replicaTable(op.New, region)
	return &out
}

func createGlobalTable(op *Op) (*Made, error) {
	here := op.Call.Region
	if _, ok := replicas(op.New)[here]; !ok {
		return nil, invalidRequest("Replicas must contain the region that the stack is in: " + here)
	}
	name := op.Named("TableName")
	if err := newTable(op.inRegion(here), name); err != nil {
		return nil, err
	}
	made, err := finishGlobalTable(op, name)
	if made == nil {
		made = &Made{PhysicalID: name}
	}
	return made, err
}

// finishGlobalTable waits until a table is there, and lets its replicas join.
func finishGlobalTable(op *Op, name string) (*Made, error) {
	made, err := finishTable(op.inRegion(op.Call.Region), name)
	if err != nil {
		return made, err
	}
	return made, join(op, name)
}

// join makes the replicas in other regions that are new, all at once, and sets
// what each has for itself.
func join(op *Op, name string) error {
	old, wanted := replicas(op.Old), replicas(op.New)
	in := &dynamodb.UpdateTableInput{TableName: name}
	for _, region := range slices.Sorted(maps.Keys(wanted)) {
		if _, has := old[region]; has || region == op.Call.Region {
			continue
		}
		in.ReplicaUpdates = append(in.ReplicaUpdates, dynamodb.ReplicationGroupUpdate{Create: &dynamodb.CreateReplicationGroupMemberAction{RegionName: region}})
	}
	if in.ReplicaUpdates != nil {
		if mode := op.Text("MultiRegionConsistency"); mode != "" && op.Old == nil {
			in.MultiRegionConsistency = &mode
		}
		if _, err := Do(op, dynamodb.UpdateTable, in); err != nil {
			return err
		}
	}
	for _, region := range slices.Sorted(maps.Keys(wanted)) {
		if region == op.Call.Region {
			continue
		}
		if err := setReplica(op.inRegion(region), name); err != nil {
			return err
		}
	}
	return nil
}

// setReplica sets what a replica in another region has for itself.
func setReplica(op *Op, name string) error {
	op.PhysicalID = name
	made, err := settledTable(op, name)
	if err != nil {
		return err
	}
	shared := []string{"TimeToLiveSpecification", "PointInTimeRecoverySpecification"} // with the table that it joined
	own := *op
	own.Old, own.New = without(op.Old, shared...), without(op.New, shared...)
	arn := text(made.Attributes["Arn"])
	if err := setTable(&own, name, arn); err != nil {
		return err
	}
	own.Old, own.New = pick(op.Old, "DeletionProtectionEnabled", "TableClass"), pick(op.New, "DeletionProtectionEnabled", "TableClass")
	if err := updateThroughput(&own); err != nil {
		return err
	}
	return retagTable(op, arn)
}

// leave deletes the replica in a region.
func leave(op *Op, name, region string) error {
	_, err := Do(op, dynamodb.UpdateTable, &dynamodb.UpdateTableInput{
		TableName:      name,
		ReplicaUpdates: []dynamodb.ReplicationGroupUpdate{{Delete: &dynamodb.DeleteReplicationGroupMemberAction{RegionName: region}}},
	})
	return err
}

func updateGlobalTable(op *Op) (*Made, error) {
	here := op.Call.Region
	old, wanted := replicas(op.Old), replicas(op.New)
	if _, ok := wanted[here]; !ok {
		return nil, invalidRequest("Replicas must contain the region that the stack is in: " + here)
	}
	for _, region := range slices.Sorted(maps.Keys(old)) {
		if _, stays := wanted[region]; stays {
			continue
		}
		if err := leave(op, op.PhysicalID, region); err != nil {
			return nil, err
		}
	}
	made, err := updateTable(op.inRegion(here))
	if err != nil {
		return made, err
	}
	return made, join(op, op.PhysicalID)
}
