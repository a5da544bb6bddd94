package states

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/aloft-cloud/aloft/internal/api/s3"
	api "github.com/aloft-cloud/aloft/internal/api/states"
	"github.com/aloft-cloud/aloft/internal/asl"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/dispatch"
	"github.com/aloft-cloud/aloft/internal/store"
	"github.com/aloft-cloud/aloft/internal/tree"
)

// maxResults is how many bytes the results of a map run have at most in memory.
const maxResults = 256 << 20

// results are what a map run came to: the outputs of its executions, or where
// they were written.
func (s *Service) results(ctx context.Context, arn aws.ARN) (tree.Value, mapRun, *asl.Error, error) {
	var row mapRun
	var writing *asl.Writing
	var failed *asl.Error
	var role string
	var items []mapItem
	err := s.DB.View(ctx, func(tx *store.Tx) (err error) {
		items = nil
		if row, err = mapRuns.Get(tx, arn); err != nil {
			return err
		}
		e, err := executions.Get(tx, row.Execution)
		if err != nil || e.Status != api.ExecutionStatusRunning {
			return err
		}
		run, err := s.keeper(tx, row.Execution, &e).load()
		if err != nil {
			return err
		}
		if strand := run.Strand(row.Strand); strand == nil || run.Err() != nil {
			return run.Err()
		}
		role = run.About.RoleARN
		st, env := run.Env(row.Strand)
		if writing, failed = st.Writing(env); failed != nil {
			return nil
		}
		size := 0
		for _, item := range mapItems.Scan(tx, itemKey{Run: arn}) {
			if size += len(aws.Value(item.Output)); size > maxResults {
				failed = &asl.Error{Name: asl.ErrDataLimitExceeded, Cause: "The results of the Map Run are too large."}
				return nil
			}
			items = append(items, item)
		}
		return tx.Err()
	})
	if row.Error != nil {
		failed = row.Error
	}
	if err != nil || failed != nil && (writing == nil || row.Error == nil || !row.Whole) {
		return nil, row, failed, err
	}
	if writing == nil || writing.Resource == "" {
		return outputsOf(items, writing), row, failed, nil
	}
	as, err := s.as(ctx, row.Machine, role)
	if err != nil {
		return nil, row, &asl.Error{Name: asl.ErrResultWriterFailed, Cause: aws.Refusal(err).Message}, nil
	}
	w := &resultWriter{s: s, ctx: ctx, as: as, run: arn, row: &row, how: writing}
	result, e := w.write(items)
	if failed != nil {
		e = failed
	}
	return result, row, e, nil
}

// outputsOf is the list of the outputs of executions that succeeded.
func outputsOf(items []mapItem, how *asl.Writing) []tree.Value {
	out := make([]tree.Value, 0, len(items))
	for i := range items {
		if items[i].Output == nil {
			continue
		}
		v, err := tree.ParseString(*items[i].Output)
		if err != nil {
			continue // it was printed by us
		}
		if list, ok := v.([]tree.Value); ok && how != nil && how.Transformation == "FLATTEN" {
			out = append(out, list...)
			continue
		}
		out = append(out, v)
	}
	return out
}

// A resultWriter writes what executions came to into a bucket.
type resultWriter struct {
	s   *Service
	ctx context.Context
	as  *aws.Call
	run aws.ARN
	row *mapRun
	how *asl.Writing
}

// write writes results and their manifest, and returns where that is.
func (w *resultWriter) write(items []mapItem) (tree.Value, *asl.Error) {
	args, _ := w.how.Arguments.(*tree.Object)
	bucket, prefix := member(args, "Bucket"), strings.Trim(member(args, "Prefix"), "/")
	id := w.run.Resource[strings.LastIndexByte(w.run.Resource, ':')+1:]
	folder := strings.TrimPrefix(prefix+"/"+id+"/", "/")
	files := tree.NewObject()
	for _, status := range []string{"FAILED", "PENDING", "SUCCEEDED"} {
		var some []mapItem
		for i := range items {
			if items[i].file() == status {
				some = append(some, items[i])
			}
		}
		list := []tree.Value{}
		if len(some) > 0 {
			body, kind := w.body(some, status)
			key := folder + status + "_0." + kind
			if e := w.put(bucket, key, body); e != nil {
				return nil, e
			}
			list = append(list, tree.NewObject("Key", key, "Size", json.Number(strconv.Itoa(len(body)))))
			w.row.Executions.Written += int64(len(some))
			for i := range some {
				w.row.Items.Written += some[i].Count
			}
		}
		files.Set(status, list)
	}
	manifest := tree.NewObject("DestinationBucket", bucket, "MapRunArn", w.run.String(), "ResultFiles", files)
	if e := w.put(bucket, folder+"manifest.json", tree.Append(nil, manifest)); e != nil {
		return nil, e
	}
	return tree.NewObject("MapRunArn", w.run.String(), "ResultWriterDetails", tree.NewObject("Bucket", bucket, "Key", folder+"manifest.json")), nil
}

// file is which of the files an execution is in.
func (i *mapItem) file() string {
	switch i.Status {
	case "":
		return "PENDING"
	case api.ExecutionStatusSucceeded:
		return "SUCCEEDED"
	}
	return "FAILED"
}

// body is a file of results.
func (w *resultWriter) body(items []mapItem, status string) (body []byte, kind string) {
	var list []tree.Value
	if status == "SUCCEEDED" && w.how.Transformation != "" && w.how.Transformation != "NONE" {
		list = outputsOf(items, w.how)
	} else {
		for i := range items {
			list = append(list, items[i].described(w.row))
		}
	}
	if w.how.OutputType != "JSONL" {
		return tree.Append(nil, list), "json"
	}
	for _, v := range list {
		body = append(tree.Append(body, v), '\n')
	}
	return body, "jsonl"
}

// described is an execution as files of results have it.
func (i *mapItem) described(row *mapRun) tree.Value {
	o := tree.NewObject()
	if i.Cause != nil {
		o.Set("Cause", *i.Cause)
	}
	if i.Error != nil {
		o.Set("Error", *i.Error)
	}
	included := tree.NewObject("Included", true)
	if i.Status != "" {
		o.Set("ExecutionArn", i.Execution.String())
	}
	o.Set("Input", i.text())
	o.Set("InputDetails", included)
	if i.Status == "" {
		return o
	}
	o.Set("Name", i.Name)
	if i.Output != nil {
		o.Set("Output", *i.Output)
		o.Set("OutputDetails", included)
	}
	o.Set("StartDate", i.Started.Format(time.RFC3339Nano))
	o.Set("StateMachineArn", row.Machine.String()+"/"+row.Label)
	o.Set("Status", i.Status)
	o.Set("StopDate", i.Stopped.Format(time.RFC3339Nano))
	return o
}

// put writes an object.
func (w *resultWriter) put(bucket, key string, body []byte) *asl.Error {
	_, err := dispatch.CallChecked(w.ctx, w.s.Table, w.as, s3.PutObject, &s3.PutObjectInput{
		Bucket: bucket, Key: key, Body: bytes.NewReader(body), ContentType: new("application/json"), ContentLength: new(int64(len(body))),
	})
	if err != nil {
		return &asl.Error{Name: asl.ErrResultWriterFailed, Cause: fmt.Sprintf("%s (bucket %s, key %s)", aws.Refusal(err).Message, bucket, key)}
	}
	return nil
}

// member is a member of an object that is a string, or "".
func member(o *tree.Object, name string) string {
	v, _ := o.Get(name)
	text, _ := v.(string)
	return text
}
