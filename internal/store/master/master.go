// Package master has the keys of an installation, which wrap what services keep
// secret at rest. Each is in a file of its own beside the store, so that who has
// the rows alone has no secrets.
package master

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
)

const size = 32 // bytes of a key

// Open returns the key that is in a file, which is made when there is none;
// without a name it is forgotten at the end.
func Open(file string) (cipher.AEAD, error) {
	secret := make([]byte, size)
	rand.Read(secret)
	if file != "" {
		kept, err := os.ReadFile(file)
		switch {
		case err == nil && len(kept) != size:
			return nil, fmt.Errorf("%s is no key", file)
		case err == nil:
			secret = kept
		case errors.Is(err, os.ErrNotExist):
			err = writeKey(file, secret)
		}
		if err != nil {
			return nil, fmt.Errorf("key of this installation: %w", err)
		}
	}
	block, err := aes.NewCipher(secret)
	if err != nil {
		return nil, err
	}
	return cipher.NewGCMWithRandomNonce(block)
}

// Later returns what opens the key that is in a file when it is first wanted, and
// then has it.
func Later(file string) func() (cipher.AEAD, error) {
	return sync.OnceValues(func() (cipher.AEAD, error) { return Open(file) })
}

// writeKey writes a file that is whole or not there, and on disk: before
// anything that it wraps is.
func writeKey(file string, secret []byte) error {
	dir := filepath.Dir(file)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	f, err := os.CreateTemp(dir, ".key-*") // for its owner alone
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	_, err = f.Write(secret)
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	if err := os.Rename(f.Name(), file); err != nil {
		return err
	}
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
