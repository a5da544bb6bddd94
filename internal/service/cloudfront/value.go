package cloudfront

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	api "github.com/aloft-cloud/aloft/internal/api/cloudfront"
	"github.com/aloft-cloud/aloft/internal/api/s3"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/dispatch"
	"github.com/aloft-cloud/aloft/internal/service"
	"github.com/aloft-cloud/aloft/internal/store"
)

func itoa(n int) string { return strconv.Itoa(n) }

// A valueStore is a key value store. Its values are rows of their own; changes of
// these have a version of theirs, and held has that of the rest.
type valueStore struct {
	Name, Comment string
	Count         int32
	Size          int64 // bytes of keys and values
	Version       string
	Modified      time.Time
}

var values = store.NewTable[valueKey, string]("cloudfront.value")

type valueKey struct {
	Of  aws.ARN
	Key string
}

// Limits of key value stores.
const (
	maxValues = 5 << 20
	maxKey    = 512
	maxValue  = 1 << 10
)

func (s *Service) storeOperations() []service.Operation {
	return []service.Operation{
		service.Op(api.CreateKeyValueStore, s.CreateKeyValueStore, anyOf[api.CreateKeyValueStoreInput]("key-value-store")),
		service.Op(api.DescribeKeyValueStore, s.DescribeKeyValueStore, anyOf[api.DescribeKeyValueStoreInput]("key-value-store")),
		service.Op(api.UpdateKeyValueStore, s.UpdateKeyValueStore, anyOf[api.UpdateKeyValueStoreInput]("key-value-store")),
		service.Op(api.DeleteKeyValueStore, s.DeleteKeyValueStore, anyOf[api.DeleteKeyValueStoreInput]("key-value-store")),
		service.Op(api.ListKeyValueStores, s.ListKeyValueStores, service.Any),
	}
}

func describeStore(arn aws.ARN, h *held[valueStore]) *api.KeyValueStore {
	return &api.KeyValueStore{Name: h.Config.Name, Id: valueStores.id(arn), Comment: h.Config.Comment, ARN: arn.String(), Status: new("READY"), LastModifiedTime: h.Modified}
}

// CreateKeyValueStore makes a store, with the values that an object of S3 has.
func (s *Service) CreateKeyValueStore(ctx context.Context, call *aws.Call, in *api.CreateKeyValueStoreInput) (*api.CreateKeyValueStoreOutput, error) {
	h := held[valueStore]{Config: valueStore{Name: in.Name, Comment: aws.Value(in.Comment), Version: newID("E"), Modified: now()}}
	var first []change
	var err error
	if in.Tags != nil {
		if h.Tags, err = s.tags().With("", nil, tagMap(in.Tags.Items)); err != nil {
			return nil, err
		}
	}
	if in.ImportSource != nil {
		if first, err = s.imported(ctx, call, in.ImportSource.SourceARN); err != nil {
			return nil, err
		}
	}
	arn, h, err := valueStores.create(ctx, s, call, h, func(tx *store.Tx, arn aws.ARN, h *held[valueStore]) error {
		err := h.Config.apply(tx, arn, first)
		if errors.Is(err, errTooLarge) {
			return api.EntitySizeLimitExceeded.Errorf("The import source is not valid: %s.", err)
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	return &api.CreateKeyValueStoreOutput{KeyValueStore: describeStore(arn, &h), ETag: &h.Version, Location: new(location + arn.Resource)}, nil
}

// imported reads the values that an object of S3 has, as the caller may.
func (s *Service) imported(ctx context.Context, call *aws.Call, source string) ([]change, error) {
	arn, err := aws.ParseARN(source)
	bucket, key, ok := strings.Cut(arn.Resource, "/")
	if err != nil || arn.Service != "s3" || !ok {
		return nil, api.InvalidArgument.Errorf("The import source is not the ARN of an object in Amazon S3.")
	}
	object, err := dispatch.CallChecked(ctx, s.cfg.Table, call.Through("cloudfront"), s3.GetObject, &s3.GetObjectInput{Bucket: bucket, Key: key})
	if err != nil {
		return nil, api.InvalidArgument.Errorf("The import source cannot be read: %s", aws.Refusal(err).Message)
	}
	body := readCloser(object.Body)
	defer body.Close()
	text, err := io.ReadAll(io.LimitReader(body, 2*maxValues))
	if err != nil {
		return nil, err
	}
	var in struct {
		Data []struct{ Key, Value *string }
	}
	if err := json.Unmarshal(text, &in); err != nil {
		return nil, api.InvalidArgument.Errorf("The import source is not valid JSON of key value pairs.")
	}
	var all []change
	for _, pair := range in.Data {
		if pair.Key == nil || pair.Value == nil {
			return nil, api.InvalidArgument.Errorf("The import source has an element without a key or a value.")
		}
		all = append(all, change{*pair.Key, pair.Value})
	}
	return all, nil
}

// storeNamed finds a store of the caller's by its name.
func (s *Service) storeNamed(ctx context.Context, call *aws.Call, name string) (id string, h held[valueStore], err error) {
	err = s.db.View(ctx, func(tx *store.Tx) error {
		for arn, of := range valueStores.rows.Scan(tx, global(call, "")) {
			if of.Config.Name == name {
				id, h = valueStores.id(arn), of
				return nil
			}
		}
		if err := tx.Err(); err != nil {
			return err
		}
		return valueStores.missing.Errorf("The specified key value store does not exist.")
	})
	return id, h, err
}

// DescribeKeyValueStore tells of a store.
func (s *Service) DescribeKeyValueStore(ctx context.Context, call *aws.Call, in *api.DescribeKeyValueStoreInput) (*api.DescribeKeyValueStoreOutput, error) {
	id, h, err := s.storeNamed(ctx, call, in.Name)
	if err != nil {
		return nil, err
	}
	return &api.DescribeKeyValueStoreOutput{KeyValueStore: describeStore(valueStores.arn(call, id), &h), ETag: &h.Version}, nil
}

// UpdateKeyValueStore changes the comment of a store.
func (s *Service) UpdateKeyValueStore(ctx context.Context, call *aws.Call, in *api.UpdateKeyValueStoreInput) (*api.UpdateKeyValueStoreOutput, error) {
	id, _, err := s.storeNamed(ctx, call, in.Name)
	if err != nil {
		return nil, err
	}
	arn, h, err := valueStores.update(ctx, s, call, id, in.IfMatch, valueStore{}, func(_ *store.Tx, _ aws.ARN, was *held[valueStore], is *valueStore) error {
		*is = was.Config
		is.Comment = in.Comment
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &api.UpdateKeyValueStoreOutput{KeyValueStore: describeStore(arn, &h), ETag: &h.Version}, nil
}

// DeleteKeyValueStore removes a store that no function reads, and its values.
func (s *Service) DeleteKeyValueStore(ctx context.Context, call *aws.Call, in *api.DeleteKeyValueStoreInput) (*api.DeleteKeyValueStoreOutput, error) {
	id, _, err := s.storeNamed(ctx, call, in.Name)
	if err != nil {
		return nil, err
	}
	return &api.DeleteKeyValueStoreOutput{}, valueStores.remove(ctx, s, call, id, in.IfMatch, func(tx *store.Tx, arn aws.ARN, _ *held[valueStore]) error {
		for _, f := range scripts.rows.Scan(tx, global(call, "")) {
			for _, name := range append(storesOf(&f.Config.Config), f.Config.liveStores()...) {
				if name == arn.String() {
					return api.CannotDeleteEntityWhileInUse.Errorf("The key value store is in use by a function.")
				}
			}
		}
		if err := tx.Err(); err != nil {
			return err
		}
		return values.DeletePrefix(tx, valueKey{Of: arn})
	})
}

func (f *script) liveStores() []string {
	if f.Live == nil {
		return nil
	}
	return storesOf(&f.Live.Config)
}

// ListKeyValueStores lists the stores of an account.
func (s *Service) ListKeyValueStores(ctx context.Context, call *aws.Call, in *api.ListKeyValueStoresInput) (*api.ListKeyValueStoresOutput, error) {
	if status := aws.Value(in.Status); status != "" && status != "READY" {
		return &api.ListKeyValueStoresOutput{KeyValueStoreList: &api.KeyValueStoreList{MaxItems: pageSize, Items: []api.KeyValueStore{}}}, nil
	}
	p, err := pageOf(ctx, s, valueStores, call, in.GetMarker(), in.GetMaxItems(), func(arn aws.ARN, h *held[valueStore]) api.KeyValueStore { return *describeStore(arn, h) })
	if err != nil {
		return nil, err
	}
	return &api.ListKeyValueStoresOutput{KeyValueStoreList: &api.KeyValueStoreList{NextMarker: p.Next, MaxItems: p.MaxItems, Quantity: p.quantity(), Items: p.Items}}, nil
}

// A change is a value that a key is to have; nil deletes it.
type change struct {
	key   string
	value *string
}

// Errors of changes that cannot be: all are errTooLarge.
var (
	errTooLarge = errors.New("too large")
	errKey      = fmt.Errorf("%w: a key must have 1 to %d bytes", errTooLarge, maxKey)
	errValue    = fmt.Errorf("%w: a value can have at most %d bytes", errTooLarge, maxValue)
	errRoom     = fmt.Errorf("%w: the key value store can have at most %d bytes", errTooLarge, maxValues)
)

// apply changes values, and counts them.
func (v *valueStore) apply(tx *store.Tx, arn aws.ARN, changes []change) error {
	for _, c := range changes {
		if len(c.key) == 0 || len(c.key) > maxKey {
			return errKey
		}
		at := valueKey{arn, c.key}
		old, err := values.Get(tx, at)
		if err == nil {
			v.Count--
			v.Size -= int64(len(c.key) + len(old))
		} else if !errors.Is(err, store.ErrNotFound) {
			return err
		}
		if c.value == nil {
			if err := values.Delete(tx, at); err != nil {
				return err
			}
			continue
		}
		if len(*c.value) > maxValue {
			return errValue
		}
		v.Count++
		v.Size += int64(len(c.key) + len(*c.value))
		if err := values.Put(tx, at, *c.value); err != nil {
			return err
		}
	}
	if v.Size > maxValues {
		return errRoom
	}
	return nil
}

// Value returns the value of a key of a store, which its ARN names.
func (s *Service) Value(ctx context.Context, of, key string) (value string, found bool, err error) {
	arn, err := aws.ParseARN(of)
	if err != nil {
		return "", false, err
	}
	err = s.db.View(ctx, func(tx *store.Tx) error {
		value, err = values.Get(tx, valueKey{arn, key})
		found = err == nil
		if errors.Is(err, store.ErrNotFound) {
			return nil
		}
		return err
	})
	return value, found, err
}

// Meta tells functions of a store, which its ARN names.
func (s *Service) Meta(ctx context.Context, of string) (json.RawMessage, error) {
	arn, err := aws.ParseARN(of)
	if err != nil {
		return nil, err
	}
	var h held[valueStore]
	err = s.db.View(ctx, func(tx *store.Tx) error {
		h, err = valueStores.rows.Get(tx, arn)
		return err
	})
	if err != nil {
		return nil, err
	}
	return json.Marshal(map[string]any{"creationDateTime": h.Created, "lastUpdatedDateTime": h.Config.Modified, "keyCount": h.Config.Count})
}
