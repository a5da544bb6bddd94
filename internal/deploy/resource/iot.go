package resource

import (
	"errors"
	"maps"
	"net/url"

	"github.com/aloft-cloud/aloft/internal/api/iot"
)

// IoT has the types of IoT Core.
func IoT() []*Type {
	return []*Type{topicRule(), iotThing(), iotThingType(), iotPolicy(), iotCertificate(), policyAttachment(), thingAttachment(), iotAuthorizer()}
}

// iotTags are the tags of op as a header has them.
func iotTags(op *Op) *string {
	values := make(url.Values)
	for key, value := range tagMap(op.New["Tags"]) {
		values.Set(key, value)
	}
	if len(values) == 0 {
		return nil
	}
	return new(values.Encode())
}

// retagIoT makes the tags of what an ARN names those of op.New.
func retagIoT(op *Op, arn string) error {
	return retag(op, tagMap, func(tags map[string]string) error {
		in := &iot.TagResourceInput{ResourceArn: arn}
		for key, value := range maps.All(tags) {
			in.Tags = append(in.Tags, iot.Tag{Key: key, Value: &value})
		}
		_, err := Do(op, iot.TagResource, in)
		return err
	}, func(keys []string) error {
		_, err := Do(op, iot.UntagResource, &iot.UntagResourceInput{ResourceArn: arn, TagKeys: keys})
		return err
	})
}

func topicRule() *Type {
	made := func(op *Op, name string) *Made {
		return &Made{PhysicalID: name, Attributes: map[string]any{"Arn": op.ARN("iot", "rule/"+name)}}
	}
	return &Type{
		Name:       "AWS::IoT::TopicRule",
		Properties: Props("RuleName@ Tags TopicRulePayload!"),
		Attributes: []string{"Arn"},
		Naming:     Naming{Property: "RuleName", Max: 128, Letters: true},
		Shape: func() any {
			return new(struct{ TopicRulePayload *iot.TopicRulePayload })
		},
		Create: func(op *Op) (*Made, error) {
			in := &iot.CreateTopicRuleInput{RuleName: op.Named("RuleName"), Tags: iotTags(op)}
			if err := Bind(op, pick(op.New, "TopicRulePayload"), in); err != nil {
				return nil, err
			}
			if _, err := Do(op, iot.CreateTopicRule, in); err != nil {
				return nil, err
			}
			return made(op, in.RuleName), nil
		},
		Update: func(op *Op) (*Made, error) {
			in := &iot.ReplaceTopicRuleInput{RuleName: op.PhysicalID}
			if err := Bind(op, pick(op.New, "TopicRulePayload"), in); err != nil {
				return nil, err
			}
			if _, err := Do(op, iot.ReplaceTopicRule, in); err != nil {
				return nil, err
			}
			m := made(op, op.PhysicalID)
			return m, retagIoT(op, text(m.Attributes["Arn"]))
		},
		Delete: func(op *Op) error {
			_, err := Do(op, iot.DeleteTopicRule, &iot.DeleteTopicRuleInput{RuleName: op.PhysicalID})
			return ignoreUnseen(err)
		},
		Find: func(op *Op) (*Made, error) {
			name := op.Named("RuleName")
			if _, err := Do(op, iot.GetTopicRule, &iot.GetTopicRuleInput{RuleName: name}); err != nil {
				return nil, ignoreUnseen(err)
			}
			return made(op, name), nil
		},
	}
}

// ignoreUnseen takes what IoT says of rules that are not there for nothing.
func ignoreUnseen(err error) error {
	if errors.Is(err, iot.UnauthorizedException) {
		return nil
	}
	return err
}

func iotAuthorizer() *Type {
	made := func(op *Op, name string) *Made {
		return &Made{PhysicalID: name, Attributes: map[string]any{"Arn": op.ARN("iot", "authorizer/"+name)}}
	}
	return &Type{
		Name: "AWS::IoT::Authorizer",
		Properties: Props(`AuthorizerFunctionArn! AuthorizerName@ EnableCachingForHttp SigningDisabled@ Status Tags TokenKeyName
			TokenSigningPublicKeys`),
		Attributes: []string{"Arn"},
		Naming:     Naming{Property: "AuthorizerName", Max: 128},
		Shape:      func() any { return new(iot.CreateAuthorizerInput) },
		Create: func(op *Op) (*Made, error) {
			in := &iot.CreateAuthorizerInput{}
			if err := Bind(op, op.New, in); err != nil {
				return nil, err
			}
			in.AuthorizerName = op.Named("AuthorizerName")
			if _, err := Do(op, iot.CreateAuthorizer, in); err != nil {
				return nil, err
			}
			return made(op, in.AuthorizerName), nil
		},
		Update: func(op *Op) (*Made, error) {
			in := &iot.UpdateAuthorizerInput{}
			if err := Bind(op, without(op.New, "Tags", "SigningDisabled"), in); err != nil {
				return nil, err
			}
			in.AuthorizerName = op.PhysicalID
			_, err := Do(op, iot.UpdateAuthorizer, in)
			return made(op, op.PhysicalID), err
		},
		Delete: func(op *Op) error {
			if _, err := Do(op, iot.UpdateAuthorizer, &iot.UpdateAuthorizerInput{AuthorizerName: op.PhysicalID, Status: new("INACTIVE")}); err != nil {
				return err
			}
			_, err := Do(op, iot.DeleteAuthorizer, &iot.DeleteAuthorizerInput{AuthorizerName: op.PhysicalID})
			return err
		},
		Find: func(op *Op) (*Made, error) {
			name := op.Named("AuthorizerName")
			if _, err := Do(op, iot.DescribeAuthorizer, &iot.DescribeAuthorizerInput{AuthorizerName: name}); err != nil {
				return nil, ignoreGone(err)
			}
			return made(op, name), nil
		},
	}
}
