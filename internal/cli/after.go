package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"mime"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/aloft-cloud/aloft/internal/api/acm"
	"github.com/aloft-cloud/aloft/internal/api/apigatewayv2"
	cfn "github.com/aloft-cloud/aloft/internal/api/cloudformation"
	"github.com/aloft-cloud/aloft/internal/api/cloudfront"
	"github.com/aloft-cloud/aloft/internal/api/lambda"
	"github.com/aloft-cloud/aloft/internal/api/route53"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/client"
	"github.com/aloft-cloud/aloft/internal/deploy/serverless"
)

// afterwards does what plugins of a service do when its stack is there.
type afterwards struct {
	d       *deployer
	up      *uploader
	client  *client.Client // in the region of the service
	service *serverless.Service
	stack   string
	done    *deployment
}

func (a *afterwards) do(ctx context.Context, dir string) error {
	if err := a.syncBuckets(ctx, dir); err != nil {
		return err
	}
	for _, d := range a.service.Domains() {
		if err := a.domain(ctx, d); err != nil {
			return fmt.Errorf("custom.customDomain: %s: %w", d.Name, err)
		}
	}
	for _, i := range a.service.Invalidations() {
		if err := a.invalidate(ctx, i); err != nil {
			return fmt.Errorf("custom.cloudfrontInvalidate: %w", err)
		}
	}
	if err := a.prune(ctx); err != nil {
		return fmt.Errorf("custom.prune: %w", err)
	}
	if !a.service.Protected() {
		return nil
	}
	_, err := client.Do(ctx, a.client, cfn.UpdateTerminationProtection, &cfn.UpdateTerminationProtectionInput{
		StackName: a.stack, EnableTerminationProtection: true,
	})
	return err
}

func (a *afterwards) say(format string, args ...any) {
	fmt.Fprintf(a.d.out, "    "+format+"\n", args...)
}

// invalidate has a distribution fetch paths anew.
func (a *afterwards) invalidate(ctx context.Context, i serverless.Invalidation) error {
	id := cmp.Or(i.Distribution, a.done.Outputs[i.DistributionOutput])
	if id == "" {
		return fmt.Errorf("there is no output %q to name a distribution", i.DistributionOutput)
	}
	a.say("%s: invalidated in the distribution %s", strings.Join(i.Paths, " "), id)
	_, err := client.Do(ctx, a.client, cloudfront.CreateInvalidation, &cloudfront.CreateInvalidationInput{
		DistributionId: id,
		InvalidationBatch: &cloudfront.InvalidationBatch{
			CallerReference: aws.NewRequestID(), Paths: &cloudfront.Paths{Quantity: int32(len(i.Paths)), Items: i.Paths},
		},
	})
	return err
}

// prune deletes the versions of functions and layers that are too many.
func (a *afterwards) prune(ctx context.Context) error {
	p := a.service.Prune()
	if p == nil {
		return nil
	}
	for _, name := range p.Functions {
		if err := a.pruneFunction(ctx, name, p.Keep); err != nil {
			return err
		}
	}
	for _, name := range p.Layers {
		if err := a.pruneLayer(ctx, name, p.Keep); err != nil {
			return err
		}
	}
	return nil
}

func (a *afterwards) pruneFunction(ctx context.Context, name string, keep int) error {
	var versions []int64
	in := &lambda.ListVersionsByFunctionInput{FunctionName: name}
	for {
		out, err := client.Do(ctx, a.client, lambda.ListVersionsByFunction, in)
		if err != nil {
			return err
		}
		for _, v := range out.Versions {
			if n, err := strconv.ParseInt(aws.Value(v.Version), 10, 64); err == nil { // $LATEST stays
				versions = append(versions, n)
			}
		}
		if in.Marker = out.NextMarker; in.Marker == nil {
			break
		}
	}
	named, err := a.aliased(ctx, name)
	if err != nil {
		return err
	}
	versions = slices.DeleteFunc(versions, func(n int64) bool { return slices.Contains(named, strconv.FormatInt(n, 10)) })
	for _, n := range tooMany(versions, keep) {
		in := &lambda.DeleteFunctionInput{FunctionName: name, Qualifier: new(strconv.FormatInt(n, 10))}
		if _, err := client.Do(ctx, a.client, lambda.DeleteFunction, in); err != nil {
			return err
		}
	}
	return nil
}

// aliased are the versions of a function that aliases lead to.
func (a *afterwards) aliased(ctx context.Context, name string) ([]string, error) {
	var versions []string
	in := &lambda.ListAliasesInput{FunctionName: name}
	for {
		out, err := client.Do(ctx, a.client, lambda.ListAliases, in)
		if err != nil {
			return nil, err
		}
		for _, alias := range out.Aliases {
			versions = append(versions, aws.Value(alias.FunctionVersion))
			if alias.RoutingConfig != nil {
				versions = append(versions, sortedKeys(alias.RoutingConfig.AdditionalVersionWeights)...)
			}
		}
		if in.Marker = out.NextMarker; in.Marker == nil {
			return versions, nil
		}
	}
}

func (a *afterwards) pruneLayer(ctx context.Context, name string, keep int) error {
	var versions []int64
	in := &lambda.ListLayerVersionsInput{LayerName: name}
	for {
		out, err := client.Do(ctx, a.client, lambda.ListLayerVersions, in)
		if err != nil {
			return err
		}
		for _, v := range out.LayerVersions {
			versions = append(versions, aws.Value(v.Version))
		}
		if in.Marker = out.NextMarker; in.Marker == nil {
			break
		}
	}
	for _, n := range tooMany(versions, keep) {
		if _, err := client.Do(ctx, a.client, lambda.DeleteLayerVersion, &lambda.DeleteLayerVersionInput{LayerName: name, VersionNumber: n}); err != nil {
			return err
		}
	}
	return nil
}

// tooMany are all versions but the newest.
func tooMany(versions []int64, keep int) []int64 {
	slices.Sort(versions)
	return versions[:max(0, len(versions)-keep)]
}

// domain gives an API a name of its own, and leads that to it.
func (a *afterwards) domain(ctx context.Context, d serverless.Domain) error {
	out, err := client.Do(ctx, a.client, cfn.DescribeStackResource, &cfn.DescribeStackResourceInput{StackName: a.stack, LogicalResourceId: d.APIResource})
	if err != nil {
		return err
	}
	target, err := a.domainName(ctx, d)
	if err != nil {
		return err
	}
	if err := a.mapping(ctx, d, aws.Value(out.StackResourceDetail.PhysicalResourceId)); err != nil {
		return err
	}
	a.say("https://%s/%s leads to stage %s of the API", d.Name, d.BasePath, d.Stage)
	if !d.Record {
		return nil
	}
	return a.record(ctx, d, target)
}

// domainName makes the name, if it is not there, and returns what leads to it.
func (a *afterwards) domainName(ctx context.Context, d serverless.Domain) (*apigatewayv2.DomainNameConfiguration, error) {
	found, err := client.Do(ctx, a.client, apigatewayv2.GetDomainName, &apigatewayv2.GetDomainNameInput{DomainName: d.Name})
	if err == nil {
		return &found.DomainNameConfigurations[0], nil
	}
	if refused, ok := errors.AsType[*aws.Error](err); !ok || refused.Code != apigatewayv2.NotFoundException.Code {
		return nil, err
	}
	certificate, err := a.certificate(ctx, d)
	if err != nil {
		return nil, err
	}
	made, err := client.Do(ctx, a.client, apigatewayv2.CreateDomainName, &apigatewayv2.CreateDomainNameInput{
		DomainName: d.Name,
		DomainNameConfigurations: []apigatewayv2.DomainNameConfiguration{{
			CertificateArn: &certificate, EndpointType: &d.EndpointType, SecurityPolicy: &d.SecurityPolicy,
		}},
	})
	if err != nil {
		return nil, err
	}
	return &made.DomainNameConfigurations[0], nil
}

// certificate finds one for a name, or has it issued.
func (a *afterwards) certificate(ctx context.Context, d serverless.Domain) (string, error) {
	if d.CertificateArn != "" {
		return d.CertificateArn, nil
	}
	in := &acm.ListCertificatesInput{}
	for {
		out, err := client.Do(ctx, a.client, acm.ListCertificates, in)
		if err != nil {
			return "", err
		}
		for _, c := range out.CertificateSummaryList {
			if certifies(aws.Value(c.DomainName), d) {
				return aws.Value(c.CertificateArn), nil
			}
		}
		if in.NextToken = out.NextToken; in.NextToken == nil {
			break
		}
	}
	made, err := client.Do(ctx, a.client, acm.RequestCertificate, &acm.RequestCertificateInput{DomainName: cmp.Or(d.CertificateName, d.Name), ValidationMethod: new("DNS")})
	if err != nil {
		return "", err
	}
	return aws.Value(made.CertificateArn), nil
}

// certifies says whether a certificate of name is the one that d asks for.
func certifies(name string, d serverless.Domain) bool {
	if d.CertificateName != "" {
		return name == d.CertificateName
	}
	_, parent, _ := strings.Cut(d.Name, ".")
	return name == d.Name || name == "*."+parent
}

// mapping leads a path below the name to a stage of an API.
func (a *afterwards) mapping(ctx context.Context, d serverless.Domain, api string) error {
	in := &apigatewayv2.GetApiMappingsInput{DomainName: d.Name}
	for {
		out, err := client.Do(ctx, a.client, apigatewayv2.GetApiMappings, in)
		if err != nil {
			return err
		}
		for _, m := range out.Items {
			if aws.Value(m.ApiMappingKey) != d.BasePath {
				continue
			}
			_, err := client.Do(ctx, a.client, apigatewayv2.UpdateApiMapping, &apigatewayv2.UpdateApiMappingInput{
				DomainName: d.Name, ApiMappingId: aws.Value(m.ApiMappingId), ApiId: api, ApiMappingKey: &d.BasePath, Stage: &d.Stage,
			})
			return err
		}
		if in.NextToken = out.NextToken; in.NextToken == nil {
			break
		}
	}
	_, err := client.Do(ctx, a.client, apigatewayv2.CreateApiMapping, &apigatewayv2.CreateApiMappingInput{
		DomainName: d.Name, ApiId: api, ApiMappingKey: &d.BasePath, Stage: d.Stage,
	})
	return err
}

// record leads the name to the API, in the hosted zone that holds it.
func (a *afterwards) record(ctx context.Context, d serverless.Domain, to *apigatewayv2.DomainNameConfiguration) error {
	zone, err := a.zone(ctx, d)
	if err != nil {
		return err
	}
	if zone == "" {
		a.say("no hosted zone holds %s: lead it to %s yourself", d.Name, aws.Value(to.ApiGatewayDomainName))
		return nil
	}
	_, err = client.Do(ctx, a.client, route53.ChangeResourceRecordSets, &route53.ChangeResourceRecordSetsInput{
		HostedZoneId: zone,
		ChangeBatch: &route53.ChangeBatch{Changes: []route53.Change{{Action: "UPSERT", ResourceRecordSet: &route53.ResourceRecordSet{
			Name: d.Name, Type: "A",
			AliasTarget: &route53.AliasTarget{HostedZoneId: aws.Value(to.HostedZoneId), DNSName: aws.Value(to.ApiGatewayDomainName)},
		}}}},
	})
	return err
}

// zone finds the hosted zone that holds the name most closely, "" if none does.
func (a *afterwards) zone(ctx context.Context, d serverless.Domain) (string, error) {
	best, id := "", ""
	in := &route53.ListHostedZonesInput{}
	for {
		out, err := client.Do(ctx, a.client, route53.ListHostedZones, in)
		if err != nil {
			return "", err
		}
		for _, z := range out.HostedZones {
			name, key := strings.TrimSuffix(z.Name, "."), strings.TrimPrefix(z.Id, "/hostedzone/")
			holds := name == d.Name || strings.HasSuffix(d.Name, "."+name)
			if key == d.HostedZone || d.HostedZone == "" && holds && len(name) > len(best) {
				best, id = name, key
			}
		}
		if in.Marker = out.NextMarker; in.Marker == nil {
			return id, nil
		}
	}
}

// syncBuckets puts into buckets the files that serverless-s3-sync would.
func (a *afterwards) syncBuckets(ctx context.Context, dir string) error {
	for _, sync := range a.service.Syncs() {
		bucket := cmp.Or(sync.Bucket, a.done.Outputs[sync.BucketOutput])
		if bucket == "" {
			return fmt.Errorf("custom.s3Sync: there is no output %q to name a bucket", sync.BucketOutput)
		}
		from := filepath.Join(dir, filepath.FromSlash(sync.LocalDir))
		a.say("%s: put into the bucket %s", sync.LocalDir, bucket)
		if err := a.up.putAll(ctx, from, bucket, sync.Prefix); err != nil {
			return fmt.Errorf("custom.s3Sync: %w", err)
		}
	}
	return nil
}

// putAll puts the files below dir into a bucket, under a prefix.
func (u *uploader) putAll(ctx context.Context, dir, bucket, prefix string) error {
	return filepath.WalkDir(dir, func(file string, e fs.DirEntry, err error) error {
		if err != nil || !e.Type().IsRegular() {
			return err
		}
		rel, err := filepath.Rel(dir, file)
		if err != nil {
			return err
		}
		body, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		place := (&url.URL{Path: "/" + bucket + "/" + prefix + filepath.ToSlash(rel)}).EscapedPath()
		return u.put(ctx, place, mime.TypeByExtension(filepath.Ext(file)), body)
	})
}
