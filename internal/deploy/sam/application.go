package sam

var applicationSchema = newSchema(applicationType, `Location!:sm TemplateUrl:s Parameters:m NotificationARNs:[sm] Tags:m TimeoutInMinutes:i`)

// findApplications finds the templates of applications. Those of the public
// repository are not to be had here.
func (t *transformer) findApplications() error {
	var causes []Cause
	for _, id := range t.samResources(applicationType) {
		p := t.properties(id)
		location, ok := p["Location"].(object)
		if !ok || isCall(location) {
			if given(p["Location"]) {
				p["TemplateUrl"] = p["Location"]
			}
			continue
		}
		var err error
		for _, name := range []string{"ApplicationId", "SemanticVersion"} {
			if location[name] == nil {
				err = badResource(id, "Resource is missing the required [%s] property.", name)
				break
			}
			if !given(location[name]) {
				err = badResource(id, "Property '%s' cannot be blank.", name)
				break
			}
		}
		if err == nil {
			err = badResource(id, "Aloft has no Serverless Application Repository, so application %s cannot be found.", shown(location["ApplicationId"]))
		}
		causes = append(causes, Cause{id, err.Error()})
	}
	if causes != nil {
		return newError(causes)
	}
	return nil
}

// expandApplication makes a nested stack.
func expandApplication(m *macro) ([]*resource, error) {
	r := newResource("AWS::CloudFormation::Stack", m.id, m.passed())
	r.dependsOn = m.dependsOn
	copyMembers(r.props, m.props, "Parameters", "NotificationARNs", "TimeoutInMinutes")
	tags, err := m.samTags()
	if err != nil {
		return nil, err
	}
	r.props["Tags"] = tags
	r.props["TemplateURL"] = or(m.props["TemplateUrl"], "")
	return []*resource{r}, nil
}
