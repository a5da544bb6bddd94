package events

import (
	"context"
	"encoding/json"
	"slices"
	"strings"

	api "github.com/aloft-cloud/aloft/internal/api/events"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/event"
	"github.com/aloft-cloud/aloft/internal/event/transform"
	"github.com/aloft-cloud/aloft/internal/service"
	"github.com/aloft-cloud/aloft/internal/store"
)

// maxTargets is how many targets a rule has.
const maxTargets = 5

// asRole are the services whose resources are reached as a role that the
// target names. Those of others may be.
var asRole = map[string]bool{
	"appsync": true, "batch": true, "codebuild": true, "codepipeline": true, "ecs": true, "firehose": true, "kinesis": true, "states": true,
}

// reachable reports whether deliveries to a service's resources are answered.
func (s *Service) reachable(name string) bool {
	return slices.ContainsFunc(s.table.Services(), func(def service.Definition) bool { return def.API.ARNName == name && def.Receive != nil })
}

// PutTargets adds targets to a rule, or replaces those of the same ids.
func (s *Service) PutTargets(ctx context.Context, call *aws.Call, in *api.PutTargetsInput) (*api.PutTargetsOutput, error) {
	key := keyOf(call, in.EventBusName, in.Rule)
	for i := range in.Targets {
		if err := s.checkTarget(&in.Targets[i]); err != nil {
			return nil, err
		}
	}
	err := s.changeRule(ctx, key, func(r *rule) error {
		targets := slices.Clone(r.Targets)
		for _, t := range in.Targets {
			if i := slices.IndexFunc(targets, func(had api.Target) bool { return had.Id == t.Id }); i >= 0 {
				targets[i] = t
			} else {
				targets = append(targets, t)
			}
		}
		if len(targets) > maxTargets {
			return errLimit()
		}
		r.Targets = targets
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &api.PutTargetsOutput{FailedEntryCount: new(int32(0)), FailedEntries: []api.PutTargetsResultEntry{}}, nil
}

// checkTarget refuses a target that could not be reached.
func (s *Service) checkTarget(t *api.Target) error {
	arn, err := aws.ParseARN(t.Arn)
	if err != nil {
		return invalid("Parameter %s is not valid. Reason: Provided Arn is not in correct format.", t.Arn)
	}
	isRecord := event.ToRecord(arn) != nil
	if !isRecord && !s.reachable(arn.Service) {
		return errAbsent("targets of " + arn.Service + " for rules")
	}
	isDestination := arn.Service == "events" && strings.HasPrefix(arn.Resource, destinationKind)
	switch {
	case arn.Service == "events" && !isDestination && !isRecord && !strings.HasPrefix(arn.Resource, busKind):
		return invalid("Parameter %s is not valid. Reason: Provided Arn is not in correct format.", t.Arn)
	case (asRole[arn.Service] || isDestination) && t.RoleArn == nil:
		return invalid("RoleArn is required for target %s.", t.Arn)
	case strings.HasSuffix(arn.Resource, ".fifo") && arn.Service == "sqs" && t.SqsParameters == nil:
		return invalid("Parameter(s) SqsParameters must be specified for target: %s.", t.Id)
	}
	if err := checkParameters(t, arn.Service); err != nil {
		return err
	}
	if d := t.DeadLetterConfig; d != nil && d.Arn != nil {
		if queue, err := aws.ParseARN(*d.Arn); err != nil || queue.Service != "sqs" {
			return invalid("Parameter DeadLetterConfig.Arn is not valid. Reason: Provided Arn is not in correct format.")
		}
	}
	return checkInput(t)
}

// checkParameters refuses parameters of other targets, and none where a target
// needs its own.
func checkParameters(t *api.Target, of string) error {
	for _, p := range []struct {
		name     string
		given    bool
		services []string
		needed   bool
	}{
		{"AppSyncParameters", t.AppSyncParameters != nil, []string{"appsync"}, true},
		{"BatchParameters", t.BatchParameters != nil, []string{"batch"}, true},
		{"EcsParameters", t.EcsParameters != nil, []string{"ecs"}, true},
		{"RedshiftDataParameters", t.RedshiftDataParameters != nil, []string{"redshift", "redshift-serverless"}, true},
		{"SageMakerPipelineParameters", t.SageMakerPipelineParameters != nil, []string{"sagemaker"}, false},
		{"RunCommandParameters", t.RunCommandParameters != nil, []string{"ssm"}, false},
	} {
		switch its := slices.Contains(p.services, of); {
		case its && p.needed && !p.given:
			return invalid("Parameter(s) %s must be specified for target: %s.", p.name, t.Id)
		case !its && p.given:
			return invalid("Parameter(s) not valid for target: %s.", t.Id)
		}
	}
	return nil
}

// checkInput refuses an input that could not be made.
func checkInput(t *api.Target) error {
	given := 0
	for _, is := range []bool{t.Input != nil, t.InputPath != nil, t.InputTransformer != nil} {
		if is {
			given++
		}
	}
	if given > 1 {
		return invalid("Only one of Input, InputPath, or InputTransformer must be provided for target %s.", t.Id)
	}
	if t.Input != nil && !json.Valid([]byte(*t.Input)) {
		return invalid("JSON syntax error in input for target %s : %s.", t.Id, syntaxError(*t.Input))
	}
	paths := []string{}
	if t.InputPath != nil {
		paths = append(paths, *t.InputPath)
	}
	if t.KinesisParameters != nil {
		paths = append(paths, t.KinesisParameters.PartitionKeyPath)
	}
	if x := t.InputTransformer; x != nil {
		for name, path := range x.InputPathsMap {
			if strings.HasPrefix(name, "AWS") {
				return invalid("InputPathsMap for target %s contains reserved key %s.", t.Id, name)
			}
			paths = append(paths, path)
		}
		for _, name := range transform.ParseTemplate(x.InputTemplate).Names() {
			if _, ok := x.InputPathsMap[name]; !ok && !predefined[name] {
				return invalid("InputTemplate for target %s contains invalid placeholder %s.", t.Id, name)
			}
		}
	}
	for _, path := range paths {
		if _, err := transform.ParsePath(path); err != nil {
			return invalid("Invalid JSONPath %s for target %s.", path, t.Id)
		}
	}
	return nil
}

func syntaxError(text string) error {
	var v any
	return json.Unmarshal([]byte(text), &v)
}

// RemoveTargets removes targets of a rule.
func (s *Service) RemoveTargets(ctx context.Context, call *aws.Call, in *api.RemoveTargetsInput) (*api.RemoveTargetsOutput, error) {
	err := s.changeRule(ctx, keyOf(call, in.EventBusName, in.Rule), func(r *rule) error {
		r.Targets = slices.DeleteFunc(slices.Clone(r.Targets), func(t api.Target) bool { return slices.Contains(in.Ids, t.Id) })
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &api.RemoveTargetsOutput{FailedEntryCount: new(int32(0)), FailedEntries: []api.RemoveTargetsResultEntry{}}, nil
}

// ListTargetsByRule lists the targets of a rule.
func (s *Service) ListTargetsByRule(ctx context.Context, call *aws.Call, in *api.ListTargetsByRuleInput) (*api.ListTargetsByRuleOutput, error) {
	p, err := newPage(in.Limit, in.NextToken, nil)
	if err != nil {
		return nil, err
	}
	out := &api.ListTargetsByRuleOutput{Targets: []api.Target{}}
	err = s.db.View(ctx, func(tx *store.Tx) error {
		r, err := s.lookRule(tx, keyOf(call, in.EventBusName, in.Rule))
		if err != nil {
			return err
		}
		slices.SortFunc(r.Targets, func(a, b api.Target) int { return strings.Compare(a.Id, b.Id) })
		out.NextToken = fill(p, func(yield func(string, api.Target) bool) {
			for _, t := range r.Targets {
				if !yield(t.Id, t) {
					return
				}
			}
		}, func(_ string, t api.Target) bool {
			out.Targets = append(out.Targets, t)
			return true
		})
		return nil
	})
	return out, err
}
