package mapping

import (
	"encoding/xml"
	"errors"
	"io"
	"strconv"
	"strings"

	"github.com/aloft-cloud/aloft/internal/vtl"
)

var xmlHelpers = map[string]helper{
	"xml.toMap": func(_ *Run, a arguments) (any, error) { return ofXML(a.text(0)) },
	"xml.toJsonString": func(_ *Run, a arguments) (any, error) {
		v, err := ofXML(a.text(0))
		if err != nil {
			return nil, err
		}
		text := vtl.JSON(v)
		if a.at(1) == true {
			text = vtl.JSON(text)
		}
		return text, nil
	},
}

// maxXMLDepth is how deep elements may be within each other.
const maxXMLDepth = 200

// ofXML is a document as a map: an element is what is in it, or its text, and
// several of one name are a list. Attributes are as elements are.
func ofXML(text string) (*vtl.Map, error) {
	dec := xml.NewDecoder(strings.NewReader(text))
	root := vtl.NewMap()
	for {
		token, err := dec.RawToken()
		switch start, ok := token.(xml.StartElement); {
		case errors.Is(err, io.EOF):
			return root, nil
		case err != nil:
			return nil, err
		case ok:
			v, err := element(dec, start, 0)
			if err != nil {
				return nil, err
			}
			put(root, nameOf(start.Name), v)
		}
	}
}

// element is what is in an element whose start was read.
func element(dec *xml.Decoder, start xml.StartElement, depth int) (any, error) {
	if depth > maxXMLDepth {
		return nil, errors.New("the XML is too deep")
	}
	members := vtl.NewMap()
	for _, a := range start.Attr {
		put(members, nameOf(a.Name), plainValue(a.Value))
	}
	var text strings.Builder
	for {
		token, err := dec.RawToken()
		if err != nil {
			return nil, err
		}
		switch token := token.(type) {
		case xml.StartElement:
			v, err := element(dec, token, depth+1)
			if err != nil {
				return nil, err
			}
			put(members, nameOf(token.Name), v)
		case xml.CharData:
			text.Write(token)
		case xml.EndElement:
			if token.Name != start.Name {
				return nil, errors.New("the XML closes " + nameOf(token.Name) + " within " + nameOf(start.Name))
			}
			own := strings.TrimSpace(text.String())
			switch {
			case members.Len() == 0:
				return plainValue(own), nil
			case own != "":
				put(members, "content", plainValue(own))
			}
			return members, nil
		}
	}
}

func nameOf(n xml.Name) string {
	if n.Space == "" {
		return n.Local
	}
	return n.Space + ":" + n.Local
}

// put adds a member, to a list if there is one of that name.
func put(m *vtl.Map, name string, v any) {
	before, ok := m.Lookup(name)
	if !ok {
		m.Set(name, v)
		return
	}
	list, ok := before.(*vtl.List)
	if !ok {
		list = vtl.NewList(before)
		m.Set(name, list)
	}
	list.Items = append(list.Items, v)
}

// plainValue is the number or truth that a text is, or the text.
func plainValue(text string) any {
	switch text {
	case "true":
		return true
	case "false":
		return false
	case "null":
		return nil
	}
	if text == "" || !strings.ContainsRune("-0123456789", rune(text[0])) || len(text) > 1 && text[0] == '0' && text[1] != '.' {
		return text
	}
	if n, err := strconv.ParseInt(text, 10, 64); err == nil {
		return n
	}
	if f, err := strconv.ParseFloat(text, 64); err == nil && strings.Trim(text, "-+.eE0123456789") == "" {
		return f
	}
	return text
}
