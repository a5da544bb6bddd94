package ssm

import (
	"cmp"
	"context"
	"encoding/base64"
	"iter"
	"slices"
	"strconv"
	"strings"

	api "github.com/aloft-cloud/aloft/internal/api/ssm"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/store"
)

const (
	usualByPath   = 10 // parameters on a page
	usualDescribe = 50
)

// GetParametersByPath returns the parameters below a path.
func (s *Service) GetParametersByPath(ctx context.Context, call *aws.Call, in *api.GetParametersByPathInput) (*api.GetParametersByPathOutput, error) {
	if !strings.HasPrefix(in.Path, "/") {
		return nil, invalid(`The parameter doesn't meet the parameter name requirements. The parameter name must begin with a forward slash "/". It can't be prefixed with "aws" or "ssm" (case-insensitive). It must use only letters, numbers, or the following symbols: . (period), - (hyphen), _ (underscore). Special characters are not allowed. All sub-paths, if specified, must use the forward slash symbol "/". Valid example: /get/parameters2-/by1./path0_.`)
	}
	after, err := parseToken(in.NextToken)
	if err != nil {
		return nil, err
	}
	path := strings.TrimSuffix(in.Path, "/") + "/"
	limit := int(aws.Or(in.MaxResults, usualByPath))
	var out *api.GetParametersByPathOutput
	var l sealed
	err = s.db.View(ctx, func(tx *store.Tx) error {
		l = nil
		out = &api.GetParametersByPathOutput{Parameters: []api.Parameter{}}
		last := ""
		for k, row := range below(tx, shelf(call), path, after) {
			if !aws.Value(in.Recursive) && strings.Contains(k.Name[len(path):], "/") {
				continue
			}
			kept, err := row.matches(k.Name, in.ParameterFilters)
			if err != nil {
				return err
			}
			if !kept {
				continue
			}
			if len(out.Parameters) == limit {
				out.NextToken = token(last)
				return nil
			}
			p := row.show(call, k, aws.Value(in.WithDecryption), &l)
			out.Parameters, last = append(out.Parameters, *p), k.Name
		}
		return nil
	})
	if err == nil {
		err = s.open(ctx, call, l)
	}
	return out, err
}

// below yields the parameters whose name begins with path, after a name.
func below(tx *store.Tx, in aws.ARN, path, after string) iter.Seq2[key, parameter] {
	from := path
	if after != "" {
		from = after + "\x00"
	}
	if path == "" {
		return parameters.ScanAfter(tx, key{In: in}, key{in, after})
	}
	return parameters.Range(tx, key{in, from}, key{in, path[:len(path)-1] + "0"}) // "0" follows "/"
}

// DescribeParameters says what parameters there are, without their values.
func (s *Service) DescribeParameters(ctx context.Context, call *aws.Call, in *api.DescribeParametersInput) (*api.DescribeParametersOutput, error) {
	filters := in.ParameterFilters
	for _, f := range in.Filters {
		option := "Equals"
		if f.Key == api.ParametersFilterKeyName {
			option = "BeginsWith"
		}
		filters = append(filters, api.ParameterStringFilter{Key: f.Key, Option: &option, Values: f.Values})
	}
	after, err := parseToken(in.NextToken)
	if err != nil {
		return nil, err
	}
	limit := int(aws.Or(in.MaxResults, usualDescribe))
	var out *api.DescribeParametersOutput
	err = s.db.View(ctx, func(tx *store.Tx) error {
		out = &api.DescribeParametersOutput{Parameters: []api.ParameterMetadata{}}
		for k, row := range below(tx, shelf(call), "", after) {
			kept, err := row.matches(k.Name, filters)
			if err != nil {
				return err
			}
			if !kept {
				continue
			}
			if len(out.Parameters) == limit {
				out.NextToken = token(*out.Parameters[limit-1].Name)
				return nil
			}
			out.Parameters = append(out.Parameters, api.ParameterMetadata{
				Name: &k.Name, ARN: new(arnOf(call, k.Name).String()), Type: &row.Type, KeyId: row.keyID(), LastModifiedDate: &row.Modified,
				LastModifiedUser: &row.By, Description: row.Description, AllowedPattern: pattern(row.Pattern), Version: &row.Version,
				Tier: &row.Tier, Policies: []api.ParameterInlinePolicy{}, DataType: &row.DataType,
			})
		}
		return nil
	})
	return out, err
}

// GetParameterHistory returns the versions of a parameter, the oldest first.
func (s *Service) GetParameterHistory(ctx context.Context, call *aws.Call, in *api.GetParameterHistoryInput) (*api.GetParameterHistoryOutput, error) {
	text, err := parseToken(in.NextToken)
	if err != nil {
		return nil, err
	}
	after, _ := strconv.ParseInt(text, 10, 64) // 0, before all versions, if there is none
	limit := int(aws.Or(in.MaxResults, usualDescribe))
	var out *api.GetParameterHistoryOutput
	var l sealed
	err = s.db.View(ctx, func(tx *store.Tx) error {
		l = nil
		out = &api.GetParameterHistoryOutput{Parameters: []api.ParameterHistory{}}
		k, _, err := resolve(tx, call, in.Name)
		if err != nil {
			return err
		}
		row, err := find(tx, k)
		if err != nil {
			return err
		}
		var all []version
		for _, v := range history.Scan(tx, versionKey{Key: k}) {
			all = append(all, v)
		}
		all = append(all, row.version)
		for _, v := range all {
			if v.Version <= after {
				continue
			}
			if len(out.Parameters) == limit {
				out.NextToken = token(strconv.FormatInt(*out.Parameters[limit-1].Version, 10))
				return nil
			}
			labels := v.Labels
			if labels == nil {
				labels = []string{}
			}
			out.Parameters = append(out.Parameters, api.ParameterHistory{
				Name: &k.Name, Type: &v.Type, KeyId: v.keyID(), LastModifiedDate: &v.Modified, LastModifiedUser: &v.By, Description: v.Description,
				Value: l.show(&v, k, aws.Value(in.WithDecryption)), AllowedPattern: pattern(v.Pattern), Version: &v.Version, Labels: labels, Tier: &v.Tier,
				Policies: []api.ParameterInlinePolicy{}, DataType: &v.DataType,
			})
		}
		return nil
	})
	if err == nil {
		err = s.open(ctx, call, l)
	}
	return out, err
}

func pattern(p string) *string {
	if p == "" {
		return nil
	}
	return &p
}

// keyID is the key that v is sealed with, or nil if it is not.
func (v *version) keyID() *string {
	if v.Type != api.ParameterTypeSecureString {
		return nil
	}
	return new(cmp.Or(v.KeyID, ownKey))
}

// matches says whether a parameter is what all filters want.
func (p *parameter) matches(name string, filters []api.ParameterStringFilter) (bool, error) {
	for _, f := range filters {
		ok, err := p.matchesOne(name, &f)
		if err != nil || !ok {
			return false, err
		}
	}
	return true, nil
}

func (p *parameter) matchesOne(name string, f *api.ParameterStringFilter) (bool, error) {
	option := aws.Or(f.Option, "Equals")
	has := func(values ...string) (bool, error) {
		switch option {
		case "Equals":
			return slices.ContainsFunc(f.Values, func(want string) bool { return slices.Contains(values, want) }), nil
		case "BeginsWith":
			return anyPair(f.Values, values, func(want, v string) bool { return strings.HasPrefix(v, want) }), nil
		case "Contains":
			return anyPair(f.Values, values, func(want, v string) bool { return strings.Contains(v, want) }), nil
		}
		return false, api.InvalidFilterOption.Errorf("The following filter option is not valid: %s. Valid options include: [BeginsWith, Equals].", option)
	}
	switch f.Key {
	case "Name":
		return has(name, strings.TrimPrefix(name, "/"))
	case "Type":
		return has(p.Type)
	case "KeyId":
		return has(aws.Value(p.keyID()))
	case "Tier":
		return has(p.Tier)
	case "DataType":
		return has(p.DataType)
	case "Label":
		return has(p.Labels...)
	case "Path":
		return anyPair(f.Values, []string{name}, func(path, name string) bool {
			rest, ok := strings.CutPrefix(name, strings.TrimSuffix(path, "/")+"/")
			return ok && (option == "Recursive" || !strings.Contains(rest, "/"))
		}), nil
	}
	tag, ok := strings.CutPrefix(f.Key, "tag:")
	if !ok {
		return false, api.InvalidFilterKey.Errorf("The following filter key is not valid: %s.", f.Key)
	}
	for _, t := range p.Tags {
		if t.Key == tag && (f.Values == nil || slices.Contains(f.Values, t.Value)) {
			return true, nil
		}
	}
	return false, nil
}

// anyPair says whether ok holds for one of as with one of bs.
func anyPair(as, bs []string, ok func(a, b string) bool) bool {
	return slices.ContainsFunc(as, func(a string) bool {
		return slices.ContainsFunc(bs, func(b string) bool { return ok(a, b) })
	})
}

// token is where the next page begins: after a name.
func token(name string) *string { return new(base64.RawURLEncoding.EncodeToString([]byte(name))) }

func parseToken(t *string) (string, error) {
	b, err := base64.RawURLEncoding.DecodeString(aws.Value(t))
	if err != nil {
		return "", api.InvalidNextToken.Errorf("The specified token is not valid.")
	}
	return string(b), nil
}
