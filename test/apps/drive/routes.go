package drive

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/aloft-cloud/aloft/internal/api/apigateway"
	"github.com/aloft-cloud/aloft/internal/api/apigatewayv2"
	"github.com/aloft-cloud/aloft/internal/api/cloudfront"
	elb "github.com/aloft-cloud/aloft/internal/api/elasticloadbalancing"
	"github.com/aloft-cloud/aloft/internal/api/lambda"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/client"
)

// A route is a method and a path of a host below the platform's own.
type route struct {
	method, host, stage, path string
	service                   string // as which requests are signed that are
	function                  string // behind it, or ""
	behind                    string // its integration's URI
	lock                      lock
	models                    []string // schemas of its body
	query                     []string // that it requires
}

// name is what a route is called in words.
func (r *route) name() string { return r.method + " " + cmp.Or(r.stage+r.path, "/") }

// restAPIs asks the routes of REST APIs.
func (d *driver) restAPIs(ctx context.Context) {
	var list []route
	for _, p := range d.all("AWS::ApiGateway::RestApi") {
		stages, err := client.Do(ctx, d.Client, apigateway.GetStages, &apigateway.GetStagesInput{RestApiId: p.id})
		resources, err2 := client.Do(ctx, d.Client, apigateway.GetResources, &apigateway.GetResourcesInput{RestApiId: p.id, Embed: []string{"methods"}, Limit: new(int32(100))})
		if err != nil || err2 != nil || len(stages.Item) == 0 {
			continue
		}
		models := make(map[string]string)
		if out, err := client.Do(ctx, d.Client, apigateway.GetModels, &apigateway.GetModelsInput{RestApiId: p.id}); err == nil {
			for _, m := range out.Items {
				models[aws.Value(m.Name)] = aws.Value(m.Schema)
			}
		}
		locks := d.restLocks(ctx, p.id)
		host := d.restHost(ctx, p.id)
		stage := stages.Item[0]
		for _, s := range stages.Item {
			if aws.Value(s.StageName) != "Stage" {
				stage = s
				break
			}
		}
		for _, resource := range resources.Items {
			for method, m := range resource.ResourceMethods {
				r := route{method: method, host: host, stage: "/" + aws.Value(stage.StageName), path: aws.Value(resource.Path), service: "execute-api"}
				if m.MethodIntegration != nil {
					r.behind = aws.Value(m.MethodIntegration.Uri)
					r.function = functionOf(strings.ReplaceAll(aws.Value(m.MethodIntegration.Uri), "${stageVariables.", ""))
				}
				r.lock = locks[aws.Value(m.AuthorizerId)]
				r.lock.iam = aws.Value(m.AuthorizationType) == "AWS_IAM"
				r.lock.key = aws.Value(m.ApiKeyRequired)
				for _, name := range m.RequestModels {
					r.models = append(r.models, models[name])
				}
				for name, required := range m.RequestParameters {
					if rest, ok := strings.CutPrefix(name, "method.request.querystring."); ok && required {
						r.query = append(r.query, rest)
					}
				}
				list = append(list, r)
			}
		}
	}
	d.ask(ctx, list)
}

var vpcEndpoint = regexp.MustCompile(`vpce-[0-9a-z]+`)

// restHost is the host of a REST API: of a private one, by the endpoint of a
// network that it names.
func (d *driver) restHost(ctx context.Context, id string) string {
	api, err := client.Do(ctx, d.Client, apigateway.GetRestApi, &apigateway.GetRestApiInput{RestApiId: id})
	if err == nil && api.EndpointConfiguration != nil && slices.Contains(api.EndpointConfiguration.Types, "PRIVATE") {
		for _, known := range append(api.EndpointConfiguration.VpcEndpointIds, vpcEndpoint.FindString(aws.Value(api.Policy))) {
			if known != "" {
				return id + "-" + known + ".execute-api"
			}
		}
	}
	return id + ".execute-api"
}

// httpAPIs asks the routes of HTTP APIs.
func (d *driver) httpAPIs(ctx context.Context) {
	var list []route
	for _, p := range d.all("AWS::ApiGatewayV2::Api") {
		api, err := client.Do(ctx, d.Client, apigatewayv2.GetApi, &apigatewayv2.GetApiInput{ApiId: p.id})
		stages, err1 := client.Do(ctx, d.Client, apigatewayv2.GetStages, &apigatewayv2.GetStagesInput{ApiId: p.id})
		routes, err2 := client.Do(ctx, d.Client, apigatewayv2.GetRoutes, &apigatewayv2.GetRoutesInput{ApiId: p.id})
		if err != nil || err1 != nil || err2 != nil || len(stages.Items) == 0 || aws.Value(api.ProtocolType) != "HTTP" {
			continue
		}
		locks := d.httpLocks(ctx, p.id)
		behind := d.integrations(ctx, p.id)
		stage := ""
		if name := stages.Items[0].StageName; name != "$default" {
			stage = "/" + name
		}
		for _, one := range routes.Items {
			method, path, ok := strings.Cut(one.RouteKey, " ")
			if !ok {
				method, path = "ANY", "/{proxy+}"
			}
			r := route{method: method, host: p.id + ".execute-api", stage: stage, path: path, service: "execute-api", behind: behind[aws.Value(one.Target)]}
			r.function = functionOf(r.behind)
			r.lock = locks[aws.Value(one.AuthorizerId)]
			r.lock.iam = aws.Value(one.AuthorizationType) == "AWS_IAM"
			list = append(list, r)
		}
	}
	d.ask(ctx, list)
}

// integrations are the URIs of those of an API, by the targets of its routes.
func (d *driver) integrations(ctx context.Context, api string) map[string]string {
	behind := make(map[string]string)
	if out, err := client.Do(ctx, d.Client, apigatewayv2.GetIntegrations, &apigatewayv2.GetIntegrationsInput{ApiId: api}); err == nil {
		for _, i := range out.Items {
			behind["integrations/"+aws.Value(i.IntegrationId)] = aws.Value(i.IntegrationUri)
		}
	}
	return behind
}

// functionURLs asks the URLs of functions.
func (d *driver) functionURLs(ctx context.Context) {
	var list []route
	for _, p := range d.all("AWS::Lambda::Url") {
		out, err := client.Do(ctx, d.Client, lambda.GetFunctionUrlConfig, &lambda.GetFunctionUrlConfigInput{FunctionName: p.id})
		if err != nil {
			continue
		}
		u, err := url.Parse(out.FunctionUrl)
		if err != nil {
			continue
		}
		id, _, _ := strings.Cut(u.Host, ".")
		r := route{method: "ANY", host: id + ".lambda-url", path: "/{proxy+}", service: "lambda", function: functionOf(out.FunctionArn)}
		r.lock.iam = out.AuthType == "AWS_IAM"
		list = append(list, r)
	}
	d.ask(ctx, list)
}

// distributions asks for the page that each distribution shows, which is put
// into the buckets of the application first.
func (d *driver) distributions(ctx context.Context) {
	var list []route
	for _, p := range d.all("AWS::CloudFront::Distribution") {
		out, err := client.Do(ctx, d.Client, cloudfront.GetDistribution, &cloudfront.GetDistributionInput{Id: p.id})
		if err != nil {
			continue
		}
		r := route{method: "GET", host: out.Distribution.DomainName, path: "/", service: "cloudfront"}
		if len(d.all("AWS::Cognito::UserPool")) > 0 { // a function at the edge may ask who it is
			r.lock = lock{id: p.id, header: "Authorization", open: true}
		}
		list = append(list, r)
		if b := out.Distribution.DistributionConfig.DefaultCacheBehavior; b.AllowedMethods != nil && slices.Contains(b.AllowedMethods.Items, "PUT") && len(d.all("AWS::S3::Bucket")) > 0 {
			r.method, r.path = "PUT", "/one.txt"
			list = append(list, r)
		}
	}
	if list == nil {
		return
	}
	for _, p := range d.all("AWS::S3::Bucket") {
		_ = d.put(ctx, p.id, "index.html", []byte("<p>one</p>"), "")
	}
	d.ask(ctx, list)
}

// balancers asks load balancers for their first page, and for one below it.
func (d *driver) balancers(ctx context.Context) {
	var list []route
	for _, p := range d.all("AWS::ElasticLoadBalancingV2::LoadBalancer") {
		out, err := client.Do(ctx, d.Client, elb.DescribeLoadBalancers, &elb.DescribeLoadBalancersInput{LoadBalancerArns: []string{p.id}})
		if err != nil || len(out.LoadBalancers) == 0 {
			continue
		}
		if groups, err := client.Do(ctx, d.Client, elb.DescribeTargetGroups, &elb.DescribeTargetGroupsInput{LoadBalancerArn: &p.id}); err == nil {
			for _, g := range groups.TargetGroups {
				if kind := aws.Value(g.TargetType); kind == "instance" || kind == "ip" {
					d.wants["hosts of a network of its own"] = true
				}
			}
		}
		name, _, _ := strings.Cut(aws.Value(out.LoadBalancers[0].DNSName), ".")
		list = append(list, route{method: "GET", host: name + ".elb", path: "/"}, route{method: "GET", host: name + ".elb", path: "/hello"})
	}
	d.ask(ctx, list)
}

// order has what makes things before what gets and deletes them.
var order = []string{"POST", "PUT", "PATCH", "GET", "ANY", "HEAD", "DELETE"}

// ask asks each of the routes.
func (d *driver) ask(ctx context.Context, list []route) {
	list = slices.DeleteFunc(list, func(r route) bool { return r.method == "OPTIONS" || r.method == "" })
	var plain []route
	for _, r := range list {
		plain = append(plain, d.spread(ctx, r)...)
	}
	slices.SortStableFunc(plain, func(a, b route) int {
		return cmp.Or(slices.Index(order, a.method)-slices.Index(order, b.method), strings.Count(a.path, "{")-strings.Count(b.path, "{"), cmp.Compare(a.path, b.path))
	})
	seen := make(map[string]bool)
	for _, r := range plain {
		if key := r.host + r.name(); !seen[key] && len(seen) < 2*mostEntries && ctx.Err() == nil {
			seen[key] = true
			d.askOne(ctx, r)
		}
	}
}

var ownRoutes = regexp.MustCompile("(?:\\.(get|post|put|patch|delete|route)\\(\\s*['\"`](/[^'\"`]*)|@(?:\\w+\\.)?(?i:(get|post|put|patch|delete|route))\\(\\s*['\"`]([^'\"`]*))['\"`](?:,\\s*methods\\s*=\\s*\\[\\s*['\"](\\w+))?")

// spread returns the routes that a function answers itself behind one that
// leads all paths to it, by its source.
func (d *driver) spread(ctx context.Context, r route) []route {
	greedy := strings.LastIndex(r.path, "/{")
	if !strings.HasSuffix(r.path, "+}") || greedy < 0 || strings.HasSuffix(r.path[:greedy], "}") {
		if r.method != "ANY" {
			return []route{r}
		}
		return anyOf(d.source(ctx, r.function), r)
	}
	return d.routesIn(d.source(ctx, r.function), r)
}

var readsBody = regexp.MustCompile(`(?i)[.\["']body\b`)

// anyOf is a route of any method, with GET, and with POST if a source reads bodies.
func anyOf(source string, r route) []route {
	r.method = "GET"
	if !readsBody.MatchString(source) {
		return []route{r}
	}
	posted := r
	posted.method = "POST"
	return []route{posted, r}
}

// routesIn are those in a source behind a route that ends in a path of any length.
func (d *driver) routesIn(source string, r route) []route {
	greedy := strings.LastIndex(r.path, "/{")
	var list []route
	for _, m := range ownRoutes.FindAllStringSubmatch(source, mostEntries) {
		one := r
		one.path = r.path[:greedy] + "/" + regexp.MustCompile(`:(\w+)|<(?:\w+:)?(\w+)>`).ReplaceAllString(strings.TrimPrefix(m[2]+m[4], "/"), "{$1$2}")
		one.method = strings.ToUpper(cmp.Or(m[5], m[3], m[1]))
		if one.method == "ROUTE" {
			one.method = "GET"
		}
		list = append(list, one)
	}
	deeper := r
	deeper.path = r.path[:greedy] + "/hello"
	r.path = cmp.Or(r.path[:greedy], "/")
	if r.method != "ANY" {
		return append(list, r, deeper)
	}
	deeper.method = "GET"
	return append(append(list, anyOf(source, r)...), deeper)
}

// A request is one that a route is asked with.
type request struct {
	path    map[string]string
	query   url.Values
	body    string
	headers map[string]string
}

// An answer is what came of it.
type answer struct {
	status int
	own    bool // of the application, and not of the gateway
	text   string
}

// better says whether a is the better answer.
func (a answer) better(b answer) bool { return b.status == 0 || a.status != 0 && a.score() < b.score() }

func (a answer) score() int {
	switch {
	case a.own && a.status < 400:
		return 0
	case a.own && a.status < 500:
		return 1
	}
	return 2
}

// askOne asks a route with one request after the other, until it answers well.
func (d *driver) askOne(ctx context.Context, r route) {
	d.entries++
	var best answer
	for i, q := range d.requests(ctx, &r) {
		if i >= mostInputs {
			break
		}
		for _, key := range d.keysOf(ctx, &r) {
			a := d.send1(ctx, &r, q, key)
			if a.better(best) {
				best = a
			}
			if a.status != 401 && a.status != 403 && (r.lock.function == "" || a.own || a.status < 500) && (!r.lock.open || a.status < 500) {
				d.good(&r, key)
				break
			}
		}
		if best.score() == 0 {
			break
		}
	}
	d.harvest(parsed(best.text))
	why := ""
	if best.status >= 500 && r.function != "" {
		why = after(": ", d.lastError(ctx, r.function))
	}
	if locked, ok := d.values["lock error"].(string); ok && best.status == 401 {
		why = after(": ", locked)
	}
	d.want(best.text)
	if best.status >= 500 {
		d.wantBehind(ctx, r.behind)
	}
	if best.status >= 500 && best.own {
		d.wantSpoken(d.source(ctx, r.function))
	}
	d.say(best.score() < 2, "%s: %d%s", r.name(), best.status, why)
}

var inPath = regexp.MustCompile(`\{([^}+]*)\+?\}`)

// send1 sends one request.
func (d *driver) send1(ctx context.Context, r *route, q request, key credential) answer {
	ctx, cancel := context.WithTimeout(ctx, 35*time.Second)
	defer cancel()
	path := inPath.ReplaceAllStringFunc(r.path, func(in string) string {
		name := inPath.FindStringSubmatch(in)[1]
		return url.PathEscape(cmp.Or(q.path[name], d.valueOf(name)))
	})
	query := url.Values{}
	for name, values := range q.query {
		query[name] = values
	}
	if key.query != "" {
		query.Set(key.query, key.value)
	}
	address := d.Client.Endpoint() + r.stage + path
	if len(query) > 0 {
		address += "?" + query.Encode()
	}
	var body io.Reader
	if r.method != "GET" && r.method != "HEAD" && r.method != "DELETE" {
		body = strings.NewReader(q.body)
	}
	out, err := http.NewRequestWithContext(ctx, r.method, address, body)
	if err != nil {
		return answer{}
	}
	if out.Host = r.host; strings.HasSuffix(r.host, ".execute-api") || strings.HasSuffix(r.host, ".lambda-url") || strings.HasSuffix(r.host, ".elb") {
		out.Host += "." + strings.Replace(out.URL.Host, "127.0.0.1", "localhost", 1)
	}
	if body != nil {
		out.Header.Set("Content-Type", "application/json")
	}
	for name, value := range q.headers {
		out.Header.Set(name, value)
	}
	d.unlock(out, r, key, q.body)
	response, err := noRedirects.Do(out)
	if err != nil {
		return answer{status: 599}
	}
	defer response.Body.Close()
	text, err := io.ReadAll(io.LimitReader(response.Body, 1<<20))
	if err != nil || strings.Contains(string(text), "Lambda-Runtime-Function-Error-Type:") { // it broke off
		return answer{http.StatusBadGateway, false, string(text)}
	}
	own := response.Header.Get("X-Amzn-Errortype") == "" && response.StatusCode != 401 && response.StatusCode != 403
	return answer{response.StatusCode, own, string(text)}
}

var noRedirects = &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}

// valueOf is what another route said that a parameter of a path is called.
func (d *driver) valueOf(name string) string {
	for _, known := range []string{name, strings.ToLower(name)} {
		if v, ok := d.values[known]; ok {
			return fmt.Sprint(v)
		}
	}
	for _, k := range []struct{ word, typ string }{
		{"stream", "AWS::Kinesis::Stream"}, {"queue", "AWS::SQS::Queue"}, {"table", "AWS::DynamoDB::Table"}, {"bucket", "AWS::S3::Bucket"}, {"folder", "AWS::S3::Bucket"},
	} {
		if all := d.all(k.typ); strings.Contains(strings.ToLower(name), k.word) && len(all) > 0 {
			return all[0].id[strings.LastIndexByte(all[0].id, '/')+1:]
		}
	}
	if v, ok := d.values["id"]; ok && strings.HasSuffix(strings.ToLower(name), "id") {
		return fmt.Sprint(v)
	}
	return "1"
}

// harvest keeps the values of what a route answered.
func (d *driver) harvest(v any) {
	if list, ok := v.([]any); ok && len(list) > 0 {
		v = list[0]
	}
	m, _ := v.(map[string]any)
	for name, value := range m {
		switch value := value.(type) {
		case string, float64:
			if text := fmt.Sprint(value); text != "" && len(text) < 100 && d.values[name] == nil {
				d.values[name], d.values[strings.ToLower(name)] = text, text
			}
		case map[string]any, []any:
			d.harvest(value)
		}
	}
}

// requests are those that a route may like, the most likely first.
func (d *driver) requests(ctx context.Context, r *route) []request {
	var list []request
	for _, s := range d.samples.of("api", r.path+r.function) {
		if q, ok := shippedRequest(s.(map[string]any), r); ok && len(list) < 2 {
			list = append(list, q)
		}
	}
	source := d.source(ctx, r.function)
	query := url.Values{}
	for _, name := range r.query {
		query.Set(name, fmt.Sprint(valueFor(name)))
	}
	add := func(body any) { list = append(list, request{query: query, body: encoded(body)}) }
	if r.method != "GET" && r.method != "HEAD" && r.method != "DELETE" {
		read := fields(source)
		for _, schema := range r.models {
			if s, ok := parsed(schema).(map[string]any); ok {
				add(merged(read, ofSchema(s, 0)))
			}
		}
		for _, in := range d.samples.of("input", r.path+r.function)[:min(1, len(d.samples.of("input", r.path+r.function)))] {
			add(in)
		}
		if strings.Contains(source, "isBase64Encoded") && len(list) > 0 { // as curl -d has it
			form := list[len(list)-1]
			form.headers = map[string]string{"Content-Type": "application/x-www-form-urlencoded"}
			list = append(list, form)
		}
		add(read)
		add(map[string]any{})
		return list
	}
	add(nil)
	asked := url.Values{}
	for _, m := range queryReads.FindAllStringSubmatch(source, 20) {
		if name := m[1] + m[2] + m[3]; name != "" {
			asked.Set(name, fmt.Sprint(valueFor(name)))
		}
	}
	if len(asked) > 0 {
		list = append(list, request{query: asked})
	}
	return list
}

var queryReads = regexp.MustCompile(`(?:queryStringParameters|query_string_parameters|query_params|qs|query)(?:\?)?(?:\.(\w+)|\[["'](\w+)["']\]|\.get\(["'](\w+))`)

// shippedRequest is what an example of an event of a gateway asks, if it is one of a route.
func shippedRequest(event map[string]any, r *route) (request, bool) {
	method, path := textIn(event, "httpMethod"), textIn(event, "path")
	if inner, ok := event["requestContext"].(map[string]any); ok && method == "" {
		if web, ok := inner["http"].(map[string]any); ok {
			method, path = textIn(web, "method"), textIn(web, "path")
		}
	}
	if method != "" && method != r.method && r.method != "ANY" {
		return request{}, false
	}
	q := request{body: textIn(event, "body"), path: make(map[string]string), query: url.Values{}}
	if parameters, ok := event["pathParameters"].(map[string]any); ok {
		for name, value := range parameters {
			q.path[name] = fmt.Sprint(value)
		}
	}
	if parameters, ok := event["queryStringParameters"].(map[string]any); ok {
		for name, value := range parameters {
			q.query.Set(name, fmt.Sprint(value))
		}
	}
	first := strings.Split(strings.Trim(r.path, "/"), "/")[0]
	return q, path == "" || first == "" || strings.HasPrefix(first, "{") || strings.Contains(path, first) || strings.HasPrefix(path, "/path/")
}

func textIn(m map[string]any, name string) string {
	text, _ := m[name].(string)
	return text
}

// ofSchema is a value that a JSON schema describes.
func ofSchema(s map[string]any, depth int) any {
	if list, ok := s["enum"].([]any); ok && len(list) > 0 {
		return list[0]
	}
	for _, all := range []string{"allOf", "oneOf", "anyOf"} {
		if list, ok := s[all].([]any); ok && len(list) > 0 {
			if first, ok := list[0].(map[string]any); ok && depth < 6 {
				return ofSchema(first, depth+1)
			}
		}
	}
	kind, _ := s["type"].(string)
	properties, _ := s["properties"].(map[string]any)
	switch {
	case depth > 6:
		return nil
	case kind == "object" || properties != nil:
		object := make(map[string]any)
		for name, inner := range properties {
			if inner, ok := inner.(map[string]any); ok {
				object[name] = ofSchema(inner, depth+1)
				if text, ok := object[name].(string); ok && text == "1" && inner["pattern"] == nil {
					if named, ok := valueFor(name).(string); ok {
						object[name] = named
					}
				}
			}
		}
		return object
	case kind == "array":
		inner, _ := s["items"].(map[string]any)
		return []any{ofSchema(inner, depth+1)}
	case kind == "number", kind == "integer":
		if least, ok := s["minimum"].(float64); ok {
			return least
		}
		return 1
	case kind == "boolean":
		return true
	}
	least, _ := s["minLength"].(float64)
	switch s["format"] {
	case "date-time":
		return "2030-01-01T00:00:00Z"
	case "date":
		return "2030-01-01"
	case "email":
		return "someone@example.com"
	}
	return strings.Repeat("1", max(1, int(least)))
}
