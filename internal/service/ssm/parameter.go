package ssm

import (
	"context"
	"errors"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	api "github.com/aloft-cloud/aloft/internal/api/ssm"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/store"
)

const (
	maxStandard = 4096 // bytes of a value
	maxAdvanced = 8192
	maxVersions = 100
	maxLevels   = 15
)

// PutParameter makes a parameter, or gives one a new version.
func (s *Service) PutParameter(ctx context.Context, call *aws.Call, in *api.PutParameterInput) (*api.PutParameterOutput, error) {
	if err := checkPut(in); err != nil {
		return nil, err
	}
	v := version{
		Version: 1, Type: aws.Value(in.Type), Value: in.Value, Description: in.Description, Pattern: aws.Value(in.AllowedPattern),
		Tier: tierOf(in), DataType: aws.Or(in.DataType, "text"), Modified: time.Now().UTC(), By: call.Principal.ARN,
	}
	k := key{shelf(call), in.Name}
	var put version
	secret, err := s.isSecret(ctx, k, v.Type)
	if err == nil && secret {
		err = s.seal(ctx, call, k.Name, aws.Or(in.KeyId, ownKey), &v)
	}
	if err != nil {
		return nil, err
	}
	err = s.db.Update(ctx, func(tx *store.Tx) error {
		v := v
		old, err := parameters.Get(tx, k)
		found := err == nil
		if err != nil && !errors.Is(err, store.ErrNotFound) {
			return err
		}
		row := parameter{version: v, Tags: in.Tags}
		if found {
			if row, err = succeed(tx, k, in, old, v); err != nil {
				return err
			}
		}
		switch {
		case row.Type == "":
			return invalid("A parameter type is required when you create a parameter.")
		case (row.Type == api.ParameterTypeSecureString) != secret:
			return api.TooManyUpdates.Errorf("There are concurrent updates for a resource that supports one update at a time.")
		}
		put = row.version
		return parameters.Put(tx, k, row)
	})
	if err != nil {
		return nil, err
	}
	return &api.PutParameterOutput{Version: &put.Version, Tier: &put.Tier}, nil
}

// isSecret reports whether a parameter that is put with a type, or with none,
// which is that of the version before, will be a secure string.
func (s *Service) isSecret(ctx context.Context, k key, kind string) (bool, error) {
	if kind != "" {
		return kind == api.ParameterTypeSecureString, nil
	}
	var old parameter
	err := s.db.View(ctx, func(tx *store.Tx) (err error) {
		old, err = parameters.Get(tx, k)
		return err
	})
	if errors.Is(err, store.ErrNotFound) {
		err = nil
	}
	return old.Type == api.ParameterTypeSecureString, err
}

// succeed makes v the version after old, which goes to the history.
func succeed(tx *store.Tx, k key, in *api.PutParameterInput, old parameter, v version) (parameter, error) {
	switch {
	case !aws.Value(in.Overwrite):
		return old, api.ParameterAlreadyExists.Errorf("The parameter already exists. To overwrite this value, set the overwrite option in the request to true.")
	case v.Type != "" && v.Type != old.Type:
		return old, api.HierarchyTypeMismatchException.Errorf("Parameter Store doesn't support changing a parameter type in a hierarchy. For example, you can't change a parameter from a String type to a SecureString type. You must create a new, unique parameter.")
	}
	v.Version, v.Type = old.Version+1, old.Type
	if v.Description == nil {
		v.Description = old.Description
	}
	if in.Tier == nil && v.Tier == api.ParameterTierStandard {
		v.Tier = old.Tier // it never goes back by itself
	}
	if err := history.Put(tx, versionKey{k, old.Version}, old.version); err != nil {
		return old, err
	}
	n := 0
	for vk, o := range history.ScanReverse(tx, versionKey{Key: k}) {
		if n++; n < maxVersions {
			continue
		}
		if len(o.Labels) > 0 {
			return old, api.ParameterMaxVersionLimitExceeded.Errorf("You attempted to create a new version of %s by calling the PutParameter API with the overwrite flag. Version %d, the oldest version, can't be deleted because it has a label associated with it. Move the label to another version of the parameter, and try again.", k.Name, o.Version)
		}
		if err := history.Delete(tx, vk); err != nil {
			return old, err
		}
	}
	return parameter{version: v, Tags: old.Tags}, nil
}

// checkPut refuses what no parameter may be.
func checkPut(in *api.PutParameterInput) error {
	if err := checkName(in.Name); err != nil {
		return err
	}
	secret := aws.Value(in.Type) == api.ParameterTypeSecureString
	switch {
	case in.Value == "":
		return invalid("1 validation error detected: Value '' at 'value' failed to satisfy constraint: Member must have length greater than or equal to 1")
	case in.Policies != nil && strings.Trim(*in.Policies, " []{}") != "":
		return aws.NotImplemented.Errorf("Aloft does not do policies of parameters yet.")
	case in.KeyId != nil && in.Type != nil && !secret:
		return invalid("KeyId is required for SecureString type parameter only.")
	case aws.Value(in.Overwrite) && in.Tags != nil:
		return invalid("Invalid request: tags and overwrite can't be used together. To create a parameter with tags, please remove overwrite flag. To update tags for an existing parameter, please use AddTagsToResource or RemoveTagsFromResource.")
	}
	switch d := aws.Or(in.DataType, "text"); d {
	case "text", "aws:ec2:image", "aws:ssm:integration":
	default:
		return invalid("The following data type is not supported: %s (Data type names are all lowercase.)", d)
	}
	if len(in.Value) > maxStandard && tierOf(in) == api.ParameterTierStandard {
		return invalid("Standard tier parameters support a maximum parameter value of 4096 characters. To create a larger parameter value, upgrade the parameter to use the advanced-parameter tier. For more information, see https://docs.aws.amazon.com/systems-manager/latest/userguide/parameter-store-advanced-parameters.html")
	}
	if len(in.Value) > maxAdvanced {
		return invalid("Advanced tier parameters support a maximum parameter value of 8192 characters.")
	}
	if in.AllowedPattern == nil {
		return nil
	}
	re, err := regexp.Compile("^(?:" + *in.AllowedPattern + ")$")
	if err != nil {
		return api.InvalidAllowedPatternException.Errorf("The request does not meet the regular expression requirement.")
	}
	if !re.MatchString(in.Value) {
		return api.ParameterPatternMismatchException.Errorf("Parameter value, cannot be validated against allowedPattern: %s", *in.AllowedPattern)
	}
	return nil
}

// tierOf is the tier that a parameter will be in.
func tierOf(in *api.PutParameterInput) string {
	t := aws.Or(in.Tier, api.ParameterTierStandard)
	if t != api.ParameterTierIntelligentTiering {
		return t
	}
	if len(in.Value) > maxStandard {
		return api.ParameterTierAdvanced
	}
	return api.ParameterTierStandard
}

var nameForm = regexp.MustCompile(`^[a-zA-Z0-9_.\-/]+$`)

// checkName refuses what no parameter may be called.
func checkName(name string) error {
	const form = `Parameter name: can't be prefixed with "ssm" (case-insensitive). If formed as a path, it can consist of sub-paths divided by slash symbol; each sub-path can be formed as a mix of letters, numbers and the following 3 symbols .-_`
	bare := strings.ToLower(strings.TrimPrefix(name, "/"))
	switch {
	case strings.HasPrefix(bare, "aws"):
		return aws.AccessDenied.Errorf("No access to reserved parameter name: %s.", name)
	case strings.HasPrefix(bare, "ssm") || !nameForm.MatchString(name) || strings.Contains(name, "//") || strings.HasSuffix(name, "/"):
		return invalid("%s", form)
	case strings.Contains(name, "/") && !strings.HasPrefix(name, "/"):
		return invalid("Parameter name must be a fully qualified name.")
	case strings.Count(name, "/") > maxLevels:
		return api.HierarchyLevelLimitExceededException.Errorf("A parameter hierarchy can have a maximum of %d levels.", maxLevels)
	}
	return nil
}

// split takes a name apart, which may be an ARN and may end in a selector: the
// number or label of a version.
func split(text string) (name, selector string) {
	if a, err := aws.ParseARN(text); err == nil && a.Service == "ssm" {
		text = strings.TrimPrefix(a.Resource, "parameter")
		if strings.Count(text, "/") == 1 {
			text = text[1:] // it is no path, or one of one level: see resolve
		}
	}
	name, selector, _ = strings.Cut(text, ":")
	return name, selector
}

// resolve returns the key of the parameter that text names. An ARN does not say
// whether a name of one level began with a slash.
func resolve(tx *store.Tx, call *aws.Call, text string) (k key, selector string, err error) {
	name, selector := split(text)
	k = key{shelf(call), name}
	if strings.HasPrefix(text, "arn:") && !strings.HasPrefix(name, "/") {
		there, err := parameters.Has(tx, k)
		if err != nil {
			return k, "", err
		}
		if !there {
			k.Name = "/" + name
		}
	}
	return k, selector, nil
}

// GetParameter returns a version of a parameter.
func (s *Service) GetParameter(ctx context.Context, call *aws.Call, in *api.GetParameterInput) (*api.GetParameterOutput, error) {
	var out *api.Parameter
	var l sealed
	err := s.db.View(ctx, func(tx *store.Tx) (err error) {
		l = nil
		out, err = s.get(tx, call, in.Name, aws.Value(in.WithDecryption), &l)
		return err
	})
	if err == nil {
		err = s.open(ctx, call, l)
	}
	return &api.GetParameterOutput{Parameter: out}, err
}

func (s *Service) get(tx *store.Tx, call *aws.Call, text string, open bool, l *sealed) (*api.Parameter, error) {
	if strings.HasPrefix(text, "/aws/service/") {
		return s.public(call, text)
	}
	k, selector, err := resolve(tx, call, text)
	if err != nil {
		return nil, err
	}
	v, err := findVersion(tx, k, selector)
	if err != nil {
		return nil, err
	}
	out := v.show(call, k, open, l)
	if selector != "" {
		out.Selector = new(":" + selector)
	}
	return out, nil
}

// published is when all public parameters were last changed.
var published = time.Date(2024, 1, 1, 0, 0, 0, 0, time.UTC)

// public returns a parameter of AWS's, which everybody has.
func (s *Service) public(call *aws.Call, name string) (*api.Parameter, error) {
	id := s.images.PublicImage(call.Region, name)
	if id == "" {
		return nil, errNotFound()
	}
	arn := aws.ARN{Service: "ssm", Region: call.Region, Resource: "parameter" + name}.String()
	return &api.Parameter{
		Name: &name, Type: new(api.ParameterTypeString), Value: &id, Version: new(int64(1)), LastModifiedDate: &published, ARN: &arn, DataType: new("text"),
	}, nil
}

// show is v as answers have it.
func (v *version) show(call *aws.Call, k key, open bool, l *sealed) *api.Parameter {
	return &api.Parameter{
		Name: &k.Name, Type: &v.Type, Value: l.show(v, k, open), Version: &v.Version, LastModifiedDate: &v.Modified,
		ARN: new(arnOf(call, k.Name).String()), DataType: &v.DataType,
	}
}

// is says whether a selector names v.
func (v *version) is(selector string) bool {
	return selector == strconv.FormatInt(v.Version, 10) || slices.Contains(v.Labels, selector)
}

// GetParameters returns up to ten parameters, and says which there are none of.
func (s *Service) GetParameters(ctx context.Context, call *aws.Call, in *api.GetParametersInput) (*api.GetParametersOutput, error) {
	var out *api.GetParametersOutput
	var l sealed
	err := s.db.View(ctx, func(tx *store.Tx) error {
		l = nil
		out = &api.GetParametersOutput{Parameters: []api.Parameter{}, InvalidParameters: []string{}}
		for i, name := range in.Names {
			if slices.Contains(in.Names[:i], name) {
				continue
			}
			p, err := s.get(tx, call, name, aws.Value(in.WithDecryption), &l)
			if _, refused := errors.AsType[*aws.Error](err); refused {
				out.InvalidParameters = append(out.InvalidParameters, name)
				continue
			}
			if err != nil {
				return err
			}
			out.Parameters = append(out.Parameters, *p)
		}
		return nil
	})
	if err == nil {
		err = s.open(ctx, call, l)
	}
	return out, err
}

// DeleteParameter deletes a parameter and its history.
func (s *Service) DeleteParameter(ctx context.Context, call *aws.Call, in *api.DeleteParameterInput) (*api.DeleteParameterOutput, error) {
	return &api.DeleteParameterOutput{}, s.db.Update(ctx, func(tx *store.Tx) error { return remove(tx, call, in.Name) })
}

func remove(tx *store.Tx, call *aws.Call, name string) error {
	k, _, err := resolve(tx, call, name)
	if err != nil {
		return err
	}
	if _, err := find(tx, k); err != nil {
		return err
	}
	return errors.Join(parameters.Delete(tx, k), history.DeletePrefix(tx, versionKey{Key: k}))
}

// DeleteParameters deletes up to ten parameters, and says which there were none of.
func (s *Service) DeleteParameters(ctx context.Context, call *aws.Call, in *api.DeleteParametersInput) (*api.DeleteParametersOutput, error) {
	var out *api.DeleteParametersOutput
	err := s.db.Update(ctx, func(tx *store.Tx) error {
		out = &api.DeleteParametersOutput{DeletedParameters: []string{}, InvalidParameters: []string{}}
		for _, name := range in.Names {
			err := remove(tx, call, name)
			switch _, refused := errors.AsType[*aws.Error](err); {
			case refused:
				out.InvalidParameters = append(out.InvalidParameters, name)
			case err != nil:
				return err
			default:
				out.DeletedParameters = append(out.DeletedParameters, name)
			}
		}
		return nil
	})
	return out, err
}
