package dynamodb

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/md5"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"iter"
	"path"
	"strconv"
	"strings"
	"time"

	"github.com/aloft-cloud/aloft/internal/api/s3"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/dispatch"
	"github.com/aloft-cloud/aloft/internal/item"
	"github.com/aloft-cloud/aloft/internal/protocol"
	"github.com/aloft-cloud/aloft/internal/store"
)

// A wire keeps a shape of the API in a row, in its form on the wire.
type wire[T any] struct{ V T }

// MarshalJSON implements the form of the row.
func (v wire[T]) MarshalJSON() ([]byte, error) { return protocol.EncodeJSON(&v.V) }

// UnmarshalJSON reads the form of the row.
func (v *wire[T]) UnmarshalJSON(b []byte) error { return protocol.DecodeJSON(b, &v.V) }

// extensions of files, by their format.
var extensions = map[string]string{jsonFormat: ".json.gz", ionFormat: ".ion.gz"}

const (
	exportedBytes = 8 << 20 // of items in one file
	exportedItems = 50_000
	transferRetry = 5 * time.Second
)

// key is where the file of that name is.
func (e *export) key(id aws.ARN, name string) string {
	_, unique, _ := strings.Cut(id.Resource, exportKind)
	return path.Join(aws.Value(e.In.V.S3Prefix), "AWSDynamoDB", unique, name)
}

// file is a file of that name, to put in the bucket.
func (e *export) file(id aws.ARN, name string, content []byte) *s3.PutObjectInput {
	in := &s3.PutObjectInput{Bucket: e.In.V.S3Bucket, Key: e.key(id, name), Body: bytes.NewReader(content), ExpectedBucketOwner: e.In.V.S3BucketOwner}
	if e.sealing() == kmsSealing {
		in.ServerSideEncryption, in.SSEKMSKeyId = new("aws:kms"), e.In.V.S3SseKmsKeyId
	}
	return in
}

// transfer does what is to be done for exports and imports.
func (s *Service) transfer(ctx context.Context) (time.Duration, error) {
	var out, in []aws.ARN
	err := s.db.View(ctx, func(tx *store.Tx) error {
		out, in = nil, nil
		for arn, e := range exports.Scan(tx, aws.ARN{}) {
			if e.Status == inProgress {
				out = append(out, arn)
			}
		}
		for arn, m := range imports.Scan(tx, aws.ARN{}) {
			if m.Status == inProgress {
				in = append(in, arn)
			}
		}
		return tx.Err()
	})
	if err != nil {
		return 0, err
	}
	next := idle
	for _, list := range []struct {
		arns []aws.ARN
		do   func(context.Context, aws.ARN) error
	}{{out, s.export}, {in, s.importTable}} {
		for _, arn := range list.arns {
			if err := list.do(ctx, arn); err != nil {
				if ctx.Err() != nil {
					return 0, err
				}
				next = transferRetry
			}
		}
	}
	return next, nil
}

// export writes what is left of an export.
func (s *Service) export(ctx context.Context, id aws.ARN) error {
	for more := true; more; {
		var e export
		var t *table
		var b bytes.Buffer
		var n tally
		err := s.db.View(ctx, func(tx *store.Tx) (err error) {
			if e, err = exports.Get(tx, id); err != nil {
				return err
			}
			if t, err = readTable(tx, e.Table); err != nil {
				return err
			}
			b.Reset()
			f, err := s.exportFilter(t, e.In.V.FilterSpecification)
			if err != nil {
				return err
			}
			n, more, err = e.write(tx, t, f, &b)
			return err
		})
		if err != nil {
			return err
		}
		if n.items > 0 {
			name := sha256.Sum256([]byte(id.Resource + strconv.Itoa(len(e.Files))))
			f, err := s.putFile(ctx, &e, id, "data/"+hex.EncodeToString(name[:13])+extensions[e.format()], b.Bytes())
			if err != nil {
				return s.failExport(ctx, id, &e, err)
			}
			f.Items = n.items
			e.Files, e.Items, e.Bytes = append(e.Files, f), e.Items+n.items, e.Bytes+n.bytes
		}
		if !more {
			if err := s.putManifest(ctx, &e, id); err != nil {
				return s.failExport(ctx, id, &e, err)
			}
			e.Status = completed
			return s.endExport(ctx, id, &e)
		}
		if err := s.db.Update(ctx, func(tx *store.Tx) error { return exports.Put(tx, id, e) }); err != nil {
			return err
		}
	}
	return nil
}

// failExport ends an export that S3 has refused, and returns other errors.
func (s *Service) failExport(ctx context.Context, id aws.ARN, e *export, err error) error {
	if status := aws.Refusal(err).Status; status < 400 || status >= 500 {
		return err
	}
	e.Status = failed
	e.Code, e.Message = transferFailure(err)
	return s.endExport(ctx, id, e)
}

// endExport keeps what became of an export.
func (s *Service) endExport(ctx context.Context, id aws.ARN, e *export) error {
	e.Ended = time.Now()
	return s.db.Update(ctx, func(tx *store.Tx) error {
		if err := exports.Put(tx, id, *e); err != nil {
			return err
		}
		return releaseCopy(tx, e.Table, id)
	})
}

// format is the form of the items.
func (e *export) format() string { return aws.Or(e.In.V.ExportFormat, jsonFormat) }

// An exportedMember is a part of a line, by its name there.
type exportedMember struct {
	name string
	item item.Item
}

// appendLine appends an object of members to b.
func (e *export) appendLine(b []byte, members []exportedMember) ([]byte, error) {
	if e.format() == ionFormat {
		return appendIon(b, members)
	}
	for i, m := range members {
		sign := byte(',')
		if i == 0 {
			sign = '{'
		}
		b = m.item.AppendJSON(append(append(append(b, sign, '"'), m.name...), '"', ':'))
	}
	return append(b, '}'), nil
}

// write writes some more of what e holds, and reports whether there is more.
func (e *export) write(tx *store.Tx, t *table, f *exportFilter, w *bytes.Buffer) (n tally, more bool, err error) {
	z := gzip.NewWriter(w)
	var from, line []byte
	if e.After != nil {
		from = store.KeyAfter(e.After)
	}
	for key, members := range e.lines(tx, t, f, from) {
		if line, err = e.appendLine(line[:0], members); err != nil {
			return n, false, err
		}
		line = append(line, '\n')
		if _, err := z.Write(line); err != nil {
			return n, false, err
		}
		e.After = key
		n.items, n.bytes = n.items+1, n.bytes+int64(len(line))
		if more = n.bytes >= exportedBytes || n.items == exportedItems; more {
			break
		}
	}
	if err := z.Close(); err != nil {
		return n, false, err
	}
	return n, more, tx.Err()
}

// lines yields what is written of each item, from a key on.
func (e *export) lines(tx *store.Tx, t *table, f *exportFilter, from []byte) iter.Seq2[[]byte, []exportedMember] {
	if e.incremental() {
		return e.changes(tx, t, f, from)
	}
	return func(yield func([]byte, []exportedMember) bool) {
		for key, it := range t.itemsAt(tx, e.At, from) {
			if f.matches(it) && !yield(key, []exportedMember{{"Item", f.project(it)}}) {
				return
			}
		}
	}
}

// changes yields what became of each item that has changed.
func (e *export) changes(tx *store.Tx, t *table, f *exportFilter, from []byte) iter.Seq2[[]byte, []exportedMember] {
	return func(yield func([]byte, []exportedMember) bool) {
		var c change
		for stamped, old := range history.Rows(t.ID).Scan(tx, from, nil) {
			key, at := stamped[:len(stamped)-historyTime], time.Unix(0, int64(binary.BigEndian.Uint64(stamped[len(stamped)-historyTime:])))
			if !bytes.Equal(key, c.key) {
				if !c.yield(tx, t, e, f, yield) {
					return
				}
				c = change{key: bytes.Clone(key)}
			}
			switch {
			case !at.After(e.From):
			case at.After(e.At):
				if !c.ended {
					c.new, c.ended = bytes.Clone(old), true
				}
			default:
				if c.last.IsZero() {
					c.old = bytes.Clone(old)
				}
				c.last = at
			}
		}
		c.yield(tx, t, e, f, yield)
	}
}

// A change is what became of an item.
type change struct {
	key      []byte
	old, new item.Item
	last     time.Time // when it changed last in the time that counts; zero: it did not
	ended    bool      // new is known: it changed again later
}

func (c *change) yield(tx *store.Tx, t *table, e *export, f *exportFilter, yield func([]byte, []exportedMember) bool) bool {
	if c.last.IsZero() {
		return true
	}
	if !c.ended {
		row, err := t.rows.Get(tx, c.key)
		if err == nil {
			c.new = row
		}
	}
	if len(c.old) == 0 && len(c.new) == 0 {
		return true // it came and went
	}
	whole := c.new
	if len(whole) == 0 {
		whole = c.old
	}
	if !f.matches(whole) {
		return true
	}
	written := item.Attribute{Name: "WriteTimestampMicros", Value: item.Int(int(c.last.UnixMicro()))}
	members := []exportedMember{{"Metadata", item.New(written)}, {"Keys", pick(whole, t.Key.names())}}
	if both := aws.Or(e.In.V.IncrementalExportSpecification.ExportViewType, bothImage) == bothImage; both && len(c.old) > 0 {
		members = append(members, exportedMember{"OldImage", f.project(c.old)})
	}
	if len(c.new) > 0 {
		members = append(members, exportedMember{"NewImage", f.project(c.new)})
	}
	return yield(c.key, members)
}

// putFile puts a file in the bucket.
func (s *Service) putFile(ctx context.Context, e *export, id aws.ARN, name string, content []byte) (exportedFile, error) {
	in := e.file(id, name, content)
	out, err := dispatch.CallChecked(ctx, s.table, asAccount(e.Table), s3.PutObject, in)
	if err != nil {
		return exportedFile{}, err
	}
	sum := md5.Sum(content)
	return exportedFile{Key: in.Key, MD5: base64.StdEncoding.EncodeToString(sum[:]), ETag: strings.Trim(aws.Value(out.ETag), `"`)}, nil
}

// putManifest writes which files there are, and that these are all.
func (s *Service) putManifest(ctx context.Context, e *export, id aws.ARN) error {
	var files bytes.Buffer
	w := json.NewEncoder(&files)
	for _, f := range e.Files {
		line := struct {
			Items int64  `json:"itemCount"`
			MD5   string `json:"md5Checksum"`
			ETag  string `json:"etag"`
			Key   string `json:"dataFileS3Key"`
		}{f.Items, f.MD5, f.ETag, f.Key}
		if err := w.Encode(line); err != nil {
			return err
		}
	}
	summary, err := json.Marshal(e.summary(id))
	if err != nil {
		return err
	}
	for _, f := range []struct {
		name    string
		content []byte
	}{{"manifest-files", files.Bytes()}, {"manifest-summary", summary}} {
		put, err := s.putFile(ctx, e, id, f.name+".json", f.content)
		if err != nil {
			return err
		}
		if _, err := s.putFile(ctx, e, id, f.name+".md5", []byte(put.MD5)); err != nil {
			return err
		}
	}
	return nil
}

// summary is what the manifest says of e as a whole.
func (e *export) summary(id aws.ARN) map[string]any {
	const layout = "2006-01-02T15:04:05.000Z"
	text := func(t time.Time) string { return t.UTC().Format(layout) }
	in := &e.In.V
	m := map[string]any{
		"version": "2023-08-01", "exportArn": id.String(), "startTime": text(e.Started), "endTime": text(time.Now()), "tableArn": e.Table.String(),
		"tableId": e.TableID, "s3Bucket": in.S3Bucket, "s3Prefix": in.S3Prefix, "s3SseAlgorithm": e.sealing(), "s3SseKmsKeyId": in.S3SseKmsKeyId,
		"manifestFilesS3Key": e.key(id, "manifest-files.json"), "billedSizeBytes": e.Bytes, "itemCount": e.Items, "outputFormat": e.format(),
		"exportType": aws.Or(in.ExportType, fullExport),
	}
	if e.incremental() {
		m["exportFromTime"], m["exportToTime"] = text(e.From), text(e.At)
		m["outputView"] = aws.Or(in.IncrementalExportSpecification.ExportViewType, bothImage)
	} else {
		m["exportTime"] = text(e.At)
	}
	return m
}
