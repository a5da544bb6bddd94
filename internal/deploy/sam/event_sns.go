package sam

// expandSNS subscribes the target to a topic, by way of a queue if that is
// asked for.
func expandSNS(e *event) ([]*resource, error) {
	topic := e.props["Topic"]
	through := e.props["SqsSubscription"]
	if !given(through) {
		return []*resource{
			e.permission(e.id+"Permission", "sns.amazonaws.com", topic, nil, nil), e.subscription("lambda", e.arn),
		}, nil
	}
	if through == true {
		queue := e.make("AWS::SQS::Queue", e.id+"Queue")
		fifo, err := e.t.params.resolve(at(e.t.resources[refersTo(topic)], "Properties", "FifoTopic"))
		if err != nil {
			return nil, err
		}
		if given(fifo) {
			queue.props["FifoQueue"] = fifo
		}
		mapping, err := e.queueMapping(queue.arn(), "10")
		if err != nil {
			return nil, err
		}
		policy := e.queuePolicy(e.id+"QueuePolicy", queue.arn(), queue.ref())
		return append(mapping, queue, policy, e.subscription("sqs", queue.arn())), nil
	}
	config, ok := through.(object)
	if !ok {
		return nil, wantEvent(e.name, "SqsSubscription", through, aMap)
	}
	arn, url := config["QueueArn"], config["QueueUrl"]
	if !given(arn) || !given(url) {
		return nil, badEvent(e.name, "No QueueARN or QueueURL provided.")
	}
	id := asString(config["QueuePolicyLogicalId"])
	if id == "" {
		id = e.id + "QueuePolicy"
	}
	mapping, err := e.queueMapping(arn, config["BatchSize"])
	if err != nil {
		return nil, err
	}
	return append(mapping, e.queuePolicy(id, arn, url), e.subscription("sqs", arn)), nil
}

func (e *event) subscription(protocol string, endpoint any) *resource {
	r := e.make("AWS::SNS::Subscription", e.id)
	r.props["Protocol"] = protocol
	r.props["Endpoint"] = endpoint
	r.props["TopicArn"] = e.props["Topic"]
	copyMembers(r.props, e.props, "Region", "FilterPolicy", "FilterPolicyScope", "RedrivePolicy")
	return r
}

// queuePolicy lets the topic send to a queue.
func (e *event) queuePolicy(id string, arn, url any) *resource {
	r := e.make("AWS::SQS::QueuePolicy", id)
	r.props["PolicyDocument"] = maySend("*", arn, e.props["Topic"])
	r.props["Queues"] = []any{url}
	return r
}

// queueMapping makes the target read a queue.
func (e *event) queueMapping(arn, batch any) ([]*resource, error) {
	if !given(batch) || batch == "10" {
		batch = number("10")
	}
	mapping := *e
	mapping.id = e.id + "EventSourceMapping"
	mapping.typ = "SQS"
	mapping.props = object{"Queue": arn, "BatchSize": batch, "Enabled": true}
	return expandPull(&mapping)
}
