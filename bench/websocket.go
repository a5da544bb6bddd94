package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	api "github.com/aloft-cloud/aloft/internal/api/apigatewayv2"
	"github.com/aloft-cloud/aloft/internal/auth/sigv4"
	"github.com/aloft-cloud/aloft/internal/client"
)

const openSockets = 10_000

// websocket opens ten thousand WebSockets, and measures what each holds of
// memory, and how long a post to one of them takes to arrive.
func (b *bench) websocket() error {
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		return err
	}
	if limit.Cur < openSockets+100 {
		return fmt.Errorf("%d files may be open, which are too few for %d connections", limit.Cur, openSockets)
	}
	host, err := b.socketAPI()
	if err != nil {
		return err
	}
	before, _, err := b.aloft.residentMB()
	if err != nil {
		return err
	}
	began := time.Now()
	sockets, err := b.openSockets(host)
	defer func() {
		for _, s := range sockets {
			s.conn.Close()
		}
	}()
	if err != nil {
		return err
	}
	row(fmt.Sprintf("handshakes of %d WebSockets, 16 at a time", openSockets), fmt.Sprintf("%.0f/s", openSockets/time.Since(began).Seconds()), "")
	after, _, err := b.aloft.residentMB()
	if err != nil {
		return err
	}
	row("memory of an open WebSocket", fmt.Sprintf("%.1f KB", (after-before)*1024/openSockets), "bar 30 KB")
	return b.postToSockets(host, sockets)
}

// socketAPI makes a WebSocket API that says to clients who they are, and returns
// its host.
func (b *bench) socketAPI() (string, error) {
	c := b.client()
	a, err := client.Do(b.ctx, c, api.CreateApi, &api.CreateApiInput{Name: "bench", ProtocolType: "WEBSOCKET", RouteSelectionExpression: new("$request.body.action")})
	if err != nil {
		return "", err
	}
	i, err := client.Do(b.ctx, c, api.CreateIntegration, &api.CreateIntegrationInput{ApiId: *a.ApiId, IntegrationType: "MOCK"})
	if err != nil {
		return "", err
	}
	_, err = client.Do(b.ctx, c, api.CreateIntegrationResponse, &api.CreateIntegrationResponseInput{
		ApiId: *a.ApiId, IntegrationId: *i.IntegrationId, IntegrationResponseKey: "$default", ResponseTemplates: map[string]string{"$default": "$context.connectionId"},
	})
	if err != nil {
		return "", err
	}
	_, err = client.Do(b.ctx, c, api.CreateRoute, &api.CreateRouteInput{
		ApiId: *a.ApiId, RouteKey: "$default", Target: new("integrations/" + *i.IntegrationId), RouteResponseSelectionExpression: new("$default"),
	})
	if err != nil {
		return "", err
	}
	_, err = client.Do(b.ctx, c, api.CreateStage, &api.CreateStageInput{ApiId: *a.ApiId, StageName: "dev", AutoDeploy: new(true)})
	return *a.ApiId + ".execute-api.localhost", err
}

// A benchSocket is an open WebSocket.
type benchSocket struct {
	conn net.Conn
	id   string
}

func (b *bench) openSockets(host string) (all []benchSocket, failed error) {
	var mu sync.Mutex
	var wg sync.WaitGroup
	for range 16 {
		wg.Go(func() {
			for range openSockets / 16 {
				s, err := b.openSocket(host)
				mu.Lock()
				if err == nil {
					all = append(all, s)
				}
				failed = errors.Join(failed, err)
				mu.Unlock()
				if err != nil {
					return
				}
			}
		})
	}
	wg.Wait()
	return all, failed
}

// openSocket shakes hands, and asks who it is.
func (b *bench) openSocket(host string) (s benchSocket, err error) {
	if s.conn, err = net.Dial("tcp", b.aloft.addr); err != nil {
		return s, err
	}
	_, err = io.WriteString(s.conn, "GET /dev HTTP/1.1\r\nHost: "+host+"\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"+
		"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n\x81\x82\x00\x00\x00\x00{}")
	if err != nil {
		return s, err
	}
	in := bufio.NewReaderSize(s.conn, 512)
	for line := ""; line != "\r\n"; {
		if line, err = in.ReadString('\n'); err != nil {
			return s, err
		}
		if strings.HasPrefix(line, "HTTP/1.1 ") && !strings.HasPrefix(line, "HTTP/1.1 101") {
			return s, errors.New(line)
		}
	}
	s.id, err = readText(in)
	return s, err
}

// readText reads a short frame.
func readText(in io.Reader) (string, error) {
	var b [128]byte
	if _, err := io.ReadFull(in, b[:2]); err != nil {
		return "", err
	}
	if b[0] != 0x81 || b[1] > 125 {
		return "", fmt.Errorf("an answer that is no short text: %x", b[:2])
	}
	n, err := io.ReadFull(in, b[2:2+b[1]])
	return string(b[2 : 2+n]), err
}

// postToSockets posts to one after the other, and waits for each to hear it.
func (b *bench) postToSockets(host string, sockets []benchSocket) error {
	var all []time.Duration
	err := b.each(1, 1, func(conn net.Conn, in *bufio.Reader) error {
		for n := range 1000 {
			s := sockets[n*len(sockets)/1000]
			r, err := http.NewRequest(http.MethodPost, "http://"+b.aloft.addr+"/dev/@connections/"+strings.ReplaceAll(s.id, "=", "%3D"), nil)
			if err != nil {
				return err
			}
			r.Host = host
			sigv4.Sign(r, sigv4.Credentials{AccessKey: b.aloft.key, Secret: b.aloft.secret}, "us-east-1", "execute-api", time.Now(), []byte("hello"))
			request := raw(r, []byte("hello"))
			began := time.Now()
			if _, err := conn.Write(request); err != nil {
				return err
			}
			if text, err := readText(s.conn); err != nil || text != "hello" {
				return errors.Join(err, fmt.Errorf("heard %q", text))
			}
			all = append(all, time.Since(began))
			if err := readAnswer(in); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	slices.Sort(all)
	row("from a post to who hears it, p50", fmt.Sprintf("%.2f ms", ms(all[len(all)/2])), fmt.Sprintf("p99 %.2f ms, bar 2 ms", ms(all[len(all)*99/100])))
	return nil
}
