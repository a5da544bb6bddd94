// Command bench measures the built binary and prints each figure beside a
// floor measured in the same run: a null HTTP server for the services, a bare
// process for functions. Only the ratios say something: machines differ, and
// so do minutes.
//
//	go run ./bench             all of it but scale and minio
//	go run ./bench -only dynamodb -duration 5s
package main

import (
	"bufio"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// A bench is one run over all parts.
type bench struct {
	ctx      context.Context
	dir      string // for the binary, data and code
	bin      string
	duration time.Duration // of each load
	match    string        // measure the loads whose name has this in it
	null     *instance     // a server that does nothing
	items    int           // of the large table of scale
	aloft    *instance
	minioBin string // of a MinIO to measure beside
}

var parts = []struct {
	name string
	run  func(*bench) error
}{
	{"start", (*bench).start},
	{"dynamodb", (*bench).dynamodb},
	{"sqs", (*bench).sqs},
	{"sns", (*bench).sns},
	{"s3", (*bench).s3},
	{"s3large", (*bench).s3large},
	{"minio", (*bench).minio},
	{"gateway", (*bench).gateway},
	{"behind", (*bench).behind},
	{"lambda", (*bench).lambda},
	{"app", (*bench).app},
	{"websocket", (*bench).websocket},
	{"scale", (*bench).scale},
}

// slow are parts that run only when they are named.
var slow = []string{"scale", "minio"}

func main() {
	only := flag.String("only", "", "measure this part alone: start, dynamodb, sqs, sns, s3, s3large, minio, gateway, behind, lambda, app, websocket, scale")
	match := flag.String("match", "", "measure the single operations with this in their name alone: PutItem")
	items := flag.Int("items", 10_000_000, "how many items the large table of scale has")
	duration := flag.Duration("duration", 3*time.Second, "how long each load lasts")
	bin := flag.String("bin", "", "measure this binary instead of one built anew")
	minio := flag.String("minio", "", "the binary of the MinIO that the part of this name measures beside")
	serveNull := flag.Bool("null", false, "be the null server")
	flag.Parse()
	if *serveNull {
		fatal(nullServer())
	}
	fatal((&bench{match: *match, bin: *bin, duration: *duration, items: *items, minioBin: *minio}).run(*only))
}

func fatal(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// run measures all parts, or the one named only.
func (b *bench) run(only string) error {
	dir, err := os.MkdirTemp("", "aloft-bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	b.ctx, b.dir = context.Background(), dir
	if b.bin == "" {
		b.bin = filepath.Join(dir, "aloft")
		build := exec.Command("go", "build", "-trimpath", "-ldflags=-s -w", "-o", b.bin, "github.com/aloft-cloud/aloft/cmd/aloft")
		if out, err := build.CombinedOutput(); err != nil {
			return fmt.Errorf("go build: %w\n%s", err, out)
		}
	}
	if b.null, err = startNull(); err != nil {
		return err
	}
	defer b.null.stop()
	b.aloft, err = b.serve(filepath.Join(b.dir, "data"))
	if err != nil {
		return err
	}
	defer b.aloft.stop()
	for _, p := range parts {
		if only != p.name && (only != "" || slices.Contains(slow, p.name)) {
			continue
		}
		fmt.Printf("\n%s\n", p.name)
		if err := p.run(b); err != nil {
			return fmt.Errorf("%s: %w", p.name, err)
		}
	}
	return nil
}

// startNull starts the null server as a process of its own.
func startNull() (*instance, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	null := &instance{cmd: exec.Command(self, "-null")}
	out, err := null.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := null.cmd.Start(); err != nil {
		return nil, err
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	null.addr = strings.TrimSpace(line)
	return null, err
}

// An instance is a server that the bench started: an Aloft, or the null server.
type instance struct {
	cmd         *exec.Cmd
	addr        string        // "127.0.0.1:40123"
	ready       time.Duration // from exec to the line that says so
	key, secret string        // of the root, at first start
}

var (
	readyLine = regexp.MustCompile(`ready at http://(\S+)`)
	keyLine   = regexp.MustCompile(`AWS_ACCESS_KEY_ID=(\S+)`)
	secret    = regexp.MustCompile(`AWS_SECRET_ACCESS_KEY=(\S+)`)
)

// serve starts `aloft serve`: keys are checked as in production. Only over new
// data does it tell the keys of the root.
func (b *bench) serve(data string) (*instance, error) {
	_, old := os.Stat(data)
	a := &instance{cmd: exec.CommandContext(b.ctx, b.bin, "serve", "--unfenced", "--listen", "127.0.0.1:0", "--data", data)}
	a.cmd.Stderr = os.Stderr
	a.cmd.Env = cleanEnv()
	out, err := a.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	began := time.Now()
	if err := a.cmd.Start(); err != nil {
		return nil, err
	}
	lines := bufio.NewReader(out)
	for a.addr == "" || a.secret == "" && old != nil {
		line, err := lines.ReadString('\n')
		if err != nil {
			return nil, errors.Join(errors.New("aloft serve did not become ready"), err)
		}
		if m := readyLine.FindStringSubmatch(line); m != nil {
			a.addr, a.ready = m[1], time.Since(began)
		}
		if m := keyLine.FindStringSubmatch(line); m != nil {
			a.key = m[1]
		}
		if m := secret.FindStringSubmatch(line); m != nil {
			a.secret = m[1]
		}
	}
	go io.Copy(io.Discard, lines)
	return a, nil
}

func (a *instance) stop() {
	a.cmd.Process.Signal(syscall.SIGTERM)
	a.cmd.Wait()
}

// measure runs l on a, and also measures what processors do for it.
func (a *instance) measure(l load) (figure, error) {
	before, err := a.cpu()
	if err != nil {
		return figure{}, err
	}
	began := time.Now()
	f, err := l.run(a.addr)
	if err != nil {
		return f, err
	}
	answers := f.rate * time.Since(began).Seconds()
	after, err := a.cpu()
	f.cpu = time.Duration(float64(after-before) / answers)
	return f, err
}

// cpu is the time that processors have worked for a.
func (a *instance) cpu() (time.Duration, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", a.cmd.Process.Pid))
	if err != nil {
		return 0, err
	}
	_, rest, _ := strings.Cut(string(text), ") ")
	const user, system, tick = 11, 12, 10 * time.Millisecond // fields after the name
	var total time.Duration
	fields := strings.Fields(rest)
	for _, i := range []int{user, system} {
		n, err := strconv.Atoi(fields[i])
		if err != nil {
			return 0, err
		}
		total += time.Duration(n) * tick
	}
	return total, nil
}

// residentMB is the memory that a holds, and how much of that are pages of files:
// the program's own, which it shares with the kernel's cache.
func (a *instance) residentMB() (all, files float64, err error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", a.cmd.Process.Pid))
	if err != nil {
		return 0, 0, err
	}
	var kb [2]float64
	for i, name := range []string{"VmRSS:", "RssFile:"} {
		_, rest, _ := strings.Cut(string(text), name)
		if _, err := fmt.Sscanf(rest, "%f kB", &kb[i]); err != nil {
			return 0, 0, err
		}
	}
	return kb[0] / 1024, kb[1] / 1024, nil
}

func cleanEnv() []string {
	return slices.DeleteFunc(os.Environ(), func(v string) bool {
		return strings.HasPrefix(v, "AWS_") || strings.HasPrefix(v, "ALOFT_")
	})
}

// start measures the time until ready over an empty store, memory at rest, and
// the size of the binary.
func (b *bench) start() error {
	var ready []time.Duration
	var idle, files float64
	for i := range 7 {
		a, err := b.serve(filepath.Join(b.dir, fmt.Sprint("empty", i)))
		if err != nil {
			return err
		}
		ready = append(ready, a.ready)
		time.Sleep(300 * time.Millisecond)
		if idle, files, err = a.residentMB(); err != nil {
			return err
		}
		a.stop()
	}
	slices.Sort(ready)
	info, err := os.Stat(b.bin)
	if err != nil {
		return err
	}
	row("ready over an empty store", fmt.Sprintf("%.1f ms", ms(ready[len(ready)/2])), "bar 50 ms")
	row("memory at rest", fmt.Sprintf("%.0f MB", idle), fmt.Sprintf("%.0f MB of it the program's file, bar 60 MB", files))
	row("stripped binary", fmt.Sprintf("%.0f MB", float64(info.Size())/1e6), "bar 60 MB")
	return nil
}

func row(what, value, note string) { fmt.Printf("  %-46s %12s   %s\n", what, value, note) }

func us(d time.Duration) float64 { return float64(d) / float64(time.Microsecond) }

func ms(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
