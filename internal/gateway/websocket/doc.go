// Package websocket is the server's side of WebSockets, RFC 6455, as API Gateway
// speaks it: text comes in, in frames of 32 KB at most and messages of 128 KB,
// and nothing is compressed. What breaks a rule ends the connection with the
// code that the standard or AWS has for it.
//
// It is no general library, so that an open connection that says nothing costs
// little: no goroutine besides the one that reads, half a kilobyte to read into,
// and no buffer to write from.
//
//	frame.go    headers of frames
//	conn.go     messages, pings, closing
//	accept.go   the handshake
package websocket
