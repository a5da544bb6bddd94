// Package database runs servers of databases: PostgreSQL, and MariaDB, which also
// stands for MySQL. Their programs are fetched when the first database needs them,
// and kept.
//
// The idea that makes it cheap: a database is a directory, and a server runs over
// it while somebody is connected. Whoever dials a database waits for its server;
// one that nobody has needed for a while is stopped. A server that was killed, with
// the platform or alone, is started at the next connection, and its own log brings
// back what it had acknowledged.
//
// Servers run fenced in, each as a user of its own and in a network of its own, where
// the host can do that; elsewhere as the user that the platform is.
//
//	fleet.go    all databases, and their servers    program.go  what is fetched
//	server.go   one that runs                       process.go  how a process is started
//	postgres.go PostgreSQL                          front.go    what clients are connected with
//	postgresfront.go: its first words with clients
//	copy.go     copies of databases
//	mariadb.go  MariaDB                    mariadbfront.go: its first words
//	mysql/      their protocol             token.go    tokens of IAM, and *token.go, *front.go
package database
