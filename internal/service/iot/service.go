package iot

import (
	"log/slog"

	api "github.com/aloft-cloud/aloft/internal/api/iot"
	data "github.com/aloft-cloud/aloft/internal/api/iot-data"
	"github.com/aloft-cloud/aloft/internal/auth"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/dispatch"
	"github.com/aloft-cloud/aloft/internal/event"
	"github.com/aloft-cloud/aloft/internal/service"
	"github.com/aloft-cloud/aloft/internal/store"
)

// Config is what IoT needs of the platform.
type Config struct {
	DB     *store.DB
	Table  *dispatch.Table
	Router *event.Router
	Log    *slog.Logger
}

// Service is IoT Core.
type Service struct {
	Config
	rules *store.Derived[ruleIndex]
}

// New returns IoT Core.
func New(cfg Config) *Service {
	s := &Service{Config: cfg}
	s.rules = store.Derive(cfg.DB, s.indexRules)
	return s
}

// Definition implements the contract in package service.
func (s *Service) Definition() service.Definition {
	const lacks = "Actions of services that Aloft has not are refused by name, as are the functions of SQL that ask other services."
	return service.Definition{
		API: api.API,
		Operations: []service.Operation{
			service.OpEach(api.CreateTopicRule, s.CreateTopicRule, mayCreateRule).But(lacks),
			service.OpEach(api.ReplaceTopicRule, s.ReplaceTopicRule, mayReplaceRule).But(lacks),
			service.Op(api.GetTopicRule, s.GetTopicRule, ruleNamed),
			service.Op(api.ListTopicRules, s.ListTopicRules, service.Any),
			service.Op(api.DeleteTopicRule, s.DeleteTopicRule, ruleNamed),
			service.Op(api.EnableTopicRule, s.EnableTopicRule, ruleNamed),
			service.Op(api.DisableTopicRule, s.DisableTopicRule, ruleNamed),

			service.Op(api.DescribeEndpoint, s.DescribeEndpoint, service.Any).But("Endpoints of jobs and of credentials are refused."),
			service.Op(api.TagResource, s.TagResource, resourceNamed),
			service.Op(api.UntagResource, s.UntagResource, resourceNamed),
			service.Op(api.ListTagsForResource, s.ListTagsForResource, resourceNamed),

			service.OpEach(runErrorAction, s.runErrorAction, mayRunErrorAction),
		},
		Receive: receive,
		Dead:    dead,
	}
}

// Data is the API by which messages are published.
func (s *Service) Data() service.Definition {
	return service.Definition{
		API: data.API,
		Operations: []service.Operation{
			service.OpEach(data.Publish, s.Publish, mayPublish).But("Messages are not retained yet."),
		},
	}
}

func ruleNamed[In interface{ GetRuleName() string }](call *aws.Call, in In) aws.ARN {
	return ruleARN(call, in.GetRuleName())
}

func resourceNamed[In interface{ GetResourceArn() string }](_ *aws.Call, in In) aws.ARN {
	arn, err := aws.ParseARN(in.GetResourceArn())
	if err != nil {
		return aws.AnyResource
	}
	return arn
}

func mayCreateRule(call *aws.Call, in *api.CreateTopicRuleInput, check func(service.Access) error) error {
	return mayPutRule("iot:CreateTopicRule", ruleNamed(call, in), in.TopicRulePayload, check)
}

func mayReplaceRule(call *aws.Call, in *api.ReplaceTopicRuleInput, check func(service.Access) error) error {
	return mayPutRule("iot:ReplaceTopicRule", ruleNamed(call, in), in.TopicRulePayload, check)
}

// mayPutRule asks for the permission to make a rule, and to pass the roles of
// its actions.
func mayPutRule(action string, rule aws.ARN, p *api.TopicRulePayload, check func(service.Access) error) error {
	if err := check(service.Access{Action: action, Resource: rule}); err != nil {
		return err
	}
	for _, a := range allActions(p) {
		if role := roleOf(a); role != "" {
			if err := check(auth.PassRole(role, "iot")); err != nil {
				return err
			}
		}
	}
	return nil
}

func mayPublish(call *aws.Call, in *data.PublishInput, check func(service.Access) error) error {
	return check(service.Access{Action: "iot:Publish", Resource: call.ARN("iot", "topic/"+in.Topic)})
}

// invalid refuses an input.
func invalid(format string, args ...any) error {
	return api.InvalidRequestException.Errorf(format, args...)
}
