package domain

import (
	"cmp"
	"context"

	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/store"
)

// certificateOf is the ARN of what a domain shows, or "".
func certificateOf(row *Row) string {
	return cmp.Or(aws.Value(row.RegionalCertificateArn), aws.Value(row.CertificateArn))
}

// Certificate returns the ARN of the certificate that the domain of a host
// shows, or "" if there is none.
func (d *Domains) Certificate(ctx context.Context, host string) (string, error) {
	s, err := d.find(ctx, host)
	if s == nil || err != nil {
		return "", err
	}
	return s.certificate, nil
}

// Showing returns the ARNs of the domains that show a certificate.
func (d *Domains) Showing(ctx context.Context, certificate string) ([]string, error) {
	all := []string{}
	err := d.db.View(ctx, func(tx *store.Tx) error {
		all = all[:0]
		for arn, row := range names.Scan(tx, aws.ARN{}) {
			if certificateOf(&row) == certificate {
				arn.Account = "" // as gateways write them
				all = append(all, arn.String())
			}
		}
		return tx.Err()
	})
	return all, err
}
