package sandbox

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"time"

	"github.com/aloft-cloud/aloft/internal/sandbox/fence"
	"github.com/aloft-cloud/aloft/internal/sandbox/lang"
)

// Java spends half of its boot on reading the classes of AWS's client. They are
// the same for all functions, so they are kept as the JVM has them in memory
// when it has read them, in an archive (AppCDS) that all workers share.
//
// It is made by a worker that serves no function: nothing of one is in it, and
// no function can write to it. The JVM itself takes no archive that is of
// another version or of other jars.

const (
	archiveFile = "classes.jsa"
	archiveSeen = "/var/runtime/" + archiveFile
	maxKept     = 256 << 20 // bytes

	firstArchives = 13 // is the first version of Java that can make them
)

// nobody is what a worker of Java does that is no function's: it has a method
// that every Java has.
var nobody = &Function{Handler: "java.util.Objects::hashCode", MemoryMB: 512}

// archiveOf is where the archive for l is kept, or "" if there is none.
func (m *Manager) archiveOf(l lang.Language, jars string) string {
	if l.Kind != lang.Java || l.Version.Major < firstArchives || jars == "" || m.cfg.SDKs == "" {
		return ""
	}
	release, err := os.ReadFile(filepath.Join(l.Prefix, "release"))
	if err != nil {
		return ""
	}
	sum := sha256.Sum256(fmt.Append(release, l.Prefix, filepath.Base(jars)))
	return filepath.Join(m.cfg.SDKs, fmt.Sprintf("java%d-%x.jsa", l.Version.Major, sum[:6]))
}

// archive makes the archive for l in a worker of r, and a root that has it.
func (m *Manager) archive(l lang.Language, r *root) {
	began := time.Now()
	if err := m.makeArchive(l, r); err != nil {
		if m.ctx.Err() == nil {
			m.cfg.Log.Warn("functions in Java will start slowly", "version", l.Version, "err", err)
		}
		return
	}
	m.cfg.Log.Debug("classes archived", "version", l.Version, "took", time.Since(began))
	packages := m.sdkOf(l)
	m.rootMu.Lock()
	defer m.rootMu.Unlock()
	if m.ctx.Err() != nil {
		return
	}
	better, err := m.newRoot(l, packages)
	if err != nil {
		m.cfg.Log.Warn("functions in Java will start slowly", "version", l.Version, "err", err)
		return
	}
	m.oldRoots = append(m.oldRoots, r) // somebody may start in it just now
	m.roots[l] = better
}

func (m *Manager) makeArchive(l lang.Language, r *root) error {
	env := func(string) map[string]string {
		env := baseEnv(r.at)
		maps.Copy(env, languageEnv(l, r.at))
		env["AWS_EXECUTION_ENV"] = "AWS_Lambda_java"
		env["AWS_LAMBDA_FUNCTION_MEMORY_SIZE"] = fmt.Sprint(nobody.MemoryMB)
		return env
	}
	argv := javaArgv(nobody, r, r.at, "-XX:ArchiveClassesAtExit=/tmp/"+archiveFile, r.classPath)
	w, err := m.spawn(l, plan{root: r, argv: argv, env: env, dir: "/", training: true, limits: fence.Limits{MemoryMB: 1024, TmpMB: 512}})
	if err != nil {
		return err
	}
	defer w.settle()
	w.proc.Yield(true)
	timer := time.NewTimer(initLimit)
	defer timer.Stop()
	if why := w.await(w.blank, timer.C); why != nil {
		return fmt.Errorf("boot a worker: %s %s: %s", why.status, why.message, w.log.early())
	}
	tmp, err := w.proc.Tmp()
	if err != nil {
		return err
	}
	defer tmp.Close()
	w.proc.Terminate()
	return w.leaves(tmp, archiveFile, r.archive, timer.C)
}

// leaves keeps at path the file that w leaves in its /tmp when it ends.
func (w *worker) leaves(tmp *os.Root, name, path string, late <-chan time.Time) error {
	select {
	case <-w.exited:
	case <-late:
		return errors.New("it does not end")
	}
	from, err := tmp.Open(name)
	if err != nil {
		return fmt.Errorf("%w: %s", err, w.log.early())
	}
	defer from.Close()
	return keepFile(path, from)
}

// keepFile writes a file in one step, for everybody to read.
func keepFile(path string, from io.Reader) error {
	to, err := os.CreateTemp(filepath.Dir(path), "new-")
	if err != nil {
		return err
	}
	defer os.Remove(to.Name()) // unless it has its name
	n, err := io.Copy(to, io.LimitReader(from, maxKept))
	if err == nil && n == maxKept {
		err = errors.New("it is too large")
	}
	if err == nil {
		err = to.Chmod(0o644)
	}
	if err = errors.Join(err, to.Close()); err != nil {
		return err
	}
	return os.Rename(to.Name(), path)
}
