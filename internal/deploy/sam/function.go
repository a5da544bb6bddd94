package sam

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
)

func itoa(i int) string { return strconv.Itoa(i) }

var functionSchema = newSchema(functionType, `FunctionName:sm Handler Runtime CodeUri ImageUri PackageType InlineCode
	DeadLetterQueue:m Description MemorySize Timeout VpcConfig Role:s AssumeRolePolicyDocument:m Policies:sm[sm] RolePath
	PermissionsBoundary:s Environment:{m} Events:{m} Tags:m PropagateTags:b Tracing:ms KmsKeyArn DeploymentPreference:m
	ReservedConcurrentExecutions Layers:[sm] EventInvokeConfig:m EphemeralStorage AutoPublishAlias:s AutoPublishCodeSha256:s
	AutoPublishAliasAllProperties:b= VersionDescription ProvisionedConcurrencyConfig FileSystemConfigs ImageConfig
	CodeSigningConfigArn Architectures SnapStart:m FunctionUrlConfig:m RuntimeManagementConfig LoggingConfig RecursiveLoop
	SourceKMSKeyArn CapacityProviderConfig:m FunctionScalingConfig:m VersionDeletionPolicy:(Delete|Retain)
	PublishToLatestPublished TenancyConfig DurableConfig:m`)

// A function is an AWS::Serverless::Function that is being expanded.
type function struct {
	*macro
	made     *resource // the AWS::Lambda::Function
	alias    *resource // nil if there is none
	aliasOf  string    // its name
	role     *resource
	policies []any // inline ones that destinations need
}

// expandFunction makes a function, its role, its version and alias, its URL,
// and what its events need.
func expandFunction(m *macro) ([]*resource, error) {
	f := &function{macro: m}
	if err := f.linkEvents(); err != nil {
		return nil, err
	}
	if err := f.check(); err != nil {
		return nil, err
	}
	var err error
	if f.made, err = f.construct(); err != nil {
		return nil, err
	}
	made := []*resource{f.made}
	for _, part := range []func() ([]*resource, error){
		f.versionAndAlias, f.url, f.rollout, f.invokeConfig, f.executionRole, f.events,
	} {
		more, err := part()
		if err != nil {
			return nil, err
		}
		made = append(made, more...)
	}
	if tags := asObject(m.props["Tags"]); len(tags) > 0 && given(m.props["PropagateTags"]) {
		propagateTags(made, tags)
	}
	return made, nil
}

func (f *function) check() error {
	p := f.props
	var reasons []string
	for _, pair := range [][2]string{{"CapacityProviderConfig", "ProvisionedConcurrencyConfig"}, {"CapacityProviderConfig", "VpcConfig"}} {
		if p[pair[0]] != nil && p[pair[1]] != nil {
			reasons = append(reasons, "Cannot specify '"+pair[0]+"' and '"+pair[1]+"' together.")
		}
	}
	for _, pair := range [][2]string{{"FunctionScalingConfig", "CapacityProviderConfig"}, {"VersionDeletionPolicy", "AutoPublishAlias"}} {
		if p[pair[0]] != nil && p[pair[1]] == nil {
			reasons = append(reasons, "'"+pair[0]+"' requires '"+pair[1]+"'.")
		}
	}
	if reasons != nil {
		return badResource(f.id, "%s", strings.Join(reasons, "\n"))
	}
	if queue := asObject(p["DeadLetterQueue"]); len(queue) > 0 {
		if !given(queue["Type"]) || !given(queue["TargetArn"]) {
			return badResource(f.id, "'DeadLetterQueue' requires Type and TargetArn properties to be specified.")
		}
		if err := wantResource(f.id, "DeadLetterQueue.Type", queue["Type"], aString); err != nil {
			return err
		}
		if deadLetterActions[queue["Type"].(string)] == "" {
			return badResource(f.id, "'DeadLetterQueue' requires Type of ['SQS', 'SNS']")
		}
	}
	return f.checkTenancy()
}

// deadLetterActions are what a function does with its dead letters.
var deadLetterActions = map[string]string{"SQS": "sqs:SendMessage", "SNS": "sns:Publish"}

func (f *function) checkTenancy() error {
	p := f.props
	if !given(p["TenancyConfig"]) {
		return nil
	}
	for _, c := range []struct{ property, words string }{
		{"ProvisionedConcurrencyConfig", "Provisioned concurrency"}, {"FunctionUrlConfig", "Function URL"}, {"SnapStart", "SnapStart"},
	} {
		if given(p[c.property]) {
			return badResource(f.id, "%s is not supported for functions enabled with tenancy configuration.", c.words)
		}
	}
	events := asObject(p["Events"])
	for _, name := range keys(events) {
		if typ := at(events[name], "Type"); typ != "Api" && typ != "HttpApi" {
			return badResource(f.id, "Event source '%s' is not supported for functions enabled with tenancy configuration. Only Api and HttpApi event sources are supported.", shown(typ))
		}
	}
	return nil
}

func (f *function) construct() (*resource, error) {
	p := f.props
	r := newResource("AWS::Lambda::Function", f.id, f.attrs)
	r.dependsOn = f.dependsOn
	if given(p["FunctionName"]) {
		r.props["FunctionName"] = p["FunctionName"]
	}
	copyMembers(r.props, p, "Handler", "Runtime", "Description", "MemorySize", "Timeout", "VpcConfig", "Role", "Environment",
		"KmsKeyArn", "ReservedConcurrentExecutions", "Layers", "FileSystemConfigs", "ImageConfig", "PackageType",
		"Architectures", "SnapStart", "EphemeralStorage", "CodeSigningConfigArn", "RuntimeManagementConfig", "LoggingConfig",
		"TenancyConfig", "RecursiveLoop", "DurableConfig", "PublishToLatestPublished")
	code, err := f.code()
	if err != nil {
		return nil, err
	}
	r.props["Code"] = code
	if r.props["Tags"], err = f.samTags(); err != nil {
		return nil, err
	}
	traced, err := f.traced()
	if err != nil {
		return nil, err
	}
	if traced {
		r.props["TracingConfig"] = object{"Mode": p["Tracing"]}
	}
	if queue := asObject(p["DeadLetterQueue"]); len(queue) > 0 {
		r.props["DeadLetterConfig"] = object{"TargetArn": queue["TargetArn"]}
	}
	if given(p["CapacityProviderConfig"]) {
		if r.props["CapacityProviderConfig"], err = f.capacityProvider(); err != nil {
			return nil, err
		}
	}
	if given(p["FunctionScalingConfig"]) {
		r.props["FunctionScalingConfig"] = p["FunctionScalingConfig"]
	}
	return r, f.checkPackage(r)
}

// traced says whether the function is to be traced.
func (f *function) traced() (bool, error) {
	mode, err := f.resolved("Tracing")
	return given(f.props["Tracing"]) && mode != "Disabled", err
}

// reservedTags are those that only the transform sets.
var reservedTags = []string{"lambda:createdBy", "serverlessrepo:applicationId", "serverlessrepo:semanticVersion"}

// samTags returns the tags of what a resource stands for.
func (m *macro) samTags(more ...object) ([]any, error) {
	tags := asObject(m.props["Tags"])
	for _, reserved := range reservedTags {
		if _, has := tags[reserved]; has {
			return nil, badResource(m.id, "%s is a reserved Tag key name and cannot be set on your resource. Please change the tag key in the input.", reserved)
		}
	}
	list := tagList(object{"lambda:createdBy": "SAM"})
	for _, extra := range more {
		list = append(list, tagList(extra)...)
	}
	return append(list, tagList(tags)...), nil
}

var dynamicPath = regexp.MustCompile(`\{\{resolve:(ssm|ssm-secure|secretsmanager):[a-zA-Z0-9_.\-/]+(:\d+)?\}\}`)

// codeLocation is where Lambda finds code or a layer.
func codeLocation(id, property string, v any) (object, error) {
	switch v := v.(type) {
	case string:
		if strings.Contains(dynamicPath.FindString(v), "/") {
			return nil, badResource(id, "Unsupported dynamic reference detected in '%s'. Please consider using alternative 'FunctionCode' object format.", property)
		}
		if parseS3(v) == nil {
			return nil, badResource(id, `'%s' is not a valid S3 Uri of the form "s3://bucket/key" with optional versionId query parameter.`, property)
		}
	case object:
	default:
		return nil, badResource(id, "'%s' must be of type dict or string.", property)
	}
	code, err := s3Location(id, property, v, "S3Bucket", "S3Key", "S3ObjectVersion")
	if err == nil {
		put(code, "S3ObjectStorageMode", asObject(v)["StorageMode"])
	}
	return code, err
}

func (f *function) code() (object, error) {
	p := f.props
	switch kind := p["PackageType"]; {
	case !given(kind), kind == "Zip":
		code := object{"ZipFile": p["InlineCode"]}
		if p["InlineCode"] == nil {
			if p["CodeUri"] == nil {
				return nil, badResource(f.id, "Only one of 'InlineCode' or 'CodeUri' can be set.")
			}
			var err error
			if code, err = codeLocation(f.id, "CodeUri", p["CodeUri"]); err != nil {
				return nil, err
			}
		}
		if given(p["SourceKMSKeyArn"]) {
			code["SourceKMSKeyArn"] = p["SourceKMSKeyArn"]
		}
		return code, nil
	case kind == "Image":
		if p["ImageUri"] == nil {
			return nil, badResource(f.id, "'ImageUri' must be set.")
		}
		if !given(p["ImageUri"]) {
			return nil, badResource(f.id, "'ImageUri' requires that a image hosted at a registry be specified.")
		}
		return object{"ImageUri": p["ImageUri"]}, nil
	default:
		return nil, badResource(f.id, "invalid 'PackageType' : %s", shown(kind))
	}
}

func (f *function) checkPackage(r *resource) error {
	if r.props["PackageType"] == "Image" {
		if given(r.props["Handler"]) || given(r.props["Runtime"]) || given(r.props["Layers"]) {
			return badResource(f.id, "Runtime, Handler, Layers cannot be present when PackageType is of type `Image`")
		}
		return nil
	}
	if !given(r.props["Runtime"]) || !given(r.props["Handler"]) {
		return badResource(f.id, "Runtime and Handler needs to be present when PackageType is of type `Zip`")
	}
	if given(r.props["ImageConfig"]) {
		return badResource(f.id, "ImageUri or ImageConfig cannot be present when PackageType is of type `Zip`")
	}
	return nil
}

func (f *function) capacityProvider() (object, error) {
	c := asObject(f.props["CapacityProviderConfig"])
	out := object{"CapacityProviderArn": c["Arn"]}
	for _, key := range keys(c) {
		if !slices.Contains([]string{"Arn", "PerExecutionEnvironmentMaxConcurrency", "ExecutionEnvironmentMemoryGiBPerVCpu"}, key) {
			return nil, badResource(f.id, "Invalid CapacityProviderConfig: 1 validation error for CapacityProviderConfig\n%s\n  extra fields not permitted (type=value_error.extra)", key)
		}
	}
	copyMembers(out, c, "PerExecutionEnvironmentMaxConcurrency", "ExecutionEnvironmentMemoryGiBPerVCpu")
	return object{"LambdaManagedInstancesCapacityProviderConfig": out}, nil
}

// executionRole makes the role that the function acts as, if it names none.
func (f *function) executionRole() ([]*resource, error) {
	p := f.props
	assume := p["AssumeRolePolicyDocument"]
	if assume == nil {
		assume = assumeRole("lambda.amazonaws.com")
	}
	managed := []string{managedARN("service-role/AWSLambdaBasicExecutionRole")}
	if given(p["DurableConfig"]) {
		managed[0] = managedARN("service-role/AWSLambdaBasicDurableExecutionRolePolicy")
	}
	traced, err := f.traced()
	if err != nil {
		return nil, err
	}
	if traced {
		managed = append(managed, managedARN("AWSXrayWriteOnlyAccess"))
	}
	if given(p["VpcConfig"]) {
		managed = append(managed, managedARN("service-role/AWSLambdaVPCAccessExecutionRole"))
	}
	var documents []any
	if queue := asObject(p["DeadLetterQueue"]); len(queue) > 0 {
		documents = append(documents, object{"PolicyName": "DeadLetterQueuePolicy", "PolicyDocument": object{
			"Version": "2012-10-17",
			"Statement": []any{object{
				"Action": deadLetterActions[asString(queue["Type"])], "Resource": queue["TargetArn"], "Effect": "Allow",
			}},
		}})
	}
	tags, err := f.samTags()
	if err != nil {
		return nil, err
	}
	spec := roleSpec{
		resource: f.id, attrs: f.passed(), assume: assume, policies: p["Policies"], managed: managed,
		documents: append(documents, f.policies...), path: p["RolePath"], boundary: p["PermissionsBoundary"], tags: tags,
	}
	if f.role, err = spec.role(); err != nil {
		return nil, err
	}
	if p["Role"] == nil {
		f.made.props["Role"] = f.role.arn()
		return []*resource{f.role}, nil
	}
	if isIf(p["Role"]) {
		return f.conditionalRole()
	}
	return nil, nil
}

// conditionalRole makes a role for the branch of Role that names none.
func (f *function) conditionalRole() ([]*resource, error) {
	v, err := f.resolved("Role")
	if err != nil {
		return nil, err
	}
	args, ok := ifArgs(v)
	if !ok {
		return nil, badResource(f.id, "Malformed 'Role' property: Fn::If requires 3 arguments.")
	}
	condition, _ := args[0].(string)
	switch yes, no := isNoValue(args[1]), isNoValue(args[2]); {
	case yes && no:
		f.made.props["Role"] = f.role.arn()
	case yes:
		f.made.props["Role"] = choice(condition, f.role.arn(), args[2])
		f.role.attrs["Condition"] = condition
	case no:
		f.made.props["Role"] = choice(condition, args[1], f.role.arn())
		f.role.attrs["Condition"] = "NOT" + condition
		f.t.addCondition("NOT"+condition, not(condition))
	default:
		return nil, nil
	}
	return []*resource{f.role}, nil
}

func not(condition string) object {
	return object{"Fn::Not": []any{object{"Condition": condition}}}
}
