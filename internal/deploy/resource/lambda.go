package resource

import (
	"archive/zip"
	"bytes"
	"cmp"
	_ "embed"
	"errors"
	"maps"
	"slices"
	"strings"

	"github.com/aloft-cloud/aloft/internal/api/lambda"
	"github.com/aloft-cloud/aloft/internal/aws"
)

// Lambda has the types of Lambda.
func Lambda() []*Type {
	return []*Type{
		function(), functionVersion(), functionAlias(), functionURL(), permission(), invokeConfig(), eventSource(),
		layerVersion(), layerPermission(), codeSigning(),
	}
}

func function() *Type {
	return &Type{
		Name: "AWS::Lambda::Function",
		Properties: Props(`Architectures CapacityProviderConfig- Code! CodeSigningConfigArn DeadLetterConfig Description DurableConfig
			EphemeralStorage Environment FileSystemConfigs FunctionName@ FunctionScalingConfig- Handler ImageConfig KmsKeyArn Layers
			LoggingConfig MemorySize PackageType@ PublishToLatestPublished- RecursiveLoop ReservedConcurrentExecutions Role! Runtime
			RuntimeManagementConfig SnapStart Tags TenancyConfig@ Timeout TracingConfig VpcConfig`),
		Attributes: []string{"Arn", "SnapStartResponse", "SnapStartResponse.ApplyOn", "SnapStartResponse.OptimizationStatus"},
		Naming:     Naming{Property: "FunctionName", Max: 64},
		Shape: func() any {
			return new(struct {
				functionSettings
				ReservedConcurrentExecutions *int32
			})
		},
		Create: createFunction,
		Update: updateFunction,
		Delete: func(op *Op) error {
			_, err := Do(op, lambda.DeleteFunction, &lambda.DeleteFunctionInput{FunctionName: op.PhysicalID})
			return err
		},
		Find: func(op *Op) (*Made, error) {
			name := op.Named("FunctionName")
			made, err := settledFunction(op, name)
			if err != nil {
				return made, err
			}
			return made, govern(op, name)
		},
	}
}

// functionSettings is what a function is made of but for its tags, which
// templates write otherwise.
type functionSettings struct {
	Architectures    []string
	Code             lambda.FunctionCode
	DeadLetterConfig *lambda.DeadLetterConfig
	Description      *string
	EphemeralStorage *lambda.EphemeralStorage
	Environment      *lambda.Environment
	Handler          *string
	ImageConfig      *lambda.ImageConfig
	Layers           []string
	LoggingConfig    *lambda.LoggingConfig
	MemorySize       *int32
	PackageType      *string
	Role             *string
	Runtime          *string
	SnapStart        *lambda.SnapStart
	TenancyConfig    *lambda.TenancyConfig
	DurableConfig    *lambda.DurableConfig
	Timeout          *int32
	TracingConfig    *lambda.TracingConfig
	VpcConfig        *lambda.VpcConfig

	FileSystemConfigs []lambda.FileSystemConfig
}

func createFunction(op *Op) (*Made, error) {
	in := &lambda.CreateFunctionInput{Tags: tagMap(op.New["Tags"]), Code: &lambda.FunctionCode{}}
	if err := Bind(op, without(op.New, "Tags"), in); err != nil {
		return nil, err
	}
	if err := inlineCode(op, &in.Code.ZipFile); err != nil {
		return nil, err
	}
	in.FunctionName = op.Named("FunctionName")
	if _, err := Do(op, lambda.CreateFunction, in); err != nil {
		return nil, err
	}
	made, err := settledFunction(op, in.FunctionName)
	if err != nil {
		return &Made{PhysicalID: in.FunctionName}, err
	}
	return made, govern(op, in.FunctionName)
}

// inlineCode packs code that is written in the template, as text.
func inlineCode(op *Op, content *[]byte) error {
	source := text(object(op.New["Code"])["ZipFile"])
	if source == "" {
		return nil
	}
	name, helper, answers := "index.js", "cfn-response.js", answerInNode
	switch runtime := op.Text("Runtime"); {
	case strings.HasPrefix(runtime, "python"):
		name, helper, answers = "index.py", "cfnresponse.py", answerInPython
	case !strings.HasPrefix(runtime, "nodejs"):
		return invalidRequest("ZipFile can only be used when Runtime is set to either of nodejs, python")
	}
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	files := [][2]string{{name, source}}
	if strings.Contains(source, "cfn-response") || strings.Contains(source, "cfnresponse") {
		files = append(files, [2]string{helper, answers})
	}
	for _, f := range files {
		file, err := w.Create(f[0])
		if err != nil {
			return err
		}
		if _, err := file.Write([]byte(f[1])); err != nil {
			return err
		}
	}
	if err := w.Close(); err != nil {
		return err
	}
	*content = b.Bytes()
	return nil
}

// settledFunction waits until a function is ready to be used or changed.
func settledFunction(op *Op, name string) (*Made, error) {
	var made *Made
	err := settle(op, func() (bool, error) {
		c, err := Do(op, lambda.GetFunctionConfiguration, &lambda.GetFunctionConfigurationInput{FunctionName: name})
		if err != nil {
			return false, err
		}
		switch {
		case aws.Value(c.State) == "Failed":
			return false, invalidRequest(aws.Value(c.StateReason))
		case aws.Value(c.LastUpdateStatus) == "Failed":
			return false, invalidRequest(aws.Value(c.LastUpdateStatusReason))
		}
		snap := map[string]any{"ApplyOn": "None", "OptimizationStatus": "Off"}
		if c.SnapStart != nil {
			snap = map[string]any{"ApplyOn": aws.Or(c.SnapStart.ApplyOn, "None"), "OptimizationStatus": aws.Or(c.SnapStart.OptimizationStatus, "Off")}
		}
		made = &Made{PhysicalID: name, Attributes: map[string]any{
			"Arn": aws.Value(c.FunctionArn), "SnapStartResponse": snap, "SnapStartResponse.ApplyOn": snap["ApplyOn"],
			"SnapStartResponse.OptimizationStatus": snap["OptimizationStatus"],
		}}
		return aws.Value(c.State) != "Pending" && aws.Value(c.LastUpdateStatus) != "InProgress", nil
	})
	return made, err
}

// govern sets what is said of a function by operations of their own.
func govern(op *Op, name string) error {
	if op.Changed("ReservedConcurrentExecutions") {
		if err := reserve(op, name); err != nil {
			return err
		}
	}
	if op.Changed("RecursiveLoop") {
		in := &lambda.PutFunctionRecursionConfigInput{FunctionName: name, RecursiveLoop: cmp.Or(op.Text("RecursiveLoop"), lambda.RecursiveLoopTerminate)}
		if _, err := Do(op, lambda.PutFunctionRecursionConfig, in); err != nil {
			return err
		}
	}
	if !op.Changed("RuntimeManagementConfig") {
		return nil
	}
	in := &lambda.PutRuntimeManagementConfigInput{FunctionName: name, UpdateRuntimeOn: lambda.UpdateRuntimeOnAuto}
	if err := Bind(op, object(op.New["RuntimeManagementConfig"]), in); err != nil {
		return err
	}
	_, err := Do(op, lambda.PutRuntimeManagementConfig, in)
	return err
}

// signs changes whose code a function may have.
func signs(op *Op, name string) error {
	if !op.Changed("CodeSigningConfigArn") {
		return nil
	}
	config := op.Text("CodeSigningConfigArn")
	if config == "" {
		_, err := Do(op, lambda.DeleteFunctionCodeSigningConfig, &lambda.DeleteFunctionCodeSigningConfigInput{FunctionName: name})
		return err
	}
	_, err := Do(op, lambda.PutFunctionCodeSigningConfig, &lambda.PutFunctionCodeSigningConfigInput{FunctionName: name, CodeSigningConfigArn: config})
	return err
}

func reserve(op *Op, name string) error {
	if text(op.New["ReservedConcurrentExecutions"]) == "" {
		if op.Old == nil || text(op.Old["ReservedConcurrentExecutions"]) == "" {
			return nil
		}
		_, err := Do(op, lambda.DeleteFunctionConcurrency, &lambda.DeleteFunctionConcurrencyInput{FunctionName: name})
		return err
	}
	in := &lambda.PutFunctionConcurrencyInput{FunctionName: name}
	if err := Bind(op, pick(op.New, "ReservedConcurrentExecutions"), in); err != nil {
		return err
	}
	_, err := Do(op, lambda.PutFunctionConcurrency, in)
	return err
}

func updateFunction(op *Op) (*Made, error) {
	name := op.PhysicalID
	if op.Changed("Code", "Architectures") {
		in := &lambda.UpdateFunctionCodeInput{FunctionName: name, Architectures: []string{"x86_64"}}
		if err := Bind(op, pick(op.New, "Architectures"), in); err != nil {
			return nil, err
		}
		if err := Bind(op, object(op.New["Code"]), in); err != nil {
			return nil, err
		}
		if err := inlineCode(op, &in.ZipFile); err != nil {
			return nil, err
		}
		if _, err := Do(op, lambda.UpdateFunctionCode, in); err != nil {
			return nil, err
		}
		if _, err := settledFunction(op, name); err != nil {
			return nil, err
		}
	}
	if err := updateConfiguration(op); err != nil {
		return nil, err
	}
	made, err := settledFunction(op, name)
	if err != nil {
		return made, err
	}
	if err := errors.Join(govern(op, name), signs(op, name)); err != nil {
		return made, err
	}
	arn := text(made.Attributes["Arn"])
	return made, retag(op, tagMap, func(tags map[string]string) error {
		_, err := Do(op, lambda.TagResource, &lambda.TagResourceInput{Resource: arn, Tags: tags})
		return err
	}, func(keys []string) error {
		_, err := Do(op, lambda.UntagResource, &lambda.UntagResourceInput{Resource: arn, TagKeys: keys})
		return err
	})
}

// unset is what a function has that says nothing of a property.
func unset() map[string]any {
	none := []any{}
	return map[string]any{
		"DeadLetterConfig": map[string]any{"TargetArn": ""}, "Description": "", "EphemeralStorage": map[string]any{"Size": "512"},
		"Environment": map[string]any{"Variables": map[string]any{}}, "FileSystemConfigs": none, "Handler": nil, "ImageConfig": map[string]any{},
		"KmsKeyArn": "", "Layers": none, "LoggingConfig": map[string]any{"LogFormat": "Text"}, "MemorySize": "128", "Role": nil, "Runtime": nil,
		"SnapStart": map[string]any{"ApplyOn": "None"}, "Timeout": "3", "TracingConfig": map[string]any{"Mode": "PassThrough"},
		"VpcConfig": map[string]any{"SubnetIds": none, "SecurityGroupIds": none},
	}
}

// updateConfiguration changes those settings of a function that differ.
func updateConfiguration(op *Op) error {
	changes := make(map[string]any)
	defaults := unset()
	for _, property := range slices.Sorted(maps.Keys(defaults)) {
		if !op.Changed(property) {
			continue
		}
		changes[property] = defaults[property]
		if v, has := op.New[property]; has {
			changes[property] = v
		}
	}
	if len(changes) == 0 {
		return nil
	}
	if env, ok := changes["Environment"].(map[string]any); ok && env["Variables"] == nil {
		changes["Environment"] = defaults["Environment"]
	}
	in := &lambda.UpdateFunctionConfigurationInput{FunctionName: op.PhysicalID}
	if err := Bind(op, changes, in); err != nil {
		return err
	}
	_, err := Do(op, lambda.UpdateFunctionConfiguration, in)
	return err
}

func functionURL() *Type {
	made := func(arn, url string) *Made {
		return &Made{PhysicalID: arn, Attributes: map[string]any{"FunctionArn": arn, "FunctionUrl": url}}
	}
	// names splits what the template calls the function by.
	names := func(properties map[string]any) (name string, qualifier *string) {
		if q := text(properties["Qualifier"]); q != "" {
			qualifier = &q
		}
		return text(properties["TargetFunctionArn"]), qualifier
	}
	return &Type{
		Name:       "AWS::Lambda::Url",
		Properties: Props("AuthType! Cors InvokeMode Qualifier@ TargetFunctionArn!@"),
		Attributes: []string{"FunctionArn", "FunctionUrl"},
		Shape:      func() any { return new(lambda.CreateFunctionUrlConfigInput) },
		Create: func(op *Op) (*Made, error) {
			in := &lambda.CreateFunctionUrlConfigInput{}
			if err := Bind(op, op.New, in); err != nil {
				return nil, err
			}
			in.FunctionName, in.Qualifier = names(op.New)
			out, err := Do(op, lambda.CreateFunctionUrlConfig, in)
			if err != nil {
				return nil, err
			}
			return made(out.FunctionArn, out.FunctionUrl), nil
		},
		Update: func(op *Op) (*Made, error) {
			in := &lambda.UpdateFunctionUrlConfigInput{Cors: &lambda.Cors{}}
			if err := Bind(op, op.New, in); err != nil {
				return nil, err
			}
			in.FunctionName, in.Qualifier = names(op.New)
			if in.InvokeMode == nil {
				in.InvokeMode = new("BUFFERED")
			}
			out, err := Do(op, lambda.UpdateFunctionUrlConfig, in)
			if err != nil {
				return nil, err
			}
			return made(out.FunctionArn, out.FunctionUrl), nil
		},
		Delete: func(op *Op) error {
			in := &lambda.DeleteFunctionUrlConfigInput{}
			in.FunctionName, in.Qualifier = names(op.Old)
			_, err := Do(op, lambda.DeleteFunctionUrlConfig, in)
			return err
		},
		Find: func(op *Op) (*Made, error) {
			in := &lambda.GetFunctionUrlConfigInput{}
			in.FunctionName, in.Qualifier = names(op.New)
			out, err := Do(op, lambda.GetFunctionUrlConfig, in)
			if err != nil {
				return nil, err
			}
			return made(out.FunctionArn, out.FunctionUrl), nil
		},
	}
}

// Answers are what CloudFormation puts beside code that stands in a template
// and asks for it: modules that answer requests of custom resources.
var (
	//go:embed answer.js
	answerInNode string
	//go:embed answer.py
	answerInPython string
)
