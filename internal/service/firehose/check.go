package firehose

import (
	"strings"
	"time"

	api "github.com/aloft-cloud/aloft/internal/api/firehose"
	"github.com/aloft-cloud/aloft/internal/aws"
)

const leastPartitioned = 64 // MB of a buffer for partitions

// processing returns the processors of a stream that are on.
func (row *stream) processing() []api.Processor {
	c := row.S3.ProcessingConfiguration
	if row.HTTP != nil {
		c = row.HTTP.ProcessingConfiguration
	}
	if c == nil || !aws.Or(c.Enabled, true) {
		return nil
	}
	return c.Processors
}

// parameter returns a parameter of a processor, or usual.
func parameter(p *api.Processor, name, usual string) string {
	for _, param := range p.Parameters {
		if param.ParameterName == name {
			return param.ParameterValue
		}
	}
	return usual
}

// partitioned says whether the prefix of a stream's objects may name keys.
func (row *stream) partitioned() bool {
	return row.S3.DynamicPartitioningConfiguration != nil && aws.Value(row.S3.DynamicPartitioningConfiguration.Enabled)
}

// check refuses what AWS does, and what is not there yet, of a stream's destination.
func (row *stream) check() error {
	c := row.S3
	if f := c.DataFormatConversionConfiguration; f != nil && aws.Or(f.Enabled, true) {
		return errAbsent("conversion of formats")
	}
	if row.HTTP != nil {
		if m := row.HTTP.SecretsManagerConfiguration; m != nil && m.Enabled {
			return errAbsent("keys of endpoints in Secrets Manager")
		}
	}
	if aws.Value(c.S3BackupMode) == api.S3BackupModeEnabled && c.S3BackupConfiguration == nil {
		return invalid("S3BackupConfiguration is required when S3BackupMode is Enabled.")
	}
	if row.partitioned() && c.BufferingHints != nil && aws.Or(c.BufferingHints.SizeInMBs, leastPartitioned) < leastPartitioned {
		return invalid("BufferingHints.SizeInMBs must be at least %d when Dynamic Partitioning is enabled.", leastPartitioned)
	}
	if _, err := time.LoadLocation(aws.Or(c.CustomTimeZone, "UTC")); err != nil {
		return invalid("CustomTimeZone %s is not a valid time zone.", *c.CustomTimeZone)
	}
	if err := row.checkPrefixes(); err != nil {
		return err
	}
	for _, p := range row.processing() {
		if err := row.checkProcessor(&p); err != nil {
			return err
		}
	}
	return nil
}

// checkPrefixes refuses prefixes with expressions that cannot be evaluated.
func (row *stream) checkPrefixes() error {
	prefix, err := parsePrefix(aws.Value(row.S3.Prefix))
	if err != nil {
		return err
	}
	errorPrefix, err := parsePrefix(aws.Value(row.S3.ErrorOutputPrefix))
	if err != nil {
		return err
	}
	switch {
	case prefix.has("firehose", errorOutputType):
		return invalid("Prefix cannot contain !{firehose:error-output-type}.")
	case prefix.dynamic() && aws.Value(row.S3.ErrorOutputPrefix) == "":
		return invalid("ErrorOutputPrefix cannot be null or empty when Prefix contains expressions.")
	case errorPrefix.dynamic() && !errorPrefix.has("firehose", errorOutputType):
		return invalid("ErrorOutputPrefix must contain the expression !{firehose:error-output-type}.")
	case errorPrefix.has(fromQuery, "") || errorPrefix.has(fromLambda, ""):
		return invalid("ErrorOutputPrefix cannot contain expressions of partition keys.")
	case !row.partitioned() && (prefix.has(fromQuery, "") || prefix.has(fromLambda, "")):
		return invalid("Dynamic Partitioning Namespaces can only be part of a prefix expression when Dynamic Partitioning is enabled.")
	case row.partitioned() && !prefix.has(fromQuery, "") && !prefix.has(fromLambda, ""):
		return invalid("Dynamic Partitioning requires an S3 prefix expression with Dynamic Partitioning namespaces.")
	}
	return nil
}

func (row *stream) checkProcessor(p *api.Processor) error {
	switch p.Type {
	case api.ProcessorTypeLambda:
		arn, err := aws.ParseARN(parameter(p, api.ProcessorParameterNameLambdaArn, ""))
		if err != nil || arn.Service != "lambda" || !strings.HasPrefix(arn.Resource, "function:") {
			return invalid("Lambda processor requires the parameter LambdaArn, the ARN of a function.")
		}
	case api.ProcessorTypeMetadataExtraction:
		if !row.partitioned() {
			return invalid("MetadataExtraction processor is only supported when Dynamic Partitioning is enabled.")
		}
		if engine := parameter(p, api.ProcessorParameterNameJsonParsingEngine, ""); engine != jsonEngine {
			return invalid("JsonParsingEngine %s is not supported; it must be %s.", engine, jsonEngine)
		}
		if _, err := parseQuery(parameter(p, api.ProcessorParameterNameMetadataExtractionQuery, "")); err != nil {
			return invalid("MetadataExtractionQuery is not valid: %s", err)
		}
	case api.ProcessorTypeRecordDeAggregation:
		switch kind := parameter(p, api.ProcessorParameterNameSubRecordType, ""); kind {
		case subRecordsJSON:
		case subRecordsDelimited:
			if _, err := delimiterOf(p, ""); err != nil {
				return err
			}
		default:
			return invalid("SubRecordType must be JSON or DELIMITED.")
		}
	case api.ProcessorTypeAppendDelimiterToRecord:
		_, err := delimiterOf(p, `\n`)
		return err
	case api.ProcessorTypeDecompression:
		if parameter(p, api.ProcessorParameterNameCompressionFormat, api.CompressionFormatGzip) != api.CompressionFormatGzip {
			return invalid("CompressionFormat of the Decompression processor must be GZIP.")
		}
	}
	return nil
}
