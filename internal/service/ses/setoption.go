package ses

import (
	"context"
	"strings"

	api "github.com/aloft-cloud/aloft/internal/api/ses"
	"github.com/aloft-cloud/aloft/internal/api/sesv2"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/store"
)

// setOptions changes what a configuration set is told of how messages go.
func (s *Service) setOptions(ctx context.Context, call *aws.Call, name string, change func(*set) error) error {
	return s.changeSet(ctx, call, name, func(_ *store.Tx, _ aws.ARN, row *set) error { return change(row) })
}

// checkRedirect refuses a domain that links cannot lead over.
func checkRedirect(domain string) error {
	if !strings.Contains(domain, ".") || strings.ContainsAny(domain, " /@:") {
		return api.InvalidTrackingOptionsException.Errorf("Invalid redirect domain <%s>.", domain)
	}
	return nil
}

// CreateConfigurationSetTrackingOptions notes the domain that links lead over.
func (s *Service) CreateConfigurationSetTrackingOptions(ctx context.Context, call *aws.Call, in *api.CreateConfigurationSetTrackingOptionsInput) (*api.CreateConfigurationSetTrackingOptionsOutput, error) {
	domain := aws.Value(in.TrackingOptions.CustomRedirectDomain)
	if err := checkRedirect(domain); err != nil {
		return nil, err
	}
	return &api.CreateConfigurationSetTrackingOptionsOutput{}, s.setOptions(ctx, call, in.ConfigurationSetName, func(row *set) error {
		if row.Tracking != nil {
			return api.TrackingOptionsAlreadyExistsException.With(
				&api.TrackingOptionsAlreadyExistsExceptionDetail{ConfigurationSetName: &in.ConfigurationSetName}, "Tracking options already exist for configuration set <"+in.ConfigurationSetName+">.")
		}
		row.Tracking = &sesv2.TrackingOptions{CustomRedirectDomain: domain}
		return nil
	})
}

func errNoTracking(name string) error {
	return api.TrackingOptionsDoesNotExistException.With(&api.TrackingOptionsDoesNotExistExceptionDetail{ConfigurationSetName: &name}, "Tracking options do not exist for configuration set <"+name+">.")
}

// UpdateConfigurationSetTrackingOptions changes that domain.
func (s *Service) UpdateConfigurationSetTrackingOptions(ctx context.Context, call *aws.Call, in *api.UpdateConfigurationSetTrackingOptionsInput) (*api.UpdateConfigurationSetTrackingOptionsOutput, error) {
	domain := aws.Value(in.TrackingOptions.CustomRedirectDomain)
	if err := checkRedirect(domain); err != nil {
		return nil, err
	}
	return &api.UpdateConfigurationSetTrackingOptionsOutput{}, s.setOptions(ctx, call, in.ConfigurationSetName, func(row *set) error {
		if row.Tracking == nil {
			return errNoTracking(in.ConfigurationSetName)
		}
		row.Tracking = &sesv2.TrackingOptions{CustomRedirectDomain: domain, HttpsPolicy: row.Tracking.HttpsPolicy}
		return nil
	})
}

// DeleteConfigurationSetTrackingOptions forgets that domain.
func (s *Service) DeleteConfigurationSetTrackingOptions(ctx context.Context, call *aws.Call, in *api.DeleteConfigurationSetTrackingOptionsInput) (*api.DeleteConfigurationSetTrackingOptionsOutput, error) {
	return &api.DeleteConfigurationSetTrackingOptionsOutput{}, s.setOptions(ctx, call, in.ConfigurationSetName, func(row *set) error {
		if row.Tracking == nil {
			return errNoTracking(in.ConfigurationSetName)
		}
		row.Tracking = nil
		return nil
	})
}

// PutConfigurationSetDeliveryOptions notes whether messages need TLS.
func (s *Service) PutConfigurationSetDeliveryOptions(ctx context.Context, call *aws.Call, in *api.PutConfigurationSetDeliveryOptionsInput) (*api.PutConfigurationSetDeliveryOptionsOutput, error) {
	return &api.PutConfigurationSetDeliveryOptionsOutput{}, s.setOptions(ctx, call, in.ConfigurationSetName, func(row *set) error {
		if row.Delivery = nil; in.DeliveryOptions != nil && in.DeliveryOptions.TlsPolicy != nil {
			row.Delivery = &sesv2.DeliveryOptions{TlsPolicy: new(strings.ToUpper(*in.DeliveryOptions.TlsPolicy))}
		}
		return nil
	})
}

// UpdateConfigurationSetReputationMetricsEnabled notes whether metrics are wanted.
func (s *Service) UpdateConfigurationSetReputationMetricsEnabled(ctx context.Context, call *aws.Call, in *api.UpdateConfigurationSetReputationMetricsEnabledInput) (*api.UpdateConfigurationSetReputationMetricsEnabledOutput, error) {
	return &api.UpdateConfigurationSetReputationMetricsEnabledOutput{}, s.setOptions(ctx, call, in.ConfigurationSetName, func(row *set) error {
		row.Metrics = in.Enabled
		return nil
	})
}

// PutConfigurationSetTrackingOptions notes the domain that links lead over.
func (s *Service) PutConfigurationSetTrackingOptions(ctx context.Context, call *aws.Call, in *sesv2.PutConfigurationSetTrackingOptionsInput) (*sesv2.PutConfigurationSetTrackingOptionsOutput, error) {
	if in.CustomRedirectDomain != nil {
		if err := checkRedirect(*in.CustomRedirectDomain); err != nil {
			return nil, err
		}
	}
	return &sesv2.PutConfigurationSetTrackingOptionsOutput{}, s.setOptions(ctx, call, in.ConfigurationSetName, func(row *set) error {
		if row.Tracking = nil; in.CustomRedirectDomain != nil {
			row.Tracking = &sesv2.TrackingOptions{CustomRedirectDomain: *in.CustomRedirectDomain, HttpsPolicy: in.HttpsPolicy}
		}
		return nil
	})
}

// PutConfigurationSetDeliveryOptionsV2 is PutConfigurationSetDeliveryOptions of the
// second API.
func (s *Service) PutConfigurationSetDeliveryOptionsV2(ctx context.Context, call *aws.Call, in *sesv2.PutConfigurationSetDeliveryOptionsInput) (*sesv2.PutConfigurationSetDeliveryOptionsOutput, error) {
	return &sesv2.PutConfigurationSetDeliveryOptionsOutput{}, s.setOptions(ctx, call, in.ConfigurationSetName, func(row *set) error {
		row.Delivery = &sesv2.DeliveryOptions{TlsPolicy: in.TlsPolicy, SendingPoolName: in.SendingPoolName, MaxDeliverySeconds: in.MaxDeliverySeconds}
		return nil
	})
}

// PutConfigurationSetVdmOptions notes what is wanted of the deliverability manager.
func (s *Service) PutConfigurationSetVdmOptions(ctx context.Context, call *aws.Call, in *sesv2.PutConfigurationSetVdmOptionsInput) (*sesv2.PutConfigurationSetVdmOptionsOutput, error) {
	return &sesv2.PutConfigurationSetVdmOptionsOutput{}, s.setOptions(ctx, call, in.ConfigurationSetName, func(row *set) error {
		row.VDM = in.VdmOptions
		return nil
	})
}
