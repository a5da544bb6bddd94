package dynamodb

import (
	"context"
	"slices"
	"strings"
	"time"

	api "github.com/aloft-cloud/aloft/internal/api/dynamodb"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/store"
)

// UpdateTable changes a table, but not what is in it. An index that it makes
// is filled by a task; whatever else is so as soon as it returns.
func (s *Service) UpdateTable(ctx context.Context, call *aws.Call, in *api.UpdateTableInput) (*api.UpdateTableOutput, error) {
	arn, err := tableARN(call, in.TableName)
	if err != nil {
		return nil, err
	}
	if err := checkTableUpdate(in); err != nil {
		return nil, err
	}
	sse, err := s.encryptionBy(ctx, call, arn, in.SSESpecification)
	if err != nil {
		return nil, err
	}
	keys, err := s.replicaKeys(ctx, call, arn, in.ReplicaUpdates)
	if err != nil {
		return nil, err
	}
	var d *api.TableDescription
	err = s.db.Update(ctx, func(tx *store.Tx) error {
		var before billing
		var encrypted *encryption
		t, err := changeTable(tx, arn, func(t *table) error {
			if t.doing() != "" {
				return errInUse(t)
			}
			before, encrypted = t.Billing, t.Encryption
			if in.SSESpecification == nil {
				sse = t.Encryption
			} else if err := s.checkKey(tx, t); err != nil {
				return err
			}
			for _, u := range in.ReplicaUpdates {
				if u.Delete != nil {
					s.part(t.in(u.Delete.RegionName), t.ID)
				}
			}
			if err := t.update(tx, in); err != nil {
				return err
			}
			s.encrypt(t, sse, keys)
			s.enterStatus(tx, t, api.TableStatusUpdating, &before)
			return nil
		})
		if err != nil {
			return err
		}
		tx.AfterCommit(s.rolls.Ring)
		tx.AfterCommit(s.backfills.Ring)
		d = t.describe(counts{})
		if in.SSESpecification != nil {
			d.SSEDescription = describeUpdated(encrypted, t.Encryption)
		}
		if before.OnDemand == t.Billing.OnDemand {
			d.ProvisionedThroughput = t.Billing.from(&before).describe()
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	tellUpdates(d, in)
	return &api.UpdateTableOutput{TableDescription: d}, nil
}

// tellUpdates has d say of what in changes that it is being changed.
func tellUpdates(d *api.TableDescription, in *api.UpdateTableInput) {
	d.TableStatus = new(api.TableStatusUpdating)
	for _, u := range in.ReplicaUpdates {
		for i := range d.Replicas {
			if u.Create != nil && *d.Replicas[i].RegionName == u.Create.RegionName {
				d.Replicas[i].ReplicaStatus = new("CREATING")
			}
		}
		if u.Delete != nil {
			d.Replicas = append(d.Replicas, api.ReplicaDescription{RegionName: &u.Delete.RegionName, ReplicaStatus: new("DELETING")})
		}
	}
	for _, u := range in.GlobalSecondaryIndexUpdates {
		if u.Delete != nil {
			d.GlobalSecondaryIndexes = append(d.GlobalSecondaryIndexes, api.GlobalSecondaryIndexDescription{IndexName: &u.Delete.IndexName, IndexStatus: new("DELETING")})
		}
	}
}

// checkTableUpdate refuses parameters that do not go together, or that nothing
// here can honour.
func checkTableUpdate(in *api.UpdateTableInput) error {
	switch {
	case in.GlobalTableWitnessUpdates != nil || in.GlobalTableSettingsReplicationMode != nil:
		return aws.NotImplemented.Errorf("Aloft has no witnesses of global tables, and none of several accounts, yet.")
	case in.VectorIndexUpdates != nil:
		return aws.NotImplemented.Errorf("Aloft has no vector indexes yet.")
	case in.ProvisionedThroughput == nil && in.BillingMode == nil && in.StreamSpecification == nil && len(in.GlobalSecondaryIndexUpdates) == 0 &&
		in.SSESpecification == nil && in.TableClass == nil && in.DeletionProtectionEnabled == nil && in.OnDemandThroughput == nil && in.WarmThroughput == nil &&
		in.ReplicaUpdates == nil:
		return refuse("At least one of ProvisionedThroughput, BillingMode, UpdateStreamEnabled, GlobalSecondaryIndexUpdates or SSESpecification or ReplicaUpdates is required")
	case aws.Value(in.BillingMode) == provisioned && in.ProvisionedThroughput == nil:
		return refuse(invalid + "ProvisionedThroughput must be specified when BillingMode is PROVISIONED")
	}
	if err := new(billing).set(in.ProvisionedThroughput, nil, nil); err != nil {
		return err
	}
	seen := make(map[string]bool)
	for _, u := range in.GlobalSecondaryIndexUpdates {
		name, n := "", 0
		for _, given := range []bool{u.Update != nil, u.Create != nil, u.Delete != nil} {
			if given {
				n++
			}
		}
		switch {
		case n > 1:
			return refuse(invalid + "Only one of GlobalSecondaryIndexUpdate.Update, GlobalSecondaryIndexUpdate.Create, GlobalSecondaryIndexUpdate.Delete may be given")
		case u.Update != nil:
			name = u.Update.IndexName
		case u.Create != nil:
			name = u.Create.IndexName
		case u.Delete != nil:
			name = u.Delete.IndexName
		default:
			return refuse(invalid + "One of GlobalSecondaryIndexUpdate.Update, GlobalSecondaryIndexUpdate.Create, GlobalSecondaryIndexUpdate.Delete must not be null")
		}
		if seen[name] {
			return refuse(invalid + "Only one global secondary index update per index is allowed simultaneously. Index: " + name)
		}
		seen[name] = true
	}
	return nil
}

func errOnline() error {
	return api.LimitExceededException.With(nil, "Subscriber limit exceeded: Only 1 online index can be created or deleted simultaneously per table")
}

// update makes the changes that in asks for.
func (t *table) update(tx *store.Tx, in *api.UpdateTableInput) error {
	if err := t.updateBilling(in); err != nil {
		return err
	}
	if in.TableClass != nil {
		t.Class, t.ClassSince = *in.TableClass, time.Now()
	}
	t.Protected = aws.Or(in.DeletionProtectionEnabled, t.Protected)
	if err := t.updateIndexes(tx, in); err != nil {
		return err
	}
	if in.StreamSpecification != nil {
		if err := t.changeStream(tx, in.StreamSpecification); err != nil {
			return err
		}
	}
	return t.changeReplicas(tx, in)
}

func (t *table) updateBilling(in *api.UpdateTableInput) error {
	mode := aws.Value(in.BillingMode)
	b := &t.Billing
	onDemand := b.OnDemand && mode == "" || mode == payPerRequest
	if in.ProvisionedThroughput != nil && onDemand {
		return refuse(invalid + "Neither ReadCapacityUnits nor WriteCapacityUnits can be specified when BillingMode is PAY_PER_REQUEST")
	}
	switched := onDemand != b.OnDemand
	if switched {
		*b = billing{OnDemand: onDemand, OnDemandSince: b.OnDemandSince}
		for _, ix := range t.Globals {
			ix.Billing = billing{OnDemand: onDemand}
		}
		if onDemand {
			b.OnDemandSince = time.Now()
		}
	}
	if p := in.ProvisionedThroughput; p != nil && !switched {
		if err := b.change("table", p); err != nil {
			return err
		}
	} else if err := b.set(in.ProvisionedThroughput, in.OnDemandThroughput, in.WarmThroughput); err != nil {
		return err
	}
	if err := t.updateIndexBilling(in, switched && !onDemand); err != nil {
		return err
	}
	return nil
}

// updateIndexBilling changes the throughput of indexes. All of them must be
// told theirs if the table has just become a provisioned one.
func (t *table) updateIndexBilling(in *api.UpdateTableInput, all bool) error {
	told := make(map[string]bool)
	for _, u := range in.GlobalSecondaryIndexUpdates {
		if u.Update == nil {
			continue
		}
		if p := u.Update.ProvisionedThroughput; p != nil && (p.ReadCapacityUnits > maxUnits || p.WriteCapacityUnits > maxUnits) {
			return refuse("This operation cannot be performed with given input values. Please contact DynamoDB service team for more info: Action Blocked: IndexUpdate")
		}
		i := slices.IndexFunc(t.Globals, func(ix *index) bool { return ix.Name == u.Update.IndexName })
		if i < 0 {
			return api.ResourceNotFoundException.With(nil, "Requested resource not found")
		}
		told[u.Update.IndexName] = true
		b := &t.Globals[i].Billing
		if p := u.Update.ProvisionedThroughput; p != nil && !all {
			if b.OnDemand {
				return refuse(invalid + "ProvisionedThroughput should not be specified for index: " + u.Update.IndexName + " when BillingMode is PAY_PER_REQUEST")
			}
			if err := b.change("index", p); err != nil {
				return err
			}
		}
		if err := b.set(u.Update.ProvisionedThroughput, u.Update.OnDemandThroughput, u.Update.WarmThroughput); err != nil {
			return err
		}
	}
	var missing []string
	for _, ix := range t.Globals {
		if all && !told[ix.Name] {
			missing = append(missing, ix.Name)
		}
	}
	if missing != nil {
		return refuse(invalid + "ProvisionedThroughput must be specified for index: " + strings.Join(missing, ","))
	}
	return nil
}

const (
	freeDecreases = 4 // of throughput on one day; after that one must rest
	decreaseRest  = time.Hour
)

func errDecreases(b *billing) error {
	const layout = "Monday, January 2, 2006 3:04:05 PM UTC"
	last := b.Decreased.UTC()
	return api.LimitExceededException.Errorf("Subscriber limit exceeded: Provisioned throughput decreases are limited within a given UTC day. "+
		"After the first 4 decreases, each subsequent decrease in the same UTC day can be performed at most once every 3600 seconds. "+
		"Number of decreases today: %d. Last decrease at %s. Next decrease can be made at %s", b.Decreases, last.Format(layout), last.Add(decreaseRest).Format(layout))
}

// change changes the throughput of a table or index that is provisioned.
func (b *billing) change(what string, p *api.ProvisionedThroughput) error {
	if p.ReadCapacityUnits == b.Read && p.WriteCapacityUnits == b.Write {
		return refusef("The provisioned throughput for the %[1]s will not change. The requested value equals the current value. "+
			"Current ReadCapacityUnits provisioned for the %[1]s: %[2]d. Requested ReadCapacityUnits: %[3]d. "+
			"Current WriteCapacityUnits provisioned for the %[1]s: %[4]d. Requested WriteCapacityUnits: %[5]d. "+
			"Refer to the Amazon DynamoDB Developer Guide for current limits and how to request higher limits.",
			what, b.Read, p.ReadCapacityUnits, b.Write, p.WriteCapacityUnits)
	}
	now := time.Now()
	if p.ReadCapacityUnits > b.Read || p.WriteCapacityUnits > b.Write {
		b.Increased = now
	}
	if p.ReadCapacityUnits < b.Read || p.WriteCapacityUnits < b.Write {
		if y, d := b.Decreased.UTC().Year(), b.Decreased.UTC().YearDay(); y != now.UTC().Year() || d != now.UTC().YearDay() {
			b.Decreases = 0
		}
		if b.Decreases >= freeDecreases && now.Sub(b.Decreased) < decreaseRest {
			return errDecreases(b)
		}
		b.Decreased = now
		b.Decreases++
	}
	return b.set(p, nil, nil)
}

// updateIndexes makes and deletes global indexes.
func (t *table) updateIndexes(tx *store.Tx, in *api.UpdateTableInput) error {
	online := 0
	for _, u := range in.GlobalSecondaryIndexUpdates {
		if u.Create != nil || u.Delete != nil {
			online++
		}
	}
	if online > 1 {
		return errOnline()
	}
	for _, u := range in.GlobalSecondaryIndexUpdates {
		if u.Delete != nil {
			if err := t.deleteIndex(tx, u.Delete.IndexName); err != nil {
				return err
			}
		}
		if u.Create != nil {
			if err := t.createIndex(u.Create, in.AttributeDefinitions); err != nil {
				return err
			}
		}
	}
	return nil
}

func (t *table) deleteIndex(tx *store.Tx, name string) error {
	i := slices.IndexFunc(t.Globals, func(ix *index) bool { return ix.Name == name })
	if i < 0 {
		return api.ResourceNotFoundException.With(nil, "Requested resource not found")
	}
	rows := t.Globals[i].rows
	t.Globals = slices.Delete(t.Globals, i, i+1)
	used := make(map[string]bool)
	for d := range t.Key.attributes {
		used[d.Name] = true
	}
	for ix := range t.indexes {
		for d := range ix.Key.attributes {
			used[d.Name] = true
		}
	}
	t.Definitions = slices.DeleteFunc(t.Definitions, func(d definition) bool { return !used[d.Name] })
	return rows.DeleteRange(tx, nil, nil)
}

func (t *table) createIndex(in *api.CreateGlobalSecondaryIndexAction, defs []api.AttributeDefinition) error {
	given, err := newSchema(defs)
	if err != nil {
		return err
	}
	all := &schema{definitions: slices.Clone(t.Definitions), seen: make(map[string]bool)}
	for _, d := range given.definitions {
		have, ok := all.find(d.Name)
		switch {
		case !ok:
			all.definitions = append(all.definitions, d)
		case have != d:
			return refusef(invalid+"Attributes cannot be redefined. Please check that your attribute has the same type as previously defined. "+
				"Existing schema: Schema:[SchemaElement: key{%[1]s:%[2]s:HASH}] New schema: Schema:[SchemaElement: key{%[1]s:%[3]s:HASH}]", d.Name, have.Type, d.Type)
		}
	}
	if _, err := given.key(in.KeySchema, maxKeyParts); err != nil {
		return err // the request itself must define what the key uses
	}
	for ix := range t.indexes {
		if ix.Name == in.IndexName {
			return refuse("Attempting to create an index which already exists")
		}
		if ix.Backfill != nil {
			return api.ResourceInUseException.With(nil, "Attempt to change a resource which is still in use: Table is being updated: "+t.name())
		}
		all.projected += len(ix.Include)
	}
	ix, err := all.global(t, api.GlobalSecondaryIndex{
		IndexName: in.IndexName, KeySchema: in.KeySchema, Projection: in.Projection,
		ProvisionedThroughput: in.ProvisionedThroughput, OnDemandThroughput: in.OnDemandThroughput, WarmThroughput: in.WarmThroughput,
	})
	if err != nil {
		return err
	}
	ix.Backfill = newBackfill()
	t.Globals = append(t.Globals, t.number(ix))
	t.Definitions = all.definitions
	if len(t.Globals) > maxGlobals {
		return api.LimitExceededException.With(nil, "Subscriber limit exceeded: GlobalSecondaryIndex count exceeds the per-table limit of 20")
	}
	return all.unused(t)
}
