package resource

import (
	"time"

	"github.com/aloft-cloud/aloft/internal/api/pipes"
	"github.com/aloft-cloud/aloft/internal/aws"
)

// Pipes has the types of EventBridge Pipes.
func Pipes() []*Type {
	return []*Type{eventPipe()}
}

// findPipe returns a pipe that is there.
func findPipe(op *Op, name string) (*Made, error) {
	out, err := Do(op, pipes.DescribePipe, &pipes.DescribePipeInput{Name: name})
	if err != nil {
		return nil, err
	}
	made := &Made{PhysicalID: name, Attributes: map[string]any{
		"Arn": aws.Value(out.Arn), "CurrentState": aws.Value(out.CurrentState), "StateReason": aws.Value(out.StateReason),
		"CreationTime":     aws.Value(out.CreationTime).UTC().Format(time.RFC3339),
		"LastModifiedTime": aws.Value(out.LastModifiedTime).UTC().Format(time.RFC3339),
	}}
	noteTarget(made, aws.Value(out.Target))
	return made, nil
}

func eventPipe() *Type {
	return &Type{
		Name: "AWS::Pipes::Pipe",
		Properties: Props(`Description DesiredState Enrichment EnrichmentParameters KmsKeyIdentifier LogConfiguration Name@ RoleArn! Source!@
			SourceParameters Tags Target! TargetParameters`),
		Attributes: []string{"Arn", "CreationTime", "CurrentState", "LastModifiedTime", "StateReason"},
		Naming:     Naming{Property: "Name", Max: 64},
		TagMap:     true,
		Shape:      func() any { return new(pipes.CreatePipeInput) },
		Create: func(op *Op) (*Made, error) {
			in := &pipes.CreatePipeInput{}
			if err := Bind(op, op.New, in); err != nil {
				return nil, err
			}
			in.Name = op.Named("Name")
			if _, err := Do(op, pipes.CreatePipe, in); err != nil {
				return nil, err
			}
			return findPipe(op, in.Name)
		},
		Update: updatePipe,
		Delete: func(op *Op) error {
			_, err := Do(op, pipes.DeletePipe, &pipes.DeletePipeInput{Name: op.PhysicalID})
			return err
		},
		Find: func(op *Op) (*Made, error) {
			made, err := findPipe(op, op.Named("Name"))
			return made, ignoreGone(err)
		},
	}
}

// updatePipe changes a pipe; what its source begins with stays.
func updatePipe(op *Op) (*Made, error) {
	in := &pipes.UpdatePipeInput{}
	if err := Bind(op, without(op.New, "Source", "SourceParameters", "Tags"), in); err != nil {
		return nil, err
	}
	if v, has := op.New["SourceParameters"]; has {
		in.SourceParameters = &pipes.UpdatePipeSourceParameters{}
		params := make(map[string]any)
		for name, source := range object(v) {
			params[name] = source
			if m := object(source); m != nil {
				params[name] = without(m, "StartingPosition", "StartingPositionTimestamp")
			}
		}
		if err := Bind(op, params, in.SourceParameters); err != nil {
			return nil, err
		}
	}
	if in.Enrichment == nil && op.Changed("Enrichment") {
		in.Enrichment = new("")
	}
	in.Name = op.PhysicalID
	if _, err := Do(op, pipes.UpdatePipe, in); err != nil {
		return nil, err
	}
	made, err := findPipe(op, op.PhysicalID)
	if err != nil {
		return nil, err
	}
	arn := text(made.Attributes["Arn"])
	return made, retag(op, tagMap, func(tags map[string]string) error {
		_, err := Do(op, pipes.TagResource, &pipes.TagResourceInput{ResourceArn: arn, Tags: tags})
		return err
	}, func(keys []string) error {
		_, err := Do(op, pipes.UntagResource, &pipes.UntagResourceInput{ResourceArn: arn, TagKeys: keys})
		return err
	})
}
