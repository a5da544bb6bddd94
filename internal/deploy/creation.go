package deploy

import (
	"fmt"
	"regexp"
	"strconv"
	"time"

	"github.com/aloft-cloud/aloft/internal/deploy/resource"
	"github.com/aloft-cloud/aloft/internal/deploy/template"
)

// waitType is the type that a CreationPolicy holds up, of those that there are.
const waitType = "AWS::CloudFormation::WaitCondition"

// usualWait is how long signals are waited for if a policy does not say.
const usualWait = 5 * time.Minute

// creation reads the CreationPolicy of a resource: how many signals it waits for
// before it is there, and for how long. It returns nil if there is none.
func (p *Prepared) creation(id string, scope *template.Scope) (*resource.Creation, error) {
	r := p.Template.Resources[id]
	if r.CreationPolicy == nil {
		return nil, nil
	}
	refuse := func(format string, args ...any) error {
		return &template.Error{Message: fmt.Sprintf(format, args...), Path: []string{"Resources", id, "CreationPolicy"}}
	}
	if r.Type != waitType {
		return nil, refuse("Aloft does not support CreationPolicy of %s. That of an %s waits for signals.", r.Type, waitType)
	}
	v, err := p.Template.Resolve(r.CreationPolicy, scope)
	if err != nil {
		return nil, err
	}
	policy, _ := v.(map[string]any)
	signal, _ := policy["ResourceSignal"].(map[string]any)
	if signal == nil || len(policy) != 1 {
		return nil, refuse("CreationPolicy must have ResourceSignal, and that alone")
	}
	out := &resource.Creation{Count: 1, Within: usualWait}
	for name, v := range signal {
		if template.HoldsUnknown(v) {
			continue
		}
		text, _ := template.Text(v)
		switch name {
		case "Count":
			out.Count, err = strconv.Atoi(text)
			if err != nil || out.Count < 0 {
				return nil, refuse("ResourceSignal.Count must be a number")
			}
		case "Timeout":
			if out.Within, err = parseISODuration(text); err != nil {
				return nil, refuse("ResourceSignal.Timeout: %s", err)
			}
		default:
			return nil, refuse("ResourceSignal has no property %s", name)
		}
	}
	return out, nil
}

var isoDuration = regexp.MustCompile(`^PT(?:(\d{1,6})H)?(?:(\d{1,6})M)?(?:(\d{1,6})S)?$`)

// parseISODuration reads a duration as ISO 8601 writes it, of at most 12 hours.
func parseISODuration(text string) (time.Duration, error) {
	const most = 12 * time.Hour
	m := isoDuration.FindStringSubmatch(text)
	if m == nil || text == "PT" {
		return 0, fmt.Errorf("%q is no duration such as PT15M", text)
	}
	var d time.Duration
	for i, unit := range []time.Duration{time.Hour, time.Minute, time.Second} {
		n, _ := strconv.Atoi(m[i+1]) // what is left out is 0
		d += time.Duration(n) * unit
	}
	if d > most {
		return 0, fmt.Errorf("%s is more than 12 hours", text)
	}
	return d, nil
}
