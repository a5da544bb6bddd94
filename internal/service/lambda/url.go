package lambda

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"net"
	"net/netip"
	"net/url"
	"strings"
	"time"

	api "github.com/aloft-cloud/aloft/internal/api/lambda"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/store"
)

const (
	urlSuffix     = "lambda-url" // of the hosts of function URLs
	urlTimeFormat = "2006-01-02T15:04:05.000000000Z"
)

// host is the host that clients are to use for what is below it, with its
// port: the one that call came for, or the operator's.
func (s *Service) host(call *aws.Call) (scheme, host string) {
	scheme, host = "http", call.Host
	if call.Secure {
		scheme = "https"
	}
	if u, err := url.Parse(s.endpoint); host == "" && err == nil && u.Host != "" {
		scheme, host = u.Scheme, u.Host
	}
	name, port, err := net.SplitHostPort(host)
	if err != nil {
		name, port = host, ""
	}
	if _, err := netip.ParseAddr(name); name == "" || err == nil {
		name = "localhost" // an address has no names below it
	}
	if port != "" {
		name = net.JoinHostPort(name, port)
	}
	return scheme, name
}

// urlKey names the URL of that id, which says nothing of account and region.
func urlKey(id string) aws.ARN { return aws.ARN{Service: "lambda", Resource: "url:" + id} }

// url is the text of a function's URL.
func (s *Service) url(call *aws.Call, fn aws.ARN, id string) string {
	scheme, host := s.host(call)
	return scheme + "://" + id + "." + urlSuffix + "." + fn.Region + "." + host + "/"
}

// CreateFunctionUrlConfig gives a function, or an alias of it, a URL.
func (s *Service) CreateFunctionUrlConfig(ctx context.Context, call *aws.Call, in *api.CreateFunctionUrlConfigInput) (*api.CreateFunctionUrlConfigOutput, error) {
	r, err := parseName(call, in.FunctionName, in.Qualifier)
	if err != nil {
		return nil, err
	}
	key := aliasKey{r.function, r.qualifier}
	now := time.Now()
	row := urlConfig{ID: strings.ToLower(rand.Text()) + "aloft", Auth: in.AuthType, Mode: aws.Value(in.InvokeMode), Cors: in.Cors, Created: now, Modified: now}
	err = s.db.Update(ctx, func(tx *store.Tx) error {
		if _, err := findQualified(tx, r); errors.Is(err, api.ResourceNotFoundException) {
			return notFound("Function does not exist")
		} else if err != nil {
			return err
		}
		if exists, err := urls.Has(tx, key); err != nil {
			return err
		} else if exists {
			return conflict("Failed to create function url config for [functionArn = %s]. Error message:  FunctionUrlConfig exists for this Lambda function", r.arn())
		}
		return errors.Join(urls.Put(tx, key, row), urlOwners.Put(tx, urlKey(row.ID), key))
	})
	if err != nil {
		return nil, err
	}
	out := s.describeURL(call, key, &row)
	return &api.CreateFunctionUrlConfigOutput{
		FunctionUrl: out.FunctionUrl, FunctionArn: out.FunctionArn, AuthType: out.AuthType, Cors: out.Cors, CreationTime: out.CreationTime, InvokeMode: in.InvokeMode,
	}, nil
}

// describeURL is a function's URL as answers show it.
func (s *Service) describeURL(call *aws.Call, key aliasKey, row *urlConfig) *api.GetFunctionUrlConfigOutput {
	return &api.GetFunctionUrlConfigOutput{
		FunctionUrl:      s.url(call, key.Function, row.ID),
		FunctionArn:      ref{key.Function, key.Name}.arn().String(),
		AuthType:         row.Auth,
		Cors:             row.Cors,
		CreationTime:     row.Created.UTC().Format(urlTimeFormat),
		LastModifiedTime: row.Modified.UTC().Format(urlTimeFormat),
		InvokeMode:       new(orElse(row.Mode, api.InvokeModeBuffered)),
	}
}

// findURL returns the URL of a function or an alias, or a refusal if it has none.
func findURL(tx *store.Tx, key aliasKey) (urlConfig, error) {
	row, err := urls.Get(tx, key)
	if errors.Is(err, store.ErrNotFound) {
		err = errNoResource()
	}
	return row, err
}

// GetFunctionUrlConfig tells the URL of a function or an alias.
func (s *Service) GetFunctionUrlConfig(ctx context.Context, call *aws.Call, in *api.GetFunctionUrlConfigInput) (*api.GetFunctionUrlConfigOutput, error) {
	r, err := parseName(call, in.FunctionName, in.Qualifier)
	if err != nil {
		return nil, err
	}
	key := aliasKey{r.function, r.qualifier}
	var row urlConfig
	err = s.db.View(ctx, func(tx *store.Tx) error {
		row, err = findURL(tx, key)
		return err
	})
	if err != nil {
		return nil, err
	}
	return s.describeURL(call, key, &row), nil
}

// UpdateFunctionUrlConfig changes who may use the URL of a function or an alias.
func (s *Service) UpdateFunctionUrlConfig(ctx context.Context, call *aws.Call, in *api.UpdateFunctionUrlConfigInput) (*api.UpdateFunctionUrlConfigOutput, error) {
	r, err := parseName(call, in.FunctionName, in.Qualifier)
	if err != nil {
		return nil, err
	}
	key := aliasKey{r.function, r.qualifier}
	var row urlConfig
	err = s.db.Update(ctx, func(tx *store.Tx) error {
		if row, err = findURL(tx, key); err != nil {
			return err
		}
		set(&row.Auth, in.AuthType)
		set(&row.Mode, in.InvokeMode)
		if in.Cors != nil {
			row.Cors = in.Cors
		}
		row.Modified = time.Now()
		return urls.Put(tx, key, row)
	})
	if err != nil {
		return nil, err
	}
	return (*api.UpdateFunctionUrlConfigOutput)(s.describeURL(call, key, &row)), nil
}

// DeleteFunctionUrlConfig takes the URL of a function or an alias away.
func (s *Service) DeleteFunctionUrlConfig(ctx context.Context, call *aws.Call, in *api.DeleteFunctionUrlConfigInput) (*api.DeleteFunctionUrlConfigOutput, error) {
	r, err := parseName(call, in.FunctionName, in.Qualifier)
	if err != nil {
		return nil, err
	}
	key := aliasKey{r.function, r.qualifier}
	err = s.db.Update(ctx, func(tx *store.Tx) error {
		row, err := findURL(tx, key)
		if err != nil {
			return err
		}
		return errors.Join(urls.Delete(tx, key), urlOwners.Delete(tx, urlKey(row.ID)))
	})
	if err != nil {
		return nil, err
	}
	return &api.DeleteFunctionUrlConfigOutput{}, nil
}

// ListFunctionUrlConfigs lists the URLs of a function and its aliases.
func (s *Service) ListFunctionUrlConfigs(ctx context.Context, call *aws.Call, in *api.ListFunctionUrlConfigsInput) (*api.ListFunctionUrlConfigsOutput, error) {
	fn, err := parseFunction(call, in.FunctionName)
	if err != nil {
		return nil, err
	}
	p, err := newPager(in.Marker, in.MaxItems)
	if err != nil {
		return nil, err
	}
	list := []api.FunctionUrlConfig{}
	err = s.db.View(ctx, func(tx *store.Tx) error {
		if exists, err := functions.Has(tx, fn); err != nil || !exists {
			return cmp.Or(err, notFound("Function does not exist"))
		}
		for key, row := range urls.Scan(tx, aliasKey{Function: fn}) {
			if p.takes(" " + key.Name) {
				u := s.describeURL(call, key, &row)
				list = append(list, api.FunctionUrlConfig{
					FunctionUrl: u.FunctionUrl, FunctionArn: u.FunctionArn, CreationTime: u.CreationTime, LastModifiedTime: u.LastModifiedTime,
					Cors: u.Cors, AuthType: u.AuthType, InvokeMode: u.InvokeMode,
				})
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &api.ListFunctionUrlConfigsOutput{FunctionUrlConfigs: list, NextMarker: p.next()}, nil
}

// deleteURLs takes all URLs of a function away.
func deleteURLs(tx *store.Tx, fn aws.ARN) error {
	for _, row := range urls.Scan(tx, aliasKey{Function: fn}) {
		if err := urlOwners.Delete(tx, urlKey(row.ID)); err != nil {
			return err
		}
	}
	return urls.DeletePrefix(tx, aliasKey{Function: fn})
}
