package main

import (
	"fmt"
	"net/http"
	"os/exec"
	"strings"
	"time"

	rest "github.com/aloft-cloud/aloft/internal/api/apigateway"
	v2 "github.com/aloft-cloud/aloft/internal/api/apigatewayv2"
	"github.com/aloft-cloud/aloft/internal/api/iam"
	api "github.com/aloft-cloud/aloft/internal/api/lambda"
	"github.com/aloft-cloud/aloft/internal/client"
)

// behindRounds is how often each way is measured, in turn with the others.
const behindRounds = 5

// behind measures what an API adds to the function behind it.
func (b *bench) behind() error {
	c := b.client()
	role, err := client.Do(b.ctx, c, iam.CreateRole, &iam.CreateRoleInput{RoleName: "behind", AssumeRolePolicyDocument: trust})
	if err != nil {
		return err
	}
	if _, err := exec.LookPath("node"); err != nil {
		row("behind", "-", "needs node")
		return nil
	}
	zip, err := zipOf("index.js", []byte(`exports.handler = async () => ({ statusCode: 200, body: "hello" })`))
	if err != nil {
		return err
	}
	if err := b.create(c, role.Role.Arn, "behind", code{runtime: "nodejs20.x", handler: "index.handler", zip: zip}); err != nil {
		return err
	}
	_, err = client.Do(b.ctx, c, api.AddPermission, &api.AddPermissionInput{FunctionName: "behind", StatementId: "any", Action: "lambda:InvokeFunction", Principal: "apigateway.amazonaws.com"})
	if err != nil {
		return err
	}
	restID, err := b.restAPI(c)
	if err != nil {
		return err
	}
	http, err := client.Do(b.ctx, c, v2.CreateApi, &v2.CreateApiInput{Name: "bench", ProtocolType: "HTTP", Target: new(behindARN)})
	if err != nil {
		return err
	}
	ways := []struct {
		name    string
		request []byte
	}{
		{"node function, invoked", b.invoke("behind")},
		{"node function behind a REST API", plain(restID, "/prod/function")},
		{"node function behind an HTTP API", plain(*http.ApiId, "/x")},
	}
	all := make([][]time.Duration, len(ways))
	rates := make([]figure, len(ways))
	for range behindRounds {
		for i, w := range ways {
			l := load{requests: [][]byte{w.request}, clients: 1, duration: b.duration / behindRounds}
			f, err := l.run(b.aloft.addr)
			if err != nil {
				return fmt.Errorf("%s: %w", w.name, err)
			}
			all[i] = append(all[i], f.p50)
			l.clients = 16
			if f, err = l.run(b.aloft.addr); err != nil {
				return err
			}
			rates[i].add(f, behindRounds)
		}
	}
	for i, w := range ways {
		note := fmt.Sprintf("16 clients: %.0f/s", rates[i].rate)
		if i > 0 {
			note += fmt.Sprintf("; adds %.3f ms, bar 0.15 ms", ms(median(all[i])-median(all[0])))
		}
		row(w.name+", p50", fmt.Sprintf("%.3f ms", ms(median(all[i]))), note)
	}
	return nil
}

const behindARN = "arn:aws:lambda:us-east-1:000000000000:function:behind"

// restAPI makes a REST API with a function, and returns its id.
func (b *bench) restAPI(c *client.Client) (string, error) {
	const uri = "arn:aws:apigateway:us-east-1:lambda:path/2015-03-31/functions/" + behindARN + "/invocations"
	document := `{"swagger":"2.0","info":{"title":"bench"},"paths":{
		"/function":{"get":{"x-amazon-apigateway-integration":{"type":"aws_proxy","httpMethod":"POST","uri":"` + uri + `"}}}}}`
	made, err := client.Do(b.ctx, c, rest.ImportRestApi, &rest.ImportRestApiInput{Body: []byte(document)})
	if err != nil {
		return "", err
	}
	_, err = client.Do(b.ctx, c, rest.CreateDeployment, &rest.CreateDeploymentInput{RestApiId: *made.Id, StageName: new("prod")})
	return *made.Id, err
}

// plain returns a request to an API, as bytes.
func plain(id, path string) []byte {
	r, err := http.NewRequest(http.MethodGet, "http://"+id+".execute-api.localhost"+path, strings.NewReader(""))
	if err != nil {
		panic(err) // an address of our own
	}
	return raw(r, nil)
}
