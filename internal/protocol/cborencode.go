package protocol

import (
	"math"
	"reflect"
	"time"
)

// appendCBORHead appends the head of an item.
func appendCBORHead(b []byte, major byte, arg uint64) []byte {
	m := major << 5
	switch {
	case arg < 24:
		return append(b, m|byte(arg))
	case arg <= math.MaxUint8:
		return append(b, m|24, byte(arg))
	case arg <= math.MaxUint16:
		return append(b, m|25, byte(arg>>8), byte(arg))
	case arg <= math.MaxUint32:
		return append(b, m|26, byte(arg>>24), byte(arg>>16), byte(arg>>8), byte(arg))
	}
	return appendUint64(append(b, m|27), arg)
}

func appendUint64(b []byte, n uint64) []byte {
	return append(b, byte(n>>56), byte(n>>48), byte(n>>40), byte(n>>32), byte(n>>24), byte(n>>16), byte(n>>8), byte(n))
}

func appendCBORText(b []byte, s string) []byte {
	b = appendCBORHead(b, cborText, uint64(len(s)))
	return append(b, s...)
}

func appendCBORInt(b []byte, n int64) []byte {
	if n < 0 {
		return appendCBORHead(b, cborNegative, uint64(-1-n))
	}
	return appendCBORHead(b, cborUint, uint64(n))
}

func appendCBORTime(b []byte, t time.Time) []byte {
	b = appendCBORHead(b, cborTag, 1)
	if ms := t.UnixMilli(); ms%1000 != 0 {
		return appendUint64(append(b, 0xfb), math.Float64bits(float64(ms)/1000))
	}
	return appendCBORInt(b, t.Unix())
}

// appendCBOR appends v as a map; old is how times were before rpcv2Cbor.
func (s *structure) appendCBOR(b []byte, v reflect.Value, old bool) []byte {
	b = append(b, 0xbf) // as many as there are
	for i := range s.fields {
		f := &s.fields[i]
		if f.place != inBody {
			continue
		}
		switch f.kind {
		case kindDocument, kindStream, kindEvents, kindCodec:
			continue
		}
		if x, ok := f.present(v.Field(f.index)); ok {
			b = appendCBORText(b, f.name)
			b = f.appendCBOR(b, x, old)
		}
	}
	return append(b, cborBreak)
}

// appendCBOR appends v, which is present.
func (s *shape) appendCBOR(b []byte, v reflect.Value, old bool) []byte {
	switch s.kind {
	case kindString:
		return appendCBORText(b, v.String())
	case kindBool:
		if v.Bool() {
			return append(b, 0xf5)
		}
		return append(b, 0xf4)
	case kindInt32, kindInt64:
		return appendCBORInt(b, v.Int())
	case kindFloat32:
		n := math.Float32bits(float32(v.Float()))
		return append(b, 0xfa, byte(n>>24), byte(n>>16), byte(n>>8), byte(n))
	case kindFloat64:
		return appendUint64(append(b, 0xfb), math.Float64bits(v.Float()))
	case kindTime:
		if old {
			return appendCBORInt(appendCBORHead(b, cborTag, 1), timeIn(v).UnixMilli())
		}
		return appendCBORTime(b, timeIn(v))
	case kindBlob:
		b = appendCBORHead(b, cborBytes, uint64(v.Len()))
		return append(b, v.Bytes()...)
	case kindStruct:
		return s.structure.appendCBOR(b, v, old)
	case kindList:
		b = appendCBORHead(b, cborArray, uint64(v.Len()))
		for i := range v.Len() {
			b = s.appendCBORElement(b, v.Index(i), old)
		}
		return b
	case kindMap:
		b = appendCBORHead(b, cborMap, uint64(v.Len()))
		for _, k := range sortedKeys(v) {
			b = appendCBORText(b, k.String())
			b = s.appendCBORElement(b, v.MapIndex(k), old)
		}
		return b
	}
	return append(b, 0xf6)
}

func (s *shape) appendCBORElement(b []byte, v reflect.Value, old bool) []byte {
	x, ok := s.elem.present(v)
	switch {
	case ok || !s.sparse && !s.elem.ptr:
		return s.elem.appendCBOR(b, x, old) // of a nil list or map: an empty one
	default:
		return append(b, 0xf6)
	}
}
