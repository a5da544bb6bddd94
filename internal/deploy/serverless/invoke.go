package serverless

import "strings"

// functionURL gives a function an address of its own.
func (b *builder) functionURL(f *function) {
	url := f.config["url"]
	if !truthy(url) {
		return
	}
	auth := "NONE"
	if text(at(url, "authorizer")) == "aws_iam" {
		auth = "AWS_IAM"
	}
	props := object{"AuthType": auth, "TargetFunctionArn": f.target()}
	if cors := at(url, "cors"); truthy(cors) {
		props["Cors"] = urlCORS(asObject(cors))
	}
	if at(url, "invokeMode") == "RESPONSE_STREAM" {
		props["InvokeMode"] = "RESPONSE_STREAM"
	}
	id := functionID(f.key) + "Url"
	b.add(id, "AWS::Lambda::Url", props, f.aliasID())
	b.output(id, "Lambda Function URL", getAtt(id, "FunctionUrl"))
	if auth == "NONE" {
		b.add(logical(f.key)+"LambdaPermissionFnUrl", "AWS::Lambda::Permission", object{
			"FunctionName": f.target(), "Action": "lambda:InvokeFunctionUrl", "Principal": "*", "FunctionUrlAuthType": auth,
		}, f.aliasID())
	}
}

// urlCORS has what is usual, but for what is said. What is null is left out.
func urlCORS(said object) object {
	cors := object{
		"AllowOrigins": []any{"*"},
		"AllowHeaders": []any{"Content-Type", "X-Amz-Date", "Authorization", "X-Api-Key", "X-Amz-Security-Token", "X-Amzn-Trace-Id"},
		"AllowMethods": []any{"*"},
	}
	for key, property := range map[string]string{
		"allowedOrigins": "AllowOrigins", "allowedHeaders": "AllowHeaders", "allowedMethods": "AllowMethods",
	} {
		if v, has := said[key]; has {
			cors[property] = v
		}
	}
	putTrue(cors, "AllowCredentials", said["allowCredentials"])
	put(cors, "ExposeHeaders", said["exposedResponseHeaders"])
	put(cors, "MaxAge", said["maxAge"])
	return cors
}

// invokeConfig says what becomes of asynchronous invocations.
func (b *builder) invokeConfig(f *function) error {
	c := f.config
	if c["destinations"] == nil && !truthy(c["maximumEventAge"]) && c["maximumRetryAttempts"] == nil {
		return nil
	}
	destinations := object{}
	for _, member := range []string{"onSuccess", "onFailure"} {
		to := at(c["destinations"], member)
		if to == nil {
			continue
		}
		arn, err := b.destination(in(f.path, "destinations", member), f, to)
		if err != nil {
			return err
		}
		destinations[upperFirst(member)] = object{"Destination": arn}
	}
	qualifier := f.alias
	if qualifier == "" {
		qualifier = "$LATEST"
	}
	props := object{"FunctionName": ref(functionID(f.key)), "DestinationConfig": destinations, "Qualifier": qualifier}
	putTrue(props, "MaximumEventAgeInSeconds", c["maximumEventAge"])
	put(props, "MaximumRetryAttempts", c["maximumRetryAttempts"])
	b.add(logical(f.key)+"LambdaEvConf", "AWS::Lambda::EventInvokeConfig", props, f.aliasID())
	return nil
}

// destinationActions are what sending to a kind of destination needs.
var destinationActions = map[string]string{
	"function": "lambda:InvokeFunction", "sqs": "sqs:SendMessage", "sns": "sns:Publish", "eventBus": "events:PutEvents",
}

// destination returns the ARN of a destination, and permits to send there.
func (b *builder) destination(path []string, f *function, to any) (any, error) {
	kind, arn, resource := text(at(to, "type")), at(to, "arn"), at(to, "arn")
	if s, isText := to.(string); isText {
		arn, resource = s, s
		switch {
		case !strings.HasPrefix(s, "arn:"):
			local := b.s.function(s)
			if local == nil {
				return nil, b.s.errorAt(path, "there is no function %q", s)
			}
			// Not by its attribute: the function depends on the role in turn.
			kind, arn = "function", local.target()
			resource = sub("arn:${AWS::Partition}:lambda:${AWS::Region}:${AWS::AccountId}:function:" + local.name)
		case strings.Contains(s, ":function:"):
			kind = "function"
		case strings.Contains(s, ":sqs:"):
			kind = "sqs"
		case strings.Contains(s, ":sns:"):
			kind = "sns"
		case strings.Contains(s, ":event-bus/"):
			kind = "eventBus"
		}
	}
	action := destinationActions[kind]
	if action == "" {
		return nil, b.s.errorAt(path, "nothing can be sent to it: want a function, a queue, a topic or an event bus")
	}
	if b.role != nil && b.roleOf(f) == nil {
		b.state(object{"Effect": "Allow", "Action": action, "Resource": resource})
	}
	return arn, nil
}
