package apigateway

import (
	"cmp"
	"context"
	"errors"
	"regexp"
	"slices"
	"strings"

	api "github.com/aloft-cloud/aloft/internal/api/apigateway"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/store"
)

var pathPart = regexp.MustCompile(`^([a-zA-Z0-9._\-:$ ]+|\{[a-zA-Z0-9._\-:]+\+?\})$`)

// CreateResource adds a resource below another.
func (s *Service) CreateResource(ctx context.Context, call *aws.Call, in *api.CreateResourceInput) (*api.Resource, error) {
	row := api.Resource{Id: new(newID(6)), ParentId: &in.ParentId, PathPart: &in.PathPart}
	err := s.db.Update(ctx, func(tx *store.Tx) error {
		parent, above, err := find(tx, resources, call, in.RestApiId, "Resource", in.ParentId)
		if err != nil {
			return err
		}
		return addResource(tx, parent.API, &above, &row)
	})
	if err != nil {
		return nil, err
	}
	return &row, nil
}

// isVariable reports whether a part of a path stands for any, and isGreedy
// whether for many.
func isVariable(part string) bool { return strings.HasPrefix(part, "{") }
func isGreedy(part string) bool   { return strings.HasSuffix(part, "+}") }

// addResource keeps a new resource below parent.
func addResource(tx *store.Tx, arn aws.ARN, parent, row *api.Resource) error {
	if err := placeResource(tx, arn, parent, row); err != nil {
		return err
	}
	return resources.Put(tx, partKey{arn, *row.Id}, *row)
}

// placeResource claims the place of a resource below parent, and sets its path.
func placeResource(tx *store.Tx, arn aws.ARN, parent, row *api.Resource) error {
	part := *row.PathPart
	switch {
	case part == "":
		return errBad("Resource's path part must be specified")
	case !pathPart.MatchString(part):
		return errBad("Resource's path part only allow a-zA-Z0-9._-: or a valid greedy path variable and curly braces at the beginning and the end.")
	case isGreedy(aws.Value(parent.PathPart)):
		return errBad("Cannot create a child of a resource with a greedy path variable: %s", *parent.PathPart)
	}
	key := childKey{arn, *parent.Id, part}
	if found, err := children.Has(tx, key); err != nil {
		return err
	} else if found {
		return api.ConflictException.Errorf("Another resource with the same parent already has this name: %s", part)
	}
	if isVariable(part) {
		for sibling := range children.Scan(tx, childKey{API: arn, Parent: *parent.Id}) {
			// A variable may stand beside a greedy one, which takes the rest.
			if isVariable(sibling.Part) && isGreedy(sibling.Part) == isGreedy(part) {
				return errBad("A sibling (%s) of this resource already has a variable path part -- only one is allowed", sibling.Part)
			}
		}
		if err := tx.Err(); err != nil {
			return err
		}
	}
	row.ParentId, row.Path = parent.Id, new(strings.TrimSuffix(*parent.Path, "/")+"/"+part)
	return children.Put(tx, key, *row.Id)
}

// shown is a resource as it is shown, with its methods if embed asks for them:
// else only their names are.
func shown(row api.Resource, embed []string) api.Resource {
	if len(row.ResourceMethods) == 0 {
		row.ResourceMethods = nil
		return row
	}
	all := make(map[string]api.Method, len(row.ResourceMethods))
	for name, m := range row.ResourceMethods {
		if slices.Contains(embed, "methods") {
			all[name] = m
		} else {
			all[name] = api.Method{}
		}
	}
	row.ResourceMethods = all
	return row
}

// GetResource returns a resource.
func (s *Service) GetResource(ctx context.Context, call *aws.Call, in *api.GetResourceInput) (*api.Resource, error) {
	var row api.Resource
	err := s.db.View(ctx, func(tx *store.Tx) (err error) {
		_, row, err = find(tx, resources, call, in.RestApiId, "Resource", in.ResourceId)
		return err
	})
	if err != nil {
		return nil, err
	}
	return new(shown(row, in.Embed)), nil
}

// GetResources lists the resources of an API, by path.
func (s *Service) GetResources(ctx context.Context, call *aws.Call, in *api.GetResourcesInput) (*api.GetResourcesOutput, error) {
	p, err := pageOf(in.Limit, in.Position)
	if err != nil {
		return nil, err
	}
	var all []api.Resource
	err = s.db.View(ctx, func(tx *store.Tx) error {
		arn, _, err := findAPI(tx, call, in.RestApiId)
		if err != nil {
			return err
		}
		all = byPath(tx, arn)
		return tx.Err()
	})
	if err != nil {
		return nil, err
	}
	out := &api.GetResourcesOutput{Items: []api.Resource{}}
	for _, row := range all {
		if p.after != "" && *row.Path <= p.after {
			continue
		}
		if len(out.Items) == p.limit {
			if p.limit > 0 {
				out.Position = positionAfter(*out.Items[p.limit-1].Path)
			}
			break
		}
		out.Items = append(out.Items, shown(row, in.Embed))
	}
	return out, nil
}

// byPath returns the resources of an API in the order of their paths.
func byPath(tx *store.Tx, arn aws.ARN) []api.Resource {
	var all []api.Resource
	for _, row := range resources.Scan(tx, partKey{API: arn}) {
		all = append(all, row)
	}
	slices.SortFunc(all, func(a, b api.Resource) int { return cmp.Compare(*a.Path, *b.Path) })
	return all
}

// UpdateResource moves a resource, and all below it.
func (s *Service) UpdateResource(ctx context.Context, call *aws.Call, in *api.UpdateResourceInput) (*api.Resource, error) {
	var row api.Resource
	err := s.db.Update(ctx, func(tx *store.Tx) error {
		key, found, err := find(tx, resources, call, in.RestApiId, "Resource", in.ResourceId)
		if err != nil {
			return err
		}
		row = found
		if err := replace(in.PatchOperations, []string{"/pathPart", "/parentId"}, func(c *change) error { return moveResource(tx, key.API, &row, c) }); err != nil {
			return err
		}
		if err := resources.Put(tx, key, row); err != nil {
			return err
		}
		return repath(tx, key.API, &row)
	})
	if err != nil {
		return nil, err
	}
	return new(shown(row, nil)), nil
}

func moveResource(tx *store.Tx, arn aws.ARN, row *api.Resource, c *change) error {
	if row.ParentId == nil {
		return errBad("Root resource cannot update its %s.", strings.TrimPrefix(c.path, "/"))
	}
	parentID := *row.ParentId
	if err := children.Delete(tx, childKey{arn, parentID, *row.PathPart}); err != nil {
		return err
	}
	if c.path == "/pathPart" {
		row.PathPart = &c.value
	} else {
		parentID = c.value
	}
	parent, err := resources.Get(tx, partKey{arn, parentID})
	if err != nil {
		return refused(err, "Resource")
	}
	if strings.HasPrefix(*parent.Path+"/", *row.Path+"/") {
		return errBad("Resources cannot be cyclical.")
	}
	return placeResource(tx, arn, &parent, row)
}

// repath sets the paths of all below a resource.
func repath(tx *store.Tx, arn aws.ARN, parent *api.Resource) error {
	for _, id := range children.Scan(tx, childKey{API: arn, Parent: *parent.Id}) {
		child, err := resources.Get(tx, partKey{arn, id})
		if err != nil {
			return err
		}
		child.Path = new(strings.TrimSuffix(*parent.Path, "/") + "/" + *child.PathPart)
		if err := errors.Join(resources.Put(tx, partKey{arn, id}, child), repath(tx, arn, &child)); err != nil {
			return err
		}
	}
	return tx.Err()
}

// DeleteResource removes a resource and all below it.
func (s *Service) DeleteResource(ctx context.Context, call *aws.Call, in *api.DeleteResourceInput) (*api.DeleteResourceOutput, error) {
	err := s.db.Update(ctx, func(tx *store.Tx) error {
		key, row, err := find(tx, resources, call, in.RestApiId, "Resource", in.ResourceId)
		if err != nil {
			return err
		}
		if row.ParentId == nil {
			return errBad("Root resource cannot be removed")
		}
		return deleteResource(tx, key.API, &row)
	})
	if err != nil {
		return nil, err
	}
	return &api.DeleteResourceOutput{}, nil
}

func deleteResource(tx *store.Tx, arn aws.ARN, row *api.Resource) error {
	for _, id := range children.Scan(tx, childKey{API: arn, Parent: *row.Id}) {
		child, err := resources.Get(tx, partKey{arn, id})
		if err != nil {
			return err
		}
		if err := deleteResource(tx, arn, &child); err != nil {
			return err
		}
	}
	return errors.Join(tx.Err(), children.Delete(tx, childKey{arn, *row.ParentId, *row.PathPart}), resources.Delete(tx, partKey{arn, *row.Id}))
}
