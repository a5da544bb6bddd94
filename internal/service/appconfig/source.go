package appconfig

import (
	"context"
	"io"
	"net/url"
	"strconv"
	"strings"

	api "github.com/aloft-cloud/aloft/internal/api/appconfig"
	"github.com/aloft-cloud/aloft/internal/api/s3"
	"github.com/aloft-cloud/aloft/internal/api/secretsmanager"
	"github.com/aloft-cloud/aloft/internal/api/ssm"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/dispatch"
	"github.com/aloft-cloud/aloft/internal/store"
)

// checkLocation refuses a place where no configuration can be.
func checkLocation(location string, role *string) error {
	if location == hosted {
		return nil
	}
	scheme, rest, ok := strings.Cut(location, "://")
	switch scheme {
	case "ssm-parameter", "s3", "secretsmanager":
		if !ok || rest == "" {
			return invalid("Invalid LocationUri: %s", location)
		}
		if role == nil {
			return invalid("RetrievalRoleArn is required for %s", location)
		}
		return nil
	case "ssm-document", "codepipeline":
		return aws.NotImplemented.Errorf("Aloft does not read configurations from %s yet.", scheme)
	}
	return invalid("Invalid LocationUri: %s", location)
}

// fetch reads a version of a configuration from where it is.
func (s *Service) fetch(ctx context.Context, arn aws.ARN, p *api.ConfigurationProfile, wanted string) (*release, error) {
	if *p.LocationUri == hosted {
		number, err := strconv.ParseInt(wanted, 10, 32)
		var v version
		var found int32
		err2 := s.DB.View(ctx, func(tx *store.Tx) error {
			if err == nil {
				found = int32(number)
				v, err = findVersion(tx, numberKey{arn, found})
				return err
			}
			for key, one := range versions.ScanReverse(tx, numberKey{Of: arn}) { // by its label
				if aws.Value(one.Label) == wanted {
					v, found = one, key.Number
					return nil
				}
			}
			return errNone("HostedConfigurationVersion", wanted)
		})
		return &release{Version: strconv.Itoa(int(found)), Label: v.Label, ContentType: v.ContentType, Content: v.Content}, err2
	}
	by := aws.ServiceCall("appconfig", arn)
	session, err := s.Sessions.Assume(ctx, by, aws.Value(p.RetrievalRoleArn))
	if err != nil {
		return nil, asBad(err)
	}
	content, kind, err := s.read(ctx, session.Call(by), *p.LocationUri, wanted)
	if err != nil {
		return nil, asBad(err)
	}
	if len(content) > maxContent {
		return nil, invalid("The configuration is larger than %d bytes.", maxContent)
	}
	return &release{Version: wanted, ContentType: kind, Content: content}, nil
}

// asBad is a refusal of another service as AppConfig's.
func asBad(err error) error {
	if refusal := aws.Refusal(err); refusal != nil {
		return invalid("Unable to retrieve the configuration: %s", refusal.Message)
	}
	return err
}

func (s *Service) read(ctx context.Context, call *aws.Call, location, wanted string) (content []byte, kind string, err error) {
	scheme, rest, _ := strings.Cut(location, "://")
	switch scheme {
	case "ssm-parameter":
		if _, err := strconv.Atoi(wanted); err == nil {
			rest += ":" + wanted
		}
		out, err := dispatch.CallChecked(ctx, s.Table, call, ssm.GetParameter, &ssm.GetParameterInput{Name: rest, WithDecryption: new(true)})
		if err != nil {
			return nil, "", err
		}
		return []byte(aws.Value(out.Parameter.Value)), "text/plain", nil
	case "secretsmanager":
		in := &secretsmanager.GetSecretValueInput{SecretId: rest}
		if strings.HasPrefix(wanted, "AWS") {
			in.VersionStage = &wanted
		} else {
			in.VersionId = &wanted
		}
		out, err := dispatch.CallChecked(ctx, s.Table, call, secretsmanager.GetSecretValue, in)
		if err != nil {
			return nil, "", err
		}
		return []byte(aws.Value(out.SecretString)), "text/plain", nil
	}
	u, err := url.Parse(location)
	if err != nil {
		return nil, "", invalid("Invalid LocationUri: %s", location)
	}
	in := &s3.GetObjectInput{Bucket: u.Host, Key: strings.TrimPrefix(u.Path, "/")}
	if wanted != "null" {
		in.VersionId = &wanted
	}
	out, err := dispatch.CallChecked(ctx, s.Table, call, s3.GetObject, in)
	if err != nil {
		return nil, "", err
	}
	if closer, ok := out.Body.(io.Closer); ok {
		defer closer.Close()
	}
	content, err = io.ReadAll(io.LimitReader(out.Body, maxContent+1))
	return content, aws.Or(out.ContentType, "application/octet-stream"), err
}
