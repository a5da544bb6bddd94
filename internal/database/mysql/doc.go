// Package mysql speaks the protocol of MySQL and MariaDB: as far as who admits
// clients to a server needs it, who passes their first words on, and as a client
// that asks for what drivers for programs keep to themselves: whose table a column
// is of, how long its values may be, whether it counts on its own.
//
// Statements go, and their rows come, as text: nothing is prepared.
//
//	packet.go   packets          greeting.go  the first words of both sides
//	client.go   a client         result.go    what statements return
package mysql
