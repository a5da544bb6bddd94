package container

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"strings"
	"time"

	"github.com/aloft-cloud/aloft/internal/dockerfile"
	"github.com/aloft-cloud/aloft/internal/sandbox/image"
	"github.com/aloft-cloud/aloft/internal/sandbox/lang"
	"github.com/aloft-cloud/aloft/internal/sandbox/room"
)

// A running is RUN.
type running struct {
	argv   []string
	env    []pair
	dir    string
	mounts []mount
	said   string // what it is, for people
}

// A mount is a directory that a command has besides.
type mount struct {
	at, id string // of a cache
	source string // in the context, or in from
	from   *stage
	empty  bool
}

// planRun plans RUN.
func (b *builder) planRun(s *stage, in dockerfile.Instruction) error {
	script := in.Args
	for i, here := range in.Heres {
		if i == 0 && strings.HasPrefix(strings.TrimSpace(in.Args), "<<") {
			script = here.Text
			continue
		}
		script += "\n" + here.Text + here.Name + "\n"
	}
	r := &running{argv: in.Exec, dir: s.config.Dir, said: firstLine(in.Args)}
	if r.argv == nil {
		r.argv = append(append([]string(nil), s.config.Shell...), script)
	}
	if err := b.checkInstalls(s, in, strings.Join(r.argv, " ")); err != nil {
		return err
	}
	for _, f := range in.Flags {
		if f.Name == "network" && f.Value != "none" {
			continue
		}
		if f.Name != "mount" {
			return b.refuse(in, "Aloft builds without Docker and does not know RUN --%s=%s", f.Name, f.Value)
		}
		m, err := b.mount(s, f.Value)
		if err != nil {
			return b.refuse(in, "%w", err)
		}
		r.mounts = append(r.mounts, m)
	}
	for name, value := range s.args {
		if _, ok := get(s.config.Env, name); !ok {
			r.env = set(r.env, name, value)
		}
	}
	for _, p := range s.config.Env {
		r.env = set(r.env, p.Name, p.Value)
	}
	key := []any{r.argv, fmt.Sprint(len(s.args)), s.args, s.config.Env, r.dir}
	for _, m := range r.mounts {
		sum, err := b.mountKey(m)
		if err != nil {
			return b.refuse(in, "%w", err)
		}
		key = append(key, m.at, sum)
	}
	s.step(in, r, key...)
	return nil
}

func firstLine(text string) string {
	line, _, more := strings.Cut(strings.TrimSpace(text), "\n")
	if line = strings.Join(strings.Fields(line), " "); len(line) > 100 || more {
		line = line[:min(len(line), 100)] + " …"
	}
	return line
}

// mount reads what --mount says.
func (b *builder) mount(s *stage, text string) (mount, error) {
	options := map[string]string{"type": "bind"}
	for part := range strings.SplitSeq(text, ",") {
		name, value, _ := strings.Cut(part, "=")
		expanded, err := b.file.Expand(value, s.lookup)
		if err != nil {
			return mount{}, err
		}
		options[name] = expanded
	}
	first := func(names ...string) string {
		for _, name := range names {
			if options[name] != "" {
				return options[name]
			}
		}
		return ""
	}
	m := mount{at: absolute(s.config.Dir, first("target", "dst", "destination"))}
	switch options["type"] {
	case "cache":
		m.id = first("id", "target", "dst", "destination")
	case "bind":
		m.source = path.Clean("/" + first("source", "src"))
		if options["from"] != "" {
			p := b.part(options["from"])
			if p == nil {
				return m, fmt.Errorf("Aloft builds without Docker and has no image %s to mount", options["from"])
			}
			var err error
			m.from, err = b.plan(p)
			return m, err
		}
	case "tmpfs":
		m.empty = true
	default:
		return m, fmt.Errorf("Aloft builds without Docker and does not mount a %s", options["type"])
	}
	return m, nil
}

// mountKey names what is in a mount.
func (b *builder) mountKey(m mount) (string, error) {
	switch {
	case m.from != nil:
		return m.from.key, nil
	case m.source == "":
		return "", nil
	}
	return b.contextSum(&copying{sources: []string{strings.TrimPrefix(m.source, "/")}})
}

// outputTail is how much of what a command says is told if it fails.
const outputTail = 6 << 10

func (r *running) do(ctx context.Context, b *builder, s *stage) error {
	k, err := b.kit(ctx, s.base)
	if err != nil {
		return err
	}
	if err := (makeDir{r.dir}).do(ctx, b, s); err != nil {
		return err
	}
	binds := k.binds
	for _, m := range r.mounts {
		bind, err := b.bind(s, m)
		if err != nil {
			return err
		}
		binds = append(binds[:len(binds):len(binds)], bind)
	}
	env := make([]string, 0, len(r.env)+len(k.env))
	for _, p := range append(append([]pair(nil), k.env...), r.env...) {
		env = append(env, p.Name+"="+p.Value)
	}
	argv := append([]string(nil), r.argv...)
	if !path.IsAbs(argv[0]) {
		argv = append([]string{"/usr/bin/env"}, argv...)
	}
	var out bytes.Buffer
	err = b.cfg.Rooms.Run(ctx, room.Room{Root: s.root, Work: s.work, Binds: binds}, room.Command{Argv: argv, Env: env, Dir: r.dir, Out: &out})
	if err == nil || ctx.Err() != nil {
		return errors.Join(err, ctx.Err())
	}
	text := bytes.TrimSpace(out.Bytes())
	if strings.Contains(string(text), room.ErrUnable.Error()) || errors.Is(err, room.ErrUnable) {
		return fmt.Errorf("%w: RUN %s is not done. Install Docker or Podman, or push the image", room.ErrUnable, r.said)
	}
	return fmt.Errorf("RUN %s: %w\n%s", r.said, err, text[max(0, len(text)-outputTail):])
}

// bind is how a mount is seen. Links in what it shows lead nowhere outside.
func (b *builder) bind(s *stage, m mount) (room.Bind, error) {
	switch {
	case m.id != "":
		host := filepath.Join(b.cfg.Place("caches"), hashed(m.id)[:16])
		return room.Bind{Host: host, Path: m.at, Write: true}, os.MkdirAll(host, 0o755)
	case m.empty:
		host, err := os.MkdirTemp(s.work, "empty-")
		return room.Bind{Host: host, Path: m.at, Write: true}, err
	}
	dir := b.cfg.Context
	if m.from != nil {
		dir = m.from.root
	}
	t, err := image.OpenTree(dir)
	if err != nil {
		return room.Bind{}, err
	}
	defer t.Close()
	at, err := t.Resolve(m.source)
	return room.Bind{Host: filepath.Join(dir, at), Path: m.at}, err
}

// A kit is what the commands of stages of one base have of this machine.
type kit struct {
	binds []room.Bind
	env   []pair
}

const (
	ownDir = "/.aloft"
	ownBin = ownDir + "/bin"
)

// sharedCaches are directories of tools that are kept from build to build, and
// are no part of an image.
var sharedCaches = []string{"/root/.cache", "/root/.npm", "/root/.m2", "/root/.gradle", "/root/.cargo/registry", "/go/pkg/mod", "/usr/local/cargo/registry", "/usr/local/share/.cache"}

// kit makes what a base has.
func (b *builder) kit(ctx context.Context, of base) (*kit, error) {
	k := &kit{env: b.outside()}
	caches := b.cfg.Place("caches")
	for _, dir := range sharedCaches {
		host := filepath.Join(caches, strings.ReplaceAll(dir[1:], "/", "-"))
		if err := os.MkdirAll(host, 0o755); err != nil {
			return nil, err
		}
		k.binds = append(k.binds, room.Bind{Host: host, Path: dir, Write: true})
	}
	k.env = append(k.env, pair{"PIP_NO_COMPILE", "1"}, pair{"PYTHONDONTWRITEBYTECODE", "1"}, pair{"PIP_ROOT_USER_ACTION", "ignore"}, pair{"PIP_BREAK_SYSTEM_PACKAGES", "1"},
		pair{"TAR_OPTIONS", "--no-same-owner"}, pair{"NPM_CONFIG_PREFIX", "/usr/local"}, pair{"NPM_CONFIG_UPDATE_NOTIFIER", "false"})
	l, err := of.language(b.cfg.Tools)
	if err != nil {
		return nil, err
	}
	shims := map[string]string{}
	if l.Prefix != "" {
		k.show(l.Prefix)
		shims = languageShims(l, of)
		if l.Kind == lang.Java {
			k.env = append(k.env, pair{"JAVA_HOME", l.Prefix})
		}
		if site := of.site(); site != "" {
			k.env = append(k.env, pair{"PYTHONPATH", site}, pair{"ALOFT_SITE", site})
		}
	}
	if err := k.toolchain(ctx, of, shims); err != nil {
		return nil, err
	}
	for _, name := range systemManagers {
		shims[name] = "exit 0\n" // what it may be asked for is there: see checkInstalls
	}
	dir, err := writeShims(b.dir, of, shims)
	if err != nil {
		return nil, err
	}
	k.binds = append(k.binds, room.Bind{Host: dir, Path: ownBin})
	return k, nil
}

// show has commands see a directory of this machine, where it is: what is in it
// may have been made for that place.
func (k *kit) show(dir string) {
	if !strings.HasPrefix(dir, "/usr/") && dir != "/usr" {
		k.binds = append(k.binds, room.Bind{Host: dir, Path: dir})
	}
}

// runs is a shim that runs a program.
func runs(program string) string { return "exec " + program + ` "$@"` + "\n" }

// languageShims are programs that stand for an interpreter under its names.
func languageShims(l lang.Language, of base) map[string]string {
	exec := path.Join(l.Prefix, l.Exec)
	shims := map[string]string{}
	if l.Kind != lang.Python {
		for _, name := range []string{"node", "npm", "npx", "corepack", "yarn", "pnpm", "java", "javac", "jar", "ruby", "gem", "bundle", "bundler"} {
			if program := filepath.Join(l.Prefix, "bin", name); isFile(program) {
				shims[name] = runs(program)
			}
		}
		return shims
	}
	// Packages go where those of the base are, and count as not there that this
	// machine has: functions will not see them.
	pip := `for a; do case "$a" in -t|-t?*|--target|--target=*|--prefix|--prefix=*|--root|--root=*|--user) own=1;; esac; done
if [ "$1" = install ] && [ -z "$own" ]; then shift; set -- install --upgrade --target "$ALOFT_SITE" "$@"; fi
exec ` + exec + ` -m pip "$@"
`
	python := `if [ "$1" = -m ] && [ "$2" = pip ]; then shift 2; exec ` + ownBin + `/pip "$@"; fi
exec ` + exec + ` "$@"
`
	version := fmt.Sprintf("3.%d", l.Version.Minor)
	asked := version
	if _, v, err := lang.Parse(of.Runtime); err == nil && of.Runtime != "" {
		asked = fmt.Sprintf("%d.%d", v.Major, v.Minor)
	} else if strings.Contains(of.Version, ".") {
		asked = of.Version
	}
	for _, v := range []string{"", "3", version, asked} {
		shims["pip"+v], shims["python"+v] = pip, python
	}
	return shims
}

// toolchain adds a tool that is where no package of the system puts it.
func (k *kit) toolchain(ctx context.Context, of base, shims map[string]string) error {
	switch of.Tool {
	case "go":
		return k.bring(ctx, shims, []string{"go", "gofmt"}, "go", "env", "GOROOT")
	case "cargo":
		return k.bring(ctx, shims, []string{"cargo", "rustc", "rustdoc"}, "rustc", "--print", "sysroot")
	case "mvn", "gradle":
		found, err := exec.LookPath(of.Tool)
		if err != nil {
			return err
		}
		program, err := filepath.EvalSymlinks(found)
		if err != nil {
			return err
		}
		k.show(filepath.Dir(filepath.Dir(program)))
		shims[of.Tool] = runs(program)
	}
	return nil
}

// bring shows the directory that a tool says it is in, and has programs that are
// there be found.
func (k *kit) bring(ctx context.Context, shims map[string]string, programs []string, ask ...string) error {
	out, err := exec.CommandContext(ctx, ask[0], ask[1:]...).Output()
	if err != nil {
		return fmt.Errorf("%s: %w", strings.Join(ask, " "), err)
	}
	home := strings.TrimSpace(string(out))
	k.show(home)
	for _, name := range programs {
		shims[name] = runs(filepath.Join(home, "bin", name))
	}
	return nil
}

func isFile(name string) bool {
	info, err := os.Stat(name)
	return err == nil && info.Mode().IsRegular()
}

// writeShims writes programs that stand for others, once for each base.
func writeShims(dir string, of base, shims map[string]string) (string, error) {
	at := filepath.Join(dir, "bin-"+hashed(of)[:12])
	if err := os.MkdirAll(at, 0o755); err != nil {
		return "", err
	}
	for name, text := range shims {
		if err := os.WriteFile(filepath.Join(at, name), []byte("#!/bin/sh\n"+text), 0o755); err != nil {
			return "", err
		}
	}
	return at, nil
}

// outside are the variables of this process that say where packages come from,
// and how hosts are trusted.
func (b *builder) outside() []pair {
	var all []pair
	for _, v := range b.cfg.Env {
		name, value, _ := strings.Cut(v, "=")
		upper := strings.ToUpper(name)
		switch {
		case strings.HasSuffix(upper, "_PROXY"), strings.HasPrefix(name, "PIP_"), strings.HasPrefix(upper, "NPM_CONFIG_"), name == "GOPROXY", name == "GOSUMDB", name == "GOFLAGS",
			strings.HasSuffix(upper, "_CA_BUNDLE"), strings.HasPrefix(name, "SSL_CERT_"), name == "NODE_EXTRA_CA_CERTS", name == "PIP_CERT", name == "GIT_SSL_CAINFO":
			all = append(all, pair{name, value})
		}
	}
	return all
}

// slow is how long a command takes that is worth to be kept.
const slow = 300 * time.Millisecond
