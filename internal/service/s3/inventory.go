package s3

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/md5"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	api "github.com/aloft-cloud/aloft/internal/api/s3"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/dispatch"
	"github.com/aloft-cloud/aloft/internal/store"
)

// Inventories are reports of what is in a bucket, written to another after
// midnight, every day or every Sunday.

var (
	inventories = keptConfigs[api.InventoryConfiguration]{store.NewTable[configKey, api.InventoryConfiguration]("s3.inventory")}
	reported    = store.NewTable[configKey, time.Time]("s3.inventoryreport") // the midnight that the last report was of
)

const rowsPerFile = 100_000

// lackingFields are those of reports that AWS has and we have not.
var lackingFields = []string{
	api.InventoryOptionalFieldObjectLockEventHoldStatus, api.InventoryOptionalFieldObjectLockEventHoldDuration,
	api.InventoryOptionalFieldIntelligentTieringAccessTier, api.InventoryOptionalFieldIntelligentTieringReferenceDate,
	api.InventoryOptionalFieldBucketKeyStatus, api.InventoryOptionalFieldObjectAccessControlList, api.InventoryOptionalFieldObjectOwner,
	api.InventoryOptionalFieldLifecycleExpirationDate,
}

// PutBucketInventoryConfiguration says what is reported, and where.
func (s *Service) PutBucketInventoryConfiguration(ctx context.Context, call *aws.Call, in *api.PutBucketInventoryConfigurationInput) (*api.PutBucketInventoryConfigurationOutput, error) {
	c := in.InventoryConfiguration
	if c == nil || c.Schedule == nil || c.Destination == nil || c.Destination.S3BucketDestination == nil {
		return nil, errMalformed()
	}
	to := c.Destination.S3BucketDestination
	switch {
	case c.Schedule.Frequency != api.InventoryFrequencyDaily && c.Schedule.Frequency != api.InventoryFrequencyWeekly,
		c.IncludedObjectVersions != api.InventoryIncludedObjectVersionsAll && c.IncludedObjectVersions != api.InventoryIncludedObjectVersionsCurrent:
		return nil, errMalformed()
	case !strings.HasPrefix(to.Bucket, "arn:aws:s3:::"):
		return nil, api.InvalidS3DestinationBucket.Errorf("Invalid bucket ARN.")
	case to.Format == api.InventoryFormatOrc || to.Format == api.InventoryFormatParquet:
		return nil, errLacking("inventories as " + to.Format)
	case to.Format != api.InventoryFormatCsv:
		return nil, errMalformed()
	}
	for _, f := range c.OptionalFields {
		switch {
		case slices.Contains(lackingFields, f):
			return nil, errLacking("the field " + f + " of inventories")
		case inventoryField(f) == nil:
			return nil, errMalformed()
		}
	}
	return &api.PutBucketInventoryConfigurationOutput{}, inventories.put(ctx, s, in.Bucket, in.ExpectedBucketOwner, in.Id, c.Id, c)
}

// GetBucketInventoryConfiguration returns one that was put.
func (s *Service) GetBucketInventoryConfiguration(ctx context.Context, call *aws.Call, in *api.GetBucketInventoryConfigurationInput) (*api.GetBucketInventoryConfigurationOutput, error) {
	c, err := inventories.get(ctx, s, in.Bucket, in.ExpectedBucketOwner, in.Id)
	return &api.GetBucketInventoryConfigurationOutput{InventoryConfiguration: c}, err
}

// DeleteBucketInventoryConfiguration removes one.
func (s *Service) DeleteBucketInventoryConfiguration(ctx context.Context, call *aws.Call, in *api.DeleteBucketInventoryConfigurationInput) (*api.DeleteBucketInventoryConfigurationOutput, error) {
	return &api.DeleteBucketInventoryConfigurationOutput{}, inventories.remove(ctx, s, in.Bucket, in.ExpectedBucketOwner, in.Id)
}

// ListBucketInventoryConfigurations lists them.
func (s *Service) ListBucketInventoryConfigurations(ctx context.Context, call *aws.Call, in *api.ListBucketInventoryConfigurationsInput) (*api.ListBucketInventoryConfigurationsOutput, error) {
	found, next, err := inventories.list(ctx, s, in.Bucket, in.ExpectedBucketOwner, in.ContinuationToken)
	return &api.ListBucketInventoryConfigurationsOutput{
		IsTruncated: new(next != nil), ContinuationToken: in.ContinuationToken, NextContinuationToken: next, InventoryConfigurationList: found,
	}, err
}

// inventoryField returns how a field is said of an object, or nil if we cannot.
func inventoryField(name string) func(o *object) string {
	return map[string]func(o *object) string{
		api.InventoryOptionalFieldSize:             func(o *object) string { return strconv.FormatInt(o.Size, 10) },
		api.InventoryOptionalFieldLastModifiedDate: func(o *object) string { return o.Modified.UTC().Format("2006-01-02T15:04:05.000Z") },
		api.InventoryOptionalFieldETag:             func(o *object) string { return o.ETag },
		api.InventoryOptionalFieldStorageClass:     func(o *object) string { return o.class() },
		api.InventoryOptionalFieldIsMultipartUploaded: func(o *object) string {
			return strconv.FormatBool(strings.Contains(o.ETag, "-"))
		},
		api.InventoryOptionalFieldReplicationStatus: func(o *object) string {
			if o.More == nil {
				return ""
			}
			return o.More.Replication.Status
		},
		api.InventoryOptionalFieldEncryptionStatus: func(o *object) string {
			switch at := o.seal(); {
			case at == nil || at.By != "" && at.KMSKey == "":
				return "SSE-S3"
			case at.KMSKey != "":
				return "SSE-KMS"
			}
			return "SSE-C"
		},
		api.InventoryOptionalFieldObjectLockRetainUntilDate: func(o *object) string {
			if o.locked().Until.IsZero() {
				return ""
			}
			return o.locked().Until.UTC().Format("2006-01-02T15:04:05.000Z")
		},
		api.InventoryOptionalFieldObjectLockMode:            func(o *object) string { return o.locked().Mode },
		api.InventoryOptionalFieldObjectLockLegalHoldStatus: func(o *object) string { return o.locked().Hold },
		api.InventoryOptionalFieldChecksumAlgorithm:         func(o *object) string { return string(o.Sum.Algorithm) },
	}[name]
}

// runInventories writes the reports that are due: of the last midnight, once.
func (s *Service) runInventories(ctx context.Context) (time.Duration, error) {
	now := time.Now().UTC()
	last := now.Truncate(24 * time.Hour)
	due := make(map[configKey]api.InventoryConfiguration)
	err := s.db.View(ctx, func(tx *store.Tx) error {
		clear(due)
		for k, c := range inventories.rows.Scan(tx, configKey{}) {
			done, err := reported.Get(tx, k)
			if err != nil && !errors.Is(err, store.ErrNotFound) {
				return err
			}
			weekly := c.Schedule.Frequency == api.InventoryFrequencyWeekly && last.Weekday() != time.Sunday
			if c.IsEnabled && !weekly && done.Before(last) {
				due[k] = c
			}
		}
		return nil
	})
	for k, c := range due {
		err = errors.Join(err, s.report(ctx, k, &c, last))
	}
	return time.Until(midnight(now.Add(time.Nanosecond))), err
}

// An inventory is a report being written.
type inventory struct {
	*Service
	c      *api.InventoryConfiguration
	from   aws.ARN
	call   *aws.Call
	at     time.Time
	fields []func(o *object) string

	rows  int
	zip   *gzip.Writer
	text  bytes.Buffer
	files []inventoryFile
}

type inventoryFile struct {
	Key  string `json:"key"`
	Size int    `json:"size"`
	MD5  string `json:"MD5checksum"`
}

// report writes one report. What its bucket does not take is not written.
func (s *Service) report(ctx context.Context, k configKey, c *api.InventoryConfiguration, at time.Time) error {
	var row bucket
	err := s.db.View(ctx, func(tx *store.Tx) (err error) {
		row, err = buckets.Get(tx, k.Bucket)
		return err
	})
	if err != nil {
		return err
	}
	v := &inventory{Service: s, c: c, from: k.Bucket, call: aws.ServiceCall("s3", k.Bucket), at: at}
	v.call.Account, v.call.Region = row.Owner, row.Region
	for _, f := range c.OptionalFields {
		v.fields = append(v.fields, inventoryField(f))
	}
	if err := v.write(ctx, row); err != nil {
		if _, refused := errors.AsType[*aws.Error](err); !refused {
			return err
		}
	}
	return s.db.Update(ctx, func(tx *store.Tx) error { return reported.Put(tx, k, at) })
}

// place is where in the destination the report is, with a slash at the end.
func (v *inventory) place() string {
	prefix := aws.Value(v.c.Destination.S3BucketDestination.Prefix)
	if prefix != "" {
		prefix += "/"
	}
	return prefix + v.from.Resource + "/" + v.c.Id + "/"
}

func (v *inventory) write(ctx context.Context, row bucket) error {
	prefix := ""
	if v.c.Filter != nil {
		prefix = v.c.Filter.Prefix
	}
	next, first := prefix, true
	for more := true; more; first = false {
		var page []inventoried
		err := v.db.View(ctx, func(tx *store.Tx) (err error) {
			page, more, err = v.page(tx, prefix, next, first)
			return err
		})
		if err != nil {
			return err
		}
		for _, e := range page {
			next = e.key
			if err := v.add(ctx, row, e.key, &e.o, e.old); err != nil {
				return err
			}
		}
	}
	if err := v.flush(ctx); err != nil {
		return err
	}
	return v.manifest(ctx)
}

// An inventoried is a version of an object that is reported.
type inventoried struct {
	key string
	o   object
	old bool // it is not the latest
}

// page returns versions of the keys with prefix behind after, and of the prefix
// itself if it is the first, and whether there are more.
func (v *inventory) page(tx *store.Tx, prefix, after string, first bool) (page []inventoried, more bool, err error) {
	take := func(key string, o object) {
		page = append(page, inventoried{key, o, false})
		if v.c.IncludedObjectVersions == api.InventoryIncludedObjectVersionsAll {
			for _, o := range older.ScanReverse(tx, versionKey{Bucket: v.from, Key: key}) {
				page = append(page, inventoried{key, o, true})
			}
		}
	}
	if first {
		o, found, err := latest(tx, v.from, prefix)
		if err != nil {
			return nil, false, err
		}
		if found {
			take(prefix, o)
		}
	}
	for k, o := range objects.ScanAfter(tx, objectKey{Bucket: v.from}, objectKey{v.from, after}) {
		if !strings.HasPrefix(k.Key, prefix) {
			break
		}
		if len(page) >= pageSize {
			return page, true, nil
		}
		take(k.Key, o)
	}
	return page, false, nil
}

// add adds a version of an object to the report.
func (v *inventory) add(ctx context.Context, row bucket, key string, o *object, old bool) error {
	all := v.c.IncludedObjectVersions == api.InventoryIncludedObjectVersionsAll
	if o.Marker && !all {
		return nil
	}
	values := []string{v.from.Resource, url.QueryEscape(key)}
	if all {
		version := o.Version
		if !row.versioned() {
			version = ""
		}
		values = append(values, version, strconv.FormatBool(!old), strconv.FormatBool(o.Marker))
	}
	for _, f := range v.fields {
		values = append(values, f(o))
	}
	for i, value := range values {
		values[i] = `"` + strings.ReplaceAll(value, `"`, `""`) + `"`
	}
	if v.zip == nil {
		v.zip = gzip.NewWriter(&v.text)
	}
	if _, err := fmt.Fprintln(v.zip, strings.Join(values, ",")); err != nil {
		return err
	}
	if v.rows++; v.rows%rowsPerFile == 0 {
		return v.flush(ctx)
	}
	return nil
}

// file is the key of the nth file of the report. A report that a crash cut
// short is written again, over what there is of it.
func (v *inventory) file(n int) string {
	sum := md5.Sum(fmt.Appendf(nil, "%s %s %d", v.place(), v.at.Format(time.RFC3339), n))
	id := hex.EncodeToString(sum[:])
	return v.place() + "data/" + strings.Join([]string{id[:8], id[8:12], id[12:16], id[16:20], id[20:]}, "-") + ".csv.gz"
}

// flush writes a file of what was added.
func (v *inventory) flush(ctx context.Context) error {
	if v.zip == nil {
		return nil
	}
	if err := v.zip.Close(); err != nil {
		return err
	}
	content := slices.Clone(v.text.Bytes())
	v.zip = nil
	v.text.Reset()
	digest := md5.Sum(content)
	f := inventoryFile{v.file(len(v.files)), len(content), hex.EncodeToString(digest[:])}
	v.files = append(v.files, f)
	return v.put(ctx, f.Key, content)
}

func (v *inventory) put(ctx context.Context, key string, content []byte) error {
	to := v.c.Destination.S3BucketDestination
	in := &api.PutObjectInput{Bucket: strings.TrimPrefix(to.Bucket, "arn:aws:s3:::"), Key: key, Body: bytes.NewReader(content)}
	switch e := aws.Value(to.Encryption); {
	case e.SSEKMS != nil:
		in.ServerSideEncryption, in.SSEKMSKeyId = new(api.ServerSideEncryptionAwsKms), &e.SSEKMS.KeyId
	case e.SSES3 != nil:
		in.ServerSideEncryption = new(api.ServerSideEncryptionAes256)
	}
	_, err := dispatch.Call(ctx, v.table, v.call, api.PutObject, in)
	return err
}

// manifest writes what the report consists of, which completes it.
func (v *inventory) manifest(ctx context.Context) error {
	schema := []string{"Bucket", "Key"}
	if v.c.IncludedObjectVersions == api.InventoryIncludedObjectVersionsAll {
		schema = append(schema, "VersionId", "IsLatest", "IsDeleteMarker")
	}
	schema = append(schema, v.c.OptionalFields...)
	text, err := json.MarshalIndent(struct {
		Source      string          `json:"sourceBucket"`
		Destination string          `json:"destinationBucket"`
		Version     string          `json:"version"`
		Created     string          `json:"creationTimestamp"`
		Format      string          `json:"fileFormat"`
		Schema      string          `json:"fileSchema"`
		Files       []inventoryFile `json:"files"`
	}{
		v.from.Resource, v.c.Destination.S3BucketDestination.Bucket, "2016-11-30", strconv.FormatInt(v.at.UnixMilli(), 10), "CSV", strings.Join(schema, ", "), append([]inventoryFile{}, v.files...),
	}, "", "  ")
	if err != nil {
		return err
	}
	digest := md5.Sum(text)
	folder := v.place() + v.at.Format("2006-01-02T15-04Z") + "/"
	if err := v.put(ctx, folder+"manifest.json", text); err != nil {
		return err
	}
	return v.put(ctx, folder+"manifest.checksum", []byte(hex.EncodeToString(digest[:])))
}
