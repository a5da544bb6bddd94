package apigateway

import (
	"context"
	"errors"
	"slices"

	api "github.com/aloft-cloud/aloft/internal/api/apigateway"
	"github.com/aloft-cloud/aloft/internal/auth/policy"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/store"
)

// maxCompression is the largest size from which answers are compressed.
const maxCompression = 10 << 20

// CreateRestApi makes an API with a root resource, or a copy of one.
func (s *Service) CreateRestApi(ctx context.Context, call *aws.Call, in *api.CreateRestApiInput) (*api.RestApi, error) {
	row := newAPI(in.Name)
	row.Description, row.Version, row.BinaryMediaTypes, row.Tags = in.Description, in.Version, in.BinaryMediaTypes, in.Tags
	row.MinimumCompressionSize, row.Policy = in.MinimumCompressionSize, in.Policy
	row.SecurityPolicy, row.EndpointAccessMode = in.SecurityPolicy, in.EndpointAccessMode
	row.DisableExecuteApiEndpoint = new(aws.Value(in.DisableExecuteApiEndpoint))
	if in.ApiKeySource != nil {
		row.ApiKeySource = in.ApiKeySource
	}
	if in.EndpointConfiguration != nil {
		row.EndpointConfiguration = in.EndpointConfiguration
		if row.EndpointConfiguration.IpAddressType == nil {
			row.EndpointConfiguration.IpAddressType = usualAddresses(in.EndpointConfiguration.Types)
		}
	}
	if in.Description != nil && *in.Description == "" {
		return nil, errBad("Description cannot be an empty string")
	}
	if err := s.checkAPI(row); err != nil {
		return nil, err
	}
	err := s.db.Update(ctx, func(tx *store.Tx) error {
		if in.CloneFrom != nil {
			return s.clone(tx, call, *in.CloneFrom, row)
		}
		return addAPI(tx, call, row)
	})
	if err != nil {
		return nil, err
	}
	return visible(*row), nil
}

// newAPI returns an API as one is that says nothing but its name.
func newAPI(name string) *api.RestApi {
	return &api.RestApi{
		Id: new(newID(10)), Name: &name, CreatedDate: now(), ApiKeySource: new("HEADER"), DisableExecuteApiEndpoint: new(false),
		EndpointConfiguration: &api.EndpointConfiguration{Types: []string{"EDGE"}, IpAddressType: new("ipv4")}, RootResourceId: new(newID(10)),
	}
}

func usualAddresses(types []string) *string {
	if slices.Contains(types, "PRIVATE") {
		return new("dualstack")
	}
	return new("ipv4")
}

// visible is an API as it is shown.
func visible(row api.RestApi) *api.RestApi {
	if len(row.BinaryMediaTypes) == 0 {
		row.BinaryMediaTypes = nil
	}
	return &row
}

func (s *Service) checkAPI(row *api.RestApi) error {
	if size := row.MinimumCompressionSize; size != nil && (*size < 0 || *size > maxCompression) {
		return errBad("Invalid minimum compression size, must be between 0 and 10485760")
	}
	switch types := row.EndpointConfiguration.Types; {
	case aws.Value(row.Name) == "":
		return errBad("Name cannot be an empty string")
	case len(types) == 0:
		return errBad("REGIONAL Configuration and EDGE Configuration cannot be both DISABLED.")
	case len(types) > 1:
		return errBad("Cannot create an api with multiple Endpoint Types.")
	case isPrivate(row) && !s.cfg.Local:
		// Whoever reached the platform could say that it came by an endpoint.
		return errNotYet("private APIs, whose callers a network would have to vouch for,")
	}
	if row.Policy != nil && *row.Policy != "" {
		if _, err := policy.Parse(*row.Policy); err != nil {
			return errBad("Invalid policy document. Please check the policy syntax and ensure that Principals are valid.")
		}
	}
	return nil
}

// isPrivate reports whether an API is for callers in networks alone.
func isPrivate(row *api.RestApi) bool {
	return row.EndpointConfiguration != nil && slices.Contains(row.EndpointConfiguration.Types, "PRIVATE")
}

// addAPI keeps a new API and its root.
func addAPI(tx *store.Tx, call *aws.Call, row *api.RestApi) error {
	arn := apiARN(call, *row.Id)
	if err := homes.Put(tx, homeARN(*row.Id), home{call.Account, call.Region}); err != nil {
		return err
	}
	if err := resources.Put(tx, partKey{arn, *row.RootResourceId}, api.Resource{Id: row.RootResourceId, Path: new("/")}); err != nil {
		return err
	}
	for _, m := range usualModels() {
		if err := models.Put(tx, partKey{arn, *m.Name}, m); err != nil {
			return err
		}
	}
	return apis.Put(tx, arn, *row)
}

// GetRestApi returns an API.
func (s *Service) GetRestApi(ctx context.Context, call *aws.Call, in *api.GetRestApiInput) (*api.RestApi, error) {
	var row api.RestApi
	err := s.db.View(ctx, func(tx *store.Tx) (err error) {
		_, row, err = findAPI(tx, call, in.RestApiId)
		return err
	})
	if err != nil {
		return nil, err
	}
	return visible(row), nil
}

// GetRestApis lists the APIs of an account in a region.
func (s *Service) GetRestApis(ctx context.Context, call *aws.Call, in *api.GetRestApisInput) (*api.GetRestApisOutput, error) {
	out := new(api.GetRestApisOutput)
	err := s.db.View(ctx, func(tx *store.Tx) (err error) {
		out.Items, out.Position, err = listOf(tx, apis, call, "/restapis/", in.Limit, in.Position)
		return err
	})
	if err != nil {
		return nil, err
	}
	for i := range out.Items {
		out.Items[i] = *visible(out.Items[i])
	}
	return out, nil
}

// UpdateRestApi changes an API. What is deployed stays as it is.
func (s *Service) UpdateRestApi(ctx context.Context, call *aws.Call, in *api.UpdateRestApiInput) (*api.RestApi, error) {
	var row api.RestApi
	err := s.db.Update(ctx, func(tx *store.Tx) error {
		arn, found, err := findAPI(tx, call, in.RestApiId)
		if err != nil {
			return err
		}
		row = found
		if err := apply(in.PatchOperations, func(c *change) error { return patchAPI(&row, c) }); err != nil {
			return err
		}
		if err := s.checkAPI(&row); err != nil {
			return err
		}
		return apis.Put(tx, arn, row)
	})
	if err != nil {
		return nil, err
	}
	if row.Tags == nil {
		row.Tags = make(map[string]string) // that is how AWS answers this
	}
	return visible(row), nil
}

func patchAPI(row *api.RestApi, c *change) error {
	switch c.at(0) {
	case "binaryMediaTypes":
		if len(c.parts) != 2 {
			return c.errPath()
		}
		if c.op == opReplace {
			row.BinaryMediaTypes = element(row.BinaryMediaTypes, &change{op: opRemove}, c.parts[1])
			row.BinaryMediaTypes = element(row.BinaryMediaTypes, c, c.value)
			return nil
		}
		row.BinaryMediaTypes = element(row.BinaryMediaTypes, c, c.parts[1])
		return nil
	case "endpointConfiguration":
		return patchEndpoint(row.EndpointConfiguration, c)
	}
	if c.op != opReplace {
		return errBad("Invalid patch operation specified. Must be one of: [replace]")
	}
	var err error
	switch c.path {
	case "/name":
		row.Name = &c.value
	case "/description":
		row.Description = c.text()
	case "/version":
		row.Version = c.text()
	case "/policy":
		row.Policy = c.text()
	case "/apiKeySource":
		if c.value != "HEADER" && c.value != "AUTHORIZER" {
			return errBad("Invalid apiKeySource specified. Must be one of: [HEADER, AUTHORIZER]")
		}
		row.ApiKeySource = &c.value
	case "/disableExecuteApiEndpoint":
		row.DisableExecuteApiEndpoint = c.truth()
	case "/securityPolicy":
		row.SecurityPolicy = c.text()
	case "/endpointAccessMode":
		row.EndpointAccessMode = c.text()
	case "/minimumCompressionSize":
		if row.MinimumCompressionSize = nil; c.given && c.value != "" {
			if row.MinimumCompressionSize, err = c.int32(); err != nil {
				return errBad("Invalid minimum compression size, must be between 0 and 10485760")
			}
		}
	default:
		return errBad("Invalid patch path  '%s' specified for op 'replace'. Must be one of: [/description, /name, /version, /policy, /apiKeySource, "+
			"/disableExecuteApiEndpoint, /minimumCompressionSize, /binaryMediaTypes, /endpointConfiguration/types, /endpointConfiguration/vpcEndpointIds]", c.path)
	}
	return nil
}

func patchEndpoint(e *api.EndpointConfiguration, c *change) error {
	switch {
	case c.at(1) == "types" && c.op == opReplace:
		if c.value != "EDGE" && c.value != "REGIONAL" && c.value != "PRIVATE" {
			return errBad("Invalid endpoint type specified. Must be one of: [EDGE, REGIONAL, PRIVATE]")
		}
		e.Types = []string{c.value}
	case c.at(1) == "ipAddressType" && c.op == opReplace:
		if c.value != "ipv4" && c.value != "dualstack" {
			return errBad("Invalid IP address type specified. Must be one of: [ipv4, dualstack]")
		}
		e.IpAddressType = &c.value
	case c.at(1) == "vpcEndpointIds":
		e.VpcEndpointIds = element(e.VpcEndpointIds, c, c.value)
	default:
		return c.errPath()
	}
	return nil
}

// DeleteRestApi removes an API, with all that belongs to it.
func (s *Service) DeleteRestApi(ctx context.Context, call *aws.Call, in *api.DeleteRestApiInput) (*api.DeleteRestApiOutput, error) {
	err := s.db.Update(ctx, func(tx *store.Tx) error {
		arn, row, err := findAPI(tx, call, in.RestApiId)
		if err != nil {
			return err
		}
		if err := s.cfg.Domains.CheckUnmapped(tx, call, in.RestApiId); err != nil {
			return err
		}
		s.dropAfter(tx, *row.Id)
		return errors.Join(
			clearAPI(tx, arn), deleteCopies(tx, copyKey{API: arn}),
			stages.DeletePrefix(tx, partKey{API: arn}), deployments.DeletePrefix(tx, partKey{API: arn}),
			docVersions.DeletePrefix(tx, partKey{API: arn}),
			homes.Delete(tx, homeARN(*row.Id)), apis.Delete(tx, arn),
		)
	})
	if err != nil {
		return nil, err
	}
	return &api.DeleteRestApiOutput{}, nil
}

// clearAPI removes the parts of an API, its root too.
func clearAPI(tx *store.Tx, arn aws.ARN) error {
	all := partKey{API: arn}
	return errors.Join(
		resources.DeletePrefix(tx, all), children.DeletePrefix(tx, childKey{API: arn}), models.DeletePrefix(tx, all), validators.DeletePrefix(tx, all),
		authorizers.DeletePrefix(tx, all), responses.DeletePrefix(tx, all), docParts.DeletePrefix(tx, all),
	)
}

// clone makes row an API with the parts of another.
func (s *Service) clone(tx *store.Tx, call *aws.Call, from string, row *api.RestApi) error {
	source, was, err := findAPI(tx, call, from)
	if err != nil {
		return err
	}
	row.RootResourceId = was.RootResourceId
	if row.BinaryMediaTypes == nil {
		row.BinaryMediaTypes = was.BinaryMediaTypes
	}
	arn := apiARN(call, *row.Id)
	for key, v := range children.Scan(tx, childKey{API: source}) {
		if err := children.Put(tx, childKey{arn, key.Parent, key.Part}, v); err != nil {
			return err
		}
	}
	return errors.Join(
		tx.Err(), homes.Put(tx, homeARN(*row.Id), home{call.Account, call.Region}), apis.Put(tx, arn, *row),
		copyParts(tx, resources, source, arn), copyParts(tx, models, source, arn), copyParts(tx, validators, source, arn),
		copyParts(tx, authorizers, source, arn), copyParts(tx, responses, source, arn), copyParts(tx, docParts, source, arn),
	)
}

func copyParts[V any](tx *store.Tx, table store.Table[partKey, V], from, to aws.ARN) error {
	for key, v := range table.Scan(tx, partKey{API: from}) {
		if err := table.Put(tx, partKey{to, key.ID}, v); err != nil {
			return err
		}
	}
	return tx.Err()
}
