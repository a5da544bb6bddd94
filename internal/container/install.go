package container

import (
	"os"
	"os/exec"
	"path"
	"slices"
	"strings"

	"github.com/aloft-cloud/aloft/internal/dockerfile"
)

// systemManagers install packages of a system, which an image that is made here
// does not have. They may be asked for what this machine has: functions and the
// commands of a build see its programs.
var systemManagers = []string{"yum", "dnf", "microdnf", "tdnf", "apt", "apt-get", "apk", "amazon-linux-extras"}

// harmless are commands of theirs that bring nothing.
var harmless = []string{"update", "upgrade", "clean", "autoclean", "autoremove", "makecache", "check-update", "dist-upgrade"}

// programs are packages whose program is called something else.
var programs = map[string]string{
	"gcc-c++": "g++", "build-essential": "gcc", "build-base": "gcc", "findutils": "find", "coreutils": "ls", "binutils": "ld", "python3-pip": "pip3", "python": "python3",
	"nodejs": "node", "golang": "go", "ca-certificates": "update-ca-certificates", "util-linux": "mount", "procps": "ps", "shadow-utils": "useradd", "default-jdk": "javac",
}

// checkInstalls refuses a command that would install what this machine does not
// have.
func (b *builder) checkInstalls(s *stage, in dockerfile.Instruction, script string) error {
	for _, words := range commands(script) {
		name := path.Base(words[0])
		if !slices.Contains(systemManagers, name) {
			continue
		}
		verb, asked := asked(words[1:])
		if slices.Contains(harmless, verb) {
			continue
		}
		if verb != "install" && verb != "add" {
			return b.refuse(in, "Aloft builds without Docker and does not run `%s`. Install Docker or Podman, or push the image", strings.Join(words, " "))
		}
		for _, p := range asked {
			if !onThisMachine(p) {
				return b.refuse(in, "Aloft builds without Docker and does not run `%s %s`; this machine has no program %s. Install it, or Docker or Podman, or push the image", name, verb, p)
			}
		}
	}
	return nil
}

// asked is what a package manager is to do, and with which packages.
func asked(words []string) (verb string, packages []string) {
	for _, w := range words {
		switch {
		case strings.HasPrefix(w, "-") || strings.ContainsAny(w, "<>"):
		case verb == "":
			verb = w
		default:
			packages = append(packages, w)
		}
	}
	return verb, packages
}

// onThisMachine says whether this machine has the program that a package is for.
func onThisMachine(name string) bool {
	name, _, _ = strings.Cut(name, "=")
	if program, ok := programs[name]; ok {
		name = program
	}
	if strings.ContainsAny(name, "$*/`\"'") {
		return false
	}
	found, err := exec.LookPath(name)
	if err != nil {
		return false
	}
	_, err = os.Stat(found)
	return err == nil
}

// wrappers come before the command that they run.
var wrappers = []string{"sudo", "exec", "time", "then", "do", "else", "!", "{"}

// commands are the simple commands of a script, as words. It is no parser of the
// shell's language: what a script hides from it fails when it runs.
func commands(script string) [][]string {
	var all [][]string
	for part := range strings.FieldsFuncSeq(script, func(r rune) bool { return strings.ContainsRune("&|;\n()", r) }) {
		words := strings.Fields(part)
		for len(words) > 0 && (slices.Contains(wrappers, words[0]) || isShell(words) || strings.Contains(words[0], "=")) {
			words = words[1:]
		}
		if len(words) > 0 {
			all = append(all, words)
		}
	}
	return all
}

// isShell says whether words begin with a shell, or what it is told to do.
func isShell(words []string) bool {
	base := path.Base(words[0])
	return base == "sh" || base == "bash" || strings.HasPrefix(words[0], "-")
}
