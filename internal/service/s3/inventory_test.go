package s3

import (
	"compress/gzip"
	"io"
	"strings"
	"testing"
	"time"

	api "github.com/aloft-cloud/aloft/internal/api/s3"
)

// TestInventoryRows checks how objects are rows of reports.
func TestInventoryRows(t *testing.T) {
	v := &inventory{c: &api.InventoryConfiguration{Id: "i", IncludedObjectVersions: api.InventoryIncludedObjectVersionsAll}, from: bucketARN("b")}
	for _, f := range []string{"Size", "StorageClass", "IsMultipartUploaded", "EncryptionStatus"} {
		v.fields = append(v.fields, inventoryField(f))
	}
	row := bucket{Versioning: "Enabled"}
	for key, o := range map[string]*object{`a "b"/é`: {Version: "v1", Size: 3, ETag: "e-2", Class: "STANDARD_IA"}} {
		if err := v.add(t.Context(), row, key, o, true); err != nil {
			t.Fatal(err)
		}
	}
	if err := v.zip.Close(); err != nil {
		t.Fatal(err)
	}
	r, err := gzip.NewReader(&v.text)
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(r)
	if got, want := strings.TrimSpace(string(text)), `"b","a+%22b%22%2F%C3%A9","v1","false","false","3","STANDARD_IA","true","SSE-S3"`; err != nil || got != want {
		t.Errorf("row = %s, %v, want %s", got, err, want)
	}
}

// TestInventoryAgain checks that a report which is written again after a crash
// has the files that it had, so that nothing is left of it.
func TestInventoryAgain(t *testing.T) {
	place := api.InventoryDestination{S3BucketDestination: &api.InventoryS3BucketDestination{Prefix: new("p")}}
	at := time.Date(2026, 1, 2, 0, 0, 0, 0, time.UTC)
	file := func(at time.Time, n int) string {
		v := inventory{c: &api.InventoryConfiguration{Id: "all", Destination: &place}, from: bucketARN("b"), at: at}
		return v.file(n)
	}
	one := file(at, 0)
	if !strings.HasPrefix(one, "p/b/all/data/") || !strings.HasSuffix(one, ".csv.gz") {
		t.Errorf("the file is %s", one)
	}
	if again := file(at, 0); again != one {
		t.Errorf("written again, %s is %s", one, again)
	}
	for _, other := range []string{file(at, 1), file(at.Add(24*time.Hour), 0)} {
		if other == one {
			t.Errorf("another file is %s too", one)
		}
	}
}
