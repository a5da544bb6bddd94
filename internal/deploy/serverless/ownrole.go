package serverless

// ownRoles gives each function that has statements of its own a role of its
// own, as the plugin serverless-iam-roles-per-function does.
func (b *builder) ownRoles() {
	for _, f := range b.s.functions {
		if f.config["iamRoleStatements"] != nil && f.config["role"] == nil {
			b.ownRole(f)
		}
	}
}

func (b *builder) ownRole(f *function) {
	own := list(clone(f.config["iamRoleStatements"]))
	statements := []any{
		object{"Effect": "Allow", "Action": []any{"logs:CreateLogStream", "logs:CreateLogGroup", "logs:PutLogEvents"}, "Resource": logGroupArn(f.name + ":*:*")},
	}
	inherit := first(f.config["iamRoleStatementsInherit"], at(b.s.root, "custom", "serverless-iam-roles-per-function", "defaultInherit"))
	if truthy(inherit) {
		statements = append(statements, list(clone(at(b.s.provider(), "iam", "role", "statements")))...)
	}
	statements = append(append(statements, own...), b.eventStatements(f)...)
	props := object{
		"AssumeRolePolicyDocument": trust("lambda.amazonaws.com"),
		"Path":                     "/",
		"Policies": []any{object{
			"PolicyName":     b.s.prefix() + "-" + f.key,
			"PolicyDocument": object{"Version": "2012-10-17", "Statement": statements},
		}},
	}
	if name := f.config["iamRoleStatementsName"]; name != nil {
		props["RoleName"] = name
	} else if name := b.s.prefix() + "-" + b.s.Region + "-" + f.key + "-lambdaRole"; len(name) <= 64 {
		// Longer names are left to CloudFormation.
		props["RoleName"] = join("-", b.s.Name, b.s.Stage, f.key, ref("AWS::Region"), "lambdaRole")
	}
	put(props, "PermissionsBoundary", first(f.config["iamPermissionsBoundary"], at(b.s.provider(), "iam", "role", "permissionsBoundary")))
	if r := asObject(at(b.resources[functionID(f.key)], "Properties")); r["VpcConfig"] != nil {
		props["ManagedPolicyArns"] = []any{join("", "arn:", ref("AWS::Partition"), ":iam::aws:policy/service-role/AWSLambdaVPCAccessExecutionRole")}
	}
	id := logical(f.key) + "IamRoleLambdaExecution"
	b.add(id, "AWS::IAM::Role", props)
	function := asObject(b.resources[functionID(f.key)])
	asObject(function["Properties"])["Role"] = getAtt(id, "Arn")
	function["DependsOn"] = append(list(function["DependsOn"]), id)
	for _, r := range b.resources {
		if at(r, "Type") == "AWS::Lambda::EventSourceMapping" && asJSON(at(r, "Properties", "FunctionName")) == asJSON(f.target()) {
			asObject(r)["DependsOn"] = []any{id}
		}
	}
}

// eventStatements are what a function's queues and streams, and where it sends
// what it cannot do, need it to be allowed.
func (b *builder) eventStatements(f *function) []any {
	var out []any
	allow := func(actions []string, resource any) {
		out = append(out, object{"Effect": "Allow", "Action": anys(actions), "Resource": resource})
	}
	for _, e := range f.events {
		arn := first(e.get("arn"), e.config)
		switch e.kind {
		case "sqs":
			allow([]string{"sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"}, arn)
		case "stream":
			kind := text(e.get("type"))
			if kind == "" {
				kind = "kinesis"
				if s := text(arn); len(s) > 16 && s[8:16] == "dynamodb" {
					kind = "dynamodb"
				}
			}
			allow(streamActions[kind], arn)
			if to := e.get("destinations", "onFailure"); to != nil {
				allow(failureActions(to), first(at(to, "arn"), to))
			}
		}
	}
	if to := f.config["onError"]; to != nil {
		allow([]string{"sns:Publish", "sqs:SendMessage"}, to)
	}
	if props := asObject(at(b.resources[functionID(f.key)], "Properties")); props["TracingConfig"] != nil {
		allow([]string{"xray:PutTraceSegments", "xray:PutTelemetryRecords"}, "*")
	}
	return out
}
