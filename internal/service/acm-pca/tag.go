package acmpca

import (
	"context"

	api "github.com/aloft-cloud/aloft/internal/api/acm-pca"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/service"
	"github.com/aloft-cloud/aloft/internal/store"
)

// tagged returns had with tags.
func tagged(had map[string]string, tags []api.Tag) (map[string]string, error) {
	rules := service.Tags{
		TooMany: func(string) error {
			return api.TooManyTagsException.Errorf("A certificate authority can have at most %d tags.", service.MaxTags)
		},
		Reserved: func(string) error {
			return api.InvalidTagException.Errorf("aws: prefixed tag key names are not allowed for external use.")
		},
	}
	return rules.With("", had, service.TagMap(tags, func(t api.Tag) (string, string) { return t.Key, aws.Value(t.Value) }))
}

// TagCertificateAuthority gives an authority tags.
func (s *Service) TagCertificateAuthority(ctx context.Context, call *aws.Call, in *api.TagCertificateAuthorityInput) (*api.TagCertificateAuthorityOutput, error) {
	return &api.TagCertificateAuthorityOutput{}, s.change(ctx, call, in.CertificateAuthorityArn, func(_ *store.Tx, _ aws.ARN, a *authority) (err error) {
		a.Tags, err = tagged(a.Tags, in.Tags)
		return err
	})
}

// UntagCertificateAuthority takes tags from an authority: those of the name, and
// of the value if there is one.
func (s *Service) UntagCertificateAuthority(ctx context.Context, call *aws.Call, in *api.UntagCertificateAuthorityInput) (*api.UntagCertificateAuthorityOutput, error) {
	return &api.UntagCertificateAuthorityOutput{}, s.change(ctx, call, in.CertificateAuthorityArn, func(_ *store.Tx, _ aws.ARN, a *authority) error {
		service.Untag(a.Tags, in.Tags, func(t api.Tag) (string, *string) { return t.Key, t.Value })
		return nil
	})
}

// ListTags lists the tags of an authority.
func (s *Service) ListTags(ctx context.Context, call *aws.Call, in *api.ListTagsInput) (*api.ListTagsOutput, error) {
	_, a, err := s.view(ctx, call, in.CertificateAuthorityArn)
	if err != nil {
		return nil, err
	}
	return &api.ListTagsOutput{Tags: service.TagList(a.Tags, func(key, value string) api.Tag { return api.Tag{Key: key, Value: &value} })}, nil
}
