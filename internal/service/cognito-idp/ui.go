package cognitoidp

import (
	"context"
	"errors"

	api "github.com/aloft-cloud/aloft/internal/api/cognito-idp"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/store"
)

// styles are what the pages of a pool are to look like, by client; ALL is any.
var styles = store.NewTable[partKey, api.UICustomizationType]("cognito-idp.style")

const anyClient = "ALL"

// SetUICustomization keeps what pages of a pool are to look like.
func (s *Service) SetUICustomization(ctx context.Context, call *aws.Call, in *api.SetUICustomizationInput) (*api.SetUICustomizationOutput, error) {
	if len(in.ImageFile) > 0 {
		return nil, notYet("images on pages of user pools")
	}
	changed, id := now(), aws.Or(in.ClientId, anyClient)
	row := api.UICustomizationType{UserPoolId: &in.UserPoolId, ClientId: &id, CSS: in.CSS, CSSVersion: new(changed.Format("20060102150405")), CreationDate: &changed, LastModifiedDate: &changed}
	err := s.db.Update(ctx, func(tx *store.Tx) error {
		p, err := findPool(tx, call, in.UserPoolId)
		if err != nil {
			return err
		}
		if p.Domain == nil {
			return invalid("There has to be an existing domain associated with this user pool")
		}
		if id != anyClient {
			if _, err := findClientOf(tx, p, id); err != nil {
				return err
			}
		}
		old, err := styles.Get(tx, partKey{p.arn, id})
		if err == nil {
			row.CreationDate = old.CreationDate
		} else if !errors.Is(err, store.ErrNotFound) {
			return err
		}
		return styles.Put(tx, partKey{p.arn, id}, row)
	})
	if err != nil {
		return nil, err
	}
	return &api.SetUICustomizationOutput{UICustomization: &row}, nil
}

// GetUICustomization returns what pages of a pool are to look like: for a
// client, or for any.
func (s *Service) GetUICustomization(ctx context.Context, call *aws.Call, in *api.GetUICustomizationInput) (*api.GetUICustomizationOutput, error) {
	out := &api.GetUICustomizationOutput{}
	err := s.db.View(ctx, func(tx *store.Tx) error {
		p, err := findPool(tx, call, in.UserPoolId)
		if err != nil {
			return err
		}
		for _, id := range []string{aws.Or(in.ClientId, anyClient), anyClient} {
			row, err := styles.Get(tx, partKey{p.arn, id})
			if err == nil {
				out.UICustomization = &row
				return nil
			}
			if !errors.Is(err, store.ErrNotFound) {
				return err
			}
		}
		out.UICustomization = &api.UICustomizationType{UserPoolId: &in.UserPoolId, ClientId: in.ClientId}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}
