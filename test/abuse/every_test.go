package abuse

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"io"
	"math"
	"math/rand/v2"
	"reflect"
	"regexp"
	"runtime/debug"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aloft-cloud/aloft/internal/auth"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/dispatch"
	"github.com/aloft-cloud/aloft/internal/platformtest"
	"github.com/aloft-cloud/aloft/internal/protocol"
	"github.com/aloft-cloud/aloft/internal/service"
	"github.com/aloft-cloud/aloft/internal/smithy"
)

// Every operation answers whatever its model lets through, or refuses it: none
// fails, and none panics. What it makes of that stays, for the others to find.
func TestEveryOperation(t *testing.T) {
	const rounds = 40
	synctest.Test(t, func(t *testing.T) {
		p := platformtest.Start(t)
		refused, asked, answered := 0, 0, 0
		for round := range rounds {
			for _, def := range p.Table.Services() {
				api := protocol.New(def.API)
				for i := range def.Operations {
					op := &def.Operations[i]
					in := op.NewInput()
					f := newFiller(op, round)
					f.fill(reflect.ValueOf(in).Elem(), "", 0)
					if api.Check(op.Name, in, op.Own) != nil {
						refused++
						continue
					}
					asked++
					if ask(t, p.Table, op, in) {
						answered++
					}
				}
			}
		}
		if asked < refused || answered < asked/10 {
			t.Errorf("%d inputs were refused by the model; of %d others %d were answered: what is made up is too poor", refused, asked, answered)
		}
		t.Logf("%d inputs, of which %d are answered, and %d that the model refuses", asked, answered, refused)
	})
}

// ask has an operation answer, and looks at how it fails. It reports whether it
// does not.
func ask(t *testing.T, table *dispatch.Table, op *service.Operation, in any) (answered bool) {
	defer func() {
		if v := recover(); v != nil {
			t.Errorf("%s:%s panics: %v\n%s\n%s", op.Service, op.Name, v, inputText(in), debug.Stack())
		}
	}()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	call := &aws.Call{
		Account: "000000000000", Region: "us-east-1", Principal: auth.Root("000000000000"), RequestID: aws.NewRequestID(), Host: "localhost:4566",
		SourceIP: "127.0.0.1",
	}
	out, err := table.Do(ctx, call, op, in)
	if ctx.Err() != nil {
		return false // it waits for what does not come
	}
	if refusal, ok := errors.AsType[*aws.Error](err); err != nil && (!ok || refusal.Status >= 500 && refusal.Status != 501 && refusal.Status != 503) {
		t.Errorf("%s:%s fails: %v\n%s", op.Service, op.Name, err, inputText(in))
	}
	if err == nil {
		closeBodies(reflect.ValueOf(out))
	}
	return err == nil
}

func inputText(in any) string {
	text := fmt.Sprintf("%+v", in)
	return text[:min(len(text), 400)]
}

// closeBodies closes what an answer streams.
func closeBodies(v reflect.Value) {
	if v.Kind() == reflect.Pointer && !v.IsNil() {
		v = v.Elem()
	}
	if v.Kind() != reflect.Struct {
		return
	}
	for i := range v.NumField() {
		if f := v.Field(i); f.CanInterface() {
			if c, ok := f.Interface().(io.Closer); ok && !(f.Kind() == reflect.Interface && f.IsNil()) {
				c.Close()
			}
		}
	}
}

// A filler makes inputs of a kind: with what is required alone, with all, with
// structures that say nothing, with texts that nobody means.
type filler struct {
	rand    *rand.Rand
	all     bool // members that may be left out, too
	bare    bool // structures have what they need alone
	hostile bool
}

func newFiller(op *service.Operation, round int) *filler {
	h := fnv.New64a()
	io.WriteString(h, op.Service+op.Name)
	return &filler{rand: rand.New(rand.NewPCG(h.Sum64(), uint64(round))), all: round%3 != 0, bare: round%3 == 1, hostile: round%4 == 3}
}

var readers = reflect.TypeFor[io.Reader]()

// fill sets v, whose tags are tag.
func (f *filler) fill(v reflect.Value, tag reflect.StructTag, depth int) {
	switch v.Kind() {
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		f.fill(v.Elem(), tag, depth)
	case reflect.Struct:
		if v.Type() == reflect.TypeFor[time.Time]() {
			v.Set(reflect.ValueOf(f.time()))
			return
		}
		f.members(v, depth)
	case reflect.Slice:
		if v.Type().Elem().Kind() == reflect.Uint8 {
			if v.Type().Name() != "" && v.Type() != reflect.TypeFor[smithy.Document]() {
				return // a form of ours, such as items of DynamoDB have
			}
			v.SetBytes([]byte(f.text(tag)))
			return
		}
		n := max(1, bound(tag, "min", 1))
		if f.hostile && bound(tag, "min", 0) == 0 {
			n = 0
		}
		v.Set(reflect.MakeSlice(v.Type(), n, n))
		for i := range n {
			f.fill(v.Index(i), below(tag, "item"), depth+1)
		}
	case reflect.Map:
		v.Set(reflect.MakeMap(v.Type()))
		key, value := reflect.New(v.Type().Key()).Elem(), reflect.New(v.Type().Elem()).Elem()
		f.fill(key, below(tag, "mapkey"), depth+1)
		f.fill(value, below(tag, "item"), depth+1)
		v.SetMapIndex(key, value)
	case reflect.Interface:
		if v.Type() == readers {
			v.Set(reflect.ValueOf(strings.NewReader(f.text(tag))))
		}
	case reflect.String:
		v.SetString(f.text(tag))
	case reflect.Bool:
		v.SetBool(f.rand.IntN(2) == 0)
	case reflect.Int32, reflect.Int64:
		v.SetInt(f.number(tag, v.Type().Bits()))
	case reflect.Float32, reflect.Float64:
		v.SetFloat([]float64{0, 1, -1.5, 1e300}[f.rand.IntN(4)])
	}
}

func (f *filler) members(v reflect.Value, depth int) {
	union := false
	for field := range v.Type().Fields() {
		union = union || field.Anonymous
	}
	taken := -1
	if union {
		taken = 1 + f.rand.IntN(max(1, v.NumField()-1))
	}
	for i := range v.NumField() {
		field := v.Type().Field(i)
		required := strings.Contains(field.Tag.Get("aws"), ",required")
		switch {
		case field.Anonymous || !field.IsExported() || union && i != taken:
		case required, depth < 4 && f.all && (depth == 0 || !f.bare) && f.rand.IntN(4) > 0, union:
			if depth < 12 {
				f.fill(v.Field(i), field.Tag, depth+1)
			}
		}
	}
}

func (f *filler) time() time.Time {
	return []time.Time{time.Now(), {}, time.Unix(0, 0), time.Now().Add(1000 * time.Hour), time.Unix(1<<40, 0)}[f.rand.IntN(5)].UTC()
}

func (f *filler) number(tag reflect.StructTag, bits int) int64 {
	least, most := bound(tag, "min", 0), bound(tag, "max", 100)
	if f.hostile && !strings.Contains(tag.Get("aws"), "m") {
		return []int64{-1, math.MinInt32, math.MaxInt32, 1<<(bits-1) - 1}[f.rand.IntN(4)]
	}
	return int64(least) + f.rand.Int64N(int64(max(1, min(most-least, 1000)+1)))
}

// texts are what members of texts are made of: the first that has the pattern.
var texts = []string{
	"a", "name-1", "Name1", "1", "arn:aws:iam::000000000000:role/r", "arn:aws:lambda:us-east-1:000000000000:function:f", "000000000000", "us-east-1",
	"{}", `{"a":[1,{"b":null}]}`, "a@b.example", "https://a.example/b", "/a/b", "rate(1 minute)", "10.0.0.0/16", "10.0.0.1", "2026-01-02T03:04:05Z",
	"arn:aws:sqs:us-east-1:000000000000:q", "arn:aws:sns:us-east-1:000000000000:t", "arn:aws:s3:::b", "arn:aws:dynamodb:us-east-1:000000000000:table/t",
	"arn:aws:kms:us-east-1:000000000000:key/00000000-0000-4000-8000-000000000000", "00000000-0000-4000-8000-000000000000", "fs-0123456789abcdef0",
	"fsap-0123456789abcdef0", "fsmt-0123456789abcdef0", "vpc-0123456789abcdef0", "arn:aws:iot:us-east-1:000000000000:cert/" + strings.Repeat("a", 64), strings.Repeat("a", 64),
	"us-east-1:00000000-0000-4000-8000-000000000000", "us-east-1_abcdefgh1", "abcdefgh12", "arn:aws:states:us-east-1:000000000000:stateMachine:m",
	"arn:aws:cognito-idp:us-east-1:000000000000:userpool/us-east-1_a", "$LATEST", "SELECT * FROM 'a'", "nodejs22.x", "UTC", "<a/>",
	"arn:aws:kinesis:us-east-1:000000000000:stream/s", "arn:aws:apigateway:us-east-1::/restapis/a", "arn:aws:secretsmanager:us-east-1:000000000000:secret:a-abcdef",
}

// strange are texts that nobody means.
var strange = []string{
	"", " ", "\x00", "../../etc/passwd", "{", "[]", "null", "\"", "'", "${a}", "%s%n", "arn:", "arn:aws:::", "-1", "1e400", strings.Repeat("x", 5000), "\u202e", "\xff", "*", "$", "/",
	"arn:aws:sqs:us-east-1:111111111111:q", "${", "a\r\nb: c", "((((((((((", strings.Repeat("[", 5000), "<!DOCTYPE a [<!ENTITY b \"c\">]><a>&b;</a>",
}

var patterns = make(map[string]*regexp.Regexp)

func (f *filler) text(tag reflect.StructTag) string {
	if enum := tag.Get("enum"); enum != "" {
		all := strings.Split(enum, "|")
		return all[f.rand.IntN(len(all))]
	}
	least, most := bound(tag, "min", 0), bound(tag, "max", math.MaxInt32)
	fits := func(s string) bool { return len(s) >= least && len(s) <= most }
	if pattern := tag.Get("pattern"); pattern != "" {
		re, known := patterns[pattern]
		if !known {
			re, _ = regexp.Compile("^(?:" + pattern + ")$") // nil: it is not Go's
			patterns[pattern] = re
		}
		if re != nil {
			bare := fits
			fits = func(s string) bool { return bare(s) && re.MatchString(s) }
		}
	}
	from := texts
	if f.hostile {
		from = strange
	}
	for _, from := range [][]string{from, texts} {
		at := f.rand.IntN(len(from))
		for i := range from {
			if s := from[(at+i)%len(from)]; fits(s) {
				return s
			}
		}
	}
	return strings.Repeat("a", min(max(least, 1), 1<<12))
}

// bound is a limit that a tag says.
func bound(tag reflect.StructTag, name string, usual int) int {
	for option := range strings.SplitSeq(tag.Get("aws"), ",") {
		if text, ok := strings.CutPrefix(option, name+"="); ok {
			if n, err := strconv.Atoi(text); err == nil {
				return n
			}
		}
	}
	return usual
}

// below is what a collection's tag says of what it holds.
func below(tag reflect.StructTag, of string) reflect.StructTag {
	parts := strings.SplitN(tag.Get(of), ";;", 3)
	out := fmt.Sprintf("aws:%q", ","+parts[0])
	for i, name := range []string{"enum", "pattern"} {
		if len(parts) > i+1 && parts[i+1] != "" {
			out += fmt.Sprintf(" %s:%q", name, parts[i+1])
		}
	}
	if deeper := tag.Get("item.item"); deeper != "" && of == "item" {
		out += fmt.Sprintf(" item:%q", deeper)
	}
	return reflect.StructTag(out)
}
