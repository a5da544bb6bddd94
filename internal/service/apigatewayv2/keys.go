package apigatewayv2

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/aloft-cloud/aloft/internal/service/apigatewayv2/jwt"
)

const (
	keysLast   = 2 * time.Hour    // until an issuer is asked again
	keysRest   = 30 * time.Second // between two questions, whatever comes
	fetchLasts = 5 * time.Second
	maxFetched = 256 << 10 // bytes
)

// issuers remember the keys of those who issue tokens.
type issuers struct {
	fetch func(ctx context.Context, url string) ([]byte, error)

	mu    sync.Mutex
	known map[string]*issuer
}

type issuer struct {
	keys  jwt.Keys
	err   error         // of the last question
	got   time.Time     // when the keys came
	asked time.Time     // when they were last asked for
	busy  chan struct{} // closed when the question under way is answered; nil if none is
}

// keys returns the keys of an issuer. It asks for them if they are old, or if
// the one of that id is not among them; many tokens together ask once.
func (s *issuers) keys(ctx context.Context, url, id string) (jwt.Keys, error) {
	for {
		s.mu.Lock()
		i := s.known[url]
		if i == nil {
			i = new(issuer)
			s.known[url] = i
		}
		now := time.Now()
		fresh := i.keys[id] != nil && now.Sub(i.got) < keysLast
		if i.busy == nil && (fresh || !i.asked.IsZero() && now.Sub(i.asked) < keysRest) {
			defer s.mu.Unlock()
			return i.keys, i.err
		}
		if busy := i.busy; busy != nil {
			s.mu.Unlock()
			select {
			case <-busy:
				continue
			case <-ctx.Done():
				return nil, ctx.Err()
			}
		}
		i.busy, i.asked = make(chan struct{}), now
		s.mu.Unlock()
		s.ask(ctx, url, i)
	}
}

// ask asks an issuer for its keys. Those that it had stay, if it does not answer.
func (s *issuers) ask(ctx context.Context, url string, i *issuer) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), fetchLasts)
	defer cancel()
	keys, err := s.discover(ctx, url)
	s.mu.Lock()
	defer s.mu.Unlock()
	if i.err = err; err == nil {
		i.keys, i.got = keys, time.Now()
	} else if i.keys != nil {
		i.err = nil
	}
	close(i.busy)
	i.busy = nil
}

// discover reads what an issuer publishes: where its keys are, and the keys.
func (s *issuers) discover(ctx context.Context, issuer string) (jwt.Keys, error) {
	b, err := s.fetch(ctx, strings.TrimSuffix(issuer, "/")+"/.well-known/openid-configuration")
	if err != nil {
		return nil, err
	}
	var doc struct {
		Keys string `json:"jwks_uri"`
	}
	if err := json.Unmarshal(b, &doc); err != nil || doc.Keys == "" {
		return nil, fmt.Errorf("%s says not where its keys are", issuer)
	}
	if b, err = s.fetch(ctx, doc.Keys); err != nil {
		return nil, err
	}
	return jwt.ParseKeys(b)
}

// A fetcher gets documents over HTTP, from anywhere but this host and its
// private networks, unless it is local.
type fetcher struct {
	client http.Client
	local  bool
}

func newFetcher(local bool) *fetcher {
	f := &fetcher{local: local}
	dialer := &net.Dialer{Timeout: fetchLasts, Control: f.check}
	f.client.Transport = &http.Transport{DialContext: dialer.DialContext, TLSHandshakeTimeout: fetchLasts, IdleConnTimeout: time.Second}
	f.client.CheckRedirect = func(r *http.Request, via []*http.Request) error {
		if len(via) > 3 {
			return errors.New("too many redirects")
		}
		return f.checkScheme(r)
	}
	return f
}

// check refuses to connect where a fetcher that is not local may not go. It sees
// the address itself, whatever name led there.
func (f *fetcher) check(_, address string, _ syscall.RawConn) error {
	at, err := netip.ParseAddrPort(address)
	if err != nil {
		return err
	}
	if ip := at.Addr().Unmap(); !f.local && (!ip.IsGlobalUnicast() || ip.IsPrivate()) {
		return fmt.Errorf("%s is not a public address", ip)
	}
	return nil
}

func (f *fetcher) checkScheme(r *http.Request) error {
	if r.URL.Scheme != "https" && !(f.local && r.URL.Scheme == "http") {
		return fmt.Errorf("%s is not https", r.URL.Redacted())
	}
	return nil
}

func (f *fetcher) fetch(ctx context.Context, url string) ([]byte, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return nil, err
	}
	if err := f.checkScheme(r); err != nil {
		return nil, err
	}
	resp, err := f.client.Do(r)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%s answers %s", url, resp.Status)
	}
	return io.ReadAll(io.LimitReader(resp.Body, maxFetched))
}
