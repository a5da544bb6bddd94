package serverless

import (
	"crypto/sha1"
	"encoding/hex"
	"strings"
)

// layers adds the layers that the service makes.
func (b *builder) layers() error {
	for _, name := range b.s.layers {
		config, ok := at(b.s.root, "layers", name).(object)
		if !ok {
			return b.s.errorAt([]string{"layers", name}, "want a map")
		}
		b.layer(name, config)
	}
	return nil
}

func (b *builder) layer(name string, config object) {
	code := b.code[layerArtifact(name)]
	props := object{
		"Content":   object{"S3Bucket": code.Bucket, "S3Key": code.Key},
		"LayerName": first(config["name"], name),
	}
	putTrue(props, "Description", config["description"])
	putTrue(props, "LicenseInfo", config["licenseInfo"])
	put(props, "CompatibleRuntimes", config["compatibleRuntimes"])
	put(props, "CompatibleArchitectures", config["compatibleArchitectures"])
	id, suffix := logical(name)+"LambdaLayer", ""
	sum := sha1.Sum([]byte(asJSON(props) + code.Digest))
	digest := hex.EncodeToString(sum[:])
	retain := truthy(config["retain"])
	if retain {
		suffix = digest
	}
	r := b.add(id+suffix, "AWS::Lambda::LayerVersion", props)
	made := []object{r}
	for _, account := range texts(config["allowedAccounts"]) {
		permission := logical(name) + strings.Replace(account, "*", "Wild", 1) + "LambdaLayerPermission"
		made = append(made, b.add(permission+suffix, "AWS::Lambda::LayerVersionPermission", object{
			"Action": "lambda:GetLayerVersion", "LayerVersionArn": ref(id + suffix), "Principal": account,
		}))
	}
	if retain {
		for _, r := range made {
			r["DeletionPolicy"] = "Retain"
		}
	}
	b.output(id+"QualifiedArn", "Current Lambda layer version", ref(id+suffix))
	b.output(id+"Hash", "Current Lambda layer hash", digest)
	b.output(id+"S3Key", "Current Lambda layer S3Key", code.Key)
}
