package cloudfront

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"time"

	api "github.com/aloft-cloud/aloft/internal/api/cloudfront"
	"github.com/aloft-cloud/aloft/internal/api/s3"
	"github.com/aloft-cloud/aloft/internal/auth"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/dispatch"
	"github.com/aloft-cloud/aloft/internal/gateway/accesslog"
	"github.com/aloft-cloud/aloft/internal/store"
)

// A distribution that is logged has a line for each request. Lines are rows until
// they become an object in the bucket that the log goes to.

const (
	standardLog = "standard" // the stream of lines of logs to buckets
	logEvery    = 5 * time.Minute
)

// logLines are lines that are in no object yet, as many as were kept at once.
var logLines = store.NewTable[logKey, []string]("cloudfront.log")

type logKey struct {
	Due time.Time // when the object is
	Of  aws.ARN   // the distribution
	ID  string
}

// standardFields are what logs to buckets have, in AWS's order.
var standardFields = strings.Fields(`date time x-edge-location sc-bytes c-ip cs-method cs(Host) cs-uri-stem sc-status cs(Referer) cs(User-Agent) cs-uri-query cs(Cookie)
	x-edge-result-type x-edge-request-id x-host-header cs-protocol cs-bytes time-taken x-forwarded-for ssl-protocol ssl-cipher x-edge-response-result-type cs-protocol-version
	fle-status fle-encrypted-fields c-port time-to-first-byte x-edge-detailed-result-type sc-content-type sc-content-len sc-range-start sc-range-end`)

// checkLogging refuses a log into what is no bucket, or one that takes none.
func (s *Service) checkLogging(ctx context.Context, call *aws.Call, c *api.DistributionConfig) error {
	if !aws.Value(c.Logging.Enabled) {
		c.Logging = &api.LoggingConfig{Enabled: new(false), IncludeCookies: new(false), Bucket: new(""), Prefix: new("")}
		return nil
	}
	name := aws.Value(c.Logging.Bucket)
	bucket := bucketOf(name)
	if bucket == "" {
		return api.InvalidArgument.Errorf("The parameter Logging Bucket does not refer to a valid S3 bucket.")
	}
	as := call.Through("cloudfront")
	_, err := dispatch.CallChecked(ctx, s.cfg.Table, as, s3.GetBucketAcl, &s3.GetBucketAclInput{Bucket: bucket})
	if errors.Is(err, s3.NoSuchBucket) {
		return api.InvalidArgument.Errorf("The parameter Logging Bucket does not refer to a valid S3 bucket.")
	}
	if err != nil {
		return err
	}
	owner := &aws.Call{Account: call.Account, Region: call.Region, Principal: auth.Root(call.Account), RequestID: aws.NewRequestID()}
	out, err := dispatch.Call(ctx, s.cfg.Table, owner, s3.GetBucketOwnershipControls, &s3.GetBucketOwnershipControlsInput{Bucket: bucket})
	if err == nil && len(out.OwnershipControls.Rules) > 0 && out.OwnershipControls.Rules[0].ObjectOwnership == s3.ObjectOwnershipBucketOwnerEnforced {
		return api.InvalidArgument.Errorf("The S3 bucket that you specified for CloudFront logs does not enable ACL access: %s", name)
	}
	return nil
}

// keepLines keeps lines of the log of a distribution until an object is due.
func (s *Service) keepLines(ctx context.Context, distribution aws.ARN, lines []accesslog.Line) error {
	text := make([]string, len(lines))
	for i := range lines {
		text[i] = lines[i].Text
	}
	now := time.Now().UTC()
	k := logKey{now.Truncate(logEvery).Add(logEvery), distribution, fmt.Sprintf("%020d-%s", now.UnixNano(), aws.NewRequestID())}
	return s.db.Update(ctx, func(tx *store.Tx) error {
		tx.AfterCommit(s.due.Ring)
		return logLines.Put(tx, k, text)
	})
}

// runLogs makes objects of the lines that are due.
func (s *Service) runLogs(ctx context.Context) (time.Duration, error) {
	for {
		var first logKey
		var keys []logKey
		var lines []string
		err := s.db.View(ctx, func(tx *store.Tx) error {
			first, keys, lines = logKey{}, nil, nil
			for k, some := range logLines.Scan(tx, logKey{}) {
				if first.Due.IsZero() {
					first = k
				}
				if !k.Due.Equal(first.Due) || k.Of != first.Of || k.Due.After(time.Now()) {
					break
				}
				keys, lines = append(keys, k), append(lines, some...)
			}
			return tx.Err()
		})
		switch {
		case err != nil:
			return 0, err
		case first.Due.IsZero():
			return 24 * time.Hour, nil
		case keys == nil:
			return time.Until(first.Due), nil
		}
		if err := s.writeObject(ctx, first, lines); err != nil {
			return 0, err
		}
		err = s.db.Update(ctx, func(tx *store.Tx) error {
			for _, k := range keys {
				if err := logLines.Delete(tx, k); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return 0, err
		}
	}
}

// writeObject makes an object of lines. What its bucket does not take is not
// written.
func (s *Service) writeObject(ctx context.Context, at logKey, lines []string) error {
	var d distribution
	err := s.db.View(ctx, func(tx *store.Tx) (err error) {
		d, err = distributions.rows.Get(tx, at.Of)
		return err
	})
	if errors.Is(err, store.ErrNotFound) || err == nil && !aws.Value(d.Config.Logging.Enabled) {
		return nil // it has no log any more
	}
	if err != nil {
		return err
	}
	var text bytes.Buffer
	z := gzip.NewWriter(&text)
	fmt.Fprintf(z, "#Version: 1.0\n#Fields: %s\n%s\n", strings.Join(standardFields, " "), strings.Join(lines, "\n"))
	if err := z.Close(); err != nil {
		return err
	}
	call := &aws.Call{Account: at.Of.Account, Region: "us-east-1", Principal: auth.Root(at.Of.Account), RequestID: aws.NewRequestID()}
	_, err = dispatch.Call(ctx, s.cfg.Table, call, s3.PutObject, &s3.PutObjectInput{
		Bucket: bucketOf(*d.Config.Logging.Bucket), Key: objectOf(at, aws.Value(d.Config.Logging.Prefix)), Body: &text, ContentType: new("application/x-gzip"),
	})
	if e, refused := errors.AsType[*aws.Error](err); refused && e.Status < 500 {
		s.cfg.Log.Warn("a bucket takes no log", "distribution", at.Of.String(), "bucket", *d.Config.Logging.Bucket, "err", err)
		return nil
	}
	return err
}

// objectOf names the object of a log whose first lines are at k. It is the same
// each time, so that lines are not there twice if Aloft stops before they go.
func objectOf(k logKey, prefix string) string {
	if prefix != "" && !strings.HasSuffix(prefix, "/") {
		prefix += "/"
	}
	unique := sha256.Sum256([]byte(k.ID))
	return prefix + distributions.id(k.Of) + k.Due.Add(-logEvery).Format(".2006-01-02-15.") + hex.EncodeToString(unique[:4]) + ".gz"
}
