package task

import (
	"errors"
	"net"
	"time"
)

// acceptAgain is how long Accept waits when the system has no room.
const acceptAgain = 100 * time.Millisecond

// Accept waits for a connection that comes to l. That there is no room for one
// now, as when the process has all the files that it may, passes; its error is
// that l is closed.
func Accept(l net.Listener) (net.Conn, error) {
	for {
		c, err := l.Accept()
		if err == nil || errors.Is(err, net.ErrClosed) {
			return c, err
		}
		<-time.After(acceptAgain)
	}
}
