package names

import (
	"context"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/aloft-cloud/aloft/internal/task"
)

// serve runs a server and returns a client of it.
func serve(t *testing.T, s *Server) *net.Resolver {
	t.Helper()
	c, err := net.ListenPacket("udp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var g task.Group
	g.Go(func() { s.Serve(t.Context(), &g, c) })
	t.Cleanup(func() { c.Close(); g.Wait() })
	return &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "udp", c.LocalAddr().String())
	}}
}

func TestNames(t *testing.T) {
	platform := netip.MustParseAddr("198.18.0.1")
	alone := serve(t, &Server{Platform: platform, Host: netip.MustParseAddr("198.18.0.2")})
	for _, tc := range []struct {
		name, want string
	}{
		{"dynamodb.us-east-1.amazonaws.com", "198.18.0.1"},
		{"a.b.s3.amazonaws.com", "198.18.0.1"},
		{"abc.lambda-url.eu-west-1.on.aws", "198.18.0.1"},
		{"DYNAMODB.us-east-1.AMAZONAWS.com", "198.18.0.1"},
		{"localhost", "127.0.0.1"},
		{"api.localhost", "198.18.0.1"},
		{"io-1.127.0.0.1", "127.0.0.1"},
		{"host.docker.internal", "198.18.0.2"},
		{"notamazonaws.com", ""},
		{"amazonaws.com.evil.test", ""},
	} {
		ips, err := alone.LookupNetIP(t.Context(), "ip4", tc.name+".")
		got := ""
		if err == nil {
			got = ips[0].Unmap().String()
		}
		if got != tc.want {
			t.Errorf("%s: got %q (%v), want %q", tc.name, got, err, tc.want)
		}
	}
}

// A name that is not ours is asked of the host's servers.
func TestForward(t *testing.T) {
	upstream, err := net.ListenPacket("udp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer upstream.Close()
	var g task.Group
	defer g.Wait()
	g.Go(func() {
		buf := make([]byte, 512)
		for {
			n, from, err := upstream.ReadFrom(buf)
			if err != nil {
				return
			}
			// The answer of a server that knows example.org as 192.0.2.7.
			a := append([]byte(nil), buf[:n]...)
			a[2], a[3], a[7] = 0x81, 0x80, 1
			a[11] = 0 // no EDNS in the answer
			end := 12
			for a[end] != 0 {
				end += int(a[end]) + 1
			}
			a = append(a[:end+5:end+5], 0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 192, 0, 2, 7)
			upstream.WriteTo(a, from)
		}
	})
	r := serve(t, &Server{Platform: netip.MustParseAddr("198.18.0.1"), Servers: []string{"127.0.0.1:1", upstream.LocalAddr().String()}})
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	ips, err := r.LookupNetIP(ctx, "ip4", "example.org.")
	if err != nil || ips[0].Unmap().String() != "192.0.2.7" {
		t.Errorf("got %v, %v", ips, err)
	}
	upstream.Close()
}

func TestHostServers(t *testing.T) {
	file := filepath.Join(t.TempDir(), "resolv.conf")
	if err := os.WriteFile(file, []byte("# x\nsearch a.b\nnameserver 127.0.0.53\nnameserver bad\nnameserver fd00::1\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if got, want := HostServers(file), []string{"127.0.0.53:53", "[fd00::1]:53"}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

// What is no query gets no answer, and what is one gets one of its own number.
func FuzzAnswer(f *testing.F) {
	f.Add([]byte("\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00\x02s3\x09amazonaws\x03com\x00\x00\x01\x00\x01"))
	f.Add([]byte{})
	s := &Server{Platform: netip.MustParseAddr("198.18.0.1")}
	f.Fuzz(func(t *testing.T, query []byte) {
		answer, ask := s.answer(t.Context(), query)
		if ask {
			t.Error("it asks servers that are not there")
		}
		if answer != nil && (len(answer) < 12 || answer[0] != query[0] || answer[1] != query[1]) {
			t.Errorf("%x: %x", query, answer)
		}
	})
}
