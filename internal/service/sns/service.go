package sns

import (
	"context"
	"net/http"
	"sync/atomic"

	api "github.com/aloft-cloud/aloft/internal/api/sns"
	"github.com/aloft-cloud/aloft/internal/dispatch"
	"github.com/aloft-cloud/aloft/internal/event"
	"github.com/aloft-cloud/aloft/internal/gateway/backend"
	"github.com/aloft-cloud/aloft/internal/gateway/cache"
	"github.com/aloft-cloud/aloft/internal/gateway/outbound"
	"github.com/aloft-cloud/aloft/internal/service"
	"github.com/aloft-cloud/aloft/internal/service/sns/filter"
	"github.com/aloft-cloud/aloft/internal/store"
	"github.com/aloft-cloud/aloft/internal/task"
)

// Config is what the service depends on.
type Config struct {
	DB       *store.DB
	Table    *dispatch.Table
	Router   *event.Router
	Sessions *dispatch.Sessions
	Endpoint string   // base of URLs in messages: to confirm, to unsubscribe, of the certificate
	Local    bool     // everybody may read the inbox
	Private  bool     // messages may go to this host and its networks
	Courier  *Courier // of mail, texts and pushes; nil keeps them in the inbox

	Edge   http.Handler                                // where APIs of the platform are asked
	Inside func(ctx context.Context, host string) bool // whether a host is one of those
}

// Service is SNS.
type Service struct {
	db       *store.DB
	table    *dispatch.Table
	router   *event.Router
	sessions *dispatch.Sessions
	endpoint string
	local    bool
	courier  *Courier
	client   *http.Client
	signer   *signer
	filters  cache.Cache[*filter.Policy] // by text and scope
	policies atomic.Uint64               // changes with those of topics
	replays  task.Bell                   // rung when there is something to replay
}

// New returns SNS.
func New(cfg Config) *Service {
	s := &Service{
		db: cfg.DB, table: cfg.Table, router: cfg.Router, sessions: cfg.Sessions, endpoint: cfg.Endpoint, local: cfg.Local, courier: cfg.Courier, replays: task.NewBell(), signer: &signer{db: cfg.DB},
		client: &http.Client{
			Transport:     backend.Within(cfg.Edge, cfg.Inside, outbound.NewTransport(cfg.Private)),
			Timeout:       deliveryLasts,
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
	}
	if s.courier == nil {
		s.courier = new(Courier)
	}
	s.courier.inbox = inbox{cfg.DB}
	return s
}

// Definition implements the contract in package service.
func (s *Service) Definition() service.Definition {
	return service.Definition{
		API:        api.API,
		Policy:     s.policyOf,
		Epoch:      s.policies.Load,
		Receive:    receive,
		Settled:    s.settled,
		Measure:    measure,
		Delivered:  delivered,
		Pages:      []service.Page{{Prefix: certificatePath, Serve: s.signer.serve}, {Prefix: "/_aloft/inbox", Serve: s.serveInbox}},
		Tasks:      []task.Task{{Name: "sns/replay", Run: s.replay, Bell: s.replays}},
		Operations: append(s.topicOperations(), s.mobileOperations()...),
	}
}

func (s *Service) topicOperations() []service.Operation {
	const kms = "Keys of KMS are remembered, and encryption is left to the disk. Data protection is refused."
	return []service.Operation{
		service.OpEach(api.CreateTopic, s.CreateTopic, mayCreateTopic).But(kms),
		onTopic(api.DeleteTopic, s.DeleteTopic),
		service.Op(api.ListTopics, s.ListTopics, service.Any),
		onTopic(api.GetTopicAttributes, s.GetTopicAttributes),
		service.OpEach(api.SetTopicAttributes, s.SetTopicAttributes, maySetTopic).But(kms),
		onTopic(api.AddPermission, s.AddPermission),
		onTopic(api.RemovePermission, s.RemovePermission),
		onResource(api.TagResource, s.TagResource),
		onResource(api.UntagResource, s.UntagResource),
		onResource(api.ListTagsForResource, s.ListTagsForResource),

		service.OpEach(api.Subscribe, s.Subscribe, maySubscribe),
		service.OpEach(api.ConfirmSubscription, s.ConfirmSubscription, mayConfirm),
		service.OpEach(api.Unsubscribe, s.Unsubscribe, mayUnsubscribe),
		service.Op(api.ListSubscriptions, s.ListSubscriptions, service.Any),
		onTopic(api.ListSubscriptionsByTopic, s.ListSubscriptionsByTopic),
		service.OpEach(api.GetSubscriptionAttributes, s.GetSubscriptionAttributes, onSubscription[*api.GetSubscriptionAttributesInput]("GetSubscriptionAttributes")),
		service.OpEach(api.SetSubscriptionAttributes, s.SetSubscriptionAttributes, onSubscription[*api.SetSubscriptionAttributesInput]("SetSubscriptionAttributes")),

		service.OpEach(api.Publish, s.Publish, mayPublish),
		service.OpEach(api.PublishBatch, s.PublishBatch, mayPublishBatch),
		service.OpEach(deliverLetter, s.deliver, mayDeliver),
		service.OpEach(logFeedback, s.writeFeedback, mayDeliver),
	}
}

func (s *Service) mobileOperations() []service.Operation {
	return []service.Operation{
		service.Op(api.CreatePlatformApplication, s.CreatePlatformApplication, service.Any).But("Credentials are not checked: pushes go to the inbox, or where the operator has them posted."),
		onApplication(api.DeletePlatformApplication, s.DeletePlatformApplication),
		onApplication(api.GetPlatformApplicationAttributes, s.GetPlatformApplicationAttributes),
		onApplication(api.SetPlatformApplicationAttributes, s.SetPlatformApplicationAttributes),
		service.Op(api.ListPlatformApplications, s.ListPlatformApplications, service.Any),
		onApplication(api.CreatePlatformEndpoint, s.CreatePlatformEndpoint),
		onApplication(api.ListEndpointsByPlatformApplication, s.ListEndpointsByPlatformApplication),
		onEndpoint(api.DeleteEndpoint, s.DeleteEndpoint),
		onEndpoint(api.GetEndpointAttributes, s.GetEndpointAttributes),
		onEndpoint(api.SetEndpointAttributes, s.SetEndpointAttributes),

		service.Op(api.GetSMSAttributes, s.GetSMSAttributes, service.Any),
		service.Op(api.SetSMSAttributes, s.SetSMSAttributes, service.Any),
		service.Op(api.CheckIfPhoneNumberIsOptedOut, s.CheckIfPhoneNumberIsOptedOut, service.Any),
		service.Op(api.ListPhoneNumbersOptedOut, s.ListPhoneNumbersOptedOut, service.Any),
		service.Op(api.OptInPhoneNumber, s.OptInPhoneNumber, service.Any),
		service.Op(api.CreateSMSSandboxPhoneNumber, s.CreateSMSSandboxPhoneNumber, service.Any),
		service.Op(api.VerifySMSSandboxPhoneNumber, s.VerifySMSSandboxPhoneNumber, service.Any),
		service.Op(api.DeleteSMSSandboxPhoneNumber, s.DeleteSMSSandboxPhoneNumber, service.Any),
		service.Op(api.ListSMSSandboxPhoneNumbers, s.ListSMSSandboxPhoneNumbers, service.Any),
		service.Op(api.GetSMSSandboxAccountStatus, s.GetSMSSandboxAccountStatus, service.Any).But("No account is in the sandbox: all may write to all numbers."),
		service.Op(api.ListOriginationNumbers, s.ListOriginationNumbers, service.Any).But("There are none: who carries texts says whence they come."),
	}
}
