package states

import (
	"context"
	"encoding/json"
	"io"
	"strconv"
	"strings"

	"github.com/aloft-cloud/aloft/internal/api/s3"
	"github.com/aloft-cloud/aloft/internal/asl"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/dispatch"
	"github.com/aloft-cloud/aloft/internal/protocol"
	"github.com/aloft-cloud/aloft/internal/service/states/flow"
	"github.com/aloft-cloud/aloft/internal/store"
	"github.com/aloft-cloud/aloft/internal/tree"
)

// text is what an execution begins with, as text.
func (i *mapItem) text() string { return tree.String(i.Input.V) }

// A mapReader makes rows of the items of a map run. Should it be cut short, it
// begins anew and makes the same rows.
type mapReader struct {
	s       *Service
	ctx     context.Context
	arn     aws.ARN
	state   *asl.State
	env     asl.Env
	batcher *asl.Batcher

	items   int64 // that were read
	batched int64 // of those, in the batch at hand
	count   int64 // of rows
	rows    []mapItem
	size    int
	err     error // of ours
	failed  *asl.Error
}

// readItems makes rows of the items of a map run.
func (s *Service) readItems(ctx context.Context, arn aws.ARN, row *mapRun) error {
	m := &mapReader{s: s, ctx: ctx, arn: arn}
	var role string
	err := s.DB.View(ctx, func(tx *store.Tx) error {
		e, err := executions.Get(tx, row.Execution)
		if err != nil {
			return err
		}
		run, err := s.keeper(tx, row.Execution, &e).load()
		if err != nil {
			return err
		}
		role = run.About.RoleARN
		m.state, m.env = run.Env(row.Strand)
		return run.Err()
	})
	if err != nil {
		return err
	}
	m.read(role, row)
	if m.failed == nil && m.err == nil && m.batcher != nil {
		if batch, some := m.batcher.Rest(); some {
			m.add(batch, nil, m.batched)
		}
	}
	m.flush()
	if m.err != nil || ctx.Err() != nil {
		return m.err
	}
	return s.DB.Update(ctx, func(tx *store.Tx) error {
		now, err := mapRuns.Get(tx, arn)
		if err != nil {
			return err
		}
		now.Whole, now.Error = m.failed == nil, m.failed
		if m.failed == nil {
			now.Executions.Total, now.Items.Total = m.count, m.items
		}
		return mapRuns.Put(tx, arn, now)
	})
}

// read finds the items.
func (m *mapReader) read(role string, row *mapRun) {
	if m.batcher, m.failed = m.state.NewBatcher(m.env); m.failed != nil {
		return
	}
	reading, e := m.state.Reading(m.env)
	if e != nil {
		m.failed = e
		return
	}
	if reading == nil {
		items, e := m.state.Items(m.env)
		m.failed = e
		for _, item := range items {
			if !m.take(item) {
				return
			}
		}
		return
	}
	as, err := m.s.as(m.ctx, row.Machine, role)
	if err != nil {
		m.failed = &asl.Error{Name: asl.ErrItemReaderFailed, Cause: aws.Refusal(err).Message}
		return
	}
	if strings.HasSuffix(reading.Resource, ":listObjectsV2") {
		m.list(as, reading)
		return
	}
	m.file(as, reading)
}

// file reads the items of one file.
func (m *mapReader) file(as *aws.Call, reading *asl.Reading) {
	in := &s3.GetObjectInput{}
	if err := protocol.DecodeJSON(tree.Append(nil, reading.Arguments), in); err != nil {
		m.failed = &asl.Error{Name: asl.ErrItemReaderFailed, Cause: err.Error()}
		return
	}
	out, err := dispatch.CallChecked(m.ctx, m.s.Table, as, s3.GetObject, in)
	if err != nil {
		m.failed = &asl.Error{Name: asl.ErrItemReaderFailed, Cause: aws.Refusal(err).Message}
		return
	}
	if c, ok := out.Body.(io.Closer); ok {
		defer c.Close()
	}
	if e := reading.Read(out.Body, m.take); e != nil {
		m.failed = e
	}
}

// list reads the objects of a bucket, which are items themselves.
func (m *mapReader) list(as *aws.Call, reading *asl.Reading) {
	if reading.Transformation == "LOAD_AND_FLATTEN" {
		m.failed = &asl.Error{Name: asl.ErrItemReaderFailed, Cause: "Aloft does not load the objects of a list (LOAD_AND_FLATTEN) yet."}
		return
	}
	if m.failed = reading.Check(); m.failed != nil {
		return
	}
	in := &s3.ListObjectsV2Input{}
	if err := protocol.DecodeJSON(tree.Append(nil, reading.Arguments), in); err != nil {
		m.failed = &asl.Error{Name: asl.ErrItemReaderFailed, Cause: err.Error()}
		return
	}
	for left := reading.MaxItems; ; {
		out, err := dispatch.CallChecked(m.ctx, m.s.Table, as, s3.ListObjectsV2, in)
		if err != nil {
			m.failed = &asl.Error{Name: asl.ErrItemReaderFailed, Cause: aws.Refusal(err).Message}
			return
		}
		for i := range out.Contents {
			if !m.take(asl.Item{Value: objectItem(&out.Contents[i])}) {
				return
			}
			if left--; left == 0 {
				return
			}
		}
		if !aws.Value(out.IsTruncated) {
			return
		}
		in.ContinuationToken = out.NextContinuationToken
	}
}

// objectItem is an object of a bucket as an item.
func objectItem(o *s3.Object) *tree.Object {
	number := func(n int64) json.Number { return json.Number(strconv.FormatInt(n, 10)) }
	return tree.NewObject(
		"Etag", aws.Value(o.ETag), "Key", aws.Value(o.Key), "LastModified", number(aws.Value(o.LastModified).Unix()),
		"Size", number(aws.Value(o.Size)), "StorageClass", aws.Or(o.StorageClass, "STANDARD"),
	)
}

// take makes a row of an item, or has it join a batch. It returns false if no
// more are wanted.
func (m *mapReader) take(item asl.Item) bool {
	env := m.env
	env.Context = asl.ItemContext(env.Context, m.items, item)
	input, e := m.state.ItemInput(env, item)
	if e != nil {
		m.failed = e
		return false
	}
	m.items++
	if m.batcher == nil {
		m.add(input, &flow.Item{Index: int(m.items - 1), Key: item.Key, Value: flow.Doc{V: item.Value}}, 1)
		return m.err == nil && m.ctx.Err() == nil
	}
	batch, full, e := m.batcher.Add(input)
	if e != nil {
		m.failed = e
		return false
	}
	if full {
		m.add(batch, nil, m.batched)
		m.batched = 0
	}
	m.batched++
	return m.err == nil && m.ctx.Err() == nil
}

// add adds a row.
func (m *mapReader) add(input tree.Value, item *flow.Item, count int64) {
	m.rows = append(m.rows, mapItem{Input: flow.Doc{V: input}, Item: item, Count: count})
	m.size += len(tree.Append(nil, input))
	if m.size > mapStepSize || len(m.rows) == 10*mapStep {
		m.flush()
	}
}

// flush keeps rows.
func (m *mapReader) flush() {
	if m.err != nil || len(m.rows) == 0 {
		return
	}
	m.err = m.s.DB.Update(m.ctx, func(tx *store.Tx) error {
		for i, row := range m.rows {
			if err := mapItems.Put(tx, itemKey{m.arn, m.count + int64(i)}, row); err != nil {
				return err
			}
		}
		return nil
	})
	m.count += int64(len(m.rows))
	m.rows, m.size = nil, 0
}
