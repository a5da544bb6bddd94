package dynamodb

import (
	"context"
	"errors"
	"fmt"
	"slices"

	api "github.com/aloft-cloud/aloft/internal/api/dynamodb"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/item"
	"github.com/aloft-cloud/aloft/internal/service"
	"github.com/aloft-cloud/aloft/internal/service/dynamodb/partiql"
	"github.com/aloft-cloud/aloft/internal/store"
)

// ExecuteStatement does what a statement of PartiQL says.
func (s *Service) ExecuteStatement(ctx context.Context, call *aws.Call, in *api.ExecuteStatementInput) (*api.ExecuteStatementOutput, error) {
	st, err := s.statement(call, in.Statement, in.Parameters)
	if err != nil {
		return nil, err
	}
	switch {
	case st.Kind == partiql.Select:
		return s.executeSelect(ctx, st, in)
	case st.Kind == partiql.Exists:
		return nil, refuse("EXISTS is only supported within transactions")
	case in.NextToken != nil:
		return nil, refuse("NextToken is only valid on a SELECT statement")
	}
	var w *write
	err = s.db.Update(ctx, func(tx *store.Tx) error {
		if w, err = s.statementWrite(tx, st, in.ReturnValuesOnConditionCheckFailure); err != nil {
			return err
		}
		return s.run(tx, w)
	})
	if err != nil {
		return nil, err
	}
	out := &api.ExecuteStatementOutput{Items: []item.Item{}, ConsumedCapacity: w.capacity(in.ReturnConsumedCapacity, tableName(st.table))}
	if it := st.returned(w); it != nil {
		out.Items = append(out.Items, it)
	}
	return out, nil
}

// executeSelect returns a page of what st selects.
func (s *Service) executeSelect(ctx context.Context, st *statement, in *api.ExecuteStatementInput) (*api.ExecuteStatementOutput, error) {
	sel := st.selection()
	sel.limit, sel.consistent, sel.counted = int(aws.Value(in.Limit)), aws.Value(in.ConsistentRead), wanted(in.ReturnConsumedCapacity)
	var err error
	if sel.start, err = st.after(in.NextToken); err != nil {
		return nil, err
	}
	var p *page
	err = s.db.View(ctx, func(tx *store.Tx) error {
		p, err = sel.page(s, tx, func() error { return sel.fitStatement(st) })
		return err
	})
	if err != nil {
		return nil, err
	}
	return &api.ExecuteStatementOutput{
		Items: p.items, NextToken: st.token(p.last), LastEvaluatedKey: p.last,
		ConsumedCapacity: p.cost.describe(in.ReturnConsumedCapacity, tableName(st.table)),
	}, nil
}

// BatchExecuteStatement does what each of some statements says, whatever comes
// of the others.
func (s *Service) BatchExecuteStatement(ctx context.Context, call *aws.Call, in *api.BatchExecuteStatementInput) (*api.BatchExecuteStatementOutput, error) {
	list := make([]*statement, len(in.Statements))
	refusals := make([]error, len(in.Statements))
	for i, b := range in.Statements {
		if list[i], refusals[i] = s.statement(call, b.Statement, b.Parameters); refusals[i] != nil {
			list[i] = nil
		}
	}
	reads, mixed := kinds(list)
	if mixed {
		return nil, refuse("Read and write requests together in the same batch is not supported.")
	}
	do := s.db.Update
	if reads {
		do = s.db.View
	}
	var responses []api.BatchStatementResponse
	var costs []api.ConsumedCapacity
	err := do(ctx, func(tx *store.Tx) error {
		responses, costs = nil, nil
		for i, st := range list {
			var r api.BatchStatementResponse
			var c *cost
			err := refusals[i]
			if st != nil {
				r.TableName = new(tableName(st.table))
				r.Item, c, err = s.executeOne(tx, st, in.Statements[i])
			}
			if r.Error, err = batchError(err); err != nil {
				return err
			}
			if d := c.describe(in.ReturnConsumedCapacity, aws.Value(r.TableName)); d != nil {
				costs = append(costs, *d)
			}
			responses = append(responses, r)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &api.BatchExecuteStatementOutput{Responses: responses, ConsumedCapacity: costs}, nil
}

// kinds reports whether statements read, and whether some do and others don't.
// Those that could not be read are nil.
func kinds(list []*statement) (reads, mixed bool) {
	writes := false
	for _, st := range list {
		if st != nil {
			reads = reads || st.Kind == partiql.Select
			writes = writes || st.Kind != partiql.Select
		}
	}
	return reads, reads && writes
}

// executeOne does one statement of a batch. A nil cost is one that is not known.
func (s *Service) executeOne(tx *store.Tx, st *statement, in api.BatchStatementRequest) (item.Item, *cost, error) {
	if st.Kind == partiql.Select {
		t, err := s.findTable(tx, st.table)
		if err != nil {
			return nil, nil, err
		}
		if err := s.admitRead(t, nil); err != nil {
			return nil, nil, err
		}
		it, err := st.get(tx, t)
		if errors.Is(err, errNotOneKey) || st.Index != "" {
			return nil, nil, refuse("Select statements within BatchExecuteStatement must specify the primary key in the where clause.")
		}
		if err != nil {
			return nil, nil, err
		}
		c := &cost{table: getUnits(it.Size(), aws.Value(in.ConsistentRead)), read: true}
		s.charge(t, c, 1)
		if it == nil {
			return nil, c, nil
		}
		return st.output(it), c, nil
	}
	w, err := s.statementWrite(tx, st, in.ReturnValuesOnConditionCheckFailure)
	if err != nil {
		return nil, nil, err
	}
	if err := s.run(tx, w); err != nil {
		return nil, nil, err
	}
	return st.returned(w), new(w.cost()), nil
}

// batchError tells why a statement of a batch was refused. An error that
// refuses nothing is returned.
func batchError(err error) (*api.BatchStatementError, error) {
	if err == nil {
		return nil, nil
	}
	r, ok := errors.AsType[*aws.Error](err)
	if !ok {
		return nil, err
	}
	out := &api.BatchStatementError{Message: &r.Message, Code: new("ValidationError")}
	switch r.Fault {
	case api.ResourceNotFoundException:
		out.Code = new("ResourceNotFound")
	case api.DuplicateItemException:
		out.Code = new("DuplicateItem")
	case api.ProvisionedThroughputExceededException:
		out.Code = new("ProvisionedThroughputExceeded")
	case api.ThrottlingException:
		out.Code = new("ThrottlingError")
	case api.ConditionalCheckFailedException:
		out.Code = new("ConditionalCheckFailed")
		if d, ok := r.Detail.(*api.ConditionalCheckFailedExceptionDetail); ok {
			out.Item = d.Item
		}
	}
	return out, nil
}

// ExecuteTransaction does what all statements say, or nothing.
func (s *Service) ExecuteTransaction(ctx context.Context, call *aws.Call, in *api.ExecuteTransactionInput) (*api.ExecuteTransactionOutput, error) {
	list, err := s.transactStatements(call, in)
	if err != nil {
		return nil, err
	}
	reads, mixed := kinds(list)
	switch {
	case mixed:
		return nil, refuse("ExecuteTransaction API does not support both read and write operations in the same request.")
	case reads:
		return s.executeReads(ctx, list, in)
	}
	return s.executeWrites(ctx, call, list, in)
}

func (s *Service) transactStatements(call *aws.Call, in *api.ExecuteTransactionInput) ([]*statement, error) {
	var list []*statement
	for i, b := range in.TransactStatements {
		st, err := s.statement(call, b.Statement, b.Parameters)
		if err != nil {
			return nil, err
		}
		detail := ""
		switch {
		case st.Returning != "":
			detail = "RETURNING clause is not supported in ExecuteTransaction."
		case st.Index != "":
			detail = "Reads on indices are not supported within transactions."
		}
		if detail != "" {
			return nil, refuse(fmt.Sprintf("Validation failed in TransactStatements[%d]: %s", i, detail))
		}
		list = append(list, st)
	}
	return list, nil
}

// executeReads returns what all statements select at one time.
func (s *Service) executeReads(ctx context.Context, list []*statement, in *api.ExecuteTransactionInput) (*api.ExecuteTransactionOutput, error) {
	var out *api.ExecuteTransactionOutput
	err := s.db.View(ctx, func(tx *store.Tx) error {
		out = &api.ExecuteTransactionOutput{}
		var costs tableCosts
		for _, st := range list {
			t, err := s.findTable(tx, st.table)
			if err != nil {
				return err
			}
			if err := s.admitRead(t, nil); err != nil {
				return err
			}
			it, err := st.get(tx, t)
			if err != nil {
				return err
			}
			c := cost{table: transactional * getUnits(it.Size(), true), read: true}
			costs.add(t.name(), c)
			s.charge(t, &c, 1)
			r := api.ItemResponse{}
			if it != nil {
				r.Item = st.output(it)
			}
			out.Responses = append(out.Responses, r)
		}
		out.ConsumedCapacity = costs.describe(in.ReturnConsumedCapacity)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// executeWrites does what all statements say.
func (s *Service) executeWrites(ctx context.Context, call *aws.Call, list []*statement, in *api.ExecuteTransactionInput) (*api.ExecuteTransactionOutput, error) {
	tok, err := newToken(call, in.ClientRequestToken, in)
	if err != nil {
		return nil, err
	}
	out := &api.ExecuteTransactionOutput{Responses: []api.ItemResponse{}} // of writes AWS tells none
	var writes []*write
	err = s.db.Update(ctx, func(tx *store.Tx) error {
		writes = nil
		if done, err := tok.use(tx); err != nil || done {
			return err
		}
		for i, st := range list {
			w, err := s.statementWrite(tx, st, in.TransactStatements[i].ReturnValuesOnConditionCheckFailure)
			if err != nil {
				return err
			}
			writes = append(writes, w)
		}
		return s.transact(tx, writes)
	})
	if err != nil {
		return nil, err
	}
	out.ConsumedCapacity = transactionCosts(in.ReturnConsumedCapacity, writes)
	return out, nil
}

func (s *Service) statementAccess(call *aws.Call, in *api.ExecuteStatementInput, check func(service.Access) error) error {
	st, err := partiql.Parse(in.Statement, in.Parameters)
	if err != nil {
		return err
	}
	return s.checkStatement(call, st, "", check)
}

func (s *Service) batchStatementAccess(call *aws.Call, in *api.BatchExecuteStatementInput, check func(service.Access) error) error {
	for _, b := range in.Statements {
		st, err := partiql.Parse(b.Statement, b.Parameters)
		if err != nil {
			continue // the handler says why
		}
		if err := s.checkStatement(call, st, "BatchExecuteStatement", check); err != nil {
			return err
		}
	}
	return nil
}

func (s *Service) transactStatementAccess(call *aws.Call, in *api.ExecuteTransactionInput, check func(service.Access) error) error {
	for _, b := range in.TransactStatements {
		st, err := partiql.Parse(b.Statement, b.Parameters)
		if err != nil {
			return err
		}
		if err := s.checkStatement(call, st, "ExecuteTransaction", check); err != nil {
			return err
		}
	}
	return nil
}

// checkStatement checks for leave to do what st says, as a part of the
// operation enclosing, or alone.
func (s *Service) checkStatement(call *aws.Call, st *partiql.Statement, enclosing string, check func(service.Access) error) error {
	return s.checkItems(call, "PartiQL"+st.Kind.String(), st.Table, check, func(f *facts) {
		f.index = st.Index
		if enclosing != "" {
			f.set("dynamodb:EnclosingOperation", &enclosing)
		}
		f.statement(st)
	})
}

// statement notes what st is about.
func (f *facts) statement(st *partiql.Statement) {
	if f.onlyIndex {
		return
	}
	for _, name := range st.Names {
		f.names([]string{name})
	}
	if st.Kind == partiql.Insert {
		f.put(st.Item)
		return
	}
	t := f.find()
	if t == nil {
		return
	}
	k := &t.Key
	for ix := range t.indexes {
		if ix.Name == st.Index {
			k = &ix.Key
		}
	}
	f.hash, _ = st.Equal(k.Hash[0].Name)
	if st.Kind == partiql.Select {
		all := slices.ContainsFunc(k.Hash, func(d definition) bool { v, _ := st.Equal(d.Name); return v == nil })
		f.set("dynamodb:FullTableScan", new(fmt.Sprint(all)))
	}
}
