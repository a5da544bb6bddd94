package events

import (
	"encoding/json"
	"errors"
	"strings"
	"time"

	api "github.com/aloft-cloud/aloft/internal/api/events"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/store"
	"github.com/aloft-cloud/aloft/internal/store/due"
)

var (
	buses        = store.NewTable[aws.ARN, bus]("events.bus")
	rules        = store.NewTable[ruleKey, rule]("events.rule")
	dues         = due.NewTimes[ruleKey]("events.due") // of rules on a schedule
	archives     = store.NewTable[aws.ARN, archive]("events.archive")
	archivesOf   = store.NewTable[archiveKey, struct{}]("events.archiveof") // by bus
	archived     = store.NewLog[aws.ARN, archivedEvent]("events.archived")
	replays      = store.NewTable[aws.ARN, replay]("events.replay")
	connections  = store.NewTable[aws.ARN, connection]("events.connection") // by connection/NAME
	destinations = store.NewTable[aws.ARN, destination]("events.destination")

	endpoints     = store.NewTable[aws.ARN, endpoint]("events.endpoint")
	endpointsByID = store.NewTable[string, aws.ARN]("events.endpointid")
)

// A bus is an event bus. The default one may have no row.
type bus struct {
	Description string                `json:",omitempty"`
	Policy      string                `json:",omitempty"`
	DeadLetter  *api.DeadLetterConfig `json:",omitempty"`
	Log         *api.LogConfig        `json:",omitempty"`
	Tags        map[string]string     `json:",omitempty"`
	Created     time.Time
	Modified    time.Time
}

type ruleKey struct {
	Bus  aws.ARN
	Name string
}

// A rule chooses events of its bus, or makes some on a schedule.
type rule struct {
	Pattern     string            `json:",omitempty"`
	Schedule    string            `json:",omitempty"`
	State       string            // api.RuleStateEnabled …
	Description string            `json:",omitempty"`
	Role        string            `json:",omitempty"`
	CreatedBy   string            // account
	Tags        map[string]string `json:",omitempty"`
	Targets     []api.Target      `json:",omitempty"`
	Since       time.Time         // when its schedule was set
	Due         time.Time         // of its schedule; zero if it is off
}

func (r *rule) enabled() bool { return r.State != api.RuleStateDisabled }

type archiveKey struct {
	Bus, Archive aws.ARN
}

// An archive keeps the events of a bus that a pattern chooses.
type archive struct {
	Bus         aws.ARN
	Description string `json:",omitempty"`
	Pattern     string `json:",omitempty"`
	Days        int32  `json:",omitempty"` // it keeps events; 0 is for ever
	Created     time.Time
}

// An archivedEvent is an event in an archive.
type archivedEvent struct {
	Event json.RawMessage
	Time  time.Time // of the event
	Kept  time.Time // when it came
}

// A replay puts what an archive has on its bus again.
type replay struct {
	Archive     aws.ARN
	Description string `json:",omitempty"`
	Destination api.ReplayDestination
	From, To    time.Time // of events
	State       string
	Started     time.Time
	Ended       time.Time
	Last        time.Time      // of the event replayed last
	Position    store.Position // in the archive
}

const (
	busKind         = "event-bus/"
	ruleKind        = "rule/"
	archiveKind     = "archive/"
	replayKind      = "replay/"
	connectionKind  = "connection/"
	destinationKind = "api-destination/"
	endpointKind    = "endpoint/"
	defaultBus      = "default"
)

// busARN is the bus that a caller means by its name or its ARN; "" is default.
func busARN(call *aws.Call, name string) aws.ARN {
	if arn, err := aws.ParseARN(name); err == nil {
		return arn
	}
	if name == "" {
		name = defaultBus
	}
	return call.ARN("events", busKind+name)
}

func busName(arn aws.ARN) string { return strings.TrimPrefix(arn.Resource, busKind) }

// ARN is that of the rule: rules of the default bus do not name it.
func (k ruleKey) ARN() aws.ARN {
	arn := k.Bus
	if name := busName(k.Bus); name != defaultBus {
		arn.Resource = ruleKind + name + "/" + k.Name
	} else {
		arn.Resource = ruleKind + k.Name
	}
	return arn
}

// parseRule is the inverse of ruleKey.ARN.
func parseRule(arn aws.ARN) (ruleKey, bool) {
	path, ok := strings.CutPrefix(arn.Resource, ruleKind)
	bus, name := defaultBus, path
	if i := strings.LastIndexByte(path, '/'); i >= 0 {
		bus, name = path[:i], path[i+1:]
	}
	arn.Resource = busKind + bus
	return ruleKey{arn, name}, ok && arn.Service == "events" && name != ""
}

// findBus returns the bus arn, or a refusal if there is none. The default one
// is always there.
func findBus(tx *store.Tx, arn aws.ARN) (bus, error) {
	row, err := buses.Get(tx, arn)
	if errors.Is(err, store.ErrNotFound) {
		if busName(arn) == defaultBus {
			return bus{}, nil
		}
		return bus{}, errNoBus(arn)
	}
	return row, err
}

// findRule returns a rule, or a refusal if there is no such.
func findRule(tx *store.Tx, key ruleKey) (rule, error) {
	row, err := rules.Get(tx, key)
	if errors.Is(err, store.ErrNotFound) {
		return rule{}, api.ResourceNotFoundException.Errorf("Rule %s does not exist on EventBus %s.", key.Name, busName(key.Bus))
	}
	return row, err
}

func findArchive(tx *store.Tx, arn aws.ARN) (archive, error) {
	row, err := archives.Get(tx, arn)
	if errors.Is(err, store.ErrNotFound) {
		return archive{}, api.ResourceNotFoundException.Errorf("Archive %s does not exist.", strings.TrimPrefix(arn.Resource, archiveKind))
	}
	return row, err
}

func findReplay(tx *store.Tx, arn aws.ARN) (replay, error) {
	row, err := replays.Get(tx, arn)
	if errors.Is(err, store.ErrNotFound) {
		return replay{}, api.ResourceNotFoundException.Errorf("Replay %s does not exist.", strings.TrimPrefix(arn.Resource, replayKind))
	}
	return row, err
}
