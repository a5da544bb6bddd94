package lambda

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	api "github.com/aloft-cloud/aloft/internal/api/lambda"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/store"
)

// configKey is the key of the configuration for events to r.
func configKey(r ref) aliasKey {
	if r.qualifier == "" {
		r.qualifier = latest
	}
	return aliasKey{r.function, r.qualifier}
}

// retries is how often an event is tried again whose function failed.
func (c *eventConfig) retries() int { return int(aws.Or(c.Retries, usualRetries)) }

// maxAge is how old an event may get.
func (c *eventConfig) maxAge() time.Duration {
	if c.MaxAge == nil {
		return usualMaxAge
	}
	return time.Duration(*c.MaxAge) * time.Second
}

// describe is a configuration as answers show it.
func (c *eventConfig) describe(key aliasKey) api.FunctionEventInvokeConfig {
	out := api.FunctionEventInvokeConfig{
		LastModified:             &c.Modified,
		FunctionArn:              new(ref{key.Function, key.Name}.arn().String()),
		MaximumRetryAttempts:     c.Retries,
		MaximumEventAgeInSeconds: c.MaxAge,
		DestinationConfig:        &api.DestinationConfig{OnSuccess: &api.OnSuccess{}, OnFailure: &api.OnFailure{}},
	}
	if c.OnSuccess != "" {
		out.DestinationConfig.OnSuccess.Destination = &c.OnSuccess
	}
	if c.OnFailure != "" {
		out.DestinationConfig.OnFailure.Destination = &c.OnFailure
	}
	return out
}

// PutFunctionEventInvokeConfig says what becomes of events that nobody waits for.
func (s *Service) PutFunctionEventInvokeConfig(ctx context.Context, call *aws.Call, in *api.PutFunctionEventInvokeConfigInput) (*api.PutFunctionEventInvokeConfigOutput, error) {
	if in.MaximumRetryAttempts == nil && in.MaximumEventAgeInSeconds == nil && in.DestinationConfig == nil {
		return nil, invalid("You must specify at least one of error handling or destination setting.")
	}
	return s.configure(ctx, call, in.FunctionName, in.Qualifier, func(c *eventConfig, found bool) error {
		*c = eventConfig{Retries: in.MaximumRetryAttempts, MaxAge: in.MaximumEventAgeInSeconds}
		c.setDestinations(in.DestinationConfig)
		return nil
	})
}

// UpdateFunctionEventInvokeConfig changes what becomes of events that nobody waits for.
func (s *Service) UpdateFunctionEventInvokeConfig(ctx context.Context, call *aws.Call, in *api.UpdateFunctionEventInvokeConfigInput) (*api.UpdateFunctionEventInvokeConfigOutput, error) {
	if in.MaximumRetryAttempts == nil && in.MaximumEventAgeInSeconds == nil && in.DestinationConfig == nil {
		return nil, invalid("You must specify at least one of error handling or destination setting.")
	}
	return s.configure(ctx, call, in.FunctionName, in.Qualifier, func(c *eventConfig, found bool) error {
		if !found {
			r, err := parseName(call, in.FunctionName, in.Qualifier)
			return cmp.Or(err, errNoConfig(configKey(r)))
		}
		if in.MaximumRetryAttempts != nil {
			c.Retries = in.MaximumRetryAttempts
		}
		if in.MaximumEventAgeInSeconds != nil {
			c.MaxAge = in.MaximumEventAgeInSeconds
		}
		c.setDestinations(in.DestinationConfig)
		return nil
	})
}

// setDestinations sets the destinations that an input gives.
func (c *eventConfig) setDestinations(d *api.DestinationConfig) {
	if d == nil {
		return
	}
	if d.OnSuccess != nil {
		c.OnSuccess = aws.Value(d.OnSuccess.Destination)
	}
	if d.OnFailure != nil {
		c.OnFailure = aws.Value(d.OnFailure.Destination)
	}
}

// configure does change to the configuration of a function, version or alias.
func (s *Service) configure(ctx context.Context, call *aws.Call, text string, qualifier *string, change func(c *eventConfig, found bool) error) (*api.FunctionEventInvokeConfig, error) {
	r, err := parseName(call, text, qualifier)
	if err != nil {
		return nil, err
	}
	key := configKey(r)
	var row eventConfig
	err = s.db.Update(ctx, func(tx *store.Tx) error {
		if _, _, err := findVersion(tx, r); errors.Is(err, api.ResourceNotFoundException) {
			return notFound("The function doesn't exist.")
		} else if err != nil {
			return err
		}
		row, err = eventConfigs.Get(tx, key)
		if err != nil && !errors.Is(err, store.ErrNotFound) {
			return err
		}
		if err := change(&row, err == nil); err != nil {
			return err
		}
		if err := checkDestinations(tx, call, r, &row); err != nil {
			return err
		}
		row.Modified = time.Now()
		s.changed(tx, r.function)
		return eventConfigs.Put(tx, key, row)
	})
	if err != nil {
		return nil, err
	}
	return new(row.describe(key)), nil
}

// checkDestinations refuses destinations that nothing can be sent to.
func checkDestinations(tx *store.Tx, call *aws.Call, r ref, c *eventConfig) error {
	for _, text := range []string{c.OnSuccess, c.OnFailure} {
		if text == "" {
			continue
		}
		arn, err := aws.ParseARN(text)
		if err != nil {
			return err
		}
		switch {
		case arn.Service == "lambda":
		case arn.Service == "sqs" && !strings.HasSuffix(arn.Resource, fifoSuffix), arn.Service == "sns", arn.Service == "events", arn.Service == "s3" && text != c.OnSuccess:
			continue
		default:
			return invalid("The provided destination config DestinationConfig(onSuccess=%s, onFailure=%s) is invalid.", destinationText("OnSuccess", c.OnSuccess), destinationText("OnFailure", c.OnFailure))
		}
		to := guess(call, text, "")
		if to.function == r.function {
			return invalid("You can't specify the function as a destination for itself.")
		}
		if _, _, err := findVersion(tx, to); errors.Is(err, api.ResourceNotFoundException) || !strings.HasPrefix(arn.Resource, functionKind) {
			return invalid("The destination ARN %s is invalid.", text)
		} else if err != nil {
			return err
		}
	}
	return nil
}

// destinationText is a destination as AWS's refusals show it.
func destinationText(kind, arn string) string {
	if arn == "" {
		return "null"
	}
	return fmt.Sprintf("%s(destination=%s)", kind, arn)
}

func errNoConfig(key aliasKey) error {
	return notFound("The function %s doesn't have an EventInvokeConfig", ref{key.Function, key.Name}.arn())
}

// GetFunctionEventInvokeConfig tells what becomes of events that nobody waits for.
func (s *Service) GetFunctionEventInvokeConfig(ctx context.Context, call *aws.Call, in *api.GetFunctionEventInvokeConfigInput) (*api.GetFunctionEventInvokeConfigOutput, error) {
	r, err := parseName(call, in.FunctionName, in.Qualifier)
	if err != nil {
		return nil, err
	}
	key := configKey(r)
	var row eventConfig
	err = s.db.View(ctx, func(tx *store.Tx) error {
		row, err = eventConfigs.Get(tx, key)
		return err
	})
	if errors.Is(err, store.ErrNotFound) {
		err = errNoConfig(key)
	}
	if err != nil {
		return nil, err
	}
	return new(row.describe(key)), nil
}

// ListFunctionEventInvokeConfigs lists the configurations of a function.
func (s *Service) ListFunctionEventInvokeConfigs(ctx context.Context, call *aws.Call, in *api.ListFunctionEventInvokeConfigsInput) (*api.ListFunctionEventInvokeConfigsOutput, error) {
	fn, err := parseFunction(call, in.FunctionName)
	if err != nil {
		return nil, err
	}
	p, err := newPager(in.Marker, in.MaxItems)
	if err != nil {
		return nil, err
	}
	list := []api.FunctionEventInvokeConfig{}
	err = s.db.View(ctx, func(tx *store.Tx) error {
		if exists, err := functions.Has(tx, fn); err != nil || !exists {
			return cmp.Or(err, notFound("The function doesn't exist."))
		}
		for key, row := range eventConfigs.Scan(tx, aliasKey{Function: fn}) {
			if p.takes(key.Name) {
				list = append(list, row.describe(key))
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &api.ListFunctionEventInvokeConfigsOutput{FunctionEventInvokeConfigs: list, NextMarker: p.next()}, nil
}

// DeleteFunctionEventInvokeConfig lets become of events what usually does.
func (s *Service) DeleteFunctionEventInvokeConfig(ctx context.Context, call *aws.Call, in *api.DeleteFunctionEventInvokeConfigInput) (*api.DeleteFunctionEventInvokeConfigOutput, error) {
	r, err := parseName(call, in.FunctionName, in.Qualifier)
	if err != nil {
		return nil, err
	}
	key := configKey(r)
	err = s.db.Update(ctx, func(tx *store.Tx) error {
		if exists, err := eventConfigs.Has(tx, key); err != nil || !exists {
			return cmp.Or(err, errNoConfig(key))
		}
		s.changed(tx, r.function)
		return eventConfigs.Delete(tx, key)
	})
	if err != nil {
		return nil, err
	}
	return &api.DeleteFunctionEventInvokeConfigOutput{}, nil
}
