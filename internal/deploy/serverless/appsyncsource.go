package serverless

// dataSources adds the data sources of an API, each with a role, if it has none.
func (g *graphQL) dataSources() error {
	for _, one := range named(byName(g.config["dataSources"])) {
		name, c := text(one["key"]), asObject(one["value"])
		if err := g.dataSource(in(g.path, "dataSources", name), name, c); err != nil {
			return err
		}
	}
	return nil
}

// tableActions are what a data source may do with its table.
var tableActions = []string{"dynamodb:DeleteItem", "dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:Query", "dynamodb:Scan", "dynamodb:UpdateItem",
	"dynamodb:BatchGetItem", "dynamodb:BatchWriteItem", "dynamodb:ConditionCheckItem"}

func (g *graphQL) dataSource(at []string, name string, source object) error {
	kind, c := text(source["type"]), asObject(source["config"])
	props := object{"ApiId": apiID(), "Name": name, "Type": kind}
	put(props, "Description", source["description"])
	var statements []any
	allow := func(actions []string, resources ...any) {
		statements = append(statements, object{"Effect": "Allow", "Action": anys(actions), "Resource": resources})
	}
	switch kind {
	case "NONE":
	case "AMAZON_DYNAMODB":
		region := first(c["region"], ref("AWS::Region"))
		table := object{"TableName": c["tableName"], "AwsRegion": region}
		put(table, "UseCallerCredentials", c["useCallerCredentials"])
		props["DynamoDBConfig"] = table
		arn := join(":", "arn", "aws", "dynamodb", region, ref("AWS::AccountId"), join("/", "table", c["tableName"]))
		allow(tableActions, arn, join("/", arn, "*"))
	case "AWS_LAMBDA":
		arn, _ := g.functionOf(c)
		if arn == nil {
			return g.b.s.errorAt(at, "the data source names no function of the service, and no ARN")
		}
		props["LambdaConfig"] = object{"LambdaFunctionArn": arn}
		allow([]string{"lambda:invokeFunction"}, arn, join(":", arn, "*"))
	case "AMAZON_EVENTBRIDGE":
		props["EventBridgeConfig"] = object{"EventBusArn": c["eventBusArn"]}
		allow([]string{"events:PutEvents"}, c["eventBusArn"])
	case "HTTP":
		http := object{"Endpoint": c["endpoint"]}
		if auth := asObject(c["authorizationConfig"]); auth != nil {
			iam := asObject(auth["awsIamConfig"])
			signed := object{"SigningRegion": first(iam["signingRegion"], ref("AWS::Region"))}
			put(signed, "SigningServiceName", iam["signingServiceName"])
			http["AuthorizationConfig"] = object{"AuthorizationType": first(auth["authorizationType"], "AWS_IAM"), "AwsIamConfig": signed}
		}
		props["HttpConfig"] = http
	default:
		return g.b.s.errorAt(at, "Aloft has no data sources of type %q", kind)
	}
	if given := list(c["iamRoleStatements"]); len(given) > 0 {
		statements = nil
		for _, s := range given {
			statements = append(statements, capitalized(s))
		}
	}
	switch role := c["serviceRoleArn"]; {
	case role != nil:
		props["ServiceRoleArn"] = role
	case len(statements) > 0:
		id := sourceID(name) + "Role"
		trust := object{"Version": "2012-10-17", "Statement": []any{object{"Effect": "Allow", "Principal": object{"Service": "appsync.amazonaws.com"}, "Action": "sts:AssumeRole"}}}
		policy := object{"PolicyName": "GraphQlDs" + logical(name) + "Policy", "PolicyDocument": object{"Version": "2012-10-17", "Statement": statements}}
		g.b.add(id, "AWS::IAM::Role", object{"AssumeRolePolicyDocument": trust, "Policies": []any{policy}})
		props["ServiceRoleArn"] = getAtt(id, "Arn")
	}
	g.b.add(sourceID(name), "AWS::AppSync::DataSource", props)
	return nil
}

// capitalized is a statement whose members begin with a large letter, as IAM has them.
func capitalized(v any) object {
	out := object{}
	for key, member := range asObject(v) {
		out[upperFirst(key)] = member
	}
	return out
}
