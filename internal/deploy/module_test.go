package deploy

import (
	"testing"

	"github.com/aloft-cloud/aloft/internal/deploy/template"
)

// registered is a registry with one module in it.
type registered struct{ fragment map[string]any }

func (registered) Include(string) (string, error)          { return "", nil }
func (registered) Run(string, MacroEvent) (any, error)     { return nil, nil }
func (r registered) Module(string) (map[string]any, error) { return r.fragment, nil }

// Whatever stands in a template and in a module, no module is left of it where it
// could be put in, and what was given is as it was.
func FuzzModules(f *testing.F) {
	f.Add(`{"Resources":{"M":{"Type":"A1::B2::C3::MODULE","Condition":"X","DependsOn":"N","Properties":{"P":1}},"N":{"Type":"T","Properties":{"A":{"Fn::GetAtt":"M.R.Arn"},"B":{"Fn::Sub":"${M.R}"}}}}}`,
		`{"Parameters":{"P":{"Type":"String"}},"Conditions":{"C":{"Fn::Equals":["a",{"Ref":"P"}]}},"Resources":{"R":{"Type":"T","Condition":"C","Properties":{"A":{"Fn::Sub":["${P} ${R} ${x}",{"x":{"Ref":"R"}}]}}}}}`)
	f.Add(`{"Resources":{"M":{"Type":"A1::B2::C3::MODULE","Condition":"X"}}}`, `{"Resources":{"R":{"Type":"T","Condition":"C","DependsOn":["S",1]}}}`)
	f.Fuzz(func(t *testing.T, use, fragment string) {
		whole, err := template.Parse(use, template.Options{})
		if err != nil {
			return
		}
		part, err := template.Parse(fragment, template.Options{})
		if err != nil || UsesModules(part.Root) {
			return
		}
		before, _ := whole.Root["Resources"].(map[string]any)
		count := len(before)
		out, err := expandModules(whole.Root, registered{part.Root}, 0)
		if err == nil && UsesModules(out) {
			t.Errorf("expandModules(%s) leaves a module", use)
		}
		if after, _ := whole.Root["Resources"].(map[string]any); len(after) != count {
			t.Errorf("expandModules(%s) changes what it is given", use)
		}
	})
}
