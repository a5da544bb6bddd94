package iot

import (
	"context"
	"maps"
	"strings"

	api "github.com/aloft-cloud/aloft/internal/api/iot"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/store"
)

const (
	maxAttributes     = 50 // of a thing with a type
	maxFreeAttributes = 3  // of one without
)

// CreateThing makes a thing. One that is there as it would be made is no
// failure.
func (s *Service) CreateThing(ctx context.Context, call *aws.Call, in *api.CreateThingInput) (*api.CreateThingOutput, error) {
	if in.BillingGroupName != nil {
		return nil, aws.NotImplemented.Errorf("Aloft does not have billing groups of IoT yet.")
	}
	arn := thingARN(call, in.ThingName)
	row := thing{ID: aws.NewRequestID(), Type: aws.Value(in.ThingTypeName), Version: 1, Attributes: given(in.AttributePayload)}
	if err := row.check(); err != nil {
		return nil, err
	}
	err := s.DB.Update(ctx, func(tx *store.Tx) error {
		if there, err := things.Get(tx, arn); err == nil {
			if there.Type == row.Type && maps.Equal(there.Attributes, row.Attributes) {
				row.ID = there.ID
				return nil
			}
			return api.ResourceAlreadyExistsException.With(&api.ResourceAlreadyExistsExceptionDetail{ResourceId: &there.ID, ResourceArn: new(arn.String())},
				"Thing "+in.ThingName+" already exists in account with different attributes")
		}
		if err := row.checkType(tx, call); err != nil {
			return err
		}
		return things.Put(tx, arn, row)
	})
	if err != nil {
		return nil, err
	}
	return &api.CreateThingOutput{ThingName: &in.ThingName, ThingArn: new(arn.String()), ThingId: &row.ID}, nil
}

// given are the attributes that have a value.
func given(p *api.AttributePayload) map[string]string {
	var out map[string]string
	if p == nil {
		return nil
	}
	for name, value := range p.Attributes {
		if value == "" {
			continue
		}
		if out == nil {
			out = make(map[string]string)
		}
		out[name] = value
	}
	return out
}

// check refuses a thing of too many attributes.
func (t *thing) check() error {
	most := maxAttributes
	if t.Type == "" {
		most = maxFreeAttributes
	}
	if len(t.Attributes) > most {
		return invalid("A thing can have no more than %d attributes.", most)
	}
	return nil
}

// checkType refuses a type that is not there, or not for new things.
func (t *thing) checkType(tx *store.Tx, call *aws.Call) error {
	if t.Type == "" {
		return nil
	}
	row, err := findThingType(tx, thingTypeARN(call, t.Type))
	if err == nil && !row.Deprecated.IsZero() {
		err = invalid("Cannot use deprecated thing type %s", t.Type)
	}
	return err
}

// DescribeThing describes a thing.
func (s *Service) DescribeThing(ctx context.Context, call *aws.Call, in *api.DescribeThingInput) (*api.DescribeThingOutput, error) {
	arn := thingARN(call, in.ThingName)
	var row thing
	err := s.DB.View(ctx, func(tx *store.Tx) (err error) {
		row, err = findThing(tx, arn)
		return err
	})
	if err != nil {
		return nil, err
	}
	out := &api.DescribeThingOutput{
		DefaultClientId: &in.ThingName, ThingName: &in.ThingName, ThingId: &row.ID, ThingArn: new(arn.String()), Attributes: row.shown(), Version: &row.Version,
	}
	if row.Type != "" {
		out.ThingTypeName = &row.Type
	}
	return out, nil
}

// shown are the attributes of a thing, never nil.
func (t *thing) shown() map[string]string {
	if t.Attributes == nil {
		return map[string]string{}
	}
	return t.Attributes
}

// UpdateThing changes a thing.
func (s *Service) UpdateThing(ctx context.Context, call *aws.Call, in *api.UpdateThingInput) (*api.UpdateThingOutput, error) {
	arn := thingARN(call, in.ThingName)
	return &api.UpdateThingOutput{}, s.DB.Update(ctx, func(tx *store.Tx) error {
		row, err := findThing(tx, arn)
		if err != nil {
			return err
		}
		if err := row.checkVersion(in.ExpectedVersion); err != nil {
			return err
		}
		if p := in.AttributePayload; p != nil {
			attributes := given(p)
			if aws.Value(p.Merge) {
				merged := maps.Clone(row.shown())
				maps.Copy(merged, p.Attributes)
				maps.DeleteFunc(merged, func(_, value string) bool { return value == "" })
				attributes = merged
			}
			row.Attributes = attributes
		}
		switch {
		case aws.Value(in.RemoveThingType):
			row.Type = ""
		case in.ThingTypeName != nil:
			row.Type = *in.ThingTypeName
			if err := row.checkType(tx, call); err != nil {
				return err
			}
		}
		if err := row.check(); err != nil {
			return err
		}
		row.Version++
		return things.Put(tx, arn, row)
	})
}

func (t *thing) checkVersion(expected *int64) error {
	if expected != nil && *expected != t.Version {
		return api.VersionConflictException.Errorf("The version %d is not the thing's: %d.", *expected, t.Version)
	}
	return nil
}

// DeleteThing deletes a thing, which has no principals any more.
func (s *Service) DeleteThing(ctx context.Context, call *aws.Call, in *api.DeleteThingInput) (*api.DeleteThingOutput, error) {
	arn := thingARN(call, in.ThingName)
	return &api.DeleteThingOutput{}, s.DB.Update(ctx, func(tx *store.Tx) error {
		row, err := things.Get(tx, arn)
		if err != nil {
			return ignoreMissing(err)
		}
		if err := row.checkVersion(in.ExpectedVersion); err != nil {
			return err
		}
		for range principals.Scan(tx, principalKey{Thing: arn}) {
			return invalid("Cannot delete. Thing %s is still attached to one or more principals", in.ThingName)
		}
		return things.Delete(tx, arn)
	})
}

// ListThings lists things, or those of a type or with an attribute.
func (s *Service) ListThings(ctx context.Context, call *aws.Call, in *api.ListThingsInput) (*api.ListThingsOutput, error) {
	p, err := newPage(in.MaxResults, in.NextToken)
	if err != nil {
		return nil, err
	}
	out := &api.ListThingsOutput{}
	return out, s.DB.View(ctx, func(tx *store.Tx) error {
		out.Things = []api.ThingAttribute{}
		out.NextToken = fill(p, things.Scan(tx, all(call)), nameOf, func(name string, arn aws.ARN, row thing) bool {
			if in.ThingTypeName != nil && row.Type != *in.ThingTypeName || !row.has(in) {
				return false
			}
			t := api.ThingAttribute{ThingName: &name, ThingArn: new(arn.String()), Attributes: row.shown(), Version: &row.Version}
			if row.Type != "" {
				t.ThingTypeName = &row.Type
			}
			out.Things = append(out.Things, t)
			return true
		})
		return nil
	})
}

// has reports whether a thing has the attribute that a list is of.
func (t *thing) has(in *api.ListThingsInput) bool {
	if in.AttributeName == nil {
		return true
	}
	value, has := t.Attributes[*in.AttributeName]
	switch {
	case !has || in.AttributeValue == nil:
		return has
	case aws.Value(in.UsePrefixAttributeValue):
		return strings.HasPrefix(value, *in.AttributeValue)
	}
	return value == *in.AttributeValue
}
