package logs

import (
	"context"
	"encoding/base64"
	"errors"
	"slices"
	"strings"
	"time"

	api "github.com/aloft-cloud/aloft/internal/api/logs"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/store"
)

// maxPage is how many groups or streams an answer describes at most.
const maxPage = 50

// CreateLogGroup makes a log group.
func (s *Service) CreateLogGroup(ctx context.Context, call *aws.Call, in *api.CreateLogGroupInput) (*api.CreateLogGroupOutput, error) {
	if in.KmsKeyId != nil {
		if err := checkKey(*in.KmsKeyId); err != nil {
			return nil, err
		}
	}
	class := aws.Or(in.LogGroupClass, api.LogGroupClassStandard)
	if class == api.LogGroupClassDelivery {
		return nil, aws.NotImplemented.Errorf("Aloft does not answer logs:CreateLogGroup with logGroupClass DELIVERY yet.")
	}
	arn := groupARN(call, in.LogGroupName)
	err := s.db.Update(ctx, func(tx *store.Tx) error {
		if exists, err := groups.Has(tx, arn); err != nil {
			return err
		} else if exists {
			return api.ResourceAlreadyExistsException.Errorf("The specified log group already exists")
		}
		return groups.Put(tx, arn, group{
			Created:   time.Now().UnixMilli(),
			Class:     class,
			Protected: aws.Value(in.DeletionProtectionEnabled),
			Tags:      in.Tags,
			Key:       aws.Value(in.KmsKeyId),
		})
	})
	if err != nil {
		return nil, err
	}
	return &api.CreateLogGroupOutput{}, nil
}

// DeleteLogGroup removes a log group with its streams and their events.
func (s *Service) DeleteLogGroup(ctx context.Context, call *aws.Call, in *api.DeleteLogGroupInput) (*api.DeleteLogGroupOutput, error) {
	arn := groupARN(call, in.LogGroupName)
	err := s.db.Update(ctx, func(tx *store.Tx) error {
		row, err := findGroup(tx, arn)
		if err != nil {
			return err
		}
		if row.Protected {
			return api.ValidationException.Errorf("The specified log group is protected from deletion.")
		}
		return errors.Join(
			groups.Delete(tx, arn),
			retentions.Delete(tx, arn),
			metricFilters.DeletePrefix(tx, filterKey{Group: arn}),
			subscriptions.DeletePrefix(tx, filterKey{Group: arn}),
			streams.DeletePrefix(tx, streamKey{Group: arn}),
			blocks.Rows(arn).DeleteRange(tx, nil, nil),
		)
	})
	if err != nil {
		return nil, err
	}
	return &api.DeleteLogGroupOutput{}, nil
}

// PutLogGroupDeletionProtection protects a log group from deletion, or no longer.
func (s *Service) PutLogGroupDeletionProtection(ctx context.Context, call *aws.Call, in *api.PutLogGroupDeletionProtectionInput) (*api.PutLogGroupDeletionProtectionOutput, error) {
	err := s.changeGroup(ctx, findARN(call, "", in.LogGroupIdentifier), func(_ *store.Tx, g *group) error {
		g.Protected = in.DeletionProtectionEnabled
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &api.PutLogGroupDeletionProtectionOutput{}, nil
}

// changeGroup does change to a log group.
func (s *Service) changeGroup(ctx context.Context, arn aws.ARN, change func(*store.Tx, *group) error) error {
	return s.db.Update(ctx, func(tx *store.Tx) error {
		row, err := findGroup(tx, arn)
		if err != nil {
			return err
		}
		if err := change(tx, &row); err != nil {
			return err
		}
		return groups.Put(tx, arn, row)
	})
}

// DescribeLogGroups lists log groups in order of their names.
func (s *Service) DescribeLogGroups(ctx context.Context, call *aws.Call, in *api.DescribeLogGroupsInput) (*api.DescribeLogGroupsOutput, error) {
	if in.LogGroupNamePrefix != nil && in.LogGroupNamePattern != nil {
		return nil, api.InvalidParameterException.Errorf("LogGroup name prefix and LogGroup name pattern are mutually exclusive parameters.")
	}
	after, err := parseNameToken(in.NextToken)
	if err != nil {
		return nil, err
	}
	var out *api.DescribeLogGroupsOutput
	limit := int(aws.Or(in.Limit, maxPage))
	prefix := groupARN(call, aws.Value(in.LogGroupNamePrefix))
	all := groupARN(call, "")
	all.Resource = ""
	wanted := wantedGroups(call, in)
	err = s.db.View(ctx, func(tx *store.Tx) error {
		out = &api.DescribeLogGroupsOutput{LogGroups: []api.LogGroup{}}
		// A group at the prefix itself comes first, so the scan begins before it.
		from := groupARN(call, max(after, before(groupName(prefix))))
		for arn, row := range groups.ScanAfter(tx, all, from) {
			if !strings.HasPrefix(arn.Resource, prefix.Resource) {
				break
			}
			if !wanted(arn, &row) {
				continue
			}
			if len(out.LogGroups) == limit {
				out.NextToken = nameToken(*out.LogGroups[limit-1].LogGroupName)
				return nil
			}
			out.LogGroups = append(out.LogGroups, describeGroup(tx, arn, &row))
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// before is a string that comes before s and after all others that do, as far
// as names of groups can be.
func before(s string) string {
	if s == "" {
		return ""
	}
	return s[:len(s)-1] + string(s[len(s)-1]-1) + "\x7f"
}

// wantedGroups tells which groups an input is about, besides the prefix.
func wantedGroups(call *aws.Call, in *api.DescribeLogGroupsInput) func(aws.ARN, *group) bool {
	part := strings.ToLower(aws.Value(in.LogGroupNamePattern))
	var listed []aws.ARN
	for _, id := range in.LogGroupIdentifiers {
		listed = append(listed, findARN(call, "", id))
	}
	return func(arn aws.ARN, row *group) bool {
		return (in.LogGroupClass == nil || row.Class == *in.LogGroupClass) &&
			(part == "" || strings.Contains(strings.ToLower(groupName(arn)), part)) &&
			(listed == nil || slices.Contains(listed, arn)) &&
			(len(in.AccountIdentifiers) == 0 || slices.Contains(in.AccountIdentifiers, call.Account))
	}
}

func describeGroup(tx *store.Tx, arn aws.ARN, row *group) api.LogGroup {
	var bytes int64
	for _, st := range streams.Scan(tx, streamKey{Group: arn}) {
		bytes += st.Bytes
	}
	g := api.LogGroup{
		Arn:                       new(arn.String() + ":*"),
		LogGroupArn:               new(arn.String()),
		LogGroupName:              new(groupName(arn)),
		LogGroupClass:             &row.Class,
		CreationTime:              &row.Created,
		MetricFilterCount:         new(int32(countFilters(tx, metricFilters, arn))),
		StoredBytes:               &bytes,
		DeletionProtectionEnabled: &row.Protected,
	}
	if row.Days != 0 {
		g.RetentionInDays = &row.Days
	}
	if row.Key != "" {
		g.KmsKeyId = &row.Key
	}
	return g
}

// nameToken is a token for what comes after name.
func nameToken(name string) *string {
	return new(base64.RawURLEncoding.EncodeToString([]byte(name)))
}

// parseNameToken returns the name that a token was made from, "" if there is none.
func parseNameToken(token *string) (string, error) {
	name, err := base64.RawURLEncoding.DecodeString(aws.Value(token))
	if err != nil {
		return "", errToken()
	}
	return string(name), nil
}
