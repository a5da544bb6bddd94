package appconfig

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"hash/fnv"
	"strings"
	"time"

	api "github.com/aloft-cloud/aloft/internal/api/appconfig"
	data "github.com/aloft-cloud/aloft/internal/api/appconfigdata"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/service"
	"github.com/aloft-cloud/aloft/internal/store"
)

const (
	tokenLasts = 24 * time.Hour
	usualPause = 60 // seconds between two reads
)

// A place is what a session reads: a profile in an environment.
type place struct {
	Environment aws.ARN
	Profile     string
}

// resource is the place as policies name it.
func (p *place) resource() aws.ARN {
	arn := p.Environment
	arn.Resource += "/configuration/" + p.Profile
	return arn
}

// A token is all there is of a session.
type token struct {
	ID      string
	Place   place
	Read    string // the release that was read last
	Pause   int32  // seconds that must pass between two reads; 0: none must
	Earlier time.Time
	Expires time.Time
}

func (s *Service) seal(t *token) (string, error) {
	box, err := s.master()
	if err != nil {
		return "", err
	}
	text, err := json.Marshal(t)
	if err != nil {
		return "", err
	}
	return base64.RawURLEncoding.EncodeToString(box.Seal(nil, nil, text, nil)), nil
}

// open reads a token, or refuses it.
func (s *Service) open(text string) (*token, error) {
	box, err := s.master()
	if err != nil {
		return nil, err
	}
	bad := func(problem string) error {
		return data.BadRequestException.With(&data.BadRequestExceptionDetail{
			Reason: new("InvalidParameters"), Details: &data.BadRequestDetails{InvalidParameters: map[string]data.InvalidParameterDetail{"ConfigurationToken": {Problem: &problem}}},
		}, "Request failed validation")
	}
	sealed, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil {
		return nil, bad("Corrupted")
	}
	plain, err := box.Open(nil, nil, sealed, nil)
	t := new(token)
	if err != nil || json.Unmarshal(plain, t) != nil {
		return nil, bad("Corrupted")
	}
	if time.Now().After(t.Expires) {
		return nil, bad("Expired")
	}
	return t, nil
}

// locate finds a place by ids or names.
func (s *Service) locate(ctx context.Context, call *aws.Call, application, environment, profile string) (p place, err error) {
	err = s.DB.View(ctx, func(tx *store.Tx) error {
		a, err := byName(tx, applications, applicationARN(call, ""), application, func(a *api.Application) (string, string) { return *a.Id, *a.Name })
		if err != nil {
			return errNoPlace(anApplication, application)
		}
		e, err := byName(tx, environments, environmentARN(call, a, ""), environment, func(e *api.Environment) (string, string) { return *e.Id, *e.Name })
		if err != nil {
			return errNoPlace(anEnvironment, environment)
		}
		of, err := byName(tx, profiles, profileARN(call, a, ""), profile, func(p *api.ConfigurationProfile) (string, string) { return *p.Id, *p.Name })
		if err != nil {
			return errNoPlace("Configuration", profile)
		}
		p = place{environmentARN(call, a, e), of}
		return nil
	})
	return p, err
}

func errNoPlace(what, name string) error {
	return data.ResourceNotFoundException.With(&data.ResourceNotFoundExceptionDetail{ResourceType: &what}, what+" "+name+" could not be found")
}

// byName finds the id of a resource by its id or its name.
func byName[V any](tx *store.Tx, table store.Table[aws.ARN, row[V]], under aws.ARN, wanted string, names func(*V) (id, name string)) (string, error) {
	all := under
	all.Resource = ""
	for arn, r := range table.Scan(tx, all) {
		if !strings.HasPrefix(arn.Resource, under.Resource) {
			continue
		}
		if id, name := names(&r.Is); id == wanted || name == wanted {
			return id, nil
		}
	}
	return "", errors.Join(store.ErrNotFound, tx.Err())
}

func (s *Service) mayStart(call *aws.Call, in *data.StartConfigurationSessionInput, check func(service.Access) error) error {
	p, err := s.locate(context.Background(), call, in.ApplicationIdentifier, in.EnvironmentIdentifier, in.ConfigurationProfileIdentifier)
	if errors.Is(err, data.ResourceNotFoundException) {
		return check(service.Access{Action: "appconfig:StartConfigurationSession", Resource: aws.AnyResource})
	}
	if err != nil {
		return err
	}
	return check(service.Access{Action: "appconfig:StartConfigurationSession", Resource: p.resource()})
}

func (s *Service) mayRead(_ *aws.Call, in *data.GetLatestConfigurationInput, check func(service.Access) error) error {
	t, err := s.open(in.ConfigurationToken)
	if err != nil {
		return err
	}
	return check(service.Access{Action: "appconfig:GetLatestConfiguration", Resource: t.Place.resource()})
}

// StartConfigurationSession begins a session, which reads a configuration again
// and again.
func (s *Service) StartConfigurationSession(ctx context.Context, call *aws.Call, in *data.StartConfigurationSessionInput) (*data.StartConfigurationSessionOutput, error) {
	p, err := s.locate(ctx, call, in.ApplicationIdentifier, in.EnvironmentIdentifier, in.ConfigurationProfileIdentifier)
	if err != nil {
		return nil, err
	}
	text, err := s.seal(&token{ID: aws.NewRequestID(), Place: p, Pause: aws.Value(in.RequiredMinimumPollIntervalInSeconds), Expires: time.Now().Add(tokenLasts)})
	if err != nil {
		return nil, err
	}
	return &data.StartConfigurationSessionOutput{InitialConfigurationToken: &text}, nil
}

// current is the release that a session reads.
func (s *Service) current(ctx context.Context, p place, session string) (r *release, err error) {
	err = s.DB.View(ctx, func(tx *store.Tx) error {
		l, err := lives.Get(tx, liveKey(p))
		if err != nil && !errors.Is(err, store.ErrNotFound) {
			return err
		}
		h := fnv.New32a()
		h.Write([]byte(session))
		if r = l.Current; l.Next != nil && float32(h.Sum32()%10_000)/100 < l.Percent {
			r = l.Next
		}
		if r == nil {
			return errNoPlace("Deployment", "of the configuration")
		}
		return nil
	})
	return r, err
}

// GetLatestConfiguration returns what is live, or nothing if the session has
// read that already.
func (s *Service) GetLatestConfiguration(ctx context.Context, _ *aws.Call, in *data.GetLatestConfigurationInput) (*data.GetLatestConfigurationOutput, error) {
	t, err := s.open(in.ConfigurationToken)
	if err != nil {
		return nil, err
	}
	now := time.Now()
	if t.Pause > 0 && now.Before(t.Earlier.Add(time.Duration(t.Pause)*time.Second)) {
		return nil, data.BadRequestException.Errorf("Request too early")
	}
	r, err := s.current(ctx, t.Place, t.ID)
	if err != nil {
		return nil, err
	}
	out := &data.GetLatestConfigurationOutput{NextPollIntervalInSeconds: new(int32(usualPause)), ContentType: &r.ContentType, Configuration: []byte{}}
	if t.Pause > 0 {
		out.NextPollIntervalInSeconds = &t.Pause
	}
	sum := r.sum()
	if sum != t.Read {
		out.Configuration, out.VersionLabel = r.Content, r.Label
	}
	t.Read, t.Earlier, t.Expires = sum, now, now.Add(tokenLasts)
	text, err := s.seal(t)
	out.NextPollConfigurationToken = &text
	return out, err
}

// sum tells releases apart.
func (r *release) sum() string {
	h := fnv.New128a()
	h.Write(r.Content)
	return r.ContentType + base64.RawURLEncoding.EncodeToString(h.Sum(nil))
}
