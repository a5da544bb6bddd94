//go:build amd64 || arm64

package fence

import (
	"bufio"
	"bytes"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"

	"golang.org/x/sys/unix"
)

// Linux limits groups of processes by controllers, in one tree (version 2) or
// a tree for each (version 1); some hosts have both. We use version 2 where it
// has a controller, version 1 for the rest, and version 2 alone to freeze.

// A controllers is where our groups are.
type controllers struct {
	v2   string            // our directory in the tree of version 2, or empty
	has2 map[string]bool   // controllers that v2 has
	v1   map[string]string // our directory by controller, where v2 lacks it
	home []*os.File        // tasks of the groups of version 1 that this process is in
}

const groupPrefix = "aloft-"

// findControllers makes our directories, as children of the group this process is in.
func findControllers() (*controllers, error) {
	mounts, err := cgroupMounts()
	if err != nil {
		return nil, err
	}
	c := &controllers{has2: map[string]bool{}, v1: map[string]string{}}
	if m, ok := mounts[""]; ok {
		c.makeV2(m)
	}
	for _, kind := range []string{"memory", "pids", "cpu"} {
		m, ok := mounts[kind]
		if !ok || c.has2[kind] {
			continue
		}
		sweepGroups(m.own())
		dir, err := makeGroup(m.own())
		if err != nil {
			continue
		}
		c.v1[kind] = dir
		if home, err := os.OpenFile(filepath.Join(m.own(), "tasks"), os.O_WRONLY, 0); err == nil {
			c.home = append(c.home, home)
		}
	}
	return c, nil
}

// makeV2 makes our directory in the tree of version 2, with as many of the
// controllers as the host gives. Below a group that was given to us, that is
// there: the rest of the tree is its manager's, and limits on us are for our
// functions too. Else it is at the top, or where we are.
func (c *controllers) makeV2(m cgroupMount) {
	own := m.own()
	given := delegated(own)
	parents := []string{m.point, own}
	if given {
		slices.Reverse(parents)
	}
	for _, parent := range slices.Compact(parents) {
		sweepGroups(parent)
		if !slices.Contains(enable(parent), "memory") && parent == own && (given || m.self == "/") && offers(parent, "memory") {
			stepAside(parent)
			enable(parent)
		}
		dir, err := makeGroup(parent)
		if err != nil {
			continue
		}
		has := enable(dir)
		if c.v2 != "" {
			if !slices.Contains(has, "memory") {
				os.Remove(dir)
				continue
			}
			os.Remove(c.v2)
		}
		c.v2, c.has2 = dir, map[string]bool{}
		for _, kind := range has {
			c.has2[kind] = true
		}
		if c.has2["memory"] {
			return
		}
	}
}

// delegated says if whoever manages the host's groups has given us one with all
// below it, as systemd does at Delegate=yes, and marks it.
func delegated(dir string) bool {
	for _, mark := range []string{"user.delegate", "trusted.delegate"} {
		var value [8]byte
		if n, err := unix.Getxattr(dir, mark, value[:]); err == nil && string(value[:n]) == "1" {
			return true
		}
	}
	return false
}

// offers says if a group has a controller that it could give to its children.
func offers(dir, kind string) bool {
	b, _ := os.ReadFile(filepath.Join(dir, "cgroup.controllers"))
	return slices.Contains(strings.Fields(string(b)), kind)
}

// enable gives the children of a group the controllers it has, and returns which.
func enable(dir string) []string {
	for _, kind := range []string{"memory", "pids", "cpu"} {
		os.WriteFile(filepath.Join(dir, "cgroup.subtree_control"), []byte("+"+kind), 0)
	}
	b, _ := os.ReadFile(filepath.Join(dir, "cgroup.subtree_control"))
	return strings.Fields(string(b))
}

// stepAside moves the processes of a group into one below it: a group with
// processes has no controllers to give to others. The group is a container's top
// one, or was given to us, so the processes are ours to move.
func stepAside(top string) {
	aside := filepath.Join(top, "init")
	if err := os.Mkdir(aside, 0o755); err != nil && !os.IsExist(err) {
		return
	}
	procs, _ := os.ReadFile(filepath.Join(top, "cgroup.procs"))
	for _, pid := range strings.Fields(string(procs)) {
		writeGroup(aside, "cgroup.procs", pid)
	}
}

// makeGroup makes a group named for this process. All workers together weigh
// as much as a program that uses all CPUs, and not as one process.
func makeGroup(parent string) (string, error) {
	dir, err := os.MkdirTemp(parent, groupPrefix+strconv.Itoa(os.Getpid())+"-*")
	if err == nil {
		writeGroup(dir, "cpu.weight", strconv.Itoa(min(100*runtime.NumCPU(), 10000)))
		writeGroup(dir, "cpu.shares", strconv.Itoa(1024*runtime.NumCPU()))
	}
	return dir, err
}

// sweepGroups removes what processes of ours left that were killed.
func sweepGroups(parent string) {
	old, _ := filepath.Glob(filepath.Join(parent, groupPrefix+"*"))
	for _, dir := range old {
		pid, _, _ := strings.Cut(strings.TrimPrefix(filepath.Base(dir), groupPrefix), "-")
		if _, err := os.Stat("/proc/" + pid); err == nil {
			continue
		}
		children, _ := os.ReadDir(dir)
		for _, c := range children {
			if c.IsDir() {
				os.Remove(filepath.Join(dir, c.Name()))
			}
		}
		os.Remove(dir)
	}
}

func (c *controllers) close() {
	if c == nil {
		return
	}
	if c.v2 != "" {
		os.Remove(c.v2)
	}
	for _, dir := range c.v1 {
		os.Remove(dir)
	}
	for _, home := range c.home {
		home.Close()
	}
}

// limits says if a resource can be limited.
func (c *controllers) limits(kind string) bool {
	return c != nil && (c.has2[kind] || c.v1[kind] != "")
}

// A cgroupMount is where a tree of groups can be seen.
type cgroupMount struct{ point, root, self string }

// own is the directory of the group this process is in.
func (m cgroupMount) own() string {
	rel, ok := strings.CutPrefix(m.self, strings.TrimSuffix(m.root, "/"))
	if !ok {
		return m.point
	}
	dir := filepath.Join(m.point, rel)
	if _, err := os.Stat(dir); err != nil {
		return m.point
	}
	return dir
}

// cgroupMounts finds the trees by controller; that of version 2 is "".
func cgroupMounts() (map[string]cgroupMount, error) {
	self := map[string]string{}
	b, err := os.ReadFile("/proc/self/cgroup")
	if err != nil {
		return nil, err
	}
	for line := range strings.Lines(string(b)) {
		f := strings.SplitN(strings.TrimSpace(line), ":", 3)
		if len(f) == 3 {
			for kind := range strings.SplitSeq(f[1], ",") {
				self[kind] = f[2]
			}
		}
	}
	info, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		return nil, err
	}
	return parseMountInfo(info, self), nil
}

func parseMountInfo(info []byte, self map[string]string) map[string]cgroupMount {
	found := map[string]cgroupMount{}
	for s := bufio.NewScanner(bytes.NewReader(info)); s.Scan(); {
		before, after, ok := strings.Cut(s.Text(), " - ")
		f, g := strings.Fields(before), strings.Fields(after)
		if !ok || len(f) < 5 || len(g) < 3 {
			continue
		}
		m := cgroupMount{point: f[4], root: f[3]}
		switch g[0] {
		case "cgroup2":
			m.self = self[""]
			found[""] = m
		case "cgroup":
			for kind := range strings.SplitSeq(g[2], ",") {
				if path, ok := self[kind]; ok {
					m.self = path
					found[kind] = m
				}
			}
		}
	}
	return found
}

// A group is the control groups of one process.
type group struct {
	c     *controllers
	fd    int        // of the directory in version 2, to start in; -1
	tasks []*os.File // of version 1, for a thread to join

	// The process may end, and the group be removed, while it is asked or told something.
	mu      sync.Mutex
	dirs    []groupDir
	freezer *os.File
	peak    int // descriptor of the file that has the most memory used; -1
	last    int // that was read of it, in megabytes
}

// A groupDir is one of the directories of a group.
type groupDir struct {
	path  string
	v2    bool
	kinds []string // controllers that it has
}

// there are the directories that are left.
func (g *group) there() []groupDir {
	g.mu.Lock()
	defer g.mu.Unlock()
	return slices.Clone(g.dirs)
}

func (d groupDir) has(kind string) bool { return slices.Contains(d.kinds, kind) }

// newGroup makes the groups for one process, named name.
func (c *controllers) newGroup(name string) (*group, error) {
	g := &group{c: c, fd: -1, peak: -1}
	if c == nil {
		return g, nil
	}
	if c.v2 != "" {
		if err := g.addV2(filepath.Join(c.v2, name)); err != nil {
			g.remove()
			return nil, err
		}
	}
	for kind, parent := range c.v1 {
		if err := g.addV1(kind, filepath.Join(parent, name)); err != nil {
			g.remove()
			return nil, err
		}
	}
	return g, nil
}

func (g *group) addV2(dir string) (err error) {
	if err := os.Mkdir(dir, 0o755); err != nil {
		return err
	}
	g.dirs = append(g.dirs, groupDir{dir, true, slices.Collect(maps.Keys(g.c.has2))})
	if g.fd, err = unix.Open(dir, unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0); err != nil {
		return err
	}
	g.freezer, _ = os.OpenFile(filepath.Join(dir, "cgroup.freeze"), os.O_WRONLY, 0)
	if g.c.has2["memory"] {
		g.openPeak(dir, "memory.peak", "memory.current")
	}
	return nil
}

func (g *group) addV1(kind, dir string) error {
	if err := os.Mkdir(dir, 0o755); err != nil {
		return err
	}
	g.dirs = append(g.dirs, groupDir{dir, false, []string{kind}})
	tasks, err := os.OpenFile(filepath.Join(dir, "tasks"), os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	g.tasks = append(g.tasks, tasks)
	if kind == "memory" {
		g.openPeak(dir, "memory.max_usage_in_bytes")
	}
	return nil
}

func (g *group) openPeak(dir string, names ...string) {
	for _, name := range names {
		if fd, err := unix.Open(filepath.Join(dir, name), unix.O_RDONLY|unix.O_CLOEXEC, 0); err == nil {
			g.peak = fd
			return
		}
	}
}

// limit sets what the group may use. Files in /tmp are memory of the group too;
// 1,769 MB come with one CPU on Lambda.
func (g *group) limit(l Limits) error {
	memory := strconv.Itoa((l.MemoryMB + l.TmpMB) << 20)
	for _, d := range g.there() {
		var settings [][2]string
		if d.has("memory") && d.v2 {
			settings = append(settings, [2]string{"memory.max", memory}, [2]string{"memory.swap.max", "0"}, [2]string{"memory.oom.group", "1"})
		} else if d.has("memory") {
			settings = append(settings, [2]string{"memory.memsw.limit_in_bytes", "-1"}, [2]string{"memory.limit_in_bytes", memory}, [2]string{"memory.memsw.limit_in_bytes", memory})
		}
		if d.has("pids") {
			settings = append(settings, [2]string{"pids.max", strconv.Itoa(maxProcesses)})
		}
		if d.has("cpu") && d.v2 {
			settings = append(settings, [2]string{"cpu.weight", strconv.Itoa(min(max(1, l.MemoryMB*100/1769), 10000))})
		} else if d.has("cpu") {
			settings = append(settings, [2]string{"cpu.shares", strconv.Itoa(max(2, l.MemoryMB*1024/1769))})
		}
		for _, s := range settings {
			err := writeGroup(d.path, s[0], s[1])
			if err != nil && (s[1] == memory || s[0] == "pids.max") {
				return fmt.Errorf("limit %s: %w", s[0], err)
			}
		}
	}
	return nil
}

// writeGroup writes a setting. A file that is not there belongs to a
// controller that is not.
func writeGroup(dir, name, value string) error {
	fd, err := unix.Open(filepath.Join(dir, name), unix.O_WRONLY|unix.O_CLOEXEC, 0)
	if err == unix.ENOENT {
		return nil
	}
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	_, err = unix.Write(fd, []byte(value))
	return err
}

// join moves the calling thread into the groups of version 1: its children are
// born there.
func (g *group) join() error { return joinTasks(g.tasks) }

// leave moves the calling thread back: a group with a thread cannot be removed.
func (c *controllers) leave() error {
	if c == nil {
		return nil
	}
	return joinTasks(c.home)
}

func joinTasks(tasks []*os.File) error {
	tid := strconv.Itoa(unix.Gettid())
	for _, f := range tasks {
		if _, err := f.WriteString(tid); err != nil {
			return fmt.Errorf("join group: %w", err)
		}
	}
	return nil
}

// started gives back what is needed only to start in the group.
func (g *group) started() {
	for _, f := range g.tasks {
		f.Close()
	}
	g.tasks = nil
	if g.fd >= 0 {
		unix.Close(g.fd)
		g.fd = -1
	}
}

// peakMB is the most memory that was used, or 0 if nobody counts.
func (g *group) peakMB() int {
	g.mu.Lock()
	defer g.mu.Unlock()
	var buf [32]byte
	if g.peak < 0 {
		return g.last
	}
	n, err := unix.Pread(g.peak, buf[:], 0)
	if err == nil {
		bytes, _ := strconv.ParseInt(strings.TrimSpace(string(buf[:n])), 10, 64)
		g.last = int((bytes + 1<<20 - 1) >> 20)
	}
	return g.last
}

// anonymousMB is the memory in use that is no file, such as those in /tmp; 0 if
// nobody counts.
func (g *group) anonymousMB() int {
	for _, d := range g.there() {
		if !d.has("memory") {
			continue
		}
		stat, err := os.ReadFile(filepath.Join(d.path, "memory.stat"))
		if err != nil {
			continue
		}
		for line := range strings.Lines(string(stat)) {
			name, value, _ := strings.Cut(strings.TrimSpace(line), " ")
			if name == "anon" && d.v2 || name == "total_rss" && !d.v2 {
				n, _ := strconv.ParseInt(value, 10, 64)
				return int(n >> 20)
			}
		}
	}
	return 0
}

// freeze stops the processes of the group, or lets them go on.
func (g *group) freeze(frozen bool) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.freezer == nil {
		return false
	}
	value := "0"
	if frozen {
		value = "1"
	}
	_, err := g.freezer.WriteString(value)
	return err == nil
}

// remove removes the groups, in which no process is left. It is false if they
// are still in use.
func (g *group) remove() bool {
	g.peakMB()
	g.mu.Lock()
	defer g.mu.Unlock()
	g.started()
	if g.freezer != nil {
		g.freezer.Close()
		g.freezer = nil
	}
	if g.peak >= 0 {
		unix.Close(g.peak)
		g.peak = -1
	}
	g.dirs = slices.DeleteFunc(g.dirs, func(d groupDir) bool {
		err := unix.Rmdir(d.path)
		return err == nil || err == unix.ENOENT
	})
	return len(g.dirs) == 0
}
