package dynamodb_test

import (
	"encoding/base64"
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/aloft-cloud/aloft/internal/platformtest"
)

// TestRecorded compares answers with those that AWS gave.
func TestRecorded(t *testing.T) {
	platformtest.Recording{
		Service: "dynamodb",
		Masks:   []string{"starting-sequence-number"},
		Hidden:  []string{"NextShardIterator"},
		As:      asPrinted,
	}.Run(t, os.Getenv("ALOFT_VECTORS"), "testdata/recorded.steps")
}

// TestRecordedStreams does so of streams.
func TestRecordedStreams(t *testing.T) {
	platformtest.Recording{
		Service: "dynamodbstreams",
		Masks:   []string{"approximate-creation-date-time"},
		As: func(want, got any) any {
			text, ok := got.(string)
			if _, isMap := want.(map[string]any); !ok || !isMap {
				return got
			}
			if b, err := base64.StdEncoding.DecodeString(text); err == nil {
				return string(b) // the Data of a record, which was recorded as what it means
			}
			return got
		},
	}.Run(t, os.Getenv("ALOFT_VECTORS"), "testdata/recordedstreams.steps")
}

// asPrinted has got as Python prints bytes, if want is that.
func asPrinted(want, got any) any {
	printed, _ := want.(string)
	text, ok := got.(string)
	if !ok || !strings.HasPrefix(printed, "b'") {
		return got
	}
	b, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		return got
	}
	quoted := strconv.QuoteToASCII(string(b))
	return "b'" + quoted[1:len(quoted)-1] + "'"
}
