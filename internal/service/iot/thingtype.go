package iot

import (
	"context"
	"time"

	api "github.com/aloft-cloud/aloft/internal/api/iot"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/service"
	"github.com/aloft-cloud/aloft/internal/store"
)

// restsFor is how long a type must have been deprecated before it is deleted.
const restsFor = 5 * time.Minute

func pairOf(t api.Tag) (key, value string) { return t.Key, aws.Value(t.Value) }

// CreateThingType makes a type of things.
func (s *Service) CreateThingType(ctx context.Context, call *aws.Call, in *api.CreateThingTypeInput) (*api.CreateThingTypeOutput, error) {
	arn := thingTypeARN(call, in.ThingTypeName)
	row := thingType{ID: aws.NewRequestID(), Properties: in.ThingTypeProperties, Created: time.Now(), Tags: service.TagMap(in.Tags, pairOf)}
	err := s.DB.Update(ctx, func(tx *store.Tx) error {
		if there, err := thingTypes.Get(tx, arn); err == nil {
			return api.ResourceAlreadyExistsException.With(&api.ResourceAlreadyExistsExceptionDetail{ResourceId: &there.ID, ResourceArn: new(arn.String())},
				"ThingType "+in.ThingTypeName+" already exists in account")
		}
		return thingTypes.Put(tx, arn, row)
	})
	return &api.CreateThingTypeOutput{ThingTypeName: &in.ThingTypeName, ThingTypeArn: new(arn.String()), ThingTypeId: &row.ID}, err
}

// DescribeThingType describes a type.
func (s *Service) DescribeThingType(ctx context.Context, call *aws.Call, in *api.DescribeThingTypeInput) (*api.DescribeThingTypeOutput, error) {
	arn := thingTypeARN(call, in.ThingTypeName)
	var row thingType
	err := s.DB.View(ctx, func(tx *store.Tx) (err error) {
		row, err = findThingType(tx, arn)
		return err
	})
	if err != nil {
		return nil, err
	}
	return &api.DescribeThingTypeOutput{
		ThingTypeName: &in.ThingTypeName, ThingTypeId: &row.ID, ThingTypeArn: new(arn.String()), ThingTypeProperties: row.Properties,
		ThingTypeMetadata: row.metadata(),
	}, nil
}

func (t *thingType) metadata() *api.ThingTypeMetadata {
	m := &api.ThingTypeMetadata{Deprecated: new(!t.Deprecated.IsZero()), CreationDate: &t.Created}
	if !t.Deprecated.IsZero() {
		m.DeprecationDate = &t.Deprecated
	}
	return m
}

// ListThingTypes lists types.
func (s *Service) ListThingTypes(ctx context.Context, call *aws.Call, in *api.ListThingTypesInput) (*api.ListThingTypesOutput, error) {
	p, err := newPage(in.MaxResults, in.NextToken)
	if err != nil {
		return nil, err
	}
	out := &api.ListThingTypesOutput{}
	return out, s.DB.View(ctx, func(tx *store.Tx) error {
		out.ThingTypes = []api.ThingTypeDefinition{}
		out.NextToken = fill(p, thingTypes.Scan(tx, all(call)), nameOf, func(name string, arn aws.ARN, row thingType) bool {
			if in.ThingTypeName != nil && *in.ThingTypeName != name {
				return false
			}
			out.ThingTypes = append(out.ThingTypes, api.ThingTypeDefinition{
				ThingTypeName: &name, ThingTypeArn: new(arn.String()), ThingTypeProperties: row.Properties, ThingTypeMetadata: row.metadata(),
			})
			return true
		})
		return nil
	})
}

// DeprecateThingType has no new things be of a type, or lets them again.
func (s *Service) DeprecateThingType(ctx context.Context, call *aws.Call, in *api.DeprecateThingTypeInput) (*api.DeprecateThingTypeOutput, error) {
	arn := thingTypeARN(call, in.ThingTypeName)
	return &api.DeprecateThingTypeOutput{}, s.DB.Update(ctx, func(tx *store.Tx) error {
		row, err := findThingType(tx, arn)
		if err != nil {
			return err
		}
		switch undo := aws.Value(in.UndoDeprecate); {
		case undo:
			row.Deprecated = time.Time{}
		case row.Deprecated.IsZero():
			row.Deprecated = time.Now()
		}
		return thingTypes.Put(tx, arn, row)
	})
}

// DeleteThingType deletes a type that was deprecated a while ago and that no
// thing has.
func (s *Service) DeleteThingType(ctx context.Context, call *aws.Call, in *api.DeleteThingTypeInput) (*api.DeleteThingTypeOutput, error) {
	arn := thingTypeARN(call, in.ThingTypeName)
	return &api.DeleteThingTypeOutput{}, s.DB.Update(ctx, func(tx *store.Tx) error {
		row, err := findThingType(tx, arn)
		if err != nil {
			return err
		}
		if row.Deprecated.IsZero() {
			return invalid("Cannot delete thing type: %s. Please deprecate it before deletion", in.ThingTypeName)
		}
		if time.Since(row.Deprecated) < restsFor {
			return invalid("Please wait for 5 minutes after deprecation and then retry")
		}
		for _, t := range things.Scan(tx, all(call)) {
			if t.Type == in.ThingTypeName {
				return invalid("Cannot delete thing type: %s. There are still things associated with it", in.ThingTypeName)
			}
		}
		return thingTypes.Delete(tx, arn)
	})
}
