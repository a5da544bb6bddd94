package lambda

import (
	"context"
	"errors"
	"strconv"
	"strings"
	"time"

	"github.com/aloft-cloud/aloft/internal/api/dynamodbstreams"
	"github.com/aloft-cloud/aloft/internal/api/kinesis"
	api "github.com/aloft-cloud/aloft/internal/api/lambda"
	"github.com/aloft-cloud/aloft/internal/api/sqs"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/dispatch"
	"github.com/aloft-cloud/aloft/internal/event/pattern"
	"github.com/aloft-cloud/aloft/internal/poll"
	"github.com/aloft-cloud/aloft/internal/store"
)

const (
	maxFIFOBatch   = 10
	maxFilters     = 5
	maxPollers     = 10000
	fifoSuffix     = ".fifo"
	unsupportedFor = "Unsupported %s parameter for given event source mapping type."
)

// sourceOf is the source that an input names, or a refusal of one that
// nothing can be read from.
func sourceOf(in *api.CreateEventSourceMappingInput) (aws.ARN, error) {
	name := api.CreateEventSourceMapping.Name
	switch {
	case in.SelfManagedEventSource != nil:
		return aws.ARN{}, unsupported(name, "SelfManagedEventSource")
	case in.EventSourceArn == nil:
		return aws.ARN{}, invalid("Unrecognized event source.")
	}
	arn, err := aws.ParseARN(*in.EventSourceArn)
	if err != nil {
		return arn, invalid("Unrecognized event source.")
	}
	switch arn.Service {
	case "sqs":
		return arn, nil
	case "dynamodb", "kinesis":
		if in.StartingPosition == nil {
			return arn, invalid("1 validation error detected: Value null at 'startingPosition' failed to satisfy constraint: Member must not be null.")
		}
		return arn, nil
	case "kafka", "mq", "rds", "docdb":
		return arn, unsupported(name, "an event source of "+arn.Service)
	}
	return arn, invalid("Unrecognized event source.")
}

// A mappingChange is what an input says of a mapping; what it leaves out is nil.
type mappingChange struct {
	BatchSize, Window          *int32
	Filters                    *api.FilterCriteria
	ResponseTypes              []string
	Scaling                    *api.ScalingConfig
	KMSKeyArn                  *string
	Metrics                    *api.EventSourceMappingMetricsConfig
	Logging                    *api.EventSourceMappingLoggingConfig
	Lanes, MaxAge, Retries     *int32
	Bisect                     *bool
	Tumbling                   *int32
	Destinations               *api.DestinationConfig
	Access                     []api.SourceAccessConfiguration
	Provisioned                *api.ProvisionedPollerConfig
	DocumentDB, Kafka, Managed bool
}

func changeOfMapping(in *api.CreateEventSourceMappingInput) *mappingChange {
	return &mappingChange{
		BatchSize: in.BatchSize, Window: in.MaximumBatchingWindowInSeconds, Filters: in.FilterCriteria, ResponseTypes: in.FunctionResponseTypes,
		Scaling: in.ScalingConfig, KMSKeyArn: in.KMSKeyArn, Metrics: in.MetricsConfig, Logging: in.LoggingConfig, Lanes: in.ParallelizationFactor,
		MaxAge: in.MaximumRecordAgeInSeconds, Retries: in.MaximumRetryAttempts, Bisect: in.BisectBatchOnFunctionError,
		Tumbling: in.TumblingWindowInSeconds, Destinations: in.DestinationConfig, Access: in.SourceAccessConfigurations,
		Provisioned: in.ProvisionedPollerConfig, DocumentDB: in.DocumentDBEventSourceConfig != nil,
		Kafka: in.SelfManagedKafkaEventSourceConfig != nil, Managed: in.AmazonManagedKafkaEventSourceConfig != nil,
	}
}

func changeOfMappingUpdate(in *api.UpdateEventSourceMappingInput) *mappingChange {
	return &mappingChange{
		BatchSize: in.BatchSize, Window: in.MaximumBatchingWindowInSeconds, Filters: in.FilterCriteria, ResponseTypes: in.FunctionResponseTypes,
		Scaling: in.ScalingConfig, KMSKeyArn: in.KMSKeyArn, Metrics: in.MetricsConfig, Logging: in.LoggingConfig, Lanes: in.ParallelizationFactor,
		MaxAge: in.MaximumRecordAgeInSeconds, Retries: in.MaximumRetryAttempts, Bisect: in.BisectBatchOnFunctionError,
		Tumbling: in.TumblingWindowInSeconds, Destinations: in.DestinationConfig, Access: in.SourceAccessConfigurations,
		Provisioned: in.ProvisionedPollerConfig, DocumentDB: in.DocumentDBEventSourceConfig != nil,
		Kafka: in.SelfManagedKafkaEventSourceConfig != nil, Managed: in.AmazonManagedKafkaEventSourceConfig != nil,
	}
}

// wrong names the first part of a change that a source does not have.
func (c *mappingChange) wrong(queue bool) string {
	parts := []struct {
		name  string
		given bool
	}{
		{"DestinationConfig", queue && c.Destinations != nil && c.Destinations.OnFailure != nil && aws.Value(c.Destinations.OnFailure.Destination) != ""},
		{"ParallelizationFactor", queue && c.Lanes != nil},
		{"MaximumRecordAgeInSeconds", queue && c.MaxAge != nil},
		{"MaximumRetryAttempts", queue && c.Retries != nil},
		{"BisectBatchOnFunctionError", queue && c.Bisect != nil},
		{"TumblingWindowInSeconds", queue && aws.Value(c.Tumbling) != 0},
		{"ScalingConfig", !queue && c.Scaling != nil},
		{"ProvisionedPollerConfig", !queue && c.Provisioned != nil},
		{"SourceAccessConfigurations", len(c.Access) > 0},
		{"DocumentDBEventSourceConfig", c.DocumentDB},
		{"SelfManagedKafkaEventSourceConfig", c.Kafka},
		{"AmazonManagedKafkaEventSourceConfig", c.Managed},
	}
	for _, p := range parts {
		if p.given {
			return p.name
		}
	}
	return ""
}

// apply makes the change to m, or refuses it.
func (c *mappingChange) apply(m *mapping) error {
	if part := c.wrong(m.isQueue()); part != "" {
		return invalid(unsupportedFor, part)
	}
	if p := c.Provisioned; p != nil {
		m.Pollers = nil
		if p.MinimumPollers != nil || p.MaximumPollers != nil {
			m.Pollers = &pollers{p.MinimumPollers, p.MaximumPollers, p.PollerGroupName}
		}
	}
	set(&m.BatchSize, c.BatchSize)
	set(&m.Window, c.Window)
	set(&m.KMSKey, c.KMSKeyArn)
	set(&m.Lanes, c.Lanes)
	set(&m.MaxAge, c.MaxAge)
	set(&m.Retries, c.Retries)
	set(&m.Bisect, c.Bisect)
	set(&m.Tumbling, c.Tumbling)
	if c.ResponseTypes != nil {
		m.Partial = len(c.ResponseTypes) > 0
	}
	if c.Scaling != nil {
		m.Concurrency = c.Scaling.MaximumConcurrency
	}
	if c.Metrics != nil {
		m.Metrics = c.Metrics.Metrics
	}
	if c.Logging != nil {
		m.LogLevel = aws.Value(c.Logging.SystemLogLevel)
	}
	if c.Destinations != nil && c.Destinations.OnFailure != nil {
		m.OnFailure = aws.Value(c.Destinations.OnFailure.Destination)
	}
	if c.Filters != nil {
		m.Filters = c.Filters
		if len(c.Filters.Filters) == 0 {
			m.Filters = nil
		}
	}
	return nil
}

// check refuses a mapping that does not make sense. in is nil for an update.
func (m *mapping) check(in *api.CreateEventSourceMappingInput) error {
	fifo := m.isQueue() && strings.HasSuffix(m.Source.Resource, fifoSuffix)
	switch {
	case fifo && m.Window > 0:
		return invalid("Batching window is not supported for FIFO queues")
	case fifo && m.BatchSize > maxFIFOBatch:
		return invalid("1 validation error detected: Value '%d' at 'batchSize' failed to satisfy constraint: Member must have value less than or equal to 10", m.BatchSize)
	case m.Pollers != nil && m.Concurrency != nil:
		return invalid("ScalingConfig and ProvisionedPollerConfig cannot be given together.")
	case m.Pollers != nil && aws.Or(m.Pollers.Least, 1) > aws.Or(m.Pollers.Most, maxPollers):
		return invalid("MinimumPollers must be less than or equal to MaximumPollers.")
	case m.isQueue() && m.BatchSize > maxFIFOBatch && m.Window < 1:
		return invalid("Maximum batch window in seconds must be greater than 0 if maximum batch size is greater than 10")
	case m.Tumbling > 0 && m.Window > m.Tumbling:
		return invalid("MaximumBatchingWindowInSeconds must be less than or equal to TumblingWindowInSeconds")
	case m.MaxAge > -1 && m.MaxAge < 60 && !m.isQueue():
		return invalid("1 validation error detected: Value '%d' at 'maximumRecordAgeInSeconds' failed to satisfy constraint: Member must have value greater than or equal to 60", m.MaxAge)
	case m.Source.Service == "dynamodb" && m.Start == api.EventSourcePositionAtTimestamp:
		return invalid("Unsupported starting position for arn type: %s", m.Source)
	case m.Start == api.EventSourcePositionAtTimestamp && m.StartAt == nil:
		return invalid("Timestamp must be specified for event source position type AT_TIMESTAMP.")
	}
	if in != nil && m.StartAt != nil && m.Start != api.EventSourcePositionAtTimestamp {
		return invalid("Unexpected StartingPositionTimestamp for event source position type %s.", m.Start)
	}
	if m.OnFailure != "" {
		arn, err := aws.ParseARN(m.OnFailure)
		if err != nil || arn.Service != "sqs" && arn.Service != "sns" && arn.Service != "s3" {
			return invalid("The provided destination config DestinationConfig(onSuccess=null, onFailure=OnFailure(destination=%s)) is invalid.", m.OnFailure)
		}
	}
	_, err := m.filters()
	return err
}

// filters are the filters of a mapping, or a refusal of one that is none.
func (m *mapping) filters() (list []poll.Filter, err error) {
	if m.Filters == nil {
		return nil, nil
	}
	if len(m.Filters.Filters) > maxFilters {
		return nil, invalid("1 validation error detected: Value at 'filterCriteria.filters' failed to satisfy constraint: Member must have length less than or equal to %d", maxFilters)
	}
	for _, f := range m.Filters.Filters {
		p, err := pattern.Parse([]byte(aws.Value(f.Pattern)))
		if err != nil {
			return nil, invalid("Invalid filter pattern definition.")
		}
		list = append(list, p)
	}
	return list, nil
}

// checkDuplicate refuses a second mapping of the same source and function.
func checkDuplicate(tx *store.Tx, key aws.ARN, m *mapping) error {
	for other, row := range mappings.Scan(tx, homeOf(key)) {
		if row.Function != m.Function || row.Qualifier != m.Qualifier || row.Source != m.Source || row.State == stateDeleting {
			continue
		}
		uuid := strings.TrimPrefix(other.Resource, mappingKind)
		fn := name(m.Function)
		if m.Qualifier != "" {
			fn += ":" + m.Qualifier
		}
		if m.isQueue() {
			return conflict("An event source mapping with SQS arn (\" %s \") and function (\" %s \") already exists. Please update or delete the existing mapping with UUID %s", m.Source, fn, uuid)
		}
		return conflict("The event source arn (\" %s \") and function (\" %s \") provided mapping already exists. Please update or delete the existing mapping with UUID %s", m.Source, fn, uuid)
	}
	return nil
}

// checkMapped refuses a mapping whose function is not there, or may not read
// its source.
func (s *Service) checkMapped(ctx context.Context, m *mapping) error {
	var v version
	err := s.db.View(ctx, func(tx *store.Tx) error {
		var err error
		v, _, err = findVersion(tx, m.ref())
		if errors.Is(err, api.ResourceNotFoundException) {
			return invalid("Function does not exist")
		}
		return err
	})
	if err != nil {
		return err
	}
	call, err := s.callAs(ctx, m.Function, v.Role)
	if err != nil {
		return err
	}
	switch m.Source.Service {
	case "sqs":
		return s.checkQueue(ctx, call, m, time.Duration(v.Timeout)*time.Second)
	case "dynamodb":
		_, err = dispatch.Call(ctx, s.table, call, dynamodbstreams.DescribeStream, &dynamodbstreams.DescribeStreamInput{StreamArn: m.Source.String()})
	default:
		stream := new(poll.StreamOf(m.Source).String())
		_, err = dispatch.Call(ctx, s.table, call, kinesis.DescribeStream, &kinesis.DescribeStreamInput{StreamARN: stream, Limit: new(int32(1))})
		if refusal, refused := errors.AsType[*aws.Error](err); refused && refusal.Code == aws.AccessDenied.Code {
			// Roles allow the one or the other, and AWS takes both.
			_, err = dispatch.Call(ctx, s.table, call, kinesis.DescribeStreamSummary, &kinesis.DescribeStreamSummaryInput{StreamARN: stream})
		}
	}
	switch refusal, refused := errors.AsType[*aws.Error](err); {
	case errors.Is(err, dynamodbstreams.ResourceNotFoundException), errors.Is(err, kinesis.ResourceNotFoundException):
		return invalid("Stream not found: %s", m.Source)
	case refused && refusal.Code == aws.AccessDenied.Code:
		operations := "GetRecords, GetShardIterator, DescribeStream, and ListStreams"
		if m.Source.Service == "kinesis" {
			operations = "GetRecords, GetShardIterator, DescribeStream, ListShards, and ListStreams"
		}
		return invalid("Cannot access stream %s. Please ensure the role can perform the %s Actions on your stream in IAM.", m.Source, operations)
	}
	return err
}

// checkQueue refuses a queue that there is not, or that would give a message
// to two runs of the function.
func (s *Service) checkQueue(ctx context.Context, call *aws.Call, m *mapping, timeout time.Duration) error {
	out, err := dispatch.Call(ctx, s.table, call, sqs.GetQueueAttributes, &sqs.GetQueueAttributesInput{
		QueueUrl: poll.QueueURL(m.Source), AttributeNames: []string{sqs.QueueAttributeNameVisibilityTimeout},
	})
	switch refusal, refused := errors.AsType[*aws.Error](err); {
	case errors.Is(err, sqs.QueueDoesNotExist):
		return invalid("Error occurred while ReceiveMessage. SQS Error Code: AWS.SimpleQueueService.NonExistentQueue. SQS Error Message: The specified queue does not exist.")
	case refused && refusal.Code == aws.AccessDenied.Code:
		return invalid("The provided execution role does not have permissions to call ReceiveMessage on SQS")
	case err != nil:
		return err
	}
	hidden, err := strconv.Atoi(out.Attributes[sqs.QueueAttributeNameVisibilityTimeout])
	if err == nil && time.Duration(hidden)*time.Second < timeout {
		return invalid("Queue visibility timeout: %d seconds is less than Function timeout: %d seconds", hidden, int(timeout/time.Second))
	}
	return nil
}
