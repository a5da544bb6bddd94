package appsync

import (
	api "github.com/aloft-cloud/aloft/internal/api/appsync"
	"github.com/aloft-cloud/aloft/internal/aws"
)

func errBad(format string, args ...any) error { return api.BadRequestException.Errorf(format, args...) }

// errNotYet refuses what AWS would do and we do not.
func errNotYet(what string) error {
	return aws.NotImplemented.Errorf("Aloft does not answer %s of AppSync yet.", what)
}
