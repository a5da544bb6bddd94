package mysql

import "errors"

// Types of columns.
const (
	TypeDecimal    = 0
	TypeTiny       = 1
	TypeShort      = 2
	TypeLong       = 3
	TypeFloat      = 4
	TypeDouble     = 5
	TypeNull       = 6
	TypeTimestamp  = 7
	TypeLongLong   = 8
	TypeInt24      = 9
	TypeDate       = 10
	TypeTime       = 11
	TypeDateTime   = 12
	TypeYear       = 13
	TypeVarchar    = 15
	TypeBit        = 16
	TypeJSON       = 245
	TypeNewDecimal = 246
	TypeEnum       = 247
	TypeSet        = 248
	TypeTinyBlob   = 249
	TypeMediumBlob = 250
	TypeLongBlob   = 251
	TypeBlob       = 252
	TypeVarString  = 253
	TypeString     = 254
	TypeGeometry   = 255
)

// Flags of columns.
const (
	NotNull       = 1
	Unsigned      = 32
	AutoIncrement = 512
)

// Binary is the character set of what is no text.
const Binary = 63

// A Column is one of a result.
type Column struct {
	Schema, Table, Name string // of the table that it is from, if there is one
	Label               string
	Charset             uint16
	Length              uint32
	Type                byte
	Flags               uint16
	Decimals            byte
}

// A Result is what a statement returned. Columns is nil if it returns no rows.
type Result struct {
	Columns  []Column
	Rows     [][][]byte // nil is NULL
	Affected uint64
	InsertID uint64
}

// ErrTooLarge says that the rows of a statement have too many bytes.
var ErrTooLarge = errors.New("the result is too large")

// moreResults is the flag of a result after which there is another.
const moreResults = 8

// results reads what a statement returns, which may be several results: the first is
// kept.
func (c *Conn) results(most int) (*Result, error) {
	first, more, err := c.result(most)
	for more {
		var again error
		if _, more, again = c.result(0); again != nil && !errors.Is(again, ErrTooLarge) {
			err = errors.Join(err, again)
		}
	}
	return first, err
}

// result reads a result, and reports whether there is another.
func (c *Conn) result(most int) (out *Result, more bool, err error) {
	text, err := c.read()
	if err != nil {
		return nil, false, err
	}
	if len(text) == 0 {
		return nil, false, errProtocol
	}
	r := &reader{text: text}
	switch text[0] {
	case headError:
		return nil, false, refusal(text)
	case headInfile: // the server wants a file of ours, and gets none
		if err := c.write(nil); err != nil {
			return nil, false, err
		}
		return c.result(most)
	case headOK:
		r.number(1)
		out = &Result{Affected: r.length(), InsertID: r.length()}
		return out, r.number(2)&moreResults != 0, nil
	}
	out = &Result{Columns: make([]Column, 0, 8)}
	for n := r.length(); n > 0 && !r.bad; n-- {
		if text, err = c.read(); err != nil {
			return nil, false, err
		}
		column, err := readColumn(text)
		if err != nil {
			return nil, false, err
		}
		out.Columns = append(out.Columns, column)
	}
	if _, err := c.read(); err != nil { // the end of the columns
		return nil, false, err
	}
	more, err = c.rows(out, most)
	return out, more, err
}

// rows reads the rows of a result to their end.
func (c *Conn) rows(out *Result, most int) (more bool, err error) {
	var large error
	for {
		text, err := c.read()
		switch {
		case err != nil:
			return false, err
		case len(text) > 0 && text[0] == headError:
			return false, refusal(text)
		case len(text) > 0 && text[0] == headEOF && len(text) < 9:
			r := &reader{text: text[1:]}
			r.number(2) // warnings
			return r.number(2)&moreResults != 0, large
		}
		if most -= len(text); most < 0 {
			large = ErrTooLarge
			continue
		}
		r := &reader{text: text}
		row := make([][]byte, len(out.Columns))
		for i := range row {
			row[i] = r.value()
		}
		if r.bad {
			return false, errProtocol
		}
		out.Rows = append(out.Rows, row)
	}
}

func readColumn(text []byte) (Column, error) {
	r := &reader{text: text}
	r.value() // the catalogue
	c := Column{Schema: string(r.value())}
	r.value() // what the statement calls the table
	c.Table = string(r.value())
	c.Label, c.Name = string(r.value()), string(r.value())
	r.length()
	c.Charset, c.Length, c.Type = uint16(r.number(2)), uint32(r.number(4)), byte(r.number(1))
	c.Flags, c.Decimals = uint16(r.number(2)), byte(r.number(1))
	if r.bad {
		return c, errProtocol
	}
	return c, nil
}
