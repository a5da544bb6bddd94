//go:build amd64 || arm64

package fence

import (
	"context"
	"fmt"
	"io"
	"net"

	"golang.org/x/sys/unix"
)

// A network is a network namespace with nothing in it but loopback and our
// listeners: what a process finds there is us, without a wire between.
type network struct {
	ns            int // -1: the host's
	api, endpoint net.Listener
	secure        net.Listener   // the endpoint over TLS, in the host's network
	names         net.PacketConn // asked for the addresses of names; nil in the host's network
	outside       []net.Listener // see openOutside
	program       *redirection   // that brings connections to outside; may be nil
}

// newNetwork makes a network, on a thread that is given up: without root there
// is no way back into the host's network.
func (f *Fence) newNetwork() (n *network, err error) {
	t := newThread(f.cfg.Group)
	defer t.end()
	err = t.do(func() error {
		n, err = f.unshareNetwork()
		return err
	})
	return n, err
}

// unshareNetwork makes a network of which the calling thread becomes part.
func (f *Fence) unshareNetwork() (*network, error) {
	if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
		return nil, err
	}
	ns, err := openNamespace("net")
	if err != nil {
		return nil, err
	}
	n := &network{ns: ns}
	if err = upLoopback(); err == nil {
		err = n.listen(apiAddr, fmt.Sprintf("127.0.0.1:%d", f.cfg.Port))
	}
	if err == nil {
		n.names, err = net.ListenPacket("udp4", namesAddr)
	}
	if err == nil {
		err = f.openOutside(n)
	}
	if err != nil {
		n.close()
		return nil, err
	}
	return n, nil
}

// openNetwork is what there is without namespaces: ports of the host.
func openNetwork() (*network, error) {
	n := &network{ns: -1}
	err := n.listen("127.0.0.1:0", "127.0.0.1:0")
	if err == nil {
		n.secure, err = listenTCP("127.0.0.1:0")
	}
	if err != nil {
		n.close()
		return nil, err
	}
	return n, nil
}

func (n *network) addresses() Addresses {
	a := Addresses{API: n.api.Addr().String(), Endpoint: n.endpoint.Addr().String()}
	if n.secure != nil {
		a.Secure = n.secure.Addr().String()
	}
	return a
}

func (n *network) listen(api, endpoint string) (err error) {
	if n.api, err = listenTCP(api); err == nil {
		n.endpoint, err = listenTCP(endpoint)
	}
	return err
}

// started gives back what is needed only to start in the network: our listeners keep it.
func (n *network) started() {
	if n.ns >= 0 {
		unix.Close(n.ns)
		n.ns = -1
	}
}

func (n *network) close() {
	n.started()
	if n.program != nil {
		n.program.Close()
	}
	all := []io.Closer{n.names}
	for _, l := range append([]net.Listener{n.api, n.endpoint, n.secure}, n.outside...) {
		all = append(all, l)
	}
	for _, c := range all {
		if c != nil {
			c.Close()
		}
	}
}

// listenTCP listens in the network of the calling thread. Plain TCP: neither our
// program nor a way within one host has a use for several paths.
func listenTCP(addr string) (net.Listener, error) {
	var c net.ListenConfig
	c.SetMultipathTCP(false)
	return c.Listen(context.Background(), "tcp4", addr)
}

func upLoopback() error {
	s, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer unix.Close(s)
	ifr, err := unix.NewIfreq("lo")
	if err != nil {
		return err
	}
	ifr.SetUint16(unix.IFF_UP | unix.IFF_RUNNING)
	return unix.IoctlIfreq(s, unix.SIOCSIFFLAGS, ifr)
}
