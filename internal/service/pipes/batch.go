package pipes

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	api "github.com/aloft-cloud/aloft/internal/api/pipes"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/poll"
)

// handle takes a batch through a pipe.
func (s *Service) handle(ctx context.Context, arn aws.ARN, p *pipe, b *poll.Batch) poll.Result {
	call, err := s.as(ctx, arn, p.Spec.RoleArn)
	if err != nil {
		return poll.Result{Err: err}
	}
	events := make([]view, len(b.Records))
	now := time.Now()
	for i := range b.Records {
		events[i] = view{event: b.Records[i].JSON, pipe: p, arn: arn, came: now}
	}
	r := run{s: s, call: call, pipe: p, arn: arn, journal: newJournal(p, arn)}
	r.journal.step(api.LogLevelInfo, "EXECUTION_STARTED", events, nil)
	result := r.through(ctx, events, b)
	r.journal.stage("EXECUTION", len(result.Failed) > 0, result.Err)
	s.write(ctx, r.journal)
	return result
}

// through takes events through enrichment and target.
func (r *run) through(ctx context.Context, events []view, b *poll.Batch) poll.Result {
	p, log := r.pipe, r.s.Log.With("pipe", r.arn.String())
	if p.Spec.Enrichment != nil {
		var err error
		r.journal.enter("ENRICHMENT", events, aws.Value(p.Spec.EnrichmentParameters).InputTemplate)
		events, err = r.enrich(ctx, events)
		r.journal.invoked("ENRICHMENT", false, err)
		r.journal.stage("ENRICHMENT_STAGE", false, err)
		if err != nil {
			log.Warn("pipe's enrichment failed", "err", err)
			return poll.Result{Err: err}
		}
	}
	if len(events) == 0 {
		r.journal.step(api.LogLevelInfo, "TARGET_STAGE_SKIPPED", nil, nil)
		return poll.Result{}
	}
	r.journal.enter("TARGET", events, aws.Value(p.Spec.TargetParameters).InputTemplate)
	failed, err := r.deliver(ctx, events)
	r.journal.invoked("TARGET", len(failed) > 0, err)
	r.journal.stage("TARGET_STAGE", len(failed) > 0, err)
	if err != nil {
		log.Warn("pipe's target failed", "err", err)
	}
	result := poll.Result{Err: err}
	if p.Spec.Enrichment == nil && len(events) == len(b.Records) {
		for _, i := range failed {
			result.Failed = append(result.Failed, b.Records[i].ID)
		}
	} else if len(failed) > 0 && err == nil {
		result.Err = fmt.Errorf("%d of %d events failed", len(failed), len(events))
	}
	return result
}

// A run is a batch on its way through a pipe.
type run struct {
	s    *Service
	call *aws.Call
	pipe *pipe
	arn  aws.ARN

	journal *journal
}

// do calls an operation with an input that marshals to its JSON.
func (r *run) do(ctx context.Context, service, operation string, in any) ([]byte, error) {
	text, err := json.Marshal(in)
	if err != nil {
		return nil, err
	}
	out, err := r.s.Table.CallJSON(ctx, r.call, service, operation, text)
	r.journal.called(service, text, out)
	return out, err
}

// enrich returns what the enrichment makes of events.
func (r *run) enrich(ctx context.Context, events []view) ([]view, error) {
	params := aws.Value(r.pipe.Spec.EnrichmentParameters)
	to, err := aws.ParseARN(*r.pipe.Spec.Enrichment)
	if err != nil {
		return nil, err
	}
	payload, err := array(events, params.InputTemplate)
	if err != nil {
		return nil, err
	}
	var answer []byte
	switch to.Service {
	case "lambda":
		answer, err = r.invoke(ctx, to, payload, "RequestResponse")
	case "states":
		answer, err = r.execute(ctx, "StartSyncExecution", to, payload)
	default:
		http := aws.Value(params.HttpParameters)
		answer, err = r.ask(ctx, to, payload, &httpParameters{http.PathParameterValues, http.HeaderParameters, http.QueryStringParameters}, &events[0])
	}
	if err != nil {
		return nil, err
	}
	texts, err := list(answer)
	if err != nil {
		return nil, err
	}
	out := make([]view, len(texts))
	for i, text := range texts {
		out[i] = events[0]
		out[i].event = text
	}
	return out, nil
}

// array is events, each through a template, as one array.
func array(events []view, template *string) (json.RawMessage, error) {
	all := make([]json.RawMessage, len(events))
	for i := range events {
		all[i] = asJSON(events[i].apply(template))
	}
	return json.Marshal(all)
}

// asJSON is text as JSON: itself if it is that, and else a string.
func asJSON(text []byte) json.RawMessage {
	if json.Valid(text) {
		return text
	}
	quoted, err := json.Marshal(string(text))
	if err != nil {
		return json.RawMessage(`""`)
	}
	return quoted
}

// invoke calls a function.
func (r *run) invoke(ctx context.Context, to aws.ARN, payload []byte, kind string) ([]byte, error) {
	out, err := r.do(ctx, "lambda", "Invoke", map[string]any{"FunctionName": to.String(), "InvocationType": kind, "Payload": payload})
	if err != nil {
		return nil, err
	}
	var answer struct {
		FunctionError *string
		Payload       []byte
	}
	if err := json.Unmarshal(out, &answer); err != nil {
		return nil, err
	}
	if answer.FunctionError != nil {
		return nil, errors.New("the function failed: " + *answer.FunctionError)
	}
	return answer.Payload, nil
}

// execute runs a state machine and returns its output, if it is waited for.
func (r *run) execute(ctx context.Context, operation string, to aws.ARN, payload []byte) ([]byte, error) {
	out, err := r.do(ctx, "states", operation, map[string]any{"stateMachineArn": to.String(), "input": string(payload)})
	if err != nil {
		return nil, err
	}
	var answer struct {
		Status string `json:"status"`
		Output string `json:"output"`
		Error  string `json:"error"`
	}
	if err := json.Unmarshal(out, &answer); err != nil {
		return nil, err
	}
	if answer.Status != "" && answer.Status != "SUCCEEDED" {
		return nil, fmt.Errorf("the execution ended as %s: %s", answer.Status, answer.Error)
	}
	return []byte(answer.Output), nil
}

// httpParameters are those of a request to an API destination.
type httpParameters struct {
	paths           []string
	headers, values map[string]string
}

// ask sends a request to an API destination; paths in its parameters lead into v.
func (r *run) ask(ctx context.Context, to aws.ARN, body []byte, p *httpParameters, v *view) ([]byte, error) {
	paths := []string{}
	for _, text := range p.paths {
		paths = append(paths, v.text(&text))
	}
	out, err := r.do(ctx, "events", "InvokeApiDestination", map[string]any{"Arn": to.String(), "Body": body, "HttpParameters": map[string]any{
		"PathParameterValues": paths, "HeaderParameters": v.texts(p.headers), "QueryStringParameters": v.texts(p.values),
	}})
	if err != nil {
		return nil, err
	}
	var answer struct{ Body []byte }
	err = json.Unmarshal(out, &answer)
	return answer.Body, err
}
