//go:build linux && (amd64 || arm64)

package fence

import (
	"net"
	"net/netip"
	"testing"
)

// Where the kernel takes no program, the usual ports are left.
func TestWithoutProgram(t *testing.T) {
	r := newRig(t)
	r.noProgram.Store(true)
	n, err := r.newNetwork()
	if err != nil {
		t.Fatal(err)
	}
	defer n.close()
	if n.program != nil || len(n.outside) != len(usualPorts) {
		t.Errorf("%d listeners", len(n.outside))
	}
}

// The program in the kernel decides as Permits does, and a listener of ours
// sees whom the process meant.
func TestProgram(t *testing.T) {
	r := newRig(t)
	if !programWorks(t, r) {
		t.Skip("the kernel takes no program")
	}
	for _, egress := range []string{"none", "internet", "internet,10.1.0.0/16", "10.1.2.3"} {
		e, err := ParseEgress(egress)
		if err != nil {
			t.Fatal(err)
		}
		r.cfg.Egress = e
		th := newThread(r.cfg.Group)
		err = th.do(func() error {
			n, err := r.unshareNetwork()
			if err != nil {
				return err
			}
			defer n.close()
			for _, to := range []string{"1.1.1.1:443", "8.8.8.8:12345", "169.254.169.254:80", "10.1.2.3:5432", "10.2.2.3:5432", "192.168.0.1:80", "198.18.0.1:443", "198.18.0.2:443", "224.0.0.1:80", "255.255.255.255:80"} {
				addr := netip.MustParseAddrPort(to)
				c, err := net.Dial("tcp4", to)
				want := e.Permits(addr.Addr()) || addr.Addr() == Platform
				if (err == nil) != want {
					t.Errorf("egress %s, to %s: %v", egress, to, err)
				}
				if err != nil {
					continue
				}
				got, err := n.outside[0].Accept()
				if err != nil {
					return err
				}
				if got.LocalAddr().String() != to {
					t.Errorf("to %s: accepted as %s", to, got.LocalAddr())
				}
				got.Close()
				c.Close()
			}
			return nil
		})
		th.end()
		if err != nil {
			t.Fatal(err)
		}
	}
}

func programWorks(t *testing.T, r *rig) bool {
	s, err := r.newSlot()
	if err != nil {
		t.Fatal(err)
	}
	defer s.discard()
	return s.network.program != nil
}
