package cloudformation

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/url"
	"regexp"
	"slices"
	"strings"

	api "github.com/aloft-cloud/aloft/internal/api/cloudformation"
	"github.com/aloft-cloud/aloft/internal/api/s3"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/deploy"
	"github.com/aloft-cloud/aloft/internal/deploy/resource"
	"github.com/aloft-cloud/aloft/internal/deploy/template"
	"github.com/aloft-cloud/aloft/internal/dispatch"
	"github.com/aloft-cloud/aloft/internal/store"
)

// templateText finds the template of a request: in it, in a bucket, or the one
// that the stack has.
func (s *Service) templateText(ctx context.Context, call *aws.Call, r request, st *deploy.Stack) (string, error) {
	switch {
	case r.usePrevious && (r.body != nil || r.url != nil):
		return "", api.ValidationError.Errorf("Either Template URL or Template Body must be specified.")
	case r.usePrevious && st != nil && st.Spec.Body != "":
		spec := st.Spec
		err := s.db.View(ctx, func(tx *store.Tx) error { return loadBody(tx, stackID(st.ID), &spec) })
		return spec.Template, err
	case r.body != nil && r.url != nil, r.body == nil && r.url == nil:
		return "", api.ValidationError.Errorf("Either Template URL or Template Body must be specified.")
	case r.body != nil:
		if len(*r.body) > template.MaxBody {
			return "", api.ValidationError.Errorf("1 validation error detected: Value '%s' at 'templateBody' failed to satisfy constraint: Member must have length less than or equal to %d", *r.body, template.MaxBody)
		}
		return *r.body, nil
	}
	return s.fetch(ctx, call, *r.url)
}

// s3Hosts are the hosts of S3, and what stands before them.
var s3Hosts = regexp.MustCompile(`^(?:(.+)\.)?s3(?:[.-][a-z0-9-]+)?(?:\.dualstack)?\.(?:[a-z0-9-]+\.)?(?:amazonaws\.com(?:\.cn)?|localhost|localhost\.localstack\.cloud)$`)

// fetch reads a template from a bucket. Addresses of AWS mean our own buckets.
func (s *Service) fetch(ctx context.Context, call *aws.Call, address string) (string, error) {
	bucket, key, ok := bucketAndKey(address, call.Host)
	if !ok {
		return "", api.ValidationError.Errorf("TemplateURL must be a supported URL.")
	}
	out, err := dispatch.Call(ctx, s.table, call, s3.GetObject, &s3.GetObjectInput{Bucket: bucket, Key: key})
	if err != nil {
		return "", api.ValidationError.Errorf("S3 error: %s", aws.Refusal(err).Message)
	}
	if c, ok := out.Body.(io.Closer); ok {
		defer c.Close()
	}
	text, err := io.ReadAll(io.LimitReader(out.Body, template.MaxStored+1))
	if err != nil {
		return "", fmt.Errorf("read %s: %w", address, err)
	}
	if len(text) > template.MaxStored {
		return "", api.ValidationError.Errorf("Template may not exceed %d bytes in size.", template.MaxStored)
	}
	return string(text), nil
}

// bucketAndKey takes the address of an object apart. host is our own.
func bucketAndKey(address, host string) (bucket, key string, ok bool) {
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "https" && u.Scheme != "http" && u.Scheme != "s3" {
		return "", "", false
	}
	path := strings.TrimPrefix(u.Path, "/")
	if u.Scheme == "s3" {
		return u.Host, path, u.Host != "" && path != ""
	}
	m := s3Hosts.FindStringSubmatch(u.Hostname())
	switch {
	case m != nil && m[1] != "":
		return m[1], path, path != ""
	case m == nil && u.Host != host && u.Hostname() != "localhost" && u.Hostname() != "127.0.0.1":
		return "", "", false
	}
	bucket, key, ok = strings.Cut(path, "/")
	return bucket, key, ok && bucket != "" && key != ""
}

// GetTemplate returns the template of a stack or a change set.
func (s *Service) GetTemplate(ctx context.Context, call *aws.Call, in *api.GetTemplateInput) (*api.GetTemplateOutput, error) {
	if aws.Value(in.StackName) == "" && !strings.HasPrefix(aws.Value(in.ChangeSetName), "arn:") {
		return nil, api.ValidationError.Errorf("StackName is a required parameter.")
	}
	var spec deploy.Spec
	err := s.db.View(ctx, func(tx *store.Tx) error {
		if in.ChangeSetName != nil {
			set, err := findChangeSet(tx, call, aws.Value(in.StackName), *in.ChangeSetName)
			if err != nil {
				return err
			}
			spec = set.Spec
			id, err := stackOfSet.Get(tx, set.ID)
			if err != nil {
				return err
			}
			return loadBody(tx, id, &spec)
		}
		st, err := needStack(tx, call, *in.StackName, errNoStackWithID)
		if err != nil {
			return err
		}
		spec = st.Spec
		if spec.Body == "" && st.Next != nil {
			spec = *st.Next
		}
		return loadBody(tx, stackID(st.ID), &spec)
	})
	if err != nil {
		return nil, err
	}
	out := &api.GetTemplateOutput{TemplateBody: &spec.Template, StagesAvailable: []string{"Original", "Processed"}}
	if spec.Transforms != nil && aws.Value(in.TemplateStage) != "Original" {
		out.TemplateBody = new(resource.JSON(map[string]any(spec.Processed)))
	}
	return out, nil
}

// ValidateTemplate says what is wrong with a template, or what it needs.
func (s *Service) ValidateTemplate(ctx context.Context, call *aws.Call, in *api.ValidateTemplateInput) (*api.ValidateTemplateOutput, error) {
	sum, err := s.summarize(ctx, call, request{body: in.TemplateBody, url: in.TemplateURL}, nil)
	if err != nil {
		return nil, err
	}
	out := &api.ValidateTemplateOutput{
		Description: sum.Description, Capabilities: sum.Capabilities, CapabilitiesReason: sum.CapabilitiesReason, DeclaredTransforms: sum.DeclaredTransforms,
	}
	for _, p := range sum.Parameters {
		out.Parameters = append(out.Parameters, api.TemplateParameter{
			ParameterKey: p.ParameterKey, DefaultValue: p.DefaultValue, NoEcho: p.NoEcho, Description: p.Description,
		})
	}
	return out, nil
}

// GetTemplateSummary says what a template has in it, and what it needs.
func (s *Service) GetTemplateSummary(ctx context.Context, call *aws.Call, in *api.GetTemplateSummaryInput) (*api.GetTemplateSummaryOutput, error) {
	if in.StackName == nil {
		return s.summarize(ctx, call, request{body: in.TemplateBody, url: in.TemplateURL}, nil)
	}
	var st deploy.Stack
	err := s.db.View(ctx, func(tx *store.Tx) error {
		var err error
		st, err = needStack(tx, call, *in.StackName, errNoStackWithID)
		return err
	})
	if err != nil {
		return nil, err
	}
	if st.Status == "REVIEW_IN_PROGRESS" {
		return nil, api.ValidationError.Errorf("GetTemplateSummary cannot be called on REVIEW_IN_PROGRESS stacks.")
	}
	if st.Next != nil {
		st.Spec = *st.Next
	}
	return s.summarize(ctx, call, request{usePrevious: true}, &st)
}

// summarize checks a template as far as that is possible without parameters.
func (s *Service) summarize(ctx context.Context, call *aws.Call, r request, st *deploy.Stack) (*api.GetTemplateSummaryOutput, error) {
	text, err := s.templateText(ctx, call, r, st)
	if err != nil {
		return nil, err
	}
	doc, err := template.Parse(text, template.Options{})
	if err != nil {
		return nil, refuse(err)
	}
	out := &api.GetTemplateSummaryOutput{ResourceIdentifierSummaries: []api.ResourceIdentifierSummary{}}
	for _, transform := range template.Transforms(doc.Root) {
		out.DeclaredTransforms = append(out.DeclaredTransforms, transform.Name)
	}
	if v, ok := doc.Root["AWSTemplateFormatVersion"].(string); ok {
		out.Version = &v
	}
	if v, ok := doc.Root["Metadata"].(map[string]any); ok {
		out.Metadata = new(resource.JSON(v))
	}
	t, err := loadForSummary(doc.Root, out.DeclaredTransforms != nil)
	if err != nil {
		return nil, refuse(err)
	}
	if t.Description != "" {
		out.Description = &t.Description
	}
	needed, reason := t.Capabilities()
	if out.DeclaredTransforms != nil {
		needed = append(needed, "CAPABILITY_AUTO_EXPAND")
		reason = "The following resource(s) require capabilities: [" + strings.Join(out.DeclaredTransforms, ", ") + "]"
	}
	if needed != nil {
		out.Capabilities, out.CapabilitiesReason = needed, &reason
	}
	for _, r := range t.Resources {
		if !slices.Contains(out.ResourceTypes, r.Type) {
			out.ResourceTypes = append(out.ResourceTypes, r.Type)
		}
	}
	slices.Sort(out.ResourceTypes)
	out.Parameters = declarations(t)
	out.ResourceIdentifierSummaries = s.identifierSummaries(t)
	return out, nil
}

// loadForSummary loads a template. One with macros is looked at as it is: what
// only macros understand is left out.
func loadForSummary(root map[string]any, macros bool) (*template.Template, error) {
	if !macros {
		return template.Load(root)
	}
	plain := make(map[string]any)
	for _, name := range []string{"AWSTemplateFormatVersion", "Description", "Metadata", "Parameters"} {
		if v, has := root[name]; has {
			plain[name] = v
		}
	}
	types := make(map[string]any)
	resources, _ := root["Resources"].(map[string]any)
	for id, v := range resources {
		m, _ := v.(map[string]any)
		if typ, ok := m["Type"].(string); ok && !strings.HasPrefix(id, "Fn::") {
			types[id] = map[string]any{"Type": typ}
		}
	}
	plain["Resources"] = types
	return template.Load(plain)
}

func declarations(t *template.Template) []api.ParameterDeclaration {
	list := []api.ParameterDeclaration{}
	for _, name := range slices.Sorted(maps.Keys(t.Parameters)) {
		p := t.Parameters[name]
		d := api.ParameterDeclaration{
			ParameterKey: &p.Name, DefaultValue: p.Default, ParameterType: &p.Type, NoEcho: &p.NoEcho,
			ParameterConstraints: &api.ParameterConstraints{AllowedValues: p.AllowedValues},
		}
		if p.Description != "" {
			d.Description = &p.Description
		}
		list = append(list, d)
	}
	return list
}

// jsonText writes v for people and tools to read.
func jsonText(v any) *string {
	text, err := json.Marshal(v)
	if err != nil {
		return nil
	}
	return new(string(text))
}
