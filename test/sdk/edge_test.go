package sdk_test

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

// TestEdgeBoto3 runs functions at the edge with boto3, kills the binary, and
// finds them and what they read as they were.
func TestEdgeBoto3(t *testing.T) {
	python := client(t, "python/bin/python")
	data := t.TempDir()
	a := start(t, data)
	runClient(t, a, python, "python/edge.py", "make")
	a.stop(syscall.SIGKILL)
	runClient(t, start(t, data), python, "python/edge.py", "again")
}

// TestGuardsBoto3 has WAF and signed URLs guard an API and a site with boto3,
// kills the binary, and finds that they still do.
func TestGuardsBoto3(t *testing.T) {
	python := client(t, "python/bin/python")
	data, keys := t.TempDir(), newKeys(t)
	a := start(t, data)
	runClient(t, a, python, "python/guard.py", "make", keys)
	a.stop(syscall.SIGKILL)
	runClient(t, start(t, data), python, "python/guard.py", "again", keys)
}

// TestLogsOfEdgeBoto3 has a distribution log with boto3, kills the binary, and
// finds that a stream kept what it was told, and is told more.
func TestLogsOfEdgeBoto3(t *testing.T) {
	python := client(t, "python/bin/python")
	data := t.TempDir()
	a := start(t, data)
	runClient(t, a, python, "python/logged.py", "make")
	a.stop(syscall.SIGKILL)
	runClient(t, start(t, data), python, "python/logged.py", "again")
}

// newKeys returns a folder with a key and its public half, as PEM.
func newKeys(t *testing.T) string {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	public, err := x509.MarshalPKIXPublicKey(&key.PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	for name, block := range map[string]*pem.Block{
		"private.pem": {Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key)},
		"public.pem":  {Type: "PUBLIC KEY", Bytes: public},
	} {
		if err := os.WriteFile(filepath.Join(dir, name), pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}
