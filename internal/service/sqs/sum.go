package sqs

import (
	"crypto/md5"
	"encoding/binary"
	"encoding/hex"
	"maps"
	"slices"
	"strings"

	api "github.com/aloft-cloud/aloft/internal/api/sqs"
	"github.com/aloft-cloud/aloft/internal/aws"
)

// Attributes of messages are kept in the form of which clients check the MD5
// sum: sorted by name; of each the name, the type, a byte that says whether it
// is text, and the value; each but that byte after its length.

const (
	textValue   = 1
	binaryValue = 2
)

// sumText returns attributes in that form.
func sumText(attributes map[string]api.MessageAttributeValue) string {
	var b []byte
	add := func(s string) {
		b = binary.BigEndian.AppendUint32(b, uint32(len(s)))
		b = append(b, s...)
	}
	for _, name := range slices.Sorted(maps.Keys(attributes)) {
		v := attributes[name]
		add(name)
		add(v.DataType)
		if isBinary(v.DataType) {
			b = append(b, binaryValue)
			add(string(v.BinaryValue))
		} else {
			b = append(b, textValue)
			add(aws.Value(v.StringValue))
		}
	}
	return string(b)
}

func isBinary(dataType string) bool {
	kind, _, _ := strings.Cut(dataType, ".")
	return kind == "Binary"
}

// readSumText returns those attributes whose names are wanted, and the form of
// just these.
func readSumText(text string, wanted func(name string) bool) (map[string]api.MessageAttributeValue, string) {
	var out map[string]api.MessageAttributeValue
	var kept strings.Builder
	for text != "" {
		start := text
		cut := func() (s string) {
			n := binary.BigEndian.Uint32([]byte(text[:4]))
			s, text = text[4:4+n], text[4+n:]
			return s
		}
		name := cut()
		v := api.MessageAttributeValue{DataType: cut()}
		kind := text[0]
		text = text[1:]
		if value := cut(); kind == binaryValue {
			v.BinaryValue = []byte(value)
		} else {
			v.StringValue = &value
		}
		if !wanted(name) {
			continue
		}
		if out == nil {
			out = make(map[string]api.MessageAttributeValue)
		}
		out[name] = v
		kept.WriteString(start[:len(start)-len(text)])
	}
	return out, kept.String()
}

// sum is the MD5 sum of text, in hexadecimal; that of no attributes is absent.
func sum(text string) *string {
	if text == "" {
		return nil
	}
	return new(md5Of(text))
}

func md5Of(text string) string {
	m := md5.Sum([]byte(text))
	return hex.EncodeToString(m[:])
}
