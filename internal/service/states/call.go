package states

import (
	"context"
	"errors"
	"fmt"
	"strings"

	lambdaapi "github.com/aloft-cloud/aloft/internal/api/lambda"
	"github.com/aloft-cloud/aloft/internal/asl"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/dispatch"
	"github.com/aloft-cloud/aloft/internal/service/states/flow"
	"github.com/aloft-cloud/aloft/internal/service/states/integration"
	"github.com/aloft-cloud/aloft/internal/tree"
)

// A caller is whose task makes a call.
type caller struct {
	machine, execution aws.ARN
	role               string
	strand             *flow.Strand
	express            bool
}

// as is a call that a machine makes as a role.
func (s *Service) as(ctx context.Context, machine aws.ARN, role string) (*aws.Call, error) {
	by := aws.ServiceCall("states", machine)
	session, err := s.Sessions.Assume(ctx, by, role)
	if err != nil {
		return nil, err
	}
	return session.Call(by), nil
}

// call makes the call of a task, and returns what it came to.
func (s *Service) call(ctx context.Context, c *caller, what *flow.Call) flow.Answer {
	role := c.role
	if what.Role != "" {
		role = what.Role
	}
	as, err := s.as(ctx, c.machine, role)
	if err != nil {
		refusal := aws.Refusal(err)
		return failed(asl.ErrTaskFailed, "The role "+role+" cannot be assumed: "+refusal.Message)
	}
	of := flow.ParseResource(what.Resource)
	switch {
	case of.Kind == flow.Function:
		return s.invoke(ctx, as, of.ARN, what.Arguments.V)
	case of.Type == "http" && of.Operation() == "invoke":
		return s.callHTTP(ctx, as, what.Arguments.V)
	case of.Type == "apigateway" && of.Operation() == "invoke":
		return s.callGateway(ctx, as, c, role, what.Arguments.V)
	}
	target, ok := s.integrations().Find(of.Type, of.Operation())
	if !ok {
		return failed(asl.ErrTaskFailed, fmt.Sprintf("Aloft does not have %s:%s, which this task calls.", of.Type, of.Operation()))
	}
	return s.callService(ctx, as, c, &target, what.Arguments.V)
}

func failed(name, cause string) flow.Answer {
	return flow.Answer{Error: &asl.Error{Name: name, Cause: cause}}
}

// invoke calls a function that a task names by its ARN.
func (s *Service) invoke(ctx context.Context, as *aws.Call, function string, payload tree.Value) flow.Answer {
	out, err := dispatch.CallChecked(ctx, s.Table, as, lambdaapi.Invoke, &lambdaapi.InvokeInput{FunctionName: function, Payload: tree.Append(nil, payload)})
	if err != nil {
		return refused(&integration.Lambda, err, as)
	}
	if out.FunctionError != nil {
		return flow.Answer{Error: integration.FunctionError(out.Payload)}
	}
	v, err := integration.Payload(out.Payload)
	if err != nil {
		return failed(asl.ErrRuntime, "The function did not answer with JSON: "+err.Error())
	}
	return flow.Answer{Output: flow.Doc{V: v}}
}

// callService calls an operation of a service.
func (s *Service) callService(ctx context.Context, as *aws.Call, c *caller, target *integration.Target, args tree.Value) flow.Answer {
	args, e := target.Parameters(args, integration.Facts{
		Execution: c.execution.String(), Machine: c.machine.String(), Once: onceName(c),
	})
	if e != nil {
		return flow.Answer{Error: e}
	}
	out, err := s.Table.CallTask(ctx, as, target.Service, target.Operation, tree.Append(nil, args))
	if err != nil {
		return refused(&target.Naming, err, as)
	}
	result, e := target.Result(out, as.RequestID)
	if e != nil {
		return flow.Answer{Error: e}
	}
	answer := flow.Answer{Output: flow.Doc{V: result}}
	if o, ok := result.(*tree.Object); ok && target.Service == "states" {
		child, _ := o.Get("ExecutionArn")
		answer.Child, _ = child.(string)
	}
	return answer
}

// onceName is a name for what a task starts, the same however often the task's
// call is made again.
func onceName(c *caller) string {
	if c.express {
		return ""
	}
	_, name, _ := strings.Cut(strings.TrimPrefix(c.execution.Resource, executionKind), ":")
	const most = 50
	if len(name) > most {
		name = name[:most]
	}
	return fmt.Sprintf("%s-%d-%d", name, c.strand.ID, c.strand.Attempt)
}

// refused is the answer of a call that was refused.
func refused(n *integration.Naming, err error, as *aws.Call) flow.Answer {
	if refusal, ok := errors.AsType[*aws.Error](err); ok {
		return flow.Answer{Error: n.Error(refusal, as.RequestID)}
	}
	return flow.Answer{Error: n.Error(aws.Refusal(err), as.RequestID)}
}
