package task

import (
	"errors"
	"net"
	"syscall"
	"testing"
	"testing/synctest"
)

// A crowded listener has no room at first.
type crowded struct {
	net.Listener
	errs []error
}

func (l *crowded) Accept() (net.Conn, error) {
	if len(l.errs) == 0 {
		return nil, nil
	}
	err := l.errs[0]
	l.errs = l.errs[1:]
	return nil, err
}

// Accept goes on when there is no room for a while, and ends with its listener.
func TestAccept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := &crowded{errs: []error{syscall.EMFILE, &net.OpError{Op: "accept", Err: syscall.ENFILE}}}
		if _, err := Accept(l); err != nil || len(l.errs) > 0 {
			t.Errorf("no room: %v", err)
		}
		l = &crowded{errs: []error{&net.OpError{Op: "accept", Err: net.ErrClosed}}}
		if _, err := Accept(l); !errors.Is(err, net.ErrClosed) {
			t.Errorf("closed: %v", err)
		}
	})
}
