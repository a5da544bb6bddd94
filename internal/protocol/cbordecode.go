package protocol

import (
	"reflect"
	"time"

	"github.com/aloft-cloud/aloft/internal/jx"
)

// mismatch fails with the type of the next item, in the words of JSON.
func (c *cborReader) mismatch(want string) {
	if c.i >= len(c.s) || c.err != nil {
		c.fail(errCBOR)
		return
	}
	found := jx.Integer
	switch b := c.s[c.i]; b >> 5 {
	case cborBytes, cborText:
		found = jx.String
	case cborArray:
		found = jx.Array
	case cborMap:
		found = jx.Object
	case cborTag:
		found = jx.Decimal
	case cborSimple:
		switch b {
		case 0xf4:
			found = jx.False
		case 0xf5:
			found = jx.True
		case 0xf6, 0xf7:
			found = jx.Null
		case 0xf9, 0xfa, 0xfb:
			found = jx.Decimal
		default:
			c.fail(errCBOR)
			return
		}
	}
	c.fail(&jx.TypeError{Found: found, Want: want})
}

// decodeCBOR fills v, a struct, from body, which is empty or one map.
func (d *decoder) decodeCBOR(body string, s *structure, v reflect.Value) error {
	if body == "" {
		d.end(s, 0)
		return nil
	}
	c := &cborReader{s: body, old: d.oldCBOR}
	d.cborStruct(c, s, v)
	if c.err == nil && c.i < len(c.s) {
		c.fail(errCBOR)
	}
	return c.err
}

func (d *decoder) cborStruct(c *cborReader, s *structure, v reflect.Value) {
	seen := d.begin()
	count := 0
	h := c.begin(cborMap, "Map")
	for n := 0; c.more(h, n); n++ {
		f := s.body[c.string()]
		switch {
		case c.null():
		case f == nil:
			c.skip()
		default:
			d.enter(step{field: f})
			d.cborValue(c, &f.shape, v.Field(f.index))
			d.leave()
			seen |= f.bit
			count++
		}
	}
	d.end(s, seen)
	if s.union && count != 1 {
		c.fail(errUnion)
	}
}

// cborValue reads an item that is not null into the slot v.
func (d *decoder) cborValue(c *cborReader, s *shape, v reflect.Value) {
	if s.ptr {
		p := reflect.New(s.typ)
		v.Set(p)
		v = p.Elem()
	}
	switch s.kind {
	case kindString:
		v.SetString(c.string())
	case kindBool:
		v.SetBool(c.bool())
	case kindInt32:
		v.SetInt(c.int(32))
	case kindInt64:
		v.SetInt(c.int(64))
	case kindFloat32, kindFloat64:
		v.SetFloat(c.float())
	case kindTime:
		*v.Addr().Interface().(*time.Time) = c.time()
	case kindBlob:
		v.SetBytes([]byte(c.text(cborBytes, "Blob")))
	case kindStruct:
		d.cborStruct(c, s.structure, v)
	case kindList:
		d.cborList(c, s, v)
	case kindMap:
		d.cborMap(c, s, v)
	default: // documents, streams and our own types have no form in CBOR
		c.skip()
	}
}

// time reads seconds since the epoch, or of old ms; those may come without their tag.
func (c *cborReader) time() time.Time {
	if c.peek() == cborTag && c.head().arg != 1 {
		c.fail(errCBOR)
	}
	f := c.float()
	if c.old {
		f /= 1000
	}
	t, err := unixTime(f)
	if err != nil && c.err == nil {
		c.fail(err)
	}
	return t
}

func (d *decoder) cborList(c *cborReader, s *shape, v reflect.Value) {
	h := c.begin(cborArray, "List")
	list := reflect.MakeSlice(s.typ, 0, 4)
	for n := 0; c.more(h, n); n++ {
		null := c.null()
		if null && !s.sparse {
			continue
		}
		list = extend(list)
		if null {
			continue
		}
		d.enter(step{index: list.Len()})
		d.cborValue(c, s.elem, list.Index(list.Len()-1))
		d.leave()
	}
	v.Set(list)
}

func (d *decoder) cborMap(c *cborReader, s *shape, v reflect.Value) {
	h := c.begin(cborMap, "Map")
	m := reflect.MakeMap(s.typ)
	elem := reflect.New(s.typ.Elem()).Elem()
	for n := 0; c.more(h, n); n++ {
		key := c.string()
		elem.SetZero()
		switch {
		case c.null():
			if !s.sparse {
				continue
			}
		default:
			d.enter(step{key: key})
			d.cborValue(c, s.elem, elem)
			d.leave()
		}
		m.SetMapIndex(reflect.ValueOf(key), elem)
	}
	v.Set(m)
}
