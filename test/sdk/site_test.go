package sdk_test

import (
	"archive/zip"
	"bytes"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"

	amplifyapi "github.com/aloft-cloud/aloft/internal/api/amplify"
	aloftclient "github.com/aloft-cloud/aloft/internal/client"
)

// TestAmplifyBoto3 makes, deploys and asks a site of Amplify's with boto3.
func TestAmplifyBoto3(t *testing.T) {
	python := client(t, "python/bin/python")
	a := start(t, t.TempDir())
	runClient(t, a, python, "python/amplify.py")
}

// TestSite deploys a page on Amplify, people who sign in to it, and an API behind
// it that knows them. A deployment that was acknowledged survives a kill -9. Where
// there is a browser, somebody signs in by the page that the user pool has.
func TestSite(t *testing.T) {
	if _, err := exec.LookPath("node"); err != nil {
		t.Skip("needs node on the PATH: install Node.js 18 or later")
	}
	data := t.TempDir()
	a := start(t, data)
	outputs := deploy(t, a, "site")
	deployPage(t, a, outputs["App"], outputs["Client"])
	check(t, ignoreExit(a.stop(syscall.SIGKILL)))
	a = start(t, data)
	host := strings.TrimPrefix(outputs["URL"], "https://")
	ask := func(method, path, token string) (int, string) {
		r, err := http.NewRequestWithContext(t.Context(), method, a.url+path, strings.NewReader(`{"note":"hello"}`))
		check(t, err)
		r.Host = host
		if token != "" {
			r.Header.Set("Authorization", token)
		}
		resp, err := http.DefaultClient.Do(r)
		check(t, err)
		defer resp.Body.Close()
		body, err := io.ReadAll(resp.Body)
		check(t, err)
		return resp.StatusCode, string(body)
	}
	waitUntil(t, "the page is served", func() bool {
		status, body := ask(http.MethodGet, "/any/route", "")
		return status == http.StatusOK && strings.Contains(body, "<title>Notes</title>")
	})
	people := map[string]any{"UserPoolId": outputs["Pool"], "Username": "eve@example.com"}
	with := func(more map[string]any) map[string]any {
		for k, v := range people {
			more[k] = v
		}
		return more
	}
	a.cognito(t, "AdminCreateUser", with(map[string]any{"MessageAction": "SUPPRESS", "UserAttributes": []map[string]string{{"Name": "email", "Value": "eve@example.com"}, {"Name": "email_verified", "Value": "true"}}}))
	a.cognito(t, "AdminSetUserPassword", with(map[string]any{"Password": "Passw0rd!", "Permanent": true}))
	if status, body := ask(http.MethodPost, "/api/notes", ""); status != http.StatusUnauthorized {
		t.Errorf("without a token the API answers %d %s", status, body)
	}
	tokens := a.cognito(t, "AdminInitiateAuth", map[string]any{"UserPoolId": outputs["Pool"], "ClientId": outputs["Client"], "AuthFlow": "ADMIN_USER_PASSWORD_AUTH", "AuthParameters": map[string]string{"USERNAME": "eve@example.com", "PASSWORD": "Passw0rd!"}})
	token := tokens["AuthenticationResult"].(map[string]any)["IdToken"].(string)
	if status, body := ask(http.MethodPost, "/api/notes", token); status != http.StatusOK || body != `{"who":"eve@example.com","note":"hello"}` {
		t.Errorf("with a token the API answers %d %s", status, body)
	}
	dir := t.TempDir()
	check(t, os.WriteFile(dir+"/more.html", []byte("more"), 0o644))
	check(t, os.CopyFS(dir, os.DirFS("site/page")))
	check(t, os.WriteFile(dir+"/config.json", configOf(outputs["Client"]), 0o644))
	runClient(t, a, a.bin, "publish", "notes", "main", dir)
	if status, body := ask(http.MethodGet, "/more", ""); status != http.StatusOK || body != "more" {
		t.Errorf("what is published is answered %d %s", status, body)
	}
	t.Run("browser", func(t *testing.T) { signInByBrowser(t, a, outputs, host) })
}

// port is that of a, after a colon.
func (a *aloft) port() string { return a.url[strings.LastIndexByte(a.url, ':'):] }

// configOf is what the page reads of where to sign in.
func configOf(client string) []byte {
	return fmt.Appendf(nil, `{"client":%q,"login":"http://notes-of-people.auth.localhost"}`, client)
}

// deployPage deploys the page, and returns once that is acknowledged.
func deployPage(t *testing.T, a *aloft, app, client string) {
	t.Helper()
	c := aloftclient.New(aloftclient.Config{Endpoint: a.url, Region: "us-east-1", AccessKey: "test", Secret: "test"})
	out, err := aloftclient.Do(t.Context(), c, amplifyapi.CreateDeployment, &amplifyapi.CreateDeploymentInput{AppId: app, BranchName: "main"})
	check(t, err)
	var body bytes.Buffer
	z := zip.NewWriter(&body)
	check(t, z.AddFS(os.DirFS("site/page")))
	f, err := z.Create("config.json")
	check(t, err)
	_, err = f.Write(configOf(client))
	check(t, err)
	check(t, z.Close())
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPut, out.ZipUploadUrl, &body)
	check(t, err)
	resp, err := http.DefaultClient.Do(r)
	check(t, err)
	resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		t.Fatalf("the upload is answered %s", resp.Status)
	}
	_, err = aloftclient.Do(t.Context(), c, amplifyapi.StartDeployment, &amplifyapi.StartDeploymentInput{AppId: app, BranchName: "main", JobId: out.JobId})
	check(t, err)
}

// signInByBrowser has a browser sign in at the page, and write a note.
func signInByBrowser(t *testing.T, a *aloft, outputs map[string]string, host string) {
	page := "http://" + strings.TrimSuffix(host, ".com") + ".localhost" + a.port()
	a.cognito(t, "UpdateUserPoolClient", map[string]any{
		"UserPoolId": outputs["Pool"], "ClientId": outputs["Client"], "CallbackURLs": []string{page}, "AllowedOAuthFlowsUserPoolClient": true,
		"AllowedOAuthFlows": []string{"implicit"}, "AllowedOAuthScopes": []string{"openid", "email"}, "SupportedIdentityProviders": []string{"COGNITO"},
	})
	tab := openTab(t, browser(t), page)
	link := "(document.getElementById('login') || {}).href || ''"
	waitUntil(t, "the page is there", func() bool { return strings.Contains(tab.run(link), "/login?") })
	tab.run("location = document.getElementById('login').href.replace('.localhost', '.localhost" + a.port() + "')")
	waitUntil(t, "the user pool asks who it is", func() bool { return tab.run("String(!!document.querySelector('input[name=username]'))") == "true" })
	tab.run("document.querySelector('input[name=username]').value = 'eve@example.com'; document.querySelector('input[name=password]').value = 'Passw0rd!'; document.querySelector('input[name=password]').form.requestSubmit()")
	waitUntil(t, "the page knows who it is", func() bool {
		return tab.run("(document.getElementById('state') || {}).textContent || ''") == "signed in"
	})
	tab.run("document.getElementById('note').value = 'from the page'; document.querySelector('form').requestSubmit()")
	waitUntil(t, "the note is kept", func() bool {
		return tab.run("document.getElementById('said').textContent") == "eve@example.com: from the page"
	})
}
