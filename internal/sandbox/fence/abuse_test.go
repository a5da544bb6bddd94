//go:build linux && (amd64 || arm64)

package fence

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// attacks are what a hostile function tries. Nil means that it worked.
var attacks = map[string]func() error{
	"read /etc/shadow":           func() error { return read("/etc/shadow") },
	"read the data directory":    func() error { return read(os.Getenv("SECRET")) },
	"read /root":                 func() error { return read("/root") },
	"read a block device":        func() error { return read("/dev/vda") },
	"read /proc/kcore":           func() error { return read("/proc/kcore") },
	"read another's environment": func() error { return read("/proc/" + os.Getenv("NEIGHBOUR") + "/environ") },
	"read another's memory":      func() error { return read("/proc/" + os.Getenv("NEIGHBOUR") + "/mem") },
	"read another's files":       func() error { return read("/proc/" + os.Getenv("NEIGHBOUR") + "/root/etc/passwd") },
	"write code":                 func() error { return write("/var/task/x") },
	"write /usr":                 func() error { return write("/usr/x") },
	"write /":                    func() error { return write("/x") },
	"write /etc":                 func() error { return write("/etc/hosts") },
	"write /proc/sys":            func() error { return write("/proc/sys/kernel/hostname") },
	"write /proc/sysrq-trigger":  func() error { return write("/proc/sysrq-trigger") },
	"hard link out of the code":  func() error { return os.Link("/var/task/self", "/tmp/self") },
	"follow a link out":          func() error { os.Symlink("/proc/1/root/../../../../../root", "/tmp/out"); return read("/tmp/out") },
	"signal a neighbour":         func() error { return unix.Kill(atoi(os.Getenv("NEIGHBOUR")), 0) },
	"ptrace a neighbour": func() error {
		return sys(unix.SYS_PTRACE, unix.PTRACE_ATTACH, uintptr(atoi(os.Getenv("NEIGHBOUR"))), 0, 0)
	},
	"ptrace":                      func() error { return sys(unix.SYS_PTRACE, unix.PTRACE_TRACEME, 0, 0, 0) },
	"process_vm_readv":            func() error { return sys(unix.SYS_PROCESS_VM_READV, 1) },
	"become root":                 becomeOther,
	"su":                          func() error { return exec.Command("/usr/bin/su", "-c", "id").Run() },
	"mount":                       func() error { return unix.Mount("t", "/tmp", "tmpfs", 0, "") },
	"umount":                      func() error { return unix.Unmount("/var/task", 0) },
	"remount":                     func() error { return unix.Mount("", "/", "", unix.MS_REMOUNT, "") },
	"fsopen":                      func() error { return sys(unix.SYS_FSOPEN) },
	"open_tree":                   func() error { return sys(unix.SYS_OPEN_TREE, ^uintptr(99), 0, 0) },
	"chroot":                      func() error { return unix.Chroot("/tmp") },
	"mknod":                       func() error { return unix.Mknod("/tmp/vda", unix.S_IFBLK|0o600, int(unix.Mkdev(254, 0))) },
	"new user namespace":          func() error { return sys(unix.SYS_UNSHARE, unix.CLONE_NEWUSER) },
	"clone a user namespace":      func() error { return sys(unix.SYS_CLONE, unix.CLONE_NEWUSER|uintptr(unix.SIGCHLD)) },
	"clone3":                      func() error { return sys(unix.SYS_CLONE3, 0, 0) },
	"setns":                       func() error { return sys(unix.SYS_SETNS, 0, 0) },
	"bpf":                         func() error { return sys(unix.SYS_BPF) },
	"perf_event_open":             func() error { return sys(unix.SYS_PERF_EVENT_OPEN) },
	"userfaultfd":                 func() error { return sys(unix.SYS_USERFAULTFD) },
	"io_uring":                    func() error { return sys(unix.SYS_IO_URING_SETUP, 1) },
	"keyctl":                      func() error { return sys(unix.SYS_KEYCTL) },
	"kernel log":                  func() error { return sys(unix.SYS_SYSLOG, 3, 0, 0) },
	"kernel module":               func() error { return sys(unix.SYS_FINIT_MODULE, 0, 0, 0) },
	"open_by_handle_at":           func() error { return sys(unix.SYS_OPEN_BY_HANDLE_AT) },
	"host name":                   func() error { return unix.Sethostname([]byte("x")) },
	"clock":                       func() error { return sys(unix.SYS_SETTIMEOFDAY) },
	"raw socket":                  func() error { return socket(unix.AF_INET, unix.SOCK_RAW, unix.IPPROTO_ICMP) },
	"packet socket":               func() error { return socket(unix.AF_PACKET, unix.SOCK_RAW, 0) },
	"vsock":                       func() error { return socket(unix.AF_VSOCK, unix.SOCK_STREAM, 0) },
	"AF_ALG":                      func() error { return socket(unix.AF_ALG, unix.SOCK_SEQPACKET, 0) },
	"metadata address":            func() error { return dial("169.254.169.254:80") },
	"host's loopback":             func() error { return dial("127.0.0.1:" + os.Getenv("HOST_PORT")) },
	"host's address":              func() error { return dial(os.Getenv("HOST_ADDR")) },
	"the internet":                func() error { return dial("1.1.1.1:53") },
	"another's runtime API":       func() error { return dial(os.Getenv("NEIGHBOUR_API")) },
	"abstract socket of the host": func() error { return dialUnix("@" + os.Getenv("HOST_SOCKET")) },
	"files that others left open": leakedFiles,
	"raise limits":                func() error { return unix.Setrlimit(unix.RLIMIT_NOFILE, &unix.Rlimit{Cur: 1 << 20, Max: 1 << 20}) },
	"leave its control group":     func() error { return write("/sys/fs/cgroup/cgroup.procs") },
	"type into a terminal":        func() error { return sys(unix.SYS_IOCTL, 0, tiocSTI, 0) },
	"shared memory of the host":   func() error { return sys(unix.SYS_SHMGET, 0x5eed, 4096, 0) },
}

func read(path string) error {
	st, err := os.Stat(path)
	if err != nil {
		return err
	}
	if st.IsDir() {
		_, err = os.ReadDir(path)
		return err
	}
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	_, err = f.Read(make([]byte, 1))
	return err
}

func write(path string) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE, 0o644)
	if err == nil {
		f.Close()
	}
	return err
}

func sys(nr uintptr, args ...uintptr) error {
	var a [6]uintptr
	copy(a[:], args)
	_, _, errno := syscall.Syscall6(nr, a[0], a[1], a[2], a[3], a[4], a[5])
	if errno != 0 {
		return errno
	}
	return nil
}

func socket(family, kind, proto int) error { _, err := unix.Socket(family, kind, proto); return err }

func dial(addr string) error {
	c, err := net.DialTimeout("tcp", addr, 2*time.Second)
	if err == nil {
		c.Close()
	}
	return err
}

func dialUnix(name string) error {
	c, err := net.Dial("unix", name)
	if err == nil {
		c.Close()
	}
	return err
}

func leakedFiles() error {
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		return err
	}
	for _, e := range entries {
		target, err := os.Readlink("/proc/self/fd/" + e.Name())
		// Those of this program's own: standard ones, the poller, the listing.
		if err == nil && atoi(e.Name()) > 2 && !strings.HasPrefix(target, "anon_inode:[event") && !strings.HasPrefix(target, "/proc/") {
			fmt.Println("found", e.Name(), target)
			return nil
		}
	}
	return unix.ENOENT
}

// becomeOther becomes root, or who has that number in a user namespace another.
func becomeOther() error {
	if unix.Getuid() == 0 {
		return unix.Setresuid(1, 1, 1)
	}
	return unix.Setresuid(0, 0, 0)
}

func atoi(s string) int { n, _ := strconv.Atoi(s); return n }

// attack tries one attack, or one that ends the process.
func attack(name string) {
	switch name {
	case "all":
		for name, try := range attacks {
			if err := try(); err != nil {
				fmt.Printf("held\t%s\t%v\n", name, err)
			} else {
				fmt.Printf("BROKEN\t%s\n", name)
			}
		}
	case "fork bomb":
		forkBomb()
	case "memory bomb":
		var all [][]byte
		for {
			b := make([]byte, 1<<20)
			for i := 0; i < len(b); i += 4096 {
				b[i] = 1
			}
			all = append(all, b)
			runtime.KeepAlive(all)
		}
	case "fill /tmp":
		fillTmp()
	case "descriptors":
		for n := 0; ; n++ {
			if _, err := unix.Open("/dev/null", unix.O_RDONLY, 0); err != nil {
				fmt.Println("stopped", n, err)
				return
			}
		}
	case "orphan":
		c := exec.Command("/bin/sh", "-c", "setsid sleep 1000 & setsid sleep 1000 &")
		fmt.Println("started", c.Run())
	case "flood":
		line := []byte(strings.Repeat("x", 1000) + "\n")
		for {
			os.Stdout.Write(line)
		}
	}
}

func forkBomb() {
	for n := 0; n < 20000; n++ {
		pid, _, errno := syscall.RawSyscall6(unix.SYS_CLONE, uintptr(unix.SIGCHLD), 0, 0, 0, 0, 0)
		if errno != 0 {
			fmt.Println("stopped", n, errno)
			return
		}
		if pid == 0 {
			for {
				syscall.RawSyscall(unix.SYS_NANOSLEEP, uintptr(unsafe.Pointer(&unix.Timespec{Sec: 1000})), 0, 0)
			}
		}
	}
	fmt.Println("NOT STOPPED")
}

func fillTmp() {
	f, err := os.Create("/tmp/fill")
	if err != nil {
		fmt.Println(err)
		return
	}
	n := 0
	for b := make([]byte, 1<<20); n < 1000; n++ {
		if _, err = f.Write(b); err != nil {
			break
		}
	}
	fmt.Println("wrote", n, err)
	f.Truncate(0)
	for n = 0; n < 1_000_000; n++ {
		if err = unix.Mknod("/tmp/i"+strconv.Itoa(n), unix.S_IFREG|0o600, 0); err != nil {
			break
		}
	}
	fmt.Println("made", n, err)
}

// TestAbuse tries everything inside while a neighbour runs.
func TestAbuse(t *testing.T) {
	r := newRig(t)
	secret := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(secret, []byte("x"), 0o666); err != nil {
		t.Fatal(err)
	}
	host, err := net.Listen("tcp", "0.0.0.0:0")
	if err != nil {
		t.Fatal(err)
	}
	defer host.Close()
	abstract, err := net.Listen("unix", "@aloft-abuse-test")
	if err != nil {
		t.Fatal(err)
	}
	defer abstract.Close()
	id, _, errno := syscall.Syscall(unix.SYS_SHMGET, 0x5eed, 4096, 0o666|unix.IPC_CREAT)
	if errno == 0 {
		defer syscall.Syscall(unix.SYS_SHMCTL, id, unix.IPC_RMID, 0)
	}

	s := r.spec("SECRET=mine")
	s.Argv = []string{"/bin/sleep", "1000"}
	neighbour := r.start(t, s)
	defer neighbour.finish(t)
	defer neighbour.Kill()

	port := strconv.Itoa(host.Addr().(*net.TCPAddr).Port)
	p := r.start(t, r.spec("ATTACK=all", "SECRET="+secret, "HOST_PORT="+port, "HOST_ADDR="+hostAddr(port), "HOST_SOCKET=aloft-abuse-test",
		"NEIGHBOUR="+strconv.Itoa(neighbour.Pid()), "NEIGHBOUR_API="+hostAddr("9001")))
	out, exit := p.finish(t)
	if exit.Code != 0 {
		t.Errorf("exit %+v", exit)
	}
	if got := strings.Count(out, "held\t"); got != len(attacks) {
		t.Errorf("%d of %d attacks were held:\n%s", got, len(attacks), out)
	}
	for line := range strings.Lines(out) {
		if strings.HasPrefix(line, "BROKEN") {
			t.Error(line)
		}
	}
	if testing.Verbose() {
		t.Log("\n" + out)
	}
}

// hostAddr is an address of the host that is not loopback.
func hostAddr(port string) string {
	addrs, _ := net.InterfaceAddrs()
	for _, a := range addrs {
		if ip, ok := a.(*net.IPNet); ok && !ip.IP.IsLoopback() && ip.IP.To4() != nil {
			return net.JoinHostPort(ip.IP.String(), port)
		}
	}
	return "192.0.2.1:" + port
}

func TestBombs(t *testing.T) {
	r := newRig(t)
	missing := strings.Join(r.Missing(), "; ")
	t.Run("fork", func(t *testing.T) {
		s := r.spec("ATTACK=fork bomb")
		s.Limits.MemoryMB = 2048 // it is the number that stops it
		out, _ := r.start(t, s).finish(t)
		if !strings.HasPrefix(out, "stopped") || atoi(strings.Fields(out)[1]) > maxProcesses {
			t.Error(out)
		}
	})
	t.Run("memory", func(t *testing.T) {
		if strings.Contains(missing, "memory") {
			t.Skip(missing)
		}
		p := r.start(t, r.spec("ATTACK=memory bomb"))
		peak := 0
		_, exit := func() (string, Exit) { e := p.Wait(); peak = p.PeakMB(); return "", e }()
		if exit.Signal != "killed" || peak > 128+64+1 {
			t.Errorf("exit %+v with %d MB", exit, peak)
		}
		p.out.Close()
		p.Release()
	})
	t.Run("tmp", func(t *testing.T) {
		out, _ := r.start(t, r.spec("ATTACK=fill /tmp")).finish(t)
		if !strings.Contains(out, "wrote 64 ") && !strings.Contains(out, "wrote 63 ") || !strings.Contains(out, "made 99") {
			t.Error(out)
		}
	})
	t.Run("descriptors", func(t *testing.T) {
		out, _ := r.start(t, r.spec("ATTACK=descriptors")).finish(t)
		if !strings.HasPrefix(out, "stopped") || atoi(strings.Fields(out)[1]) > maxFiles {
			t.Error(out)
		}
	})
	t.Run("orphans", func(t *testing.T) {
		before := sleepers(t)
		out, _ := r.start(t, r.spec("ATTACK=orphan")).finish(t)
		if !strings.Contains(out, "started <nil>") || sleepers(t) > before {
			t.Errorf("%s; %d are left", out, sleepers(t)-before)
		}
	})
	t.Run("output", func(t *testing.T) {
		p := r.start(t, r.spec("ATTACK=flood"))
		for range 100 {
			if _, err := p.out.Read(make([]byte, 1<<16)); err != nil {
				t.Fatal(err)
			}
		}
		p.Kill()
		p.finish(t)
	})
}

// sleepers counts processes on the host that sleep for 1000 s.
func sleepers(t *testing.T) int {
	t.Helper()
	n := 0
	all, _ := filepath.Glob("/proc/[0-9]*/cmdline")
	for _, p := range all {
		if b, _ := os.ReadFile(p); string(b) == "sleep\x001000\x00" {
			n++
		}
	}
	return n
}
