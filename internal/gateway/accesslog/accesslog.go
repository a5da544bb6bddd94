// Package accesslog writes a line for each request to an API, in the format
// that its stage says, to a log group. Lines are kept in memory until a task
// writes them, many at once: a request does not wait for its line.
package accesslog

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"sync"
	"time"

	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/task"
)

// A Format is a text with variables: "$context.requestId $context.status".
type Format []piece

// A piece is a variable's name, or text.
type piece struct {
	text     string
	variable bool
}

var variable = regexp.MustCompile(`\$context\.[A-Za-z0-9_.\-]*[A-Za-z0-9_\-]`)

// ErrFormat is the error of a format that does not name the request.
var ErrFormat = errors.New("Invalid log format, must contain at least $context.requestId or $context.extendedRequestId")

// Parse reads a format.
func Parse(text string) (Format, error) {
	f, named := parse(text)
	if !named {
		return nil, ErrFormat
	}
	return f, nil
}

// Any reads a format that need not name the request, as those of REST APIs.
// An empty one is nil.
func Any(text string) Format {
	if text == "" {
		return nil
	}
	f, _ := parse(text)
	return f
}

func parse(text string) (f Format, named bool) {
	rest := text
	for _, at := range variable.FindAllStringIndex(text, -1) {
		before := text[len(text)-len(rest) : at[0]]
		name := strings.TrimPrefix(text[at[0]:at[1]], "$context.")
		named = named || name == "requestId" || name == "extendedRequestId"
		f = append(f, piece{text: before}, piece{name, true})
		rest = text[at[1]:]
	}
	return append(f, piece{text: rest}), named
}

// Line returns the line of a request, of whose context value gives the values
// by name, without "$context.". What is empty is a hyphen.
func (f Format) Line(value func(name string) string) string {
	var b strings.Builder
	for _, p := range f {
		if !p.variable {
			b.WriteString(p.text)
			continue
		}
		if v := value(p.text); v != "" {
			b.WriteString(v)
		} else {
			b.WriteByte('-')
		}
	}
	return b.String()
}

// A Line is one that waits to be written.
type Line struct {
	At   time.Time
	Text string
}

// A Place is a stream of a log group.
type Place struct {
	Group  aws.ARN // "log-group:NAME"
	Stream string
}

// A Log holds lines until they are written. Its zero value is not ready; see New.
type Log struct {
	bell task.Bell

	mu      sync.Mutex
	waiting map[Place][]Line
	count   int
	lost    int // for want of room
}

// Limits of what waits. Beyond the second, lines are lost, and the task says how many.
const (
	pause      = 100 * time.Millisecond // that lines wait for more to come
	maxWaiting = 100_000
	maxLines   = 5_000 // that are written at once
)

// New returns an empty log.
func New() *Log { return &Log{bell: task.NewBell(), waiting: make(map[Place][]Line)} }

// Add has a line written soon.
func (l *Log) Add(at Place, line Line) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.count >= maxWaiting {
		l.lost++
		return
	}
	l.waiting[at] = append(l.waiting[at], line)
	if l.count++; l.count == 1 {
		l.bell.Ring()
	}
}

// Task writes lines by way of put.
func (l *Log) Task(name string, put func(ctx context.Context, at Place, lines []Line) error) task.Task {
	return task.Task{Name: name, Bell: l.bell, Run: func(ctx context.Context) (time.Duration, error) {
		timer := time.NewTimer(pause)
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-ctx.Done():
		}
		l.mu.Lock()
		all, lost := l.waiting, l.lost
		l.waiting, l.count, l.lost = make(map[Place][]Line), 0, 0
		l.mu.Unlock()
		var failed error
		if lost > 0 {
			failed = fmt.Errorf("%d lines were lost: too many waited", lost)
		}
		for at, lines := range all {
			for len(lines) > 0 {
				n := min(len(lines), maxLines)
				failed = errors.Join(failed, put(context.WithoutCancel(ctx), at, lines[:n]))
				lines = lines[n:]
			}
		}
		return 24 * time.Hour, failed
	}}
}

// GroupOf reads the ARN of a destination, "…:log-group:NAME" with or without
// ":*" behind it, which must be the account's own: nobody writes to others' logs.
func GroupOf(destination, account string) (aws.ARN, bool) {
	arn, err := aws.ParseARN(destination)
	if err != nil || arn.Service != "logs" || arn.Account != account || !strings.HasPrefix(arn.Resource, "log-group:") {
		return arn, false
	}
	arn.Resource = strings.TrimSuffix(arn.Resource, ":*")
	return arn, true
}
