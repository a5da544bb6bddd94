package sdk_test

import (
	"os/exec"
	"testing"
)

// TestCognitoJavaScript signs users up and in with Amplify's library, by SRP, and
// has aws-jwt-verify take their tokens.
func TestCognitoJavaScript(t *testing.T) {
	for _, module := range []string{"amazon-cognito-identity-js", "aws-jwt-verify", "@aws-sdk/client-cognito-identity-provider", "@aws-sdk/client-cognito-identity"} {
		client(t, "node_modules/"+module+"/package.json")
	}
	node, err := exec.LookPath("node")
	if err != nil {
		t.Skip("needs node on the PATH: install Node.js 18 or later")
	}
	a := start(t, t.TempDir())
	runClient(t, a, node, "js/cognito.cjs")
}
