//go:build amd64 || arm64

package fence

import (
	"net"

	"golang.org/x/sys/unix"
)

// A network is a network namespace with nothing in it but loopback and our
// listeners: what a process finds there is us, without a wire between.
type network struct {
	ns            int // -1: the host's
	api, endpoint net.Listener
}

// newNetwork makes a network. The calling thread is locked, and ends in the
// network namespace host.
func newNetwork(host int) (*network, error) {
	if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
		return nil, err
	}
	defer unix.Setns(host, unix.CLONE_NEWNET)
	ns, err := openNamespace("net")
	if err != nil {
		return nil, err
	}
	n := &network{ns: ns}
	if err := upLoopback(); err != nil {
		n.close()
		return nil, err
	}
	return n, n.listen(apiAddr, endpointAddr)
}

// openNetwork is what there is without namespaces: two ports of the host.
func openNetwork() (*network, error) {
	n := &network{ns: -1}
	return n, n.listen("127.0.0.1:0", "127.0.0.1:0")
}

func (n *network) listen(api, endpoint string) (err error) {
	if n.api, err = net.Listen("tcp4", api); err == nil {
		n.endpoint, err = net.Listen("tcp4", endpoint)
	}
	if err != nil {
		n.close()
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
	for _, l := range []net.Listener{n.api, n.endpoint} {
		if l != nil {
			l.Close()
		}
	}
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
