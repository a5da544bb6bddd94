package serverless

import (
	"crypto/md5"
	"encoding/hex"
	"strings"
)

// balancers adds the target groups and the rules of the events of kind alb.
func (b *builder) balancers() error {
	for _, e := range b.s.events("alb") {
		if err := b.balancer(e); err != nil {
			return err
		}
	}
	return nil
}

func (b *builder) balancer(e event) error {
	path := in(e.path, "alb")
	listener, priority := e.get("listenerArn"), text(e.get("priority"))
	switch {
	case listener == nil:
		return b.s.errorAt(path, "want a listenerArn")
	case priority == "":
		return b.s.errorAt(path, "want a priority")
	case e.get("conditions") == nil:
		return b.s.errorAt(path, "want conditions")
	}
	conditions, err := b.balancerConditions(e, path)
	if err != nil {
		return err
	}
	actions, err := b.balancerLogins(e, path)
	if err != nil {
		return err
	}
	group := b.targetGroup(e, balancerID(listener))
	actions = append(actions, object{"Type": "forward", "TargetGroupArn": ref(group), "Order": len(actions) + 1})
	b.add(logical(e.fn.key)+"AlbListenerRule"+priority, "AWS::ElasticLoadBalancingV2::ListenerRule", object{
		"Actions": actions, "Conditions": conditions, "ListenerArn": listener, "Priority": e.get("priority"),
	})
	return nil
}

// balancerID is what ids keep of a listener: the load balancer's in its ARN, or
// the id of the resource.
func balancerID(listener any) string {
	if id := text(at(listener, "Ref")); id != "" {
		return id
	}
	if parts := strings.Split(text(listener), "/"); len(parts) > 3 {
		return parts[3]
	}
	return ""
}

// targetGroup adds the group by which a load balancer leads to a function, once,
// and returns its id.
func (b *builder) targetGroup(e event, balancer string) string {
	name, multi := logical(e.fn.key), truthy(e.get("multiValueHeaders"))
	id := name + "Alb"
	if multi {
		id += "MultiValue"
	}
	id += "TargetGroup" + balancer
	tag := strings.Join([]string{b.s.Name, e.fn.key, balancer, b.s.Stage}, "-")
	sum := md5.Sum([]byte(tag + id))
	digest := text(at(b.s.provider(), "alb", "targetGroupPrefix")) + hex.EncodeToString(sum[:])
	register := name + "LambdaPermissionRegisterTarget"
	props := object{
		"TargetType": "lambda", "Name": first(e.get("targetGroupName"), digest[:32]), "Targets": []any{object{"Id": e.fn.target()}},
		"Tags":                  []any{object{"Key": "Name", "Value": tag}},
		"TargetGroupAttributes": []any{object{"Key": "lambda.multi_value_headers.enabled", "Value": multi}},
		"HealthCheckEnabled":    false,
	}
	if check := e.get("healthCheck"); truthy(check) {
		props["HealthCheckEnabled"] = true
		props["HealthCheckPath"] = first(at(check, "path"), "/")
		props["HealthCheckIntervalSeconds"] = first(at(check, "intervalSeconds"), 35)
		props["HealthCheckTimeoutSeconds"] = first(at(check, "timeoutSeconds"), 30)
		props["HealthyThresholdCount"] = first(at(check, "healthyThresholdCount"), 5)
		props["UnhealthyThresholdCount"] = first(at(check, "unhealthyThresholdCount"), 5)
		props["Matcher"] = object{"HttpCode": first(at(check, "matcher", "httpCode"), "200")}
	}
	b.permit(register, e.fn, "elasticloadbalancing.amazonaws.com", nil)
	b.permit(name+"LambdaPermissionAlb", e.fn, "elasticloadbalancing.amazonaws.com", ref(id))
	b.add(id, "AWS::ElasticLoadBalancingV2::TargetGroup", props, register)
	return id
}

// balancerConditions are those of an event, as rules have them.
func (b *builder) balancerConditions(e event, path []string) ([]any, error) {
	var all []any
	values := func(field, config string, v any) {
		if v != nil {
			all = append(all, object{"Field": field, config: object{"Values": list(v)}})
		}
	}
	for _, key := range keys(asObject(e.get("conditions"))) {
		switch key {
		case "host", "path", "method", "header", "query", "ip":
		default:
			return nil, b.s.errorAt(in(path, "conditions", key), "there is no such condition")
		}
	}
	values("path-pattern", "PathPatternConfig", e.get("conditions", "path"))
	values("host-header", "HostHeaderConfig", e.get("conditions", "host"))
	values("http-request-method", "HttpRequestMethodConfig", e.get("conditions", "method"))
	for _, h := range list(e.get("conditions", "header")) {
		all = append(all, object{"Field": "http-header", "HttpHeaderConfig": object{"HttpHeaderName": at(h, "name"), "Values": list(at(h, "values"))}})
	}
	if query := asObject(e.get("conditions", "query")); len(query) > 0 {
		var pairs []any
		for _, key := range keys(query) {
			for _, v := range list(query[key]) {
				pairs = append(pairs, object{"Key": key, "Value": v})
			}
		}
		values("query-string", "QueryStringConfig", pairs)
	}
	values("source-ip", "SourceIpConfig", e.get("conditions", "ip"))
	return all, nil
}

// balancerLogins are the actions by which an event's authorizers find out who
// asks.
func (b *builder) balancerLogins(e event, path []string) ([]any, error) {
	var all []any
	for _, name := range texts(e.get("authorizer")) {
		a := asObject(at(b.s.provider(), "alb", "authorizers", name))
		config := object{"AuthenticationRequestExtraParams": a["requestExtraParams"], "OnUnauthenticatedRequest": first(a["onUnauthenticatedRequest"], "deny")}
		for _, member := range []string{
			"userPoolArn", "userPoolClientId", "userPoolDomain", "issuer", "authorizationEndpoint", "tokenEndpoint", "userInfoEndpoint", "clientId", "clientSecret",
			"useExistingClientSecret", "scope", "sessionCookieName", "sessionTimeout",
		} {
			put(config, upperFirst(member), a[member])
		}
		if config["AuthenticationRequestExtraParams"] == nil {
			delete(config, "AuthenticationRequestExtraParams")
		}
		action := object{"Order": len(all) + 1}
		switch text(a["type"]) {
		case "cognito":
			action["Type"], action["AuthenticateCognitoConfig"] = "authenticate-cognito", config
		case "oidc":
			action["Type"], action["AuthenticateOidcConfig"] = "authenticate-oidc", config
		default:
			return nil, b.s.errorAt(in(path, "authorizer"), "provider.alb.authorizers has no %s of type cognito or oidc", name)
		}
		all = append(all, action)
	}
	return all, nil
}
