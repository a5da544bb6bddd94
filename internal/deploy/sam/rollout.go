package sam

import (
	"maps"
	"slices"
)

const (
	deployRole        = "CodeDeployServiceRole"
	deployApplication = "ServerlessDeploymentApplication"
	deployCondition   = "ServerlessCodeDeployCondition"
)

// rolloutTypes are the ways to shift traffic that CodeDeploy has names for.
var rolloutTypes = []string{"Canary10Percent5Minutes", "Canary10Percent10Minutes", "Canary10Percent15Minutes",
	"Canary10Percent30Minutes", "Linear10PercentEvery1Minute", "Linear10PercentEvery2Minutes",
	"Linear10PercentEvery3Minutes", "Linear10PercentEvery10Minutes", "AllAtOnce"}

// A rollout is the DeploymentPreference of a function.
type rollout struct {
	function  string
	config    object
	enabled   bool
	condition string // empty: none
	tags      object
}

// rollout reads DeploymentPreference, and makes updates of the alias go by it.
func (f *function) rollout() ([]*resource, error) {
	if !given(f.props["DeploymentPreference"]) {
		return nil, nil
	}
	config := asObject(f.props["DeploymentPreference"])
	for _, name := range []string{"Enabled", "Type", "PassthroughCondition"} {
		if v, has := config[name]; has {
			v, err := f.t.params.resolve(v)
			if err != nil {
				return nil, err
			}
			if config[name], err = inMappings(f.t.mappings, v); err != nil {
				return nil, err
			}
		}
	}
	passes, err := f.truth("PassthroughCondition", config["PassthroughCondition"])
	if err != nil {
		return nil, err
	}
	r := &rollout{function: f.id, config: config}
	f.t.rollouts = append(f.t.rollouts, r)
	enabled := or(config["Enabled"], true)
	if enabled == "false" || enabled == "False" || !given(enabled) {
		return nil, nil
	}
	r.enabled = true
	if passes {
		r.condition, _ = f.attrs["Condition"].(string)
	}
	if given(f.props["PropagateTags"]) {
		r.tags = asObject(f.props["Tags"])
	}
	if _, has := config["Type"]; !has {
		return nil, badResource(f.id, "'DeploymentPreference' is missing required Property 'Type'")
	}
	if hooks, has := config["Hooks"]; has && !isMap(hooks) {
		return nil, badResource(f.id, "'Hooks' property of 'DeploymentPreference' must be a dictionary")
	}
	if f.alias == nil {
		return nil, badResource(f.id, "'DeploymentPreference' requires AutoPublishAlias property to be specified.")
	}
	update := object{"ApplicationName": ref(deployApplication), "DeploymentGroupName": ref(r.group())}
	put(update, "BeforeAllowTrafficHook", at(config, "Hooks", "PreTraffic"))
	put(update, "AfterAllowTrafficHook", at(config, "Hooks", "PostTraffic"))
	f.alias.attrs["UpdatePolicy"] = object{"CodeDeployLambdaAliasUpdate": update}
	return nil, nil
}

func (f *function) truth(name string, v any) (bool, error) {
	switch v {
	case nil, false, "false", "False":
		return false, nil
	case true, "true", "True":
		return true, nil
	}
	if isCall(v) {
		return false, badResource(f.id, "Unsupported intrinsic: the only intrinsic functions supported for property %s are FindInMap and parameter Refs.", name)
	}
	return false, badResource(f.id, "Invalid value for property %s.", name)
}

func (r *rollout) group() string { return r.function + "DeploymentGroup" }

// deploymentGroups makes what CodeDeploy needs to shift traffic.
func (t *transformer) deploymentGroups() {
	enabled := slices.DeleteFunc(slices.Clone(t.rollouts), func(r *rollout) bool { return !r.enabled })
	if len(enabled) == 0 {
		return
	}
	condition := t.rolloutCondition(enabled)
	tags := object{}
	ownRoles := true
	for _, r := range enabled {
		maps.Copy(tags, r.tags)
		ownRoles = ownRoles && given(r.config["Role"])
	}
	application := newResource("AWS::CodeDeploy::Application", deployApplication, object{})
	application.props["ComputePlatform"] = "Lambda"
	role := newResource("AWS::IAM::Role", deployRole, object{})
	role.props["AssumeRolePolicyDocument"] = assumeRole("codedeploy.amazonaws.com")
	role.props["ManagedPolicyArns"] = []any{managedARN("service-role/AWSCodeDeployRoleForLambda")}
	made := []*resource{application}
	if !ownRoles {
		made = append(made, role)
	}
	for _, r := range made {
		if len(tags) > 0 {
			r.props["Tags"] = tagList(tags)
		}
		if condition != "" {
			r.attrs["Condition"] = condition
		}
	}
	for _, r := range enabled {
		group, err := r.deploymentGroup()
		if err != nil {
			t.causes = append(t.causes, Cause{r.function, err.Error()})
			continue
		}
		made = append(made, group)
	}
	for _, r := range made {
		t.out[r.id] = r.tree()
	}
}

// rolloutCondition returns the condition of what the groups share: empty if one
// of them has none.
func (t *transformer) rolloutCondition(enabled []*rollout) string {
	var all []string
	for _, r := range enabled {
		if r.condition == "" {
			return ""
		}
		all = append(all, r.condition)
	}
	if all = sortedSet(all); len(all) == 1 {
		return all[0]
	}
	g := gathering{t: t}
	t.root["Conditions"] = t.conditions
	g.combine(deployCondition, all)
	t.conditions = asObject(t.root["Conditions"])
	return deployCondition
}

func (r *rollout) deploymentGroup() (*resource, error) {
	g := newResource("AWS::CodeDeploy::DeploymentGroup", r.group(), object{})
	alarms, err := r.alarms()
	if err != nil {
		return nil, err
	}
	if alarms != nil {
		g.props["AlarmConfiguration"] = alarms
	}
	g.props["ApplicationName"] = ref(deployApplication)
	g.props["AutoRollbackConfiguration"] = object{"Enabled": true, "Events": []any{
		"DEPLOYMENT_FAILURE", "DEPLOYMENT_STOP_ON_ALARM", "DEPLOYMENT_STOP_ON_REQUEST",
	}}
	g.props["DeploymentConfigName"] = rolloutType(clone(r.config["Type"]), "")
	g.props["DeploymentStyle"] = object{"DeploymentType": "BLUE_GREEN", "DeploymentOption": "WITH_TRAFFIC_CONTROL"}
	g.props["ServiceRoleArn"] = getAtt(deployRole, "Arn")
	if given(r.config["Role"]) {
		g.props["ServiceRoleArn"] = r.config["Role"]
	}
	if given(r.config["TriggerConfigurations"]) {
		g.props["TriggerConfigurations"] = r.config["TriggerConfigurations"]
	}
	if len(r.tags) > 0 {
		g.props["Tags"] = tagList(r.tags)
	}
	if r.condition != "" {
		g.attrs["Condition"] = r.condition
	}
	return g, nil
}

func (r *rollout) alarms() (any, error) {
	v := r.config["Alarms"]
	if !given(v) || isNoValue(v) {
		return nil, nil
	}
	if !isIf(v) {
		return r.alarmList(v)
	}
	args, ok := ifArgs(v)
	if !ok {
		return nil, badResource(r.function, "Fn::If requires 3 arguments")
	}
	out := []any{args[0], nil, nil}
	for i := 1; i <= 2; i++ {
		list, err := r.alarmList(args[i])
		if err != nil {
			return nil, err
		}
		out[i] = list
	}
	return object{"Fn::If": out}, nil
}

func (r *rollout) alarmList(v any) (any, error) {
	list, ok := v.([]any)
	if !ok {
		return nil, badResource(r.function, "Alarms must be a list")
	}
	if len(list) == 0 || isNoValue(list[0]) {
		return object{}, nil
	}
	var alarms []any
	for _, alarm := range list {
		alarms = append(alarms, object{"Name": alarm})
	}
	return object{"Enabled": true, "Alarms": alarms}, nil
}

// rolloutType gives the ways that CodeDeploy has names for these names.
func rolloutType(v any, key string) any {
	switch v := v.(type) {
	case []any:
		for i := range v {
			v[i] = rolloutType(v[i], "")
		}
		return v
	case object:
		if name, arg, ok := call(v); ok {
			v[name] = rolloutType(arg, name)
		}
		return v
	case string:
		const name = "CodeDeployDefault.Lambda${ConfigName}"
		if !slices.Contains(rolloutTypes, v) {
			return v
		}
		if key == "Fn::Sub" {
			return []any{name, object{"ConfigName": v}}
		}
		return sub(name, object{"ConfigName": v})
	}
	return v
}
