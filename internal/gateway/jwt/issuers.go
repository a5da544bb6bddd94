package jwt

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"time"
)

// How long what an issuer said is good for.
const (
	KeysLast   = 2 * time.Hour    // until an issuer is asked again
	KeysRest   = 30 * time.Second // between two questions, whatever comes
	fetchLasts = 5 * time.Second
)

// Issuers remember the keys of those who issue tokens.
type Issuers struct {
	fetch func(ctx context.Context, url string) ([]byte, error)

	mu    sync.Mutex
	known map[string]*issuer
}

// NewIssuers returns issuers that nothing is known of yet; fetch gets what they
// publish.
func NewIssuers(fetch func(ctx context.Context, url string) ([]byte, error)) *Issuers {
	return &Issuers{fetch: fetch, known: make(map[string]*issuer)}
}

type issuer struct {
	keys  Keys
	err   error         // of the last question
	got   time.Time     // when the keys came
	asked time.Time     // when they were last asked for
	busy  chan struct{} // closed when the question under way is answered; nil if none is
}

// Keys returns the keys of an issuer. It asks for them if they are old, or if
// the one of that id is not among them; many tokens together ask once.
func (s *Issuers) Keys(ctx context.Context, url, id string) (Keys, error) {
	for {
		s.mu.Lock()
		i := s.known[url]
		if i == nil {
			i = new(issuer)
			s.known[url] = i
		}
		now := time.Now()
		fresh := i.keys[id] != nil && now.Sub(i.got) < KeysLast
		if i.busy == nil && (fresh || !i.asked.IsZero() && now.Sub(i.asked) < KeysRest) {
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
func (s *Issuers) ask(ctx context.Context, url string, i *issuer) {
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
func (s *Issuers) discover(ctx context.Context, issuer string) (Keys, error) {
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
	return ParseKeys(b)
}
