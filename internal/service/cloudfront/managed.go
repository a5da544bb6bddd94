package cloudfront

import (
	api "github.com/aloft-cloud/aloft/internal/api/cloudfront"
)

// What AWS has made for everybody, by the ids that templates have, from its
// guide "Use managed policies".

const managedVersion = "E23ZP02F085DFQ"

func cachePolicyOf(name string, min, usual, max int64, gzip, brotli bool, query, cookies string, headers ...string) *api.CachePolicyConfig {
	h := &api.CachePolicyHeadersConfig{HeaderBehavior: "none"}
	if len(headers) > 0 {
		h = &api.CachePolicyHeadersConfig{HeaderBehavior: "whitelist", Headers: &api.Headers{Quantity: int32(len(headers)), Items: headers}}
	}
	return &api.CachePolicyConfig{Name: "Managed-" + name, MinTTL: min, DefaultTTL: &usual, MaxTTL: &max,
		ParametersInCacheKeyAndForwardedToOrigin: &api.ParametersInCacheKeyAndForwardedToOrigin{
			EnableAcceptEncodingGzip: gzip, EnableAcceptEncodingBrotli: &brotli, HeadersConfig: h,
			CookiesConfig: &api.CachePolicyCookiesConfig{CookieBehavior: cookies}, QueryStringsConfig: &api.CachePolicyQueryStringsConfig{QueryStringBehavior: query},
		}}
}

const (
	aDay  = 86_400
	aYear = 31_536_000
)

var managedCache = map[string]*api.CachePolicyConfig{
	"658327ea-f89d-4fab-a63d-7e88639e58f6": cachePolicyOf("CachingOptimized", 1, aDay, aYear, true, true, "none", "none"),
	"4135ea2d-6df8-44a3-9df3-4b5a84be39ad": cachePolicyOf("CachingDisabled", 0, 0, 0, false, false, "none", "none"),
	"b2884449-e4de-46a7-ac36-70bc7f1ddd6d": cachePolicyOf("CachingOptimizedForUncompressedObjects", 1, aDay, aYear, false, false, "none", "none"),
	"2e54312d-136d-493c-8eb9-b001f22f67d2": cachePolicyOf("Amplify", 2, 2, 600, true, true, "all", "all", "Authorization", "CloudFront-Viewer-Country", "host"),
	"08627262-05a9-4f76-9ded-b50ca2e3a84f": cachePolicyOf("Elemental-MediaPackage", 0, aDay, aYear, true, false, "none", "none", "origin"),
	"83da9c7e-98b4-4e11-a168-04f0df8e2c65": cachePolicyOf("UseOriginCacheControlHeaders", 0, 0, aYear, true, true, "none", "all", "Host", "Origin", "X-HTTP-Method-Override", "X-HTTP-Method", "X-Method-Override"),
	"4cc15a8a-d715-48a4-82b8-cc0b614638fe": cachePolicyOf("UseOriginCacheControlHeaders-QueryStrings", 0, 0, aYear, true, true, "all", "all", "Host", "Origin", "X-HTTP-Method-Override", "X-HTTP-Method", "X-Method-Override"),
}

func originPolicyOf(name, headers, cookies, query string, names ...string) *api.OriginRequestPolicyConfig {
	h := &api.OriginRequestPolicyHeadersConfig{HeaderBehavior: headers}
	if len(names) > 0 {
		h.Headers = &api.Headers{Quantity: int32(len(names)), Items: names}
	}
	return &api.OriginRequestPolicyConfig{Name: "Managed-" + name, HeadersConfig: h,
		CookiesConfig: &api.OriginRequestPolicyCookiesConfig{CookieBehavior: cookies}, QueryStringsConfig: &api.OriginRequestPolicyQueryStringsConfig{QueryStringBehavior: query}}
}

var managedOrigin = map[string]*api.OriginRequestPolicyConfig{
	"88a5eaf4-2fd4-4709-b370-b4c650ea3fcf": originPolicyOf("CORS-S3Origin", "whitelist", "none", "none", "origin", "access-control-request-headers", "access-control-request-method"),
	"59781a5b-3903-41f3-afcb-af62929ccde1": originPolicyOf("CORS-CustomOrigin", "whitelist", "none", "none", "origin"),
	"216adef6-5c7f-47e4-b989-5492eafa07d3": originPolicyOf("AllViewer", "allViewer", "all", "all"),
	"b689b0a8-53d0-40ab-baf2-68738e2966ac": originPolicyOf("AllViewerExceptHostHeader", "allExcept", "all", "all", "host"),
	"acba4595-bd28-49b8-b9fe-13317c0390fa": originPolicyOf("UserAgentRefererHeaders", "whitelist", "none", "none", "user-agent", "referer"),
	"33f36d7e-f396-46d9-90e0-52428a34d9dc": originPolicyOf("AllViewerAndCloudFrontHeaders-2022-06", "allViewerAndWhitelistCloudFront", "all", "all", "CloudFront-Forwarded-Proto"),
}

// cors lets pages of all sites read answers.
func cors(override bool, methods ...string) *api.ResponseHeadersPolicyCorsConfig {
	c := &api.ResponseHeadersPolicyCorsConfig{
		AccessControlAllowOrigins: &api.ResponseHeadersPolicyAccessControlAllowOrigins{Quantity: 1, Items: []string{"*"}},
		AccessControlAllowHeaders: &api.ResponseHeadersPolicyAccessControlAllowHeaders{Quantity: 1, Items: []string{"*"}},
		AccessControlAllowMethods: &api.ResponseHeadersPolicyAccessControlAllowMethods{Quantity: int32(len(methods)), Items: methods}, OriginOverride: override,
	}
	if len(methods) > 2 {
		c.AccessControlExposeHeaders = &api.ResponseHeadersPolicyAccessControlExposeHeaders{Quantity: 1, Items: []string{"*"}}
	}
	return c
}

func secure() *api.ResponseHeadersPolicySecurityHeadersConfig {
	return &api.ResponseHeadersPolicySecurityHeadersConfig{
		XSSProtection: &api.ResponseHeadersPolicyXSSProtection{Protection: true, ModeBlock: new(true)}, FrameOptions: &api.ResponseHeadersPolicyFrameOptions{FrameOption: "SAMEORIGIN"},
		ReferrerPolicy:     &api.ResponseHeadersPolicyReferrerPolicy{ReferrerPolicy: "strict-origin-when-cross-origin"},
		ContentTypeOptions: &api.ResponseHeadersPolicyContentTypeOptions{Override: true}, StrictTransportSecurity: &api.ResponseHeadersPolicyStrictTransportSecurity{AccessControlMaxAgeSec: aYear},
	}
}

var preflight = []string{"GET", "HEAD", "PUT", "POST", "PATCH", "DELETE", "OPTIONS"}

var managedHeaders = map[string]*api.ResponseHeadersPolicyConfig{
	"60669652-455b-4ae9-85a4-c4c02393f86c": {Name: "Managed-SimpleCORS", CorsConfig: cors(false, "GET", "HEAD")},
	"5cc3b908-e619-4b99-88e5-2cf7f45965bd": {Name: "Managed-CORS-With-Preflight", CorsConfig: cors(false, preflight...)},
	"67f7725c-6f97-4210-82d7-5512b31e9d03": {Name: "Managed-SecurityHeadersPolicy", SecurityHeadersConfig: secure()},
	"e61eb60c-9c35-4d20-a928-2b84e02af89c": {Name: "Managed-CORS-and-SecurityHeadersPolicy", CorsConfig: cors(false, "GET", "HEAD"), SecurityHeadersConfig: secure()},
	"eaab4381-ed33-4a86-88ca-d9558dc6cd63": {Name: "Managed-CORS-with-preflight-and-SecurityHeadersPolicy", CorsConfig: cors(false, preflight...), SecurityHeadersConfig: secure()},
}
