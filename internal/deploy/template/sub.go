package template

import (
	"strings"
)

// A piece is a part of the string of an Fn::Sub: text, or a name to replace.
type piece struct {
	text string
	name string // empty if text
}

// subArgs returns the string of an Fn::Sub and the names it brings itself.
func subArgs(arg any) (text string, names map[string]any, err error) {
	if list, ok := arg.([]any); ok {
		if len(list) != 2 {
			return "", nil, badArgs("Fn::Sub")
		}
		if names, ok = list[1].(map[string]any); !ok {
			return "", nil, badArgs("Fn::Sub")
		}
		for key := range names {
			if !alphanumeric(strings.ReplaceAll(key, "_", "")) {
				return "", nil, badArgs("subKey")
			}
		}
		arg = list[0]
	}
	text, ok := Text(arg)
	if !ok {
		return "", nil, badArgs("Fn::Sub")
	}
	_, err = subPieces(text)
	return text, names, err
}

// subPieces takes the string of an Fn::Sub apart. "${!Name}" is text: "${Name}".
func subPieces(text string) ([]piece, error) {
	var pieces []piece
	for text != "" {
		start := strings.Index(text, "${")
		end := -1
		if start >= 0 {
			end = strings.IndexByte(text[start:], '}')
		}
		if end < 0 {
			return append(pieces, piece{text: text}), nil
		}
		name := text[start+2 : start+end]
		if literal, ok := strings.CutPrefix(name, "!"); ok {
			pieces = append(pieces, piece{text: text[:start] + "${" + literal + "}"})
		} else {
			name = strings.TrimSpace(name)
			if !subName(name) {
				return nil, badArgs("subName")
			}
			pieces = append(pieces, piece{text: text[:start]}, piece{name: name})
		}
		text = text[start+end+1:]
	}
	return pieces, nil
}

func subName(s string) bool {
	return alphanumeric(strings.NewReplacer("_", "", ".", "", ":", "").Replace(s))
}

func (t *Template) sub(arg any, s *Scope) (any, error) {
	text, names, err := subArgs(arg)
	if err != nil {
		return nil, err
	}
	own := make(map[string]any, len(names))
	for key, v := range names {
		if own[key], err = t.resolve(v, s); err != nil {
			return nil, err
		}
	}
	pieces, err := subPieces(text)
	if err != nil {
		return nil, err
	}
	var b strings.Builder
	for _, p := range pieces {
		if p.name == "" {
			b.WriteString(p.text)
			continue
		}
		v, err := t.subValue(p.name, own, s)
		if err != nil {
			return nil, err
		}
		if holdsUnknown(v) {
			return Unknown{}, nil
		}
		part, ok := Text(v)
		if !ok {
			return nil, badArgs("subValue")
		}
		b.WriteString(part)
	}
	return b.String(), nil
}

func (t *Template) subValue(name string, own map[string]any, s *Scope) (any, error) {
	if v, ok := own[name]; ok {
		return v, nil
	}
	if id, attribute, ok := strings.Cut(name, "."); ok {
		if t.Resources[id] == nil || s.Resource == nil {
			return nil, errorf("Template error: instance of Fn::Sub references invalid resource attribute %s", name)
		}
		return s.Resource(id, attribute)
	}
	return t.ref(name, s)
}
