package events

import (
	"strings"
	"time"

	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/event"
	"github.com/aloft-cloud/aloft/internal/meter"
)

// measured is a rule, by its name, as its metrics are told apart.
func measured(rule aws.ARN) meter.Subject {
	name := rule.Resource[strings.LastIndexByte(rule.Resource, '/')+1:]
	return meter.OfARN(rule, "AWS/Events", "RuleName", name)
}

// delivered counts the invocations of a rule's targets.
func delivered(m *meter.Meter, d *event.Delivery, err error) {
	if !strings.HasPrefix(d.Source.Resource, ruleKind) {
		return
	}
	if err != nil {
		m.Add(measured(d.Source), time.Now(), meter.Count("FailedInvocations", 1))
		return
	}
	m.Add(measured(d.Source), time.Now(), meter.Count("Invocations", 1))
}

// matched counts an event that a rule matches.
func (s *Service) matched(rule aws.ARN) {
	s.meter.Add(measured(rule), time.Now(), meter.Count("MatchedEvents", 1), meter.Count("TriggeredRules", 1))
}
