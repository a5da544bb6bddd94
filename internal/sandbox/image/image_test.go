package image

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"
)

// layer makes a tar file of entries: "dir/", "file=text", "link->target",
// "link=>target" for a hard link.
func layer(t testing.TB, entries ...string) []byte {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, e := range entries {
		h := &tar.Header{Name: e, Mode: 0o755}
		var text string
		if name, target, ok := strings.Cut(e, "->"); ok {
			h.Name, h.Linkname, h.Typeflag = name, target, tar.TypeSymlink
		} else if name, target, ok := strings.Cut(e, "=>"); ok {
			h.Name, h.Linkname, h.Typeflag = name, target, tar.TypeLink
		} else if name, content, ok := strings.Cut(e, "="); ok {
			h.Name, text, h.Typeflag, h.Size = name, content, tar.TypeReg, int64(len(content))
		} else if strings.HasSuffix(e, "/") {
			h.Typeflag = tar.TypeDir
		}
		if err := w.WriteHeader(h); err != nil {
			t.Fatal(err)
		}
		io.WriteString(w, text)
	}
	w.Close()
	return b.Bytes()
}

func unpack(dir string, limits Limits, layers ...[]byte) error {
	u, err := NewUnpacker(dir, limits)
	if err != nil {
		return err
	}
	defer u.Close()
	for _, l := range layers {
		if err := u.Layer(bytes.NewReader(l)); err != nil {
			return err
		}
	}
	return u.Finish()
}

// tree is what a directory has, as layer is given it.
func tree(t testing.TB, dir string) string {
	t.Helper()
	var all []string
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		rel, _ := filepath.Rel(dir, path)
		switch {
		case err != nil || rel == ".":
			return err
		case d.IsDir():
			all = append(all, rel+"/")
		case d.Type()&fs.ModeSymlink != 0:
			target, _ := os.Readlink(path)
			all = append(all, rel+"->"+target)
		default:
			b, _ := os.ReadFile(path)
			all = append(all, rel+"="+string(b))
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return strings.Join(all, " ")
}

func TestLayers(t *testing.T) {
	gz := func(b []byte) []byte {
		var out bytes.Buffer
		w := gzip.NewWriter(&out)
		w.Write(b)
		w.Close()
		return out.Bytes()
	}
	zst := func(b []byte) []byte {
		w, err := zstd.NewWriter(nil)
		if err != nil {
			t.Fatal(err)
		}
		return w.EncodeAll(b, nil)
	}
	for _, c := range []struct {
		what   string
		layers [][]byte
		want   string
	}{
		{"a file takes the place of another", [][]byte{layer(t, "a/", "a/x=1"), layer(t, "a/x=2")}, "a/ a/x=2"},
		{"a whiteout hides what is below", [][]byte{layer(t, "a/", "a/x=1", "a/y=1"), layer(t, "a/.wh.x=")}, "a/ a/y=1"},
		{"a whiteout hides a directory", [][]byte{layer(t, "a/", "a/x=1", "b=1"), layer(t, ".wh.a=")}, "b=1"},
		{"an opaque directory has only its own", [][]byte{layer(t, "a/", "a/x=1", "a/s/", "a/s/y=1"), layer(t, "a/", "a/s/", "a/s/z=2", "a/.wh..wh..opq=")}, "a/ a/s/ a/s/z=2"},
		{"a whiteout leaves what its layer brings", [][]byte{layer(t, "a=1"), layer(t, "a=2", ".wh.a=")}, "a=2"},
		{"links are followed as in the image", [][]byte{layer(t, "real/", "run->/real", "rel->real"), layer(t, "run/x=1", "rel/y=2")}, "real/ real/x=1 real/y=2 rel->real run->/real"},
		{"a link that leads out ends at the root", [][]byte{layer(t, "up->../../..", "up/x=1")}, "up->../../.. x=1"},
		{"a file takes the place of a link", [][]byte{layer(t, "x->/etc/passwd"), layer(t, "x=1")}, "x=1"},
		{"a directory takes the place of a link", [][]byte{layer(t, "x->/etc"), layer(t, "x/", "x/y=1")}, "x/ x/y=1"},
		{"hard links are of the image", [][]byte{layer(t, "a=1", "b=>/a", "c=>../../a")}, "a=1 b=1 c=1"},
		{"names do not lead out", [][]byte{layer(t, "../../x=1", "/y=2")}, "x=1 y=2"},
		{"compressed by gzip", [][]byte{gz(layer(t, "a=1"))}, "a=1"},
		{"compressed by zstd", [][]byte{zst(layer(t, "a=1"))}, "a=1"},
	} {
		dir := t.TempDir()
		if err := unpack(dir, Limits{}, c.layers...); err != nil {
			t.Errorf("%s: %v", c.what, err)
		} else if got := tree(t, dir); got != c.want {
			t.Errorf("%s: got %s, want %s", c.what, got, c.want)
		}
	}
}

func TestBadLayers(t *testing.T) {
	for _, c := range []struct {
		what  string
		layer []byte
		want  error
	}{
		{"no tar file", []byte(strings.Repeat("x", 1024)), ErrFormat},
		{"cut", layer(t, "a="+strings.Repeat("x", 90))[:530], ErrFormat},
		{"a loop of links", layer(t, "a->b", "b->a", "a/x=1"), ErrFormat},
		{"a hard link to a directory", layer(t, "a/", "b=>a"), ErrFormat},
		{"a hard link to nothing", layer(t, "b=>a"), ErrFormat},
		{"too large", layer(t, "a="+strings.Repeat("x", 200)), ErrTooBig},
		{"too many", layer(t, "1=", "2=", "3=", "4=", "5=", "6="), ErrTooBig},
	} {
		if err := unpack(t.TempDir(), Limits{Bytes: 100, Entries: 5}, c.layer); !errors.Is(err, c.want) {
			t.Errorf("%s: got %v, want %v", c.what, err, c.want)
		}
	}
}

// Whatever a layer says, nothing is written outside.
func FuzzLayer(f *testing.F) {
	f.Add(layer(f, "a/", "a/x=1", "l->/../..", "l/y=2", "a/.wh.x=", "h=>a/x"))
	f.Add(layer(f, "../x=1", ".wh...=", ".wh..wh..opq="))
	f.Fuzz(func(t *testing.T, b []byte) {
		outer := t.TempDir()
		dir := filepath.Join(outer, "dir")
		if err := os.Mkdir(dir, 0o755); err != nil {
			t.Fatal(err)
		}
		unpack(dir, Limits{Bytes: 1 << 20, Entries: 100}, b, b)
		if list, _ := os.ReadDir(outer); len(list) != 1 {
			t.Errorf("%d files outside", len(list)-1)
		}
	})
}

func TestPlace(t *testing.T) {
	dir := t.TempDir()
	if err := unpack(dir, Limits{}, layer(t, "etc->/usr/etc", "tmp=file", "proc/")); err != nil {
		t.Fatal(err)
	}
	x, err := OpenTree(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer x.Close()
	for name, directory := range map[string]bool{"etc/hosts": false, "tmp": true, "proc": true, "var/runtime/trust": true} {
		if err := x.Place(name, directory); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	if got, want := tree(t, dir), "etc/ etc/hosts= proc/ tmp/ var/ var/runtime/ var/runtime/trust/"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestLookPath(t *testing.T) {
	dir := t.TempDir()
	if err := unpack(dir, Limits{}, layer(t, "usr/bin/", "usr/bin/python3=x", "bin->usr/bin", "usr/bin/python->/etc/alternatives/python", "etc/alternatives/", "etc/alternatives/python->/usr/bin/python3", "app/", "app/run=x", "usr/bin/bad->/none")); err != nil {
		t.Fatal(err)
	}
	x, err := OpenTree(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer x.Close()
	for name, want := range map[string]string{"python": "/bin/python", "/usr/bin/python3": "/usr/bin/python3", "./run": "/app/run", "run": "", "bad": "", "none": ""} {
		if got := x.LookPath(name, "/app", "/sbin:/bin"); got != want {
			t.Errorf("%s: got %q, want %q", name, got, want)
		}
	}
}

func TestManifest(t *testing.T) {
	const digest = `"digest":"sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a","size":2`
	for text, good := range map[string]bool{
		`{"schemaVersion":2,"config":{` + digest + `},"layers":[]}`:                                           true,
		`{"schemaVersion":2,"manifests":[{` + digest + `,"platform":{"os":"linux","architecture":"amd64"}}]}`: true,
		`{"schemaVersion":1,"config":{` + digest + `}}`:                                                       false,
		`{"schemaVersion":2,"config":{"digest":"sha256:../../x"}}`:                                            false,
		`{"schemaVersion":2}`: false,
		`[]`:                  false,
	} {
		m, err := ParseManifest([]byte(text))
		if (err == nil) != good {
			t.Errorf("%s: %v", text, err)
		}
		if good && m.IsIndex() {
			if _, ok := m.Choose("amd64"); !ok {
				t.Error("no image for amd64")
			}
			if _, ok := m.Choose("arm64"); ok {
				t.Error("an image for arm64")
			}
		}
	}
}

func FuzzManifest(f *testing.F) {
	f.Add([]byte(`{"schemaVersion":2,"config":{"digest":"sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"}}`))
	f.Fuzz(func(t *testing.T, b []byte) { // what parses names its parts by hashes
		m, err := ParseManifest(b)
		if err != nil {
			return
		}
		for _, d := range m.Parts() {
			if !IsDigest(d.Digest) {
				t.Errorf("digest %q", d.Digest)
			}
		}
	})
}

// An archive is read in each of its forms.
func TestArchive(t *testing.T) {
	one := layer(t, "a=1")
	const config = `{"architecture":"amd64"}`
	file := func(name, text string) string { return name + "=" + text }
	saved := layer(t, file("c.json", config), file("1/layer.tar", string(one)), "2/layer.tar->../1/layer.tar",
		file("manifest.json", `[{"Config":"c.json","RepoTags":["app:v1"],"Layers":["1/layer.tar","2/layer.tar"]}]`))
	var zipped bytes.Buffer
	z := gzip.NewWriter(&zipped)
	z.Write(saved)
	z.Close()
	for what, b := range map[string][]byte{"saved": saved, "compressed": zipped.Bytes()} {
		path := filepath.Join(t.TempDir(), "image.tar")
		if err := os.WriteFile(path, b, 0o600); err != nil {
			t.Fatal(err)
		}
		a, err := OpenArchive(path)
		if err != nil {
			t.Fatalf("%s: %v", what, err)
		}
		defer a.Close()
		digest, err := a.Manifest("app:v1")
		if err != nil {
			t.Fatalf("%s: %v", what, err)
		}
		text, err := a.Read(digest)
		if err != nil {
			t.Fatal(err)
		}
		m, err := ParseManifest(text)
		if err != nil || len(m.Layers) != 2 {
			t.Fatalf("%s: manifest %s: %v", what, text, err)
		}
		if got, err := a.Read(m.Config.Digest); string(got) != config || err != nil {
			t.Errorf("%s: configuration %s, %v", what, got, err)
		}
		if got, err := a.Read(m.Layers[1].Digest); !bytes.Equal(got, one) || err != nil {
			t.Errorf("%s: layer of %d bytes, %v", what, len(got), err)
		}
	}
}

// Devices are left out, and no file makes another user of who runs it.
func TestPowers(t *testing.T) {
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, h := range []*tar.Header{
		{Name: "vda", Typeflag: tar.TypeBlock, Mode: 0o666, Devmajor: 254},
		{Name: "mem", Typeflag: tar.TypeChar, Mode: 0o666, Devmajor: 1, Devminor: 1},
		{Name: "pipe", Typeflag: tar.TypeFifo, Mode: 0o666},
		{Name: "su", Typeflag: tar.TypeReg, Mode: 0o6755, Uid: 0, Gid: 0},
	} {
		if err := w.WriteHeader(h); err != nil {
			t.Fatal(err)
		}
	}
	w.Close()
	dir := t.TempDir()
	if err := unpack(dir, Limits{}, b.Bytes()); err != nil {
		t.Fatal(err)
	}
	if got := tree(t, dir); got != "su=" {
		t.Errorf("unpacked %s", got)
	}
	if info, err := os.Stat(filepath.Join(dir, "su")); err != nil || info.Mode() != 0o755 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
}
