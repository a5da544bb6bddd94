package dynamodb

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"encoding/csv"
	"errors"
	"io"
	"iter"
	"slices"
	"time"
	"unicode/utf8"

	"github.com/klauspost/compress/zstd"

	"github.com/aloft-cloud/aloft/internal/api/s3"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/dispatch"
	"github.com/aloft-cloud/aloft/internal/item"
	"github.com/aloft-cloud/aloft/internal/jx"
	"github.com/aloft-cloud/aloft/internal/store"
)

const (
	maxLine    = 4 << 20 // bytes of an item as text
	maxUnzip   = 64 << 20
	listedOnce = 1000
)

// importTable reads what is left of the objects of an import.
func (s *Service) importTable(ctx context.Context, id aws.ARN) error {
	var m importing
	err := s.db.View(ctx, func(tx *store.Tx) (err error) {
		m, err = imports.Get(tx, id)
		return err
	})
	if err != nil {
		return err
	}
	call := asAccount(m.Table)
	for more := true; more; {
		out, err := dispatch.CallChecked(ctx, s.table, call, s3.ListObjectsV2, m.list(m.Done, listedOnce))
		if err != nil {
			return s.failImport(ctx, id, &m, err)
		}
		for _, o := range out.Contents {
			if err := s.importObject(ctx, call, id, &m, aws.Value(o.Key), aws.Value(o.Size)); err != nil {
				return s.failImport(ctx, id, &m, err)
			}
		}
		more = aws.Value(out.IsTruncated)
	}
	m.Status = completed
	return s.endImport(ctx, id, &m)
}

// failImport ends an import that S3 has refused, and returns other errors.
func (s *Service) failImport(ctx context.Context, id aws.ARN, m *importing, err error) error {
	if status := aws.Refusal(err).Status; status < 400 || status >= 500 {
		return err
	}
	m.Status = failed
	m.Code, m.Message = transferFailure(err)
	return s.endImport(ctx, id, m)
}

// endImport keeps what became of an import, and lets the table be used.
func (s *Service) endImport(ctx context.Context, id aws.ARN, m *importing) error {
	m.Ended = time.Now()
	return s.db.Update(ctx, func(tx *store.Tx) error {
		t, err := readTable(tx, m.Table)
		if err != nil {
			return err
		}
		t.Importing = aws.ARN{}
		if err := putTable(tx, t); err != nil {
			return err
		}
		return imports.Put(tx, id, *m)
	})
}

// importObject reads one object. What it counts is kept with the last of its
// items: one that is read again, because of a crash, is counted once.
func (s *Service) importObject(ctx context.Context, call *aws.Call, id aws.ARN, m *importing, key string, size int64) error {
	source := m.In.V.S3BucketSource
	out, err := dispatch.CallChecked(ctx, s.table, call, s3.GetObject, &s3.GetObjectInput{Bucket: source.S3Bucket, Key: key, ExpectedBucketOwner: source.S3BucketOwner})
	if err != nil {
		return err
	}
	if c, ok := out.Body.(io.Closer); ok {
		defer c.Close()
	}
	body, err := m.unpack(out.Body)
	if err != nil {
		m.Wrong++
		return s.keepImported(ctx, id, m, key, size, nil)
	}
	var t *table
	err = s.db.View(ctx, func(tx *store.Tx) (err error) {
		t, err = readTable(tx, m.Table)
		return err
	})
	if err != nil {
		return err
	}
	var items []item.Item
	bytes := 0
	for it := range m.items(t, body) {
		m.Processed++
		if it == nil || checkValues(it) != nil || it.Size() > maxItem || t.checkItem(it) != nil {
			m.Wrong++
			continue
		}
		m.Imported++
		items = append(items, it)
		if bytes += len(it); len(items) < fillRows && bytes < fillBytes {
			continue
		}
		if err := s.db.Update(ctx, func(tx *store.Tx) error { return t.putImported(tx, items) }); err != nil {
			return err
		}
		items, bytes = nil, 0
	}
	return s.keepImported(ctx, id, m, key, size, items)
}

// keepImported puts the last items of an object, and notes that it is done.
func (s *Service) keepImported(ctx context.Context, id aws.ARN, m *importing, key string, size int64, items []item.Item) error {
	m.Done = key
	m.Bytes += size
	return s.db.Update(ctx, func(tx *store.Tx) error {
		t, err := readTable(tx, m.Table)
		if err != nil {
			return err
		}
		if err := t.putImported(tx, items); err != nil {
			return err
		}
		return imports.Put(tx, id, *m)
	})
}

// putImported puts items, of which one may replace another.
func (t *table) putImported(tx *store.Tx, items []item.Item) error {
	for _, it := range items {
		key := t.itemKey(it)
		var old item.Item
		row, err := t.rows.Get(tx, key)
		if err != nil && !errors.Is(err, store.ErrNotFound) {
			return err
		}
		old = row
		if err := t.rows.Put(tx, key, it); err != nil {
			return err
		}
		for ix := range t.indexes {
			if err := t.index(tx, ix, old, it); err != nil {
				return err
			}
		}
	}
	return nil
}

// unpack returns what is in an object.
func (m *importing) unpack(body io.Reader) (io.Reader, error) {
	switch aws.Value(m.In.V.InputCompressionType) {
	case "GZIP":
		return gzip.NewReader(body)
	case "ZSTD":
		r, err := zstd.NewReader(body, zstd.WithDecoderMaxMemory(maxUnzip), zstd.WithDecoderConcurrency(1))
		if err != nil {
			return nil, err
		}
		return r.IOReadCloser(), nil
	}
	return body, nil
}

// items yields the items of an object, and nil for what is none.
func (m *importing) items(t *table, body io.Reader) iter.Seq[item.Item] {
	if m.In.V.InputFormat == "CSV" {
		return m.records(t, body)
	}
	return func(yield func(item.Item) bool) {
		lines := bufio.NewScanner(body)
		lines.Buffer(nil, maxLine)
		for lines.Scan() {
			line := bytes.TrimSpace(lines.Bytes())
			if len(line) > 0 && !yield(m.item(line)) {
				return
			}
		}
		if lines.Err() != nil {
			yield(nil)
		}
	}
}

// item reads a line, or returns nil.
func (m *importing) item(line []byte) item.Item {
	if m.In.V.InputFormat == ionFormat {
		return ionItem(line)
	}
	return importedItem(string(line))
}

// importedItem reads a line that is {"Item": …}, or returns nil.
func importedItem(line string) item.Item {
	r := jx.NewReader(line)
	var it item.Item
	r.BeginObject()
	for r.More('}') {
		if r.Key() != "Item" {
			r.Skip()
			continue
		}
		if err := it.DecodeJSON(r); err != nil {
			return nil
		}
	}
	if r.End() != nil {
		return nil
	}
	return it
}

// records yields the records of a file of comma-separated values as items.
// Attributes of keys have their types, all others are strings.
func (m *importing) records(t *table, body io.Reader) iter.Seq[item.Item] {
	return func(yield func(item.Item) bool) {
		r := csv.NewReader(body)
		r.FieldsPerRecord, r.ReuseRecord = -1, true
		var names []string
		if options := m.In.V.InputFormatOptions; options != nil && options.Csv != nil {
			if d := aws.Value(options.Csv.Delimiter); d != "" {
				r.Comma = rune(d[0])
			}
			names = options.Csv.HeaderList
		}
		for {
			record, err := r.Read()
			if err == io.EOF {
				return
			}
			if _, ok := errors.AsType[*csv.ParseError](err); err != nil && !ok {
				yield(nil)
				return
			}
			switch {
			case err != nil || names != nil && len(record) != len(names):
				if !yield(nil) {
					return
				}
			case names == nil:
				names = slices.Clone(record)
			case !yield(t.recordItem(names, record)):
				return
			}
		}
	}
}

// recordItem makes an item of a record, or nil. What is empty is left out.
func (t *table) recordItem(names, record []string) item.Item {
	var attrs []item.Attribute
	for i, text := range record {
		if text == "" {
			continue
		}
		if names[i] == "" || len(names[i]) > item.MaxName || slices.Contains(names[:i], names[i]) {
			return nil
		}
		if !utf8.ValidString(names[i]) || !utf8.ValidString(text) {
			return nil
		}
		kind := item.S
		for _, d := range t.Definitions {
			if d.Name == names[i] {
				kind = d.Type
			}
		}
		v := item.String(text)
		if kind != item.S {
			v = nil
			form := jx.AppendString([]byte(`{"`+kind.String()+`":`), text)
			if (&v).DecodeJSON(jx.NewReader(string(form)+"}")) != nil || v.Err() != nil {
				return nil
			}
		}
		attrs = append(attrs, item.Attribute{Name: names[i], Value: v})
	}
	return item.New(attrs...)
}
