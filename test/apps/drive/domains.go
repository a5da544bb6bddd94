package drive

import (
	"context"

	"github.com/aloft-cloud/aloft/internal/api/apigateway"
	"github.com/aloft-cloud/aloft/internal/api/apigatewayv2"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/client"
)

// domains asks at the domain names of an application whose APIs are others'.
func (d *driver) domains(ctx context.Context) {
	var list []route
	for _, p := range append(d.all("AWS::ApiGatewayV2::DomainName"), d.all("AWS::ApiGateway::DomainName")...) {
		r := route{method: "GET", host: p.id, path: "/", service: "execute-api"}
		if out, err := client.Do(ctx, d.Client, apigatewayv2.GetApiMappings, &apigatewayv2.GetApiMappingsInput{DomainName: p.id}); err == nil && len(out.Items) > 0 {
			r.path += aws.Value(out.Items[0].ApiMappingKey)
		} else if out, err := client.Do(ctx, d.Client, apigateway.GetBasePathMappings, &apigateway.GetBasePathMappingsInput{DomainName: p.id}); err == nil && len(out.Items) > 0 {
			if path := aws.Value(out.Items[0].BasePath); path != "(none)" {
				r.path += path
			}
		}
		list = append(list, r)
	}
	d.ask(ctx, list)
}
