package data

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strconv"

	"github.com/jackc/pgx/v5/pgconn"

	api "github.com/aloft-cloud/aloft/internal/api/rds-data"
	"github.com/aloft-cloud/aloft/internal/database"
)

// A pgType is a type of PostgreSQL's.
type pgType struct {
	name  string
	kind  kind
	jdbc  int32 // as JDBC numbers types
	array bool
	of    uint32 // the type of an array's values
}

// pgTypes are the types of PostgreSQL's that values need not be written as text of.
var pgTypes = map[uint32]pgType{
	16: {"bool", boolean, -7, false, 0}, 17: {"bytea", blob, -2, false, 0}, 18: {"char", text, 1, false, 0}, 19: {"name", text, 12, false, 0},
	20: {"int8", long, -5, false, 0}, 21: {"int2", long, 5, false, 0}, 23: {"int4", long, 4, false, 0}, 25: {"text", text, 12, false, 0}, 26: {"oid", long, -5, false, 0},
	114: {"json", text, 1111, false, 0}, 700: {"float4", double, 7, false, 0}, 701: {"float8", double, 8, false, 0}, 790: {"money", text, 8, false, 0},
	1042: {"bpchar", text, 1, false, 0}, 1043: {"varchar", text, 12, false, 0}, 1082: {"date", text, 91, false, 0}, 1083: {"time", text, 92, false, 0},
	1114: {"timestamp", stamp, 93, false, 0}, 1184: {"timestamptz", stamp, 93, false, 0}, 1186: {"interval", text, 1111, false, 0}, 1266: {"timetz", stamp, 92, false, 0},
	1700: {"numeric", decimal, 2, false, 0}, 2950: {"uuid", text, 1111, false, 0}, 3802: {"jsonb", text, 1111, false, 0},
	1000: {"_bool", boolean, 2003, true, 16}, 1005: {"_int2", long, 2003, true, 21}, 1007: {"_int4", long, 2003, true, 23}, 1016: {"_int8", long, 2003, true, 20},
	1009: {"_text", text, 2003, true, 25}, 1015: {"_varchar", text, 2003, true, 1043}, 1014: {"_bpchar", text, 2003, true, 1042}, 1021: {"_float4", double, 2003, true, 700},
	1022: {"_float8", double, 2003, true, 701}, 1231: {"_numeric", text, 2003, true, 1700}, 2951: {"_uuid", text, 2003, true, 2950}, 1115: {"_timestamp", stamp, 2003, true, 1114},
	1182: {"_date", text, 2003, true, 1082}, 1185: {"_timestamptz", stamp, 2003, true, 1184}, 199: {"_json", text, 2003, true, 114}, 3807: {"_jsonb", text, 2003, true, 3802},
}

// hints are the types that parameters have by their hint.
var hints = map[string]uint32{
	api.TypeHintJson: 114, api.TypeHintUuid: 2950, api.TypeHintTimestamp: 1114, api.TypeHintDate: 1082, api.TypeHintTime: 1083, api.TypeHintDecimal: 1700,
}

type postgresConn struct{ c *pgconn.PgConn }

// OpenPostgres signs in at a server of PostgreSQL.
func OpenPostgres(ctx context.Context, l *Login) (Conn, error) {
	name := l.Database
	if name == "" {
		name = "postgres"
	}
	c, err := database.Connect(ctx, l.Dial, l.User, l.Password, name)
	if err != nil {
		return nil, pgRefusal(err)
	}
	p := &postgresConn{c}
	if l.Schema == "" {
		return p, nil
	}
	r := c.ExecParams(ctx, "SELECT set_config('search_path', quote_ident($1), false)", [][]byte{[]byte(l.Schema)}, nil, nil, nil).Read()
	if r.Err != nil {
		p.Close()
		return nil, pgRefusal(r.Err)
	}
	return p, nil
}

// pgRefusal is what the server refuses, in the Data API's words.
func pgRefusal(err error) error {
	var e *pgconn.PgError
	if !errors.As(err, &e) {
		return err
	}
	if e.Code == "28P01" || e.Code == "28000" {
		return fmt.Errorf("%w: %s: %s", ErrSignIn, e.Severity, e.Message)
	}
	if e.Code == "42601" && e.Message == "cannot insert multiple commands into a prepared statement" {
		return ErrMultiple
	}
	text := e.Severity + ": " + e.Message
	if e.Detail != "" {
		text += "; Detail: " + e.Detail
	}
	if e.Hint != "" {
		text += "; Hint: " + e.Hint
	}
	if e.Position > 0 {
		text += "; Position: " + strconv.Itoa(int(e.Position))
	}
	return &SQLError{text + "; SQLState: " + e.Code}
}

// Close ends the session.
func (p *postgresConn) Close() {
	ctx, cancel := context.WithTimeout(context.Background(), closeLimit)
	defer cancel()
	p.c.Close(ctx)
}

// Do runs a statement of the session's own.
func (p *postgresConn) Do(ctx context.Context, statement string) error {
	_, err := p.c.Exec(ctx, statement).ReadAll()
	return pgRefusal(err)
}

// Execute runs a statement.
func (p *postgresConn) Execute(ctx context.Context, q *Query) (*Result, error) {
	sql, names := postgresDialect.parse(q.SQL)
	given, err := byName(q.Parameters)
	if err != nil {
		return nil, err
	}
	var types []uint32
	var args [][]byte
	for _, name := range names {
		parameter, err := given.get(name)
		if err != nil {
			return nil, err
		}
		oid, arg := pgParameter(parameter)
		types, args = append(types, oid), append(args, arg)
	}
	if _, err := p.c.Prepare(ctx, "", sql, types); err != nil {
		return nil, pgRefusal(err)
	}
	r := p.c.ExecPrepared(ctx, "", args, nil, nil)
	fields := slices.Clone(r.FieldDescriptions()) // the session has them anew at the next statement
	out, err := p.read(q, r)
	tag, failed := r.Close()
	if err := errors.Join(err, pgRefusal(failed)); err != nil {
		return nil, err
	}
	if out.Columns == nil {
		if tag.Insert() || tag.Update() || tag.Delete() || tag.String() == "MERGE" {
			out.Updated = tag.RowsAffected()
		}
		return out, nil
	}
	if q.Metadata {
		return out, p.describe(ctx, out, fields)
	}
	return out, nil
}

// pgParameter is a parameter as the server is sent it: nil is NULL.
func pgParameter(p *api.SqlParameter) (oid uint32, value []byte) {
	f := p.Value
	if p.TypeHint != nil {
		oid = hints[*p.TypeHint]
	}
	switch {
	case null(f):
		return oid, nil
	case f.LongValue != nil:
		return 20, strconv.AppendInt(nil, *f.LongValue, 10)
	case f.DoubleValue != nil:
		return 701, strconv.AppendFloat(nil, *f.DoubleValue, 'g', -1, 64)
	case f.BooleanValue != nil:
		return 16, strconv.AppendBool(nil, *f.BooleanValue)
	case f.BlobValue != nil:
		return 17, []byte(`\x` + hex.EncodeToString(f.BlobValue))
	case oid == 0:
		oid = 1043
	}
	return oid, []byte(*f.StringValue)
}

// read reads the rows of a result.
func (p *postgresConn) read(q *Query, r *pgconn.ResultReader) (*Result, error) {
	out := &Result{}
	fields := r.FieldDescriptions()
	for _, f := range fields {
		out.Columns = append(out.Columns, Column{Label: f.Name})
	}
	left := MaxResult
	for r.NextRow() {
		row := []api.Field{}
		for i, value := range r.Values() {
			f, err := q.pgField(fields[i].DataTypeOID, value)
			if err != nil {
				return nil, err
			}
			if left -= len(value); left < 0 {
				return nil, ErrTooLarge
			}
			row = append(row, f)
		}
		out.Rows = append(out.Rows, row)
	}
	return out, nil
}

func (q *Query) pgField(oid uint32, value []byte) (api.Field, error) {
	if value == nil {
		return api.Field{IsNull: new(true)}, nil
	}
	t, s := pgTypes[oid], string(value)
	if t.array {
		return q.array(t.kind, s)
	}
	if t.kind == blob {
		raw, err := unhex(s)
		return api.Field{BlobValue: []byte(raw)}, err
	}
	return q.field(t.kind, s)
}

// describe finds out about the columns of a result what the server keeps in tables.
func (p *postgresConn) describe(ctx context.Context, out *Result, fields []pgconn.FieldDescription) error {
	const question = `SELECT t.typname, c.relname, a.attnotnull, coalesce(pg_get_serial_sequence(quote_ident(n.nspname) || '.' || quote_ident(c.relname), a.attname), a.attidentity::text) <> '', n.nspname
		FROM pg_type t LEFT JOIN pg_class c ON c.oid = $2 LEFT JOIN pg_namespace n ON n.oid = c.relnamespace LEFT JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = $3 WHERE t.oid = $1`
	number := func(n uint32) []byte { return strconv.AppendUint(nil, uint64(n), 10) }
	for i, f := range fields {
		r := p.c.ExecParams(ctx, question, [][]byte{number(f.DataTypeOID), number(f.TableOID), number(uint32(f.TableAttributeNumber))}, []uint32{26, 26, 21}, nil, nil).Read()
		if r.Err != nil {
			return pgRefusal(r.Err)
		}
		t := pgTypes[f.DataTypeOID]
		is := api.ColumnMetadata{
			Name: &f.Name, Label: &f.Name, Type: new(t.jdbc), TypeName: &t.name, SchemaName: new(""), TableName: new(""), IsAutoIncrement: new(false), IsCurrency: new(t.name == "money"),
			IsSigned: new(t.kind == long && t.name != "oid" || t.kind == double || t.kind == decimal), IsCaseSensitive: new(t.kind == text), Nullable: new(int32(2)), ArrayBaseColumnType: new(pgTypes[t.of].jdbc),
		}
		if t.name == "" {
			is.Type = new(int32(1111))
		}
		if len(r.Rows) > 0 {
			row := r.Rows[0]
			is.TypeName, is.TableName = new(string(row[0])), new(string(row[1]))
			if row[2] != nil {
				is.Nullable = new(int32(1))
				if string(row[2]) == "t" {
					is.Nullable = new(int32(0))
				}
			}
			is.IsAutoIncrement = new(string(row[3]) == "t")
			if serial := map[string]string{"int2": "smallserial", "int4": "serial", "int8": "bigserial"}[t.name]; serial != "" && *is.IsAutoIncrement {
				is.TypeName = &serial
			}
		}
		is.Precision, is.Scale = pgPrecision(f.DataTypeOID, f.TypeModifier)
		out.Columns[i].Is = is
	}
	return nil
}

// pgPrecision is how many digits or letters values of a type have, and how many
// after the point, as JDBC counts them.
func pgPrecision(oid uint32, modifier int32) (precision, scale *int32) {
	fixed := map[uint32][2]int32{16: {1, 0}, 20: {19, 0}, 21: {5, 0}, 23: {10, 0}, 26: {10, 0}, 700: {8, 8}, 701: {17, 17}, 1082: {13, 0}, 1083: {15, 6}, 1114: {29, 6}, 1184: {35, 6}}
	if p, ok := fixed[oid]; ok {
		return &p[0], &p[1]
	}
	switch {
	case oid == 1700 && modifier >= 4:
		return new((modifier - 4) >> 16), new((modifier - 4) & 0xffff)
	case oid == 1700:
		return new(int32(0)), new(int32(0))
	case (oid == 1043 || oid == 1042) && modifier >= 4:
		return new(modifier - 4), new(int32(0))
	}
	return new(int32(1<<31 - 1)), new(int32(0))
}
