package kms

import (
	"cmp"
	"context"
	"maps"
	"slices"

	api "github.com/aloft-cloud/aloft/internal/api/kms"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/service"
	"github.com/aloft-cloud/aloft/internal/smithy"
	"github.com/aloft-cloud/aloft/internal/store"
)

// A use is something that a caller wants to do with a key.
type use struct {
	operation string // as grants name it, which policies name kms:operation
	id        string
	context   map[string]string
	keys      service.Keys
}

// onKey is the row of an operation on the key that its input names.
func onKey[In, Out any, P interface {
	*In
	GetKeyId() string
}](s *Service, op smithy.Operation[In, Out], handle func(context.Context, *aws.Call, *In) (*Out, error)) service.Operation {
	return service.OpEach(op, handle, func(call *aws.Call, in *In, check func(service.Access) error) error {
		return s.allow(call, use{operation: op.Name, id: P(in).GetKeyId(), context: contextOf(in), keys: keysOf(in)}, check)
	})
}

// contextOf is the encryption context in an input.
func contextOf(in any) map[string]string {
	switch in := in.(type) {
	case *api.EncryptInput:
		return in.EncryptionContext
	case *api.GenerateDataKeyInput:
		return in.EncryptionContext
	case *api.GenerateDataKeyWithoutPlaintextInput:
		return in.EncryptionContext
	case *api.GenerateDataKeyPairInput:
		return in.EncryptionContext
	case *api.GenerateDataKeyPairWithoutPlaintextInput:
		return in.EncryptionContext
	}
	return nil
}

// keysOf are the condition keys that an input has for itself.
func keysOf(in any) service.Keys {
	switch in := in.(type) {
	case *api.SignInput:
		return service.Keys{"kms:SigningAlgorithm": {in.SigningAlgorithm}, "kms:MessageType": {aws.Or(in.MessageType, api.MessageTypeRaw)}}
	case *api.VerifyInput:
		return service.Keys{"kms:SigningAlgorithm": {in.SigningAlgorithm}, "kms:MessageType": {aws.Or(in.MessageType, api.MessageTypeRaw)}}
	case *api.GenerateMacInput:
		return service.Keys{"kms:MacAlgorithm": {in.MacAlgorithm}}
	case *api.VerifyMacInput:
		return service.Keys{"kms:MacAlgorithm": {in.MacAlgorithm}}
	case *api.CreateGrantInput:
		return service.Keys{"kms:GrantOperations": in.Operations, "kms:GranteePrincipal": {aws.Value(in.GranteePrincipal)}, "kms:GrantIsForAWSResource": {"false"}}
	case *api.EncryptInput:
		return service.Keys{"kms:EncryptionAlgorithm": {aws.Or(in.EncryptionAlgorithm, symmetric)}}
	}
	return nil
}

// allow asks check for a use of a key. Who has a grant for it needs no policy.
func (s *Service) allow(call *aws.Call, u use, check func(service.Access) error) error {
	ctx := context.Background()
	f, err := s.find(ctx, call, u.id)
	if err != nil {
		return err
	}
	a := service.Access{Action: "kms:" + u.operation, Resource: f.ARN, Keys: service.Keys{
		"kms:CallerAccount": {cmp.Or(call.Principal.Account, call.Account)}, "kms:KeySpec": {f.Spec}, "kms:KeyUsage": {f.Usage}, "kms:KeyOrigin": {api.OriginTypeAwsKms},
	}}
	maps.Copy(a.Keys, u.keys)
	if f.Alias != "" {
		a.Keys["kms:RequestAlias"] = []string{f.Alias}
	}
	if call.Via != "" {
		a.Keys["kms:ViaService"] = []string{call.Via + "." + call.Region + ".amazonaws.com"}
	}
	for _, name := range slices.Sorted(maps.Keys(u.context)) {
		a.Keys["kms:EncryptionContext:"+name] = []string{u.context[name]}
		a.Keys["kms:EncryptionContextKeys"] = append(a.Keys["kms:EncryptionContextKeys"], name)
	}
	if err := s.db.View(ctx, func(tx *store.Tx) error {
		for k, row := range aliases.Scan(tx, aws.ARN{Service: "kms", Region: f.ARN.Region, Account: f.ARN.Account}) {
			if row.Key == f.id() {
				a.Keys["kms:ResourceAliases"] = append(a.Keys["kms:ResourceAliases"], k.Resource)
			}
		}
		for _, g := range grants.Scan(tx, grantKey{Key: f.ARN}) {
			a.Granted = a.Granted || g.allows(&call.Principal, u.operation, u.context)
		}
		return tx.Err()
	}); err != nil {
		return err
	}
	return check(a)
}

func (s *Service) mayDecrypt(call *aws.Call, in *api.DecryptInput, check func(service.Access) error) error {
	text, _, err := decrypter(call, in.CiphertextBlob, in.KeyId, in.EncryptionAlgorithm)
	if err != nil {
		return err
	}
	return s.allow(call, use{operation: "Decrypt", id: text, context: in.EncryptionContext, keys: service.Keys{"kms:EncryptionAlgorithm": {aws.Or(in.EncryptionAlgorithm, symmetric)}}}, check)
}

func (s *Service) mayReEncrypt(call *aws.Call, in *api.ReEncryptInput, check func(service.Access) error) error {
	text, _, err := decrypter(call, in.CiphertextBlob, in.SourceKeyId, in.SourceEncryptionAlgorithm)
	if err != nil {
		return err
	}
	if err := s.allow(call, use{operation: "ReEncryptFrom", id: text, context: in.SourceEncryptionContext}, check); err != nil {
		return err
	}
	return s.allow(call, use{operation: "ReEncryptTo", id: in.DestinationKeyId, context: in.DestinationEncryptionContext}, check)
}

// mayAlias lets those name a key who may both use the name and have the key named.
func (s *Service) mayAlias(call *aws.Call, operation, name, key string, check func(service.Access) error) error {
	if err := check(service.Access{Action: "kms:" + operation, Resource: call.ARN("kms", name)}); err != nil {
		return err
	}
	return s.allow(call, use{operation: operation, id: key}, check)
}

func (s *Service) mayCreateAlias(call *aws.Call, in *api.CreateAliasInput, check func(service.Access) error) error {
	return s.mayAlias(call, "CreateAlias", in.AliasName, in.TargetKeyId, check)
}

func (s *Service) mayUpdateAlias(call *aws.Call, in *api.UpdateAliasInput, check func(service.Access) error) error {
	if err := s.mayAlias(call, "UpdateAlias", in.AliasName, in.TargetKeyId, check); err != nil {
		return err
	}
	return s.allow(call, use{operation: "UpdateAlias", id: in.AliasName}, check)
}

func (s *Service) mayDeleteAlias(call *aws.Call, in *api.DeleteAliasInput, check func(service.Access) error) error {
	return s.mayAlias(call, "DeleteAlias", in.AliasName, in.AliasName, check)
}

// mayRetire lets those retire a grant who were named for it, and the grantee if
// the grant says so.
func (s *Service) mayRetire(call *aws.Call, in *api.RetireGrantInput, check func(service.Access) error) error {
	var k grantKey
	var g grant
	err := s.db.View(context.Background(), func(tx *store.Tx) (err error) {
		k, g, err = retiring(tx, call, in)
		return err
	})
	if err != nil {
		return err
	}
	own := g.Retiring != "" && (g.Retiring == call.Principal.ARN || g.Retiring == call.Principal.Role)
	return check(service.Access{Action: "kms:RetireGrant", Resource: k.Key, Granted: own || g.allows(&call.Principal, "RetireGrant", nil)})
}
