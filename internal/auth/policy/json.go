package policy

import (
	"bytes"
	"encoding/json"
	"strconv"
)

// A member is one of an object, in the order of the text.
type member struct {
	name  string
	value json.RawMessage
}

// object reads a JSON object. Names are as they are written, and none twice.
func object(raw []byte) ([]member, error) {
	d := json.NewDecoder(bytes.NewReader(raw))
	if t, err := d.Token(); err != nil || t != json.Delim('{') {
		return nil, errSyntax
	}
	var members []member
	seen := make(map[string]bool)
	for d.More() {
		t, err := d.Token()
		name, ok := t.(string)
		if err != nil || !ok || seen[name] {
			return nil, errSyntax
		}
		seen[name] = true
		m := member{name: name}
		if err := d.Decode(&m.value); err != nil {
			return nil, errSyntax
		}
		members = append(members, m)
	}
	if _, err := d.Token(); err != nil {
		return nil, errSyntax
	}
	return members, nil
}

// list reads a JSON array, or one value that stands for an array of it.
func array(raw []byte) ([]json.RawMessage, error) {
	if raw[0] != '[' {
		return []json.RawMessage{raw}, nil
	}
	var items []json.RawMessage
	if err := json.Unmarshal(raw, &items); err != nil {
		return nil, errSyntax
	}
	return items, nil
}

// str reads a JSON string.
func str(raw []byte) (string, error) {
	var s string
	if raw[0] != '"' || json.Unmarshal(raw, &s) != nil {
		return "", errSyntax
	}
	return s, nil
}

// stringList reads a string or an array of strings.
func stringList(raw []byte) ([]string, error) { return each(raw, str) }

// scalarList reads what conditions compare with: strings, numbers and booleans.
func scalarList(raw []byte) ([]string, error) {
	return each(raw, func(raw []byte) (string, error) {
		switch c := raw[0]; {
		case c == '"':
			return str(raw)
		case c == 't' || c == 'f':
			return string(raw), nil
		case c == '-' || '0' <= c && c <= '9':
			if _, err := strconv.ParseFloat(string(raw), 64); err != nil {
				return "", errSyntax
			}
			return string(raw), nil
		}
		return "", errSyntax
	})
}

func each(raw []byte, read func([]byte) (string, error)) ([]string, error) {
	items, err := array(raw)
	if err != nil {
		return nil, err
	}
	values := make([]string, 0, len(items))
	for _, item := range items {
		s, err := read(item)
		if err != nil {
			return nil, err
		}
		values = append(values, s)
	}
	return values, nil
}
