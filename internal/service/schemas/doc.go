// Package schemas is EventBridge Schema Registry: registries of schemas, their
// versions, and discoverers, which listen to a bus by a rule of it and find the
// schemas of its events. Code for schemas is not made.
//
//	service.go   the table                    discover.go    a schema of events
//	store.go     rows                         discoverer.go  who listens to a bus
//	registry.go  registries                   observe.go     what they find
//	schema.go    schemas and their versions   tag.go         tags
package schemas
