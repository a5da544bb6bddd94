package rows

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"iter"
	"strings"

	"github.com/aloft-cloud/aloft/internal/service/s3/query"
	"github.com/aloft-cloud/aloft/internal/tree"
)

// A JSON reads values that follow one another.
type JSON struct {
	in   *bufio.Reader
	at   int64 // bytes that were read
	keep bool  // what is read goes to text
	text []byte

	yield func(query.Row, error) bool
}

// NewJSON returns a reader of in.
func NewJSON(in io.Reader) *JSON { return &JSON{in: bufio.NewReaderSize(in, 64<<10)} }

// Skip goes on to the first line that begins after in does, which is lead bytes
// before where it is to begin: there may be the end of the line before.
func (j *JSON) Skip(lead int64) error {
	for {
		b, err := j.next()
		switch {
		case err == io.EOF || err == nil && b == '\n':
			j.at -= lead
			return nil
		case err != nil:
			return err
		}
	}
}

// Rows reads the records to which a path leads from values that begin before
// last. A path that leads nowhere leads to one that is missing.
func (j *JSON) Rows(path []query.Step, last int64) iter.Seq2[query.Row, error] {
	return func(yield func(query.Row, error) bool) {
		j.yield = yield
		for {
			switch c, err := j.begin(); {
			case err == io.EOF || err == nil && j.at >= last:
				return
			case err == nil && c == '\ufeff' && j.at == 0:
				err = j.drop(3)
				fallthrough
			default:
				if err == nil {
					err = j.walk(path)
				}
				if err == errStopped {
					return
				}
				if err != nil {
					yield(nil, err)
					return
				}
			}
		}
	}
}

// errStopped says that nobody wants more.
var errStopped = errors.New("nobody wants more")

func errJSON() error {
	return query.Fault("JSONParsingError", "An error occurred while parsing the JSON file. Check the file and try again.")
}

// begin skips space, and returns what follows without reading it.
func (j *JSON) begin() (rune, error) {
	for {
		c, _, err := j.in.ReadRune()
		if err != nil {
			return 0, err
		}
		if c != ' ' && c != '\t' && c != '\r' && c != '\n' {
			return c, j.in.UnreadRune()
		}
		if err := j.took(byte(c)); err != nil {
			return 0, err
		}
	}
}

// took counts a byte that was read, and keeps it.
func (j *JSON) took(b byte) error {
	j.at++
	if j.keep {
		if len(j.text) == query.MaxRecord {
			return query.ErrTooLong()
		}
		j.text = append(j.text, b)
	}
	return nil
}

// next reads a byte.
func (j *JSON) next() (byte, error) {
	b, err := j.in.ReadByte()
	if err != nil {
		return 0, err
	}
	return b, j.took(b)
}

func (j *JSON) drop(n int) error {
	k, err := j.in.Discard(n)
	j.at += int64(k)
	return err
}

// walk takes a value, and yields what path leads to in it.
func (j *JSON) walk(path []query.Step) error {
	if len(path) == 0 {
		v, err := j.value()
		if err != nil {
			return err
		}
		return j.row(v)
	}
	c, err := j.begin()
	if err != nil {
		return ended(err)
	}
	s := path[0]
	object := s.Kind == query.Member || s.Kind == query.AllMembers
	if object != (c == '{') || !object && c != '[' {
		if err := j.skip(); err != nil {
			return err
		}
		return j.row(query.Missing{})
	}
	found := false
	err = j.each(c, func(i int, name string) error {
		ok := false
		switch s.Kind {
		case query.Member:
			ok = !found && (name == s.Name || !s.Exact && strings.EqualFold(name, s.Name))
		case query.Element:
			ok = i == s.Index
		default:
			ok = true
		}
		if !ok {
			return j.skip()
		}
		found = true
		return j.walk(path[1:])
	})
	if err == nil && !found {
		return j.row(query.Missing{})
	}
	return err
}

func (j *JSON) row(v query.Value) error {
	if !j.yield(query.Tree{Root: v}, nil) {
		return errStopped
	}
	return nil
}

// each calls f where each element of an array or each member of an object
// begins, and f reads it.
func (j *JSON) each(open rune, f func(i int, name string) error) error {
	j.next()
	for i := 0; ; i++ {
		c, err := j.begin()
		switch {
		case err != nil:
			return ended(err)
		case i == 0 && c == open+2: // ] and } are two after [ and {
			_, err := j.next()
			return err
		}
		var name string
		if open == '{' {
			v, err := j.value()
			if err != nil {
				return err
			}
			var ok bool
			if name, ok = v.(string); !ok {
				return errJSON()
			}
			if err := j.sign(':'); err != nil {
				return err
			}
		}
		if err := f(i, name); err != nil {
			return err
		}
		if c, err = j.begin(); err != nil {
			return ended(err)
		}
		if c == open+2 {
			_, err := j.next()
			return err
		}
		if err := j.sign(','); err != nil {
			return err
		}
	}
}

// sign reads a byte that must come now.
func (j *JSON) sign(want byte) error {
	if _, err := j.begin(); err != nil {
		return ended(err)
	}
	if c, err := j.next(); err != nil || c != want {
		return errJSON()
	}
	return nil
}

// ended is the error of a value that goes on when the input does not.
func ended(err error) error {
	if err == io.EOF || err == io.ErrUnexpectedEOF {
		return errJSON()
	}
	return err
}

// value reads a value.
func (j *JSON) value() (tree.Value, error) {
	if _, err := j.begin(); err != nil {
		return nil, ended(err)
	}
	j.keep, j.text = true, j.text[:0]
	err := j.skip()
	j.keep = false
	if err != nil {
		return nil, err
	}
	v, err := tree.Parse(j.text)
	if err != nil {
		return nil, errJSON()
	}
	return v, nil
}

// skip goes over a value. It minds only where that ends.
func (j *JSON) skip() error {
	for depth := 0; ; {
		if _, err := j.begin(); err != nil {
			return ended(err)
		}
		c, err := j.next()
		if err != nil {
			return ended(err)
		}
		switch c {
		case '{', '[':
			depth++
		case '}', ']':
			depth--
		case '"':
			err = j.skipString()
		case ',', ':':
			if depth == 0 {
				err = errJSON()
			}
		default:
			err = j.skipWord()
		}
		if err != nil {
			return err
		}
		if depth < 0 {
			return errJSON()
		}
		if depth == 0 {
			return nil
		}
	}
}

func (j *JSON) skipString() error {
	for {
		c, err := j.next()
		if err != nil {
			return ended(err)
		}
		switch c {
		case '"':
			return nil
		case '\\':
			if _, err := j.next(); err != nil {
				return ended(err)
			}
		}
	}
}

// skipWord goes over the rest of a number, or of true, false or null.
func (j *JSON) skipWord() error {
	for {
		b, err := j.in.Peek(1)
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		if bytes.ContainsAny(b, " \t\r\n,:{}[]\"") {
			return nil
		}
		if _, err := j.next(); err != nil {
			return err
		}
	}
}
