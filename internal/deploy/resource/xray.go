package resource

import (
	"strings"

	"github.com/aloft-cloud/aloft/internal/api/xray"
	"github.com/aloft-cloud/aloft/internal/aws"
)

// XRay has the types of X-Ray.
func XRay() []*Type {
	return []*Type{traceGroup(), samplingRule()}
}

func traceGroup() *Type {
	made := func(g *xray.Group) *Made {
		return &Made{PhysicalID: aws.Value(g.GroupARN), Attributes: map[string]any{"GroupARN": aws.Value(g.GroupARN)}}
	}
	return &Type{
		Name:       "AWS::XRay::Group",
		Properties: Props("FilterExpression GroupName!@ InsightsConfiguration Tags-"),
		Attributes: []string{"GroupARN"},
		Shape:      func() any { return new(xray.CreateGroupInput) },
		Create: func(op *Op) (*Made, error) {
			in := &xray.CreateGroupInput{}
			if err := Bind(op, op.New, in); err != nil {
				return nil, err
			}
			out, err := Do(op, xray.CreateGroup, in)
			if err != nil {
				return nil, err
			}
			return made(out.Group), nil
		},
		Update: func(op *Op) (*Made, error) {
			out, err := Do(op, xray.UpdateGroup, &xray.UpdateGroupInput{GroupARN: &op.PhysicalID, FilterExpression: new(op.Text("FilterExpression"))})
			if err != nil {
				return nil, err
			}
			return made(out.Group), nil
		},
		Delete: func(op *Op) error {
			_, err := Do(op, xray.DeleteGroup, &xray.DeleteGroupInput{GroupARN: &op.PhysicalID})
			return err
		},
	}
}

func samplingRule() *Type {
	made := func(r *xray.SamplingRuleRecord) *Made {
		arn := aws.Value(r.SamplingRule.RuleARN)
		return &Made{PhysicalID: arn, Attributes: map[string]any{"RuleARN": arn}}
	}
	return &Type{
		Name:       "AWS::XRay::SamplingRule",
		Properties: Props("RuleName RuleRecord- RuleUpdate- SamplingRule! Tags-"),
		Attributes: []string{"RuleARN"},
		Create: func(op *Op) (*Made, error) {
			in := &xray.CreateSamplingRuleInput{SamplingRule: &xray.SamplingRule{}}
			if err := Bind(op, object(op.New["SamplingRule"]), in.SamplingRule); err != nil {
				return nil, err
			}
			if in.SamplingRule.Version == 0 {
				in.SamplingRule.Version = 1
			}
			out, err := Do(op, xray.CreateSamplingRule, in)
			if err != nil {
				return nil, err
			}
			return made(out.SamplingRuleRecord), nil
		},
		Update: func(op *Op) (*Made, error) {
			up := &xray.SamplingRuleUpdate{}
			if err := Bind(op, without(object(op.New["SamplingRule"]), "RuleName", "RuleARN", "Version"), up); err != nil {
				return nil, err
			}
			up.RuleName = new(op.PhysicalID[strings.LastIndexByte(op.PhysicalID, '/')+1:])
			out, err := Do(op, xray.UpdateSamplingRule, &xray.UpdateSamplingRuleInput{SamplingRuleUpdate: up})
			if err != nil {
				return nil, err
			}
			return made(out.SamplingRuleRecord), nil
		},
		Delete: func(op *Op) error {
			_, err := Do(op, xray.DeleteSamplingRule, &xray.DeleteSamplingRuleInput{RuleARN: &op.PhysicalID})
			return err
		},
	}
}
