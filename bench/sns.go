package main

import (
	"bufio"
	"fmt"
	"net"
	"slices"
	"time"

	snsapi "github.com/aloft-cloud/aloft/internal/api/sns"
	api "github.com/aloft-cloud/aloft/internal/api/sqs"
	"github.com/aloft-cloud/aloft/internal/client"
)

const fanOut = 10 // queues

// sns measures from the call of Publish until each of ten queues has given the
// message to one who waits.
func (b *bench) sns() error {
	topic, err := client.Do(b.ctx, b.client(), snsapi.CreateTopic, &snsapi.CreateTopicInput{Name: "bench"})
	if err != nil {
		return err
	}
	var urls []string
	for i := range fanOut {
		name := fmt.Sprintf("bench-sns-%d", i)
		url, err := b.newQueue(name)
		if err != nil {
			return err
		}
		urls = append(urls, url)
		policy := `{"Statement":[{"Effect":"Allow","Principal":{"Service":"sns.amazonaws.com"},"Action":"sqs:SendMessage","Resource":"*"}]}`
		in := &api.SetQueueAttributesInput{QueueUrl: url, Attributes: map[string]string{"Policy": policy}}
		if _, err := client.Do(b.ctx, b.client(), api.SetQueueAttributes, in); err != nil {
			return err
		}
		sub := &snsapi.SubscribeInput{TopicArn: *topic.TopicArn, Protocol: "sqs", Endpoint: new("arn:aws:sqs:us-east-1:000000000000:" + name)}
		if _, err := client.Do(b.ctx, b.client(), snsapi.Subscribe, sub); err != nil {
			return err
		}
	}
	publish := b.requestTo("sns", "sns.Publish", `{"TopicArn":"`+*topic.TopicArn+`","Message":"hello"}`)
	var all []time.Duration
	for range 100 {
		took, err := b.publishOnce(publish, urls)
		if err != nil {
			return err
		}
		all = append(all, took)
	}
	slices.Sort(all)
	row(fmt.Sprintf("From Publish to who waits at %d queues", fanOut), fmt.Sprintf("%.2f ms", ms(all[len(all)/2])), fmt.Sprintf("p99 %.2f ms, bar 10 ms", ms(all[len(all)-1])))
	return nil
}

// publishOnce publishes while somebody waits at each queue, and returns when
// all of them have it.
func (b *bench) publishOnce(publish []byte, urls []string) (time.Duration, error) {
	waiting, got := make(chan bool, len(urls)), make(chan error, len(urls))
	for _, url := range urls {
		receive := b.requestTo("sqs", "AmazonSQS.ReceiveMessage", `{"QueueUrl":"`+url+`","WaitTimeSeconds":20}`)
		go func() {
			got <- b.each(1, 1, func(conn net.Conn, in *bufio.Reader) error {
				_, err := conn.Write(receive)
				waiting <- true
				if err != nil {
					return err
				}
				return readAnswer(in)
			})
		}()
	}
	for range urls {
		<-waiting
	}
	time.Sleep(5 * time.Millisecond)
	began := time.Now()
	err := b.each(1, 1, func(conn net.Conn, in *bufio.Reader) error {
		began = time.Now()
		if _, err := conn.Write(publish); err != nil {
			return err
		}
		return readAnswer(in)
	})
	for range urls {
		if e := <-got; err == nil {
			err = e
		}
	}
	return time.Since(began), err
}
