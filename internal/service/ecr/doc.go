// Package ecr implements Amazon ECR: container images for functions, and the
// protocol by which docker and other tools push and pull them.
//
// An image is a manifest, kept as a row under its hash, that names layers, kept
// as bodies under theirs; a tag is another name for a manifest. The operations
// of ECR and the registry's protocol are two doors to the same rows: what comes
// by the protocol is made a call of the operation that it stands for, so it
// needs the same permission.
//
//	service.go      what the service is made of, its table of operations
//	repository.go   create, describe, delete
//	image.go        manifests and tags: put, get; imagelist.go describe, list, delete
//	layer.go        layers on their way in, and out
//	policy.go       policies of repositories, and what is remembered of lifecycles
//	tag.go          tags of repositories
//	token.go        passwords of the registry
//	registry.go     the registry's protocol, and registryblob.go its layers
//	store.go        the rows it keeps, and nothing but
//	worker.go       what it does in the background
package ecr
