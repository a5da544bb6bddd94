package cli

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"

	"github.com/aloft-cloud/aloft/internal/deploy"
	"github.com/aloft-cloud/aloft/internal/deploy/resource"
	"github.com/aloft-cloud/aloft/internal/deploy/template"
	"github.com/aloft-cloud/aloft/internal/platform"
	"github.com/aloft-cloud/aloft/internal/service"
	"github.com/aloft-cloud/aloft/internal/service/states/integration"
	"github.com/aloft-cloud/aloft/internal/smithy"
)

// taskResource is what a task of a state machine calls, in a definition.
var taskResource = regexp.MustCompile(`arn:(?:aws|\$\{AWS::Partition\}):states:::((?:aws-sdk:)?[A-Za-z0-9-]+):([A-Za-z0-9]+)`)

// machineTypes are the types of state machines, with the properties that may
// name a file that has the definition.
var machineTypes = map[string]string{
	"AWS::Serverless::StateMachine":    "DefinitionUri",
	"AWS::StepFunctions::StateMachine": "DefinitionS3Location",
}

// A taskTable is what tasks of state machines can call.
type taskTable struct {
	integrations *integration.Table
	services     []service.Definition
}

// newTaskTable is what tasks can call on a platform.
func newTaskTable() (*taskTable, error) {
	services, err := platform.Services()
	if err != nil {
		return nil, err
	}
	var apis []*smithy.Service
	for _, def := range services {
		apis = append(apis, def.API)
	}
	return &taskTable{integration.NewTable(apis), services}, nil
}

// has says whether a task of that kind does what it says.
func (t *taskTable) has(kind, action string) bool {
	if action == "invoke" && (kind == "http" || kind == "apigateway") || kind == "s3" {
		return true // the latter are not tasks, but what a distributed Map reads and writes
	}
	target, ok := t.integrations.Find(kind, action)
	return ok && slices.ContainsFunc(t.services, func(def service.Definition) bool {
		return slices.ContainsFunc(def.Operations, func(o service.Operation) bool { return o.Service == target.Service && o.Name == target.Operation })
	})
}

// lackingTasks finds the tasks of state machines that call what is not there.
// Such a machine is deployed; a task of it fails when it is run.
func (t *taskTable) lackingTasks(doc *template.Document, dir string) (found []deploy.Finding) {
	resources, _ := doc.Root["Resources"].(map[string]any)
	for id, v := range resources {
		r, _ := v.(map[string]any)
		kind, _ := r["Type"].(string)
		file, isMachine := machineTypes[kind]
		if !isMachine {
			continue
		}
		properties, _ := r["Properties"].(map[string]any)
		text := resource.JSON(properties)
		if path, ok := properties[file].(string); ok {
			if b, err := os.ReadFile(filepath.Join(dir, path)); err == nil {
				text += string(b)
			}
		}
		said := make(map[string]bool)
		for _, m := range taskResource.FindAllStringSubmatch(text, -1) {
			name := m[1] + ":" + m[2]
			if said[name] || t.has(m[1], m[2]) {
				continue
			}
			said[name] = true
			found = append(found, deploy.Finding{
				Line: doc.Line("Resources", id), Resource: id, Type: kind, Kind: deploy.Noted,
				Message: fmt.Sprintf("tasks that call %s fail: Aloft does not have that", name),
			})
		}
	}
	slices.SortFunc(found, func(a, b deploy.Finding) int {
		if a.Line != b.Line {
			return a.Line - b.Line
		}
		return len(a.Message) - len(b.Message)
	})
	return found
}
