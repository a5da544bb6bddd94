// Package client is a client of the public API over HTTP, signed as any
// other's: what the command line is made of. It speaks AWS JSON to every
// service, which Aloft understands for all of them.
package client

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/aloft-cloud/aloft/internal/auth/sigv4"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/protocol"
	"github.com/aloft-cloud/aloft/internal/smithy"
)

// Config says who calls whom.
type Config struct {
	Endpoint  string // "http://127.0.0.1:4566"
	Region    string
	AccessKey string
	Secret    string
	Token     string
	HTTP      http.RoundTripper // nil is http.DefaultTransport
}

// A Client calls operations of one Aloft.
type Client struct {
	cfg  Config
	http http.Client
}

// New returns a client.
func New(cfg Config) *Client {
	cfg.Endpoint = strings.TrimRight(cfg.Endpoint, "/")
	return &Client{cfg: cfg, http: http.Client{Transport: cfg.HTTP}}
}

// Region returns the region that c calls.
func (c *Client) Region() string { return c.cfg.Region }

// In returns a client of the same Aloft in another region.
func (c *Client) In(region string) *Client {
	other := *c
	other.cfg.Region = region
	return &other
}

// Endpoint returns the address of the Aloft that c calls.
func (c *Client) Endpoint() string { return c.cfg.Endpoint }

// maxAnswer is the most that is read of an answer, in bytes.
const maxAnswer = 64 << 20

// Do calls an operation. A refusal is an *aws.Error.
func Do[In, Out any](ctx context.Context, c *Client, op smithy.Operation[In, Out], in *In) (*Out, error) {
	body, err := protocol.EncodeJSON(in)
	if err != nil {
		return nil, err
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, c.cfg.Endpoint+"/", nil)
	if err != nil {
		return nil, err
	}
	r.Header.Set("Content-Type", "application/x-amz-json-1.0")
	r.Header.Set("X-Amz-Target", op.Service+"."+op.Name)
	resp, err := c.send(r, op.Service, body)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	if err != nil {
		return nil, err
	}
	if resp.StatusCode >= 300 {
		return nil, refusal(resp, answer)
	}
	out := new(Out)
	if err := protocol.DecodeJSON(answer, out); err != nil {
		return nil, fmt.Errorf("%s: answer of %s: %w", op.Service, op.Name, err)
	}
	return out, nil
}

// HTTP makes a plain request of a service, for what is no JSON: objects.
func (c *Client) HTTP(ctx context.Context, service, method, path string, body []byte) (*http.Response, error) {
	r, err := http.NewRequestWithContext(ctx, method, c.cfg.Endpoint+path, nil)
	if err != nil {
		return nil, err
	}
	return c.send(r, service, body)
}

// Put makes a bucket or an object of S3. The content type may be empty.
func (c *Client) Put(ctx context.Context, path, contentType string, body []byte) (*http.Response, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodPut, c.cfg.Endpoint+path, nil)
	if err != nil {
		return nil, err
	}
	if contentType != "" {
		r.Header.Set("Content-Type", contentType)
	}
	return c.send(r, "s3", body)
}

// send signs r with body, and sends it.
func (c *Client) send(r *http.Request, service string, body []byte) (*http.Response, error) {
	r.Body, r.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
	sigv4.Sign(r, sigv4.Credentials{AccessKey: c.cfg.AccessKey, Secret: c.cfg.Secret, Token: c.cfg.Token}, c.cfg.Region, service, time.Now(), body)
	return c.http.Do(r)
}

// refusal reads an error of AWS JSON.
func refusal(resp *http.Response, body []byte) error {
	var e struct {
		Type     string `json:"__type"`
		Message  string `json:"message"`
		Message2 string `json:"Message"`
	}
	if err := json.Unmarshal(body, &e); err != nil || e.Type == "" {
		return fmt.Errorf("%s: %s", resp.Status, bytes.TrimSpace(body[:min(len(body), 400)]))
	}
	if e.Message == "" {
		e.Message = e.Message2
	}
	code := e.Type[strings.LastIndexByte(e.Type, '#')+1:]
	return &aws.Error{Fault: aws.Fault{Code: code, Status: resp.StatusCode}, Message: e.Message}
}
