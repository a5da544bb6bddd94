package states

import (
	"context"
	"fmt"
	"sync"

	api "github.com/aloft-cloud/aloft/internal/api/states"
	"github.com/aloft-cloud/aloft/internal/asl"
	"github.com/aloft-cloud/aloft/internal/aws"
)

// checkDefinition refuses a definition with an error in it.
func checkDefinition(text, kind string) error {
	_, diagnostics := parseAs(text, kind)
	if why := asl.InvalidDefinition(diagnostics); why != "" {
		return api.InvalidDefinition.Errorf("%s", why)
	}
	return nil
}

// parseAs reads a definition of a type of machine.
func parseAs(text, kind string) (*asl.Machine, []asl.Diagnostic) {
	if kind == api.StateMachineTypeExpress {
		return asl.Parse([]byte(text), asl.AsExpress)
	}
	return asl.Parse([]byte(text))
}

// maxDiagnostics is how many of them an answer has, if nobody says.
const maxDiagnostics = 100

// ValidateStateMachineDefinition says what is wrong with a definition.
func (s *Service) ValidateStateMachineDefinition(_ context.Context, _ *aws.Call, in *api.ValidateStateMachineDefinitionInput) (*api.ValidateStateMachineDefinitionOutput, error) {
	_, found := parseAs(in.Definition, aws.Value(in.Type))
	most := int(aws.Value(in.MaxResults))
	if most == 0 {
		most = maxDiagnostics
	}
	least := aws.Or(in.Severity, api.ValidateStateMachineDefinitionSeverityError)
	out := &api.ValidateStateMachineDefinitionOutput{Result: api.ValidateStateMachineDefinitionResultCodeOk, Diagnostics: []api.ValidateStateMachineDefinitionDiagnostic{}, Truncated: new(false)}
	for _, d := range found {
		isError := d.Severity == api.ValidateStateMachineDefinitionSeverityError
		if isError {
			out.Result = api.ValidateStateMachineDefinitionResultCodeFail
		}
		switch {
		case !isError && least == api.ValidateStateMachineDefinitionSeverityError:
		case len(out.Diagnostics) == most:
			out.Truncated = new(true)
		default:
			out.Diagnostics = append(out.Diagnostics, api.ValidateStateMachineDefinitionDiagnostic{Severity: d.Severity, Code: d.Code, Message: d.Message, Location: optional(d.Location)})
		}
	}
	return out, nil
}

// parsed remembers definitions that were read lately.
type parsed struct {
	mu   sync.Mutex
	held map[specKey]*asl.Machine
}

// maxParsed is how many definitions are remembered.
const maxParsed = 500

// get returns the machine of a spec.
func (p *parsed) get(key specKey, definition string) (*asl.Machine, error) {
	p.mu.Lock()
	m := p.held[key]
	p.mu.Unlock()
	if m != nil {
		return m, nil
	}
	m, diagnostics := asl.Parse([]byte(definition))
	if m == nil {
		return nil, fmt.Errorf("definition that was checked: %s", asl.InvalidDefinition(diagnostics))
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.held == nil || len(p.held) >= maxParsed {
		p.held = make(map[specKey]*asl.Machine)
	}
	p.held[key] = m
	return m, nil
}

// variablesOf says which variables the states of a definition refer to.
func variablesOf(definition string) map[string][]string {
	m, _ := asl.Parse([]byte(definition))
	if m == nil {
		return nil
	}
	return m.VariableReferences
}
