package iot

import (
	"encoding/base64"
	"iter"

	"github.com/aloft-cloud/aloft/internal/aws"
)

// usualPage is how many items a list has if the caller does not say.
const usualPage = 250

// A page is a part of a list, in order of names.
type page struct {
	limit int
	after string
}

func newPage(limit *int32, token *string) (page, error) {
	p := page{limit: int(aws.Or(limit, usualPage))}
	if token != nil && *token != "" {
		name, err := base64.StdEncoding.DecodeString(*token)
		if err != nil || len(name) == 0 {
			return p, invalid("Invalid token")
		}
		p.after = string(name)
	}
	return p, nil
}

// fill calls add for what is on the page of seq, which is in order of names,
// until it says false to one that is not wanted, and returns the token of the
// next page.
func fill[K, V any](p page, seq iter.Seq2[K, V], name func(K) string, add func(name string, k K, v V) bool) *string {
	n, last := 0, ""
	for k, v := range seq {
		name := name(k)
		if name <= p.after {
			continue
		}
		if n == p.limit {
			return new(base64.StdEncoding.EncodeToString([]byte(last)))
		}
		if add(name, k, v) {
			n, last = n+1, name
		}
	}
	return nil
}

// all names every resource of IoT in the account and region of a call.
func all(call *aws.Call) aws.ARN {
	return aws.ARN{Service: "iot", Region: call.Region, Account: call.Account}
}

// nameOf is what stands after the first slash of a resource.
func nameOf(arn aws.ARN) string {
	for i := range len(arn.Resource) {
		if arn.Resource[i] == '/' {
			return arn.Resource[i+1:]
		}
	}
	return arn.Resource
}
