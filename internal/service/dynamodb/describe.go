package dynamodb

import (
	"slices"
	"strings"
	"time"

	api "github.com/aloft-cloud/aloft/internal/api/dynamodb"
)

// describe tells all about t. c says how much is in it.
func (t *table) describe(c counts) *api.TableDescription {
	d := &api.TableDescription{
		TableName:                 new(t.name()),
		TableArn:                  new(t.arn.String()),
		TableId:                   &t.ID,
		TableStatus:               new("ACTIVE"),
		CreationDateTime:          &t.Created,
		KeySchema:                 t.Key.describe(),
		ItemCount:                 new(c.of("").items),
		TableSizeBytes:            new(c.of("").bytes),
		ProvisionedThroughput:     t.meanwhile().describe(),
		DeletionProtectionEnabled: &t.Protected,
	}
	for _, def := range t.Definitions {
		d.AttributeDefinitions = append(d.AttributeDefinitions, api.AttributeDefinition{AttributeName: def.Name, AttributeType: def.Type.String()})
	}
	slices.SortFunc(d.AttributeDefinitions, func(a, b api.AttributeDefinition) int { return strings.Compare(a.AttributeName, b.AttributeName) })
	read, write := t.Billing.warm()
	d.WarmThroughput = &api.TableWarmThroughputDescription{ReadUnitsPerSecond: &read, WriteUnitsPerSecond: &write, Status: new("ACTIVE")}
	d.BillingModeSummary = t.Billing.mode()
	d.OnDemandThroughput = t.Billing.limits()
	if t.Class != "" {
		d.TableClassSummary = &api.TableClassSummary{TableClass: &t.Class, LastUpdateDateTime: timeOrNil(t.ClassSince)}
	}
	d.RestoreSummary = t.Restored.describe()
	switch {
	case t.Transition != nil:
		d.TableStatus = &t.Transition.Status
	case t.unfinished():
		d.TableStatus = new(api.TableStatusCreating)
	}
	for _, ix := range t.Locals {
		d.LocalSecondaryIndexes = append(d.LocalSecondaryIndexes, ix.describeLocal(t, c))
	}
	for _, ix := range t.Globals {
		d.GlobalSecondaryIndexes = append(d.GlobalSecondaryIndexes, ix.describeGlobal(t, c))
	}
	if *d.TableStatus == api.TableStatusCreating && !t.restoring() {
		for i := range d.GlobalSecondaryIndexes {
			d.GlobalSecondaryIndexes[i].IndexStatus = new(api.IndexStatusCreating)
		}
	}
	d.SSEDescription = t.Encryption.describe()
	t.describeStream(d)
	t.describeReplicas(d)
	return d
}

// describeNew is what AWS tells of a table when it has just begun to make it.
func (t *table) describeNew() *api.TableDescription {
	d := t.describe(counts{})
	d.TableStatus = new("CREATING")
	if d.BillingModeSummary != nil {
		d.BillingModeSummary.LastUpdateToPayPerRequestDateTime = nil
	}
	if t.Billing.WarmRead == 0 && t.Billing.WarmWrite == 0 {
		d.WarmThroughput = nil
	} else {
		d.WarmThroughput.Status = new("UPDATING")
	}
	for i := range d.GlobalSecondaryIndexes {
		d.GlobalSecondaryIndexes[i].IndexStatus = new("CREATING")
		d.GlobalSecondaryIndexes[i].WarmThroughput = nil
	}
	return d
}

func timeOrNil(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}

func (k *keySchema) describe() []api.KeySchemaElement {
	var out []api.KeySchemaElement
	for _, d := range k.Hash {
		out = append(out, api.KeySchemaElement{AttributeName: d.Name, KeyType: keyHash})
	}
	for _, d := range k.Range {
		out = append(out, api.KeySchemaElement{AttributeName: d.Name, KeyType: keyRange})
	}
	return out
}

func (b *billing) describe() *api.ProvisionedThroughputDescription {
	read, write := b.units()
	return &api.ProvisionedThroughputDescription{
		NumberOfDecreasesToday: new(b.Decreases),
		LastIncreaseDateTime:   timeOrNil(b.Increased),
		LastDecreaseDateTime:   timeOrNil(b.Decreased),
		ReadCapacityUnits:      &read,
		WriteCapacityUnits:     &write,
	}
}

// mode describes how a table is paid for, if it has ever been on demand.
func (b *billing) mode() *api.BillingModeSummary {
	if b.OnDemandSince.IsZero() {
		return nil
	}
	mode := provisioned
	if b.OnDemand {
		mode = payPerRequest
	}
	return &api.BillingModeSummary{BillingMode: &mode, LastUpdateToPayPerRequestDateTime: new(b.OnDemandSince)}
}

// limits describes the most that a table on demand may be used.
func (b *billing) limits() *api.OnDemandThroughput {
	if !b.OnDemand || b.Read == 0 && b.Write == 0 {
		return nil
	}
	none := int64(-1)
	d := &api.OnDemandThroughput{MaxReadRequestUnits: &none, MaxWriteRequestUnits: &none}
	if b.Read > 0 {
		d.MaxReadRequestUnits = &b.Read
	}
	if b.Write > 0 {
		d.MaxWriteRequestUnits = &b.Write
	}
	return d
}

// warm returns what a table or index is ready for at once.
func (b *billing) warm() (read, write int64) {
	read, write = b.Read, b.Write
	if b.OnDemand {
		read, write = 12000, 4000
	}
	return max(read, b.WarmRead), max(write, b.WarmWrite)
}

func (ix *index) arn(t *table) *string { return new(t.arn.String() + "/index/" + ix.Name) }

func (ix *index) describeProjection() *api.Projection {
	return &api.Projection{ProjectionType: &ix.Projection, NonKeyAttributes: ix.Include}
}

func (ix *index) describeLocal(t *table, c counts) api.LocalSecondaryIndexDescription {
	return api.LocalSecondaryIndexDescription{
		IndexName:      &ix.Name,
		IndexArn:       ix.arn(t),
		KeySchema:      ix.Key.describe(),
		Projection:     ix.describeProjection(),
		ItemCount:      new(c.of(ix.ID).items),
		IndexSizeBytes: new(c.of(ix.ID).bytes),
	}
}

func (ix *index) describeGlobal(t *table, c counts) api.GlobalSecondaryIndexDescription {
	read, write := ix.Billing.warm()
	d := api.GlobalSecondaryIndexDescription{
		IndexName:             &ix.Name,
		IndexArn:              ix.arn(t),
		IndexStatus:           new("ACTIVE"),
		KeySchema:             ix.Key.describe(),
		Projection:            ix.describeProjection(),
		ProvisionedThroughput: ix.Billing.describe(),
		OnDemandThroughput:    ix.Billing.limits(),
		ItemCount:             new(c.of(ix.ID).items),
		IndexSizeBytes:        new(c.of(ix.ID).bytes),
		WarmThroughput: &api.GlobalSecondaryIndexWarmThroughputDescription{
			ReadUnitsPerSecond: &read, WriteUnitsPerSecond: &write, Status: new("ACTIVE"),
		},
	}
	if ix.Backfill != nil {
		d.IndexStatus = new("CREATING")
		d.Backfilling = new(true)
	}
	return d
}
