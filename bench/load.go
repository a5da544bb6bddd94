package main

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"time"
)

// A load is requests, ready as bytes, that clients send one after the other,
// each over a connection of its own. The bytes are made and signed beforehand,
// so that what is measured is the server.
type load struct {
	requests [][]byte
	clients  int
	duration time.Duration
}

// A figure is what a load measured.
type figure struct {
	rate     float64       // answers per second
	p50, p99 time.Duration // of an answer
	cpu      time.Duration // that the server took for an answer
	all      []time.Duration
}

// percentiles sorts what all took.
func percentiles(all []time.Duration) (p50, p99 time.Duration) {
	slices.Sort(all)
	return all[len(all)/2], all[len(all)*99/100]
}

// add makes f, which is of n alike, part of their mean.
func (f *figure) add(one figure, n int) {
	f.rate += one.rate / float64(n)
	f.cpu += one.cpu / time.Duration(n)
}

// run sends l to a server and measures. An answer that is no success ends it.
func (l load) run(addr string) (figure, error) {
	var next atomic.Int64
	var mu sync.Mutex
	var all []time.Duration
	var failed error
	deadline := time.Now().Add(l.duration)
	began := time.Now()
	var wg sync.WaitGroup
	for range l.clients {
		wg.Go(func() {
			took, err := l.client(addr, &next, deadline)
			mu.Lock()
			defer mu.Unlock()
			all = append(all, took...)
			failed = errors.Join(failed, err)
		})
	}
	wg.Wait()
	if failed != nil {
		return figure{}, failed
	}
	if len(all) == 0 {
		return figure{}, errors.New("no answers")
	}
	f := figure{rate: float64(len(all)) / time.Since(began).Seconds(), all: all}
	f.p50, f.p99 = percentiles(all)
	return f, nil
}

// client sends requests over one connection until the deadline.
func (l load) client(addr string, next *atomic.Int64, deadline time.Time) ([]time.Duration, error) {
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	in := bufio.NewReaderSize(conn, 64<<10)
	var took []time.Duration
	for {
		began := time.Now()
		if began.After(deadline) && len(took) > 0 {
			return took, nil
		}
		if _, err := conn.Write(l.requests[int(next.Add(1))%len(l.requests)]); err != nil {
			return nil, err
		}
		if err := readAnswer(in); err != nil {
			return nil, err
		}
		took = append(took, time.Since(began))
	}
}

// readAnswer reads an HTTP answer with a Content-Length, cheaply.
func readAnswer(in *bufio.Reader) error {
	_, err := readBody(in, nil)
	return err
}

// readBody is readAnswer that keeps the body, if there is room for it.
func readBody(in *bufio.Reader, room []byte) ([]byte, error) {
	line, err := in.ReadSlice('\n')
	if err != nil {
		return nil, err
	}
	ok := bytes.HasPrefix(line, []byte("HTTP/1.1 2"))
	status := string(bytes.TrimSpace(line))
	length := -1
	for {
		line, err := in.ReadSlice('\n')
		if err != nil {
			return nil, err
		}
		if len(line) <= 2 {
			break
		}
		if name, value, found := bytes.Cut(line, []byte(":")); found && bytes.EqualFold(name, []byte("Content-Length")) {
			if length, err = strconv.Atoi(string(bytes.TrimSpace(value))); err != nil {
				return nil, err
			}
		}
	}
	if length < 0 {
		return nil, fmt.Errorf("%s: an answer without Content-Length", status)
	}
	if ok && length <= len(room) {
		_, err = io.ReadFull(in, room[:length])
		return room[:length], err
	}
	if ok {
		_, err = in.Discard(length)
		return nil, err
	}
	body, err := io.ReadAll(io.LimitReader(in, int64(min(length, 500))))
	return nil, errors.Join(fmt.Errorf("%s: %s", status, body), err)
}

// raw returns the bytes of r with body, as a client sends them.
func raw(r *http.Request, body []byte) []byte {
	r.Body, r.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
	var out bytes.Buffer
	if err := r.Write(&out); err != nil {
		panic(err) // a request of our own
	}
	return out.Bytes()
}
