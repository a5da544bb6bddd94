package cloudfront

import (
	"context"
	"errors"
	"time"

	api "github.com/aloft-cloud/aloft/internal/api/cloudfront"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/service"
	"github.com/aloft-cloud/aloft/internal/service/cloudfront/function"
	"github.com/aloft-cloud/aloft/internal/store"
	"github.com/aloft-cloud/aloft/internal/tree"
)

// A script is a CloudFront Function: its stage of development, of which held has
// the version, and the one that distributions run.
type script struct {
	Name   string
	Config api.FunctionConfig
	Code   []byte
	Live   *live // nil: it has not been published
}

// A live is what has been published of a script.
type live struct {
	Config   api.FunctionConfig
	Code     []byte
	Version  string
	Modified time.Time
}

func (l *live) program() *function.Program { return function.Compile(l.Code, storesOf(&l.Config)...) }

// storesOf are the ARNs of the key value stores that a function reads.
func storesOf(c *api.FunctionConfig) []string {
	var all []string
	if c.KeyValueStoreAssociations != nil {
		for _, a := range c.KeyValueStoreAssociations.Items {
			all = append(all, a.KeyValueStoreARN)
		}
	}
	return all
}

func functionNamed[In any, P interface {
	*In
	GetName() string
}](call *aws.Call, in *In) aws.ARN {
	return scripts.arn(call, P(in).GetName())
}

func (s *Service) functionOperations() []service.Operation {
	const lacks = "Both runtimes run the language of the newer one."
	return []service.Operation{
		service.Op(api.CreateFunction, s.CreateFunction, functionNamed).But(lacks),
		service.Op(api.UpdateFunction, s.UpdateFunction, functionNamed).But(lacks),
		service.Op(api.PublishFunction, s.PublishFunction, functionNamed),
		service.Op(api.DescribeFunction, s.DescribeFunction, functionNamed),
		service.Op(api.GetFunction, s.GetFunction, functionNamed),
		service.Op(api.TestFunction, s.TestFunction, functionNamed).But("Utilisation is of 50 ms by the clock; 96 MB may be used."),
		service.Op(api.DeleteFunction, s.DeleteFunction, functionNamed),
		service.Op(api.ListFunctions, s.ListFunctions, service.Any),
	}
}

// checkFunction refuses code that is too large, and stores that there are not.
func checkFunction(tx *store.Tx, call *aws.Call, c *api.FunctionConfig, code []byte) error {
	if len(code) > function.MaxCode {
		return api.FunctionSizeLimitExceeded.Errorf("The function size limit was exceeded. Maximum size is %d bytes.", function.MaxCode)
	}
	stores := storesOf(c)
	if len(stores) > 1 {
		return api.InvalidArgument.Errorf("A function can have at most one key value store.")
	}
	if len(stores) > 0 && c.Runtime != "cloudfront-js-2.0" {
		return api.InvalidArgument.Errorf("Key value stores need the runtime cloudfront-js-2.0.")
	}
	for _, arn := range stores {
		at, err := aws.ParseARN(arn)
		if err != nil || at.Account != call.Account {
			return api.InvalidArgument.Errorf("The key value store %s is not valid.", arn)
		}
		if _, _, err := valueStores.find(tx, call, valueStores.id(at)); err != nil {
			return err
		}
	}
	return nil
}

// CreateFunction makes a function, in development.
func (s *Service) CreateFunction(ctx context.Context, call *aws.Call, in *api.CreateFunctionInput) (*api.CreateFunctionOutput, error) {
	h := held[script]{Config: script{Name: in.Name, Config: *in.FunctionConfig, Code: in.FunctionCode}}
	if in.Tags != nil {
		var err error
		if h.Tags, err = s.tags().With("", nil, tagMap(in.Tags.Items)); err != nil {
			return nil, err
		}
	}
	arn, h, err := scripts.create(ctx, s, call, h, func(tx *store.Tx, _ aws.ARN, _ *held[script]) error {
		return checkFunction(tx, call, in.FunctionConfig, in.FunctionCode)
	})
	if err != nil {
		return nil, err
	}
	return &api.CreateFunctionOutput{FunctionSummary: functionSummary(arn, &h, "", false), ETag: &h.Version, Location: new(location + arn.Resource)}, nil
}

// UpdateFunction replaces what a function is in development.
func (s *Service) UpdateFunction(ctx context.Context, call *aws.Call, in *api.UpdateFunctionInput) (*api.UpdateFunctionOutput, error) {
	is := script{Name: in.Name, Config: *in.FunctionConfig, Code: in.FunctionCode}
	arn, h, err := scripts.update(ctx, s, call, in.Name, in.IfMatch, is, func(tx *store.Tx, _ aws.ARN, was *held[script], is *script) error {
		is.Live = was.Config.Live
		return checkFunction(tx, call, in.FunctionConfig, in.FunctionCode)
	})
	if err != nil {
		return nil, err
	}
	return &api.UpdateFunctionOutput{FunctionSummary: functionSummary(arn, &h, "", false), ETag: &h.Version}, nil
}

// PublishFunction has distributions run a function as it is in development.
func (s *Service) PublishFunction(ctx context.Context, call *aws.Call, in *api.PublishFunctionInput) (*api.PublishFunctionOutput, error) {
	var out *api.FunctionSummary
	err := s.db.Update(ctx, func(tx *store.Tx) error {
		arn, h, err := scripts.find(tx, call, in.Name)
		if err != nil {
			return err
		}
		if err := checkVersion(h.Version, in.IfMatch); err != nil {
			return err
		}
		h.Config.Live = &live{h.Config.Config, h.Config.Code, newID("E"), now()}
		used, err := runsFunction(tx, call, arn)
		if err != nil {
			return err
		}
		out = functionSummary(arn, &h, api.FunctionStageLive, used)
		s.index.Changed(tx)
		return scripts.rows.Put(tx, arn, h)
	})
	if err != nil {
		return nil, err
	}
	return &api.PublishFunctionOutput{FunctionSummary: out}, nil
}

// functionSummary tells of a stage of a function.
func functionSummary(arn aws.ARN, h *held[script], stage string, used bool) *api.FunctionSummary {
	f := &h.Config
	status := "UNPUBLISHED"
	if used {
		status = "DEPLOYED"
	} else if f.Live != nil {
		status = "UNASSOCIATED"
	}
	out := &api.FunctionSummary{Name: f.Name, Status: &status, FunctionConfig: &f.Config, FunctionMetadata: &api.FunctionMetadata{
		FunctionARN: arn.String(), Stage: new(api.FunctionStageDevelopment), CreatedTime: &h.Created, LastModifiedTime: h.Modified,
	}}
	if stage == api.FunctionStageLive {
		out.FunctionConfig, out.FunctionMetadata.Stage, out.FunctionMetadata.LastModifiedTime = &f.Live.Config, &stage, f.Live.Modified
	}
	return out
}

// runsFunction reports whether a distribution of the caller's runs a function.
func runsFunction(tx *store.Tx, call *aws.Call, arn aws.ARN) (used bool, err error) {
	name, inUse := arn.String(), errors.New("it is used")
	err = checkUnused(tx, call, func(b *api.CacheBehavior) bool {
		for _, a := range associated(b) {
			if a.FunctionARN == name {
				return true
			}
		}
		return false
	}, inUse)
	if errors.Is(err, inUse) {
		return true, nil
	}
	return false, err
}

func associated(b *api.CacheBehavior) []api.FunctionAssociation {
	if b.FunctionAssociations == nil {
		return nil
	}
	return b.FunctionAssociations.Items
}

// A shown is a stage of a function.
type shown struct {
	summary *api.FunctionSummary
	code    []byte
	version string
}

// show finds a stage of a function; "" is development.
func (s *Service) show(ctx context.Context, call *aws.Call, name, stage string) (shown, error) {
	var out shown
	err := s.db.View(ctx, func(tx *store.Tx) error {
		arn, h, err := scripts.find(tx, call, name)
		if err != nil {
			return err
		}
		used, err := runsFunction(tx, call, arn)
		if err != nil {
			return err
		}
		out = shown{code: h.Config.Code, version: h.Version}
		if stage == api.FunctionStageLive {
			if h.Config.Live == nil {
				return scripts.missing.Errorf("The specified function does not exist.")
			}
			out = shown{code: h.Config.Live.Code, version: h.Config.Live.Version}
		}
		out.summary = functionSummary(arn, &h, stage, used)
		return nil
	})
	return out, err
}

// DescribeFunction tells of a stage of a function.
func (s *Service) DescribeFunction(ctx context.Context, call *aws.Call, in *api.DescribeFunctionInput) (*api.DescribeFunctionOutput, error) {
	f, err := s.show(ctx, call, in.Name, aws.Value(in.Stage))
	if err != nil {
		return nil, err
	}
	return &api.DescribeFunctionOutput{FunctionSummary: f.summary, ETag: &f.version}, nil
}

// GetFunction returns the code of a stage of a function.
func (s *Service) GetFunction(ctx context.Context, call *aws.Call, in *api.GetFunctionInput) (*api.GetFunctionOutput, error) {
	f, err := s.show(ctx, call, in.Name, aws.Value(in.Stage))
	if err != nil {
		return nil, err
	}
	return &api.GetFunctionOutput{FunctionCode: f.code, ETag: &f.version, ContentType: new("application/octet-stream")}, nil
}

// TestFunction runs a stage of a function with an event.
func (s *Service) TestFunction(ctx context.Context, call *aws.Call, in *api.TestFunctionInput) (*api.TestFunctionOutput, error) {
	f, err := s.show(ctx, call, in.Name, aws.Value(in.Stage))
	if err != nil {
		return nil, err
	}
	if err := checkVersion(f.version, in.IfMatch); err != nil {
		return nil, err
	}
	event, err := function.ReadEvent(in.EventObject)
	if err != nil {
		return nil, api.InvalidArgument.Errorf("%s", err)
	}
	ran, err := function.Compile(f.code, storesOf(f.summary.FunctionConfig)...).Run(ctx, s.cfg.Scripts, s, event)
	out := &api.TestResult{FunctionSummary: f.summary, FunctionErrorMessage: new(""), FunctionOutput: new(""), FunctionExecutionLogs: []string{}}
	_, failed := errors.AsType[*function.Failure](err)
	_, invalid := errors.AsType[*function.Invalid](err)
	switch {
	case failed, invalid:
		out.FunctionErrorMessage = new(err.Error())
	case err != nil:
		return nil, err
	default:
		kind := "request"
		if _, answered := event.Get("response"); answered || function.IsAnswer(ran.Value) {
			kind = "response"
		}
		out.FunctionOutput = new(tree.String(tree.NewObject(kind, ran.Value)))
	}
	out.ComputeUtilization = new(itoa(ran.Used))
	out.FunctionExecutionLogs = append(out.FunctionExecutionLogs, ran.Log...)
	return &api.TestFunctionOutput{TestResult: out}, nil
}

// DeleteFunction removes a function that no distribution runs.
func (s *Service) DeleteFunction(ctx context.Context, call *aws.Call, in *api.DeleteFunctionInput) (*api.DeleteFunctionOutput, error) {
	return &api.DeleteFunctionOutput{}, scripts.remove(ctx, s, call, in.Name, in.IfMatch, func(tx *store.Tx, arn aws.ARN, _ *held[script]) error {
		used, err := runsFunction(tx, call, arn)
		if used {
			return api.FunctionInUse.Errorf("Cannot delete the function because it is in use by a distribution.")
		}
		return err
	})
}

// ListFunctions lists the functions of an account that have a stage.
func (s *Service) ListFunctions(ctx context.Context, call *aws.Call, in *api.ListFunctionsInput) (*api.ListFunctionsOutput, error) {
	stage := aws.Value(in.Stage)
	p, err := pageOf(ctx, s, scripts, call, in.GetMarker(), in.GetMaxItems(), func(arn aws.ARN, h *held[script]) *api.FunctionSummary {
		if stage == api.FunctionStageLive && h.Config.Live == nil {
			return nil
		}
		return functionSummary(arn, h, stage, false)
	})
	if err != nil {
		return nil, err
	}
	list := &api.FunctionList{NextMarker: p.Next, MaxItems: p.MaxItems, Items: []api.FunctionSummary{}}
	err = s.db.View(ctx, func(tx *store.Tx) error {
		list.Items = list.Items[:0]
		for _, f := range p.Items {
			if f == nil {
				continue
			}
			arn, err := aws.ParseARN(f.FunctionMetadata.FunctionARN)
			if err != nil {
				return err
			}
			used, err := runsFunction(tx, call, arn)
			if err != nil {
				return err
			}
			if used {
				f.Status = new("DEPLOYED")
			}
			list.Items = append(list.Items, *f)
		}
		return nil
	})
	list.Quantity = int32(len(list.Items))
	return &api.ListFunctionsOutput{FunctionList: list}, err
}
