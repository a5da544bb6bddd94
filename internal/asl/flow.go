package asl

import (
	"io"
	"time"
)

type field struct{}
type flow struct{}

var errSoon = &Error{ErrRuntime, "not built yet"}

// Arguments is what a Task calls its resource with, and what each branch of a
// Parallel begins with: Input through InputPath and Parameters, or Arguments.
func (s *State) Arguments(env Env) (Value, *Error) { return nil, errSoon }

// Exit leaves a state that succeeded with result: through ResultSelector,
// ResultPath and OutputPath, or Output; and Assign. The result of Pass, Wait
// and Succeed is their own: give nil.
func (s *State) Exit(env Env, result Value) (Exit, *Error) { return Exit{}, errSoon }

// Choose leaves a Choice by the rule that matches.
func (s *State) Choose(env Env) (Exit, *Error) { return Exit{}, errSoon }

// Until says when a Wait is over.
func (s *State) Until(env Env) (time.Time, *Error) { return time.Time{}, errSoon }

// Failure is the error of a Fail, or what went wrong in finding it.
func (s *State) Failure(env Env) *Error { return errSoon }

// Timeouts of a Task.
func (s *State) Timeouts(env Env) (Timeouts, *Error) { return Timeouts{}, errSoon }

// Role is the role that Credentials name, "" for that of the machine.
func (s *State) Role(env Env) (string, *Error) { return "", errSoon }

// RetryOf says whether e is tried again, and after how long. tries[i] is how
// often retrier i was used since the state was entered; the caller counts the
// one that is returned. random is in [0, 1), for jitter.
func (s *State) RetryOf(e *Error, tries []int, random float64) (delay time.Duration, retrier int, ok bool) {
	return 0, 0, false
}

// CatchOf leaves a state by the catcher that matches e, if one does.
func (s *State) CatchOf(env Env, e *Error) (exit Exit, catcher int, caught bool, failed *Error) {
	return Exit{}, 0, false, nil
}

// MapLimits of a Map.
func (s *State) MapLimits(env Env) (MapLimits, *Error) { return MapLimits{}, errSoon }

// Items are the items of a Map without an ItemReader: ItemsPath or Items.
func (s *State) Items(env Env) ([]Value, *Error) { return nil, errSoon }

// Item is the input of the iteration over the item that env.Context tells of
// under Map.Item: ItemSelector, or the item itself.
func (s *State) Item(env Env, item Value) (Value, *Error) { return nil, errSoon }

// Batches groups items (as Item made them) for the executions of a distributed
// Map; without an ItemBatcher each item is its own.
func (s *State) Batches(env Env, items []Value) ([]Value, *Error) { return nil, errSoon }

// Reading is what an ItemReader asks for.
type Reading struct {
	Resource        string // arn:aws:states:::s3:getObject or s3:listObjectsV2
	Arguments       Value  // Bucket, Key, Prefix ...
	InputType       string // CSV, JSON, JSONL, PARQUET, MANIFEST; "" for listObjectsV2
	ManifestType    string // ATHENA_DATA or S3_INVENTORY
	Transformation  string // NONE or LOAD_AND_FLATTEN, for listObjectsV2
	Delimiter       rune   // of CSV
	Headers         []string
	HeadersInFile   bool
	MaxItems        int64  // 0 is no limit
	ItemsPointer    string // where in a JSON file the list is
	ExpectedVersion string
}

// Reading evaluates the ItemReader.
func (s *State) Reading(env Env) (*Reading, *Error) { return nil, errSoon }

// Read calls each with the items of one file in their order, until each returns
// false or MaxItems is reached. A JSON file of an object gives its members, each
// with its key; keys are "" else.
func (r *Reading) Read(file io.Reader, each func(key string, item Value) bool) *Error {
	return errSoon
}

// Writing is what a ResultWriter asks for.
type Writing struct {
	Resource       string // arn:aws:states:::s3:putObject
	Arguments      Value  // Bucket, Prefix; nil when results are only transformed
	Transformation string // NONE, COMPACT or FLATTEN
	OutputType     string // JSON or JSONL
}

// Writing evaluates the ResultWriter.
func (s *State) Writing(env Env) (*Writing, *Error) { return nil, errSoon }
