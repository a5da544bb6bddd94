package sns

import (
	"encoding/json"
	"errors"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/aloft-cloud/aloft/internal/auth/policy"
	"github.com/aloft-cloud/aloft/internal/aws"
)

// reason puts a refusal of an attribute in the words of operations that set
// several at once.
func reason(err error) error {
	e, ok := errors.AsType[*aws.Error](err)
	if !ok {
		return err
	}
	text, ok := strings.CutPrefix(e.Message, "Invalid parameter: ")
	if !ok || strings.HasPrefix(text, "Attributes") {
		return err
	}
	return invalid("Attributes Reason: %s", text)
}

// setTopicAttribute sets an attribute of the topic at arn; some can only be
// set when it is made.
func (s *Service) setTopicAttribute(t *topic, arn aws.ARN, name, value string, making bool) error {
	switch name {
	case "Policy":
		return t.setPolicy(arn, value)
	case "DeliveryPolicy":
		text, err := checkDeliveryPolicy(value)
		if err != nil {
			return err
		}
		value = text
	case "DisplayName":
		if utf8.RuneCountInString(value) > 100 {
			return invalid("DisplayName")
		}
		t.Attributes[name] = value
		return nil
	case "SignatureVersion":
		if value != "1" && value != "2" {
			return invalid("SignatureVersion: Invalid value [%s]. Must be 1 or 2.", value)
		}
	case "TracingConfig":
		if value != "PassThrough" && value != "Active" {
			return invalid("TracingConfig: Invalid value [%s].", value)
		}
	case "KmsMasterKeyId":
	case "FifoTopic":
		if !making || value != "true" && value != "false" {
			return invalid("AttributeName")
		}
		return nil // the name and the topic say it
	case "ContentBasedDeduplication", "FifoThroughputScope", "ArchivePolicy":
		if !t.FIFO {
			return invalid("AttributeName")
		}
		if err := checkFIFOAttribute(name, value); err != nil {
			return err
		}
	default:
		kind, setting := feedbackOf(name)
		if kind == "" {
			return invalid("AttributeName")
		}
		if err := checkFeedback(name, setting, value); err != nil {
			return err
		}
	}
	if t.Attributes[name] = value; value == "" || value == "{}" {
		delete(t.Attributes, name)
	}
	return nil
}

func checkFIFOAttribute(name, value string) error {
	switch name {
	case "ContentBasedDeduplication":
		if value != "true" && value != "false" {
			return invalid("ContentBasedDeduplication: Invalid value [%s]. Must be true or false.", value)
		}
	case "FifoThroughputScope":
		if value != "Topic" && value != "MessageGroup" {
			return invalid("FifoThroughputScope: Invalid value [%s].", value)
		}
	case "ArchivePolicy":
		if value == "" || value == "{}" {
			return nil
		}
		var p struct{ MessageRetentionPeriod json.RawMessage }
		if err := readJSON("ArchivePolicy", value, &p); err != nil {
			return err
		}
		if n := retentionDays(value); n < 1 || n > 365 {
			return invalid("ArchivePolicy: MessageRetentionPeriod must be between 1 and 365 days.")
		}
	}
	return nil
}

// retentionDays is for how long an archive policy keeps messages, 0 if it is none.
func retentionDays(text string) int {
	var p struct{ MessageRetentionPeriod json.RawMessage }
	if json.Unmarshal([]byte(text), &p) != nil {
		return 0
	}
	n, err := strconv.Atoi(strings.Trim(string(p.MessageRetentionPeriod), `"`))
	if err != nil {
		return 0
	}
	return n
}

// setPolicy sets the policy of t; "" is that of every topic.
func (t *topic) setPolicy(arn aws.ARN, text string) error {
	if text != "" {
		if _, err := policy.Parse(text); err != nil {
			return invalid("Policy Error: null")
		}
	}
	if text == defaultPolicy(arn) {
		text = ""
	}
	t.Policy = text
	return nil
}

// policy returns the policy of t.
func (t *topic) policy(arn aws.ARN) string {
	if t.Policy != "" {
		return t.Policy
	}
	return defaultPolicy(arn)
}

// A document is a policy, as far as AddPermission changes it.
type document struct {
	Version   string
	ID        string `json:"Id,omitempty"`
	Statement []json.RawMessage
}

// A statement is one that SNS makes.
type statement struct {
	Sid, Effect string
	Principal   struct{ AWS any }
	Action      any
	Resource    string
	Condition   map[string]map[string]string `json:",omitempty"`
}

// defaultPolicy is the policy of a topic that was given none.
func defaultPolicy(arn aws.ARN) string {
	own := statement{
		Sid: "__default_statement_ID", Effect: "Allow", Resource: arn.String(),
		Action: []string{
			"SNS:GetTopicAttributes", "SNS:SetTopicAttributes", "SNS:AddPermission", "SNS:RemovePermission",
			"SNS:DeleteTopic", "SNS:Subscribe", "SNS:ListSubscriptionsByTopic", "SNS:Publish",
		},
		Condition: map[string]map[string]string{"StringEquals": {"AWS:SourceOwner": arn.Account}},
	}
	own.Principal.AWS = "*"
	return toJSON(document{Version: "2008-10-17", ID: "__default_policy_ID", Statement: []json.RawMessage{json.RawMessage(toJSON(own))}})
}

// toJSON is the JSON of what cannot fail to have one.
func toJSON(v any) string {
	var b strings.Builder
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		panic(err)
	}
	return strings.TrimSuffix(b.String(), "\n")
}
