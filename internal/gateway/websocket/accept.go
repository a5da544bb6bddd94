package websocket

import (
	"bufio"
	"crypto/sha1"
	"encoding/base64"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"
)

// IsHandshake reports whether a client asks for a WebSocket.
func IsHandshake(r *http.Request) bool {
	return r.Method == http.MethodGet && r.ProtoMajor == 1 && has(r.Header, "Upgrade", "websocket") && has(r.Header, "Connection", "upgrade")
}

// Check returns the status and the words with which a handshake is refused that
// is none by the standard; 0 if it is one.
func Check(r *http.Request) (status int, message string) {
	key, err := base64.StdEncoding.DecodeString(r.Header.Get("Sec-Websocket-Key"))
	switch {
	case r.Header.Get("Sec-Websocket-Version") != "13":
		return http.StatusUpgradeRequired, "Upgrade Required"
	case err != nil || len(key) != 16 || len(r.Header["Sec-Websocket-Key"]) != 1:
		return http.StatusBadRequest, "Bad Request"
	}
	return 0, ""
}

// Accept answers a handshake, with one of the protocols that the client offers
// or with none, and takes the connection over.
func Accept(w http.ResponseWriter, r *http.Request, protocol string) (*Conn, error) {
	sum := sha1.Sum([]byte(r.Header.Get("Sec-Websocket-Key") + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"))
	conn, buffered, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return nil, err
	}
	answer := "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: " +
		base64.StdEncoding.EncodeToString(sum[:]) + "\r\n"
	if slices.Contains(Offered(r), protocol) {
		answer += "Sec-WebSocket-Protocol: " + protocol + "\r\n"
	}
	conn.SetDeadline(time.Time{}) // the server's were for the request
	conn.SetWriteDeadline(time.Now().Add(writeWithin))
	if _, err := io.WriteString(conn, answer+"\r\n"); err != nil {
		conn.Close()
		return nil, err
	}
	early, err := buffered.Reader.Peek(buffered.Reader.Buffered())
	if err != nil {
		conn.Close()
		return nil, err
	}
	in := io.Reader(conn)
	if len(early) > 0 { // a client that did not wait
		in = io.MultiReader(strings.NewReader(string(early)), conn)
	}
	return &Conn{conn: conn, in: bufio.NewReaderSize(in, readBuffer)}, nil
}

// Offered are the protocols that the client speaks, the ones it likes best first.
func Offered(r *http.Request) []string { return list(r.Header, "Sec-Websocket-Protocol") }

// has reports whether a header's list has a word.
func has(h http.Header, name, word string) bool {
	return slices.ContainsFunc(list(h, name), func(s string) bool { return strings.EqualFold(s, word) })
}

// list are the words of a header, which commas part.
func list(h http.Header, name string) []string {
	var all []string
	for _, line := range h[name] {
		for word := range strings.SplitSeq(line, ",") {
			if word = strings.TrimSpace(word); word != "" {
				all = append(all, word)
			}
		}
	}
	return all
}
