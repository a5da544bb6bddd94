package s3

import (
	"iter"
	"strings"

	api "github.com/aloft-cloud/aloft/internal/api/s3"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/store"
)

// usualMax is how much is listed at once if nobody says, and at most.
const usualMax int32 = 1000

// A listing walks keys in order and folds those that have a delimiter behind
// the prefix into common prefixes.
type listing struct {
	prefix, delimiter string
	after             string // begin past this key, or this common prefix
	from              bool   // begin at the key instead
	max               int

	prefixes  []api.CommonPrefix
	count     int
	last      string // key or common prefix that was listed last
	truncated bool
	encode    func(string) string
}

// newListing returns the listing that the members of an input describe.
func newListing(prefix, delimiter, after *string, most *int32, encodingType *string) (*listing, error) {
	l := &listing{prefix: aws.Value(prefix), delimiter: aws.Value(delimiter), after: aws.Value(after)}
	n, err := maxOf("max-keys", most)
	if err != nil {
		return nil, err
	}
	l.max = n
	l.encode, err = encoding(encodingType)
	return l, err
}

func maxOf(name string, most *int32) (int, error) {
	n := aws.Or(most, usualMax)
	if n < 0 {
		return 0, errArgument(name, itoa(n), "Argument "+name+" must be an integer between 0 and 2147483647")
	}
	return int(min(n, usualMax)), nil
}

// encoding is how keys are written in an answer.
func encoding(kind *string) (func(string) string, error) {
	switch {
	case kind == nil:
		return func(s string) string { return s }, nil
	case *kind == api.EncodingTypeUrl:
		return encodeURL, nil
	}
	return nil, errArgument("encoding-type", *kind, "Invalid Encoding Method specified in Request")
}

// encodeURL encodes a key as S3 does in listings: as a form, but for slashes.
func encodeURL(s string) string {
	const hex = "0123456789ABCDEF"
	var b strings.Builder
	for _, c := range []byte(s) {
		switch {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', strings.IndexByte("-_.*/", c) >= 0:
			b.WriteByte(c)
		case c == ' ':
			b.WriteByte('+')
		default:
			b.Write([]byte{'%', hex[c>>4], hex[c&15]})
		}
	}
	return b.String()
}

// fold returns the common prefix that stands for key, or "".
func (l *listing) fold(key string) string {
	if l.delimiter == "" || !strings.HasPrefix(key, l.prefix) {
		return ""
	}
	rest := key[len(l.prefix):]
	if i := strings.Index(rest, l.delimiter); i >= 0 {
		return key[:len(l.prefix)+i+len(l.delimiter)]
	}
	return ""
}

// start returns the first key that may be listed, or false if there is none.
func (l *listing) start() (string, bool) {
	if p := l.fold(l.after); p != "" {
		return keyAfter(p)
	}
	from := l.after
	if from != "" && !l.from {
		from += "\x00"
	}
	return max(l.prefix, from), true
}

// keyAfter returns the first key past all that begin with prefix, or false.
func keyAfter(prefix string) (string, bool) {
	k := store.KeyAfter([]byte(prefix))
	return string(k), k != nil
}

// add counts what is about to be listed, or reports that the page is full.
func (l *listing) add(name string) bool {
	if l.count == l.max {
		l.truncated = l.max > 0
		return false
	}
	l.count++
	l.last = name
	return true
}

// walk calls emit with each row that l lists and does not fold, until emit says
// that the page is full. Rows yields those from a key on.
func walk[T any](l *listing, rows func(from string) iter.Seq2[string, T], emit func(key string, row T) bool) {
	from, ok := l.start()
	for ok {
		from, ok = walkTo(l, rows(from), emit)
	}
}

// walkTo walks to the next common prefix. It returns where to go on behind it.
func walkTo[T any](l *listing, rows iter.Seq2[string, T], emit func(key string, row T) bool) (string, bool) {
	for key, row := range rows {
		if !strings.HasPrefix(key, l.prefix) {
			return "", false
		}
		if p := l.fold(key); p != "" {
			if !l.add(p) {
				return "", false
			}
			l.prefixes = append(l.prefixes, api.CommonPrefix{Prefix: new(l.encode(p))})
			return keyAfter(p)
		}
		if !emit(key, row) {
			return "", false
		}
	}
	return "", false
}

// latestFrom yields the latest version of each key of a bucket, in order, from
// a key on; delete markers too if markers is set.
func latestFrom(tx *store.Tx, b aws.ARN, markers bool) func(from string) iter.Seq2[string, object] {
	return func(from string) iter.Seq2[string, object] {
		return func(yield func(string, object) bool) {
			for k, o := range objects.Range(tx, objectKey{b, from}, objectKey{Bucket: past(b)}) {
				if (!o.Marker || markers) && !yield(k.Key, o) {
					return
				}
			}
		}
	}
}

// past is an ARN that comes after all keys of b, and before those of any other bucket.
func past(b aws.ARN) aws.ARN {
	b.Resource += "\x00"
	return b
}
