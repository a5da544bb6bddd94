package acm

import (
	"context"
	"errors"

	api "github.com/aloft-cloud/aloft/internal/api/acm"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/service"
	"github.com/aloft-cloud/aloft/internal/store"
)

// tagged returns had with tags.
func tagged(had map[string]string, tags []api.Tag) (map[string]string, error) {
	rules := service.Tags{
		TooMany: func(string) error {
			return api.TooManyTagsException.Errorf("Certificates can have at most %d tags.", service.MaxTags)
		},
		Reserved: func(string) error {
			return api.InvalidTagException.Errorf("aws: prefixed tag key names are not allowed for external use.")
		},
	}
	return rules.With("", had, service.TagMap(tags, func(t api.Tag) (string, string) { return t.Key, aws.Value(t.Value) }))
}

// AddTagsToCertificate gives a certificate tags.
func (s *Service) AddTagsToCertificate(ctx context.Context, call *aws.Call, in *api.AddTagsToCertificateInput) (*api.AddTagsToCertificateOutput, error) {
	return &api.AddTagsToCertificateOutput{}, s.change(ctx, call, in.CertificateArn, func(_ *store.Tx, _ aws.ARN, c *certificate) (err error) {
		c.Tags, err = tagged(c.Tags, in.Tags)
		return err
	})
}

// RemoveTagsFromCertificate takes tags from a certificate: those of the name,
// and of the value if there is one.
func (s *Service) RemoveTagsFromCertificate(ctx context.Context, call *aws.Call, in *api.RemoveTagsFromCertificateInput) (*api.RemoveTagsFromCertificateOutput, error) {
	return &api.RemoveTagsFromCertificateOutput{}, s.change(ctx, call, in.CertificateArn, func(_ *store.Tx, _ aws.ARN, c *certificate) error {
		service.Untag(c.Tags, in.Tags, func(t api.Tag) (string, *string) { return t.Key, t.Value })
		return nil
	})
}

// ListTagsForCertificate lists the tags of a certificate.
func (s *Service) ListTagsForCertificate(ctx context.Context, call *aws.Call, in *api.ListTagsForCertificateInput) (*api.ListTagsForCertificateOutput, error) {
	_, c, err := s.view(ctx, call, in.CertificateArn)
	if err != nil {
		return nil, err
	}
	tag := func(key, value string) api.Tag { return api.Tag{Key: key, Value: &value} }
	return &api.ListTagsForCertificateOutput{Tags: service.TagList(c.Tags, tag)}, nil
}

const usualNotice = 45 // days before the end of a certificate that events begin

// GetAccountConfiguration says when events of expiry would begin.
func (s *Service) GetAccountConfiguration(ctx context.Context, call *aws.Call, in *api.GetAccountConfigurationInput) (*api.GetAccountConfigurationOutput, error) {
	a := account{DaysBeforeExpiry: usualNotice}
	err := s.db.View(ctx, func(tx *store.Tx) error {
		row, err := accounts.Get(tx, call.ARN("acm", ""))
		if err == nil {
			a = row
		}
		if errors.Is(err, store.ErrNotFound) {
			return nil
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	return &api.GetAccountConfigurationOutput{ExpiryEvents: &api.ExpiryEventsConfiguration{DaysBeforeExpiry: &a.DaysBeforeExpiry}}, nil
}

// PutAccountConfiguration keeps when events of expiry are to begin.
func (s *Service) PutAccountConfiguration(ctx context.Context, call *aws.Call, in *api.PutAccountConfigurationInput) (*api.PutAccountConfigurationOutput, error) {
	a := account{DaysBeforeExpiry: usualNotice, Token: in.IdempotencyToken}
	if in.ExpiryEvents != nil {
		a.DaysBeforeExpiry = aws.Or(in.ExpiryEvents.DaysBeforeExpiry, usualNotice)
	}
	err := s.db.Update(ctx, func(tx *store.Tx) error { return accounts.Put(tx, call.ARN("acm", ""), a) })
	if err != nil {
		return nil, err
	}
	return &api.PutAccountConfigurationOutput{}, nil
}
