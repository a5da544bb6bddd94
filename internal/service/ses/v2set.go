package ses

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	api "github.com/aloft-cloud/aloft/internal/api/sesv2"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/store"
)

// CreateConfigurationSetV2 is CreateConfigurationSet of the second API.
func (s *Service) CreateConfigurationSetV2(ctx context.Context, call *aws.Call, in *api.CreateConfigurationSetInput) (*api.CreateConfigurationSetOutput, error) {
	if in.ArchivingOptions != nil && in.ArchivingOptions.ArchiveArn != nil {
		return nil, aws.NotImplemented.Errorf("Aloft does not have archives of mail yet.")
	}
	row := set{Tracking: in.TrackingOptions, Delivery: in.DeliveryOptions, VDM: in.VdmOptions, Suppression: in.SuppressionOptions, Tags: tagMap(in.Tags)}
	if o := in.SendingOptions; o != nil {
		row.Paused = !aws.Or(o.SendingEnabled, true)
	}
	if o := in.ReputationOptions; o != nil {
		row.Metrics = aws.Value(o.ReputationMetricsEnabled)
	}
	if o := in.SuppressionOptions; o != nil {
		row.Suppress = append([]string{}, o.SuppressedReasons...)
	}
	return &api.CreateConfigurationSetOutput{}, s.addSet(ctx, call, in.ConfigurationSetName, row)
}

// GetConfigurationSet returns what a configuration set is.
func (s *Service) GetConfigurationSet(ctx context.Context, call *aws.Call, in *api.GetConfigurationSetInput) (*api.GetConfigurationSetOutput, error) {
	row, err := s.lookSet(ctx, call, in.ConfigurationSetName)
	if err != nil {
		return nil, err
	}
	out := &api.GetConfigurationSetOutput{
		ConfigurationSetName: &in.ConfigurationSetName, TrackingOptions: row.Tracking, DeliveryOptions: row.Delivery, VdmOptions: row.VDM,
		ReputationOptions: &api.ReputationOptions{ReputationMetricsEnabled: &row.Metrics}, SendingOptions: &api.SendingOptions{SendingEnabled: new(!row.Paused)},
		Tags: tagList(row.Tags),
	}
	if row.Suppress != nil {
		out.SuppressionOptions = &api.SuppressionOptions{SuppressedReasons: row.Suppress}
	}
	return out, nil
}

// ListConfigurationSetsV2 is ListConfigurationSets of the second API.
func (s *Service) ListConfigurationSetsV2(ctx context.Context, call *aws.Call, in *api.ListConfigurationSetsInput) (*api.ListConfigurationSetsOutput, error) {
	out := &api.ListConfigurationSetsOutput{}
	err := s.view(ctx, func(tx *store.Tx) error {
		out.ConfigurationSets, out.NextToken = page(namesOf(tx, sets, call, setKind), in.NextToken, pageSize(in.PageSize, 1000))
		return nil
	})
	return out, err
}

// DeleteConfigurationSetV2 is DeleteConfigurationSet of the second API.
func (s *Service) DeleteConfigurationSetV2(ctx context.Context, call *aws.Call, in *api.DeleteConfigurationSetInput) (*api.DeleteConfigurationSetOutput, error) {
	return &api.DeleteConfigurationSetOutput{}, s.removeSet(ctx, call, in.ConfigurationSetName)
}

// PutConfigurationSetSendingOptions lets messages be sent, or not.
func (s *Service) PutConfigurationSetSendingOptions(ctx context.Context, call *aws.Call, in *api.PutConfigurationSetSendingOptionsInput) (*api.PutConfigurationSetSendingOptionsOutput, error) {
	return &api.PutConfigurationSetSendingOptionsOutput{}, s.changeSet(ctx, call, in.ConfigurationSetName, func(_ *store.Tx, _ aws.ARN, row *set) error {
		row.Paused = !aws.Value(in.SendingEnabled)
		return nil
	})
}

// PutConfigurationSetReputationOptions notes whether metrics are wanted.
func (s *Service) PutConfigurationSetReputationOptions(ctx context.Context, call *aws.Call, in *api.PutConfigurationSetReputationOptionsInput) (*api.PutConfigurationSetReputationOptionsOutput, error) {
	return &api.PutConfigurationSetReputationOptionsOutput{}, s.changeSet(ctx, call, in.ConfigurationSetName, func(_ *store.Tx, _ aws.ARN, row *set) error {
		row.Metrics = aws.Value(in.ReputationMetricsEnabled)
		return nil
	})
}

// PutConfigurationSetSuppressionOptions says for which reasons addresses get
// nothing by a configuration set.
func (s *Service) PutConfigurationSetSuppressionOptions(ctx context.Context, call *aws.Call, in *api.PutConfigurationSetSuppressionOptionsInput) (*api.PutConfigurationSetSuppressionOptionsOutput, error) {
	return &api.PutConfigurationSetSuppressionOptionsOutput{}, s.changeSet(ctx, call, in.ConfigurationSetName, func(_ *store.Tx, _ aws.ARN, row *set) error {
		row.Suppress = append([]string{}, in.SuppressedReasons...)
		return nil
	})
}

// CreateConfigurationSetEventDestinationV2 adds a destination.
func (s *Service) CreateConfigurationSetEventDestinationV2(ctx context.Context, call *aws.Call, in *api.CreateConfigurationSetEventDestinationInput) (*api.CreateConfigurationSetEventDestinationOutput, error) {
	if _, err := s.lookSet(ctx, call, in.ConfigurationSetName); err != nil {
		return nil, err
	}
	d := destination{in.EventDestinationName, *in.EventDestination}
	d.Enabled = new(aws.Value(d.Enabled))
	return &api.CreateConfigurationSetEventDestinationOutput{}, s.saveDestination(ctx, call, in.ConfigurationSetName, d, false)
}

// UpdateConfigurationSetEventDestinationV2 changes a destination.
func (s *Service) UpdateConfigurationSetEventDestinationV2(ctx context.Context, call *aws.Call, in *api.UpdateConfigurationSetEventDestinationInput) (*api.UpdateConfigurationSetEventDestinationOutput, error) {
	d := destination{in.EventDestinationName, *in.EventDestination}
	d.Enabled = new(aws.Value(d.Enabled))
	return &api.UpdateConfigurationSetEventDestinationOutput{}, s.saveDestination(ctx, call, in.ConfigurationSetName, d, true)
}

// GetConfigurationSetEventDestinations lists destinations.
func (s *Service) GetConfigurationSetEventDestinations(ctx context.Context, call *aws.Call, in *api.GetConfigurationSetEventDestinationsInput) (*api.GetConfigurationSetEventDestinationsOutput, error) {
	row, err := s.lookSet(ctx, call, in.ConfigurationSetName)
	if err != nil {
		return nil, err
	}
	out := &api.GetConfigurationSetEventDestinationsOutput{EventDestinations: []api.EventDestination{}}
	for _, d := range row.Destinations {
		out.EventDestinations = append(out.EventDestinations, api.EventDestination{
			Name: d.Name, Enabled: d.Enabled, MatchingEventTypes: d.MatchingEventTypes, KinesisFirehoseDestination: d.KinesisFirehoseDestination,
			CloudWatchDestination: d.CloudWatchDestination, SnsDestination: d.SnsDestination, EventBridgeDestination: d.EventBridgeDestination,
		})
	}
	return out, nil
}

// DeleteConfigurationSetEventDestinationV2 deletes a destination.
func (s *Service) DeleteConfigurationSetEventDestinationV2(ctx context.Context, call *aws.Call, in *api.DeleteConfigurationSetEventDestinationInput) (*api.DeleteConfigurationSetEventDestinationOutput, error) {
	return &api.DeleteConfigurationSetEventDestinationOutput{}, s.removeDestination(ctx, call, in.ConfigurationSetName, in.EventDestinationName)
}

// GetAccount returns what is set for an account.
func (s *Service) GetAccount(ctx context.Context, call *aws.Call, _ *api.GetAccountInput) (*api.GetAccountOutput, error) {
	var out *api.GetAccountOutput
	err := s.view(ctx, func(tx *store.Tx) error {
		a, err := findAccount(tx, accountARN(call))
		perDay, perSecond := a.quota()
		out = &api.GetAccountOutput{
			DedicatedIpAutoWarmupEnabled: new(false), EnforcementStatus: new("HEALTHY"), ProductionAccessEnabled: new(!a.Sandbox), SendingEnabled: new(!a.Paused),
			SendQuota:             &api.SendQuota{Max24HourSend: &perDay, MaxSendRate: &perSecond, SentLast24Hours: new(sentLately(tx, accountARN(call), time.Now()))},
			SuppressionAttributes: &api.SuppressionAttributes{SuppressedReasons: a.reasons()}, Details: a.Details,
		}
		return err
	})
	return out, err
}

// PutAccountDetails takes an account out of the sandbox, or back.
func (s *Service) PutAccountDetails(ctx context.Context, call *aws.Call, in *api.PutAccountDetailsInput) (*api.PutAccountDetailsOutput, error) {
	return &api.PutAccountDetailsOutput{}, s.changeAccount(ctx, call, func(row *account) {
		row.Sandbox = !aws.Or(in.ProductionAccessEnabled, !row.Sandbox)
		row.Details = &api.AccountDetails{
			MailType: &in.MailType, WebsiteURL: &in.WebsiteURL, ContactLanguage: in.ContactLanguage, UseCaseDescription: in.UseCaseDescription,
			AdditionalContactEmailAddresses: in.AdditionalContactEmailAddresses, ReviewDetails: &api.ReviewDetails{Status: new("GRANTED")},
		}
	})
}

// PutAccountSendingAttributes lets the account send, or not.
func (s *Service) PutAccountSendingAttributes(ctx context.Context, call *aws.Call, in *api.PutAccountSendingAttributesInput) (*api.PutAccountSendingAttributesOutput, error) {
	return &api.PutAccountSendingAttributesOutput{}, s.changeAccount(ctx, call, func(row *account) { row.Paused = !aws.Value(in.SendingEnabled) })
}

// PutAccountSuppressionAttributes says for which reasons addresses get nothing.
func (s *Service) PutAccountSuppressionAttributes(ctx context.Context, call *aws.Call, in *api.PutAccountSuppressionAttributesInput) (*api.PutAccountSuppressionAttributesOutput, error) {
	return &api.PutAccountSuppressionAttributesOutput{}, s.changeAccount(ctx, call, func(row *account) { row.Suppress = append([]string{}, in.SuppressedReasons...) })
}

func suppressedKey(call *aws.Call, address string) addressKey {
	return addressKey{accountARN(call), strings.ToLower(address)}
}

// PutSuppressedDestination has an address get nothing.
func (s *Service) PutSuppressedDestination(ctx context.Context, call *aws.Call, in *api.PutSuppressedDestinationInput) (*api.PutSuppressedDestinationOutput, error) {
	if !isAddress(in.EmailAddress) {
		return nil, invalid("Invalid email address: %s", in.EmailAddress)
	}
	return &api.PutSuppressedDestinationOutput{}, s.DB.Update(ctx, func(tx *store.Tx) error {
		return suppressed.Put(tx, suppressedKey(call, in.EmailAddress), suppression{in.Reason, time.Now()})
	})
}

func findSuppressed(tx *store.Tx, key addressKey) (suppression, error) {
	row, err := suppressed.Get(tx, key)
	if errors.Is(err, store.ErrNotFound) {
		return row, api.NotFoundException.Errorf("Email address %s does not exist on your suppression list.", key.Address)
	}
	return row, err
}

// GetSuppressedDestination says why an address gets nothing.
func (s *Service) GetSuppressedDestination(ctx context.Context, call *aws.Call, in *api.GetSuppressedDestinationInput) (*api.GetSuppressedDestinationOutput, error) {
	out := &api.GetSuppressedDestinationOutput{}
	err := s.view(ctx, func(tx *store.Tx) error {
		key := suppressedKey(call, in.EmailAddress)
		row, err := findSuppressed(tx, key)
		out.SuppressedDestination = &api.SuppressedDestination{EmailAddress: key.Address, Reason: row.Reason, LastUpdateTime: row.At}
		return err
	})
	return out, err
}

// ListSuppressedDestinations lists addresses that get nothing.
func (s *Service) ListSuppressedDestinations(ctx context.Context, call *aws.Call, in *api.ListSuppressedDestinationsInput) (*api.ListSuppressedDestinationsOutput, error) {
	out := &api.ListSuppressedDestinationsOutput{}
	limit := pageSize(in.PageSize, 1000)
	err := s.view(ctx, func(tx *store.Tx) error {
		out.SuppressedDestinationSummaries, out.NextToken = []api.SuppressedDestinationSummary{}, nil
		for key, row := range suppressed.Scan(tx, addressKey{Account: accountARN(call)}) {
			switch {
			case in.NextToken != nil && key.Address <= *in.NextToken, len(in.Reasons) > 0 && !slices.Contains(in.Reasons, row.Reason),
				in.StartDate != nil && row.At.Before(*in.StartDate), in.EndDate != nil && row.At.After(*in.EndDate):
				continue
			case len(out.SuppressedDestinationSummaries) == limit:
				out.NextToken = &out.SuppressedDestinationSummaries[limit-1].EmailAddress
				return nil
			}
			out.SuppressedDestinationSummaries = append(out.SuppressedDestinationSummaries, api.SuppressedDestinationSummary{EmailAddress: key.Address, Reason: row.Reason, LastUpdateTime: row.At})
		}
		return nil
	})
	return out, err
}

// DeleteSuppressedDestination has an address get mail again.
func (s *Service) DeleteSuppressedDestination(ctx context.Context, call *aws.Call, in *api.DeleteSuppressedDestinationInput) (*api.DeleteSuppressedDestinationOutput, error) {
	key := suppressedKey(call, in.EmailAddress)
	return &api.DeleteSuppressedDestinationOutput{}, s.DB.Update(ctx, func(tx *store.Tx) error {
		if _, err := findSuppressed(tx, key); err != nil {
			return err
		}
		return suppressed.Delete(tx, key)
	})
}
