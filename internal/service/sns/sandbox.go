package sns

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"errors"
	"fmt"
	"math/big"
	"time"

	api "github.com/aloft-cloud/aloft/internal/api/sns"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/event"
	"github.com/aloft-cloud/aloft/internal/store"
)

const (
	maxTried      = 10             // numbers that an account may try in the sandbox
	passwordLasts = 24 * time.Hour // as a password may be used for
)

// A tried number is one that an account says it may write to in the sandbox.
type tried struct {
	Password string `json:",omitempty"` // that verifies it; "": it is verified
	Sent     time.Time
}

func (t *tried) status() string {
	if t.Password != "" {
		return api.SMSSandboxPhoneNumberVerificationStatusPending
	}
	return api.SMSSandboxPhoneNumberVerificationStatusVerified
}

// newPassword makes a password of six digits.
func newPassword() (string, error) {
	n, err := rand.Int(rand.Reader, big.NewInt(1_000_000))
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("%06d", n), nil
}

// CreateSMSSandboxPhoneNumber sends a number the password that verifies it.
func (s *Service) CreateSMSSandboxPhoneNumber(ctx context.Context, call *aws.Call, in *api.CreateSMSSandboxPhoneNumberInput) (*api.CreateSMSSandboxPhoneNumberOutput, error) {
	if err := checkNumber(in.PhoneNumber); err != nil {
		return nil, err
	}
	password, err := newPassword()
	if err != nil {
		return nil, err
	}
	source := call.ARN("sns", "sms")
	key := optedOutKey{call.Account, call.Region, in.PhoneNumber}
	err = s.db.Update(ctx, func(tx *store.Tx) error {
		out, err := optedOut.Has(tx, key)
		if err != nil {
			return err
		}
		if out {
			return api.OptedOutException.Errorf("The phone number %s has opted out of receiving SMS messages from your account.", in.PhoneNumber)
		}
		count, there := 0, false
		for other := range sandbox.Scan(tx, optedOutKey{Account: call.Account, Region: call.Region}) {
			count, there = count+1, there || other == key
		}
		if !there && count >= maxTried {
			return api.UserErrorException.Errorf("The maximum number of %d phone numbers in the SMS sandbox is reached.", maxTried)
		}
		if err := sandbox.Put(tx, key, tried{password, time.Now()}); err != nil {
			return err
		}
		return s.router.Send(tx, event.Delivery{
			Source: source, Target: source, Line: in.PhoneNumber, Body: []byte("Your verification code is " + password + "."),
			Params: map[string]string{event.Protocol: event.SMS, event.To: in.PhoneNumber, event.MessageID: aws.NewRequestID()},
			Retry:  event.Retry{MaxAge: time.Hour},
		})
	})
	if err != nil {
		return nil, err
	}
	return &api.CreateSMSSandboxPhoneNumberOutput{}, nil
}

// VerifySMSSandboxPhoneNumber verifies a number by the password that it was sent.
func (s *Service) VerifySMSSandboxPhoneNumber(ctx context.Context, call *aws.Call, in *api.VerifySMSSandboxPhoneNumberInput) (*api.VerifySMSSandboxPhoneNumberOutput, error) {
	key := optedOutKey{call.Account, call.Region, in.PhoneNumber}
	err := s.db.Update(ctx, func(tx *store.Tx) error {
		row, err := findTried(tx, key)
		if err != nil || row.Password == "" {
			return err
		}
		if time.Since(row.Sent) > passwordLasts || subtle.ConstantTimeCompare([]byte(row.Password), []byte(in.OneTimePassword)) != 1 {
			return errWrongPassword
		}
		return sandbox.Put(tx, key, tried{Sent: row.Sent})
	})
	if err != nil {
		return nil, err
	}
	return &api.VerifySMSSandboxPhoneNumberOutput{}, nil
}

var errWrongPassword = api.VerificationException.With(&api.VerificationExceptionDetail{}, "The one-time password (OTP) is not valid for the phone number.")

func findTried(tx *store.Tx, key optedOutKey) (tried, error) {
	row, err := sandbox.Get(tx, key)
	if errors.Is(err, store.ErrNotFound) {
		return row, api.ResourceNotFoundException.Errorf("The phone number %s is not in the SMS sandbox of your account.", key.Number)
	}
	return row, err
}

// DeleteSMSSandboxPhoneNumber forgets a number.
func (s *Service) DeleteSMSSandboxPhoneNumber(ctx context.Context, call *aws.Call, in *api.DeleteSMSSandboxPhoneNumberInput) (*api.DeleteSMSSandboxPhoneNumberOutput, error) {
	key := optedOutKey{call.Account, call.Region, in.PhoneNumber}
	err := s.db.Update(ctx, func(tx *store.Tx) error {
		if _, err := findTried(tx, key); err != nil {
			return err
		}
		return sandbox.Delete(tx, key)
	})
	if err != nil {
		return nil, err
	}
	return &api.DeleteSMSSandboxPhoneNumberOutput{}, nil
}

// ListSMSSandboxPhoneNumbers lists the numbers of the sandbox.
func (s *Service) ListSMSSandboxPhoneNumbers(ctx context.Context, call *aws.Call, in *api.ListSMSSandboxPhoneNumbersInput) (*api.ListSMSSandboxPhoneNumbersOutput, error) {
	out := &api.ListSMSSandboxPhoneNumbersOutput{PhoneNumbers: []api.SMSSandboxPhoneNumber{}}
	var err error
	out.NextToken, err = listed(in.NextToken, func(after string, add func(string, func()) bool) error {
		return s.db.View(ctx, func(tx *store.Tx) error {
			of := optedOutKey{Account: call.Account, Region: call.Region}
			for key, row := range sandbox.ScanAfter(tx, of, optedOutKey{of.Account, of.Region, after}) {
				show := func() {
					out.PhoneNumbers = append(out.PhoneNumbers, api.SMSSandboxPhoneNumber{PhoneNumber: new(key.Number), Status: new(row.status())})
				}
				if !add(key.Number, show) {
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

// GetSMSSandboxAccountStatus says that an account may write to all numbers.
func (s *Service) GetSMSSandboxAccountStatus(context.Context, *aws.Call, *api.GetSMSSandboxAccountStatusInput) (*api.GetSMSSandboxAccountStatusOutput, error) {
	return &api.GetSMSSandboxAccountStatusOutput{IsInSandbox: false}, nil
}

// ListOriginationNumbers lists the numbers that texts come from: there are none.
func (s *Service) ListOriginationNumbers(context.Context, *aws.Call, *api.ListOriginationNumbersInput) (*api.ListOriginationNumbersOutput, error) {
	return &api.ListOriginationNumbersOutput{PhoneNumbers: []api.PhoneNumberInformation{}}, nil
}
