package main

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"time"
)

// minio compares puts of 4 KB with those of a MinIO, which keeps its data beside
// ours and is started from the binary that a flag names.
func (b *bench) minio() error {
	if b.minioBin == "" {
		return errors.New("needs -minio, the path of its binary")
	}
	server, err := b.serveMinio(filepath.Join(b.dir, "minio"))
	if err != nil {
		return err
	}
	defer server.stop()
	there := &bench{aloft: server}
	content := bytes.Repeat([]byte("0123456789abcdef"), small/16)
	var loads [2]load
	for i, at := range []*bench{b, there} {
		if err := at.s3Once(http.MethodPut, "/beside", nil); err != nil {
			return err
		}
		requests, err := at.smallRequests(http.MethodPut, "beside", "", content)
		if err != nil {
			return err
		}
		loads[i] = load{requests, 16, b.duration / 2}
	}
	var ours, theirs figure
	for range 2 { // in turns: the machine's speed drifts
		o, err := b.aloft.measure(loads[0])
		if err != nil {
			return err
		}
		f, err := server.measure(loads[1])
		if err != nil {
			return fmt.Errorf("MinIO: %w", err)
		}
		ours.add(o, 2)
		theirs.add(f, 2)
	}
	row("PutObject of 4 KB beside MinIO, 16 clients", fmt.Sprintf("%.1fx", ours.rate/theirs.rate),
		fmt.Sprintf("%6.0f/s and %6.0f/s, CPU %.0f and %.0f us, bar 5x", ours.rate, theirs.rate, us(ours.cpu), us(theirs.cpu)))
	return nil
}

// serveMinio starts a MinIO over new data.
func (b *bench) serveMinio(data string) (*instance, error) {
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	a := &instance{addr: free.Addr().String(), key: "minioadmin", secret: "minioadmin"}
	free.Close()
	a.cmd = exec.CommandContext(b.ctx, b.minioBin, "server", "--quiet", "--address", a.addr, "--console-address", "127.0.0.1:0", data)
	a.cmd.Stderr = os.Stderr
	a.cmd.Env = append(cleanEnv(), "MINIO_ROOT_USER="+a.key, "MINIO_ROOT_PASSWORD="+a.secret)
	if err := a.cmd.Start(); err != nil {
		return nil, err
	}
	for range 100 {
		if resp, err := http.Get("http://" + a.addr + "/minio/health/ready"); err == nil {
			resp.Body.Close()
			if resp.StatusCode == http.StatusOK {
				return a, nil
			}
		}
		time.Sleep(200 * time.Millisecond)
	}
	a.stop()
	return nil, errors.New("MinIO did not become ready")
}
