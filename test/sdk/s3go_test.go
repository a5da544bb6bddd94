//lint:file-ignore SA1019 the manager is what most programs have

package sdk_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/feature/s3/manager"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
)

func objects(a *aloft) *s3.Client {
	return s3.NewFromConfig(config(a), func(o *s3.Options) { o.UsePathStyle, o.Retryer = true, aws.NopRetryer{} })
}

// randomBytes are n bytes that seed tells.
func randomBytes(seed uint64, n int) []byte {
	b := make([]byte, n)
	r := rand.NewChaCha8([32]byte{byte(seed), byte(seed >> 8), byte(seed >> 16), byte(seed >> 24)})
	r.Read(b)
	return b
}

// TestS3Go moves files with the manager of aws-sdk-go-v2, in parts and side by
// side, in the clear and under a key of KMS.
func TestS3Go(t *testing.T) {
	a := start(t, t.TempDir())
	client := objects(a)
	_, err := client.CreateBucket(t.Context(), &s3.CreateBucketInput{Bucket: new("files"), ObjectOwnership: types.ObjectOwnershipObjectWriter})
	check(t, err)
	content := randomBytes(1, 12<<20+5)
	up, down := manager.NewUploader(client), manager.NewDownloader(client)
	for _, by := range []types.ServerSideEncryption{"", types.ServerSideEncryptionAes256, types.ServerSideEncryptionAwsKms} {
		key := "large" + string(by)
		out, err := up.Upload(t.Context(), &s3.PutObjectInput{Bucket: new("files"), Key: &key, Body: io.MultiReader(bytes.NewReader(content)), ServerSideEncryption: by})
		check(t, err)
		if len(out.CompletedParts) != 3 {
			t.Errorf("%s: %d parts", key, len(out.CompletedParts))
		}
		got := manager.NewWriteAtBuffer(nil)
		n, err := down.Download(t.Context(), got, &s3.GetObjectInput{Bucket: new("files"), Key: &key})
		check(t, err)
		if n != int64(len(content)) || !bytes.Equal(got.Bytes(), content) {
			t.Errorf("%s: %d bytes came back, and not the same", key, n)
		}
	}
	_, err = client.PutObject(t.Context(), &s3.PutObjectInput{Bucket: new("files"), Key: new("shown"), Body: bytes.NewReader(content[:9]), ACL: types.ObjectCannedACLPublicRead})
	want(t, "AccessDenied", err) // public lists are blocked
	_, err = client.DeletePublicAccessBlock(t.Context(), &s3.DeletePublicAccessBlockInput{Bucket: new("files")})
	check(t, err)
	_, err = client.PutObject(t.Context(), &s3.PutObjectInput{Bucket: new("files"), Key: new("shown"), Body: bytes.NewReader(content[:9]), ACL: types.ObjectCannedACLPublicRead})
	check(t, err)
	list, err := client.GetObjectAcl(t.Context(), &s3.GetObjectAclInput{Bucket: new("files"), Key: new("shown")})
	check(t, err)
	if len(list.Grants) != 2 || aws.ToString(list.Grants[1].Grantee.URI) != "http://acs.amazonaws.com/groups/global/AllUsers" || list.Grants[1].Permission != types.PermissionRead {
		t.Errorf("grants %+v", list.Grants)
	}
}

const (
	killedSize = 200 << 10 // of an object: a file, and no row
	killedPart = 5 << 20
)

// TestS3Kill kills the binary amid puts and uploads in parts, again and again:
// each object is whole or not there, what was acknowledged is there, and no
// file is left that belongs to nobody. ALOFT_KILLS says how often, 4 if not set.
func TestS3Kill(t *testing.T) {
	kills := 4
	if n, err := strconv.Atoi(os.Getenv("ALOFT_KILLS")); err == nil {
		kills = n
	}
	data := t.TempDir()
	const writers = 4
	var tried [writers]int          // objects
	var acked [writers]map[int]bool // those of them that were acknowledged
	for w := range acked {
		acked[w] = make(map[int]bool)
	}
	for round := range kills + 1 {
		a := start(t, data)
		client := objects(a)
		if round == 0 {
			_, err := client.CreateBucket(t.Context(), &s3.CreateBucketInput{Bucket: new("files")})
			check(t, err)
		}
		files := 0
		for w := range writers {
			files += checkKilled(t, client, w, acked[w], tried[w])
		}
		checkFiles(t, filepath.Join(data, "store", "blobs"), files+partsUnderWay(t, client))
		if round == kills {
			break
		}
		ctx, cancel := context.WithCancel(t.Context())
		var wg sync.WaitGroup
		for w := range writers {
			wg.Go(func() {
				for ctx.Err() == nil {
					tried[w]++
					if putKilled(ctx, client, w, tried[w]) != nil {
						return // killed
					}
					acked[w][tried[w]] = true
				}
			})
		}
		time.Sleep(time.Duration(60+round%5*35) * time.Millisecond)
		a.stop(syscall.SIGKILL)
		cancel()
		wg.Wait()
	}
	total := 0
	for w := range acked {
		total += len(acked[w])
	}
	if total == 0 {
		t.Error("nothing was put")
	}
	t.Logf("%d kills, %d objects acknowledged, none lost", kills, total)
}

func killedKey(w, n int) string { return fmt.Sprintf("%d/%06d", w, n) }

// killedContent is that of object n of writer w: every third is put in parts.
func killedContent(w, n int) []byte {
	size := killedSize
	if n%3 == 0 {
		size = killedPart + killedSize
	}
	return randomBytes(uint64(w)<<16+uint64(n), size)
}

// putKilled puts object n of writer w.
func putKilled(ctx context.Context, client *s3.Client, w, n int) error {
	key, content := killedKey(w, n), killedContent(w, n)
	if n%3 != 0 {
		_, err := client.PutObject(ctx, &s3.PutObjectInput{Bucket: new("files"), Key: &key, Body: bytes.NewReader(content)})
		return err
	}
	begun, err := client.CreateMultipartUpload(ctx, &s3.CreateMultipartUploadInput{Bucket: new("files"), Key: &key})
	if err != nil {
		return err
	}
	var parts []types.CompletedPart
	for i, piece := range [][]byte{content[:killedPart], content[killedPart:]} {
		number := int32(i + 1)
		out, err := client.UploadPart(ctx, &s3.UploadPartInput{Bucket: new("files"), Key: &key, UploadId: begun.UploadId, PartNumber: &number, Body: bytes.NewReader(piece)})
		if err != nil {
			return err
		}
		parts = append(parts, types.CompletedPart{ETag: out.ETag, PartNumber: &number, ChecksumCRC32: out.ChecksumCRC32})
	}
	_, err = client.CompleteMultipartUpload(ctx, &s3.CompleteMultipartUploadInput{
		Bucket: new("files"), Key: &key, UploadId: begun.UploadId, MultipartUpload: &types.CompletedMultipartUpload{Parts: parts},
	})
	return err
}

// checkKilled looks at all objects that writer w has tried to put, and returns
// how many files they are.
func checkKilled(t *testing.T, client *s3.Client, w int, acked map[int]bool, tried int) (files int) {
	t.Helper()
	for n := 1; n <= tried; n++ {
		key := killedKey(w, n)
		out, err := client.GetObject(t.Context(), &s3.GetObjectInput{Bucket: new("files"), Key: &key})
		if _, missing := errors.AsType[*types.NoSuchKey](err); missing && !acked[n] {
			continue
		}
		check(t, err)
		got, err := io.ReadAll(out.Body)
		check(t, errors.Join(err, out.Body.Close()))
		if sha256.Sum256(got) != sha256.Sum256(killedContent(w, n)) {
			t.Fatalf("%s is not what was put: %d bytes", key, len(got))
		}
		files++
		if n%3 == 0 {
			files++
		}
	}
	return files
}

// partsUnderWay is how many parts there are of uploads that are not completed.
func partsUnderWay(t *testing.T, client *s3.Client) (n int) {
	t.Helper()
	begun, err := client.ListMultipartUploads(t.Context(), &s3.ListMultipartUploadsInput{Bucket: new("files")})
	check(t, err)
	for _, u := range begun.Uploads {
		out, err := client.ListParts(t.Context(), &s3.ListPartsInput{Bucket: new("files"), Key: u.Key, UploadId: u.UploadId})
		check(t, err)
		n += len(out.Parts)
	}
	return n
}

// checkFiles waits until there are so many files under dir.
func checkFiles(t *testing.T, dir string, want int) {
	t.Helper()
	got := -1
	for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		got = 0
		filepath.WalkDir(dir, func(_ string, d fs.DirEntry, err error) error {
			if err == nil && !d.IsDir() {
				got++
			}
			return nil
		})
		if got == want {
			return
		}
	}
	t.Errorf("%d files are there, and %d belong to somebody", got, want)
}
