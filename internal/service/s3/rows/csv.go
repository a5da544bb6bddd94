package rows

import (
	"bufio"
	"bytes"
	"io"
	"iter"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/aloft-cloud/aloft/internal/service/s3/query"
	"github.com/aloft-cloud/aloft/internal/tree"
)

// A Header is what the first record of a CSV object is.
type Header uint8

// Headers.
const (
	NoHeader     Header = iota // a record like others
	IgnoreHeader               // names that do not count
	UseHeader                  // the names of columns
)

// A Format is how records of CSV are written.
type Format struct {
	Field, Record, Quote, Escape string
	Comment                      string // begins records that are none; of input
	QuotedRecord                 bool   // Record may be within quotes; of input
	Always                       bool   // all cells are in quotes; of output
}

// DefaultFormat is the format of those who do not say.
var DefaultFormat = Format{Field: ",", Record: "\n", Quote: `"`, Escape: `"`, Comment: "#"}

// A CSV reads records of CSV.
type CSV struct {
	f     Format
	in    *bufio.Reader
	at    int64 // bytes that were read
	names []string
	uses  map[query.Step]int // columns, by what queries call them

	line []byte
	flat []byte // the cells, one after the other
	ends []int  // where they end
	now  state
}

// A state is where in a record a reader is.
type state uint8

const (
	beginning state = iota // of a cell
	plain
	quoted
	closed // after the quote that ends the cell
)

// NewCSV returns a reader of in.
func NewCSV(in io.Reader, f Format) *CSV { return &CSV{f: f, in: bufio.NewReaderSize(in, 64<<10)} }

// Skip goes on to the first record that begins after in does, which is lead
// bytes before where it is to begin: there may be the end of the record before.
func (c *CSV) Skip(lead int64) error {
	_, err := c.readLine()
	c.at -= lead
	if err == io.EOF {
		return nil
	}
	return err
}

// Head reads the header.
func (c *CSV) Head(h Header) error {
	if h == NoHeader {
		return nil
	}
	cells, _, err := c.read()
	if err == io.EOF {
		return nil
	}
	if h == UseHeader {
		c.names = cells
	}
	return err
}

// HeadOf takes the header that other has read.
func (c *CSV) HeadOf(other *CSV) { c.names = other.names }

// Bind finds the columns that a query asks for.
func (c *CSV) Bind(uses []query.Step) error {
	c.uses = make(map[query.Step]int)
	for _, s := range uses {
		i, err := c.column(s)
		if err != nil {
			return err
		}
		c.uses[s] = i
	}
	return nil
}

// column returns the number of the column that s names.
func (c *CSV) column(s query.Step) (int, error) {
	found := -1
	for i, name := range c.names {
		switch {
		case name == s.Name && s.Exact:
			return i, nil
		case s.Exact || !strings.EqualFold(name, s.Name):
		case found >= 0:
			return 0, query.Fault("AmbiguousFieldName", "The field name matches to multiple fields in the file. Check the SQL expression and the file, and try again.")
		default:
			found = i
		}
	}
	if found >= 0 {
		return found, nil
	}
	if digits, ok := strings.CutPrefix(s.Name, "_"); ok && s.Kind == query.Member {
		if n, err := strconv.ParseInt(digits, 10, 32); err == nil && n > 0 {
			return int(n) - 1, nil
		}
	}
	if c.names != nil {
		return 0, query.Fault("MissingHeaders", "Some headers in the query are missing from the file. Check the file and try again.")
	}
	return 0, query.Fault("InvalidColumnIndex", "The column index in the SQL expression is not valid.")
}

// Rows reads the records that begin before last.
func (c *CSV) Rows(last int64) iter.Seq2[query.Row, error] {
	return func(yield func(query.Row, error) bool) {
		for {
			cells, begin, err := c.read()
			if err == io.EOF || err == nil && begin >= last {
				return
			}
			if !yield(cellRow{c, cells}, err) || err != nil {
				return
			}
		}
	}
}

// read reads the next record, and returns where it begins. What is empty or a
// comment is none.
func (c *CSV) read() (cells []string, begin int64, err error) {
	for {
		begin = c.at
		line, err := c.readLine()
		if err != nil {
			return nil, 0, err
		}
		if begin == 0 {
			line = bytes.TrimPrefix(line, []byte("\ufeff"))
		}
		if len(line) == 0 || c.f.Comment != "" && bytes.HasPrefix(line, []byte(c.f.Comment)) {
			continue
		}
		if err := c.cut(line); err != nil {
			return nil, 0, err
		}
		flat := string(c.flat)
		if !utf8.ValidString(flat) {
			return nil, 0, query.Fault("InvalidTextEncoding", "The encoding type is not valid. Only UTF-8 encoding is supported.")
		}
		cells = make([]string, len(c.ends))
		from := 0
		for i, to := range c.ends {
			cells[i] = flat[from:to]
			from = to
		}
		return cells, begin, nil
	}
}

// readLine reads up to the next delimiter of records, which is not returned.
func (c *CSV) readLine() ([]byte, error) {
	end := c.f.Record[len(c.f.Record)-1]
	c.line = c.line[:0]
	for {
		b, err := c.in.ReadSlice(end)
		c.at += int64(len(b))
		c.line = append(c.line, b...)
		switch {
		case len(c.line) > query.MaxRecord:
			return nil, query.ErrTooLong()
		case err == nil && bytes.HasSuffix(c.line, []byte(c.f.Record)):
			line := c.line[:len(c.line)-len(c.f.Record)]
			if c.f.Record == "\n" {
				line = bytes.TrimSuffix(line, []byte("\r"))
			}
			return line, nil
		case err == nil || err == bufio.ErrBufferFull:
		case err == io.EOF && len(c.line) > 0:
			return c.line, nil
		default:
			return nil, err
		}
	}
}

// cut cuts a line into cells, and goes on to the next if it ends within quotes.
func (c *CSV) cut(line []byte) error {
	c.flat, c.ends, c.now = c.flat[:0], c.ends[:0], beginning
	for size := len(line); ; {
		if err := c.cells(line); err != nil {
			return err
		}
		if c.now != quoted {
			c.ends = append(c.ends, len(c.flat))
			return nil
		}
		if !c.f.QuotedRecord {
			return query.Fault("CSVEscapingRecordDelimiter", "A quoted record delimiter was found in the file. To allow quoted record delimiters, set AllowQuotedRecordDelimiter to 'TRUE'.")
		}
		c.flat = append(c.flat, c.f.Record...)
		var err error
		if line, err = c.readLine(); err == io.EOF {
			return query.Fault("CSVParsingError", "An error occurred while parsing the CSV file. Check the file and try again.")
		} else if err != nil {
			return err
		}
		if size += len(line) + 1; size > query.MaxRecord {
			return query.ErrTooLong()
		}
	}
}

// cells takes the cells of a line, the last of which may go on.
func (c *CSV) cells(line []byte) error {
	for i := 0; i < len(line); {
		rest := line[i:]
		switch {
		case c.now == beginning && begins(rest, c.f.Quote):
			c.now = quoted
			i += len(c.f.Quote)
		case c.now != quoted && begins(rest, c.f.Field):
			c.ends = append(c.ends, len(c.flat))
			c.now = beginning
			i += len(c.f.Field)
		case c.now == closed:
			return query.Fault("CSVUnescapedQuote", "An unescaped quote was found while parsing the CSV file. To allow quoted record delimiters, set AllowQuotedRecordDelimiter to 'TRUE'.")
		case c.now == quoted && begins(rest, c.f.Escape) && begins(rest[len(c.f.Escape):], c.f.Quote):
			c.flat = append(c.flat, c.f.Quote...)
			i += len(c.f.Escape) + len(c.f.Quote)
		case c.now == quoted && begins(rest, c.f.Quote):
			c.now = closed
			i += len(c.f.Quote)
		default:
			if c.now == beginning {
				c.now = plain
			}
			c.flat = append(c.flat, line[i])
			i++
		}
	}
	return nil
}

// begins reports whether b begins with s, if s is anything.
func begins(b []byte, s string) bool {
	return s != "" && len(b) >= len(s) && b[0] == s[0] && string(b[:len(s)]) == s
}

// A cellRow is a row of CSV.
type cellRow struct {
	c     *CSV
	cells []string
}

// Get implements query.Row.
func (r cellRow) Get(s query.Step) query.Value {
	if i, ok := r.c.uses[s]; ok && i < len(r.cells) {
		return query.Text(r.cells[i])
	}
	return query.Missing{}
}

// All implements query.Row.
func (r cellRow) All() query.Record {
	out := make(query.Record, len(r.cells))
	for i, cell := range r.cells {
		name := query.ColumnName(i)
		if i < len(r.c.names) {
			name = r.c.names[i]
		}
		out[i] = query.Field{Name: name, Value: query.Text(cell)}
	}
	return out
}

// Value implements query.Row.
func (r cellRow) Value() query.Value {
	o := tree.NewObject()
	for _, f := range r.All() {
		o.Set(f.Name, query.Plain(f.Value))
	}
	return o
}
