package cloudformation

import (
	"maps"
	"slices"
	"strings"

	api "github.com/aloft-cloud/aloft/internal/api/cloudformation"
	"github.com/aloft-cloud/aloft/internal/deploy"
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
