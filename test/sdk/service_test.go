package sdk_test

import (
	"os/exec"
	"slices"
	"strings"
	"testing"

	gatewayapi "github.com/aloft-cloud/aloft/internal/api/apigatewayv2"
	cfnapi "github.com/aloft-cloud/aloft/internal/api/cloudformation"
	cdnapi "github.com/aloft-cloud/aloft/internal/api/cloudfront"
	lambdaapi "github.com/aloft-cloud/aloft/internal/api/lambda"
	dnsapi "github.com/aloft-cloud/aloft/internal/api/route53"
	"github.com/aloft-cloud/aloft/internal/aws"
	aloftclient "github.com/aloft-cloud/aloft/internal/client"
)

// TestServicePlugins deploys a serverless.yml four times. What its plugins do
// when the stack is there is done: old versions go, the API has its domain, the
// domain its record, the cache is invalidated and the stack protected.
func TestServicePlugins(t *testing.T) {
	a := start(t, t.TempDir())
	var printed string
	for _, round := range []string{"1", "2", "3", "4"} {
		cmd := exec.CommandContext(t.Context(), a.bin, "deploy", "service", "-p", "round="+round)
		cmd.Env = a.clientEnv()
		out, err := cmd.CombinedOutput()
		if printed = string(out); err != nil {
			t.Fatalf("deploy: %v\n%s", err, out)
		}
	}
	if !strings.Contains(printed, "https://api.example.com/v1 leads to stage dev of the API") || strings.Contains(printed, "Left out") {
		t.Errorf("deploy says:\n%s", printed)
	}
	d := &deploys{T: t, c: clientOf(a)}
	var versions []string
	for _, v := range call(d, lambdaapi.ListVersionsByFunction, &lambdaapi.ListVersionsByFunctionInput{FunctionName: "orders-dev-list"}).Versions {
		versions = append(versions, aws.Value(v.Version))
	}
	if !slices.Equal(versions, []string{"$LATEST", "3", "4"}) {
		t.Errorf("versions %v", versions)
	}
	if n := len(call(d, lambdaapi.ListLayerVersions, &lambdaapi.ListLayerVersionsInput{LayerName: "shared"}).LayerVersions); n > 2 {
		t.Errorf("%d versions of the layer", n)
	}
	mappings := call(d, gatewayapi.GetApiMappings, &gatewayapi.GetApiMappingsInput{DomainName: "api.example.com"}).Items
	if len(mappings) != 1 || aws.Value(mappings[0].ApiMappingKey) != "v1" || mappings[0].Stage != "dev" {
		t.Errorf("mappings %v", mappings)
	}
	stack := call(d, cfnapi.DescribeStacks, &cfnapi.DescribeStacksInput{StackName: new("orders-dev")}).Stacks[0]
	if !aws.Value(stack.EnableTerminationProtection) {
		t.Error("the stack is not protected")
	}
	zone := strings.TrimPrefix(call(d, dnsapi.ListHostedZones, &dnsapi.ListHostedZonesInput{}).HostedZones[0].Id, "/hostedzone/")
	records := call(d, dnsapi.ListResourceRecordSets, &dnsapi.ListResourceRecordSetsInput{HostedZoneId: zone}).ResourceRecordSets
	if !slices.ContainsFunc(records, func(r dnsapi.ResourceRecordSet) bool { return r.Name == "api.example.com." && r.Type == "A" }) {
		t.Errorf("records %v", records)
	}
	cdn := aws.Value(stack.Outputs[slices.IndexFunc(stack.Outputs, func(o cfnapi.Output) bool { return aws.Value(o.OutputKey) == "Cdn" })].OutputValue)
	list, err := aloftclient.Do(t.Context(), d.c, cdnapi.ListInvalidations, &cdnapi.ListInvalidationsInput{DistributionId: cdn})
	check(t, err)
	if list.InvalidationList.Quantity != 4 {
		t.Errorf("%d invalidations", list.InvalidationList.Quantity)
	}
}
