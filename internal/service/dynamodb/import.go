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

// imports has what is known of each import, by its ARN.
var imports = store.NewTable[aws.ARN, importing]("dynamodb.import")

const importKind = "/import/"

// An importing is a table that is made of objects in a bucket.
type importing struct {
	In      wire[api.ImportTableInput]
	Table   aws.ARN
	TableID string
	Status  string
	Started time.Time
	Ended   time.Time `json:",omitzero"`
	Digest  string    // of the request

	Done      string `json:",omitempty"` // key of the last object that has been read
	Processed int64  // items
	Imported  int64
	Wrong     int64
	Bytes     int64
	Code      string `json:",omitempty"` // why it failed
	Message   string `json:",omitempty"`
}

// ImportTable makes a table of objects in a bucket. A task reads them.
func (s *Service) ImportTable(ctx context.Context, call *aws.Call, in *api.ImportTableInput) (*api.ImportTableOutput, error) {
	if in.InputFormatOptions != nil && in.InputFormat != "CSV" {
		return nil, refuse("InputFormatOptions can only be given with InputFormat CSV")
	}
	t, err := importedTable(in.TableCreationParameters)
	if err != nil {
		return nil, err
	}
	t.arn = call.ARN("dynamodb", tableKind+in.TableCreationParameters.TableName)
	if t.Encryption, err = s.encryptionBy(ctx, call, t.arn, in.TableCreationParameters.SSESpecification); err != nil {
		return nil, err
	}
	b, err := protocol.EncodeJSON(in)
	if err != nil {
		return nil, fmt.Errorf("digest of a request: %w", err)
	}
	sum := sha256.Sum256(b)
	m := &importing{In: wire[api.ImportTableInput]{*in}, Table: t.arn, TableID: t.ID, Status: inProgress, Started: t.Created, Digest: hex.EncodeToString(sum[:8])}
	id := t.arn
	id.Resource += fmt.Sprintf("%s%014d-%s", importKind, m.Started.UnixMilli(), newUUID()[:8])
	_, err = dispatch.CallChecked(ctx, s.table, call, s3.ListObjectsV2, m.list("", 1)) // may the caller?
	if err != nil {
		m.Status, m.Ended = failed, time.Now()
		m.Code, m.Message = transferFailure(err)
	}
	err = s.db.Update(ctx, func(tx *store.Tx) error {
		if was, old, err := m.again(tx); err != nil || old != nil {
			if err == nil {
				m, id = old, was
			}
			return err
		}
		if m.Status == failed {
			return imports.Put(tx, id, *m)
		}
		if has, err := tables.Has(tx, t.arn); err != nil || has {
			if err == nil {
				err = api.ResourceInUseException.With(nil, "Table already exists: "+t.name())
			}
			return err
		}
		t.Importing = id
		if err := putTable(tx, t); err != nil {
			return err
		}
		return imports.Put(tx, id, *m)
	})
	if err != nil {
		return nil, err
	}
	s.transfers.Ring()
	return &api.ImportTableOutput{ImportTableDescription: m.describe(id)}, nil
}

// importedTable returns the table that parameters describe.
func importedTable(p *api.TableCreationParameters) (*table, error) {
	in := &api.CreateTableInput{
		TableName: p.TableName, AttributeDefinitions: p.AttributeDefinitions, KeySchema: p.KeySchema, BillingMode: p.BillingMode, ProvisionedThroughput: p.ProvisionedThroughput,
		OnDemandThroughput: p.OnDemandThroughput, SSESpecification: p.SSESpecification, GlobalSecondaryIndexes: p.GlobalSecondaryIndexes, VectorIndexes: p.VectorIndexes,
	}
	if err := checkCreate(in); err != nil {
		return nil, err
	}
	t, err := newTable(in)
	if err != nil {
		return nil, err
	}
	t.ID, t.Created = newUUID(), time.Now()
	return t, nil
}

// list asks for the objects of m after a key.
func (m *importing) list(after string, most int32) *s3.ListObjectsV2Input {
	source := m.In.V.S3BucketSource
	in := &s3.ListObjectsV2Input{Bucket: source.S3Bucket, Prefix: source.S3KeyPrefix, MaxKeys: &most, ExpectedBucketOwner: source.S3BucketOwner}
	if after != "" {
		in.StartAfter = &after
	}
	return in
}

// again returns the import that a request with the same token began.
func (m *importing) again(tx *store.Tx) (aws.ARN, *importing, error) {
	token := m.In.V.ClientToken
	if token == nil {
		return aws.ARN{}, nil, nil
	}
	for arn, old := range imports.Scan(tx, aws.ARN{Service: "dynamodb", Region: m.Table.Region, Account: m.Table.Account}) {
		if aws.Value(old.In.V.ClientToken) != *token || time.Since(old.Started) > tokenOfTransfer {
			continue
		}
		if old.Digest != m.Digest {
			return arn, nil, api.ImportConflictException.With(nil, "There was a conflict when importing from the specified S3 source: an import with the same client token has other parameters.")
		}
		return arn, &old, nil
	}
	return aws.ARN{}, nil, tx.Err()
}

// describe tells all about m, which id names.
func (m *importing) describe(id aws.ARN) *api.ImportTableDescription {
	in := &m.In.V
	d := &api.ImportTableDescription{
		ImportArn: new(id.String()), ImportStatus: &m.Status, TableArn: new(m.Table.String()), TableId: &m.TableID, ClientToken: in.ClientToken,
		S3BucketSource: in.S3BucketSource, ErrorCount: &m.Wrong, InputFormat: &in.InputFormat, InputFormatOptions: in.InputFormatOptions,
		InputCompressionType: new(aws.Or(in.InputCompressionType, "NONE")), TableCreationParameters: in.TableCreationParameters,
		StartTime: &m.Started, EndTime: timeOrNil(m.Ended), ProcessedSizeBytes: &m.Bytes, ProcessedItemCount: &m.Processed, ImportedItemCount: &m.Imported,
	}
	if m.Status == failed {
		d.FailureCode, d.FailureMessage = &m.Code, &m.Message
	}
	return d
}

func parseImport(text string) (aws.ARN, error) {
	arn, err := aws.ParseARN(text)
	if err != nil || arn.Service != "dynamodb" || !strings.Contains(arn.Resource, importKind) {
		return arn, refuse("Invalid ImportArn: " + text)
	}
	return arn, nil
}

// DescribeImport tells all about an import.
func (s *Service) DescribeImport(ctx context.Context, call *aws.Call, in *api.DescribeImportInput) (*api.DescribeImportOutput, error) {
	arn, err := parseImport(in.ImportArn)
	if err != nil {
		return nil, err
	}
	var m importing
	err = s.db.View(ctx, func(tx *store.Tx) error {
		m, err = imports.Get(tx, arn)
		return err
	})
	if errors.Is(err, store.ErrNotFound) {
		return nil, api.ImportNotFoundException.With(nil, "Import not found: "+arn.String())
	}
	if err != nil {
		return nil, err
	}
	return &api.DescribeImportOutput{ImportTableDescription: m.describe(arn)}, nil
}

// ListImports lists the imports of a table, or of all.
func (s *Service) ListImports(ctx context.Context, call *aws.Call, in *api.ListImportsInput) (*api.ListImportsOutput, error) {
	limit := int(aws.Or(in.PageSize, maxTransfers))
	after := call.ARN("dynamodb", "")
	if in.NextToken != nil {
		text, err := hex.DecodeString(*in.NextToken)
		if err == nil {
			after, err = parseImport(strings.TrimSpace(string(text)))
		}
		if err != nil {
			return nil, refuse("Invalid NextToken")
		}
	}
	out := &api.ListImportsOutput{ImportSummaryList: []api.ImportSummary{}}
	err := s.db.View(ctx, func(tx *store.Tx) error {
		for arn, m := range imports.ScanAfter(tx, call.ARN("dynamodb", ""), after) {
			if in.TableArn != nil && m.Table.String() != *in.TableArn {
				continue
			}
			if len(out.ImportSummaryList) == limit {
				out.NextToken = new(importToken(*out.ImportSummaryList[limit-1].ImportArn))
				break
			}
			out.ImportSummaryList = append(out.ImportSummaryList, api.ImportSummary{
				ImportArn: new(arn.String()), ImportStatus: &m.Status, TableArn: new(m.Table.String()), S3BucketSource: m.In.V.S3BucketSource,
				InputFormat: &m.In.V.InputFormat, StartTime: &m.Started, EndTime: timeOrNil(m.Ended),
			})
		}
		return tx.Err()
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// importToken is the token of the page after an import: hexadecimal digits, 16
// and 16.
func importToken(arn string) string {
	return hex.EncodeToString([]byte(arn + strings.Repeat(" ", (8-len(arn)%8)%8)))
}

func importAccess(call *aws.Call, in *api.ImportTableInput, check func(service.Access) error) error {
	arn, err := tableARN(call, in.TableCreationParameters.TableName)
	if err != nil {
		return err
	}
	return check(service.Access{Action: "dynamodb:ImportTable", Resource: arn})
}

func describeImportAccess(_ *aws.Call, in *api.DescribeImportInput, check func(service.Access) error) error {
	arn, err := parseImport(in.ImportArn)
	if err != nil {
		return err
	}
	return check(service.Access{Action: "dynamodb:DescribeImport", Resource: arn})
}
