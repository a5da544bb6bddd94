package deploy

import (
	"reflect"
	"slices"
)

// A race is one of types that templates leave to chance: a mapping needs a stage
// that it names by its plain name, a policy a bucket that has its name of the
// same parameter. On AWS what is needed is mostly there first.
type race struct {
	first, firstOf string // type, and the property that names what both are of
	then, thenOf   string
}

var races = []race{
	{"AWS::ApiGateway::Stage", "RestApiId", "AWS::ApiGateway::BasePathMapping", "RestApiId"},
	{"AWS::ApiGateway::Stage", "RestApiId", "AWS::ApiGatewayV2::ApiMapping", "ApiId"},
	{"AWS::ApiGateway::Deployment", "RestApiId", "AWS::ApiGateway::BasePathMapping", "RestApiId"},
	{"AWS::ApiGateway::Deployment", "RestApiId", "AWS::ApiGatewayV2::ApiMapping", "ApiId"},
	{"AWS::ApiGatewayV2::Stage", "ApiId", "AWS::ApiGatewayV2::ApiMapping", "ApiId"},
	{"AWS::S3::Bucket", "BucketName", "AWS::S3::BucketPolicy", "Bucket"},
	{"AWS::Lambda::Function", "FunctionName", "AWS::Lambda::Permission", "FunctionName"},
	{"AWS::Events::EventBus", "Name", "AWS::Events::Rule", "EventBusName"},
	{"AWS::Logs::LogGroup", "LogGroupName", "AWS::Logs::SubscriptionFilter", "LogGroupName"},
	{"AWS::Logs::LogGroup", "LogGroupName", "AWS::Logs::MetricFilter", "LogGroupName"},
}

// order has the first of each race made first, unless it needs the other.
func (p *Prepared) order() {
	for id := range p.Graph {
		for other := range p.Graph {
			if p.races(id, other) && !p.needs(id, other, make(map[string]bool)) && !slices.Contains(p.Graph[other], id) {
				p.Graph[other] = append(p.Graph[other], id)
				slices.Sort(p.Graph[other])
			}
		}
	}
}

// races says whether first and then are two of a race, of one thing.
func (p *Prepared) races(first, then string) bool {
	a, b := p.Template.Resources[first], p.Template.Resources[then]
	return slices.ContainsFunc(races, func(r race) bool {
		return a.Type == r.first && b.Type == r.then && a.Properties[r.firstOf] != nil && reflect.DeepEqual(a.Properties[r.firstOf], b.Properties[r.thenOf])
	})
}

// needs says whether a resource needs another, by what it needs itself.
func (p *Prepared) needs(id, other string, seen map[string]bool) bool {
	if id == other {
		return true
	}
	seen[id] = true
	return slices.ContainsFunc(p.Graph[id], func(next string) bool { return !seen[next] && p.needs(next, other, seen) })
}
