package deploy

import (
	"reflect"
	"slices"
)

// A race is one of types that templates leave to chance: a mapping needs a stage
// that it names by its plain name. On AWS domain names take so long to make that
// the stage is there first.
type race struct {
	first, firstAPI string // type, and the property that names what both are of
	then, thenAPI   string
}

var races = []race{
	{"AWS::ApiGateway::Stage", "RestApiId", "AWS::ApiGateway::BasePathMapping", "RestApiId"},
	{"AWS::ApiGateway::Stage", "RestApiId", "AWS::ApiGatewayV2::ApiMapping", "ApiId"},
	{"AWS::ApiGateway::Deployment", "RestApiId", "AWS::ApiGateway::BasePathMapping", "RestApiId"},
	{"AWS::ApiGateway::Deployment", "RestApiId", "AWS::ApiGatewayV2::ApiMapping", "ApiId"},
	{"AWS::ApiGatewayV2::Stage", "ApiId", "AWS::ApiGatewayV2::ApiMapping", "ApiId"},
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

// races says whether first and then are two of a race, for one API.
func (p *Prepared) races(first, then string) bool {
	a, b := p.Template.Resources[first], p.Template.Resources[then]
	return slices.ContainsFunc(races, func(r race) bool {
		return a.Type == r.first && b.Type == r.then && a.Properties[r.firstAPI] != nil && reflect.DeepEqual(a.Properties[r.firstAPI], b.Properties[r.thenAPI])
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
