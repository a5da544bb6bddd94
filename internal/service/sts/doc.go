// Package sts is the AWS Security Token Service: it gives out temporary
// credentials.
//
// STS keeps nothing. Who may take on a role is decided before its operations
// run, like every permission: the rows of the table ask for sts:AssumeRole on
// the role, whose trust policy is, to package auth, the policy of a resource.
// What the credentials are good for is sealed in their token by auth.Mint.
package sts
