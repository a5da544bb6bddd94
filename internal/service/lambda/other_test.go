package lambda

import (
	"fmt"
	"strings"
	"testing"

	api "github.com/aloft-cloud/aloft/internal/api/lambda"
	"github.com/aloft-cloud/aloft/internal/aws"
)

func TestVersions(t *testing.T) {
	f := newFixture(t)
	in := f.function("fn", "echo")
	in.Publish = new(true)
	made := must(f, f.CreateFunction, in)
	equal(t, "published at once", *made.Version+" "+*made.State+" "+*made.FunctionArn, "1 Pending "+prefix+"function:fn")
	f.activateAll(f.ctx)
	again := must(f, f.PublishVersion, &api.PublishVersionInput{FunctionName: "fn"})
	equal(t, "same again", *again.Version+" "+*again.State+" "+*again.FunctionArn, "1 Active "+prefix+"function:fn:1")
	up := must(f, f.UpdateFunctionCode, &api.UpdateFunctionCodeInput{FunctionName: "fn", ZipFile: zipOf("a", "b"), Publish: new(true)})
	equal(t, "with new code", *up.Version+" "+*up.State+" "+*up.FunctionArn, "2 Pending "+prefix+"function:fn:2")
	refuse(f, f.PublishVersion, &api.PublishVersionInput{FunctionName: "fn", CodeSha256: new("aaa")},
		"InvalidParameterValueException: CodeSHA256 (aaa) is different from current CodeSHA256 in $LATEST ("+*up.CodeSha256+"). Please try again with the CodeSHA256 in $LATEST.")
	refuse(f, f.PublishVersion, &api.PublishVersionInput{FunctionName: "fn", RevisionId: new("aaa")},
		"PreconditionFailedException: The Revision Id provided does not match the latest Revision Id. Call the GetFunction/GetAlias API to retrieve the latest Revision Id")

	list := func() (found string) {
		for _, v := range must(f, f.ListVersionsByFunction, &api.ListVersionsByFunctionInput{FunctionName: "fn"}).Versions {
			found += *v.Version + " "
			if v.State != nil {
				t.Errorf("list has state")
			}
		}
		return found
	}
	equal(t, "versions", list(), "$LATEST 1 2 ")
	must(f, f.CreateAlias, &api.CreateAliasInput{FunctionName: "fn", Name: "live", FunctionVersion: "1"})
	refuse(f, f.DeleteFunction, &api.DeleteFunctionInput{FunctionName: "fn", Qualifier: new("1")},
		"ResourceConflictException: Unable to delete version because the following aliases reference it: [live]")
	refuse(f, f.DeleteFunction, &api.DeleteFunctionInput{FunctionName: "fn", Qualifier: new("live")}, "InvalidParameterValueException: Deletion of aliases is not currently supported.")
	must(f, f.DeleteAlias, &api.DeleteAliasInput{FunctionName: "fn", Name: "live"})
	must(f, f.DeleteFunction, &api.DeleteFunctionInput{FunctionName: "fn", Qualifier: new("1")})
	equal(t, "versions", list(), "$LATEST 2 ")
	f.checkCodes(1)
}

func TestAliases(t *testing.T) {
	f := newFixture(t)
	f.create("fn", "echo")
	must(f, f.PublishVersion, &api.PublishVersionInput{FunctionName: "fn"})
	must(f, f.UpdateFunctionCode, &api.UpdateFunctionCodeInput{FunctionName: "fn", ZipFile: zipOf("a", "b"), Publish: new(true)})
	weights := func(w map[string]float64) *api.AliasRoutingConfiguration {
		return &api.AliasRoutingConfiguration{AdditionalVersionWeights: w}
	}
	create := func(name, version string, w map[string]float64, want string) {
		t.Helper()
		in := &api.CreateAliasInput{FunctionName: "fn", Name: name, FunctionVersion: version}
		if w != nil {
			in.RoutingConfig = weights(w)
		}
		refuse(f, f.CreateAlias, in, want)
	}
	const fn = prefix + "function:fn"
	made := must(f, f.CreateAlias, &api.CreateAliasInput{FunctionName: "fn", Name: "custom", FunctionVersion: "1", RoutingConfig: weights(map[string]float64{"2": 0.5})})
	equal(t, "ARN", *made.AliasArn, fn+":custom")
	create("custom", "1", nil, "ResourceConflictException: Alias already exists: "+fn+":custom")
	create("x", "10", nil, "ResourceNotFoundException: Function not found: "+fn+":10")
	create("x", "1", map[string]float64{"10": 0.5}, "ResourceNotFoundException: Function not found: "+fn+":10")
	create("x", "1", map[string]float64{"1": 0.5}, "InvalidParameterValueException: Invalid function version 1. Function version 1 is already included in routing configuration.")
	create("x", "1", map[string]float64{"1": 0.5, "2": 0.1}, "InvalidParameterValueException: Number of items in AdditionalVersionWeights cannot be greater than 1")
	create("x", "$LATEST", map[string]float64{"1": 0.5}, "InvalidParameterValueException: $LATEST is not supported for an alias pointing to more than 1 version")
	refuse(f, f.GetAlias, &api.GetAliasInput{FunctionName: "fn", Name: "none"}, "ResourceNotFoundException: Cannot find alias arn: "+fn+":none")
	refuse(f, f.UpdateAlias, &api.UpdateAliasInput{FunctionName: "fn", Name: "none"}, "ResourceNotFoundException: Alias not found: "+fn+":none")
	must(f, f.DeleteAlias, &api.DeleteAliasInput{FunctionName: "fn", Name: "none"})
	up := must(f, f.UpdateAlias, &api.UpdateAliasInput{FunctionName: "fn", Name: "custom", RoutingConfig: weights(nil), RevisionId: made.RevisionId})
	equal(t, "no weights", up.RoutingConfig, nil)
	refuse(f, f.UpdateAlias, &api.UpdateAliasInput{FunctionName: "fn", Name: "custom", RevisionId: made.RevisionId},
		"PreconditionFailedException: The Revision Id provided does not match the latest Revision Id. Call the GetFunction/GetAlias API to retrieve the latest Revision Id")
	equal(t, "of version 1", len(must(f, f.ListAliases, &api.ListAliasesInput{FunctionName: "fn", FunctionVersion: new("1")}).Aliases), 1)
	equal(t, "of version 2", len(must(f, f.ListAliases, &api.ListAliasesInput{FunctionName: "fn", FunctionVersion: new("2")}).Aliases), 0)
	got := must(f, f.GetFunction, &api.GetFunctionInput{FunctionName: "fn:custom"}).Configuration
	equal(t, "by alias", *got.FunctionArn+" "+*got.Version, fn+":custom 1")
}

func TestPermissions(t *testing.T) {
	f := newFixture(t)
	f.create("fn", "echo")
	const fn = prefix + "function:fn"
	add := func(in api.AddPermissionInput) (*api.AddPermissionOutput, error) {
		in.FunctionName, in.Action = "fn", "lambda:InvokeFunction"
		return f.AddPermission(f.ctx, f.call, &in)
	}
	good := func(in api.AddPermissionInput, want string) {
		t.Helper()
		out, err := add(in)
		if err != nil {
			t.Error(err)
		} else if *out.Statement != want {
			t.Errorf("got %s, want %s", *out.Statement, want)
		}
	}
	bad := func(in api.AddPermissionInput, want string) {
		t.Helper()
		if _, err := add(in); err == nil || err.Error() != want {
			t.Errorf("got %v, want %s", err, want)
		}
	}
	const head, tail = `{"Sid":"%s","Effect":"Allow","Principal":%s,"Action":"lambda:InvokeFunction","Resource":"` + fn + `"`, `}`
	epoch := f.epoch.Load()
	good(api.AddPermissionInput{StatementId: "s3", Principal: "s3.amazonaws.com", SourceArn: new("arn:aws:s3:::b"), SourceAccount: new("111111111111")},
		fmt.Sprintf(head, "s3", `{"Service":"s3.amazonaws.com"}`)+`,"Condition":{"ArnLike":{"AWS:SourceArn":"arn:aws:s3:::b"},"StringEquals":{"AWS:SourceAccount":"111111111111"}}`+tail)
	good(api.AddPermissionInput{StatementId: "acc", Principal: "111111111111"}, fmt.Sprintf(head, "acc", `{"AWS":"arn:aws:iam::111111111111:root"}`)+tail)
	good(api.AddPermissionInput{StatementId: "all", Principal: "*", FunctionUrlAuthType: new("NONE")}, fmt.Sprintf(head, "all", `"*"`)+`,"Condition":{"StringEquals":{"lambda:FunctionUrlAuthType":"NONE"}}`+tail)
	if f.epoch.Load() == epoch {
		t.Error("the epoch did not change")
	}
	bad(api.AddPermissionInput{StatementId: "all", Principal: "*"}, "ResourceConflictException: The statement id (all) provided already exists. Please provide a new statement id, or remove the existing statement.")
	bad(api.AddPermissionInput{StatementId: "x", Principal: "invalid.nonaws.com"}, "InvalidParameterValueException: The provided principal was invalid. Please check the principal and try again.")
	bad(api.AddPermissionInput{StatementId: "x", Principal: "*", Qualifier: new("$LATEST")}, "InvalidParameterValueException: We currently do not support adding policies for $LATEST.")
	bad(api.AddPermissionInput{StatementId: "x", Principal: "*", Qualifier: new("42")}, "ResourceNotFoundException: Function not found: "+fn+":42")
	bad(api.AddPermissionInput{StatementId: "x", Principal: "*", Qualifier: new("noalias")}, "ResourceNotFoundException: Cannot find alias arn: "+fn+":noalias")
	bad(api.AddPermissionInput{StatementId: "x", Principal: "*", RevisionId: new("x")}, "PreconditionFailedException: The Revision Id provided does not match the latest Revision Id. Call the GetPolicy API to retrieve the latest Revision Id")

	doc, err := f.policy(f.ctx, f.call.ARN("lambda", "function:fn"))
	if err != nil || doc != *must(f, f.GetPolicy, &api.GetPolicyInput{FunctionName: "fn"}).Policy || !strings.HasPrefix(doc, `{"Version":"2012-10-17","Id":"default","Statement":[{"Sid":"s3"`) {
		t.Errorf("policy %s, %v", doc, err)
	}
	doc, err = f.policy(f.ctx, f.call.ARN("lambda", "function:fn:1"))
	equal(t, "policy of a version", doc, "")
	equal(t, "error", err, nil)

	refuse(f, f.RemovePermission, &api.RemovePermissionInput{FunctionName: "fn", StatementId: "none"}, "ResourceNotFoundException: Statement none is not found in resource policy.")
	for _, sid := range []string{"s3", "acc", "all"} {
		must(f, f.RemovePermission, &api.RemovePermissionInput{FunctionName: "fn", StatementId: sid})
	}
	refuse(f, f.RemovePermission, &api.RemovePermissionInput{FunctionName: "fn", StatementId: "s3"}, "ResourceNotFoundException: No policy is associated with the given resource.")
	refuse(f, f.RemovePermission, &api.RemovePermissionInput{FunctionName: "none", StatementId: "s3"}, "ResourceNotFoundException: No policy found for: "+prefix+"function:none")
	refuse(f, f.GetPolicy, &api.GetPolicyInput{FunctionName: "fn"}, "ResourceNotFoundException: The resource you requested does not exist.")
}

func TestLayers(t *testing.T) {
	f := newFixture(t)
	publish := func(text string) *api.PublishLayerVersionOutput {
		return must(f, f.PublishLayerVersion, &api.PublishLayerVersionInput{LayerName: "lib", Content: &api.LayerVersionContentInput{ZipFile: zipOf("lib.js", text)}, CompatibleRuntimes: []string{"nodejs22.x"}})
	}
	one := publish("1")
	equal(t, "ARN", *one.LayerVersionArn, prefix+"layer:lib:1")
	publish("2")
	equal(t, "versions", *must(f, f.ListLayerVersions, &api.ListLayerVersionsInput{LayerName: "lib"}).LayerVersions[0].Version, 2)
	equal(t, "layers", *must(f, f.ListLayers, &api.ListLayersInput{CompatibleRuntime: new("nodejs22.x")}).Layers[0].LatestMatchingVersion.Version, 2)
	equal(t, "layers", len(must(f, f.ListLayers, &api.ListLayersInput{CompatibleRuntime: new("python3.12")}).Layers), 0)

	in := f.function("fn", "echo")
	in.Layers = []string{prefix + "layer:lib:1", prefix + "layer:lib:2"}
	refuse(f, f.CreateFunction, in, "InvalidParameterValueException: Two different versions of the same layer are not allowed to be referenced in the same function. "+prefix+"layer:lib:1 and "+prefix+"layer:lib:2 are versions of the same layer.")
	in.Layers = in.Layers[:1]
	equal(t, "layer", *must(f, f.CreateFunction, in).Layers[0].Arn, prefix+"layer:lib:1")

	// A function keeps a layer that is deleted.
	must(f, f.DeleteLayerVersion, &api.DeleteLayerVersionInput{LayerName: "lib", VersionNumber: 1})
	must(f, f.DeleteLayerVersion, &api.DeleteLayerVersionInput{LayerName: "lib", VersionNumber: 1})
	refuse(f, f.GetLayerVersion, &api.GetLayerVersionInput{LayerName: "lib", VersionNumber: 1}, "ResourceNotFoundException: The resource you requested does not exist.")
	refuse(f, f.GetLayerVersion, &api.GetLayerVersionInput{LayerName: "lib"}, "InvalidParameterValueException: Layer Version Cannot be less than 1")
	f.checkCodes(3)
	tg, err := f.target(f.ctx, ref{f.call.ARN("lambda", "function:fn"), ""})
	if err != nil || len(tg.versions[0].function.Layers) != 1 {
		t.Errorf("layers %v, %v", tg, err)
	}
	must(f, f.UpdateFunctionConfiguration, &api.UpdateFunctionConfigurationInput{FunctionName: "fn", Layers: []string{}})
	f.checkCodes(2)
	equal(t, "next number", *publish("3").Version, 3)

	const layer = prefix + "layer:lib:2"
	added := must(f, f.AddLayerVersionPermission, &api.AddLayerVersionPermissionInput{LayerName: "lib", VersionNumber: 2, StatementId: "s1", Action: "lambda:GetLayerVersion", Principal: "*"})
	equal(t, "statement", *added.Statement, `{"Sid":"s1","Effect":"Allow","Principal":"*","Action":"lambda:GetLayerVersion","Resource":"`+layer+`"}`)
	arn, _ := aws.ParseARN(layer)
	doc, err := f.policy(f.ctx, arn)
	if err != nil || doc != *must(f, f.GetLayerVersionPolicy, &api.GetLayerVersionPolicyInput{LayerName: "lib", VersionNumber: 2}).Policy {
		t.Errorf("policy %s, %v", doc, err)
	}
	refuse(f, f.GetLayerVersionPolicy, &api.GetLayerVersionPolicyInput{LayerName: "lib", VersionNumber: 3}, "ResourceNotFoundException: No policy is associated with the given resource.")
	refuse(f, f.GetLayerVersionPolicy, &api.GetLayerVersionPolicyInput{LayerName: "lib", VersionNumber: 9}, "ResourceNotFoundException: Layer version "+prefix+"layer:lib:9 does not exist.")
	must(f, f.RemoveLayerVersionPermission, &api.RemoveLayerVersionPermissionInput{LayerName: "lib", VersionNumber: 2, StatementId: "s1"})
}

func TestTags(t *testing.T) {
	f := newFixture(t)
	in := f.function("fn", "echo")
	in.Tags = map[string]string{"a": "1"}
	must(f, f.CreateFunction, in)
	const fn = prefix + "function:fn"
	must(f, f.TagResource, &api.TagResourceInput{Resource: fn, Tags: map[string]string{"b": "2"}})
	must(f, f.UntagResource, &api.UntagResourceInput{Resource: fn, TagKeys: []string{"a", "z"}})
	equal(t, "tags", fmt.Sprint(must(f, f.ListTags, &api.ListTagsInput{Resource: fn}).Tags), "map[b:2]")
	equal(t, "tags", fmt.Sprint(must(f, f.GetFunction, &api.GetFunctionInput{FunctionName: "fn"}).Tags), "map[b:2]")
	refuse(f, f.ListTags, &api.ListTagsInput{Resource: fn + ":1"}, "InvalidParameterValueException: Tags on function aliases and versions are not supported. Please specify a function ARN.")
	refuse(f, f.ListTags, &api.ListTagsInput{Resource: fn + "2"}, "ResourceNotFoundException: Function not found: "+fn+"2")
}
