package scheduler

import (
	"errors"
	"strings"
	"time"

	api "github.com/aloft-cloud/aloft/internal/api/scheduler"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/event/cron"
	"github.com/aloft-cloud/aloft/internal/store"
	"github.com/aloft-cloud/aloft/internal/store/due"
)

var (
	schedules = store.NewTable[aws.ARN, schedule]("scheduler.schedule")
	dues      = due.NewTimes[aws.ARN]("scheduler.due")
	groups    = store.NewTable[aws.ARN, group]("scheduler.group") // but those named default
)

// A schedule is one as its owner wrote it, and where it is in its course.
type schedule struct {
	Expression  string
	Zone        string
	Description string `json:",omitempty"`
	State       string
	After       string // api.ActionAfterCompletionNone or Delete
	Window      api.FlexibleTimeWindow
	Target      api.Target
	From, To    time.Time // it works; zero is without bound
	Token       string    `json:",omitempty"` // of the request that made it
	Created     time.Time
	Modified    time.Time
	Time        time.Time // for which it is due next; zero if it is not
	Fire        time.Time // when it will be: within the window after Time
}

// A group is a schedule group.
type group struct {
	Tags     map[string]string `json:",omitempty"`
	Token    string            `json:",omitempty"`
	Created  time.Time
	Modified time.Time
}

const (
	scheduleKind = "schedule/"
	groupKind    = "schedule-group/"
	defaultGroup = "default"
)

// scheduleARN is a schedule of that name in a group; "" is the default one.
func scheduleARN(call *aws.Call, group, name string) aws.ARN {
	if group == "" {
		group = defaultGroup
	}
	return call.ARN("scheduler", scheduleKind+group+"/"+name)
}

func groupARN(call *aws.Call, name string) aws.ARN {
	if name == "" {
		name = defaultGroup
	}
	return call.ARN("scheduler", groupKind+name)
}

// namesOf returns the group and the name of a schedule.
func namesOf(arn aws.ARN) (group, name string) {
	group, name, _ = strings.Cut(strings.TrimPrefix(arn.Resource, scheduleKind), "/")
	return group, name
}

func findSchedule(tx *store.Tx, arn aws.ARN) (schedule, error) {
	row, err := schedules.Get(tx, arn)
	if errors.Is(err, store.ErrNotFound) {
		_, name := namesOf(arn)
		return row, api.ResourceNotFoundException.Errorf("Schedule %s does not exist.", name)
	}
	return row, err
}

// findGroup returns a group, or a refusal if there is no such. The default one
// is always there.
func findGroup(tx *store.Tx, arn aws.ARN) (group, error) {
	row, err := groups.Get(tx, arn)
	name := strings.TrimPrefix(arn.Resource, groupKind)
	if errors.Is(err, store.ErrNotFound) && name != defaultGroup {
		return row, api.ResourceNotFoundException.Errorf("Schedule group %s does not exist.", name)
	}
	if errors.Is(err, store.ErrNotFound) {
		return row, nil
	}
	return row, err
}

// times returns the schedule's times.
func (s *schedule) times() (cron.Schedule, error) {
	zone, err := time.LoadLocation(s.Zone)
	if err != nil {
		return cron.Schedule{}, err
	}
	return cron.Parse(s.Expression, zone)
}

// next returns the first time past after for which the schedule is due.
func (s *schedule) next(after time.Time) (time.Time, bool, error) {
	times, err := s.times()
	if err != nil {
		return time.Time{}, false, err
	}
	start := s.Created
	if !s.From.IsZero() {
		start = s.From
	}
	if !times.Once() && after.Before(start) {
		after = start.Add(-1)
	}
	at, ok := times.Next(after, start)
	if ok && !times.Once() && !s.To.IsZero() && at.After(s.To) {
		ok = false
	}
	return at.UTC(), ok, nil
}
