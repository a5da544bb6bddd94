package auth

import (
	"bytes"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aloft-cloud/aloft/internal/aws"
)

func newMint(t testing.TB, seed byte) *Mint {
	t.Helper()
	m, err := NewMint(bytes.Repeat([]byte{seed}, MintKeySize))
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func TestKeyIDs(t *testing.T) {
	m, foreign := newMint(t, 1), newMint(t, 2)
	for _, account := range []string{"000000000000", "123456789012", "999999999999"} {
		k, err := m.NewKey(account)
		if err != nil {
			t.Fatal(err)
		}
		if len(k.AccessKey) != 20 || len(k.Secret) != 40 || k.Token != "" {
			t.Errorf("got %+v", k)
		}
		if got, ok := AccountOf(k.AccessKey); !ok || got != account {
			t.Errorf("AccountOf(%s) = %s, %t; want %s", k.AccessKey, got, ok, account)
		}
		if !m.Made(k.AccessKey) || foreign.Made(k.AccessKey) {
			t.Errorf("%s: Made = %t, by another %t", k.AccessKey, m.Made(k.AccessKey), foreign.Made(k.AccessKey))
		}
		if m.Made("ASIA" + k.AccessKey[4:]) {
			t.Errorf("%s is taken for a temporary key", k.AccessKey)
		}
	}
	// An id of AWS's own.
	if got, ok := AccountOf("ASIAY34FZKBOKMUTVV7A"); !ok || got != "609629065308" {
		t.Errorf("got %s, %t", got, ok)
	}
	for _, id := range []string{"", "test", "AKIAIOSFODNN7EXAMPLE", "AIDAIOSFODNN7EXAMPLE", "AKIA\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"} {
		if m.Made(id) {
			t.Errorf("%q is taken for ours", id)
		}
	}
	if _, err := m.NewKey("someone"); err == nil {
		t.Error("an account has twelve digits")
	}
}

func TestSessions(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newMint(t, 1)
		p := aws.Principal{
			Kind: aws.Session, ARN: "arn:aws:sts::123456789012:assumed-role/r/s", ID: "AROA:s", Account: "123456789012", Role: "arn:aws:iam::123456789012:role/r",
			Temporary: &aws.Temporary{
				Issued: time.Now(), Expires: time.Now().Add(time.Hour), Policies: []string{"{}"}, ManagedPolicies: []string{"arn"},
				Tags: map[string]string{"a": "b"}, TransitiveTags: []string{"a"}, SourceIdentity: "eve",
			},
		}
		k, err := m.NewSession(p)
		if err != nil {
			t.Fatal(err)
		}
		for range 2 { // sealed, and remembered
			h := m.open(k.AccessKey, k.Token)
			if h == nil || h.secret != k.Secret || h.principal.ARN != p.ARN || h.principal.Role != p.Role {
				t.Fatalf("got %+v", h)
			}
			got := h.principal.Temporary
			if !got.Expires.Equal(k.Expires) || got.Tags["a"] != "b" || got.SourceIdentity != "eve" || len(got.Policies)+len(got.ManagedPolicies)+len(got.TransitiveTags) != 3 {
				t.Errorf("got %+v", got)
			}
		}
		other, err := m.NewSession(p)
		if err != nil {
			t.Fatal(err)
		}
		for _, token := range []string{"", "x", k.Token[:40], other.Token, k.Token + "x", "A" + k.Token[1:]} {
			if token != k.Token && m.open(k.AccessKey, token) != nil {
				t.Errorf("opens with %q", token)
			}
		}
		if newMint(t, 2).open(k.AccessKey, k.Token) != nil {
			t.Error("another installation takes the token")
		}
	})
}

func FuzzOpen(f *testing.F) {
	m := newMint(f, 1)
	k, err := m.NewSession(aws.Principal{Kind: aws.User, Account: "000000000001", Temporary: new(aws.Temporary)})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(k.AccessKey, k.Token)
	f.Fuzz(func(t *testing.T, id, token string) {
		// Only what the mint sealed opens, with the id that it was sealed for.
		if h := m.open(id, token); h != nil && (!m.Made(id) || h.principal.Account != "000000000001") {
			t.Errorf("%q opens with %q", id, token)
		}
		m.Made(id)
	})
}
