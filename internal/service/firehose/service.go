package firehose

import (
	"context"
	"crypto/cipher"
	"log/slog"
	"net/http"
	"sync"
	"time"

	_ "time/tzdata" // time zones are known wherever Aloft runs

	api "github.com/aloft-cloud/aloft/internal/api/firehose"
	"github.com/aloft-cloud/aloft/internal/auth"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/dispatch"
	"github.com/aloft-cloud/aloft/internal/gateway/backend"
	"github.com/aloft-cloud/aloft/internal/gateway/domain"
	"github.com/aloft-cloud/aloft/internal/gateway/outbound"
	"github.com/aloft-cloud/aloft/internal/poll"
	"github.com/aloft-cloud/aloft/internal/service"
	"github.com/aloft-cloud/aloft/internal/smithy"
	"github.com/aloft-cloud/aloft/internal/store"
	"github.com/aloft-cloud/aloft/internal/store/master"
	"github.com/aloft-cloud/aloft/internal/task"
)

// Config is what Firehose needs of the platform.
type Config struct {
	DB       *store.DB
	Table    *dispatch.Table
	Sessions *dispatch.Sessions
	Edge     http.Handler    // by which endpoints of the platform's own are reached
	Domains  *domain.Domains // says which those are
	Key      string          // file of the key that secrets are sealed with
	Local    bool            // endpoints may be this host and its networks
	Log      *slog.Logger
}

// Service is Data Firehose.
type Service struct {
	Config
	client  *http.Client
	sources *poll.Engine
	master  func() (cipher.AEAD, error)
	bell    task.Bell // rung when a line may be due sooner

	mu      sync.Mutex
	lines   map[lineKey]*line
	busy    int         // lines that are worked on
	counted bool        // lines are those that there are
	early   []*addition // that came before they were counted
}

// New returns Data Firehose.
func New(cfg Config) *Service {
	s := &Service{Config: cfg, bell: task.NewBell(), lines: make(map[lineKey]*line)}
	s.master = master.Later(cfg.Key)
	s.client = &http.Client{
		Transport:     backend.Within(cfg.Edge, cfg.Domains.Inside, outbound.NewTransport(cfg.Local)),
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Timeout:       3 * time.Minute, // as long as AWS waits for an answer
	}
	s.sources = poll.New(poll.Config{DB: cfg.DB, Table: cfg.Table, Log: cfg.Log, Owners: s.owners, Job: s.job})
	return s
}

// Definition implements the contract in package service.
func (s *Service) Definition() service.Definition {
	const lacks = "Only S3 and HTTP endpoints are destinations, and only data streams are sources; formats are not converted, and secrets of Secrets Manager are not read."
	return service.Definition{
		API: api.API,
		Operations: []service.Operation{
			service.OpEach(api.CreateDeliveryStream, s.CreateDeliveryStream, mayCreate).But(lacks),
			op(api.DescribeDeliveryStream, s.DescribeDeliveryStream),
			service.Op(api.ListDeliveryStreams, s.ListDeliveryStreams, service.Any),
			service.OpEach(api.UpdateDestination, s.UpdateDestination, mayUpdate).But(lacks),
			op(api.DeleteDeliveryStream, s.DeleteDeliveryStream),
			op(api.PutRecord, s.PutRecord),
			op(api.PutRecordBatch, s.PutRecordBatch),
			op(api.StartDeliveryStreamEncryption, s.StartDeliveryStreamEncryption).But("The key is noted, and not used: the disk is whoever runs Aloft's to encrypt."),
			op(api.StopDeliveryStreamEncryption, s.StopDeliveryStreamEncryption),
			op(api.TagDeliveryStream, s.TagDeliveryStream),
			op(api.UntagDeliveryStream, s.UntagDeliveryStream),
			op(api.ListTagsForDeliveryStream, s.ListTagsForDeliveryStream),
		},
		Tasks: []task.Task{
			{Name: "firehose/deliver", Run: s.run},
			{Name: "firehose/poll", Run: s.sources.Run},
		},
		Receive: receive,
	}
}

// op is the row for an operation on the stream that its input names.
func op[In, Out any, P interface {
	*In
	GetDeliveryStreamName() string
}](op smithy.Operation[In, Out], handle func(context.Context, *aws.Call, *In) (*Out, error)) service.Operation {
	return service.Op(op, handle, func(call *aws.Call, in *In) aws.ARN { return streamARN(call, P(in).GetDeliveryStreamName()) })
}

func mayCreate(call *aws.Call, in *api.CreateDeliveryStreamInput, check func(service.Access) error) error {
	if err := check(service.Access{Action: "firehose:CreateDeliveryStream", Resource: streamARN(call, in.DeliveryStreamName)}); err != nil {
		return err
	}
	return mayPass(check, rolesOf(in))
}

func mayUpdate(call *aws.Call, in *api.UpdateDestinationInput, check func(service.Access) error) error {
	if err := check(service.Access{Action: "firehose:UpdateDestination", Resource: streamARN(call, in.DeliveryStreamName)}); err != nil {
		return err
	}
	return mayPass(check, rolesOfUpdate(in))
}

// mayPass asks whether roles may be passed to Firehose.
func mayPass(check func(service.Access) error, roles []string) error {
	for _, role := range roles {
		if err := check(auth.PassRole(role, "firehose")); err != nil {
			return err
		}
	}
	return nil
}

// change changes the stream of a name.
func (s *Service) change(ctx context.Context, call *aws.Call, name string, change func(*store.Tx, aws.ARN, *stream) error) error {
	arn := streamARN(call, name)
	return s.DB.Update(ctx, func(tx *store.Tx) error {
		row, err := findStream(tx, arn)
		if err != nil {
			return err
		}
		if err := change(tx, arn, &row); err != nil {
			return err
		}
		if err := s.sealAccess(arn, &row); err != nil {
			return err
		}
		return streams.Put(tx, arn, row)
	})
}

// as returns the call with which a stream acts as a role.
func (s *Service) as(ctx context.Context, arn aws.ARN, role string) (*aws.Call, error) {
	by := aws.ServiceCall("firehose", arn)
	session, err := s.Sessions.Assume(ctx, by, role)
	if err != nil {
		return nil, err
	}
	return session.Call(by), nil
}

func invalid(format string, args ...any) error {
	return api.InvalidArgumentException.Errorf(format, args...)
}

// errAbsent refuses by name what is not there yet.
func errAbsent(what string) error {
	return aws.NotImplemented.Errorf("Aloft does not have %s yet.", what)
}
