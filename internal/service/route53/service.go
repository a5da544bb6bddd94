package route53

import (
	"context"
	"net/netip"
	"strings"
	"sync/atomic"

	api "github.com/aloft-cloud/aloft/internal/api/route53"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/service"
	"github.com/aloft-cloud/aloft/internal/smithy"
	"github.com/aloft-cloud/aloft/internal/store"
)

// Service is Route 53.
type Service struct {
	db      *store.DB
	besides Beside
	zones   atomic.Pointer[index] // of all accounts; nil after a change
	epoch   atomic.Uint64         // changes with the zones
}

// Beside is where on this host a name of AWS's is that leads elsewhere than to
// the platform's HTTP, such as one of a database. Names end in a dot.
type Beside func(ctx context.Context, name string) (at netip.Addr, has bool)

// New returns Route 53 over db; besides may be nil.
func New(db *store.DB, besides Beside) *Service { return &Service{db: db, besides: besides} }

// Definition implements the contract in package service.
func (s *Service) Definition() service.Definition {
	const routes = "Records by latency and place are answered as if asked from the platform's region; health is not looked at."
	return service.Definition{
		API:   api.API,
		Owner: s.ownerOf,
		Epoch: s.epoch.Load,
		Operations: []service.Operation{
			service.Op(api.CreateHostedZone, s.CreateHostedZone, service.Any).But("A private zone is answered like a public one. Reusable delegation sets are refused."),
			service.Op(api.GetHostedZone, s.GetHostedZone, func(_ *aws.Call, in *api.GetHostedZoneInput) aws.ARN { return publicARN(zoneKind, in.Id) }),
			service.Op(api.ListHostedZones, s.ListHostedZones, service.Any),
			service.Op(api.ListHostedZonesByName, s.ListHostedZonesByName, service.Any),
			service.Op(api.ListHostedZonesByVPC, s.ListHostedZonesByVPC, service.Any),
			service.Op(api.GetHostedZoneCount, s.GetHostedZoneCount, service.Any),
			service.Op(api.UpdateHostedZoneComment, s.UpdateHostedZoneComment, func(_ *aws.Call, in *api.UpdateHostedZoneCommentInput) aws.ARN { return publicARN(zoneKind, in.Id) }),
			onZone(api.AssociateVPCWithHostedZone, s.AssociateVPCWithHostedZone),
			onZone(api.DisassociateVPCFromHostedZone, s.DisassociateVPCFromHostedZone),
			service.Op(api.DeleteHostedZone, s.DeleteHostedZone, func(_ *aws.Call, in *api.DeleteHostedZoneInput) aws.ARN { return publicARN(zoneKind, in.Id) }),
			onZone(api.ChangeResourceRecordSets, s.ChangeResourceRecordSets).But(routes + " Traffic policies and blocks of addresses are refused."),
			onZone(api.ListResourceRecordSets, s.ListResourceRecordSets),
			onZone(api.TestDNSAnswer, s.TestDNSAnswer).But(routes),
			service.Op(api.GetChange, s.GetChange, changeARN),
			service.Op(api.CreateHealthCheck, s.CreateHealthCheck, service.Any).But("The check is kept, and nothing is checked."),
			onCheck(api.GetHealthCheck, s.GetHealthCheck),
			onCheck(api.UpdateHealthCheck, s.UpdateHealthCheck).But("The check is kept, and nothing is checked."),
			onCheck(api.DeleteHealthCheck, s.DeleteHealthCheck),
			service.Op(api.ListHealthChecks, s.ListHealthChecks, service.Any),
			service.Op(api.GetHealthCheckCount, s.GetHealthCheckCount, service.Any),
			service.Op(api.ChangeTagsForResource, s.ChangeTagsForResource, changedTags),
			service.Op(api.ListTagsForResource, s.ListTagsForResource, listedTags),
		},
	}
}

// publicARN is a resource as policies name it: without region and account.
func publicARN(kind, id string) aws.ARN {
	id = id[strings.LastIndexByte(id, '/')+1:]
	return aws.ARN{Service: "route53", Resource: kind + "/" + id}
}

func onZone[In, Out any, P interface {
	*In
	GetHostedZoneId() string
}](op smithy.Operation[In, Out], handle func(context.Context, *aws.Call, *In) (*Out, error)) service.Operation {
	return service.Op(op, handle, func(_ *aws.Call, in *In) aws.ARN { return publicARN(zoneKind, P(in).GetHostedZoneId()) })
}

func onCheck[In, Out any, P interface {
	*In
	GetHealthCheckId() string
}](op smithy.Operation[In, Out], handle func(context.Context, *aws.Call, *In) (*Out, error)) service.Operation {
	return service.Op(op, handle, func(_ *aws.Call, in *In) aws.ARN { return publicARN(checkKind, P(in).GetHealthCheckId()) })
}

func changeARN(_ *aws.Call, in *api.GetChangeInput) aws.ARN { return publicARN("change", in.Id) }

func changedTags(_ *aws.Call, in *api.ChangeTagsForResourceInput) aws.ARN {
	return publicARN(in.ResourceType, in.ResourceId)
}

func listedTags(_ *aws.Call, in *api.ListTagsForResourceInput) aws.ARN {
	return publicARN(in.ResourceType, in.ResourceId)
}
