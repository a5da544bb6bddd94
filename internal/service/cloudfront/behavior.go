package cloudfront

import (
	"strings"

	api "github.com/aloft-cloud/aloft/internal/api/cloudfront"
	"github.com/aloft-cloud/aloft/internal/gateway/glob"
)

// behaviors are the behaviours of a configuration in the order in which they are
// looked at: the default one, which is for all paths, is the last.
func behaviors(c *api.DistributionConfig) []api.CacheBehavior {
	d := c.DefaultCacheBehavior
	last := api.CacheBehavior{
		PathPattern: "*", TargetOriginId: d.TargetOriginId, TrustedSigners: d.TrustedSigners, TrustedKeyGroups: d.TrustedKeyGroups, ViewerProtocolPolicy: d.ViewerProtocolPolicy,
		AllowedMethods: d.AllowedMethods, SmoothStreaming: d.SmoothStreaming, Compress: d.Compress, LambdaFunctionAssociations: d.LambdaFunctionAssociations,
		FunctionAssociations: d.FunctionAssociations, FieldLevelEncryptionId: d.FieldLevelEncryptionId, RealtimeLogConfigArn: d.RealtimeLogConfigArn, CachePolicyId: d.CachePolicyId,
		OriginRequestPolicyId: d.OriginRequestPolicyId, ResponseHeadersPolicyId: d.ResponseHeadersPolicyId, GrpcConfig: d.GrpcConfig, ForwardedValues: d.ForwardedValues,
		MinTTL: d.MinTTL, DefaultTTL: d.DefaultTTL, MaxTTL: d.MaxTTL,
	}
	return append(append([]api.CacheBehavior(nil), c.CacheBehaviors.Items...), last)
}

// matches reports whether a path is of a pattern, in which * is any letters and
// ? is one. Patterns may do without the slash at their beginning.
func matches(pattern, path string) bool {
	if !strings.HasPrefix(pattern, "/") && !strings.HasPrefix(pattern, "*") {
		pattern = "/" + pattern
	}
	return glob.Match(pattern, path)
}
