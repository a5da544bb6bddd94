package sqs

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	api "github.com/aloft-cloud/aloft/internal/api/sqs"
	"github.com/aloft-cloud/aloft/internal/aws"
)

const (
	maxDelay      = 900        // seconds
	maxAttributes = 10         // of a message
	maxBatch      = 10         // entries
	maxPayload    = 1024 << 10 // bytes of a message, and of a batch
)

// An entry is a message that is sent, alone or in a batch.
type entry = api.SendMessageBatchRequestEntry

// sizeOf is what counts of a message towards the limits.
func sizeOf(e *entry) int {
	n := len(e.MessageBody)
	for name, v := range e.MessageAttributes {
		n += len(name) + len(v.DataType) + len(aws.Value(v.StringValue)) + len(v.BinaryValue)
	}
	return n
}

// checkEntry refuses what may not be sent to q.
func checkEntry(q *queue, e *entry) error {
	if e.MessageBody == "" {
		return errMissing("MessageBody")
	}
	if err := checkText("message body", e.MessageBody); err != nil {
		return err
	}
	if err := checkDelay(q, e.DelaySeconds); err != nil {
		return err
	}
	if err := checkAttributes(e.MessageAttributes); err != nil {
		return err
	}
	if trace, found := e.MessageSystemAttributes["AWSTraceHeader"]; len(e.MessageSystemAttributes) > 1 || len(e.MessageSystemAttributes) == 1 && !found {
		return api.InvalidParameterValueException.Errorf("Message system attribute name is invalid. The only supported one is AWSTraceHeader.")
	} else if found && (trace.DataType != "String" || trace.StringValue == nil) {
		return api.InvalidParameterValueException.Errorf("The message system attribute 'AWSTraceHeader' has an invalid message system attribute type, the set of supported type prefixes is String.")
	}
	return checkGroup(q, e)
}

// checkGroup refuses groups and deduplication ids that q does not take.
func checkGroup(q *queue, e *entry) error {
	if g := e.MessageGroupId; g != nil && !isToken(*g) {
		return errValue(*g, "MessageGroupId", "MessageGroupId can only include alphanumeric and punctuation characters. 1 to 128 in length.")
	}
	d := e.MessageDeduplicationId
	if d != nil && !q.FIFO {
		return errValue(*d, "MessageDeduplicationId", "The request include parameter that is not valid for this queue type.")
	}
	if d != nil && !isToken(*d) {
		return errValue(*d, "MessageDeduplicationId", "MessageDeduplicationId can only include alphanumeric and punctuation characters. 1 to 128 in length.")
	}
	return nil
}

// checkOrdered refuses a message without what FIFO queues order it by. In a
// batch it refuses the whole.
func checkOrdered(q *queue, e *entry, missing func() error) error {
	if !q.FIFO {
		return nil
	}
	if e.MessageGroupId == nil {
		return missing()
	}
	if e.MessageDeduplicationId == nil && !q.ContentDeduplication {
		return api.InvalidParameterValueException.Errorf("The queue should either have ContentBasedDeduplication enabled or MessageDeduplicationId provided explicitly")
	}
	return nil
}

func checkDelay(q *queue, delay *int32) error {
	switch d := aws.Value(delay); {
	case q.FIFO && d != 0:
		return errValue(d, "DelaySeconds", "The request include parameter that is not valid for this queue type.")
	case d < 0 || d > maxDelay:
		return errValue(d, "DelaySeconds", "DelaySeconds must be >= 0 and <= 900.")
	}
	return nil
}

// isToken reports whether s may be a group or a deduplication id.
func isToken(s string) bool {
	if s == "" || len(s) > 128 {
		return false
	}
	for i := range len(s) {
		if s[i] <= ' ' || s[i] > '~' {
			return false
		}
	}
	return true
}

// checkText refuses characters that XML cannot carry.
func checkText(what, s string) error {
	for i, r := range s {
		if r >= ' ' && r < utf8.RuneSelf || r == '\t' || r == '\n' || r == '\r' {
			continue
		}
		_, size := utf8.DecodeRuneInString(s[i:])
		if r < ' ' || r == utf8.RuneError && size == 1 || r == 0xfffe || r == 0xffff {
			return api.InvalidMessageContents.Errorf("Invalid binary character '#x%X' was found in the %s, the set of allowed characters is #x9 | #xA | #xD | [#x20 to #xD7FF] | [#xE000 to #xFFFD] | [#x10000 to #x10FFFF]", r, what)
		}
	}
	return nil
}

func checkAttributes(attributes map[string]api.MessageAttributeValue) error {
	if n := len(attributes); n > maxAttributes {
		return api.InvalidParameterValueException.Errorf("Number of message attributes [%d] exceeds the allowed maximum [%d].", n, maxAttributes)
	}
	for _, name := range slices.Sorted(maps.Keys(attributes)) {
		v := attributes[name]
		if err := checkAttribute(name, &v); err != nil {
			return err
		}
	}
	return nil
}

func checkAttribute(name string, v *api.MessageAttributeValue) error {
	refuse := func(format string, args ...any) error {
		return api.InvalidParameterValueException.Errorf("%s", fmt.Sprintf(format, args...))
	}
	if !isAttributeName(name) {
		return refuse("The message attribute name '%s' is invalid. Attribute name can contain A-Z, a-z, 0-9, underscore (_), hyphen (-), and period (.) characters.", name)
	}
	if lower := strings.ToLower(name); strings.HasPrefix(lower, "aws.") || strings.HasPrefix(lower, "amazon.") {
		return refuse("The message attribute name '%s' is invalid. Attribute name can not start with the reserved prefixes AWS. and Amazon.", name)
	}
	if v.DataType == "" {
		return refuse("The message attribute '%s' must contain a non-empty message attribute type.", name)
	}
	kind, _, _ := strings.Cut(v.DataType, ".")
	if kind != "String" && kind != "Number" && kind != "Binary" {
		return refuse("The message attribute '%s' has an invalid message attribute type, the set of supported type prefixes is Binary, Number, and String.", name)
	}
	if len(v.DataType) > 256 {
		return refuse("The message attribute '%s' has a message attribute type that is longer than 256 bytes.", name)
	}
	value := aws.Value(v.StringValue)
	if kind == "Binary" && len(v.BinaryValue) == 0 || kind != "Binary" && value == "" {
		return refuse("The message attribute '%s' must contain a non-empty message attribute value for message attribute type '%s'.", name, v.DataType)
	}
	if kind == "Number" {
		if _, err := strconv.ParseFloat(value, 64); err != nil || strings.ContainsAny(value, "xXpP_iInN") {
			return refuse("Can't cast the value of message (user) attribute '%s' to a number.", name)
		}
	}
	return checkText("message attribute '"+name+"'", value)
}

func isAttributeName(s string) bool {
	if s == "" || len(s) > 256 || s[0] == '.' || s[len(s)-1] == '.' || strings.Contains(s, "..") {
		return false
	}
	return strings.Trim(s, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-.") == ""
}

// checkBatch refuses a batch whose entries have these ids as a whole.
func checkBatch(kind string, ids []string) error {
	switch n := len(ids); {
	case n == 0:
		return api.EmptyBatchRequest.Errorf("There should be at least one %s in the request.", kind)
	case n > maxBatch:
		return api.TooManyEntriesInBatchRequest.Errorf("Maximum number of entries per request are %d. You have sent %d.", maxBatch, n)
	}
	seen := make(map[string]bool)
	for _, id := range ids {
		if id == "" || len(id) > 80 || strings.Trim(id, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-") != "" {
			return api.InvalidBatchEntryId.Errorf("A batch entry id can only contain alphanumeric characters, hyphens and underscores. It can be at most 80 letters long.")
		}
		if seen[id] {
			return api.BatchEntryIdsNotDistinct.Errorf("Id %s repeated.", id)
		}
		seen[id] = true
	}
	return nil
}
