package wafv2

import (
	"context"
	"errors"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/aloft-cloud/aloft/internal/api/apigateway"
	api "github.com/aloft-cloud/aloft/internal/api/wafv2"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/dispatch"
	"github.com/aloft-cloud/aloft/internal/store"
)

// stageForm is the resource of a stage of a REST API.
var stageForm = regexp.MustCompile(`^/restapis/([a-z0-9]+)/stages/([A-Za-z0-9_-]+)$`)

// checkResource refuses what no list can guard, and what there is not.
func (s *Service) checkResource(ctx context.Context, call *aws.Call, text string) (aws.ARN, error) {
	arn, err := aws.ParseARN(text)
	if err != nil {
		return arn, errParameter("The ARN isn't valid. A valid ARN begins with arn: and includes other information separated by colons or slashes.", "RESOURCE_ARN", text)
	}
	at := stageForm.FindStringSubmatch(arn.Resource)
	if arn.Service != "apigateway" || at == nil {
		return arn, aws.NotImplemented.Errorf("Aloft does not answer wafv2 associations with %s yet: stages of REST APIs have them, and distributions by their configuration.", text)
	}
	_, err = dispatch.CallChecked(ctx, s.table, call, apigateway.GetStage, &apigateway.GetStageInput{RestApiId: at[1], StageName: at[2]})
	if errors.Is(err, apigateway.NotFoundException) {
		return arn, errGone()
	}
	arn.Account = call.Account // which such ARNs do not say
	return arn, err
}

// AssociateWebACL has a list guard a resource.
func (s *Service) AssociateWebACL(ctx context.Context, call *aws.Call, in *api.AssociateWebACLInput) (*api.AssociateWebACLOutput, error) {
	resource, err := s.checkResource(ctx, call, in.ResourceArn)
	if err != nil {
		return nil, err
	}
	acl, err := aws.ParseARN(in.WebACLArn)
	if err != nil || !strings.HasPrefix(acl.Resource, "regional/webacl/") {
		return nil, errParameter("The ARN isn't valid. A valid ARN begins with arn: and includes other information separated by colons or slashes.", "WEB_ACL_ARN", in.WebACLArn)
	}
	return &api.AssociateWebACLOutput{}, s.db.Update(ctx, func(tx *store.Tx) error {
		if _, err := acls.get(tx, acl); err != nil {
			return err
		}
		s.changed(tx)
		return associations.Put(tx, resource, acl.String())
	})
}

// DisassociateWebACL leaves a resource unguarded.
func (s *Service) DisassociateWebACL(ctx context.Context, call *aws.Call, in *api.DisassociateWebACLInput) (*api.DisassociateWebACLOutput, error) {
	arn, err := aws.ParseARN(in.ResourceArn)
	if err != nil {
		return nil, errGone()
	}
	arn.Account = call.Account
	return &api.DisassociateWebACLOutput{}, s.db.Update(ctx, func(tx *store.Tx) error {
		if _, err := associations.Get(tx, arn); errors.Is(err, store.ErrNotFound) {
			return errGone()
		}
		s.changed(tx)
		return associations.Delete(tx, arn)
	})
}

// GetWebACLForResource returns the list that guards a resource.
func (s *Service) GetWebACLForResource(ctx context.Context, call *aws.Call, in *api.GetWebACLForResourceInput) (*api.GetWebACLForResourceOutput, error) {
	arn, err := aws.ParseARN(in.ResourceArn)
	if err != nil {
		return nil, errGone()
	}
	arn.Account = call.Account
	out := &api.GetWebACLForResourceOutput{}
	return out, s.db.View(ctx, func(tx *store.Tx) error {
		name, err := associations.Get(tx, arn)
		if errors.Is(err, store.ErrNotFound) {
			return nil
		} else if err != nil {
			return err
		}
		acl, err := aws.ParseARN(name)
		if err != nil {
			return err
		}
		r, err := acls.get(tx, acl)
		out.WebACL = &r.Config
		return err
	})
}

// ListResourcesForWebACL lists what a list guards: stages of REST APIs.
func (s *Service) ListResourcesForWebACL(ctx context.Context, call *aws.Call, in *api.ListResourcesForWebACLInput) (*api.ListResourcesForWebACLOutput, error) {
	out := &api.ListResourcesForWebACLOutput{}
	return out, s.db.View(ctx, func(tx *store.Tx) error {
		out.ResourceArns = []string{}
		if kind := aws.Value(in.ResourceType); kind != "API_GATEWAY" {
			return nil
		}
		for resource, acl := range associations.Scan(tx, call.ARN("apigateway", "")) {
			if acl == in.WebACLArn {
				resource.Account = ""
				out.ResourceArns = append(out.ResourceArns, resource.String())
			}
		}
		return tx.Err()
	})
}

// tagged returns had with tags.
func tagged(had map[string]string, tags []api.Tag) map[string]string {
	out := maps.Clone(had)
	if out == nil {
		out = make(map[string]string)
	}
	for _, t := range tags {
		out[t.Key] = t.Value
	}
	return out
}

// A labels is a kind whose tags can be read, and changed.
type labels interface {
	tags(tx *store.Tx, arn aws.ARN, change func(map[string]string) map[string]string) (map[string]string, error)
}

func (k *kind[C]) tags(tx *store.Tx, arn aws.ARN, change func(map[string]string) map[string]string) (map[string]string, error) {
	r, err := k.get(tx, arn)
	if err != nil || change == nil {
		return r.Tags, err
	}
	r.Tags = change(r.Tags)
	return r.Tags, k.rows.Put(tx, arn, r)
}

// labelled finds the kind of what an ARN names.
func labelled(call *aws.Call, text string) (labels, aws.ARN, error) {
	arn, err := aws.ParseARN(text)
	parts := strings.Split(arn.Resource, "/")
	if err == nil && arn.Account == call.Account && len(parts) == 4 {
		if k := map[string]labels{acls.name: acls, groups.name: groups, ipSets.name: ipSets, patterns.name: patterns}[parts[1]]; k != nil {
			return k, arn, nil
		}
	}
	return nil, arn, errGone()
}

func (s *Service) retag(ctx context.Context, call *aws.Call, resource string, change func(map[string]string) map[string]string) error {
	k, arn, err := labelled(call, resource)
	if err != nil {
		return err
	}
	return s.db.Update(ctx, func(tx *store.Tx) error {
		_, err := k.tags(tx, arn, change)
		return err
	})
}

// TagResource gives a resource tags.
func (s *Service) TagResource(ctx context.Context, call *aws.Call, in *api.TagResourceInput) (*api.TagResourceOutput, error) {
	return &api.TagResourceOutput{}, s.retag(ctx, call, in.ResourceARN, func(had map[string]string) map[string]string { return tagged(had, in.Tags) })
}

// UntagResource takes tags from a resource.
func (s *Service) UntagResource(ctx context.Context, call *aws.Call, in *api.UntagResourceInput) (*api.UntagResourceOutput, error) {
	return &api.UntagResourceOutput{}, s.retag(ctx, call, in.ResourceARN, func(had map[string]string) map[string]string {
		out := maps.Clone(had)
		for _, key := range in.TagKeys {
			delete(out, key)
		}
		return out
	})
}

// ListTagsForResource lists the tags of a resource.
func (s *Service) ListTagsForResource(ctx context.Context, call *aws.Call, in *api.ListTagsForResourceInput) (*api.ListTagsForResourceOutput, error) {
	k, arn, err := labelled(call, in.ResourceARN)
	if err != nil {
		return nil, err
	}
	info := &api.TagInfoForResource{ResourceARN: &in.ResourceARN}
	return &api.ListTagsForResourceOutput{TagInfoForResource: info}, s.db.View(ctx, func(tx *store.Tx) error {
		tags, err := k.tags(tx, arn, nil)
		info.TagList = []api.Tag{}
		for _, key := range slices.Sorted(maps.Keys(tags)) {
			info.TagList = append(info.TagList, api.Tag{Key: key, Value: tags[key]})
		}
		return err
	})
}
