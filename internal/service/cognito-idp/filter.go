package cognitoidp

import (
	"regexp"
	"strings"
)

// filterForm is a filter: an attribute, = or ^= for what it begins with, and a
// value in quotes.
var filterForm = regexp.MustCompile(`^\s*"?([\w:.]+?)"?\s*(\^?=)\s*"((?:[^"\\]|\\.)*)"\s*$`)

// filtered are the attributes by which users can be found.
var filtered = []string{"username", "email", "phone_number", "name", "given_name", "family_name", "preferred_username", "cognito:user_status", "status", "sub"}

// parseFilter reads which users to list: email ^= "eve@".
func parseFilter(text string) (func(*user) bool, error) {
	if strings.TrimSpace(text) == "" {
		return func(*user) bool { return true }, nil
	}
	m := filterForm.FindStringSubmatch(text)
	if m == nil {
		return nil, invalid("Error while parsing filter.")
	}
	name, operator, want := m[1], m[2], strings.NewReplacer(`\"`, `"`, `\\`, `\`).Replace(m[3])
	known := false
	for _, f := range filtered {
		known = known || f == name
	}
	if !known {
		return nil, invalid("One or more requested attributes do not exist.")
	}
	return func(u *user) bool {
		value := u.Attributes[name]
		switch name {
		case "username":
			value = u.Name
		case "cognito:user_status":
			value = u.Status
		case "status":
			return (want == "Enabled") != u.Disabled
		}
		if operator == "=" {
			return strings.EqualFold(value, want)
		}
		return len(value) >= len(want) && strings.EqualFold(value[:len(want)], want)
	}, nil
}
