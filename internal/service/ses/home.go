package ses

import (
	"errors"
	"net/netip"
	"strings"

	api "github.com/aloft-cloud/aloft/internal/api/ses"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/store"
)

// A home is where mail to an address goes: an account in a region whose active
// rule set has rules for it.
type home struct {
	account aws.ARN
	set     string
	rules   []api.ReceiptRule // of the set
}

// met are the rules of h that are about any of these recipients, in their order.
func (h *home) met(to ...string) (all []met) {
	for _, rule := range h.rules {
		m := met{ReceiptRule: rule}
		for _, address := range to {
			if aws.Value(rule.Enabled) && meets(&rule, strings.ToLower(address)) {
				m.For = append(m.For, address)
			}
		}
		if m.For != nil {
			all = append(all, m)
		}
	}
	return all
}

// homeOf finds the home of an address, or nil. A domain has one: were it verified
// in several, that counts where it was verified first, as there is one place that
// its MX record names.
func homeOf(tx *store.Tx, address string) (*home, error) {
	address = strings.ToLower(address)
	at := strings.LastIndexByte(address, '@')
	if at <= 0 || !strings.Contains(address[at:], ".") {
		return nil, nil
	}
	var found *home
	var oldest identity
	for account, name := range active.Scan(tx, aws.ARN{}) {
		row, err := domainIn(tx, account, address[at+1:])
		if err != nil {
			return nil, err
		}
		if row == nil || found != nil && !row.Created.Before(oldest.Created) {
			continue
		}
		arn := account
		arn.Resource = ruleSetKind + name
		set, err := findRuleSet(tx, arn)
		if err != nil {
			return nil, err
		}
		if h := (&home{account, name, set.Rules}); h.met(address) != nil {
			found, oldest = h, *row
		}
	}
	return found, tx.Err()
}

// domainIn is the identity of a domain, or of one it is in, that an account has
// verified, or nil.
func domainIn(tx *store.Tx, account aws.ARN, domain string) (*identity, error) {
	for strings.Contains(domain, ".") {
		arn := account
		arn.Resource = identityKind + domain
		row, err := identities.Get(tx, arn)
		if err == nil && row.verified() {
			return &row, nil
		}
		if err != nil && !errors.Is(err, store.ErrNotFound) {
			return nil, err
		}
		_, domain, _ = strings.Cut(domain, ".")
	}
	return nil, nil
}

// meets reports whether a rule is about an address, in lower case: it names the
// address, or that without its label, or its domain, or with a dot before it one
// that its domain is in; or it names nothing.
func meets(rule *api.ReceiptRule, address string) bool {
	user, domain, _ := strings.Cut(address, "@")
	bare, _, labelled := strings.Cut(user, "+")
	for _, r := range rule.Recipients {
		r = strings.ToLower(r)
		switch {
		case strings.HasPrefix(r, "."):
			if strings.HasSuffix(domain, r) {
				return true
			}
		case r == domain, r == address, labelled && r == bare+"@"+domain:
			return true
		}
	}
	return len(rule.Recipients) == 0
}

// parseBlock reads a block of addresses, or one address.
func parseBlock(text string) (netip.Prefix, error) {
	if strings.Contains(text, "/") {
		return netip.ParsePrefix(text)
	}
	addr, err := netip.ParseAddr(text)
	if err != nil || addr.Zone() != "" || addr.Is4In6() {
		return netip.Prefix{}, errors.Join(err, errBlock)
	}
	return addr.Prefix(addr.BitLen())
}

var errBlock = errors.New("ses: no such block of addresses")

// blocked reports whether the filters of an account keep an address out. One that
// lets it in counts more than any that does not.
func blocked(tx *store.Tx, account aws.ARN, client netip.Addr) bool {
	out := false
	for _, ip := range filters.Scan(tx, account) {
		block, err := parseBlock(ip.Cidr)
		if err != nil || !block.Contains(client) {
			continue
		}
		if ip.Policy == api.ReceiptFilterPolicyAllow {
			return false
		}
		out = true
	}
	return out
}
