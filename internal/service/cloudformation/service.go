package cloudformation

import (
	"strings"
	"sync"

	api "github.com/aloft-cloud/aloft/internal/api/cloudformation"
	"github.com/aloft-cloud/aloft/internal/auth"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/deploy"
	"github.com/aloft-cloud/aloft/internal/deploy/resource"
	"github.com/aloft-cloud/aloft/internal/dispatch"
	"github.com/aloft-cloud/aloft/internal/service"
	"github.com/aloft-cloud/aloft/internal/store"
	"github.com/aloft-cloud/aloft/internal/task"
)

// Service is CloudFormation.
type Service struct {
	db     *store.DB
	table  *dispatch.Table
	types  func() resource.Table
	engine *deploy.Engine
	bell   task.Bell // rung when a stack is to be worked on

	setBell task.Bell // rung when a stack set is
}

// New returns CloudFormation over db. The resources of types are made by the
// operations in table, which may be filled later.
func New(db *store.DB, table *dispatch.Table, types resource.Table) *Service {
	s := &Service{db: db, table: table, bell: task.NewBell(), setBell: task.NewBell()}
	s.types = sync.OnceValue(func() resource.Table { return types.Answered(table) })
	s.engine = &deploy.Engine{
		Types:   s.types,
		Env:     resource.Env{Table: table, Nested: s, Signals: s, Macros: s},
		Journal: journal{db},
		Actor:   s.actor,
	}
	return s
}

const ofModules = "Modules alone: types of AWS and of others are not listed."

// Definition implements the contract in package service.
func (s *Service) Definition() service.Definition {
	return service.Definition{
		API:   api.API,
		Tasks: s.tasks(),
		Hosts: []service.Host{{Suffix: signalHost, Serve: s.receive}},
		Operations: []service.Operation{
			service.OpEach(api.CreateStack, s.CreateStack, withRole(api.CreateStack.Name, (*api.CreateStackInput).GetRoleARN)),
			service.OpEach(api.UpdateStack, s.UpdateStack, withRole(api.UpdateStack.Name, (*api.UpdateStackInput).GetRoleARN)),
			service.OpEach(api.DeleteStack, s.DeleteStack, withRole(api.DeleteStack.Name, (*api.DeleteStackInput).GetRoleARN)),
			service.Op(api.CancelUpdateStack, s.CancelUpdateStack, stackOf),
			service.OpEach(api.ContinueUpdateRollback, s.ContinueUpdateRollback, withRole(api.ContinueUpdateRollback.Name, (*api.ContinueUpdateRollbackInput).GetRoleARN)),
			service.Op(api.UpdateTerminationProtection, s.UpdateTerminationProtection, stackOf),

			service.Op(api.DescribeStacks, s.DescribeStacks, stackOf),
			service.Op(api.ListStacks, s.ListStacks, service.Any),
			service.Op(api.DescribeStackEvents, s.DescribeStackEvents, stackOf),
			service.Op(api.DescribeEvents, s.DescribeEvents, stackOf),
			service.Op(api.DescribeStackResource, s.DescribeStackResource, stackOf),
			service.Op(api.DescribeStackResources, s.DescribeStackResources, stackOf),
			service.Op(api.ListStackResources, s.ListStackResources, stackOf),

			service.Op(api.GetTemplate, s.GetTemplate, stackOf),
			service.Op(api.GetTemplateSummary, s.GetTemplateSummary, stackOf),
			service.Op(api.ValidateTemplate, s.ValidateTemplate, service.Any),

			service.OpEach(api.CreateChangeSet, s.CreateChangeSet, withRole(api.CreateChangeSet.Name, (*api.CreateChangeSetInput).GetRoleARN)).
				But("What nested stacks would become is not shown; resources are imported that have names of their own."),
			service.Op(api.DescribeChangeSet, s.DescribeChangeSet, stackOf),
			service.Op(api.ExecuteChangeSet, s.ExecuteChangeSet, stackOf),
			service.Op(api.DeleteChangeSet, s.DeleteChangeSet, stackOf),
			service.Op(api.ListChangeSets, s.ListChangeSets, stackOf),

			service.Op(api.DetectStackDrift, s.DetectStackDrift, stackOf).But("Types that cannot be read are not checked; of the others, the most used properties are."),
			service.Op(api.DetectStackResourceDrift, s.DetectStackResourceDrift, stackOf),
			service.Op(api.DescribeStackDriftDetectionStatus, s.DescribeStackDriftDetectionStatus, service.Any),
			service.Op(api.DescribeStackResourceDrifts, s.DescribeStackResourceDrifts, stackOf),

			service.Op(api.SignalResource, s.SignalResource, stackOf),
			service.Op(api.CreateStackSet, s.CreateStackSet, setOf).But("Permissions are SELF_MANAGED, templates have at most 51,200 bytes, and operations do not queue."),
			service.Op(api.UpdateStackSet, s.UpdateStackSet, setOf),
			service.Op(api.DeleteStackSet, s.DeleteStackSet, setOf),
			service.Op(api.DescribeStackSet, s.DescribeStackSet, setOf),
			service.Op(api.ListStackSets, s.ListStackSets, service.Any),
			service.Op(api.CreateStackInstances, s.CreateStackInstances, setOf),
			service.Op(api.UpdateStackInstances, s.UpdateStackInstances, setOf),
			service.Op(api.DeleteStackInstances, s.DeleteStackInstances, setOf),
			service.Op(api.DescribeStackInstance, s.DescribeStackInstance, setOf),
			service.Op(api.ListStackInstances, s.ListStackInstances, setOf),
			service.Op(api.DescribeStackSetOperation, s.DescribeStackSetOperation, setOf),
			service.Op(api.ListStackSetOperations, s.ListStackSetOperations, setOf),
			service.Op(api.ListStackSetOperationResults, s.ListStackSetOperationResults, setOf),
			service.Op(api.StopStackSetOperation, s.StopStackSetOperation, setOf),

			service.Op(api.RegisterType, s.RegisterType, service.Any).But("Modules alone; resource types and hooks are refused."),
			service.Op(api.DeregisterType, s.DeregisterType, service.Any),
			service.Op(api.DescribeType, s.DescribeType, service.Any).But(ofModules),
			service.Op(api.DescribeTypeRegistration, s.DescribeTypeRegistration, service.Any),
			service.Op(api.SetTypeDefaultVersion, s.SetTypeDefaultVersion, service.Any),
			service.Op(api.ListTypes, s.ListTypes, service.Any).But(ofModules),
			service.Op(api.ListTypeVersions, s.ListTypeVersions, service.Any).But(ofModules),

			service.Op(api.ListExports, s.ListExports, service.Any),
			service.Op(api.ListImports, s.ListImports, service.Any),
			service.Op(api.GetStackPolicy, s.GetStackPolicy, stackOf),
			service.Op(api.SetStackPolicy, s.SetStackPolicy, stackOf),
		},
	}
}

// stackOf is the stack that a request names. One that is named without its id
// stands for all of that name.
func stackOf[In interface{ GetStackName() string }](call *aws.Call, in In) aws.ARN {
	return stackNamed(call, in.GetStackName())
}

func stackNamed(call *aws.Call, name string) aws.ARN {
	switch {
	case name == "":
		return aws.AnyResource
	case strings.HasPrefix(name, "arn:"):
		return stackID(name)
	}
	return call.ARN("cloudformation", stackPrefix+name+"/*")
}

// withRole asks for an operation on a stack, and to pass CloudFormation the role
// that is named.
func withRole[In interface{ GetStackName() string }](name string, role func(In) string) func(*aws.Call, In, func(service.Access) error) error {
	return func(call *aws.Call, in In, check func(service.Access) error) error {
		if err := check(service.Access{Action: "cloudformation:" + name, Resource: stackNamed(call, in.GetStackName())}); err != nil {
			return err
		}
		if role(in) == "" {
			return nil
		}
		return check(auth.PassRole(role(in), "cloudformation"))
	}
}
