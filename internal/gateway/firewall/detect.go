package firewall

import (
	"github.com/corazawaf/libinjection-go"

	api "github.com/aloft-cloud/aloft/internal/api/wafv2"
)

// injection looks for pieces of SQL.
func injection(m *api.SqliMatchStatement) (statement, error) {
	return texts(m.FieldToMatch, m.TextTransformations, func(s string) bool {
		found, _ := libinjection.IsSQLi(s)
		return found
	})
}

// scripting looks for scripts that a page of a site would run for who sent them.
func scripting(m *api.XssMatchStatement) (statement, error) {
	return texts(m.FieldToMatch, m.TextTransformations, libinjection.IsXSS)
}
