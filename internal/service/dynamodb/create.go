package dynamodb

import (
	"context"
	"crypto/rand"
	"fmt"
	"strconv"
	"strings"
	"time"

	api "github.com/aloft-cloud/aloft/internal/api/dynamodb"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/store"
)

// CreateTable makes a table. It can be used at once, though AWS says, and so
// do we, that it is being created.
func (s *Service) CreateTable(ctx context.Context, call *aws.Call, in *api.CreateTableInput) (*api.CreateTableOutput, error) {
	arn, err := tableARN(call, in.TableName)
	if err != nil {
		return nil, err
	}
	if err := checkCreate(in); err != nil {
		return nil, err
	}
	t, err := newTable(in)
	if err != nil {
		return nil, err
	}
	t.arn = arn
	t.ID, t.Created = newUUID(), time.Now()
	if t.Encryption, err = s.encryptionBy(ctx, call, arn, in.SSESpecification); err != nil {
		return nil, err
	}
	if err := t.setStream(in.StreamSpecification); err != nil {
		return nil, err
	}
	err = s.db.Update(ctx, func(tx *store.Tx) error {
		if has, err := tables.Has(tx, arn); err != nil || has {
			if err == nil {
				err = api.ResourceInUseException.With(nil, "Table already exists: "+t.name())
			}
			return err
		}
		if err := t.openStream(tx); err != nil {
			return err
		}
		s.enterStatus(tx, t, api.TableStatusCreating, nil)
		return putTable(tx, t)
	})
	if err != nil {
		return nil, err
	}
	s.rolls.Ring()
	s.policies.Add(1)
	return &api.CreateTableOutput{TableDescription: t.describeNew()}, nil
}

// checkMembers refuses a table without what all tables have. The model does
// not require it.
func checkMembers(in *api.CreateTableInput) error {
	const null = "failed to satisfy constraint: Member must not be null"
	var wrong []string
	if in.AttributeDefinitions == nil {
		wrong = append(wrong, "Value null at 'attributeDefinitions' "+null)
	}
	if !isName(in.TableName) && !strings.HasPrefix(in.TableName, "arn:") {
		wrong = append(wrong, "Value '"+in.TableName+"' at 'tableName' failed to satisfy constraint: Member must satisfy regular expression pattern: [a-zA-Z0-9_.-]+")
	}
	if in.KeySchema == nil {
		wrong = append(wrong, "Value null at 'keySchema' "+null)
	}
	switch len(wrong) {
	case 0:
		return nil
	case 1:
		return refuse("1 validation error detected: " + wrong[0])
	}
	return refusef("%d validation errors detected: %s", len(wrong), strings.Join(wrong, "; "))
}

// checkCreate refuses parameters that do not go together, or that nothing
// here can honour.
func checkCreate(in *api.CreateTableInput) error {
	switch {
	case in.VectorIndexes != nil:
		return aws.NotImplemented.Errorf("Aloft has no vector indexes yet.")
	case in.GlobalTableSourceArn != nil || in.GlobalTableSettingsReplicationMode != nil:
		return aws.NotImplemented.Errorf("Aloft has no global tables of several accounts yet.")
	case aws.Value(in.BillingMode) == payPerRequest:
		if in.ProvisionedThroughput != nil {
			return refuse(invalid + "Neither ReadCapacityUnits nor WriteCapacityUnits can be specified when BillingMode is PAY_PER_REQUEST")
		}
	case in.ProvisionedThroughput == nil:
		return refuse(invalid + "ReadCapacityUnits and WriteCapacityUnits must both be specified when BillingMode is PROVISIONED")
	}
	if err := checkPolicy(aws.Or(in.ResourcePolicy, "{}")); err != nil {
		return err
	}
	return checkTags(in.Tags)
}

// newTable returns the table that in describes.
func newTable(in *api.CreateTableInput) (*table, error) {
	t := &table{Class: aws.Value(in.TableClass), Protected: aws.Value(in.DeletionProtectionEnabled), Tags: tagMap(in.Tags)}
	t.Billing.OnDemand = aws.Value(in.BillingMode) == payPerRequest
	if t.Billing.OnDemand {
		t.Billing.OnDemandSince = time.Now()
	}
	if err := t.Billing.set(in.ProvisionedThroughput, in.OnDemandThroughput, in.WarmThroughput); err != nil {
		return nil, err
	}
	t.Policy = newPolicy(aws.Value(in.ResourcePolicy))
	s, err := newSchema(in.AttributeDefinitions)
	if err != nil {
		return nil, err
	}
	t.Definitions = s.definitions
	if len(in.KeySchema) > len(s.definitions) {
		return nil, refuse("Invalid KeySchema: Some index key attribute have no definition")
	}
	if t.Key, err = s.key(in.KeySchema, 1); err != nil {
		return nil, err
	}
	if err := t.addLocals(s, in.LocalSecondaryIndexes); err != nil {
		return nil, err
	}
	if err := t.addGlobals(s, in.GlobalSecondaryIndexes); err != nil {
		return nil, err
	}
	return t, s.unused(t)
}

func (t *table) addLocals(s *schema, list []api.LocalSecondaryIndex) error {
	switch {
	case list == nil:
		return nil
	case len(list) == 0:
		return refuse(invalid + "List of LocalSecondaryIndexes is empty")
	case len(t.Key.Range) == 0:
		return refuse(invalid + "Table KeySchema does not have a range key, which is required when specifying a LocalSecondaryIndex")
	}
	for _, in := range list {
		ix, err := s.local(t, in)
		if err != nil {
			return err
		}
		t.Locals = append(t.Locals, t.number(ix))
	}
	if len(list) > maxLocals {
		return refuse(invalid + "Number of LocalSecondaryIndexes exceeds per-table limit of 5")
	}
	return nil
}

func (t *table) addGlobals(s *schema, list []api.GlobalSecondaryIndex) error {
	if list != nil && len(list) == 0 {
		return refuse(invalid + "List of GlobalSecondaryIndexes is empty")
	}
	for _, in := range list {
		ix, err := s.global(t, in)
		if err != nil {
			return err
		}
		t.Globals = append(t.Globals, t.number(ix))
	}
	if len(list) > maxGlobals {
		return refuse(invalid + "GlobalSecondaryIndex count exceeds the per-table limit of 20")
	}
	return nil
}

// number gives ix an id that no index of t has had.
func (t *table) number(ix *index) *index {
	t.LastIndex++
	ix.ID = strconv.Itoa(t.LastIndex)
	return ix
}

func newUUID() string {
	var b [16]byte
	rand.Read(b[:])
	b[6] = b[6]&0x0f | 0x40
	b[8] = b[8]&0x3f | 0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[0:4], b[4:6], b[6:8], b[8:10], b[10:])
}
