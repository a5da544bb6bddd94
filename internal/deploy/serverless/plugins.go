package serverless

import (
	"slices"
	"strings"
)

// silentPlugins do nothing when an application is deployed, or something that
// Aloft does by itself.
var silentPlugins = []string{
	"serverless-offline", "serverless-offline-", "serverless-dynamodb-local", "serverless-dynamodb", "serverless-s3-local", "serverless-localstack",
	"serverless-deployment-bucket", "serverless-export-env", "serverless-pseudo-parameters", "serverless-dotenv-plugin",
	"serverless-step-functions-local", "serverless-step-functions-offline", "serverless-ngrok-tunnel", "serverless-plugin-scripts",
	"serverless-cloudside-plugin", "serverless-plugin-include-dependencies", "serverless-plugin-monorepo", "serverless-apigw-binary",
	"serverless-plugin-tracing", "serverless-webpack", "serverless-webpack-prisma", "serverless-esbuild", "serverless-plugin-typescript",
	"@hewmen/serverless-plugin-typescript", "serverless-bundle", "serverless-plugin-optimize", "serverless-jetpack",
	"serverless-python-requirements", "serverless-wsgi", "serverless-iam-roles-per-function", "serverless-iamroles", "serverless-s3-sync", "serverless-finch",
	"serverless-plugin-log-retention", "serverless-appsync-simulator", "serverless-better-credentials", "serverless-plugin-common-excludes",
	"serverless-step-functions", "serverless-appsync-plugin", "serverless-webpack-", "serverless-dependson-plugin", "serverless-functions-base-path", "serverless-express",
	"serverless-go-plugin", "serverless-plugin-split-stacks", "serverless-offline", "serverless-s3-deploy", "serverless-stack-output",
	"serverless-prune-plugin", "serverless-domain-manager", "serverless-cloudfront-invalidate", "serverless-baseline-invalidate-cloudfront",
	"serverless-stack-termination-protection", "serverless-termination-protection", "serverless-plugin-aws-alerts", "serverless-plugin-metric",
	"serverless-export-outputs", "serverless-manifest-plugin", "serverless-lift", "serverless-stage-manager", "serverless-plugin-aws-resolvers", proxyPlugin, canaryPlugin, "serverless-rust", "serverless-pipes", "@distinction-dev/serverless-pipes",
}

// notedPlugins would do something that is left out here.
var notedPlugins = map[string]string{
	"serverless-plugin-warmup":                       "functions are not kept warm",
	"serverless-plugin-lambda-insights":              "there is no Lambda Insights",
	"serverless-associate-waf":                       "the API is not put behind its web ACL; AssociateWebACL does that",
	"serverless-plugin-datadog":                      "nothing is sent to Datadog",
	"serverless-sentry":                              "nothing is sent to Sentry",
	"serverless-plugin-extrinsic-functions":          "its functions are not computed",
	"@keboola/serverless-papertrail-logging":         "logs are not sent to Papertrail",
	"@keboola/serverless-default-error-responses":    "errors of the API are the usual ones",
	"serverless-api-gateway-caching":                 "answers of the API are not cached",
	"serverless-api-gateway-throttling":              "the API is not throttled by route",
	"serverless-provisioned-concurrency-autoscaling": "provisioned concurrency stays as it is",
}

// refusedPlugins make what the application cannot be without.
var refusedPlugins = map[string]string{
	"serverless-fargate":                    "containers",
	"serverless-ruby-layer":                 "layers of gems",
	"serverless-rack":                       "the handler of Rack applications",
	"serverless-secrets-plugin":             "files of encrypted secrets",
	"serverless-nextjs-plugin":              "sites of Next.js",
	"serverless-vpc-plugin":                 "a VPC",
	"./vendor/bref/bref":                    "functions in PHP",
	"serverless-google-cloudfunctions":      "functions of Google",
	"serverless-azure-functions":            "functions of Azure",
	"@brettstack/serverless-amplify-plugin": "configuration of Amplify",
	"serverless-kms-grants":                 "grants of keys",
	"serverless-scriptable-plugin":          "scripts of its own",
}

// checkPlugins refuses or notes what plugins do that is not done here.
func (s *Service) checkPlugins() error {
	for i, name := range texts(pluginList(s.root["plugins"])) {
		path := []string{"plugins", itoa(i)}
		if what, refused := refusedPlugins[name]; refused && s.needed(name) {
			return s.errorAt(path, "Aloft does not do what the plugin %s makes: %s", name, what)
		}
		if what, noted := notedPlugins[name]; noted {
			s.note(path, "%s: %s", name, what)
		} else if !silent(name) && refusedPlugins[name] == "" {
			s.note(path, "%s is not run: Aloft runs no plugins, and does not know what this one does", name)
		}
	}
	return nil
}

func silent(name string) bool {
	return slices.ContainsFunc(silentPlugins, func(p string) bool {
		return p == name || strings.HasSuffix(p, "-") && strings.HasPrefix(name, p)
	})
}

// pluginSections are the members of custom without which a plugin makes nothing.
var pluginSections = map[string]string{
	"serverless-vpc-plugin": "vpcConfig", "serverless-scriptable-plugin": "scriptHooks",
}

// needed says whether the application has anything for a plugin to make.
func (s *Service) needed(plugin string) bool {
	section := pluginSections[plugin]
	return section == "" || at(s.root, "custom", section) != nil || s.root[section] != nil
}

// pluginKey says whether a function's member is understood for a plugin.
func (s *Service) pluginKey(key string) bool {
	switch key {
	case "iamRoleStatements", "iamRoleStatementsInherit", "iamRoleStatementsName", "iamPermissionsBoundary":
		return s.plugins["serverless-iam-roles-per-function"]
	case "warmup", "deploymentSettings", "alarms", "lambdaInsights":
		return true // noted with the plugin
	}
	return false
}

// pluginEvent says whether a kind of event is understood for a plugin.
func (s *Service) pluginEvent(string) bool { return false }

// extend adds what plugins would.
func (b *builder) extend() error {
	if b.s.plugins["serverless-iam-roles-per-function"] {
		b.ownRoles()
	}
	for _, step := range []func() error{b.graphQL, b.pipes, b.canaries} {
		if err := step(); err != nil {
			return err
		}
	}
	b.metrics()
	if err := b.alerts(); err != nil {
		return err
	}
	return b.stateMachines()
}
