package script

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"os"
	"runtime/debug"
	"runtime/metrics"
	"time"

	"github.com/aloft-cloud/aloft/internal/task"
)

// What passes between a process that runs scripts and the platform: one JSON
// value a line. The platform sends an order; the process asks, and is answered,
// until it reports.
type (
	order struct {
		Sources []Source
		Entry   string
		Args    []json.RawMessage
		Timeout int64 // nanoseconds
	}
	report struct {
		Ask    string            `json:",omitempty"` // what the script asks of host; else it has ended
		Args   []json.RawMessage `json:",omitempty"`
		Result *Result           `json:",omitempty"`
		Stop   string            `json:",omitempty"` // why it was stopped
	}
	reply struct {
		Value json.RawMessage `json:",omitempty"`
		Error string          `json:",omitempty"`
	}
)

// heapMB is what the interpreter and its scripts may use of memory; the fence is
// a little wider.
const heapMB = 96

// Serve runs the scripts that the platform orders at an address, one after the
// other, until it hangs up. It is what the command of a Config does.
func Serve(addr string) error {
	limitMemory()
	debug.SetGCPercent(50)
	ctx, cancel := context.WithCancel(context.Background())
	var group task.Group
	group.Go(func() { watchMemory(ctx) })
	defer group.Wait()
	defer cancel()
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		return err
	}
	defer conn.Close()
	in, out := json.NewDecoder(conn), bufio.NewWriter(conn)
	send := func(v any) error {
		if err := json.NewEncoder(out).Encode(v); err != nil {
			return err
		}
		return out.Flush()
	}
	e := new(engine)
	for {
		var o order
		if err := in.Decode(&o); err != nil {
			if errors.Is(err, io.EOF) {
				return nil
			}
			return err
		}
		job := &Job{Sources: o.Sources, Entry: o.Entry, Args: o.Args, Timeout: time.Duration(o.Timeout)}
		job.Call = func(_ context.Context, name string, args []json.RawMessage) (json.RawMessage, error) {
			if err := send(report{Ask: name, Args: args}); err != nil {
				return nil, err
			}
			var said reply
			if err := in.Decode(&said); err != nil {
				return nil, err
			}
			if said.Error != "" {
				return nil, errors.New(said.Error)
			}
			return said.Value, nil
		}
		result, err := e.run(context.Background(), job)
		end := report{Result: result}
		if err != nil {
			end.Stop = stops[err]
			if end.Stop == "" {
				end.Stop = err.Error()
			}
		}
		if err := send(end); err != nil {
			return err
		}
	}
}

// look is how often the memory that is in use is looked at: before the kernel
// refuses more, which may take a collector that labours for seconds.
const look = 20 * time.Millisecond

// watchMemory ends this process when scripts use too much.
func watchMemory(ctx context.Context) {
	used := []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}}
	for ctx.Err() == nil {
		if metrics.Read(used); used[0].Value.Uint64() > heapMB<<20 {
			os.Exit(3)
		}
		timer := time.NewTimer(look)
		select {
		case <-timer.C:
		case <-ctx.Done():
		}
		timer.Stop()
	}
}

// stops are the errors of scripts that were stopped, as processes report them.
var stops = map[error]string{ErrTimeout: "timeout", ErrAnswer: "answer"}
