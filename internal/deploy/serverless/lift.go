package serverless

import "slices"

// What the plugin serverless-lift calls constructs: a queue with the function
// that works on it, and a bucket. They become functions and resources that the
// application could have declared itself.

// constructValue is what ${construct:name.member} is, nil if there is none.
func (s *Service) constructValue(name, member string) any {
	id := logical(name)
	switch text(at(s.root, "constructs", name, "type")) {
	case "queue":
		switch member {
		case "queueUrl":
			return ref(id + "Queue")
		case "queueArn":
			return getAtt(id+"Queue", "Arn")
		}
	case "storage":
		switch member {
		case "bucketName":
			return ref(id + "Bucket")
		case "bucketArn":
			return getAtt(id+"Bucket", "Arn")
		}
	}
	return nil
}

// expandConstructs adds the functions, resources and permissions of constructs.
func (s *Service) expandConstructs() error {
	constructs := asObject(s.root["constructs"])
	for _, name := range keys(constructs) {
		config, path := asObject(constructs[name]), []string{"constructs", name}
		switch kind := text(config["type"]); kind {
		case "queue":
			if err := s.liftQueue(path, name, config); err != nil {
				return err
			}
		case "storage":
			s.liftStorage(name, config)
		default:
			return s.errorAt(path, "Aloft makes constructs of type queue and storage only, not %q", kind)
		}
	}
	return nil
}

// declare adds a resource as if the application had declared it.
func (s *Service) declare(id, typ string, properties object, extensions any) {
	r := object{"Type": typ, "Properties": properties}
	merge(properties, asObject(extensions))
	section := s.section(s.root, "resources")
	s.section(section, "Resources")[id] = r
}

// section returns a member that is a map, made if it is not there.
func (s *Service) section(of object, key string) object {
	if m := asObject(of[key]); m != nil {
		return m
	}
	m := object{}
	of[key] = m
	return m
}

// grant adds a permission to the role that functions share.
func (s *Service) grant(actions []string, resources ...any) {
	iam := s.section(s.provider(), "iam")
	if iam["role"] != nil && asObject(iam["role"]) == nil || isCall(iam["role"]) {
		return // the role is somebody else's
	}
	role := s.section(iam, "role")
	role["statements"] = append(list(role["statements"]), object{"Effect": "Allow", "Action": anys(actions), "Resource": resources})
}

func (s *Service) liftQueue(path []string, name string, config object) error {
	worker := asObject(config["worker"])
	if worker == nil {
		return s.errorAt(path, "a queue wants a worker")
	}
	id := logical(name) + "Queue"
	timeout := number(first(worker["timeout"], s.provider()["timeout"]), 6)
	window := number(config["maxBatchingWindow"], 0)
	dead := object{"MessageRetentionPeriod": 14 * 24 * 3600}
	queue := object{
		// As AWS advises: six times the worker's, so that a message is not handed out while it is worked on.
		"VisibilityTimeout": timeout*6 + window,
		"RedrivePolicy":     object{"deadLetterTargetArn": getAtt(logical(name)+"Dlq", "Arn"), "maxReceiveCount": first(config["maxRetries"], 3)},
	}
	suffix := ""
	if truthy(config["fifo"]) {
		suffix = ".fifo"
		queue["FifoQueue"], queue["ContentBasedDeduplication"], dead["FifoQueue"] = true, true, true
	}
	queue["QueueName"], dead["QueueName"] = s.liftName(name)+suffix, s.liftName(name)+"-dlq"+suffix
	put(queue, "DelaySeconds", config["delay"])
	s.declare(logical(name)+"Dlq", "AWS::SQS::Queue", dead, nil)
	s.declare(id, "AWS::SQS::Queue", queue, at(config, "extensions", "queue", "Properties"))
	f := asObject(clone(worker))
	event := object{
		"arn": getAtt(id, "Arn"), "batchSize": first(config["batchSize"], 1), "maximumBatchingWindow": window,
		"functionResponseType": "ReportBatchItemFailures",
	}
	put(event, "maximumConcurrency", config["maxConcurrency"])
	f["events"] = append(slices.Clone(list(f["events"])), object{"sqs": event})
	s.section(s.root, "functions")[name+"Worker"] = f
	s.grant([]string{"sqs:SendMessage"}, getAtt(id, "Arn"))
	if config["alarm"] != nil {
		s.note(in(path, "alarm"), "no alarms are made")
	}
	return nil
}

func (s *Service) liftName(name string) string {
	return s.Name + "-" + s.Stage + "-" + name
}

func (s *Service) liftStorage(name string, config object) {
	id := logical(name) + "Bucket"
	s.declare(id, "AWS::S3::Bucket", object{
		"VersioningConfiguration":        object{"Status": "Enabled"},
		"PublicAccessBlockConfiguration": object{"BlockPublicAcls": true, "BlockPublicPolicy": true, "IgnorePublicAcls": true, "RestrictPublicBuckets": true},
		"BucketEncryption": object{"ServerSideEncryptionConfiguration": []any{
			object{"ServerSideEncryptionByDefault": object{"SSEAlgorithm": "AES256"}},
		}},
	}, at(config, "extensions", "bucket", "Properties"))
	s.grant([]string{"s3:PutObject", "s3:GetObject", "s3:DeleteObject", "s3:ListBucket"}, getAtt(id, "Arn"), join("", getAtt(id, "Arn"), "/*"))
}
