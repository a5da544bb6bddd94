package serverless

import "strings"

// pipeSources and pipeTargets are what the plugin serverless-pipes knows: how
// the members of its maps are called by a pipe, and what its role may do.
var (
	pipeSources = map[string]struct {
		parameters string
		actions    []string
	}{
		"dynamodb":      {"DynamoDBStreamParameters", streamActions["dynamodb"]},
		"kinesisStream": {"KinesisStreamParameters", append([]string{"kinesis:DescribeStreamSummary", "kinesis:ListShards"}, streamActions["kinesis"]...)},
		"sqs":           {"SqsQueueParameters", []string{"sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"}},
	}
	pipeTargets = map[string]struct {
		parameters string
		actions    []string
	}{
		"sns":          {"", []string{"sns:Publish"}},
		"sqs":          {"SqsQueueParameters", []string{"sqs:SendMessage"}},
		"lambda":       {"LambdaFunctionParameters", []string{"lambda:InvokeFunction"}},
		"stepFunction": {"StepFunctionStateMachineParameters", []string{"states:StartExecution", "states:StartSyncExecution"}},
	}
)

// pipeNames are members of sources and targets by what a pipe calls them, where
// that is not the same with a capital.
var pipeNames = map[string]string{"batchsize": "BatchSize", "maximumBatchingWindow": "MaximumBatchingWindowInSeconds"}

// pipeParameters are those of a source or a target, but for its ARN.
func pipeParameters(config object, name string) object {
	inner := object{}
	for key, v := range config {
		switch property, renamed := pipeNames[key]; {
		case key == "arn" || !truthy(v):
		case key == "deadLetterArn":
			inner["DeadLetterConfig"] = object{"Arn": v}
		case renamed:
			inner[property] = v
		default:
			inner[upperFirst(key)] = v
		}
	}
	if name == "" || len(inner) == 0 {
		return object{}
	}
	return object{name: inner}
}

// pipes makes those of the plugin serverless-pipes.
func (b *builder) pipes() error {
	if !b.s.plugins["serverless-pipes"] && !b.s.plugins["@distinction-dev/serverless-pipes"] {
		return nil
	}
	all := asObject(b.s.root["pipes"])
	for _, name := range keys(all) {
		if err := b.pipe(name, asObject(all[name])); err != nil {
			return err
		}
	}
	return nil
}

// only returns the one member of a map.
func (b *builder) only(path []string, v any) (string, object, error) {
	all := keys(asObject(v))
	if len(all) != 1 || at(v, all[0], "arn") == nil {
		return "", nil, b.s.errorAt(path, "want one kind, with its arn")
	}
	return all[0], asObject(at(v, all[0])), nil
}

func (b *builder) pipe(name string, config object) error {
	path := []string{"pipes", name}
	from, source, err := b.only(in(path, "source"), config["source"])
	if err != nil {
		return err
	}
	to, target, err := b.only(in(path, "target"), config["target"])
	if err != nil {
		return err
	}
	reads, known := pipeSources[from]
	if !known {
		return b.s.errorAt(in(path, "source", from), "a pipe has no source of this kind")
	}
	writes, known := pipeTargets[to]
	if !known {
		return b.s.errorAt(in(path, "target", to), "a pipe has no target of this kind")
	}
	read := pipeParameters(source, reads.parameters)
	if filters := list(config["filter"]); len(filters) > 0 {
		read["FilterCriteria"] = object{"Filters": filters}
	}
	props := object{
		"Source": source["arn"], "Target": target["arn"], "SourceParameters": read, "TargetParameters": pipeParameters(target, writes.parameters),
		"DesiredState": "STOPPED",
	}
	if truthy(config["enabled"]) {
		props["DesiredState"] = "RUNNING"
	}
	putTrue(props, "Description", config["description"])
	may := []any{
		object{"Effect": "Allow", "Action": anys(reads.actions), "Resource": source["arn"]},
		object{"Effect": "Allow", "Action": anys(writes.actions), "Resource": target["arn"]},
	}
	if key := text(at(config, "enrichment", "name")); key != "" {
		f := b.s.function(key)
		if f == nil {
			return b.s.errorAt(in(path, "enrichment", "name"), "there is no function %q", key)
		}
		props["Enrichment"] = getAtt(functionID(key), "Arn")
		may = append(may, object{"Effect": "Allow", "Action": "lambda:InvokeFunction", "Resource": props["Enrichment"]})
	}
	role, roleName := name+"PipesIAMRole", name+"-pipes-iam-role"
	if text(at(config, "iamRolePipes", "type")) == "shared" {
		role, roleName = "SharedPipesIAMRole", "shared-pipes-iam-role"
	}
	b.pipeRole(role, roleName, may)
	props["RoleArn"] = getAtt(role, "Arn")
	b.add(strings.ReplaceAll(name, "-", "")+"EventBridgePipes", "AWS::Pipes::Pipe", props)
	return nil
}

// pipeRole makes the role of a pipe, or lets one that pipes share do more.
func (b *builder) pipeRole(id, name string, may []any) {
	if r := b.resources[id]; r != nil {
		document := asObject(at(list(at(r, "Properties", "Policies"))[0], "PolicyDocument"))
		document["Statement"] = append(list(document["Statement"]), may...)
		return
	}
	b.add(id, "AWS::IAM::Role", object{
		"RoleName": name, "AssumeRolePolicyDocument": trust("pipes.amazonaws.com"),
		"Policies": []any{object{"PolicyName": id + "Policy", "PolicyDocument": object{"Version": "2012-10-17", "Statement": may}}},
	})
}
