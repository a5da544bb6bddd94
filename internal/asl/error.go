package asl

import "fmt"

// Error is a failure of a state: what Retry and Catch match by Name, and what
// an execution tells when nothing caught it.
type Error struct {
	Name  string // States.Runtime, States.TaskFailed, Lambda.TooManyRequestsException ...
	Cause string
}

func (e *Error) Error() string { return e.Name + ": " + e.Cause }

// The errors that the language names itself.
const (
	ErrAll                    = "States.ALL" // in Retry and Catch only
	ErrBranchFailed           = "States.BranchFailed"
	ErrDataLimitExceeded      = "States.DataLimitExceeded"
	ErrExceedToleratedFailure = "States.ExceedToleratedFailureThreshold"
	ErrHeartbeatTimeout       = "States.HeartbeatTimeout"
	ErrHTTPSocket             = "States.Http.Socket"
	ErrIntrinsicFailure       = "States.IntrinsicFailure"
	ErrItemReaderFailed       = "States.ItemReaderFailed"
	ErrNoChoiceMatched        = "States.NoChoiceMatched"
	ErrParameterPathFailure   = "States.ParameterPathFailure"
	ErrPermissions            = "States.Permissions"
	ErrQueryEvaluationError   = "States.QueryEvaluationError"
	ErrResultPathMatchFailure = "States.ResultPathMatchFailure"
	ErrResultWriterFailed     = "States.ResultWriterFailed"
	ErrRuntime                = "States.Runtime"
	ErrTaskFailed             = "States.TaskFailed"
	ErrTimeout                = "States.Timeout"
)

// fail is an error with the cause that AWS gives, which begins with where it happened.
func (s *State) fail(env Env, name, format string, args ...any) *Error {
	where := fmt.Sprintf("An error occurred while executing the state '%s' (entered at the event id #%d). ", s.Name, env.Event)
	return &Error{Name: name, Cause: where + fmt.Sprintf(format, args...)}
}
