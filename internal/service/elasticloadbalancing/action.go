package elasticloadbalancing

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strconv"
	"strings"

	idp "github.com/aloft-cloud/aloft/internal/api/cognito-idp"
	api "github.com/aloft-cloud/aloft/internal/api/elasticloadbalancing"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/dispatch"
	"github.com/aloft-cloud/aloft/internal/store"
)

const (
	maxForwards = 5   // target groups of an action
	maxWeight   = 999 // of one of them
	weekSeconds = 604800
)

// prepare returns actions as they are kept and shown, and the secret of the
// client by which they sign in, sealed. was is the one that there is.
func (s *Service) prepare(ctx context.Context, call *aws.Call, in []api.Action, was []byte) ([]api.Action, []byte, error) {
	out := slices.Clone(in)
	slices.SortStableFunc(out, func(a, b api.Action) int { return cmp.Compare(aws.Value(a.Order), aws.Value(b.Order)) })
	var sealed []byte
	for i := range out {
		a := &out[i]
		if len(out) > 1 && a.Order == nil {
			return nil, nil, bad("The action order must be specified for each action when there is more than one action")
		}
		if a.Order == nil && a.Type != api.ActionTypeEnumForward {
			a.Order = new(int32(1))
		}
		switch a.Type {
		case api.ActionTypeEnumForward:
			if err := completeForward(a); err != nil {
				return nil, nil, err
			}
		case api.ActionTypeEnumRedirect:
			if a.RedirectConfig == nil {
				return nil, nil, bad("A redirect configuration must be specified")
			}
			a.RedirectConfig = completeRedirect(*a.RedirectConfig)
		case api.ActionTypeEnumFixedResponse:
			if err := checkFixed(a.FixedResponseConfig); err != nil {
				return nil, nil, err
			}
		case api.ActionTypeEnumJwtValidation:
			return nil, nil, notYet("actions of type jwt-validation")
		default:
			var err error
			if sealed, err = s.prepareLogin(ctx, call, a, was); err != nil {
				return nil, nil, err
			}
		}
	}
	return out, sealed, nil
}

// completeForward has the groups of an action in both places where answers show them.
func completeForward(a *api.Action) error {
	f := api.ForwardActionConfig{}
	if a.ForwardConfig != nil {
		f = *a.ForwardConfig
	}
	if f.TargetGroups == nil && a.TargetGroupArn != nil {
		f.TargetGroups = []api.TargetGroupTuple{{TargetGroupArn: a.TargetGroupArn, Weight: new(int32(1))}}
	}
	switch n := len(f.TargetGroups); {
	case n == 0:
		return bad("A target group ARN must be specified")
	case n > maxForwards:
		return bad("A forward action can have at most %d target groups", maxForwards)
	}
	f.TargetGroups = slices.Clone(f.TargetGroups)
	for i := range f.TargetGroups {
		t := &f.TargetGroups[i]
		if t.Weight == nil {
			t.Weight = new(int32(1))
		}
		if *t.Weight < 0 || *t.Weight > maxWeight {
			return bad("Target group weight '%d' must be between 0 and %d", *t.Weight, maxWeight)
		}
	}
	a.TargetGroupArn = nil
	if len(f.TargetGroups) == 1 {
		a.TargetGroupArn = f.TargetGroups[0].TargetGroupArn
	}
	sticky := api.TargetGroupStickinessConfig{Enabled: new(false)}
	if f.TargetGroupStickinessConfig != nil {
		sticky = *f.TargetGroupStickinessConfig
		if n := aws.Value(sticky.DurationSeconds); aws.Value(sticky.Enabled) && (n < 1 || n > weekSeconds) {
			return bad("Target group stickiness duration must be between 1 and %d seconds", weekSeconds)
		}
	}
	f.TargetGroupStickinessConfig = &sticky
	a.ForwardConfig = &f
	return nil
}

// completeRedirect is c with what it leaves out: the request's own.
func completeRedirect(c api.RedirectActionConfig) *api.RedirectActionConfig {
	for at, usual := range map[**string]string{&c.Protocol: "#{protocol}", &c.Port: "#{port}", &c.Host: "#{host}", &c.Path: "/#{path}", &c.Query: "#{query}"} {
		if *at == nil {
			*at = &usual
		}
	}
	return &c
}

var fixedTypes = []string{"text/plain", "text/css", "text/html", "application/javascript", "application/json"}

func checkFixed(c *api.FixedResponseActionConfig) error {
	switch {
	case c == nil:
		return bad("A fixed-response configuration must be specified")
	case c.ContentType != nil && !slices.Contains(fixedTypes, *c.ContentType):
		return bad("The content type '%s' must be one of '[%s]'", *c.ContentType, strings.Join(fixedTypes, ", "))
	}
	return nil
}

// prepareLogin completes an action that finds out who a browser is, and returns
// the secret of its client, sealed.
func (s *Service) prepareLogin(ctx context.Context, call *aws.Call, a *api.Action, was []byte) ([]byte, error) {
	var secret string
	switch {
	case a.Type == api.ActionTypeEnumAuthenticateCognito && a.AuthenticateCognitoConfig != nil:
		c := *a.AuthenticateCognitoConfig
		a.AuthenticateCognitoConfig = &c
		usualLogin(&c.SessionCookieName, &c.Scope, &c.SessionTimeout, &c.OnUnauthenticatedRequest)
		var err error
		if secret, err = s.poolSecret(ctx, call, &c); err != nil {
			return nil, err
		}
	case a.Type == api.ActionTypeEnumAuthenticateOidc && a.AuthenticateOidcConfig != nil:
		c := *a.AuthenticateOidcConfig
		a.AuthenticateOidcConfig = &c
		usualLogin(&c.SessionCookieName, &c.Scope, &c.SessionTimeout, &c.OnUnauthenticatedRequest)
		for _, at := range []string{c.AuthorizationEndpoint, c.TokenEndpoint, c.UserInfoEndpoint} {
			if !strings.HasPrefix(at, "https://") && !(s.cfg.Local && strings.HasPrefix(at, "http://")) {
				return nil, bad("The endpoint '%s' must be an HTTPS URL", at)
			}
		}
		if secret = aws.Value(c.ClientSecret); secret == "" {
			if !aws.Value(c.UseExistingClientSecret) || was == nil {
				return nil, bad("A client secret must be specified")
			}
			return was, nil
		}
		c.ClientSecret, c.UseExistingClientSecret = nil, nil
	default:
		return nil, bad("A configuration must be specified for actions of type '%s'", a.Type)
	}
	return s.key.Seal(nil, nil, []byte(secret), []byte("client")), nil
}

// usualLogin sets what an action leaves out.
func usualLogin(cookie, scope **string, timeout **int64, otherwise **string) {
	*cookie, *scope, *timeout, *otherwise = new(aws.Or(*cookie, "AWSELBAuthSessionCookie")), new(aws.Or(*scope, "openid")), new(aws.Or(*timeout, weekSeconds)), new(aws.Or(*otherwise, "authenticate"))
}

// poolSecret is the secret of a client of a user pool, which the caller must be
// allowed to know.
func (s *Service) poolSecret(ctx context.Context, call *aws.Call, c *api.AuthenticateCognitoActionConfig) (string, error) {
	arn, err := aws.ParseARN(c.UserPoolArn)
	if err != nil || arn.Service != "cognito-idp" {
		return "", bad("The user pool ARN '%s' is not valid", c.UserPoolArn)
	}
	asked := *call
	asked.Region = arn.Region
	out, err := dispatch.CallChecked(ctx, s.cfg.Table, &asked, idp.DescribeUserPoolClient, &idp.DescribeUserPoolClientInput{
		UserPoolId: strings.TrimPrefix(arn.Resource, "userpool/"), ClientId: c.UserPoolClientId,
	})
	switch {
	case errors.Is(err, aws.AccessDenied):
		return "", api.InvalidLoadBalancerActionException.Errorf("User is not authorized to perform 'describeUserPoolClient'")
	case err != nil:
		return "", api.InvalidLoadBalancerActionException.Errorf("The user pool client '%s' cannot be described: %s", c.UserPoolClientId, aws.Refusal(err).Message)
	case aws.Value(out.UserPoolClient.ClientSecret) == "":
		return "", api.InvalidLoadBalancerActionException.Errorf("The user pool client must have a client secret")
	}
	return *out.UserPoolClient.ClientSecret, nil
}

// secretOf is the sealed secret of a rule, or of a listener's last one.
func (s *Service) secretOf(ctx context.Context, call *aws.Call, text string) (secret []byte, err error) {
	err = s.db.View(ctx, func(tx *store.Tx) error {
		if arn, err := aws.ParseARN(text); err == nil && strings.HasPrefix(arn.Resource, rules.prefix) {
			_, r, err := rules.find(tx, call, text)
			secret = r.Secret
			return err
		}
		_, l, err := listeners.find(tx, call, text)
		if err != nil {
			return err
		}
		r, err := rules.Get(tx, l.Default)
		secret = r.Secret
		return err
	})
	return secret, err
}

// checkActions refuses actions that a listener of b cannot have.
func checkActions(tx *store.Tx, call *aws.Call, b *balancer, protocol string, all []api.Action) error {
	if len(all) == 0 {
		return bad("An action must be specified")
	}
	for i := range all {
		a := &all[i]
		login := a.Type == api.ActionTypeEnumAuthenticateCognito || a.Type == api.ActionTypeEnumAuthenticateOidc
		switch last := i == len(all)-1; {
		case b.network() && a.Type != api.ActionTypeEnumForward:
			return api.InvalidLoadBalancerActionException.Errorf("Action type '%s' is not supported for network load balancers", a.Type)
		case last == login:
			return api.InvalidLoadBalancerActionException.Errorf("The last action must be one of 'forward', 'redirect' or 'fixed-response', and no other")
		case login && i > 0:
			return api.TooManyActionsException.Errorf("Only one authentication action can be specified")
		case login && protocol != api.ProtocolEnumHttps:
			return api.InvalidLoadBalancerActionException.Errorf("Actions of type '%s' are supported only on HTTPS listeners", a.Type)
		case a.Type == api.ActionTypeEnumForward:
			if err := checkForward(tx, call, b, a.ForwardConfig); err != nil {
				return err
			}
		}
	}
	return nil
}

// checkForward refuses target groups that are not there, or for others.
func checkForward(tx *store.Tx, call *aws.Call, b *balancer, f *api.ForwardActionConfig) error {
	for _, t := range f.TargetGroups {
		text := aws.Value(t.TargetGroupArn)
		arn, g, err := groups.find(tx, call, text)
		if errors.Is(err, api.TargetGroupNotFoundException) {
			return api.TargetGroupNotFoundException.Errorf("Target group '%s' not found", text)
		}
		if err != nil {
			return err
		}
		if b.network() != isTCP(aws.Value(g.Protocol)) {
			return api.IncompatibleProtocolsException.Errorf("The target group protocol '%s' is not supported by load balancers of type '%s'", aws.Value(g.Protocol), *b.Type)
		}
		users, err := usersOf(tx, arn)
		if err != nil {
			return err
		}
		if len(users) > 0 && !slices.Contains(users, *b.LoadBalancerArn) {
			return api.TargetGroupAssociationLimitException.Errorf("The following target groups cannot be associated with more than one load balancer: %s", text)
		}
	}
	return nil
}

func isTCP(protocol string) bool {
	return protocol == api.ProtocolEnumTcp || protocol == api.ProtocolEnumTls
}

// usersOf returns the ARNs of the load balancers that lead to a target group.
func usersOf(tx *store.Tx, arn aws.ARN) ([]string, error) {
	var out []string
	for at, r := range rules.of(tx, arn) {
		if of := balancers.above(listeners.above(at)).String(); leadsTo(&r, arn.String()) && !slices.Contains(out, of) {
			out = append(out, of)
		}
	}
	return out, tx.Err()
}

func leadsTo(r *rule, group string) bool {
	return slices.ContainsFunc(r.Actions, func(a api.Action) bool {
		return a.ForwardConfig != nil && slices.ContainsFunc(a.ForwardConfig.TargetGroups, func(t api.TargetGroupTuple) bool { return aws.Value(t.TargetGroupArn) == group })
	})
}

func itoa(n int32) string { return strconv.Itoa(int(n)) }
