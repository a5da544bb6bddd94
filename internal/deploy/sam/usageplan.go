package sam

import (
	"slices"
)

const sharedPlanCondition = "SharedUsagePlanCondition"

// A usagePlan is the one that APIs share which ask for it.
type usagePlan struct {
	apis          []any // ids, that it depends on
	stages, keys  []any
	conditions    []string
	unconditional bool // one of the APIs has no condition
	deletion      any
	replace       any
}

// attributes returns those of the shared plan, now that another API is in it.
func (u *usagePlan) attributes(a *restAPI) (object, error) {
	attrs := a.passed()
	if policy := attrs["DeletionPolicy"]; given(policy) && (u.deletion == nil || policy == "Retain") {
		u.deletion = policy
	}
	if policy := attrs["UpdateReplacePolicy"]; given(policy) &&
		(u.replace == nil || policy == "Retain" || policy == "Snapshot" && u.replace == "Delete") {
		u.replace = policy
	}
	if err := u.addCondition(a); err != nil {
		return nil, err
	}
	out := object{}
	put(out, "DeletionPolicy", u.deletion)
	put(out, "UpdateReplacePolicy", u.replace)
	if u.conditions != nil && !u.unconditional {
		out["Condition"] = sharedPlanCondition
	}
	return out, nil
}

func (u *usagePlan) addCondition(a *restAPI) error {
	if u.unconditional {
		return nil
	}
	condition, _ := a.attrs["Condition"].(string)
	if condition == "" {
		u.unconditional = true
		delete(a.t.conditions, sharedPlanCondition)
		return nil
	}
	if slices.Contains(u.conditions, condition) {
		return nil
	}
	if a.t.conditions == nil {
		return badTemplate("Can't have condition without having 'Conditions' section in the template")
	}
	u.conditions = append(u.conditions, condition)
	slices.Sort(u.conditions)
	if len(u.conditions) == 1 {
		a.t.conditions[sharedPlanCondition] = object{"Condition": condition}
		return nil
	}
	var or []any
	for _, condition := range u.conditions {
		or = append(or, object{"Condition": condition})
	}
	a.t.conditions[sharedPlanCondition] = object{"Fn::Or": or}
	return nil
}

// usagePlan makes the plan that Auth asks for, with a key to it.
func (a *restAPI) usagePlan(stage *resource) ([]*resource, error) {
	v := asObject(a.props["Auth"])["UsagePlan"]
	if v == nil {
		return nil, nil
	}
	config, ok := v.(object)
	if !ok {
		return nil, badResource(a.id, "'UsagePlan' must be a dictionary")
	}
	for _, key := range keys(config) {
		if !slices.Contains([]string{"CreateUsagePlan", "Description", "Quota", "Tags", "Throttle", "UsagePlanName"}, key) {
			return nil, badResource(a.id, "Invalid property for 'UsagePlan'")
		}
	}
	apiStage := object{"ApiId": ref(a.id), "Stage": stage.ref()}
	stageKey := object{"RestApiId": ref(a.id), "StageName": stage.ref()}
	prefix, attrs := a.id, a.passed()
	apis, stages, stageKeys := []any{a.id}, []any{apiStage}, []any{stageKey}
	switch config["CreateUsagePlan"] {
	case nil:
		return nil, badResource(a.id, "'CreateUsagePlan' is a required field for UsagePlan.")
	case "NONE":
		return nil, nil
	case "PER_API":
	case "SHARED":
		u := &a.t.usage
		u.apis, u.stages, u.keys = append(u.apis, a.id), append(u.stages, apiStage), append(u.keys, stageKey)
		var err error
		if attrs, err = u.attributes(a); err != nil {
			return nil, err
		}
		prefix, apis, stages, stageKeys = "Serverless", u.apis, u.stages, u.keys
	default:
		return nil, badResource(a.id, "'CreateUsagePlan' accepts one of ['SHARED', 'PER_API', 'NONE'].")
	}
	plan := newResource("AWS::ApiGateway::UsagePlan", prefix+"UsagePlan", attrs)
	plan.dependsOn = slices.Clone(apis)
	plan.props["ApiStages"] = slices.Clone(stages)
	for _, name := range []string{"UsagePlanName", "Description", "Quota", "Tags", "Throttle"} {
		if given(config[name]) {
			plan.props[name] = config[name]
		}
	}
	key := newResource("AWS::ApiGateway::ApiKey", prefix+"ApiKey", attrs)
	key.dependsOn = []any{plan.id}
	key.props = object{"Enabled": true, "StageKeys": slices.Clone(stageKeys)}
	link := newResource("AWS::ApiGateway::UsagePlanKey", prefix+"UsagePlanKey", attrs)
	link.dependsOn = []any{key.id}
	link.props = object{"KeyId": key.ref(), "KeyType": "API_KEY", "UsagePlanId": plan.ref()}
	return []*resource{plan, key, link}, nil
}
