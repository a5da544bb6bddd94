package apigatewayv2

import (
	api "github.com/aloft-cloud/aloft/internal/api/apigatewayv2"
	"github.com/aloft-cloud/aloft/internal/aws"
)

func errNoAPI(call *aws.Call, id string) error {
	return api.NotFoundException.Errorf("Invalid API identifier specified %s:%s", call.Account, id)
}

// errNo refuses an id that no part of its kind has: "Route", "Stage".
func errNo(kind string) error {
	return api.NotFoundException.Errorf("Invalid %s identifier specified", kind)
}

func errBad(format string, args ...any) error { return api.BadRequestException.Errorf(format, args...) }

// errNotYet refuses what AWS would do and we do not.
func errNotYet(what string) error {
	return aws.NotImplemented.Errorf("Aloft does not answer %s of HTTP APIs yet.", what)
}

func errToken() error { return errBad("Invalid nextToken provided") }
