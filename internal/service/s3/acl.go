package s3

import (
	"context"
	"encoding/json"
	"strings"

	api "github.com/aloft-cloud/aloft/internal/api/s3"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/store"
)

// Groups that a bucket may be opened to.
const (
	allUsers    = "http://acs.amazonaws.com/groups/global/AllUsers"
	allAccounts = "http://acs.amazonaws.com/groups/global/AuthenticatedUsers"
	logDelivery = "http://acs.amazonaws.com/groups/s3/LogDelivery"
)

// PutBucketAcl says to which groups a bucket is open, besides its owner.
func (s *Service) PutBucketAcl(ctx context.Context, call *aws.Call, in *api.PutBucketAclInput) (*api.PutBucketAclOutput, error) {
	grants, err := grantsOf(in)
	if err != nil {
		return nil, err
	}
	err = s.db.Update(ctx, func(tx *store.Tx) error {
		b, row, err := findBucket(tx, in.Bucket, in.ExpectedBucketOwner)
		if err != nil {
			return err
		}
		conf, err := findSettings(tx, b)
		if err != nil {
			return err
		}
		own := canonicalID(row.Owner)
		others := grants[:0:0]
		for _, g := range grants {
			if aws.Value(g.Grantee.ID) == "" || aws.Value(g.Grantee.ID) != own {
				others = append(others, g)
			}
		}
		if err := checkGrants(others, &conf); err != nil {
			return err
		}
		conf.Grants = others
		s.changed(tx)
		return configs.Put(tx, b, conf)
	})
	return &api.PutBucketAclOutput{}, err
}

// GetBucketAcl says to whom a bucket is open.
func (s *Service) GetBucketAcl(ctx context.Context, call *aws.Call, in *api.GetBucketAclInput) (*api.GetBucketAclOutput, error) {
	out := new(api.GetBucketAclOutput)
	return out, s.db.View(ctx, func(tx *store.Tx) error {
		b, row, err := findBucket(tx, in.Bucket, in.ExpectedBucketOwner)
		if err != nil {
			return err
		}
		conf, err := findSettings(tx, b)
		out.Owner, out.Grants = ownerOf(row), append(ownersOnly(row), conf.Grants...)
		return err
	})
}

// grantsOf are the grants that an input says in one of three ways.
func grantsOf(in *api.PutBucketAclInput) ([]api.Grant, error) {
	headers := map[string]*string{
		api.PermissionFullControl: in.GrantFullControl, api.PermissionRead: in.GrantRead, api.PermissionReadAcp: in.GrantReadACP,
		api.PermissionWrite: in.GrantWrite, api.PermissionWriteAcp: in.GrantWriteACP,
	}
	var grants []api.Grant
	for permission, text := range headers {
		for grantee := range strings.SplitSeq(aws.Value(text), ",") {
			if grantee = strings.TrimSpace(grantee); grantee == "" {
				continue
			}
			kind, value, ok := strings.Cut(grantee, "=")
			value = strings.Trim(value, `"`)
			g := api.Grant{Grantee: &api.Grantee{Type: api.TypeGroup, URI: &value}, Permission: new(permission)}
			switch {
			case ok && kind == "uri":
			case ok && kind == "id":
				g.Grantee = &api.Grantee{Type: api.TypeCanonicalUser, ID: &value}
			default:
				return nil, errArgument("x-amz-grant", grantee, "Argument format not recognized")
			}
			grants = append(grants, g)
		}
	}
	if said(in.ACL != nil, in.AccessControlPolicy != nil, grants != nil) > 1 {
		return nil, api.InvalidRequest.Errorf("Specifying both Canned ACLs and Header Grants is not allowed")
	}
	if in.AccessControlPolicy != nil {
		for _, g := range in.AccessControlPolicy.Grants {
			if g.Grantee == nil || g.Permission == nil {
				return nil, errMalformed()
			}
		}
		return in.AccessControlPolicy.Grants, nil
	}
	if grants != nil {
		return grants, nil
	}
	if in.ACL == nil {
		return nil, api.MissingSecurityHeader.Errorf("Your request was missing a required header")
	}
	return canned(*in.ACL)
}

// canned are the grants, besides the owner's, that a name stands for.
func canned(acl string) ([]api.Grant, error) {
	group := func(uri, permission string) api.Grant {
		return api.Grant{Grantee: &api.Grantee{Type: api.TypeGroup, URI: &uri}, Permission: &permission}
	}
	switch acl {
	case api.BucketCannedACLPrivate, api.ObjectCannedACLBucketOwnerRead, api.ObjectCannedACLBucketOwnerFullControl, api.ObjectCannedACLAwsExecRead:
		return nil, nil
	case api.BucketCannedACLPublicRead:
		return []api.Grant{group(allUsers, api.PermissionRead)}, nil
	case api.BucketCannedACLPublicReadWrite:
		return []api.Grant{group(allUsers, api.PermissionRead), group(allUsers, api.PermissionWrite)}, nil
	case api.BucketCannedACLAuthenticatedRead:
		return []api.Grant{group(allAccounts, api.PermissionRead)}, nil
	case "log-delivery-write":
		return []api.Grant{group(logDelivery, api.PermissionWrite), group(logDelivery, api.PermissionReadAcp)}, nil
	}
	return nil, errArgument("x-amz-acl", acl, "")
}

// checkGrants refuses grants to others where the bucket's settings rule them out.
func checkGrants(grants []api.Grant, conf *settings) error {
	for _, g := range grants {
		uri := aws.Value(g.Grantee.URI)
		switch {
		case conf.Ownership == api.ObjectOwnershipBucketOwnerEnforced:
			return errACL()
		case uri != allUsers && uri != allAccounts && uri != logDelivery:
			if g.Grantee.Type == api.TypeGroup {
				return errArgument("Group URI", uri, "Invalid group uri")
			}
			return errLacking("grants to other accounts in access control lists")
		case uri != logDelivery && conf.Access != nil && aws.Value(conf.Access.BlockPublicAcls):
			return api.AccessDenied.Errorf("Access Denied")
		}
	}
	return nil
}

// statements are what the grants of a bucket allow, as a policy says it.
func (c *settings) statements(name string) []json.RawMessage {
	actions := map[string][]string{
		api.PermissionRead:     {"s3:ListBucket", "s3:ListBucketVersions", "s3:ListBucketMultipartUploads"},
		api.PermissionWrite:    {"s3:PutObject", "s3:DeleteObject"},
		api.PermissionReadAcp:  {"s3:GetBucketAcl"},
		api.PermissionWriteAcp: {"s3:PutBucketAcl"},
	}
	for _, permission := range []string{api.PermissionRead, api.PermissionWrite, api.PermissionReadAcp, api.PermissionWriteAcp} {
		actions[api.PermissionFullControl] = append(actions[api.PermissionFullControl], actions[permission]...)
	}
	var all []json.RawMessage
	for _, g := range c.Grants {
		who := any("*")
		uri := aws.Value(g.Grantee.URI)
		switch {
		case uri == logDelivery:
			who = map[string]string{"Service": "logging.s3.amazonaws.com"}
		case c.Access != nil && aws.Value(c.Access.IgnorePublicAcls):
			continue
		}
		statement := map[string]any{
			"Effect": "Allow", "Principal": who, "Action": actions[aws.Value(g.Permission)],
			"Resource": []string{bucketARN(name).String(), objectARN(name, "*").String()},
		}
		if uri == allAccounts {
			statement["Condition"] = map[string]any{"Null": map[string]string{"aws:PrincipalAccount": "false"}}
		}
		if text, err := json.Marshal(statement); err == nil {
			all = append(all, text)
		}
	}
	return all
}
