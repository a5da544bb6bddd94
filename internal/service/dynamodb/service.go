package dynamodb

import (
	"hash/crc32"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	api "github.com/aloft-cloud/aloft/internal/api/dynamodb"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/dispatch"
	metrics "github.com/aloft-cloud/aloft/internal/meter"
	"github.com/aloft-cloud/aloft/internal/service"
	"github.com/aloft-cloud/aloft/internal/service/dynamodb/expression"
	"github.com/aloft-cloud/aloft/internal/store"
	"github.com/aloft-cloud/aloft/internal/task"
)

// Config is what an operator may choose.
type Config struct {
	Meter      *metrics.Meter // counts operations for metrics; nil: nobody does
	IndexDelay time.Duration  // by which global indexes lag behind their tables
	Keys       Keys           // knows keys of KMS; nil: all can be used
	TableDelay time.Duration  // for which tables are being created, updated and deleted
}

// Keys knows the keys of KMS that tables may be encrypted with.
type Keys interface {
	// CheckKey refuses a key that cannot be used, and says since when.
	CheckKey(tx *store.Tx, key aws.ARN) (since time.Time, err error)
	// MayDecrypt checks for leave to decrypt with a key.
	MayDecrypt(call *aws.Call, key aws.ARN, encryptionContext map[string]string, check func(service.Access) error) error
}

// Service is DynamoDB.
type Service struct {
	config      Config
	db          *store.DB
	table       *dispatch.Table
	expressions expression.Cache
	known       sync.Map  // aws.ARN to *table, as of some version
	gone        sync.Map  // goneKey of each table that was deleted, or was about to be
	backfills   task.Bell // rung when an index is made
	expiry      task.Bell // rung when an item is due sooner than nextDue
	telling     task.Bell // rung when a stream of Kinesis is to be told something
	transfers   task.Bell // rung when something is to be exported or imported
	rolls       task.Bell // rung when a stream is made
	transitions task.Bell // rung when a table is in transition
	lagBell     task.Bell // rung when a global index is to change later
	lagOnce     sync.Once
	lagged      bool // when the platform was started
	nextDue     atomic.Int64
	expired     dueKey    // the last; for the task alone
	unfilled    []aws.ARN // tables of which something is being made; for the task alone
	meter       meter
	policies    atomic.Uint64 // changes with those of tables
}

// New returns DynamoDB over db, which reaches S3 and Kinesis by way of table.
func New(c Config, db *store.DB, table *dispatch.Table) *Service {
	return &Service{
		config: c, db: db, table: table,
		backfills: task.NewBell(), expiry: task.NewBell(), telling: task.NewBell(), transfers: task.NewBell(), rolls: task.NewBell(), lagBell: task.NewBell(), transitions: task.NewBell(),
	}
}

// asksHealth reports whether a load balancer may have sent r, to the host of an endpoint.
func asksHealth(r *http.Request) bool {
	return r.Method == http.MethodGet && r.URL.Path == "/" && strings.HasPrefix(r.Host, "dynamodb.") && len(r.Header["Authorization"]) == 0
}

// serveHealth answers what DynamoDB does.
func serveHealth(w http.ResponseWriter, r *http.Request, call *aws.Call) {
	region := "us-east-1"
	if label := strings.Split(r.Host, "."); len(label) > 2 && label[2] == "amazonaws" {
		region = label[1]
	}
	body := "healthy: dynamodb." + region + ".amazonaws.com "
	w.Header().Set("X-Amzn-Requestid", aws.NewLongRequestID())
	w.Header().Set("X-Amz-Crc32", strconv.FormatUint(uint64(crc32.ChecksumIEEE([]byte(body))), 10))
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	io.WriteString(w, body) // an error here is the client's absence
}

// Definition implements the contract in package service.
func (s *Service) Definition() service.Definition {
	return service.Definition{
		API: api.API, Tasks: s.tasks(),
		Pages:  []service.Page{{Prefix: "/", Takes: asksHealth, Own: true, Serve: serveHealth}},
		Policy: s.policyOf, Measure: measure,
		Epoch: s.policies.Load,
		Operations: []service.Operation{
			service.OpEach(api.CreateTable, s.CreateTable, createAccess).Checks("TableName").But("Vector indexes and replicas in other accounts are refused. Without the key of KMS that is named nobody reads or writes the table, but encryption is left to the disk."),
			onTable(api.DescribeTable, s.DescribeTable),
			service.Op(api.ListTables, s.ListTables, service.Any),
			onTable(api.UpdateTable, s.UpdateTable).But("Vector indexes and replicas in other accounts are refused. Without the key of KMS that is named nobody reads or writes the table, but encryption is left to the disk."),
			onTable(api.DeleteTable, s.DeleteTable),
			onResource(api.TagResource, s.TagResource),
			onResource(api.UntagResource, s.UntagResource),
			onResource(api.ListTagsOfResource, s.ListTagsOfResource),
			onPoliced(api.PutResourcePolicy, s.PutResourcePolicy),
			onPoliced(api.GetResourcePolicy, s.GetResourcePolicy),
			onPoliced(api.DeleteResourcePolicy, s.DeleteResourcePolicy),
			service.OpEach(api.CreateGlobalTable, s.CreateGlobalTable, createGlobalAccess).But("The streams of all tables but the first end, and are made anew."),
			onGlobal(api.DescribeGlobalTable, s.DescribeGlobalTable),
			service.Op(api.ListGlobalTables, s.ListGlobalTables, service.Any),
			service.OpEach(api.UpdateGlobalTable, s.UpdateGlobalTable, updateGlobalAccess),
			onGlobal(api.DescribeGlobalTableSettings, s.DescribeGlobalTableSettings),
			onGlobal(api.UpdateGlobalTableSettings, s.UpdateGlobalTableSettings).But("Automatic scaling is refused."),
			onTable(api.DescribeTableReplicaAutoScaling, s.DescribeTableReplicaAutoScaling).But("There is no automatic scaling, and so it says."),
			onTable(api.UpdateTableReplicaAutoScaling, s.UpdateTableReplicaAutoScaling).But("Automatic scaling is refused, but to disable it is not."),
			service.Op(api.DescribeLimits, s.DescribeLimits, service.Any),
			service.Op(api.DescribeEndpoints, s.DescribeEndpoints, service.Any),
			onTable(api.UpdateTimeToLive, s.UpdateTimeToLive),
			onTable(api.DescribeTimeToLive, s.DescribeTimeToLive),
			onTable(api.DescribeContinuousBackups, s.DescribeContinuousBackups),
			onTable(api.UpdateContinuousBackups, s.UpdateContinuousBackups),
			service.OpEach(api.RestoreTableToPointInTime, s.RestoreTableToPointInTime, s.restoreAccess),
			service.OpEach(api.EnableKinesisStreamingDestination, s.EnableKinesisStreamingDestination, destinationAccess("EnableKinesisStreamingDestination")).Checks("TableName"),
			service.OpEach(api.DisableKinesisStreamingDestination, s.DisableKinesisStreamingDestination, destinationAccess("DisableKinesisStreamingDestination")).Checks("TableName"),
			onTable(api.UpdateKinesisStreamingDestination, s.UpdateKinesisStreamingDestination),
			onTable(api.DescribeKinesisStreamingDestination, s.DescribeKinesisStreamingDestination),
			onTable(api.UpdateContributorInsights, s.UpdateContributorInsights).But("Nothing is told of the keys: only the setting is kept."),
			onTable(api.DescribeContributorInsights, s.DescribeContributorInsights),
			service.OpEach(api.ListContributorInsights, s.ListContributorInsights, listInsightsAccess),
			onTable(api.CreateBackup, s.CreateBackup),
			onBackup(api.DescribeBackup, s.DescribeBackup),
			onBackup(api.DeleteBackup, s.DeleteBackup),
			service.OpEach(api.ListBackups, s.ListBackups, listBackupsAccess),
			service.OpEach(api.ExportTableToPointInTime, s.ExportTableToPointInTime, exportAccess),
			service.OpEach(api.DescribeExport, s.DescribeExport, describeExportAccess),
			service.Op(api.ListExports, s.ListExports, service.Any),
			service.OpEach(api.ImportTable, s.ImportTable, importAccess).But("What is wrong is counted, and not logged."),
			service.OpEach(api.DescribeImport, s.DescribeImport, describeImportAccess),
			service.Op(api.ListImports, s.ListImports, service.Any),
			service.OpEach(api.RestoreTableFromBackup, s.RestoreTableFromBackup, restoreBackupAccess),

			onItems(s, api.PutItem, s.PutItem, aboutPut),
			onItems(s, api.GetItem, s.GetItem, aboutGet),
			onItems(s, api.UpdateItem, s.UpdateItem, aboutUpdate),
			onItems(s, api.DeleteItem, s.DeleteItem, aboutDelete),
			onItems(s, api.Query, s.Query, aboutQuery),
			onItems(s, api.Scan, s.Scan, aboutScan),

			service.OpEach(api.BatchGetItem, s.BatchGetItem, s.batchGetAccess),
			service.OpEach(api.BatchWriteItem, s.BatchWriteItem, s.batchWriteAccess),
			service.OpEach(api.TransactGetItems, s.TransactGetItems, s.transactGetAccess),
			service.OpEach(api.TransactWriteItems, s.TransactWriteItems, s.transactWriteAccess),

			service.OpEach(api.ExecuteStatement, s.ExecuteStatement, s.statementAccess),
			service.OpEach(api.BatchExecuteStatement, s.BatchExecuteStatement, s.batchStatementAccess),
			service.OpEach(api.ExecuteTransaction, s.ExecuteTransaction, s.transactStatementAccess),
		},
	}
}
