package route53

import (
	"context"
	"strings"

	"github.com/aloft-cloud/aloft/internal/store"
)

// LeadsTo returns the host that a name is another name of, by aliases and CNAME
// records, or "" if it is none.
func (s *Service) LeadsTo(ctx context.Context, host string) (string, error) {
	name, err := canonical(host)
	if err != nil {
		return "", nil // no name at all
	}
	all, err := s.indexed(ctx)
	if err != nil {
		return "", err
	}
	if _, _, ours := all.zoneOf(name); !ours {
		return "", nil
	}
	to := ""
	err = s.db.View(ctx, func(tx *store.Tx) error {
		r := &resolution{tx: tx, all: all}
		to = ""
		for next, depth := r.next(name), 0; next != "" && depth < maxAliases; next, depth = r.next(next), depth+1 {
			to = strings.TrimSuffix(next, ".")
		}
		return tx.Err()
	})
	return to, err
}

// next is the name that an alias or a CNAME record of a name leads to, or "".
func (r *resolution) next(name string) string {
	arn, zone, ours := r.all.zoneOf(name)
	if !ours {
		return ""
	}
	for _, set := range choose(r.lookup(arn, zone, name), "A") {
		to := ""
		switch {
		case set.AliasTarget != nil:
			to = set.AliasTarget.DNSName
		case set.Type == "CNAME" && len(set.ResourceRecords) > 0:
			to = set.ResourceRecords[0].Value
		}
		if next, err := canonical(to); err == nil {
			return next
		}
	}
	return ""
}
