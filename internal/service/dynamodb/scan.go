package dynamodb

import (
	"bytes"
	"context"

	api "github.com/aloft-cloud/aloft/internal/api/dynamodb"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/service/dynamodb/expression"
	"github.com/aloft-cloud/aloft/internal/store"
)

// Scan returns all items, or those of one segment of several.
func (s *Service) Scan(ctx context.Context, call *aws.Call, in *api.ScanInput) (*api.ScanOutput, error) {
	sel, err := s.scan(call, in)
	if err != nil {
		return nil, err
	}
	var p *page
	err = s.db.View(ctx, func(tx *store.Tx) error {
		p, err = sel.page(s, tx, func() error { return sel.fitScan(in) })
		return err
	})
	if err != nil {
		return nil, err
	}
	return p.scanOutput(in), nil
}

// scan reads what Scan is asked to do.
func (s *Service) scan(call *aws.Call, in *api.ScanInput) (*selection, error) {
	sel := &selection{
		indexName: in.IndexName, start: in.ExclusiveStartKey, limit: int(aws.Value(in.Limit)),
		consistent: aws.Value(in.ConsistentRead), selects: aws.Value(in.Select), count: aws.Value(in.Select) == "COUNT",
		counted: wanted(in.ReturnConsumedCapacity),
	}
	var err error
	if sel.table, err = tableARN(call, in.TableName); err != nil {
		return nil, err
	}
	p := &parameters{
		names: in.ExpressionAttributeNames, values: in.ExpressionAttributeValues,
		expressions: []parameter{
			textParameter(expression.ProjectionExpression, in.ProjectionExpression),
			textParameter(expression.FilterExpression, in.FilterExpression),
		},
		older: []parameter{
			{name: "AttributesToGet", given: in.AttributesToGet != nil}, {name: "ScanFilter", given: in.ScanFilter != nil},
			{name: "ConditionalOperator", given: in.ConditionalOperator != nil},
		},
	}
	if err := p.begin(); err != nil {
		return nil, err
	}
	if in.AttributesToGet != nil {
		if sel.project, err = attributesToGet(in.AttributesToGet); err != nil {
			return nil, err
		}
	}
	if sel.filter, err = readFilter(in.ScanFilter, in.ConditionalOperator); err != nil {
		return nil, err
	}
	if err := checkStart(in.ExclusiveStartKey); err != nil {
		return nil, err
	}
	if err := checkSegment(in.Segment, in.TotalSegments); err != nil {
		return nil, err
	}
	if err := checkSelect(sel.selects, in.AttributesToGet, in.ProjectionExpression, in.IndexName, ""); err != nil {
		return nil, err
	}
	if err := p.open(&s.expressions); err != nil {
		return nil, err
	}
	if in.FilterExpression != nil {
		if sel.filter, err = p.conditionIn(expression.FilterExpression, in.FilterExpression); err != nil {
			return nil, err
		}
	}
	if in.ProjectionExpression != nil {
		if sel.project, err = p.projectionIn(in.ProjectionExpression); err != nil {
			return nil, err
		}
	}
	return sel, p.CheckUsed()
}

func checkSegment(segment, total *int32) error {
	switch {
	case segment != nil && total == nil:
		return refuse("The TotalSegments parameter is required but was not present in the request when Segment parameter is present")
	case segment == nil && total != nil:
		return refuse("The Segment parameter is required but was not present in the request when parameter TotalSegments is present")
	case segment != nil && *segment >= *total:
		return refusef("The Segment parameter is zero-based and must be less than parameter TotalSegments: Segment: %d is not less than TotalSegments: %d", *segment, *total)
	}
	return nil
}

// fitScan checks that the scan fits its table or index, and sets what it reads.
func (sel *selection) fitScan(in *api.ScanInput) error {
	if sel.start != nil && sel.start.Len() != len(sel.keyNames()) {
		if sel.ix != nil {
			return refuse(errStart)
		}
		return refuse(errStart + ": The provided key element does not match the schema")
	}
	if sel.start != nil && sel.ix != nil {
		if err := sel.checkIndexKey(); err != nil {
			return err
		}
	}
	if err := sel.checkFetch(); err != nil {
		return err
	}
	if sel.start != nil {
		if err := sel.checkTableKey(); err != nil {
			return err
		}
	}
	sel.lo, sel.hi = segment(int64(aws.Value(in.Segment)), int64(aws.Or(in.TotalSegments, 1)))
	if sel.start != nil {
		key := sel.rowKey(sel.start)
		if bytes.Compare(key, sel.lo) < 0 || sel.hi != nil && bytes.Compare(key, sel.hi) >= 0 {
			return refusef(errStart+": Invalid ExclusiveStartKey. Please use ExclusiveStartKey with correct Segment. TotalSegments: %d Segment: %d",
				*in.TotalSegments, *in.Segment)
		}
	}
	if err := sel.checkScalars(sel.project.Attributes()); err != nil {
		return err
	}
	if err := sel.checkScalars(sel.filterAttributes()); err != nil {
		return err
	}
	sel.narrow()
	return nil
}

// segment returns the range of the hashes of one segment of several. AWS cuts
// them at multiples of a 4096th, as long as there are that many.
func segment(n, of int64) (lo, hi []byte) {
	cut := func(n int64) []byte {
		at := (n*4096 + of - 1) / of << 12
		if of > 4096 {
			at = (n<<24 + of - 1) / of
		}
		if n == 0 {
			return nil
		}
		if at >= 1<<24 {
			return nil
		}
		return []byte{byte(at >> 16), byte(at >> 8), byte(at)}
	}
	return cut(n), cut(n + 1)
}
