package appconfig

import (
	"encoding/json"
	"regexp"
	"slices"
	"strings"

	"github.com/aloft-cloud/aloft/internal/aws"
)

// Flags are a configuration of feature flags: what there is, and what it is set to.
type flags struct {
	Version string                                `json:"version"`
	Flags   map[string]flag                       `json:"flags"`
	Values  map[string]map[string]json.RawMessage `json:"values"`
}

type flag struct {
	Name       string `json:"name"`
	Attributes map[string]struct {
		Constraints *constraints `json:"constraints"`
	} `json:"attributes"`
}

type constraints struct {
	Type     string            `json:"type"`
	Required bool              `json:"required"`
	Enum     []json.RawMessage `json:"enum"`
	Pattern  string            `json:"pattern"`
	Minimum  *float64          `json:"minimum"`
	Maximum  *float64          `json:"maximum"`
}

var flagKey = regexp.MustCompile(`^[a-z][a-zA-Z\d_-]{0,63}$`)

// checkFlags refuses what is no configuration of feature flags.
func checkFlags(content []byte) error {
	var f flags
	if err := json.Unmarshal(content, &f); err != nil {
		return invalid("Error parsing the feature flag configuration: it is no JSON of the expected form")
	}
	if f.Version != "1" {
		return invalid("Invalid feature flag configuration: version must be \"1\"")
	}
	for key := range f.Flags {
		if !flagKey.MatchString(key) {
			return invalid("Invalid feature flag key: %s", key)
		}
	}
	for key, values := range f.Values {
		def, known := f.Flags[key]
		if !known {
			return invalid("Feature flag %s has values, and is not defined", key)
		}
		if err := checkValues(key, &def, values); err != nil {
			return err
		}
	}
	return nil
}

func checkValues(key string, def *flag, values map[string]json.RawMessage) error {
	if values["_variants"] != nil {
		return aws.NotImplemented.Errorf("Aloft does not have feature flags with variants yet.")
	}
	if v, has := values["enabled"]; has && string(v) != "true" && string(v) != "false" {
		return invalid("The value enabled of feature flag %s must be true or false", key)
	}
	for name := range values {
		if _, known := def.Attributes[name]; !known && name != "enabled" && !strings.HasPrefix(name, "_") {
			return invalid("Feature flag %s has no attribute %s", key, name)
		}
	}
	for name, attribute := range def.Attributes {
		v, has := values[name]
		if c := attribute.Constraints; c != nil && (c.Required || has) {
			if !has || !c.allow(v) {
				return invalid("The value of attribute %s of feature flag %s does not meet its constraints", name, key)
			}
		}
	}
	return nil
}

// allow says whether a value meets constraints.
func (c *constraints) allow(text json.RawMessage) bool {
	var v any
	if json.Unmarshal(text, &v) != nil {
		return false
	}
	if list, ok := v.([]any); ok {
		return c.Type == "array" && len(list) >= 0
	}
	if len(c.Enum) > 0 && !slices.ContainsFunc(c.Enum, func(e json.RawMessage) bool { return string(e) == string(text) }) {
		return false
	}
	switch v := v.(type) {
	case string:
		re, err := regexp.Compile(c.Pattern)
		return c.Type == "string" && (err != nil || re.MatchString(v))
	case float64:
		return c.Type == "number" && (c.Minimum == nil || v >= *c.Minimum) && (c.Maximum == nil || v <= *c.Maximum)
	case bool:
		return c.Type == "boolean"
	}
	return false
}

// readFlags is what sessions read of feature flags: whether each is on and, of
// those that are, their attributes.
func readFlags(content []byte) ([]byte, error) {
	var f flags
	if err := json.Unmarshal(content, &f); err != nil {
		return nil, err
	}
	out := make(map[string]map[string]json.RawMessage)
	for key := range f.Flags {
		read := map[string]json.RawMessage{"enabled": json.RawMessage("false")}
		if values := f.Values[key]; string(values["enabled"]) == "true" {
			for name, v := range values {
				if !strings.HasPrefix(name, "_") {
					read[name] = v
				}
			}
		}
		out[key] = read
	}
	return json.Marshal(out)
}
