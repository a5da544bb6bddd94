package sam

import (
	"maps"
	"strings"
)

var layerSchema = newSchema(layerType, `LayerName:sm Description:s PublishLambdaVersion:b ContentUri!:sm
	CompatibleArchitectures:[sm] CompatibleRuntimes:[sm] LicenseInfo:s RetentionPolicy:s`)

// expandLayer makes a version of a layer. Its id changes with what it is made
// of, since a layer's version never changes.
func expandLayer(m *macro) ([]*resource, error) {
	for _, name := range []string{"LayerName", "LicenseInfo", "Description", "RetentionPolicy"} {
		if !given(m.props[name]) {
			continue
		}
		v, err := m.resolved(name)
		if err != nil {
			return nil, err
		}
		if !isString(v) && !isMap(v) {
			return nil, badResource(m.id, "Could not resolve parameter for '%s' or parameter is not a String.", name)
		}
		m.props[name] = v
	}
	attrs := m.passed()
	retention, err := m.retention()
	if err != nil {
		return nil, err
	}
	if _, has := attrs["DeletionPolicy"]; !has {
		attrs["DeletionPolicy"] = "Retain"
	}
	if retention != "" {
		attrs["DeletionPolicy"] = retention
	}
	name := m.id
	m.id += hashOf(m.hashed())
	r := newResource("AWS::Lambda::LayerVersion", m.id, attrs)
	r.dependsOn = m.dependsOn
	r.props["LayerName"] = m.props["LayerName"]
	if !given(m.props["LayerName"]) {
		r.props["LayerName"] = name
	}
	if r.props["Content"], err = codeLocation(m.id, "ContentUri", m.props["ContentUri"]); err != nil {
		return nil, err
	}
	copyMembers(r.props, m.props, "Description", "CompatibleArchitectures", "CompatibleRuntimes", "LicenseInfo")
	for _, v := range asList(m.props["CompatibleArchitectures"]) {
		if !isCall(v) && v != "arm64" && v != "x86_64" {
			return nil, badResource(m.id, "CompatibleArchitectures needs to be a list of 'x86_64' or 'arm64'")
		}
	}
	return []*resource{r}, nil
}

// hashed is what the id of the layer's version depends on.
func (m *macro) hashed() object {
	props := object{}
	for key, v := range m.props {
		put(props, key, v)
	}
	tree := object{"Type": m.typ, "Properties": props}
	if given(m.dependsOn) {
		tree["DependsOn"] = m.dependsOn
	}
	maps.Copy(tree, m.attrs)
	delete(tree, "DeletionPolicy")
	delete(tree, "UpdateReplacePolicy")
	delete(tree, "Metadata")
	return object{m.id: tree}
}

func (m *macro) retention() (string, error) {
	v := m.props["RetentionPolicy"]
	switch {
	case v == nil:
		return "", nil
	case isCall(v):
		return "", badResource(m.id, "'RetentionPolicy' does not accept intrinsic functions, please use one of the following options: ['Retain', 'Delete']")
	case !isString(v):
		return "", badResource(m.id, "Invalid 'RetentionPolicy' type, please use one of the following options: ['Retain', 'Delete']")
	}
	for _, policy := range []string{"Retain", "Delete"} {
		if strings.EqualFold(v.(string), policy) {
			return policy, nil
		}
	}
	return "", badResource(m.id, "'RetentionPolicy' must be one of the following options: ['Retain', 'Delete'].")
}
