package main

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"sync"
	"time"

	api "github.com/aloft-cloud/aloft/internal/api/sqs"
	"github.com/aloft-cloud/aloft/internal/client"
)

// sqs measures queues: sending at 1, 16 and 64 clients, and full cycles of
// send, receive and delete in queues of few and many messages, against the null
// server's rate for single requests; and how fast one who waits is told.
func (b *bench) sqs() error {
	small, err := b.newQueue("bench")
	if err != nil {
		return err
	}
	var sends [][]byte
	for range 2000 {
		sends = append(sends, b.requestTo("sqs", "AmazonSQS.SendMessage", `{"QueueUrl":"`+small+`","MessageBody":"`+filler+`"}`))
	}
	for i, clients := range []int{1, 16, 64} {
		if err := b.compare("SendMessage", load{sends, clients, b.duration}, []int{0, 40, 0}[i]); err != nil {
			return err
		}
	}
	for _, n := range []int{0, 10_000, 1_000_000} {
		if !strings.Contains(fmt.Sprint("Cycles in a queue of ", n), b.match) {
			continue
		}
		url, err := b.newQueue(fmt.Sprintf("bench-%d", n))
		if err != nil {
			return err
		}
		if err := b.fillQueue(url, n); err != nil {
			return err
		}
		if err := b.cycles(url, n, sends); err != nil {
			return err
		}
	}
	return b.wakes(small + "-wake")
}

func (b *bench) newQueue(name string) (string, error) {
	out, err := client.Do(b.ctx, b.client(), api.CreateQueue, &api.CreateQueueInput{QueueName: name, Attributes: map[string]string{"VisibilityTimeout": "600"}})
	if err != nil {
		return "", err
	}
	return *out.QueueUrl, nil
}

// fillQueue sends n messages, ten at a time, and lets what is under way end.
func (b *bench) fillQueue(url string, n int) error {
	if n == 0 {
		return nil
	}
	var entries []string
	for i := range 10 {
		entries = append(entries, fmt.Sprintf(`{"Id":"%d","MessageBody":"%s"}`, i, filler))
	}
	request := b.requestTo("sqs", "AmazonSQS.SendMessageBatch", `{"QueueUrl":"`+url+`","Entries":[`+strings.Join(entries, ",")+`]}`)
	err := b.each(16, n/160, func(conn net.Conn, in *bufio.Reader) error {
		if _, err := conn.Write(request); err != nil {
			return err
		}
		return readAnswer(in)
	})
	time.Sleep(time.Duration(n/100) * time.Microsecond * 500) // the store's own work
	return err
}

// each has clients do something so many times, each over a connection of its own.
func (b *bench) each(clients, times int, do func(net.Conn, *bufio.Reader) error) error {
	var wg sync.WaitGroup
	errs := make([]error, clients)
	for c := range clients {
		wg.Go(func() {
			conn, err := net.Dial("tcp", b.aloft.addr)
			if err != nil {
				errs[c] = err
				return
			}
			defer conn.Close()
			in := bufio.NewReaderSize(conn, 64<<10)
			for i := 0; i < times && errs[c] == nil; i++ {
				errs[c] = do(conn, in)
			}
		})
	}
	wg.Wait()
	return errors.Join(errs...)
}

// cycles measures 16 clients that send, receive and delete.
func (b *bench) cycles(url string, n int, null [][]byte) error {
	const clients, bar = 16, 15
	floor, err := load{null, clients, b.duration / 2}.run(b.null.addr)
	if err != nil {
		return err
	}
	send := b.requestTo("sqs", "AmazonSQS.SendMessage", `{"QueueUrl":"`+url+`","MessageBody":"`+filler+`"}`)
	receive := b.requestTo("sqs", "AmazonSQS.ReceiveMessage", `{"QueueUrl":"`+url+`","WaitTimeSeconds":5}`)
	var mu sync.Mutex
	var all []time.Duration
	before, err := b.aloft.cpu()
	if err != nil {
		return err
	}
	began := time.Now()
	deadline := began.Add(b.duration)
	err = b.each(clients, 1, func(conn net.Conn, in *bufio.Reader) error {
		var took []time.Duration
		room := make([]byte, 16<<10)
		remove := b.newSigner("sqs", "AmazonSQS.DeleteMessage")
		for time.Now().Before(deadline) {
			began := time.Now()
			if err := cycle(conn, in, room, url, send, receive, remove); err != nil {
				return err
			}
			took = append(took, time.Since(began))
		}
		mu.Lock()
		defer mu.Unlock()
		all = append(all, took...)
		return nil
	})
	if err != nil {
		return err
	}
	rate := float64(len(all)) / time.Since(began).Seconds()
	after, err := b.aloft.cpu()
	if err != nil {
		return err
	}
	slices.Sort(all)
	row(fmt.Sprintf("Cycles in a queue of %d, %d clients", n, clients), fmt.Sprintf("%.0f %%", 100*rate/floor.rate),
		fmt.Sprintf("%6.0f/s of %6.0f/s, p50 %.2f ms, p99 %.2f ms, CPU %.0f us, bar %d %%",
			rate, floor.rate, ms(all[len(all)/2]), ms(all[len(all)*99/100]), us(after-before)/float64(len(all)), bar))
	return nil
}

// cycle sends a message, receives one, and deletes that.
func cycle(conn net.Conn, in *bufio.Reader, room []byte, url string, send, receive []byte, remove *signer) error {
	if _, err := conn.Write(send); err != nil {
		return err
	}
	if err := readAnswer(in); err != nil {
		return err
	}
	if _, err := conn.Write(receive); err != nil {
		return err
	}
	body, err := readBody(in, room)
	if err != nil {
		return err
	}
	_, rest, found := bytes.Cut(body, []byte(`"ReceiptHandle":"`))
	if !found {
		return fmt.Errorf("nothing received: %s", body)
	}
	handle, _, _ := bytes.Cut(rest, []byte(`"`))
	if _, err := conn.Write(remove.request(`{"QueueUrl":"` + url + `","ReceiptHandle":"` + string(handle) + `"}`)); err != nil {
		return err
	}
	return readAnswer(in)
}

// wakes measures from the answer to a send until one who waited has the message.
func (b *bench) wakes(url string) error {
	name := url[strings.LastIndexByte(url, '/')+1:]
	if _, err := b.newQueue(name); err != nil {
		return err
	}
	send := b.requestTo("sqs", "AmazonSQS.SendMessage", `{"QueueUrl":"`+url+`","MessageBody":"wake"}`)
	receive := b.requestTo("sqs", "AmazonSQS.ReceiveMessage", `{"QueueUrl":"`+url+`","WaitTimeSeconds":20}`)
	var all []time.Duration
	err := b.each(1, 200, func(conn net.Conn, in *bufio.Reader) error {
		if _, err := conn.Write(receive); err != nil {
			return err
		}
		time.Sleep(2 * time.Millisecond)
		var sent time.Time
		err := b.each(1, 1, func(conn net.Conn, in *bufio.Reader) error {
			sent = time.Now()
			if _, err := conn.Write(send); err != nil {
				return err
			}
			return readAnswer(in)
		})
		if err == nil {
			err = readAnswer(in)
		}
		all = append(all, time.Since(sent))
		return err
	})
	if err != nil {
		return err
	}
	slices.Sort(all)
	row("From a send to who waits", fmt.Sprintf("%.2f ms", ms(all[len(all)/2])), fmt.Sprintf("p99 %.2f ms, bar 5 ms", ms(all[len(all)*99/100])))
	return nil
}
