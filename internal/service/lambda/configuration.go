package lambda

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"time"

	api "github.com/aloft-cloud/aloft/internal/api/lambda"
	"github.com/aloft-cloud/aloft/internal/aws"
)

// Limits of a function's configuration, where they are not the model's.
const (
	maxNameLength = 64
	maxTimeout    = 900   // s
	maxMemory     = 10240 // MB
	maxTmp        = 10240 // MB
	maxEnv        = 4096  // bytes of the variables as JSON
	maxLayers     = 5
)

// reserved are the variables that Lambda sets itself.
var reserved = map[string]bool{
	"_HANDLER": true, "_X_AMZN_TRACE_ID": true, "AWS_DEFAULT_REGION": true, "AWS_REGION": true, "AWS_EXECUTION_ENV": true,
	"AWS_LAMBDA_FUNCTION_NAME": true, "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": true, "AWS_LAMBDA_FUNCTION_VERSION": true,
	"AWS_LAMBDA_INITIALIZATION_TYPE": true, "AWS_LAMBDA_LOG_GROUP_NAME": true, "AWS_LAMBDA_LOG_STREAM_NAME": true,
	"AWS_ACCESS_KEY": true, "AWS_ACCESS_KEY_ID": true, "AWS_SECRET_ACCESS_KEY": true, "AWS_SESSION_TOKEN": true,
	"AWS_LAMBDA_RUNTIME_API": true, "LAMBDA_TASK_ROOT": true, "LAMBDA_RUNTIME_DIR": true,
}

// A change is what an input says of a function's settings; what it leaves out is nil.
type change struct {
	operation string

	Runtime, Role, Handler *string
	Timeout, MemorySize    *int32
	Environment            *api.Environment
	EphemeralStorage       *api.EphemeralStorage
	TracingConfig          *api.TracingConfig
	LoggingConfig          *api.LoggingConfig
	SnapStart              *api.SnapStart
	TenancyConfig          *api.TenancyConfig
	DurableConfig          *api.DurableConfig
	Architectures          []string

	VpcConfig        *api.VpcConfig
	DeadLetterConfig *api.DeadLetterConfig
	KMSKeyArn        *string
	ImageConfig      *api.ImageConfig
	FileSystems      []api.FileSystemConfig
	others           map[string]bool // parts that are not supported, by name: whether they are given
}

func changeOfCreate(in *api.CreateFunctionInput) change {
	return change{
		operation: api.CreateFunction.Name,
		Runtime:   in.Runtime, Role: &in.Role, Handler: in.Handler, Timeout: in.Timeout, MemorySize: in.MemorySize,
		Environment: in.Environment, EphemeralStorage: in.EphemeralStorage, TracingConfig: in.TracingConfig,
		LoggingConfig: in.LoggingConfig, SnapStart: in.SnapStart, TenancyConfig: in.TenancyConfig, DurableConfig: in.DurableConfig, Architectures: in.Architectures,
		VpcConfig: in.VpcConfig, DeadLetterConfig: in.DeadLetterConfig, KMSKeyArn: in.KMSKeyArn, FileSystems: in.FileSystemConfigs, ImageConfig: in.ImageConfig,
		others: map[string]bool{
			"SourceKMSKeyArn":        in.Code.SourceKMSKeyArn != nil,
			"CapacityProviderConfig": in.CapacityProviderConfig != nil,
			"PublishTo":              in.PublishTo != nil,
		},
	}
}

func changeOfUpdate(in *api.UpdateFunctionConfigurationInput) change {
	return change{
		operation: api.UpdateFunctionConfiguration.Name,
		Runtime:   in.Runtime, Role: in.Role, Handler: in.Handler, Timeout: in.Timeout, MemorySize: in.MemorySize,
		Environment: in.Environment, EphemeralStorage: in.EphemeralStorage, TracingConfig: in.TracingConfig,
		LoggingConfig: in.LoggingConfig, SnapStart: in.SnapStart, DurableConfig: in.DurableConfig,
		VpcConfig: in.VpcConfig, DeadLetterConfig: in.DeadLetterConfig, KMSKeyArn: in.KMSKeyArn, FileSystems: in.FileSystemConfigs, ImageConfig: in.ImageConfig,
		others: map[string]bool{
			"CapacityProviderConfig": in.CapacityProviderConfig != nil,
		},
	}
}

// check refuses what no function can be told to be.
func (c *change) check() error {
	for _, what := range slices.Sorted(maps.Keys(c.others)) {
		if c.others[what] {
			return unsupported(c.operation, what)
		}
	}
	switch {
	case c.DeadLetterConfig != nil && !isDeadLetter(aws.Value(c.DeadLetterConfig.TargetArn)):
		return invalid("The provided dead letter target %s is neither a queue of SQS nor a topic of SNS.", *c.DeadLetterConfig.TargetArn)
	case c.Timeout != nil && *c.Timeout > maxTimeout:
		return errConstraint(aws.ValidationException, *c.Timeout, "timeout", "Member must have value less than or equal to 900")
	case c.MemorySize != nil && *c.MemorySize > maxMemory:
		return invalid("'MemorySize' value failed to satisfy constraint: Member must have value less than or equal to %d", maxMemory)
	case c.EphemeralStorage != nil && c.EphemeralStorage.Size > maxTmp:
		return errConstraint(aws.ValidationException, c.EphemeralStorage.Size, "ephemeralStorage.size", "Member must have value less than or equal to 10240")
	case c.Environment != nil:
		return checkEnv(c.Environment.Variables)
	}
	return nil
}

// isDeadLetter reports whether events can be sent to an ARN, or it is empty.
func isDeadLetter(text string) bool {
	arn, err := aws.ParseARN(text)
	return text == "" || err == nil && (arn.Service == "sqs" || arn.Service == "sns")
}

// checkEnv refuses variables that Lambda sets itself, and too many.
func checkEnv(vars map[string]string) error {
	const words = "Lambda was unable to configure your environment variables because the environment variables you have provided "
	var taken []string
	for _, k := range slices.Sorted(maps.Keys(vars)) {
		if reserved[k] {
			taken = append(taken, k)
		}
	}
	if len(taken) > 0 {
		return invalid(words+"contains reserved keys that are currently not supported for modification. Reserved keys used in this request: %s", strings.Join(taken, ", "))
	}
	var b strings.Builder
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(vars); err != nil {
		return err
	}
	if text := strings.TrimSpace(b.String()); len(text) > maxEnv {
		return invalid(words+"exceeded the 4KB limit. String measured: %s", text)
	}
	return nil
}

// newSettings are those of a function called name of which nothing is said.
func newSettings(name string) settings {
	return settings{
		Timeout:      3,
		MemoryMB:     128,
		TmpMB:        512,
		Architecture: api.ArchitectureX8664,
		Tracing:      api.TracingModePassThrough,
		LogFormat:    api.LogFormatText,
		LogGroup:     "/aws/lambda/" + name,
	}
}

// apply makes the change, which was checked, to v.
func (c *change) apply(v *settings) {
	set(&v.Runtime, c.Runtime)
	set(&v.Role, c.Role)
	set(&v.Handler, c.Handler)
	set(&v.Timeout, c.Timeout)
	set(&v.MemoryMB, c.MemorySize)
	if c.Environment != nil {
		v.Env = c.Environment.Variables
		if v.Env == nil {
			v.Env = map[string]string{}
		}
	}
	set(&v.KMSKey, c.KMSKeyArn)
	if c.ImageConfig != nil {
		v.ImageConfig = imageConfigOf(c.ImageConfig)
	}
	if c.VpcConfig != nil {
		v.Network = &network{c.VpcConfig.SubnetIds, c.VpcConfig.SecurityGroupIds, aws.Value(c.VpcConfig.Ipv6AllowedForDualStack)}
	}
	if c.FileSystems != nil {
		v.Mounts = mountsOf(c.FileSystems)
	}
	if c.DeadLetterConfig != nil {
		v.DeadLetter = aws.Value(c.DeadLetterConfig.TargetArn)
	}
	if c.EphemeralStorage != nil {
		v.TmpMB = c.EphemeralStorage.Size
	}
	if c.TracingConfig != nil {
		set(&v.Tracing, c.TracingConfig.Mode)
	}
	if c.SnapStart != nil {
		set(&v.SnapStart, c.SnapStart.ApplyOn)
	}
	if c.DurableConfig != nil {
		v.Durable = durableConfigOf(c.DurableConfig)
	}
	if c.TenancyConfig != nil {
		v.Tenancy = c.TenancyConfig.TenantIsolationMode
	}
	if len(c.Architectures) > 0 {
		v.Architecture = c.Architectures[0]
	}
	if l := c.LoggingConfig; l != nil {
		set(&v.LogFormat, l.LogFormat)
		set(&v.LogGroup, l.LogGroup)
		if v.LogFormat == api.LogFormatJson {
			v.LogLevel = aws.Or(l.ApplicationLogLevel, orElse(v.LogLevel, api.ApplicationLogLevelInfo))
			v.SystemLevel = aws.Or(l.SystemLogLevel, orElse(v.SystemLevel, api.SystemLogLevelInfo))
		} else {
			v.LogLevel, v.SystemLevel = "", ""
		}
	}
}

// set sets *to to what from points to, if anything.
func set[T any](to, from *T) {
	if from != nil {
		*to = *from
	}
}

func orElse(s, usual string) string {
	if s == "" {
		return usual
	}
	return s
}

const (
	timeFormat = "2006-01-02T15:04:05.000-0700"

	creating     = "The function is being created."
	creatingCode = "Creating"
)

// describe is a version of a function as answers show it. The ARN is as the
// caller named it.
func (v *version) describe(arn, function aws.ARN, number int64) *api.FunctionConfiguration {
	c := &api.FunctionConfiguration{
		FunctionName:     new(name(function)),
		FunctionArn:      new(arn.String()),
		Runtime:          &v.Runtime,
		Role:             &v.Role,
		Handler:          &v.Handler,
		CodeSize:         &v.Code.Size,
		CodeSha256:       new(v.Code.sha256()),
		Description:      &v.Description,
		Timeout:          &v.Timeout,
		MemorySize:       &v.MemoryMB,
		LastModified:     new(v.Modified.UTC().Format(timeFormat)),
		Version:          new(versionName(number)),
		TracingConfig:    &api.TracingConfigResponse{Mode: &v.Tracing},
		RevisionId:       &v.Revision,
		PackageType:      new(api.PackageTypeZip),
		Architectures:    []string{v.Architecture},
		EphemeralStorage: &api.EphemeralStorage{Size: v.TmpMB},
		SnapStart:        &api.SnapStartResponse{ApplyOn: new(orElse(v.SnapStart, api.SnapStartApplyOnNone)), OptimizationStatus: new(api.SnapStartOptimizationStatusOff)},
		LoggingConfig:    &api.LoggingConfig{LogFormat: &v.LogFormat, LogGroup: &v.LogGroup},
		State:            &v.State,

		RuntimeVersionConfig: &api.RuntimeVersionConfig{RuntimeVersionArn: new(runtimeVersion(function.Region, v.Runtime))},
	}
	if v.Image != nil {
		c.PackageType, c.ImageConfigResponse = new(api.PackageTypeImage), v.ImageConfig.describe()
		c.Runtime, c.Handler, c.RuntimeVersionConfig = nil, nil, nil
	}
	if v.Env != nil {
		c.Environment = &api.EnvironmentResponse{Variables: v.Env}
	}
	c.DurableConfig = v.Durable.describe()
	if v.Tenancy != "" {
		c.TenancyConfig = &api.TenancyConfig{TenantIsolationMode: v.Tenancy}
	}
	if v.KMSKey != "" {
		c.KMSKeyArn = &v.KMSKey
	}
	if n := v.Network; n != nil {
		c.VpcConfig = &api.VpcConfigResponse{SubnetIds: noNil(n.Subnets), SecurityGroupIds: noNil(n.SecurityGroups), VpcId: new(""), Ipv6AllowedForDualStack: &n.IPv6}
	}
	for _, m := range v.Mounts {
		c.FileSystemConfigs = append(c.FileSystemConfigs, api.FileSystemConfig{Arn: m.AccessPoint.String(), LocalMountPath: m.Path})
	}
	if v.DeadLetter != "" {
		c.DeadLetterConfig = &api.DeadLetterConfig{TargetArn: &v.DeadLetter}
	}
	if v.LogLevel != "" {
		c.LoggingConfig.ApplicationLogLevel, c.LoggingConfig.SystemLogLevel = &v.LogLevel, &v.SystemLevel
	}
	for i := range v.Layers {
		c.Layers = append(c.Layers, api.Layer{Arn: &v.Layers[i].ARN, CodeSize: &v.Layers[i].Code.Size})
	}
	if v.State == api.StatePending {
		c.StateReason, c.StateReasonCode = new(creating), new(creatingCode)
	}
	if v.Updated != "" {
		c.LastUpdateStatus = &v.Updated
	}
	if v.Updated == api.LastUpdateStatusInProgress {
		c.LastUpdateStatusReason, c.LastUpdateStatusReasonCode = new(creating), new(creatingCode)
	}
	return c
}

// noNil is list, and empty rather than nil.
func noNil(list []string) []string {
	if list == nil {
		return []string{}
	}
	return list
}

// list is describe for lists, which leave out what changes by itself.
func (v *version) list(arn, function aws.ARN, number int64) api.FunctionConfiguration {
	c := v.describe(arn, function, number)
	c.State, c.StateReason, c.StateReasonCode = nil, nil, nil
	c.LastUpdateStatus, c.LastUpdateStatusReason, c.LastUpdateStatusReasonCode = nil, nil, nil
	return *c
}

// touch gives v a new revision.
func (v *version) touch() { v.Revision = aws.NewRequestID() }

// begin says that v is new, or changed, and not yet ready.
func (v *version) begin(now time.Time) {
	v.Modified = now
	v.touch()
	v.Build = v.Revision
	if v.State == api.StateActive {
		v.Updated = api.LastUpdateStatusInProgress
	} else {
		v.State = api.StatePending
	}
}

// finish says that v is ready.
func (v *version) finish() {
	v.State, v.Updated = api.StateActive, api.LastUpdateStatusSuccessful
	v.touch()
}

// ready reports whether v is.
func (v *version) ready() bool {
	return v.State == api.StateActive && v.Updated == api.LastUpdateStatusSuccessful
}
