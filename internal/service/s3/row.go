package s3

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"time"

	api "github.com/aloft-cloud/aloft/internal/api/s3"
	"github.com/aloft-cloud/aloft/internal/service/s3/checksum"
)

// Rows of objects are read by the thousand in listings, so they are not JSON:
// each field is a number or a string with its length, one behind the other.
// New fields go at the end; a row that ends before one was made before it.

// AppendBinary implements encoding.BinaryAppender.
func (o object) AppendBinary(b []byte) ([]byte, error) {
	b = appendText(b, o.Version)
	b = binary.AppendUvarint(b, o.Seq)
	b = binary.AppendUvarint(b, flag(o.Marker))
	b = binary.AppendVarint(b, o.Modified.Unix())
	b = binary.AppendUvarint(b, uint64(o.Size))
	b = appendText(b, o.ETag)
	b = appendText(b, string(o.Sum.Algorithm))
	b = appendText(b, o.Sum.Value)
	b = appendText(b, string(o.Sum.Type))
	b = appendText(b, o.Body.ID)
	b = binary.AppendUvarint(b, uint64(o.Body.Size))
	b = appendText(b, o.Upload)
	b = binary.AppendUvarint(b, uint64(o.Parts))
	b = appendText(b, o.Class)
	for _, h := range o.Headers.all() {
		b = binary.AppendUvarint(b, flag(*h != nil))
		if *h != nil {
			b = appendText(b, **h)
		}
	}
	b = binary.AppendUvarint(b, uint64(len(o.Metadata)))
	for k, v := range o.Metadata {
		b = appendText(appendText(b, k), v)
	}
	b = binary.AppendUvarint(b, uint64(len(o.Tags)))
	for _, t := range o.Tags {
		b = appendText(appendText(b, t.Key), t.Value)
	}
	if o.More == nil {
		return b, nil
	}
	text, err := json.Marshal(o.More)
	return appendText(b, string(text)), err
}

// UnmarshalBinary implements encoding.BinaryUnmarshaler.
func (o *object) UnmarshalBinary(b []byte) error {
	r := rowReader{text: string(b)} // the strings of the row are parts of one
	*o = object{
		Version:  r.string(),
		Seq:      r.uint(),
		Marker:   r.uint() != 0,
		Modified: time.Unix(r.int(), 0).UTC(),
		Size:     int64(r.uint()),
		ETag:     r.string(),
	}
	o.Sum = sum{checksum.Algorithm(r.string()), r.string(), checksum.Type(r.string())}
	o.Body.ID, o.Body.Size = r.string(), int64(r.uint())
	o.Upload, o.Parts = r.string(), int32(r.uint())
	o.Class = r.string()
	for _, h := range o.Headers.all() {
		if r.uint() != 0 {
			*h = new(r.string())
		}
	}
	if n := r.count(); n > 0 {
		o.Metadata = make(map[string]string, n)
		for range n {
			k := r.string()
			o.Metadata[k] = r.string()
		}
	}
	for range r.count() {
		o.Tags = append(o.Tags, api.Tag{Key: r.string(), Value: r.string()})
	}
	if text := r.string(); text != "" {
		return errors.Join(json.Unmarshal([]byte(text), o.more()), r.err)
	}
	return r.err
}

// all are the headers in the order of rows.
func (h *headers) all() []**string {
	return []**string{&h.CacheControl, &h.ContentDisposition, &h.ContentEncoding, &h.ContentLanguage,
		&h.ContentType, &h.Expires, &h.WebsiteRedirectLocation}
}

func flag(b bool) uint64 {
	if b {
		return 1
	}
	return 0
}

func appendText(b []byte, s string) []byte {
	return append(binary.AppendUvarint(b, uint64(len(s))), s...)
}

var errRow = errors.New("malformed row of an object")

// A rowReader reads the fields of a row. Behind its end all are zero.
type rowReader struct {
	text string
	err  error
}

func (r *rowReader) uint() uint64 {
	var n uint64
	for shift := uint(0); r.text != ""; shift += 7 {
		c := r.text[0]
		r.text = r.text[1:]
		n |= uint64(c&0x7f) << shift
		if c < 0x80 {
			return n
		}
		if r.text == "" || shift > 63 {
			r.fail()
		}
	}
	return n
}

func (r *rowReader) int() int64 {
	n := r.uint()
	return int64(n>>1) ^ -int64(n&1)
}

// count is the number of elements that follow, each of two bytes at least.
func (r *rowReader) count() int {
	n := r.uint()
	if n > uint64(len(r.text))/2 {
		r.fail()
		return 0
	}
	return int(n)
}

func (r *rowReader) string() string {
	n := r.uint()
	if n > uint64(len(r.text)) {
		r.fail()
		return ""
	}
	s := r.text[:n]
	r.text = r.text[n:]
	return s
}

func (r *rowReader) fail() { r.err, r.text = errRow, "" }
