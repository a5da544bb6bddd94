package pipes

import (
	"context"
	"encoding/base64"
	"strings"
	"time"

	api "github.com/aloft-cloud/aloft/internal/api/pipes"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/poll"
	"github.com/aloft-cloud/aloft/internal/store"
)

const usualPage = 100

// CreatePipe makes a pipe.
func (s *Service) CreatePipe(ctx context.Context, call *aws.Call, in *api.CreatePipeInput) (*api.CreatePipeOutput, error) {
	now, arn := time.Now(), pipeNamed(call, in)
	row := pipe{Spec: *in, Created: now, Modified: now}
	if err := s.check(&row, call.Account); err != nil {
		return nil, err
	}
	err := s.DB.Update(ctx, func(tx *store.Tx) error {
		exists, err := pipes.Has(tx, arn)
		if err != nil {
			return err
		}
		if exists {
			return api.ConflictException.Errorf("Pipe %s already exists.", in.Name)
		}
		s.engine.Changed(tx, arn)
		return pipes.Put(tx, arn, row)
	})
	if err != nil {
		return nil, err
	}
	return &api.CreatePipeOutput{
		Arn: new(arn.String()), Name: &in.Name, DesiredState: new(row.state()), CurrentState: new(api.PipeStateCreating), CreationTime: &now, LastModifiedTime: &now,
	}, nil
}

// UpdatePipe changes what of a pipe the input says.
func (s *Service) UpdatePipe(ctx context.Context, call *aws.Call, in *api.UpdatePipeInput) (*api.UpdatePipeOutput, error) {
	var row pipe
	arn := pipeNamed(call, in)
	err := s.change(ctx, arn, func(p *pipe) error {
		spec := &p.Spec
		spec.RoleArn = in.RoleArn
		replace(&spec.Description, in.Description)
		replace(&spec.DesiredState, in.DesiredState)
		replace(&spec.Enrichment, in.Enrichment)
		replace(&spec.EnrichmentParameters, in.EnrichmentParameters)
		replace(&spec.TargetParameters, in.TargetParameters)
		replace(&spec.LogConfiguration, in.LogConfiguration)
		replace(&spec.KmsKeyIdentifier, in.KmsKeyIdentifier)
		spec.Target = aws.Or(in.Target, spec.Target)
		if aws.Value(spec.Enrichment) == "" {
			spec.Enrichment = nil
		}
		if in.SourceParameters != nil {
			updateSource(spec, in.SourceParameters)
		}
		row = *p
		return s.check(p, call.Account)
	})
	if err != nil {
		return nil, err
	}
	return &api.UpdatePipeOutput{
		Arn: new(arn.String()), Name: &in.Name, DesiredState: new(row.state()), CurrentState: new(api.PipeStateUpdating), CreationTime: &row.Created, LastModifiedTime: &row.Modified,
	}, nil
}

// replace sets what is there to what is given.
func replace[V any](to **V, given *V) {
	if given != nil {
		*to = given
	}
}

// change changes a pipe, which begins to be polled anew.
func (s *Service) change(ctx context.Context, arn aws.ARN, change func(*pipe) error) error {
	return s.DB.Update(ctx, func(tx *store.Tx) error {
		row, err := findPipe(tx, arn)
		if err != nil {
			return err
		}
		row.Modified = time.Now()
		if err := change(&row); err != nil {
			return err
		}
		s.engine.Changed(tx, arn)
		return pipes.Put(tx, arn, row)
	})
}

// StartPipe has a pipe run.
func (s *Service) StartPipe(ctx context.Context, call *aws.Call, in *api.StartPipeInput) (*api.StartPipeOutput, error) {
	arn := pipeNamed(call, in)
	row, err := s.setState(ctx, arn, api.PipeStateRunning)
	if err != nil {
		return nil, err
	}
	return &api.StartPipeOutput{
		Arn: new(arn.String()), Name: &in.Name, DesiredState: new(row.state()), CurrentState: new(api.PipeStateStarting), CreationTime: &row.Created, LastModifiedTime: &row.Modified,
	}, nil
}

// StopPipe has a pipe rest.
func (s *Service) StopPipe(ctx context.Context, call *aws.Call, in *api.StopPipeInput) (*api.StopPipeOutput, error) {
	arn := pipeNamed(call, in)
	row, err := s.setState(ctx, arn, api.PipeStateStopped)
	if err != nil {
		return nil, err
	}
	return &api.StopPipeOutput{
		Arn: new(arn.String()), Name: &in.Name, DesiredState: new(row.state()), CurrentState: new(api.PipeStateStopping), CreationTime: &row.Created, LastModifiedTime: &row.Modified,
	}, nil
}

func (s *Service) setState(ctx context.Context, arn aws.ARN, state string) (row pipe, err error) {
	err = s.change(ctx, arn, func(p *pipe) error {
		if p.state() == state {
			return api.ConflictException.Errorf("Pipe %s is already in the state %s.", pipeName(arn), state)
		}
		p.Spec.DesiredState = &state
		row = *p
		return nil
	})
	return row, err
}

// DeletePipe deletes a pipe.
func (s *Service) DeletePipe(ctx context.Context, call *aws.Call, in *api.DeletePipeInput) (*api.DeletePipeOutput, error) {
	arn := pipeNamed(call, in)
	var row pipe
	err := s.DB.Update(ctx, func(tx *store.Tx) (err error) {
		if row, err = findPipe(tx, arn); err != nil {
			return err
		}
		s.engine.Changed(tx, arn)
		if err := poll.Forget(tx, arn); err != nil {
			return err
		}
		return pipes.Delete(tx, arn)
	})
	if err != nil {
		return nil, err
	}
	return &api.DeletePipeOutput{
		Arn: new(arn.String()), Name: &in.Name, DesiredState: new("DELETED"), CurrentState: new(api.PipeStateDeleting), CreationTime: &row.Created, LastModifiedTime: &row.Modified,
	}, nil
}

// DescribePipe describes a pipe.
func (s *Service) DescribePipe(ctx context.Context, call *aws.Call, in *api.DescribePipeInput) (*api.DescribePipeOutput, error) {
	arn := pipeNamed(call, in)
	var row pipe
	err := s.DB.View(ctx, func(tx *store.Tx) (err error) {
		row, err = findPipe(tx, arn)
		return err
	})
	if err != nil {
		return nil, err
	}
	spec := &row.Spec
	return &api.DescribePipeOutput{
		Arn: new(arn.String()), Name: &in.Name, Description: spec.Description, DesiredState: new(row.state()), CurrentState: new(row.state()),
		Source: &spec.Source, SourceParameters: spec.SourceParameters, Enrichment: spec.Enrichment, EnrichmentParameters: spec.EnrichmentParameters,
		Target: &spec.Target, TargetParameters: spec.TargetParameters, RoleArn: &spec.RoleArn, LogConfiguration: shownLog(spec.LogConfiguration), Tags: spec.Tags, CreationTime: &row.Created, LastModifiedTime: &row.Modified,
	}, nil
}

// ListPipes lists pipes by name.
func (s *Service) ListPipes(ctx context.Context, call *aws.Call, in *api.ListPipesInput) (*api.ListPipesOutput, error) {
	after := ""
	if in.NextToken != nil {
		b, err := base64.RawURLEncoding.DecodeString(*in.NextToken)
		if err != nil {
			return nil, invalid("Invalid NextToken.")
		}
		after = string(b)
	}
	limit := int(aws.Or(in.Limit, usualPage))
	out := &api.ListPipesOutput{}
	err := s.DB.View(ctx, func(tx *store.Tx) error {
		*out = api.ListPipesOutput{Pipes: []api.Pipe{}}
		last := ""
		for arn, row := range pipes.ScanAfter(tx, call.ARN("pipes", ""), pipeARN(call, after)) {
			name, state := pipeName(arn), row.state()
			if !strings.HasPrefix(name, aws.Value(in.NamePrefix)) || !strings.HasPrefix(row.Spec.Source, aws.Value(in.SourcePrefix)) ||
				!strings.HasPrefix(row.Spec.Target, aws.Value(in.TargetPrefix)) || aws.Or(in.DesiredState, state) != state || aws.Or(in.CurrentState, state) != state {
				continue
			}
			if len(out.Pipes) == limit {
				out.NextToken = new(base64.RawURLEncoding.EncodeToString([]byte(last)))
				break
			}
			last = name
			out.Pipes = append(out.Pipes, api.Pipe{
				Name: &name, Arn: new(arn.String()), DesiredState: &state, CurrentState: &state, CreationTime: &row.Created, LastModifiedTime: &row.Modified,
				Source: &row.Spec.Source, Target: &row.Spec.Target, Enrichment: row.Spec.Enrichment,
			})
		}
		return nil
	})
	return out, err
}
