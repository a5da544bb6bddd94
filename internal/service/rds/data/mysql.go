package data

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"

	api "github.com/aloft-cloud/aloft/internal/api/rds-data"
	"github.com/aloft-cloud/aloft/internal/database/mysql"
)

var mysqlDialect = dialect{backslash: true, backtick: true, hash: true, parameters: func(int) string { return placeholder }}

// placeholder stands where a value comes: no statement has it, since no text has it.
const placeholder = "\x00?"

type mysqlConn struct{ c *mysql.Conn }

// OpenMySQL signs in at a server of MySQL. Schemas are databases there.
func OpenMySQL(ctx context.Context, l *Login) (Conn, error) {
	name := l.Database
	if l.Schema != "" {
		name = l.Schema
	}
	c, err := mysql.Connect(ctx, l.Dial, l.User, l.Password, name)
	if err != nil {
		return nil, mysqlRefusal(err)
	}
	return &mysqlConn{c}, nil
}

// Numbers of refusals.
const (
	accessDenied = 1045
	syntaxError  = 1064
)

// mysqlRefusal is what the server refuses, in the Data API's words.
func mysqlRefusal(err error) error {
	var e *mysql.Error
	switch {
	case errors.Is(err, mysql.ErrTooLarge):
		return ErrTooLarge
	case !errors.As(err, &e):
		return err
	case e.Code == accessDenied:
		return fmt.Errorf("%w: %s", ErrSignIn, e.Message)
	}
	return &SQLError{fmt.Sprintf("Database error code: %d. Message: %s", e.Code, e.Message)}
}

// Close ends the session.
func (m *mysqlConn) Close() { m.c.Close() }

// Do runs a statement of the session's own.
func (m *mysqlConn) Do(ctx context.Context, statement string) error {
	_, err := m.c.Query(ctx, statement, 0)
	return mysqlRefusal(err)
}

// Execute runs a statement.
func (m *mysqlConn) Execute(ctx context.Context, q *Query) (*Result, error) {
	statement, err := mysqlStatement(q)
	if err != nil {
		return nil, err
	}
	r, err := m.c.Query(ctx, statement, MaxResult)
	var refused *mysql.Error
	if errors.As(err, &refused) && refused.Code == syntaxError && mysqlDialect.multiple(q.SQL) {
		return nil, ErrMultiple
	}
	if err != nil {
		return nil, mysqlRefusal(err)
	}
	out := &Result{}
	if r.Columns == nil {
		out.Updated = int64(r.Affected)
		if r.InsertID != 0 {
			out.Generated = []api.Field{{LongValue: new(int64(r.InsertID))}}
		}
		return out, nil
	}
	for i := range r.Columns {
		out.Columns = append(out.Columns, describeMySQL(&r.Columns[i]))
	}
	for _, values := range r.Rows {
		row := []api.Field{}
		for i, value := range values {
			f, err := q.mysqlField(&r.Columns[i], value)
			if err != nil {
				return nil, err
			}
			row = append(row, f)
		}
		out.Rows = append(out.Rows, row)
	}
	return out, nil
}

// mysqlStatement is the statement of a query with the values of its parameters in it.
func mysqlStatement(q *Query) (string, error) {
	if strings.Contains(q.SQL, "\x00") {
		return "", &SQLError{fmt.Sprintf("Database error code: %d. Message: You have an error in your SQL syntax: it has a NUL in it", syntaxError)}
	}
	text, names := mysqlDialect.parse(q.SQL)
	given, err := byName(q.Parameters)
	if err != nil {
		return "", err
	}
	var b strings.Builder
	for _, name := range names {
		p, err := given.get(name)
		if err != nil {
			return "", err
		}
		before, after, _ := strings.Cut(text, placeholder)
		b.WriteString(before)
		b.WriteString(mysqlParameter(p))
		text = after
	}
	b.WriteString(text)
	return b.String(), nil
}

// mysqlParameter is the value of a parameter, as statements have it. Texts are in
// hexadecimal digits, so that nothing in them ends them in any mode of a session.
func mysqlParameter(p *api.SqlParameter) string {
	f := p.Value
	switch {
	case null(f):
		return "NULL"
	case f.LongValue != nil:
		return strconv.FormatInt(*f.LongValue, 10)
	case f.DoubleValue != nil:
		return strconv.FormatFloat(*f.DoubleValue, 'e', -1, 64)
	case f.BooleanValue != nil:
		return strings.ToUpper(strconv.FormatBool(*f.BooleanValue))
	case f.BlobValue != nil:
		return mysql.Bytes(f.BlobValue)
	}
	if p.TypeHint != nil && *p.TypeHint == api.TypeHintDecimal && plainNumber.MatchString(*f.StringValue) {
		return *f.StringValue
	}
	return mysql.Hex(*f.StringValue)
}

var plainNumber = regexp.MustCompile(`^-?[0-9]+(\.[0-9]+)?$`)

// A mysqlType is a type of MySQL's.
type mysqlType struct {
	name string
	kind kind
	jdbc int32 // as JDBC numbers types
}

// mysqlTypes are the types of columns, by their numbers. Those of texts are also
// those of what is no text.
var mysqlTypes = map[byte]mysqlType{
	mysql.TypeDecimal: {"DECIMAL", decimal, 3}, mysql.TypeNewDecimal: {"DECIMAL", decimal, 3}, mysql.TypeTiny: {"TINYINT", long, -6}, mysql.TypeShort: {"SMALLINT", long, 5},
	mysql.TypeInt24: {"MEDIUMINT", long, 4}, mysql.TypeLong: {"INT", long, 4}, mysql.TypeLongLong: {"BIGINT", long, -5}, mysql.TypeFloat: {"FLOAT", double, 7},
	mysql.TypeDouble: {"DOUBLE", double, 8}, mysql.TypeNull: {"NULL", text, 0}, mysql.TypeTimestamp: {"TIMESTAMP", text, 93}, mysql.TypeDateTime: {"DATETIME", text, 93},
	mysql.TypeDate: {"DATE", text, 91}, mysql.TypeTime: {"TIME", text, 92}, mysql.TypeYear: {"YEAR", text, 91}, mysql.TypeBit: {"BIT", blob, -2}, mysql.TypeJSON: {"JSON", text, -1},
	mysql.TypeVarchar: {"VARCHAR", text, 12}, mysql.TypeVarString: {"VARCHAR", text, 12}, mysql.TypeString: {"CHAR", text, 1}, mysql.TypeEnum: {"CHAR", text, 1}, mysql.TypeSet: {"CHAR", text, 1},
	mysql.TypeTinyBlob: {"TEXT", text, -1}, mysql.TypeBlob: {"TEXT", text, -1}, mysql.TypeMediumBlob: {"TEXT", text, -1}, mysql.TypeLongBlob: {"TEXT", text, -1}, mysql.TypeGeometry: {"GEOMETRY", blob, -4},
}

var mysqlBinary = map[string]mysqlType{"VARCHAR": {"VARBINARY", blob, -3}, "CHAR": {"BINARY", blob, -2}, "TEXT": {"BLOB", blob, -4}}

// typeOfMySQL is the type of a column. A number of one digit says yes or no.
func typeOfMySQL(c *mysql.Column) mysqlType {
	t := mysqlTypes[c.Type]
	signed := c.Flags&mysql.Unsigned == 0
	switch other, ok := mysqlBinary[t.name]; {
	case ok && c.Charset == mysql.Binary:
		return other
	case c.Length == 1 && (c.Type == mysql.TypeBit || c.Type == mysql.TypeTiny && signed):
		return mysqlType{"BIT", boolean, -7}
	case !signed && t.kind != text && t.kind != blob:
		t.name += " UNSIGNED"
	}
	return t
}

func (q *Query) mysqlField(c *mysql.Column, value []byte) (api.Field, error) {
	if value == nil {
		return api.Field{IsNull: new(true)}, nil
	}
	t := typeOfMySQL(c)
	switch {
	case c.Type == mysql.TypeBit && t.kind == boolean:
		return api.Field{BooleanValue: new(!bytes.Equal(value, []byte{0}))}, nil
	case t.kind == boolean:
		return api.Field{BooleanValue: new(string(value) != "0")}, nil
	case c.Type == mysql.TypeBit && len(value) <= 8:
		var whole [8]byte
		copy(whole[8-len(value):], value)
		return api.Field{LongValue: new(int64(binary.BigEndian.Uint64(whole[:])))}, nil
	}
	return q.field(t.kind, string(value))
}

// mostOfLetter is how many bytes a letter may have.
const mostOfLetter = 4

// describeMySQL is a column as the Data API has it.
func describeMySQL(c *mysql.Column) Column {
	t := typeOfMySQL(c)
	precision, scale := int32(min(c.Length, 1<<31-1)), int32(0)
	switch {
	case t.kind == text && c.Charset != mysql.Binary:
		precision /= mostOfLetter
	case t.kind == decimal:
		if scale = int32(c.Decimals); scale > 0 {
			precision-- // for the point
		}
		if c.Flags&mysql.Unsigned == 0 {
			precision-- // for the sign
		}
	}
	nullable := int32(1)
	if c.Flags&mysql.NotNull != 0 {
		nullable = 0
	}
	number := t.kind == long || t.kind == double || t.kind == decimal
	return Column{Label: c.Label, Is: api.ColumnMetadata{
		Name: &c.Name, Label: &c.Label, Type: &t.jdbc, TypeName: &t.name, SchemaName: &c.Schema, TableName: &c.Table, Precision: &precision, Scale: &scale, Nullable: &nullable,
		IsAutoIncrement: new(c.Flags&mysql.AutoIncrement != 0), IsCurrency: new(false), IsSigned: new(number && c.Flags&mysql.Unsigned == 0), IsCaseSensitive: new(t.kind == blob), ArrayBaseColumnType: new(int32(0)),
	}}
}
