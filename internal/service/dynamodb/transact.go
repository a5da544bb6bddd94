package dynamodb

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"strings"
	"time"

	api "github.com/aloft-cloud/aloft/internal/api/dynamodb"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/item"
	"github.com/aloft-cloud/aloft/internal/protocol"
	"github.com/aloft-cloud/aloft/internal/service/dynamodb/expression"
	"github.com/aloft-cloud/aloft/internal/store"
)

const (
	maxTransactionBytes = 4 << 20

	errSameItem = "Transaction request cannot include multiple operations on one item"
)

// TransactWriteItems does several writes, or none of them.
func (s *Service) TransactWriteItems(ctx context.Context, call *aws.Call, in *api.TransactWriteItemsInput) (*api.TransactWriteItemsOutput, error) {
	writes, err := s.transactWrites(call, in)
	if err != nil {
		return nil, err
	}
	tok, err := newToken(call, in.ClientRequestToken, in)
	if err != nil {
		return nil, err
	}
	done := false // before, by a request with the same token
	err = s.db.Update(ctx, func(tx *store.Tx) error {
		if done, err = tok.use(tx); err != nil || done {
			return err
		}
		return s.transact(tx, writes)
	})
	if err != nil {
		return nil, err
	}
	out := &api.TransactWriteItemsOutput{}
	if done {
		return out, nil
	}
	out.ConsumedCapacity = transactionCosts(in.ReturnConsumedCapacity, writes)
	for _, w := range writes {
		if m := w.collection(in.ReturnItemCollectionMetrics); m != nil {
			if out.ItemCollectionMetrics == nil {
				out.ItemCollectionMetrics = make(map[string][]api.ItemCollectionMetrics)
			}
			name := tableName(w.table)
			out.ItemCollectionMetrics[name] = append(out.ItemCollectionMetrics[name], *m)
		}
	}
	return out, nil
}

// transactionCosts tells what writes have consumed, by table in the order in
// which they come.
func transactionCosts(parameter *string, writes []*write) []api.ConsumedCapacity {
	if !wanted(parameter) {
		return nil
	}
	var costs tableCosts
	for _, w := range writes {
		costs.add(tableName(w.table), w.cost().times(transactional))
	}
	return costs.describe(parameter)
}

// transactWrites reads what TransactWriteItems is asked to do.
func (s *Service) transactWrites(call *aws.Call, in *api.TransactWriteItemsInput) ([]*write, error) {
	var writes []*write
	for _, a := range in.TransactItems {
		n := 0
		for _, given := range []bool{a.Put != nil, a.Update != nil, a.Delete != nil, a.ConditionCheck != nil} {
			if given {
				n++
			}
		}
		if n != 1 {
			return nil, refuse("TransactItems can only contain one of Check, Put, Update or Delete")
		}
		w, err := s.transactWrite(call, a)
		if err != nil {
			return nil, err
		}
		w.needOld = wanted(in.ReturnConsumedCapacity)
		writes = append(writes, w)
	}
	return writes, nil
}

// transactWrite reads one action of a transaction.
func (s *Service) transactWrite(call *aws.Call, a api.TransactWriteItem) (*write, error) {
	w := &write{}
	p := &parameters{}
	var name string
	var condition, update *string
	switch {
	case a.Put != nil:
		name, w.item, condition, w.returnItem = a.Put.TableName, a.Put.Item, a.Put.ConditionExpression, a.Put.ReturnValuesOnConditionCheckFailure
		p.names, p.values = a.Put.ExpressionAttributeNames, a.Put.ExpressionAttributeValues
	case a.Update != nil:
		name, w.key, condition, w.returnItem = a.Update.TableName, a.Update.Key, a.Update.ConditionExpression, a.Update.ReturnValuesOnConditionCheckFailure
		p.names, p.values = a.Update.ExpressionAttributeNames, a.Update.ExpressionAttributeValues
		update = &a.Update.UpdateExpression
		p.expressions = append(p.expressions, textParameter(expression.UpdateExpression, update))
	case a.Delete != nil:
		name, w.key, condition, w.returnItem = a.Delete.TableName, a.Delete.Key, a.Delete.ConditionExpression, a.Delete.ReturnValuesOnConditionCheckFailure
		p.names, p.values = a.Delete.ExpressionAttributeNames, a.Delete.ExpressionAttributeValues
	default:
		c := a.ConditionCheck
		name, w.key, condition, w.returnItem = c.TableName, c.Key, &c.ConditionExpression, c.ReturnValuesOnConditionCheckFailure
		p.names, p.values = c.ExpressionAttributeNames, c.ExpressionAttributeValues
		w.checkOnly = true
	}
	p.expressions = append(p.expressions, textParameter(expression.ConditionExpression, condition))
	var err error
	if w.table, err = tableARN(call, name); err != nil {
		return nil, err
	}
	if err := p.begin(); err != nil {
		return nil, err
	}
	if err := checkValues(w.target()); err != nil {
		return nil, err
	}
	if w.item.Size() > maxItem {
		return nil, errItemSize
	}
	return w, s.conditions(p, w, nil, nil, condition, update)
}

// transact does writes, or refuses with the reasons of those that cannot be
// done: of the first that does not fit its table, else of all that fail.
func (s *Service) transact(tx *store.Tx, writes []*write) error {
	reasons := noReasons(len(writes))
	seen := make(map[string]bool, len(writes))
	for i, w := range writes {
		var err error
		if w.t, err = s.findTable(tx, w.table); err != nil {
			return err
		}
		err = w.check()
		if err == nil {
			err = s.admitWrite(w.t)
		}
		if err != nil {
			if reasons[i], err = reason(err); err != nil {
				return err
			}
			return canceled(reasons)
		}
		key := w.t.ID + string(w.t.itemKey(w.target()))
		if seen[key] {
			return refuse(errSameItem)
		}
		seen[key] = true
	}
	failed, size := false, 0
	for i, w := range writes {
		if err := s.runChecked(tx, w, transactional); err != nil {
			failed = true
			if reasons[i], err = reason(err); err != nil {
				return err
			}
		}
		size += w.new.Size()
	}
	switch {
	case failed:
		return canceled(reasons)
	case size > maxTransactionBytes:
		return errTransactionSize
	}
	return nil
}

func noReasons(n int) []api.CancellationReason {
	reasons := make([]api.CancellationReason, n)
	for i := range reasons {
		reasons[i].Code = new("None")
	}
	return reasons
}

// reason is why a part of a transaction cannot be done: what err refuses. An
// error that refuses nothing is returned.
func reason(err error) (api.CancellationReason, error) {
	r, ok := errors.AsType[*aws.Error](err)
	if !ok {
		return api.CancellationReason{}, err
	}
	if strings.HasPrefix(r.Message, emptyKey) {
		return api.CancellationReason{}, err // it ends the transaction before that has begun
	}
	out := api.CancellationReason{Code: new("ValidationError"), Message: &r.Message}
	switch r.Fault {
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

func canceled(reasons []api.CancellationReason) error {
	codes := make([]string, len(reasons))
	for i, r := range reasons {
		codes[i] = *r.Code
	}
	return api.TransactionCanceledException.With(&api.TransactionCanceledExceptionDetail{CancellationReasons: reasons},
		"Transaction cancelled, please refer cancellation reasons for specific reasons ["+strings.Join(codes, ", ")+"]")
}

// A transactGet is one item that TransactGetItems is asked for.
type transactGet struct {
	table   aws.ARN
	key     item.Item
	project *expression.Projection
}

// TransactGetItems returns several items as they are at one time.
func (s *Service) TransactGetItems(ctx context.Context, call *aws.Call, in *api.TransactGetItemsInput) (*api.TransactGetItemsOutput, error) {
	gets, err := s.transactGets(call, in)
	if err != nil {
		return nil, err
	}
	var out *api.TransactGetItemsOutput
	err = s.db.View(ctx, func(tx *store.Tx) error {
		out = &api.TransactGetItemsOutput{}
		return s.transactGet(tx, gets, in.ReturnConsumedCapacity, out)
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

func (s *Service) transactGets(call *aws.Call, in *api.TransactGetItemsInput) ([]transactGet, error) {
	var gets []transactGet
	for _, a := range in.TransactItems {
		g := transactGet{key: a.Get.Key}
		p := &parameters{
			names:       a.Get.ExpressionAttributeNames,
			expressions: []parameter{textParameter(expression.ProjectionExpression, a.Get.ProjectionExpression)},
		}
		var err error
		if g.table, err = tableARN(call, a.Get.TableName); err != nil {
			return nil, err
		}
		if err := p.begin(); err != nil {
			return nil, err
		}
		if err := checkValues(a.Get.Key); err != nil {
			return nil, err
		}
		if g.project, err = s.projection(p, nil, a.Get.ProjectionExpression); err != nil {
			return nil, err
		}
		gets = append(gets, g)
	}
	return gets, nil
}

func (s *Service) transactGet(tx *store.Tx, gets []transactGet, parameter *string, out *api.TransactGetItemsOutput) error {
	reasons := noReasons(len(gets))
	seen := make(map[string]bool, len(gets))
	var costs tableCosts
	size := 0
	for i, g := range gets {
		t, err := s.findTable(tx, g.table)
		if err != nil {
			return err
		}
		it, err := t.get(tx, g.key, g.project)
		if err == nil {
			err = s.admitRead(t, nil)
		}
		if err != nil {
			if reasons[i], err = reason(err); err != nil {
				return err
			}
			return canceled(reasons)
		}
		key := t.ID + string(t.itemKey(g.key))
		if seen[key] {
			return refuse(errSameItem)
		}
		seen[key] = true
		if size += it.Size(); size > maxTransactionBytes {
			return errTransactionSize
		}
		c := cost{table: transactional * getUnits(it.Size(), true), read: true}
		costs.add(t.name(), c)
		s.charge(t, &c, 1)
		r := api.ItemResponse{}
		if it != nil {
			r.Item = g.project.Apply(it)
		}
		out.Responses = append(out.Responses, r)
	}
	out.ConsumedCapacity = costs.describe(parameter)
	return nil
}

var (
	tokens    = store.NewTable[tokenKey, tokenRow]("dynamodb.token")
	tokensDue = store.NewTable[tokenDueKey, struct{}]("dynamodb.tokendue")
)

// tokenLife is how long a request with the same token is the same request.
const tokenLife = 10 * time.Minute

// A tokenKey names a ClientRequestToken of an account and region.
type tokenKey struct {
	Owner aws.ARN // of no resource
	Token string
}

type tokenRow struct {
	Digest []byte // of the request
	Due    time.Time
}

// A tokenDueKey orders tokens by when they are forgotten.
type tokenDueKey struct {
	Due   time.Time
	Token tokenKey
}

// A token makes a request happen once. The nil token does nothing.
type token struct {
	key    tokenKey
	digest []byte
}

func newToken(call *aws.Call, text *string, in any) (*token, error) {
	if text == nil {
		return nil, nil
	}
	b, err := protocol.EncodeJSON(in)
	if err != nil {
		return nil, fmt.Errorf("digest of a request: %w", err)
	}
	sum := sha256.Sum256(b)
	return &token{tokenKey{call.ARN("dynamodb", ""), *text}, sum[:]}, nil
}

// use notes the token, and reports whether the request was done before.
func (k *token) use(tx *store.Tx) (done bool, err error) {
	if k == nil {
		return false, nil
	}
	now := time.Now()
	row, err := tokens.Get(tx, k.key)
	switch {
	case err == nil && row.Due.After(now):
		if string(row.Digest) != string(k.digest) {
			return false, api.IdempotentParameterMismatchException.With(nil,
				"An error occurred (IdempotentParameterMismatchException): Request parameters do not match those of the earlier request with the same client token")
		}
		return true, nil
	case err != nil && !errors.Is(err, store.ErrNotFound):
		return false, err
	}
	due := now.Add(tokenLife)
	if err := tokens.Put(tx, k.key, tokenRow{k.digest, due}); err != nil {
		return false, err
	}
	return false, tokensDue.Put(tx, tokenDueKey{due, k.key}, struct{}{})
}

// forgetTokens removes tokens whose time is over.
func (s *Service) forgetTokens(ctx context.Context) (time.Duration, error) {
	const most = 1000
	n := 0
	err := s.db.Update(ctx, func(tx *store.Tx) error {
		n = 0
		for key := range tokensDue.Scan(tx, tokenDueKey{}) {
			if key.Due.After(time.Now()) || n == most {
				break
			}
			n++
			if err := tokensDue.Delete(tx, key); err != nil {
				return err
			}
			row, err := tokens.Get(tx, key.Token)
			if err == nil && row.Due.Equal(key.Due) {
				err = tokens.Delete(tx, key.Token)
			}
			if err != nil && !errors.Is(err, store.ErrNotFound) {
				return err
			}
		}
		return nil
	})
	if n == most {
		return 0, err
	}
	return tokenLife, err
}
