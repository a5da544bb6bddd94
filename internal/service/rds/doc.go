// Package rds is Amazon RDS, Aurora, and their Data API: databases that are real.
//
// A database is one that package database keeps: an instance has its own, and the
// instances of a cluster are names for that of their cluster. A row comes before its
// database: what is creating is made by a task, which goes on where it was cut
// short, and what has no row is removed.
//
// Clients find a database by its endpoint. Each name has a number, and so two
// addresses: one at which functions find it, since the sandbox asks us what a name
// of AWS means, and one of this host's loopback, for everybody else here. Behind
// both is the same door: it speaks the database's protocol far enough to offer TLS, and
// passes on the rest.
//
//	service.go   the tables               endpoint.go       names, numbers, doors
//	store.go     rows                     listen.go         the addresses on this host
//	engine.go    engines and versions     worker.go         makes and removes databases
//	cluster.go   clusters                 instance.go       instances
//	describe.go  lists of both            subnetgroup.go, parametergroup.go
//	proxy.go     proxies                  proxytarget.go    where they lead
//	snapshot.go  snapshots                restore.go        databases that begin as such
//	tag.go       tags                     secret.go         passwords that we keep
//	data.go      the Data API             transaction.go    its transactions
//	data/        statements and values of the Data API
package rds
