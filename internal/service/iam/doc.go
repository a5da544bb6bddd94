// Package iam is AWS Identity and Access Management: users, groups and roles,
// their access keys, and the policies that say what they may do.
//
// Users, groups and roles are rows of one table, identities, that differ in
// their kind; what hangs on them (inline policies, attachments, memberships,
// keys) is kept under their unique id, so a change of name moves one row. All
// are of one account; there are no regions.
//
// The service is also what package auth decides by: it finds the holders of
// access keys and the policies of identities (directory.go), and forgets what
// it remembers of them whenever a transaction of IAM is committed. Who may
// take on a role is, to auth, the resource policy of that role.
//
//	service.go    the table, and what each operation is done on
//	user.go role.go group.go key.go policy.go    operations, by noun
//	inline.go attach.go tag.go boundary.go       what identities have in common
//	linked.go     service-linked roles
//	managed.go    AWS's own policies, from managed.json
//	simulate.go   what policies would allow
//	directory.go  what auth asks
//	secret.go     the secret of the installation, and the root's first key
package iam
