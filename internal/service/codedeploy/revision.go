package codedeploy

import (
	"context"
	"fmt"
	"io"

	"go.yaml.in/yaml/v3"

	api "github.com/aloft-cloud/aloft/internal/api/codedeploy"
	"github.com/aloft-cloud/aloft/internal/api/s3"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/dispatch"
)

// maxAppSpec is how long an AppSpec file may be, in bytes.
const maxAppSpec = 64 << 10

// An appSpec is the file that says what a deployment is of. JSON is YAML too.
type appSpec struct {
	Resources []map[string]struct {
		Type       string `yaml:"Type"`
		Properties struct {
			Name           string `yaml:"Name"`
			Alias          string `yaml:"Alias"`
			CurrentVersion string `yaml:"CurrentVersion"`
			TargetVersion  string `yaml:"TargetVersion"`
		} `yaml:"Properties"`
	} `yaml:"Resources"`
	Hooks []map[string]string `yaml:"Hooks"`
}

func badRevision(format string, args ...any) error {
	return api.InvalidRevisionException.Errorf(format, args...)
}

// revisionText finds the AppSpec file of a revision.
func (s *Service) revisionText(ctx context.Context, call *aws.Call, r *api.RevisionLocation) (string, error) {
	switch {
	case r == nil:
		return "", api.RevisionRequiredException.Errorf("Revision must be specified.")
	case r.AppSpecContent != nil:
		return aws.Value(r.AppSpecContent.Content), nil
	case r.String != nil:
		return aws.Value(r.String.Content), nil
	case r.S3Location == nil || aws.Value(r.S3Location.BundleType) != api.BundleTypeYaml && aws.Value(r.S3Location.BundleType) != api.BundleTypeJson:
		return "", badRevision("The revision of a deployment of the Lambda compute platform is an AppSpec file, in JSON or YAML.")
	}
	in := &s3.GetObjectInput{Bucket: aws.Value(r.S3Location.Bucket), Key: aws.Value(r.S3Location.Key), VersionId: r.S3Location.Version}
	out, err := dispatch.CallChecked(ctx, s.Table, call, s3.GetObject, in)
	if err != nil {
		return "", api.RevisionDoesNotExistException.Errorf("%s", aws.Refusal(err).Message)
	}
	if c, ok := out.Body.(io.Closer); ok {
		defer c.Close()
	}
	text, err := io.ReadAll(io.LimitReader(out.Body, maxAppSpec+1))
	if err != nil {
		return "", fmt.Errorf("read %s/%s: %w", in.Bucket, in.Key, err)
	}
	return string(text), nil
}

// parseSpec reads an AppSpec file.
func parseSpec(text string) (spec, error) {
	var file appSpec
	switch {
	case len(text) > maxAppSpec:
		return spec{}, badRevision("The AppSpec file has more than %d bytes.", maxAppSpec)
	case yaml.Unmarshal([]byte(text), &file) != nil:
		return spec{}, badRevision("The AppSpec file is not well formed.")
	case len(file.Resources) != 1 || len(file.Resources[0]) != 1:
		return spec{}, badRevision("The AppSpec file must have one resource.")
	}
	var of spec
	for _, r := range file.Resources[0] {
		p := r.Properties
		if r.Type != "AWS::Lambda::Function" || p.Name == "" || p.Alias == "" || p.CurrentVersion == "" || p.TargetVersion == "" {
			return spec{}, badRevision("The resource of the AppSpec file must be an AWS::Lambda::Function with Name, Alias, CurrentVersion and TargetVersion.")
		}
		of = spec{Function: p.Name, Alias: p.Alias, Current: p.CurrentVersion, Target: p.TargetVersion}
	}
	for _, hooks := range file.Hooks {
		for name, function := range hooks {
			switch name {
			case phaseNames[before]:
				of.Before = function
			case phaseNames[after]:
				of.After = function
			default:
				return spec{}, badRevision("The AppSpec file has a hook %s, which there is not.", name)
			}
		}
	}
	return of, nil
}
