// Package xray implements AWS X-Ray as far as applications use it: segments go
// in, traces and the graph of services come out.
//
// A segment is a row under its trace, as it was sent; a trace has a row by the
// time of its first segment, and is due to be removed thirty days later.
// Everything that is told of traces is read from the documents of their
// segments when somebody asks.
//
//	service.go   the table         document.go  segments, as they are sent
//	store.go     rows              trace.go     segments in, traces out
//	sampling.go  sampling rules    graph.go     the graph of services
//	group.go     groups
package xray
