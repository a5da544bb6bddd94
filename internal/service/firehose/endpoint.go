package firehose

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	api "github.com/aloft-cloud/aloft/internal/api/firehose"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/gateway/outbound"
	"github.com/aloft-cloud/aloft/internal/store"
)

const maxAnswer = 1 << 20 // bytes of an answer that are read

// post sends a batch to an HTTP endpoint. What it does not take for as long as
// the stream's owner says is kept in S3.
func (s *Service) post(ctx context.Context, row *stream, b *batch) error {
	why := s.postOnce(ctx, row, b)
	if why == nil {
		return s.DB.Update(ctx, func(tx *store.Tx) error { return s.done(tx, b) })
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	s.report(ctx, row, b.key, why.Code, why.Message)
	lasts := 300 * time.Second
	if o := row.HTTP.RetryOptions; o != nil && o.DurationInSeconds != nil {
		lasts = time.Duration(*o.DurationInSeconds) * time.Second
	}
	failures, since := s.failures(b.key)
	if why.Attempts = failures + 1; lasts > 0 && (failures == 0 || time.Since(since) < lasts) {
		return fmt.Errorf("%s: %s", why.Code, why.Message)
	}
	if row.backup() != nil { // it is there already
		return s.DB.Update(ctx, func(tx *store.Tx) error { return s.done(tx, b) })
	}
	failed := make([]record, len(b.records))
	for i := range b.records {
		var err error
		if failed[i], err = failedRecord(&b.records[i], why); err != nil {
			return err
		}
	}
	return s.moved(ctx, row, b, lineKey{b.key.Stream, lineError, endpointFailed}, failed)
}

// A posted is what an endpoint gets.
type posted struct {
	ID      string         `json:"requestId"`
	At      int64          `json:"timestamp"`
	Records []postedRecord `json:"records"`
}

type postedRecord struct {
	Data []byte `json:"data"`
}

// postOnce sends a batch, and returns why it was not taken, or nil.
func (s *Service) postOnce(ctx context.Context, row *stream, b *batch) *failure {
	r, id, err := s.newPost(ctx, row, b)
	if err != nil {
		return &failure{Code: "HttpEndpoint.InvalidRequest", Message: err.Error()}
	}
	resp, err := s.client.Do(r)
	if errors.Is(err, outbound.ErrPrivate) {
		return &failure{Code: "HttpEndpoint.DestinationException", Message: "The endpoint is " + outbound.ErrPrivate.Error() + "."}
	}
	if err != nil {
		return &failure{Code: "HttpEndpoint.DestinationException", Message: "The endpoint cannot be reached: " + errors.Unwrap(err).Error()}
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	if err != nil {
		return &failure{Code: "HttpEndpoint.DestinationException", Message: "The answer of the endpoint ended early."}
	}
	var doc struct {
		ID string `json:"requestId"`
	}
	switch err := json.Unmarshal(answer, &doc); {
	case resp.StatusCode != http.StatusOK:
		return &failure{Code: "HttpEndpoint.DestinationException", Message: "Received the following response from the endpoint destination. " + string(answer)}
	case err != nil || doc.ID == "":
		return &failure{Code: "HttpEndpoint.InvalidResponseFromDestination", Message: "The response received from the specified endpoint is invalid. Contact the owner of the endpoint to resolve the issue."}
	case doc.ID != id:
		return &failure{Code: "HttpEndpoint.ResponseMismatch", Message: "The requestId of the response is not that of the request."}
	}
	return nil
}

// newPost is the request that a batch is sent with.
func (s *Service) newPost(ctx context.Context, row *stream, b *batch) (*http.Request, string, error) {
	doc := posted{ID: aws.NewRequestID(), At: time.Now().UnixMilli()}
	for i := range b.records {
		doc.Records = append(doc.Records, postedRecord{b.records[i].Data})
	}
	body, err := json.Marshal(doc)
	if err != nil {
		return nil, "", err
	}
	c := aws.Value(row.HTTP.RequestConfiguration)
	zipped := aws.Value(c.ContentEncoding) == api.ContentEncodingGzip
	if zipped {
		var z bytes.Buffer
		if body, err = written(&z, gzip.NewWriter(&z), body); err != nil {
			return nil, "", err
		}
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, row.HTTP.EndpointConfiguration.Url, bytes.NewReader(body))
	if err != nil {
		return nil, "", err
	}
	h := r.Header
	h.Set("Content-Type", "application/json")
	h.Set("User-Agent", "Amazon Kinesis Data Firehose Agent/1.0")
	h.Set("X-Amz-Firehose-Protocol-Version", "1.0")
	h.Set("X-Amz-Firehose-Request-Id", doc.ID)
	h.Set("X-Amz-Firehose-Source-Arn", b.key.Stream.String())
	if zipped {
		h.Set("Content-Encoding", "gzip")
	}
	if len(row.Access) > 0 {
		key, err := s.access(b.key.Stream, row)
		if err != nil {
			return nil, "", err
		}
		h.Set("X-Amz-Firehose-Access-Key", key)
	}
	if len(c.CommonAttributes) > 0 {
		attributes := make(map[string]string)
		for _, a := range c.CommonAttributes {
			attributes[a.AttributeName] = a.AttributeValue
		}
		text, err := json.Marshal(map[string]any{"commonAttributes": attributes})
		if err != nil {
			return nil, "", err
		}
		h.Set("X-Amz-Firehose-Common-Attributes", string(text))
	}
	return r, doc.ID, nil
}

// sealAccess keeps the access key of an endpoint as this installation alone can
// read it.
func (s *Service) sealAccess(arn aws.ARN, row *stream) error {
	if row.HTTP == nil || aws.Value(row.HTTP.EndpointConfiguration.AccessKey) == "" {
		return nil
	}
	box, err := s.master()
	if err != nil {
		return err
	}
	destination, endpoint := *row.HTTP, *row.HTTP.EndpointConfiguration
	row.Access = box.Seal(nil, nil, []byte(*endpoint.AccessKey), []byte(arn.String()))
	endpoint.AccessKey = nil
	destination.EndpointConfiguration = &endpoint
	row.HTTP = &destination
	return nil
}

// access is the access key that sealAccess kept.
func (s *Service) access(arn aws.ARN, row *stream) (string, error) {
	box, err := s.master()
	if err != nil {
		return "", err
	}
	key, err := box.Open(nil, nil, row.Access, []byte(arn.String()))
	return string(key), err
}
