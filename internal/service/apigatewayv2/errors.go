package apigatewayv2

import (
	"errors"

	api "github.com/aloft-cloud/aloft/internal/api/apigatewayv2"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/store"
)

func errNoAPI(call *aws.Call, id string) error {
	return api.NotFoundException.Errorf("Invalid API identifier specified %s:%s", call.Account, id)
}

// errNo refuses an id that no part of its kind has: "Route", "Stage".
func errNo(kind string) error {
	return api.NotFoundException.Errorf("Invalid %s identifier specified", kind)
}

// refused is the refusal of a part of that kind which was not found, or err if
// it is anything else.
func refused(err error, kind string) error {
	if errors.Is(err, store.ErrNotFound) {
		return errNo(kind)
	}
	return err
}

func errBad(format string, args ...any) error { return api.BadRequestException.Errorf(format, args...) }

// errNotYet refuses what AWS would do and we do not.
func errNotYet(what string) error {
	return aws.NotImplemented.Errorf("Aloft does not answer %s of HTTP and WebSocket APIs yet.", what)
}

func errToken() error { return errBad("Invalid nextToken provided") }
