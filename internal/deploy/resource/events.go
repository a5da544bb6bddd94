package resource

import (
	"encoding/json"
	"slices"
	"strings"

	"github.com/aloft-cloud/aloft/internal/api/events"
	"github.com/aloft-cloud/aloft/internal/aws"
)

// Events has the types of EventBridge.
func Events() []*Type {
	return []*Type{eventRule(), eventBus(), eventBusPolicy(), eventArchive(), eventConnection(), apiDestination(), eventsEndpoint()}
}

func eventRule() *Type {
	return &Type{
		Name:       "AWS::Events::Rule",
		Properties: Props("Description EventBusName@ EventPattern Name@ RoleArn ScheduleExpression State Tags Targets"),
		Attributes: []string{"Arn"},
		Naming:     Naming{Property: "Name", Max: 64},
		Shape: func() any {
			return new(struct {
				events.PutRuleInput
				Targets []events.Target
			})
		},
		Create: func(op *Op) (*Made, error) {
			made := madeRule(op)
			_, name := ruleOf(made.PhysicalID)
			if _, err := Do(op, events.DescribeRule, &events.DescribeRuleInput{Name: name, EventBusName: busOf(op.New)}); err == nil {
				return nil, alreadyExists("Resource of type 'AWS::Events::Rule' with identifier '%s' already exists.", made.PhysicalID)
			} else if err := ignoreGone(err); err != nil {
				return nil, err
			}
			if err := putRule(op, name, true); err != nil {
				return nil, err
			}
			return made, putTargets(op, name)
		},
		Update: func(op *Op) (*Made, error) {
			made := madeRule(op)
			_, name := ruleOf(made.PhysicalID)
			if err := putRule(op, name, false); err != nil {
				return nil, err
			}
			if err := putTargets(op, name); err != nil {
				return made, err
			}
			return made, retagEvents(op, text(made.Attributes["Arn"]))
		},
		Delete: func(op *Op) error {
			_, name := ruleOf(op.PhysicalID)
			bus := busOf(op.Old)
			out, err := Do(op, events.ListTargetsByRule, &events.ListTargetsByRuleInput{Rule: name, EventBusName: bus})
			if err != nil {
				return err
			}
			var ids []string
			for _, t := range out.Targets {
				ids = append(ids, t.Id)
			}
			if len(ids) > 0 {
				if _, err := Do(op, events.RemoveTargets, &events.RemoveTargetsInput{Rule: name, EventBusName: bus, Ids: ids}); err != nil {
					return err
				}
			}
			_, err = Do(op, events.DeleteRule, &events.DeleteRuleInput{Name: name, EventBusName: bus})
			return err
		},
		Find: func(op *Op) (*Made, error) {
			made := madeRule(op)
			_, name := ruleOf(made.PhysicalID)
			_, err := Do(op, events.DescribeRule, &events.DescribeRuleInput{Name: name, EventBusName: busOf(op.New)})
			if err != nil {
				return nil, ignoreGone(err)
			}
			return made, putTargets(op, name)
		},
	}
}

// busOf is the bus of a rule, nil for the default one.
func busOf(properties map[string]any) *string {
	if bus := text(properties["EventBusName"]); bus != "" {
		return &bus
	}
	return nil
}

// ruleOf takes the physical id of a rule apart: that of the default bus is its
// name alone.
func ruleOf(id string) (bus, name string) {
	if bus, name, ok := strings.Cut(id, "|"); ok {
		return bus, name
	}
	return "", id
}

func madeRule(op *Op) *Made {
	name := op.Named("Name")
	if op.PhysicalID != "" {
		_, name = ruleOf(op.PhysicalID)
	}
	bus := op.Text("EventBusName")
	if _, path, ok := strings.Cut(bus, ":event-bus/"); ok {
		bus = path
	}
	made := &Made{PhysicalID: name, Attributes: map[string]any{"Arn": op.ARN("events", "rule/"+name)}}
	if bus != "" && bus != "default" {
		made = &Made{PhysicalID: bus + "|" + name, Attributes: map[string]any{"Arn": op.ARN("events", "rule/"+bus+"/"+name)}}
	}
	for _, t := range list(op.New["Targets"]) {
		noteTarget(made, text(object(t)["Arn"]))
	}
	return made
}

func putRule(op *Op, name string, tagged bool) error {
	in := &events.PutRuleInput{Name: name}
	if err := Bind(op, without(op.New, "Name", "Tags"), in); err != nil {
		return err
	}
	if tagged {
		in.Tags = eventTags(tagMap(op.New["Tags"]))
	}
	_, err := Do(op, events.PutRule, in)
	return err
}

// putTargets makes the targets of a rule those that op.New says.
func putTargets(op *Op, name string) error {
	in := &events.PutTargetsInput{Rule: name, EventBusName: busOf(op.New)}
	if err := Bind(op, pick(op.New, "Targets"), in); err != nil {
		return err
	}
	var gone []string
	for _, old := range list(op.Old["Targets"]) {
		id := text(object(old)["Id"])
		if !slices.ContainsFunc(in.Targets, func(t events.Target) bool { return t.Id == id }) {
			gone = append(gone, id)
		}
	}
	if len(gone) > 0 {
		if _, err := Do(op, events.RemoveTargets, &events.RemoveTargetsInput{Rule: name, EventBusName: in.EventBusName, Ids: gone}); err != nil {
			return err
		}
	}
	if len(in.Targets) == 0 {
		return nil
	}
	_, err := Do(op, events.PutTargets, in)
	return err
}

func eventTags(tags map[string]string) (out []events.Tag) {
	for key, value := range tags {
		out = append(out, events.Tag{Key: key, Value: value})
	}
	return out
}

func retagEvents(op *Op, arn string) error {
	return retag(op, tagMap, func(tags map[string]string) error {
		_, err := Do(op, events.TagResource, &events.TagResourceInput{ResourceARN: arn, Tags: eventTags(tags)})
		return err
	}, func(keys []string) error {
		_, err := Do(op, events.UntagResource, &events.UntagResourceInput{ResourceARN: arn, TagKeys: keys})
		return err
	})
}

func eventBus() *Type {
	made := func(op *Op, name string) *Made {
		return &Made{PhysicalID: name, Attributes: map[string]any{"Arn": op.ARN("events", "event-bus/"+name), "Name": name, "Policy": op.Text("Policy")}}
	}
	setPolicy := func(op *Op, name string) error {
		switch v, has := op.New["Policy"]; {
		case !op.Changed("Policy"):
			return nil
		case has:
			_, err := Do(op, events.PutPermission, &events.PutPermissionInput{EventBusName: &name, Policy: new(settingText(v))})
			return err
		}
		_, err := Do(op, events.RemovePermission, &events.RemovePermissionInput{EventBusName: &name, RemoveAllPermissions: new(true)})
		return err
	}
	return &Type{
		Name:       "AWS::Events::EventBus",
		Properties: Props("DeadLetterConfig Description EventSourceName-@ KmsKeyIdentifier LogConfig Name!@ Policy Tags"),
		Attributes: []string{"Arn", "Name", "Policy"},
		Create: func(op *Op) (*Made, error) {
			in := &events.CreateEventBusInput{Tags: eventTags(tagMap(op.New["Tags"]))}
			if err := Bind(op, without(op.New, "Tags", "Policy"), in); err != nil {
				return nil, err
			}
			if _, err := Do(op, events.CreateEventBus, in); err != nil {
				return nil, err
			}
			return made(op, in.Name), setPolicy(op, in.Name)
		},
		Update: func(op *Op) (*Made, error) {
			in := &events.UpdateEventBusInput{Name: &op.PhysicalID}
			if err := Bind(op, without(op.New, "Name", "Tags", "Policy"), in); err != nil {
				return nil, err
			}
			if _, err := Do(op, events.UpdateEventBus, in); err != nil {
				return nil, err
			}
			m := made(op, op.PhysicalID)
			if err := setPolicy(op, op.PhysicalID); err != nil {
				return m, err
			}
			return m, retagEvents(op, text(m.Attributes["Arn"]))
		},
		Delete: func(op *Op) error {
			_, err := Do(op, events.DeleteEventBus, &events.DeleteEventBusInput{Name: op.PhysicalID})
			return err
		},
		Find: func(op *Op) (*Made, error) {
			name := op.Text("Name")
			if _, err := Do(op, events.DescribeEventBus, &events.DescribeEventBusInput{Name: &name}); err != nil {
				return nil, ignoreGone(err)
			}
			return made(op, name), setPolicy(op, name)
		},
	}
}

func eventBusPolicy() *Type {
	put := func(op *Op) (*Made, error) {
		made := &Made{PhysicalID: op.Text("StatementId")}
		if bus := op.Text("EventBusName"); bus != "" {
			made.PhysicalID = bus + "|" + made.PhysicalID
		}
		in := &events.PutPermissionInput{EventBusName: busOf(op.New)}
		statement, has := op.New["Statement"]
		if !has {
			if err := Bind(op, pick(op.New, "StatementId", "Action", "Principal", "Condition"), in); err != nil {
				return nil, err
			}
			_, err := Do(op, events.PutPermission, in)
			return made, err
		}
		text, err := withStatement(op, object(statement))
		if err != nil {
			return nil, err
		}
		in.Policy = &text
		_, err = Do(op, events.PutPermission, in)
		return made, err
	}
	return &Type{
		Name:       "AWS::Events::EventBusPolicy",
		Properties: Props("Action Condition EventBusName@ Principal Statement StatementId!@"),
		Create:     put,
		Update:     put,
		Delete: func(op *Op) error {
			_, err := Do(op, events.RemovePermission, &events.RemovePermissionInput{EventBusName: busOf(op.Old), StatementId: new(text(op.Old["StatementId"]))})
			return err
		},
	}
}

// withStatement is the policy of a bus with a statement, in place of the one of
// that id.
func withStatement(op *Op, statement map[string]any) (string, error) {
	bus, err := Do(op, events.DescribeEventBus, &events.DescribeEventBusInput{Name: busOf(op.New)})
	if err != nil {
		return "", err
	}
	doc := struct {
		Version   string
		Statement []json.RawMessage
	}{Version: "2012-10-17"}
	if had := aws.Value(bus.Policy); had != "" {
		if err := json.Unmarshal([]byte(had), &doc); err != nil {
			return "", err
		}
	}
	sid := op.Text("StatementId")
	doc.Statement = slices.DeleteFunc(doc.Statement, func(text json.RawMessage) bool {
		var st struct{ Sid string }
		return json.Unmarshal(text, &st) == nil && st.Sid == sid
	})
	mine := without(statement, "Sid")
	mine["Sid"] = sid
	doc.Statement = append(doc.Statement, json.RawMessage(JSON(mine)))
	return JSON(doc), nil
}

func eventArchive() *Type {
	made := func(op *Op, name string) *Made {
		return &Made{PhysicalID: name, Attributes: map[string]any{"Arn": op.ARN("events", "archive/"+name), "ArchiveName": name}}
	}
	return &Type{
		Name:       "AWS::Events::Archive",
		Properties: Props("ArchiveName@ Description EventPattern KmsKeyIdentifier RetentionDays SourceArn!@"),
		Attributes: []string{"Arn", "ArchiveName"},
		Naming:     Naming{Property: "ArchiveName", Max: 48},
		Create: func(op *Op) (*Made, error) {
			in := &events.CreateArchiveInput{EventSourceArn: op.Text("SourceArn")}
			if err := Bind(op, without(op.New, "SourceArn"), in); err != nil {
				return nil, err
			}
			in.ArchiveName = op.Named("ArchiveName")
			if _, err := Do(op, events.CreateArchive, in); err != nil {
				return nil, err
			}
			return made(op, in.ArchiveName), nil
		},
		Update: func(op *Op) (*Made, error) {
			in := &events.UpdateArchiveInput{}
			if err := Bind(op, without(op.New, "SourceArn", "ArchiveName"), in); err != nil {
				return nil, err
			}
			in.ArchiveName = op.PhysicalID
			_, err := Do(op, events.UpdateArchive, in)
			return made(op, op.PhysicalID), err
		},
		Delete: func(op *Op) error {
			_, err := Do(op, events.DeleteArchive, &events.DeleteArchiveInput{ArchiveName: op.PhysicalID})
			return err
		},
		Find: func(op *Op) (*Made, error) {
			name := op.Named("ArchiveName")
			if _, err := Do(op, events.DescribeArchive, &events.DescribeArchiveInput{ArchiveName: name}); err != nil {
				return nil, ignoreGone(err)
			}
			return made(op, name), nil
		},
	}
}
