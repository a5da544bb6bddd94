// Package platform puts the platform together. What depends on what is
// written here, in the order it is made, and nowhere else.
package platform

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/aloft-cloud/aloft/internal/auth"
	"github.com/aloft-cloud/aloft/internal/ca"
	"github.com/aloft-cloud/aloft/internal/database"
	"github.com/aloft-cloud/aloft/internal/deploy/resource"
	"github.com/aloft-cloud/aloft/internal/dispatch"
	"github.com/aloft-cloud/aloft/internal/edge"
	"github.com/aloft-cloud/aloft/internal/event"
	"github.com/aloft-cloud/aloft/internal/gateway/backend"
	"github.com/aloft-cloud/aloft/internal/gateway/domain"
	"github.com/aloft-cloud/aloft/internal/gateway/outbound"
	"github.com/aloft-cloud/aloft/internal/meter"
	"github.com/aloft-cloud/aloft/internal/sandbox"
	"github.com/aloft-cloud/aloft/internal/sandbox/fence"
	"github.com/aloft-cloud/aloft/internal/scratch"
	"github.com/aloft-cloud/aloft/internal/script"
	"github.com/aloft-cloud/aloft/internal/service"
	"github.com/aloft-cloud/aloft/internal/service/acm"
	acmpca "github.com/aloft-cloud/aloft/internal/service/acm-pca"
	"github.com/aloft-cloud/aloft/internal/service/amplify"
	"github.com/aloft-cloud/aloft/internal/service/apigateway"
	"github.com/aloft-cloud/aloft/internal/service/apigatewayv2"
	"github.com/aloft-cloud/aloft/internal/service/appconfig"
	"github.com/aloft-cloud/aloft/internal/service/appsync"
	"github.com/aloft-cloud/aloft/internal/service/cloudcontrol"
	"github.com/aloft-cloud/aloft/internal/service/cloudformation"
	"github.com/aloft-cloud/aloft/internal/service/cloudfront"
	"github.com/aloft-cloud/aloft/internal/service/cloudwatch"
	"github.com/aloft-cloud/aloft/internal/service/codedeploy"
	cognitoidentity "github.com/aloft-cloud/aloft/internal/service/cognito-identity"
	cognitoidp "github.com/aloft-cloud/aloft/internal/service/cognito-idp"
	"github.com/aloft-cloud/aloft/internal/service/dynamodb"
	"github.com/aloft-cloud/aloft/internal/service/ec2"
	"github.com/aloft-cloud/aloft/internal/service/ecr"
	"github.com/aloft-cloud/aloft/internal/service/elasticfilesystem"
	"github.com/aloft-cloud/aloft/internal/service/elasticloadbalancing"
	"github.com/aloft-cloud/aloft/internal/service/events"
	"github.com/aloft-cloud/aloft/internal/service/firehose"
	"github.com/aloft-cloud/aloft/internal/service/iam"
	"github.com/aloft-cloud/aloft/internal/service/iot"
	"github.com/aloft-cloud/aloft/internal/service/kinesis"
	"github.com/aloft-cloud/aloft/internal/service/kms"
	"github.com/aloft-cloud/aloft/internal/service/lambda"
	"github.com/aloft-cloud/aloft/internal/service/logs"
	"github.com/aloft-cloud/aloft/internal/service/pipes"
	"github.com/aloft-cloud/aloft/internal/service/rds"
	"github.com/aloft-cloud/aloft/internal/service/route53"
	"github.com/aloft-cloud/aloft/internal/service/s3"
	"github.com/aloft-cloud/aloft/internal/service/scheduler"
	"github.com/aloft-cloud/aloft/internal/service/schemas"
	"github.com/aloft-cloud/aloft/internal/service/secretsmanager"
	"github.com/aloft-cloud/aloft/internal/service/ses"
	"github.com/aloft-cloud/aloft/internal/service/sns"
	"github.com/aloft-cloud/aloft/internal/service/sqs"
	"github.com/aloft-cloud/aloft/internal/service/ssm"
	"github.com/aloft-cloud/aloft/internal/service/states"
	"github.com/aloft-cloud/aloft/internal/service/sts"
	"github.com/aloft-cloud/aloft/internal/service/wafv2"
	"github.com/aloft-cloud/aloft/internal/service/xray"
	"github.com/aloft-cloud/aloft/internal/store"
	"github.com/aloft-cloud/aloft/internal/task"
)

// Config is what an operator may choose. The command line fills it in.
type Config struct {
	Data     string // directory that keeps everything
	Memory   bool   // keep everything in memory instead, for tests
	Endpoint string // base of the URLs in answers: "http://localhost:4566"
	Region   string // of requests that name none
	Open     bool   // take unknown access keys as root
	Unfenced bool   // run functions where the host cannot fence them off
	Egress   string // what functions may reach besides the platform: "internet", "none", addresses
	Private  bool   // topics, rules and gateways may reach this host and its networks; Open says so too
	Mail     string // SMTP server that topics send mail by, as package gateway/mail reads it; "" keeps it in an inbox
	Letters  string // URL to which texts and pushes, and mail without a server, are posted as JSON; "" keeps them there too
	Cache    string // directory for what can be fetched again, of all of a user's platforms; empty: nothing is fetched
	Version  string
	Log      *slog.Logger

	// IndexDelay is how long global indexes of DynamoDB lag behind their tables,
	// to find applications that rely on their not doing so.
	IndexDelay time.Duration

	// TableDelay is how long tables of DynamoDB are being created, updated and
	// deleted, to find applications that do not wait for it.
	TableDelay time.Duration

	Tell func(string) // is told what people should know while they wait; logged if nil

	// Runner makes what runs functions and logs them to sink; nil runs them in
	// processes of this host.
	Runner func(sink func(sandbox.LogBatch)) sandbox.Runner

	// Databases keeps databases and runs their servers; nil does so on this host.
	Databases rds.Fleet

	// Scripts is the program, and arguments, that serve package script; nil runs
	// scripts in this process.
	Scripts []string

	// Fatal is called when nothing can be kept any more; the process should end.
	Fatal func(error)
}

func (c *Config) private() bool { return c.Open || c.Private }

// A Platform is everything, running.
type Platform struct {
	Handler http.Handler
	Table   *dispatch.Table
	CA      *ca.Authority // of this installation
	Domains *domain.Domains
	Names   *route53.Service // answers questions over DNS
	Devices *iot.Service     // speaks MQTT
	Letters *ses.Service     // takes mail
	Missing []string         // what the host lacks for a whole fence, for people to read
	RootKey *Key             // made at the first start of a closed platform, else nil

	certificates  *acm.Service
	distributions *cloudfront.Service
	balancers     *elasticloadbalancing.Service
	sites         *amplify.Service
	databases     *rds.Service

	mint     *auth.Mint
	sessions *dispatch.Sessions
	events   *event.Router
	deliver  dispatch.Deliverer
	meter    *meter.Meter

	inside http.Handler // for functions: whose keys are checked, even if others' are not
	db     *store.DB
	cache  string // directory
	runner sandbox.Runner
	script *script.Pool
	stop   context.CancelFunc
	tasks  *task.Group

	dropCache func() error // removes the cache, if it is not to be kept
}

// A Key is an access key of an account's root.
type Key struct{ Account, ID, Secret string }

// Start builds the platform and starts its tasks. Stop ends them.
func Start(ctx context.Context, cfg Config) (*Platform, error) {
	db, err := openStore(cfg)
	if err != nil {
		return nil, err
	}
	p := &Platform{db: db, tasks: &task.Group{Log: cfg.Log}}
	if err := p.openCache(cfg); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	guard, identities, err := p.guard(ctx, cfg)
	if err != nil {
		return nil, errors.Join(err, p.dropCache(), db.Close())
	}
	p.meter = meter.New()
	p.Table = dispatch.NewTable(guard, dispatch.Observer{Meter: p.meter})
	p.sessions = dispatch.NewSessions(p.Table)
	p.deliver = dispatch.Deliverer{Table: p.Table, Sessions: p.sessions}
	p.events = event.NewRouter(db, p.deliver, cfg.Log)
	p.mint = identities.Mint()
	services, err := p.services(cfg, guard)
	if err != nil {
		return nil, errors.Join(err, p.dropCache(), db.Close())
	}
	services = append(services, identities.Definition(), sts.New(identities, identities.Mint(), p.Table, p.fetch(cfg)).Definition())
	work := append(db.Tasks(), p.events.Task(), p.script.Task())
	for _, def := range services {
		guard.Add(def)
		p.Table.Add(def)
		work = append(work, def.Tasks...)
	}
	p.Handler = edge.New(edge.Config{Table: p.Table, Auth: guard, Open: cfg.Open, Version: cfg.Version, Log: cfg.Log})
	p.inside = edge.New(edge.Config{Table: p.Table, Auth: auth.Closed{Auth: guard}, Version: cfg.Version, Log: cfg.Log})
	ctx, p.stop = context.WithCancel(ctx)
	for _, t := range work {
		p.tasks.Start(ctx, t)
	}
	return p, nil
}

// guard makes what lets requests in, and IAM, by which it decides. The first
// time that a closed platform starts, its root gets a key.
func (p *Platform) guard(ctx context.Context, cfg Config) (*auth.Auth, *iam.Service, error) {
	identities, err := iam.New(ctx, p.db)
	if err != nil {
		return nil, nil, err
	}
	if !cfg.Open {
		k, err := identities.RootKey(ctx, auth.DefaultAccount)
		if err != nil {
			return nil, nil, err
		}
		if k != nil {
			p.RootKey = &Key{Account: auth.DefaultAccount, ID: k.AccessKey, Secret: k.Secret}
		}
	}
	guard := auth.New(auth.Config{Directory: identities, Mint: identities.Mint(), Open: cfg.Open, Region: cfg.Region})
	return guard, identities, nil
}

// services makes every service but those of identities.
func (p *Platform) services(cfg Config, guard *auth.Auth) ([]service.Definition, error) {
	var functions *lambda.Service
	var err error
	if p.CA, err = ca.Open(authorityDir(cfg)); err != nil {
		return nil, fmt.Errorf("open the certificate authority: %w", err)
	}
	p.runner, err = p.newRunner(cfg, func(b sandbox.LogBatch) { functions.Log(b) })
	if err != nil {
		return nil, err
	}
	networks, images := ec2.New(p.db), ecr.New(ecr.Config{DB: p.db, Table: p.Table, Endpoint: cfg.Endpoint, Region: cfg.Region, Local: cfg.Open, Log: cfg.Log})
	files := elasticfilesystem.New(elasticfilesystem.Config{DB: p.db, Table: p.Table, Dir: p.filesDir(cfg), Log: cfg.Log})
	functions = lambda.New(lambda.Config{Meter: p.meter, Dir: p.cache, Endpoint: cfg.Endpoint, Auth: guard, Images: images, Files: files, Log: cfg.Log}, p.db, p.Table, p.events, p.sessions, p.runner)
	p.script = script.New(script.Config{Command: cfg.Scripts, Unfenced: cfg.Unfenced, Log: cfg.Log})
	keys := kms.New(p.db, keyFile(cfg, "kms"))
	tables := dynamodb.New(dynamodb.Config{Keys: keys, IndexDelay: cfg.IndexDelay, TableDelay: cfg.TableDelay, Meter: p.meter}, p.db, p.Table)
	queues, err := sqs.New(context.Background(), sqs.Config{DB: p.db, Endpoint: cfg.Endpoint})
	if err != nil {
		return nil, err
	}
	p.Domains = domain.New(p.db, hostname(cfg.Endpoint))
	courier, err := sns.NewCourier(cfg.Mail, cfg.Letters)
	if err != nil {
		return nil, err
	}
	p.Names = route53.New(p.db, p.newDatabases(cfg, guard).Here)
	if p.balancers, err = p.newBalancers(cfg); err != nil {
		return nil, err
	}
	firewall := wafv2.New(p.db, p.Table)
	rest := apigateway.New(apigateway.Config{DB: p.db, Firewall: firewall, Balancers: p.balancers, Meter: p.meter, Table: p.Table, Domains: p.Domains, Auth: guard, Edge: p.within(), Sessions: p.sessions, Local: cfg.Open, Private: cfg.private(), Log: cfg.Log})
	objects := s3.New(s3.Config{DB: p.db, Mint: p.mint, Table: p.Table, Key: keyFile(cfg, "s3"), Events: p.events, Deliver: p.deliver, Sessions: p.sessions})
	gateways := apigatewayv2.New(apigatewayv2.Config{DB: p.db, Balancers: p.balancers, Meter: p.meter, Table: p.Table, Domains: p.Domains, Edge: p.within(), Keys: rest, Auth: guard, Sessions: p.sessions, Endpoint: cfg.Endpoint, Local: cfg.private(), Log: cfg.Log})
	p.distributions = cloudfront.New(cloudfront.Config{DB: p.db, Firewall: firewall, Table: p.Table, Edge: p.within(), Functions: functions, Scripts: p.script, Sessions: p.sessions, Domains: p.Domains, Local: cfg.Open, Private: cfg.private(), Log: cfg.Log})
	p.sites = amplify.New(amplify.Config{DB: p.db, Table: p.Table, Edge: p.within(), Domains: p.Domains, Endpoint: cfg.Endpoint, Private: cfg.private(), Log: cfg.Log})
	p.certificates = acm.New(p.db, p.Table, p.CA, keyFile(cfg, "acm"), p.Domains, p.distributions, p.balancers, p.sites)
	p.Letters = ses.New(ses.Config{DB: p.db, Table: p.Table, Router: p.events, Sessions: p.sessions, Endpoint: cfg.Endpoint, Local: cfg.Open, Log: cfg.Log})
	p.Devices = iot.New(iot.Config{DB: p.db, Table: p.Table, Router: p.events, Authority: p.CA, Auth: guard, Log: cfg.Log})
	configurations := appconfig.New(appconfig.Config{DB: p.db, Table: p.Table, Sessions: p.sessions, Key: keyFile(cfg, "appconfig"), Log: cfg.Log})
	return []service.Definition{
		configurations.Definition(), configurations.Data(),
		p.certificates.Definition(), acmpca.New(p.db, keyFile(cfg, "acm-pca")).Definition(), p.sites.Definition(), p.balancers.Definition(),
		p.distributions.Definition(), p.distributions.Values(),
		rest.Definition(), gateways.Definition(), gateways.Management(),
		appsync.New(appsync.Config{DB: p.db, Table: p.Table, Sessions: p.sessions, Auth: guard, Scripts: p.script, Domains: p.Domains, Edge: p.within(), Endpoint: cfg.Endpoint, Local: cfg.private(), Log: cfg.Log}).Definition(),
		cloudcontrol.New(p.db, p.Table, resource.All()).Definition(),
		cloudformation.New(p.db, p.Table, resource.All()).Definition(),
		cloudwatch.New(cloudwatch.Config{DB: p.db, Router: p.events, Meter: p.meter, Gauge: p.gauge, Log: cfg.Log}).Definition(),
		codedeploy.New(codedeploy.Config{DB: p.db, Table: p.Table, Sessions: p.sessions, Log: cfg.Log}).Definition(),
		cognitoidentity.New(cognitoidentity.Config{DB: p.db, Table: p.Table, Fetch: p.fetch(cfg), Key: keyFile(cfg, "cognito-identity"), Log: cfg.Log}).Definition(),
		cognitoidp.New(cognitoidp.Config{DB: p.db, Table: p.Table, Router: p.events, Endpoint: cfg.Endpoint, Key: keyFile(cfg, "cognito-idp"), Log: cfg.Log}).Definition(),
		tables.Definition(), tables.Streams(),
		events.New(events.Config{Edge: p.within(), Inside: p.Domains.Inside, DB: p.db, Meter: p.meter, Table: p.Table, Router: p.events, Local: cfg.private(), Log: cfg.Log}).Definition(),
		firehose.New(firehose.Config{DB: p.db, Table: p.Table, Key: keyFile(cfg, "firehose"), Sessions: p.sessions, Edge: p.within(), Domains: p.Domains, Local: cfg.private(), Log: cfg.Log}).Definition(),
		networks.Definition(), images.Definition(), files.Definition(), functions.Definition(),
		kinesis.New(p.db).Definition(), keys.Definition(), logs.New(p.db, p.events).Definition(),
		pipes.New(pipes.Config{DB: p.db, Table: p.Table, Router: p.events, Sessions: p.sessions, Log: cfg.Log}).Definition(),
		scheduler.New(scheduler.Config{DB: p.db, Table: p.Table, Router: p.events, Sessions: p.sessions, Log: cfg.Log}).Definition(),
		schemas.New(p.db, p.Table).Definition(), secretsmanager.New(p.db, p.Table, p.events).Definition(),
		p.Names.Definition(), p.databases.Definition(), p.databases.Data(),
		objects.Definition(), objects.Control(),
		p.Letters.Definition(), p.Letters.V2(), p.Devices.Definition(), p.Devices.Data(),
		sns.New(sns.Config{Edge: p.within(), Inside: p.Domains.Inside, DB: p.db, Table: p.Table, Router: p.events, Sessions: p.sessions, Endpoint: cfg.Endpoint, Local: cfg.Open, Private: cfg.private(), Courier: courier}).Definition(),
		queues.Definition(),
		ssm.New(p.db, p.Table, networks).Definition(),
		states.New(states.Config{Meter: p.meter, DB: p.db, Table: p.Table, Router: p.events, Sessions: p.sessions, Edge: p.within(), Inside: p.Domains.Inside, Local: cfg.private(), Log: cfg.Log}).Definition(),
		firewall.Definition(),
		xray.New(p.db).Definition(),
	}, nil
}

// newDatabases makes RDS, over databases that are kept on this host.
func (p *Platform) newDatabases(cfg Config, guard *auth.Auth) *rds.Service {
	fleet := cfg.Databases
	if fleet == nil {
		dir := filepath.Join(cfg.Data, "rds")
		if cfg.Memory {
			dir = filepath.Join(p.cache, "rds")
		}
		fleet = database.New(database.Config{Dir: dir, Cache: cfg.Cache, Unfenced: cfg.Unfenced, Tell: cfg.Tell, Log: cfg.Log})
	}
	p.databases = rds.New(rds.Config{DB: p.db, Table: p.Table, Fleet: fleet, CA: p.CA, Auth: guard, Sessions: p.sessions, Name: cfg.Data, Key: keyFile(cfg, "rds"), Listen: !cfg.Memory, Log: cfg.Log})
	return p.databases
}

// newBalancers makes load balancers, whose certificates are made after them.
func (p *Platform) newBalancers(cfg Config) (*elasticloadbalancing.Service, error) {
	return elasticloadbalancing.New(elasticloadbalancing.Config{
		DB: p.db, Table: p.Table, Meter: p.meter, Edge: p.within(), Names: p.Names, Key: keyFile(cfg, "elasticloadbalancing"),
		Certificates: func(ctx context.Context, arn string) ([]string, error) { return p.certificates.Names(ctx, arn) },
		Local:        cfg.Open, Private: cfg.private(), Log: cfg.Log,
	})
}

// Certificate returns the certificate that the domain of a name shows, or nil if
// it shows one of the authority's.
func (p *Platform) Certificate(ctx context.Context, name string) (*tls.Certificate, error) {
	for _, shown := range []interface {
		Certificate(ctx context.Context, host string) (string, error)
	}{p.Domains, p.distributions, p.balancers, p.sites} {
		arn, err := shown.Certificate(ctx, name)
		if err != nil {
			return nil, err
		}
		if arn != "" {
			return p.certificates.Certificate(ctx, arn)
		}
	}
	return nil, nil
}

// gauge has services measure what they hold, and says whether any of it is in use.
func (p *Platform) gauge(ctx context.Context) (used bool, err error) {
	for _, def := range p.Table.Services() {
		if def.Gauge == nil {
			continue
		}
		more, failed := def.Gauge(ctx, p.meter)
		used, err = used || more, errors.Join(err, failed)
	}
	return used, err
}

// fetch gets what issuers of tokens publish, the platform itself among them.
func (p *Platform) fetch(cfg Config) func(ctx context.Context, url string) ([]byte, error) {
	return backend.FetchWithin(p.within(), outbound.NewFetcher(cfg.private()).Fetch)
}

// within is inside, which is made after those who use it.
func (p *Platform) within() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { p.inside.ServeHTTP(w, r) })
}

// beside is what functions find at addresses of their own, which is made after what
// runs them.
func (p *Platform) beside() sandbox.Beside {
	return sandbox.Beside{
		Address: func(ctx context.Context, host string) (netip.Addr, bool) { return p.databases.Address(ctx, host) },
		Serve:   func(ctx context.Context, c net.Conn, to netip.AddrPort) bool { return p.databases.Serve(ctx, c, to) },
	}
}

// newRunner makes what runs functions; what they log goes to sink.
func (p *Platform) newRunner(cfg Config, sink func(sandbox.LogBatch)) (sandbox.Runner, error) {
	if cfg.Runner != nil {
		return cfg.Runner(sink), nil
	}
	egress, err := fence.ParseEgress(cfg.Egress)
	if err != nil {
		return nil, fmt.Errorf("egress: %w", err)
	}
	m, err := sandbox.New(sandbox.Config{
		Dir:      p.workDir(),
		Endpoint: p.within(),
		Sink:     sink,
		Port:     port(cfg.Endpoint),
		CA:       p.CA,
		Egress:   egress,
		SDKs:     cfg.Cache,
		Tell:     cfg.Tell,
		Beside:   p.beside(),
		Unfenced: cfg.Unfenced,
		Log:      cfg.Log,
	})
	if err != nil {
		return nil, err
	}
	p.Missing = m.Missing()
	return m, nil
}

// openCache makes the directory for what can be made again, without what an
// earlier start kept of functions that ran.
func (p *Platform) openCache(cfg Config) (err error) {
	p.dropCache = func() error { return nil }
	if cfg.Memory {
		p.cache, p.dropCache, err = scratch.Dir("aloft-memory-")
		return err
	}
	p.cache = filepath.Join(cfg.Data, "cache")
	return os.RemoveAll(p.workDir())
}

// workDir is where functions are run.
func (p *Platform) workDir() string { return filepath.Join(p.cache, "sandbox") }

// filesDir is where the files of file systems are.
func (p *Platform) filesDir(cfg Config) string {
	if cfg.Memory {
		return filepath.Join(p.cache, "elasticfilesystem")
	}
	return filepath.Join(cfg.Data, "elasticfilesystem")
}

// keyFile is the file of the key that a service seals with what it keeps.
func keyFile(cfg Config, service string) string {
	if cfg.Memory {
		return ""
	}
	return filepath.Join(cfg.Data, "keys", service)
}

// authorityDir is where the certificate authority is kept.
func authorityDir(cfg Config) string {
	if cfg.Memory {
		return ""
	}
	return AuthorityDir(cfg.Data)
}

// AuthorityDir is where the certificate authority is that a data directory holds.
func AuthorityDir(data string) string { return filepath.Join(data, "ca") }

// hostname is the host of a URL, without port.
func hostname(endpoint string) string {
	u, err := url.Parse(endpoint)
	if err != nil {
		return ""
	}
	return u.Hostname()
}

// port is the port of a URL; 0 if it says none.
func port(endpoint string) int {
	u, err := url.Parse(endpoint)
	if err != nil {
		return 0
	}
	n, _ := strconv.Atoi(u.Port())
	return n
}

func openStore(cfg Config) (*store.DB, error) {
	if cfg.Memory {
		return store.OpenMemory()
	}
	return store.Open(store.Config{Dir: filepath.Join(cfg.Data, "store"), Log: cfg.Log, Fatal: cfg.Fatal})
}

// Services returns what a platform answers.
func Services() ([]service.Definition, error) {
	p, err := Start(context.Background(), Config{Memory: true, Open: true, Runner: noFunctions, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		return nil, err
	}
	return p.Table.Services(), p.Stop()
}

// Types returns the types of resources that a platform makes.
func Types() (resource.Table, error) {
	p, err := Start(context.Background(), Config{Memory: true, Open: true, Runner: noFunctions, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		return nil, err
	}
	return resource.All().Answered(p.Table), p.Stop()
}

func noFunctions(func(sandbox.LogBatch)) sandbox.Runner { return new(sandbox.InProcess) }

// Go runs f until Stop, which f must end with.
func (p *Platform) Go(f func()) { p.tasks.Go(f) }

// Stop stops all tasks and functions, and closes the store.
func (p *Platform) Stop() error {
	p.stop()
	err := errors.Join(p.runner.Close(), p.script.Close(), p.databases.Close())
	p.tasks.Wait()
	return errors.Join(err, p.db.Close(), p.dropCache())
}
