package ssm

import (
	"strings"

	api "github.com/aloft-cloud/aloft/internal/api/ssm"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/dispatch"
	"github.com/aloft-cloud/aloft/internal/service"
	"github.com/aloft-cloud/aloft/internal/store"
)

// Service is Systems Manager.
type Service struct {
	db     *store.DB
	table  *dispatch.Table // of KMS
	images Images
}

// Images knows the images that public parameters name.
type Images interface {
	// PublicImage returns the id of the image that a parameter names, or "".
	PublicImage(region, parameter string) string
}

// New returns Systems Manager over db.
func New(db *store.DB, table *dispatch.Table, images Images) *Service {
	return &Service{db: db, table: table, images: images}
}

const publicOnes = "Of AWS's public parameters, those that name images of Amazon Linux, Windows and Ubuntu are there."

// Definition implements the contract in package service.
func (s *Service) Definition() service.Definition {
	return service.Definition{
		API: api.API,
		Operations: []service.Operation{
			service.Op(api.PutParameter, s.PutParameter, named).But("Policies are refused."),
			service.Op(api.GetParameter, s.GetParameter, named).But(publicOnes),
			service.OpEach(api.GetParameters, s.GetParameters, mayGet).But(publicOnes),
			service.Op(api.GetParametersByPath, s.GetParametersByPath, underPath),
			service.Op(api.GetParameterHistory, s.GetParameterHistory, named),
			service.Op(api.DescribeParameters, s.DescribeParameters, service.Any),
			service.Op(api.DeleteParameter, s.DeleteParameter, named),
			service.OpEach(api.DeleteParameters, s.DeleteParameters, mayDelete),
			service.Op(api.LabelParameterVersion, s.LabelParameterVersion, named),
			service.Op(api.UnlabelParameterVersion, s.UnlabelParameterVersion, named),
			service.Op(api.AddTagsToResource, s.AddTagsToResource, tagged).But("Parameters alone have tags."),
			service.Op(api.RemoveTagsFromResource, s.RemoveTagsFromResource, tagged).But("Parameters alone have tags."),
			service.Op(api.ListTagsForResource, s.ListTagsForResource, tagged).But("Parameters alone have tags."),
		},
	}
}

// arnOf is the ARN of a parameter.
func arnOf(call *aws.Call, name string) aws.ARN {
	return call.ARN("ssm", "parameter/"+strings.TrimPrefix(name, "/"))
}

// named is the parameter an input names, without version.
func named[In interface{ GetName() string }](call *aws.Call, in In) aws.ARN {
	name, _ := split(in.GetName())
	return arnOf(call, name)
}

func underPath(call *aws.Call, in *api.GetParametersByPathInput) aws.ARN {
	return arnOf(call, strings.TrimSuffix(in.Path, "/"))
}

func tagged[In interface{ GetResourceId() string }](call *aws.Call, in In) aws.ARN {
	return arnOf(call, in.GetResourceId())
}

func mayGet(call *aws.Call, in *api.GetParametersInput, check func(service.Access) error) error {
	return checkEach(call, "ssm:GetParameters", in.Names, check)
}

func mayDelete(call *aws.Call, in *api.DeleteParametersInput, check func(service.Access) error) error {
	return checkEach(call, "ssm:DeleteParameters", in.Names, check)
}

func checkEach(call *aws.Call, action string, names []string, check func(service.Access) error) error {
	for _, n := range names {
		name, _ := split(n)
		if err := check(service.Access{Action: action, Resource: arnOf(call, name)}); err != nil {
			return err
		}
	}
	return nil
}
