package container

import (
	"archive/tar"
	"context"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/aloft-cloud/aloft/internal/sandbox/image"
	"github.com/aloft-cloud/aloft/internal/sandbox/lang"
	"github.com/aloft-cloud/aloft/internal/sandbox/room"
)

const enterVariable = "-enter-room"

func TestMain(m *testing.M) {
	if len(os.Args) == 2 && os.Args[1] == enterVariable {
		println(room.Enter().Error())
		os.Exit(253)
	}
	os.Exit(m.Run())
}

// A kitchen builds images of one application.
type kitchen struct {
	*testing.T
	dir  string
	said []string
	cfg  Config
}

// newKitchen has the files of a text: each begins with "-- name --".
func newKitchen(t *testing.T, files string) *kitchen {
	k := &kitchen{T: t, dir: t.TempDir()}
	k.write(files)
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	home, _ := os.UserHomeDir()
	cache := t.TempDir()
	k.cfg = Config{
		File: filepath.Join(k.dir, "Dockerfile"), Context: k.dir, Cache: cache, Place: func(key string) string { return filepath.Join(cache, hashed(key)[:16]) },
		Rooms: room.Runner{Self: []string{self, enterVariable}}, Tools: &lang.Finder{Home: home}, Tell: func(what string) { k.said = append(k.said, what) },
	}
	return k
}

var fileHead = regexp.MustCompile(`(?m)^-- (.+) --\n`)

func (k *kitchen) write(files string) {
	k.Helper()
	heads := fileHead.FindAllStringSubmatchIndex(files, -1)
	for i, h := range heads {
		end := len(files)
		if i+1 < len(heads) {
			end = heads[i+1][0]
		}
		name := filepath.Join(k.dir, files[h[2]:h[3]])
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			k.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(files[h[1]:end]), 0o644); err != nil {
			k.Fatal(err)
		}
	}
}

// A made is an image: its configuration, and its files and what is in them.
type made struct {
	digest string
	config image.Config
	files  map[string]string
}

func (k *kitchen) build() *made {
	k.Helper()
	dir, err := Build(context.Background(), k.cfg)
	if err != nil && strings.Contains(err.Error(), room.ErrUnable.Error()) {
		k.Skip(err)
	}
	if err != nil {
		k.Fatal(err)
	}
	a, err := image.OpenArchive(dir)
	if err != nil {
		k.Fatal(err)
	}
	defer a.Close()
	m := &made{files: make(map[string]string)}
	if m.digest, err = a.Manifest(""); err != nil {
		k.Fatal(err)
	}
	read := func(digest string) []byte {
		b, err := a.Read(digest)
		if err != nil {
			k.Fatal(err)
		}
		return b
	}
	manifest, err := image.ParseManifest(read(m.digest))
	if err != nil {
		k.Fatal(err)
	}
	if err := json.Unmarshal(read(manifest.Config.Digest), &m.config); err != nil {
		k.Fatal(err)
	}
	layer, err := a.Open(manifest.Layers[0].Digest)
	if err != nil {
		k.Fatal(err)
	}
	defer layer.Close()
	in := tar.NewReader(layer)
	for {
		h, err := in.Next()
		if err == io.EOF {
			return m
		}
		if err != nil {
			k.Fatal(err)
		}
		text, _ := io.ReadAll(in)
		if h.Typeflag != tar.TypeDir {
			m.files[h.Name] = string(text) + h.Linkname
		}
	}
}

func (k *kitchen) refused(want string) {
	k.Helper()
	_, err := Build(context.Background(), k.cfg)
	if err == nil || !strings.Contains(strings.ReplaceAll(err.Error(), k.dir+"/", ""), want) {
		k.Errorf("Build: %v, want %q", err, want)
	}
}

func (m *made) names() []string {
	var all []string
	for name := range m.files {
		all = append(all, name)
	}
	slices.Sort(all)
	return all
}

func equal[T any](t *testing.T, what string, got, want T) {
	t.Helper()
	g, _ := json.Marshal(got)
	w, _ := json.Marshal(want)
	if string(g) != string(w) {
		t.Errorf("%s is %s, want %s", what, g, w)
	}
}

func TestCopy(t *testing.T) {
	k := newKitchen(t, `-- Dockerfile --
ARG VERSION=3.12
FROM public.ecr.aws/lambda/python:${VERSION} AS base
ENV A=1 B="two words" C=${A}x
COPY app.py ${LAMBDA_TASK_ROOT}
COPY lib ./lib/
COPY *.txt data.json /opt/data/
COPY --chmod=755 run.sh model/
COPY <<EOF /opt/made
A is $A
EOF
FROM base
WORKDIR sub
COPY --from=base /var/task/app.py copy.py
LABEL who=me
EXPOSE 80
USER nobody
CMD ["app.handler"]
-- app.py --
def handler(e, c): return 1
-- lib/a.py --
a
-- lib/deep/b.pyc --
b
-- one.txt --
1
-- two.txt --
2
-- data.json --
{}
-- run.sh --
true
-- .dockerignore --
two.txt
**/*.pyc
`)
	m := k.build()
	equal(t, "files", m.names(), []string{"opt/data/data.json", "opt/data/one.txt", "opt/made", "var/task/app.py", "var/task/lib/a.py", "var/task/model/run.sh", "var/task/sub/copy.py"})
	equal(t, "document", m.files["opt/made"], "A is 1\n")
	equal(t, "variables", m.config.Config.Env, []string{"A=1", "B=two words", "C=x"})
	equal(t, "command", m.config.Config.Cmd, []string{"app.handler"})
	equal(t, "directory", m.config.Config.WorkingDir, "/var/task/sub")
	equal(t, "labels", m.config.Config.Labels, map[string]string{"who": "me", image.RuntimeLabel: "python3.12"})

	equal(t, "digest as it was", k.build().digest, m.digest)
	if err := os.RemoveAll(k.cfg.Cache); err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(k.cfg.Cache, 0o755); err != nil {
		t.Fatal(err)
	}
	equal(t, "digest without a cache", k.build().digest, m.digest)
	k.write("-- app.py --\ndef handler(e, c): return 2\n")
	if again := k.build(); again.digest == m.digest || again.files["var/task/sub/copy.py"] != "def handler(e, c): return 2\n" {
		t.Error("what changed is as it was")
	}
	k.cfg.Args = map[string]string{"VERSION": "3.11"}
	equal(t, "runtime", k.build().config.Config.Labels[image.RuntimeLabel], "python3.11")
}

func TestRefused(t *testing.T) {
	const base = "FROM public.ecr.aws/lambda/python:3.12\n"
	for text, want := range map[string]string{
		"FROM nginx\n":                                        "Dockerfile:1: Aloft builds without Docker on the base images of Lambda (public.ecr.aws/lambda/…), and stages before the last on images of languages; it does not have nginx.",
		"FROM python:3.12\n":                                  "Dockerfile:1: Aloft builds without Docker on the base images of Lambda (public.ecr.aws/lambda/…), and python:3.12 is none",
		"FROM a AS b AS c\n":                                  "Dockerfile:1: FROM needs an image",
		"RUN x\n" + base:                                      "Dockerfile:1: RUN comes before FROM",
		"# none\n":                                            "it has no FROM",
		base + "FLY\n":                                        "Dockerfile:2: Aloft does not know the instruction FLY",
		base + "COPY x y\n":                                   "Dockerfile:2: x: file does not exist",
		base + "COPY x\n":                                     "Dockerfile:2: COPY needs what to copy, and where to",
		base + "COPY ../../../etc/passwd .\n":                 "Dockerfile:2: etc/passwd: file does not exist",
		base + "COPY --from=uv:1 /uv .\n":                     "Dockerfile:2: Aloft builds without Docker and has no image uv:1 to copy from.",
		base + "ADD https://a.example/x .\n":                  "Dockerfile:2: Aloft builds without Docker and does not fetch https://a.example/x",
		base + "COPY Dockerfile /usr/bin/\n":                  "Dockerfile:2: Aloft builds without Docker, and lays nothing over /usr/bin of the base image.",
		base + "RUN a && \\\n yum install -y none-such-x\n":   "Dockerfile:2: Aloft builds without Docker and does not run `yum install`; this machine has no program none-such-x.",
		base + "RUN amazon-linux-extras enable x\n":           "Dockerfile:2: Aloft builds without Docker and does not run `amazon-linux-extras enable x`.",
		base + "RUN --mount=type=secret,id=x y\n":             "Dockerfile:2: Aloft builds without Docker and does not mount a secret",
		base + "RUN --security=insecure y\n":                  "Dockerfile:2: Aloft builds without Docker and does not know RUN --security=insecure",
		base + "ENTRYPOINT [\"/entry.sh\"]\n":                 "Dockerfile:1: Aloft builds without Docker and runs functions on this image by its own entry point, not by [\"/entry.sh\"].",
		"FROM public.ecr.aws/lambda/dotnet:8\n":               "Dockerfile:1: Aloft has no runtime for public.ecr.aws/lambda/dotnet:8",
		base + "ENV A\n":                                      "Dockerfile:2: ENV A: the value is missing",
		"FROM b AS a\nFROM public.ecr.aws/lambda/python AS b": "",
	} {
		k := newKitchen(t, "-- Dockerfile --\n"+text)
		if want != "" {
			k.refused(want)
		} else if k.build().config.Config.Labels[image.RuntimeLabel] != "python3.13" {
			t.Errorf("%q: stages that are not needed count", text)
		}
	}
}

func TestBases(t *testing.T) {
	for ref, want := range map[string]string{
		"public.ecr.aws/lambda/python:3.12":                   "python3.12",
		"public.ecr.aws/lambda/python:3.9.2024.10.16.13":      "python3.9",
		"public.ecr.aws/lambda/nodejs:20-x86_64":              "nodejs20.x",
		"amazon/aws-lambda-nodejs:18-arm64":                   "nodejs18.x",
		"docker.io/amazon/aws-lambda-nodejs":                  "nodejs22.x",
		"public.ecr.aws/lambda/java:8.al2":                    "java8.al2",
		"public.ecr.aws/lambda/java:21":                       "java21",
		"public.ecr.aws/lambda/provided:al2023.2024.01.01.01": "provided.al2023",
		"public.ecr.aws/lambda/provided:al2":                  "provided.al2",
		"public.ecr.aws/lambda/ruby:3.3":                      "ruby3.3",
		"public.ecr.aws/lambda/go:1":                          "go1.x",
		"public.ecr.aws/sam/build-java21:latest":              "java21",
		"python:3.12-slim":                                    "",
		"public.ecr.aws/docker/library/golang:1.22":           "",
	} {
		got, err := parseBase(ref)
		if err != nil || got.Runtime != want {
			t.Errorf("parseBase(%q) = %+v, %v, want %q", ref, got, err, want)
		}
	}
}

func TestRun(t *testing.T) {
	k := newKitchen(t, `-- Dockerfile --
FROM alpine:3 AS build
ARG WHO=world
WORKDIR /src
COPY in.txt .
RUN apk add --no-cache tar && tr a-z A-Z <in.txt >out.txt && \
    echo "hello $WHO" >>out.txt && mkdir -p /usr/local/share/x && echo x >/usr/local/share/x/y
RUN <<EOF
cat /usr/local/share/x/y >third.txt
echo $$ >/tmp/gone
EOF
RUN ["/bin/sh", "-c", "sleep 0.4; echo slow >slow.txt"]

FROM public.ecr.aws/lambda/provided:al2023
COPY --from=build /src/*.txt ./
COPY after.txt .
RUN echo made >made.txt && echo no >/tmp/no && echo no >/etc/no
ENTRYPOINT ["./main"]
-- in.txt --
some text
-- after.txt --
1
`)
	m := k.build()
	equal(t, "files", m.names(), []string{"var/task/after.txt", "var/task/in.txt", "var/task/made.txt", "var/task/out.txt", "var/task/slow.txt", "var/task/third.txt"})
	equal(t, "what was made", m.files["var/task/out.txt"]+m.files["var/task/third.txt"], "SOME TEXT\nhello world\nx\n")
	equal(t, "entry point", m.config.Config.Entrypoint, []string{"./main"})

	// What was slow is not done again when something after it changes.
	k.said = nil
	k.write("-- after.txt --\n2\n")
	equal(t, "file", k.build().files["var/task/after.txt"], "2\n")
	equal(t, "what was run", k.said, []string{"RUN echo made >made.txt && echo no >/tmp/no && echo no >/etc/no"})
	k.said = nil
	k.write("-- in.txt --\nother\n")
	equal(t, "file", k.build().files["var/task/out.txt"], "OTHER\nhello world\n")
	equal(t, "commands run", len(k.said), 4)

	k.write("-- Dockerfile --\nFROM public.ecr.aws/lambda/provided:al2\nRUN echo it is wrong >&2; exit 3\n")
	k.refused("Dockerfile:2: RUN echo it is wrong >&2; exit 3: exit status 3\nit is wrong")
}

// A command has what it is to have mounted, and no more.
func TestMounts(t *testing.T) {
	k := newKitchen(t, `-- Dockerfile --
FROM debian AS other
RUN mkdir /made && echo made >/made/file && ln -s /etc /made/leads
FROM public.ecr.aws/lambda/provided:al2
RUN --mount=type=bind,source=in,target=/in --mount=type=bind,from=other,source=made,dst=/made --mount=type=cache,target=/kept cat /in/a /made/file >all && echo x >>/kept/count && wc -l </kept/count >count && ! touch /in/b
RUN --mount=type=bind,source=leads,target=/leads ls /leads >leads.txt 2>&1; true
-- in/a --
a
`)
	if err := os.Symlink("/root", filepath.Join(k.dir, "leads")); err != nil {
		t.Fatal(err)
	}
	k.refused("Dockerfile:5: leads: file does not exist")
	if err := os.Mkdir(filepath.Join(k.dir, "root"), 0o755); err != nil {
		t.Fatal(err)
	}
	m := k.build() // the link leads to root in the context
	equal(t, "files", m.names(), []string{"var/task/all", "var/task/count", "var/task/leads.txt"})
	equal(t, "what was mounted", m.files["var/task/all"]+m.files["var/task/leads.txt"], "a\nmade\n")
	k.write("-- in/a --\nb\n")
	equal(t, "what was kept", strings.TrimSpace(k.build().files["var/task/count"]), "2")
}

// Links in what is copied lead nowhere outside.
func TestLinks(t *testing.T) {
	k := newKitchen(t, "-- Dockerfile --\nFROM public.ecr.aws/lambda/provided:al2\nCOPY out/passwd .\n")
	if err := os.Symlink("/etc", filepath.Join(k.dir, "out")); err != nil {
		t.Fatal(err)
	}
	k.refused("Dockerfile:2: out/passwd: ")
	k.write("-- Dockerfile --\nFROM public.ecr.aws/lambda/provided:al2\nCOPY . .\n")
	equal(t, "files", k.build().names(), []string{"var/task/Dockerfile", "var/task/out"})
	k.write("-- Dockerfile --\nFROM public.ecr.aws/lambda/provided:al2\nCOPY out a\nCOPY Dockerfile a/x\n")
	k.refused("Dockerfile:2: out: ")
}
