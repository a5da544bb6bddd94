package apigateway

import (
	"context"
	"errors"
	"strings"

	api "github.com/aloft-cloud/aloft/internal/api/apigateway"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/store"
)

// accounts are what accounts have set for all their APIs in a region.
var accounts = store.NewTable[aws.ARN, accountRow]("apigateway.account")

type accountRow struct{ Role *string }

// How many requests the APIs of an account take, each second and at once.
const (
	accountRate  = 10_000
	accountBurst = 5_000
)

func (r *accountRow) shown() *api.Account {
	return &api.Account{
		CloudwatchRoleArn: r.Role, Features: []string{"UsagePlans"}, ApiKeyVersion: new("4"),
		ThrottleSettings: &api.ThrottleSettings{BurstLimit: new(int32(accountBurst)), RateLimit: new(float64(accountRate))},
	}
}

func findAccount(tx *store.Tx, call *aws.Call) (aws.ARN, accountRow, error) {
	arn := call.ARN("apigateway", "/account")
	row, err := accounts.Get(tx, arn)
	if errors.Is(err, store.ErrNotFound) {
		err = nil
	}
	return arn, row, err
}

// GetAccount returns what an account has set for all its APIs.
func (s *Service) GetAccount(ctx context.Context, call *aws.Call, _ *api.GetAccountInput) (*api.Account, error) {
	var row accountRow
	err := s.db.View(ctx, func(tx *store.Tx) (err error) {
		_, row, err = findAccount(tx, call)
		return err
	})
	if err != nil {
		return nil, err
	}
	return row.shown(), nil
}

// UpdateAccount sets the role with which logs are written.
func (s *Service) UpdateAccount(ctx context.Context, call *aws.Call, in *api.UpdateAccountInput) (*api.Account, error) {
	var row accountRow
	err := s.db.Update(ctx, func(tx *store.Tx) error {
		arn, found, err := findAccount(tx, call)
		if err != nil {
			return err
		}
		row = found
		err = apply(in.PatchOperations, func(c *change) error {
			switch {
			case c.path == "/features" && c.op != opReplace:
			case c.path != "/cloudwatchRoleArn" || c.op == opAdd:
				return errBad("Invalid patch path  '%s' specified for op '%s'. Must be one of: [/cloudwatchRoleArn, /features]", c.path, c.op)
			case c.value == "":
				row.Role = nil
			case !strings.HasPrefix(c.value, "arn:aws:iam::"):
				return errBad("The role ARN does not have required permissions configured. Please grant trust permission for API Gateway and add the required role policy.")
			default:
				row.Role = &c.value
			}
			return nil
		})
		if err != nil {
			return err
		}
		return accounts.Put(tx, arn, row)
	})
	if err != nil {
		return nil, err
	}
	return row.shown(), nil
}
