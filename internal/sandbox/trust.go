package sandbox

import (
	"os"
	"path/filepath"

	"github.com/aloft-cloud/aloft/internal/sandbox/fence"
)

// What workers trust, as files in a directory that they all see.
const (
	allRoots  = "all.pem"   // the roots of the host, and ours
	ourRoot   = "aloft.pem" // ours
	javaRoots = "all.jks"   // as all, for Java
)

func (m *Manager) trustDir() string { return filepath.Join(m.cfg.Dir, "trust") }

// writeTrust writes the certificates that workers trust.
func (m *Manager) writeTrust() error {
	dir := m.trustDir()
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	if err := os.Chmod(dir, 0o755); err != nil { // whatever the umask is
		return err
	}
	for name, content := range map[string][]byte{allRoots: m.cfg.CA.Bundle(), ourRoot: m.cfg.CA.PEM(), javaRoots: m.cfg.CA.KeyStore()} {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, content, 0o644); err != nil {
			return err
		}
		if err := os.Chmod(path, 0o644); err != nil {
			return err
		}
	}
	return nil
}

// trustBinds show the certificates to workers: where Lambda has them, and where
// programs look that ask nobody.
func (m *Manager) trustBinds() []fence.Bind {
	all := filepath.Join(m.trustDir(), allRoots)
	return []fence.Bind{
		{Host: m.trustDir(), Path: fencedPlaces.trust},
		{Host: all, Path: "/var/runtime/ca-cert.pem"},
		{Host: all, Path: "/etc/ssl/certs/ca-certificates.crt", Optional: true},
	}
}
