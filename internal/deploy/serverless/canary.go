package serverless

import "slices"

// The plugin serverless-plugin-canary-deployments has CodeDeploy move the
// traffic of functions to their new versions.

const canaryPlugin = "serverless-plugin-canary-deployments"

// shifting is how the traffic of a function moves: its own settings before those
// of all. It is nil if nothing is said of the function, or not of this stage.
func (s *Service) shifting(config object) object {
	own := asObject(config["deploymentSettings"])
	if own == nil || !s.plugins[canaryPlugin] {
		return nil
	}
	all := copied(at(s.root, "custom", "deploymentSettings"))
	if stages := texts(all["stages"]); len(stages) > 0 && !slices.Contains(stages, s.Stage) {
		return nil
	}
	merge(all, own)
	return all
}

// hooksOfShift are the functions that are asked before and after traffic moves.
var hooksOfShift = []struct{ setting, property string }{
	{"preTrafficHook", "BeforeAllowTrafficHook"},
	{"postTrafficHook", "AfterAllowTrafficHook"},
}

// canaries adds what CodeDeploy needs to move the traffic of functions.
func (b *builder) canaries() error {
	const application, role = "DeploymentApplication", "CodeDeployServiceRole"
	var hooks []any
	for _, f := range b.s.functions {
		settings := b.s.shifting(f.config)
		if settings == nil {
			continue
		}
		path := in(f.path, "deploymentSettings")
		alias := asObject(b.resources[text(f.aliasID())])
		if alias == nil || settings["type"] == nil {
			return b.s.errorAt(path, "want alias and type")
		}
		group := functionID(f.key) + "DeploymentGroup"
		update := object{"ApplicationName": ref(application), "DeploymentGroupName": ref(group)}
		for _, hook := range hooksOfShift {
			key := text(settings[hook.setting])
			if key == "" {
				continue
			}
			if b.s.function(key) == nil {
				return b.s.errorAt(in(path, hook.setting), "there is no function %q", key)
			}
			update[hook.property] = ref(functionID(key))
			hooks = append(hooks, getAtt(functionID(key), "Arn"))
		}
		alias["UpdatePolicy"] = object{"CodeDeployLambdaAliasUpdate": update}
		props := object{
			"ApplicationName": ref(application), "DeploymentConfigName": "CodeDeployDefault.Lambda" + text(settings["type"]),
			"ServiceRoleArn":            first(settings["codeDeployRole"], any(getAtt(role, "Arn"))),
			"DeploymentStyle":           object{"DeploymentType": "BLUE_GREEN", "DeploymentOption": "WITH_TRAFFIC_CONTROL"},
			"AutoRollbackConfiguration": object{"Enabled": true, "Events": []any{"DEPLOYMENT_FAILURE", "DEPLOYMENT_STOP_ON_ALARM", "DEPLOYMENT_STOP_ON_REQUEST"}},
		}
		var alarms []any
		for _, v := range list(settings["alarms"]) {
			name := at(v, "name")
			if id, isText := v.(string); isText {
				name = ref(id)
			}
			alarms = append(alarms, object{"Name": name})
		}
		if alarms != nil {
			props["AlarmConfiguration"] = object{"Enabled": true, "Alarms": alarms}
		}
		b.add(group, "AWS::CodeDeploy::DeploymentGroup", props)
		b.add(application, "AWS::CodeDeploy::Application", object{"ComputePlatform": "Lambda"})
		if settings["codeDeployRole"] == nil {
			b.codeDeployRole(role, hooks)
		}
	}
	return nil
}

// codeDeployRole adds the role as which traffic moves and functions are asked.
func (b *builder) codeDeployRole(id string, hooks []any) {
	props := object{
		"AssumeRolePolicyDocument": trust("codedeploy.amazonaws.com"),
		"ManagedPolicyArns":        []any{join("", "arn:", ref("AWS::Partition"), ":iam::aws:policy/service-role/AWSCodeDeployRoleForLambda")},
	}
	if len(hooks) > 0 {
		statement := object{"Effect": "Allow", "Action": "lambda:InvokeFunction", "Resource": hooks}
		props["Policies"] = []any{object{"PolicyName": "hooks", "PolicyDocument": object{"Version": "2012-10-17", "Statement": []any{statement}}}}
	}
	b.add(id, "AWS::IAM::Role", props)
}
