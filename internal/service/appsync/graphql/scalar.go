package graphql

import (
	"encoding/json"
	"fmt"
	"net/mail"
	"net/netip"
	"net/url"
	"regexp"
	"strings"

	"github.com/aloft-cloud/aloft/internal/vtl"
)

// Forms of times, as AppSync takes them.
var (
	dateForm     = regexp.MustCompile(`^-?\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])` + zoneForm + `?$`)
	timeForm     = regexp.MustCompile(`^([01]\d|2[0-3]):[0-5]\d(:[0-5]\d(\.\d{1,9})?)?` + zoneForm + `?$`)
	dateTimeForm = regexp.MustCompile(`^-?\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])T([01]\d|2[0-3]):[0-5]\d(:[0-5]\d(\.\d{1,9})?)?` + zoneForm + `$`)
	phoneForm    = regexp.MustCompile(`^\+?[0-9][0-9\s.()-]{5,20}$`)
	domainForm   = regexp.MustCompile(`^[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?(\.[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?)+$`)
)

const zoneForm = `(Z|[+-](0\d|1[0-8])(:[0-5]\d(:[0-5]\d)?)?)`

// customNames are what AppSync calls what its scalars hold.
var customNames = map[string]string{
	"AWSDate": "Date Object", "AWSTime": "Time Object", "AWSDateTime": "DateTime Object", "AWSTimestamp": "timestamp", "AWSEmail": "email",
	"AWSJSON": "JSON", "AWSURL": "URL", "AWSPhone": "phone number", "AWSIPAddress": "IP address",
}

// fits reports whether a text is of one of AppSync's scalars.
func fits(name, s string) bool {
	switch name {
	case "AWSDate":
		return dateForm.MatchString(s)
	case "AWSTime":
		return timeForm.MatchString(s)
	case "AWSDateTime":
		return dateTimeForm.MatchString(s)
	case "AWSEmail":
		a, err := mail.ParseAddress(s)
		if err != nil || a.Address != s {
			return false
		}
		return domainForm.MatchString(s[strings.LastIndexByte(s, '@')+1:])
	case "AWSURL":
		u, err := url.Parse(s)
		return err == nil && u.Scheme != "" && (u.Host != "" || u.Opaque != "") && !strings.Contains(u.Path, "//")
	case "AWSPhone":
		return phoneForm.MatchString(s)
	case "AWSIPAddress":
		if strings.Contains(s, "/") {
			_, err := netip.ParsePrefix(s)
			return err == nil
		}
		_, err := netip.ParseAddr(s)
		return err == nil
	}
	return true
}

// readCustom reads a value of one of AppSync's scalars. A scalar that nobody
// knows takes anything.
func readCustom(name string, v any) (any, error) {
	words, known := customNames[name]
	if !known {
		return v, nil
	}
	wrong := fmt.Errorf("Unable to parse `%s` as a valid %s.", vtl.String(v), words)
	switch s, isText := v.(string); {
	case name == "AWSTimestamp":
		if _, ok := v.(int64); !ok {
			return nil, wrong
		}
		return v, nil
	case !isText:
		return nil, wrong
	case name == "AWSJSON": // resolvers see what it holds
		read, err := vtl.ParseJSON(s)
		if err != nil {
			return nil, wrong
		}
		return read, nil
	case !fits(name, s):
		return nil, wrong
	}
	return v, nil
}

// writeCustom is a value of one of AppSync's scalars as it goes out.
func writeCustom(name string, v any) (any, error) {
	words, known := customNames[name]
	if !known {
		return v, nil
	}
	wrong := fmt.Errorf("Unable to serialize `%s` as a valid %s.", vtl.String(v), words)
	switch s, isText := v.(string); {
	case name == "AWSJSON":
		if isText && json.Valid([]byte(s)) {
			return s, nil
		}
		return vtl.JSON(v), nil
	case name == "AWSTimestamp":
		switch n := v.(type) {
		case int64:
			return n, nil
		case float64:
			if n == float64(int64(n)) {
				return int64(n), nil
			}
		}
		return nil, wrong
	case !isText || !fits(name, s):
		return nil, wrong
	}
	return v, nil
}
