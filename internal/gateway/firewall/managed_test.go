package firewall

import (
	"net/http/httptest"
	"strings"
	"testing"

	api "github.com/aloft-cloud/aloft/internal/api/wafv2"
)

// guarded makes a list ready that has one group of AWS's.
func guarded(t testing.TB, m *api.ManagedRuleGroupStatement) *List {
	t.Helper()
	m.VendorName = "AWS"
	l, err := Compile(&api.WebACL{DefaultAction: &api.DefaultAction{Allow: &api.AllowAction{}}, Rules: []api.Rule{
		{Name: "aws", OverrideAction: &api.OverrideAction{None: &api.NoneAction{}}, Statement: &api.Statement{ManagedRuleGroupStatement: m}},
	}}, nil, new(Counters))
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// TestManaged holds what rules of AWS's groups block, and what they let pass.
func TestManaged(t *testing.T) {
	const browser = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
	f := func(group, method, uri, headers, body, want string) {
		t.Helper()
		r := httptest.NewRequest(method, "http://example.com"+uri, strings.NewReader(""))
		r.Header.Set("User-Agent", browser)
		for line := range strings.SplitSeq(headers, "\n") {
			name, value, _ := strings.Cut(line, ": ")
			switch {
			case name == "Host":
				r.Host = value
			case value == "-":
				r.Header.Del(name)
			case name != "":
				r.Header.Set(name, value)
			}
		}
		d := guarded(t, &api.ManagedRuleGroupStatement{Name: "AWSManagedRules" + group}).Decide(New(r, []byte(body), "192.0.2.1"))
		if d.Rule != want || d.Blocked != (want != "") {
			t.Errorf("%s: %s %s %q %q is decided by %q, want %q", group, method, uri, headers, body, d.Rule, want)
		}
	}
	for _, g := range ManagedGroups() {
		name := strings.TrimPrefix(g.Name, "AWSManagedRules")
		f(name, "GET", "/shop/cart?item=12&q=red+shoes", "Cookie: id=a1; theme=dark\nAccept: text/html", "", "")
		f(name, "POST", "/api/orders", "Content-Type: application/json", `{"name":"O'Brien & Sons","note":"select the blue one; ship it","url":"https://example.com/a"}`, "")
	}
	f("CommonRuleSet", "GET", "/", "User-Agent: -", "", "NoUserAgent_HEADER")
	f("CommonRuleSet", "GET", "/", "User-Agent: Nmap Scripting Engine", "", "UserAgent_BadBots_HEADER")
	f("CommonRuleSet", "GET", "/?"+strings.Repeat("a", 2049), "", "", "SizeRestrictions_QUERYSTRING")
	f("CommonRuleSet", "POST", "/", "", strings.Repeat("a", 8193), "SizeRestrictions_BODY")
	f("CommonRuleSet", "POST", "/", "", strings.Repeat("a", 8192), "")
	f("CommonRuleSet", "GET", "/"+strings.Repeat("a", 1024), "", "", "SizeRestrictions_URIPATH")
	f("CommonRuleSet", "GET", "/?u=http://169.254.169.254/latest", "", "", "EC2MetaDataSSRF_QUERYARGUMENTS")
	f("CommonRuleSet", "GET", "/?f=..%2f..%2fx", "", "", "GenericLFI_QUERYARGUMENTS")
	f("CommonRuleSet", "GET", "/app.log", "", "", "RestrictedExtensions_URIPATH")
	f("CommonRuleSet", "GET", "/?u=http://192.0.2.9/x", "", "", "GenericRFI_QUERYARGUMENTS")
	f("CommonRuleSet", "GET", "/?q=%3Cscript%3Ealert(1)%3C/script%3E", "", "", "CrossSiteScripting_QUERYARGUMENTS")
	f("AdminProtectionRuleSet", "GET", "/sqlmanager/", "", "", "AdminProtection_URIPATH")
	f("KnownBadInputsRuleSet", "GET", "/", "X: ${jndi:ldap://example.com/}", "", "Log4JRCE_HEADER")
	f("KnownBadInputsRuleSet", "POST", "/", "", "${${lower:j}ndi:ldap://x}", "Log4JRCE_BODY")
	f("KnownBadInputsRuleSet", "PROPFIND", "/", "", "", "PROPFIND_METHOD")
	f("KnownBadInputsRuleSet", "GET", "/", "Host: localhost", "", "Host_localhost_HEADER")
	f("KnownBadInputsRuleSet", "GET", "/", "Host: d1.cloudfront.localhost:4566", "", "")
	f("KnownBadInputsRuleSet", "GET", "/WEB-INF/web.xml", "", "", "ExploitablePaths_URIPATH")
	f("KnownBadInputsRuleSet", "POST", "/", "", "(java.lang.Runtime).getRuntime().exec()", "JavaDeserializationRCE_BODY")
	f("SQLiRuleSet", "GET", "/?id=1%27+OR+%271%27=%271", "", "", "SQLi_QUERYARGUMENTS")
	f("SQLiRuleSet", "POST", "/", "", "1' UNION SELECT password FROM users--", "SQLi_BODY")
	f("LinuxRuleSet", "GET", "/?f=/proc/version", "", "", "LFI_QUERYSTRING")
	f("UnixRuleSet", "POST", "/", "", "echo $PATH", "UNIXShellCommandsVariables_BODY")
	f("WindowsRuleSet", "GET", "/?a=%7C%7Cnslookup", "", "", "WindowsShellCommands_QUERYARGUMENTS")
	f("WindowsRuleSet", "POST", "/", "", "Invoke-Expression x", "PowerShellCommands_BODY")
	f("PHPRuleSet", "POST", "/", "", "$_GET[x]", "PHPHighRiskMethodsVariables_BODY")
	f("WordPressRuleSet", "GET", "/xmlrpc.php", "", "", "WordPressExploitablePaths_URIPATH")
	f("BotControlRuleSet", "GET", "/", "User-Agent: curl/8.5.0", "", "CategoryHttpLibrary")
	f("BotControlRuleSet", "GET", "/", "User-Agent: Mozilla/5.0 (compatible; GPTBot/1.2)", "", "CategoryAI")
	f("AmazonIpReputationList", "GET", "/", "", "", "")
}

// TestManagedOverrides holds what who names a group can change of it.
func TestManagedOverrides(t *testing.T) {
	decide := func(m *api.ManagedRuleGroupStatement) *Decision {
		r := httptest.NewRequest("GET", "http://example.com/app.log", nil)
		return guarded(t, m).Decide(New(r, nil, "192.0.2.1"))
	}
	if d := decide(&api.ManagedRuleGroupStatement{Name: "AWSManagedRulesCommonRuleSet"}); d.Rule != "NoUserAgent_HEADER" {
		t.Errorf("decided by %q", d.Rule)
	}
	counted := &api.ManagedRuleGroupStatement{Name: "AWSManagedRulesCommonRuleSet", RuleActionOverrides: []api.RuleActionOverride{{Name: "NoUserAgent_HEADER", ActionToUse: &api.RuleAction{Count: &api.CountAction{}}}}}
	if d := decide(counted); d.Rule != "RestrictedExtensions_URIPATH" {
		t.Errorf("decided by %q, of a group one of whose rules counts", d.Rule)
	}
	elsewhere := &api.ManagedRuleGroupStatement{Name: "AWSManagedRulesCommonRuleSet", ScopeDownStatement: ofPath.has("^/api/")}
	if d := decide(elsewhere); d.Blocked {
		t.Errorf("decided by %q, of a group that is asked about other paths", d.Rule)
	}
}
