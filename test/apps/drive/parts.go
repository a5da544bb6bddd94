package drive

import (
	"context"
	"regexp"
	"slices"
	"strings"

	"github.com/aloft-cloud/aloft/internal/api/apigateway"
	"github.com/aloft-cloud/aloft/internal/api/apigatewayv2"
	cfn "github.com/aloft-cloud/aloft/internal/api/cloudformation"
	"github.com/aloft-cloud/aloft/internal/api/lambda"
	"github.com/aloft-cloud/aloft/internal/api/states"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/client"
	"github.com/aloft-cloud/aloft/internal/deploy/template"
)

// A part is one resource of an application.
type part struct{ logical, typ, id string }

// framework are functions that tools add to an application, by their logical IDs.
var framework = regexp.MustCompile(`^(LogRetention|Custom|AWS679f53fac002430cb0da5b7982bd2287|BucketNotificationsHandler|SingletonLambda|AwsCliLayer)|frameworkon|framework|ProviderframeworkonEvent|CustomResourceProvider|CustomDashresource|IamRoleCustomResourceLambda|WaiterStateMachine`)

// find lists the parts of the application's stacks and of those nested in them.
func (d *driver) find(ctx context.Context) {
	left := slices.Clone(d.Stacks)
	for len(left) > 0 && len(d.parts) < 2000 {
		stack := left[0]
		left = left[1:]
		custom := d.providers(ctx, stack)
		var token *string
		for {
			page, err := client.Do(ctx, d.Client, cfn.ListStackResources, &cfn.ListStackResourcesInput{StackName: stack, NextToken: token})
			if err != nil {
				break
			}
			for _, r := range page.StackResourceSummaries {
				p := part{r.LogicalResourceId, r.ResourceType, aws.Value(r.PhysicalResourceId)}
				switch {
				case p.typ == "AWS::CloudFormation::Stack":
					left = append(left, p.id)
				case p.typ == "AWS::Lambda::Function" && (framework.MatchString(p.logical) || custom[p.logical]), framework.MatchString(p.logical) && p.typ == "AWS::StepFunctions::StateMachine":
				default:
					d.parts = append(d.parts, p)
				}
			}
			if token = page.NextToken; token == nil {
				break
			}
		}
	}
}

// providers are the functions that answer for a stack's custom resources.
func (d *driver) providers(ctx context.Context, stack string) map[string]bool {
	found := make(map[string]bool)
	out, err := client.Do(ctx, d.Client, cfn.GetTemplate, &cfn.GetTemplateInput{StackName: &stack, TemplateStage: new("Processed")})
	if err != nil {
		return found
	}
	doc, err := template.Parse(aws.Value(out.TemplateBody), template.Options{Aliases: true})
	if err != nil {
		return found
	}
	resources, _ := doc.Root["Resources"].(map[string]any)
	for _, r := range resources {
		r, _ := r.(map[string]any)
		typ, _ := r["Type"].(string)
		if !strings.HasPrefix(typ, "Custom::") && typ != "AWS::CloudFormation::CustomResource" {
			continue
		}
		properties, _ := r["Properties"].(map[string]any)
		token, _ := properties["ServiceToken"].(map[string]any)
		for _, of := range token {
			switch of := of.(type) {
			case string:
				name, _, _ := strings.Cut(strings.Trim(of, "${}"), ".")
				found[name] = true
			case []any:
				name, _ := of[0].(string)
				found[name] = true
			}
		}
	}
	return found
}

// all returns the ids of the parts of a type.
func (d *driver) all(typ string) []part {
	var list []part
	for _, p := range d.parts {
		if p.typ == typ && p.id != "" {
			list = append(list, p)
		}
	}
	return list
}

// kinds names the types of an application's parts.
func (d *driver) kinds() string {
	var list []string
	for _, p := range d.parts {
		list = append(list, strings.TrimPrefix(p.typ, "AWS::"))
	}
	slices.Sort(list)
	list = slices.Compact(list)
	return strings.Join(list[:min(len(list), 6)], ", ")
}

// arn is the ARN of a part of a service.
func (d *driver) arn(service, resource string) string {
	return "arn:aws:" + service + ":" + d.Client.Region() + ":" + d.Account + ":" + resource
}

// feeds notes into what the application puts things itself: those are no
// entries, as what is before them is one.
func (d *driver) feeds(ctx context.Context) {
	for _, p := range d.all("AWS::SNS::Subscription") {
		if s, ok := d.subscription(ctx, p.id); ok {
			d.fed[s.endpoint] = true
		}
	}
	for _, r := range d.ruleList(ctx) {
		for _, t := range r.targets {
			d.fed[t.Arn] = true
		}
	}
	for _, p := range d.pipeList(ctx) {
		d.fed[aws.Value(p.Target)] = true
		d.fed[aws.Value(p.Enrichment)] = true
	}
	for _, s := range d.scheduleList(ctx) {
		d.fed[s.Target.Arn] = true
	}
	d.feedsOfAPIs(ctx)
	for _, m := range d.all("AWS::StepFunctions::StateMachine") {
		if out, err := client.Do(ctx, d.Client, states.DescribeStateMachine, &states.DescribeStateMachineInput{StateMachineArn: m.id}); err == nil {
			for _, arn := range arns.FindAllString(out.Definition, -1) {
				d.fed[arn] = true
			}
		}
	}
	for _, p := range d.all("AWS::Lambda::EventInvokeConfig") {
		name, _, _ := strings.Cut(p.id, "|")
		if out, err := client.Do(ctx, d.Client, lambda.GetFunctionEventInvokeConfig, &lambda.GetFunctionEventInvokeConfigInput{FunctionName: name}); err == nil && out.DestinationConfig != nil {
			if s := out.DestinationConfig.OnSuccess; s != nil {
				d.fed[aws.Value(s.Destination)] = true
			}
			if f := out.DestinationConfig.OnFailure; f != nil {
				d.fed[aws.Value(f.Destination)] = true
			}
		}
	}
}

var arns = regexp.MustCompile(`arn:aws:[a-z0-9-]+:[a-z0-9-]*:\d{12}:[\w:/.*-]+`)

// feedsOfAPIs notes into what the integrations of gateways put requests.
func (d *driver) feedsOfAPIs(ctx context.Context) {
	add := func(text string) {
		for _, arn := range arns.FindAllString(text, -1) {
			d.fed[arn] = true
		}
		for _, queue := range d.all("AWS::SQS::Queue") {
			if name := queue.id[strings.LastIndexByte(queue.id, '/')+1:]; strings.Contains(text, ":sqs:") && strings.HasSuffix(text, "/"+name) {
				d.fed[d.arn("sqs", name)] = true
			}
		}
	}
	for _, p := range d.all("AWS::ApiGateway::RestApi") {
		resources, err := client.Do(ctx, d.Client, apigateway.GetResources, &apigateway.GetResourcesInput{RestApiId: p.id, Embed: []string{"methods"}})
		if err != nil {
			continue
		}
		for _, r := range resources.Items {
			for _, m := range r.ResourceMethods {
				if m.MethodIntegration == nil {
					continue
				}
				add(aws.Value(m.MethodIntegration.Uri))
				for _, text := range m.MethodIntegration.RequestTemplates {
					add(text)
				}
				for _, text := range m.MethodIntegration.RequestParameters {
					add(text)
				}
			}
		}
	}
	for _, p := range d.all("AWS::ApiGatewayV2::Api") {
		list, err := client.Do(ctx, d.Client, apigatewayv2.GetIntegrations, &apigatewayv2.GetIntegrationsInput{ApiId: p.id})
		if err != nil {
			continue
		}
		for _, i := range list.Items {
			add(aws.Value(i.IntegrationUri))
			for _, text := range i.RequestParameters {
				add(text)
			}
			for _, text := range i.RequestTemplates {
				add(text)
			}
		}
	}
}
