package sns

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strings"

	api "github.com/aloft-cloud/aloft/internal/api/sns"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/event"
	"github.com/aloft-cloud/aloft/internal/store"
)

// An application is an app of a platform that pushes messages to devices.
type application struct{ Attributes map[string]string }

// An endpoint is an app on one device.
type endpoint struct {
	Application aws.ARN
	Attributes  map[string]string // Token, Enabled, CustomUserData
}

var platforms = []string{"ADM", "APNS", "APNS_SANDBOX", "APNS_VOIP", "APNS_VOIP_SANDBOX", "BAIDU", "FCM", "GCM", "MACOS", "MACOS_SANDBOX", "MPNS", "WNS"}

// secrets are attributes of applications that are not shown.
var secrets = []string{"PlatformCredential", "PlatformPrincipal", "ApplePlatformTeamID", "ApplePlatformBundleID"}

var applicationAttributes = append([]string{
	"Enabled", "EventEndpointCreated", "EventEndpointDeleted", "EventEndpointUpdated", "EventDeliveryFailure",
	"SuccessFeedbackRoleArn", "FailureFeedbackRoleArn", "SuccessFeedbackSampleRate",
}, secrets...)

// applicationARN reads the ARN of a platform application.
func applicationARN(text string) (aws.ARN, error) {
	arn, err := parseARN(text, "PlatformApplicationArn")
	if err == nil && strings.Count(arn.Resource, "/") != 2 {
		err = invalid("PlatformApplicationArn Reason: Wrong number of slashes in relative portion of the ARN.")
	}
	return arn, err
}

// endpointARN reads the ARN of a platform endpoint.
func endpointARN(text, parameter string) (aws.ARN, error) {
	arn, err := parseARN(text, parameter)
	if err == nil && strings.Count(arn.Resource, "/") != 3 {
		err = invalid("%s Reason: Wrong number of slashes in relative portion of the ARN.", parameter)
	}
	return arn, err
}

// set sets attributes of an application.
func (a *application) set(attributes map[string]string) error {
	for name, value := range attributes {
		if !slices.Contains(applicationAttributes, name) {
			return invalid("Attributes Reason: Invalid attribute name: %s", name)
		}
		a.Attributes[name] = value
	}
	return nil
}

// show returns the attributes that are no secrets.
func (a *application) show() map[string]string {
	out := maps.Clone(a.Attributes)
	for _, name := range secrets {
		delete(out, name)
	}
	return out
}

// CreatePlatformApplication makes an application.
func (s *Service) CreatePlatformApplication(ctx context.Context, call *aws.Call, in *api.CreatePlatformApplicationInput) (*api.CreatePlatformApplicationOutput, error) {
	switch {
	case in.Name == "":
		return nil, invalid("%s Reason: cannot be empty", in.Name)
	case len(in.Name) > 256:
		return nil, invalid("%s Reason: must be at most 256 characters long", in.Name)
	case !isName(strings.ReplaceAll(in.Name, ".", "")):
		return nil, invalid("%s Reason: must contain only characters 'a'-'z', 'A'-'Z', '0'-'9', '_', '-', and '.'", in.Name)
	case !slices.Contains(platforms, in.Platform):
		return nil, invalid("Platform Reason: %s is not supported", in.Platform)
	case in.Attributes["PlatformCredential"] == "":
		return nil, invalid("Attributes Reason: PlatformCredential attribute is required")
	case in.Attributes["PlatformPrincipal"] == "" && !slices.Contains([]string{"GCM", "FCM"}, in.Platform):
		return nil, invalid("Attributes Reason: PlatformCredential attribute provided without PlatformPrincipal")
	}
	arn := call.ARN("sns", "app/"+in.Platform+"/"+in.Name)
	a := application{Attributes: map[string]string{"Enabled": "true"}}
	if err := a.set(in.Attributes); err != nil {
		return nil, err
	}
	err := s.db.Update(ctx, func(tx *store.Tx) error { return applications.Put(tx, arn, a) })
	if err != nil {
		return nil, err
	}
	return &api.CreatePlatformApplicationOutput{PlatformApplicationArn: new(arn.String())}, nil
}

// findApplication returns an application.
func findApplication(tx *store.Tx, arn aws.ARN) (application, error) {
	a, err := applications.Get(tx, arn)
	if errors.Is(err, store.ErrNotFound) {
		return a, errNoApplication
	}
	return a, err
}

// DeletePlatformApplication deletes an application and its endpoints.
func (s *Service) DeletePlatformApplication(ctx context.Context, call *aws.Call, in *api.DeletePlatformApplicationInput) (*api.DeletePlatformApplicationOutput, error) {
	arn, err := applicationARN(in.PlatformApplicationArn)
	if err != nil {
		return nil, err
	}
	err = s.db.Update(ctx, func(tx *store.Tx) error {
		for key := range endpointsOf(tx, arn) {
			if err := endpoints.Delete(tx, key); err != nil {
				return err
			}
		}
		return applications.Delete(tx, arn)
	})
	if err != nil {
		return nil, err
	}
	return &api.DeletePlatformApplicationOutput{}, nil
}

// endpointsOf yields the endpoints of an application.
func endpointsOf(tx *store.Tx, arn aws.ARN) func(yield func(aws.ARN, endpoint) bool) {
	return func(yield func(aws.ARN, endpoint) bool) {
		all := arn
		all.Resource = ""
		for key, e := range endpoints.Scan(tx, all) {
			if e.Application == arn && !yield(key, e) {
				return
			}
		}
	}
}

// GetPlatformApplicationAttributes returns the attributes of an application.
func (s *Service) GetPlatformApplicationAttributes(ctx context.Context, call *aws.Call, in *api.GetPlatformApplicationAttributesInput) (*api.GetPlatformApplicationAttributesOutput, error) {
	arn, err := applicationARN(in.PlatformApplicationArn)
	if err != nil {
		return nil, err
	}
	out := &api.GetPlatformApplicationAttributesOutput{}
	err = s.db.View(ctx, func(tx *store.Tx) error {
		a, err := findApplication(tx, arn)
		out.Attributes = a.show()
		return err
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// SetPlatformApplicationAttributes sets attributes of an application.
func (s *Service) SetPlatformApplicationAttributes(ctx context.Context, call *aws.Call, in *api.SetPlatformApplicationAttributesInput) (*api.SetPlatformApplicationAttributesOutput, error) {
	arn, err := applicationARN(in.PlatformApplicationArn)
	if err != nil {
		return nil, err
	}
	err = s.db.Update(ctx, func(tx *store.Tx) error {
		a, err := findApplication(tx, arn)
		if err != nil {
			return err
		}
		if err := a.set(in.Attributes); err != nil {
			return err
		}
		return applications.Put(tx, arn, a)
	})
	if err != nil {
		return nil, err
	}
	return &api.SetPlatformApplicationAttributesOutput{}, nil
}

// ListPlatformApplications lists the applications of an account and region.
func (s *Service) ListPlatformApplications(ctx context.Context, call *aws.Call, in *api.ListPlatformApplicationsInput) (*api.ListPlatformApplicationsOutput, error) {
	out := &api.ListPlatformApplicationsOutput{PlatformApplications: []api.PlatformApplication{}}
	var err error
	out.NextToken, err = listed(in.NextToken, func(after string, add func(string, func()) bool) error {
		return s.db.View(ctx, func(tx *store.Tx) error {
			for arn, a := range applications.ScanAfter(tx, call.ARN("sns", ""), call.ARN("sns", after)) {
				show := func() {
					out.PlatformApplications = append(out.PlatformApplications, api.PlatformApplication{PlatformApplicationArn: new(arn.String()), Attributes: a.show()})
				}
				if !add(arn.Resource, show) {
					break
				}
			}
			return tx.Err()
		})
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// platformOf is the platform in the ARN of an endpoint.
func platformOf(arn aws.ARN) string {
	_, rest, _ := strings.Cut(arn.Resource, "/")
	platform, _, _ := strings.Cut(rest, "/")
	return platform
}

// set sets attributes of an endpoint.
func (e *endpoint) set(attributes map[string]string) error {
	for name, value := range attributes {
		switch {
		case name == "CustomUserData" && len(value) > 2048:
			return invalid("Attributes Reason: Invalid value for attribute: CustomUserData: must be at most 2048 bytes long in UTF-8 encoding")
		case name == "Enabled":
			value = strings.ToLower(value)
		case name != "CustomUserData" && name != "Token":
			return invalid("Attributes Reason: Invalid attribute name: %s", name)
		}
		e.Attributes[name] = value
	}
	return nil
}

// CreatePlatformEndpoint makes an endpoint for a device, unless there is one.
func (s *Service) CreatePlatformEndpoint(ctx context.Context, call *aws.Call, in *api.CreatePlatformEndpointInput) (*api.CreatePlatformEndpointOutput, error) {
	app, err := applicationARN(in.PlatformApplicationArn)
	if err != nil {
		return nil, err
	}
	made := endpoint{Application: app, Attributes: map[string]string{"Enabled": "true"}}
	if err := made.set(in.Attributes); err != nil {
		return nil, err
	}
	made.Attributes["Token"] = in.Token
	if in.CustomUserData != nil {
		if err := made.set(map[string]string{"CustomUserData": *in.CustomUserData}); err != nil {
			return nil, err
		}
	}
	arn := app
	arn.Resource = "endpoint/" + strings.TrimPrefix(app.Resource, "app/") + "/" + aws.NewRequestID()
	out := &api.CreatePlatformEndpointOutput{}
	err = s.db.Update(ctx, func(tx *store.Tx) error {
		out.EndpointArn = new(arn.String())
		if _, err := findApplication(tx, app); err != nil {
			return err
		}
		for key, e := range endpointsOf(tx, app) {
			if e.Attributes["Token"] != in.Token {
				continue
			}
			if !maps.Equal(e.Attributes, made.Attributes) {
				return invalid("Token Reason: Endpoint %s already exists with the same Token, but different attributes.", key)
			}
			out.EndpointArn = new(key.String())
			return nil
		}
		return endpoints.Put(tx, arn, made)
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// findEndpoint returns an endpoint.
func findEndpoint(tx *store.Tx, arn aws.ARN) (endpoint, error) {
	e, err := endpoints.Get(tx, arn)
	if errors.Is(err, store.ErrNotFound) {
		return e, errNoEndpoint
	}
	return e, err
}

// ListEndpointsByPlatformApplication lists the endpoints of an application.
func (s *Service) ListEndpointsByPlatformApplication(ctx context.Context, call *aws.Call, in *api.ListEndpointsByPlatformApplicationInput) (*api.ListEndpointsByPlatformApplicationOutput, error) {
	app, err := applicationARN(in.PlatformApplicationArn)
	if err != nil {
		return nil, err
	}
	out := &api.ListEndpointsByPlatformApplicationOutput{Endpoints: []api.Endpoint{}}
	out.NextToken, err = listed(in.NextToken, func(after string, add func(string, func()) bool) error {
		return s.db.View(ctx, func(tx *store.Tx) error {
			if _, err := findApplication(tx, app); err != nil {
				return err
			}
			for arn, e := range endpointsOf(tx, app) {
				if arn.Resource > after && !add(arn.Resource, func() {
					out.Endpoints = append(out.Endpoints, api.Endpoint{EndpointArn: new(arn.String()), Attributes: e.Attributes})
				}) {
					break
				}
			}
			return tx.Err()
		})
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// DeleteEndpoint deletes an endpoint.
func (s *Service) DeleteEndpoint(ctx context.Context, call *aws.Call, in *api.DeleteEndpointInput) (*api.DeleteEndpointOutput, error) {
	arn, err := endpointARN(in.EndpointArn, "EndpointArn")
	if err != nil {
		return nil, err
	}
	err = s.db.Update(ctx, func(tx *store.Tx) error { return endpoints.Delete(tx, arn) })
	if err != nil {
		return nil, err
	}
	return &api.DeleteEndpointOutput{}, nil
}

// GetEndpointAttributes returns the attributes of an endpoint.
func (s *Service) GetEndpointAttributes(ctx context.Context, call *aws.Call, in *api.GetEndpointAttributesInput) (*api.GetEndpointAttributesOutput, error) {
	arn, err := endpointARN(in.EndpointArn, "EndpointArn")
	if err != nil {
		return nil, err
	}
	out := &api.GetEndpointAttributesOutput{}
	err = s.db.View(ctx, func(tx *store.Tx) error {
		e, err := findEndpoint(tx, arn)
		out.Attributes = e.Attributes
		return err
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// SetEndpointAttributes sets attributes of an endpoint.
func (s *Service) SetEndpointAttributes(ctx context.Context, call *aws.Call, in *api.SetEndpointAttributesInput) (*api.SetEndpointAttributesOutput, error) {
	arn, err := endpointARN(in.EndpointArn, "EndpointArn")
	if err != nil {
		return nil, err
	}
	err = s.db.Update(ctx, func(tx *store.Tx) error {
		e, err := findEndpoint(tx, arn)
		if err != nil {
			return err
		}
		if err := e.set(in.Attributes); err != nil {
			return err
		}
		return endpoints.Put(tx, arn, e)
	})
	if err != nil {
		return nil, err
	}
	return &api.SetEndpointAttributesOutput{}, nil
}

// publishPush sends a message to one device.
func (s *Service) publishPush(ctx context.Context, arn aws.ARN, e *entry) (*api.PublishOutput, error) {
	if err := checkEntry(nil, e); err != nil {
		return nil, err
	}
	m := newMessage(arn, e)
	err := s.db.Update(ctx, func(tx *store.Tx) error {
		to, err := endpoints.Get(tx, arn)
		if errors.Is(err, store.ErrNotFound) {
			return invalid("TargetArn Reason: No endpoint found for the target arn specified")
		}
		if err != nil {
			return err
		}
		if to.Attributes["Enabled"] != "true" {
			return api.EndpointDisabledException.Errorf("Endpoint is disabled")
		}
		return s.router.Send(tx, event.Delivery{
			Source: arn, Target: arn, Body: []byte(m.text(platformOf(arn))),
			Params: map[string]string{event.Protocol: "application", event.To: to.Attributes["Token"], event.MessageID: m.id, event.Subject: aws.Value(e.Subject)},
		})
	})
	if err != nil {
		return nil, err
	}
	return &api.PublishOutput{MessageId: &m.id}, nil
}
