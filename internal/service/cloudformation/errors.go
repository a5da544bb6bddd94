package cloudformation

import (
	"errors"

	api "github.com/aloft-cloud/aloft/internal/api/cloudformation"
	"github.com/aloft-cloud/aloft/internal/deploy"
	"github.com/aloft-cloud/aloft/internal/deploy/template"
)

func errNoStack(name string) error {
	return api.ValidationError.Errorf("Stack [%s] does not exist", name)
}

func errNoStackWithID(name string) error {
	return api.ValidationError.Errorf("Stack with id %s does not exist", name)
}

func errNoChangeSet(name string) error {
	return api.ChangeSetNotFoundException.Errorf("ChangeSet [%s] does not exist", name)
}

// refuse says what is wrong with a template as a refusal.
func refuse(err error) error {
	if e, ok := errors.AsType[*deploy.TransformError](err); ok {
		return api.ValidationError.Errorf("%s", e.Error())
	}
	if e, ok := errors.AsType[*deploy.MacroError](err); ok {
		return api.ValidationError.Errorf("%s", e.Error())
	}
	if e, ok := errors.AsType[*template.Error](err); ok {
		return api.ValidationError.Errorf("%s", e.Error())
	}
	return err
}
