package ec2

import (
	"context"
	"slices"
	"strings"

	api "github.com/aloft-cloud/aloft/internal/api/ec2"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/store"
)

// A tagged is a kind, for those who care for nothing but ids and tags.
type tagged interface {
	is(id string) bool
	retag(tx *store.Tx, call *aws.Call, id string, change func([]api.Tag) []api.Tag) error
	tags(tx *store.Tx, call *aws.Call, f func(id string, tags []api.Tag))
	kind() string
}

// kinds are all kinds whose records have tags.
var kinds = []tagged{vpcs, subnets, routeTables, internetGateways, egressGateways, natGateways, addresses, groups, endpoints, acls, dhcpOptions}

func (k kind[V]) is(id string) bool { return strings.HasPrefix(id, k.prefix+"-") }

func (k kind[V]) kind() string { return k.name }

func (k kind[V]) retag(tx *store.Tx, call *aws.Call, id string, change func([]api.Tag) []api.Tag) error {
	return k.change(tx, call, id, func(v *V) error {
		_, tags, _ := k.of(v)
		*tags = change(*tags)
		return nil
	})
}

func (k kind[V]) tags(tx *store.Tx, call *aws.Call, f func(id string, tags []api.Tag)) {
	for _, v := range k.all(tx, call, func(*V) bool { return true }) {
		id, tags, _ := k.of(&v)
		f(**id, *tags)
	}
}

// retagAll changes the tags of records, all or none.
func (s *Service) retagAll(ctx context.Context, call *aws.Call, ids []string, change func([]api.Tag) []api.Tag) error {
	return s.db.Update(ctx, func(tx *store.Tx) error {
		for _, id := range ids {
			i := slices.IndexFunc(kinds, func(k tagged) bool { return k.is(id) })
			if i < 0 {
				return refused("InvalidID", "The ID '%s' is not valid", id)
			}
			if err := kinds[i].retag(tx, call, id, change); err != nil {
				return err
			}
		}
		return nil
	})
}

// CreateTags sets tags of records.
func (s *Service) CreateTags(ctx context.Context, call *aws.Call, in *api.CreateTagsInput) (*api.CreateTagsOutput, error) {
	if err := checkTags(in.Tags); err != nil {
		return nil, err
	}
	return &api.CreateTagsOutput{}, s.retagAll(ctx, call, in.Resources, func(tags []api.Tag) []api.Tag {
		for _, t := range in.Tags {
			t.Value = new(aws.Value(t.Value))
			i := slices.IndexFunc(tags, func(old api.Tag) bool { return *old.Key == *t.Key })
			if i < 0 {
				tags = append(tags, t)
				continue
			}
			tags[i] = t
		}
		return tags
	})
}

// DeleteTags removes tags of records: those of a value only if they have it, and
// all if none is named.
func (s *Service) DeleteTags(ctx context.Context, call *aws.Call, in *api.DeleteTagsInput) (*api.DeleteTagsOutput, error) {
	return &api.DeleteTagsOutput{}, s.retagAll(ctx, call, in.Resources, func(tags []api.Tag) []api.Tag {
		return slices.DeleteFunc(tags, func(old api.Tag) bool {
			return len(in.Tags) == 0 && !strings.HasPrefix(*old.Key, "aws:") || slices.ContainsFunc(in.Tags, func(t api.Tag) bool {
				return aws.Value(t.Key) == *old.Key && (t.Value == nil || *t.Value == aws.Value(old.Value))
			})
		})
	})
}

// DescribeTags lists tags.
func (s *Service) DescribeTags(ctx context.Context, call *aws.Call, in *api.DescribeTagsInput) (*api.DescribeTagsOutput, error) {
	out := &api.DescribeTagsOutput{}
	err := s.db.View(ctx, func(tx *store.Tx) (err error) {
		list := []api.TagDescription{}
		for _, k := range kinds {
			k.tags(tx, call, func(id string, tags []api.Tag) {
				for _, t := range tags {
					list = append(list, api.TagDescription{Key: t.Key, Value: t.Value, ResourceId: &id, ResourceType: new(k.kind())})
				}
			})
		}
		found := list[:0]
		for _, t := range list {
			ok, err := matches(&t, []api.Tag{{Key: t.Key, Value: t.Value}}, in.Filters, nil)
			if err != nil {
				return err
			}
			if ok {
				found = append(found, t)
			}
		}
		id := func(t *api.TagDescription) string { return *t.ResourceId + " " + *t.Key }
		slices.SortFunc(found, func(a, b api.TagDescription) int { return strings.Compare(id(&a), id(&b)) })
		out.Tags, out.NextToken, err = page(found, ask{next: in.NextToken, most: in.MaxResults}, id)
		return err
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}
