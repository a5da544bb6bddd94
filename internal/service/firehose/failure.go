package firehose

import (
	"encoding/json"
	"time"
)

// Kinds of failures, as error prefixes name them.
const (
	processingFailed = "processing-failed"
	endpointFailed   = "http-endpoint-failed"
)

// A failure is why a record failed.
type failure struct {
	Code, Message string
	Attempts      int
	Function      string // that was to transform it
}

// failedRecord is what is kept in S3 of a record that failed: a line of JSON.
func failedRecord(r *record, why *failure) (record, error) {
	doc, err := json.Marshal(struct {
		Attempts int    `json:"attemptsMade"`
		Arrival  int64  `json:"arrivalTimestamp"`
		Code     string `json:"errorCode"`
		Message  string `json:"errorMessage"`
		Ending   int64  `json:"attemptEndingTimestamp"`
		Data     []byte `json:"rawData"`
		Function string `json:"lambdaArn,omitempty"`
	}{why.Attempts, r.At.UnixMilli(), why.Code, why.Message, time.Now().UnixMilli(), r.Data, why.Function})
	return record{At: r.At, Data: append(doc, '\n')}, err
}
