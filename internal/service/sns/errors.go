package sns

import (
	"fmt"

	api "github.com/aloft-cloud/aloft/internal/api/sns"
)

var (
	errNoTopic        = api.NotFoundException.Errorf("Topic does not exist")
	errNoSubscription = api.NotFoundException.Errorf("Subscription does not exist")
	errNoEndpoint     = api.NotFoundException.Errorf("Endpoint does not exist")
	errNoApplication  = api.NotFoundException.Errorf("PlatformApplication does not exist")
	errToken          = api.InvalidParameterException.Errorf("Invalid parameter: Token")
)

// invalid refuses a parameter.
func invalid(format string, args ...any) error {
	return api.InvalidParameterException.Errorf("Invalid parameter: %s", fmt.Sprintf(format, args...))
}
