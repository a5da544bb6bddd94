package rds

import (
	"context"
	"slices"
	"strings"

	api "github.com/aloft-cloud/aloft/internal/api/rds"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/store"
)

// tagsOf returns the tags of what an ARN names, and keep, which replaces them.
func tagsOf(tx *store.Tx, call *aws.Call, text string) (tags []api.Tag, keep func([]api.Tag) error, err error) {
	arn, err := aws.ParseARN(text)
	if err != nil || arn.Service != serviceName || arn.Account != call.Account {
		return nil, nil, bad("Invalid resource name: %s", text)
	}
	switch kind, _, _ := strings.Cut(arn.Resource, ":"); kind + ":" {
	case clusters.prefix:
		_, c, err := clusters.find(tx, call, text)
		return c.Is.TagList, func(t []api.Tag) error { c.Is.TagList = t; return clusters.Put(tx, arn, c) }, err
	case instances.prefix:
		_, i, err := instances.find(tx, call, text)
		return i.Is.TagList, func(t []api.Tag) error { i.Is.TagList = t; return instances.Put(tx, arn, i) }, err
	case clusterSnapshots.prefix:
		_, r, err := clusterSnapshots.find(tx, call, text)
		return r.Is.TagList, func(t []api.Tag) error { r.Is.TagList = t; return clusterSnapshots.Put(tx, arn, r) }, err
	case dbSnapshots.prefix:
		_, r, err := dbSnapshots.find(tx, call, text)
		return r.Is.TagList, func(t []api.Tag) error { r.Is.TagList = t; return dbSnapshots.Put(tx, arn, r) }, err
	case subnetGroups.prefix:
		_, g, err := subnetGroups.find(tx, call, text)
		return g.Tags, func(t []api.Tag) error { g.Tags = t; return subnetGroups.Put(tx, arn, g) }, err
	case parameterGroups.prefix:
		return groupTags(tx, call, &parameterGroups, text)
	case clusterParameterGroups.prefix:
		return groupTags(tx, call, &clusterParameterGroups, text)
	case proxies.prefix:
		for at, p := range proxies.of(tx, call) {
			if *p.Is.DBProxyArn == text {
				return p.Tags, func(t []api.Tag) error { p.Tags = t; return proxies.Put(tx, at, p) }, nil
			}
		}
		return nil, nil, proxies.missing(nameOf(arn))
	case proxyEndpoints.prefix:
		for at, e := range proxyEndpoints.of(tx, call) {
			if *e.Is.DBProxyEndpointArn == text {
				return e.Tags, func(t []api.Tag) error { e.Tags = t; return proxyEndpoints.Put(tx, at, e) }, nil
			}
		}
		return nil, nil, proxyEndpoints.missing(nameOf(arn))
	}
	return nil, nil, bad("Invalid resource name: %s", text)
}

func groupTags(tx *store.Tx, call *aws.Call, k *kind[parameterGroup], text string) ([]api.Tag, func([]api.Tag) error, error) {
	arn, g, err := k.find(tx, call, text)
	return g.Tags, func(t []api.Tag) error { g.Tags = t; return k.Put(tx, arn, g) }, err
}

// retag changes the tags of a resource.
func (s *Service) retag(ctx context.Context, call *aws.Call, name string, change func([]api.Tag) []api.Tag) error {
	return s.db.Update(ctx, func(tx *store.Tx) error {
		tags, keep, err := tagsOf(tx, call, name)
		if err != nil {
			return err
		}
		return keep(change(tags))
	})
}

// AddTagsToResource gives a resource tags.
func (s *Service) AddTagsToResource(ctx context.Context, call *aws.Call, in *api.AddTagsToResourceInput) (*api.AddTagsToResourceOutput, error) {
	return &api.AddTagsToResourceOutput{}, s.retag(ctx, call, in.ResourceName, func(had []api.Tag) []api.Tag { return tagged(had, in.Tags) })
}

// RemoveTagsFromResource takes tags from a resource.
func (s *Service) RemoveTagsFromResource(ctx context.Context, call *aws.Call, in *api.RemoveTagsFromResourceInput) (*api.RemoveTagsFromResourceOutput, error) {
	return &api.RemoveTagsFromResourceOutput{}, s.retag(ctx, call, in.ResourceName, func(had []api.Tag) []api.Tag {
		left := []api.Tag{}
		for _, t := range had {
			if !slices.Contains(in.TagKeys, aws.Value(t.Key)) {
				left = append(left, t)
			}
		}
		return left
	})
}

// ListTagsForResource lists the tags of a resource.
func (s *Service) ListTagsForResource(ctx context.Context, call *aws.Call, in *api.ListTagsForResourceInput) (*api.ListTagsForResourceOutput, error) {
	out := new(api.ListTagsForResourceOutput)
	err := s.db.View(ctx, func(tx *store.Tx) error {
		tags, _, err := tagsOf(tx, call, in.ResourceName)
		out.TagList = tagged(nil, tags)
		return err
	})
	return out, err
}
