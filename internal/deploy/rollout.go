package deploy

import (
	"github.com/aloft-cloud/aloft/internal/deploy/resource"
	"github.com/aloft-cloud/aloft/internal/deploy/template"
)

// rollout reads how an UpdatePolicy has CodeDeploy change a resource. It returns
// nil if there is none.
func (p *Prepared) rollout(id string, scope *template.Scope) (*resource.Rollout, error) {
	v, err := p.Template.Resolve(p.Template.Resources[id].UpdatePolicy, scope)
	if err != nil {
		return nil, err
	}
	policy, _ := v.(map[string]any)
	alias, _ := policy["CodeDeployLambdaAliasUpdate"].(map[string]any)
	if alias == nil {
		return nil, nil
	}
	var r resource.Rollout
	for name, to := range map[string]*string{
		"ApplicationName": &r.Application, "DeploymentGroupName": &r.Group, "BeforeAllowTrafficHook": &r.Before, "AfterAllowTrafficHook": &r.After,
	} {
		*to, _ = template.Text(alias[name])
	}
	return &r, nil
}
