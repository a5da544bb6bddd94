package elasticloadbalancing

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strings"

	api "github.com/aloft-cloud/aloft/internal/api/elasticloadbalancing"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/store"
)

const maxCertificates = 25 // of a listener, besides its default

// certified returns the names that certificates are for, by ARN. In development,
// one that is not here is taken for one without names: it is where the
// application runs otherwise.
func (s *Service) certified(ctx context.Context, all []api.Certificate) (map[string][]string, error) {
	out := make(map[string][]string, len(all))
	for _, c := range all {
		arn := aws.Value(c.CertificateArn)
		if _, err := aws.ParseARN(arn); err != nil {
			return nil, bad("Certificate ARN '%s' is not valid", arn)
		}
		if strings.HasPrefix(arn, "arn:aws:iam:") {
			return nil, notYet("certificates of IAM")
		}
		names, err := s.cfg.Certificates(ctx, arn)
		switch {
		case errors.Is(err, store.ErrNotFound) && s.cfg.Local:
			err = nil
		case errors.Is(err, store.ErrNotFound):
			return nil, api.CertificateNotFoundException.Errorf("Certificate '%s' not found", arn)
		}
		if err != nil {
			return nil, err
		}
		out[arn] = names
	}
	return out, nil
}

// name keeps the names of certificates of l, and forgets those of others.
func (l *listener) name(names map[string][]string) {
	all := maps.Clone(l.Names)
	if all == nil {
		all = make(map[string][]string)
	}
	maps.Copy(all, names)
	maps.DeleteFunc(all, func(arn string, _ []string) bool {
		return !slices.Contains(l.More, arn) && !slices.ContainsFunc(l.Certificates, func(c api.Certificate) bool { return aws.Value(c.CertificateArn) == arn })
	})
	l.Names = all
}

// changeCertificates changes those that a listener has besides its default.
func (s *Service) changeCertificates(ctx context.Context, call *aws.Call, text string, change func(l *listener) error) error {
	return s.db.Update(ctx, func(tx *store.Tx) error {
		at, l, err := listeners.find(tx, call, text)
		if err != nil {
			return err
		}
		if !encrypts(&l.Listener) {
			return bad("You cannot specify certificates for %s listeners", *l.Protocol)
		}
		if err := change(&l); err != nil {
			return err
		}
		s.index.Changed(tx)
		return listeners.Put(tx, at, l)
	})
}

// AddListenerCertificates gives a listener certificates for more names.
func (s *Service) AddListenerCertificates(ctx context.Context, call *aws.Call, in *api.AddListenerCertificatesInput) (*api.AddListenerCertificatesOutput, error) {
	names, err := s.certified(ctx, in.Certificates)
	if err != nil {
		return nil, err
	}
	out := &api.AddListenerCertificatesOutput{}
	err = s.changeCertificates(ctx, call, in.ListenerArn, func(l *listener) error {
		out.Certificates = []api.Certificate{}
		for _, c := range in.Certificates {
			if !slices.Contains(l.More, *c.CertificateArn) {
				l.More = append(l.More, *c.CertificateArn)
			}
			out.Certificates = append(out.Certificates, api.Certificate{CertificateArn: c.CertificateArn, IsDefault: new(false)})
		}
		if len(l.More) > maxCertificates {
			return api.TooManyCertificatesException.Errorf("The maximum number of certificates has been reached for listener '%s'", in.ListenerArn)
		}
		l.name(names)
		return nil
	})
	return out, err
}

// RemoveListenerCertificates takes certificates from a listener.
func (s *Service) RemoveListenerCertificates(ctx context.Context, call *aws.Call, in *api.RemoveListenerCertificatesInput) (*api.RemoveListenerCertificatesOutput, error) {
	return &api.RemoveListenerCertificatesOutput{}, s.changeCertificates(ctx, call, in.ListenerArn, func(l *listener) error {
		for _, c := range in.Certificates {
			arn := aws.Value(c.CertificateArn)
			if arn == aws.Value(l.Certificates[0].CertificateArn) && !slices.Contains(l.More, arn) {
				return api.OperationNotPermittedException.Errorf("Default certificate '%s' cannot be removed", arn)
			}
			l.More = slices.DeleteFunc(l.More, func(has string) bool { return has == arn })
		}
		l.name(nil)
		return nil
	})
}

// DescribeListenerCertificates lists the certificates of a listener.
func (s *Service) DescribeListenerCertificates(ctx context.Context, call *aws.Call, in *api.DescribeListenerCertificatesInput) (*api.DescribeListenerCertificatesOutput, error) {
	all := []api.Certificate{}
	err := s.db.View(ctx, func(tx *store.Tx) error {
		all = all[:0]
		_, l, err := listeners.find(tx, call, in.ListenerArn)
		for _, c := range l.Certificates {
			all = append(all, api.Certificate{CertificateArn: c.CertificateArn, IsDefault: new(true)})
		}
		for _, arn := range l.More {
			all = append(all, api.Certificate{CertificateArn: &arn, IsDefault: new(false)})
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	slices.SortFunc(all, func(a, b api.Certificate) int { return strings.Compare(*a.CertificateArn, *b.CertificateArn) })
	out := new(api.DescribeListenerCertificatesOutput)
	out.Certificates, out.NextMarker = page(all, in.PageSize, in.Marker, func(c *api.Certificate) string { return *c.CertificateArn })
	return out, nil
}
