package s3

import (
	"strconv"
	"strings"

	api "github.com/aloft-cloud/aloft/internal/api/s3"
)

// parseRange reads a Range header for content of size bytes. What is no single
// range of bytes counts as if it were not there: partial is false then, and the
// span is all.
func parseRange(header string, size int64) (at span, partial bool, err error) {
	all := span{0, size}
	text, ok := strings.CutPrefix(header, "bytes=")
	first, last, dash := strings.Cut(text, "-")
	if !ok || !dash || strings.Contains(text, ",") {
		return all, false, nil
	}
	from, ok1 := parseOffset(first)
	to, ok2 := parseOffset(last)
	switch {
	case first == "" && ok2: // the last so many bytes
		if to == 0 || size == 0 {
			return span{}, false, errRange(header, size)
		}
		to = min(to, size)
		return span{size - to, to}, true, nil
	case !ok1 || last != "" && (!ok2 || to < from):
		return all, false, nil
	case from >= size:
		return span{}, false, errRange(header, size)
	case last == "" || to >= size:
		to = size - 1
	}
	return span{from, to - from + 1}, true, nil
}

// parseCopyRange reads a range of x-amz-copy-source-range, which must be whole.
func parseCopyRange(header string, size int64) (span, error) {
	const name = "x-amz-copy-source-range"
	text, ok := strings.CutPrefix(header, "bytes=")
	first, last, _ := strings.Cut(text, "-")
	from, ok1 := parseOffset(first)
	to, ok2 := parseOffset(last)
	switch {
	case !ok || !ok1 || !ok2 || to < from:
		return span{}, errArgument(name, header, "The x-amz-copy-source-range value must be of the form bytes=first-last"+
			" where first and last are the zero-based offsets of the first and last bytes to copy")
	case from >= size:
		return span{}, api.InvalidRequest.Errorf("The specified copy range is invalid for the source object size")
	case to >= size:
		return span{}, errArgument(name, header, "Range specified is not valid for source object of size: "+strconv.FormatInt(size, 10))
	}
	return span{from, to - from + 1}, nil
}

// parseOffset reads a number of bytes: digits and nothing else.
func parseOffset(s string) (int64, bool) {
	n, err := strconv.ParseUint(s, 10, 63)
	return int64(n), err == nil
}
