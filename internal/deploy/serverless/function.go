package serverless

import (
	"crypto/sha256"
	"encoding/base64"
	"maps"
	"strings"
)

// usualRuntime is that of functions that name none.
const usualRuntime = "nodejs18.x"

func (s *Service) runtime(f *function) string {
	return text(first(f.config["runtime"], s.provider()["runtime"], usualRuntime))
}

// retention adds how long a log group keeps what it is given, and how.
func (b *builder) retention(group object, config object) object {
	p := b.s.provider()
	putTrue(group, "RetentionInDays", first(config["logRetentionInDays"], p["logRetentionInDays"]))
	putTrue(group, "DataProtectionPolicy", first(config["logDataProtectionPolicy"], p["logDataProtectionPolicy"]))
	return group
}

func (b *builder) allFunctions() error {
	for _, f := range b.s.functions {
		if !truthy(f.config["disableLogs"]) {
			b.add(logGroupID(f.key), "AWS::Logs::LogGroup", b.retention(object{"LogGroupName": "/aws/lambda/" + f.name}, f.config))
		}
		if err := b.function(f); err != nil {
			return err
		}
	}
	return nil
}

// function adds a function, its versions, alias, URL and destinations.
func (b *builder) function(f *function) error {
	c, p := f.config, b.s.provider()
	props := object{
		"FunctionName": f.name,
		"MemorySize":   first(c["memorySize"], p["memorySize"], 1024),
		"Timeout":      first(c["timeout"], p["timeout"], 6),
	}
	if err := b.functionCode(f, props); err != nil {
		return err
	}
	if arch := first(c["architecture"], p["architecture"]); truthy(arch) {
		props["Architectures"] = []any{arch}
	}
	putTrue(props, "Description", c["description"])
	if tags := asObject(clone(p["tags"])); c["tags"] != nil || tags != nil {
		all := object{}
		maps.Copy(all, tags)
		maps.Copy(all, asObject(c["tags"]))
		props["Tags"] = tagList(all)
	}
	if n := c["ephemeralStorageSize"]; n != nil {
		props["EphemeralStorage"] = object{"Size": n}
	}
	if env := asObject(clone(p["environment"])); c["environment"] != nil || env != nil {
		all := object{}
		maps.Copy(all, env)
		maps.Copy(all, asObject(clone(c["environment"])))
		for name, v := range all {
			if s := text(v); s != "" {
				all[name] = s
			}
		}
		props["Environment"] = object{"Variables": all}
	}
	b.network(f, props)
	if err := b.fileSystem(f, props); err != nil {
		return err
	}
	b.encryption(f, props)
	b.tracing(f, props)
	if n := c["reservedConcurrency"]; n != nil {
		props["ReservedConcurrentExecutions"] = n
	}
	if layers := first(c["layers"], p["layers"]); layers != nil {
		props["Layers"] = list(clone(layers))
	}
	if f.alias == "snapstart" {
		props["SnapStart"] = object{"ApplyOn": "PublishedVersions"}
	}
	var group, role any
	if !truthy(c["disableLogs"]) {
		group = logGroupID(f.key)
	}
	props["Role"], role = roleArn(b.roleOf(f))
	r := b.add(functionID(f.key), "AWS::Lambda::Function", props, append([]any{group, role}, list(c["dependsOn"])...)...)
	putTrue(r, "Condition", c["condition"])
	b.version(f, props)
	b.functionURL(f)
	return b.invokeConfig(f)
}

// functionCode says where the code is and how it is called.
func (b *builder) functionCode(f *function, props object) error {
	image, handler := f.config["image"], text(f.config["handler"])
	if (image == nil) == (handler == "") {
		return b.s.errorAt(f.path, `want either "handler" or "image"`)
	}
	if image != nil {
		return b.image(f, image, props)
	}
	code := b.code[b.s.artifactOf(f)]
	props["Code"] = object{"S3Bucket": code.Bucket, "S3Key": code.Key}
	props["Handler"], props["Runtime"] = b.s.handler(f), b.s.runtime(f)
	if b.s.cargo(f) != "" {
		props["Handler"], props["Runtime"] = "bootstrap", "provided.al2023"
	}
	management := first(f.config["runtimeManagement"], b.s.provider()["runtimeManagement"])
	mode := text(first(at(management, "mode"), management))
	switch mode {
	case "onFunctionUpdate":
		props["RuntimeManagementConfig"] = object{"UpdateRuntimeOn": "FunctionUpdate"}
	case "manual":
		props["RuntimeManagementConfig"] = object{"UpdateRuntimeOn": "Manual", "RuntimeVersionArn": at(management, "arn")}
	}
	return nil
}

// image says which image a function is made of.
func (b *builder) image(f *function, image any, props object) error {
	uri := text(first(at(image, "uri"), image))
	if name := text(first(at(image, "name"), image)); !strings.Contains(uri, ".dkr.ecr.") {
		declared := at(b.s.provider(), "ecr", "images", name)
		if declared == nil {
			return b.s.errorAt(in(f.path, "image"), "there is no image %q in provider.ecr.images", name)
		}
		if uri = text(first(at(declared, "uri"), declared)); at(declared, "path") != nil {
			uri = b.code[imageArtifact(name)].Image
		}
	}
	props["Code"], props["PackageType"] = object{"ImageUri": uri}, "Image"
	config := object{}
	putTrue(config, "Command", at(image, "command"))
	putTrue(config, "EntryPoint", at(image, "entryPoint"))
	putTrue(config, "WorkingDirectory", at(image, "workingDirectory"))
	if len(config) > 0 {
		props["ImageConfig"] = config
	}
	return nil
}

// network puts a function into a VPC.
func (b *builder) network(f *function, props object) {
	own, has := f.config["vpc"]
	if has && !truthy(own) {
		return
	}
	groups := first(at(own, "securityGroupIds"), at(b.s.provider(), "vpc", "securityGroupIds"))
	subnets := first(at(own, "subnetIds"), at(b.s.provider(), "vpc", "subnetIds"))
	if groups == nil || subnets == nil {
		return
	}
	props["VpcConfig"] = object{"SecurityGroupIds": groups, "SubnetIds": subnets}
	put(props["VpcConfig"].(object), "Ipv6AllowedForDualStack", first(at(own, "ipv6AllowedForDualStack"), at(b.s.provider(), "vpc", "ipv6AllowedForDualStack")))
}

func (b *builder) fileSystem(f *function, props object) error {
	config := asObject(f.config["fileSystemConfig"])
	if config == nil {
		return nil
	}
	if props["VpcConfig"] == nil {
		return b.s.errorAt(in(f.path, "fileSystemConfig"), "a function with a file system wants a vpc")
	}
	b.allow([]string{"elasticfilesystem:ClientMount", "elasticfilesystem:ClientWrite"}, config["arn"])
	props["FileSystemConfigs"] = []any{object{"Arn": config["arn"], "LocalMountPath": config["localMountPath"]}}
	return nil
}

// encryption sets the key and the dead-letter target, and permits their use if
// they are spelled out.
func (b *builder) encryption(f *function, props object) {
	if to := f.config["onError"]; truthy(to) {
		props["DeadLetterConfig"] = object{"TargetArn": to}
		if arn := text(to); arn != "" {
			action := "sns:Publish"
			if strings.Contains(arn, ":sqs:") {
				action = "sqs:SendMessage"
			}
			b.allow([]string{action}, arn)
		}
	}
	key := first(f.config["kmsKeyArn"], f.config["awsKmsKeyArn"], b.s.provider()["kmsKeyArn"])
	if truthy(key) {
		props["KmsKeyArn"] = key
		if arn := text(key); arn != "" {
			b.allow([]string{"kms:Decrypt"}, arn)
		}
	}
}

func (b *builder) tracing(f *function, props object) {
	mode := first(f.config["tracing"], at(b.s.provider(), "tracing", "lambda"))
	if mode == nil && b.s.plugins["serverless-plugin-tracing"] {
		mode = b.s.provider()["tracing"]
	}
	if !truthy(mode) {
		return
	}
	if mode == true {
		mode = "Active"
	}
	props["TracingConfig"] = object{"Mode": mode}
	b.allow([]string{"xray:PutTraceSegments", "xray:PutTelemetryRecords"}, "*")
}

// version adds a version whose id is a digest of the function and its code: a
// version is of one state, and a change makes another.
func (b *builder) version(f *function, props object) {
	wanted := first(f.config["versionFunction"], f.config["versionFunctions"], b.s.provider()["versionFunctions"], true)
	if !truthy(wanted) && f.alias == "" {
		return
	}
	hashed := asObject(clone(props))
	delete(hashed, "Code")
	delete(hashed, "ReservedConcurrentExecutions")
	delete(hashed, "Tags")
	hash := sha256.New()
	code := b.code[b.s.artifactOf(f)].Digest
	hash.Write([]byte(code + asJSON(hashed)))
	for _, l := range asList(props["Layers"]) {
		if id := text(at(l, "Ref")); id != "" {
			hash.Write([]byte(asJSON(b.resources[id])))
		}
	}
	id := logical(f.key) + "LambdaVersion" + onlyLetters(base64.StdEncoding.EncodeToString(hash.Sum(nil)))
	version := object{"FunctionName": ref(functionID(f.key))}
	putTrue(version, "Description", f.config["description"])
	r := b.add(id, "AWS::Lambda::Version", version)
	if truthy(wanted) {
		r["DeletionPolicy"] = "Retain"
	}
	b.output(functionID(f.key)+"QualifiedArn", "Current Lambda function version", ref(id))
	if f.alias == "" {
		return
	}
	alias := object{"FunctionName": ref(functionID(f.key)), "FunctionVersion": getAtt(id, "Version"), "Name": f.alias}
	if n := f.config["provisionedConcurrency"]; truthy(n) {
		alias["ProvisionedConcurrencyConfig"] = object{"ProvisionedConcurrentExecutions": n}
	}
	b.add(f.aliasID().(string), "AWS::Lambda::Alias", alias, functionID(f.key))
}
