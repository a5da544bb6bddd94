package main

import (
	"bufio"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	api "github.com/aloft-cloud/aloft/internal/api/dynamodb"
	"github.com/aloft-cloud/aloft/internal/client"
	"github.com/aloft-cloud/aloft/internal/item"
)

const (
	fewItems     = 10_000
	expiredItems = 1_000_000
	batchItems   = 25
	fillClients  = 32
	scaleClients = 16
	aloneRuns    = 30     // of the writes that expiry is compared with
	randomKeys   = 50_000 // of the requests of one load, so that caches cannot know them all
)

// scale measures what a large table costs: items among many against items
// among few, a start after kill -9 in the middle of writes, and writes while a
// million items expire. It takes minutes, so it runs only when it is named.
func (b *bench) scale() error {
	many := *b
	data := filepath.Join(b.dir, "many")
	var err error
	if many.aloft, err = b.serve(data); err != nil {
		return err
	}
	defer func() { many.aloft.stop() }()
	for _, t := range []struct {
		b     *bench
		items int
	}{{b, fewItems}, {&many, b.items}} {
		if err := t.b.createPlain("scale"); err != nil {
			return err
		}
		began := time.Now()
		if err := t.b.fill("scale", "", t.items); err != nil {
			return err
		}
		row(fmt.Sprintf("BatchWriteItem of %d items", t.items), fmt.Sprintf("%.0f/s", float64(t.items)/time.Since(began).Seconds()), "")
	}
	took, err := many.aloft.settle()
	if err != nil {
		return err
	}
	row("compacted after that", fmt.Sprintf("%.0f s", took.Seconds()), "")
	for _, clients := range []int{1, scaleClients} {
		for _, operation := range []string{"GetItem", "PutItem"} {
			if err := b.compareSizes(&many, operation, clients); err != nil {
				return err
			}
		}
	}
	mb, _, err := many.aloft.residentMB()
	if err != nil {
		return err
	}
	row("memory after that", fmt.Sprintf("%.0f MB", mb), "")
	if err := many.crash(data); err != nil {
		return err
	}
	return many.expire()
}

// settle waits until a has written in order what it was given, and returns how
// long that took: until it does next to nothing for a second.
func (a *instance) settle() (time.Duration, error) {
	const quiet, most = 50 * time.Millisecond, 3 * time.Minute
	began := time.Now()
	for time.Since(began) < most {
		before, err := a.cpu()
		if err != nil {
			return 0, err
		}
		time.Sleep(time.Second)
		if after, err := a.cpu(); err != nil || after-before < quiet {
			return time.Since(began), err
		}
	}
	return time.Since(began), nil
}

// createPlain makes a table with a key of one attribute.
func (b *bench) createPlain(name string) error {
	_, err := client.Do(b.ctx, b.client(), api.CreateTable, &api.CreateTableInput{
		TableName: name, BillingMode: new("PAY_PER_REQUEST"),
		AttributeDefinitions: []api.AttributeDefinition{{AttributeName: "pk", AttributeType: "S"}},
		KeySchema:            []api.KeySchemaElement{{AttributeName: "pk", KeyType: "HASH"}},
	})
	return err
}

// plainKey is the key of the item of that number.
func plainKey(i int) string { return fmt.Sprintf("key-%08d", i) }

// plainItem is the item of that number, with more attributes in JSON.
func plainItem(i int, more string) string {
	return fmt.Sprintf(`{"pk":{"S":"%s"},"text":{"S":"%s"},"n":{"N":"%d"}%s}`, plainKey(i), filler, i, more)
}

// fill writes items in batches, from many clients.
func (b *bench) fill(table, more string, items int) error {
	var next atomic.Int64
	var mu sync.Mutex
	var failed error
	var wg sync.WaitGroup
	for range fillClients {
		wg.Go(func() {
			err := b.fillSome(&next, table, more, items)
			mu.Lock()
			defer mu.Unlock()
			failed = errors.Join(failed, err)
		})
	}
	wg.Wait()
	return failed
}

// fillSome writes batches over one connection until there are no more.
func (b *bench) fillSome(next *atomic.Int64, table, more string, items int) error {
	conn, err := net.Dial("tcp", b.aloft.addr)
	if err != nil {
		return err
	}
	defer conn.Close()
	in := bufio.NewReaderSize(conn, 64<<10)
	for {
		first := int(next.Add(batchItems)) - batchItems
		if first >= items {
			return nil
		}
		var body strings.Builder
		body.WriteString(`{"RequestItems":{"` + table + `":[`)
		for i := first; i < min(first+batchItems, items); i++ {
			if i > first {
				body.WriteByte(',')
			}
			body.WriteString(`{"PutRequest":{"Item":` + plainItem(i, more) + `}}`)
		}
		body.WriteString(`]}}`)
		if _, err := conn.Write(b.request("BatchWriteItem", body.String())); err != nil {
			return err
		}
		if err := readAnswer(in); err != nil {
			return err
		}
	}
}

// random returns a load of requests for random items of a table, of those
// numbers.
func (b *bench) random(operation, table string, from, to, clients int) load {
	l := load{clients: clients, duration: b.duration}
	for range randomKeys {
		i := from + rand.IntN(to-from)
		body := fmt.Sprintf(`{"TableName":"%s","Key":{"pk":{"S":"%s"}}}`, table, plainKey(i))
		if operation == "PutItem" {
			body = `{"TableName":"` + table + `","Item":` + plainItem(i, "") + `}`
		}
		l.requests = append(l.requests, b.request(operation, body))
	}
	return l
}

// compareSizes measures an operation among few items and among many, in turns.
func (b *bench) compareSizes(many *bench, operation string, clients int) error {
	var p50, p99, cpu [2]time.Duration
	for range 2 {
		for i, t := range []*bench{b, many} {
			f, err := t.aloft.measure(t.random(operation, "scale", 0, []int{fewItems, b.items}[i], clients))
			if err != nil {
				return err
			}
			p50[i] += f.p50 / 2
			p99[i] += f.p99 / 2
			cpu[i] += f.cpu / 2
		}
	}
	row(fmt.Sprintf("%s among %d, %d clients", operation, b.items, clients), fmt.Sprintf("%.2fx", float64(p50[1])/float64(p50[0])),
		fmt.Sprintf("p50 %.3f ms of %.3f ms, p99 %.2f ms of %.2f ms, processors %.2fx, bar 1.5x",
			ms(p50[1]), ms(p50[0]), ms(p99[1]), ms(p99[0]), float64(cpu[1])/float64(cpu[0])))
	return nil
}

// crash ends the instance by kill -9 while it writes, and starts it again.
func (b *bench) crash(data string) error {
	l := b.random("PutItem", "scale", 0, b.items, scaleClients)
	done := make(chan error, 1)
	go func() { // its clients fail when the instance is gone
		_, err := l.run(b.aloft.addr)
		done <- err
	}()
	time.Sleep(l.duration / 2)
	if err := b.aloft.cmd.Process.Kill(); err != nil {
		return err
	}
	b.aloft.cmd.Wait()
	<-done
	key, secret := b.aloft.key, b.aloft.secret
	again, err := b.serve(data)
	if err != nil {
		return err
	}
	again.key, again.secret = key, secret
	b.aloft = again
	get := b.random("GetItem", "scale", 0, b.items, 1)
	began := time.Now()
	if err := get.once(again.addr); err != nil {
		return err
	}
	row("ready after kill -9", fmt.Sprintf("%.0f ms", ms(again.ready)), fmt.Sprintf("first GetItem %.1f ms, bar 1000 ms", ms(time.Since(began))))
	return nil
}

// expire measures PutItem before and while a million other items of the table
// expire.
func (b *bench) expire() error {
	if err := b.createPlain("expiring"); err != nil {
		return err
	}
	until := func(t time.Time) string { return fmt.Sprintf(`,"until":{"N":"%d"}`, t.Unix()) }
	due := time.Now().Add(-24 * time.Hour)
	if err := b.fill("expiring", until(due), expiredItems); err != nil {
		return err
	}
	last := load{requests: [][]byte{b.request("PutItem", `{"TableName":"expiring","Item":`+plainItem(2*expiredItems, until(due.Add(time.Hour)))+`}`)}}
	if err := last.once(b.aloft.addr); err != nil {
		return err
	}
	puts := b.random("PutItem", "expiring", expiredItems, 2*expiredItems, scaleClients)
	var alone []time.Duration // for long enough that the store writes in order what it was given, as it does later
	for range aloneRuns {
		f, err := puts.run(b.aloft.addr)
		if err != nil {
			return err
		}
		alone = append(alone, f.all...)
	}
	p50Before, p99Before := percentiles(alone)
	c := b.client()
	_, err := client.Do(b.ctx, c, api.UpdateTimeToLive, &api.UpdateTimeToLiveInput{
		TableName: "expiring", TimeToLiveSpecification: &api.TimeToLiveSpecification{AttributeName: "until", Enabled: true},
	})
	if err != nil {
		return err
	}
	began := time.Now()
	var all []time.Duration
	for there := true; there; {
		f, err := puts.run(b.aloft.addr)
		if err != nil {
			return err
		}
		all = append(all, f.all...)
		out, err := client.Do(b.ctx, c, api.GetItem, &api.GetItemInput{TableName: "expiring", Key: item.New(item.Attribute{Name: "pk", Value: item.String(plainKey(2 * expiredItems))})})
		if err != nil {
			return err
		}
		there = out.Item != nil
	}
	p50, p99 := percentiles(all)
	row(fmt.Sprintf("PutItem while %d items expire", expiredItems), fmt.Sprintf("%.2fx", float64(p99)/float64(p99Before)),
		fmt.Sprintf("p99 %.2f ms of %.2f ms, p50 %.2f ms of %.2f ms, over after %.0f s, bar 2x", ms(p99), ms(p99Before), ms(p50), ms(p50Before), time.Since(began).Seconds()))
	return nil
}
