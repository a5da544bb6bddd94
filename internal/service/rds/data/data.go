// Package data runs the statements of RDS's Data API in databases: it finds the
// named parameters of a statement, says what their values are to the database, and
// what the database's are to the caller. The idea: everything is sent and got as
// text, with the type beside it, so that no digit of a number is lost.
//
//	parse.go     named parameters     postgres.go  statements in PostgreSQL
//	field.go     values               mysql.go     statements in MySQL
package data

import (
	"context"
	"errors"
	"net"
	"time"

	api "github.com/aloft-cloud/aloft/internal/api/rds-data"
)

// MaxResult is how many bytes a statement may return.
const MaxResult = 1 << 20

// closeLimit is how long a session may take to end.
const closeLimit = time.Second

// A Login is who signs in where.
type Login struct {
	Dial                     func(context.Context) (net.Conn, error)
	User, Password, Database string
	Schema                   string // "" is the usual one
}

// A Conn is a session with a database.
type Conn interface {
	// Execute runs a statement.
	Execute(ctx context.Context, q *Query) (*Result, error)
	// Do runs one of BEGIN, COMMIT and ROLLBACK.
	Do(ctx context.Context, statement string) error
	// Close ends the session.
	Close()
}

// A Query is a statement with its parameters.
type Query struct {
	SQL        string
	Parameters []api.SqlParameter
	Metadata   bool // is wanted
	Decimals   bool // numbers with a point are returned as such, and not as text
	LongText   bool // whole numbers are returned as text
}

// A Result is what a statement returns. Columns is nil if it returns no rows.
type Result struct {
	Columns   []Column
	Rows      [][]api.Field
	Updated   int64
	Generated []api.Field // keys
}

// A Column is one of a result.
type Column struct {
	Label string
	Is    api.ColumnMetadata
}

// A SQLError is a database's refusal of a statement.
type SQLError struct{ Message string }

func (e *SQLError) Error() string { return e.Message }

// Refusals that are the Data API's own.
var (
	ErrTooLarge = errors.New("Database returned more than the allowed response size limit")
	ErrMultiple = errors.New("Multistatements aren't supported.")
	ErrSignIn   = errors.New("the database does not know the user, or not by that password")
)

// A ParameterError says what is wrong with a parameter.
type ParameterError struct{ Message string }

func (e *ParameterError) Error() string { return e.Message }
