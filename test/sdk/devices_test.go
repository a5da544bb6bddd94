package sdk_test

import (
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"
	"time"
)

// TestDevices has boto3 make a thing with a certificate, and a client of MQTT be
// it: rules and shadows hear of it. The binary is killed while a session waits,
// and while messages are published; nothing that was acknowledged is lost.
func TestDevices(t *testing.T) {
	python := client(t, "python/bin/python")
	if out, err := exec.Command(python, "-c", "import paho.mqtt.client").CombinedOutput(); err != nil {
		t.Skipf("needs paho-mqtt of test/sdk's requirements.txt: %s", out)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	check(t, err)
	port := strconv.Itoa(l.Addr().(*net.TCPAddr).Port)
	l.Close()
	data, work := t.TempDir(), t.TempDir()
	t.Setenv("CA", filepath.Join(data, "ca", "ca.pem"))
	run := func() *aloft { return start(t, data, "dev", "--mqtt", "127.0.0.1:"+port) }
	do := func(a *aloft, part string) {
		t.Helper()
		runClient(t, a, python, "python/devices.py", work, port, part)
	}

	a := run()
	do(a, "write")
	a.stop(syscall.SIGKILL)
	a = run()
	do(a, "read")

	flood := exec.CommandContext(t.Context(), python, "python/devices.py", work, port, "flood")
	flood.Env = a.clientEnv()
	check(t, flood.Start())
	acked, began := filepath.Join(work, "acked"), time.Now()
	for text := []byte(nil); len(text) < 200; time.Sleep(50 * time.Millisecond) {
		if text, err = os.ReadFile(acked); err != nil && time.Since(began) > time.Minute {
			t.Fatal("nothing is acknowledged: ", err)
		}
	}
	a.stop(syscall.SIGKILL)
	flood.Wait() // how it ended does not matter
	do(run(), "count")
}

// TestNetworks has the AWS CLI make networks, their groups and their rules.
func TestNetworks(t *testing.T) {
	aws := client(t, "python/bin/aws")
	runClient(t, start(t, t.TempDir()), "bash", "cli/networks.sh", aws)
}
