package protocol

import (
	"encoding/xml"
	"errors"
	"io"
	"reflect"
	"strings"
)

// An element is one element of an XML document.
type element struct {
	name  string
	text  string
	attrs []xml.Attr
	kids  []*element
}

const maxXMLDepth = 100

var errXML = errors.New("malformed XML")

// parseXML reads a document. Documents with a type declaration, and so with
// entities of their own, are refused.
func parseXML(body string) (*element, error) {
	d := xml.NewDecoder(strings.NewReader(body))
	root := new(element)
	stack := []*element{root}
	var text strings.Builder // of the element on top, while it has no kids
	for {
		token, err := d.RawToken()
		if err == io.EOF {
			break
		}
		if err != nil {
			return nil, errXML
		}
		top := stack[len(stack)-1]
		switch t := token.(type) {
		case xml.StartElement:
			text.Reset()
			n := &element{name: t.Name.Local, attrs: t.Attr}
			top.kids = append(top.kids, n)
			if stack = append(stack, n); len(stack) > maxXMLDepth {
				return nil, errXML
			}
		case xml.EndElement:
			if len(stack) == 1 || t.Name.Local != top.name {
				return nil, errXML
			}
			if len(top.kids) == 0 {
				top.text = text.String()
			}
			text.Reset()
			stack = stack[:len(stack)-1]
		case xml.CharData:
			if len(stack) == 1 && strings.TrimSpace(string(t)) != "" {
				return nil, errXML
			}
			text.Write(t)
		case xml.Directive:
			return nil, errXML
		}
	}
	if len(stack) != 1 || len(root.kids) != 1 {
		return nil, errXML
	}
	return root.kids[0], nil
}

// decodeXML fills v, a struct, from a document whose root holds its members.
func (d *decoder) decodeXML(body string, s *structure, v reflect.Value) error {
	root, err := parseXML(body)
	if err != nil {
		return err
	}
	return d.xmlStruct(root, s, v)
}

func (d *decoder) xmlStruct(e *element, s *structure, v reflect.Value) error {
	seen := d.begin()
	count := 0
	for i := range s.fields {
		f := &s.fields[i]
		if f.place != inBody {
			continue
		}
		d.enter(step{field: f})
		found, err := d.xmlField(e, f, v.Field(f.index))
		d.leave()
		if err != nil {
			return err
		}
		if found {
			seen |= f.bit
			count++
		}
	}
	d.end(s, seen)
	if s.union && count != 1 {
		return errUnion
	}
	return nil
}

// xmlField fills the slot v of f from what e has of it, if it has any.
func (d *decoder) xmlField(e *element, f *field, v reflect.Value) (found bool, err error) {
	if f.attr {
		for _, a := range e.attrs {
			if a.Name.Local == local(f.name) {
				return true, f.setText(v, a.Value, timeISO)
			}
		}
		return false, nil
	}
	name := local(f.name)
	if f.flat && (f.kind == kindList || f.kind == kindMap) {
		var items []*element
		for _, k := range e.kids {
			if k.name == name {
				items = append(items, k)
			}
		}
		if items == nil {
			return false, nil
		}
		return true, d.xmlCollection(items, &f.shape, v)
	}
	for _, k := range e.kids {
		if k.name == name {
			return true, d.xmlValue(k, &f.shape, v)
		}
	}
	return false, nil
}

// local is name without the prefix of a namespace.
func local(name string) string {
	if _, after, ok := strings.Cut(name, ":"); ok {
		return after
	}
	return name
}

func (d *decoder) xmlValue(e *element, s *shape, v reflect.Value) error {
	switch s.kind {
	case kindStruct:
		if s.ptr {
			p := reflect.New(s.typ)
			v.Set(p)
			v = p.Elem()
		}
		return d.xmlStruct(e, s.structure, v)
	case kindList, kindMap:
		return d.xmlCollection(e.kids, s, v)
	}
	return s.setText(v, e.text, timeISO)
}

// xmlCollection fills the slot v of a list or map from the elements that are its items.
func (d *decoder) xmlCollection(items []*element, s *shape, v reflect.Value) error {
	if s.kind == kindMap {
		return d.xmlMap(items, s, v)
	}
	list := reflect.MakeSlice(s.typ, len(items), len(items))
	for i, e := range items {
		d.enter(step{index: i + 1})
		err := d.xmlValue(e, s.elem, list.Index(i))
		d.leave()
		if err != nil {
			return err
		}
	}
	v.Set(list)
	return nil
}

func (d *decoder) xmlMap(items []*element, s *shape, v reflect.Value) error {
	m := reflect.MakeMap(s.typ)
	elem := reflect.New(s.typ.Elem()).Elem()
	for _, e := range items {
		elem.SetZero()
		key := ""
		for _, k := range e.kids {
			if k.name == s.keyName {
				key = k.text
			}
		}
		for _, k := range e.kids {
			if k.name != s.valueName {
				continue
			}
			d.enter(step{key: key})
			err := d.xmlValue(k, s.elem, elem)
			d.leave()
			if err != nil {
				return err
			}
		}
		m.SetMapIndex(reflect.ValueOf(key), elem)
	}
	v.Set(m)
	return nil
}
