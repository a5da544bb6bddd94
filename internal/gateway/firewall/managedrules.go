package firewall

import (
	"slices"

	api "github.com/aloft-cloud/aloft/internal/api/wafv2"
)

// What AWS tells of what its rules look for.
const (
	badBots     = `nessus|nmap|sqlmap|nikto|masscan|zgrab|acunetix|dirbuster|w3af`
	metadata    = `169\.254\.169\.254|169\.254\.170\.2|fd00:ec2::254|instance-data\.ec2\.internal`
	traversal   = `\.\./|\.\.\\`
	extension   = `\.(log|ini|bak|cfg|conf|config|sys|swp|sql)(/|\?|#|$)`
	remote      = `(https?|ftps?|file)://\d{1,3}\.\d{1,3}\.\d{1,3}\.\d{1,3}`
	javaObjects = `java\.lang\.(runtime|processbuilder)|ro0abx|\(java\.lang\.|class\.module\.classloader`
	lookup      = `\$\{[^}]*(jndi|lower:j|upper:j|::-j)`
	prototypes  = `"__proto__:then"|"\$1:__proto__|constructor:constructor|_response.{0,200}_prefix`
	exploitable = `/web-inf|/meta-inf|/\.git(/|$)|/\.env|/\.aws/|/\.ssh/|/\.svn(/|$)|/\.htaccess|/\.htpasswd|/etc/passwd`
	administers = `sqlmanager|phpmyadmin|/pma(/|$)|/myadmin(/|$)|/adminer|/server-status|/manager/html`
	systemFiles = `/proc/(version|self|cpuinfo|mounts)|/etc/(passwd|shadow|group|hosts|issue)|/var/log/|/boot/grub`
	shell       = `\$\((cat|id|whoami|uname|wget|curl|sh|bash)|\becho\s+\$[a-z_]+|[;|&]\s*(cat|id|whoami|uname|wget|curl|nc|sh|bash)\s|/bin/(sh|bash|cat|nc)|\$(path|home|shell|ifs)\b`
	commands    = `\|\|\s*nslookup|[;&|]\s*cmd(\.exe)?\b|\bcmd\.exe\b|[;&|]\s*(dir|net\s+user|ipconfig|systeminfo)\b`
	powershell  = `invoke-(expression|webrequest|command)|\bpowershell(\.exe)?\b|downloadstring|frombase64string`
	phpMethods  = `\bfsockopen\b|\$_(get|post|request|server|cookie|files|env|session)\b|php://(input|filter)|\b(shell_exec|passthru|proc_open|popen)\s*\(`
	wpCommands  = `do-reset-wordpress`
	wpPaths     = `xmlrpc\.php`
	libraries   = `^(curl|wget|python-requests|python-urllib|python-httpx|aiohttp|go-http-client|java/|okhttp|apache-httpclient|axios|node-fetch|undici|libwww-perl|ruby|guzzlehttp|postmanruntime)`
	assistants  = `gptbot|oai-searchbot|chatgpt-user|claudebot|claude-web|anthropic-ai|ccbot|perplexitybot|bytespider|google-extended|amazonbot|cohere-ai|diffbot|meta-externalagent`
	searchers   = `googlebot|bingbot|duckduckbot|yandexbot|baiduspider|applebot|slurp`
	scrapers    = `scrapy|httrack|crawler4j|nutch`
	seo         = `ahrefsbot|semrushbot|mj12bot|dotbot|rogerbot|screaming frog`
	monitors    = `pingdom|uptimerobot|statuscake|datadog|newrelicpinger|site24x7`
	social      = `facebookexternalhit|twitterbot|linkedinbot|pinterest|slackbot|whatsapp|telegrambot|discordbot`
	automated   = `headlesschrome|phantomjs|puppeteer|playwright|selenium|electron`
	browsers    = `^mozilla/|^opera/`
)

var userAgent = header("user-agent")

// known is a rule that looks for something.
func known(name, label string, s *api.Statement) ManagedRule {
	return ManagedRule{Name: name, Label: label, Statement: s}
}

// unknown are rules that look for what only AWS knows; each name is followed by
// the rule's label.
func unknown(names ...string) []ManagedRule {
	var all []ManagedRule
	for i := 0; i < len(names); i += 2 {
		all = append(all, ManagedRule{Name: names[i], Label: names[i+1]})
	}
	return all
}

// bot is a rule of bots that say who they are.
func bot(name, label, expression string) ManagedRule {
	return known("Category"+name, "bot:category:"+label, userAgent.has(expression))
}

var managedGroups = []*Managed{
	{"AWSManagedRulesCommonRuleSet", "Contains rules that are generally applicable to web applications. This provides protection against exploitation of a wide range of vulnerabilities, including those described in OWASP publications.",
		700, "awswaf:managed:aws:core-rule-set:", slices.Concat(
			[]ManagedRule{
				known("NoUserAgent_HEADER", "NoUserAgent_Header", not(userAgent.over(0))),
				known("UserAgent_BadBots_HEADER", "BadBots_Header", userAgent.has(badBots)),
				known("SizeRestrictions_QUERYSTRING", "SizeRestrictions_QueryString", ofQuery.over(2048)),
				known("SizeRestrictions_Cookie_HEADER", "SizeRestrictions_Cookie_Header", header("cookie").over(10240)),
				known("SizeRestrictions_BODY", "SizeRestrictions_Body", ofBody.over(8192)),
				known("SizeRestrictions_URIPATH", "SizeRestrictions_URIPath", ofPath.over(1024)),
			},
			each("EC2MetaDataSSRF", "EC2MetaDataSSRF", having(metadata), inBody, inCookie, inPath, inArgs),
			each("GenericLFI", "GenericLFI", having(traversal), inArgs, inPath, inBody),
			each("RestrictedExtensions", "RestrictedExtensions", having(extension), inPath, inArgs),
			each("GenericRFI", "GenericRFI", having(remote), inArgs, inBody, inPath),
			each("CrossSiteScripting", "CrossSiteScripting", in.script, inCookie, inArgs, inBody, inPath))},
	{"AWSManagedRulesAdminProtectionRuleSet", "Contains rules that allow you to block external access to exposed admin pages. This may be useful if you are running third-party software or would like to reduce the risk of a malicious actor gaining administrative access to your application.",
		100, "awswaf:managed:aws:admin-protection:", each("AdminProtection", "AdminProtection", having(administers), inPath)},
	{"AWSManagedRulesKnownBadInputsRuleSet", "Contains rules that allow you to block request patterns that are known to be invalid and are associated with exploitation or discovery of vulnerabilities. This can help reduce the risk of a malicious actor discovering a vulnerable application.",
		200, "awswaf:managed:aws:known-bad-inputs:", slices.Concat(
			each("JavaDeserializationRCE", "JavaDeserializationRCE", having(javaObjects), inHeaders, inBody, inPath, inQuery),
			[]ManagedRule{
				known("Host_localhost_HEADER", "Host_Localhost_Header", header("host").has(`^(localhost|127\.0\.0\.1)(:\d+)?$`)),
				known("PROPFIND_METHOD", "Propfind_Method", in(func() *api.FieldToMatch { return &api.FieldToMatch{Method: &api.Method{}} }).has(`^propfind$`)),
				known("ExploitablePaths_URIPATH", "ExploitablePaths_URIPath", ofPath.has(exploitable, "URL_DECODE")),
			},
			each("Log4JRCE", "Log4JRCE", having(lookup), inHeaders, inQuery, inBody, inPath),
			each("ReactJSRCE", "ReactJSRCE", having(prototypes), inBody))},
	{"AWSManagedRulesSQLiRuleSet", "Contains rules that allow you to block request patterns associated with exploitation of SQL databases, like SQL injection attacks. This can help prevent remote injection of unauthorized queries.",
		200, "awswaf:managed:aws:sql-database:", slices.Concat(
			each("SQLi", "SQLi", in.sql, inArgs), unknown("SQLiExtendedPatterns_QUERYARGUMENTS", "SQLiExtendedPatterns_QueryArguments"),
			each("SQLi", "SQLi", in.sql, inBody), unknown("SQLiExtendedPatterns_BODY", "SQLiExtendedPatterns_Body"),
			each("SQLi", "SQLi", in.sql, inCookie, inPath))},
	{"AWSManagedRulesLinuxRuleSet", "Contains rules that block request patterns associated with exploitation of vulnerabilities specific to Linux, including LFI attacks. This can help prevent attacks that expose file contents or execute code for which the attacker should not have had access.",
		200, "awswaf:managed:aws:linux-os:", each("LFI", "LFI", having(systemFiles), inPath, inQuery, inHeaders)},
	{"AWSManagedRulesUnixRuleSet", "Contains rules that block request patterns associated with exploiting vulnerabilities specific to POSIX/POSIX-like OS, including LFI attacks. This can help prevent attacks that expose file contents or execute code for which access should not been allowed.",
		100, "awswaf:managed:aws:posix-os:", each("UNIXShellCommandsVariables", "UNIXShellCommandsVariables", having(shell), inQuery, inBody, inHeaders)},
	{"AWSManagedRulesWindowsRuleSet", "Contains rules that block request patterns associated with exploiting vulnerabilities specific to Windows, (e.g., PowerShell commands). This can help prevent exploits that allow attacker to run unauthorized commands or execute malicious code.",
		200, "awswaf:managed:aws:windows-os:", slices.Concat(
			each("WindowsShellCommands", "WindowsShellCommands", having(commands), inCookie, inArgs, inBody),
			each("PowerShellCommands", "PowerShellCommands", having(powershell), inCookie, inArgs, inBody))},
	{"AWSManagedRulesPHPRuleSet", "Contains rules that block request patterns associated with exploiting vulnerabilities specific to the use of the PHP, including injection of unsafe PHP functions. This can help prevent exploits that allow an attacker to remotely execute code or commands.",
		100, "awswaf:managed:aws:php-app:", each("PHPHighRiskMethodsVariables", "PHPHighRiskMethodsVariables", having(phpMethods), inHeaders, inQuery, inBody)},
	{"AWSManagedRulesWordPressRuleSet", "The WordPress Applications group contains rules that block request patterns associated with the exploitation of vulnerabilities specific to WordPress sites.",
		100, "awswaf:managed:aws:wordpress-app:", slices.Concat(
			each("WordPressExploitableCommands", "WordPressExploitableCommands", having(wpCommands), inQuery),
			each("WordPressExploitablePaths", "WordPressExploitablePaths", having(wpPaths), inPath))},
	{"AWSManagedRulesAmazonIpReputationList", "This group contains rules that are based on Amazon threat intelligence. This is useful if you would like to block sources associated with bots or other threats.",
		25, "awswaf:managed:aws:amazon-ip-list:", unknown("AWSManagedIPReputationList", "AWSManagedIPReputationList", "AWSManagedReconnaissanceList", "AWSManagedReconnaissanceList", "AWSManagedIPDDoSList", "AWSManagedIPDDoSList")},
	{"AWSManagedRulesAnonymousIpList", "This group contains rules that allow you to block requests from services that allow obfuscation of viewer identity. This can include request originating from VPN, proxies, Tor nodes, and hosting providers. This is useful if you want to filter out viewers that may be trying to hide their identity from your application.",
		50, "awswaf:managed:aws:anonymous-ip-list:", unknown("AnonymousIPList", "AnonymousIPList", "HostingProviderIPList", "HostingProviderIPList")},
	{"AWSManagedRulesBotControlRuleSet", "Provides protection against automated bots that can consume excess resources, skew business metrics, cause downtime, or perform malicious activities.",
		50, "awswaf:managed:aws:bot-control:", slices.Concat(
			unknown("CategoryAdvertising", "bot:category:advertising", "CategoryArchiver", "bot:category:archiver", "CategoryContentFetcher", "bot:category:content_fetcher", "CategoryEmailClient", "bot:category:email_client"),
			[]ManagedRule{bot("HttpLibrary", "http_library", libraries)},
			unknown("CategoryLinkChecker", "bot:category:link_checker", "CategoryMiscellaneous", "bot:category:miscellaneous"),
			[]ManagedRule{
				bot("Monitoring", "monitoring", monitors), bot("ScrapingFramework", "scraping_framework", scrapers), bot("SearchEngine", "search_engine", searchers),
			},
			unknown("CategorySecurity", "bot:category:security"),
			[]ManagedRule{
				bot("Seo", "seo", seo), bot("SocialMedia", "social_media", social), bot("AI", "ai", assistants),
				known("SignalAutomatedBrowser", "signal:automated_browser", userAgent.has(automated)),
			},
			unknown("SignalKnownBotDataCenter", "signal:known_bot_data_center"),
			[]ManagedRule{known("SignalNonBrowserUserAgent", "signal:non_browser_user_agent", not(userAgent.has(browsers)))},
			unknown("TGT_VolumetricIpTokenAbsent", "targeted:aggregate:volumetric:ip:token_absent", "TGT_TokenAbsent", "token:absent", "TGT_VolumetricSession", "targeted:aggregate:volumetric:session",
				"TGT_SignalAutomatedBrowser", "targeted:signal:automated_browser", "TGT_SignalBrowserInconsistency", "targeted:signal:browser_inconsistency"))},
}
