package s3

import (
	"context"
	"reflect"
	"regexp"
	"slices"
	"strings"

	api "github.com/aloft-cloud/aloft/internal/api/s3"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/service"
	"github.com/aloft-cloud/aloft/internal/store"
)

// Whom access control lists open buckets and objects to, besides accounts.
const (
	allUsers    = "http://acs.amazonaws.com/groups/global/AllUsers"
	allAccounts = "http://acs.amazonaws.com/groups/global/AuthenticatedUsers"
	logDelivery = "http://acs.amazonaws.com/groups/s3/LogDelivery"

	imageMaker = "6aa5a366c34c1cbe25dc49211496e913e0351eb0e8c37aa3477e40942ec6b97c" // who bundles images of EC2
	nobodysID  = "65a011a29cdf8ec533ec3d1ccaae921c"                                 // of objects that nobody signed for

	maxGrants = 100
)

// An acl is who may use an object, besides those whom policies let.
type acl struct {
	Owner  string      `json:",omitempty"` // account; empty if nobody signed for it
	Grants []api.Grant `json:",omitempty"`
}

// A wish is the access control list that a request asks for. Its zero value is
// that of one that asks for none.
type wish struct {
	canned string
	grants []api.Grant
	listed bool // grants are all there is, the owner's too
}

// grantMembers are those of inputs that ask for a list in headers.
type grantMembers struct {
	ACL                                                                  *string
	GrantFullControl, GrantRead, GrantReadACP, GrantWrite, GrantWriteACP *string
}

// wishOf returns the list that the members of in ask for.
func wishOf(in any) (wish, error) {
	var m grantMembers
	copyMembers(&m, in)
	if m == (grantMembers{}) {
		return wish{}, nil
	}
	w := wish{canned: aws.Value(m.ACL)}
	for _, h := range []struct {
		permission string
		text       *string
	}{
		{api.PermissionFullControl, m.GrantFullControl}, {api.PermissionRead, m.GrantRead}, {api.PermissionReadAcp, m.GrantReadACP},
		{api.PermissionWrite, m.GrantWrite}, {api.PermissionWriteAcp, m.GrantWriteACP},
	} {
		grants, err := parseGrants(aws.Value(h.text), h.permission)
		if err != nil {
			return w, err
		}
		w.grants = append(w.grants, grants...)
	}
	switch {
	case m.ACL != nil && len(w.grants) > 0:
		return w, api.InvalidRequest.Errorf("Specifying both Canned ACLs and Header Grants is not allowed")
	case m.ACL != nil && !isCanned(in, w.canned):
		return w, errArgument("x-amz-acl", w.canned, "")
	}
	return w, nil
}

// isCanned reports whether a list of that name may be asked for in in.
func isCanned(in any, name string) bool {
	switch name {
	case api.ObjectCannedACLPrivate, api.ObjectCannedACLPublicRead, api.ObjectCannedACLPublicReadWrite, api.ObjectCannedACLAuthenticatedRead,
		api.ObjectCannedACLAwsExecRead, api.ObjectCannedACLBucketOwnerRead, api.ObjectCannedACLBucketOwnerFullControl:
		return true
	}
	return name == "log-delivery-write" && !reflect.ValueOf(in).Elem().FieldByName("Key").IsValid()
}

var canonicalUser = regexp.MustCompile(`^[0-9a-f]{32,64}$`)

// parseGrants reads a header: id="…", uri="…", emailAddress="…".
func parseGrants(text, permission string) ([]api.Grant, error) {
	var grants []api.Grant
	for grantee := range strings.SplitSeq(text, ",") {
		if grantee = strings.TrimSpace(grantee); grantee == "" {
			continue
		}
		kind, value, ok := strings.Cut(grantee, "=")
		value = strings.Trim(strings.TrimSpace(value), `"`)
		g := api.Grant{Grantee: &api.Grantee{Type: api.TypeGroup, URI: &value}, Permission: &permission}
		switch kind = strings.TrimSpace(kind); {
		case ok && kind == "uri":
		case ok && kind == "id":
			g.Grantee = &api.Grantee{Type: api.TypeCanonicalUser, ID: &value}
		case ok && strings.EqualFold(kind, "emailAddress"):
			g.Grantee = &api.Grantee{Type: api.TypeAmazonCustomerByEmail, EmailAddress: &value}
		default:
			return nil, errArgument("x-amz-grant", grantee, "Argument format not recognized")
		}
		if err := checkGrantee(g.Grantee); err != nil {
			return nil, err
		}
		grants = append(grants, g)
	}
	return grants, nil
}

// checkGrantee refuses whom nothing can be granted to.
func checkGrantee(g *api.Grantee) error {
	switch g.Type {
	case api.TypeGroup:
		if uri := aws.Value(g.URI); uri != allUsers && uri != allAccounts && uri != logDelivery {
			return errArgument("uri", uri, "Invalid group uri")
		}
	case api.TypeCanonicalUser:
		if id := aws.Value(g.ID); !canonicalUser.MatchString(id) {
			return errArgument("id", id, "Invalid id")
		}
	case api.TypeAmazonCustomerByEmail:
		return api.UnresolvableGrantByEmailAddress.Errorf("The e-mail address you provided does not match any account on record.")
	default:
		return errMalformedACL()
	}
	return nil
}

func errMalformedACL() error {
	return api.MalformedACLError.Errorf("The XML you provided was not well-formed or did not validate against our published schema")
}

// listOf is the wish that a document says.
func listOf(p *api.AccessControlPolicy, owner string) (wish, error) {
	w := wish{listed: true, grants: p.Grants}
	if p.Owner == nil || len(p.Grants) > maxGrants {
		return w, errMalformedACL()
	}
	for _, g := range p.Grants {
		if g.Grantee == nil || g.Permission == nil || !slices.Contains([]string{
			api.PermissionFullControl, api.PermissionRead, api.PermissionWrite, api.PermissionReadAcp, api.PermissionWriteAcp}, *g.Permission) {
			return w, errMalformedACL()
		}
		if err := checkGrantee(g.Grantee); err != nil {
			return w, err
		}
	}
	if id := aws.Value(p.Owner.ID); id != "" && id != canonicalID(owner) {
		return w, errDenied()
	}
	return w, nil
}

func errDenied() error { return api.AccessDenied.Errorf("Access Denied") }

// list is what w asks for, for what is the owner's, in a bucket of another or
// the same account.
func (w wish) list(owner, bucketOwner string) []api.Grant {
	if w.listed || len(w.grants) > 0 {
		return w.grants
	}
	grants := ownersOnly(owner)
	group := func(uri, permission string) {
		grants = append(grants, api.Grant{Grantee: &api.Grantee{Type: api.TypeGroup, URI: &uri}, Permission: &permission})
	}
	user := func(id, permission string) {
		if id != canonicalID(owner) {
			grants = append(grants, api.Grant{Grantee: &api.Grantee{Type: api.TypeCanonicalUser, ID: &id}, Permission: &permission})
		}
	}
	switch w.canned {
	case api.ObjectCannedACLPublicRead:
		group(allUsers, api.PermissionRead)
	case api.ObjectCannedACLPublicReadWrite:
		group(allUsers, api.PermissionRead)
		group(allUsers, api.PermissionWrite)
	case api.ObjectCannedACLAuthenticatedRead:
		group(allAccounts, api.PermissionRead)
	case api.ObjectCannedACLAwsExecRead:
		user(imageMaker, api.PermissionRead)
	case api.ObjectCannedACLBucketOwnerRead:
		user(canonicalID(bucketOwner), api.PermissionRead)
	case api.ObjectCannedACLBucketOwnerFullControl:
		user(canonicalID(bucketOwner), api.PermissionFullControl)
	case "log-delivery-write":
		group(logDelivery, api.PermissionWrite)
		group(logDelivery, api.PermissionReadAcp)
	}
	return grants
}

// ownersOnly is the list of what is open to its owner alone.
func ownersOnly(account string) []api.Grant {
	return []api.Grant{{
		Grantee:    &api.Grantee{ID: new(canonicalID(account)), Type: api.TypeCanonicalUser},
		Permission: new(api.PermissionFullControl),
	}}
}

// isPublic reports whether grants are to everybody, or to all with an account.
func isPublic(grants []api.Grant) bool {
	return slices.ContainsFunc(grants, func(g api.Grant) bool {
		uri := aws.Value(g.Grantee.URI)
		return uri == allUsers || uri == allAccounts
	})
}

// admits refuses w where lists are not to be: in buckets whose owner owns all
// objects, and public ones where those are blocked.
func (c *settings) admits(w wish, row bucket) error {
	private := w.canned == "" && len(w.grants) == 0 && !w.listed || w.canned == api.ObjectCannedACLPrivate ||
		w.canned == api.ObjectCannedACLBucketOwnerFullControl || w.canned == api.ObjectCannedACLBucketOwnerRead
	if !private && w.canned == "" {
		private = slices.EqualFunc(w.grants, ownersOnly(row.Owner), func(a, b api.Grant) bool { return reflect.DeepEqual(a, b) })
	}
	switch {
	case private:
	case c.Ownership == api.ObjectOwnershipBucketOwnerEnforced:
		return errACL()
	case c.Access != nil && aws.Value(c.Access.BlockPublicAcls) && isPublic(w.list(row.Owner, row.Owner)):
		return errDenied()
	}
	return nil
}

func errACL() error {
	return api.AccessControlListNotSupported.Errorf("The bucket does not allow ACLs")
}

// own makes o that of who wrote it, with the list that they wish for. Of what
// the bucket's owner writes for themselves, nothing is kept.
func (c *settings) own(o *object, w wish, row bucket, writer string) {
	enforced := c.Ownership == api.ObjectOwnershipBucketOwnerEnforced
	given := c.Ownership == api.ObjectOwnershipBucketOwnerPreferred && w.canned == api.ObjectCannedACLBucketOwnerFullControl
	if enforced || given {
		writer = row.Owner
	}
	private := len(w.grants) == 0 && (w.canned == "" || w.canned == api.ObjectCannedACLPrivate)
	if enforced || writer == row.Owner && (private || given || w.canned == api.ObjectCannedACLBucketOwnerFullControl || w.canned == api.ObjectCannedACLBucketOwnerRead) {
		return
	}
	o.more().ACL = &acl{Owner: writer, Grants: w.list(writer, row.Owner)}
}

// list is the access control list of o, and whose o is, in a bucket whose
// settings those are.
func (o *object) list(row bucket, c *settings) acl {
	if o.More == nil || o.More.ACL == nil || c.Ownership == api.ObjectOwnershipBucketOwnerEnforced {
		return acl{row.Owner, ownersOnly(row.Owner)}
	}
	return *o.More.ACL
}

// checkOpen refuses what o's list does not open to who calls, if another than
// the bucket's owner owns o: then neither that owner nor policies of the bucket
// have a say, except that they may remove it.
func (o *object) checkOpen(tx *store.Tx, b aws.ARN, row bucket, call *aws.Call, permission string) error {
	if o.More == nil || o.More.ACL == nil || call.Principal.Kind == aws.Service {
		return nil
	}
	owner := o.More.ACL.Owner
	if owner == "" || owner == row.Owner || owner == call.Principal.Account {
		return nil
	}
	c, err := findSettings(tx, b)
	if err != nil || c.Ownership == api.ObjectOwnershipBucketOwnerEnforced {
		return err
	}
	ignored := c.Access != nil && aws.Value(c.Access.IgnorePublicAcls)
	if opensTo(o.More.ACL.Grants, permission, &call.Principal, ignored) == "" {
		return errDenied()
	}
	return nil
}

// owner is whose o is, for listings.
func (o *object) owner(row bucket) *api.Owner {
	if o.More != nil && o.More.ACL != nil {
		return &api.Owner{ID: new(canonicalID(o.More.ACL.Owner))}
	}
	return ownerOf(row)
}

// permissionFor returns the permission that an action needs in the access
// control list of the bucket, or of the object; "" if none of either gives it.
func permissionFor(action string) (permission string, ofObject bool) {
	switch strings.TrimPrefix(action, "s3:") {
	case "ListBucket", "ListBucketVersions", "ListBucketMultipartUploads":
		return api.PermissionRead, false
	case "PutObject", "DeleteObject", "AbortMultipartUpload", "ListMultipartUploadParts":
		return api.PermissionWrite, false
	case "GetBucketAcl":
		return api.PermissionReadAcp, false
	case "PutBucketAcl":
		return api.PermissionWriteAcp, false
	case "GetObject", "GetObjectVersion", "GetObjectAttributes", "GetObjectVersionAttributes":
		return api.PermissionRead, true
	case "GetObjectAcl", "GetObjectVersionAcl":
		return api.PermissionReadAcp, true
	case "PutObjectAcl", "PutObjectVersionAcl":
		return api.PermissionWriteAcp, true
	}
	return "", false
}

// opens implements service.Definition.Opens with access control lists.
func (s *Service) opens(ctx context.Context, call *aws.Call, access *service.Access) (whom string, err error) {
	permission, ofObject := permissionFor(access.Action)
	if permission == "" || isPoint(access.Resource) {
		return "", nil
	}
	if puts(access) { // who may put an object may say whose it is to be
		permission, ofObject = api.PermissionWrite, false
	}
	name, key, _ := strings.Cut(access.Resource.Resource, "/")
	err = s.db.View(ctx, func(tx *store.Tx) error {
		b := bucketARN(name)
		row, err := buckets.Get(tx, b)
		if err != nil {
			return ignoreMissing(err) // it is for the operation to say so
		}
		c, err := findSettings(tx, b)
		if err != nil || c.Ownership == api.ObjectOwnershipBucketOwnerEnforced {
			return err
		}
		grants := c.grants(row)
		if ofObject {
			var version *string
			if v := access.Keys["s3:VersionId"]; len(v) > 0 {
				version = &v[0]
			}
			o, found, err := findVersion(tx, b, key, version)
			if err != nil || !found || o.Marker {
				return nil
			}
			grants = o.list(row, &c).Grants
		}
		ignored := c.Access != nil && aws.Value(c.Access.IgnorePublicAcls)
		whom = opensTo(grants, permission, &call.Principal, ignored)
		return nil
	})
	return whom, err
}

// opensTo returns by which name grants give a principal a permission: "*",
// their account, or "" if they do not. Grants to groups may be ignored.
func opensTo(grants []api.Grant, permission string, who *aws.Principal, ignored bool) string {
	account := ""
	for _, g := range grants {
		if p := aws.Value(g.Permission); p != permission && p != api.PermissionFullControl {
			continue
		}
		switch uri := aws.Value(g.Grantee.URI); {
		case uri == logDelivery && who.Kind == aws.Service && who.ARN == "logging.s3.amazonaws.com",
			uri == allUsers && !ignored,
			uri == allAccounts && !ignored && who.Account != "":
			return "*"
		case who.Account != "" && aws.Value(g.Grantee.ID) == canonicalID(who.Account):
			account = who.Account
		}
	}
	return account
}
