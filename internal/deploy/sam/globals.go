package sam

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// globalProperties are the properties that Globals may set, by section.
var globalProperties = map[string]string{
	"Api":              "Auth Name DefinitionUri CacheClusterEnabled CacheClusterSize MergeDefinitions Variables EndpointConfiguration MethodSettings BinaryMediaTypes MinimumCompressionSize Cors GatewayResponses AccessLogSetting CanarySetting TracingEnabled OpenApiVersion Domain AlwaysDeploy PropagateTags SecurityPolicy EndpointAccessMode",
	"CapacityProvider": "VpcConfig OperatorRole Tags InstanceRequirements ScalingConfig KmsKeyArn PropagateTags LoggingConfig ManagedResourceTags",
	"Function":         "Handler Runtime CodeUri DeadLetterQueue Description MemorySize Timeout VpcConfig Environment Tags PropagateTags Tracing KmsKeyArn AutoPublishAlias AutoPublishAliasAllProperties Layers DeploymentPreference RolePath PermissionsBoundary ReservedConcurrentExecutions ProvisionedConcurrencyConfig AssumeRolePolicyDocument EventInvokeConfig FileSystemConfigs CodeSigningConfigArn Architectures SnapStart EphemeralStorage FunctionUrlConfig RuntimeManagementConfig LoggingConfig RecursiveLoop SourceKMSKeyArn TenancyConfig DurableConfig CapacityProviderConfig FunctionScalingConfig PublishToLatestPublished VersionDeletionPolicy",
	"HttpApi":          "Auth AccessLogSettings StageVariables Tags CorsConfiguration DefaultRouteSettings Domain RouteSettings FailOnWarnings PropagateTags",
	"LayerVersion":     "PublishLambdaVersion",
	"MicrovmImage":     "BuildRoleArn BaseImageArn BaseImageVersion Logging EgressNetworkConnectors CpuConfigurations Resources AdditionalOsCapabilities Hooks EnvironmentVariables Tags PropagateTags",
	"NetworkConnector": "OperatorRole Tags PropagateTags",
	"SimpleTable":      "SSESpecification",
	"StateMachine":     "PropagateTags",
	"WebSocketApi":     "AccessLogSettings ApiKeySelectionExpression DefaultRouteSettings DisableExecuteApiEndpoint DisableSchemaValidation Domain FailOnWarnings IpAddressType PropagateTags RouteSelectionExpression RouteSettings StageVariables Tags",
}

// mergeGlobals merges Globals into the resources they are for.
func (t *transformer) mergeGlobals() error {
	globals, err := t.readGlobals()
	if err != nil {
		return err
	}
	for _, id := range t.samResources() {
		section := strings.TrimPrefix(t.typeOf(id), "AWS::Serverless::")
		global, has := globals[section]
		if !has {
			continue
		}
		r := asObject(t.resources[id])
		mine, err := heeded(id, asObject(global), r["IgnoreGlobals"])
		if err != nil {
			return newError([]Cause{{id, err.Error()}})
		}
		r["Properties"] = merged(section, mine, t.properties(id))
	}
	delete(t.root, "Globals")
	for _, id := range t.samResources() {
		delete(asObject(t.resources[id]), "IgnoreGlobals")
	}
	t.fixVersions()
	return nil
}

func (t *transformer) readGlobals() (object, error) {
	v, has := t.root["Globals"]
	if !has {
		return nil, nil
	}
	bad := func(format string, args ...any) error {
		return &Error{Causes: []Cause{{Message: "'Globals' section is invalid. " + fmt.Sprintf(format, args...)}}}
	}
	globals, ok := v.(object)
	if !ok {
		return nil, bad("It must be a non-empty dictionary")
	}
	for _, section := range keys(globals) {
		names, known := globalProperties[section]
		if !known {
			return nil, bad("'%s' is not supported. Must be one of the following values - %s", section, quoted(slices.Sorted(maps.Keys(globalProperties))))
		}
		properties, ok := globals[section].(object)
		if !ok {
			return nil, bad("Value of ${section} must be a dictionary")
		}
		for _, name := range keys(properties) {
			if !slices.Contains(strings.Fields(names), name) {
				return nil, bad("'%s' is not a supported property of '%s'. Must be one of the following values - %s", name, section, quoted(strings.Fields(names)))
			}
		}
	}
	return globals, nil
}

// heeded returns the globals that a resource does not ignore.
func heeded(id string, global object, ignore any) (object, error) {
	if !given(ignore) {
		return global, nil
	}
	if ignore == "*" {
		return object{}, nil
	}
	list, ok := ignore.([]any)
	if !ok {
		return nil, badResource(id, "Resource %s has invalid resource attribute 'IgnoreGlobals'.", id)
	}
	out := maps.Clone(global)
	for _, element := range list {
		name, _ := element.(string)
		if _, has := out[name]; !has {
			return nil, badResource(id, "Resource %s has invalid resource attribute 'IgnoreGlobals' on item '%s'.", id, shown(element))
		}
		delete(out, name)
	}
	return out, nil
}

// merged merges a global value into a local one: maps member by member, lists
// one after the other; else the local one is it.
func merged(path string, global, local any) any {
	g, gIsMap := global.(object)
	l, lIsMap := local.(object)
	if gIsMap && lIsMap && !isCall(global) && !isCall(local) {
		if path == "CapacityProvider.ManagedResourceTags" && len(l) > 0 {
			return pruned(path, g, l)
		}
		out := cloneObject(g)
		for _, key := range keys(l) {
			if v, has := out[key]; has {
				out[key] = merged(path+"."+key, v, l[key])
			} else {
				out[key] = l[key]
			}
		}
		return out
	}
	if path == "Function.Architectures" || path == "CapacityProvider.InstanceRequirements.Architectures" {
		return local
	}
	gList, gIsList := global.([]any)
	lList, lIsList := local.([]any)
	if gIsList && lIsList {
		return append(clone(gList).([]any), lList...)
	}
	return local
}

// pruned merges only the members that the local map has.
func pruned(path string, global, local object) object {
	out := object{}
	for key, v := range local {
		if g, has := global[key]; has {
			v = merged(path+"."+key, g, v)
		}
		out[key] = v
	}
	return out
}

// fixVersions makes definitions that are ours OpenAPI 3 where that is asked for.
func (t *transformer) fixVersions() {
	for _, id := range t.samResources(apiType) {
		p := t.properties(id)
		version, has := p["OpenApiVersion"]
		if _, ours := p[managed]; !has || !ours || !openAPI3.MatchString(shown(version)) {
			continue
		}
		p["OpenApiVersion"] = shown(version)
		if body := asObject(p["DefinitionBody"]); body != nil {
			body["openapi"] = p["OpenApiVersion"]
			if given(body["swagger"]) {
				delete(body, "swagger")
			}
		}
	}
}
