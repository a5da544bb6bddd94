package s3

import (
	"bytes"
	"fmt"
	"io"
	"sync/atomic"
	"testing"

	api "github.com/aloft-cloud/aloft/internal/api/s3"
)

func BenchmarkPutObject(b *testing.B) {
	for _, size := range []int{1 << 10, 1 << 20} {
		b.Run(fmt.Sprint(size), func(b *testing.B) {
			s, content := newService(b, b.TempDir()), noise(1, size)
			var n atomic.Int64
			b.SetBytes(int64(size))
			b.ReportAllocs()
			b.SetParallelism(8)
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					put(b, s, fmt.Sprint(n.Add(1)), bytes.NewReader(content))
				}
			})
		})
	}
}

func BenchmarkGetObject(b *testing.B) {
	for _, size := range []int{1 << 10, 1 << 20} {
		b.Run(fmt.Sprint(size), func(b *testing.B) {
			s := newService(b, b.TempDir())
			put(b, s, "k", bytes.NewReader(noise(1, size)))
			b.SetBytes(int64(size))
			b.ReportAllocs()
			for b.Loop() {
				out, err := s.GetObject(b.Context(), caller, &api.GetObjectInput{Bucket: "bucket", Key: "k"})
				if err != nil {
					b.Fatal(err)
				}
				if _, err := io.Copy(io.Discard, out.Body); err != nil {
					b.Fatal(err)
				}
				out.Body.(io.Closer).Close()
			}
		})
	}
}

func BenchmarkListObjects(b *testing.B) {
	s := newService(b, b.TempDir())
	for i := range 1000 {
		put(b, s, fmt.Sprintf("folder/%04d", i), bytes.NewReader(nil))
	}
	b.ReportAllocs()
	for b.Loop() {
		out, err := s.ListObjectsV2(b.Context(), caller, &api.ListObjectsV2Input{Bucket: "bucket"})
		if err != nil || len(out.Contents) != 1000 {
			b.Fatal(len(out.Contents), err)
		}
	}
}
