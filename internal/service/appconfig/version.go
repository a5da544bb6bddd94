package appconfig

import (
	"context"
	"errors"
	"strconv"

	api "github.com/aloft-cloud/aloft/internal/api/appconfig"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/store"
)

const maxContent = 1 << 20 // bytes of a configuration

func findVersion(tx *store.Tx, key numberKey) (version, error) {
	v, err := versions.Get(tx, key)
	if errors.Is(err, store.ErrNotFound) {
		return v, errNone("HostedConfigurationVersion", strconv.Itoa(int(key.Number)))
	}
	return v, err
}

// CreateHostedConfigurationVersion adds a version to a hosted configuration.
func (s *Service) CreateHostedConfigurationVersion(ctx context.Context, call *aws.Call, in *api.CreateHostedConfigurationVersionInput) (*api.CreateHostedConfigurationVersionOutput, error) {
	if len(in.Content) > maxContent {
		return nil, api.PayloadTooLargeException.With(&api.PayloadTooLargeExceptionDetail{Measure: new(api.BytesMeasureKilobytes), Limit: new(float32(maxContent >> 10)), Size: new(float32(len(in.Content) >> 10))}, "The configuration is too large.")
	}
	arn := profileARN(call, in.ApplicationId, in.ConfigurationProfileId)
	var number int32
	err := s.DB.Update(ctx, func(tx *store.Tx) error {
		p, err := find(tx, profiles, arn, aProfile)
		if err != nil {
			return err
		}
		if *p.Is.LocationUri != hosted {
			return invalid("Configuration profile %s is not hosted.", in.ConfigurationProfileId)
		}
		if in.LatestVersionNumber != nil && *in.LatestVersionNumber != p.Count {
			return api.ConflictException.Errorf("The latest version number is %d.", p.Count)
		}
		if *p.Is.Type == featureFlags {
			if err := checkFlags(in.Content); err != nil {
				return err
			}
		}
		p.Count++
		number = p.Count
		if err := profiles.Put(tx, arn, p); err != nil {
			return err
		}
		return versions.Put(tx, numberKey{arn, number}, version{in.Content, in.ContentType, in.Description, in.VersionLabel})
	})
	if err != nil {
		return nil, err
	}
	return &api.CreateHostedConfigurationVersionOutput{
		ApplicationId: &in.ApplicationId, ConfigurationProfileId: &in.ConfigurationProfileId, VersionNumber: &number, Description: in.Description,
		Content: in.Content, ContentType: &in.ContentType, VersionLabel: in.VersionLabel,
	}, nil
}

// GetHostedConfigurationVersion returns a version of a hosted configuration.
func (s *Service) GetHostedConfigurationVersion(ctx context.Context, call *aws.Call, in *api.GetHostedConfigurationVersionInput) (*api.GetHostedConfigurationVersionOutput, error) {
	arn := profileARN(call, in.ApplicationId, in.ConfigurationProfileId)
	var v version
	err := s.DB.View(ctx, func(tx *store.Tx) (err error) {
		if _, err = find(tx, profiles, arn, aProfile); err == nil {
			v, err = findVersion(tx, numberKey{arn, in.VersionNumber})
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	return &api.GetHostedConfigurationVersionOutput{
		ApplicationId: &in.ApplicationId, ConfigurationProfileId: &in.ConfigurationProfileId, VersionNumber: &in.VersionNumber, Description: v.Description,
		Content: v.Content, ContentType: &v.ContentType, VersionLabel: v.Label,
	}, nil
}

// ListHostedConfigurationVersions lists versions, the newest first.
func (s *Service) ListHostedConfigurationVersions(ctx context.Context, call *aws.Call, in *api.ListHostedConfigurationVersionsInput) (*api.ListHostedConfigurationVersionsOutput, error) {
	arn := profileARN(call, in.ApplicationId, in.ConfigurationProfileId)
	out := &api.ListHostedConfigurationVersionsOutput{}
	err := s.DB.View(ctx, func(tx *store.Tx) error {
		out.Items, out.NextToken = []api.HostedConfigurationVersionSummary{}, nil
		if _, err := find(tx, profiles, arn, aProfile); err != nil {
			return err
		}
		before, _ := strconv.Atoi(aws.Value(in.NextToken)) // 0: there is none
		for key, v := range versions.ScanReverse(tx, numberKey{Of: arn}) {
			switch {
			case before > 0 && int(key.Number) >= before, in.VersionLabel != nil && aws.Value(v.Label) != *in.VersionLabel:
				continue
			case len(out.Items) == int(aws.Or(in.MaxResults, 50)):
				out.NextToken = new(strconv.Itoa(int(*out.Items[len(out.Items)-1].VersionNumber)))
				return nil
			}
			out.Items = append(out.Items, api.HostedConfigurationVersionSummary{
				ApplicationId: &in.ApplicationId, ConfigurationProfileId: &in.ConfigurationProfileId, VersionNumber: &key.Number,
				Description: v.Description, ContentType: &v.ContentType, VersionLabel: v.Label,
			})
		}
		return tx.Err()
	})
	return out, err
}

// DeleteHostedConfigurationVersion deletes a version. Where it is live, it stays so.
func (s *Service) DeleteHostedConfigurationVersion(ctx context.Context, call *aws.Call, in *api.DeleteHostedConfigurationVersionInput) (*api.DeleteHostedConfigurationVersionOutput, error) {
	key := numberKey{profileARN(call, in.ApplicationId, in.ConfigurationProfileId), in.VersionNumber}
	return &api.DeleteHostedConfigurationVersionOutput{}, s.DB.Update(ctx, func(tx *store.Tx) error {
		if _, err := findVersion(tx, key); err != nil {
			return err
		}
		return versions.Delete(tx, key)
	})
}
