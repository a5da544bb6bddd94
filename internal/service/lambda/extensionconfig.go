package lambda

import (
	"context"
	"errors"
	"net/http"
	"sync"
	"time"

	data "github.com/aloft-cloud/aloft/internal/api/appconfigdata"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/dispatch"
)

const usualPoll = 45 // seconds between two looks at a configuration

// Configurations are those of AppConfig that a worker has read. They are looked
// at again when they are asked for and their time has come, not in between: the
// worker is frozen then.
type configurations struct {
	*extension
	every time.Duration

	mu   sync.Mutex
	held map[[3]string]*configuration
}

// A configuration is what was read last, and the session that reads it.
type configuration struct {
	mu      sync.Mutex
	token   string
	content []byte
	kind    string
	version string
	read    bool
	next    time.Time // to look again
}

func newConfigurations(e *extension) http.Handler {
	const day = 24 * 60 * 60
	c := &configurations{extension: e, held: make(map[[3]string]*configuration)}
	c.every = time.Duration(max(1, e.env.number("AWS_APPCONFIG_EXTENSION_POLL_INTERVAL_SECONDS", usualPoll, day))) * time.Second
	mux := http.NewServeMux()
	mux.HandleFunc("GET /applications/{application}/environments/{environment}/configurations/{configuration...}", c.get)
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		answerText(w, http.StatusBadRequest, "BadRequestException: the path must be /applications/NAME/environments/NAME/configurations/NAME")
	})
	return mux
}

// get answers with a configuration, or those of its flags that are asked for.
func (c *configurations) get(w http.ResponseWriter, r *http.Request) {
	key := [3]string{r.PathValue("application"), r.PathValue("environment"), r.PathValue("configuration")}
	c.mu.Lock()
	held := c.held[key]
	if held == nil {
		held = new(configuration)
		c.held[key] = held
	}
	c.mu.Unlock()
	held.mu.Lock()
	defer held.mu.Unlock()
	if err := c.look(r.Context(), key, held); err != nil {
		c.log("[appconfig agent] ERROR retrieve of configuration " + key[0] + ":" + key[1] + ":" + key[2] + " failed: " + err.Error())
		if !held.read {
			c.forget(key, held)
			answerText(w, statusOf(err), err.Error())
			return
		}
	}
	if held.version != "" {
		w.Header().Set("Configuration-Version", held.version)
	}
	if flags := r.URL.Query()["flag"]; len(flags) > 0 {
		some, err := pick(held.content, flags)
		if err != nil {
			answerText(w, http.StatusBadRequest, "BadRequestException: "+err.Error())
			return
		}
		answerJSON(w, some)
		return
	}
	w.Header().Set("Content-Type", held.kind)
	w.Write(held.content)
}

// forget forgets a configuration that could not be read: there are as many names
// as somebody thinks of.
func (c *configurations) forget(key [3]string, held *configuration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.held[key] == held {
		delete(c.held, key)
	}
}

// look reads the configuration anew, if its time has come.
func (c *configurations) look(ctx context.Context, key [3]string, held *configuration) error {
	now := time.Now()
	if held.read && now.Before(held.next) {
		return nil
	}
	ctx, cancel := c.limited(ctx, "AWS_APPCONFIG_EXTENSION_POLL_TIMEOUT_MILLIS", 3000)
	defer cancel()
	call, err := c.acting(ctx)
	if err != nil {
		return err
	}
	held.next = now.Add(c.every)
	if held.token != "" {
		err := c.read(ctx, call, held)
		if !errors.Is(err, data.BadRequestException) {
			return err
		} // its session has ended, or its token was used
	}
	out, err := dispatch.CallChecked(ctx, c.s.table, call, data.StartConfigurationSession, &data.StartConfigurationSessionInput{
		ApplicationIdentifier: key[0], EnvironmentIdentifier: key[1], ConfigurationProfileIdentifier: key[2],
	})
	if err != nil {
		return err
	}
	held.token = aws.Value(out.InitialConfigurationToken)
	return c.read(ctx, call, held)
}

func (c *configurations) read(ctx context.Context, call *aws.Call, held *configuration) error {
	out, err := dispatch.Call(ctx, c.s.table, call, data.GetLatestConfiguration, &data.GetLatestConfigurationInput{ConfigurationToken: held.token})
	if err != nil {
		return err
	}
	held.token = aws.Value(out.NextPollConfigurationToken)
	if len(out.Configuration) > 0 || !held.read { // else it is as it was
		held.content, held.kind, held.version = out.Configuration, aws.Value(out.ContentType), aws.Value(out.VersionLabel)
	}
	held.read = true
	return nil
}

// acting is the call that reads: of the function's role, or of one that it
// assumes, where its configurations are.
func (c *configurations) acting(ctx context.Context) (*aws.Call, error) {
	call, err := c.call(ctx)
	if err != nil {
		return nil, err
	}
	if role := c.env["AWS_APPCONFIG_EXTENSION_ROLE_ARN"]; role != "" {
		session, err := c.s.sessions.Assume(ctx, call, role)
		if err != nil {
			return nil, err
		}
		call = session.Call(call)
		call.Account = session.Principal.Account
	}
	if region := c.env["AWS_APPCONFIG_EXTENSION_SERVICE_REGION"]; region != "" {
		elsewhere := *call
		elsewhere.Region = region
		call = &elsewhere
	}
	return call, nil
}
