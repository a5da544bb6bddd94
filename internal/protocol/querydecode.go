package protocol

import "reflect"

// queryStruct fills v, a struct, from the parameters below f.
func (d *decoder) queryStruct(f *Form, s *structure, v reflect.Value) error {
	seen := d.begin()
	count := 0
	for i := range s.fields {
		m := &s.fields[i]
		at := f.kid(m.query)
		if at == nil {
			continue
		}
		d.enter(step{field: m})
		err := d.queryValue(at, &m.shape, v.Field(m.index))
		d.leave()
		if err != nil {
			return err
		}
		seen |= m.bit
		count++
	}
	d.end(s, seen)
	if s.union && count != 1 {
		return errUnion
	}
	return nil
}

func (d *decoder) queryValue(f *Form, s *shape, v reflect.Value) error {
	switch s.kind {
	case kindStruct:
		if s.ptr {
			p := reflect.New(s.typ)
			v.Set(p)
			v = p.Elem()
		}
		return d.queryStruct(f, s.structure, v)
	case kindList:
		return d.queryList(f, s, v)
	case kindMap:
		return d.queryMap(f, s, v)
	}
	return s.setText(v, f.value, timeISO)
}

func (d *decoder) queryList(f *Form, s *shape, v reflect.Value) error {
	if !s.flat {
		in := f.kid(s.item)
		if in == nil {
			in = f.kid("member") // what SDKs of old send, whatever the model says
		}
		if in != nil {
			f = in
		}
	}
	elements := f.elements()
	list := reflect.MakeSlice(s.typ, len(elements), len(elements))
	for i, e := range elements {
		d.enter(step{index: i + 1})
		err := d.queryValue(e, s.elem, list.Index(i))
		d.leave()
		if err != nil {
			return err
		}
	}
	v.Set(list)
	return nil
}

func (d *decoder) queryMap(f *Form, s *shape, v reflect.Value) error {
	if !s.flat {
		if in := f.kid("entry"); in != nil {
			f = in
		}
	}
	m := reflect.MakeMap(s.typ)
	elem := reflect.New(s.typ.Elem()).Elem()
	for _, e := range f.elements() {
		key, at := e.Value(s.keyName), e.kid(s.valueName)
		if at == nil {
			continue
		}
		elem.SetZero()
		d.enter(step{key: key})
		err := d.queryValue(at, s.elem, elem)
		d.leave()
		if err != nil {
			return err
		}
		m.SetMapIndex(reflect.ValueOf(key), elem)
	}
	v.Set(m)
	return nil
}
