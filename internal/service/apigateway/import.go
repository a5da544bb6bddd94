package apigateway

import (
	"context"
	"maps"
	"slices"
	"strings"

	api "github.com/aloft-cloud/aloft/internal/api/apigateway"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/service/apigateway/openapi"
	"github.com/aloft-cloud/aloft/internal/store"
)

// ImportRestApi makes an API of a document.
func (s *Service) ImportRestApi(ctx context.Context, call *aws.Call, in *api.ImportRestApiInput) (*api.RestApi, error) {
	def, err := parse(variables(call).Replace(string(in.Body)), in.Parameters, in.FailOnWarnings)
	if err != nil {
		return nil, err
	}
	row := newAPI(def.Title)
	if row.Name = &def.Title; def.Title == "" {
		row.Name = new("Untitled")
	}
	if types := in.Parameters["endpointConfigurationTypes"]; types != "" {
		row.EndpointConfiguration.Types = []string{types}
		row.EndpointConfiguration.IpAddressType = usualAddresses(row.EndpointConfiguration.Types)
	}
	describe(row, def)
	if err := s.checkAPI(row); err != nil {
		return nil, err
	}
	err = s.db.Update(ctx, func(tx *store.Tx) error {
		if err := addAPI(tx, call, row); err != nil {
			return err
		}
		arn := apiARN(call, *row.Id)
		if err := models.DeletePrefix(tx, partKey{API: arn}); err != nil { // it has just those of the document
			return err
		}
		i := &importer{tx: tx, arn: arn, row: row, def: def}
		return i.run()
	})
	if err != nil {
		return nil, err
	}
	return visible(*row), nil
}

// PutRestApi makes an API what a document says, or adds that to it. What is
// deployed stays as it is.
func (s *Service) PutRestApi(ctx context.Context, call *aws.Call, in *api.PutRestApiInput) (*api.RestApi, error) {
	def, err := parse(variables(call).Replace(string(in.Body)), in.Parameters, in.FailOnWarnings)
	if err != nil {
		return nil, err
	}
	overwrite := aws.Or(in.Mode, "merge") == "overwrite"
	var row api.RestApi
	err = s.db.Update(ctx, func(tx *store.Tx) error {
		arn, found, err := findAPI(tx, call, in.RestApiId)
		if err != nil {
			return err
		}
		row = found
		if overwrite {
			row.BinaryMediaTypes, row.MinimumCompressionSize = nil, nil
			if err := clearAPI(tx, arn); err != nil {
				return err
			}
			root := api.Resource{Id: row.RootResourceId, Path: new("/")}
			if err := resources.Put(tx, partKey{arn, *root.Id}, root); err != nil {
				return err
			}
		}
		if def.Title != "" {
			row.Name = &def.Title
		}
		describe(&row, def)
		if err := s.checkAPI(&row); err != nil {
			return err
		}
		stored := row
		stored.Warnings = nil
		if err := apis.Put(tx, arn, stored); err != nil {
			return err
		}
		i := &importer{tx: tx, arn: arn, row: &row, def: def}
		return i.run()
	})
	if err != nil {
		return nil, err
	}
	if row.Tags == nil {
		row.Tags = make(map[string]string)
	}
	return visible(row), nil
}

// variables are those that a document may have for where it is imported.
func variables(call *aws.Call) *strings.Replacer {
	return strings.NewReplacer("${AWS::Region}", call.Region, "${AWS::AccountId}", call.Account, "${AWS::Partition}", "aws")
}

func parse(body string, parameters map[string]string, failOnWarnings *bool) (*openapi.Definition, error) {
	def, err := openapi.Parse([]byte(body))
	if err != nil {
		return nil, err
	}
	base := def.BasePath
	switch mode := parameters["basepath"]; mode {
	case "", "ignore":
		base = ""
	case "prepend":
	case "split":
		_, base, _ = strings.Cut(base, "/")
	default:
		return nil, errBad("Invalid basepath specified. Should be one of ignore, prepend, split")
	}
	if base != "" {
		for i := range def.Methods {
			def.Methods[i].Path = strings.TrimSuffix("/"+base+def.Methods[i].Path, "/")
		}
	}
	if aws.Value(failOnWarnings) && len(def.Warnings) > 0 {
		return nil, errBad("Warnings found during import:\n\t%s", strings.Join(def.Warnings, "\n\t"))
	}
	return def, nil
}

// describe sets what a definition says of its API as a whole.
func describe(row *api.RestApi, def *openapi.Definition) {
	if def.Description != "" {
		row.Description = &def.Description
	}
	if def.Version != "" {
		row.Version = &def.Version
	}
	for _, t := range def.BinaryMediaTypes {
		if !slices.Contains(row.BinaryMediaTypes, t) {
			row.BinaryMediaTypes = append(row.BinaryMediaTypes, t)
		}
	}
	if def.MinimumCompressionSize != nil {
		row.MinimumCompressionSize = def.MinimumCompressionSize
	}
	if def.APIKeySource != "" {
		row.ApiKeySource = &def.APIKeySource
	}
	if def.Policy != "" {
		row.Policy = &def.Policy
	}
	if def.DisableEndpoint != nil {
		row.DisableExecuteApiEndpoint = def.DisableEndpoint
	}
	if def.VpcEndpointIDs != nil {
		row.EndpointConfiguration.VpcEndpointIds = def.VpcEndpointIDs
	}
	row.Warnings = def.Warnings
}

// An importer adds what a definition says to an API.
type importer struct {
	tx  *store.Tx
	arn aws.ARN
	row *api.RestApi
	def *openapi.Definition

	validators  map[string]string // ids by names
	authorizers map[string]string
	tree        map[string]*api.Resource // by path
}

func (i *importer) run() error {
	i.validators, i.authorizers, i.tree = make(map[string]string), make(map[string]string), make(map[string]*api.Resource)
	for _, step := range []func() error{i.addModels, i.addValidators, i.addAuthorizers, i.addResponses, i.addParts, i.addMethods} {
		if err := step(); err != nil {
			return err
		}
	}
	return i.tx.Err()
}

func (i *importer) addModels() error {
	for _, m := range i.def.Models {
		m.Id = new(newID(6))
		m.Schema = new(strings.ReplaceAll(*m.Schema, openapi.Ref, modelBase(*i.row.Id)))
		if err := models.Put(i.tx, partKey{i.arn, *m.Name}, m); err != nil {
			return err
		}
	}
	return nil
}

func (i *importer) addValidators() error {
	for key, v := range validators.Scan(i.tx, partKey{API: i.arn}) {
		i.validators[aws.Value(v.Name)] = key.ID
	}
	for _, v := range i.def.Validators {
		if v.Id = new(newID(6)); i.validators[*v.Name] != "" {
			v.Id = new(i.validators[*v.Name])
		}
		i.validators[*v.Name] = *v.Id
		if err := validators.Put(i.tx, partKey{i.arn, *v.Id}, v); err != nil {
			return err
		}
	}
	return nil
}

func (i *importer) addAuthorizers() error {
	for key, a := range authorizers.Scan(i.tx, partKey{API: i.arn}) {
		i.authorizers[*a.Name] = key.ID
	}
	for _, a := range i.def.Authorizers {
		a.Id = new(newID(6))
		if id := i.authorizers[*a.Name]; id != "" {
			a.Id = &id
			if err := authorizers.Delete(i.tx, partKey{i.arn, id}); err != nil {
				return err
			}
		}
		i.authorizers[*a.Name] = *a.Id
		given := a.AuthorizerResultTtlInSeconds
		if err := addAuthorizer(i.tx, i.arn, &a); err != nil {
			return err
		}
		if a.AuthorizerResultTtlInSeconds = given; given == nil {
			if err := authorizers.Put(i.tx, partKey{i.arn, *a.Id}, a); err != nil {
				return err
			}
		}
	}
	return nil
}

func (i *importer) addResponses() error {
	for _, said := range i.def.Responses {
		if _, known := usualStatus[*said.ResponseType]; !known {
			return errBad("Invalid gateway response type: %s", *said.ResponseType)
		}
		r := newGatewayResponse(*said.ResponseType, said.StatusCode, said.ResponseParameters, said.ResponseTemplates)
		if err := checkGatewayResponse(&r); err != nil {
			return err
		}
		if err := responses.Put(i.tx, partKey{i.arn, *r.ResponseType}, r); err != nil {
			return err
		}
	}
	return nil
}

func (i *importer) addParts() error {
	for _, p := range i.def.Parts {
		p.Id = new(newID(6))
		if err := putDocPart(i.tx, i.arn, &p); err != nil {
			return err
		}
	}
	return nil
}

// addMethods adds the methods, and the resources that they are of.
func (i *importer) addMethods() error {
	for _, r := range resources.Scan(i.tx, partKey{API: i.arn}) {
		i.tree[*r.Path] = &r
	}
	changed := make(map[string]bool)
	for n := range i.def.Methods {
		m := &i.def.Methods[n]
		r, err := i.resource(m.Path)
		if err != nil {
			return err
		}
		changed[*r.Path] = true
		if m.HttpMethod == nil {
			continue
		}
		method := m.Method // the transaction may be run again
		if err := i.addMethod(r, &method); err != nil {
			return err
		}
	}
	for _, path := range slices.Sorted(maps.Keys(changed)) {
		if err := resources.Put(i.tx, partKey{i.arn, *i.tree[path].Id}, *i.tree[path]); err != nil {
			return err
		}
	}
	return nil
}

// resource returns the resource of a path, which is made if it is not there.
func (i *importer) resource(path string) (*api.Resource, error) {
	if path != "/" {
		path = strings.TrimSuffix(path, "/")
	}
	if path == "" {
		path = "/"
	}
	if r := i.tree[path]; r != nil {
		return r, nil
	}
	cut := strings.LastIndexByte(path, '/')
	parent, err := i.resource(path[:cut])
	if err != nil {
		return nil, err
	}
	r := &api.Resource{Id: new(newID(6)), PathPart: new(path[cut+1:])}
	if err := addResource(i.tx, i.arn, parent, r); err != nil {
		return nil, errBad("Unable to create resource at path '%s': %s", path, aws.Refusal(err).Message)
	}
	i.tree[path] = r
	return r, nil
}

func (i *importer) addMethod(r *api.Resource, m *api.Method) error {
	if name := aws.Value(m.RequestValidatorId); name != "" {
		id, ok := i.validators[name]
		if !ok {
			return errBad("Unable to put method '%s' on resource at path '%s': Invalid Request Validator name specified: %s", *m.HttpMethod, *r.Path, name)
		}
		m.RequestValidatorId = &id
	}
	if name := aws.Value(m.AuthorizerId); name != "" {
		m.AuthorizerId = new(i.authorizers[name])
	}
	if err := checkMethod(i.tx, i.arn, m); err != nil {
		return errBad("Unable to put method '%s' on resource at path '%s': %s", *m.HttpMethod, *r.Path, aws.Refusal(err).Message)
	}
	if m.MethodIntegration != nil {
		completeIntegration(m.MethodIntegration, *r.Id)
		if err := i.checkIntegration(m); err != nil {
			return errBad("Unable to put integration on '%s' for resource at path '%s': %s", *m.HttpMethod, *r.Path, aws.Refusal(err).Message)
		}
	}
	if r.ResourceMethods == nil {
		r.ResourceMethods = make(map[string]api.Method)
	}
	r.ResourceMethods[*m.HttpMethod] = *m
	return nil
}

func (i *importer) checkIntegration(m *api.Method) error {
	if err := checkIntegration(m.MethodIntegration); err != nil {
		return err
	}
	for _, status := range sortedKeys(m.MethodIntegration.IntegrationResponses) {
		r := m.MethodIntegration.IntegrationResponses[status]
		if err := checkMappings(r.ResponseParameters, "method.response."); err != nil {
			return err
		}
		if err := checkPattern(aws.Value(r.SelectionPattern)); err != nil {
			return err
		}
	}
	return nil
}

// ImportDocumentationParts adds the documentation that a document has to an API.
func (s *Service) ImportDocumentationParts(ctx context.Context, call *aws.Call, in *api.ImportDocumentationPartsInput) (*api.ImportDocumentationPartsOutput, error) {
	def, err := openapi.Parse(in.Body)
	if err != nil {
		return nil, err
	}
	var out *api.ImportDocumentationPartsOutput
	err = s.db.Update(ctx, func(tx *store.Tx) error {
		out = &api.ImportDocumentationPartsOutput{Ids: []string{}}
		arn, _, err := findAPI(tx, call, in.RestApiId)
		if err != nil {
			return err
		}
		if aws.Value(in.Mode) == "overwrite" {
			if err := docParts.DeletePrefix(tx, partKey{API: arn}); err != nil {
				return err
			}
		}
		for _, p := range def.Parts {
			p.Id = new(newID(6))
			if err := putDocPart(tx, arn, &p); err != nil {
				return err
			}
			out.Ids = append(out.Ids, *p.Id)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// putDocPart keeps documentation in place of what there was at its location.
func putDocPart(tx *store.Tx, arn aws.ARN, p *api.DocumentationPart) error {
	for key, other := range docParts.Scan(tx, partKey{API: arn}) {
		if sameLocation(other.Location, p.Location) {
			if err := docParts.Delete(tx, key); err != nil {
				return err
			}
		}
	}
	return addDocPart(tx, arn, p)
}
