package sdk_test

import (
	"os/exec"
	"testing"
)

// TestMessagingBoto3 sends, publishes and receives with boto3.
func TestMessagingBoto3(t *testing.T) {
	python := client(t, "python/bin/python")
	a := start(t, t.TempDir())
	runClient(t, a, python, "python/messaging.py", "messages", "topics", "http")
}

// TestCelery runs a worker of Celery with queues for a broker.
func TestCelery(t *testing.T) {
	python := client(t, "python/bin/python")
	client(t, "python/bin/celery")
	a := start(t, t.TempDir())
	runClient(t, a, python, "python/messaging.py", "celery")
}

// TestPowertools has a function handle batches with Powertools, and name those
// messages that failed.
func TestPowertools(t *testing.T) {
	python := client(t, "python/bin/python")
	if exec.Command(python, "-c", "import aws_lambda_powertools").Run() != nil {
		t.Skip("needs aws-lambda-powertools of test/sdk/requirements.txt")
	}
	a := start(t, t.TempDir())
	runClient(t, a, python, "python/messaging.py", "powertools")
}

// TestMessagingJavaScript sends, publishes and consumes with aws-sdk-js v3.
func TestMessagingJavaScript(t *testing.T) {
	client(t, "node_modules/sqs-consumer/package.json")
	node, err := exec.LookPath("node")
	if err != nil {
		t.Skip("needs node on the PATH: install Node.js 18 or later")
	}
	a := start(t, t.TempDir())
	runClient(t, a, node, "js/messaging.cjs")
}

// TestMessagingCLI manages queues and topics with the AWS CLI.
func TestMessagingCLI(t *testing.T) {
	aws := client(t, "python/bin/aws")
	a := start(t, t.TempDir())
	runClient(t, a, "bash", "cli/messaging.sh", aws)
}
