package serverless

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"
)

// Code says where code went that was packed.
type Code struct {
	Bucket, Key string
	Digest      string // of what is in it
	Image       string // URI of an image, in place of all else
}

// A builder makes a service's template.
type builder struct {
	s         *Service
	code      map[string]Code // by name of artifact
	resources object
	outputs   object
	role      object            // properties of the role all functions share; nil if each has its own
	methods   []string          // ids of the methods of the REST API
	notified  map[string]string // id of the last that has a bucket notify, by bucket
}

// Template returns the CloudFormation template that the service stands for.
// Code holds every artifact of Artifacts.
func (s *Service) Template(code map[string]Code) (map[string]any, error) {
	b := &builder{s: s, code: code, resources: object{}, outputs: object{}, notified: make(map[string]string)}
	template := object{
		"AWSTemplateFormatVersion": "2010-09-09",
		"Description":              "The AWS CloudFormation template for this Serverless application",
		"Resources":                b.resources,
		"Outputs":                  b.outputs,
	}
	b.deploymentBucket()
	b.sharedRole()
	for _, step := range []func() error{
		b.layers, b.allFunctions, b.restAPI, b.httpAPI, b.webSocketAPI, b.otherEvents, b.extend,
	} {
		if err := step(); err != nil {
			return nil, err
		}
	}
	b.exports()
	if err := b.declared(template); err != nil {
		return nil, err
	}
	template = clone(template).(object) // what is shared with the service stays as it is
	for _, r := range asObject(template["Resources"]) {
		if p := asObject(at(r, "Properties")); p != nil {
			withoutNulls(p)
		}
	}
	return numbered(template), nil
}

// add adds a resource. Members of nil are left out.
func (b *builder) add(id, typ string, properties object, dependsOn ...any) object {
	r := object{"Type": typ, "Properties": properties}
	var on []any
	for _, d := range dependsOn {
		if d != nil {
			on = append(on, d)
		}
	}
	if len(on) > 0 {
		r["DependsOn"] = on
	}
	b.resources[id] = r
	return r
}

func (b *builder) output(id, description string, v any) {
	o := object{"Value": v}
	if description != "" {
		o["Description"] = description
	}
	b.outputs[id] = o
}

// allow adds a permission to the role all functions share, if there is one.
func (b *builder) allow(actions []string, resources ...any) {
	if b.role != nil && len(resources) > 0 {
		b.state(object{"Effect": "Allow", "Action": anys(actions), "Resource": resources})
	}
}

// state adds a statement to the role all functions share, once.
func (b *builder) state(statement object) {
	policy := asObject(at(asObject(asList(b.role["Policies"])[0]), "PolicyDocument"))
	all := asList(policy["Statement"])
	for _, s := range all {
		if asJSON(s) == asJSON(statement) {
			return
		}
	}
	policy["Statement"] = append(all, statement)
}

// permit lets a service invoke a function.
func (b *builder) permit(id string, f *function, principal, source any, more ...any) {
	p := object{"FunctionName": f.target(), "Action": "lambda:InvokeFunction", "Principal": principal}
	put(p, "SourceArn", source)
	b.add(id, "AWS::Lambda::Permission", p, append([]any{f.aliasID()}, more...)...)
}

// events returns the events of a kind, of all functions.
func (s *Service) events(kind string) []event {
	var all []event
	for _, f := range s.functions {
		for _, e := range f.events {
			if e.kind == kind {
				all = append(all, e)
			}
		}
	}
	return all
}

// function returns the function of a key, or nil.
func (s *Service) function(key string) *function {
	for _, f := range s.functions {
		if f.key == key {
			return f
		}
	}
	return nil
}

// deploymentBucket adds the bucket that the framework keeps code in.
// Applications may refer to it, though our own code goes elsewhere.
func (b *builder) deploymentBucket() {
	const output = "ServerlessDeploymentBucketName"
	config := asObject(b.s.provider()["deploymentBucket"])
	if name := config["name"]; name != nil {
		b.output(output, "", name)
		return
	}
	p := object{"BucketEncryption": object{"ServerSideEncryptionConfiguration": []any{
		object{"ServerSideEncryptionByDefault": object{"SSEAlgorithm": "AES256"}},
	}}}
	if tags := asObject(config["tags"]); len(tags) > 0 {
		p["Tags"] = tagList(tags)
	}
	if truthy(config["blockPublicAccess"]) {
		p["PublicAccessBlockConfiguration"] = object{
			"BlockPublicAcls": true, "BlockPublicPolicy": true, "IgnorePublicAcls": true, "RestrictPublicBuckets": true,
		}
	}
	if truthy(config["versioning"]) {
		p["VersioningConfiguration"] = object{"Status": "Enabled"}
	}
	b.add(bucketID, "AWS::S3::Bucket", p)
	b.output(output, "", ref(bucketID))
	if truthy(config["skipPolicySetup"]) {
		return
	}
	arn := []any{"arn:", ref("AWS::Partition"), ":s3:::", ref(bucketID)}
	b.add(bucketID+"Policy", "AWS::S3::BucketPolicy", object{
		"Bucket": ref(bucketID),
		"PolicyDocument": object{"Statement": []any{object{
			"Action": "s3:*", "Effect": "Deny", "Principal": "*",
			"Resource":  []any{join("", append(arn[:4:4], "/*")...), join("", arn...)},
			"Condition": object{"Bool": object{"aws:SecureTransport": false}},
		}}},
	})
}

// exports names our own outputs for other stacks.
func (b *builder) exports() {
	if truthy(b.s.provider()["disableDefaultOutputExportNames"]) {
		return
	}
	for id, o := range b.outputs {
		if o := asObject(o); o != nil && o["Export"] == nil {
			o["Export"] = object{"Name": "sls-" + b.s.prefix() + "-" + id}
		}
	}
}

// numbered gives the deployment of the REST API an id that changes with what
// is deployed, so that a change of it makes another.
func numbered(template object) object {
	api := object{}
	for id, r := range asObject(template["Resources"]) {
		if typ := text(at(r, "Type")); strings.HasPrefix(typ, "AWS::ApiGateway::") {
			api[id] = r
		}
	}
	sum := sha256.Sum256([]byte(asJSON(api)))
	digest := hex.EncodeToString(sum[:6])
	return replaceText(template, instanceID, digest).(object)
}

// replaceText replaces a text in all members and their names.
func replaceText(v any, old, new string) any {
	switch v := v.(type) {
	case object:
		for key, member := range v {
			member = replaceText(member, old, new)
			if strings.Contains(key, old) {
				delete(v, key)
				key = strings.ReplaceAll(key, old, new)
			}
			v[key] = member
		}
	case []any:
		for i, e := range v {
			v[i] = replaceText(e, old, new)
		}
	case string:
		return strings.ReplaceAll(v, old, new)
	}
	return v
}
