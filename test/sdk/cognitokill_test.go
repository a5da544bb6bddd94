package sdk_test

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"regexp"
	"syscall"
	"testing"
	"time"
)

// cognito asks a for an operation of user pools, as a browser does: unsigned, if
// it is one for users.
func (a *aloft) cognito(t *testing.T, operation string, in map[string]any) map[string]any {
	t.Helper()
	body, err := json.Marshal(in)
	check(t, err)
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, a.url, bytes.NewReader(body))
	check(t, err)
	r.Header.Set("X-Amz-Target", "AWSCognitoIdentityProviderService."+operation)
	r.Header.Set("Content-Type", "application/x-amz-json-1.1")
	r.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/cognito-idp/aws4_request, SignedHeaders=host, Signature=x")
	resp, err := http.DefaultClient.Do(r)
	check(t, err)
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	check(t, err)
	var out map[string]any
	check(t, json.Unmarshal(text, &out))
	if resp.StatusCode != http.StatusOK {
		t.Fatalf("%s: %s", operation, text)
	}
	return out
}

// TestCognitoKilled kills the platform while users sign up and in, who go on
// where they were.
func TestCognitoKilled(t *testing.T) {
	data := t.TempDir()
	a := start(t, data)
	kill := func() {
		t.Helper()
		a.stop(syscall.SIGKILL) // the error says that it was killed
		a = start(t, data)
	}
	pool := a.cognito(t, "CreateUserPool", map[string]any{"PoolName": "people", "AutoVerifiedAttributes": []string{"email"}})["UserPool"].(map[string]any)["Id"]
	client := a.cognito(t, "CreateUserPoolClient", map[string]any{"UserPoolId": pool, "ClientName": "web", "ExplicitAuthFlows": []string{"ALLOW_USER_PASSWORD_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"}})["UserPoolClient"].(map[string]any)["ClientId"]
	a.cognito(t, "AdminCreateUser", map[string]any{"UserPoolId": pool, "Username": "bob", "TemporaryPassword": "Temp0rary!", "MessageAction": "SUPPRESS"})
	a.cognito(t, "SignUp", map[string]any{"ClientId": client, "Username": "eve", "Password": "Passw0rd!", "UserAttributes": []map[string]string{{"Name": "email", "Value": "eve@example.com"}}})
	kill()

	var code [][]byte
	for range 300 { // the code is on its way, wherever it was
		resp, err := http.Get(a.url + "/_aloft/inbox?to=eve@example.com")
		check(t, err)
		text, err := io.ReadAll(resp.Body)
		check(t, err)
		resp.Body.Close()
		if code = regexp.MustCompile(`code is (\d{6})`).FindSubmatch(text); code != nil {
			break
		}
		time.Sleep(100 * time.Millisecond)
	}
	if code == nil {
		t.Fatal("the code was lost")
	}
	a.cognito(t, "ConfirmSignUp", map[string]any{"ClientId": client, "Username": "eve", "ConfirmationCode": string(code[1])})
	signIn := func(name, password string) map[string]any {
		return a.cognito(t, "InitiateAuth", map[string]any{"ClientId": client, "AuthFlow": "USER_PASSWORD_AUTH", "AuthParameters": map[string]string{"USERNAME": name, "PASSWORD": password}})
	}
	tokens := signIn("eve", "Passw0rd!")["AuthenticationResult"].(map[string]any)
	session := signIn("bob", "Temp0rary!")["Session"]
	kill()

	a.cognito(t, "GetUser", map[string]any{"AccessToken": tokens["AccessToken"]})
	a.cognito(t, "InitiateAuth", map[string]any{"ClientId": client, "AuthFlow": "REFRESH_TOKEN_AUTH", "AuthParameters": map[string]any{"REFRESH_TOKEN": tokens["RefreshToken"]}})
	out := a.cognito(t, "RespondToAuthChallenge", map[string]any{
		"ClientId": client, "ChallengeName": "NEW_PASSWORD_REQUIRED", "Session": session,
		"ChallengeResponses": map[string]string{"USERNAME": "bob", "NEW_PASSWORD": "Passw0rd!"},
	})
	if out["AuthenticationResult"] == nil {
		t.Errorf("who had to choose a password got %v", out)
	}
}
