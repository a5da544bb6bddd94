package cloudformation

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	api "github.com/aloft-cloud/aloft/internal/api/cloudformation"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/deploy"
	"github.com/aloft-cloud/aloft/internal/deploy/resource"
	"github.com/aloft-cloud/aloft/internal/deploy/template"
)

// toImport returns by logical id what identifies the resources of a request.
func (s *Service) toImport(list []api.ResourceToImport) (map[string]string, error) {
	identified := make(map[string]string)
	for _, r := range list {
		typ := s.types().Find(r.ResourceType)
		if typ == nil || typ.Identifier() == "" {
			return nil, api.ValidationError.Errorf("ResourceTypes [%s] are not supported for Import", r.ResourceType)
		}
		id := r.ResourceIdentifier[typ.Identifier()]
		if id == "" || len(r.ResourceIdentifier) != 1 {
			return nil, api.ValidationError.Errorf("Invalid ResourceIdentifier for resource [%s]: %s is identified by [%s]", r.LogicalResourceId, r.ResourceType, typ.Identifier())
		}
		if identified[r.LogicalResourceId] != "" {
			return nil, api.ValidationError.Errorf("Duplicate resource [%s] in ResourcesToImport", r.LogicalResourceId)
		}
		identified[r.LogicalResourceId] = id
	}
	return identified, nil
}

// checkNamed refuses to import what the template has not, or the stack has.
func checkNamed(t *template.Template, identified map[string]string, rows []deploy.Row) error {
	for _, id := range slices.Sorted(maps.Keys(identified)) {
		if t.Resources[id] == nil {
			return api.ValidationError.Errorf("Resource [%s] in ResourcesToImport does not exist in the template", id)
		}
		if slices.ContainsFunc(rows, func(row deploy.Row) bool { return row.ID == id }) {
			return api.ValidationError.Errorf("Resource [%s] in ResourcesToImport already exists in the stack", id)
		}
	}
	return nil
}

// identifierSummaries says by what the resources of a template would be imported.
func (s *Service) identifierSummaries(t *template.Template) []api.ResourceIdentifierSummary {
	byType := make(map[string][]string)
	for id, r := range t.Resources {
		if typ := s.types().Find(r.Type); typ != nil && typ.Identifier() != "" {
			byType[r.Type] = append(byType[r.Type], id)
		}
	}
	out := []api.ResourceIdentifierSummary{}
	for _, name := range slices.Sorted(maps.Keys(byType)) {
		slices.Sort(byType[name])
		out = append(out, api.ResourceIdentifierSummary{
			ResourceType: &name, LogicalResourceIds: byType[name], ResourceIdentifiers: strings.Fields(s.types().Find(name).Identifier()),
		})
	}
	return out
}

// findExisting has a change set import what it would make under a name that a
// resource has already. Such resources must be kept when the stack is deleted.
func (s *Service) findExisting(ctx context.Context, call *aws.Call, set *changeSet, id aws.ARN) error {
	if set.Status != "CREATE_COMPLETE" {
		return nil
	}
	var refused []string
	resourcesOf, _ := set.Spec.Processed["Resources"].(map[string]any)
	for i := range set.Steps {
		step := &set.Steps[i]
		typ := s.types().Find(step.Type)
		if step.Action != "Add" || typ.Identifier() == "" {
			continue
		}
		name, _ := template.Text(step.After[typ.Naming.Property])
		if name == "" {
			continue
		}
		made, err := typ.Identify(&resource.Op{
			Env: resource.Env{Table: s.table}, Ctx: ctx, Call: call, Stack: resource.Stack{ID: id.String(), Name: stackName(id)},
			LogicalID: step.LogicalID, Type: step.Type, New: step.After,
		}, name)
		if err != nil {
			return err
		}
		if made == nil {
			continue
		}
		declared, _ := resourcesOf[step.LogicalID].(map[string]any)
		if policy := declared["DeletionPolicy"]; policy != template.Retain && policy != template.RetainExceptOnCreate {
			refused = append(refused, fmt.Sprintf("%s ({%s=%s})", step.LogicalID, typ.Naming.Property, name))
			continue
		}
		if set.Import == nil {
			set.Import = make(map[string]string)
		}
		set.Import[step.LogicalID] = name
		step.Action, step.PhysicalID = "Import", made.PhysicalID
	}
	if refused != nil {
		set.Status, set.Execution = "FAILED", "UNAVAILABLE"
		set.Reason = "CloudFormation is attempting to import some resources because they already exist in your account. The resources must have the DeletionPolicy attribute set to 'Retain' or 'RetainExceptOnCreate' in the template for successful import. The affected resources are " + strings.Join(refused, ", ")
	}
	return nil
}
