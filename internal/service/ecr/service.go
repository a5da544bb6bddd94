package ecr

import (
	"context"
	"log/slog"
	"net/http"
	"net/url"
	"sync"
	"sync/atomic"

	api "github.com/aloft-cloud/aloft/internal/api/ecr"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/dispatch"
	"github.com/aloft-cloud/aloft/internal/service"
	"github.com/aloft-cloud/aloft/internal/store"
	"github.com/aloft-cloud/aloft/internal/task"
)

// Config is what the service depends on.
type Config struct {
	DB       *store.DB
	Table    *dispatch.Table
	Endpoint string // base of the names of images
	Region   string // of those who push without saying who they are
	Local    bool   // who does not say who they are may push
	Log      *slog.Logger
}

// Service is ECR.
type Service struct {
	cfg   Config
	db    *store.DB
	epoch atomic.Uint64 // of policies

	mu      sync.Mutex
	uploads map[string]*upload
	secret  []byte // signs passwords; nil until it was read
}

// New returns ECR over the store of cfg.
func New(cfg Config) *Service {
	if cfg.Log == nil {
		cfg.Log = slog.Default()
	}
	return &Service{cfg: cfg, db: cfg.DB, uploads: make(map[string]*upload)}
}

// Definition implements the contract in package service.
func (s *Service) Definition() service.Definition {
	const remembered = "It is remembered, and no more."
	return service.Definition{
		API:    api.API,
		Policy: s.policyOf,
		Epoch:  s.epoch.Load,
		Hosts:  []service.Host{{Suffix: "dkr", Serve: s.serveHost}},
		Pages:  []service.Page{{Prefix: "/v2", Takes: isRegistry, Own: true, Serve: s.servePage}},
		Tasks:  []task.Task{{Name: "ecr/sweep", Run: s.sweep}},
		Operations: []service.Operation{
			service.Op(api.CreateRepository, s.CreateRepository, repositoryOf).But("Images are not scanned, and encryption is left to the disk."),
			service.OpEach(api.DescribeRepositories, s.DescribeRepositories, mayDescribe),
			service.Op(api.DeleteRepository, s.DeleteRepository, repositoryOf),
			service.Op(api.GetAuthorizationToken, s.GetAuthorizationToken, service.Any),

			service.Op(api.InitiateLayerUpload, s.InitiateLayerUpload, repositoryOf),
			service.Op(api.UploadLayerPart, s.UploadLayerPart, repositoryOf),
			service.Op(api.CompleteLayerUpload, s.CompleteLayerUpload, repositoryOf),
			service.Op(api.BatchCheckLayerAvailability, s.BatchCheckLayerAvailability, repositoryOf),
			service.Op(api.GetDownloadUrlForLayer, s.GetDownloadUrlForLayer, repositoryOf).But("The URL wants a password of the registry."),

			service.Op(api.PutImage, s.PutImage, repositoryOf),
			service.Op(api.BatchGetImage, s.BatchGetImage, repositoryOf),
			service.Op(api.BatchDeleteImage, s.BatchDeleteImage, repositoryOf),
			service.Op(api.DescribeImages, s.DescribeImages, repositoryOf),
			service.Op(api.ListImages, s.ListImages, repositoryOf),
			service.Op(api.PutImageTagMutability, s.PutImageTagMutability, repositoryOf),
			service.Op(api.PutImageScanningConfiguration, s.PutImageScanningConfiguration, repositoryOf).But(remembered),

			service.Op(api.SetRepositoryPolicy, s.SetRepositoryPolicy, repositoryOf),
			service.Op(api.GetRepositoryPolicy, s.GetRepositoryPolicy, repositoryOf),
			service.Op(api.DeleteRepositoryPolicy, s.DeleteRepositoryPolicy, repositoryOf),
			service.Op(api.PutLifecyclePolicy, s.PutLifecyclePolicy, repositoryOf).But(remembered),
			service.Op(api.GetLifecyclePolicy, s.GetLifecyclePolicy, repositoryOf),
			service.Op(api.DeleteLifecyclePolicy, s.DeleteLifecyclePolicy, repositoryOf),

			service.Op(api.TagResource, s.TagResource, service.ResourceArn),
			service.Op(api.UntagResource, s.UntagResource, service.ResourceArn),
			service.Op(api.ListTagsForResource, s.ListTagsForResource, service.ResourceArn),
		},
	}
}

const repositoryKind = "repository/"

// repositoryARN names a repository; registry is the account it is in, the
// caller's if nil.
func repositoryARN(call *aws.Call, registry *string, name string) aws.ARN {
	arn := call.ARN("ecr", repositoryKind+name)
	arn.Account = aws.Or(registry, call.Account)
	return arn
}

func repositoryOf[In interface {
	GetRegistryId() string
	GetRepositoryName() string
}](call *aws.Call, in In) aws.ARN {
	var registry *string
	if id := in.GetRegistryId(); id != "" {
		registry = &id
	}
	return repositoryARN(call, registry, in.GetRepositoryName())
}

// mayDescribe asks for the permission to describe the repositories that are
// named, or all.
func mayDescribe(call *aws.Call, in *api.DescribeRepositoriesInput, check func(service.Access) error) error {
	if len(in.RepositoryNames) == 0 {
		return check(service.Access{Action: "ecr:DescribeRepositories", Resource: aws.AnyResource})
	}
	for _, name := range in.RepositoryNames {
		if err := check(service.Access{Action: "ecr:DescribeRepositories", Resource: repositoryARN(call, in.RegistryId, name)}); err != nil {
			return err
		}
	}
	return nil
}

// name is the name of a repository.
func name(repository aws.ARN) string { return repository.Resource[len(repositoryKind):] }

// host is the host, with its port, that names of images begin with.
func (s *Service) host() string {
	u, err := url.Parse(s.cfg.Endpoint)
	if err != nil || u.Host == "" {
		return "localhost:4566"
	}
	return u.Host
}

// uri is what docker calls a repository.
func (s *Service) uri(repository aws.ARN) string { return s.host() + "/" + name(repository) }

// serveHost answers the registry of one account: ACCOUNT.dkr.ecr.REGION.…
func (s *Service) serveHost(w http.ResponseWriter, r *http.Request, call *aws.Call, account string) {
	own := *call
	own.Account, own.Region = account, regionOfHost(r.Host)
	s.serve(w, r, &own, true)
}

// servePage answers the registry on hosts of no account.
func (s *Service) servePage(w http.ResponseWriter, r *http.Request, call *aws.Call) {
	s.serve(w, r, call, false)
}

// Manifest returns the manifest of an image, by its digest or a tag: for who
// runs images.
func (s *Service) Manifest(ctx context.Context, repository aws.ARN, reference string) (body []byte, digest string, err error) {
	err = s.db.View(ctx, func(tx *store.Tx) error {
		row, key, err := findImage(tx, repository, identify(reference))
		body, digest = row.Manifest, key.Digest
		return err
	})
	return body, digest, err
}
