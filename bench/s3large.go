package main

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/aloft-cloud/aloft/internal/auth/sigv4"
)

// large is the size of the objects whose throughput is measured.
const large = 8 << 20

// s3large measures what is large: objects of 8 MB against the disk and the null
// server, a listing of 100,000 keys, and memory while 5 GB go through.
func (b *bench) s3large() error {
	if err := b.s3Once(http.MethodPut, "/large", nil); err != nil {
		return err
	}
	for _, step := range []func() error{b.putLarge, b.getLarge, b.listMany, b.flatMemory} {
		if err := step(); err != nil {
			return err
		}
	}
	return nil
}

// s3Request is a request of S3, signed but for its body, as the SDKs do it over TLS.
func (b *bench) s3Request(method, path string, body io.Reader, size int64) *http.Request {
	r, err := http.NewRequest(method, "http://"+b.aloft.addr+path, body)
	if err != nil {
		panic(err) // an address of our own
	}
	r.ContentLength = size
	r.Header.Set("X-Null-Answer", method)
	sigv4.SignHash(r, sigv4.Credentials{AccessKey: b.aloft.key, Secret: b.aloft.secret}, "us-east-1", "s3", time.Now(), "UNSIGNED-PAYLOAD")
	return r
}

// s3Once makes a request that is not measured.
func (b *bench) s3Once(method, path string, body []byte) error {
	resp, err := http.DefaultClient.Do(b.s3Request(method, path, bytes.NewReader(body), int64(len(body))))
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	if err == nil && resp.StatusCode >= 300 {
		err = fmt.Errorf("%s %s: %s: %s", method, path, resp.Status, answer)
	}
	return err
}

// putLarge compares puts of one client with the same bytes written to files of
// their own, each with fsync, as dd does it.
func (b *bench) putLarge() error {
	const times = 24
	content := bytes.Repeat([]byte("0123456789abcdef"), large/16)
	var ours, disk time.Duration
	for round := range 4 { // in turns: the disk's speed drifts
		began := time.Now()
		for i := range times / 4 {
			if err := b.s3Once(http.MethodPut, fmt.Sprintf("/large/%d", round*times+i), content); err != nil {
				return err
			}
		}
		ours += time.Since(began)
		began = time.Now()
		for i := range times / 4 {
			if err := writeFile(filepath.Join(b.dir, fmt.Sprintf("dd-%d-%d", round, i)), content); err != nil {
				return err
			}
		}
		disk += time.Since(began)
	}
	row("PutObject of 8 MB, 1 client", fmt.Sprintf("%.0f %%", 100*float64(disk)/float64(ours)),
		fmt.Sprintf("%.0f MB/s of %.0f MB/s to files, bar 70 %%", rate(times, ours), rate(times, disk)))
	return nil
}

// rate is how many MB per second n large objects in that time are.
func rate(n int, took time.Duration) float64 { return float64(n) * large / 1e6 / took.Seconds() }

func writeFile(name string, content []byte) error {
	f, err := os.Create(name)
	if err != nil {
		return err
	}
	defer f.Close()
	if _, err := f.Write(content); err != nil {
		return err
	}
	return f.Sync()
}

// getLarge compares reads of several clients with those from the null server.
func (b *bench) getLarge() error {
	request := raw(b.s3Request(http.MethodGet, "/large/0", nil, 0), nil)
	for _, clients := range []int{1, 4} {
		l := load{[][]byte{request}, clients, b.duration / 2}
		var ours, floor float64
		for range 2 {
			f, err := l.run(b.null.addr)
			if err != nil {
				return err
			}
			o, err := l.run(b.aloft.addr)
			if err != nil {
				return err
			}
			ours, floor = ours+o.rate/2, floor+f.rate/2
		}
		row(fmt.Sprintf("GetObject of 8 MB, %d clients", clients), fmt.Sprintf("%.2f GB/s", ours*large/1e9),
			fmt.Sprintf("%.0f %% of %.2f GB/s, bar 2.5 GB/s or 80 %%", 100*ours/floor, floor*large/1e9))
	}
	return nil
}

// listMany lists 100,000 keys, page by page.
func (b *bench) listMany() error {
	const keys, clients = 100_000, 16
	if err := b.s3Once(http.MethodPut, "/many", nil); err != nil {
		return err
	}
	var mu sync.Mutex
	next := 0
	err := b.each(clients, 1, func(conn net.Conn, in *bufio.Reader) error {
		for {
			mu.Lock()
			i := next
			next++
			mu.Unlock()
			if i >= keys {
				return nil
			}
			path := fmt.Sprintf("/many/folder-%02d/object-%06d", i/5000, i)
			if _, err := conn.Write(raw(b.s3Request(http.MethodPut, path, nil, 0), nil)); err != nil {
				return err
			}
			if err := readAnswer(in); err != nil {
				return err
			}
		}
	})
	if err != nil {
		return err
	}
	for range 2 {
		began := time.Now()
		n, err := b.list("/many?list-type=2")
		if err != nil {
			return err
		}
		if n != keys {
			return fmt.Errorf("listed %d keys of %d", n, keys)
		}
		row("ListObjectsV2 of 100,000 keys", fmt.Sprintf("%.0f/s", float64(n)/time.Since(began).Seconds()), "bar 200,000/s")
	}
	return nil
}

// list counts what a listing has, page by page.
func (b *bench) list(path string) (n int, err error) {
	room := make([]byte, 4<<20)
	err = b.each(1, 1, func(conn net.Conn, in *bufio.Reader) error {
		for token := ""; ; {
			if _, err := conn.Write(raw(b.s3Request(http.MethodGet, path+token, nil, 0), nil)); err != nil {
				return err
			}
			page, err := readBody(in, room)
			if err != nil {
				return err
			}
			n += bytes.Count(page, []byte("<Key>"))
			_, rest, more := strings.Cut(string(page), "<NextContinuationToken>")
			if !more {
				return nil
			}
			next, _, _ := strings.Cut(rest, "<")
			token = "&continuation-token=" + strings.ReplaceAll(next, "=", "%3D")
		}
	})
	return n, err
}

// flatMemory puts and gets an object of 5 GB, and looks at memory meanwhile.
func (b *bench) flatMemory() error {
	const size = 5 << 30
	before, _, err := b.aloft.residentMB()
	if err != nil {
		return err
	}
	w := &watch{a: b.aloft}
	resp, err := http.DefaultClient.Do(b.s3Request(http.MethodPut, "/large/5gb", io.LimitReader(w, size), size))
	if err != nil {
		return err
	}
	resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("PutObject of 5 GB: %s", resp.Status)
	}
	if resp, err = http.DefaultClient.Do(b.s3Request(http.MethodGet, "/large/5gb", nil, 0)); err != nil {
		return err
	}
	defer resp.Body.Close()
	n, err := io.Copy(w, resp.Body)
	if err == nil && n != size {
		err = fmt.Errorf("GetObject of 5 GB: %d bytes", n)
	}
	row("Memory while 5 GB go in and out", fmt.Sprintf("%.0f MB", w.most), fmt.Sprintf("%.0f MB before", before))
	return err
}

// A watch looks at the memory of an Aloft as bytes go by.
type watch struct {
	a    *instance
	n    int64
	most float64
}

func (w *watch) look(n int) {
	const every = 64 << 20
	if w.n += int64(n); w.n < every {
		return
	}
	w.n = 0
	if mb, _, err := w.a.residentMB(); err == nil {
		w.most = max(w.most, mb)
	}
}

func (w *watch) Read(p []byte) (int, error) {
	w.look(len(p))
	return len(p), nil
}

func (w *watch) Write(p []byte) (int, error) {
	w.look(len(p))
	return len(p), nil
}
