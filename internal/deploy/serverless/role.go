package serverless

import "strings"

// isCall says whether v calls a function of CloudFormation.
func isCall(v any) bool {
	m := asObject(v)
	for key := range m {
		if len(m) == 1 && (key == "Ref" || strings.HasPrefix(key, "Fn::")) {
			return true
		}
	}
	return false
}

// roleOf returns the role that a function is told to have, or nil if it has
// the one all share.
func (b *builder) roleOf(f *function) any {
	if role := f.config["role"]; truthy(role) {
		return role
	}
	role := at(b.s.provider(), "iam", "role")
	if _, isText := role.(string); isText || isCall(role) {
		return role
	}
	return nil
}

// roleArn returns what a function's Role is, and what it depends on.
func roleArn(role any) (arn, dependsOn any) {
	switch r := role.(type) {
	case nil:
		return getAtt(roleID, "Arn"), nil
	case string:
		if strings.HasPrefix(r, "arn:") {
			return r, nil
		}
		return getAtt(r, "Arn"), r
	case object:
		if l := list(r["Fn::GetAtt"]); len(l) > 0 {
			return r, strings.Split(text(l[0]), ".")[0]
		}
	}
	return role, nil
}

// roleResource is the logical id of a function's role, or nil if it is not in
// the template.
func (b *builder) roleResource(f *function) any {
	switch r := b.roleOf(f).(type) {
	case nil:
		return roleID
	case string:
		if !strings.Contains(r, ":") {
			return r
		}
	case object:
		if l := list(r["Fn::GetAtt"]); len(l) == 2 && l[1] == "Arn" {
			return l[0]
		}
	}
	return nil
}

func trust(services ...any) object {
	return object{"Version": "2012-10-17", "Statement": []any{object{
		"Effect": "Allow", "Principal": object{"Service": services}, "Action": []any{"sts:AssumeRole"},
	}}}
}

func logGroupArn(name string) object {
	return sub("arn:${AWS::Partition}:logs:${AWS::Region}:${AWS::AccountId}:log-group:/aws/lambda/" + name)
}

// sharedRole adds the role of the functions that have none of their own.
func (b *builder) sharedRole() {
	shared := false
	for _, f := range b.s.functions {
		shared = shared || b.roleOf(f) == nil
	}
	if !shared {
		return
	}
	config := asObject(at(b.s.provider(), "iam", "role"))
	streams, events := b.logStatements()
	statements := []any{
		object{"Effect": "Allow", "Action": []any{"logs:CreateLogStream", "logs:CreateLogGroup", "logs:TagResource"}, "Resource": streams},
		object{"Effect": "Allow", "Action": []any{"logs:PutLogEvents"}, "Resource": events},
	}
	if denied := b.deniedLogs(); len(denied) > 0 {
		statements = append(statements, object{"Effect": "Deny", "Action": "logs:PutLogEvents", "Resource": denied})
	}
	b.role = object{
		"AssumeRolePolicyDocument": trust("lambda.amazonaws.com"),
		"Path":                     first(config["path"], "/"),
		"RoleName":                 first(config["name"], join("-", b.s.Name, b.s.Stage, ref("AWS::Region"), "lambdaRole")),
		"Policies": []any{object{
			"PolicyName":     join("-", b.s.Name, b.s.Stage, "lambda"),
			"PolicyDocument": object{"Version": "2012-10-17", "Statement": append(statements, list(clone(config["statements"]))...)},
		}},
	}
	if tags := asObject(config["tags"]); tags != nil {
		b.role["Tags"] = tagList(tags)
	}
	put(b.role, "PermissionsBoundary", first(config["permissionsBoundary"], config["permissionBoundary"]))
	policies := list(clone(config["managedPolicies"]))
	vpc := truthy(b.s.provider()["vpc"])
	for _, f := range b.s.functions {
		_, has := f.config["vpc"]
		vpc = vpc || has
	}
	if vpc {
		policies = append(policies, join("", "arn:", ref("AWS::Partition"), ":iam::aws:policy/service-role/AWSLambdaVPCAccessExecutionRole"))
	}
	if len(policies) > 0 {
		b.role["ManagedPolicyArns"] = policies
	}
	b.add(roleID, "AWS::IAM::Role", b.role)
}

// logStatements returns the log groups that the functions write to. All that
// are named as usual are covered by one pattern.
func (b *builder) logStatements() (streams, events []any) {
	usual := false
	for _, f := range b.s.functions {
		switch {
		case truthy(f.config["disableLogs"]):
		case strings.HasPrefix(f.name, b.s.prefix()):
			usual = true
		default:
			streams = append(streams, logGroupArn(f.name+":*"))
			events = append(events, logGroupArn(f.name+":*:*"))
		}
	}
	if usual {
		streams = append(streams, logGroupArn(b.s.prefix()+"*:*"))
		events = append(events, logGroupArn(b.s.prefix()+"*:*:*"))
	}
	return streams, events
}

// deniedLogs returns the log groups that the pattern covers and that are not
// to be written.
func (b *builder) deniedLogs() []any {
	var denied []any
	usual := false
	for _, f := range b.s.functions {
		if !strings.HasPrefix(f.name, b.s.prefix()) {
			continue
		}
		if truthy(f.config["disableLogs"]) {
			denied = append(denied, logGroupArn(f.name+":*"))
		} else {
			usual = true
		}
	}
	if !usual {
		return nil
	}
	return denied
}
