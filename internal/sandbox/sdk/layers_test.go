package sdk

import (
	"archive/zip"
	"bytes"
	"os"
	"path/filepath"
	"testing"
)

// The layers that can be made are known by name, with the version in it.
func TestPublicLayers(t *testing.T) {
	for name, want := range map[string]string{
		"AWSLambdaPowertoolsPython":                    "",
		"AWSLambdaPowertoolsPythonV2":                  "V2",
		"AWSLambdaPowertoolsPythonV2-Arm64":            "V2",
		"AWSLambdaPowertoolsPythonV3-python313-x86_64": "V3",
		"AWSLambdaPowertoolsTypeScriptV2":              "V2",
		"LambdaAdapterLayerArm64":                      "",
		"LambdaInsightsExtension-Arm64":                "",
		"AWS-AppConfig-Extension-Arm64":                Settings,
		"AWS-Parameters-and-Secrets-Lambda-Extension":  Secrets,
	} {
		if _, got, ok := publicOf(name); !ok || got != want {
			t.Errorf("publicOf(%q) = %q, %v, want %q", name, got, ok, want)
		}
	}
	for _, name := range []string{"", "graphicsmagick", "AWSLambdaPowertoolsPythonV4", "MyLambdaInsightsExtension"} {
		if HasLayer(name) {
			t.Errorf("HasLayer(%q)", name)
		}
	}
}

// Of what was fetched for a layer, its files are in its archive, and can be run
// if they could.
func TestArchive(t *testing.T) {
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "extensions"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "extensions", "program"), []byte("x"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("extensions/program", filepath.Join(dir, "link")); err != nil {
		t.Skip(err)
	}
	text, err := archive(dir)
	if err != nil {
		t.Fatal(err)
	}
	r, err := zip.NewReader(bytes.NewReader(text), int64(len(text)))
	if err != nil || len(r.File) != 1 || r.File[0].Name != "extensions/program" || r.File[0].Mode().Perm() != 0o755 {
		t.Errorf("got %v, %v", r.File, err)
	}
}
