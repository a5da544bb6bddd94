package container

import (
	"fmt"
	"os/exec"
	"regexp"
	"strings"

	"github.com/aloft-cloud/aloft/internal/sandbox/lang"
)

// A base is what FROM names, if it is no stage.
type base struct {
	Runtime  string // of Lambda, for its base images and those that SAM builds in
	Tool     string // the language that an image for building has; empty for a system alone
	Version  string // of it, as the image's tag says
	CanBuild bool   // it is no base of a function
	Empty    bool   // it is scratch
}

var (
	lambdaBase = regexp.MustCompile(`^(?:public\.ecr\.aws/lambda/|amazon/aws-lambda-)([a-z]+)(?::(.+))?$`)
	samBase    = regexp.MustCompile(`^(?:public\.ecr\.aws/sam/(?:build|emulation)-|amazon/aws-sam-cli-(?:build|emulation)-image-|(?:lambci|mlupin/docker)/lambda:build-)([a-z0-9.]+?)(?::.*)?$`)
	library    = regexp.MustCompile(`^(?:library/|public\.ecr\.aws/docker/library/|public\.ecr\.aws/amazonlinux/|public\.ecr\.aws/(?:debian|ubuntu)/)?([a-z0-9-]+)(?::(.+))?$`)
	digestPart = regexp.MustCompile(`@sha256:[0-9a-f]+$`)
	leading    = regexp.MustCompile(`^\d+(\.\d+)?`)
)

// libraries are the images of languages and systems in which stages are built,
// and the tool that they have.
var libraries = map[string]string{
	"python": "python3", "node": "node", "golang": "go", "rust": "cargo", "maven": "mvn", "gradle": "gradle", "ruby": "ruby",
	"amazoncorretto": "java", "eclipse-temurin": "java", "openjdk": "java",
	"debian": "", "ubuntu": "", "amazonlinux": "", "alpine": "", "busybox": "",
}

// latest are the versions that "latest" means, and no tag.
var latest = map[string]string{"python": "3.13", "nodejs": "22", "java": "21", "ruby": "3.4", "provided": "al2023", "go": "1"}

// parseBase finds out what an image is.
func parseBase(ref string) (base, error) {
	name := digestPart.ReplaceAllString(strings.TrimPrefix(strings.TrimPrefix(ref, "docker.io/"), "index.docker.io/"), "")
	if name == "scratch" {
		return base{Empty: true}, nil
	}
	if m := lambdaBase.FindStringSubmatch(name); m != nil {
		runtime := runtimeOf(m[1], m[2])
		kind, _, err := lang.Parse(runtime)
		if err != nil || kind == lang.DotNet {
			return base{}, fmt.Errorf("Aloft has no runtime for %s: build the image with Docker or Podman, and push it", ref)
		}
		return base{Runtime: runtime}, nil
	}
	if m := samBase.FindStringSubmatch(name); m != nil {
		if kind, _, err := lang.Parse(m[1]); err == nil && kind != lang.DotNet {
			return base{Runtime: m[1], CanBuild: true}, nil
		}
	}
	if m := library.FindStringSubmatch(name); m != nil {
		if tool, ok := libraries[m[1]]; ok {
			return base{Tool: tool, Version: leading.FindString(m[2]), CanBuild: true}, nil
		}
	}
	return base{}, fmt.Errorf("Aloft builds without Docker on the base images of Lambda (public.ecr.aws/lambda/…), and stages before the last on images of languages; it does not have %s. Install Docker or Podman, or push the image", ref)
}

// runtimeOf is the runtime that a base image of Lambda has, by its tag.
func runtimeOf(language, tag string) string {
	tag = strings.TrimSuffix(strings.TrimSuffix(tag, "-x86_64"), "-arm64")
	if tag == "" || tag == "latest" {
		tag = latest[language]
	}
	switch language {
	case "nodejs":
		return "nodejs" + strings.SplitN(tag, ".", 2)[0] + ".x"
	case "go":
		return "go1.x"
	case "provided":
		if strings.HasPrefix(tag, "al2") {
			return "provided." + strings.SplitN(tag, ".", 2)[0]
		}
		return "provided"
	case "java":
		major, rest, _ := strings.Cut(tag, ".")
		if major == "8" && strings.HasPrefix(rest, "al2") {
			return "java8.al2"
		}
		return "java" + major
	}
	return language + leading.FindString(tag)
}

// env is what processes of an image find at first.
func (s base) env() []pair {
	path := "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
	all := []pair{{"HOME", "/root"}}
	switch {
	case s.Runtime != "":
		path = "/var/lang/bin:" + path + ":/opt/bin"
		all = append(all, pair{"LANG", "en_US.UTF-8"}, pair{"TZ", ":/etc/localtime"}, pair{"LAMBDA_TASK_ROOT", "/var/task"}, pair{"LAMBDA_RUNTIME_DIR", "/var/runtime"})
	case s.Tool == "go":
		path = "/go/bin:" + path
		all = append(all, pair{"GOPATH", "/go"})
	case s.Tool == "cargo":
		path = "/usr/local/cargo/bin:" + path
	}
	return append(all, pair{"PATH", ownBin + ":" + path})
}

// dir is where an image has its commands begin.
func (s base) dir() string {
	switch {
	case s.Runtime != "":
		return "/var/task"
	case s.Tool == "go":
		return "/go"
	}
	return "/"
}

// site is where packages of Python go that are installed for all, if the base
// has Python.
func (s base) site() string {
	if kind, v, _ := lang.Parse(s.Runtime); kind == lang.Python {
		return fmt.Sprintf("/var/lang/lib/python%d.%d/site-packages", v.Major, v.Minor)
	}
	if s.Tool == "python3" {
		return "/usr/local/lib/python" + s.Version + "/site-packages"
	}
	return ""
}

// language is the interpreter of this machine for a base, if it needs one.
func (s base) language(tools *lang.Finder) (lang.Language, error) {
	runtime := s.Runtime
	switch s.Tool {
	case "python3":
		runtime = "python" + s.Version
		if !strings.Contains(s.Version, ".") {
			runtime = "python" + latest["python"]
		}
	case "node":
		runtime = runtimeOf("nodejs", s.Version)
	case "java", "mvn", "gradle":
		runtime = "java" + latest["java"]
	case "ruby":
		runtime = runtimeOf("ruby", s.Version)
	}
	if runtime == "" {
		return lang.Language{}, nil
	}
	return tools.Find(runtime)
}

// check refuses a base whose tool this machine does not have.
func (s base) check(ref string) error {
	if s.Tool == "" {
		return nil
	}
	if _, err := exec.LookPath(s.Tool); err != nil && s.Tool != "python3" && s.Tool != "node" && s.Tool != "java" {
		return fmt.Errorf("Aloft builds what is on %s with the tools of this machine, which has no %s: install it, or Docker", ref, s.Tool)
	}
	return nil
}
