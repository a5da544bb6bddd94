package main

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"testing"
)

// What is checked in is what the pinned models make.
func TestUpToDate(t *testing.T) {
	root := filepath.Join("..", "..")
	files, err := generate(root, "")
	if errors.Is(err, fs.ErrNotExist) {
		t.Skipf("no models: %v", err)
	}
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range files {
		got, err := os.ReadFile(filepath.Join(root, name))
		if err != nil {
			t.Errorf("%v; run make gen", err)
		} else if !bytes.Equal(got, want) {
			t.Errorf("%s is not what the models make; run make gen", name)
		}
	}
	old, err := generated(root)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range old {
		if files[name] == nil {
			t.Errorf("%s comes from no model; run make gen", name)
		}
	}
}

func TestConstant(t *testing.T) {
	f := func(value, want string) {
		t.Helper()
		if got := constant(value); got != want {
			t.Errorf("constant(%q) = %q, want %q", value, got, want)
		}
	}
	f("ACTIVE", "Active")
	f("CREATE_IN_PROGRESS", "CreateInProgress")
	f("PutObject", "PutObject")
	f("python3.14", "Python314")
	f("aws:kms:dsse", "AwsKmsDsse")
	f("s3:ObjectCreated:*", "S3ObjectCreatedAll")
}

// A patch merges into a model: it adds, changes and removes, and the order of
// what was there stays.
func TestOrderedMerge(t *testing.T) {
	var s shape
	decode := func(text string) {
		t.Helper()
		if err := s.Members.UnmarshalJSON([]byte(text)); err != nil {
			t.Fatal(err)
		}
	}
	decode(`{"b": {"shape": "B", "location": "uri"}, "a": {"shape": "A"}, "c": {"shape": "C"}}`)
	decode(`{"b": {"shape": "B2"}, "a": null, "d": {"shape": "D"}}`)
	if want := []string{"b", "c", "d"}; !slices.Equal(s.Members.names, want) {
		t.Errorf("members are %v, want %v", s.Members.names, want)
	}
	if b := s.Members.at["b"]; b.Shape != "B2" || b.Location != "uri" {
		t.Errorf("b is %+v, want shape B2 still in the URI", b)
	}
	if err := s.Members.UnmarshalJSON([]byte(`{"z": null}`)); err == nil {
		t.Error("removing what is not there is no error")
	}
}
