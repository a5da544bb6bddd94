package sns_test

import (
	"context"
	"crypto/rsa"
	"crypto/sha1"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"crypto"

	api "github.com/aloft-cloud/aloft/internal/api/sns"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/dispatch"
	"github.com/aloft-cloud/aloft/internal/platform"
	"github.com/aloft-cloud/aloft/internal/platformtest"
	"github.com/aloft-cloud/aloft/internal/smithy"
)

var root = &aws.Call{Account: "000000000000", Region: "us-east-1", Principal: aws.Principal{Kind: aws.Root, Account: "000000000000"}}

// do runs an operation as the root.
func do[In, Out any](t *testing.T, p *platform.Platform, op smithy.Operation[In, Out], in *In) *Out {
	t.Helper()
	out, err := dispatch.Call(context.Background(), p.Table, root, op, in)
	if err != nil {
		t.Fatalf("%s: %v", op.Name, err)
	}
	return out
}

// A posted message is what an endpoint got.
type posted struct {
	header http.Header
	body   map[string]string
	raw    string
}

// endpoint returns a server that takes messages, and refuses the first as many
// as it is told to.
func endpoint(t *testing.T, refuse int) (url string, got chan posted) {
	got = make(chan posted, 10)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		m := posted{header: r.Header, raw: string(b)}
		json.Unmarshal(b, &m.body)
		if m.body["Type"] != "SubscriptionConfirmation" && refuse > 0 {
			refuse--
			http.Error(w, "later", http.StatusInternalServerError)
			return
		}
		got <- m
	}))
	t.Cleanup(server.Close)
	return server.URL, got
}

func wait(t *testing.T, got chan posted) posted {
	t.Helper()
	select {
	case m := <-got:
		return m
	case <-time.After(10 * time.Second):
		t.Fatal("nothing was posted")
		panic("unreachable")
	}
}

// get makes an unsigned request, as who follows a link does.
func get(t *testing.T, p *platform.Platform, url string) string {
	t.Helper()
	w := httptest.NewRecorder()
	p.Handler.ServeHTTP(w, httptest.NewRequest("GET", url, nil))
	if w.Code != 200 {
		t.Fatalf("GET %s: %d %s", url, w.Code, w.Body)
	}
	return w.Body.String()
}

// An endpoint is asked first, then gets messages that it can check, again if it
// did not take them.
func TestHTTP(t *testing.T) {
	p := platformtest.Start(t)
	url, got := endpoint(t, 1)
	topic := do(t, p, api.CreateTopic, &api.CreateTopicInput{Name: "news"}).TopicArn
	do(t, p, api.SetTopicAttributes, &api.SetTopicAttributesInput{
		TopicArn: *topic, AttributeName: "DeliveryPolicy",
		AttributeValue: new(`{"http":{"defaultHealthyRetryPolicy":{"minDelayTarget":1,"maxDelayTarget":1,"numRetries":2},"defaultRequestPolicy":{"headerContentType":"text/csv"}}}`),
	})
	do(t, p, api.Subscribe, &api.SubscribeInput{TopicArn: *topic, Protocol: "http", Endpoint: &url})
	ask := wait(t, got)
	if ask.header.Get("X-Amz-Sns-Message-Type") != "SubscriptionConfirmation" || ask.header.Get("X-Amz-Sns-Subscription-Arn") != "" {
		t.Errorf("headers of the question: %v", ask.header)
	}
	check(t, p, ask.body, "Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type")
	if answer := get(t, p, ask.body["SubscribeURL"]); !strings.Contains(answer, "<ConfirmSubscriptionResult><SubscriptionArn>"+*topic+":") {
		t.Errorf("confirmed: %s", answer)
	}
	do(t, p, api.Publish, &api.PublishInput{TopicArn: topic, Message: "hello\nworld", Subject: new("s")})
	m := wait(t, got)
	if m.header.Get("X-Amz-Sns-Message-Type") != "Notification" || m.header.Get("Content-Type") != "text/csv" || !strings.HasPrefix(m.header.Get("X-Amz-Sns-Subscription-Arn"), *topic+":") {
		t.Errorf("headers of the message: %v", m.header)
	}
	check(t, p, m.body, "Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type")
	get(t, p, m.body["UnsubscribeURL"])
	if end := wait(t, got); end.body["Type"] != "UnsubscribeConfirmation" {
		t.Errorf("after the end: %v", end.body)
	}
	if subs := do(t, p, api.ListSubscriptionsByTopic, &api.ListSubscriptionsByTopicInput{TopicArn: *topic}); len(subs.Subscriptions) != 0 {
		t.Errorf("subscriptions after the end: %v", subs.Subscriptions)
	}
}

// check checks the signature of a message as SDKs do.
func check(t *testing.T, p *platform.Platform, m map[string]string, signed ...string) {
	t.Helper()
	block, _ := pem.Decode([]byte(get(t, p, m["SigningCertURL"])))
	cert, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	var text strings.Builder
	for _, name := range signed {
		text.WriteString(name + "\n" + m[name] + "\n")
	}
	signature, err := base64.StdEncoding.DecodeString(m["Signature"])
	if err != nil {
		t.Fatal(err)
	}
	sum := sha1.Sum([]byte(text.String()))
	if err := rsa.VerifyPKCS1v15(cert.PublicKey.(*rsa.PublicKey), crypto.SHA1, sum[:], signature); err != nil {
		t.Errorf("signature of %v: %v", m, err)
	}
}

// Nobody but topics has letters delivered.
func TestLettersAreForTopics(t *testing.T) {
	p := platformtest.Start(t)
	row, err := p.Table.Find("sns", "DeliverLetter")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := p.Table.Do(t.Context(), root, row, row.NewInput()); err == nil {
		t.Error("the root had a letter delivered")
	}
}
