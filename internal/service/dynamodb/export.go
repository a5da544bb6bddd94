package dynamodb

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"time"

	api "github.com/aloft-cloud/aloft/internal/api/dynamodb"
	"github.com/aloft-cloud/aloft/internal/api/s3"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/dispatch"
	"github.com/aloft-cloud/aloft/internal/protocol"
	"github.com/aloft-cloud/aloft/internal/service"
	"github.com/aloft-cloud/aloft/internal/store"
)

// exports has what is known of each export, by its ARN.
var exports = store.NewTable[aws.ARN, export]("dynamodb.export")

const (
	exportKind      = "/export/"
	fullExport      = "FULL_EXPORT"
	increments      = "INCREMENTAL_EXPORT"
	inProgress      = "IN_PROGRESS"
	completed       = "COMPLETED"
	failed          = "FAILED"
	kmsSealing      = "KMS"
	jsonFormat      = "DYNAMODB_JSON"
	maxIncrement    = 24 * time.Hour
	minIncrement    = 15 * time.Minute
	tokenOfTransfer = 8 * time.Hour // how long a ClientToken means the same export or import
)

// An export is items of a table on their way into a bucket.
type export struct {
	In      wire[api.ExportTableToPointInTimeInput]
	Table   aws.ARN
	TableID string
	At      time.Time // full: what the items were then
	From    time.Time `json:",omitzero"` // increments: what has changed since
	Status  string
	Started time.Time
	Ended   time.Time `json:",omitzero"`
	Digest  string    // of the request

	After   []byte         `json:",omitempty"` // key of the last item that has been written
	Files   []exportedFile `json:",omitempty"`
	Items   int64
	Bytes   int64
	Code    string `json:",omitempty"` // why it failed
	Message string `json:",omitempty"`
}

// An exportedFile is one that holds items.
type exportedFile struct {
	Key, MD5, ETag string
	Items          int64
}

// sealing is what S3 seals the files with.
func (e *export) sealing() string { return aws.Or(e.In.V.S3SseAlgorithm, "AES256") }

// incremental reports whether e holds changes.
func (e *export) incremental() bool { return !e.From.IsZero() }

// ExportTableToPointInTime writes a table as it was at some time, or what
// changed between two, into a bucket. A task does it.
func (s *Service) ExportTableToPointInTime(ctx context.Context, call *aws.Call, in *api.ExportTableToPointInTimeInput) (*api.ExportTableToPointInTimeOutput, error) {
	arn, err := resourceTable(in.TableArn)
	if err != nil {
		return nil, err
	}
	if err := checkExport(in); err != nil {
		return nil, err
	}
	e, err := newExport(in, arn)
	if err != nil {
		return nil, err
	}
	id := arn
	id.Resource += fmt.Sprintf("%s%014d-%s", exportKind, e.Started.UnixMilli(), newUUID()[:8])
	again := false
	err = s.db.Update(ctx, func(tx *store.Tx) error {
		again = false
		if was, old, err := e.again(tx); err != nil || old != nil {
			if err == nil {
				e, id, again = old, was, true
			}
			return err
		}
		_, err := changeTable(tx, arn, func(t *table) error {
			if err := e.open(t); err != nil {
				return err
			}
			if err := s.checkKey(tx, t); err != nil {
				return err
			}
			if _, err := s.exportFilter(t, in.FilterSpecification); err != nil {
				return err
			}
			t.Copies = append(t.Copies, id)
			return exports.Put(tx, id, *e)
		})
		return err
	})
	if err != nil {
		return nil, noTable(err, tableName(arn))
	}
	if !again {
		s.beginExport(ctx, call, id, e)
	}
	return &api.ExportTableToPointInTimeOutput{ExportDescription: e.describe(id)}, nil
}

func checkExport(in *api.ExportTableToPointInTimeInput) error {
	spec := in.IncrementalExportSpecification
	switch {
	case in.S3SseKmsKeyId != nil && aws.Value(in.S3SseAlgorithm) != kmsSealing:
		return refuse("S3SseKmsKeyId can only be given with S3SseAlgorithm KMS")
	case aws.Value(in.ExportType) != increments && spec != nil:
		return refuse("IncrementalExportSpecification can only be given with ExportType INCREMENTAL_EXPORT")
	case aws.Value(in.ExportType) != increments:
		return nil
	case in.ExportTime != nil:
		return refuse("ExportTime cannot be given with ExportType INCREMENTAL_EXPORT")
	case spec == nil || spec.ExportFromTime == nil:
		return refuse("IncrementalExportSpecification with ExportFromTime must be given with ExportType INCREMENTAL_EXPORT")
	}
	return nil
}

func newExport(in *api.ExportTableToPointInTimeInput, arn aws.ARN) (*export, error) {
	b, err := protocol.EncodeJSON(in)
	if err != nil {
		return nil, fmt.Errorf("digest of a request: %w", err)
	}
	sum := sha256.Sum256(b)
	now := time.Now()
	e := &export{In: wire[api.ExportTableToPointInTimeInput]{*in}, Table: arn, Status: inProgress, Started: now, At: aws.Or(in.ExportTime, now), Digest: hex.EncodeToString(sum[:8])}
	if spec := in.IncrementalExportSpecification; spec != nil {
		e.From, e.At = *spec.ExportFromTime, aws.Or(spec.ExportToTime, now)
	}
	return e, nil
}

// again returns the export that a request with the same token began.
func (e *export) again(tx *store.Tx) (aws.ARN, *export, error) {
	token := e.In.V.ClientToken
	if token == nil {
		return aws.ARN{}, nil, nil
	}
	for arn, old := range exports.Scan(tx, aws.ARN{Service: "dynamodb", Region: e.Table.Region, Account: e.Table.Account}) {
		if aws.Value(old.In.V.ClientToken) != *token || time.Since(old.Started) > tokenOfTransfer {
			continue
		}
		if old.Digest != e.Digest {
			return arn, nil, api.ExportConflictException.With(nil, "There was a conflict when writing to the specified S3 bucket: an export with the same client token has other parameters.")
		}
		return arn, &old, nil
	}
	return aws.ARN{}, nil, tx.Err()
}

// open checks that t can tell what e wants of it.
func (e *export) open(t *table) error {
	if !t.Recovery.enabled() {
		return api.PointInTimeRecoveryUnavailableException.With(nil, "Point in time recovery is not enabled for table '"+t.name()+"'")
	}
	e.TableID = t.ID
	first := t.Recovery.earliest().Truncate(time.Second)
	switch span := e.At.Sub(e.From); {
	case e.At.Before(first) || e.At.After(time.Now()):
		return api.InvalidExportTimeException.With(nil, "The specified ExportTime is outside of the point in time recovery window.")
	case e.incremental() && e.From.Before(first):
		return api.InvalidExportTimeException.With(nil, "The specified ExportFromTime is outside of the point in time recovery window.")
	case e.incremental() && (span < minIncrement || span > maxIncrement):
		return refuse("The export period must be at least 15 minutes and at most 24 hours")
	}
	return nil
}

// beginExport writes, as the caller, that the export has begun, which tells
// whether the caller may write there, and wakes the task that does the rest.
func (s *Service) beginExport(ctx context.Context, call *aws.Call, id aws.ARN, e *export) {
	_, err := dispatch.CallChecked(ctx, s.table, call, s3.PutObject, e.file(id, "_started", nil))
	if err != nil {
		e.Status = failed
		e.Code, e.Message = transferFailure(err)
		if err := s.endExport(ctx, id, e); err == nil {
			return
		}
	}
	s.transfers.Ring()
}

// transferFailure is why S3 has refused what an export or import needs.
func transferFailure(err error) (code, message string) {
	r := aws.Refusal(err)
	return "S3" + r.Code, r.Message
}

// describe tells all about e, which id names.
func (e *export) describe(id aws.ARN) *api.ExportDescription {
	in := &e.In.V
	d := &api.ExportDescription{
		ExportArn: new(id.String()), ExportStatus: &e.Status, StartTime: &e.Started, EndTime: timeOrNil(e.Ended), TableArn: new(e.Table.String()), TableId: &e.TableID,
		ClientToken: in.ClientToken, S3Bucket: &in.S3Bucket, S3BucketOwner: in.S3BucketOwner, S3Prefix: in.S3Prefix, S3SseAlgorithm: new(e.sealing()), S3SseKmsKeyId: in.S3SseKmsKeyId,
		ExportFormat: new(e.format()), ExportType: new(aws.Or(in.ExportType, fullExport)), IncrementalExportSpecification: in.IncrementalExportSpecification,
	}
	if !e.incremental() {
		d.ExportTime = &e.At
	}
	switch e.Status {
	case failed:
		d.FailureCode, d.FailureMessage = &e.Code, &e.Message
	case completed:
		d.ItemCount, d.BilledSizeBytes, d.ExportManifest = &e.Items, &e.Bytes, new(e.key(id, "manifest-summary.json"))
	}
	return d
}

func parseExport(text string) (aws.ARN, error) {
	arn, err := aws.ParseARN(text)
	if err != nil || arn.Service != "dynamodb" || !strings.Contains(arn.Resource, exportKind) {
		return arn, refuse("Invalid ExportArn: " + text)
	}
	return arn, nil
}

// DescribeExport tells all about an export.
func (s *Service) DescribeExport(ctx context.Context, call *aws.Call, in *api.DescribeExportInput) (*api.DescribeExportOutput, error) {
	arn, err := parseExport(in.ExportArn)
	if err != nil {
		return nil, err
	}
	var e export
	err = s.db.View(ctx, func(tx *store.Tx) error {
		e, err = exports.Get(tx, arn)
		return err
	})
	if errors.Is(err, store.ErrNotFound) {
		return nil, api.ExportNotFoundException.With(nil, "Export not found: "+arn.String())
	}
	if err != nil {
		return nil, err
	}
	return &api.DescribeExportOutput{ExportDescription: e.describe(arn)}, nil
}

const maxTransfers = 25 // on a page

// ListExports lists the exports of a table, or of all.
func (s *Service) ListExports(ctx context.Context, call *aws.Call, in *api.ListExportsInput) (*api.ListExportsOutput, error) {
	limit := int(aws.Or(in.MaxResults, maxTransfers))
	after := call.ARN("dynamodb", "")
	if in.NextToken != nil {
		var err error
		if after, err = parseExport(*in.NextToken); err != nil {
			return nil, refuse("Invalid NextToken")
		}
	}
	out := &api.ListExportsOutput{ExportSummaries: []api.ExportSummary{}}
	err := s.db.View(ctx, func(tx *store.Tx) error {
		for arn, e := range exports.ScanAfter(tx, call.ARN("dynamodb", ""), after) {
			if in.TableArn != nil && e.Table.String() != *in.TableArn {
				continue
			}
			if len(out.ExportSummaries) == limit {
				out.NextToken = out.ExportSummaries[limit-1].ExportArn
				break
			}
			out.ExportSummaries = append(out.ExportSummaries, api.ExportSummary{
				ExportArn: new(arn.String()), ExportStatus: &e.Status, ExportType: new(aws.Or(e.In.V.ExportType, fullExport)),
			})
		}
		return tx.Err()
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

func exportAccess(_ *aws.Call, in *api.ExportTableToPointInTimeInput, check func(service.Access) error) error {
	arn, err := resourceTable(in.TableArn)
	if err != nil {
		return err
	}
	return check(service.Access{Action: "dynamodb:ExportTableToPointInTime", Resource: arn})
}

func describeExportAccess(_ *aws.Call, in *api.DescribeExportInput, check func(service.Access) error) error {
	arn, err := parseExport(in.ExportArn)
	if err != nil {
		return err
	}
	return check(service.Access{Action: "dynamodb:DescribeExport", Resource: arn})
}
