package ssm

import (
	"context"
	"regexp"
	"slices"
	"strings"

	api "github.com/aloft-cloud/aloft/internal/api/ssm"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/store"
)

const maxLabels = 10

var labelForm = regexp.MustCompile(`^[a-zA-Z_.\-][a-zA-Z0-9_.\-]*$`)

// LabelParameterVersion gives a version names of its own, which it takes from others.
func (s *Service) LabelParameterVersion(ctx context.Context, call *aws.Call, in *api.LabelParameterVersionInput) (*api.LabelParameterVersionOutput, error) {
	out := &api.LabelParameterVersionOutput{InvalidLabels: []string{}}
	var labels []string
	for _, l := range in.Labels {
		if low := strings.ToLower(l); !labelForm.MatchString(l) || strings.HasPrefix(low, "aws") || strings.HasPrefix(low, "ssm") {
			out.InvalidLabels = append(out.InvalidLabels, l)
			continue
		}
		labels = append(labels, l)
	}
	err := s.relabel(ctx, call, in.Name, func(row *parameter, n int64, v *version) error {
		wanted := row.Version
		if in.ParameterVersion != nil {
			wanted = *in.ParameterVersion
		}
		out.ParameterVersion = &wanted
		v.Labels = slices.DeleteFunc(v.Labels, func(l string) bool { return slices.Contains(labels, l) })
		if n != wanted {
			return nil
		}
		if v.Labels = append(v.Labels, labels...); len(v.Labels) > maxLabels {
			return api.ParameterVersionLabelLimitExceeded.Errorf("A parameter version can have a maximum of %d labels.", maxLabels)
		}
		return nil
	}, in.ParameterVersion)
	return out, err
}

// UnlabelParameterVersion takes names from a version.
func (s *Service) UnlabelParameterVersion(ctx context.Context, call *aws.Call, in *api.UnlabelParameterVersionInput) (*api.UnlabelParameterVersionOutput, error) {
	var out *api.UnlabelParameterVersionOutput
	err := s.relabel(ctx, call, in.Name, func(row *parameter, n int64, v *version) error {
		if n != in.ParameterVersion {
			return nil
		}
		out = &api.UnlabelParameterVersionOutput{RemovedLabels: []string{}, InvalidLabels: []string{}}
		for _, l := range in.Labels {
			if i := slices.Index(v.Labels, l); i >= 0 {
				v.Labels = slices.Delete(v.Labels, i, i+1)
				out.RemovedLabels = append(out.RemovedLabels, l)
			} else {
				out.InvalidLabels = append(out.InvalidLabels, l)
			}
		}
		return nil
	}, &in.ParameterVersion)
	return out, err
}

// relabel has change look at each version of a parameter, whose labels it may
// change. must is a version that has to be there.
func (s *Service) relabel(ctx context.Context, call *aws.Call, name string, change func(row *parameter, n int64, v *version) error, must *int64) error {
	return s.db.Update(ctx, func(tx *store.Tx) error {
		k, _, err := resolve(tx, call, name)
		if err != nil {
			return err
		}
		row, err := find(tx, k)
		if err != nil {
			return err
		}
		found := must == nil || *must == row.Version
		var past []version
		for _, v := range history.Scan(tx, versionKey{Key: k}) {
			past = append(past, v)
		}
		for _, v := range past {
			found = found || v.Version == *must
			if err := change(&row, v.Version, &v); err != nil {
				return err
			}
			if err := history.Put(tx, versionKey{k, v.Version}, v); err != nil {
				return err
			}
		}
		if !found {
			return api.ParameterVersionNotFound.Errorf("Systems Manager could not find version %d of %s. Verify the version and try again.", *must, k.Name)
		}
		if err := change(&row, row.Version, &row.version); err != nil {
			return err
		}
		return parameters.Put(tx, k, row)
	})
}
