package sandbox

import (
	"errors"
	"strings"
	"testing"
)

// Tenants have workers of their own, and code is told which tenant's event it has.
func TestTenants(t *testing.T) {
	for name, f := range map[string]*Function{
		"node":   node(t, "let n = 0; exports.handler = async (e, c) => [c.tenantId, ++n]"),
		"python": python(t, "n = 0\ndef handler(e, c):\n    global n\n    n += 1\n    return [c.tenant_id, n]\n"),
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, nil)
			for _, step := range []struct{ tenant, want string }{
				{"blue", `["blue",1]`}, {"green", `["green",1]`}, {"blue", `["blue",2]`}, {"green", `["green",2]`},
			} {
				res, err := r.Invoke(t.Context(), f, Event{RequestID: testID, InvokedARN: f.ARN.String(), Tenant: step.tenant})
				if errors.Is(err, ErrRuntime) {
					t.Skip(err)
				}
				if err != nil {
					t.Fatal(err)
				}
				if got := strings.ReplaceAll(string(res.Payload), " ", ""); got != step.want {
					t.Errorf("tenant %s: got %s, want %s", step.tenant, got, step.want)
				}
			}
		})
	}
}
