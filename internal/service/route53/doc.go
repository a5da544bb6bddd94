// Package route53 is Route 53: hosted zones, their records, and the answers to
// questions for them over DNS.
//
// The idea that makes it work: a record set is a row, under its zone and its
// name from the right ("com", "example", "www"), so that a zone's rows come in
// the order in which AWS lists them, and a question is a look at the rows of a
// name. Changes of a batch are one transaction. A change is in effect when it
// is kept, so its id says all there is to say of it.
//
//	service.go  the table of operations   record.go  changes and lists of records
//	store.go    rows                      check.go   what records may be
//	zone.go     hosted zones              answer.go  DNS
//	health.go   health checks             tag.go     tags
package route53
