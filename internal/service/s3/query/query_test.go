package query_test

import (
	"strings"
	"testing"
	"time"

	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/service/s3/query"
	"github.com/aloft-cloud/aloft/internal/service/s3/rows"
)

// answer is what a query says of JSON, or the code of its refusal.
func answer(sql, content string) string {
	q, err := query.Parse(sql)
	if err != nil {
		return aws.Refusal(err).Code
	}
	run := q.Start(time.Date(2024, 2, 29, 12, 30, 15, 0, time.UTC))
	write := rows.JSONWriter(" ")
	var out []byte
	for row, err := range rows.NewJSON(strings.NewReader(content)).Rows(q.Path, 1<<62) {
		if err != nil || run.Done() {
			break
		}
		r, ok, err := run.Add(row)
		if err != nil {
			return aws.Refusal(err).Code
		}
		if ok {
			out, _ = write(out, r)
		}
	}
	r, ok, err := run.End()
	if err != nil {
		return aws.Refusal(err).Code
	}
	if ok {
		out, _ = write(out, r)
	}
	return strings.TrimSpace(string(out))
}

func TestExpressions(t *testing.T) {
	const row = `{"a":5,"b":"text","c":null,"d":{"e":[1,2.50]},"Name":"x","f":1e2,"g":true}`
	f := func(expression, want string) {
		t.Helper()
		if got := answer("SELECT "+expression+" FROM S3Object s", row); got != want {
			t.Errorf("%s = %s, want %s", expression, got, want)
		}
	}
	f("s.a", `{"a":5}`)
	f("a, S3Object.b", "{\"a\":5}") // another name for rows than the alias is a member
	f("s.d.e[1]", `{"_1":2.50}`)
	f("s['a'] x", `{"x":5}`)
	f("s.name, s.\"name\" AS n", `{"name":"x"}`)
	f("s.none", `{}`)
	f("*", row)
	f("s.*, 1 one", strings.TrimSuffix(row, "}")+`,"one":1}`)
	f("1+2*3-4/2, 7%4, -a, 5/2, 5/2.0, 1.5*2", `{"_1":5,"_2":3,"_3":-5,"_4":2,"_5":2.5,"_6":3}`)
	f("9223372036854775807+1", "IntegerOverflow")
	f("-9223372036854775808", `{"_1":-9223372036854775808}`)
	f("1/0", "ExternalEvalException")
	f("a+b", "InvalidDataType")
	f("a+c, a+none", `{"_1":null,"_2":null}`)
	f("b || 's', b||c", `{"_1":"texts","_2":null}`)
	f("a=5, a<>5, a>4.5, a>='x', a='x', b<'u', f=100, g=true, c=1", `{"_1":true,"_2":false,"_3":true,"_4":null,"_5":false,"_6":true,"_7":true,"_8":true,"_9":null}`)
	f("a BETWEEN 1 AND 5, a NOT BETWEEN 1 AND 5, a IN (1, 5), a NOT IN (1,2), a IN ()", `{"_1":true,"_2":false,"_3":true,"_4":true,"_5":false}`)
	f("b LIKE 't%t', b LIKE '_e%', b NOT LIKE '%z%', b LIKE 't', '5%' LIKE '5!%' ESCAPE '!', c LIKE 'x'", `{"_1":true,"_2":true,"_3":true,"_4":false,"_5":true,"_6":null}`)
	f("a LIKE 'x'", "LikeInvalidInputs")
	f("b LIKE 'x!y' ESCAPE '!'", "EvaluatorLikePatternInvalidEscapeSequence")
	f("c IS NULL, c IS MISSING, none IS MISSING, none IS NULL, a IS NOT NULL, a IS NOT MISSING", `{"_1":true,"_2":false,"_3":true,"_4":true,"_5":true,"_6":true}`)
	f("NOT a=5 OR g AND c IS NULL, NOT NOT g, c AND FALSE, c OR TRUE, c OR FALSE", `{"_1":true,"_2":true,"_3":false,"_4":true,"_5":null}`)
	f("COALESCE(c, none, b), COALESCE(c), NULLIF(a, 5), NULLIF(a, 6)", `{"_1":"text","_2":null,"_3":null,"_4":5}`)
	f("CASE WHEN a>9 THEN 'big' WHEN a>4 THEN 'mid' ELSE 'low' END size, CASE a WHEN 5 THEN 'five' END", `{"size":"mid","_2":"five"}`)
	f("CAST('5' AS INT), CAST(5.9 AS INTEGER), CAST('1.50' AS DECIMAL(10,2)), CAST(1 AS FLOAT)/3, CAST(a AS STRING), CAST('TRUE' AS BOOL), CAST(c AS INT)",
		`{"_1":5,"_2":5,"_3":1.5,"_4":0.3333333333333333,"_5":"5","_6":true,"_7":null}`)
	f("CAST('x' AS INT)", "CastFailed")
	f("CAST('1.5' AS INT)", "CastFailed")
	f("CAST(a AS THING)", "ParseExpectedTypeName")
	f("CAST(a, INT)", "ParseExpectedKeyword")
	f("CHAR_LENGTH('grün'), LOWER('ÀB'), UPPER(b), SUBSTRING('123456789', 5), SUBSTRING('123456789' FROM -1 FOR 4), SUBSTRING('123456789', 0, 2)",
		`{"_1":4,"_2":"àb","_3":"TEXT","_4":"56789","_5":"12","_6":"1"}`)
	f("TRIM('  x '), TRIM(LEADING FROM '  x '), TRIM(BOTH '12' FROM '1112x22211'), TRIM(TRAILING '1' FROM 'x1')", `{"_1":"x","_2":"x ","_3":"x","_4":"x"}`)
	f("LOWER(a)", "IncorrectSqlFunctionArgumentType")
	f("LOWER(b, b)", "EvaluatorInvalidArguments")
	f("NOSUCH(b)", "UnsupportedFunction")
}

func TestTimes(t *testing.T) {
	f := func(expression, want string) {
		t.Helper()
		if got := answer("SELECT "+expression+" x FROM S3Object", "{}"); got != `{"x":`+want+`}` && got != want {
			t.Errorf("%s = %s, want %s", expression, got, want)
		}
	}
	f("UTCNOW()", `"2024-02-29T12:30:15.000Z"`)
	f("DATE_ADD(year, 5, `2010-01-01T`)", `"2015-01-01"`)
	f("DATE_ADD(month, 1, `2010T`)", `"2010-02T"`)
	f("DATE_ADD(month, 13, `2010T`)", `"2011-02T"`)
	f("DATE_ADD(day, -1, `2017-01-10T`)", `"2017-01-09"`)
	f("DATE_ADD(hour, 1, `2017T`)", `"2017-01-01T01:00-00:00"`)
	f("DATE_ADD(hour, 1, `2017-01-02T03:04Z`)", `"2017-01-02T04:04Z"`)
	f("DATE_ADD(minute, 1, `2017-01-02T03:04:05.006Z`)", `"2017-01-02T03:05:05.006Z"`)
	f("DATE_ADD(month, 1, `2024-01-31T`)", `"2024-02-29"`)
	f("DATE_ADD(year, 99999, `2024T`)", "IllegalSqlFunctionArgument")
	f("DATE_ADD(week, 1, `2024T`)", "ParseExpectedDatePart")
	f("DATE_DIFF(year, `2010-01-01T`, `2011-01-01T`)", "1")
	f("DATE_DIFF(month, `2010T`, `2010-05T`)", "4")
	f("DATE_DIFF(month, `2011T`, `2010T`)", "-12")
	f("DATE_DIFF(day, `2010-01-01T23:00Z`, `2010-01-02T01:00Z`)", "0")
	f("EXTRACT(YEAR FROM `2010-01-01T`)", "2010")
	f("EXTRACT(HOUR FROM `2017-01-02T03:04:05+07:08`)", "3")
	f("EXTRACT(TIMEZONE_HOUR FROM `2017-01-02T03:04:05+07:08`)", "7")
	f("EXTRACT(TIMEZONE_MINUTE FROM `2017-01-02T03:04:05-07:08`)", "-8")
	f("TO_STRING(`1969-07-20T20:18Z`, 'MMMM d, y')", `"July 20, 1969"`)
	f("TO_STRING(`1969-07-20T20:18Z`, 'MMM d yyyy')", `"Jul 20 1969"`)
	f("TO_STRING(`1969-07-20T20:18:00Z`, 'y-MM-dd''T''H:m:ssX')", `"1969-07-20T20:18:00Z"`)
	f("TO_STRING(`1969-07-20T20:18:00+08:00`, 'yy-M-d h:m a xxxx')", `"69-7-20 8:18 PM +0800"`)
	f("TO_STRING(`1969T`, 'q')", "EvaluatorInvalidTimestampFormatPatternSymbol")
	f("TO_STRING(`1969T`, '''q')", "EvaluatorUnterminatedTimestampFormatPatternToken")
	f("TO_TIMESTAMP('2007T')", `"2007T"`)
	f("TO_TIMESTAMP('2007-02-23T12:14:33.079-08:00')", `"2007-02-23T12:14:33.079-08:00"`)
	f("TO_TIMESTAMP('2007-02-30T')", "ValueParseFailure")
	f("CAST('2007-04-05T14:30Z' AS TIMESTAMP) > `2007T`", "true")
}

func TestStatements(t *testing.T) {
	f := func(sql, content, want string) {
		t.Helper()
		if got := answer(sql, content); got != want {
			t.Errorf("%s of %s: %s, want %s", sql, content, got, want)
		}
	}
	const rules = `{"Rules":[{"id":"1"},{"expr":"y > x"},{"id":"2","expr":"z = DEBUG"}]}{"created":"June 27","modified":"July 6"}`
	f("SELECT id FROM S3Object[*].Rules[*].id", rules, `{"id":"1"} {} {"id":"2"} {}`)
	f("SELECT id FROM S3Object[*].Rules[*].id WHERE id IS NOT MISSING", rules, `{"id":"1"} {"id":"2"}`)
	f("SELECT d.created FROM S3Object[*] d", rules, `{} {"created":"June 27"}`)
	f("SELECT _1.id FROM S3Object[*].rules[*] LIMIT 1", rules, `{"id":"1"}`)
	f("SELECT * FROM S3Object[*].\"rules\"[*]", rules, `{} {}`)
	f("SELECT * FROM S3Object[*].Rules[2].*", rules, `{"_1":"2"} {"_1":"z = DEBUG"} {}`)
	f("SELECT * FROM S3Object[*]['Rules'][1]", rules, `{"expr":"y > x"} {}`)
	f("SELECT COUNT(*), COUNT(r.id) ids FROM S3Object[*].Rules[*] r", rules, `{"_1":4,"ids":2}`)
	const numbers = `{"n":1} {"n":2} {"n":null} {"n":4.5} {}`
	f("SELECT SUM(s.n), AVG(s.n) a, MIN(s.n), MAX(s.n), COUNT(s.n), COUNT(*) + 1 FROM S3Object s", numbers, `{"_1":7.5,"a":2.5,"_3":1,"_4":4.5,"_5":3,"_6":6}`)
	f("SELECT SUM(n), AVG(n), COUNT(n) FROM S3Object WHERE n > 9", numbers, `{"_1":null,"_2":null,"_3":0}`)
	f("SELECT AVG(n) FROM S3Object WHERE n < 3", numbers, `{"_1":1.5}`)
	f("select n from s3object s where s.n between 2 and 5 limit 1", numbers, `{"n":2}`)
	f("SELECT n FROM S3Object LIMIT 0", numbers, ``)
	f("SELECT s FROM S3Object s LIMIT 1", numbers, `{"s":{"n":1}}`)

	f("", "", "ParseExpectedKeyword")
	f("DELETE FROM S3Object", "", "ParseExpectedKeyword")
	f("SELECT FROM S3Object", "", "ParseEmptySelect")
	f("SELECT a", "", "ParseSelectMissingFrom")
	f("SELECT a FROM other", "", "InvalidDataSource")
	f("SELECT a FROM S3Object.a", "", "InvalidKeyPath")
	f("SELECT *, a FROM S3Object", "", "ParseAsteriskIsNotAloneInSelectList")
	f("SELECT a[*] FROM S3Object", "", "ParseInvalidContextForWildcardInSelectList")
	f("SELECT a, FROM S3Object", "", "ParseUnExpectedKeyword")
	f("SELECT a b c FROM S3Object", "", "ParseUnexpectedToken")
	f("SELECT a FROM S3Object WHERE", "", "ParseExpectedExpression")
	f("SELECT a FROM S3Object WHERE COUNT(*) > 1", "", "UnsupportedSqlStructure")
	f("SELECT a, COUNT(*) FROM S3Object", "", "UnsupportedSqlStructure")
	f("SELECT SUM(*) FROM S3Object", "", "ParseUnsupportedCallWithStar")
	f("SELECT SUM(a, b) FROM S3Object", "", "ParseNonUnaryAgregateFunctionCall")
	f("SELECT SUM(a) FROM S3Object", `{"a":"x"}`, "IncorrectSqlFunctionArgumentType")
	f("SELECT a FROM S3Object GROUP BY a", "", "ParseUnsupportedLiteralsGroupBy")
	f("SELECT a FROM S3Object, S3Object", "", "ParseMalformedJoin")
	f("SELECT a FROM S3Object LIMIT -1", "", "EvaluatorNegativeLimit")
	f("SELECT a FROM S3Object LIMIT x", "", "ParseExpectedNumber")
	f("SELECT a FROM S3Object WHERE a = (SELECT 1)", "", "ParseUnsupportedSelect")
	f("SELECT a; FROM S3Object", "", "LexerInvalidChar")
	f("SELECT 1.2.3 FROM S3Object", "", "LexerInvalidLiteral")
	f("SELECT `{` FROM S3Object", "", "LexerInvalidIONLiteral")
	f("SELECT "+strings.Repeat("(", 1000)+" FROM S3Object", "", "ParseSelectMissingFrom")
	f("SELECT "+strings.Repeat("(", 1000)+"1"+strings.Repeat(")", 1000)+" FROM S3Object", "", "MaxOperatorsExceeded")
	f("SELECT 1"+strings.Repeat("+1", 5000)+" FROM S3Object", "", "MaxOperatorsExceeded")
	f("SELECT '"+strings.Repeat("x", 300<<10)+"' FROM S3Object", "", "ExpressionTooLong")
}

// FuzzParse: what is read can be run, and neither fails in a way of ours.
func FuzzParse(f *testing.F) {
	f.Add("SELECT s.a, COUNT(*) FROM S3Object[*].x[0] AS s WHERE NOT a LIKE '%b' ESCAPE '!' OR c BETWEEN 1 AND 2.5 LIMIT 3", `{"x":[{"a":1}]}`)
	f.Add("SELECT CASE WHEN CAST(a AS DECIMAL) > 1e3 THEN TO_STRING(UTCNOW(), 'yyyy') ELSE TRIM(BOTH ' ' FROM b) END FROM S3Object", `{"a":"1","b":"x "}`)
	f.Add("SELECT DATE_ADD(day, 1, `2017-01-10T`), EXTRACT(YEAR FROM TO_TIMESTAMP(a)), a || b, a IN (1, 'x') FROM S3Object", `{"a":"2007T"}`)
	f.Fuzz(func(t *testing.T, sql, content string) {
		if got := answer(sql, content); got == aws.InternalFailure.Code {
			t.Fatalf("%s of %s: %s", sql, content, got)
		}
	})
}
