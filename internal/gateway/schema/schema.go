// Package schema checks bodies against models, which are schemas of JSON in
// draft 4, as API Gateway takes them.
package schema

import (
	"errors"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

// Models are schemas by name, which may refer to each other.
type Models struct {
	compiler *jsonschema.Compiler
	base     string
	known    map[string]*Check
}

// A Check is the schema of a body, or why it cannot be read.
type Check struct {
	schema *jsonschema.Schema
	err    error
}

// noLoader reads no schemas but those that are there already.
type noLoader struct{}

// Load implements jsonschema.URLLoader.
func (noLoader) Load(string) (any, error) {
	return nil, errors.New("schemas from elsewhere are not read")
}

// New returns models from their texts by name. References to them begin with base.
func New(base string, texts map[string]string) *Models {
	m := &Models{compiler: jsonschema.NewCompiler(), base: base, known: make(map[string]*Check)}
	m.compiler.DefaultDraft(jsonschema.Draft4)
	m.compiler.UseLoader(noLoader{})
	for name, text := range texts {
		if doc, err := jsonschema.UnmarshalJSON(strings.NewReader(text)); err == nil {
			m.compiler.AddResource(base+name, doc) // what is no schema is found to be none when it is compiled
		}
	}
	return m
}

// Of returns the check of a model.
func (m *Models) Of(name string) *Check {
	if c := m.known[name]; c != nil {
		return c
	}
	c := new(Check)
	c.schema, c.err = m.compiler.Compile(m.base + name)
	m.known[name] = c
	return c
}

// Find says what a body lacks, "" if nothing. An error is of the model.
func (c *Check) Find(body string) (wrong string, err error) {
	if c.err != nil {
		return "", c.err
	}
	if body == "" {
		body = "{}"
	}
	v, err := jsonschema.UnmarshalJSON(strings.NewReader(body))
	if err != nil {
		return "[Malformed JSON]", nil
	}
	if err := c.schema.Validate(v); err != nil {
		return explain(err), nil
	}
	return "", nil
}

// explain is what a schema finds wrong, on a line.
func explain(err error) string {
	lines := strings.Split(err.Error(), "\n")
	if len(lines) > 1 {
		lines = lines[1:]
	}
	for i := range lines {
		lines[i] = strings.TrimPrefix(strings.TrimSpace(lines[i]), "- ")
	}
	return "[" + strings.Join(lines, ", ") + "]"
}
