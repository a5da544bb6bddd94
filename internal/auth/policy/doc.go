// Package policy reads IAM's policy documents and says what they allow.
//
//	doc, err := policy.Parse(text)
//	decision := policy.Decide(request, policy.Set{Identity: …, Resource: …})
//
// A document is compiled when it is parsed, so that a decision is a few
// comparisons of strings: patterns know where their first wildcard is, ARNs are
// compared field by field and never put together, and the values of condition
// keys are found only for the conditions that ask for them.
//
// One document says Allow, Deny or nothing (document.go, statement.go). Decide
// combines all that apply to a request (decide.go): what an identity may do,
// what a resource lets be done to it, and the limits of boundaries and
// sessions. Check (check.go) holds documents to AWS's grammar, in AWS's words,
// before they are kept.
package policy
