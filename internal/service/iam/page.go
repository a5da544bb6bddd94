package iam

import (
	"encoding/base64"
	"iter"

	api "github.com/aloft-cloud/aloft/internal/api/iam"
	"github.com/aloft-cloud/aloft/internal/aws"
)

// usualPage is how many items a list has if the caller does not say.
const usualPage = 100

// A page is what all lists are asked for by.
type page struct {
	marker   *string
	maxItems *int32
}

// cut takes from items, which are in the order of their names, those that come
// after the marker, as many as are wanted. more is the marker of the rest.
func cut[T any](p page, items iter.Seq2[string, T]) (out []T, truncated *bool, more *string, err error) {
	after := ""
	if p.marker != nil {
		name, err := base64.RawURLEncoding.DecodeString(*p.marker)
		if err != nil {
			return nil, nil, nil, api.ValidationError.Errorf("Invalid Marker.")
		}
		after = string(name)
	}
	most, last := int(aws.Or(p.maxItems, usualPage)), ""
	out = []T{}
	for name, item := range items {
		if p.marker != nil && name <= after {
			continue
		}
		if len(out) == most {
			return out, new(true), new(base64.RawURLEncoding.EncodeToString([]byte(last))), nil
		}
		out, last = append(out, item), name
	}
	return out, new(false), nil, nil
}
