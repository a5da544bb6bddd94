package apigateway

import (
	"errors"
	"slices"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v6"

	api "github.com/aloft-cloud/aloft/internal/api/apigateway"
	"github.com/aloft-cloud/aloft/internal/aws"
)

// A check is what a validator looks at.
type check struct {
	parameters []string // that must be there
	bodies     map[string]*bodyCheck
}

// A bodyCheck is the schema of a body, or why it cannot be read.
type bodyCheck struct {
	schema *jsonschema.Schema
	err    error
}

// newCheck returns what a validator looks at in requests to a method.
func newCheck(m *api.Method, v *api.RequestValidator, schemas *schemas) *check {
	c := new(check)
	if aws.Value(v.ValidateRequestParameters) {
		for name, required := range m.RequestParameters {
			if required {
				c.parameters = append(c.parameters, name)
			}
		}
		slices.Sort(c.parameters)
	}
	if aws.Value(v.ValidateRequestBody) {
		c.bodies = make(map[string]*bodyCheck)
		for contentType, model := range m.RequestModels {
			c.bodies[mediaType(contentType)] = schemas.of(model)
		}
	}
	return c
}

// schemas are the models of an API as schemas of JSON.
type schemas struct {
	compiler *jsonschema.Compiler
	base     string
	models   map[string]api.Model
	known    map[string]*bodyCheck
}

// noLoader reads no schemas but those that are there already.
type noLoader struct{}

// Load implements jsonschema.URLLoader.
func (noLoader) Load(string) (any, error) {
	return nil, errors.New("schemas from elsewhere are not read")
}

// modelBase is what references to models of an API begin with.
func modelBase(apiID string) string {
	return "https://apigateway.amazonaws.com/restapis/" + apiID + "/models/"
}

func newSchemas(apiID string, models map[string]api.Model) *schemas {
	s := &schemas{compiler: jsonschema.NewCompiler(), base: modelBase(apiID), models: models, known: make(map[string]*bodyCheck)}
	s.compiler.DefaultDraft(jsonschema.Draft4)
	s.compiler.UseLoader(noLoader{})
	for name, m := range models {
		if doc, err := jsonschema.UnmarshalJSON(strings.NewReader(aws.Value(m.Schema))); err == nil {
			s.compiler.AddResource(s.base+name, doc) // what is no schema is found to be none when it is compiled
		}
	}
	return s
}

func (s *schemas) of(name string) *bodyCheck {
	if c := s.known[name]; c != nil {
		return c
	}
	c := new(bodyCheck)
	c.schema, c.err = s.compiler.Compile(s.base + name)
	s.known[name] = c
	return c
}

// validate refuses a request that lacks parameters, or whose body is not as its
// model says.
func (x *exchange) validate() error {
	c := x.method.check
	if c == nil {
		return nil
	}
	var missing []string
	for _, name := range c.parameters {
		if values, ok := x.parameter(name); !ok || strings.Join(values, "") == "" {
			missing = append(missing, name[strings.LastIndexByte(name, '.')+1:])
		}
	}
	if len(missing) > 0 {
		return &failure{kind: badParameters, errorType: "BadRequestException", message: "Missing required request parameters: [" + strings.Join(missing, ", ") + "]"}
	}
	contentType := mediaType(x.req.Header.Get("Content-Type"))
	if contentType == "" {
		contentType = jsonType
	}
	body := c.bodies[contentType]
	if body == nil {
		if body = c.bodies["$default"]; body == nil {
			return nil
		}
	}
	if body.err != nil {
		return errInternal.because(body.err)
	}
	bad := &failure{kind: badBody, errorType: "BadRequestException", message: "Invalid request body"}
	text := string(x.req.Body)
	if text == "" {
		text = "{}"
	}
	v, err := jsonschema.UnmarshalJSON(strings.NewReader(text))
	if err != nil {
		bad.validation = "[Malformed JSON]"
		return bad
	}
	if err := body.schema.Validate(v); err != nil {
		bad.validation = explain(err)
		return bad
	}
	return nil
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
