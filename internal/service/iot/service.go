package iot

import (
	"context"
	"log/slog"
	"net/http"
	"slices"

	api "github.com/aloft-cloud/aloft/internal/api/iot"
	data "github.com/aloft-cloud/aloft/internal/api/iot-data"
	"github.com/aloft-cloud/aloft/internal/auth"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/dispatch"
	"github.com/aloft-cloud/aloft/internal/event"
	"github.com/aloft-cloud/aloft/internal/service"
	"github.com/aloft-cloud/aloft/internal/store"
	"github.com/aloft-cloud/aloft/internal/task"
)

// Config is what IoT needs of the platform.
type Config struct {
	DB        *store.DB
	Table     *dispatch.Table
	Router    *event.Router
	Authority Authority // of certificates of devices
	Auth      Authorizer
	Log       *slog.Logger
}

// An Authorizer knows who signs, and what they may.
type Authorizer interface {
	Authenticate(r *http.Request, service string, body []byte) (*aws.Call, error)
	Authorize(ctx context.Context, call *aws.Call, access service.Access) error
}

// Service is IoT Core.
type Service struct {
	Config
	rules    *store.Derived[ruleIndex]
	sessions *store.Derived[sessionIndex]
	grants   *store.Derived[grants]
	broker   *broker
	ends     task.Bell // rung when a session may end sooner
}

// New returns IoT Core.
func New(cfg Config) *Service {
	s := &Service{Config: cfg, broker: newBroker(), ends: task.NewBell()}
	s.rules, s.sessions, s.grants = store.Derive(cfg.DB, s.indexRules), store.Derive(cfg.DB, indexSessions), store.Derive(cfg.DB, indexGrants)
	return s
}

// Definition implements the contract in package service.
func (s *Service) Definition() service.Definition {
	return service.Definition{
		API:        api.API,
		Operations: slices.Concat(s.ruleOperations(), s.thingOperations(), s.policyOperations(), s.authorizerOperations()),
		Tasks: []task.Task{
			{Name: "iot/broker", Run: s.runBroker},
			{Name: "iot/sessions", Run: s.runSessions, Bell: s.ends},
		},
		Pages: []service.Page{
			{Prefix: socketPath, Takes: takesSocket, Own: true, Serve: s.ServeSocket},
			{Prefix: topicsPath, Takes: takesPublish, Own: true, Serve: s.ServePublish},
		},
		Receive: receive,
		Dead:    dead,
	}
}

func (s *Service) ruleOperations() []service.Operation {
	const lacks = "Actions of services that Aloft has not are refused by name, as are the functions of SQL that ask other services."
	return []service.Operation{
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
	}
}

func (s *Service) thingOperations() []service.Operation {
	return []service.Operation{
		service.Op(api.CreateThing, s.CreateThing, thingNamed[*api.CreateThingInput]).But("Billing groups are refused."),
		service.Op(api.DescribeThing, s.DescribeThing, thingNamed[*api.DescribeThingInput]),
		service.Op(api.UpdateThing, s.UpdateThing, thingNamed[*api.UpdateThingInput]),
		service.Op(api.DeleteThing, s.DeleteThing, thingNamed[*api.DeleteThingInput]),
		service.Op(api.ListThings, s.ListThings, service.Any),
		service.Op(api.CreateThingType, s.CreateThingType, typeNamed[*api.CreateThingTypeInput]),
		service.Op(api.DescribeThingType, s.DescribeThingType, typeNamed[*api.DescribeThingTypeInput]),
		service.Op(api.ListThingTypes, s.ListThingTypes, service.Any),
		service.Op(api.DeprecateThingType, s.DeprecateThingType, typeNamed[*api.DeprecateThingTypeInput]),
		service.Op(api.DeleteThingType, s.DeleteThingType, typeNamed[*api.DeleteThingTypeInput]),

		service.Op(api.AttachThingPrincipal, s.AttachThingPrincipal, service.Any),
		service.Op(api.DetachThingPrincipal, s.DetachThingPrincipal, service.Any),
		service.Op(api.ListThingPrincipals, s.ListThingPrincipals, thingNamed[*api.ListThingPrincipalsInput]),
		service.Op(api.ListPrincipalThings, s.ListPrincipalThings, service.Any),

		service.Op(api.CreateKeysAndCertificate, s.CreateKeysAndCertificate, service.Any),
		service.Op(api.CreateCertificateFromCsr, s.CreateCertificateFromCsr, service.Any),
		service.Op(api.RegisterCertificateWithoutCA, s.RegisterCertificateWithoutCA, service.Any),
		service.Op(api.DescribeCertificate, s.DescribeCertificate, certificateNamed[*api.DescribeCertificateInput]),
		service.Op(api.ListCertificates, s.ListCertificates, service.Any),
		service.Op(api.UpdateCertificate, s.UpdateCertificate, certificateNamed[*api.UpdateCertificateInput]),
		service.Op(api.DeleteCertificate, s.DeleteCertificate, certificateNamed[*api.DeleteCertificateInput]),
	}
}

func (s *Service) policyOperations() []service.Operation {
	return []service.Operation{
		service.Op(api.CreatePolicy, s.CreatePolicy, policyNamed[*api.CreatePolicyInput]),
		service.Op(api.GetPolicy, s.GetPolicy, policyNamed[*api.GetPolicyInput]),
		service.Op(api.ListPolicies, s.ListPolicies, service.Any),
		service.Op(api.DeletePolicy, s.DeletePolicy, policyNamed[*api.DeletePolicyInput]),
		service.Op(api.CreatePolicyVersion, s.CreatePolicyVersion, policyNamed[*api.CreatePolicyVersionInput]),
		service.Op(api.GetPolicyVersion, s.GetPolicyVersion, policyNamed[*api.GetPolicyVersionInput]),
		service.Op(api.ListPolicyVersions, s.ListPolicyVersions, policyNamed[*api.ListPolicyVersionsInput]),
		service.Op(api.SetDefaultPolicyVersion, s.SetDefaultPolicyVersion, policyNamed[*api.SetDefaultPolicyVersionInput]),
		service.Op(api.DeletePolicyVersion, s.DeletePolicyVersion, policyNamed[*api.DeletePolicyVersionInput]),
		service.Op(api.AttachPolicy, s.AttachPolicy, service.Any),
		service.Op(api.AttachPrincipalPolicy, s.AttachPrincipalPolicy, service.Any),
		service.Op(api.DetachPolicy, s.DetachPolicy, service.Any),
		service.Op(api.DetachPrincipalPolicy, s.DetachPrincipalPolicy, service.Any),
		service.Op(api.ListAttachedPolicies, s.ListAttachedPolicies, service.Any).But("Policies of groups are not listed with those of their things."),
		service.Op(api.ListPrincipalPolicies, s.ListPrincipalPolicies, service.Any),
		service.Op(api.ListTargetsForPolicy, s.ListTargetsForPolicy, policyNamed[*api.ListTargetsForPolicyInput]),
	}
}

func (s *Service) authorizerOperations() []service.Operation {
	const lacks = "They are asked for messages by HTTP and for MQTT over WebSockets, not over TLS without a certificate; what they say is not refreshed."
	return []service.Operation{
		service.Op(api.CreateAuthorizer, s.CreateAuthorizer, authorizerNamed[*api.CreateAuthorizerInput]).But(lacks),
		service.Op(api.DescribeAuthorizer, s.DescribeAuthorizer, authorizerNamed[*api.DescribeAuthorizerInput]),
		service.Op(api.UpdateAuthorizer, s.UpdateAuthorizer, authorizerNamed[*api.UpdateAuthorizerInput]),
		service.Op(api.DeleteAuthorizer, s.DeleteAuthorizer, authorizerNamed[*api.DeleteAuthorizerInput]),
		service.Op(api.ListAuthorizers, s.ListAuthorizers, service.Any),
		service.Op(api.SetDefaultAuthorizer, s.SetDefaultAuthorizer, authorizerNamed[*api.SetDefaultAuthorizerInput]),
		service.Op(api.DescribeDefaultAuthorizer, s.DescribeDefaultAuthorizer, service.Any),
		service.Op(api.ClearDefaultAuthorizer, s.ClearDefaultAuthorizer, service.Any),
		service.Op(api.TestInvokeAuthorizer, s.TestInvokeAuthorizer, authorizerNamed[*api.TestInvokeAuthorizerInput]),
	}
}

// Data is the API by which messages are published.
func (s *Service) Data() service.Definition {
	return service.Definition{
		API: data.API,
		Operations: []service.Operation{
			service.OpEach(data.Publish, s.Publish, mayPublish),
			service.OpEach(data.GetRetainedMessage, s.GetRetainedMessage, retainedNamed),
			service.OpEach(data.ListRetainedMessages, s.ListRetainedMessages, mayListRetained),
			service.OpEach(data.GetThingShadow, s.GetThingShadow, mayShadow[*data.GetThingShadowInput]("GetThingShadow")),
			service.OpEach(data.UpdateThingShadow, s.UpdateThingShadow, mayShadow[*data.UpdateThingShadowInput]("UpdateThingShadow")),
			service.OpEach(data.DeleteThingShadow, s.DeleteThingShadow, mayShadow[*data.DeleteThingShadowInput]("DeleteThingShadow")),
			service.OpEach(data.ListNamedShadowsForThing, s.ListNamedShadowsForThing, mayShadow[*data.ListNamedShadowsForThingInput]("ListNamedShadowsForThing")),
		},
	}
}

func thingNamed[In interface{ GetThingName() string }](call *aws.Call, in In) aws.ARN {
	return thingARN(call, in.GetThingName())
}

func typeNamed[In interface{ GetThingTypeName() string }](call *aws.Call, in In) aws.ARN {
	return thingTypeARN(call, in.GetThingTypeName())
}

func certificateNamed[In interface{ GetCertificateId() string }](call *aws.Call, in In) aws.ARN {
	return certificateARN(call, in.GetCertificateId())
}

func policyNamed[In interface{ GetPolicyName() string }](call *aws.Call, in In) aws.ARN {
	return policyARN(call, in.GetPolicyName())
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

// invalid refuses an input.
func invalid(format string, args ...any) error {
	return api.InvalidRequestException.Errorf(format, args...)
}
