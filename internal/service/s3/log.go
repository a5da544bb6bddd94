package s3

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"

	api "github.com/aloft-cloud/aloft/internal/api/s3"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/dispatch"
	"github.com/aloft-cloud/aloft/internal/service"
	"github.com/aloft-cloud/aloft/internal/store"
	"github.com/aloft-cloud/aloft/internal/task"
)

// A request to a bucket that is logged is noted in a row before it is answered, so
// that the log has all that was, and every few minutes the rows of a bucket become
// an object in the bucket that its log goes to.

const (
	logEvery = 5 * time.Minute
	loggers  = "logging.s3" // the service that writes logs
)

// logLines are lines that are not in an object yet.
var logLines = store.NewTable[logKey, string]("s3.log")

type logKey struct {
	Due    time.Time // when the object is
	Bucket aws.ARN   // that is logged
	ID     string
}

// A requestLog knows which buckets are logged.
type requestLog struct {
	bell task.Bell

	mu    sync.Mutex
	known map[string]bool // by bucket; nil: read it again
}

// forget has buckets looked up again.
func (l *requestLog) forget() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.known = nil
}

// wants reports whether requests to a bucket are logged.
func (s *Service) wants(ctx context.Context, bucket string) bool {
	s.log.mu.Lock()
	defer s.log.mu.Unlock()
	if s.log.known == nil {
		known := make(map[string]bool)
		if err := s.db.View(ctx, func(tx *store.Tx) error {
			for b := range loggings.Scan(tx, aws.ARN{}) {
				known[b.Resource] = true
			}
			return nil
		}); err != nil {
			return false // the request will say so
		}
		s.log.known = known
	}
	return s.log.known[bucket]
}

// logs returns op with its requests logged, if it is about a bucket.
func (s *Service) logs(op service.Operation) service.Operation {
	if _, ok := op.NewInput().(interface{ GetBucket() string }); !ok {
		return op
	}
	as := loggedAs(op.Name)
	access, handle, some := op.Access, op.Handle, op.Some
	note := func(ctx context.Context, call *aws.Call, in, out any, began time.Time, err error) error {
		if bucket := in.(interface{ GetBucket() string }).GetBucket(); s.wants(ctx, bucket) && call.Principal.ARN != loggers+".amazonaws.com" {
			return s.note(ctx, call, as, bucket, in, out, began, err)
		}
		return err
	}
	op.Access = func(call *aws.Call, in any, check func(service.Access) error) error {
		if err := access(call, in, check); err != nil {
			return note(context.Background(), call, in, nil, time.Now(), err)
		}
		return nil
	}
	op.Handle = func(ctx context.Context, call *aws.Call, in any) (any, error) {
		began := time.Now()
		out, err := handle(ctx, call, in)
		return out, note(ctx, call, in, out, began, err)
	}
	if some != nil {
		op.Some = func(ctx context.Context, call *aws.Call, in any, check func(service.Access) error) (any, error) {
			began := time.Now()
			out, err := some(ctx, call, in, check)
			return out, note(ctx, call, in, out, began, err)
		}
	}
	return op
}

// note adds a line to the log of a bucket, whether or not who asked still waits. It
// returns err, of the request, or why there is no line.
func (s *Service) note(ctx context.Context, call *aws.Call, as logged, bucket string, in, out any, began time.Time, err error) error {
	now := time.Now().UTC()
	b := bucketARN(bucket)
	k := logKey{now.Truncate(logEvery).Add(logEvery), b, fmt.Sprintf("%020d-%s", now.UnixNano(), aws.NewRequestID())}
	return cmp.Or(s.db.Update(context.WithoutCancel(ctx), func(tx *store.Tx) error {
		row, missing := buckets.Get(tx, b)
		if missing != nil {
			return ignoreMissing(missing)
		}
		tx.AfterCommit(s.log.bell.Ring)
		return logLines.Put(tx, k, logLine(call, as, row.Owner, bucket, in, out, began, err))
	}), err)
}

// logLine is a line in AWS's format.
func logLine(call *aws.Call, as logged, owner, bucket string, in, out any, began time.Time, err error) string {
	key := ""
	if k, ok := in.(interface{ GetKey() string }); ok {
		key = k.GetKey()
	}
	uri := "/" + bucket + "/" + keyInURI(key)
	if as.query != "" {
		uri += "?" + as.query
	}
	status, code := "200", ""
	var said struct{ VersionId, ContentRange *string }
	var size struct{ ContentLength *int64 }
	switch {
	case err != nil:
		e := aws.Refusal(err)
		status, code = strconv.Itoa(e.Status), e.Code
	case as.method == "DELETE":
		status = "204"
	default:
		copyMembers(&said, out)
		copyMembers(&size, out)
		if said.ContentRange != nil {
			status = "206"
		}
	}
	version := aws.Value(said.VersionId)
	bytes := ""
	if n := size.ContentLength; n != nil && *n > 0 && as.method == "GET" {
		bytes = strconv.FormatInt(*n, 10)
	}
	took := strconv.FormatInt(time.Since(began).Milliseconds(), 10)
	requester, signature, how := call.Principal.ARN, "SigV4", "AuthHeader"
	switch call.Principal.Kind {
	case aws.Anonymous:
		requester, signature, how = "", "", ""
	case aws.Root:
		requester = canonicalID(call.Principal.Account)
	}
	cipher, tls := "", ""
	if call.Secure {
		cipher, tls = "TLS_AES_128_GCM_SHA256", "TLSv1.3"
	}
	fields := []string{
		canonicalID(owner), bucket, began.UTC().Format("[02/Jan/2006:15:04:05 -0700]"), call.SourceIP, requester, call.RequestID, as.name, keyInURI(key),
		`"` + as.method + " " + uri + ` HTTP/1.1"`, status, code, bytes, bytes, took, took, `"-"`, `"` + strings.ReplaceAll(cmp.Or(call.UserAgent, "-"), `"`, "") + `"`,
		version, call.RequestID, signature, cipher, how, call.Host, tls, "", "",
	}
	for i, f := range fields {
		fields[i] = cmp.Or(f, "-")
	}
	return strings.Join(fields, " ")
}

// keyInURI is a key as logs have it.
func keyInURI(key string) string { return strings.ReplaceAll(url.PathEscape(key), "%2F", "/") }

// runLogs makes objects of the lines that are due.
func (s *Service) runLogs(ctx context.Context) (time.Duration, error) {
	now := time.Now()
	type heap struct {
		bucket aws.ARN
		due    time.Time
	}
	due := make(map[heap][]logKey)
	text := make(map[heap]*strings.Builder)
	next := logEvery * 12
	err := s.db.View(ctx, func(tx *store.Tx) error {
		clear(due)
		clear(text)
		for k, line := range logLines.Scan(tx, logKey{}) {
			if k.Due.After(now) {
				next = k.Due.Sub(now)
				break
			}
			h := heap{k.Bucket, k.Due}
			if text[h] == nil {
				text[h] = new(strings.Builder)
			}
			due[h] = append(due[h], k)
			text[h].WriteString(line + "\n")
		}
		return nil
	})
	for h, lines := range due {
		err = errors.Join(err, s.writeLog(ctx, h.bucket, text[h].String(), lines))
	}
	return next, err
}

// writeLog makes an object of lines, and drops them: what the target does not
// take is not written.
func (s *Service) writeLog(ctx context.Context, b aws.ARN, text string, lines []logKey) error {
	var c api.LoggingEnabled
	var row bucket
	err := s.db.View(ctx, func(tx *store.Tx) (err error) {
		if c, err = loggings.Get(tx, b); err == nil {
			row, err = buckets.Get(tx, b)
		}
		return err
	})
	if err == nil {
		call := aws.ServiceCall(loggers, b)
		call.Account, call.Region = row.Owner, row.Region
		_, err = dispatch.Call(ctx, s.table, call, api.PutObject, &api.PutObjectInput{
			Bucket: c.TargetBucket, Key: logObject(&c, lines[0], row), Body: strings.NewReader(text), ContentType: new("text/plain"),
		})
	}
	if _, refused := errors.AsType[*aws.Error](err); err != nil && !refused && !errors.Is(err, store.ErrNotFound) {
		return err
	}
	return s.db.Update(ctx, func(tx *store.Tx) error {
		for _, k := range lines {
			if err := logLines.Delete(tx, k); err != nil {
				return err
			}
		}
		return nil
	})
}

// logObject names the object of a log whose first line is at k. It is the same
// each time, so that lines are not there twice if Aloft stops before they go.
func logObject(c *api.LoggingEnabled, k logKey, row bucket) string {
	unique := sha256.Sum256([]byte(k.Bucket.Resource + k.ID))
	name := k.Due.Format("2006-01-02-15-04-05-") + strings.ToUpper(hex.EncodeToString(unique[:8]))
	if f := c.TargetObjectKeyFormat; f != nil && f.PartitionedPrefix != nil {
		return c.TargetPrefix + row.Owner + "/" + row.Region + "/" + k.Bucket.Resource + k.Due.Format("/2006/01/02/") + name
	}
	return c.TargetPrefix + name
}
