package rds

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"strconv"
	"time"

	"github.com/aloft-cloud/aloft/internal/api/rds"
	api "github.com/aloft-cloud/aloft/internal/api/rds-data"
	"github.com/aloft-cloud/aloft/internal/api/secretsmanager"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/dispatch"
	"github.com/aloft-cloud/aloft/internal/service/rds/data"
	"github.com/aloft-cloud/aloft/internal/tree"
)

// statementLimit is how long a statement may take.
const statementLimit = 45 * time.Second

// An ask is what every operation of the Data API says.
type ask struct {
	resource, secret, database, schema, transaction string
}

// ExecuteStatement runs a statement.
func (s *Service) ExecuteStatement(ctx context.Context, call *aws.Call, in *api.ExecuteStatementInput) (*api.ExecuteStatementOutput, error) {
	options := aws.Value(in.ResultSetOptions)
	q := &data.Query{
		SQL: in.Sql, Parameters: in.Parameters, Metadata: aws.Value(in.IncludeResultMetadata),
		Decimals: aws.Value(options.DecimalReturnType) == api.DecimalReturnTypeDoubleOrLong,
		LongText: aws.Value(options.LongReturnType) == api.LongReturnTypeString,
	}
	a := ask{in.ResourceArn, in.SecretArn, in.GetDatabase(), in.GetSchema(), in.GetTransactionId()}
	var r *data.Result
	err := s.within(ctx, call, a, func(ctx context.Context, c data.Conn) (err error) {
		r, err = c.Execute(ctx, q)
		return err
	})
	if err != nil {
		return nil, err
	}
	out := &api.ExecuteStatementOutput{NumberOfRecordsUpdated: &r.Updated}
	if r.Columns == nil {
		out.GeneratedFields = append([]api.Field{}, r.Generated...)
		return out, nil
	}
	if q.Metadata {
		out.ColumnMetadata = []api.ColumnMetadata{}
		for _, c := range r.Columns {
			out.ColumnMetadata = append(out.ColumnMetadata, c.Is)
		}
	}
	if aws.Value(in.FormatRecordsAs) == api.RecordsFormatTypeJson {
		out.FormattedRecords = new(asJSON(r))
		return out, nil
	}
	out.Records = append([][]api.Field{}, r.Rows...)
	return out, nil
}

// BatchExecuteStatement runs a statement with several sets of parameters, all of
// which count or none, if no transaction is given.
func (s *Service) BatchExecuteStatement(ctx context.Context, call *aws.Call, in *api.BatchExecuteStatementInput) (*api.BatchExecuteStatementOutput, error) {
	sets := in.ParameterSets
	if len(sets) == 0 {
		sets = [][]api.SqlParameter{nil}
	}
	a := ask{in.ResourceArn, in.SecretArn, in.GetDatabase(), in.GetSchema(), in.GetTransactionId()}
	out := &api.BatchExecuteStatementOutput{UpdateResults: []api.UpdateResult{}}
	err := s.within(ctx, call, a, func(ctx context.Context, c data.Conn) error {
		if a.transaction == "" {
			if err := c.Do(ctx, "BEGIN"); err != nil {
				return err
			}
		}
		for _, set := range sets {
			r, err := c.Execute(ctx, &data.Query{SQL: in.Sql, Parameters: set})
			if err != nil {
				return err // the session ends, and what it did with it
			}
			out.UpdateResults = append(out.UpdateResults, api.UpdateResult{GeneratedFields: append([]api.Field{}, r.Generated...)})
		}
		if a.transaction == "" {
			return c.Do(ctx, "COMMIT")
		}
		return nil
	})
	return out, err
}

// within calls do with a session: that of a transaction, or one for this alone.
func (s *Service) within(ctx context.Context, call *aws.Call, a ask, do func(context.Context, data.Conn) error) error {
	ctx, cancel := context.WithTimeout(ctx, statementLimit)
	defer cancel()
	l, b, err := s.login(ctx, call, a)
	if err != nil {
		return err
	}
	if a.transaction != "" {
		return s.inTransaction(ctx, call, a, do)
	}
	c, err := open(ctx, l, b)
	if err == nil {
		defer c.Close()
		err = do(ctx, c)
	}
	return refusal(err)
}

// open signs in at a database.
func open(ctx context.Context, l *data.Login, b *base) (data.Conn, error) {
	if e, err := findEngine(b.Engine); err == nil && e.family == rds.EngineFamilyMysql {
		return data.OpenMySQL(ctx, l)
	}
	return data.OpenPostgres(ctx, l)
}

// login finds out who is to sign in where: the cluster must let the Data API in, and
// the caller must be allowed to read the secret.
func (s *Service) login(ctx context.Context, call *aws.Call, a ask) (*data.Login, *base, error) {
	arn, err := aws.ParseARN(a.resource)
	if err != nil || arn.Service != serviceName {
		return nil, nil, api.BadRequestException.Errorf("Invalid cluster arn")
	}
	c, err := s.getCluster(ctx, call, a.resource)
	switch {
	case err != nil:
		return nil, nil, api.DatabaseNotFoundException.Errorf("DB cluster not found: %s", a.resource)
	case !*c.Is.HttpEndpointEnabled:
		return nil, nil, api.HttpEndpointNotEnabledException.Errorf("HttpEndpoint is not enabled for resource %s", a.resource)
	case *c.Is.Status != available:
		return nil, nil, api.InvalidResourceStateException.Errorf("DB cluster %s is not available: its state is %s", nameOf(arn), *c.Is.Status)
	}
	user, password, err := s.credentials(ctx, call, a.secret)
	if err != nil {
		return nil, nil, err
	}
	db, err := c.Base.database()
	if err != nil {
		return nil, nil, err
	}
	l := &data.Login{
		User: user, Password: password, Database: a.database, Schema: a.schema,
		Dial: func(ctx context.Context) (net.Conn, error) { return s.cfg.Fleet.Dial(ctx, db) },
	}
	if l.Database == "" {
		l.Database = c.Base.First
	}
	return l, &c.Base, nil
}

// credentials are what a secret says, read as the caller.
func (s *Service) credentials(ctx context.Context, call *aws.Call, secret string) (user, password string, err error) {
	out, err := dispatch.Call(ctx, s.cfg.Table, call.Through("rds-data"), secretsmanager.GetSecretValue, &secretsmanager.GetSecretValueInput{SecretId: secret})
	if err != nil {
		if refused, ok := errors.AsType[*aws.Error](err); ok {
			return "", "", api.SecretsErrorException.Errorf("Error fetching secret %s : %s", secret, refused.Message)
		}
		return "", "", err
	}
	var is struct{ Username, Password string }
	if json.Unmarshal([]byte(aws.Value(out.SecretString)), &is) != nil || is.Username == "" {
		return "", "", api.InvalidSecretException.Errorf("Unable to parse secret: it is no JSON object with username and password")
	}
	return is.Username, is.Password, nil
}

// refusal is an error of a database in the Data API's words.
func refusal(err error) error {
	var sql *data.SQLError
	var parameter *data.ParameterError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &sql):
		return api.DatabaseErrorException.Errorf("%s", sql.Message)
	case errors.As(err, &parameter):
		return api.BadRequestException.Errorf("%s", parameter.Message)
	case errors.Is(err, data.ErrTooLarge):
		return api.UnsupportedResultException.Errorf("%s", data.ErrTooLarge)
	case errors.Is(err, data.ErrMultiple):
		return aws.ValidationException.Errorf("%s", data.ErrMultiple)
	case errors.Is(err, data.ErrSignIn):
		return api.DatabaseErrorException.Errorf("%s", err)
	case errors.Is(err, context.DeadlineExceeded):
		return api.StatementTimeoutException.Errorf("Request timed out")
	}
	return err
}

// asJSON is a result as a list of objects.
func asJSON(r *data.Result) string {
	rows := []tree.Value{}
	for _, row := range r.Rows {
		o := tree.NewObject()
		for i := range row {
			o.Set(r.Columns[i].Label, plain(&row[i]))
		}
		rows = append(rows, o)
	}
	return tree.String(rows)
}

func plain(f *api.Field) tree.Value {
	switch {
	case f.StringValue != nil:
		return *f.StringValue
	case f.LongValue != nil:
		return json.Number(strconv.FormatInt(*f.LongValue, 10))
	case f.DoubleValue != nil:
		text, err := json.Marshal(*f.DoubleValue)
		if err != nil {
			return fmt.Sprint(*f.DoubleValue) // no number of JSON's
		}
		return json.Number(text)
	case f.BooleanValue != nil:
		return *f.BooleanValue
	case f.BlobValue != nil:
		return base64.StdEncoding.EncodeToString(f.BlobValue)
	case f.ArrayValue != nil:
		return list(f.ArrayValue)
	}
	return nil
}

// list is an array as JSON.
func list(a *api.ArrayValue) tree.Value {
	out := []tree.Value{}
	for _, v := range a.ArrayValues {
		out = append(out, list(v))
	}
	add := func(f api.Field) { out = append(out, plain(&f)) }
	for _, v := range a.LongValues {
		add(api.Field{LongValue: v})
	}
	for _, v := range a.DoubleValues {
		add(api.Field{DoubleValue: v})
	}
	for _, v := range a.BooleanValues {
		add(api.Field{BooleanValue: v})
	}
	for _, v := range a.StringValues {
		add(api.Field{StringValue: v})
	}
	return out
}
