package kms

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	api "github.com/aloft-cloud/aloft/internal/api/kms"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/store"
)

// ownedKind begins the aliases of keys that AWS keeps for its services.
const ownedKind = aliasKind + "aws/"

// owners are the services that AWS keeps keys for.
var owners = []string{"dynamodb", "ebs", "es", "glue", "kinesis", "lambda", "rds", "s3", "secretsmanager", "sns", "sqs", "ssm", "xray"}

func findAlias(tx *store.Tx, arn aws.ARN) (alias, error) {
	row, err := aliases.Get(tx, arn)
	if errors.Is(err, store.ErrNotFound) {
		err = errNoAlias(arn)
	}
	return row, err
}

func checkAlias(name string) error {
	bare, ok := strings.CutPrefix(name, aliasKind)
	switch {
	case !ok:
		return invalid(`Alias must start with the prefix "alias/". Please see https://docs.aws.amazon.com/kms/latest/developerguide/kms-alias.html`)
	case bare == "" || strings.Contains(bare, ":"):
		return api.InvalidAliasNameException.Errorf("%s contains invalid characters for an alias", name)
	case strings.HasPrefix(name, ownedKind):
		return aws.Fault{Code: "NotAuthorizedException", Status: 400}.Errorf("")
	}
	return nil
}

// CreateAlias gives a key a name.
func (s *Service) CreateAlias(ctx context.Context, call *aws.Call, in *api.CreateAliasInput) (*api.CreateAliasOutput, error) {
	if err := checkAlias(in.AliasName); err != nil {
		return nil, err
	}
	arn := call.ARN("kms", in.AliasName)
	return &api.CreateAliasOutput{}, s.db.Update(ctx, func(tx *store.Tx) error {
		f, err := aimed(tx, call, in.TargetKeyId)
		if err != nil {
			return err
		}
		there, err := aliases.Has(tx, arn)
		if err != nil {
			return err
		}
		if there {
			return api.AlreadyExistsException.Errorf("An alias with the name %s already exists", arn)
		}
		now := time.Now().UTC()
		return aliases.Put(tx, arn, alias{Key: f.id(), Created: now, Updated: now})
	})
}

func (f *found) id() string { return strings.TrimPrefix(f.ARN.Resource, keyKind) }

// aimed is the key that an alias is to name.
func aimed(tx *store.Tx, call *aws.Call, id string) (found, error) {
	if strings.Contains(id, aliasKind) {
		return found{}, invalid("Aliases must refer to keys. Not aliases")
	}
	f, err := locate(tx, call, id)
	if err == nil && f.State == api.KeyStatePendingDeletion {
		err = errPending(f.ARN)
	}
	return f, err
}

// UpdateAlias gives a name to another key.
func (s *Service) UpdateAlias(ctx context.Context, call *aws.Call, in *api.UpdateAliasInput) (*api.UpdateAliasOutput, error) {
	if err := checkAlias(in.AliasName); err != nil {
		return nil, err
	}
	arn := call.ARN("kms", in.AliasName)
	return &api.UpdateAliasOutput{}, s.db.Update(ctx, func(tx *store.Tx) error {
		row, err := findAlias(tx, arn)
		if err != nil {
			return err
		}
		old, err := keys.Get(tx, call.ARN("kms", keyKind+row.Key))
		if err != nil && !errors.Is(err, store.ErrNotFound) {
			return err
		}
		f, err := aimed(tx, call, in.TargetKeyId)
		if err != nil {
			return err
		}
		if old.Usage != "" && old.Usage != f.Usage {
			return invalid("Alias %s cannot be changed to associate key %s because the key usage differs.", in.AliasName, f.ARN)
		}
		row.Key, row.Updated = f.id(), time.Now().UTC()
		return aliases.Put(tx, arn, row)
	})
}

// DeleteAlias takes a name from its key.
func (s *Service) DeleteAlias(ctx context.Context, call *aws.Call, in *api.DeleteAliasInput) (*api.DeleteAliasOutput, error) {
	if err := checkAlias(in.AliasName); err != nil {
		return nil, err
	}
	arn := call.ARN("kms", in.AliasName)
	return &api.DeleteAliasOutput{}, s.db.Update(ctx, func(tx *store.Tx) error {
		if _, err := findAlias(tx, arn); err != nil {
			return err
		}
		return aliases.Delete(tx, arn)
	})
}

// ListAliases lists the names of keys, or of one.
func (s *Service) ListAliases(ctx context.Context, call *aws.Call, in *api.ListAliasesInput) (*api.ListAliasesOutput, error) {
	out := &api.ListAliasesOutput{}
	err := s.db.View(ctx, func(tx *store.Tx) error {
		only := ""
		if in.KeyId != nil {
			f, err := locate(tx, call, *in.KeyId)
			if err != nil {
				return err
			}
			only = f.id()
		}
		all, err := namesOf(tx, call, only)
		if err != nil {
			return err
		}
		out.Aliases, out.NextMarker, out.Truncated, err = page(all, in.Limit, in.Marker, 50, func(e *api.AliasListEntry) string { return *e.AliasName })
		return err
	})
	return out, err
}

// namesOf are the aliases of a key, or of all, with those that AWS keeps for
// services and that have no key yet.
func namesOf(tx *store.Tx, call *aws.Call, id string) ([]api.AliasListEntry, error) {
	var all []api.AliasListEntry
	there := make(map[string]bool)
	prefix := shelf(call)
	for arn, row := range aliases.Scan(tx, prefix) {
		if id == "" || row.Key == id {
			there[arn.Resource] = true
			all = append(all, api.AliasListEntry{AliasName: new(arn.Resource), AliasArn: new(arn.String()), TargetKeyId: &row.Key, CreationDate: &row.Created, LastUpdatedDate: &row.Updated})
		}
	}
	for _, name := range owners {
		if arn := call.ARN("kms", ownedKind+name); id == "" && !there[arn.Resource] {
			all = append(all, api.AliasListEntry{AliasName: &arn.Resource, AliasArn: new(arn.String())})
		}
	}
	slices.SortFunc(all, func(a, b api.AliasListEntry) int { return cmp.Compare(*a.AliasName, *b.AliasName) })
	return all, tx.Err()
}

// spelled is a service's name as descriptions of its key spell it.
func spelled(name string) string {
	if name == "dynamodb" {
		return "DynamoDB"
	}
	return name
}

// makeOwned makes the key that AWS keeps for a service, if it keeps one.
func (s *Service) makeOwned(tx *store.Tx, call *aws.Call, name string) error {
	arn := call.ARN("kms", ownedKind+name)
	there, err := aliases.Has(tx, arn)
	if err != nil || there || !slices.Contains(owners, name) {
		return err
	}
	now := time.Now().UTC()
	k := key{
		Spec: symmetric, Usage: api.KeyUsageTypeEncryptDecrypt, State: api.KeyStateEnabled, Manager: api.KeyManagerTypeAws, Created: now,
		Description: "Default key that protects my " + spelled(name) + " data when no other key is defined", Policy: servicesPolicy(call, name),
		Rotates: true, Period: yearly,
	}
	if err := k.renew(""); err != nil {
		return err
	}
	id := aws.NewRequestID()
	key := call.ARN("kms", keyKind+id)
	if err := dues.Move(tx, key, &k.Rotation, now.Add(yearly*day), s.due); err != nil {
		return err
	}
	return errors.Join(s.put(tx, key, k), aliases.Put(tx, arn, alias{Key: id, Created: now, Updated: now}))
}
