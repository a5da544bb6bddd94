//go:build amd64 || arm64

package fence

import (
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"net/netip"
	"slices"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
	"github.com/cilium/ebpf/link"
	"golang.org/x/sys/unix"
)

// The outside of a network is us too. Its only interface is loopback, and
// routes say that every address that Egress permits is there, so what a process
// connects to arrives at a listener of ours, which sees whom it meant. A small
// program in the kernel gives us every port with one listener. Where there can
// be no such program, we listen at the ports that are used most.

// usualPorts are what we listen at without the program.
var usualPorts = []int{22, 25, 80, 443, 465, 587, 1433, 1521, 3306, 5432, 5671, 5672, 6379, 6380, 8000, 8080, 8443, 8883, 9042, 9092, 9093, 9094, 9096, 9098, 9200, 10255, 11211, 27016, 27017}

const outsidePort = 15001

// openOutside makes the outside of the network that the calling thread is in.
func (f *Fence) openOutside(n *network) error {
	if err := layRoutes(f.cfg.Egress); err != nil {
		return fmt.Errorf("route: %w", err)
	}
	if !f.noProgram.Load() {
		l, err := listenTCP(fmt.Sprintf("0.0.0.0:%d", outsidePort))
		if err != nil {
			return err
		}
		if n.program, err = redirect(n.ns, l, f.cfg.Egress); err == nil {
			n.outside = []net.Listener{l}
			return nil
		}
		l.Close()
		f.noProgram.Store(true)
		f.cfg.Log.Debug("functions reach the usual ports alone", "err", err)
	}
	for _, port := range usualPorts {
		l, err := listenTCP(fmt.Sprintf("0.0.0.0:%d", port))
		if err != nil {
			return err
		}
		n.outside = append(n.outside, l)
	}
	return nil
}

// ours are the addresses that are the platform, or lead to the host.
func (e Egress) ours() []netip.Prefix {
	all := []netip.Prefix{netip.PrefixFrom(Platform, 32), Beside}
	if e.Host {
		all = append(all, netip.PrefixFrom(Host, 32))
	}
	return all
}

// layRoutes makes the addresses that e permits the network's own. To others
// there is no way.
func layRoutes(e Egress) error {
	lo, err := net.InterfaceByName("lo")
	if err != nil {
		return err
	}
	s, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_RAW|unix.SOCK_CLOEXEC, unix.NETLINK_ROUTE)
	if err != nil {
		return err
	}
	defer unix.Close(s)
	ours := append(e.ours(), e.Allow...)
	if e.Internet {
		for _, p := range private {
			if p.Addr().IsLoopback() || slices.ContainsFunc(e.Allow, func(a netip.Prefix) bool { return a.Bits() <= p.Bits() && a.Contains(p.Addr()) }) {
				continue
			}
			if err := addRoute(s, p, unix.RTN_PROHIBIT, 0); err != nil {
				return err
			}
		}
		ours = append(ours, netip.PrefixFrom(netip.IPv4Unspecified(), 0))
	}
	for _, p := range ours {
		if err := addRoute(s, p, unix.RTN_LOCAL, lo.Index); err != nil {
			return err
		}
	}
	return nil
}

// addRoute adds a route to p, by the socket s of the kernel.
func addRoute(s int, p netip.Prefix, kind uint8, link int) error {
	le := binary.LittleEndian
	scope := uint8(unix.RT_SCOPE_UNIVERSE)
	if kind == unix.RTN_LOCAL {
		scope = unix.RT_SCOPE_HOST
	}
	var b []byte
	b = le.AppendUint32(b, 0) // nlmsghdr; its length comes last
	b = le.AppendUint16(b, unix.RTM_NEWROUTE)
	b = le.AppendUint16(b, unix.NLM_F_REQUEST|unix.NLM_F_ACK|unix.NLM_F_CREATE|unix.NLM_F_REPLACE)
	b = le.AppendUint32(b, 1)
	b = le.AppendUint32(b, 0)
	b = append(b, unix.AF_INET, uint8(p.Bits()), 0, 0, unix.RT_TABLE_LOCAL, unix.RTPROT_STATIC, scope, kind) // rtmsg
	b = le.AppendUint32(b, 0)
	ip := p.Addr().As4()
	b = append(le.AppendUint16(le.AppendUint16(b, 8), unix.RTA_DST), ip[:]...) // rtattr
	if link > 0 {
		b = le.AppendUint32(le.AppendUint16(le.AppendUint16(b, 8), unix.RTA_OIF), uint32(link))
	}
	le.PutUint32(b, uint32(len(b)))
	if err := unix.Sendto(s, b, 0, &unix.SockaddrNetlink{Family: unix.AF_NETLINK}); err != nil {
		return err
	}
	answer := make([]byte, 4096)
	n, _, err := unix.Recvfrom(s, answer, 0)
	if err != nil {
		return err
	}
	if n >= 20 && le.Uint16(answer[4:]) == unix.NLMSG_ERROR {
		if errno := int32(le.Uint32(answer[16:])); errno != 0 {
			return unix.Errno(-errno)
		}
	}
	return nil
}

// Offsets in struct bpf_sk_lookup.
const (
	lookupProtocol = 12
	lookupLocalIP4 = 40
)

// Answers of the program: drop refuses the connection, pass goes on to who
// listens at its address.
const (
	lookupDrop = 0
	lookupPass = 1
)

// A redirection is the program of one network.
type redirection struct {
	sockets *ebpf.Map
	program *ebpf.Program
	link    io.Closer
}

// Close takes the program out of its network.
func (s *redirection) Close() error {
	for _, c := range []io.Closer{s.link, s.program, s.sockets} {
		c.Close()
	}
	return nil
}

// redirect brings to l what connects to an address of the outside in network ns.
func redirect(ns int, l net.Listener, e Egress) (*redirection, error) {
	sockets, err := ebpf.NewMap(&ebpf.MapSpec{Type: ebpf.SockMap, KeySize: 4, ValueSize: 8, MaxEntries: 1})
	if err != nil {
		return nil, fmt.Errorf("make a map: %w", err)
	}
	program, err := ebpf.NewProgram(&ebpf.ProgramSpec{Type: ebpf.SkLookup, AttachType: ebpf.AttachSkLookup, License: "Apache-2.0", Instructions: lookupProgram(sockets.FD(), e)})
	if err != nil {
		sockets.Close()
		return nil, fmt.Errorf("load the program: %w", err)
	}
	s := &redirection{sockets: sockets, program: program}
	if err = store(sockets, l); err == nil {
		s.link, err = link.AttachNetNs(ns, program)
	}
	if err != nil {
		program.Close()
		sockets.Close()
		return nil, fmt.Errorf("attach the program: %w", err)
	}
	return s, nil
}

// store puts the socket of l in a map.
func store(sockets *ebpf.Map, l net.Listener) error {
	conn, err := l.(*net.TCPListener).SyscallConn()
	if err != nil {
		return err
	}
	var wrong error
	err = conn.Control(func(fd uintptr) { wrong = sockets.Put(uint32(0), uint64(fd)) })
	if err != nil {
		return err
	}
	return wrong
}

// lookupProgram decides as Egress.Permits does.
func lookupProgram(sockets int, e Egress) asm.Instructions {
	p := asm.Instructions{
		asm.Mov.Reg(asm.R6, asm.R1),
		asm.LoadMem(asm.R2, asm.R6, lookupProtocol, asm.Word),
		asm.JNE.Imm(asm.R2, unix.IPPROTO_TCP, "pass"),
		asm.LoadMem(asm.R2, asm.R6, lookupLocalIP4, asm.Word),
		asm.HostTo(asm.BE, asm.R2, asm.Word),
	}
	jump := func(prefix netip.Prefix, to string) {
		ip := prefix.Addr().As4()
		p = append(p,
			asm.Mov.Reg(asm.R3, asm.R2),
			asm.RSh.Imm(asm.R3, int32(32-prefix.Bits())),
			asm.LoadImm(asm.R4, int64(binary.BigEndian.Uint32(ip[:])>>(32-prefix.Bits())), asm.DWord),
			asm.JEq.Reg(asm.R3, asm.R4, to),
		)
	}
	jump(netip.MustParsePrefix("127.0.0.0/8"), "pass")
	for _, a := range append(e.ours(), e.Allow...) {
		jump(a, "assign")
	}
	if e.Internet {
		for _, a := range private {
			jump(a, "drop")
		}
	} else {
		p = append(p, asm.Ja.Label("drop"))
	}
	return append(p,
		asm.StoreImm(asm.RFP, -4, 0, asm.Word).WithSymbol("assign"),
		asm.Mov.Reg(asm.R2, asm.RFP),
		asm.Add.Imm(asm.R2, -4),
		asm.LoadMapPtr(asm.R1, sockets),
		asm.FnMapLookupElem.Call(),
		asm.JEq.Imm(asm.R0, 0, "drop"),
		asm.Mov.Reg(asm.R7, asm.R0),
		asm.Mov.Reg(asm.R1, asm.R6),
		asm.Mov.Reg(asm.R2, asm.R7),
		asm.Mov.Imm(asm.R3, 0),
		asm.FnSkAssign.Call(),
		asm.Mov.Reg(asm.R1, asm.R7),
		asm.FnSkRelease.Call(),
		asm.Mov.Imm(asm.R0, lookupPass).WithSymbol("pass"),
		asm.Return(),
		asm.Mov.Imm(asm.R0, lookupDrop).WithSymbol("drop"),
		asm.Return(),
	)
}
