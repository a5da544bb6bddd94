package deploy_test

import (
	"testing"

	"github.com/aloft-cloud/aloft/internal/deploy"
	"github.com/aloft-cloud/aloft/internal/deploy/resource"
	"github.com/aloft-cloud/aloft/internal/deploy/template"
)

// All that is wrong with a template is found at once, each where it stands.
func TestLook(t *testing.T) {
	doc, err := template.Parse(`Transform: AWS::Serverless-2016-10-31
Parameters:
  Domain: {Type: String}
Resources:
  F:
    Type: AWS::Serverless::Function
    Properties: {Handler: a.b, Runtime: nodejs22.x, InlineCode: x}
  Nope: {Type: AWS::Nope::Nope}
  Vpc:
    Type: AWS::EC2::VPC
    Properties:
      Nope: 1
  Group:
    Type: AWS::Logs::LogGroup
    Properties:
      RetentionInDays: 3
      FieldIndexPolicies: []
Outputs:
  X: {Value: !GetAtt Group.Nope}
`, template.Options{})
	if err != nil {
		t.Fatal(err)
	}
	review := deploy.Look(doc, resource.All(), nil, deploy.Place{Account: "000000000000", Region: "us-east-1", StackName: "s", StackID: "i"}, nil)
	want := []struct {
		line int
		kind string
		id   string
	}{
		{3, deploy.Noted, ""}, {8, deploy.Refused, "Nope"}, {9, deploy.Kept, "Vpc"}, {11, deploy.Refused, "Vpc"}, {17, deploy.Refused, "Group"}, {19, deploy.Refused, ""},
	}
	for i, f := range review.Findings {
		if i >= len(want) || f.Line != want[i].line || f.Kind != want[i].kind || f.Resource != want[i].id {
			t.Errorf("finding %d = %+v", i, f)
		}
	}
	if len(review.Findings) != len(want) || len(review.Works) != 2 {
		t.Errorf("%d findings, works %v; want %d findings, and F and FRole work", len(review.Findings), review.Works, len(want))
	}
}
