package cloudformation

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	api "github.com/aloft-cloud/aloft/internal/api/cloudformation"
	"github.com/aloft-cloud/aloft/internal/api/lambda"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/deploy"
	"github.com/aloft-cloud/aloft/internal/deploy/resource"
	"github.com/aloft-cloud/aloft/internal/dispatch"
	"github.com/aloft-cloud/aloft/internal/store"
)

// A macro is a function that changes templates.
type macro struct {
	Function string
	Owner    string // stack and logical id of the resource
}

type macroKey struct {
	Place aws.ARN
	Name  string
}

var macros = store.NewTable[macroKey, macro]("cloudformation.macro")

// SetMacro implements resource.Macros.
func (s *Service) SetMacro(op *resource.Op, name, function string) error {
	key, owner := macroKey{place(stackID(op.Stack.ID)), name}, op.Stack.ID+"/"+op.LogicalID
	return s.db.Update(op.Ctx, func(tx *store.Tx) error {
		had, err := macros.Get(tx, key)
		if err != nil && !errors.Is(err, store.ErrNotFound) {
			return err
		}
		if err == nil && had.Owner != owner {
			return aws.Fault{Code: "AlreadyExists", Status: 400}.Errorf("%s already exists in stack %s", name, had.Owner[:strings.LastIndex(had.Owner, "/")])
		}
		return macros.Put(tx, key, macro{function, owner})
	})
}

// DropMacro implements resource.Macros.
func (s *Service) DropMacro(op *resource.Op, name string) error {
	return s.db.Update(op.Ctx, func(tx *store.Tx) error {
		return macros.Delete(tx, macroKey{place(stackID(op.Stack.ID)), name})
	})
}

// An expander runs macros for a caller.
type expander struct {
	s    *Service
	ctx  context.Context
	call *aws.Call
}

// Include implements deploy.Macros.
func (e expander) Include(location string) (string, error) { return e.s.fetch(e.ctx, e.call, location) }

// Run implements deploy.Macros.
func (e expander) Run(name string, event deploy.MacroEvent) (any, error) {
	where := place(e.call.ARN("cloudformation", ""))
	if account, of, qualified := strings.Cut(name, "::"); qualified {
		where.Account, name = account, of
	}
	full := where.Account + "::" + name
	var m macro
	err := e.s.db.View(e.ctx, func(tx *store.Tx) error {
		var err error
		m, err = macros.Get(tx, macroKey{where, name})
		return err
	})
	if errors.Is(err, store.ErrNotFound) || err == nil && where.Account != e.call.Account {
		return nil, api.ValidationError.Errorf("No transform named %s found.", full)
	}
	if err != nil {
		return nil, err
	}
	event.AccountID, event.TransformID, event.RequestID = e.call.Account, full, aws.NewRequestID()
	call := *e.call
	call.RequestID = aws.NewRequestID()
	out, err := dispatch.CallChecked(e.ctx, e.s.table, &call, lambda.Invoke, &lambda.InvokeInput{
		FunctionName: m.Function, Payload: []byte(resource.JSON(event)),
	})
	if err != nil {
		return nil, &deploy.MacroError{Message: fmt.Sprintf("Failed to execute transform %s: %s", full, aws.Refusal(err).Message)}
	}
	var answer struct {
		RequestID, Status, ErrorMessage string
		Fragment                        json.RawMessage
	}
	if err := json.Unmarshal(out.Payload, &answer); err != nil || out.FunctionError != nil || answer.RequestID != event.RequestID || answer.Status == "" {
		return nil, &deploy.MacroError{Message: "Received malformed response from transform " + full}
	}
	if !strings.EqualFold(answer.Status, "success") {
		if answer.ErrorMessage == "" {
			return nil, &deploy.MacroError{Message: fmt.Sprintf("Transform %s failed without an error message.", full)}
		}
		return nil, &deploy.MacroError{Message: fmt.Sprintf("Transform %s failed with: %s", full, answer.ErrorMessage)}
	}
	return deploy.ReadFragment(answer.Fragment)
}
