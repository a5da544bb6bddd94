package resource

import (
	"strings"

	"github.com/aloft-cloud/aloft/internal/api/cloudfront"
)

// liveStage is what distributions run of a function.
const liveStage = "LIVE"

// bindFunction makes what a function is of its properties. A template writes the
// stores that it reads as a list of objects with an ARN.
func bindFunction(op *Op) (*cloudfront.FunctionConfig, error) {
	return bindConfig[cloudfront.FunctionConfig](op, op.New["FunctionConfig"])
}

// published publishes the function of op, if that is asked, and tells of it.
func published(op *Op, name string, version *string) (*Made, error) {
	made := &Made{Attributes: map[string]any{"Stage": "DEVELOPMENT"}}
	in := &cloudfront.DescribeFunctionInput{Name: name}
	if text(op.New["AutoPublish"]) == "true" {
		if _, err := Do(op, cloudfront.PublishFunction, &cloudfront.PublishFunctionInput{Name: name, IfMatch: *version}); err != nil {
			return nil, err
		}
		made.Attributes["Stage"] = liveStage
	}
	out, err := Do(op, cloudfront.DescribeFunction, in)
	if err != nil {
		return nil, err
	}
	made.PhysicalID = out.FunctionSummary.FunctionMetadata.FunctionARN
	made.Attributes["FunctionARN"] = made.PhysicalID
	made.Attributes["FunctionMetadata.FunctionARN"] = made.PhysicalID
	return made, nil
}

// edgeFunctionVersion is the name and the version of the function of op.
func edgeFunctionVersion(op *Op) (name string, version *string, err error) {
	name = op.PhysicalID[strings.LastIndex(op.PhysicalID, "/")+1:]
	out, err := Do(op, cloudfront.DescribeFunction, &cloudfront.DescribeFunctionInput{Name: name})
	version, err = etag(out, err, func() *string { return out.ETag })
	return name, version, err
}

func edgeFunction() *Type {
	return &Type{
		Name:       "AWS::CloudFront::Function",
		Properties: Props("AutoPublish FunctionCode! FunctionConfig! FunctionMetadata Name!@ Tags"),
		Attributes: []string{"FunctionARN", "FunctionMetadata.FunctionARN", "Stage"},
		Create: func(op *Op) (*Made, error) {
			c, err := bindFunction(op)
			if err != nil {
				return nil, err
			}
			in := &cloudfront.CreateFunctionInput{Name: op.Text("Name"), FunctionConfig: c, FunctionCode: []byte(op.Text("FunctionCode"))}
			if tags := tagMap(op.New["Tags"]); tags != nil {
				in.Tags = distributionTags(tags)
			}
			out, err := Do(op, cloudfront.CreateFunction, in)
			if err != nil {
				return nil, err
			}
			arn := out.FunctionSummary.FunctionMetadata.FunctionARN
			made, err := published(op, in.Name, out.ETag)
			if err != nil {
				return &Made{PhysicalID: arn}, err
			}
			return made, nil
		},
		Update: func(op *Op) (*Made, error) {
			c, err := bindFunction(op)
			if err != nil {
				return nil, err
			}
			name, version, err := edgeFunctionVersion(op)
			if err != nil {
				return nil, err
			}
			in := &cloudfront.UpdateFunctionInput{Name: name, IfMatch: *version, FunctionConfig: c, FunctionCode: []byte(op.Text("FunctionCode"))}
			if _, err := Do(op, cloudfront.UpdateFunction, in); err != nil {
				return nil, err
			}
			if _, version, err = edgeFunctionVersion(op); err != nil { // the model misspells the ETag of UpdateFunction
				return nil, err
			}
			made, err := published(op, name, version)
			if err != nil {
				return nil, err
			}
			return made, retagDistribution(op, op.PhysicalID)
		},
		Delete: func(op *Op) error {
			name, version, err := edgeFunctionVersion(op)
			if err != nil {
				return err
			}
			_, err = Do(op, cloudfront.DeleteFunction, &cloudfront.DeleteFunctionInput{Name: name, IfMatch: *version})
			return err
		},
		Find: func(op *Op) (*Made, error) {
			out, err := Do(op, cloudfront.DescribeFunction, &cloudfront.DescribeFunctionInput{Name: op.Text("Name")})
			if err != nil {
				return nil, ignoreGone(err)
			}
			return published(op, op.Text("Name"), out.ETag)
		},
	}
}

func keyValueStore() *Type {
	made := func(k *cloudfront.KeyValueStore) *Made {
		return &Made{PhysicalID: k.Name, Attributes: map[string]any{"Arn": k.ARN, "Id": k.Id, "Status": *k.Status}}
	}
	get := func(op *Op, name string) (*cloudfront.DescribeKeyValueStoreOutput, error) {
		return Do(op, cloudfront.DescribeKeyValueStore, &cloudfront.DescribeKeyValueStoreInput{Name: name})
	}
	return &Type{
		Name:       "AWS::CloudFront::KeyValueStore",
		Properties: Props("Comment ImportSource Name!@ Tags"),
		Attributes: []string{"Arn", "Id", "Status"},
		Create: func(op *Op) (*Made, error) {
			in := &cloudfront.CreateKeyValueStoreInput{}
			if err := Bind(op, pick(op.New, "Comment", "ImportSource"), in); err != nil {
				return nil, err
			}
			in.Name = op.Text("Name")
			if tags := tagMap(op.New["Tags"]); tags != nil {
				in.Tags = distributionTags(tags)
			}
			out, err := Do(op, cloudfront.CreateKeyValueStore, in)
			if err != nil {
				return nil, err
			}
			return made(out.KeyValueStore), nil
		},
		Update: func(op *Op) (*Made, error) {
			was, err := get(op, op.PhysicalID)
			if err != nil {
				return nil, err
			}
			in := &cloudfront.UpdateKeyValueStoreInput{Name: op.PhysicalID, IfMatch: *was.ETag, Comment: op.Text("Comment")}
			if _, err := Do(op, cloudfront.UpdateKeyValueStore, in); err != nil {
				return nil, err
			}
			return made(was.KeyValueStore), retagDistribution(op, was.KeyValueStore.ARN)
		},
		Delete: func(op *Op) error {
			was, err := get(op, op.PhysicalID)
			if err != nil {
				return err
			}
			_, err = Do(op, cloudfront.DeleteKeyValueStore, &cloudfront.DeleteKeyValueStoreInput{Name: op.PhysicalID, IfMatch: *was.ETag})
			return err
		},
		Find: func(op *Op) (*Made, error) {
			out, err := get(op, op.Text("Name"))
			if err != nil {
				return nil, ignoreGone(err)
			}
			return made(out.KeyValueStore), nil
		},
	}
}

func publicKey() *Type {
	return configured[cloudfront.PublicKeyConfig]{
		create: func(op *Op, c *cloudfront.PublicKeyConfig) (string, error) {
			out, err := Do(op, cloudfront.CreatePublicKey, &cloudfront.CreatePublicKeyInput{PublicKeyConfig: c})
			if err != nil {
				return "", err
			}
			return out.PublicKey.Id, nil
		},
		update: func(op *Op, c *cloudfront.PublicKeyConfig, version *string) error {
			_, err := Do(op, cloudfront.UpdatePublicKey, &cloudfront.UpdatePublicKeyInput{Id: op.PhysicalID, IfMatch: version, PublicKeyConfig: c})
			return err
		},
		get: func(op *Op) (*string, error) {
			out, err := Do(op, cloudfront.GetPublicKeyConfig, &cloudfront.GetPublicKeyConfigInput{Id: op.PhysicalID})
			return etag(out, err, func() *string { return out.ETag })
		},
		delete: func(op *Op, version *string) error {
			_, err := Do(op, cloudfront.DeletePublicKey, &cloudfront.DeletePublicKeyInput{Id: op.PhysicalID, IfMatch: version})
			return err
		},
		list: func(op *Op, marker *string, is func(id, name string) bool) (*string, error) {
			out, err := Do(op, cloudfront.ListPublicKeys, &cloudfront.ListPublicKeysInput{Marker: marker})
			if err != nil {
				return nil, err
			}
			for _, k := range out.PublicKeyList.Items {
				if is(k.Id, k.Name) {
					return nil, nil
				}
			}
			return out.PublicKeyList.NextMarker, nil
		},
	}.typed("AWS::CloudFront::PublicKey", "PublicKeyConfig")
}

func keyGroup() *Type {
	return configured[cloudfront.KeyGroupConfig]{
		create: func(op *Op, c *cloudfront.KeyGroupConfig) (string, error) {
			out, err := Do(op, cloudfront.CreateKeyGroup, &cloudfront.CreateKeyGroupInput{KeyGroupConfig: c})
			if err != nil {
				return "", err
			}
			return out.KeyGroup.Id, nil
		},
		update: func(op *Op, c *cloudfront.KeyGroupConfig, version *string) error {
			_, err := Do(op, cloudfront.UpdateKeyGroup, &cloudfront.UpdateKeyGroupInput{Id: op.PhysicalID, IfMatch: version, KeyGroupConfig: c})
			return err
		},
		get: func(op *Op) (*string, error) {
			out, err := Do(op, cloudfront.GetKeyGroupConfig, &cloudfront.GetKeyGroupConfigInput{Id: op.PhysicalID})
			return etag(out, err, func() *string { return out.ETag })
		},
		delete: func(op *Op, version *string) error {
			_, err := Do(op, cloudfront.DeleteKeyGroup, &cloudfront.DeleteKeyGroupInput{Id: op.PhysicalID, IfMatch: version})
			return err
		},
		list: func(op *Op, marker *string, is func(id, name string) bool) (*string, error) {
			out, err := Do(op, cloudfront.ListKeyGroups, &cloudfront.ListKeyGroupsInput{Marker: marker})
			if err != nil {
				return nil, err
			}
			for _, g := range out.KeyGroupList.Items {
				if is(g.KeyGroup.Id, g.KeyGroup.KeyGroupConfig.Name) {
					return nil, nil
				}
			}
			return out.KeyGroupList.NextMarker, nil
		},
	}.typed("AWS::CloudFront::KeyGroup", "KeyGroupConfig")
}

// realtimeLog is what real-time logs have, and where they go.
func realtimeLog() *Type {
	streams := func(op *Op) []any {
		ends, _ := eachObject(op.New["EndPoints"], func(e map[string]any) map[string]any {
			e = rename(e)
			e["KinesisStreamConfig"] = rename(object(e["KinesisStreamConfig"]), "RoleArn", "RoleARN", "StreamArn", "StreamARN")
			return e
		}).([]any)
		return ends
	}
	made := func(arn string) *Made { return &Made{PhysicalID: arn, Attributes: map[string]any{"Arn": arn}} }
	return &Type{
		Name:       "AWS::CloudFront::RealtimeLogConfig",
		Properties: Props("EndPoints! Fields! Name!@ SamplingRate!"),
		Attributes: []string{"Arn"},
		Create: func(op *Op) (*Made, error) {
			in := &cloudfront.CreateRealtimeLogConfigInput{}
			properties := rename(op.New)
			properties["EndPoints"] = streams(op)
			if err := Bind(op, properties, in); err != nil {
				return nil, err
			}
			out, err := Do(op, cloudfront.CreateRealtimeLogConfig, in)
			if err != nil {
				return nil, err
			}
			return made(out.RealtimeLogConfig.ARN), nil
		},
		Update: func(op *Op) (*Made, error) {
			in := &cloudfront.UpdateRealtimeLogConfigInput{}
			properties := without(op.New, "Name")
			properties["EndPoints"] = streams(op)
			if err := Bind(op, properties, in); err != nil {
				return nil, err
			}
			in.ARN = &op.PhysicalID
			_, err := Do(op, cloudfront.UpdateRealtimeLogConfig, in)
			return made(op.PhysicalID), err
		},
		Delete: func(op *Op) error {
			_, err := Do(op, cloudfront.DeleteRealtimeLogConfig, &cloudfront.DeleteRealtimeLogConfigInput{ARN: &op.PhysicalID})
			return err
		},
		Find: func(op *Op) (*Made, error) {
			out, err := Do(op, cloudfront.GetRealtimeLogConfig, &cloudfront.GetRealtimeLogConfigInput{Name: new(op.Text("Name"))})
			if err != nil {
				return nil, ignoreGone(err)
			}
			return made(out.RealtimeLogConfig.ARN), nil
		},
	}
}
