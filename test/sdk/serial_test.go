package sdk_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// TestStrictSerializability appends to lists from many clients, alone, under
// conditions and in transactions, reads them by TransactGetItems and by Query,
// and kills the binary meanwhile. What was read tells the order of the appends,
// and that which must have come before which; with what the clock says, that
// must have no cycle. ALOFT_SERIAL says how often the binary is killed, 3 if
// not set.
func TestStrictSerializability(t *testing.T) {
	kills := 3
	if n, err := strconv.Atoi(os.Getenv("ALOFT_SERIAL")); err == nil {
		kills = n
	}
	data := t.TempDir()
	h := new(history)
	for round := range kills + 1 {
		a := start(t, data)
		client := dynamodb.NewFromConfig(config(a), func(o *dynamodb.Options) { o.Retryer = aws.NopRetryer{} })
		if round == 0 {
			createLists(t, client)
		}
		ctx, cancel := context.WithCancel(t.Context())
		var wg sync.WaitGroup
		for w := range 12 {
			wg.Go(func() {
				random := rand.New(rand.NewPCG(uint64(round), uint64(w)))
				for ctx.Err() == nil && h.one(ctx, client, random) {
				}
			})
		}
		time.Sleep(300 * time.Millisecond)
		if round < kills {
			a.stop(syscall.SIGKILL)
		}
		cancel()
		wg.Wait()
		if round == kills {
			h.query(t.Context(), client) // all that there is
		}
	}
	h.check(t)
}

const (
	lists     = "lists"
	partition = "all"
	listCount = 6
)

func createLists(t *testing.T, client *dynamodb.Client) {
	t.Helper()
	_, err := client.CreateTable(t.Context(), &dynamodb.CreateTableInput{
		TableName: new(lists), BillingMode: types.BillingModePayPerRequest,
		AttributeDefinitions: []types.AttributeDefinition{{AttributeName: new("p"), AttributeType: "S"}, {AttributeName: new("k"), AttributeType: "N"}},
		KeySchema:            []types.KeySchemaElement{{AttributeName: new("p"), KeyType: "HASH"}, {AttributeName: new("k"), KeyType: "RANGE"}},
	})
	check(t, err)
}

// An act is one request: what it appended to which list, and which lists it
// read, as long as they were then.
type act struct {
	begin, end time.Time // end is zero if nobody knows whether it was done
	appends    map[int]int
	reads      map[int]int // lengths
}

// A history is all that was done.
type history struct {
	mu     sync.Mutex
	acts   []*act
	values int           // given out
	longer map[int][]int // the longest that each list was read
	torn   []string      // lists that were read and are no prefix of one another
}

// one does one thing, and reports whether the binary is still there.
func (h *history) one(ctx context.Context, client *dynamodb.Client, random *rand.Rand) bool {
	switch random.IntN(5) {
	case 0:
		return h.query(ctx, client)
	case 1:
		return h.get(ctx, client, random)
	case 2:
		return h.appendTo(ctx, client, random.IntN(listCount))
	case 3:
		return h.appendIf(ctx, client, random.IntN(listCount))
	}
	return h.appendBoth(ctx, client, random)
}

// begin notes an act that begins.
func (h *history) begin(keys ...int) *act {
	h.mu.Lock()
	defer h.mu.Unlock()
	a := &act{appends: make(map[int]int), reads: make(map[int]int)}
	for _, k := range keys {
		h.values++
		a.appends[k] = h.values
	}
	h.acts = append(h.acts, a)
	a.begin = time.Now()
	return a
}

// done notes that a was done, and reports whether the binary is still there. A
// refusal did nothing.
func (h *history) done(a *act, err error) bool {
	end := time.Now()
	h.mu.Lock()
	defer h.mu.Unlock()
	var conditional *types.ConditionalCheckFailedException
	var canceled *types.TransactionCanceledException
	switch {
	case err == nil:
		a.end = end
	case errors.As(err, &conditional) || errors.As(err, &canceled):
		a.end, a.appends, a.reads = end, nil, nil
	default:
		a.reads = nil
		return false
	}
	return true
}

// read notes that a read the list k.
func (h *history) read(a *act, k int, v types.AttributeValue) {
	var list []int
	if l, ok := v.(*types.AttributeValueMemberL); ok {
		for _, e := range l.Value {
			n, _ := strconv.Atoi(e.(*types.AttributeValueMemberN).Value)
			list = append(list, n)
		}
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	a.reads[k] = len(list)
	if h.longer == nil {
		h.longer = make(map[int][]int)
	}
	long := h.longer[k]
	if len(list) > len(long) {
		long, list, h.longer[k] = list, long, list
	}
	if !slices.Equal(long[:len(list)], list) {
		h.torn = append(h.torn, fmt.Sprintf("list %d was %v and %v", k, list, long))
	}
}

func listKey(k int) map[string]types.AttributeValue {
	return map[string]types.AttributeValue{"p": &types.AttributeValueMemberS{Value: partition}, "k": &types.AttributeValueMemberN{Value: strconv.Itoa(k)}}
}

const appendUpdate = "SET l = list_append(if_not_exists(l, :none), :v)"

func appendValues(v int) map[string]types.AttributeValue {
	one := []types.AttributeValue{&types.AttributeValueMemberN{Value: strconv.Itoa(v)}}
	return map[string]types.AttributeValue{":none": &types.AttributeValueMemberL{Value: []types.AttributeValue{}}, ":v": &types.AttributeValueMemberL{Value: one}}
}

// query reads all lists; those that are not there are empty.
func (h *history) query(ctx context.Context, client *dynamodb.Client) bool {
	a := h.begin()
	out, err := client.Query(ctx, &dynamodb.QueryInput{
		TableName: new(lists), KeyConditionExpression: new("p = :p"), ConsistentRead: new(true),
		ExpressionAttributeValues: map[string]types.AttributeValue{":p": &types.AttributeValueMemberS{Value: partition}},
	})
	ok := h.done(a, err)
	if err != nil {
		return ok
	}
	found := make(map[int]types.AttributeValue)
	for _, it := range out.Items {
		k, _ := strconv.Atoi(it["k"].(*types.AttributeValueMemberN).Value)
		found[k] = it["l"]
	}
	for k := range listCount {
		h.read(a, k, found[k])
	}
	return ok
}

// get reads two lists at one time.
func (h *history) get(ctx context.Context, client *dynamodb.Client, random *rand.Rand) bool {
	keys := random.Perm(listCount)[:2]
	a := h.begin()
	in := &dynamodb.TransactGetItemsInput{}
	for _, k := range keys {
		in.TransactItems = append(in.TransactItems, types.TransactGetItem{Get: &types.Get{TableName: new(lists), Key: listKey(k)}})
	}
	out, err := client.TransactGetItems(ctx, in)
	ok := h.done(a, err)
	for i, k := range keys {
		if err == nil {
			h.read(a, k, out.Responses[i].Item["l"])
		}
	}
	return ok
}

func (h *history) appendTo(ctx context.Context, client *dynamodb.Client, k int) bool {
	a := h.begin(k)
	out, err := client.UpdateItem(ctx, &dynamodb.UpdateItemInput{
		TableName: new(lists), Key: listKey(k), UpdateExpression: new(appendUpdate), ExpressionAttributeValues: appendValues(a.appends[k]), ReturnValues: types.ReturnValueAllOld,
	})
	ok := h.done(a, err)
	if err == nil {
		h.read(a, k, out.Attributes["l"])
	}
	return ok
}

// appendIf appends if a list is as long as it was read before.
func (h *history) appendIf(ctx context.Context, client *dynamodb.Client, k int) bool {
	a := h.begin()
	got, err := client.GetItem(ctx, &dynamodb.GetItemInput{TableName: new(lists), Key: listKey(k), ConsistentRead: new(true)})
	ok := h.done(a, err)
	if err != nil {
		return ok
	}
	h.read(a, k, got.Item["l"])
	b := h.begin(k)
	values := appendValues(b.appends[k])
	condition := "attribute_not_exists(l)"
	if a.reads[k] > 0 {
		condition = "size(l) = :n"
		values[":n"] = &types.AttributeValueMemberN{Value: strconv.Itoa(a.reads[k])}
	}
	_, err = client.UpdateItem(ctx, &dynamodb.UpdateItemInput{
		TableName: new(lists), Key: listKey(k), UpdateExpression: new(appendUpdate), ConditionExpression: &condition, ExpressionAttributeValues: values,
	})
	if ok = h.done(b, err); err == nil {
		h.read(b, k, got.Item["l"])
	}
	return ok
}

// appendBoth appends to two lists at once.
func (h *history) appendBoth(ctx context.Context, client *dynamodb.Client, random *rand.Rand) bool {
	keys := random.Perm(listCount)[:2]
	a := h.begin(keys...)
	in := &dynamodb.TransactWriteItemsInput{}
	for _, k := range keys {
		in.TransactItems = append(in.TransactItems, types.TransactWriteItem{Update: &types.Update{
			TableName: new(lists), Key: listKey(k), UpdateExpression: new(appendUpdate), ExpressionAttributeValues: appendValues(a.appends[k]),
		}})
	}
	_, err := client.TransactWriteItems(ctx, in)
	return h.done(a, err)
}

// check looks for what no order of the acts explains.
func (h *history) check(t *testing.T) {
	for _, torn := range h.torn {
		t.Error(torn)
	}
	writer := make(map[int]int) // of a value: the index of its act
	for i, a := range h.acts {
		for k, v := range a.appends {
			writer[v] = i
			if !a.end.IsZero() && !slices.Contains(h.longer[k], v) {
				t.Errorf("%d was appended to list %d, and is lost", v, k)
			}
		}
	}
	next := h.realTime()
	for k, list := range h.longer {
		for i := 1; i < len(list); i++ {
			next[writer[list[i-1]]] = append(next[writer[list[i-1]]], writer[list[i]])
		}
		for i, a := range h.acts {
			n, read := a.reads[k]
			if !read {
				continue
			}
			if n > 0 {
				next[writer[list[n-1]]] = append(next[writer[list[n-1]]], i)
			}
			if n < len(list) && writer[list[n]] != i {
				next[i] = append(next[i], writer[list[n]])
			}
		}
	}
	if left := cyclic(next); left > 0 {
		t.Errorf("%d of %d requests are in no order", left, len(h.acts))
	}
	t.Logf("%d requests, %d values appended", len(h.acts), h.values)
	if h.values < 10 {
		t.Error("next to nothing was done")
	}
}

// realTime returns what comes after each act because it began when that had
// ended: not directly, but by way of the ends, each of which has a place behind
// the acts.
func (h *history) realTime() [][]int {
	n := len(h.acts)
	next := make([][]int, n, 2*n)
	var ended []int
	for i, a := range h.acts {
		if !a.end.IsZero() {
			ended = append(ended, i)
		}
	}
	slices.SortFunc(ended, func(i, j int) int { return h.acts[i].end.Compare(h.acts[j].end) })
	for at, i := range ended {
		next[i] = append(next[i], n+at)
		var after []int
		if at+1 < len(ended) {
			after = append(after, n+at+1)
		}
		next = append(next, after)
	}
	for i, a := range h.acts {
		at, _ := slices.BinarySearchFunc(ended, a.begin, func(e int, begin time.Time) int { return h.acts[e].end.Compare(begin) })
		if at > 0 {
			next[n+at-1] = append(next[n+at-1], i)
		}
	}
	return next
}

// cyclic returns how many nodes are in cycles of a graph, or behind one.
func cyclic(next [][]int) int {
	before := make([]int, len(next))
	for _, list := range next {
		for _, i := range list {
			before[i]++
		}
	}
	var ready []int
	for i, n := range before {
		if n == 0 {
			ready = append(ready, i)
		}
	}
	done := 0
	for len(ready) > 0 {
		i := ready[len(ready)-1]
		ready = ready[:len(ready)-1]
		done++
		for _, j := range next[i] {
			if before[j]--; before[j] == 0 {
				ready = append(ready, j)
			}
		}
	}
	return len(next) - done
}

// TestCyclic checks that the checker sees a cycle.
func TestCyclic(t *testing.T) {
	if n := cyclic([][]int{{1}, {2}, {}}); n != 0 {
		t.Errorf("a line has %d nodes in cycles", n)
	}
	if n := cyclic([][]int{{1}, {2}, {1}}); n != 2 {
		t.Errorf("a cycle has %d nodes, want 2", n)
	}
}
