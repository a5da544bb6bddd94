package sdk_test

import (
	"net/http"
	"os"
	"runtime"
	"syscall"
	"testing"

	"github.com/aloft-cloud/aloft/internal/maven"
)

// TestDatabase has boto3 make a cluster of PostgreSQL and use it by the Data API, and
// a function find it by its endpoint; the binary is killed between what was
// committed and who reads it.
func TestDatabase(t *testing.T) {
	python := client(t, "python/bin/python")
	if os.Getuid() != 0 {
		t.Skip("needs a whole fence")
	}
	res, err := http.Head(maven.Central)
	if err != nil {
		t.Skip("needs PostgreSQL, from Maven Central: ", err)
	}
	res.Body.Close()
	data := t.TempDir()
	a := start(t, data)
	runClient(t, a, python, "python/database.py", "write")
	a.stop(syscall.SIGKILL)
	runClient(t, start(t, data), python, "python/database.py", "read")
}

// TestMySQL has boto3 make a cluster of Aurora MySQL and use it by the Data API, and a
// function speak TLS with it; the binary is killed in between, too.
func TestMySQL(t *testing.T) {
	python := client(t, "python/bin/python")
	if os.Getuid() != 0 || runtime.GOARCH != "amd64" {
		t.Skip("needs a whole fence, on x86-64")
	}
	res, err := http.Head(maven.Central)
	if err != nil {
		t.Skip("needs MariaDB, from Maven Central: ", err)
	}
	res.Body.Close()
	data := t.TempDir()
	a := start(t, data)
	runClient(t, a, python, "python/mysql.py", "write")
	a.stop(syscall.SIGKILL)
	runClient(t, start(t, data), python, "python/mysql.py", "read")
}
