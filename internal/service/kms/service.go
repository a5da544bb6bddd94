package kms

import (
	"crypto/cipher"
	"sync/atomic"

	api "github.com/aloft-cloud/aloft/internal/api/kms"
	"github.com/aloft-cloud/aloft/internal/service"
	"github.com/aloft-cloud/aloft/internal/store"
	"github.com/aloft-cloud/aloft/internal/store/master"
	"github.com/aloft-cloud/aloft/internal/task"
)

// Service is KMS.
type Service struct {
	db     *store.DB
	epoch  atomic.Uint64               // changes with the policies of keys
	due    task.Bell                   // rung when a key may be due sooner
	master func() (cipher.AEAD, error) // the key that seals the material of keys
}

// New returns KMS over db. The material of its keys is sealed with the key in file.
func New(db *store.DB, file string) *Service {
	return &Service{db: db, due: task.NewBell(), master: master.Later(file)}
}

// Definition implements the contract in package service.
func (s *Service) Definition() service.Definition {
	return service.Definition{
		API:        api.API,
		Policy:     s.policyOf,
		Epoch:      s.epoch.Load,
		Tasks:      []task.Task{{Name: "kms/due", Run: s.runDue, Bell: s.due}},
		Operations: append(s.keyOperations(), s.useOperations()...),
	}
}

func (s *Service) keyOperations() []service.Operation {
	return []service.Operation{
		service.Op(api.CreateKey, s.CreateKey, service.Any).But("Material is made here: it is not imported, nor is it in custom key stores. Keys of Edwards curves, of secp256k1, of ML-DSA and of SM2 are refused."),
		onKey(s, api.DescribeKey, s.DescribeKey),
		service.Op(api.ListKeys, s.ListKeys, service.Any),
		onKey(s, api.EnableKey, s.EnableKey),
		onKey(s, api.DisableKey, s.DisableKey),
		onKey(s, api.UpdateKeyDescription, s.UpdateKeyDescription),
		onKey(s, api.ScheduleKeyDeletion, s.ScheduleKeyDeletion),
		onKey(s, api.CancelKeyDeletion, s.CancelKeyDeletion),
		onKey(s, api.ReplicateKey, s.ReplicateKey).But("A replica does not rotate with its primary."),

		service.OpEach(api.CreateAlias, s.CreateAlias, s.mayCreateAlias),
		service.OpEach(api.UpdateAlias, s.UpdateAlias, s.mayUpdateAlias),
		service.OpEach(api.DeleteAlias, s.DeleteAlias, s.mayDeleteAlias),
		service.Op(api.ListAliases, s.ListAliases, service.Any),

		onKey(s, api.EnableKeyRotation, s.EnableKeyRotation),
		onKey(s, api.DisableKeyRotation, s.DisableKeyRotation),
		onKey(s, api.GetKeyRotationStatus, s.GetKeyRotationStatus),
		onKey(s, api.RotateKeyOnDemand, s.RotateKeyOnDemand),
		onKey(s, api.ListKeyRotations, s.ListKeyRotations),

		onKey(s, api.GetKeyPolicy, s.GetKeyPolicy),
		onKey(s, api.PutKeyPolicy, s.PutKeyPolicy),
		onKey(s, api.ListKeyPolicies, s.ListKeyPolicies),
		onKey(s, api.TagResource, s.TagResource),
		onKey(s, api.UntagResource, s.UntagResource),
		onKey(s, api.ListResourceTags, s.ListResourceTags),

		onKey(s, api.CreateGrant, s.CreateGrant),
		onKey(s, api.ListGrants, s.ListGrants),
		onKey(s, api.RevokeGrant, s.RevokeGrant),
		service.OpEach(api.RetireGrant, s.RetireGrant, s.mayRetire),
		service.Op(api.ListRetirableGrants, s.ListRetirableGrants, service.Any),
	}
}

func (s *Service) useOperations() []service.Operation {
	const enclaves = "Recipients, which are Nitro enclaves, are refused."
	return []service.Operation{
		onKey(s, api.Encrypt, s.Encrypt),
		service.OpEach(api.Decrypt, s.Decrypt, s.mayDecrypt).But(enclaves),
		service.OpEach(api.ReEncrypt, s.ReEncrypt, s.mayReEncrypt),
		onKey(s, api.GenerateDataKey, s.GenerateDataKey).But(enclaves),
		onKey(s, api.GenerateDataKeyWithoutPlaintext, s.GenerateDataKeyWithoutPlaintext),
		onKey(s, api.GenerateDataKeyPair, s.GenerateDataKeyPair).But(enclaves),
		onKey(s, api.GenerateDataKeyPairWithoutPlaintext, s.GenerateDataKeyPairWithoutPlaintext),
		service.Op(api.GenerateRandom, s.GenerateRandom, service.Any).But(enclaves),
		onKey(s, api.GetPublicKey, s.GetPublicKey),
		onKey(s, api.Sign, s.Sign),
		onKey(s, api.Verify, s.Verify),
		onKey(s, api.GenerateMac, s.GenerateMac),
		onKey(s, api.VerifyMac, s.VerifyMac),
		onKey(s, api.DeriveSharedSecret, s.DeriveSharedSecret).But(enclaves),
	}
}
