// Package query is the SQL of S3 Select: it reads a statement and runs it over
// records, one after the other.
//
//	q, err := query.Parse("SELECT s.name FROM S3Object s WHERE s.age > 30 LIMIT 5")
//	run := q.Start(time.Now())
//	record, ok, err := run.Add(row)      // for each row, until run.Done()
//	record, ok, err = run.End()          // of aggregates, at the end
//
// The idea that makes it work: reading a statement makes functions of its
// expressions, which are then called once per row; there is no tree to walk.
//
// Values are those of package tree, and beside them: Missing, Text (a cell of
// CSV, of which nobody knows whether it is a number), int64, float64, *big.Rat
// for decimals, and Timestamp. Null and missing go through operators and
// functions as SQL has it, so a condition is true, false, or neither.
//
//	query.go       Query, Run            parse.go      statements
//	value.go       values, their order   expression.go conditions and operators
//	number.go      numbers               call.go       calls and their grammar
//	timestamp.go   points in time        function.go   what functions do
//	like.go        LIKE                  errors.go     refusals in S3's words
package query
