package poll

import (
	"context"
	"encoding/json"
	"log/slog"
	"time"

	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/dispatch"
	"github.com/aloft-cloud/aloft/internal/store"
)

// Config is what an Engine works with.
type Config struct {
	DB    *store.DB
	Table *dispatch.Table // by which sources are read
	Log   *slog.Logger    // nil is slog.Default

	// Owners returns for whom there may be something to poll, once, at the start.
	Owners func(context.Context) ([]aws.ARN, error)

	// Job returns what to do for an owner, or nil if there is nothing, or no
	// such owner, any more. It is called when the owner is to be served, and
	// again after each Changed: so what it writes of the owner's state is true.
	Job func(context.Context, aws.ARN) (*Job, error)
}

// A Job is what to poll for one owner.
type Job struct {
	Owner  aws.ARN                                  // the event source mapping or pipe
	Source aws.ARN                                  // the queue or stream
	Call   func(context.Context) (*aws.Call, error) // as whom the source is read
	Handle func(context.Context, *Batch) Result     // what to do with a batch
	Dead   func(*store.Tx, *Batch, Failure) error   // what to do with records that are given up, in the transaction that does; nil: nothing

	Filters     []Filter      // a record is wanted if one of them matches; none: all are
	Flat        bool          // records of Kinesis are as pipes have them
	BatchSize   int           // records of a batch at most
	Window      time.Duration // how long a batch waits for more records
	Concurrency int           // batches of a queue at once; 0 is the usual limit

	// For streams.
	Start    string        // where: TRIM_HORIZON, LATEST or AT_TIMESTAMP
	StartAt  time.Time     // for AT_TIMESTAMP
	Lanes    int           // batches of a shard at once, each of other keys; 0 is 1
	Tumbling time.Duration // length of windows that share a state; 0: there are none
	MaxAge   time.Duration // records that are older are given up; 0: none is
	Retries  int           // of a batch before it is given up; negative: without end
	Bisect   bool          // a batch that failed is halved
	Identity string        // ARN of the role, which records of Kinesis tell
}

// A Filter chooses records; a pattern of events is one.
type Filter interface {
	Match(record []byte) bool
}

// A Batch is records that are handled together.
type Batch struct {
	Job     *Job
	Shard   string // empty for a queue
	Records []Record
	Window  *Window // nil without tumbling windows
}

// A Record is one record or message.
type Record struct {
	ID    string          // what a failure names it by: message id, or sequence number
	JSON  json.RawMessage // as functions get it
	At    time.Time       // when it came
	Trace string          // trace header that came with it
	key   string          // records of one key are handled in order
	view  []byte          // what filters see
	done  string          // receipt handle of a message
}

// A Result is what became of a batch.
type Result struct {
	Err       error    // nothing was handled; nil: all was, but for Failed
	Throttled bool     // nothing was tried: there was no room
	Failed    []string // IDs of records that failed, if they were told apart
	State     json.RawMessage
	Info      any // for Dead
}

// Reasons for which records are given up.
const (
	RetriesExhausted = "RetryAttemptsExhausted"
	AgeExceeded      = "RecordAgeExceeded"
)

// A Failure is why records are given up.
type Failure struct {
	Condition string // RetriesExhausted or AgeExceeded
	Invokes   int    // how often it was tried
	Info      any    // of the last Result; nil if there is none
}

// JSON is the batch's records as one array.
func (b *Batch) JSON() json.RawMessage {
	n := 2
	for i := range b.Records {
		n += len(b.Records[i].JSON) + 1
	}
	out := append(make([]byte, 0, n), '[')
	for i := range b.Records {
		if i > 0 {
			out = append(out, ',')
		}
		out = append(out, b.Records[i].JSON...)
	}
	return append(out, ']')
}

// ParseFailures reads what a function says of a batch if it reports failures
// one by one: the IDs of those that failed. ok is false if it says nothing
// that can be understood, and so that all failed.
func ParseFailures(answer []byte) (failed []string, ok bool) {
	var doc *struct {
		BatchItemFailures []struct {
			ItemIdentifier *string `json:"itemIdentifier"`
		} `json:"batchItemFailures"`
	}
	if len(answer) == 0 {
		return nil, true
	}
	if err := json.Unmarshal(answer, &doc); err != nil {
		var scalar any
		if json.Unmarshal(answer, &scalar) == nil {
			switch scalar.(type) {
			case string, bool, float64:
				return nil, scalar == "" // "" is as good as null
			}
		}
		return nil, false
	}
	if doc == nil {
		return nil, true
	}
	for _, f := range doc.BatchItemFailures {
		if f.ItemIdentifier == nil || *f.ItemIdentifier == "" {
			return nil, false
		}
		failed = append(failed, *f.ItemIdentifier)
	}
	return failed, true
}

// Topic is what a stream's service notifies with each record of the stream,
// and when a shard of it is closed.
func Topic(stream aws.ARN) string { return stream.Service + ".stream/" + stream.String() }
