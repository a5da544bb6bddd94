package schemas

import (
	"encoding/base64"

	api "github.com/aloft-cloud/aloft/internal/api/schemas"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/dispatch"
	"github.com/aloft-cloud/aloft/internal/service"
	"github.com/aloft-cloud/aloft/internal/store"
)

// Service is EventBridge Schema Registry.
type Service struct {
	db    *store.DB
	table *dispatch.Table
}

// New returns EventBridge Schema Registry over db, which reaches event buses by
// table.
func New(db *store.DB, table *dispatch.Table) *Service { return &Service{db, table} }

// Definition implements the contract in package service.
func (s *Service) Definition() service.Definition {
	return service.Definition{
		API:     api.API,
		Receive: receive,
		Operations: []service.Operation{
			service.Op(api.CreateRegistry, s.CreateRegistry, registryOf),
			service.Op(api.UpdateRegistry, s.UpdateRegistry, registryOf),
			service.Op(api.DescribeRegistry, s.DescribeRegistry, registryOf),
			service.Op(api.DeleteRegistry, s.DeleteRegistry, registryOf),
			service.Op(api.ListRegistries, s.ListRegistries, service.Any).But("AWS's own registry is not there."),

			service.Op(api.CreateSchema, s.CreateSchema, schemaOf),
			service.Op(api.UpdateSchema, s.UpdateSchema, schemaOf),
			service.Op(api.DescribeSchema, s.DescribeSchema, schemaOf),
			service.Op(api.ExportSchema, s.ExportSchema, schemaOf).But("A schema is exported only as the type that it is of."),
			service.Op(api.DeleteSchema, s.DeleteSchema, schemaOf),
			service.Op(api.DeleteSchemaVersion, s.DeleteSchemaVersion, schemaOf),
			service.Op(api.ListSchemas, s.ListSchemas, registryOf),
			service.Op(api.ListSchemaVersions, s.ListSchemaVersions, schemaOf),
			service.Op(api.SearchSchemas, s.SearchSchemas, registryOf),
			service.Op(api.GetDiscoveredSchema, s.GetDiscoveredSchema, service.Any),

			service.Op(api.CreateDiscoverer, s.CreateDiscoverer, service.Any),
			service.Op(api.UpdateDiscoverer, s.UpdateDiscoverer, discovererOf),
			service.Op(api.DescribeDiscoverer, s.DescribeDiscoverer, discovererOf),
			service.Op(api.DeleteDiscoverer, s.DeleteDiscoverer, discovererOf),
			service.Op(api.StartDiscoverer, s.StartDiscoverer, discovererOf),
			service.Op(api.StopDiscoverer, s.StopDiscoverer, discovererOf),
			service.Op(api.ListDiscoverers, s.ListDiscoverers, service.Any),
			service.OpEach(observe, s.observe, mayObserve),

			service.Op(api.TagResource, s.TagResource, service.ResourceArn),
			service.Op(api.UntagResource, s.UntagResource, service.ResourceArn),
			service.Op(api.ListTagsForResource, s.ListTagsForResource, service.ResourceArn),
		},
	}
}

func registryOf[In interface{ GetRegistryName() string }](call *aws.Call, in In) aws.ARN {
	return registryARN(call, in.GetRegistryName())
}

func schemaOf[In interface {
	GetRegistryName() string
	GetSchemaName() string
}](call *aws.Call, in In) aws.ARN {
	return schemaARN(call, in.GetRegistryName(), in.GetSchemaName())
}

const usualPage = 100

// pageOf reads which part of a list a caller wants: how many items, and past
// which name.
func pageOf(limit *int32, token *string) (int, string, error) {
	n := int(aws.Or(limit, usualPage))
	if n < 1 || n > usualPage {
		return 0, "", api.BadRequestException.Errorf("Limit must be between 1 and %d.", usualPage)
	}
	if token == nil {
		return n, "", nil
	}
	after, err := base64.RawURLEncoding.DecodeString(*token)
	if err != nil {
		return 0, "", api.BadRequestException.Errorf("NextToken is not valid.")
	}
	return n, string(after), nil
}

func tokenAfter(name string) *string {
	return new(base64.RawURLEncoding.EncodeToString([]byte(name)))
}

// optional is nil for nothing.
func optional(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}
