package appsync

import (
	"context"
	"errors"
	"iter"
	"strings"
	"time"

	api "github.com/aloft-cloud/aloft/internal/api/appsync"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/service/appsync/mapping"
	"github.com/aloft-cloud/aloft/internal/store"
)

var (
	eventAPIs  = store.NewTable[aws.ARN, api.Api]("appsync.eventapi")
	namespaces = store.NewTable[partKey, api.ChannelNamespace]("appsync.namespace")
)

// CreateApi makes an Event API.
func (s *Service) CreateApi(ctx context.Context, call *aws.Call, in *api.CreateApiInput) (*api.CreateApiOutput, error) {
	id := newID(idLetters)
	arn := apiARN(call, id)
	row := api.Api{ApiId: &id, Name: &in.Name, OwnerContact: in.OwnerContact, Tags: in.Tags, ApiArn: new(arn.String()), Created: new(time.Now().UTC().Truncate(time.Second)), XrayEnabled: new(false), EventConfig: in.EventConfig}
	if err := checkEventAPI(&row); err != nil {
		return nil, err
	}
	err := s.cfg.DB.Update(ctx, func(tx *store.Tx) error {
		if err := homes.Put(tx, homeARN(id), home{call.Account, call.Region}); err != nil {
			return err
		}
		return eventAPIs.Put(tx, arn, row)
	})
	if err != nil {
		return nil, err
	}
	return &api.CreateApiOutput{Api: s.seenEvents(call, &row)}, nil
}

// checkEventAPI refuses what cannot be of an Event API.
func checkEventAPI(row *api.Api) error {
	if err := checkTags(row.Tags); err != nil {
		return err
	}
	c := row.EventConfig
	if c == nil || len(c.AuthProviders) == 0 {
		return errBad("At least one authorization provider is required.")
	}
	has := make(map[string]bool)
	for _, p := range c.AuthProviders {
		one := provider{Type: p.AuthType, Pool: poolOf(p.CognitoConfig), OIDC: p.OpenIDConnectConfig, Lambda: p.LambdaAuthorizerConfig}
		if err := one.check(); err != nil {
			return err
		}
		has[p.AuthType] = true
	}
	for _, modes := range [][]api.AuthMode{c.ConnectionAuthModes, c.DefaultPublishAuthModes, c.DefaultSubscribeAuthModes} {
		for _, m := range modes {
			if !has[m.AuthType] {
				return errBad("The authorization mode %s has no provider.", m.AuthType)
			}
		}
	}
	return nil
}

func poolOf(c *api.CognitoConfig) *api.CognitoUserPoolConfig {
	if c == nil {
		return nil
	}
	return &api.CognitoUserPoolConfig{UserPoolId: c.UserPoolId, AwsRegion: c.AwsRegion, AppIdClientRegex: c.AppIdClientRegex}
}

// seenEvents is an Event API as one who asks at a host sees it.
func (s *Service) seenEvents(call *aws.Call, row *api.Api) *api.Api {
	out := *row
	base := s.base(call)
	out.Dns = map[string]string{"HTTP": *row.ApiId + ".appsync-api." + base.Host, "REALTIME": *row.ApiId + ".appsync-realtime-api." + base.Host}
	return &out
}

func findEventAPI(tx *store.Tx, call *aws.Call, id string) (aws.ARN, api.Api, error) {
	arn := apiARN(call, id)
	row, err := eventAPIs.Get(tx, arn)
	if errors.Is(err, store.ErrNotFound) {
		return arn, row, api.NotFoundException.Errorf("API %s not found.", id)
	}
	return arn, row, err
}

// findEither returns the ARN of an API of either kind.
func findEither(tx *store.Tx, call *aws.Call, id string) (aws.ARN, error) {
	if has, err := eventAPIs.Has(tx, apiARN(call, id)); err != nil || has {
		return apiARN(call, id), err
	}
	arn, _, err := findAPI(tx, call, id)
	return arn, err
}

// GetApi returns an Event API.
func (s *Service) GetApi(ctx context.Context, call *aws.Call, in *api.GetApiInput) (*api.GetApiOutput, error) {
	var row api.Api
	err := s.cfg.DB.View(ctx, func(tx *store.Tx) (err error) {
		_, row, err = findEventAPI(tx, call, in.ApiId)
		return err
	})
	if err != nil {
		return nil, err
	}
	return &api.GetApiOutput{Api: s.seenEvents(call, &row)}, nil
}

// ListApis lists the Event APIs of the account and region.
func (s *Service) ListApis(ctx context.Context, call *aws.Call, in *api.ListApisInput) (out *api.ListApisOutput, err error) {
	out = new(api.ListApisOutput)
	err = s.cfg.DB.View(ctx, func(tx *store.Tx) (err error) {
		scan := func(after string) iter.Seq2[aws.ARN, api.Api] {
			return eventAPIs.ScanAfter(tx, call.ARN("appsync", ""), apiARN(call, after))
		}
		out.Apis, out.NextToken, err = page(in.NextToken, in.MaxResults, scan, func(k aws.ARN) string { return strings.TrimPrefix(k.Resource, apiKind) },
			func(_ aws.ARN, row api.Api) (api.Api, bool) { return *s.seenEvents(call, &row), true })
		return err
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// UpdateApi changes an Event API.
func (s *Service) UpdateApi(ctx context.Context, call *aws.Call, in *api.UpdateApiInput) (*api.UpdateApiOutput, error) {
	var row api.Api
	err := s.change(ctx, in.ApiId, func(tx *store.Tx) error {
		arn, old, err := findEventAPI(tx, call, in.ApiId)
		if err != nil {
			return err
		}
		row = old
		row.Name, row.OwnerContact = &in.Name, in.OwnerContact
		if in.EventConfig != nil {
			row.EventConfig = in.EventConfig
		}
		if err := checkEventAPI(&row); err != nil {
			return err
		}
		return eventAPIs.Put(tx, arn, row)
	})
	if err != nil {
		return nil, err
	}
	return &api.UpdateApiOutput{Api: s.seenEvents(call, &row)}, nil
}

// DeleteApi deletes an Event API and all that is of it.
func (s *Service) DeleteApi(ctx context.Context, call *aws.Call, in *api.DeleteApiInput) (*api.DeleteApiOutput, error) {
	err := s.change(ctx, in.ApiId, func(tx *store.Tx) error {
		arn, _, err := findEventAPI(tx, call, in.ApiId)
		if err != nil {
			return err
		}
		return errors.Join(
			namespaces.DeletePrefix(tx, partKey{API: arn}), apiKeys.DeletePrefix(tx, partKey{API: arn}), dataSources.DeletePrefix(tx, partKey{API: arn}),
			homes.Delete(tx, homeARN(in.ApiId)), eventAPIs.Delete(tx, arn))
	})
	if err != nil {
		return nil, err
	}
	return &api.DeleteApiOutput{}, nil
}

// CreateChannelNamespace adds channels to an Event API: all whose path begins
// with the name.
func (s *Service) CreateChannelNamespace(ctx context.Context, call *aws.Call, in *api.CreateChannelNamespaceInput) (*api.CreateChannelNamespaceOutput, error) {
	now := time.Now().UTC().Truncate(time.Second)
	row := api.ChannelNamespace{ApiId: &in.ApiId, Name: &in.Name, SubscribeAuthModes: in.SubscribeAuthModes, PublishAuthModes: in.PublishAuthModes,
		CodeHandlers: in.CodeHandlers, Tags: in.Tags, Created: &now, LastModified: &now, HandlerConfigs: in.HandlerConfigs}
	if err := checkNamespace(&row); err != nil {
		return nil, err
	}
	err := s.change(ctx, in.ApiId, func(tx *store.Tx) error {
		arn, _, err := findEventAPI(tx, call, in.ApiId)
		if err != nil {
			return err
		}
		row.ChannelNamespaceArn = below(arn, "channelNamespace", in.Name)
		key := partKey{arn, in.Name}
		if has, err := namespaces.Has(tx, key); err != nil || has {
			return errors.Join(err, api.ConflictException.Errorf("Channel namespace %s already exists.", in.Name))
		}
		return namespaces.Put(tx, key, row)
	})
	if err != nil {
		return nil, err
	}
	return &api.CreateChannelNamespaceOutput{ChannelNamespace: &row}, nil
}

// checkNamespace refuses handlers that cannot run.
func checkNamespace(row *api.ChannelNamespace) error {
	if err := checkTags(row.Tags); err != nil {
		return err
	}
	if row.CodeHandlers == nil {
		return nil
	}
	if len(*row.CodeHandlers) > maxCode {
		return errBad("The code is larger than %d bytes.", maxCode)
	}
	if _, wrong := mapping.Compile(*row.CodeHandlers); wrong != nil {
		return errCode(wrong)
	}
	return nil
}

func findNamespace(tx *store.Tx, call *aws.Call, id, name string) (partKey, api.ChannelNamespace, error) {
	arn, _, err := findEventAPI(tx, call, id)
	key := partKey{arn, name}
	if err != nil {
		return key, api.ChannelNamespace{}, err
	}
	row, err := namespaces.Get(tx, key)
	if errors.Is(err, store.ErrNotFound) {
		err = api.NotFoundException.Errorf("Channel namespace %s not found.", name)
	}
	return key, row, err
}

// GetChannelNamespace returns a namespace.
func (s *Service) GetChannelNamespace(ctx context.Context, call *aws.Call, in *api.GetChannelNamespaceInput) (*api.GetChannelNamespaceOutput, error) {
	var row api.ChannelNamespace
	err := s.cfg.DB.View(ctx, func(tx *store.Tx) (err error) {
		_, row, err = findNamespace(tx, call, in.ApiId, in.Name)
		return err
	})
	if err != nil {
		return nil, err
	}
	return &api.GetChannelNamespaceOutput{ChannelNamespace: &row}, nil
}

// ListChannelNamespaces lists the namespaces of an Event API.
func (s *Service) ListChannelNamespaces(ctx context.Context, call *aws.Call, in *api.ListChannelNamespacesInput) (out *api.ListChannelNamespacesOutput, err error) {
	out = new(api.ListChannelNamespacesOutput)
	err = s.cfg.DB.View(ctx, func(tx *store.Tx) (err error) {
		if _, _, err := findEventAPI(tx, call, in.ApiId); err != nil {
			return err
		}
		out.ChannelNamespaces, out.NextToken, err = pageParts(tx, namespaces, call, in.ApiId, in.NextToken, in.MaxResults)
		return err
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// UpdateChannelNamespace changes a namespace: what is not given is as of a new one.
func (s *Service) UpdateChannelNamespace(ctx context.Context, call *aws.Call, in *api.UpdateChannelNamespaceInput) (*api.UpdateChannelNamespaceOutput, error) {
	var row api.ChannelNamespace
	err := s.change(ctx, in.ApiId, func(tx *store.Tx) error {
		key, old, err := findNamespace(tx, call, in.ApiId, in.Name)
		if err != nil {
			return err
		}
		row = old
		row.SubscribeAuthModes, row.PublishAuthModes, row.CodeHandlers, row.HandlerConfigs = in.SubscribeAuthModes, in.PublishAuthModes, in.CodeHandlers, in.HandlerConfigs
		row.LastModified = new(time.Now().UTC().Truncate(time.Second))
		if err := checkNamespace(&row); err != nil {
			return err
		}
		return namespaces.Put(tx, key, row)
	})
	if err != nil {
		return nil, err
	}
	return &api.UpdateChannelNamespaceOutput{ChannelNamespace: &row}, nil
}

// DeleteChannelNamespace removes a namespace.
func (s *Service) DeleteChannelNamespace(ctx context.Context, call *aws.Call, in *api.DeleteChannelNamespaceInput) (*api.DeleteChannelNamespaceOutput, error) {
	err := s.change(ctx, in.ApiId, func(tx *store.Tx) error {
		key, _, err := findNamespace(tx, call, in.ApiId, in.Name)
		if err != nil {
			return err
		}
		return namespaces.Delete(tx, key)
	})
	if err != nil {
		return nil, err
	}
	return &api.DeleteChannelNamespaceOutput{}, nil
}
