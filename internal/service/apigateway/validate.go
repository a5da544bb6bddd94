package apigateway

import (
	"slices"
	"strings"

	api "github.com/aloft-cloud/aloft/internal/api/apigateway"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/gateway/schema"
)

// A check is what a validator looks at.
type check struct {
	parameters []string // that must be there
	bodies     map[string]*schema.Check
}

// newCheck returns what a validator looks at in requests to a method.
func newCheck(m *api.Method, v *api.RequestValidator, models *schema.Models) *check {
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
		c.bodies = make(map[string]*schema.Check)
		for contentType, model := range m.RequestModels {
			c.bodies[mediaType(contentType)] = models.Of(model)
		}
	}
	return c
}

// modelBase is what references to models of an API begin with.
func modelBase(apiID string) string {
	return "https://apigateway.amazonaws.com/restapis/" + apiID + "/models/"
}

func newSchemas(apiID string, models map[string]api.Model) *schema.Models {
	texts := make(map[string]string)
	for name, m := range models {
		texts[name] = aws.Value(m.Schema)
	}
	return schema.New(modelBase(apiID), texts)
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
	wrong, err := body.Find(string(x.req.Body))
	switch {
	case err != nil:
		return errInternal.because(err)
	case wrong != "":
		return &failure{kind: badBody, errorType: "BadRequestException", message: "Invalid request body", validation: wrong}
	}
	return nil
}
