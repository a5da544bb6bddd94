package dynamodb

import (
	"context"
	"errors"
	"strings"

	api "github.com/aloft-cloud/aloft/internal/api/dynamodb"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/store"
)

const (
	tableKind = "table/"
	minName   = 3
	maxName   = 255
)

// isName reports whether s has only characters that names of tables may have.
func isName(s string) bool {
	for i := range len(s) {
		c := s[i]
		if (c|0x20 < 'a' || c|0x20 > 'z') && (c < '0' || c > '9') && c != '_' && c != '.' && c != '-' {
			return false
		}
	}
	return s != ""
}

// tableName is the name of a table by its ARN.
func tableName(arn aws.ARN) string { return strings.TrimPrefix(arn.Resource, tableKind) }

// tableARN is the table that a caller means by its name or its ARN.
func tableARN(call *aws.Call, name string) (aws.ARN, error) {
	arn := call.ARN("dynamodb", tableKind+name)
	if strings.HasPrefix(name, "arn:") {
		var err error
		arn, err = aws.ParseARN(name)
		if err != nil || arn.Service != "dynamodb" || !strings.HasPrefix(arn.Resource, tableKind) || arn.Region != call.Region {
			return arn, refuse("Invalid TableArn: Invalid ResourceArn provided as input " + name)
		}
		name = tableName(arn)
	}
	return arn, checkName(name)
}

// checkName refuses what cannot be the name of a table.
func checkName(name string) error {
	if len(name) >= minName && len(name) <= maxName && isName(name) {
		return nil
	}
	var wrong []string
	note := func(constraint string) {
		wrong = append(wrong, "Value '"+name+"' at 'tableName' failed to satisfy constraint: Member must "+constraint)
	}
	if !isName(name) {
		note("satisfy regular expression pattern: [a-zA-Z0-9_.-]+")
	}
	if len(name) < minName {
		note("have length greater than or equal to 3")
	}
	if len(name) > maxName {
		note("have length less than or equal to 255")
	}
	if len(wrong) == 1 {
		return refuse("1 validation error detected: " + wrong[0])
	}
	return refuse("2 validation errors detected: " + strings.Join(wrong, "; "))
}

// checkTableName refuses a bad name in the words of operations on tables.
func checkTableName(name string) error {
	switch {
	case strings.HasPrefix(name, "arn:"):
		return nil
	case len(name) < minName || len(name) > maxName:
		return refuse("TableName must be at least 3 characters long and at most 255 characters long")
	}
	return nil
}

// DescribeTable tells all about a table.
func (s *Service) DescribeTable(ctx context.Context, call *aws.Call, in *api.DescribeTableInput) (*api.DescribeTableOutput, error) {
	t, err := s.viewTable(ctx, call, in.TableName)
	if err != nil {
		return nil, err
	}
	c, err := s.count(ctx, t)
	if err != nil {
		return nil, err
	}
	d := t.describe(c)
	if err := s.tellKeys(ctx, t, d); err != nil {
		return nil, err
	}
	return &api.DescribeTableOutput{Table: d}, nil
}

// viewTable returns the table that a caller means, which must not be changed.
func (s *Service) viewTable(ctx context.Context, call *aws.Call, name string) (*table, error) {
	arn, err := tableARN(call, name)
	if err != nil {
		return nil, err
	}
	var t *table
	err = s.db.View(ctx, func(tx *store.Tx) error {
		t, err = s.lookTable(tx, arn)
		return err
	})
	if errors.Is(err, api.ResourceNotFoundException) {
		return nil, errNoTable(arn)
	}
	return t, err
}

const usualTables = 100 // on a page

// ListTables names the tables of an account and region, in order.
func (s *Service) ListTables(ctx context.Context, call *aws.Call, in *api.ListTablesInput) (*api.ListTablesOutput, error) {
	limit := int(aws.Or(in.Limit, usualTables))
	out := &api.ListTablesOutput{TableNames: []string{}}
	err := s.db.View(ctx, func(tx *store.Tx) error {
		first := call.ARN("dynamodb", tableKind+aws.Value(in.ExclusiveStartTableName))
		for arn := range tables.ScanAfter(tx, call.ARN("dynamodb", ""), first) {
			if len(out.TableNames) == limit {
				out.LastEvaluatedTableName = &out.TableNames[limit-1]
				break
			}
			out.TableNames = append(out.TableNames, tableName(arn))
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// DeleteTable deletes a table with all that is in it.
func (s *Service) DeleteTable(ctx context.Context, call *aws.Call, in *api.DeleteTableInput) (*api.DeleteTableOutput, error) {
	arn, err := tableARN(call, in.TableName)
	if err != nil {
		return nil, err
	}
	var t *table
	err = s.db.Update(ctx, func(tx *store.Tx) error {
		t, err = readTable(tx, arn)
		if errors.Is(err, store.ErrNotFound) {
			return errNoTable(arn)
		}
		if err != nil {
			return err
		}
		if t.Protected {
			return errProtected
		}
		if t.doing() != "" {
			return errInUse(t)
		}
		s.part(arn, t.ID) // reads end now, in transition too
		if s.enterStatus(tx, t, api.TableStatusDeleting, nil); t.Transition != nil {
			return putOne(tx, t)
		}
		return s.drop(tx, t)
	})
	if err != nil {
		return nil, err
	}
	s.policies.Add(1)
	return &api.DeleteTableOutput{TableDescription: &api.TableDescription{
		TableName:                 new(t.name()),
		TableArn:                  new(arn.String()),
		TableId:                   &t.ID,
		TableStatus:               new("DELETING"),
		ItemCount:                 new(int64(0)),
		TableSizeBytes:            new(int64(0)),
		ProvisionedThroughput:     t.Billing.describe(),
		BillingModeSummary:        t.Billing.mode(),
		DeletionProtectionEnabled: new(false),
	}}, nil
}

// drop deletes t, or if it has other replicas this one of them.
func (s *Service) drop(tx *store.Tx, t *table) error {
	s.part(t.arn, t.ID)
	if len(t.Replicas) > 1 {
		return deleteReplica(tx, t)
	}
	return deleteTable(tx, t)
}

// deleteTable removes all rows of t. Ranges cost the store the same however
// much is in them.
func deleteTable(tx *store.Tx, t *table) error {
	for ix := range t.indexes {
		if err := ix.rows.DeleteRange(tx, nil, nil); err != nil {
			return err
		}
	}
	if t.Recovery.enabled() {
		if err := keepDeleted(tx, t); err != nil {
			return err
		}
	} else if err := t.rows.DeleteRange(tx, nil, nil); err != nil {
		return err
	}
	if err := t.release(tx); err != nil {
		return err
	}
	if err := filled.DeletePrefix(tx, filledKey{Table: t.ID}); err != nil {
		return err
	}
	if err := tables.Delete(tx, t.arn); err != nil {
		return err
	}
	return t.current.Delete(tx, nil)
}

// release ends what depends on the items of t being its own: its stream, its
// history, and what streams of Kinesis are told.
func (t *table) release(tx *store.Tx) error {
	if err := t.closeStream(tx); err != nil {
		return err
	}
	if err := t.forget(tx); err != nil {
		return err
	}
	for i := range t.Kinesis {
		t.Kinesis[i].Disabled = true
	}
	return t.setTellings(tx)
}
