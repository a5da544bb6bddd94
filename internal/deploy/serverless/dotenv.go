package serverless

import (
	"fmt"
	"regexp"
	"strings"
)

var (
	envLine     = regexp.MustCompile(`^\s*(?:export\s+)?([A-Za-z_][\w.-]*)\s*=\s*(.*?)\s*$`)
	envVariable = regexp.MustCompile(`\$\{([A-Za-z_]\w*)\}|\$([A-Za-z_]\w*)`)
)

// parseEnv adds what a .env file sets to vars, unless it is set already.
func parseEnv(text string, vars map[string]string, getenv func(string) (string, bool)) error {
	lines := strings.Split(strings.ReplaceAll(text, "\r\n", "\n"), "\n")
	for i := 0; i < len(lines); i++ {
		line := lines[i]
		if trimmed := strings.TrimSpace(line); trimmed == "" || trimmed[0] == '#' {
			continue
		}
		m := envLine.FindStringSubmatch(line)
		if m == nil {
			return fmt.Errorf("line %d: want NAME=VALUE", i+1)
		}
		value, literal := m[2], false
		if q := value; q != "" && strings.IndexByte(`'"`+"`", q[0]) >= 0 {
			for strings.IndexByte(q[1:], q[0]) < 0 && i+1 < len(lines) {
				i++
				q += "\n" + lines[i]
			}
			if end := strings.IndexByte(q[1:], q[0]); end >= 0 {
				value, literal = q[1:end+1], q[0] == '\''
			}
			if q[0] == '"' {
				value = strings.ReplaceAll(value, `\n`, "\n")
			}
		} else if comment := strings.Index(value, " #"); comment >= 0 {
			value = strings.TrimSpace(value[:comment])
		}
		if !literal {
			value = envVariable.ReplaceAllStringFunc(value, func(v string) string {
				name := strings.Trim(v, "${}")
				if set, ok := vars[name]; ok {
					return set
				}
				if set, ok := getenv(name); ok {
					return set
				}
				return ""
			})
		}
		if _, has := vars[m[1]]; !has {
			vars[m[1]] = value
		}
	}
	return nil
}
