// Package schemas is EventBridge Schema Registry: registries of schemas, and
// their versions. A schema is found from events that are given; discoverers,
// which listen to buses, are not there, and neither is code for schemas.
//
//	service.go   the table       schema.go    schemas and their versions
//	store.go     rows            discover.go  a schema of events
//	registry.go  registries      tag.go       tags
package schemas
