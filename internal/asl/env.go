package asl

import (
	"crypto/rand"
	"fmt"
	mathrand "math/rand/v2"
	"time"

	"github.com/aloft-cloud/aloft/internal/tree"
)

// Env is what the expressions of a state see, and who answers for what is not
// determined by data.
type Env struct {
	Input     Value        // the state's input, before InputPath
	Context   *tree.Object // the Context object: $$ and $states.context
	Variables *tree.Object // of this scope and those around it, by name without $
	Event     int64        // id of the event by which the state was entered, for causes
	Source    Source
	Inspect   *Inspection // filled by what is asked of the state, if not nil
}

// Source is where chance and time come from.
type Source struct {
	Now     func() time.Time
	Float64 func() float64 // in [0, 1)
	UUID    func() string
}

// Live is the real thing.
var Live = Source{Now: time.Now, Float64: mathrand.Float64, UUID: newUUID}

func newUUID() string {
	var b [16]byte
	rand.Read(b[:])
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}

// Exit is how a state is left.
type Exit struct {
	Next      string // "" at the end
	Output    Value
	Variables *tree.Object // what Env.Variables are from now on
	Assigned  *tree.Object // what of them was assigned just now, nil for nothing; history tells it
}

// Timeouts of a Task; 0 is none.
type Timeouts struct {
	Timeout, Heartbeat time.Duration
}

// MapLimits of a Map.
type MapLimits struct {
	MaxConcurrency             int64 // 0 is no limit
	ToleratedFailureCount      int64
	CountGiven                 bool
	ToleratedFailurePercentage float64
	PercentageGiven            bool
}

// Exceeded reports whether failed of total items are more than are tolerated:
// more than either of the two allows, and any at all if neither is given.
func (l MapLimits) Exceeded(failed, total int64) bool {
	switch {
	case failed == 0:
		return false
	case l.CountGiven && failed > l.ToleratedFailureCount:
		return true
	case l.PercentageGiven && float64(failed)*100 > l.ToleratedFailurePercentage*float64(total):
		return true
	}
	return !l.CountGiven && !l.PercentageGiven
}

// Inspection is what TestState tells of a state's steps; what did not happen is not set.
type Inspection struct {
	Steps map[string]Value // afterInputPath, afterParameters, afterArguments, result, afterResultSelector ...
}

func (i *Inspection) set(step string, v Value) {
	if i == nil {
		return
	}
	if i.Steps == nil {
		i.Steps = map[string]Value{}
	}
	i.Steps[step] = v
}
