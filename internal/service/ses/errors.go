package ses

import (
	"errors"

	"github.com/aloft-cloud/aloft/internal/api/ses"
	"github.com/aloft-cloud/aloft/internal/api/sesv2"
	"github.com/aloft-cloud/aloft/internal/aws"
)

// errIdentity is the fault of an identity that is not there, which the first
// API hardly has.
var errIdentity = aws.Fault{Code: "NotFoundException", Status: 404}

func invalid(format string, args ...any) error { return aws.InvalidParameter.Errorf(format, args...) }

// asV2 are the faults of the second API for those of the first.
var asV2 = map[string]aws.Fault{
	ses.TemplateDoesNotExistException.Code:                         sesv2.NotFoundException,
	ses.ConfigurationSetDoesNotExistException.Code:                 sesv2.NotFoundException,
	ses.EventDestinationDoesNotExistException.Code:                 sesv2.NotFoundException,
	ses.CustomVerificationEmailTemplateDoesNotExistException.Code:  sesv2.NotFoundException,
	ses.CustomVerificationEmailTemplateAlreadyExistsException.Code: sesv2.AlreadyExistsException,
	ses.CustomVerificationEmailInvalidContentException.Code:        sesv2.BadRequestException,
	ses.FromEmailAddressNotVerifiedException.Code:                  sesv2.BadRequestException,
	ses.InvalidTrackingOptionsException.Code:                       sesv2.BadRequestException,
	ses.LimitExceededException.Code:                                sesv2.LimitExceededException,
	errIdentity.Code:                                               sesv2.NotFoundException,
	ses.AlreadyExistsException.Code:                                sesv2.AlreadyExistsException,
	ses.ConfigurationSetAlreadyExistsException.Code:                sesv2.AlreadyExistsException,
	ses.EventDestinationAlreadyExistsException.Code:                sesv2.AlreadyExistsException,
	aws.InvalidParameter.Code:                                      sesv2.BadRequestException,
	ses.InvalidTemplateException.Code:                              sesv2.BadRequestException,
	ses.InvalidRenderingParameterException.Code:                    sesv2.BadRequestException,
	ses.MissingRenderingAttributeException.Code:                    sesv2.BadRequestException,
	ses.InvalidSNSDestinationException.Code:                        sesv2.BadRequestException,
	ses.InvalidFirehoseDestinationException.Code:                   sesv2.BadRequestException,
	ses.AccountSendingPausedException.Code:                         sesv2.SendingPausedException,
	ses.ConfigurationSetSendingPausedException.Code:                sesv2.SendingPausedException,
}

// v2 is a refusal as the second API has it.
func v2(err error) error {
	refusal, ok := errors.AsType[*aws.Error](err)
	if !ok {
		return err
	}
	if fault, ok := asV2[refusal.Code]; ok {
		return fault.Errorf("%s", refusal.Message)
	}
	return err
}
