package sdk_test

import (
	"os/exec"
	"testing"
)

// TestDynamoDBPython uses tables with boto3's resource, and with PynamoDB.
func TestDynamoDBPython(t *testing.T) {
	python := client(t, "python/bin/python")
	if exec.Command(python, "-c", "import pynamodb").Run() != nil {
		t.Skip("needs pynamodb among the clients; .ci/run installs it from test/sdk/requirements.txt")
	}
	a := start(t, t.TempDir())
	runClient(t, a, python, "python/dynamodb.py")
}

// TestDynamoDBJavaScript uses tables with lib-dynamodb, ElectroDB and Dynamoose.
func TestDynamoDBJavaScript(t *testing.T) {
	client(t, "node_modules/electrodb/package.json")
	client(t, "node_modules/dynamoose/package.json")
	node, err := exec.LookPath("node")
	if err != nil {
		t.Skip("needs node on the PATH: install Node.js 18 or later")
	}
	a := start(t, t.TempDir())
	runClient(t, a, node, "js/dynamodb.cjs")
}
