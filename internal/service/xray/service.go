package xray

import (
	api "github.com/aloft-cloud/aloft/internal/api/xray"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/service"
	"github.com/aloft-cloud/aloft/internal/store"
	"github.com/aloft-cloud/aloft/internal/task"
)

// Service is X-Ray.
type Service struct {
	db  *store.DB
	due task.Bell // rung when a trace may be due to be removed sooner
}

// New returns X-Ray.
func New(db *store.DB) *Service { return &Service{db: db, due: task.NewBell()} }

// Definition implements the contract in package service.
func (s *Service) Definition() service.Definition {
	return service.Definition{
		API:   api.API,
		Tasks: []task.Task{{Name: "xray/retention", Run: s.expire, Bell: s.due}},
		Operations: []service.Operation{
			service.Op(api.PutTraceSegments, s.PutTraceSegments, service.Any).But("Functions have no daemon beside them, and gateways and Lambda send no segments of their own."),
			service.Op(api.PutTelemetryRecords, s.PutTelemetryRecords, service.Any).But("They are taken and not kept."),
			service.Op(api.GetTraceSummaries, s.GetTraceSummaries, service.Any).But("Filter expressions are refused. Traces are found by when they began."),
			service.Op(api.BatchGetTraces, s.BatchGetTraces, service.Any),
			service.Op(api.GetServiceGraph, s.GetServiceGraph, service.Any).But("Without histograms; of a group it is the graph of all."),
			service.Op(api.GetTraceGraph, s.GetTraceGraph, service.Any).But("Without histograms."),

			service.Op(api.GetSamplingRules, s.GetSamplingRules, service.Any),
			service.Op(api.GetSamplingTargets, s.GetSamplingTargets, service.Any).But("Each client gets the whole reservoir of a rule."),
			service.Op(api.CreateSamplingRule, s.CreateSamplingRule, ruleCreated).But("Tags are refused."),
			service.Op(api.UpdateSamplingRule, s.UpdateSamplingRule, ruleUpdated),
			service.Op(api.DeleteSamplingRule, s.DeleteSamplingRule, ruleOf[*api.DeleteSamplingRuleInput]),

			service.Op(api.CreateGroup, s.CreateGroup, groupCreated).But("Tags and insights are refused; the filter expression is kept and not applied."),
			service.Op(api.GetGroup, s.GetGroup, groupOf[*api.GetGroupInput]),
			service.Op(api.GetGroups, s.GetGroups, service.Any),
			service.Op(api.UpdateGroup, s.UpdateGroup, groupOf[*api.UpdateGroupInput]),
			service.Op(api.DeleteGroup, s.DeleteGroup, groupOf[*api.DeleteGroupInput]),
			service.Op(api.GetEncryptionConfig, s.GetEncryptionConfig, service.Any),
		},
	}
}

func ruleCreated(call *aws.Call, in *api.CreateSamplingRuleInput) aws.ARN {
	return ruleARN(call, aws.Value(in.SamplingRule.RuleName))
}

func ruleUpdated(call *aws.Call, in *api.UpdateSamplingRuleInput) aws.ARN {
	return named(call, ruleKind, aws.Value(in.SamplingRuleUpdate.RuleName), aws.Value(in.SamplingRuleUpdate.RuleARN))
}

func ruleOf[In interface {
	GetRuleName() string
	GetRuleARN() string
}](call *aws.Call, in In) aws.ARN {
	return named(call, ruleKind, in.GetRuleName(), in.GetRuleARN())
}

func groupCreated(call *aws.Call, in *api.CreateGroupInput) aws.ARN {
	return groupARN(call, in.GroupName)
}

func groupOf[In interface {
	GetGroupName() string
	GetGroupARN() string
}](call *aws.Call, in In) aws.ARN {
	return named(call, groupKind, in.GetGroupName(), in.GetGroupARN())
}

func invalid(format string, args ...any) error {
	return api.InvalidRequestException.Errorf(format, args...)
}
