package ec2

import (
	"context"
	"encoding/base64"
	"slices"

	api "github.com/aloft-cloud/aloft/internal/api/ec2"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/store"
)

// An ask is what is asked of many records.
type ask struct {
	ids     []string
	filters []api.Filter
	next    *string
	most    *int32
}

// describe finds the records of a kind that are asked for, and where the next
// page begins. Those that are named must be there.
func describe[V any](ctx context.Context, s *Service, call *aws.Call, k kind[V], a ask) (list []V, next *string, err error) {
	err = s.db.View(ctx, func(tx *store.Tx) error {
		list = nil
		var all []V
		if len(a.ids) > 0 {
			ids := slices.Clone(a.ids)
			slices.Sort(ids)
			for _, id := range slices.Compact(ids) {
				v, err := k.find(tx, call, id)
				if err != nil {
					return err
				}
				all = append(all, v)
			}
		} else {
			all = k.all(tx, call, func(*V) bool { return true })
		}
		for i := range all {
			_, tags, is := k.of(&all[i])
			ok, err := matches(is, *tags, a.filters, k.also)
			if err != nil {
				return err
			}
			if ok {
				list = append(list, all[i])
			}
		}
		if len(all) == 0 { // a filter that nobody has is refused even then
			var none V
			_, _, is := k.of(&none)
			if _, err := matches(is, nil, a.filters, k.also); err != nil {
				return err
			}
		}
		list, next, err = page(list, a, func(v *V) string {
			id, _, _ := k.of(v)
			return **id
		})
		return err
	})
	return list, next, err
}

// page is the part of a list, sorted by what id says, that is asked for.
func page[V any](list []V, a ask, id func(*V) string) ([]V, *string, error) {
	if a.next != nil {
		after, err := base64.RawURLEncoding.DecodeString(*a.next)
		if err != nil {
			return nil, nil, refused("InvalidNextToken", "The token '%s' is invalid", *a.next)
		}
		list = slices.DeleteFunc(list, func(v V) bool { return id(&v) <= string(after) })
	}
	switch most := int(aws.Or(a.most, 1000)); {
	case most < 5:
		return nil, nil, refused("InvalidParameterValue", "Value ( %d ) for parameter maxResults is invalid. Expecting a value greater than 5.", most)
	case len(list) > most:
		list = list[:most]
		return list, new(base64.RawURLEncoding.EncodeToString([]byte(id(&list[most-1])))), nil
	}
	return list, nil, nil
}
