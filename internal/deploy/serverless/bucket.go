package serverless

import "regexp"

var bucketName = regexp.MustCompile(`^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$`)

// buckets adds the buckets of the events of kind s3. A bucket that is there
// already is told to notify.
func (b *builder) buckets() error {
	configs := make(map[string][]any)
	on := make(map[string][]any)
	for _, e := range b.s.events("s3") {
		key := text(first(e.get("bucket"), e.config))
		if truthy(e.get("existing")) {
			if err := b.existingBucket(e); err != nil {
				return err
			}
			continue
		}
		name := text(first(at(b.s.provider(), "s3", key, "name"), key))
		if !bucketName.MatchString(name) {
			return b.s.errorAt(in(e.path, "s3"), "%q is no name of a bucket; one that the template computes wants existing: true", name)
		}
		config := object{"Event": first(e.get("event"), "s3:ObjectCreated:*"), "Function": e.fn.target()}
		if rules := bucketRules(e); len(rules) > 0 {
			config["Filter"] = object{"S3Key": object{"Rules": rules}}
		}
		configs[key] = append(configs[key], config)
		permission := logical(e.fn.key) + "LambdaPermission" + alphanumeric(key) + "S3"
		on[key] = append(on[key], permission, e.fn.aliasID())
		b.permit(permission, e.fn, "s3.amazonaws.com", join("", "arn:", ref("AWS::Partition"), ":s3:::"+name))
		asObject(at(b.resources[permission], "Properties"))["SourceAccount"] = ref("AWS::AccountId")
	}
	for _, key := range keys(configs) {
		b.bucket(key, configs[key], on[key])
	}
	return nil
}

// bucket adds one bucket, as provider.s3 may describe it.
func (b *builder) bucket(key string, configs, dependsOn []any) {
	props := object{"BucketName": key}
	for member, v := range asObject(at(b.s.provider(), "s3", key)) {
		if member == "name" {
			props["BucketName"] = v
			continue
		}
		props[upperFirst(member)] = clone(v)
	}
	notify := asObject(props["NotificationConfiguration"])
	if notify == nil {
		notify = object{}
	}
	if notify["LambdaConfigurations"] == nil {
		notify["LambdaConfigurations"] = configs
	}
	props["NotificationConfiguration"] = notify
	b.add("S3Bucket"+alphanumeric(key), "AWS::S3::Bucket", props, dependsOn...)
}

func bucketRules(e event) []any {
	var rules []any
	for _, rule := range list(e.get("rules")) {
		for _, name := range keys(asObject(rule)) {
			rules = append(rules, object{"Name": name, "Value": at(rule, name)})
		}
	}
	return rules
}

// notificationType is a resource of ours: it adds to what a bucket notifies,
// and takes that away again. The framework has a function do so.
const notificationType = "Aloft::S3::BucketNotification"

// existingBucket has a bucket notify a function that the template need not have
// made. One function gets events of one bucket.
func (b *builder) existingBucket(e event) error {
	id := logical(e.fn.key) + "CustomS31"
	bucket := first(e.get("bucket"), e.config)
	config := object{"Event": first(e.get("event"), "s3:ObjectCreated:*")}
	if rules := bucketRules(e); len(rules) > 0 {
		config["Rules"] = rules
	}
	if r := asObject(b.resources[id]); r != nil {
		props := asObject(r["Properties"])
		if asJSON(props["BucketName"]) != asJSON(bucket) {
			return b.s.errorAt(in(e.path, "s3"), "a function can have events of one existing bucket only")
		}
		props["Events"] = append(asList(props["Events"]), config)
		return nil
	}
	// One after the other, since each reads what the bucket notifies and writes it.
	before := nonEmpty(b.notified[asJSON(bucket)])
	b.notified[asJSON(bucket)] = id
	permission := logical(e.fn.key) + "LambdaPermissionCustomS3"
	b.permit(permission, e.fn, "s3.amazonaws.com", join("", "arn:", ref("AWS::Partition"), ":s3:::", bucket))
	asObject(at(b.resources[permission], "Properties"))["SourceAccount"] = ref("AWS::AccountId")
	b.add(id, notificationType, object{"BucketName": bucket, "FunctionArn": e.fn.target(), "Events": []any{config}}, permission, before)
	return nil
}
