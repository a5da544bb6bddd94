package events

import (
	"encoding/base64"
	"iter"
	"strings"

	"github.com/aloft-cloud/aloft/internal/aws"
)

// usualPage is how many items a list has if the caller does not say.
const usualPage = 100

// A page is a part of a list, in order of names.
type page struct {
	limit         int
	after, prefix string
}

// newPage reads which part of a list a caller wants.
func newPage(limit *int32, token, prefix *string) (page, error) {
	p := page{limit: int(aws.Or(limit, usualPage)), prefix: aws.Value(prefix)}
	if token != nil {
		name, err := base64.RawURLEncoding.DecodeString(*token)
		if err != nil || len(name) == 0 {
			return p, invalid("Parameter NextToken is not valid.")
		}
		p.after = string(name)
	}
	return p, nil
}

// fill calls add for the names of seq that are on the page, until it says
// false to one that is not wanted, and returns the token of the next page.
func fill[V any](p page, seq iter.Seq2[string, V], add func(name string, v V) bool) *string {
	n, last := 0, ""
	for name, v := range seq {
		if name <= p.after || !strings.HasPrefix(name, p.prefix) {
			continue
		}
		if n == p.limit {
			return new(base64.RawURLEncoding.EncodeToString([]byte(last)))
		}
		if add(name, v) {
			n, last = n+1, name
		}
	}
	return nil
}
