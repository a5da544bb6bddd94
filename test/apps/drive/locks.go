package drive

import (
	"cmp"
	"context"
	"encoding/base64"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/aloft-cloud/aloft/internal/api/apigateway"
	"github.com/aloft-cloud/aloft/internal/api/apigatewayv2"
	"github.com/aloft-cloud/aloft/internal/api/secretsmanager"
	"github.com/aloft-cloud/aloft/internal/auth/sigv4"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/client"
)

// A lock is what lets requests through to a route.
type lock struct {
	id           string // of the authorizer
	pool         string // whose tokens it takes
	function     string // that decides
	header, name string // that has the token: of a header, or of a query
	iam, key     bool
	open         bool // it may let in who has no token
}

// A credential is what a request has to get through.
type credential struct{ header, query, value string }

// restLocks are the authorizers of a REST API, by their ids.
func (d *driver) restLocks(ctx context.Context, api string) map[string]lock {
	locks := make(map[string]lock)
	out, err := client.Do(ctx, d.Client, apigateway.GetAuthorizers, &apigateway.GetAuthorizersInput{RestApiId: api})
	if err != nil {
		return locks
	}
	for _, a := range out.Items {
		l := lock{id: api + aws.Value(a.Id), function: functionOf(aws.Value(a.AuthorizerUri))}
		l.from([]string{aws.Value(a.IdentitySource)})
		for _, arn := range a.ProviderARNs {
			l.pool = arn[strings.LastIndexByte(arn, '/')+1:]
		}
		locks[aws.Value(a.Id)] = l
	}
	return locks
}

// httpLocks are the authorizers of an HTTP or WebSocket API, by their ids.
func (d *driver) httpLocks(ctx context.Context, api string) map[string]lock {
	locks := make(map[string]lock)
	out, err := client.Do(ctx, d.Client, apigatewayv2.GetAuthorizers, &apigatewayv2.GetAuthorizersInput{ApiId: api})
	if err != nil {
		return locks
	}
	for _, a := range out.Items {
		l := lock{id: api + aws.Value(a.AuthorizerId), function: functionOf(aws.Value(a.AuthorizerUri))}
		l.from(a.IdentitySource)
		if a.JwtConfiguration != nil {
			issuer := aws.Value(a.JwtConfiguration.Issuer)
			l.pool = issuer[strings.LastIndexByte(issuer, '/')+1:]
		}
		locks[aws.Value(a.AuthorizerId)] = l
	}
	return locks
}

// from notes where a lock looks for a token.
func (l *lock) from(sources []string) {
	for _, source := range strings.Split(strings.Join(sources, ","), ",") {
		source = strings.TrimSpace(source)
		name := source[strings.LastIndexByte(source, '.')+1:]
		switch {
		case strings.Contains(source, "header."):
			l.header = name
		case strings.Contains(source, "querystring."):
			l.name = name
		}
	}
	if l.header == "" && l.name == "" {
		l.header = "Authorization"
	}
}

var literals = regexp.MustCompile(`(?:={2,3}|!==?|case|in \[?)\s*['"]([^'"\s]{3,60})['"]`)

// constants are what authorizers want to see, by a name that says so.
var constants = regexp.MustCompile(`\b\w*(?i:secret|token|password|api_?key)\w*\s*=\s*['"]([^'"\s]{3,60})['"]`)

// passwords are users with their passwords, as examples have them.
var passwords = regexp.MustCompile(`['"]?(\w*(?i:user|admin)\w*)['"]?\s*:\s*['"]([^'"\s]*(?i:pass|secret|pwd)[^'"\s]*)['"]`)

// keysOf are the credentials that a route may take.
func (d *driver) keysOf(ctx context.Context, r *route) []credential {
	l := &r.lock
	if l.id == "" {
		return []credential{{}}
	}
	with := func(value string) credential {
		if l.header != "" {
			return credential{header: l.header, value: value}
		}
		return credential{query: l.name, value: value}
	}
	if known, ok := d.values["lock "+l.id].(credential); ok {
		return []credential{known}
	}
	var list []credential
	if l.open {
		list = append(list, credential{})
	}
	pools := []string{l.pool}
	if l.pool == "" {
		pools = nil
		for _, p := range d.all("AWS::Cognito::UserPool") {
			pools = append(pools, p.id)
		}
	}
	for _, pool := range pools {
		for _, token := range d.machineTokens(ctx, pool) {
			list = append(list, with(token), with("Bearer "+token))
		}
		token, err := d.token(ctx, pool)
		if err != nil {
			d.want(err.Error())
			d.values["lock error"] = brief(err.Error())
			continue
		}
		list = append(list, with(token), with("Bearer "+token))
		if access, ok := d.values["access "+pool].(string); ok {
			list = append(list, with(access), with("Bearer "+access))
		}
	}
	if l.function != "" {
		source := d.source(ctx, l.function)
		tokens := []string{"allow", "Bearer allow"}
		for _, m := range literals.FindAllStringSubmatch(source, 12) {
			tokens = append(tokens, m[1], "Bearer "+m[1])
		}
		for _, m := range constants.FindAllStringSubmatch(source, 4) {
			tokens = append(tokens, m[1], "Bearer "+m[1])
		}
		for _, m := range passwords.FindAllStringSubmatch(source, 4) {
			tokens = append(tokens, "Basic "+base64.StdEncoding.EncodeToString([]byte(m[1]+":"+m[2])))
		}
		tokens = append(tokens, d.secrets(ctx)...)
		slices.SortStableFunc(tokens, func(a, b string) int { return cmp.Compare(len(b)/30, len(a)/30) }) // secrets are long
		for _, token := range tokens[:min(len(tokens), 14)] {
			list = append(list, with(token))
		}
	}
	if len(list) == 0 {
		list = append(list, with("allow"))
	}
	return list
}

// secrets are the values of the application's secrets.
func (d *driver) secrets(ctx context.Context) []string {
	var list []string
	var user, word string
	for _, p := range d.all("AWS::SecretsManager::Secret") {
		out, err := client.Do(ctx, d.Client, secretsmanager.GetSecretValue, &secretsmanager.GetSecretValueInput{SecretId: p.id})
		if err != nil {
			continue
		}
		list = append(list, aws.Value(out.SecretString))
		values, _ := parsed(aws.Value(out.SecretString)).(map[string]any)
		for name, value := range values {
			switch name = strings.ToLower(name); {
			case strings.Contains(name, "user"):
				user = textOf(value)
			case strings.Contains(name, "pass"):
				word = textOf(value)
			}
		}
	}
	if user != "" && word != "" {
		list = append(list, "Basic "+base64.StdEncoding.EncodeToString([]byte(user+":"+word)))
	}
	return list
}

// good keeps the credential that a lock took.
func (d *driver) good(r *route, key credential) {
	if r.lock.id != "" {
		d.values["lock "+r.lock.id] = key
	}
}

// unlock puts into a request what lets it through.
func (d *driver) unlock(out *http.Request, r *route, key credential, body string) {
	if key.header != "" {
		out.Header.Set(key.header, key.value)
	}
	if r.lock.key {
		if value := d.apiKey(out.Context()); value != "" {
			out.Header.Set("X-Api-Key", value)
		}
	}
	if r.lock.iam {
		if slices.Contains([]string{"GET", "HEAD", "DELETE"}, r.method) {
			body = ""
		}
		sigv4.Sign(out, sigv4.Credentials{AccessKey: d.Account, Secret: "secret"}, d.Client.Region(), r.service, time.Now(), []byte(body))
	}
}

// apiKey is the value of a key of the application.
func (d *driver) apiKey(ctx context.Context) string {
	if known, ok := d.values["api key"].(string); ok {
		return known
	}
	out, err := client.Do(ctx, d.Client, apigateway.GetApiKeys, &apigateway.GetApiKeysInput{IncludeValues: new(true)})
	if err != nil {
		return ""
	}
	ours := d.all("AWS::ApiGateway::ApiKey")
	for _, k := range out.Items {
		if slices.ContainsFunc(ours, func(p part) bool { return p.id == aws.Value(k.Id) }) || len(ours) == 0 {
			d.values["api key"] = aws.Value(k.Value)
			return aws.Value(k.Value)
		}
	}
	return ""
}
