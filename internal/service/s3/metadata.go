package s3

import (
	"encoding/base64"
	"maps"
	"mime"
	"strconv"
	"strings"
	"unicode/utf8"

	api "github.com/aloft-cloud/aloft/internal/api/s3"
)

// What a user says of an object comes and goes in headers, which are ASCII: what
// is not is in encoded words of RFC 2047. S3 keeps what these stand for.

// checkMetadata refuses more metadata than S3 takes.
func checkMetadata(m map[string]string) error {
	const most = 2048
	size := 0
	for k, v := range m {
		size += len(k) + len(v)
	}
	if size <= most {
		return nil
	}
	return api.MetadataTooLarge.With(&api.MetadataTooLargeDetail{MaxSizeAllowed: itoa(most), Size: itoa(size)},
		"Your metadata headers exceed the maximum allowed metadata size")
}

// decodeMetadata is m as S3 keeps it.
func decodeMetadata(m map[string]string) map[string]string {
	return convert(m, func(v string) bool { return strings.Contains(v, "=?") }, func(v string) string {
		if text, err := new(mime.WordDecoder).DecodeHeader(v); err == nil {
			return text
		}
		return v
	})
}

// encodeMetadata is m as S3 answers with it.
func encodeMetadata(m map[string]string) map[string]string {
	return convert(m, func(v string) bool { return strings.ContainsFunc(v, unprintable) }, encodeWord)
}

// convert is m with the values converted that need it: m itself if none does.
func convert(m map[string]string, needs func(string) bool, to func(string) string) map[string]string {
	var out map[string]string
	for k, v := range m {
		if !needs(v) {
			continue
		}
		if out == nil {
			out = maps.Clone(m)
		}
		out[k] = to(v)
	}
	if out == nil {
		return m
	}
	return out
}

func unprintable(c rune) bool { return c >= 0x7f || c < ' ' && c != '\t' }

// encodeWord writes v as one encoded word: letter by letter if most are ASCII, or
// else in base64.
func encodeWord(v string) string {
	var text strings.Builder
	for _, c := range []byte(v) {
		switch {
		case c == ' ':
			text.WriteByte('_')
		case unprintable(rune(c)) || strings.IndexByte("=_?\t", c) >= 0:
			text.WriteString("=" + strings.ToUpper(strconv.FormatUint(uint64(c)|0x100, 16)[1:]))
		default:
			text.WriteByte(c)
		}
	}
	other := 0
	for _, c := range v {
		if unprintable(c) {
			other++
		}
	}
	if 2*other < utf8.RuneCountInString(v) {
		return "=?UTF-8?Q?" + text.String() + "?="
	}
	return "=?UTF-8?B?" + base64.StdEncoding.EncodeToString([]byte(v)) + "?="
}
