package events

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	api "github.com/aloft-cloud/aloft/internal/api/events"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/gateway/outbound"
	"github.com/aloft-cloud/aloft/internal/service"
	"github.com/aloft-cloud/aloft/internal/smithy"
	"github.com/aloft-cloud/aloft/internal/store"
)

// taskLasts is how long a task of Step Functions waits for an answer.
const taskLasts = time.Minute

// sendByConnection sends a request of somebody else's with what a connection
// says. AWS has the permission of that name, by which others send such
// themselves; here the secret stays where it is.
var sendByConnection = smithy.Operation[sendInput, sendOutput]{Service: "events", Name: "RetrieveConnectionCredentials"}

type sendInput struct {
	ConnectionArn string            `aws:"ConnectionArn,required"`
	Method        string            `aws:"Method,required"`
	Url           string            `aws:"Url,required"`
	Headers       map[string]string `aws:"Headers"`
	Body          string            `aws:"Body"`
}

type sendOutput struct {
	StatusCode int32               `aws:"StatusCode"`
	Headers    map[string][]string `aws:"Headers"`
	Body       string              `aws:"Body"`
}

func sentBy(_ *aws.Call, in *sendInput) aws.ARN {
	return service.Named(in.ConnectionArn)
}

// sendBy sends a request with what a connection says.
func (s *Service) sendBy(ctx context.Context, _ *aws.Call, in *sendInput) (*sendOutput, error) {
	arn, err := arnOf(in.ConnectionArn, "ConnectionArn")
	if err != nil {
		return nil, err
	}
	key := shortARN(arn)
	var c connection
	err = s.db.View(ctx, func(tx *store.Tx) (err error) {
		c, err = findConnection(tx, key, "use")
		return err
	})
	if err != nil {
		return nil, err
	}
	if c.State != api.ConnectionStateAuthorized && c.State != api.ConnectionStateAuthorizing {
		return nil, api.InvalidStateException.Errorf("The connection %s is not authorized.", strings.TrimPrefix(key.Resource, connectionKind))
	}
	if err := s.reveal(ctx, key, &c); err != nil {
		return nil, err
	}
	bearer := ""
	if c.Kind == api.ConnectionAuthorizationTypeOauthClientCredentials {
		if bearer, err = s.token(ctx, key, &c, false); err != nil {
			return nil, err
		}
	}
	ctx, stop := context.WithTimeout(ctx, taskLasts)
	defer stop()
	r, err := c.taskRequest(ctx, bearer, in)
	if err != nil {
		return nil, invalid("Parameter Url is not valid. Reason: %s", err)
	}
	client := *s.client
	client.Timeout = taskLasts
	resp, err := client.Do(r)
	if errors.Is(err, outbound.ErrPrivate) {
		return nil, invalid("Requests to %s are refused: it is %s.", r.URL.Hostname(), outbound.ErrPrivate)
	}
	if err != nil {
		return nil, aws.Fault{Code: "ConnectionFailure", Status: http.StatusBadGateway}.Errorf("Unable to connect to %s.", r.URL.Hostname())
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	if err != nil {
		return nil, aws.Fault{Code: "ConnectionFailure", Status: http.StatusBadGateway}.Errorf("Unable to read the answer of %s.", r.URL.Hostname())
	}
	return &sendOutput{StatusCode: int32(resp.StatusCode), Headers: resp.Header, Body: string(body)}, nil
}

// taskRequest is a request of a task with what a connection says.
func (c *connection) taskRequest(ctx context.Context, bearer string, in *sendInput) (*http.Request, error) {
	u, err := url.Parse(in.Url)
	if err != nil {
		return nil, err
	}
	header, query := http.Header{}, u.Query()
	for name, value := range in.Headers {
		header.Set(name, value)
	}
	if bearer != "" {
		header.Set("Authorization", "Bearer "+bearer)
	}
	body := c.sign(header, query, []byte(in.Body))
	u.RawQuery = query.Encode()
	r, err := http.NewRequestWithContext(ctx, in.Method, u.String(), bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	r.Header = header
	return r, nil
}
