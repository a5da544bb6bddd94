package serverless

import (
	"slices"
	"strings"
)

// What plugins do by the API when the stack is there. Whoever deploys does it;
// this says what.

// A Sync is a directory whose files belong in a bucket.
type Sync struct {
	LocalDir     string
	Bucket       string
	BucketOutput string // name of the output that names the bucket, if Bucket is empty
	Prefix       string
}

// Syncs returns the directories that the plugin serverless-s3-sync would copy.
func (s *Service) Syncs() []Sync {
	if !s.plugins["serverless-s3-sync"] {
		return nil
	}
	config := at(s.root, "custom", "s3Sync")
	if buckets := at(config, "buckets"); buckets != nil {
		config = buckets
	}
	var all []Sync
	for _, c := range list(config) {
		if v := at(c, "enabled"); v != nil && !truthy(v) || at(c, "localDir") == nil {
			continue
		}
		all = append(all, Sync{
			LocalDir: text(at(c, "localDir")), Bucket: text(at(c, "bucketName")),
			BucketOutput: text(at(c, "bucketNameKey")), Prefix: text(at(c, "bucketPrefix")),
		})
	}
	return all
}

// A Prune is how many versions of functions and layers are kept, besides those
// that an alias names.
type Prune struct {
	Keep              int
	Functions, Layers []string // names
}

// Prune returns what the plugin serverless-prune-plugin would delete after a
// deployment, nil if nothing.
func (s *Service) Prune() *Prune {
	config := at(s.root, "custom", "prune")
	if !s.plugins["serverless-prune-plugin"] || !truthy(at(config, "automatic")) || at(config, "number") == nil {
		return nil
	}
	p := &Prune{Keep: number(at(config, "number"), 0)}
	for _, f := range s.functions {
		p.Functions = append(p.Functions, f.name)
	}
	if truthy(at(config, "includeLayers")) {
		layers := asObject(s.root["layers"])
		for _, key := range keys(layers) {
			name := text(at(layers[key], "name"))
			if name == "" {
				name = key
			}
			p.Layers = append(p.Layers, name)
		}
	}
	return p
}

// An Invalidation is the paths that a distribution is to fetch anew.
type Invalidation struct {
	Distribution       string
	DistributionOutput string // name of the output that names it, if Distribution is empty
	Paths              []string
}

// Invalidations returns what the plugins that invalidate caches would.
func (s *Service) Invalidations() []Invalidation {
	if !s.plugins["serverless-cloudfront-invalidate"] && !s.plugins["serverless-baseline-invalidate-cloudfront"] {
		return nil
	}
	var all []Invalidation
	for _, c := range list(at(s.root, "custom", "cloudfrontInvalidate")) {
		if v := at(c, "autoInvalidate"); v != nil && !truthy(v) || !s.at(at(c, "stage")) {
			continue
		}
		all = append(all, Invalidation{
			Distribution: text(at(c, "distributionId")), DistributionOutput: text(at(c, "distributionIdKey")), Paths: texts(at(c, "items")),
		})
	}
	return all
}

// at says whether stages, a list or nil for all, hold the service's.
func (s *Service) at(stages any) bool {
	return stages == nil || slices.Contains(texts(list(stages)), s.Stage)
}

// protectors are the plugins that keep a stack from being deleted.
var protectors = []string{"serverless-stack-termination-protection", "serverless-termination-protection"}

// Protected says whether a plugin would keep the stack from being deleted.
func (s *Service) Protected() bool {
	return slices.ContainsFunc(protectors, func(p string) bool { return s.plugins[p] }) &&
		s.at(at(s.root, "custom", "serverlessTerminationProtection", "stages"))
}

// A Domain is a name of its own for an API of the service.
type Domain struct {
	Name        string
	BasePath    string // without slashes at its ends
	APIResource string // logical id of the API in the stack
	Stage       string
	EndpointType,
	SecurityPolicy string
	CertificateArn, CertificateName string // either may be empty
	Record                          bool   // that leads to it belongs into a hosted zone
	HostedZone                      string // its id, or empty for that of the name
}

// Domains returns what the plugin serverless-domain-manager would make.
func (s *Service) Domains() []Domain {
	if !s.plugins["serverless-domain-manager"] {
		return nil
	}
	configs := list(at(s.root, "custom", "customDomains"))
	if one := at(s.root, "custom", "customDomain"); one != nil {
		configs = append(configs, one)
	}
	var all []Domain
	for _, c := range configs {
		kinds := map[string]any{text(first(at(c, "apiType"), "rest")): c}
		if at(c, "domainName") == nil {
			kinds = asObject(c) // by kind of API
		}
		for _, kind := range keys(kinds) {
			config := asObject(kinds[kind])
			if v := config["enabled"]; v != nil && !truthy(v) || config["domainName"] == nil {
				continue
			}
			all = append(all, s.domain(strings.ToLower(kind), config))
		}
	}
	return all
}

func (s *Service) domain(kind string, config object) Domain {
	d := Domain{
		Name: text(config["domainName"]), BasePath: strings.Trim(text(config["basePath"]), "/"), APIResource: "ApiGatewayRestApi",
		Stage: text(first(config["stage"], s.Stage)), EndpointType: strings.ToUpper(text(first(config["endpointType"], "EDGE"))),
		SecurityPolicy: strings.ToUpper(text(first(config["securityPolicy"], "TLS_1_2"))),
		CertificateArn: text(config["certificateArn"]), CertificateName: text(config["certificateName"]),
		Record: truthy(first(config["createRoute53Record"], true)), HostedZone: text(config["hostedZoneId"]),
	}
	if d.BasePath == "(none)" {
		d.BasePath = ""
	}
	switch kind {
	case "http":
		d.APIResource, d.Stage, d.EndpointType = "HttpApi", text(first(config["stage"], "$default")), "REGIONAL"
	case "websocket":
		d.APIResource, d.EndpointType = "WebsocketsApi", "REGIONAL"
	}
	return d
}
