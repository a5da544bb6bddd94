package sns

import (
	"maps"
	"slices"
	"strings"

	api "github.com/aloft-cloud/aloft/internal/api/sns"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/service/sns/filter"
)

const (
	maxMessage = 256 << 10 // bytes, with attributes
	maxSubject = 100       // letters
	maxBatch   = 10        // entries
)

// An entry is a message that is published, alone or in a batch.
type entry = api.PublishBatchRequestEntry

// checkEntry refuses what may not be published to t; nil is a device.
func checkEntry(t *topic, e *entry) error {
	if e.Message == "" {
		return invalid("Empty message")
	}
	if sub := e.Subject; sub != nil && (*sub == "" || len(*sub) > maxSubject || strings.ContainsAny(*sub, "\n\r") || !isASCII(*sub)) {
		return invalid("Subject")
	}
	if err := checkAttributes(e.MessageAttributes); err != nil {
		return err
	}
	if sizeOf(e) > maxMessage {
		return invalid("Message too long")
	}
	switch structure := aws.Value(e.MessageStructure); structure {
	case "":
	case "json":
		if _, err := parseStructure(e.Message); err != nil {
			return err
		}
	default:
		return invalid("MessageStructure")
	}
	return checkOrder(t, e)
}

func isASCII(s string) bool {
	for i := range len(s) {
		if s[i] > '~' || s[i] < ' ' {
			return false
		}
	}
	return true
}

// checkOrder refuses a message without what FIFO topics order it by.
func checkOrder(t *topic, e *entry) error {
	for _, id := range []*string{e.MessageGroupId, e.MessageDeduplicationId} {
		if id != nil && (*id == "" || len(*id) > 128 || !isASCII(*id) || strings.Contains(*id, " ")) {
			return invalid("MessageGroupId and MessageDeduplicationId can only include alphanumeric and punctuation characters. 1 to 128 in length.")
		}
	}
	switch fifo := t != nil && t.FIFO; {
	case !fifo && e.MessageDeduplicationId != nil:
		return invalid("MessageDeduplicationId Reason: The request includes MessageDeduplicationId parameter that is not valid for this topic type")
	case fifo && e.MessageGroupId == nil:
		return invalid("The MessageGroupId parameter is required for FIFO topics")
	case fifo && e.MessageDeduplicationId == nil && t.Attributes["ContentBasedDeduplication"] != "true":
		return invalid("The topic should either have ContentBasedDeduplication enabled or MessageDeduplicationId provided explicitly")
	}
	return nil
}

// sizeOf is what counts of a message towards the limit.
func sizeOf(e *entry) int {
	n := len(e.Message)
	for name, v := range e.MessageAttributes {
		n += len(name) + len(v.DataType) + len(aws.Value(v.StringValue)) + len(v.BinaryValue)
	}
	return n
}

func checkAttributes(attributes map[string]api.MessageAttributeValue) error {
	for _, name := range slices.Sorted(maps.Keys(attributes)) {
		v := attributes[name]
		if err := checkAttributeName(name); err != nil {
			return err
		}
		if err := checkAttributeValue(name, &v); err != nil {
			return err
		}
	}
	return nil
}

func checkAttributeName(name string) error {
	refuse := api.InvalidParameterValueException.Errorf
	for _, r := range name {
		if !strings.ContainsRune("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-.", r) {
			return refuse("Invalid non-alphanumeric character '#x%X' was found in the message attribute name. Can only include alphanumeric characters, hyphens, underscores, or dots.", r)
		}
	}
	switch {
	case len(name) > 256:
		return refuse("Length of message attribute name must be less than 256 bytes.")
	case strings.HasPrefix(name, "."):
		return refuse("Invalid message attribute name starting with character '.' was found.")
	case strings.HasSuffix(name, "."):
		return refuse("Invalid message attribute name ending with character '.' was found.")
	case strings.Contains(name, ".."):
		return refuse("Message attribute name can not have successive '.' character.")
	}
	return nil
}

func checkAttributeValue(name string, v *api.MessageAttributeValue) error {
	refuse := api.InvalidParameterValueException.Errorf
	kind, _, _ := strings.Cut(v.DataType, ".")
	text := kind == "String" || kind == "Number"
	if !text && kind != "Binary" {
		return refuse("The message attribute '%s' has an invalid message attribute type, the set of supported type prefixes is Binary, Number, and String.", name)
	}
	if text && len(v.BinaryValue) > 0 {
		return refuse("The message attribute '%s' with type '%s' must use field 'String'.", name, kind)
	}
	if !text && aws.Value(v.StringValue) != "" {
		return refuse("The message attribute '%s' with type '%s' must use field 'Binary'.", name, kind)
	}
	if len(v.BinaryValue)+len(aws.Value(v.StringValue)) == 0 {
		return refuse("The message attribute '%s' must contain non-empty message attribute value for message attribute type '%s'.", name, v.DataType)
	}
	return nil
}

// filterable returns attributes as filters see them.
func filterable(attributes map[string]api.MessageAttributeValue) map[string]filter.Attribute {
	out := make(map[string]filter.Attribute, len(attributes))
	for name, v := range attributes {
		out[name] = filter.Attribute{Type: v.DataType, Value: aws.Value(v.StringValue)}
	}
	return out
}

// checkBatch refuses a batch as a whole.
func checkBatch(entries []entry) error {
	switch n := len(entries); {
	case n == 0:
		return api.EmptyBatchRequestException.Errorf("The batch request doesn't contain any entries.")
	case n > maxBatch:
		return api.TooManyEntriesInBatchRequestException.Errorf("The batch request contains more entries than permissible.")
	}
	seen, size := make(map[string]bool), 0
	for i := range entries {
		id := entries[i].Id
		switch {
		case len(id) > 80:
			return api.InvalidBatchEntryIdException.Errorf("The Id of a batch entry in the batch request is too long: %s", id)
		case !isName(id):
			return api.InvalidBatchEntryIdException.Errorf("The Id of a batch entry in the batch request contains an impermissible character: %s", id)
		case seen[id]:
			return api.BatchEntryIdsNotDistinctException.Errorf("Two or more batch entries in the request have the same Id.")
		}
		seen[id], size = true, size+sizeOf(&entries[i])
	}
	if size > maxMessage {
		return api.BatchRequestTooLongException.Errorf("The length of all the messages put together is more than the limit.")
	}
	return nil
}
