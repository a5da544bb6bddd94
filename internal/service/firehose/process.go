package firehose

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/base64"
	"encoding/json"
	"io"
	"maps"
	"slices"
	"strings"

	api "github.com/aloft-cloud/aloft/internal/api/firehose"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/store"
)

const (
	subRecordsJSON      = "JSON"
	subRecordsDelimited = "DELIMITED"

	maxInflated   = 16 << 20 // bytes of a record that was compressed
	maxPartitions = 500      // of a stream at once
)

// An item is a record on its way through the processors.
type item struct {
	record
	came *record           // as it came
	id   int               // of what it came from
	keys map[string]string // of its partition, by namespace and name
	why  *failure          // nil: it did not fail
}

// process takes a batch through the processors of a stream, and puts what comes
// of it into the lines that it is for.
func (s *Service) process(ctx context.Context, row *stream, b *batch) error {
	items := make([]item, len(b.records))
	for i := range b.records {
		items[i] = item{record: b.records[i], came: &b.records[i], id: i}
	}
	for _, p := range row.processing() {
		var err error
		if p.Type == api.ProcessorTypeLambda {
			items, err = s.transform(ctx, row, b, &p, items)
		} else {
			items, err = processAll(&p, items)
		}
		if err != nil {
			return err
		}
	}
	lines, open := make(map[lineKey][]record), s.partitionsOf(b.key.Stream)
	for i := range items {
		it := &items[i]
		if it.why == nil && row.partitioned() {
			it.why = missingKeys(row, it.keys)
		}
		key := lineKey{b.key.Stream, lineOut, partitionOf(row, it.keys)}
		switch {
		case it.why != nil || open[key]:
		case len(open) < maxPartitions:
			open[key] = true
		default:
			it.why = errPartitions
		}
		if it.why != nil {
			failed, err := failedRecord(it.came, it.why)
			if err != nil {
				return err
			}
			key = lineKey{b.key.Stream, lineError, processingFailed}
			lines[key] = append(lines[key], failed)
			continue
		}
		lines[key] = append(lines[key], it.record)
	}
	return s.DB.Update(ctx, func(tx *store.Tx) error {
		if there, err := streams.Has(tx, b.key.Stream); err != nil || !there {
			return err
		}
		if err := s.backUp(tx, b.key.Stream, row, b.records); err != nil {
			return err
		}
		for key, all := range lines {
			if err := s.add(tx, key, row, all); err != nil {
				return err
			}
		}
		return s.done(tx, b)
	})
}

// errPartitions is why a record fails that is of a partition too many.
var errPartitions = &failure{
	Code:    "DynamicPartitioning.ActivePartitionsLimitExceeded",
	Message: "The maximum number of active partitions was reached. Records of further partitions are delivered to the error prefix.",
}

// partitionsOf are the partitions of a stream that wait to be written.
func (s *Service) partitionsOf(arn aws.ARN) map[lineKey]bool {
	open := make(map[lineKey]bool)
	s.mu.Lock()
	defer s.mu.Unlock()
	for key := range s.lines {
		if key.Stream == arn && key.Kind == lineOut {
			open[key] = true
		}
	}
	return open
}

// partitionOf names the partition of a record, or "" if there are none.
func partitionOf(row *stream, keys map[string]string) string {
	if !row.partitioned() {
		return ""
	}
	used := make(map[string]string) // others tell no objects apart
	for _, name := range row.partitionKeys() {
		used[name] = keys[name]
	}
	text, err := json.Marshal(used)
	if err != nil {
		panic(err) // strings always can
	}
	return string(text)
}

// partitionKeys are the keys that the prefix of a stream names.
func (row *stream) partitionKeys() (names []string) {
	p, err := parsePrefix(aws.Value(row.S3.Prefix))
	if err != nil {
		return nil // it was checked when it was set
	}
	for _, part := range p {
		if part.namespace == fromQuery || part.namespace == fromLambda {
			names = append(names, part.namespace+":"+part.value)
		}
	}
	return names
}

// missingKeys is why a record has no partition, or nil.
func missingKeys(row *stream, keys map[string]string) *failure {
	for _, name := range row.partitionKeys() {
		if keys[name] == "" {
			return &failure{Code: "DynamicPartitioning.MetadataExtractionFailed", Message: "partitionKeys values must not be null or empty", Attempts: 1}
		}
	}
	return nil
}

// processAll takes items that did not fail through a processor that needs
// nobody else.
func processAll(p *api.Processor, items []item) ([]item, error) {
	var query *query
	if p.Type == api.ProcessorTypeMetadataExtraction {
		var err error
		if query, err = parseQuery(parameter(p, api.ProcessorParameterNameMetadataExtractionQuery, "")); err != nil {
			return nil, err
		}
	}
	var out []item
	for _, it := range items {
		if it.why != nil {
			out = append(out, it)
			continue
		}
		switch p.Type {
		case api.ProcessorTypeDecompression:
			it.inflate()
		case api.ProcessorTypeCloudWatchLogProcessing:
			it.messages()
		case api.ProcessorTypeRecordDeAggregation:
			out = append(out, it.split(p)...)
			continue
		case api.ProcessorTypeMetadataExtraction:
			it.extract(query)
		case api.ProcessorTypeAppendDelimiterToRecord:
			delimiter, err := delimiterOf(p, `\n`)
			if err != nil {
				return nil, err
			}
			it.Data = append(slices.Clip(it.Data), delimiter...)
		}
		out = append(out, it)
	}
	return out, nil
}

// inflate decompresses an item.
func (it *item) inflate() {
	r, err := gzip.NewReader(bytes.NewReader(it.Data))
	var data []byte
	if err == nil {
		data, err = io.ReadAll(io.LimitReader(r, maxInflated+1))
	}
	if err != nil || len(data) > maxInflated {
		it.why = &failure{Code: "Decompression.Failed", Message: "The record is not in the GZIP format, or too large.", Attempts: 1}
		return
	}
	it.Data = data
}

// messages leaves of an item of CloudWatch Logs the messages of its events, a
// line each.
func (it *item) messages() {
	var doc struct {
		MessageType string `json:"messageType"`
		LogEvents   []struct {
			Message string `json:"message"`
		} `json:"logEvents"`
	}
	if err := json.Unmarshal(it.Data, &doc); err != nil {
		it.why = &failure{Code: "CloudWatchLogProcessing.Failed", Message: "The record is no record of CloudWatch Logs.", Attempts: 1}
		return
	}
	it.Data = nil
	if doc.MessageType == "CONTROL_MESSAGE" {
		return
	}
	for _, e := range doc.LogEvents {
		it.Data = append(append(it.Data, e.Message...), '\n')
	}
}

// split makes an item those that were put together in it.
func (it *item) split(p *api.Processor) (out []item) {
	add := func(data []byte) {
		one := *it
		one.Data = data
		out = append(out, one)
	}
	if parameter(p, api.ProcessorParameterNameSubRecordType, "") == subRecordsDelimited {
		delimiter, _ := delimiterOf(p, "") // it was checked when it was set
		for part := range bytes.SplitSeq(it.Data, delimiter) {
			if len(part) > 0 {
				add(part)
			}
		}
		return out
	}
	for d := json.NewDecoder(bytes.NewReader(it.Data)); ; {
		var one json.RawMessage
		err := d.Decode(&one)
		if err == io.EOF {
			return out
		}
		if err != nil {
			it.why = &failure{Code: "RecordDeAggregation.Failed", Message: "The record holds no JSON objects one after another.", Attempts: 1}
			return []item{*it}
		}
		add(one)
	}
}

// delimiterOf is the delimiter that a processor names: in Base64 if it takes
// records apart, and with escapes if it puts it after them.
func delimiterOf(p *api.Processor, usual string) ([]byte, error) {
	text := parameter(p, api.ProcessorParameterNameDelimiter, usual)
	if p.Type == api.ProcessorTypeAppendDelimiterToRecord {
		return []byte(strings.NewReplacer(`\n`, "\n", `\r`, "\r", `\t`, "\t", `\\`, `\`).Replace(text)), nil
	}
	b, err := base64.StdEncoding.DecodeString(text)
	if err != nil || len(b) == 0 {
		return nil, invalid("Delimiter must be encoded in Base64.")
	}
	return b, nil
}

// extract finds the keys of an item's partition by a query.
func (it *item) extract(q *query) {
	keys, why := q.run(it.Data)
	if why != "" {
		it.why = &failure{Code: "DynamicPartitioning.MetadataExtractionFailed", Message: why, Attempts: 1}
		return
	}
	all := maps.Clone(it.keys)
	if all == nil {
		all = make(map[string]string)
	}
	for name, value := range keys {
		all[fromQuery+":"+name] = value
	}
	it.keys = all
}
