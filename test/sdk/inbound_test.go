package sdk_test

import (
	"context"
	"fmt"
	"net"
	"net/smtp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	s3api "github.com/aloft-cloud/aloft/internal/api/s3"
	sesapi "github.com/aloft-cloud/aloft/internal/api/ses"
	aloftclient "github.com/aloft-cloud/aloft/internal/client"
)

// freeAddress is where something can listen on this machine.
func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	check(t, err)
	defer l.Close()
	return l.Addr().String()
}

// TestInboundBoto3 sends mail by smtplib to rules that boto3 has made.
func TestInboundBoto3(t *testing.T) {
	python := client(t, "python/bin/python")
	at := freeAddress(t)
	a := start(t, t.TempDir(), "dev", "--smtp", at)
	runClient(t, a, python, "python/inbound.py", at)
}

// TestKillInbound kills the binary while mail comes in. In the end a bucket has
// each message that was acknowledged.
func TestKillInbound(t *testing.T) {
	data := t.TempDir()
	var mu sync.Mutex
	acked := make(map[string]bool) // by the names that they were given
	for round := range 4 {
		at := freeAddress(t)
		a := start(t, data, "dev", "--smtp", at)
		c := clientOf(a)
		if round == 0 {
			makeInbound(t, c)
		}
		if round == 3 {
			mustArrive(t, c, acked)
			break
		}
		var wg sync.WaitGroup
		for writer := range 4 {
			wg.Go(func() {
				for n := 0; ; n++ {
					id, err := sendMail(at, fmt.Sprintf("%d-%d-%d", round, writer, n))
					if err != nil {
						return // killed
					}
					mu.Lock()
					acked[id] = true
					mu.Unlock()
				}
			})
		}
		time.Sleep(time.Duration(200+round*150) * time.Millisecond)
		a.stop(syscall.SIGKILL)
		wg.Wait()
	}
	t.Logf("%d messages acknowledged, none lost", len(acked))
}

// makeInbound has mail to example.com stored.
func makeInbound(t *testing.T, c *aloftclient.Client) {
	t.Helper()
	ctx := t.Context()
	do := func(_ any, err error) {
		t.Helper()
		check(t, err)
	}
	do(aloftclient.Do(ctx, c, sesapi.VerifyDomainIdentity, &sesapi.VerifyDomainIdentityInput{Domain: "example.com"}))
	do(aloftclient.Do(ctx, c, s3api.CreateBucket, &s3api.CreateBucketInput{Bucket: "inbound"}))
	do(aloftclient.Do(ctx, c, s3api.PutBucketPolicy, &s3api.PutBucketPolicyInput{Bucket: "inbound", Policy: `{"Version":"2012-10-17","Statement":[
		{"Effect":"Allow","Principal":{"Service":"ses.amazonaws.com"},"Action":"s3:PutObject","Resource":"arn:aws:s3:::inbound/*"}]}`}))
	do(aloftclient.Do(ctx, c, sesapi.CreateReceiptRuleSet, &sesapi.CreateReceiptRuleSetInput{RuleSetName: "main"}))
	do(aloftclient.Do(ctx, c, sesapi.CreateReceiptRule, &sesapi.CreateReceiptRuleInput{RuleSetName: "main", Rule: &sesapi.ReceiptRule{
		Name: "all", Enabled: new(true), Actions: []sesapi.ReceiptAction{{S3Action: &sesapi.S3Action{BucketName: "inbound"}}},
	}}))
	do(aloftclient.Do(ctx, c, sesapi.SetActiveReceiptRuleSet, &sesapi.SetActiveReceiptRuleSetInput{RuleSetName: new("main")}))
}

// sendMail sends a message, and returns the name that it was given.
func sendMail(at, subject string) (id string, err error) {
	conn, err := net.DialTimeout("tcp", at, time.Second)
	if err != nil {
		return "", err
	}
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(30 * time.Second))
	c, err := smtp.NewClient(conn, "127.0.0.1")
	if err != nil {
		return "", err
	}
	if err := c.Mail("bob@example.org"); err != nil {
		return "", err
	}
	if err := c.Rcpt("ann@example.com"); err != nil {
		return "", err
	}
	n, err := c.Text.Cmd("DATA")
	if err != nil {
		return "", err
	}
	c.Text.StartResponse(n)
	defer c.Text.EndResponse(n)
	if _, _, err := c.Text.ReadResponse(354); err != nil {
		return "", err
	}
	w := c.Text.DotWriter()
	fmt.Fprintf(w, "From: bob@example.org\r\nSubject: %s\r\n\r\nHello\r\n", subject)
	if err := w.Close(); err != nil {
		return "", err
	}
	_, said, err := c.Text.ReadResponse(250)
	return said[strings.LastIndexByte(said, ' ')+1:], err
}

// mustArrive waits until the bucket has all that was acknowledged.
func mustArrive(t *testing.T, c *aloftclient.Client, acked map[string]bool) {
	t.Helper()
	if len(acked) == 0 {
		t.Fatal("no mail was acknowledged")
	}
	ctx, done := context.WithTimeout(t.Context(), time.Minute)
	defer done()
	for {
		stored := make(map[string]bool)
		in := &s3api.ListObjectsV2Input{Bucket: "inbound"}
		for {
			out, err := aloftclient.Do(ctx, c, s3api.ListObjectsV2, in)
			check(t, err)
			for _, o := range out.Contents {
				stored[*o.Key] = true
			}
			if in.ContinuationToken = out.NextContinuationToken; in.ContinuationToken == nil {
				break
			}
		}
		missing := 0
		for id := range acked {
			if !stored[id] {
				missing++
			}
		}
		if missing == 0 {
			return
		}
		select {
		case <-time.After(100 * time.Millisecond):
		case <-ctx.Done():
			t.Fatalf("%d of %d messages that were acknowledged are not stored", missing, len(acked))
		}
	}
}
