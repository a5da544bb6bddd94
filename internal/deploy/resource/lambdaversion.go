package resource

import (
	"strconv"
	"strings"

	"github.com/aloft-cloud/aloft/internal/api/lambda"
	"github.com/aloft-cloud/aloft/internal/aws"
)

func functionVersion() *Type {
	publish := func(op *Op) (*lambda.FunctionConfiguration, error) {
		in := &lambda.PublishVersionInput{}
		if err := Bind(op, without(op.New, "ProvisionedConcurrencyConfig", "RuntimePolicy"), in); err != nil {
			return nil, err
		}
		return Do(op, lambda.PublishVersion, in)
	}
	made := func(c *lambda.FunctionConfiguration) *Made {
		arn := aws.Value(c.FunctionArn)
		return &Made{PhysicalID: arn, Attributes: map[string]any{"FunctionArn": arn, "Version": aws.Value(c.Version)}}
	}
	return &Type{
		Name:       "AWS::Lambda::Version",
		Properties: Props(`CodeSha256@ Description@ FunctionName!@ FunctionScalingConfig- ProvisionedConcurrencyConfig RuntimePolicy@`),
		Attributes: []string{"FunctionArn", "Version"},
		Create: func(op *Op) (*Made, error) {
			before, err := lastVersion(op)
			if err != nil {
				return nil, err
			}
			c, err := publish(op)
			if err != nil {
				return nil, err
			}
			if n, _ := strconv.Atoi(aws.Value(c.Version)); n <= before {
				return nil, alreadyExists("A version for this Lambda function exists ( %s ). Modify the function to create a new version.", aws.Value(c.Version))
			}
			return settledVersion(op, made(c))
		},
		Update: func(op *Op) (*Made, error) {
			return settledVersion(op, &Made{PhysicalID: op.PhysicalID, Attributes: op.Attributes})
		},
		Delete: func(op *Op) error {
			name, version := splitVersion(op.PhysicalID)
			_, err := Do(op, lambda.DeleteFunction, &lambda.DeleteFunctionInput{FunctionName: name, Qualifier: &version})
			return err
		},
		// To publish what has been published gives the version there is.
		Find: func(op *Op) (*Made, error) {
			c, err := publish(op)
			if err != nil {
				return nil, err
			}
			return settledVersion(op, made(c))
		},
	}
}

// settledVersion gives a version what its template says of runtimes and of
// workers that are ready.
func settledVersion(op *Op, made *Made) (*Made, error) {
	name, version := splitVersion(made.PhysicalID)
	if policy := object(op.New["RuntimePolicy"]); len(policy) > 0 && op.Old == nil {
		in := &lambda.PutRuntimeManagementConfigInput{FunctionName: name, Qualifier: &version}
		if err := Bind(op, policy, in); err != nil {
			return made, err
		}
		if _, err := Do(op, lambda.PutRuntimeManagementConfig, in); err != nil {
			return made, err
		}
	}
	return made, provision(op, name, version)
}

// provision has as many workers of a version or alias ready as its template
// says, and waits until they are.
func provision(op *Op, name, qualifier string) error {
	if !op.Changed("ProvisionedConcurrencyConfig", "FunctionVersion") {
		return nil
	}
	config := object(op.New["ProvisionedConcurrencyConfig"])
	if len(config) == 0 {
		if op.Old == nil || len(object(op.Old["ProvisionedConcurrencyConfig"])) == 0 {
			return nil
		}
		_, err := Do(op, lambda.DeleteProvisionedConcurrencyConfig, &lambda.DeleteProvisionedConcurrencyConfigInput{FunctionName: name, Qualifier: qualifier})
		return err
	}
	in := &lambda.PutProvisionedConcurrencyConfigInput{FunctionName: name, Qualifier: qualifier}
	if err := Bind(op, config, in); err != nil {
		return err
	}
	if _, err := Do(op, lambda.PutProvisionedConcurrencyConfig, in); err != nil {
		return err
	}
	return settle(op, func() (bool, error) {
		out, err := Do(op, lambda.GetProvisionedConcurrencyConfig, &lambda.GetProvisionedConcurrencyConfigInput{FunctionName: name, Qualifier: qualifier})
		if err != nil {
			return false, err
		}
		if aws.Value(out.Status) == lambda.ProvisionedConcurrencyStatusEnumFailed {
			return false, invalidRequest("Provisioned concurrency failed: " + aws.Value(out.StatusReason))
		}
		return aws.Value(out.Status) == lambda.ProvisionedConcurrencyStatusEnumReady, nil
	})
}

// splitVersion splits the last part off an ARN.
func splitVersion(arn string) (name, version string) {
	i := strings.LastIndexByte(arn, ':')
	return arn[:max(i, 0)], arn[i+1:]
}

// lastVersion is the number of the newest version of a function, or 0.
func lastVersion(op *Op) (int, error) {
	last := 0
	in := &lambda.ListVersionsByFunctionInput{FunctionName: op.Text("FunctionName")}
	for {
		out, err := Do(op, lambda.ListVersionsByFunction, in)
		if err != nil {
			return 0, err
		}
		for _, v := range out.Versions {
			if n, err := strconv.Atoi(aws.Value(v.Version)); err == nil {
				last = max(last, n)
			}
		}
		if in.Marker = out.NextMarker; in.Marker == nil {
			return last, nil
		}
	}
}

// routing reads the weights of an alias, a list in templates.
func routing(v any) *lambda.AliasRoutingConfiguration {
	out := &lambda.AliasRoutingConfiguration{AdditionalVersionWeights: make(map[string]float64)}
	for _, element := range list(object(v)["AdditionalVersionWeights"]) {
		weight := object(element)
		share, err := strconv.ParseFloat(text(weight["FunctionWeight"]), 64)
		if err == nil {
			out.AdditionalVersionWeights[text(weight["FunctionVersion"])] = share
		}
	}
	return out
}

func functionAlias() *Type {
	made := func(c *lambda.AliasConfiguration) *Made {
		arn := aws.Value(c.AliasArn)
		return &Made{PhysicalID: arn, Attributes: map[string]any{"AliasArn": arn}}
	}
	return &Type{
		Name:       "AWS::Lambda::Alias",
		Properties: Props("Description FunctionName!@ FunctionVersion! Name!@ ProvisionedConcurrencyConfig RoutingConfig"),
		Attributes: []string{"AliasArn"},
		Create: func(op *Op) (*Made, error) {
			in := &lambda.CreateAliasInput{}
			if err := Bind(op, without(op.New, "RoutingConfig", "ProvisionedConcurrencyConfig"), in); err != nil {
				return nil, err
			}
			if op.New["RoutingConfig"] != nil {
				in.RoutingConfig = routing(op.New["RoutingConfig"])
			}
			out, err := Do(op, lambda.CreateAlias, in)
			if err != nil {
				return nil, err
			}
			return made(out), provision(op, in.FunctionName, in.Name)
		},
		Update: func(op *Op) (*Made, error) {
			if err := op.shift(); err != nil {
				return nil, err
			}
			in := &lambda.UpdateAliasInput{Description: new("")}
			if err := Bind(op, without(op.New, "RoutingConfig", "ProvisionedConcurrencyConfig"), in); err != nil {
				return nil, err
			}
			in.RoutingConfig = routing(op.New["RoutingConfig"]) // also if it moved otherwise: what failed to shift goes back
			out, err := Do(op, lambda.UpdateAlias, in)
			if err != nil {
				return nil, err
			}
			return made(out), provision(op, in.FunctionName, in.Name)
		},
		Delete: func(op *Op) error {
			_, err := Do(op, lambda.DeleteAlias, &lambda.DeleteAliasInput{FunctionName: text(op.Old["FunctionName"]), Name: text(op.Old["Name"])})
			return err
		},
		Find: func(op *Op) (*Made, error) {
			out, err := Do(op, lambda.GetAlias, &lambda.GetAliasInput{FunctionName: op.Text("FunctionName"), Name: op.Text("Name")})
			if err != nil {
				return nil, err
			}
			return made(out), provision(op, op.Text("FunctionName"), op.Text("Name"))
		},
	}
}

func permission() *Type {
	made := func(id string) *Made { return &Made{PhysicalID: id, Attributes: map[string]any{"Id": id}} }
	add := func(op *Op) (*Made, error) {
		in := &lambda.AddPermissionInput{StatementId: op.Name}
		if err := Bind(op, op.New, in); err != nil {
			return nil, err
		}
		if _, err := Do(op, lambda.AddPermission, in); err != nil {
			return nil, err
		}
		return made(op.Name), nil
	}
	return &Type{
		Name: "AWS::Lambda::Permission",
		Properties: Props(`Action!@ EventSourceToken@ FunctionName!@ FunctionUrlAuthType@ InvokedViaFunctionUrl@ Principal!@ PrincipalOrgID@
			SourceAccount@ SourceArn@`),
		Attributes: []string{"Id"},
		Naming:     Naming{Max: 100},
		Shape:      func() any { return new(lambda.AddPermissionInput) },
		Create:     add,
		Delete: func(op *Op) error {
			in := &lambda.RemovePermissionInput{FunctionName: text(op.Old["FunctionName"]), StatementId: op.PhysicalID}
			_, err := Do(op, lambda.RemovePermission, in)
			return err
		},
		// Its name is nobody else's.
		Find: func(op *Op) (*Made, error) {
			made, err := add(op)
			if IsTaken(err) {
				return &Made{PhysicalID: op.Name, Attributes: map[string]any{"Id": op.Name}}, nil
			}
			return made, err
		},
	}
}

func invokeConfig() *Type {
	put := func(op *Op, id string) (*Made, error) {
		in := &lambda.PutFunctionEventInvokeConfigInput{}
		if err := Bind(op, op.New, in); err != nil {
			return nil, err
		}
		_, err := Do(op, lambda.PutFunctionEventInvokeConfig, in)
		return &Made{PhysicalID: id}, err
	}
	return &Type{
		Name:       "AWS::Lambda::EventInvokeConfig",
		Properties: Props("DestinationConfig FunctionName!@ MaximumEventAgeInSeconds MaximumRetryAttempts Qualifier!@"),
		Naming:     Naming{Max: 128},
		Shape:      func() any { return new(lambda.PutFunctionEventInvokeConfigInput) },
		Create: func(op *Op) (*Made, error) {
			made, err := put(op, op.Name)
			if err != nil {
				return nil, err
			}
			return made, nil
		},
		Update: func(op *Op) (*Made, error) { return put(op, op.PhysicalID) },
		Delete: func(op *Op) error {
			in := &lambda.DeleteFunctionEventInvokeConfigInput{FunctionName: text(op.Old["FunctionName"]), Qualifier: new(text(op.Old["Qualifier"]))}
			_, err := Do(op, lambda.DeleteFunctionEventInvokeConfig, in)
			return err
		},
	}
}

func layerVersion() *Type {
	made := func(arn string) *Made {
		return &Made{PhysicalID: arn, Attributes: map[string]any{"LayerVersionArn": arn}}
	}
	return &Type{
		Name:       "AWS::Lambda::LayerVersion",
		Properties: Props("CompatibleArchitectures@ CompatibleRuntimes@ Content!@ Description@ LayerName@ LicenseInfo@"),
		Attributes: []string{"LayerVersionArn"},
		Naming:     Naming{Max: 140},
		Shape: func() any {
			return new(struct {
				lambda.PublishLayerVersionInput
				Content lambda.LayerVersionContentInput
			})
		},
		Create: func(op *Op) (*Made, error) {
			in := &lambda.PublishLayerVersionInput{}
			if err := Bind(op, op.New, in); err != nil {
				return nil, err
			}
			in.LayerName = op.Named("LayerName")
			out, err := Do(op, lambda.PublishLayerVersion, in)
			if err != nil {
				return nil, err
			}
			return made(aws.Value(out.LayerVersionArn)), nil
		},
		Delete: func(op *Op) error {
			layer, version := splitVersion(op.PhysicalID)
			number, err := strconv.ParseInt(version, 10, 64)
			if err != nil {
				return nil
			}
			_, err = Do(op, lambda.DeleteLayerVersion, &lambda.DeleteLayerVersionInput{LayerName: layer, VersionNumber: number})
			return err
		},
		// A generated name is nobody else's; what a name of the template had
		// published under it cannot be told.
		Find: func(op *Op) (*Made, error) {
			if op.Text("LayerName") != "" {
				return nil, nil
			}
			out, err := Do(op, lambda.ListLayerVersions, &lambda.ListLayerVersionsInput{LayerName: op.Name})
			if err != nil || len(out.LayerVersions) == 0 {
				return nil, err
			}
			return made(aws.Value(out.LayerVersions[0].LayerVersionArn)), nil
		},
	}
}

func layerPermission() *Type {
	split := func(arn string) (string, int64) {
		layer, version := splitVersion(arn)
		number, err := strconv.ParseInt(version, 10, 64)
		if err != nil {
			return arn, 0
		}
		return layer, number
	}
	return &Type{
		Name:       "AWS::Lambda::LayerVersionPermission",
		Properties: Props("Action!@ LayerVersionArn!@ OrganizationId@ Principal!@"),
		Attributes: []string{"Id"},
		Naming:     Naming{Max: 100},
		Create: func(op *Op) (*Made, error) {
			in := &lambda.AddLayerVersionPermissionInput{StatementId: op.Name}
			if err := Bind(op, op.New, in); err != nil {
				return nil, err
			}
			in.LayerName, in.VersionNumber = split(op.Text("LayerVersionArn"))
			if _, err := Do(op, lambda.AddLayerVersionPermission, in); err != nil && !IsTaken(err) {
				return nil, err
			}
			id := op.Text("LayerVersionArn") + "#" + op.Name
			return &Made{PhysicalID: id, Attributes: map[string]any{"Id": id}}, nil
		},
		Delete: func(op *Op) error {
			arn, statement, _ := strings.Cut(op.PhysicalID, "#")
			in := &lambda.RemoveLayerVersionPermissionInput{StatementId: statement}
			in.LayerName, in.VersionNumber = split(arn)
			_, err := Do(op, lambda.RemoveLayerVersionPermission, in)
			return err
		},
	}
}
