package cloudfront

import (
	"context"
	"encoding/base64"
	"errors"

	api "github.com/aloft-cloud/aloft/internal/api/cloudfront"
	kvs "github.com/aloft-cloud/aloft/internal/api/cloudfront-keyvaluestore"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/service"
	"github.com/aloft-cloud/aloft/internal/store"
)

const (
	maxChanges   = 50
	maxChangeLen = 3 << 20 // bytes of one UpdateKeys
	usualValues  = 10      // of a page
)

// Values is the service of what key value stores hold.
func (s *Service) Values() service.Definition {
	return service.Definition{API: kvs.API, Operations: []service.Operation{
		service.Op(kvs.DescribeKeyValueStore, s.DescribeValues, storeARN),
		service.Op(kvs.GetKey, s.GetKey, storeARN),
		service.Op(kvs.PutKey, s.PutKey, storeARN),
		service.Op(kvs.DeleteKey, s.DeleteKey, storeARN),
		service.Op(kvs.UpdateKeys, s.UpdateKeys, storeARN),
		service.Op(kvs.ListKeys, s.ListKeys, storeARN),
	}}
}

func storeARN[In any, P interface {
	*In
	GetKvsARN() string
}](_ *aws.Call, in *In) aws.ARN {
	return service.Named(P(in).GetKvsARN())
}

// findValues returns the store of an ARN.
func findValues(tx *store.Tx, call *aws.Call, of string) (aws.ARN, held[valueStore], error) {
	arn, err := aws.ParseARN(of)
	if err != nil || arn.Service != "cloudfront" || arn.Account != call.Account {
		return arn, held[valueStore]{}, kvs.ResourceNotFoundException.Errorf("The specified key value store does not exist.")
	}
	arn, h, err := valueStores.find(tx, call, valueStores.id(arn))
	if errors.Is(err, api.EntityNotFound) {
		err = kvs.ResourceNotFoundException.Errorf("The specified key value store does not exist.")
	}
	return arn, h, err
}

func (s *Service) viewValues(ctx context.Context, call *aws.Call, of string, view func(tx *store.Tx, arn aws.ARN, h *held[valueStore]) error) error {
	return s.db.View(ctx, func(tx *store.Tx) error {
		arn, h, err := findValues(tx, call, of)
		if err != nil {
			return err
		}
		return view(tx, arn, &h)
	})
}

// DescribeValues tells of what a store holds: it is DescribeKeyValueStore of the
// service of values.
func (s *Service) DescribeValues(ctx context.Context, call *aws.Call, in *kvs.DescribeKeyValueStoreInput) (out *kvs.DescribeKeyValueStoreOutput, err error) {
	err = s.viewValues(ctx, call, in.KvsARN, func(_ *store.Tx, arn aws.ARN, h *held[valueStore]) error {
		out = &kvs.DescribeKeyValueStoreOutput{
			KvsARN: arn.String(), Created: h.Created, LastModified: &h.Config.Modified, Status: new("READY"), ETag: h.Config.Version,
			ItemCount: h.Config.Count, TotalSizeInBytes: h.Config.Size,
		}
		return nil
	})
	return out, err
}

// GetKey returns the value of a key.
func (s *Service) GetKey(ctx context.Context, call *aws.Call, in *kvs.GetKeyInput) (out *kvs.GetKeyOutput, err error) {
	err = s.viewValues(ctx, call, in.KvsARN, func(tx *store.Tx, arn aws.ARN, h *held[valueStore]) error {
		value, err := values.Get(tx, valueKey{arn, in.Key})
		if errors.Is(err, store.ErrNotFound) {
			return errNoKey(in.Key)
		}
		out = &kvs.GetKeyOutput{Key: in.Key, Value: value, ItemCount: h.Config.Count, TotalSizeInBytes: h.Config.Size}
		return err
	})
	return out, err
}

func errNoKey(key string) error {
	return kvs.ResourceNotFoundException.Errorf("Key %s was not found.", key)
}

// ListKeys returns a page of keys and values.
func (s *Service) ListKeys(ctx context.Context, call *aws.Call, in *kvs.ListKeysInput) (out *kvs.ListKeysOutput, err error) {
	after, err := base64.RawURLEncoding.DecodeString(aws.Value(in.NextToken))
	if err != nil {
		return nil, kvs.ValidationException.Errorf("The NextToken is not valid.")
	}
	most := int(aws.Or(in.MaxResults, usualValues))
	err = s.viewValues(ctx, call, in.KvsARN, func(tx *store.Tx, arn aws.ARN, _ *held[valueStore]) error {
		out = &kvs.ListKeysOutput{Items: []kvs.ListKeysResponseListItem{}}
		for at, value := range values.ScanAfter(tx, valueKey{Of: arn}, valueKey{arn, string(after)}) {
			if n := len(out.Items); n == most {
				out.NextToken = new(base64.RawURLEncoding.EncodeToString([]byte(out.Items[n-1].Key)))
				break
			}
			out.Items = append(out.Items, kvs.ListKeysResponseListItem{Key: at.Key, Value: value})
		}
		return tx.Err()
	})
	return out, err
}

// changeValues changes values of a store, of the version that the caller knows.
func (s *Service) changeValues(ctx context.Context, call *aws.Call, of, match string, changes []change, check func(tx *store.Tx, arn aws.ARN) error) (is valueStore, err error) {
	err = s.db.Update(ctx, func(tx *store.Tx) error {
		arn, h, err := findValues(tx, call, of)
		if err != nil {
			return err
		}
		if checkVersion(h.Config.Version, match) != nil {
			return kvs.ConflictException.Errorf("The If-Match version does not match the current version of the key value store.")
		}
		if check != nil {
			if err := check(tx, arn); err != nil {
				return err
			}
		}
		switch err := h.Config.apply(tx, arn, changes); {
		case errors.Is(err, errRoom):
			return kvs.ServiceQuotaExceededException.Errorf("%s", err)
		case errors.Is(err, errTooLarge):
			return kvs.ValidationException.Errorf("%s", err)
		case err != nil:
			return err
		}
		h.Config.Version, h.Config.Modified = newID("E"), now()
		is = h.Config
		return valueStores.rows.Put(tx, arn, h)
	})
	return is, err
}

// PutKey gives a key a value.
func (s *Service) PutKey(ctx context.Context, call *aws.Call, in *kvs.PutKeyInput) (*kvs.PutKeyOutput, error) {
	is, err := s.changeValues(ctx, call, in.KvsARN, in.IfMatch, []change{{in.Key, &in.Value}}, nil)
	return &kvs.PutKeyOutput{ETag: is.Version, ItemCount: is.Count, TotalSizeInBytes: is.Size}, err
}

// DeleteKey takes a key away.
func (s *Service) DeleteKey(ctx context.Context, call *aws.Call, in *kvs.DeleteKeyInput) (*kvs.DeleteKeyOutput, error) {
	is, err := s.changeValues(ctx, call, in.KvsARN, in.IfMatch, []change{{in.Key, nil}}, func(tx *store.Tx, arn aws.ARN) error {
		_, err := values.Get(tx, valueKey{arn, in.Key})
		if errors.Is(err, store.ErrNotFound) {
			return errNoKey(in.Key)
		}
		return err
	})
	return &kvs.DeleteKeyOutput{ETag: is.Version, ItemCount: is.Count, TotalSizeInBytes: is.Size}, err
}

// UpdateKeys puts and deletes several keys, or none.
func (s *Service) UpdateKeys(ctx context.Context, call *aws.Call, in *kvs.UpdateKeysInput) (*kvs.UpdateKeysOutput, error) {
	var changes []change
	seen, size := make(map[string]bool), 0
	for i := range in.Puts {
		changes = append(changes, change{in.Puts[i].Key, &in.Puts[i].Value})
		size += len(in.Puts[i].Key) + len(in.Puts[i].Value)
	}
	for _, d := range in.Deletes {
		changes = append(changes, change{d.Key, nil})
	}
	for _, c := range changes {
		if seen[c.key] {
			return nil, kvs.ValidationException.Errorf("The key %s is more than once in the request.", c.key)
		}
		seen[c.key] = true
	}
	if len(changes) > maxChanges || size > maxChangeLen {
		return nil, kvs.ValidationException.Errorf("A request can change at most %d keys, and have at most %d bytes.", maxChanges, maxChangeLen)
	}
	is, err := s.changeValues(ctx, call, in.KvsARN, in.IfMatch, changes, nil)
	return &kvs.UpdateKeysOutput{ETag: is.Version, ItemCount: is.Count, TotalSizeInBytes: is.Size}, err
}
