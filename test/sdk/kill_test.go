package sdk_test

import (
	"context"
	"fmt"
	"os"
	"strconv"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// TestKill kills the binary under load, again and again, and finds after each
// restart all that was acknowledged: each writer counts, and adds its count and
// a twin of it in one transaction, so a half-written one would be seen.
// ALOFT_KILLS says how often, 10 if not set.
func TestKill(t *testing.T) {
	kills := 10
	if n, err := strconv.Atoi(os.Getenv("ALOFT_KILLS")); err == nil {
		kills = n
	}
	if _, err := build(); err != nil { // not a part of the first start
		t.Fatal(err)
	}
	data := t.TempDir()
	const writers = 16
	var acked [writers]int
	for round := range kills + 1 {
		began := time.Now()
		a := start(t, data)
		if took := time.Since(began); took > time.Second {
			t.Errorf("round %d: open after %v, want 1 s at most", round, took)
		}
		client := dynamodb.NewFromConfig(config(a), func(o *dynamodb.Options) { o.Retryer = aws.NopRetryer{} })
		if round == 0 {
			createCounters(t, client)
		}
		for w := range writers {
			n, twin := counters(t, client, w)
			if n != twin {
				t.Fatalf("round %d: writer %d: counter %d, its twin %d", round, w, n, twin)
			}
			if n < acked[w] || n > acked[w]+1 {
				t.Fatalf("round %d: writer %d: counter %d, but %d was acknowledged", round, w, n, acked[w])
			}
			acked[w] = n
		}
		if round < kills {
			writeUntilKilled(t, a, client, &acked, time.Duration(20+round%7*15)*time.Millisecond)
		}
	}
	total := 0
	for _, n := range acked {
		total += n
	}
	if total == 0 {
		t.Error("nothing was written")
	}
	t.Logf("%d kills, %d transactions acknowledged, none lost", kills, total)
}

func createCounters(t *testing.T, client *dynamodb.Client) {
	t.Helper()
	_, err := client.CreateTable(t.Context(), &dynamodb.CreateTableInput{
		TableName: new("counters"), BillingMode: types.BillingModePayPerRequest,
		AttributeDefinitions: []types.AttributeDefinition{{AttributeName: new("id"), AttributeType: "S"}},
		KeySchema:            []types.KeySchemaElement{{AttributeName: new("id"), KeyType: "HASH"}},
	})
	check(t, err)
}

func counterKey(w int, kind string) map[string]types.AttributeValue {
	return map[string]types.AttributeValue{"id": &types.AttributeValueMemberS{Value: fmt.Sprintf("%d-%s", w, kind)}}
}

// counters reads the counter of writer w, and its twin.
func counters(t *testing.T, client *dynamodb.Client, w int) (n, twin int) {
	t.Helper()
	read := func(kind string) int {
		out, err := client.GetItem(t.Context(), &dynamodb.GetItemInput{TableName: new("counters"), Key: counterKey(w, kind), ConsistentRead: new(true)})
		check(t, err)
		v, ok := out.Item["n"].(*types.AttributeValueMemberN)
		if !ok {
			return 0
		}
		n, err := strconv.Atoi(v.Value)
		check(t, err)
		return n
	}
	return read("n"), read("twin")
}

// writeUntilKilled has all writers count until a is killed after a while.
func writeUntilKilled(t *testing.T, a *aloft, client *dynamodb.Client, acked *[16]int, after time.Duration) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	for w := range acked {
		wg.Go(func() {
			add := func(kind string) types.TransactWriteItem {
				return types.TransactWriteItem{Update: &types.Update{
					TableName: new("counters"), Key: counterKey(w, kind), UpdateExpression: new("ADD n :one"),
					ExpressionAttributeValues: map[string]types.AttributeValue{":one": &types.AttributeValueMemberN{Value: "1"}},
				}}
			}
			for ctx.Err() == nil {
				_, err := client.TransactWriteItems(ctx, &dynamodb.TransactWriteItemsInput{TransactItems: []types.TransactWriteItem{add("n"), add("twin")}})
				if err != nil {
					return // killed
				}
				acked[w]++
			}
		})
	}
	time.Sleep(after)
	a.stop(syscall.SIGKILL)
	cancel()
	wg.Wait()
}
