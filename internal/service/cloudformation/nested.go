package cloudformation

import (
	"slices"
	"strings"
	"time"

	api "github.com/aloft-cloud/aloft/internal/api/cloudformation"
	"github.com/aloft-cloud/aloft/internal/deploy"
	"github.com/aloft-cloud/aloft/internal/deploy/resource"
	"github.com/aloft-cloud/aloft/internal/store"
)

// acknowledged are the capabilities of nested stacks: who made their root
// stack has acknowledged what is in it.
var acknowledged = []string{"CAPABILITY_IAM", "CAPABILITY_NAMED_IAM", "CAPABILITY_AUTO_EXPAND"}

// CreateNested implements resource.Nested.
func (s *Service) CreateNested(op *resource.Op) (*resource.Made, error) {
	in := &api.CreateStackInput{
		StackName: op.Name, ClientRequestToken: &op.Token, Capabilities: acknowledged, Tags: nestedTags(op),
	}
	if err := resource.Bind(op, map[string]any{
		"TemplateURL": op.New["TemplateURL"], "NotificationARNs": op.New["NotificationARNs"], "TimeoutInMinutes": op.New["TimeoutInMinutes"],
	}, in); err != nil {
		return nil, err
	}
	in.Parameters = nestedParameters(op)
	id, err := s.createStack(op.Ctx, op.Call, in, op.Stack.ID)
	if err != nil {
		return nil, err
	}
	made, err := s.await(op, id, "CREATE_COMPLETE")
	if made == nil {
		made = &resource.Made{PhysicalID: id}
	}
	return made, err
}

// UpdateNested implements resource.Nested.
func (s *Service) UpdateNested(op *resource.Op) (*resource.Made, error) {
	in := &api.UpdateStackInput{
		StackName: op.PhysicalID, ClientRequestToken: &op.Token, Capabilities: acknowledged, Tags: nestedTags(op),
	}
	if err := resource.Bind(op, map[string]any{"TemplateURL": op.New["TemplateURL"], "NotificationARNs": op.New["NotificationARNs"]}, in); err != nil {
		return nil, err
	}
	in.Parameters = nestedParameters(op)
	_, err := resource.Do(op, api.UpdateStack, in)
	if err != nil && !strings.Contains(err.Error(), "No updates are to be performed") {
		return nil, err
	}
	return s.await(op, op.PhysicalID, "CREATE_COMPLETE", "UPDATE_COMPLETE")
}

// DeleteNested implements resource.Nested.
func (s *Service) DeleteNested(op *resource.Op) error {
	if _, err := resource.Do(op, api.DeleteStack, &api.DeleteStackInput{StackName: op.PhysicalID}); err != nil {
		return err
	}
	_, err := s.await(op, op.PhysicalID, "DELETE_COMPLETE")
	return err
}

func nestedParameters(op *resource.Op) []api.Parameter {
	given, _ := op.New["Parameters"].(map[string]any)
	var list []api.Parameter
	for _, key := range sortedKeys(given) {
		list = append(list, api.Parameter{ParameterKey: &key, ParameterValue: new(resource.ParameterText(given[key]))})
	}
	return list
}

func sortedKeys(m map[string]any) []string {
	keys := make([]string, 0, len(m))
	for key := range m {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	return keys
}

func nestedTags(op *resource.Op) []api.Tag {
	tags := []api.Tag{}
	own, _ := op.New["Tags"].([]any)
	for _, v := range own {
		m, _ := v.(map[string]any)
		tags = append(tags, api.Tag{Key: resource.ParameterText(m["Key"]), Value: resource.ParameterText(m["Value"])})
	}
	for key, value := range op.Stack.Tags {
		if !slices.ContainsFunc(tags, func(t api.Tag) bool { return t.Key == key }) {
			tags = append(tags, api.Tag{Key: key, Value: value})
		}
	}
	slices.SortFunc(tags, func(a, b api.Tag) int { return strings.Compare(a.Key, b.Key) })
	return tags
}

// await waits until a nested stack is at rest, and returns it if it is as wanted.
func (s *Service) await(op *resource.Op, id string, wanted ...string) (*resource.Made, error) {
	bell, stop := s.db.Watch(topic(stackID(id)))
	defer stop()
	for {
		var st deploy.Stack
		err := s.db.View(op.Ctx, func(tx *store.Tx) error {
			var err error
			st, err = stacks.Get(tx, stackID(id))
			if err == nil && st.Reason == "" {
				st.Reason = failure(tx, id)
			}
			return err
		})
		if err != nil {
			return nil, err
		}
		if st.Phase == deploy.AtRest {
			return nestedMade(&st, wanted)
		}
		select {
		case <-bell:
		case <-time.After(time.Minute):
		case <-op.Ctx.Done():
			return nil, op.Ctx.Err()
		}
	}
}

// failure is why the last deed of a stack failed, which the stack itself does not
// say any more when it is rolled back.
func failure(tx *store.Tx, id string) string {
	for _, e := range events.ScanReverse(tx, stackID(id), store.MaxPosition) {
		if e.PhysicalID == id && strings.HasSuffix(e.Status, "ROLLBACK_IN_PROGRESS") {
			reason, _, _ := strings.Cut(e.Reason, " Rollback requested by user.")
			return reason
		}
	}
	return ""
}

func nestedMade(st *deploy.Stack, wanted []string) (*resource.Made, error) {
	made := &resource.Made{PhysicalID: st.ID, Attributes: make(map[string]any)}
	for _, o := range st.Outputs {
		made.Attributes["Outputs."+o.Key] = o.Value
	}
	if slices.Contains(wanted, st.Status) {
		return made, nil
	}
	return made, api.ValidationError.Errorf("Embedded stack %s was not successfully %s: %s", st.ID, nestedVerb(st.Status), st.Reason)
}

func nestedVerb(status string) string {
	switch {
	case strings.HasPrefix(status, "DELETE"):
		return "deleted"
	case strings.HasPrefix(status, "UPDATE"):
		return "updated"
	}
	return "created"
}

var _ resource.Nested = (*Service)(nil)
