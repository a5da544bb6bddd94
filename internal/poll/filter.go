package poll

import (
	"encoding/json"
	"unicode/utf8"
)

// wanted reports whether a filter matches, or there is none.
func wanted(filters []Filter, view []byte) bool {
	if len(filters) == 0 {
		return true
	}
	for _, f := range filters {
		if f.Match(view) {
			return true
		}
	}
	return false
}

// viewOf is text as a filter sees it: as JSON if it is, and else as a string.
func viewOf(text []byte) json.RawMessage {
	if json.Valid(text) {
		return text
	}
	if !utf8.Valid(text) {
		return json.RawMessage(`""`)
	}
	out, err := json.Marshal(string(text))
	if err != nil {
		return json.RawMessage(`""`)
	}
	return out
}
