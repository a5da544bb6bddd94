package cloudcontrol

import (
	"sync"

	api "github.com/aloft-cloud/aloft/internal/api/cloudcontrol"
	"github.com/aloft-cloud/aloft/internal/auth"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/deploy/resource"
	"github.com/aloft-cloud/aloft/internal/dispatch"
	"github.com/aloft-cloud/aloft/internal/service"
	"github.com/aloft-cloud/aloft/internal/store"
	"github.com/aloft-cloud/aloft/internal/task"
)

// Service is the Cloud Control API.
type Service struct {
	db    *store.DB
	table *dispatch.Table
	types func() resource.Table
	bell  task.Bell // rung when there is a request to work on
}

// New returns the Cloud Control API over db. Resources are made by the operations
// in table, which may be filled later.
func New(db *store.DB, table *dispatch.Table, types resource.Table) *Service {
	s := &Service{db: db, table: table, bell: task.NewBell()}
	s.types = sync.OnceValue(func() resource.Table { return types.Answered(table) })
	return s
}

// Definition implements the contract in package service.
func (s *Service) Definition() service.Definition {
	return service.Definition{
		API:   api.API,
		Tasks: []task.Task{{Name: "cloudcontrol/requests", Run: s.work}},
		Operations: []service.Operation{
			service.OpEach(api.CreateResource, s.CreateResource, withRole(api.CreateResource.Name, (*api.CreateResourceInput).GetRoleArn)).
				But("Types of CloudFormation itself are refused."),
			service.OpEach(api.UpdateResource, s.UpdateResource, withRole(api.UpdateResource.Name, (*api.UpdateResourceInput).GetRoleArn)),
			service.OpEach(api.DeleteResource, s.DeleteResource, withRole(api.DeleteResource.Name, (*api.DeleteResourceInput).GetRoleArn)),
			service.Op(api.GetResourceRequestStatus, s.GetResourceRequestStatus, service.Any),
			service.Op(api.ListResourceRequests, s.ListResourceRequests, service.Any),
			service.Op(api.CancelResourceRequest, s.CancelResourceRequest, service.Any),
			service.Op(api.GetResource, s.GetResource, service.Any).
				But("Of resources that were made otherwise, only those of types that can be read are found."),
			service.Op(api.ListResources, s.ListResources, service.Any).But("Resources that were made otherwise are not listed."),
		},
	}
}

// withRole asks for an operation, and to pass CloudFormation the role that is
// named.
func withRole[In any](name string, role func(In) string) func(*aws.Call, In, func(service.Access) error) error {
	return func(call *aws.Call, in In, check func(service.Access) error) error {
		if err := check(service.Access{Action: "cloudformation:" + name, Resource: aws.AnyResource}); err != nil {
			return err
		}
		if role(in) == "" {
			return nil
		}
		return check(auth.PassRole(role(in), "cloudformation"))
	}
}
