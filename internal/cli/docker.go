package cli

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/aloft-cloud/aloft/internal/pack"
)

// dockerCommand does what tools that build images of functions ask of Docker,
// such as the CDK. Where there is a Docker, it is that.
func dockerCommand(s *settings) *cobra.Command {
	return &cobra.Command{
		Use:   "docker COMMAND",
		Short: "Build and push images of functions in the words of docker, for tools that call it",
		Long: "Does what tools ask of Docker that build images of functions, such as the CDK (CDK_DOCKER):\n" +
			"build, tag, push, login, inspect and rmi. Where a Docker is at hand, that one is asked.\n" +
			"`aloft env` sets CDK_DOCKER to a program that is this command.",
		DisableFlagParsing: true, // its flags are docker's
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := s.load(); err != nil {
				return err
			}
			if docker := pack.FindDocker(cmd.Context()); docker != "" && filepath.Base(docker) != "buildah" {
				c := exec.CommandContext(cmd.Context(), docker, args...)
				c.Stdin, c.Stdout, c.Stderr = cmd.InOrStdin(), cmd.OutOrStdout(), cmd.ErrOrStderr()
				return c.Run()
			}
			d := &docker{deployer: newDeployer(s, s.get("endpoint"), cmd.ErrOrStderr()), in: cmd.InOrStdin(), out: cmd.OutOrStdout()}
			return d.do(cmd.Context(), args)
		},
	}
}

// A docker has names for images that it has built.
type docker struct {
	*deployer
	in  io.Reader
	out io.Writer
}

// do does a command of docker's.
func (d *docker) do(ctx context.Context, args []string) error {
	if len(args) > 1 && args[0] == "--config" {
		args = args[2:]
	}
	if len(args) > 1 && (args[0] == "image" || args[0] == "buildx") {
		args = args[1:]
	}
	if len(args) == 0 {
		return errors.New("docker: which command?")
	}
	name := args[0]
	given, err := parseDocker(name, args[1:])
	if err != nil {
		return err
	}
	need := map[string]int{"build": 1, "tag": 2, "push": 1, "inspect": 1, "rmi": 1, "rm": 1, "login": 1}[name]
	if len(given.rest) < need {
		return fmt.Errorf("docker %s: it needs %d arguments", name, need)
	}
	switch name {
	case "build":
		return d.build(ctx, given)
	case "tag":
		archive, err := d.find(given.rest[0])
		if err != nil {
			return err
		}
		return d.remember(given.rest[1], archive)
	case "push":
		return d.push(ctx, given.rest[0])
	case "login":
		return d.login(given)
	case "inspect":
		archive, err := d.find(given.rest[0])
		if err != nil {
			return errors.Join(d.say("[]\n"), err)
		}
		return d.say(fmt.Sprintf("[{\"RepoTags\":[%q],\"Archive\":%q}]\n", given.rest[0], archive))
	case "rmi", "rm":
		return os.Remove(d.record(given.rest[0]))
	}
	return fmt.Errorf("Aloft has no Docker, and does not do `docker %s`: install Docker or Podman", name)
}

func (d *docker) say(text string) error {
	_, err := io.WriteString(d.out, text)
	return err
}

// A dockerCall is what a command was given.
type dockerCall struct {
	tags, args     []string
	file, target   string
	user, password string
	rest           []string
}

// ignoredFlags say how docker is to work, and nothing of what it makes. Those
// that have a value say true.
var ignoredFlags = map[string]bool{
	"platform": true, "network": true, "output": true, "cache-from": true, "cache-to": true, "progress": true, "provenance": true, "sbom": true, "label": true,
	"format": true, "f": true, "builder": true, "type": true,
	"no-cache": false, "quiet": false, "q": false, "pull": false, "load": false, "rm": false, "force-rm": false, "password-stdin": false, "all-tags": false, "force": false,
}

// parseDocker reads flags as docker does.
func parseDocker(command string, args []string) (*dockerCall, error) {
	g := &dockerCall{}
	for len(args) > 0 {
		word := args[0]
		args = args[1:]
		if !strings.HasPrefix(word, "-") || word == "-" {
			g.rest = append(g.rest, word)
			continue
		}
		flag, value, has := strings.Cut(strings.TrimLeft(word, "-"), "=")
		of, list := g.place(command, flag)
		takes, known := ignoredFlags[flag]
		if of != nil || list != nil {
			takes, known = true, true
		}
		if !known {
			return nil, fmt.Errorf("Aloft has no Docker, and does not know `docker %s %s`: install Docker or Podman", command, word)
		}
		if takes && !has {
			if len(args) == 0 {
				return nil, fmt.Errorf("docker %s: %s needs a value", command, word)
			}
			value, args = args[0], args[1:]
		}
		switch {
		case of != nil:
			*of = value
		case list != nil:
			*list = append(*list, value)
		}
	}
	return g, nil
}

// place is where the value of a flag goes.
func (g *dockerCall) place(command, flag string) (one *string, list *[]string) {
	switch command + " " + flag {
	case "build file", "build f":
		return &g.file, nil
	case "build target":
		return &g.target, nil
	case "build tag", "build t":
		return nil, &g.tags
	case "build build-arg":
		return nil, &g.args
	case "login username", "login u":
		return &g.user, nil
	case "login password", "login p":
		return &g.password, nil
	}
	return nil, nil
}

// build builds an image, and remembers it by its names.
func (d *docker) build(ctx context.Context, g *dockerCall) error {
	made := pack.Dockerfile{Context: g.rest[0], File: g.file, Target: g.target, Args: make(map[string]string)}
	if made.File == "" {
		made.File = filepath.Join(g.rest[0], "Dockerfile")
	}
	for _, a := range g.args {
		name, value, ok := strings.Cut(a, "=")
		if !ok {
			value = os.Getenv(name)
		}
		made.Args[name] = value
	}
	archive, err := d.packer(&uploader{client: d.client}).BuildImage(ctx, made)
	if err != nil {
		return err
	}
	for _, tag := range g.tags {
		if err := d.remember(tag, archive); err != nil {
			return err
		}
	}
	return d.say(archive + "\n")
}

// maxPassword is the most bytes of one.
const maxPassword = 64 << 10

// A login is at a registry.
type login struct{ URL, Token string }

// login remembers a password of a registry, by its host.
func (d *docker) login(g *dockerCall) error {
	if g.password == "" {
		text, err := io.ReadAll(io.LimitReader(d.in, maxPassword))
		if err != nil {
			return err
		}
		g.password = strings.TrimRight(string(text), "\r\n")
	}
	at := g.rest[0]
	if !strings.Contains(at, "://") {
		if at = "http://" + at; !isLoopback(at) { // as docker has it
			at = "https" + strings.TrimPrefix(at, "http")
		}
	}
	u, err := url.Parse(at)
	if err != nil {
		return err
	}
	text, err := json.Marshal(login{u.Scheme + "://" + u.Host, base64.StdEncoding.EncodeToString([]byte(g.user + ":" + g.password))})
	if err != nil {
		return err
	}
	return errors.Join(d.remember("login "+u.Host, string(text)), d.say("Login Succeeded\n"))
}

// push pushes an image to the registry that its name says, and that is one of
// Aloft's: others have asked for images with their bases.
func (d *docker) push(ctx context.Context, name string) error {
	archive, err := d.find(name)
	if err != nil {
		return err
	}
	repository, tag := splitTag(name)
	host, repository, _ := strings.Cut(repository, "/")
	text, err := os.ReadFile(d.record("login " + host))
	var at login
	if err != nil || json.Unmarshal(text, &at) != nil {
		return fmt.Errorf("no basic auth credentials for %s: log in first", host)
	}
	if d.client.Endpoint() != at.URL && !isLoopback(at.URL) {
		return fmt.Errorf("%s is no registry of the Aloft at %s: images that are built without Docker are without their bases", host, d.client.Endpoint())
	}
	digest, err := pushImage(ctx, archive, "", at.URL+"/v2/"+repository, at.Token, func(string) string { return tag })
	if err != nil {
		return err
	}
	return d.say(fmt.Sprintf("%s: digest: %s\n", tag, digest))
}

// splitTag splits a name before its tag.
func splitTag(name string) (repository, tag string) {
	if i := strings.LastIndexByte(name, ':'); i > strings.LastIndexByte(name, '/') {
		return name[:i], name[i+1:]
	}
	return name, "latest"
}

// record is the file that remembers an image by a name.
func (d *docker) record(name string) string {
	repository, tag := splitTag(name)
	sum := sha256.Sum256([]byte(repository + ":" + tag))
	return filepath.Join(d.cache, "docker", hex.EncodeToString(sum[:16]))
}

// find returns the archive of an image that was built.
func (d *docker) find(name string) (string, error) {
	archive, err := os.ReadFile(d.record(name))
	if err == nil {
		_, err = os.Stat(string(archive)) // what was not used for long is gone
	}
	if err != nil {
		return "", fmt.Errorf("Error: No such object: %s", name)
	}
	return string(archive), nil
}

// remember writes down what is known of a name.
func (d *docker) remember(name, text string) error {
	file := d.record(name)
	if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
		return err
	}
	return os.WriteFile(file, []byte(text), 0o600)
}

// dockerProgram writes a program that is this one's docker, for who calls it
// without arguments of ours.
func dockerProgram(dir string) (string, error) {
	file := filepath.Join(dir, "docker")
	quoted := "'" + strings.ReplaceAll(self(), "'", `'\''`) + "'"
	return file, os.WriteFile(file, []byte("#!/bin/sh\nexec "+quoted+` docker "$@"`+"\n"), 0o755)
}
