package s3

import (
	"context"
	"errors"
	"io"
	"iter"
	"math"
	"strconv"
	"time"
	"unicode/utf8"

	api "github.com/aloft-cloud/aloft/internal/api/s3"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/service/s3/query"
	"github.com/aloft-cloud/aloft/internal/service/s3/rows"
)

const (
	selectBatch = 64 << 10        // bytes of records in an event
	selectQuiet = 5 * time.Second // after which an event says that there is more to come
)

// A selection is an answer of SelectObjectContent on its way.
type selection struct {
	ctx      context.Context
	q        *query.Query
	rows     iter.Seq2[query.Row, error]
	write    rows.Writer
	content  io.Closer
	progress bool

	scanned, processed *counter
	returned           int64

	last time.Time // an event was sent
}

// A counter counts what is read through it.
type counter struct {
	io.Reader
	n int64
}

func (c *counter) Read(b []byte) (int, error) {
	n, err := c.Reader.Read(b)
	c.n += int64(n)
	return n, err
}

// SelectObjectContent answers a query with records of an object.
func (s *Service) SelectObjectContent(ctx context.Context, call *aws.Call, in *api.SelectObjectContentInput) (*api.SelectObjectContentOutput, error) {
	if call.Principal.Kind == aws.Anonymous {
		return nil, query.Fault("UnauthorizedAccess", "You are not authorized to perform this operation.")
	}
	if in.InputSerialization == nil || in.OutputSerialization == nil {
		return nil, errMissing()
	}
	src, err := dialectOf(in)
	if err != nil {
		return nil, err
	}
	x := &selection{ctx: ctx, progress: in.RequestProgress != nil && aws.Value(in.RequestProgress.Enabled)}
	if x.write, err = writerOf(in.OutputSerialization); err != nil {
		return nil, err
	}
	if x.q, err = query.Parse(in.Expression); err != nil {
		return nil, err
	}
	if src.csv && len(x.q.Path) > 0 {
		return nil, query.Fault("InvalidKeyPath", "The key path in the SQL expression is not valid.")
	}
	if err := s.begin(ctx, call, in, src, x); err != nil {
		return nil, errors.Join(err, x.close())
	}
	return &api.SelectObjectContentOutput{Payload: x.events}, nil
}

func (x *selection) close() error {
	if x.content == nil {
		return nil
	}
	return x.content.Close()
}

// A dialect is how an object is written.
type dialect struct {
	csv         bool
	format      rows.Format
	header      rows.Header
	compression string
	lead        int64 // bytes before a range that may end the record before
}

// dialectOf reads how the object of in is written.
func dialectOf(in *api.SelectObjectContentInput) (dialect, error) {
	from := in.InputSerialization
	src := dialect{compression: aws.Or(from.CompressionType, api.CompressionTypeNone), lead: 1}
	switch {
	case in.ExpressionType != api.ExpressionTypeSql:
		return src, query.Fault("InvalidExpressionType", "The ExpressionType value is not valid. Only SQL expressions are supported.")
	case from.CSV == nil && from.JSON == nil && from.Parquet == nil:
		return src, errMissing()
	case from.CSV != nil && from.JSON != nil, from.Parquet != nil && (from.CSV != nil || from.JSON != nil):
		return src, errSerializations()
	case from.Parquet != nil:
		return src, errLacking("S3 Select of Parquet")
	}
	switch src.compression {
	case api.CompressionTypeNone, api.CompressionTypeGzip, api.CompressionTypeBzip2:
	default:
		return src, query.Fault("InvalidCompressionFormat", "The file is not in a supported compression format. Only GZIP and BZIP2 are supported.")
	}
	whole := src.compression != api.CompressionTypeNone
	var err error
	if from.JSON != nil {
		switch aws.Value(from.JSON.Type) {
		case api.JSONTypeLines:
		case api.JSONTypeDocument:
			whole = true
		default:
			return src, query.Fault("InvalidJsonType", "The JsonType value is not valid. Only DOCUMENT and LINES are supported.")
		}
	} else {
		err = src.readCSV(from.CSV)
		whole = whole || src.format.QuotedRecord
	}
	if err == nil && whole && in.ScanRange != nil {
		err = query.Fault("UnsupportedScanRangeInput", "Scan range queries are not supported on this type of object.")
	}
	return src, err
}

func errMissing() error {
	return query.Fault("MissingRequiredParameter", "The SelectRequest entity is missing a required parameter. Check the service documentation and try again.")
}

func errSerializations() error {
	return query.Fault("ObjectSerializationConflict", "InputSerialization specifies more than one format (CSV, JSON, or Parquet), or OutputSerialization specifies more than one format (CSV or JSON). "+
		"For InputSerialization and OutputSerialization, you can specify only one format for each.")
}

func (src *dialect) readCSV(in *api.CSVInput) error {
	headers := map[string]rows.Header{"": rows.NoHeader, api.FileHeaderInfoNone: rows.NoHeader, api.FileHeaderInfoIgnore: rows.IgnoreHeader, api.FileHeaderInfoUse: rows.UseHeader}
	header, ok := headers[aws.Value(in.FileHeaderInfo)]
	if !ok {
		return query.Fault("InvalidFileHeaderInfo", "The FileHeaderInfo value is not valid. Only NONE, USE, and IGNORE are supported.")
	}
	f := rows.DefaultFormat
	f.QuotedRecord = aws.Value(in.AllowQuotedRecordDelimiter)
	src.csv, src.header = true, header
	err := firstError(
		setSign(&f.Field, in.FieldDelimiter, 1), setSign(&f.Record, in.RecordDelimiter, 2), setSign(&f.Quote, in.QuoteCharacter, 1),
		setSign(&f.Escape, in.QuoteEscapeCharacter, 1), setSign(&f.Comment, in.Comments, 1),
	)
	src.format, src.lead = f, int64(len(f.Record))
	return err
}

// setSign sets a sign of a format to what the request says it be, which has so
// many characters at most.
func setSign(sign, to *string, most int) error {
	switch {
	case to == nil || *to == "":
		return nil
	case utf8.RuneCountInString(*to) > most:
		return query.Fault("InvalidRequestParameter", "The value of a parameter in the SelectRequest element is not valid. Check the service API documentation and try again.")
	}
	*sign = *to
	return nil
}

// writerOf reads how the answer is to be written.
func writerOf(to *api.OutputSerialization) (rows.Writer, error) {
	switch {
	case to.CSV == nil && to.JSON == nil:
		return nil, errMissing()
	case to.CSV != nil && to.JSON != nil:
		return nil, errSerializations()
	case to.JSON != nil:
		end := "\n"
		return rows.JSONWriter(aws.Or(to.JSON.RecordDelimiter, end)), nil
	}
	f := rows.DefaultFormat
	switch aws.Or(to.CSV.QuoteFields, api.QuoteFieldsAsneeded) {
	case api.QuoteFieldsAsneeded:
	case api.QuoteFieldsAlways:
		f.Always = true
	default:
		return nil, query.Fault("InvalidQuoteFields", "The QuoteFields value is not valid. Only ALWAYS and ASNEEDED are supported.")
	}
	err := firstError(setSign(&f.Field, to.CSV.FieldDelimiter, math.MaxInt8), setSign(&f.Record, to.CSV.RecordDelimiter, math.MaxInt8),
		setSign(&f.Quote, to.CSV.QuoteCharacter, 1), setSign(&f.Escape, to.CSV.QuoteEscapeCharacter, 1))
	return rows.CSVWriter(f), err
}

// begin opens the object of in, and finds in its header what x asks for.
func (s *Service) begin(ctx context.Context, call *aws.Call, in *api.SelectObjectContentInput, src dialect, x *selection) error {
	open := func(span string, match *string) (*api.GetObjectOutput, error) {
		get := &api.GetObjectInput{
			Bucket: in.Bucket, Key: in.Key, ExpectedBucketOwner: in.ExpectedBucketOwner, IfMatch: match,
			SSECustomerAlgorithm: in.SSECustomerAlgorithm, SSECustomerKey: in.SSECustomerKey, SSECustomerKeyMD5: in.SSECustomerKeyMD5,
		}
		if span != "" {
			get.Range = &span
		}
		return s.GetObject(ctx, call, get)
	}
	r, err := scanOf(in.ScanRange, src.lead)
	if err != nil {
		return err
	}
	object, err := open(r.header, nil)
	if errors.Is(err, api.InvalidRange) {
		err = errScan()
	}
	if err != nil {
		return err
	}
	x.content = object.Body.(io.Closer)
	size := *object.ContentLength
	r.fit(size)
	x.scanned = &counter{Reader: object.Body}
	x.processed = &counter{Reader: rows.Unpack(x.scanned, src.compression)}
	if !src.csv {
		j := rows.NewJSON(x.processed)
		if r.skips {
			err = j.Skip(r.lead)
		}
		x.rows = j.Rows(x.q.Path, r.size)
		return err
	}
	c := rows.NewCSV(x.processed, src.format)
	switch {
	case !r.skips:
		err = c.Head(src.header)
	case src.header == rows.UseHeader: // it is not in the range
		err = headOf(c, src, func() (*api.GetObjectOutput, error) { return open("", object.ETag) })
	}
	if err == nil && r.skips {
		err = c.Skip(r.lead)
	}
	if err != nil {
		return err
	}
	x.rows = c.Rows(r.size)
	return c.Bind(x.q.Uses)
}

// headOf reads the header that c, which reads a part of an object, does not see.
func headOf(c *rows.CSV, src dialect, open func() (*api.GetObjectOutput, error)) error {
	object, err := open()
	if err != nil {
		return err
	}
	whole := rows.NewCSV(object.Body, src.format)
	err = errors.Join(whole.Head(src.header), object.Body.(io.Closer).Close())
	c.HeadOf(whole)
	return err
}

// A scan is a range of an object whose records count: those that begin in it.
type scan struct {
	header string // what to get: the range, and what is before it
	lead   int64  // how much that is
	skips  bool   // the range does not begin where the object does
	size   int64  // of the range

	tail int64 // it is the last bytes of the object, so many
}

func errScan() error { return query.Fault("InvalidScanRange", "The provided scan range is not valid.") }

// scanOf reads a range. Of its records the last may end behind it.
func scanOf(in *api.ScanRange, lead int64) (scan, error) {
	r := scan{size: math.MaxInt64}
	if in == nil || in.Start == nil && in.End == nil {
		return r, nil
	}
	start, end := aws.Value(in.Start), aws.Or(in.End, math.MaxInt64-1)
	switch {
	case start < 0 || end < start:
		return r, errScan()
	case in.Start == nil:
		if end == 0 || end > math.MaxInt64-lead {
			return r, errScan()
		}
		r.tail, r.lead = end, lead
		r.header = "bytes=-" + strconv.FormatInt(end+lead, 10)
		return r, nil
	case start == 0:
		r.size = end + 1
		return r, nil
	}
	r.skips, r.lead, r.size = true, min(lead, start), end-start+1
	r.header = "bytes=" + strconv.FormatInt(start-r.lead, 10) + "-"
	return r, nil
}

// fit makes r the end of an object, if it is, of which there are so many bytes.
func (r *scan) fit(size int64) {
	if r.tail > 0 && size > r.tail {
		r.lead = size - r.tail
		r.skips = true
	}
}

// events are the records, and what was read for them.
func (x *selection) events(yield func(api.SelectObjectContentEventStream, error) bool) {
	defer x.content.Close()
	x.last = time.Now()
	batch, err := x.run(yield)
	if err == errGone {
		return
	}
	if len(batch) > 0 && !x.send(batch, yield) {
		return
	}
	if err != nil {
		yield(api.SelectObjectContentEventStream{}, err)
		return
	}
	stats := x.stats()
	if x.progress && !yield(api.SelectObjectContentEventStream{Progress: &api.ProgressEvent{Details: (*api.Progress)(stats)}}, nil) {
		return
	}
	if yield(api.SelectObjectContentEventStream{Stats: &api.StatsEvent{Details: stats}}, nil) {
		yield(api.SelectObjectContentEventStream{End: &api.EndEvent{}}, nil)
	}
}

// errGone says that the caller is no longer there.
var errGone = errors.New("the caller is gone")

// run sends records in batches, and returns the last one.
func (x *selection) run(yield func(api.SelectObjectContentEventStream, error) bool) (batch []byte, err error) {
	run := x.q.Start(time.Now())
	if run.Done() {
		return nil, nil
	}
	for row, err := range x.rows {
		if err == nil {
			err = x.ctx.Err()
		}
		if err != nil {
			return batch, err
		}
		out, ok, err := run.Add(row)
		if err != nil {
			return batch, err
		}
		if ok {
			if batch, err = x.append(batch, out); err != nil {
				return batch, err
			}
		}
		if len(batch) >= selectBatch {
			if !x.send(batch, yield) {
				return nil, errGone
			}
			batch = batch[:0]
		}
		if !x.goesOn(yield) {
			return nil, errGone
		}
		if run.Done() {
			return batch, nil
		}
	}
	out, ok, err := run.End()
	if err != nil || !ok {
		return batch, err
	}
	return x.append(batch, out)
}

func (x *selection) append(batch []byte, r query.Record) ([]byte, error) {
	n := len(batch)
	batch, err := x.write(batch, r)
	if err == nil && len(batch)-n > query.MaxRecord {
		err = query.ErrTooLong()
	}
	if err != nil {
		return batch[:n], err
	}
	return batch, nil
}

func (x *selection) send(batch []byte, yield func(api.SelectObjectContentEventStream, error) bool) bool {
	x.returned += int64(len(batch))
	x.last = time.Now()
	return yield(api.SelectObjectContentEventStream{Records: &api.RecordsEvent{Payload: batch}}, nil)
}

// goesOn tells those who have heard nothing for a while that it goes on.
func (x *selection) goesOn(yield func(api.SelectObjectContentEventStream, error) bool) bool {
	if time.Since(x.last) < selectQuiet {
		return true
	}
	x.last = time.Now()
	if x.progress {
		return yield(api.SelectObjectContentEventStream{Progress: &api.ProgressEvent{Details: (*api.Progress)(x.stats())}}, nil)
	}
	return yield(api.SelectObjectContentEventStream{Cont: &api.ContinuationEvent{}}, nil)
}

func (x *selection) stats() *api.Stats {
	return &api.Stats{BytesScanned: new(x.scanned.n), BytesProcessed: new(x.processed.n), BytesReturned: new(x.returned)}
}
