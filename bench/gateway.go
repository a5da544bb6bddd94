package main

import (
	"net/http"

	api "github.com/aloft-cloud/aloft/internal/api/apigateway"
	"github.com/aloft-cloud/aloft/internal/client"
)

// gateway measures a REST API that answers by itself.
func (b *bench) gateway() error {
	host, err := b.mock()
	if err != nil {
		return err
	}
	r, err := http.NewRequest(http.MethodGet, "http://"+b.aloft.addr+"/v1", nil)
	if err != nil {
		return err
	}
	r.Host = host
	request := raw(r, nil)
	for i, clients := range []int{1, 16, 64} {
		if err := b.compare("MOCK of a REST API", load{[][]byte{request}, clients, b.duration}, []int{0, 60, 60}[i]); err != nil {
			return err
		}
	}
	return nil
}

// mock makes a REST API whose root has a MOCK, and returns its host.
func (b *bench) mock() (string, error) {
	c := b.client()
	made, err := client.Do(b.ctx, c, api.CreateRestApi, &api.CreateRestApiInput{Name: "bench"})
	if err != nil {
		return "", err
	}
	id := *made.Id
	resources, err := client.Do(b.ctx, c, api.GetResources, &api.GetResourcesInput{RestApiId: id})
	if err != nil {
		return "", err
	}
	root, get, json := *resources.Items[0].Id, http.MethodGet, "application/json"
	for _, step := range []func() error{
		func() error {
			_, err := client.Do(b.ctx, c, api.PutMethod, &api.PutMethodInput{RestApiId: id, ResourceId: root, HttpMethod: get, AuthorizationType: "NONE"})
			return err
		},
		func() error {
			_, err := client.Do(b.ctx, c, api.PutIntegration, &api.PutIntegrationInput{
				RestApiId: id, ResourceId: root, HttpMethod: get, Type: "MOCK", RequestTemplates: map[string]string{json: `{"statusCode": 200}`},
			})
			return err
		},
		func() error {
			_, err := client.Do(b.ctx, c, api.PutMethodResponse, &api.PutMethodResponseInput{RestApiId: id, ResourceId: root, HttpMethod: get, StatusCode: "200"})
			return err
		},
		func() error {
			_, err := client.Do(b.ctx, c, api.PutIntegrationResponse, &api.PutIntegrationResponseInput{
				RestApiId: id, ResourceId: root, HttpMethod: get, StatusCode: "200", ResponseTemplates: map[string]string{json: `{"hello": "$context.requestId"}`},
			})
			return err
		},
		func() error {
			_, err := client.Do(b.ctx, c, api.CreateDeployment, &api.CreateDeploymentInput{RestApiId: id, StageName: new("v1")})
			return err
		},
	} {
		if err := step(); err != nil {
			return "", err
		}
	}
	return id + ".execute-api.localhost", nil
}
