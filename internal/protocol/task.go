package protocol

import (
	"reflect"
	"strconv"
	"time"

	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/jx"
)

// DecodeTask is DecodeInput for the parameters of a task of Step Functions:
// what is to be a string or bytes may be any JSON, and is its text then.
func (a *API) DecodeTask(op string, text []byte, in any, own []string) error {
	v := reflect.ValueOf(in).Elem()
	d := &decoder{free: true, texts: true}
	if err := d.decodeJSON(string(text), v); err != nil {
		return aws.SerializationFault.Errorf("%s", err)
	}
	return a.check(op, v, checker{absent: d.absent, own: own})
}

// EncodeTask is EncodeJSON as the result of a task of Step Functions has it:
// times are in ISO 8601, and bytes are text.
func EncodeTask(out any) ([]byte, error) {
	v := reflect.ValueOf(out).Elem()
	s := planOf(v.Type())
	if err := buffer(s, v); err != nil {
		return nil, err
	}
	return taskNames.jsonStruct(nil, s, v), nil
}

// EncodeLower is EncodeJSON with names that begin with a small letter.
func EncodeLower(in any) ([]byte, error) {
	v := reflect.ValueOf(in).Elem()
	s := planOf(v.Type())
	if err := buffer(s, v); err != nil {
		return nil, err
	}
	return lowerNames.jsonStruct(nil, s, v), nil
}

// jsonText reads a string, or any other value as its text.
func (d *decoder) jsonText(r *jx.Reader) string {
	if !d.texts || r.Kind() == jx.String {
		return r.String()
	}
	return r.Raw()
}

// jsonBytes reads bytes.
func (d *decoder) jsonBytes(r *jx.Reader) []byte {
	if d.texts {
		return []byte(d.jsonText(r))
	}
	return jsonBlob(r)
}

// appendBytes appends bytes.
func (n names) appendBytes(b, v []byte) []byte {
	if n == taskNames {
		return jx.AppendString(b, string(v))
	}
	return jx.AppendBlob(b, v)
}

// appendMoment appends a time.
func (n names) appendMoment(b []byte, t time.Time, form timeForm) []byte {
	if n == taskNames {
		return strconv.AppendQuote(b, t.UTC().Format("2006-01-02T15:04:05.999Z"))
	}
	return jsonAppendTime(b, t, form)
}
