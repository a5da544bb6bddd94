package sns

import (
	"context"
	"errors"
	"maps"
	"regexp"
	"slices"
	"time"

	api "github.com/aloft-cloud/aloft/internal/api/sns"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/event"
	"github.com/aloft-cloud/aloft/internal/store"
)

type smsKey struct{ Account, Region string }

type optedOutKey struct{ Account, Region, Number string }

// smsAttributes are the settings of text messages, and what they may be.
var smsAttributes = map[string]*regexp.Regexp{
	"MonthlySpendLimit":                 regexp.MustCompile(`^\d+$`),
	"DeliveryStatusIAMRole":             regexp.MustCompile(`^arn:`),
	"DeliveryStatusSuccessSamplingRate": regexp.MustCompile(`^(100|\d{1,2})$`),
	"DefaultSenderID":                   regexp.MustCompile(`^[A-Za-z0-9-]{1,11}$`),
	"DefaultSMSType":                    regexp.MustCompile(`^(Promotional|Transactional)$`),
	"UsageReportS3Bucket":               regexp.MustCompile(`.`),
}

var hasLetter = regexp.MustCompile(`[A-Za-z]`)

// SetSMSAttributes changes the settings of text messages.
func (s *Service) SetSMSAttributes(ctx context.Context, call *aws.Call, in *api.SetSMSAttributesInput) (*api.SetSMSAttributesOutput, error) {
	for _, name := range slices.Sorted(maps.Keys(in.Attributes)) {
		form := smsAttributes[name]
		if form == nil {
			return nil, api.InvalidParameterException.Errorf("%s is not a valid attribute", name)
		}
		value := in.Attributes[name]
		if !form.MatchString(value) || name == "DefaultSenderID" && !hasLetter.MatchString(value) {
			return nil, api.InvalidParameterException.Errorf("%s is not a valid attribute", name)
		}
		if name == "DeliveryStatusIAMRole" || name == "UsageReportS3Bucket" {
			return nil, aws.NotImplemented.Errorf("Aloft does not report on text messages yet: %s cannot be set.", name)
		}
	}
	key := smsKey{call.Account, call.Region}
	err := s.db.Update(ctx, func(tx *store.Tx) error {
		all, err := smsSettings.Get(tx, key)
		if err != nil && !errors.Is(err, store.ErrNotFound) {
			return err
		}
		if all == nil {
			all = make(map[string]string)
		}
		maps.Copy(all, in.Attributes)
		return smsSettings.Put(tx, key, all)
	})
	if err != nil {
		return nil, err
	}
	return &api.SetSMSAttributesOutput{}, nil
}

// GetSMSAttributes returns the settings of text messages.
func (s *Service) GetSMSAttributes(ctx context.Context, call *aws.Call, in *api.GetSMSAttributesInput) (*api.GetSMSAttributesOutput, error) {
	all := map[string]string{"MonthlySpendLimit": "1"}
	err := s.db.View(ctx, func(tx *store.Tx) error {
		set, err := smsSettings.Get(tx, smsKey{call.Account, call.Region})
		maps.Copy(all, set)
		if errors.Is(err, store.ErrNotFound) {
			return nil
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	if len(in.Attributes) > 0 {
		maps.DeleteFunc(all, func(name, _ string) bool { return !slices.Contains(in.Attributes, name) })
	}
	return &api.GetSMSAttributesOutput{Attributes: all}, nil
}

var e164 = regexp.MustCompile(`^\+[1-9]\d{6,14}$`)

func checkNumber(number string) error {
	if !e164.MatchString(number) {
		return invalid("PhoneNumber Reason: input incorrectly formatted")
	}
	return nil
}

// CheckIfPhoneNumberIsOptedOut reports whether a number wants no messages.
func (s *Service) CheckIfPhoneNumberIsOptedOut(ctx context.Context, call *aws.Call, in *api.CheckIfPhoneNumberIsOptedOutInput) (*api.CheckIfPhoneNumberIsOptedOutOutput, error) {
	if err := checkNumber(in.PhoneNumber); err != nil {
		return nil, err
	}
	var out bool
	err := s.db.View(ctx, func(tx *store.Tx) (err error) {
		out, err = optedOut.Has(tx, optedOutKey{call.Account, call.Region, in.PhoneNumber})
		return err
	})
	if err != nil {
		return nil, err
	}
	return &api.CheckIfPhoneNumberIsOptedOutOutput{IsOptedOut: &out}, nil
}

// ListPhoneNumbersOptedOut lists the numbers that want no messages.
func (s *Service) ListPhoneNumbersOptedOut(ctx context.Context, call *aws.Call, in *api.ListPhoneNumbersOptedOutInput) (*api.ListPhoneNumbersOptedOutOutput, error) {
	out := &api.ListPhoneNumbersOptedOutOutput{PhoneNumbers: []string{}}
	var err error
	out.NextToken, err = listed(in.NextToken, func(after string, add func(string, func()) bool) error {
		return s.db.View(ctx, func(tx *store.Tx) error {
			of := optedOutKey{Account: call.Account, Region: call.Region}
			for key := range optedOut.ScanAfter(tx, of, optedOutKey{of.Account, of.Region, after}) {
				if !add(key.Number, func() { out.PhoneNumbers = append(out.PhoneNumbers, key.Number) }) {
					break
				}
			}
			return tx.Err()
		})
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// OptInPhoneNumber has a number get messages again.
func (s *Service) OptInPhoneNumber(ctx context.Context, call *aws.Call, in *api.OptInPhoneNumberInput) (*api.OptInPhoneNumberOutput, error) {
	if err := checkNumber(in.PhoneNumber); err != nil {
		return nil, err
	}
	err := s.db.Update(ctx, func(tx *store.Tx) error {
		return optedOut.Delete(tx, optedOutKey{call.Account, call.Region, in.PhoneNumber})
	})
	if err != nil {
		return nil, err
	}
	return &api.OptInPhoneNumberOutput{}, nil
}

// publishSMS sends a text message to a number.
func (s *Service) publishSMS(ctx context.Context, call *aws.Call, number string, e *entry) (*api.PublishOutput, error) {
	if !e164.MatchString(number) {
		return nil, invalid("PhoneNumber Reason: %s is not valid to publish to", number)
	}
	if err := checkEntry(nil, e); err != nil {
		return nil, err
	}
	source := call.ARN("sns", "sms")
	m := newMessage(source, e)
	err := s.db.Update(ctx, func(tx *store.Tx) error {
		out, err := optedOut.Has(tx, optedOutKey{call.Account, call.Region, number})
		if err != nil || out {
			return err // and nobody is told
		}
		return s.router.Send(tx, event.Delivery{
			Source: source, Target: source, Line: number, Body: []byte(m.text("sms")),
			Params: map[string]string{event.Protocol: "sms", event.To: number, event.MessageID: m.id},
			Retry:  event.Retry{MaxAge: 6 * time.Hour},
		})
	})
	if err != nil {
		return nil, err
	}
	return &api.PublishOutput{MessageId: &m.id}, nil
}
