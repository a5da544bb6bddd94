package apigateway

import (
	"context"
	"errors"
	"strings"

	api "github.com/aloft-cloud/aloft/internal/api/apigateway"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/store"
)

var (
	apiKeys   = store.NewTable[aws.ARN, api.ApiKey]("apigateway.key")
	keyValues = store.NewTable[aws.ARN, string]("apigateway.keyValue") // ids of keys by their values
)

func keyARN(call *aws.Call, id string) aws.ARN { return call.ARN("apigateway", "/apikeys/"+id) }

// valueARN is where the id of the key with a value is kept.
func valueARN(at aws.ARN, value string) aws.ARN {
	return aws.ARN{Service: "apigateway", Region: at.Region, Account: at.Account, Resource: value}
}

// maxKeyDescription is how long a description of a key may be.
const maxKeyDescription = 125000

func findKey(tx *store.Tx, call *aws.Call, id string) (aws.ARN, api.ApiKey, error) {
	arn := keyARN(call, id)
	row, err := apiKeys.Get(tx, arn)
	return arn, row, refused(err, "API Key")
}

// CreateApiKey makes a key for callers of APIs.
func (s *Service) CreateApiKey(ctx context.Context, call *aws.Call, in *api.CreateApiKeyInput) (*api.ApiKey, error) {
	row := api.ApiKey{
		Id: new(newID(10)), Value: in.Value, Name: in.Name, CustomerId: in.CustomerId, Description: in.Description, Enabled: new(aws.Value(in.Enabled)),
		CreatedDate: now(), LastUpdatedDate: now(), StageKeys: []string{}, Tags: in.Tags,
	}
	for _, k := range in.StageKeys {
		row.StageKeys = append(row.StageKeys, aws.Value(k.RestApiId)+"/"+aws.Value(k.StageName))
	}
	err := s.db.Update(ctx, func(tx *store.Tx) error { return s.addKey(tx, call, &row) })
	if err != nil {
		return nil, err
	}
	return &row, nil
}

func (s *Service) addKey(tx *store.Tx, call *aws.Call, row *api.ApiKey) error {
	if aws.Value(row.Value) == "" {
		row.Value = new(newID(40))
	}
	if err := checkKey(row); err != nil {
		return err
	}
	arn := keyARN(call, *row.Id)
	at := valueARN(arn, *row.Value)
	if found, err := keyValues.Has(tx, at); err != nil {
		return err
	} else if found {
		return api.ConflictException.Errorf("API Key already exists")
	}
	s.dropKeysAfter(tx)
	return errors.Join(keyValues.Put(tx, at, *row.Id), apiKeys.Put(tx, arn, *row))
}

func checkKey(row *api.ApiKey) error {
	switch {
	case len(*row.Value) > 128:
		return errBad("API Key value exceeds maximum size of 128 characters")
	case len(*row.Value) < 20:
		return errBad("API Key value should be at least 20 characters")
	case len(aws.Value(row.Description)) > maxKeyDescription:
		return errBad("Invalid API Key description specified.")
	}
	return nil
}

// dropKeysAfter has keys looked up anew once tx is kept.
func (s *Service) dropKeysAfter(tx *store.Tx) { tx.AfterCommit(s.keys.DropAll) }

// GetApiKey returns a key, and its value if that is asked for.
func (s *Service) GetApiKey(ctx context.Context, call *aws.Call, in *api.GetApiKeyInput) (*api.ApiKey, error) {
	var row api.ApiKey
	err := s.db.View(ctx, func(tx *store.Tx) (err error) {
		_, row, err = findKey(tx, call, in.ApiKey)
		return err
	})
	if err != nil {
		return nil, err
	}
	if !aws.Value(in.IncludeValue) {
		row.Value = nil
	}
	return &row, nil
}

// GetApiKeys lists the keys of an account.
func (s *Service) GetApiKeys(ctx context.Context, call *aws.Call, in *api.GetApiKeysInput) (*api.GetApiKeysOutput, error) {
	out := new(api.GetApiKeysOutput)
	err := s.db.View(ctx, func(tx *store.Tx) error {
		rows, position, err := listOf(tx, apiKeys, call, "/apikeys/", in.Limit, in.Position)
		out.Items, out.Position = []api.ApiKey{}, position
		for _, row := range rows {
			if in.NameQuery != nil && !strings.HasPrefix(aws.Value(row.Name), *in.NameQuery) || in.CustomerId != nil && aws.Value(row.CustomerId) != *in.CustomerId {
				continue
			}
			if !aws.Value(in.IncludeValues) {
				row.Value = nil
			}
			out.Items = append(out.Items, row)
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// UpdateApiKey changes a key.
func (s *Service) UpdateApiKey(ctx context.Context, call *aws.Call, in *api.UpdateApiKeyInput) (*api.ApiKey, error) {
	var row api.ApiKey
	err := s.db.Update(ctx, func(tx *store.Tx) error {
		arn, found, err := findKey(tx, call, in.ApiKey)
		if err != nil {
			return err
		}
		row = found
		err = apply(in.PatchOperations, func(c *change) error {
			switch c.path {
			case "/name":
				row.Name = c.text()
			case "/description":
				row.Description = c.text()
			case "/enabled":
				row.Enabled = c.truth()
			case "/customerId":
				row.CustomerId = c.text()
			case "/stages", "/labels":
				row.StageKeys = element(row.StageKeys, c, c.value)
			default:
				return errBad("Invalid patch path  '%s' specified for op '%s'. Must be one of: [/description, /enabled, /name, /customerId]", c.path, c.op)
			}
			return nil
		})
		if err != nil {
			return err
		}
		if err := checkKey(&row); err != nil {
			return err
		}
		row.LastUpdatedDate = now()
		s.dropKeysAfter(tx)
		return apiKeys.Put(tx, arn, row)
	})
	if err != nil {
		return nil, err
	}
	row.Value = nil
	if row.Tags == nil {
		row.Tags = make(map[string]string)
	}
	return &row, nil
}

// DeleteApiKey removes a key, from usage plans too.
func (s *Service) DeleteApiKey(ctx context.Context, call *aws.Call, in *api.DeleteApiKeyInput) (*api.DeleteApiKeyOutput, error) {
	err := s.db.Update(ctx, func(tx *store.Tx) error {
		arn, row, err := findKey(tx, call, in.ApiKey)
		if err != nil {
			return err
		}
		for key := range keyPlans.Scan(tx, memberKey{Of: arn}) {
			if err := planKeys.Delete(tx, memberKey{planARN(call, key.ID), in.ApiKey}); err != nil {
				return err
			}
		}
		s.dropKeysAfter(tx)
		return errors.Join(
			tx.Err(), keyPlans.DeletePrefix(tx, memberKey{Of: arn}),
			keyValues.Delete(tx, valueARN(arn, *row.Value)), apiKeys.Delete(tx, arn),
		)
	})
	if err != nil {
		return nil, err
	}
	return &api.DeleteApiKeyOutput{}, nil
}
