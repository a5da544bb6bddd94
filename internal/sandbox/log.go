package sandbox

import (
	"bufio"
	"bytes"
	"crypto/rand"
	"encoding/binary"
	"encoding/hex"
	"os"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/aloft-cloud/aloft/internal/sandbox/rapi"
)

const (
	maxMessage = 256 << 10 // bytes of one message; a longer one is cut in pieces
	maxPending = 1 << 20   // bytes that may wait for the Sink; then the function waits
	maxTail    = 4 << 10   // of what an invoke answers
	flushAfter = 50 * time.Millisecond
)

// frameHead begins a message that knows its length: type, length and time.
const frameHead = 16

var frameType = []byte{0xa5, 0x5a, 0x00} // and one byte of level

// A logger takes what one worker writes, cuts it into messages, and keeps them
// until they are flushed to the Sink.
type logger struct {
	m    *Manager
	pipe *os.File
	conn syscall.RawConn
	done chan struct{} // closed when the output has ended

	telemetry *telemetry // is told of lines; may be nil

	mu      sync.Mutex
	partial []byte // an unfinished message
	tail    []byte // of the invoke in progress
	batch   LogBatch
	pending int           // bytes in batch
	room    chan struct{} // closed when the batch was flushed; nil if nobody waits
	owned   bool          // there is a function, so somebody wants to read it
	json    bool          // the function logs JSON
}

// newLogger reads the output of a worker, from a pipe; from nothing if it is nil.
func (m *Manager) newLogger(pipe *os.File, t *telemetry) (*logger, error) {
	if pipe == nil {
		l := &logger{m: m, telemetry: t, done: make(chan struct{})}
		close(l.done)
		return l, nil
	}
	conn, err := pipe.SyscallConn()
	if err != nil {
		return nil, err
	}
	l := &logger{m: m, telemetry: t, pipe: pipe, conn: conn, done: make(chan struct{})}
	m.group.Go(l.read)
	return l, nil
}

// own makes the log one of f's, and begins it with a line. What was written
// before is after it; what a worker wrote while it was blank is dropped.
func (l *logger) own(f *Function, stream, line string, blank bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	early := l.partial
	if blank {
		early = nil
	}
	l.partial = nil
	l.owned, l.json = true, f.json()
	l.batch = LogBatch{Function: f.ARN, Version: f.Version, Group: f.logGroup(), Stream: stream}
	l.emit(time.Now(), []byte(line))
	l.add(early)
}

// early is what a worker wrote that never became one of a function.
func (l *logger) early() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return string(l.partial[:min(len(l.partial), 2000)])
}

// newStream names a log stream, as Lambda does.
func newStream(f *Function) string {
	var id [16]byte
	rand.Read(id[:])
	return time.Now().UTC().Format("2006/01/02/") + "[" + f.Version + "]" + hex.EncodeToString(id[:])
}

// read takes the output until it ends.
func (l *logger) read() {
	defer close(l.done)
	defer l.pipe.Close()
	for {
		open := false
		err := l.conn.Read(func(fd uintptr) bool {
			l.mu.Lock()
			defer l.mu.Unlock()
			n, ok := l.take(fd)
			open = ok
			return n > 0 || !ok
		})
		if err != nil || !open {
			break
		}
		l.wait()
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.owned {
		l.cut()
	}
}

// also takes the output of another process of the worker, until it ends: whole
// lines, between those of the function.
func (l *logger) also(pipe *os.File) {
	defer pipe.Close()
	lines := bufio.NewReaderSize(pipe, maxMessage/4)
	for {
		line, err := lines.ReadSlice('\n')
		if len(line) > 0 {
			l.wait()
			l.mu.Lock()
			l.cut()
			l.wrote(rapi.ExtensionRecords, time.Now(), line)
			l.mu.Unlock()
		}
		if err != nil && err != bufio.ErrBufferFull {
			return
		}
	}
}

// drain takes what was written up to now: what a worker wrote before its
// answer is in the log before what we write after it.
func (l *logger) drain() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.conn.Control(func(fd uintptr) {
		for l.pending < 2*maxPending {
			if n, _ := l.take(fd); n == 0 {
				return
			}
		}
	})
}

// take reads once. It is false at the end.
func (l *logger) take(fd uintptr) (int, bool) {
	buf := l.m.buffers.Get().(*[]byte)
	defer l.m.buffers.Put(buf)
	n, err := syscall.Read(int(fd), *buf)
	if n > 0 {
		l.add((*buf)[:n])
		return n, true
	}
	return 0, err == syscall.EAGAIN || err == syscall.EINTR
}

// wait blocks while too much is pending, and so, in the end, the function.
func (l *logger) wait() {
	l.mu.Lock()
	if l.pending < maxPending {
		l.mu.Unlock()
		return
	}
	if l.room == nil {
		l.room = make(chan struct{})
	}
	room := l.room
	l.mu.Unlock()
	select {
	case <-room:
	case <-l.m.ctx.Done():
	}
}

// add takes output: lines, and frames between them.
func (l *logger) add(b []byte) {
	if len(l.partial) > 0 {
		b = append(l.partial, b...)
	}
	if !l.owned {
		l.partial = bytes.Clone(b[:min(len(b), maxMessage)])
		return
	}
	for len(b) > 0 {
		n := l.message(b)
		if n == 0 {
			break
		}
		b = b[n:]
	}
	l.partial = append(l.partial[:0:0], b...)
}

// message takes one message off b and returns its length; 0 if it is not all there.
func (l *logger) message(b []byte) int {
	if n := min(len(b), len(frameType)); bytes.Equal(b[:n], frameType[:n]) {
		if len(b) < frameHead {
			return 0
		}
		if size := binary.BigEndian.Uint32(b[4:]); size <= maxPending {
			if len(b) < frameHead+int(size) {
				return 0
			}
			at := time.UnixMicro(int64(binary.BigEndian.Uint64(b[8:])))
			if since := time.Since(at); since < 0 || since > time.Hour {
				at = time.Now()
			}
			l.wrote(rapi.FunctionRecords, at, b[frameHead:frameHead+size])
			return frameHead + int(size)
		}
	}
	line := b[:bytes.IndexByte(b, '\n')+1]
	if i := bytes.Index(b, frameType); i > 0 && (i < len(line) || len(line) == 0) {
		line = b[:i] // which was not ended before the frame
	}
	if len(line) > 0 && len(line) <= maxMessage {
		l.wrote(rapi.FunctionRecords, time.Now(), line)
		return len(line)
	}
	if len(b) >= maxMessage {
		l.wrote(rapi.FunctionRecords, time.Now(), b[:maxMessage])
		return maxMessage
	}
	return 0
}

// cut ends a message that was not ended.
func (l *logger) cut() {
	if len(l.partial) > 0 {
		l.wrote(rapi.FunctionRecords, time.Now(), l.partial)
		l.partial = nil
	}
}

// wrote appends one message that code wrote, and tells who listens.
func (l *logger) wrote(kind string, at time.Time, b []byte) {
	l.emit(at, b)
	l.telemetry.line(kind, at, b, l.json)
}

// emit appends one message, in pieces if it is long.
func (l *logger) emit(at time.Time, b []byte) {
	for len(b) > 0 {
		n := min(len(b), maxMessage)
		s := strings.ToValidUTF8(string(b[:n]), "\ufffd")
		b = b[n:]
		if len(l.batch.Lines) == 0 {
			l.m.dirty(l)
		}
		l.batch.Lines = append(l.batch.Lines, LogLine{at, s})
		l.pending += len(s) + 64
		l.tail = append(l.tail, s...)
		if !strings.HasSuffix(s, "\n") {
			l.tail = append(l.tail, '\n')
		}
	}
	if len(l.tail) > 4*maxTail {
		l.tail = append(l.tail[:0], l.tail[len(l.tail)-maxTail:]...)
	}
}

// begin starts the part of the log that is about one invoke.
func (l *logger) begin(line string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.cut()
	l.tail = l.tail[:0]
	l.emit(time.Now(), []byte(line))
}

// write appends messages of ours.
func (l *logger) write(lines ...string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.cut()
	for _, s := range lines {
		l.emit(time.Now(), []byte(s))
	}
}

// end appends messages of ours and returns the tail of the invoke's part.
func (l *logger) end(lines ...string) []byte {
	l.write(lines...)
	l.mu.Lock()
	defer l.mu.Unlock()
	return bytes.Clone(l.tail[max(0, len(l.tail)-maxTail):])
}

// flush gives what is pending to the Sink. It is called by one goroutine alone.
func (l *logger) flush() {
	l.mu.Lock()
	b := l.batch
	l.batch.Lines = nil
	l.pending = 0
	if l.room != nil {
		close(l.room)
		l.room = nil
	}
	l.mu.Unlock()
	if len(b.Lines) > 0 && l.m.cfg.Sink != nil {
		l.m.cfg.Sink(b)
	}
}

// logs are the loggers with something to flush.
type logs struct {
	mu    sync.Mutex
	dirty []*logger
	since time.Time // the first of them is dirty
}

// dirty marks a logger as having something to flush.
func (m *Manager) dirty(l *logger) {
	m.logs.mu.Lock()
	first := len(m.logs.dirty) == 0
	if first {
		m.logs.since = time.Now()
	}
	m.logs.dirty = append(m.logs.dirty, l)
	m.logs.mu.Unlock()
	if first {
		m.logBell.Ring()
	}
}

// flushLogs flushes what is pending, and says when more will be.
func (m *Manager) flushLogs(force bool) time.Duration {
	m.logs.mu.Lock()
	due := m.logs.dirty
	if len(due) == 0 {
		m.logs.mu.Unlock()
		return time.Hour
	}
	if left := flushAfter - time.Since(m.logs.since); left > 0 && !force {
		m.logs.mu.Unlock()
		return left
	}
	m.logs.dirty = nil
	m.logs.mu.Unlock()
	for _, l := range due {
		l.flush()
	}
	return flushAfter
}
