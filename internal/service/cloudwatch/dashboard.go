package cloudwatch

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"time"

	api "github.com/aloft-cloud/aloft/internal/api/cloudwatch"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/service"
	"github.com/aloft-cloud/aloft/internal/store"
)

// A dashboard is one as its owner wrote it.
type dashboard struct {
	Body     string
	Modified time.Time
	Tags     map[string]string `json:",omitempty"`
}

const (
	dashboardKind  = "dashboard/"
	dashboardsPage = 1000
	maxWidgets     = 500
	gridWidth      = 24
)

// dashboardARN is a dashboard of an account: they are of no region.
func dashboardARN(call *aws.Call, name string) aws.ARN {
	return aws.ARN{Service: "cloudwatch", Account: call.Account, Resource: dashboardKind + name}
}

var dashboardName = regexp.MustCompile(`^[A-Za-z0-9_-]+$`)

// PutDashboard keeps a dashboard in place of any of that name.
func (s *Service) PutDashboard(ctx context.Context, call *aws.Call, in *api.PutDashboardInput) (*api.PutDashboardOutput, error) {
	if !dashboardName.MatchString(in.DashboardName) {
		return nil, badValue("The value for field DashboardName contains invalid characters. It can only contain alphanumerics, dash (-) and underscore (_).\n")
	}
	if len(in.DashboardName) > 255 {
		return nil, badValue("The value for field DashboardName must not be longer than 255 characters.")
	}
	messages, fatal := checkBody(in.DashboardBody)
	if fatal {
		return nil, api.DashboardInvalidInputError.With(&api.DashboardInvalidInputErrorDetail{DashboardValidationMessages: messages},
			"The dashboard body is invalid, there are validation errors: "+describeMessages(messages))
	}
	arn := dashboardARN(call, in.DashboardName)
	err := s.DB.Update(ctx, func(tx *store.Tx) error {
		row, err := dashboards.Get(tx, arn)
		if err != nil && !errors.Is(err, store.ErrNotFound) {
			return err
		}
		row.Body, row.Modified = in.DashboardBody, time.Now().UTC()
		if errors.Is(err, store.ErrNotFound) {
			row.Tags = service.TagMap(in.Tags, pair)
		}
		return dashboards.Put(tx, arn, row)
	})
	if err != nil {
		return nil, err
	}
	return &api.PutDashboardOutput{DashboardValidationMessages: list(messages)}, nil
}

func describeMessages(messages []api.DashboardValidationMessage) string {
	var parts []string
	for _, m := range messages {
		parts = append(parts, fmt.Sprintf("DataPath: %s, Message: %s", aws.Value(m.DataPath), aws.Value(m.Message)))
	}
	return strings.Join(parts, "; ")
}

// A widget is one of a dashboard, as far as it is checked.
type widget struct {
	Type       any             `json:"type"`
	X          *float64        `json:"x"`
	Y          *float64        `json:"y"`
	Width      *float64        `json:"width"`
	Height     *float64        `json:"height"`
	Properties json.RawMessage `json:"properties"`
}

var widgetTypes = map[string]bool{"metric": true, "text": true, "log": true, "alarm": true, "explorer": true, "custom": true}

// checkBody tells what is wrong with the body of a dashboard, and whether it
// cannot be kept for it.
func checkBody(body string) (messages []api.DashboardValidationMessage, fatal bool) {
	say := func(path, format string, args ...any) {
		messages = append(messages, api.DashboardValidationMessage{DataPath: &path, Message: new(fmt.Sprintf(format, args...))})
	}
	var parsed struct {
		Widgets json.RawMessage `json:"widgets"`
	}
	if err := json.Unmarshal([]byte(body), &parsed); err != nil {
		say("", "The field DashboardBody must be a valid JSON object")
		return messages, true
	}
	if parsed.Widgets == nil {
		say("/", `Should have required property 'widgets'`)
		return messages, true
	}
	var widgets []json.RawMessage
	if json.Unmarshal(parsed.Widgets, &widgets) != nil {
		say("/widgets", "Should be array")
		return messages, true
	}
	if len(widgets) > maxWidgets {
		say("/widgets", "Should NOT have more than %d items", maxWidgets)
		return messages, true
	}
	for i, raw := range widgets {
		path := fmt.Sprintf("/widgets/%d", i)
		var w widget
		if json.Unmarshal(raw, &w) != nil {
			say(path, "Should be object")
			fatal = true
			continue
		}
		fatal = w.check(path, say) || fatal
	}
	return messages, fatal
}

func (w *widget) check(path string, say func(path, format string, args ...any)) (fatal bool) {
	kind, isText := w.Type.(string)
	switch {
	case w.Type == nil:
		say(path, "Should have required property 'type'")
		return true
	case !isText || !widgetTypes[kind]:
		say(path+"/type", "Should be equal to one of the allowed values")
		return true
	case w.Properties == nil:
		say(path, "Should have required property 'properties'")
		return true
	}
	if w.Width != nil && (*w.Width < 1 || *w.Width > gridWidth) {
		say(path+"/width", "Should be >= 1 and <= %d", gridWidth)
		fatal = true
	}
	if w.X != nil && (*w.X < 0 || *w.X > gridWidth-1) {
		say(path+"/x", "Should be >= 0 and <= %d", gridWidth-1)
		fatal = true
	}
	var p struct {
		Metrics  json.RawMessage `json:"metrics"`
		Markdown *string         `json:"markdown"`
		Query    *string         `json:"query"`
	}
	if json.Unmarshal(w.Properties, &p) != nil {
		say(path+"/properties", "Should be object")
		return true
	}
	if kind == "text" && p.Markdown == nil {
		say(path+"/properties", "Should have required property 'markdown'")
		fatal = true
	}
	var metrics [][]any
	if kind == "metric" && p.Metrics != nil && json.Unmarshal(p.Metrics, &metrics) != nil {
		say(path+"/properties/metrics", "Should be array")
		fatal = true
	}
	return fatal
}

// GetDashboard returns a dashboard.
func (s *Service) GetDashboard(ctx context.Context, call *aws.Call, in *api.GetDashboardInput) (*api.GetDashboardOutput, error) {
	arn := dashboardARN(call, in.DashboardName)
	var row dashboard
	err := s.DB.View(ctx, func(tx *store.Tx) (err error) {
		row, err = dashboards.Get(tx, arn)
		return err
	})
	if errors.Is(err, store.ErrNotFound) {
		return nil, errNoDashboard(in.DashboardName)
	}
	if err != nil {
		return nil, err
	}
	return &api.GetDashboardOutput{DashboardArn: new(arn.String()), DashboardBody: &row.Body, DashboardName: &in.DashboardName}, nil
}

func errNoDashboard(names ...string) error {
	return api.DashboardNotFoundError.Errorf("Dashboard %s does not exist", strings.Join(names, ", "))
}

// ListDashboards lists dashboards in order of their names.
func (s *Service) ListDashboards(ctx context.Context, call *aws.Call, in *api.ListDashboardsInput) (*api.ListDashboardsOutput, error) {
	after, err := parseToken(in.NextToken)
	if err != nil {
		return nil, err
	}
	out := &api.ListDashboardsOutput{}
	err = s.DB.View(ctx, func(tx *store.Tx) error {
		*out = api.ListDashboardsOutput{DashboardEntries: []api.DashboardEntry{}}
		last := ""
		for arn, row := range dashboards.ScanAfter(tx, aws.ARN{Account: call.Account}, dashboardARN(call, after)) {
			name := strings.TrimPrefix(arn.Resource, dashboardKind)
			if !strings.HasPrefix(name, in.GetDashboardNamePrefix()) {
				continue
			}
			if len(out.DashboardEntries) == dashboardsPage {
				out.NextToken = newToken(last)
				break
			}
			last = name
			out.DashboardEntries = append(out.DashboardEntries, api.DashboardEntry{
				DashboardName: &name, DashboardArn: new(arn.String()), LastModified: &row.Modified, Size: new(int64(len(row.Body))),
			})
		}
		return tx.Err()
	})
	return out, err
}

// DeleteDashboards deletes all of some dashboards, or none.
func (s *Service) DeleteDashboards(ctx context.Context, call *aws.Call, in *api.DeleteDashboardsInput) (*api.DeleteDashboardsOutput, error) {
	err := s.DB.Update(ctx, func(tx *store.Tx) error {
		for _, name := range in.DashboardNames {
			arn := dashboardARN(call, name)
			if exists, err := dashboards.Has(tx, arn); err != nil {
				return err
			} else if !exists {
				return errNoDashboard(in.DashboardNames...)
			}
			if err := dashboards.Delete(tx, arn); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &api.DeleteDashboardsOutput{}, nil
}
