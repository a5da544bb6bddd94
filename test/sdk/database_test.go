package sdk_test

import (
	"net/http"
	"os"
	"runtime"
	"syscall"
	"testing"

	"github.com/aloft-cloud/aloft/internal/maven"
)

// needServers skips the test if the servers of databases cannot be had.
func needServers(t *testing.T) {
	t.Helper()
	res, err := http.Head(maven.Central)
	if err != nil {
		t.Skip("needs servers of databases, from Maven Central: ", err)
	}
	res.Body.Close()
}

// TestDatabase has boto3 make a cluster of PostgreSQL and use it by the Data API, and
// a function find it by its endpoint; the binary is killed between what was
// committed and who reads it.
func TestDatabase(t *testing.T) {
	python := client(t, "python/bin/python")
	if os.Getuid() != 0 {
		t.Skip("needs a whole fence")
	}
	needServers(t)
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
	needServers(t)
	data := t.TempDir()
	a := start(t, data)
	runClient(t, a, python, "python/mysql.py", "write")
	a.stop(syscall.SIGKILL)
	runClient(t, start(t, data), python, "python/mysql.py", "read")
}

// TestDatabaseKilled kills the binary while clusters and an instance are made, while
// snapshots of them are, and while others are made of those: all are finished at the next
// start, with the rows that there were.
func TestDatabaseKilled(t *testing.T) {
	python := client(t, "python/bin/python")
	if os.Getuid() != 0 {
		t.Skip("needs a whole fence")
	}
	needServers(t)
	engines := []string{"aurora-postgresql"}
	if runtime.GOARCH == "amd64" {
		engines = append(engines, "aurora-mysql")
	}
	data := t.TempDir()
	for _, part := range []string{"create", "snapshot", "restore", "read"} {
		a := start(t, data)
		runClient(t, a, python, append([]string{"python/databasekill.py", part}, engines...)...)
		a.stop(syscall.SIGKILL)
	}
}
