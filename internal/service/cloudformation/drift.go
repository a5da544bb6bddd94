package cloudformation

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	api "github.com/aloft-cloud/aloft/internal/api/cloudformation"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/deploy"
	"github.com/aloft-cloud/aloft/internal/deploy/resource"
	"github.com/aloft-cloud/aloft/internal/store"
)

// What drift detection says of resources and stacks.
const (
	inSync   = "IN_SYNC"
	modified = "MODIFIED"
	gone     = "DELETED"
	drifted  = "DRIFTED"
)

// A detection is one look at whether a stack is as it was made.
type detection struct {
	Stack   aws.ARN
	ID      string
	Status  string // of the stack
	Drifted int
	At      time.Time
	Found   []driftOf
}

// A driftOf is what was found of one resource.
type driftOf struct {
	LogicalID, PhysicalID, Type string
	Status                      string
	Expected, Actual            string // JSON
	Differences                 []resource.Difference
	At                          time.Time
}

type detectionKey struct {
	Place aws.ARN
	ID    string
}

var (
	detections = store.NewTable[detectionKey, detection]("cloudformation.detection")
	lastDrift  = store.NewTable[aws.ARN, detection]("cloudformation.drift") // by stack
)

// DetectStackDrift looks whether the resources of a stack are as they were made.
func (s *Service) DetectStackDrift(ctx context.Context, call *aws.Call, in *api.DetectStackDriftInput) (*api.DetectStackDriftOutput, error) {
	st, rows, err := s.load(ctx, call, in.StackName, errNoStack)
	if err != nil {
		return nil, err
	}
	if st.Phase != deploy.AtRest || st.Status == "REVIEW_IN_PROGRESS" {
		return nil, api.ValidationError.Errorf("Drift detection cannot be performed on stack [%s] while in state %s", st.ID, st.Status)
	}
	d := detection{Stack: stackID(st.ID), ID: aws.NewRequestID(), Status: inSync, At: time.Now()}
	for _, row := range rows {
		if in.LogicalResourceIds != nil && !slices.Contains(in.LogicalResourceIds, row.ID) || !resource.Reads(row.Type) || row.PhysicalID == "" {
			continue
		}
		found, err := s.drift(ctx, call, &st, &row)
		if err != nil {
			return nil, err
		}
		if found.Status != inSync {
			d.Status = drifted
			d.Drifted++
		}
		d.Found = append(d.Found, *found)
	}
	err = s.db.Update(ctx, func(tx *store.Tx) error {
		if err := detections.Put(tx, detectionKey{place(d.Stack), d.ID}, d); err != nil {
			return err
		}
		return lastDrift.Put(tx, d.Stack, d)
	})
	return &api.DetectStackDriftOutput{StackDriftDetectionId: d.ID}, err
}

// drift looks at one resource.
func (s *Service) drift(ctx context.Context, call *aws.Call, st *deploy.Stack, row *deploy.Row) (*driftOf, error) {
	d := &driftOf{LogicalID: row.ID, PhysicalID: row.PhysicalID, Type: row.Type, Status: inSync, At: time.Now(), Expected: resource.JSON(map[string]any(row.Properties))}
	actual, err := resource.Read(&resource.Op{
		Env: resource.Env{Table: s.table}, Ctx: ctx, Call: call, Stack: resource.Stack{ID: st.ID, Name: st.Name},
		LogicalID: row.ID, Type: row.Type, PhysicalID: row.PhysicalID,
	})
	if resource.IsGone(err) {
		d.Status = gone
		return d, nil
	}
	if err != nil {
		return nil, err
	}
	d.Actual = resource.JSON(actual)
	d.Differences = resource.Differences(row.Type, row.Properties, actual)
	slices.SortFunc(d.Differences, func(a, b resource.Difference) int { return strings.Compare(a.Path, b.Path) })
	if d.Differences != nil {
		d.Status = modified
	}
	return d, nil
}

// DetectStackResourceDrift looks whether a resource is as it was made.
func (s *Service) DetectStackResourceDrift(ctx context.Context, call *aws.Call, in *api.DetectStackResourceDriftInput) (*api.DetectStackResourceDriftOutput, error) {
	st, rows, err := s.load(ctx, call, in.StackName, errNoStack)
	if err != nil {
		return nil, err
	}
	i := slices.IndexFunc(rows, func(row deploy.Row) bool { return row.ID == in.LogicalResourceId })
	if i < 0 {
		return nil, api.ValidationError.Errorf("Resource %s does not exist for stack %s", in.LogicalResourceId, in.StackName)
	}
	if !resource.Reads(rows[i].Type) {
		return nil, api.ValidationError.Errorf("Drift detection is not supported for resource type %s", rows[i].Type)
	}
	d, err := s.drift(ctx, call, &st, &rows[i])
	if err != nil {
		return nil, err
	}
	return &api.DetectStackResourceDriftOutput{StackResourceDrift: shownDrift(st.ID, d)}, nil
}

func shownDrift(stack string, d *driftOf) *api.StackResourceDrift {
	out := &api.StackResourceDrift{
		StackId: stack, LogicalResourceId: d.LogicalID, PhysicalResourceId: &d.PhysicalID, ResourceType: d.Type,
		StackResourceDriftStatus: d.Status, Timestamp: d.At, ExpectedProperties: &d.Expected, ActualProperties: optional(d.Actual),
		PropertyDifferences: []api.PropertyDifference{},
	}
	for _, diff := range d.Differences {
		out.PropertyDifferences = append(out.PropertyDifferences, api.PropertyDifference{
			PropertyPath: diff.Path, ExpectedValue: plainJSON(diff.Expected), ActualValue: plainJSON(diff.Actual), DifferenceType: diff.Kind,
		})
	}
	return out
}

func plainJSON(v any) string {
	if s := valueText(v); s != nil {
		return *s
	}
	return "null"
}

// DescribeStackDriftDetectionStatus says what came of looking.
func (s *Service) DescribeStackDriftDetectionStatus(ctx context.Context, call *aws.Call, in *api.DescribeStackDriftDetectionStatusInput) (*api.DescribeStackDriftDetectionStatusOutput, error) {
	var d detection
	err := s.db.View(ctx, func(tx *store.Tx) error {
		var err error
		d, err = detections.Get(tx, detectionKey{place(call.ARN("cloudformation", "")), in.StackDriftDetectionId})
		return err
	})
	if errors.Is(err, store.ErrNotFound) {
		return nil, api.ValidationError.Errorf("Drift detection [%s] does not exist", in.StackDriftDetectionId)
	}
	return &api.DescribeStackDriftDetectionStatusOutput{
		StackId: d.Stack.String(), StackDriftDetectionId: d.ID, StackDriftStatus: &d.Status, DetectionStatus: "DETECTION_COMPLETE",
		DriftedStackResourceCount: new(int32(d.Drifted)), Timestamp: d.At,
	}, err
}

// DescribeStackResourceDrifts lists what was found last.
func (s *Service) DescribeStackResourceDrifts(ctx context.Context, call *aws.Call, in *api.DescribeStackResourceDriftsInput) (*api.DescribeStackResourceDriftsOutput, error) {
	out := &api.DescribeStackResourceDriftsOutput{}
	err := s.db.View(ctx, func(tx *store.Tx) error {
		out.StackResourceDrifts = []api.StackResourceDrift{}
		st, err := needStack(tx, call, in.StackName, errNoStack)
		if err != nil {
			return err
		}
		d, err := lastDrift.Get(tx, stackID(st.ID))
		if errors.Is(err, store.ErrNotFound) {
			return nil
		}
		for _, found := range d.Found {
			if in.StackResourceDriftStatusFilters == nil || slices.Contains(in.StackResourceDriftStatusFilters, found.Status) {
				out.StackResourceDrifts = append(out.StackResourceDrifts, *shownDrift(st.ID, &found))
			}
		}
		return err
	})
	return out, err
}

// setDrift says in the description of a stack what was found last.
func setDrift(tx *store.Tx, st *api.Stack) error {
	d, err := lastDrift.Get(tx, stackID(*st.StackId))
	if errors.Is(err, store.ErrNotFound) {
		return nil
	}
	st.DriftInformation = &api.StackDriftInformation{StackDriftStatus: d.Status, LastCheckTimestamp: &d.At}
	return err
}
