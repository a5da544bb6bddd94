package asl

import (
	"bufio"
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/aloft-cloud/aloft/internal/tree"
)

// maxItems is where a distributed Map stops to read.
const maxItems = 100_000_000

// access is an ItemReader or ResultWriter as it is written.
type access struct {
	resource  string
	arguments *template // Parameters, or Arguments
	argName   string
	maxItems  limitField
	config    Reading // what of ReaderConfig is constant
	writing   Writing // what of WriterConfig is
}

// Reading is what an ItemReader asks for.
type Reading struct {
	Resource       string // arn:aws:states:::s3:getObject or s3:listObjectsV2
	Arguments      Value  // Bucket, Key, Prefix ...
	InputType      string // CSV, JSON, JSONL, PARQUET, MANIFEST; "" for listObjectsV2
	ManifestType   string // ATHENA_DATA or S3_INVENTORY
	Transformation string // NONE or LOAD_AND_FLATTEN, for listObjectsV2
	ItemsPointer   string // where in a JSON file the list is, as a JSON pointer
	Delimiter      rune   // of CSV
	Headers        []string
	HeadersInFile  bool
	MaxItems       int64
}

// Writing is what a ResultWriter asks for.
type Writing struct {
	Resource       string // arn:aws:states:::s3:putObject; "" when results are only transformed
	Arguments      Value  // Bucket, Prefix
	Transformation string // NONE, COMPACT or FLATTEN
	OutputType     string // JSON or JSONL
}

// Reading evaluates the ItemReader, nil if there is none. A bad MaxItems is
// only said by Read, since AWS has begun the Map Run by then.
func (s *State) Reading(env Env) (*Reading, *Error) {
	if s.reader == nil {
		return nil, nil
	}
	e, err := s.accessing(env)
	if err != nil {
		return nil, err
	}
	r := s.reader.config
	r.Resource = s.reader.resource
	if s.reader.arguments != nil {
		if r.Arguments, err = e.eval(s.reader.arguments, "ItemReader/"+s.reader.argName); err != nil {
			return nil, err
		}
	}
	if r.MaxItems, err = e.integer(s.reader.maxItems); err != nil {
		return nil, err
	}
	return &r, nil
}

// Writing evaluates the ResultWriter, nil if there is none.
func (s *State) Writing(env Env) (*Writing, *Error) {
	if s.writer == nil {
		return nil, nil
	}
	e, err := s.accessing(env)
	if err != nil {
		return nil, err
	}
	w := s.writer.writing
	w.Resource = s.writer.resource
	if s.writer.arguments != nil {
		if w.Arguments, err = e.eval(s.writer.arguments, "ResultWriter/"+s.writer.argName); err != nil {
			return nil, err
		}
	}
	return &w, nil
}

func (s *State) accessing(env Env) (*evaluation, *Error) {
	in := env.Input
	if s.QueryLanguage == JSONPath {
		var err *Error
		if in, err = s.input(env); err != nil {
			return nil, err
		}
	}
	return s.on(env, in), nil
}

func readerError(format string, args ...any) *Error {
	return &Error{ErrItemReaderFailed, fmt.Sprintf(format, args...)}
}

// Check refuses a limit that is none.
func (r *Reading) Check() *Error {
	if r.MaxItems < 0 {
		return readerError("field MaxItems must be positive")
	}
	return nil
}

// Read calls each with the items of one file in their order, until each returns
// false or there are MaxItems. The members of a JSON object have keys.
func (r *Reading) Read(file io.Reader, each func(Item) bool) *Error {
	if err := r.Check(); err != nil {
		return err
	}
	left := int64(maxItems)
	if r.MaxItems > 0 {
		left = min(left, r.MaxItems)
	}
	limited := func(i Item) bool {
		left--
		return each(i) && left > 0
	}
	switch r.InputType {
	case "CSV":
		return r.readCSV(file, limited)
	case "JSONL":
		return readLines(file, limited)
	case "JSON", "":
		return r.readJSON(file, limited)
	}
	return readerError("InputType %s is not supported", r.InputType)
}

func (r *Reading) readCSV(file io.Reader, each func(Item) bool) *Error {
	in := csv.NewReader(skipBOM(file))
	in.FieldsPerRecord, in.LazyQuotes, in.ReuseRecord = -1, true, true
	if r.Delimiter != 0 {
		in.Comma = r.Delimiter
	}
	headers := r.Headers
	if r.HeadersInFile {
		first, err := in.Read()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return readerError("The CSV file cannot be read: %s", err)
		}
		headers = append([]string{}, first...)
	}
	seen := map[string]bool{}
	for _, h := range headers {
		if seen[h] {
			return readerError("CSV headers cannot contain duplicates.")
		}
		seen[h] = true
	}
	for {
		record, err := in.Read()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return readerError("The CSV file cannot be read: %s", err)
		}
		o := &tree.Object{}
		for i, h := range headers {
			v := ""
			if i < len(record) {
				v = strings.ToValidUTF8(record[i], "\uFFFD")
			}
			o.Set(h, v)
		}
		if !each(Item{Value: o}) {
			return nil
		}
	}
}

func skipBOM(file io.Reader) io.Reader {
	b := bufio.NewReader(file)
	if start, _ := b.Peek(3); string(start) == "\uFEFF" {
		b.Discard(3)
	}
	return b
}

const maxLine = 8 << 20 // bytes of a line of JSONL, and of a JSON document that is read whole: 32 times that

func readLines(file io.Reader, each func(Item) bool) *Error {
	lines := bufio.NewScanner(skipBOM(file))
	lines.Buffer(nil, maxLine)
	for lines.Scan() {
		line := bytes.TrimSpace(lines.Bytes())
		if len(line) == 0 {
			continue
		}
		v, err := tree.Parse(line)
		if err != nil {
			return readerError("The JSONL file cannot be read: %s", err)
		}
		if !each(Item{Value: v}) {
			return nil
		}
	}
	if err := lines.Err(); err != nil {
		return readerError("The JSONL file cannot be read: %s", err)
	}
	return nil
}

func (r *Reading) readJSON(file io.Reader, each func(Item) bool) *Error {
	text, err := io.ReadAll(io.LimitReader(skipBOM(file), 32*maxLine+1))
	if err == nil && len(text) > 32*maxLine {
		err = errors.New("it is too large")
	}
	if err != nil {
		return readerError("The JSON file cannot be read: %s", err)
	}
	v, err := tree.Parse(text)
	if err != nil {
		return readerError("The JSON file cannot be read: %s", err)
	}
	v, found := pointed(v, r.ItemsPointer)
	items, ok := itemsOf(v, true)
	if !found || !ok {
		return readerError("Attempting to map over non-iterable node.")
	}
	for _, i := range items {
		if !each(i) {
			return nil
		}
	}
	return nil
}

// pointed is what a JSON pointer leads to.
func pointed(v Value, pointer string) (Value, bool) {
	if pointer == "" {
		return v, true
	}
	for name := range strings.SplitSeq(strings.TrimPrefix(pointer, "/"), "/") {
		o, ok := v.(*tree.Object)
		if !ok {
			return nil, false
		}
		name = strings.NewReplacer("~1", "/", "~0", "~").Replace(name)
		if v, ok = o.Get(name); !ok {
			return nil, false
		}
	}
	return v, true
}
