package resource

import (
	"strings"
	"time"

	"github.com/aloft-cloud/aloft/internal/api/scheduler"
	"github.com/aloft-cloud/aloft/internal/aws"
)

// Scheduler has the types of EventBridge Scheduler.
func Scheduler() []*Type {
	return []*Type{schedule(), scheduleGroup()}
}

func schedule() *Type {
	made := func(op *Op, name string) *Made {
		group := op.Text("GroupName")
		if group == "" {
			group = "default"
		}
		m := &Made{PhysicalID: name, Attributes: map[string]any{"Arn": op.ARN("scheduler", "schedule/"+group+"/"+name)}}
		noteSchedule(op, m)
		return m
	}
	return &Type{
		Name: "AWS::Scheduler::Schedule",
		Properties: Props(`ActionAfterCompletion Description EndDate FlexibleTimeWindow! GroupName@ KmsKeyArn Name@ ScheduleExpression!
			ScheduleExpressionTimezone StartDate State Target!`),
		Attributes: []string{"Arn"},
		Naming:     Naming{Property: "Name", Max: 64},
		Shape:      func() any { return new(scheduler.CreateScheduleInput) },
		Create: func(op *Op) (*Made, error) {
			in := &scheduler.CreateScheduleInput{}
			if err := Bind(op, op.New, in); err != nil {
				return nil, err
			}
			in.Name = op.Named("Name")
			if _, err := Do(op, scheduler.CreateSchedule, in); err != nil {
				return nil, err
			}
			return made(op, in.Name), nil
		},
		Update: func(op *Op) (*Made, error) {
			in := &scheduler.UpdateScheduleInput{}
			if err := Bind(op, op.New, in); err != nil {
				return nil, err
			}
			in.Name = op.PhysicalID
			_, err := Do(op, scheduler.UpdateSchedule, in)
			return made(op, op.PhysicalID), err
		},
		Delete: func(op *Op) error {
			in := &scheduler.DeleteScheduleInput{Name: op.PhysicalID}
			if group := text(op.Old["GroupName"]); group != "" {
				in.GroupName = &group
			}
			_, err := Do(op, scheduler.DeleteSchedule, in)
			return err
		},
		Find: func(op *Op) (*Made, error) {
			in := &scheduler.GetScheduleInput{Name: op.Named("Name")}
			if group := op.Text("GroupName"); group != "" {
				in.GroupName = &group
			}
			if _, err := Do(op, scheduler.GetSchedule, in); err != nil {
				return nil, ignoreGone(err)
			}
			return made(op, in.Name), nil
		},
	}
}

// noteSchedule says of a schedule whether its target is a record, or an
// operation that is not answered.
func noteSchedule(op *Op, made *Made) {
	target := text(object(op.New["Target"])["Arn"])
	_, call, ok := strings.Cut(target, ":aws-sdk:")
	if !ok {
		noteTarget(made, target)
		return
	}
	name, action, _ := strings.Cut(call, ":")
	if found, _ := op.Table.FindSDK(name, action); found.Answered {
		return
	}
	made.Note = targetNote + "Aloft does not answer " + call + " yet."
}

func scheduleGroup() *Type {
	find := func(op *Op, name string) (*Made, error) {
		out, err := Do(op, scheduler.GetScheduleGroup, &scheduler.GetScheduleGroupInput{Name: name})
		if err != nil {
			return nil, err
		}
		return &Made{PhysicalID: name, Attributes: map[string]any{
			"Arn": aws.Value(out.Arn), "State": aws.Value(out.State), "CreationDate": aws.Value(out.CreationDate).UTC().Format(time.RFC3339),
			"LastModificationDate": aws.Value(out.LastModificationDate).UTC().Format(time.RFC3339),
		}}, nil
	}
	tags := func(tags map[string]string) (out []scheduler.Tag) {
		for key, value := range tags {
			out = append(out, scheduler.Tag{Key: key, Value: value})
		}
		return out
	}
	return &Type{
		Name:       "AWS::Scheduler::ScheduleGroup",
		Properties: Props("Name@ Tags"),
		Attributes: []string{"Arn", "CreationDate", "LastModificationDate", "State"},
		Naming:     Naming{Property: "Name", Max: 64},
		Create: func(op *Op) (*Made, error) {
			name := op.Named("Name")
			if _, err := Do(op, scheduler.CreateScheduleGroup, &scheduler.CreateScheduleGroupInput{Name: name, Tags: tags(tagMap(op.New["Tags"]))}); err != nil {
				return nil, err
			}
			return find(op, name)
		},
		Update: func(op *Op) (*Made, error) {
			made, err := find(op, op.PhysicalID)
			if err != nil {
				return nil, err
			}
			arn := text(made.Attributes["Arn"])
			return made, retag(op, tagMap, func(more map[string]string) error {
				_, err := Do(op, scheduler.TagResource, &scheduler.TagResourceInput{ResourceArn: arn, Tags: tags(more)})
				return err
			}, func(keys []string) error {
				_, err := Do(op, scheduler.UntagResource, &scheduler.UntagResourceInput{ResourceArn: arn, TagKeys: keys})
				return err
			})
		},
		Delete: func(op *Op) error {
			_, err := Do(op, scheduler.DeleteScheduleGroup, &scheduler.DeleteScheduleGroupInput{Name: op.PhysicalID})
			return err
		},
		Find: func(op *Op) (*Made, error) {
			made, err := find(op, op.Named("Name"))
			return made, ignoreGone(err)
		},
	}
}
