package resource

import (
	"slices"

	"github.com/aloft-cloud/aloft/internal/api/dynamodb"
	"github.com/aloft-cloud/aloft/internal/aws"
)

// DynamoDB has the types of DynamoDB.
func DynamoDB() []*Type {
	return []*Type{dynamoTable(), dynamoGlobalTable()}
}

func dynamoTable() *Type {
	return &Type{
		Name: "AWS::DynamoDB::Table",
		Properties: Props(`AttributeDefinitions BillingMode ContributorInsightsSpecification DeletionProtectionEnabled GlobalSecondaryIndexes
			ImportSourceSpecification@ KeySchema!@ KinesisStreamSpecification LocalSecondaryIndexes@ OnDemandThroughput
			PointInTimeRecoverySpecification ProvisionedThroughput ResourcePolicy SSESpecification StreamSpecification TableClass TableName@ Tags
			TimeToLiveSpecification WarmThroughput`),
		Attributes: []string{"Arn", "StreamArn", "TableId"},
		Naming:     Naming{Property: "TableName"},
		Needs:      Needs{"KinesisStreamSpecification": "kinesis.PutRecords"},
		Shape: func() any {
			return new(struct {
				dynamodb.CreateTableInput
				StreamSpecification *struct {
					StreamViewType *string
					ResourcePolicy *struct{ PolicyDocument any }
				}
				SSESpecification *struct {
					SSEEnabled              *bool
					SSEType, KMSMasterKeyId *string
				}
				GlobalSecondaryIndexes           []tableIndex
				ContributorInsightsSpecification *insights
				TimeToLiveSpecification          *dynamodb.TimeToLiveSpecification
				PointInTimeRecoverySpecification *dynamodb.PointInTimeRecoverySpecification
				ResourcePolicy                   *struct{ PolicyDocument any }
				KinesisStreamSpecification       *struct{ StreamArn, ApproximateCreationDateTimePrecision *string }
				ImportSourceSpecification        *struct {
					S3BucketSource                    *dynamodb.S3BucketSource
					InputFormat, InputCompressionType *string
					InputFormatOptions                *dynamodb.InputFormatOptions
				}
			})
		},
		Create: createTable,
		Update: updateTable,
		Delete: func(op *Op) error {
			if _, err := Do(op, dynamodb.DeleteTable, &dynamodb.DeleteTableInput{TableName: op.PhysicalID}); err != nil {
				return err
			}
			return settle(op, func() (bool, error) {
				_, err := Do(op, dynamodb.DescribeTable, &dynamodb.DescribeTableInput{TableName: op.PhysicalID})
				return IsGone(err), ignoreGone(err)
			})
		},
		Find: func(op *Op) (*Made, error) { return finishTable(op, op.Named("TableName")) },
	}
}

// stream is what CloudFormation says of a stream as DynamoDB says it.
func stream(v any) *dynamodb.StreamSpecification {
	view := text(object(v)["StreamViewType"])
	if view == "" {
		return nil
	}
	return &dynamodb.StreamSpecification{StreamEnabled: true, StreamViewType: &view}
}

func encryption(v any) *dynamodb.SSESpecification {
	spec := object(v)
	if spec == nil {
		return nil
	}
	out := &dynamodb.SSESpecification{Enabled: new(truth(spec["SSEEnabled"]))}
	if s := text(spec["SSEType"]); s != "" {
		out.SSEType = &s
	}
	if s := text(spec["KMSMasterKeyId"]); s != "" {
		out.KMSMasterKeyId = &s
	}
	return out
}

// ofTable are the properties of a table that DynamoDB names and means as
// CloudFormation does.
func ofTable() []string {
	return []string{
		"AttributeDefinitions", "BillingMode", "DeletionProtectionEnabled", "GlobalSecondaryIndexes", "KeySchema", "LocalSecondaryIndexes",
		"OnDemandThroughput", "ProvisionedThroughput", "TableClass", "Tags", "WarmThroughput",
	}
}

func createTable(op *Op) (*Made, error) {
	name := op.Named("TableName")
	if op.New["ImportSourceSpecification"] != nil {
		if err := importTable(op, name); err != nil {
			return &Made{PhysicalID: name}, err
		}
	} else if err := newTable(op, name); err != nil {
		return nil, err
	}
	made, err := finishTable(op, name)
	if made == nil {
		made = &Made{PhysicalID: name}
	}
	return made, err
}

// newTable makes an empty table.
func newTable(op *Op, name string) error {
	in := &dynamodb.CreateTableInput{}
	if err := Bind(op, pick(bareTable(op.New), ofTable()...), in); err != nil {
		return err
	}
	in.TableName = name
	in.StreamSpecification = stream(op.New["StreamSpecification"])
	in.SSESpecification = encryption(op.New["SSESpecification"])
	_, err := Do(op, dynamodb.CreateTable, in)
	return err
}

// finishTable waits until a table is there, and sets what can only be set then.
func finishTable(op *Op, name string) (*Made, error) {
	made, err := settledTable(op, name)
	if err != nil {
		return nil, err
	}
	if err := setTable(op, name, text(made.Attributes["Arn"])); err != nil {
		return made, err
	}
	return made, shareStream(op, text(made.Attributes["StreamArn"]))
}

// settledTable waits until a table and its indexes are ready.
func settledTable(op *Op, name string) (*Made, error) {
	var made *Made
	err := settle(op, func() (bool, error) {
		out, err := Do(op, dynamodb.DescribeTable, &dynamodb.DescribeTableInput{TableName: name})
		if err != nil {
			return false, err
		}
		t := out.Table
		made = &Made{PhysicalID: name, Attributes: map[string]any{"Arn": aws.Value(t.TableArn), "TableId": aws.Value(t.TableId)}}
		if t.LatestStreamArn != nil && t.StreamSpecification != nil {
			made.Attributes["StreamArn"] = *t.LatestStreamArn
		}
		settling := slices.ContainsFunc(t.GlobalSecondaryIndexes, func(i dynamodb.GlobalSecondaryIndexDescription) bool {
			return aws.Value(i.IndexStatus) != "ACTIVE"
		})
		return aws.Value(t.TableStatus) == "ACTIVE" && !settling, nil
	})
	return made, err
}

// expire makes the items of a table expire as op.New says.
func expire(op *Op, name string) error {
	if Equal(op.Old["TimeToLiveSpecification"], op.New["TimeToLiveSpecification"]) {
		return nil
	}
	set := func(v any, enabled bool) error {
		spec := object(v)
		in := &dynamodb.UpdateTimeToLiveInput{TableName: name, TimeToLiveSpecification: &dynamodb.TimeToLiveSpecification{
			AttributeName: text(spec["AttributeName"]), Enabled: enabled,
		}}
		_, err := Do(op, dynamodb.UpdateTimeToLive, in)
		return err
	}
	old, spec := object(op.Old["TimeToLiveSpecification"]), object(op.New["TimeToLiveSpecification"])
	was, is := truth(old["Enabled"]), truth(spec["Enabled"])
	if was && (!is || !Equal(old["AttributeName"], spec["AttributeName"])) {
		if err := set(old, false); err != nil {
			return err
		}
		was = false
	}
	if is && !was {
		return set(spec, true)
	}
	return nil
}

// backUp turns the recovery of a table to points in time on and off.
func backUp(op *Op, name string) error {
	if Equal(op.Old["PointInTimeRecoverySpecification"], op.New["PointInTimeRecoverySpecification"]) {
		return nil
	}
	in := &dynamodb.UpdateContinuousBackupsInput{TableName: name, PointInTimeRecoverySpecification: &dynamodb.PointInTimeRecoverySpecification{}}
	if err := Bind(op, pick(op.New, "PointInTimeRecoverySpecification"), in); err != nil {
		return err
	}
	_, err := Do(op, dynamodb.UpdateContinuousBackups, in)
	return err
}

func updateTable(op *Op) (*Made, error) {
	name, bare := op.PhysicalID, op.bare()
	index, err := indexChange(bare)
	if err != nil {
		return nil, err
	}
	if err := updateThroughput(bare); err != nil {
		return nil, err
	}
	if err := updateStream(op); err != nil {
		return nil, err
	}
	if index != nil {
		in := &dynamodb.UpdateTableInput{TableName: name, GlobalSecondaryIndexUpdates: index}
		if err := Bind(op, pick(op.New, "AttributeDefinitions"), in); err != nil {
			return nil, err
		}
		if err := changeTable(op, in); err != nil {
			return nil, err
		}
	}
	made, err := finishTable(op, name)
	if err != nil {
		return made, err
	}
	return made, retagTable(op, text(made.Attributes["Arn"]))
}

func changeTable(op *Op, in *dynamodb.UpdateTableInput) error {
	if _, err := Do(op, dynamodb.UpdateTable, in); err != nil {
		return err
	}
	_, err := settledTable(op, op.PhysicalID)
	return err
}

// updateThroughput changes what can be changed at once.
func updateThroughput(op *Op) error {
	names := []string{"BillingMode", "DeletionProtectionEnabled", "OnDemandThroughput", "ProvisionedThroughput", "TableClass", "WarmThroughput"}
	changed := slices.DeleteFunc(names, func(name string) bool { return !op.Changed(name) })
	if len(changed) > 0 {
		defaults := map[string]any{"BillingMode": "PROVISIONED", "DeletionProtectionEnabled": "false", "TableClass": "STANDARD"}
		in := &dynamodb.UpdateTableInput{TableName: op.PhysicalID}
		for _, values := range []map[string]any{pick(defaults, changed...), pick(op.New, changed...)} {
			if err := Bind(op, values, in); err != nil {
				return err
			}
		}
		if in.BillingMode != nil && *in.BillingMode == "PROVISIONED" {
			for _, element := range list(op.New["GlobalSecondaryIndexes"]) {
				update := &dynamodb.UpdateGlobalSecondaryIndexAction{}
				if err := Bind(op, pick(object(element), "IndexName", "ProvisionedThroughput"), update); err != nil {
					return err
				}
				in.GlobalSecondaryIndexUpdates = append(in.GlobalSecondaryIndexUpdates, dynamodb.GlobalSecondaryIndexUpdate{Update: update})
			}
		}
		if err := changeTable(op, in); err != nil {
			return err
		}
	}
	if !op.Changed("SSESpecification") {
		return nil
	}
	in := &dynamodb.UpdateTableInput{TableName: op.PhysicalID, SSESpecification: encryption(op.New["SSESpecification"])}
	if in.SSESpecification == nil {
		in.SSESpecification = &dynamodb.SSESpecification{Enabled: new(false)}
	}
	return changeTable(op, in)
}

// updateStream turns the stream of a table off, on, or both.
func updateStream(op *Op) error {
	old, spec := stream(op.Old["StreamSpecification"]), stream(op.New["StreamSpecification"])
	if aws.Value(aws.Value(old).StreamViewType) == aws.Value(aws.Value(spec).StreamViewType) {
		return nil
	}
	if old != nil {
		in := &dynamodb.UpdateTableInput{TableName: op.PhysicalID, StreamSpecification: &dynamodb.StreamSpecification{}}
		if err := changeTable(op, in); err != nil {
			return err
		}
	}
	if spec == nil {
		return nil
	}
	return changeTable(op, &dynamodb.UpdateTableInput{TableName: op.PhysicalID, StreamSpecification: spec})
}

// indexChange is what becomes of the global indexes of a table. Only one can be
// made or deleted at a time.
func indexChange(op *Op) ([]dynamodb.GlobalSecondaryIndexUpdate, error) {
	byName := func(v any) map[string]map[string]any {
		out := make(map[string]map[string]any)
		for _, element := range list(v) {
			out[text(object(element)["IndexName"])] = object(element)
		}
		return out
	}
	old, indexes := byName(op.Old["GlobalSecondaryIndexes"]), byName(op.New["GlobalSecondaryIndexes"])
	var updates []dynamodb.GlobalSecondaryIndexUpdate
	structural := 0
	for _, element := range list(op.New["GlobalSecondaryIndexes"]) {
		name := text(object(element)["IndexName"])
		update := dynamodb.GlobalSecondaryIndexUpdate{}
		var err error
		switch before := old[name]; {
		case before == nil:
			structural++
			update.Create = &dynamodb.CreateGlobalSecondaryIndexAction{}
			err = Bind(op, indexes[name], update.Create)
		case Equal(before, indexes[name]) || op.Changed("BillingMode"):
			continue
		case !Equal(before["KeySchema"], indexes[name]["KeySchema"]) || !Equal(before["Projection"], indexes[name]["Projection"]):
			return nil, invalidRequest("Cannot update GSI's properties other than Provisioned Throughput and Contributor Insights Specification. You can create a new GSI with a different name.")
		default:
			update.Update = &dynamodb.UpdateGlobalSecondaryIndexAction{}
			err = Bind(op, without(indexes[name], "KeySchema", "Projection"), update.Update)
		}
		if err != nil {
			return nil, err
		}
		updates = append(updates, update)
	}
	for _, element := range list(op.Old["GlobalSecondaryIndexes"]) {
		if name := text(object(element)["IndexName"]); indexes[name] == nil {
			structural++
			updates = append(updates, dynamodb.GlobalSecondaryIndexUpdate{Delete: &dynamodb.DeleteGlobalSecondaryIndexAction{IndexName: name}})
		}
	}
	if structural > 1 {
		return nil, invalidRequest("Cannot perform more than one GSI creation or deletion in a single update")
	}
	return updates, nil
}
