package resource

import (
	"slices"
	"strings"

	"github.com/aloft-cloud/aloft/internal/smithy"
)

// put does an operation whose input has a part that is a property.
func put[In, Out any](op *Op, operation smithy.Operation[In, Out], in *In, part any, v any) error {
	if err := Bind(op, object(v), part); err != nil {
		return err
	}
	_, err := Do(op, operation, in)
	return err
}

// renamed returns v with the keys of its maps called as names say.
func renamed(v any, names map[string]string) any {
	switch v := v.(type) {
	case map[string]any:
		out := make(map[string]any, len(v))
		for key, member := range v {
			if other, has := names[key]; has {
				key = other
			}
			out[key] = renamed(member, names)
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i, member := range v {
			out[i] = renamed(member, names)
		}
		return out
	}
	return v
}

// cannedACL writes "BucketOwnerFullControl" as S3 does.
func cannedACL(name string) string {
	var b strings.Builder
	for i, r := range name {
		if i > 0 && r >= 'A' && r <= 'Z' {
			b.WriteByte('-')
		}
		b.WriteRune(r)
	}
	return strings.ToLower(b.String())
}

func encryptionRules(v any) any {
	return renamed(v, map[string]string{
		"ServerSideEncryptionConfiguration": "Rules", "ServerSideEncryptionByDefault": "ApplyServerSideEncryptionByDefault",
	})
}

func corsRules(v any) any {
	return renamed(v, map[string]string{"CorsRules": "CORSRules", "ExposedHeaders": "ExposeHeaders", "MaxAge": "MaxAgeSeconds"})
}

func website(v any) any {
	v = renamed(v, map[string]string{"RedirectRule": "Redirect", "RoutingRuleCondition": "Condition"})
	out := object(v)
	if s := text(out["IndexDocument"]); s != "" {
		out["IndexDocument"] = map[string]any{"Suffix": s}
	}
	if s := text(out["ErrorDocument"]); s != "" {
		out["ErrorDocument"] = map[string]any{"Key": s}
	}
	return out
}

// notification gathers what templates say of each event by itself.
func notification(v any) any {
	out := object(renamed(v, map[string]string{
		"LambdaConfigurations": "LambdaFunctionConfigurations", "Function": "LambdaFunctionArn", "Queue": "QueueArn", "Topic": "TopicArn",
		"S3Key": "Key", "Rules": "FilterRules",
	}))
	for _, kind := range []string{"LambdaFunctionConfigurations", "QueueConfigurations", "TopicConfigurations"} {
		for _, element := range list(out[kind]) {
			c := object(element)
			if event, has := c["Event"]; has {
				c["Events"] = []any{event}
				delete(c, "Event")
			}
		}
	}
	if bridge := object(out["EventBridgeConfiguration"]); bridge != nil {
		delete(out, "EventBridgeConfiguration")
		if bridge["EventBridgeEnabled"] == nil || truth(bridge["EventBridgeEnabled"]) {
			out["EventBridgeConfiguration"] = map[string]any{}
		}
	}
	return out
}

// lifecycle writes the rules of templates, which have several forms for one
// thing, in the one that S3 takes.
func lifecycle(v any) any {
	rules := []any{}
	for _, element := range list(object(v)["Rules"]) {
		rules = append(rules, lifecycleRule(object(element)))
	}
	return map[string]any{"Rules": rules}
}

func lifecycleRule(rule map[string]any) map[string]any {
	out := pick(rule, "Id", "Status", "AbortIncompleteMultipartUpload", "NoncurrentVersionExpiration")
	expiration := make(map[string]any)
	move(rule, "ExpirationDate", expiration, "Date")
	move(rule, "ExpirationInDays", expiration, "Days")
	move(rule, "ExpiredObjectDeleteMarker", expiration, "ExpiredObjectDeleteMarker")
	if len(expiration) > 0 {
		out["Expiration"] = expiration
	}
	if days, has := rule["NoncurrentVersionExpirationInDays"]; has {
		out["NoncurrentVersionExpiration"] = map[string]any{"NoncurrentDays": days}
	}
	names := map[string]string{"TransitionDate": "Date", "TransitionInDays": "Days"}
	if all := both(rule, "Transition"); all != nil {
		out["Transitions"] = renamed(all, names)
	}
	if all := both(rule, "NoncurrentVersionTransition"); all != nil {
		out["NoncurrentVersionTransitions"] = renamed(all, map[string]string{"TransitionInDays": "NoncurrentDays"})
	}
	out["Filter"] = lifecycleFilter(rule)
	return out
}

func move(from map[string]any, key string, to map[string]any, as string) {
	if v, has := from[key]; has {
		to[as] = v
	}
}

// both returns what is said in a property in singular and in plural.
func both(rule map[string]any, name string) []any {
	all := slices.Clone(list(rule[name+"s"]))
	if one, has := rule[name]; has {
		all = append(all, one)
	}
	return all
}

func lifecycleFilter(rule map[string]any) map[string]any {
	filter := pick(rule, "Prefix", "ObjectSizeGreaterThan", "ObjectSizeLessThan")
	tags := list(rule["TagFilters"])
	switch {
	case len(tags) == 0 && len(filter) == 0:
		return map[string]any{"Prefix": ""}
	case len(tags) == 0 && len(filter) == 1:
		return filter
	case len(tags) == 1 && len(filter) == 0:
		return map[string]any{"Tag": tags[0]}
	}
	if len(tags) > 0 {
		filter["Tags"] = tags
	}
	return map[string]any{"And": filter}
}
