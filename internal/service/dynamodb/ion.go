package dynamodb

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"strconv"

	"github.com/amazon-ion/ion-go/ion"

	"github.com/aloft-cloud/aloft/internal/item"
	"github.com/aloft-cloud/aloft/internal/jx"
)

// Items in Ion are structs whose members are values without types: numbers are
// decimals, binary values are blobs, and sets are lists that an annotation tells
// from others. Each is a line of its own.
const (
	ionFormat = "ION"
	ionMarker = "$ion_1_0 "
	ionSet    = "$dynamodb_" // and the type of the set
	maxIon    = item.MaxDepth + 2
)

// appendIon appends an Ion struct of the members to b, as one line.
func appendIon(b []byte, members []exportedMember) ([]byte, error) {
	var text bytes.Buffer
	w := ion.NewTextWriterOpts(&text, ion.TextWriterQuietFinish)
	if err := w.BeginStruct(); err != nil {
		return nil, err
	}
	if len(members) == 1 {
		if err := writeIonMember(w, members[0]); err != nil {
			return nil, err
		}
	} else {
		record := func(w ion.Writer) error {
			for _, m := range members {
				if err := writeIonMember(w, m); err != nil {
					return err
				}
			}
			return nil
		}
		if err := w.FieldName(ion.NewSymbolTokenFromString("Record")); err != nil {
			return nil, err
		}
		if err := within(w, w.BeginStruct, w.EndStruct, record); err != nil {
			return nil, err
		}
	}
	if err := errors.Join(w.EndStruct(), w.Finish()); err != nil {
		return nil, err
	}
	return append(append(b, ionMarker...), bytes.TrimSpace(text.Bytes())...), nil
}

// within writes what is between a beginning and an end.
func within(w ion.Writer, begin, end func() error, write func(ion.Writer) error) error {
	if err := begin(); err != nil {
		return err
	}
	if err := write(w); err != nil {
		return err
	}
	return end()
}

func writeIonMember(w ion.Writer, m exportedMember) error {
	if err := w.FieldName(ion.NewSymbolTokenFromString(m.name)); err != nil {
		return err
	}
	return writeIonItem(w, m.item)
}

func writeIonItem(w ion.Writer, it item.Item) error {
	return within(w, w.BeginStruct, w.EndStruct, func(w ion.Writer) error {
		for name, v := range it.All {
			if err := w.FieldName(ion.NewSymbolTokenFromString(string(name))); err != nil {
				return err
			}
			if err := writeIonValue(w, v); err != nil {
				return err
			}
		}
		return nil
	})
}

func writeIonValue(w ion.Writer, v item.Value) error {
	switch t := v.Type(); {
	case t == item.S:
		return w.WriteString(v.Text())
	case t == item.N:
		d, err := ion.ParseDecimal(v.Text())
		if err != nil {
			return fmt.Errorf("number %s as Ion: %w", v.Text(), err)
		}
		return w.WriteDecimal(d)
	case t == item.B:
		return w.WriteBlob(v.Bytes())
	case t == item.BOOL:
		return w.WriteBool(v.Bool())
	case t == item.NULL:
		return w.WriteNull()
	case t == item.M:
		return writeIonItem(w, v.Fields())
	case t.IsSet():
		if err := w.Annotation(ion.NewSymbolTokenFromString(ionSet + t.String())); err != nil {
			return err
		}
	}
	return within(w, w.BeginList, w.EndList, func(w ion.Writer) error {
		for e := range v.Elements {
			if err := writeIonValue(w, e); err != nil {
				return err
			}
		}
		return nil
	})
}

var errNotIon = errors.New("not an item in Ion")

// ionItem reads a line that is {Item:…}, perhaps after a marker, or returns nil.
// By way of JSON, so that the rules for values are those of all items.
func ionItem(line []byte) item.Item {
	r := ion.NewReaderBytes(bytes.TrimPrefix(line, []byte(ionMarker)))
	if !r.Next() || r.Type() != ion.StructType || r.IsNull() || r.StepIn() != nil {
		return nil
	}
	for r.Next() {
		name, err := r.FieldName()
		if err != nil || name.Text == nil {
			return nil
		}
		if *name.Text != "Item" {
			continue
		}
		b, err := appendIonMap([]byte(`{"Item":`), r, 0)
		if err != nil {
			return nil
		}
		return importedItem(string(append(b, '}')))
	}
	return nil
}

// appendIonMap appends the struct that r is at to b, as a map of values in JSON.
func appendIonMap(b []byte, r ion.Reader, depth int) ([]byte, error) {
	if r.Type() != ion.StructType || r.IsNull() || depth > maxIon {
		return nil, errNotIon
	}
	return appendIonAll(b, '{', '}', r, func(b []byte) ([]byte, error) {
		name, err := r.FieldName()
		if err != nil || name.Text == nil {
			return nil, errNotIon
		}
		return appendIonValue(append(jx.AppendString(b, *name.Text), ':'), r, depth+1)
	})
}

// appendIonAll steps into what r is at and appends each value in it.
func appendIonAll(b []byte, open, end byte, r ion.Reader, each func([]byte) ([]byte, error)) ([]byte, error) {
	if err := r.StepIn(); err != nil {
		return nil, err
	}
	b = append(b, open)
	for first := true; r.Next(); first = false {
		if !first {
			b = append(b, ',')
		}
		var err error
		if b, err = each(b); err != nil {
			return nil, err
		}
	}
	if err := errors.Join(r.Err(), r.StepOut()); err != nil {
		return nil, err
	}
	return append(b, end), nil
}

// appendIonValue appends the value that r is at to b, as JSON with its type.
func appendIonValue(b []byte, r ion.Reader, depth int) ([]byte, error) {
	if r.IsNull() {
		return append(b, `{"NULL":true}`...), nil
	}
	var err error
	switch r.Type() {
	case ion.BoolType:
		v, err := r.BoolValue()
		if err != nil {
			return nil, err
		}
		return append(strconv.AppendBool(append(b, `{"BOOL":`...), *v), '}'), nil
	case ion.StructType:
		b, err = appendIonMap(append(b, `{"M":`...), r, depth)
	case ion.ListType:
		b, err = appendIonList(b, r, depth)
	default:
		var kind item.Type
		var text string
		if kind, text, err = ionScalar(r); err == nil {
			b = jx.AppendString(append(b, `{"`+kind.String()+`":`...), text)
		}
	}
	if err != nil {
		return nil, err
	}
	return append(b, '}'), nil
}

// ionScalar returns the string, number or binary value that r is at, in its
// form in JSON.
func ionScalar(r ion.Reader) (item.Type, string, error) {
	switch r.Type() {
	case ion.StringType:
		v, err := r.StringValue()
		if err != nil {
			return 0, "", err
		}
		return item.S, *v, nil
	case ion.BlobType:
		v, err := r.ByteValue()
		return item.B, base64.StdEncoding.EncodeToString(v), err
	case ion.IntType:
		v, err := r.BigIntValue()
		if err != nil {
			return 0, "", err
		}
		return item.N, v.String(), nil
	case ion.DecimalType:
		v, err := r.DecimalValue()
		if err != nil {
			return 0, "", err
		}
		digits, exponent := v.CoEx()
		return item.N, digits.String() + "E" + strconv.Itoa(int(exponent)), nil
	}
	return 0, "", errNotIon
}

// appendIonList appends the list or set that r is at.
func appendIonList(b []byte, r ion.Reader, depth int) ([]byte, error) {
	notes, err := r.Annotations()
	if err != nil || len(notes) > 1 || depth > maxIon {
		return nil, errNotIon
	}
	if len(notes) == 0 {
		return appendIonAll(append(b, `{"L":`...), '[', ']', r, func(b []byte) ([]byte, error) { return appendIonValue(b, r, depth+1) })
	}
	name := notes[0].Text
	if name == nil || len(*name) < len(ionSet) || (*name)[:len(ionSet)] != ionSet {
		return nil, errNotIon
	}
	kind, ok := item.TypeNamed((*name)[len(ionSet):])
	if !ok || !kind.IsSet() {
		return nil, errNotIon
	}
	return appendIonAll(append(b, `{"`+kind.String()+`":`...), '[', ']', r, func(b []byte) ([]byte, error) {
		if r.IsNull() {
			return nil, errNotIon
		}
		t, text, err := ionScalar(r)
		if err != nil || t != kind.Element() {
			return nil, errNotIon
		}
		return jx.AppendString(b, text), nil
	})
}
