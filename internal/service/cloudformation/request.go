package cloudformation

import (
	"context"
	"encoding/json"
	"errors"
	"maps"
	"regexp"
	"slices"
	"strings"
	"sync"

	api "github.com/aloft-cloud/aloft/internal/api/cloudformation"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/deploy"
	"github.com/aloft-cloud/aloft/internal/deploy/resource"
	"github.com/aloft-cloud/aloft/internal/deploy/template"
)

// A request is what those operations have in common that say what a stack is to be.
type request struct {
	body, url     *string
	usePrevious   bool
	parameters    []api.Parameter
	tags          []api.Tag
	capabilities  []string
	resourceTypes []string
	notifications []string
	role          string
	changeSet     bool // macros may be run without leave: people look at what comes of them
}

var stackNamePattern = regexp.MustCompile(`^[a-zA-Z][-a-zA-Z0-9]*$`)

func checkName(name string) error {
	if name == "" {
		return api.ValidationError.Errorf("1 validation error detected: Value '' at 'stackName' failed to satisfy constraint: Member must have length greater than or equal to 1")
	}
	if !stackNamePattern.MatchString(name) {
		return api.ValidationError.Errorf("1 validation error detected: Value '%s' at 'stackName' failed to satisfy constraint: Member must satisfy regular expression pattern: [a-zA-Z][-a-zA-Z0-9]*", name)
	}
	if len(name) > 128 {
		return api.ValidationError.Errorf("1 validation error detected: Value '%s' at 'stackName' failed to satisfy constraint: Member must have length less than or equal to 128", name)
	}
	return nil
}

// A draft is a spec that has been checked, and its template made ready.
type draft struct {
	spec     *deploy.Spec
	prepared *deploy.Prepared
}

// draft works out what a stack is to be: id, or one that has that name, which
// is st if it is there already. If a macro has failed, or what somebody's macro
// has made is no good, it returns how far it came, without what is prepared.
func (s *Service) draft(ctx context.Context, call *aws.Call, r request, id aws.ARN, st *deploy.Stack) (*draft, error) {
	text, err := s.templateText(ctx, call, r, st)
	if err != nil {
		return nil, err
	}
	doc, err := template.Parse(text, template.Options{})
	if err != nil {
		return nil, refuse(err)
	}
	given, err := parameters(r.parameters, st)
	if err != nil {
		return nil, err
	}
	spec := &deploy.Spec{
		Template: text, Body: newID(), Capabilities: r.capabilities, NotificationARNs: r.notifications, RoleARN: r.role,
	}
	for _, tag := range r.tags {
		spec.Tags = append(spec.Tags, deploy.Tag{Key: tag.Key, Value: tag.Value})
	}
	spec.Transforms = deploy.Transforms(doc.Root)
	if (spec.Transforms != nil || deploy.UsesModules(doc.Root)) && !r.changeSet && !slices.Contains(r.capabilities, "CAPABILITY_AUTO_EXPAND") {
		return nil, api.InsufficientCapabilitiesException.Errorf("Requires capabilities : [CAPABILITY_AUTO_EXPAND]")
	}
	role := r.role
	if role == "" && st != nil {
		role = st.Spec.RoleARN
	}
	lookup := s.lookup(ctx, call, id, role)
	where := deploy.Place{
		Account: id.Account, Region: id.Region, StackID: id.String(), StackName: stackName(id), NotificationARNs: spec.NotificationARNs,
	}
	d := &draft{spec: spec}
	processed, err := deploy.Expand(doc.Root, given, lookup, where, expander{s, ctx, call})
	if deploy.FailedToExpand(err) {
		return d, refuse(err)
	}
	if err != nil {
		return nil, refuse(err)
	}
	spec.Processed = processed
	if err := checkProcessed(processed); err != nil {
		return nil, err
	}
	if d.prepared, err = deploy.Prepare(s.types(), processed, given, lookup, where); err != nil {
		if slices.ContainsFunc(spec.Transforms, func(name string) bool { return !strings.HasPrefix(name, "AWS::") }) {
			return d, refuse(err)
		}
		return nil, refuse(err)
	}
	finish(spec, d.prepared)
	return d, checkDraft(r, d.prepared.Template)
}

func checkProcessed(tree map[string]any) error {
	text, err := json.Marshal(tree)
	if err != nil {
		return err
	}
	if len(text) > template.MaxStored {
		return api.ValidationError.Errorf("Template may not exceed %d bytes in size.", template.MaxStored)
	}
	return nil
}

// finish sets what the template says of the spec.
func finish(spec *deploy.Spec, p *deploy.Prepared) {
	spec.Description = p.Template.Description
	spec.Parameters = p.Values.Given
	if len(p.Values.Resolved) > 0 {
		spec.Resolved = p.Values.Resolved
	}
	for _, name := range slices.Sorted(maps.Keys(p.Template.Parameters)) {
		if p.Template.Parameters[name].NoEcho {
			spec.NoEcho = append(spec.NoEcho, name)
		}
	}
}

// checkDraft holds a template to what the request acknowledges and allows.
func checkDraft(r request, t *template.Template) error {
	needed, _ := t.Capabilities()
	for _, capability := range needed {
		has := slices.Contains(r.capabilities, capability) ||
			capability == "CAPABILITY_IAM" && slices.Contains(r.capabilities, "CAPABILITY_NAMED_IAM")
		if !has {
			return api.InsufficientCapabilitiesException.Errorf("Requires capabilities : [%s]", capability)
		}
	}
	if r.resourceTypes == nil {
		return nil
	}
	for _, id := range slices.Sorted(maps.Keys(t.Resources)) {
		typ := t.Resources[id].Type
		if !slices.ContainsFunc(r.resourceTypes, func(pattern string) bool { return typeAllowed(pattern, typ) }) {
			return api.ValidationError.Errorf("Resource type %s is not allowed by parameter ResourceTypes [%s]", typ, strings.Join(r.resourceTypes, ", "))
		}
	}
	return nil
}

func typeAllowed(pattern, typ string) bool {
	prefix, wild := strings.CutSuffix(pattern, "::*")
	return pattern == typ || wild && strings.HasPrefix(typ, prefix+"::")
}

// parameters are the values that a request gives, or that the stack has.
func parameters(list []api.Parameter, st *deploy.Stack) (map[string]string, error) {
	given := make(map[string]string, len(list))
	for _, p := range list {
		key := aws.Value(p.ParameterKey)
		if !aws.Value(p.UsePreviousValue) {
			if p.ParameterValue != nil {
				given[key] = *p.ParameterValue
			}
			continue
		}
		if p.ParameterValue != nil {
			return nil, api.ValidationError.Errorf("Invalid input for parameter key %s. Cannot specify usePreviousValue as true and non empty value for a parameter", key)
		}
		if st == nil {
			return nil, api.ValidationError.Errorf("Invalid input for parameter key %s. Cannot specify usePreviousValue as true for a parameter key not in the previous template", key)
		}
		value, has := st.Spec.Parameters[key]
		if !has {
			return nil, api.ValidationError.Errorf("Invalid input for parameter key %s. Cannot specify usePreviousValue as true for a parameter key not in the previous template", key)
		}
		given[key] = value
	}
	return given, nil
}

// checkRole refuses a role that CloudFormation may not assume.
func (s *Service) checkRole(ctx context.Context, id aws.ARN, role string) error {
	if role == "" {
		return nil
	}
	if _, err := s.assume(ctx, id, role); err != nil {
		return errRole(role)
	}
	return nil
}

func errRole(role string) error {
	return api.ValidationError.Errorf("Role %s is invalid or cannot be assumed", role)
}

// lookup finds values that Systems Manager keeps, as the role of a stack if it
// has one; nil: it is not there.
func (s *Service) lookup(ctx context.Context, call *aws.Call, id aws.ARN, role string) template.Lookup {
	if _, err := s.table.Find("ssm", "GetParameter"); err != nil {
		return nil
	}
	reader := sync.OnceValues(func() (*aws.Call, error) {
		if role == "" {
			return call, nil
		}
		return s.assume(ctx, id, role)
	})
	return func(name string) (string, error) {
		by, err := reader()
		if err != nil {
			return "", errRole(role)
		}
		v, err := deploy.Stored(ctx, s.table, by, name)
		if _, ok := errors.AsType[*resource.Refusal](err); ok {
			return "", &template.Error{Message: "Unable to fetch parameters [" + name + "] from parameter store for this account."}
		}
		return v, err
	}
}
