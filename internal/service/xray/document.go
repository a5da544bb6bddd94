package xray

import (
	"encoding/json"
	"regexp"
	"time"
)

// maxDocument is how long a segment may be.
const maxDocument = 64 << 10

// A document is a segment or a subsegment, as far as it is read.
type document struct {
	ID          string         `json:"id"`
	TraceID     string         `json:"trace_id"`
	ParentID    string         `json:"parent_id"`
	Type        string         `json:"type"` // "subsegment", if it is one sent alone
	Name        string         `json:"name"`
	Namespace   string         `json:"namespace"`
	Origin      string         `json:"origin"`
	StartTime   float64        `json:"start_time"`
	EndTime     float64        `json:"end_time"`
	InProgress  bool           `json:"in_progress"`
	Error       bool           `json:"error"`
	Fault       bool           `json:"fault"`
	Throttle    bool           `json:"throttle"`
	User        string         `json:"user"`
	Annotations map[string]any `json:"annotations"`
	HTTP        struct {
		Request struct {
			URL       string `json:"url"`
			Method    string `json:"method"`
			UserAgent string `json:"user_agent"`
			ClientIP  string `json:"client_ip"`
		} `json:"request"`
		Response struct {
			Status int32 `json:"status"`
		} `json:"response"`
	} `json:"http"`
	Subsegments []document `json:"subsegments"`
}

var (
	traceID   = regexp.MustCompile(`^1-[0-9a-fA-F]{8}-[0-9a-fA-F]{24}$`)
	segmentID = regexp.MustCompile(`^[0-9a-fA-F]{16}$`)
)

// parse reads a segment, or says with which of AWS's codes it is refused.
func parse(text string) (d document, code string) {
	if len(text) > maxDocument {
		return d, "SegmentTooLarge"
	}
	if json.Unmarshal([]byte(text), &d) != nil {
		return d, "ParseError"
	}
	switch {
	case d.ID == "":
		return d, "MissingId"
	case !segmentID.MatchString(d.ID):
		return d, "InvalidId"
	case !traceID.MatchString(d.TraceID):
		return d, "InvalidTraceId"
	case d.Name == "":
		return d, "MissingName"
	case d.StartTime <= 0 || d.StartTime > 1e11:
		return d, "InvalidStartTime"
	case d.EndTime == 0 && !d.InProgress:
		return d, "MissingEndTime"
	case d.Type == "subsegment" && d.ParentID == "":
		return d, "MissingParentId"
	}
	return d, ""
}

// seconds is a time of a document.
func seconds(t float64) time.Time {
	return time.UnixMilli(int64(t * 1000)).UTC()
}

// each calls f with d and all subsegments below.
func (d *document) each(f func(*document)) {
	f(d)
	for i := range d.Subsegments {
		d.Subsegments[i].each(f)
	}
}
