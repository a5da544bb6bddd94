package cloudfront

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"slices"

	api "github.com/aloft-cloud/aloft/internal/api/cloudfront"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/service"
	"github.com/aloft-cloud/aloft/internal/store"
)

func (s *Service) publicKeyOperations() []service.Operation {
	type one = made[api.PublicKeyConfig]
	k := &shelf[api.PublicKeyConfig]{Service: s, kind: publicKeys, check: checkKey, free: keyFree}
	whole := func(m one) *api.PublicKey {
		return &api.PublicKey{Id: m.id, CreatedTime: m.Created, PublicKeyConfig: &m.Config}
	}
	return []service.Operation{
		creates(k, api.CreatePublicKey, func(in *api.CreatePublicKeyInput) *api.PublicKeyConfig { return in.PublicKeyConfig }, func(m one) *api.CreatePublicKeyOutput {
			return &api.CreatePublicKeyOutput{PublicKey: whole(m), ETag: m.etag(), Location: m.location()}
		}),
		gets(k, api.GetPublicKey, func(m one) *api.GetPublicKeyOutput {
			return &api.GetPublicKeyOutput{PublicKey: whole(m), ETag: m.etag()}
		}),
		gets(k, api.GetPublicKeyConfig, func(m one) *api.GetPublicKeyConfigOutput {
			return &api.GetPublicKeyConfigOutput{PublicKeyConfig: &m.Config, ETag: m.etag()}
		}),
		updates(k, api.UpdatePublicKey, func(in *api.UpdatePublicKeyInput) *api.PublicKeyConfig { return in.PublicKeyConfig }, func(m one) *api.UpdatePublicKeyOutput {
			return &api.UpdatePublicKeyOutput{PublicKey: whole(m), ETag: m.etag()}
		}),
		deletes(k, api.DeletePublicKey),
		lists(k, api.ListPublicKeys, every, func(m one) api.PublicKeySummary {
			return api.PublicKeySummary{Id: m.id, Name: m.Config.Name, CreatedTime: m.Created, EncodedKey: m.Config.EncodedKey, Comment: m.Config.Comment}
		}, func(p *page[api.PublicKeySummary]) *api.ListPublicKeysOutput {
			return &api.ListPublicKeysOutput{PublicKeyList: &api.PublicKeyList{NextMarker: p.Next, MaxItems: p.MaxItems, Quantity: p.quantity(), Items: p.Items}}
		}),
	}
}

// parseKey reads a key that signs URLs: RSA of 2048 bits, or ECDSA of P-256.
func parseKey(text string) (any, error) {
	block, _ := pem.Decode([]byte(text))
	if block == nil {
		return nil, errors.New("no PEM")
	}
	key, err := x509.ParsePKIXPublicKey(block.Bytes)
	if err != nil {
		return nil, err
	}
	switch key := key.(type) {
	case *rsa.PublicKey:
		if key.N.BitLen() == 2048 {
			return key, nil
		}
	case *ecdsa.PublicKey:
		if key.Curve == elliptic.P256() {
			return key, nil
		}
	}
	return nil, errors.New("no key of a kind that signs")
}

// checkKey refuses a public key that is none, or not the one that it was.
func checkKey(_ *store.Tx, _ *aws.Call, is, was *api.PublicKeyConfig) error {
	if _, err := parseKey(is.EncodedKey); err != nil {
		return api.InvalidArgument.Errorf("Your request contains empty/invalid/out of limits RSA Encoded Key")
	}
	if was != nil && (is.EncodedKey != was.EncodedKey || is.Name != was.Name || is.CallerReference != was.CallerReference) {
		return api.CannotChangeImmutablePublicKeyFields.Errorf("You can't change the value of a public key.")
	}
	return nil
}

// keyFree refuses to delete a public key that a group has.
func keyFree(tx *store.Tx, call *aws.Call, id string) error {
	for _, g := range keyGroups.rows.Scan(tx, global(call, "")) {
		if slices.Contains(g.Config.Items, id) {
			return api.PublicKeyInUse.Errorf("The specified public key is in use.")
		}
	}
	return tx.Err()
}

func (s *Service) keyGroupOperations() []service.Operation {
	type one = made[api.KeyGroupConfig]
	k := &shelf[api.KeyGroupConfig]{Service: s, kind: keyGroups, check: checkGroup, free: groupFree}
	whole := func(m one) *api.KeyGroup {
		return &api.KeyGroup{Id: m.id, LastModifiedTime: m.Modified, KeyGroupConfig: &m.Config}
	}
	return []service.Operation{
		creates(k, api.CreateKeyGroup, func(in *api.CreateKeyGroupInput) *api.KeyGroupConfig { return in.KeyGroupConfig }, func(m one) *api.CreateKeyGroupOutput {
			return &api.CreateKeyGroupOutput{KeyGroup: whole(m), ETag: m.etag(), Location: m.location()}
		}),
		gets(k, api.GetKeyGroup, func(m one) *api.GetKeyGroupOutput {
			return &api.GetKeyGroupOutput{KeyGroup: whole(m), ETag: m.etag()}
		}),
		gets(k, api.GetKeyGroupConfig, func(m one) *api.GetKeyGroupConfigOutput {
			return &api.GetKeyGroupConfigOutput{KeyGroupConfig: &m.Config, ETag: m.etag()}
		}),
		updates(k, api.UpdateKeyGroup, func(in *api.UpdateKeyGroupInput) *api.KeyGroupConfig { return in.KeyGroupConfig }, func(m one) *api.UpdateKeyGroupOutput {
			return &api.UpdateKeyGroupOutput{KeyGroup: whole(m), ETag: m.etag()}
		}),
		deletes(k, api.DeleteKeyGroup),
		lists(k, api.ListKeyGroups, every, func(m one) api.KeyGroupSummary {
			return api.KeyGroupSummary{KeyGroup: whole(m)}
		}, func(p *page[api.KeyGroupSummary]) *api.ListKeyGroupsOutput {
			return &api.ListKeyGroupsOutput{KeyGroupList: &api.KeyGroupList{NextMarker: p.Next, MaxItems: p.MaxItems, Quantity: p.quantity(), Items: p.Items}}
		}),
	}
}

const maxGroupKeys = 5

// checkGroup refuses a group of keys that there are not.
func checkGroup(tx *store.Tx, call *aws.Call, is, _ *api.KeyGroupConfig) error {
	if len(is.Items) > maxGroupKeys {
		return api.TooManyPublicKeysInKeyGroup.Errorf("The number of public keys in this key group is more than the maximum allowed.")
	}
	for _, id := range is.Items {
		_, _, err := publicKeys.find(tx, call, id)
		if errors.Is(err, api.NoSuchPublicKey) {
			return api.InvalidArgument.Errorf("The following public keys do not exist: %s.", id)
		} else if err != nil {
			return err
		}
	}
	return nil
}

// trustedKeys are the keys that a behaviour trusts, by id.
func trustedKeys(tx *store.Tx, owner *aws.Call, b *api.CacheBehavior) (map[string]any, error) {
	if b.TrustedKeyGroups == nil {
		return nil, nil
	}
	all := make(map[string]any)
	for _, id := range b.TrustedKeyGroups.Items {
		_, g, err := keyGroups.find(tx, owner, id)
		if err != nil {
			return nil, err
		}
		for _, id := range g.Config.Items {
			_, k, err := publicKeys.find(tx, owner, id)
			if err != nil {
				return nil, err
			}
			if all[id], err = parseKey(k.Config.EncodedKey); err != nil {
				return nil, err
			}
		}
	}
	return all, nil
}

// groupFree refuses to delete a group that a behaviour trusts.
func groupFree(tx *store.Tx, call *aws.Call, id string) error {
	return checkUnused(tx, call, func(b *api.CacheBehavior) bool {
		return b.TrustedKeyGroups != nil && slices.Contains(b.TrustedKeyGroups.Items, id)
	},
		api.ResourceInUse.Errorf("Cannot delete this resource because it is in use."))
}
