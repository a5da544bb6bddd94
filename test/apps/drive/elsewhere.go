package drive

import (
	"context"
	"io"
	"net"
	"net/http"
	"net/url"
	"regexp"
	"strings"

	"github.com/aloft-cloud/aloft/internal/api/lambda"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/client"
)

var serviceBehind = regexp.MustCompile(`^arn:aws:apigateway:[\w-]*:([\w.-]+):(?:path|action)/`)

// wantBehind notes what an integration leads to, if that is not here.
func (d *driver) wantBehind(ctx context.Context, uri string) {
	if m := serviceBehind.FindStringSubmatch(uri); m != nil {
		d.wantService(ctx, m[1][strings.LastIndexByte(m[1], '.')+1:])
		return
	}
	d.wantHost(uri)
}

// wantService notes a service that is not here.
func (d *driver) wantService(ctx context.Context, name string) {
	response, err := d.Client.HTTP(ctx, name, http.MethodPost, "/", nil)
	if err != nil {
		return
	}
	defer response.Body.Close()
	text, _ := io.ReadAll(io.LimitReader(response.Body, 1<<16))
	if notHere.Match(text) {
		d.wants[name] = true
	}
}

// wantHost notes the host of an address of somebody else's.
func (d *driver) wantHost(address string) {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" || strings.Contains(u.Host, "localhost") {
		return
	}
	if _, err := net.LookupHost(u.Hostname()); err != nil {
		d.wants[u.Hostname()] = true
	}
}

// wantLanguages notes the languages of functions that do not run here.
func (d *driver) wantLanguages(ctx context.Context) {
	for _, p := range d.all("AWS::Lambda::Function") {
		f, err := client.Do(ctx, d.Client, lambda.GetFunctionConfiguration, &lambda.GetFunctionConfigurationInput{FunctionName: p.id})
		if err == nil && strings.HasPrefix(aws.Value(f.Runtime), "dotnet") {
			d.wants[".NET"] = true
		}
	}
}

var addresses = regexp.MustCompile(`["'` + "`" + `]https?://([\w.-]+\.[a-z]{2,})[/"'` + "`" + `:?]`)

// wantSpoken notes the hosts of others of which a source speaks that answered with
// an error of its own.
func (d *driver) wantSpoken(source string) {
	for _, m := range addresses.FindAllStringSubmatch(source, 4) {
		d.wantHost("https://" + m[1] + "/")
	}
}
