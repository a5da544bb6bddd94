package firehose

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"time"

	"github.com/itchyny/gojq"
)

const (
	jsonEngine = "JQ-1.6"
	queryLasts = time.Second // on one record
	maxKey     = 1024        // bytes of a partition key's value
)

// unbounded are functions of jq that take time or memory as they like, or look
// at where they run.
var unbounded = map[string]bool{
	"range": true, "repeat": true, "while": true, "until": true, "recurse": true, "limit": true, "combinations": true, "walk": true,
	"input": true, "inputs": true, "debug": true, "stderr": true, "env": true, "$ENV": true, "halt": true, "halt_error": true, "input_line_number": true,
	"now": true, "localtime": true, "getpath": true, "ascii": true, "implode": true, "splits": true,
}

// A query finds the keys of a record's partition.
type query struct{ code *gojq.Code }

// parseQuery reads a query, which makes an object of a record.
func parseQuery(text string) (*query, error) {
	q, err := gojq.Parse(text)
	if err != nil {
		return nil, err
	}
	if err := checkBounded(reflect.ValueOf(q)); err != nil {
		return nil, err
	}
	code, err := gojq.Compile(q)
	if err != nil {
		return nil, err
	}
	return &query{code}, nil
}

// checkBounded refuses queries that might not end.
func checkBounded(v reflect.Value) error {
	switch v.Kind() {
	case reflect.Pointer, reflect.Interface:
		if v.IsNil() {
			return nil
		}
		switch node := v.Interface().(type) {
		case *gojq.FuncDef, *gojq.Reduce, *gojq.Foreach, *gojq.Label, *gojq.Import:
			return errors.New("it defines functions, or loops")
		case *gojq.Func:
			if unbounded[node.Name] {
				return fmt.Errorf("%s is not supported", node.Name)
			}
		}
		return checkBounded(v.Elem())
	case reflect.Struct:
		for i := range v.NumField() {
			if !v.Type().Field(i).IsExported() {
				continue
			}
			if err := checkBounded(v.Field(i)); err != nil {
				return err
			}
		}
	case reflect.Slice:
		for i := range v.Len() {
			if err := checkBounded(v.Index(i)); err != nil {
				return err
			}
		}
	}
	return nil
}

// run returns the keys that a record has, or why it has none.
func (q *query) run(data []byte) (keys map[string]string, why string) {
	var doc any
	d := json.NewDecoder(bytes.NewReader(data))
	d.UseNumber()
	if err := d.Decode(&doc); err != nil {
		return nil, "Non JSON record provided"
	}
	ctx, stop := context.WithTimeout(context.Background(), queryLasts)
	defer stop()
	value, _ := q.code.RunWithContext(ctx, doc).Next()
	object, ok := value.(map[string]any)
	if !ok {
		return nil, "The query does not make an object of the record"
	}
	keys = make(map[string]string, len(object))
	for name, value := range object {
		keys[name] = keyText(value)
	}
	return keys, ""
}

// keyText is a value as a partition key; what is no scalar is "", as null is.
func keyText(v any) string {
	switch v := v.(type) {
	case string:
		if len(v) <= maxKey {
			return v
		}
		return ""
	case nil, []any, map[string]any:
		return ""
	}
	text, err := gojq.Marshal(v)
	if err != nil {
		return ""
	}
	return strings.Trim(string(text), `"`)
}
