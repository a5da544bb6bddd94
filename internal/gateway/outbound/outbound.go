// Package outbound connects to hosts that users name, and to no others than
// those that the operator lets them reach: public addresses, unless the platform
// is local.
package outbound

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"syscall"
	"time"
)

const (
	dialLasts  = 5 * time.Second
	maxFetched = 256 << 10 // bytes
)

// NewTransport returns a transport that goes anywhere but to this host and its
// private networks, or, if it is local, there too.
func NewTransport(local bool) *http.Transport {
	dialer := &net.Dialer{Timeout: dialLasts, Control: func(_, address string, _ syscall.RawConn) error { return check(address, local) }}
	return &http.Transport{DialContext: dialer.DialContext, TLSHandshakeTimeout: dialLasts, IdleConnTimeout: time.Second}
}

// ErrPrivate is the error of an address that may not be reached.
var ErrPrivate = errors.New("not a public address")

// check refuses to connect where one that is not local may not go. It sees the
// address itself, whatever name led there.
func check(address string, local bool) error {
	at, err := netip.ParseAddrPort(address)
	if err != nil {
		return err
	}
	if ip := at.Addr().Unmap(); !local && (!ip.IsGlobalUnicast() || ip.IsPrivate()) {
		return fmt.Errorf("%s: %w", ip, ErrPrivate)
	}
	return nil
}

// A Fetcher gets small documents over HTTPS; a local one also over HTTP.
type Fetcher struct {
	client http.Client
	local  bool
}

// NewFetcher returns a fetcher.
func NewFetcher(local bool) *Fetcher {
	f := &Fetcher{local: local}
	f.client.Transport = NewTransport(local)
	f.client.CheckRedirect = func(r *http.Request, via []*http.Request) error {
		if len(via) > 3 {
			return errors.New("too many redirects")
		}
		return f.checkScheme(r)
	}
	return f
}

func (f *Fetcher) checkScheme(r *http.Request) error {
	if r.URL.Scheme != "https" && !(f.local && r.URL.Scheme == "http") {
		return fmt.Errorf("%s is not https", r.URL.Redacted())
	}
	return nil
}

// Fetch gets a document.
func (f *Fetcher) Fetch(ctx context.Context, url string) ([]byte, error) {
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
