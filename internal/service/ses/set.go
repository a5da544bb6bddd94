package ses

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	api "github.com/aloft-cloud/aloft/internal/api/ses"
	"github.com/aloft-cloud/aloft/internal/api/sesv2"
	"github.com/aloft-cloud/aloft/internal/api/sns"
	"github.com/aloft-cloud/aloft/internal/auth"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/dispatch"
	"github.com/aloft-cloud/aloft/internal/store"
)

const destinationNote = "Destinations of CloudWatch are kept, and get no metrics; those of Pinpoint are refused."

// eventTypes are the types of events by their names in the first API.
var eventTypes = map[string]string{
	"send": "SEND", "reject": "REJECT", "bounce": "BOUNCE", "complaint": "COMPLAINT", "delivery": "DELIVERY", "open": "OPEN", "click": "CLICK",
	"renderingFailure": "RENDERING_FAILURE",
}

// addSet makes a configuration set.
func (s *Service) addSet(ctx context.Context, call *aws.Call, name string, row set) error {
	if strings.ContainsFunc(name, func(r rune) bool {
		return !('a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9' || r == '_' || r == '-')
	}) || name == "" || len(name) > 64 {
		return api.InvalidConfigurationSetException.Errorf("Invalid configuration set name <%s>: only alphanumeric ASCII characters, '_',  '-' are allowed.", name)
	}
	row.Created = time.Now()
	arn := named(call, setKind, name)
	return s.DB.Update(ctx, func(tx *store.Tx) error {
		there, err := sets.Has(tx, arn)
		if err != nil {
			return err
		}
		if there {
			return api.ConfigurationSetAlreadyExistsException.Errorf("Configuration set <%s> already exists.", name)
		}
		return sets.Put(tx, arn, row)
	})
}

// changeSet changes a configuration set that is there.
func (s *Service) changeSet(ctx context.Context, call *aws.Call, name string, change func(*store.Tx, aws.ARN, *set) error) error {
	arn := named(call, setKind, name)
	return s.DB.Update(ctx, func(tx *store.Tx) error {
		row, err := findSet(tx, arn)
		if err != nil {
			return err
		}
		row.Destinations = slices.Clone(row.Destinations)
		if err := change(tx, arn, &row); err != nil {
			return err
		}
		return sets.Put(tx, arn, row)
	})
}

func (s *Service) lookSet(ctx context.Context, call *aws.Call, name string) (row set, err error) {
	err = s.view(ctx, func(tx *store.Tx) error {
		row, err = findSet(tx, named(call, setKind, name))
		return err
	})
	return row, err
}

func (row *set) find(name string) int {
	return slices.IndexFunc(row.Destinations, func(d destination) bool { return d.Name == name })
}

// saveDestination adds a destination to a configuration set, or changes it.
func (s *Service) saveDestination(ctx context.Context, call *aws.Call, name string, d destination, there bool) error {
	if err := s.checkDestination(ctx, call, &d); err != nil {
		return err
	}
	return s.changeSet(ctx, call, name, func(tx *store.Tx, arn aws.ARN, row *set) error {
		at := row.find(d.Name)
		switch {
		case there && at < 0:
			return errDestination(name, d.Name)
		case there:
			row.Destinations[at] = d
		case at >= 0:
			return api.EventDestinationAlreadyExistsException.Errorf("An event destination of name <%s> already exists in configuration set <%s>.", d.Name, name)
		default:
			row.Destinations = append(row.Destinations, d)
		}
		if d.SnsDestination != nil {
			return s.validated(tx, arn, d.SnsDestination.TopicArn)
		}
		return nil
	})
}

func errDestination(set, name string) error {
	return api.EventDestinationDoesNotExistException.Errorf("No EventDestination found for %s in configuration set %s", name, set)
}

// checkDestination refuses a destination that nothing can be sent to.
func (s *Service) checkDestination(ctx context.Context, call *aws.Call, d *destination) error {
	count := 0
	for _, there := range []bool{d.SnsDestination != nil, d.KinesisFirehoseDestination != nil, d.EventBridgeDestination != nil, d.CloudWatchDestination != nil} {
		if there {
			count++
		}
	}
	switch {
	case d.PinpointDestination != nil:
		return aws.NotImplemented.Errorf("Aloft does not have event destinations of Pinpoint yet.")
	case count != 1:
		return invalid("An event destination must have exactly one destination.")
	case d.KinesisFirehoseDestination != nil:
		if arn, err := aws.ParseARN(d.KinesisFirehoseDestination.DeliveryStreamArn); err != nil || arn.Service != "firehose" {
			return api.InvalidFirehoseDestinationException.Errorf("Invalid delivery stream <%s>.", d.KinesisFirehoseDestination.DeliveryStreamArn)
		}
	case d.EventBridgeDestination != nil:
		if arn, err := aws.ParseARN(d.EventBridgeDestination.EventBusArn); err != nil || arn.Service != "events" || arn.Resource != "event-bus/default" {
			return invalid("The event bus must be the default one.")
		}
	case d.SnsDestination != nil:
		topic := d.SnsDestination.TopicArn
		arn, err := aws.ParseARN(topic)
		if err != nil || arn.Service != "sns" {
			return api.InvalidSNSDestinationException.Errorf("Invalid SNS topic <%s>.", topic)
		}
		as := &aws.Call{Account: arn.Account, Region: arn.Region, Principal: auth.Root(arn.Account), RequestID: aws.NewRequestID()}
		if _, err := dispatch.CallChecked(ctx, s.Table, as, sns.GetTopicAttributes, &sns.GetTopicAttributesInput{TopicArn: topic}); err != nil {
			if errors.Is(err, sns.NotFoundException) {
				return api.InvalidSNSDestinationException.Errorf("SNS topic <%s> not found.", topic)
			}
			return err
		}
	}
	return nil
}

// CreateConfigurationSet makes a configuration set.
func (s *Service) CreateConfigurationSet(ctx context.Context, call *aws.Call, in *api.CreateConfigurationSetInput) (*api.CreateConfigurationSetOutput, error) {
	return &api.CreateConfigurationSetOutput{}, s.addSet(ctx, call, in.ConfigurationSet.Name, set{})
}

// DescribeConfigurationSet returns what a configuration set is.
func (s *Service) DescribeConfigurationSet(ctx context.Context, call *aws.Call, in *api.DescribeConfigurationSetInput) (*api.DescribeConfigurationSetOutput, error) {
	row, err := s.lookSet(ctx, call, in.ConfigurationSetName)
	if err != nil {
		return nil, err
	}
	out := &api.DescribeConfigurationSetOutput{ConfigurationSet: &api.ConfigurationSet{Name: in.ConfigurationSetName}}
	for _, wanted := range in.ConfigurationSetAttributeNames {
		switch wanted {
		case "eventDestinations":
			out.EventDestinations = []api.EventDestination{}
			for i := range row.Destinations {
				out.EventDestinations = append(out.EventDestinations, row.Destinations[i].first())
			}
		case "reputationOptions":
			out.ReputationOptions = &api.ReputationOptions{SendingEnabled: new(!row.Paused), ReputationMetricsEnabled: &row.Metrics}
		}
	}
	return out, nil
}

// first is a destination as the first API has it.
func (d *destination) first() api.EventDestination {
	out := api.EventDestination{Name: d.Name, Enabled: d.Enabled}
	for name, second := range eventTypes {
		if slices.Contains(d.MatchingEventTypes, second) {
			out.MatchingEventTypes = append(out.MatchingEventTypes, name)
		}
	}
	slices.Sort(out.MatchingEventTypes)
	if d.SnsDestination != nil {
		out.SNSDestination = &api.SNSDestination{TopicARN: d.SnsDestination.TopicArn}
	}
	if k := d.KinesisFirehoseDestination; k != nil {
		out.KinesisFirehoseDestination = &api.KinesisFirehoseDestination{IAMRoleARN: k.IamRoleArn, DeliveryStreamARN: k.DeliveryStreamArn}
	}
	if c := d.CloudWatchDestination; c != nil {
		out.CloudWatchDestination = &api.CloudWatchDestination{}
		for _, dim := range c.DimensionConfigurations {
			out.CloudWatchDestination.DimensionConfigurations = append(out.CloudWatchDestination.DimensionConfigurations, api.CloudWatchDimensionConfiguration{
				DimensionName: dim.DimensionName, DefaultDimensionValue: dim.DefaultDimensionValue, DimensionValueSource: valueSources[dim.DimensionValueSource],
			})
		}
	}
	return out
}

// valueSources are where dimensions are from, by their names in the second API.
var valueSources = map[string]string{"MESSAGE_TAG": "messageTag", "EMAIL_HEADER": "emailHeader", "LINK_TAG": "linkTag"}

// ofFirst is a destination of the first API.
func ofFirst(in *api.EventDestination) destination {
	d := destination{Name: in.Name}
	d.Enabled = new(aws.Value(in.Enabled))
	for _, name := range in.MatchingEventTypes {
		d.MatchingEventTypes = append(d.MatchingEventTypes, eventTypes[name])
	}
	if in.SNSDestination != nil {
		d.SnsDestination = &sesv2.SnsDestination{TopicArn: in.SNSDestination.TopicARN}
	}
	if k := in.KinesisFirehoseDestination; k != nil {
		d.KinesisFirehoseDestination = &sesv2.KinesisFirehoseDestination{IamRoleArn: k.IAMRoleARN, DeliveryStreamArn: k.DeliveryStreamARN}
	}
	if c := in.CloudWatchDestination; c != nil {
		d.CloudWatchDestination = &sesv2.CloudWatchDestination{}
		for _, dim := range c.DimensionConfigurations {
			source := "MESSAGE_TAG"
			for second, first := range valueSources {
				if first == dim.DimensionValueSource {
					source = second
				}
			}
			d.CloudWatchDestination.DimensionConfigurations = append(d.CloudWatchDestination.DimensionConfigurations, sesv2.CloudWatchDimensionConfiguration{
				DimensionName: dim.DimensionName, DefaultDimensionValue: dim.DefaultDimensionValue, DimensionValueSource: source,
			})
		}
	}
	return d
}

// ListConfigurationSets lists configuration sets.
func (s *Service) ListConfigurationSets(ctx context.Context, call *aws.Call, in *api.ListConfigurationSetsInput) (*api.ListConfigurationSetsOutput, error) {
	out := &api.ListConfigurationSetsOutput{ConfigurationSets: []api.ConfigurationSet{}}
	err := s.view(ctx, func(tx *store.Tx) error {
		some, next := page(namesOf(tx, sets, call, setKind), in.NextToken, pageSize(in.MaxItems, 1000))
		out.NextToken = next
		for _, name := range some {
			out.ConfigurationSets = append(out.ConfigurationSets, api.ConfigurationSet{Name: name})
		}
		return nil
	})
	return out, err
}

// removeSet deletes a configuration set.
func (s *Service) removeSet(ctx context.Context, call *aws.Call, name string) error {
	arn := named(call, setKind, name)
	return s.DB.Update(ctx, func(tx *store.Tx) error {
		if _, err := findSet(tx, arn); err != nil {
			return err
		}
		return sets.Delete(tx, arn)
	})
}

// DeleteConfigurationSet deletes a configuration set.
func (s *Service) DeleteConfigurationSet(ctx context.Context, call *aws.Call, in *api.DeleteConfigurationSetInput) (*api.DeleteConfigurationSetOutput, error) {
	return &api.DeleteConfigurationSetOutput{}, s.removeSet(ctx, call, in.ConfigurationSetName)
}

// CreateConfigurationSetEventDestination adds a destination to a configuration set.
func (s *Service) CreateConfigurationSetEventDestination(ctx context.Context, call *aws.Call, in *api.CreateConfigurationSetEventDestinationInput) (*api.CreateConfigurationSetEventDestinationOutput, error) {
	if _, err := s.lookSet(ctx, call, in.ConfigurationSetName); err != nil {
		return nil, err
	}
	return &api.CreateConfigurationSetEventDestinationOutput{}, s.saveDestination(ctx, call, in.ConfigurationSetName, ofFirst(in.EventDestination), false)
}

// UpdateConfigurationSetEventDestination changes a destination.
func (s *Service) UpdateConfigurationSetEventDestination(ctx context.Context, call *aws.Call, in *api.UpdateConfigurationSetEventDestinationInput) (*api.UpdateConfigurationSetEventDestinationOutput, error) {
	return &api.UpdateConfigurationSetEventDestinationOutput{}, s.saveDestination(ctx, call, in.ConfigurationSetName, ofFirst(in.EventDestination), true)
}

func (s *Service) removeDestination(ctx context.Context, call *aws.Call, configuration, name string) error {
	return s.changeSet(ctx, call, configuration, func(_ *store.Tx, _ aws.ARN, row *set) error {
		at := row.find(name)
		if at < 0 {
			return errDestination(configuration, name)
		}
		row.Destinations = slices.Delete(row.Destinations, at, at+1)
		return nil
	})
}

// DeleteConfigurationSetEventDestination deletes a destination.
func (s *Service) DeleteConfigurationSetEventDestination(ctx context.Context, call *aws.Call, in *api.DeleteConfigurationSetEventDestinationInput) (*api.DeleteConfigurationSetEventDestinationOutput, error) {
	return &api.DeleteConfigurationSetEventDestinationOutput{}, s.removeDestination(ctx, call, in.ConfigurationSetName, in.EventDestinationName)
}

// UpdateConfigurationSetSendingEnabled lets messages of a configuration set be sent, or not.
func (s *Service) UpdateConfigurationSetSendingEnabled(ctx context.Context, call *aws.Call, in *api.UpdateConfigurationSetSendingEnabledInput) (*api.UpdateConfigurationSetSendingEnabledOutput, error) {
	err := s.changeSet(ctx, call, in.ConfigurationSetName, func(_ *store.Tx, _ aws.ARN, row *set) error {
		row.Paused = !in.Enabled
		return nil
	})
	return &api.UpdateConfigurationSetSendingEnabledOutput{}, err
}
