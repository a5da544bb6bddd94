package serverless

import "slices"

// Members of the configuration that are known. Others are noted: like the
// framework, we go on without them.
var (
	topKeys = []string{
		"service", "provider", "functions", "resources", "layers", "package", "custom", "plugins", "params", "stages",
		"frameworkVersion", "useDotenv", "configValidationMode", "variablesResolutionMode", "unresolvedVariablesNotificationMode",
		"deprecationNotificationMode", "disabledDeprecations", "app", "org", "tenant", "console", "projectDir", "dashboard",
		"build", "outputs", "stepFunctions", "pipes", "appSync", "constructs", "name", "description", "licenseKey", "awsProvider", "variables", "state",
	}
	providerKeys = []string{
		"name", "runtime", "stage", "region", "environment", "iam", "memorySize", "timeout", "deploymentBucket", "lambdaHashingVersion",
		"apiGateway", "ecr", "profile", "logRetentionInDays", "logDataProtectionPolicy", "httpApi", "tracing", "architecture", "vpc",
		"stackTags", "stackName", "versionFunctions", "deploymentMethod", "logs", "variableSyntax", "tags", "deploymentPrefix",
		"websocketsApiRouteSelectionExpression", "websocketsApiName", "websocketsDescription", "websocket", "endpointType", "vpcEndpointIds",
		"apiName", "layers", "kmsKeyArn", "eventBridge", "kinesis", "s3", "disableRollback", "stackParameters", "stackPolicy",
		"notificationArns", "rollbackConfiguration", "disableDefaultOutputExportNames", "runtimeManagement", "cloudFront", "alb",
		"lambda", "credentials", "build", "recursiveLoop", "resolver",
	}
	functionKeys = []string{
		"handler", "image", "name", "description", "runtime", "events", "environment", "timeout", "memorySize", "package", "role",
		"layers", "reservedConcurrency", "provisionedConcurrency", "snapStart", "tags", "vpc", "url", "destinations", "onError",
		"maximumEventAge", "maximumRetryAttempts", "ephemeralStorageSize", "architecture", "tracing", "kmsKeyArn", "awsKmsKeyArn",
		"logRetentionInDays", "logDataProtectionPolicy", "disableLogs", "logs", "dependsOn", "condition", "fileSystemConfig", "httpApi",
		"versionFunction", "versionFunctions", "runtimeManagement", "module", "build", "include", "exclude",
	}
	// refusedKeys are top-level members that only plugins understand, and
	// that make things the application needs.
	refusedKeys = map[string]string{"fargate": "serverless-fargate"}
)

// checkKeys notes members that nothing here understands.
func (s *Service) checkKeys() error {
	for _, key := range keys(s.root) {
		if plugin, refused := refusedKeys[key]; refused {
			return s.errorAt([]string{key}, "Aloft does not do what the plugin %s makes of it", plugin)
		}
		if !slices.Contains(topKeys, key) {
			s.note([]string{key}, "nothing here understands it")
		}
	}
	for _, key := range keys(s.provider()) {
		if !slices.Contains(providerKeys, key) {
			s.note([]string{"provider", key}, "nothing here understands it")
		}
	}
	for _, f := range s.functions {
		for _, key := range keys(f.config) {
			if !slices.Contains(functionKeys, key) && !s.pluginKey(key) {
				s.note(in(f.path, key), "nothing here understands it")
			}
		}
	}
	return s.checkPlugins()
}
