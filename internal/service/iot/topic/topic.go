// Package topic knows the names of topics of MQTT, and the filters that match
// them, within the limits of AWS IoT.
package topic

import (
	"errors"
	"strings"
	"unicode/utf8"
)

const (
	// Reserved begins the topics that AWS IoT gives a meaning.
	Reserved = "$aws/"
	// Rules begins the topics that lead to a rule alone, by its name.
	Rules = "$aws/rules/"

	maxLength  = 256 // bytes
	maxSlashes = 7
)

// Check says what is wrong with a topic that somebody publishes to.
func Check(name string) error {
	if err := checkLimits(name); err != nil {
		return err
	}
	if IsWild(name) {
		return errors.New("A topic that is published to has no wildcards.")
	}
	return nil
}

// IsWild reports whether a filter has wildcards.
func IsWild(filter string) bool { return strings.ContainsAny(filter, "+#") }

// CheckFilter says what is wrong with a topic filter.
func CheckFilter(filter string) error {
	if err := checkLimits(filter); err != nil {
		return err
	}
	levels := strings.Split(filter, "/")
	for i, level := range levels {
		switch {
		case level == "#" && i < len(levels)-1:
			return errors.New("The wildcard # is the last of a topic filter.")
		case len(level) > 1 && IsWild(level):
			return errors.New("A wildcard is a whole level of a topic filter.")
		}
	}
	return nil
}

func checkLimits(name string) error {
	counted := name
	if rest, ok := strings.CutPrefix(name, Rules); ok { // these do not count
		_, counted, _ = strings.Cut(rest, "/")
	} else if strings.HasPrefix(name, Reserved) {
		counted = "" // what is too long there is unknown
		if len(name) > 2*maxLength {
			return errors.New("The topic is too long.")
		}
	}
	switch {
	case name == "":
		return errors.New("The topic is empty.")
	case !utf8.ValidString(name) || strings.ContainsRune(name, 0):
		return errors.New("The topic is not a text of UTF-8.")
	case len(counted) > maxLength:
		return errors.New("The topic is longer than 256 bytes.")
	case strings.Count(counted, "/") > maxSlashes:
		return errors.New("The topic has more than 7 slashes.")
	}
	return nil
}

// Match reports whether filter, which was checked, matches a topic. Wildcards at
// the beginning do not match topics that begin with $.
func Match(filter, name string) bool {
	if strings.HasPrefix(name, "$") && !strings.HasPrefix(filter, "$") {
		return false
	}
	for {
		level, filterRest, filterMore := strings.Cut(filter, "/")
		if level == "#" {
			return true
		}
		part, nameRest, nameMore := strings.Cut(name, "/")
		if level != "+" && level != part {
			return false
		}
		switch {
		case filterMore && !nameMore:
			return filterRest == "#" // a/# matches a
		case !filterMore || !nameMore:
			return filterMore == nameMore
		}
		filter, name = filterRest, nameRest
	}
}
