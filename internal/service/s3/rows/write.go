package rows

import (
	"strings"

	"github.com/aloft-cloud/aloft/internal/service/s3/query"
	"github.com/aloft-cloud/aloft/internal/tree"
)

// A Writer appends a record as bytes.
type Writer func(b []byte, r query.Record) ([]byte, error)

// CSVWriter writes cells.
func CSVWriter(f Format) Writer {
	return func(b []byte, r query.Record) ([]byte, error) {
		for i, field := range r {
			if i > 0 {
				b = append(b, f.Field...)
			}
			text, err := cell(field.Value)
			if err != nil {
				return b, err
			}
			b = f.append(b, text)
		}
		return append(b, f.Record...), nil
	}
}

// cell is the text of a value that is not nested.
func cell(v query.Value) (string, error) {
	switch p := query.Plain(v).(type) {
	case nil:
		return "", nil
	case string:
		return p, nil
	case []any, *tree.Object:
		return "", query.Fault("InvalidDataType", "The SQL expression contains a data type that is not valid. Nested data can be returned as JSON only.")
	default:
		return tree.String(p), nil
	}
}

func (f Format) append(b []byte, text string) []byte {
	needs := strings.Contains(text, f.Field) || strings.Contains(text, f.Record) || strings.Contains(text, f.Quote)
	if f.Quote == "" || !needs && !f.Always {
		return append(b, text...)
	}
	b = append(b, f.Quote...)
	b = append(b, strings.ReplaceAll(text, f.Quote, f.Escape+f.Quote)...)
	return append(b, f.Quote...)
}

// JSONWriter writes objects, each followed by end.
func JSONWriter(end string) Writer {
	return func(b []byte, r query.Record) ([]byte, error) {
		b = append(b, '{')
		first := len(b)
		for _, field := range r {
			if _, missing := field.Value.(query.Missing); missing {
				continue
			}
			if len(b) > first {
				b = append(b, ',')
			}
			b = append(tree.AppendString(b, field.Name), ':')
			b = tree.Append(b, query.Plain(field.Value))
		}
		return append(append(b, '}'), end...), nil
	}
}
