package resource

import (
	"maps"
	"slices"

	"github.com/aloft-cloud/aloft/internal/api/dynamodb"
	"github.com/aloft-cloud/aloft/internal/aws"
)

// An insights is what a template says of the contributor insights of a table
// or an index.
type insights struct {
	Enabled bool
	Mode    *string
}

// A tableIndex is a global index as a template has it.
type tableIndex struct {
	dynamodb.GlobalSecondaryIndex
	ContributorInsightsSpecification *insights
}

// bareTable is the properties of a table as far as CreateTable knows them.
func bareTable(properties map[string]any) map[string]any {
	indexes, ok := properties["GlobalSecondaryIndexes"]
	if !ok {
		return properties
	}
	out := maps.Clone(properties)
	var bare []any
	for _, element := range list(indexes) {
		bare = append(bare, without(object(element), "ContributorInsightsSpecification"))
	}
	out["GlobalSecondaryIndexes"] = bare
	return out
}

// bare is op for what CreateTable and UpdateTable do.
func (op *Op) bare() *Op {
	out := *op
	out.Old, out.New = bareTable(op.Old), bareTable(op.New)
	return &out
}

// setTable sets what is no part of a table for CreateTable and UpdateTable.
func setTable(op *Op, name string, arn string) error {
	for _, set := range []func() error{
		func() error { return expire(op, name) },
		func() error { return backUp(op, name) },
		func() error { return observe(op, name) },
		func() error { return tellKinesis(op, name) },
		func() error { return share(op, arn, op.Old, op.New) },
	} {
		if err := set(); err != nil {
			return err
		}
	}
	return nil
}

// insightsOf is what properties say of contributor insights, by index; "" is the table.
func insightsOf(properties map[string]any) map[string]map[string]any {
	out := map[string]map[string]any{"": object(properties["ContributorInsightsSpecification"])}
	for _, element := range list(properties["GlobalSecondaryIndexes"]) {
		index := object(element)
		out[text(index["IndexName"])] = object(index["ContributorInsightsSpecification"])
	}
	return out
}

// observe turns contributor insights on and off.
func observe(op *Op, name string) error {
	old, wanted := insightsOf(op.Old), insightsOf(op.New)
	for _, index := range slices.Sorted(maps.Keys(wanted)) {
		was, is := truth(old[index]["Enabled"]), truth(wanted[index]["Enabled"])
		if was == is && Equal(old[index]["Mode"], wanted[index]["Mode"]) {
			continue
		}
		in := &dynamodb.UpdateContributorInsightsInput{TableName: name, ContributorInsightsAction: "DISABLE"}
		if index != "" {
			in.IndexName = &index
		}
		if is {
			in.ContributorInsightsAction = "ENABLE"
			if mode := text(wanted[index]["Mode"]); mode != "" {
				in.ContributorInsightsMode = &mode
			}
		}
		if _, err := Do(op, dynamodb.UpdateContributorInsights, in); err != nil {
			return err
		}
	}
	return nil
}

// tellKinesis tells a stream of Kinesis of the changes of a table, or another,
// or none.
func tellKinesis(op *Op, name string) error {
	old, wanted := object(op.Old["KinesisStreamSpecification"]), object(op.New["KinesisStreamSpecification"])
	was, is := text(old["StreamArn"]), text(wanted["StreamArn"])
	precision := text(wanted["ApproximateCreationDateTimePrecision"])
	if was != "" && was != is {
		in := &dynamodb.DisableKinesisStreamingDestinationInput{TableName: name, StreamArn: was}
		if _, err := Do(op, dynamodb.DisableKinesisStreamingDestination, in); err != nil {
			return err
		}
	}
	if is != "" && was != is {
		in := &dynamodb.EnableKinesisStreamingDestinationInput{TableName: name, StreamArn: is}
		if precision != "" {
			in.EnableKinesisStreamingConfiguration = &dynamodb.EnableKinesisStreamingConfiguration{ApproximateCreationDateTimePrecision: &precision}
		}
		_, err := Do(op, dynamodb.EnableKinesisStreamingDestination, in)
		return err
	}
	if is == "" || precision == "" || precision == text(old["ApproximateCreationDateTimePrecision"]) {
		return nil
	}
	_, err := Do(op, dynamodb.UpdateKinesisStreamingDestination, &dynamodb.UpdateKinesisStreamingDestinationInput{
		TableName: name, StreamArn: is,
		UpdateKinesisStreamingConfiguration: &dynamodb.UpdateKinesisStreamingConfiguration{ApproximateCreationDateTimePrecision: &precision},
	})
	return err
}

// share sets the policy of a table or a stream, which has these properties.
func share(op *Op, arn string, old, properties map[string]any) error {
	if Equal(old["ResourcePolicy"], properties["ResourcePolicy"]) {
		return nil
	}
	document := object(properties["ResourcePolicy"])["PolicyDocument"]
	if document == nil {
		_, err := Do(op, dynamodb.DeleteResourcePolicy, &dynamodb.DeleteResourcePolicyInput{ResourceArn: arn})
		return err
	}
	_, err := Do(op, dynamodb.PutResourcePolicy, &dynamodb.PutResourcePolicyInput{ResourceArn: arn, Policy: JSON(document)})
	return err
}

// shareStream sets the policy of a table's stream. A stream that is new has none.
func shareStream(op *Op, arn string) error {
	old, properties := object(op.Old["StreamSpecification"]), object(op.New["StreamSpecification"])
	if arn == "" {
		return nil
	}
	if !Equal(old["StreamViewType"], properties["StreamViewType"]) {
		old = nil
	}
	return share(op, arn, old, properties)
}

// retagTable makes the tags of a table those of op.New.
func retagTable(op *Op, arn string) error {
	return retag(op, tagMap, func(tags map[string]string) error {
		in := &dynamodb.TagResourceInput{ResourceArn: arn}
		for key, value := range tags {
			in.Tags = append(in.Tags, dynamodb.Tag{Key: key, Value: value})
		}
		_, err := Do(op, dynamodb.TagResource, in)
		return err
	}, func(keys []string) error {
		_, err := Do(op, dynamodb.UntagResource, &dynamodb.UntagResourceInput{ResourceArn: arn, TagKeys: keys})
		return err
	})
}

// importTable makes a table of what is in a bucket.
func importTable(op *Op, name string) error {
	in := &dynamodb.ImportTableInput{TableCreationParameters: &dynamodb.TableCreationParameters{TableName: name}}
	if err := Bind(op, object(op.New["ImportSourceSpecification"]), in); err != nil {
		return err
	}
	bare := bareTable(op.New)
	made := []string{"AttributeDefinitions", "BillingMode", "GlobalSecondaryIndexes", "KeySchema", "OnDemandThroughput", "ProvisionedThroughput"}
	if err := Bind(op, pick(bare, made...), in.TableCreationParameters); err != nil {
		return err
	}
	in.TableCreationParameters.SSESpecification = encryption(op.New["SSESpecification"])
	out, err := Do(op, dynamodb.ImportTable, in)
	if err != nil {
		return err
	}
	arn := aws.Value(out.ImportTableDescription.ImportArn)
	err = settle(op, func() (bool, error) {
		out, err := Do(op, dynamodb.DescribeImport, &dynamodb.DescribeImportInput{ImportArn: arn})
		if err != nil {
			return false, err
		}
		d := out.ImportTableDescription
		if aws.Value(d.ImportStatus) == "FAILED" {
			return false, invalidRequest("Table import failed: " + aws.Value(d.FailureCode) + ": " + aws.Value(d.FailureMessage))
		}
		return aws.Value(d.ImportStatus) == "COMPLETED", nil
	})
	if err != nil {
		return err
	}
	rest := *op
	rest.PhysicalID, rest.Old = name, pick(op.New, append(made, "LocalSecondaryIndexes")...)
	if err := updateThroughput(&rest); err != nil {
		return err
	}
	if err := updateStream(&rest); err != nil {
		return err
	}
	return retagTable(&rest, aws.Value(out.ImportTableDescription.TableArn))
}
