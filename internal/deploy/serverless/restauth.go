package serverless

import "strings"

// An authorizer decides who may call an endpoint.
type authorizer struct {
	kind     string // TOKEN, REQUEST, COGNITO_USER_POOLS, AWS_IAM; "" is TOKEN
	name     string
	arn      any // of the function or the user pool
	aliasID  any // of the function, if it has an alias
	id       any // of one that is there already
	managed  bool
	ttl      any
	identity any
	validate any
	claims   []string
	scopes   any
}

func (a *authorizer) userPools() bool {
	return a.kind == "COGNITO_USER_POOLS" || userPoolArn.MatchString(text(a.arn))
}

// authorizer reads what an endpoint says of its authorizer.
func (b *builder) authorizer(h *endpoint, v any) (*authorizer, error) {
	path := in(h.event.path, "http", "authorizer")
	a := &authorizer{kind: strings.ToUpper(text(at(v, "type"))), ttl: 300}
	if s, isText := v.(string); isText {
		switch {
		case strings.EqualFold(s, "aws_iam"):
			a.kind = "AWS_IAM"
		case strings.Contains(s, ":"):
			v = object{"arn": s}
		default:
			v = object{"name": s}
		}
	}
	switch {
	case a.kind == "AWS_IAM":
		return a, nil
	case a.kind != "" && at(v, "authorizerId") != nil:
		a.id = at(v, "authorizerId")
	case at(v, "arn") != nil:
		a.arn, a.name = at(v, "arn"), text(at(v, "name"))
		if a.name == "" && text(a.arn) == "" {
			return nil, b.s.errorAt(path, "an authorizer whose arn is computed wants a name")
		}
		if a.name == "" {
			// The last word of arn:…:function:service-stage-name.
			arn := text(a.arn)
			a.name = arn[strings.LastIndexAny(arn, ":-")+1:]
		}
	case at(v, "name") != nil:
		a.name = text(at(v, "name"))
		f := b.s.function(a.name)
		if f == nil {
			return nil, b.s.errorAt(path, "there is no function %q to authorize with", a.name)
		}
		a.arn, a.aliasID = f.target(), f.aliasID()
	default:
		return nil, b.s.errorAt(path, "want the name or the arn of an authorizer")
	}
	put2(&a.ttl, at(v, "resultTtlInSeconds"))
	a.identity, a.validate, a.scopes = at(v, "identitySource"), at(v, "identityValidationExpression"), at(v, "scopes")
	a.claims, a.managed = texts(at(v, "claims")), truthy(at(v, "managedExternally"))
	if !truthy(a.identity) && (a.kind != "REQUEST" || text(a.ttl) != "0") {
		a.identity = "method.request.header.Authorization"
	}
	if len(a.claims) > 0 && h.integration == "AWS_PROXY" && a.userPools() {
		return nil, b.s.errorAt(in(path, "claims"), "claims can be chosen with the integration lambda only")
	}
	return a, nil
}

// put2 sets a variable if there is a value.
func put2(to *any, v any) {
	if v != nil {
		*to = v
	}
}

func authorizerID(name string) string { return logical(name) + "ApiGatewayAuthorizer" }

// restAuthorizers adds the authorizers that endpoints name.
func (b *builder) restAuthorizers(endpoints []*endpoint) {
	for _, h := range endpoints {
		a := h.auth
		if a == nil || a.arn == nil {
			continue
		}
		props := object{"AuthorizerResultTtlInSeconds": a.ttl, "Name": a.name, "RestApiId": b.restRef()}
		put(props, "IdentitySource", a.identity)
		put(props, "IdentityValidationExpression", a.validate)
		if a.userPools() {
			props["Type"], props["ProviderARNs"] = "COGNITO_USER_POOLS", []any{a.arn}
		} else {
			props["AuthorizerUri"] = invocationURI(a.arn)
			props["Type"] = first(nonEmpty(a.kind), "TOKEN")
		}
		b.add(authorizerID(a.name), "AWS::ApiGateway::Authorizer", props, a.aliasID)
	}
}

func nonEmpty(s string) any {
	if s == "" {
		return nil
	}
	return s
}

// invocationURI is how API Gateway spells the invocation of a function.
func invocationURI(arn any) object {
	return join("", "arn:", ref("AWS::Partition"), ":apigateway:", ref("AWS::Region"), ":lambda:path/2015-03-31/functions/", arn, "/invocations")
}

// authorize adds to a method who may call it, and returns what it depends on.
func (h *endpoint) authorize(props object) (dependsOn any) {
	a := h.auth
	switch {
	case a == nil:
		props["AuthorizationType"] = "NONE"
		return nil
	case a.kind == "AWS_IAM":
		props["AuthorizationType"] = "AWS_IAM"
		return nil
	case a.id != nil:
		props["AuthorizationType"], props["AuthorizerId"] = a.kind, a.id
		if a.kind == "TOKEN" || a.kind == "REQUEST" {
			props["AuthorizationType"] = "CUSTOM"
		}
	default:
		props["AuthorizationType"], props["AuthorizerId"] = "CUSTOM", ref(authorizerID(a.name))
		if a.userPools() {
			props["AuthorizationType"] = "COGNITO_USER_POOLS"
		}
		dependsOn = authorizerID(a.name)
	}
	if len(asList(a.scopes)) > 0 && a.userPools() {
		props["AuthorizationScopes"] = a.scopes
	}
	return dependsOn
}
