package serverless

import "strings"

// topics adds the subscriptions of the events of kind sns.
func (b *builder) topics() error {
	for _, e := range b.s.events("sns") {
		if err := b.topic(e); err != nil {
			return err
		}
	}
	return nil
}

func (b *builder) topic(e event) error {
	arn, name := e.get("arn"), text(e.get("topicName"))
	if s, isText := e.config.(string); isText {
		name = s
		if strings.HasPrefix(s, "arn:") {
			arn, name = s, ""
		}
	}
	props := object{"Protocol": "lambda", "Endpoint": e.fn.target()}
	if s := text(arn); s != "" {
		parts := strings.Split(s, ":")
		if name == "" {
			name = parts[len(parts)-1]
		}
		if len(parts) > 3 && parts[3] != b.s.Region && e.get("arn") != nil {
			props["Region"] = parts[3]
		}
	}
	if name == "" {
		return b.s.errorAt(in(e.path, "sns"), "want topicName, beside an arn that is computed")
	}
	put(props, "FilterPolicy", e.get("filterPolicy"))
	put(props, "FilterPolicyScope", e.get("filterPolicyScope"))
	source, topicID := arn, "SNSTopic"+alphanumeric(name)
	if arn == nil {
		source = join("", "arn:", ref("AWS::Partition"), ":sns:", ref("AWS::Region"), ":", ref("AWS::AccountId"), ":", name)
		if b.resources[topicID] == nil {
			topic := object{"TopicName": name}
			putTrue(topic, "DisplayName", e.get("displayName"))
			b.add(topicID, "AWS::SNS::Topic", topic, e.fn.aliasID())
		}
	}
	if p := e.get("redrivePolicy"); p != nil {
		props["RedrivePolicy"] = object{"deadLetterTargetArn": b.topicDeadLetters(e, name, p, source)}
	}
	subscription := logical(e.fn.key) + "SnsSubscription" + alphanumeric(name)
	switch {
	case arn != nil:
		props["TopicArn"] = arn
		b.add(subscription, "AWS::SNS::Subscription", props, e.fn.aliasID())
	case props["FilterPolicy"] != nil || props["RedrivePolicy"] != nil:
		props["TopicArn"] = ref(topicID)
		b.add(subscription, "AWS::SNS::Subscription", props)
	default:
		topic := asObject(at(b.resources[topicID], "Properties"))
		topic["Subscription"] = append(asList(topic["Subscription"]), props)
	}
	b.permit(logical(e.fn.key)+"LambdaPermission"+alphanumeric(name)+"SNS", e.fn, "sns.amazonaws.com", source)
	return nil
}

// topicDeadLetters lets the topic send what it cannot deliver to a queue, and
// returns the queue's ARN.
func (b *builder) topicDeadLetters(e event, topic string, p, source any) any {
	arn := at(p, "deadLetterTargetArn")
	var url any
	switch {
	case arn != nil:
		if parts := strings.Split(text(arn), ":"); len(parts) == 6 {
			url = join("", "https://sqs."+parts[3]+".", ref("AWS::URLSuffix"), "/"+parts[4]+"/"+parts[5])
		}
	case at(p, "deadLetterTargetRef") != nil:
		id := text(at(p, "deadLetterTargetRef"))
		arn, url = getAtt(id, "Arn"), ref(id)
	default:
		arn = object{"Fn::ImportValue": at(p, "deadLetterTargetImport", "arn")}
		url = object{"Fn::ImportValue": at(p, "deadLetterTargetImport", "url")}
	}
	id := alphanumeric(topic) + "To" + logical(e.fn.key) + "DLQPolicy"
	b.add(id, "AWS::SQS::QueuePolicy", object{
		"PolicyDocument": object{"Version": "2012-10-17", "Id": id, "Statement": []any{object{
			"Effect": "Allow", "Principal": object{"Service": "sns.amazonaws.com"}, "Action": "sqs:SendMessage", "Resource": arn,
			"Condition": object{"ArnEquals": object{"aws:SourceArn": source}},
		}}},
		"Queues": []any{url},
	})
	return arn
}
