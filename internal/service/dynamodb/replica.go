package dynamodb

import (
	"errors"
	"iter"
	"regexp"
	"slices"
	"time"

	api "github.com/aloft-cloud/aloft/internal/api/dynamodb"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/store"
)

// A replica is the same table in another region. All regions are one
// installation, so replicas share the very rows: each is a name for them, with
// what a region has for itself, and what is written in one is read in all.
type replica struct {
	Region     string
	Class      string    `json:",omitempty"`
	ClassSince time.Time `json:",omitzero"`
	Key        string    `json:",omitempty"` // of KMS, if it is not the managed one
	Read       int64     `json:",omitempty"` // units, instead of the table's
	MaxRead    int64     `json:",omitempty"` // likewise on demand
	Indexes    []replicaIndex
}

type replicaIndex struct {
	Name          string
	Read, MaxRead int64 `json:",omitempty"`
}

const (
	globalVersion = "2019.11.21"
	eventual      = "EVENTUAL"
	strong        = "STRONG"
)

var regionPattern = regexp.MustCompile(`^[a-z]{2}(-[a-z]+)+-[0-9]$`)

// everywhere yields the table's ARN in each region, its own first.
func (t *table) everywhere(yield func(aws.ARN) bool) {
	if !yield(t.arn) {
		return
	}
	for arn := range t.elsewhere() {
		if !yield(arn) {
			return
		}
	}
}

// elsewhere yields the ARNs of the table's other replicas.
func (t *table) elsewhere() iter.Seq[aws.ARN] {
	return func(yield func(aws.ARN) bool) {
		for _, r := range t.Replicas {
			if r.Region != t.arn.Region && !yield(t.in(r.Region)) {
				return
			}
		}
	}
}

// in is the table's ARN in a region.
func (t *table) in(region string) aws.ARN {
	arn := t.arn
	arn.Region = region
	return arn
}

// share keeps what all replicas have in common with t.
func (t *table) share(tx *store.Tx) error {
	for arn := range t.elsewhere() {
		other, err := readTable(tx, arn)
		if errors.Is(err, store.ErrNotFound) {
			other, err = &table{arn: arn, Tags: map[string]string{}, Created: time.Now()}, nil
		}
		if err != nil {
			return err
		}
		own := *other
		*other = *t
		other.Encryption = t.encryptionIn(arn.Region, own.Encryption)
		other.arn, other.Created, other.Tags, other.Policy, other.Protected = own.arn, own.Created, own.Tags, own.Policy, own.Protected
		other.Class, other.ClassSince, other.Insights, other.Restored, other.Transition = own.Class, own.ClassSince, own.Insights, own.Restored, own.Transition
		if err := putOne(tx, other); err != nil {
			return err
		}
	}
	return nil
}

// changeReplicas makes, changes and deletes replicas.
func (t *table) changeReplicas(tx *store.Tx, in *api.UpdateTableInput) error {
	if in.MultiRegionConsistency != nil {
		if len(t.Replicas) > 0 {
			return refuse(invalid + "MultiRegionConsistency can only be specified when creating the first replicas of a table")
		}
		t.Consistency = *in.MultiRegionConsistency
	}
	for _, u := range in.ReplicaUpdates {
		var err error
		switch {
		case u.Create != nil:
			err = t.addReplica(tx, u.Create)
		case u.Update != nil:
			err = t.updateReplica(u.Update)
		case u.Delete != nil:
			err = t.dropReplica(tx, u.Delete.RegionName)
		default:
			err = refuse(invalid + "One of ReplicaUpdate.Create, ReplicaUpdate.Update, ReplicaUpdate.Delete must not be null")
		}
		if err != nil {
			return err
		}
	}
	if n := len(t.Replicas); in.ReplicaUpdates != nil && t.Consistency == strong && n != 0 && n != 3 {
		return refuse(invalid + "A table of MultiRegionConsistency STRONG must have replicas in exactly three regions")
	}
	return nil
}

func (t *table) addReplica(tx *store.Tx, in *api.CreateReplicationGroupMemberAction) error {
	switch {
	case in.RegionName == t.arn.Region:
		return errLocalRegion()
	case !t.Global.IsZero():
		return refuse(invalid + "Replicas of a global table of version 2017.11.29 can only be changed by UpdateGlobalTable")
	case !regionPattern.MatchString(in.RegionName):
		return refuse("Unsupported replication region: " + in.RegionName)
	case t.unfinished():
		return errInUse(t)
	}
	if has, err := tables.Has(tx, t.in(in.RegionName)); err != nil || has {
		if err == nil {
			err = refuse("Failed to create a the new replica of table with name: '" + t.name() + "' because one or more replicas already existed as tables.")
		}
		return err
	}
	if len(t.Replicas) == 0 {
		t.Replicas = []replica{{Region: t.arn.Region}}
		if t.Consistency == "" {
			t.Consistency = eventual
		}
	}
	r := replica{Region: in.RegionName}
	r.set(in.ProvisionedThroughputOverride, in.OnDemandThroughputOverride, in.GlobalSecondaryIndexes, in.TableClassOverride)
	return t.replicate(tx, r)
}

// replicate makes r one of the replicas of t.
func (t *table) replicate(tx *store.Tx, r replica) error {
	t.Replicas = append(t.Replicas, r)
	if t.Stream.enabled() {
		row, err := streams.Get(tx, t.streamARN())
		if err != nil {
			return err
		}
		var open []shard
		for sh := range row.open {
			sh.Parent = ""
			open = append(open, *sh)
		}
		return t.putStream(tx, t.in(r.Region), open)
	}
	t.Stream.View = bothImage // as AWS does to replicate
	return t.openStream(tx)
}

// set takes over what is given.
func (r *replica) set(p *api.ProvisionedThroughputOverride, d *api.OnDemandThroughputOverride, indexes []api.ReplicaGlobalSecondaryIndex, class *string) {
	r.Read = aws.Or(aws.Value(p).ReadCapacityUnits, r.Read)
	r.MaxRead = aws.Or(aws.Value(d).MaxReadRequestUnits, r.MaxRead)
	if class != nil {
		r.Class, r.ClassSince = *class, time.Now()
	}
	for _, in := range indexes {
		i := slices.IndexFunc(r.Indexes, func(ix replicaIndex) bool { return ix.Name == in.IndexName })
		if i < 0 {
			r.Indexes, i = append(r.Indexes, replicaIndex{Name: in.IndexName}), len(r.Indexes)
		}
		ix := &r.Indexes[i]
		ix.Read = aws.Or(aws.Value(in.ProvisionedThroughputOverride).ReadCapacityUnits, ix.Read)
		ix.MaxRead = aws.Or(aws.Value(in.OnDemandThroughputOverride).MaxReadRequestUnits, ix.MaxRead)
	}
}

func errLocalRegion() error {
	return refuse("Cannot add, delete, or update the local region through ReplicaUpdates. Use CreateTable, DeleteTable, or UpdateTable as required.")
}

func errNoReplica() error {
	return refuse("Update global table operation failed because one or more replicas were not part of the global table.")
}

func (t *table) findReplica(region string) int {
	return slices.IndexFunc(t.Replicas, func(r replica) bool { return r.Region == region })
}

func (t *table) updateReplica(in *api.UpdateReplicationGroupMemberAction) error {
	i := t.findReplica(in.RegionName)
	switch {
	case in.RegionName == t.arn.Region:
		return errLocalRegion()
	case i < 0:
		return errNoReplica()
	}
	t.Replicas[i].set(in.ProvisionedThroughputOverride, in.OnDemandThroughputOverride, in.GlobalSecondaryIndexes, in.TableClassOverride)
	return nil
}

// dropReplica deletes the replica of t in another region.
func (t *table) dropReplica(tx *store.Tx, region string) error {
	i := t.findReplica(region)
	if region == t.arn.Region {
		return errLocalRegion()
	}
	if i < 0 {
		return errNoReplica()
	}
	other, err := readTable(tx, t.in(region))
	if err != nil {
		return err
	}
	if other.Protected {
		return errProtected
	}
	if err := dropOne(tx, other); err != nil {
		return err
	}
	t.leave(region)
	return nil
}

// leave makes t a table without a replica in region.
func (t *table) leave(region string) {
	t.Replicas = slices.Delete(t.Replicas, t.findReplica(region), t.findReplica(region)+1)
	if len(t.Replicas) == 0 || len(t.Replicas) == 1 && t.Global.IsZero() {
		t.Replicas, t.Consistency, t.Global = nil, "", time.Time{}
	}
	for i := range t.Kinesis {
		if t.Kinesis[i].Region == region {
			t.Kinesis[i].Disabled = true
		}
	}
	if t.TTL.Attribute != "" {
		t.TTL.Backfill = newBackfill() // when items expire was noted for the replica that is gone, too
	}
}

// dropOne removes one replica of a table, of which others stay.
func dropOne(tx *store.Tx, t *table) error {
	if err := t.checkUncopied(tx); err != nil {
		return err
	}
	if err := t.endStream(tx, t.arn); err != nil {
		return err
	}
	if err := tables.Delete(tx, t.arn); err != nil {
		return err
	}
	return t.current.Delete(tx, nil)
}

// deleteReplica deletes t, which has replicas that stay.
func deleteReplica(tx *store.Tx, t *table) error {
	for arn := range t.elsewhere() {
		other, err := readTable(tx, arn)
		if err != nil {
			return err
		}
		if err := dropOne(tx, t); err != nil {
			return err
		}
		other.leave(t.arn.Region)
		if err := other.setTellings(tx); err != nil {
			return err
		}
		return putTable(tx, other)
	}
	return nil
}

// describeReplicas tells of the other replicas of t.
func (t *table) describeReplicas(d *api.TableDescription) {
	if len(t.Replicas) == 0 || !t.Global.IsZero() {
		return // of the older version, descriptions of tables say nothing
	}
	d.GlobalTableVersion = new(globalVersion)
	d.MultiRegionConsistency = &t.Consistency
	for _, r := range t.Replicas {
		if r.Region == t.arn.Region {
			continue
		}
		rd := api.ReplicaDescription{RegionName: &r.Region, ReplicaStatus: new("ACTIVE"), ReplicaArn: new(t.in(r.Region).String())}
		if r.Key != "" {
			rd.KMSMasterKeyId = &r.Key
		}
		if r.Read > 0 {
			rd.ProvisionedThroughputOverride = &api.ProvisionedThroughputOverride{ReadCapacityUnits: &r.Read}
		}
		if r.MaxRead > 0 {
			rd.OnDemandThroughputOverride = &api.OnDemandThroughputOverride{MaxReadRequestUnits: &r.MaxRead}
		}
		if r.Class != "" {
			rd.ReplicaTableClassSummary = &api.TableClassSummary{TableClass: &r.Class, LastUpdateDateTime: timeOrNil(r.ClassSince)}
		}
		for _, ix := range t.Globals {
			rd.GlobalSecondaryIndexes = append(rd.GlobalSecondaryIndexes, r.describeIndex(ix.Name))
		}
		d.Replicas = append(d.Replicas, rd)
	}
}

func (r *replica) describeIndex(name string) api.ReplicaGlobalSecondaryIndexDescription {
	d := api.ReplicaGlobalSecondaryIndexDescription{IndexName: &name}
	for _, ix := range r.Indexes {
		if ix.Name != name {
			continue
		}
		if ix.Read > 0 {
			d.ProvisionedThroughputOverride = &api.ProvisionedThroughputOverride{ReadCapacityUnits: &ix.Read}
		}
		if ix.MaxRead > 0 {
			d.OnDemandThroughputOverride = &api.OnDemandThroughputOverride{MaxReadRequestUnits: &ix.MaxRead}
		}
	}
	return d
}
