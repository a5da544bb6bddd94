package kms

import (
	"context"
	"slices"
	"strings"
	"time"

	api "github.com/aloft-cloud/aloft/internal/api/kms"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/store"
)

// CreateKey makes a key.
func (s *Service) CreateKey(ctx context.Context, call *aws.Call, in *api.CreateKeyInput) (*api.CreateKeyOutput, error) {
	if origin := aws.Or(in.Origin, api.OriginTypeAwsKms); origin != api.OriginTypeAwsKms {
		return nil, aws.NotImplemented.Errorf("Aloft does not have keys of origin %s yet.", origin)
	}
	name, usage, err := chooseSpec(in)
	if err != nil {
		return nil, err
	}
	if err := checkTags(call, nil, in.Tags); err != nil {
		return nil, err
	}
	text := aws.Or(in.Policy, ownersPolicy(call.Account))
	if err := checkPolicy(text); err != nil {
		return nil, err
	}
	k := key{
		Spec: name, Usage: usage, Description: aws.Value(in.Description), State: api.KeyStateEnabled, Manager: api.KeyManagerTypeCustomer,
		Policy: text, Tags: in.Tags, Created: time.Now().UTC(),
	}
	id := aws.NewRequestID()
	if aws.Value(in.MultiRegion) {
		id, k.Primary = "mrk-"+newID(16), call.Region
	}
	if err := k.renew(""); err != nil {
		return nil, err
	}
	f := found{ARN: call.ARN("kms", keyKind+id), key: k}
	err = s.db.Update(ctx, func(tx *store.Tx) error { return s.put(tx, f.ARN, f.key) })
	if err != nil {
		return nil, err
	}
	return &api.CreateKeyOutput{KeyMetadata: f.metadata()}, nil
}

// renew gives k new material, for a reason.
func (k *key) renew(reason string) error {
	secret, err := newSecret(k.Spec)
	if err != nil {
		return err
	}
	k.Materials = append(k.Materials, material{ID: newID(32), Secret: secret, Since: time.Now().UTC(), Reason: reason})
	return nil
}

// metadata is what answers say of a key.
func (f *found) metadata() *api.KeyMetadata {
	s := specs[f.Spec]
	m := &api.KeyMetadata{
		AWSAccountId: &f.ARN.Account, KeyId: strings.TrimPrefix(f.ARN.Resource, keyKind), Arn: new(f.ARN.String()), CreationDate: &f.Created,
		Enabled: new(f.State == api.KeyStateEnabled), Description: &f.Description, KeyUsage: &f.Usage, KeyState: &f.State,
		Origin: new(api.OriginTypeAwsKms), KeyManager: &f.Manager, CustomerMasterKeySpec: &f.Spec, KeySpec: &f.Spec, MultiRegion: new(f.Primary != ""),
	}
	switch f.Usage {
	case api.KeyUsageTypeEncryptDecrypt:
		m.EncryptionAlgorithms = s.encryption
	case api.KeyUsageTypeSignVerify:
		m.SigningAlgorithms = s.signing
	case api.KeyUsageTypeGenerateVerifyMac:
		m.MacAlgorithms = s.mac
	case api.KeyUsageTypeKeyAgreement:
		m.KeyAgreementAlgorithms = []string{api.KeyAgreementAlgorithmSpecEcdh}
	}
	if f.Spec == symmetric {
		m.CurrentKeyMaterialId = &f.current().ID
	}
	if f.State == api.KeyStatePendingDeletion {
		m.DeletionDate = &f.Deletion
	}
	if f.Primary != "" {
		m.MultiRegionConfiguration = f.regions()
	}
	return m
}

// DescribeKey says what a key is.
func (s *Service) DescribeKey(ctx context.Context, call *aws.Call, in *api.DescribeKeyInput) (*api.DescribeKeyOutput, error) {
	f, err := s.find(ctx, call, in.KeyId)
	if err != nil {
		return nil, err
	}
	return &api.DescribeKeyOutput{KeyMetadata: f.metadata()}, nil
}

// ListKeys lists the keys of an account and region.
func (s *Service) ListKeys(ctx context.Context, call *aws.Call, in *api.ListKeysInput) (*api.ListKeysOutput, error) {
	out := &api.ListKeysOutput{Keys: []api.KeyListEntry{}}
	err := s.db.View(ctx, func(tx *store.Tx) error {
		var all []api.KeyListEntry
		for arn, row := range keys.Scan(tx, shelf(call)) {
			if !row.gone(time.Now()) {
				all = append(all, api.KeyListEntry{KeyId: new(strings.TrimPrefix(arn.Resource, keyKind)), KeyArn: new(arn.String())})
			}
		}
		var err error
		out.Keys, out.NextMarker, out.Truncated, err = page(all, in.Limit, in.Marker, 100, func(e *api.KeyListEntry) string { return *e.KeyId })
		return err
	})
	return out, err
}

// page cuts a part from what is to be listed, which is in the order of its
// names. A marker is the name that the part before ended with.
func page[T any](all []T, limit *int32, marker *string, usual int32, name func(*T) string) (part []T, next *string, more *bool, err error) {
	if marker != nil {
		i := slices.IndexFunc(all, func(e T) bool { return name(&e) == *marker })
		if i < 0 {
			return nil, nil, nil, api.InvalidMarkerException.Errorf("Could not deserialize marker '%s'", *marker)
		}
		all = all[i+1:]
	}
	n := int(aws.Or(limit, usual))
	if len(all) <= n {
		return append([]T{}, all...), nil, new(false), nil
	}
	return all[:n], new(name(&all[n-1])), new(true), nil
}

// EnableKey lets a key be used again.
func (s *Service) EnableKey(ctx context.Context, call *aws.Call, in *api.EnableKeyInput) (*api.EnableKeyOutput, error) {
	return &api.EnableKeyOutput{}, s.turn(ctx, call, in.KeyId, api.KeyStateEnabled)
}

// DisableKey keeps a key from being used.
func (s *Service) DisableKey(ctx context.Context, call *aws.Call, in *api.DisableKeyInput) (*api.DisableKeyOutput, error) {
	return &api.DisableKeyOutput{}, s.turn(ctx, call, in.KeyId, api.KeyStateDisabled)
}

func (s *Service) turn(ctx context.Context, call *aws.Call, id, state string) error {
	return s.change(ctx, call, id, func(_ *store.Tx, f *found) error {
		if f.State == api.KeyStatePendingDeletion {
			return errPending(f.ARN)
		}
		if f.State != state {
			f.State, f.Turned = state, time.Now()
		}
		return nil
	})
}

// UpdateKeyDescription changes what is said of a key.
func (s *Service) UpdateKeyDescription(ctx context.Context, call *aws.Call, in *api.UpdateKeyDescriptionInput) (*api.UpdateKeyDescriptionOutput, error) {
	return &api.UpdateKeyDescriptionOutput{}, s.change(ctx, call, in.KeyId, func(_ *store.Tx, f *found) error {
		if f.State == api.KeyStatePendingDeletion {
			return errPending(f.ARN)
		}
		f.Description = in.Description
		return nil
	})
}
