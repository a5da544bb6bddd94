package sandbox

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/aloft-cloud/aloft/internal/sandbox/fence"
	"github.com/aloft-cloud/aloft/internal/sandbox/lang"
)

// A failure is why a worker could not start, or did not answer.
type failure struct {
	status    string // "error" or "timeout"
	errorType string // "Runtime.ExitError"
	message   string // with the request's ID before it; empty if document is set
	document  []byte // what the code said itself
}

// document is an error as the caller of the function gets it.
func (f *failure) payload(requestID string) []byte {
	if f.document != nil {
		return f.document
	}
	return errorDocument(f.errorType, "RequestId: "+requestID+" Error: "+f.message)
}

func errorDocument(errorType, message string) []byte {
	b, err := json.Marshal(struct {
		ErrorType    string `json:"errorType"`
		ErrorMessage string `json:"errorMessage"`
	}{errorType, message})
	if err != nil {
		return []byte(`{"errorType":"` + errorType + `"}`)
	}
	return b
}

// timedOut is the failure of a function that took longer than limit.
func timedOut(limit time.Duration) *failure {
	return &failure{status: "timeout", errorType: "Sandbox.Timedout", message: timedOutMessage(limit)}
}

func timedOutMessage(limit time.Duration) string {
	return fmt.Sprintf("Task timed out after %.2f seconds", limit.Seconds())
}

// exited is the failure of a runtime that ended.
func exited(e fence.Exit) *failure {
	f := &failure{status: "error", errorType: "Runtime.ExitError"}
	switch {
	case e.Signal != "":
		f.message = "Runtime exited with error: signal: " + e.Signal
	case e.Code != 0:
		f.message = fmt.Sprintf("Runtime exited with error: exit status %d", e.Code)
	default:
		f.message = "Runtime exited without providing a reason"
	}
	return f
}

// tooLarge is the answer in place of one that was over the limit.
func tooLarge() []byte {
	return errorDocument("Function.ResponseSizeTooLarge", "Response payload size exceeded maximum allowed payload size (6291556 bytes).")
}

const logTime = "2006-01-02T15:04:05.000Z"

// A scribe writes what the platform says in a function's log.
type scribe struct{ f *Function }

// event writes a line of a log in JSON.
func (s scribe) event(kind string, record map[string]any) string {
	b, err := json.Marshal(struct {
		Time   string         `json:"time"`
		Type   string         `json:"type"`
		Record map[string]any `json:"record"`
	}{time.Now().UTC().Format(logTime), kind, record})
	if err != nil {
		return ""
	}
	return string(b) + "\n"
}

// runtimeVersion names what runs the function, in the words of INIT_START.
func (s scribe) runtimeVersion(l lang.Language) (version, arn string) {
	var name string
	switch l.Kind {
	case lang.Node:
		name = fmt.Sprintf("nodejs:%d", l.Version.Major)
	case lang.Java:
		name = fmt.Sprintf("java:%d", l.Version.Major)
	case lang.Python, lang.Ruby:
		name = fmt.Sprintf("%s:%d.%d", l.Kind, l.Version.Major, l.Version.Minor)
	default:
		name = strings.ReplaceAll(s.f.Runtime, "provided.", "provided:")
	}
	return name + ".v1", "arn:aws:lambda:" + s.f.ARN.Region + "::runtime:" + name
}

func (s scribe) initStart(l lang.Language, kind string) string {
	if s.f.Image != nil && !s.f.json() {
		return "" // its runtime is its own
	}
	version, arn := s.runtimeVersion(l)
	if s.f.json() {
		return s.event("platform.initStart", map[string]any{"initializationType": kind, "phase": "init", "runtimeVersion": version, "runtimeVersionArn": arn,
			"functionName": s.f.name(), "functionVersion": s.f.Version})
	}
	return "INIT_START Runtime Version: " + version + "\tRuntime Version ARN: " + arn + "\n"
}

func (s scribe) initReport(took time.Duration, kind, phase string, why *failure) string {
	if s.f.json() {
		return s.event("platform.initReport", map[string]any{"initializationType": kind, "phase": phase, "status": why.status, "errorType": why.errorType,
			"metrics": map[string]any{"durationMs": ms(took)}})
	}
	line := fmt.Sprintf("INIT_REPORT Init Duration: %.2f ms\tPhase: %s\tStatus: %s", ms(took), phase, why.status)
	if why.status == "error" {
		line += "\tError Type: " + why.errorType
	}
	return line + "\n"
}

func (s scribe) start(requestID string) string {
	if s.f.json() {
		return s.event("platform.start", map[string]any{"requestId": requestID, "version": s.f.Version})
	}
	return "START RequestId: " + requestID + " Version: " + s.f.Version + "\n"
}

// failed is the line about a failure that the code could not log itself.
func (s scribe) failed(requestID string, why *failure) string {
	if why.document != nil || s.f.json() {
		return ""
	}
	if why.status == "timeout" {
		return time.Now().UTC().Format(logTime) + " " + requestID + " " + why.message + "\n\n"
	}
	return "RequestId: " + requestID + " Error: " + why.message + "\n" + why.errorType + "\n"
}

// end is the last lines of an invoke.
func (s scribe) end(requestID string, st Stats, why *failure) []string {
	if s.f.json() {
		return s.endJSON(requestID, st, why)
	}
	var b strings.Builder
	fmt.Fprintf(&b, "REPORT RequestId: %s\tDuration: %.2f ms\tBilled Duration: %d ms\tMemory Size: %d MB\tMax Memory Used: %d MB\t",
		requestID, ms(st.Duration), st.Billed.Milliseconds(), s.f.memoryMB(), st.MaxMB)
	if st.Init > 0 {
		fmt.Fprintf(&b, "Init Duration: %.2f ms\t", ms(st.Init))
	}
	if why != nil {
		b.WriteString("Status: " + why.status)
		if why.status == "error" {
			b.WriteString("\tError Type: " + why.errorType)
		}
	}
	b.WriteString("\n")
	return []string{"END RequestId: " + requestID + "\n", b.String()}
}

func (s scribe) endJSON(requestID string, st Stats, why *failure) []string {
	metrics := map[string]any{"durationMs": ms(st.Duration), "billedDurationMs": st.Billed.Milliseconds(), "memorySizeMB": s.f.memoryMB(), "maxMemoryUsedMB": st.MaxMB}
	if st.Init > 0 {
		metrics["initDurationMs"] = ms(st.Init)
	}
	record := map[string]any{"requestId": requestID, "metrics": metrics, "status": "success"}
	if why != nil {
		record["status"] = why.status
		if why.status == "error" {
			record["errorType"] = why.errorType
		}
	}
	return []string{s.event("platform.report", record)}
}

// ms is d in milliseconds, to a hundredth.
func ms(d time.Duration) float64 { return float64(d.Round(10*time.Microsecond).Microseconds()) / 1000 }

// billed is d in whole milliseconds, begun ones too.
func billed(d time.Duration) time.Duration {
	return (d + time.Millisecond - 1).Truncate(time.Millisecond)
}
