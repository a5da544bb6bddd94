package sns

import (
	"encoding/json"
	"fmt"

	api "github.com/aloft-cloud/aloft/internal/api/sns"
	"github.com/aloft-cloud/aloft/internal/service/sns/filter"
)

var (
	errNoTopic        = api.NotFoundException.Errorf("Topic does not exist")
	errNoSubscription = api.NotFoundException.Errorf("Subscription does not exist")
	errNoEndpoint     = api.NotFoundException.Errorf("Endpoint does not exist")
	errNoApplication  = api.NotFoundException.Errorf("PlatformApplication does not exist")
	errWrongToken     = api.InvalidParameterException.Errorf("Invalid token")
	errToken          = api.InvalidParameterException.Errorf("Invalid parameter: Token")
)

// invalid refuses a parameter.
func invalid(format string, args ...any) error {
	return api.InvalidParameterException.Errorf("Invalid parameter: %s", fmt.Sprintf(format, args...))
}

// readJSON reads the value of the attribute name.
func readJSON(name, text string, v any) error {
	if err := filter.CheckJSON(text); err != nil {
		return invalid("%s: %v", name, err)
	}
	if err := json.Unmarshal([]byte(text), v); err != nil {
		return invalid("%s: failed to parse JSON. %v", name, err)
	}
	return nil
}
