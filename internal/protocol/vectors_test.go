package protocol

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"net/http"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/aloft-cloud/aloft/internal/smithy"
)

// The cases that AWS publishes for its protocols, in the form botocore has
// them. Requests are decoded and compared with the parameters they were made
// of; results are encoded, and what comes out must decode to the same and look
// like the published answer.

// A vectorModel is a file's operation and its cases.
type vectorModel struct {
	Description string
	Metadata    struct {
		Protocol, JSONVersion, TargetPrefix, APIVersion string
		AWSQueryCompatible                              *struct{}
	}
	Shapes map[string]*vectorShape
	Cases  []vectorCase
}

type vectorCase struct {
	ID    string
	Given struct {
		Name string
		HTTP struct {
			Method, RequestURI string
			ResponseCode       int
		}
		Input, Output *vectorRef
		Errors        []vectorRef
	}
	Params     any
	Serialized struct {
		Method, URI, Body string
		Headers           map[string]string
	}
	Result       any
	Error        any
	ErrorCode    string
	ErrorMessage string
	Response     struct {
		StatusCode int `json:"status_code"`
		Headers    map[string]string
		Body       string
	}
}

type vectorRef struct {
	Shape, LocationName, Location, TimestampFormat, ResultWrapper, QueryName string
	Flattened, XMLAttribute, Streaming, JSONValue                            bool
	XMLNamespace                                                             any
}

type vectorShape struct {
	Type                                          string
	Members                                       map[string]vectorRef
	Required                                      []string
	Member, Key, Value                            *vectorRef
	Payload, TimestampFormat, LocationName        string
	Flattened, Document, Union, Exception, Sparse bool
	Streaming                                     bool
	XMLNamespace                                  any
	Error                                         struct {
		Code           string
		HTTPStatusCode int
	}
}

// maxUnrolled is how often a shape is put in itself. Types that truly contain
// themselves cannot be made while a program runs.
const maxUnrolled = 4

type typeMaker struct {
	shapes   map[string]*vectorShape
	protocol string
	busy     map[string]int
}

func (m *typeMaker) typ(ref vectorRef) reflect.Type {
	s := m.shapes[ref.Shape]
	switch s.Type {
	case "structure":
		if s.Document {
			return reflect.TypeFor[smithy.Document]()
		}
		return m.structure(ref.Shape)
	case "list":
		return reflect.SliceOf(m.element(*s.Member, s.Sparse))
	case "map":
		return reflect.MapOf(reflect.TypeFor[string](), m.element(*s.Value, s.Sparse))
	case "string", "character":
		return reflect.TypeFor[string]()
	case "boolean":
		return reflect.TypeFor[bool]()
	case "integer":
		return reflect.TypeFor[int32]()
	case "long":
		return reflect.TypeFor[int64]()
	case "float":
		return reflect.TypeFor[float32]()
	case "double":
		return reflect.TypeFor[float64]()
	case "timestamp":
		return reflect.TypeFor[time.Time]()
	case "blob":
		return reflect.TypeFor[[]byte]()
	}
	panic("no Go type for " + s.Type)
}

func (m *typeMaker) element(ref vectorRef, sparse bool) reflect.Type {
	t := m.typ(ref)
	if sparse && t.Kind() != reflect.Slice && t.Kind() != reflect.Map {
		return reflect.PointerTo(t)
	}
	return t
}

func (m *typeMaker) structure(name string) reflect.Type {
	m.busy[name]++
	defer func() { m.busy[name]-- }()
	s := m.shapes[name]
	var fields []reflect.StructField
	for _, n := range sortedNames(s.Members) {
		ref := s.Members[n]
		target := m.shapes[ref.Shape]
		if m.deep(ref.Shape) {
			continue
		}
		t := m.typ(ref)
		if ref.Streaming || target.Streaming {
			t = reflect.TypeFor[io.ReadCloser]()
		} else if k := t.Kind(); k != reflect.Slice && k != reflect.Map {
			t = reflect.PointerTo(t)
		}
		fields = append(fields, reflect.StructField{Name: exportedName(n), Type: t, Tag: m.tag(s, n, ref, target)})
	}
	return reflect.StructOf(fields)
}

// deep reports whether the shape is, or holds, one that is unrolled enough.
func (m *typeMaker) deep(name string) bool {
	s := m.shapes[name]
	switch s.Type {
	case "list":
		return m.deep(s.Member.Shape)
	case "map":
		return m.deep(s.Value.Shape)
	}
	return m.busy[name] >= maxUnrolled
}

func sortedNames[V any](m map[string]V) []string {
	var names []string
	for n := range m {
		names = append(names, n)
	}
	slices.Sort(names)
	return names
}

func exportedName(n string) string {
	n = strings.NewReplacer("-", "_", ".", "_").Replace(n)
	return strings.ToUpper(n[:1]) + n[1:]
}

// tag is what internal/gen would write.
func (m *typeMaker) tag(s *vectorShape, n string, ref vectorRef, target *vectorShape) reflect.StructTag {
	flat := ref.Flattened || target.Flattened
	name := n
	switch {
	case ref.Location == "headers":
		name = ref.LocationName
	case m.protocol == "rest-xml" && s.Payload == n && target.Type == "structure" && (ref.LocationName == "" || ref.LocationName == n):
		if name = target.LocationName; name == "" {
			name = ref.Shape
		}
	case ref.LocationName != "":
		name = ref.LocationName
	}
	opts := []string{name}
	add := func(yes bool, opt string) {
		if yes {
			opts = append(opts, opt)
		}
	}
	add(ref.Location != "", ref.Location)
	add(s.Payload == n, "payload")
	if flat && target.Type == "list" && ref.LocationName == "" && target.Member.LocationName != "" {
		add(true, "qname="+target.Member.LocationName)
	}
	if m.protocol == "ec2" {
		query := ref.QueryName
		if query == "" {
			query = strings.ToUpper(name[:1]) + name[1:]
		}
		add(true, "qname="+query)
	}
	add(flat, "flat")
	add(ref.XMLAttribute, "attr")
	add(ref.JSONValue, "jsonvalue")
	for _, ns := range []any{ref.XMLNamespace, target.XMLNamespace} {
		if uri, prefix := namespaceOf(ns); uri != "" {
			add(true, "ns="+uri)
			add(prefix != "", "nsp="+prefix)
			break
		}
	}
	opts = append(opts, m.options(ref, target)...)
	tag := "aws:" + strconv.Quote(strings.Join(opts, ",")) + " model:" + strconv.Quote(n)
	return reflect.StructTag(tag + m.below("", target))
}

func namespaceOf(ns any) (uri, prefix string) {
	switch ns := ns.(type) {
	case string:
		return ns, ""
	case map[string]any:
		uri, _ = ns["uri"].(string)
		prefix, _ = ns["prefix"].(string)
	}
	return uri, prefix
}

func (m *typeMaker) options(ref vectorRef, s *vectorShape) []string {
	var opts []string
	add := func(name, value string) {
		if value != "" {
			opts = append(opts, name+"="+value)
		}
	}
	if s.TimestampFormat != "" {
		add("ts", s.TimestampFormat)
	} else {
		add("ts", ref.TimestampFormat)
	}
	switch s.Type {
	case "list":
		add("item", s.Member.LocationName)
	case "map":
		add("key", s.Key.LocationName)
		add("value", s.Value.LocationName)
	}
	if s.Sparse {
		opts = append(opts, "sparse")
	}
	return opts
}

func (m *typeMaker) below(path string, s *vectorShape) string {
	ref := s.Member
	if s.Type == "map" {
		ref = s.Value
	}
	if ref == nil {
		return ""
	}
	e := m.shapes[ref.Shape]
	tag := m.below(path+"item.", e)
	if opts := m.options(*ref, e); opts != nil {
		tag += " " + path + "item:" + strconv.Quote(strings.Join(opts, ","))
	}
	return tag
}

// plain turns a value into the notation of the cases.
func plain(v reflect.Value) any {
	switch v.Kind() {
	case reflect.Pointer:
		if v.IsNil() {
			return nil
		}
		return plain(v.Elem())
	case reflect.Struct:
		if t, ok := v.Interface().(time.Time); ok {
			return float64(t.UnixMilli()) / 1000
		}
		m := map[string]any{}
		for i := range v.NumField() {
			if x := plain(v.Field(i)); x != nil {
				m[v.Type().Field(i).Tag.Get("model")] = x
			}
		}
		return m
	case reflect.Slice:
		return plainSlice(v)
	case reflect.Map:
		if v.IsNil() {
			return nil
		}
		m := map[string]any{}
		for _, k := range v.MapKeys() {
			m[k.String()] = plain(v.MapIndex(k))
		}
		return m
	case reflect.Int32, reflect.Int64:
		return float64(v.Int())
	case reflect.Float32, reflect.Float64:
		return plainFloat(v)
	case reflect.Interface:
		if v.IsNil() {
			return nil
		}
		b, _ := io.ReadAll(v.Interface().(io.Reader))
		if len(b) == 0 {
			return nil
		}
		return string(b)
	}
	return v.Interface()
}

func plainSlice(v reflect.Value) any {
	if v.IsNil() {
		return nil
	}
	switch b := v.Interface().(type) {
	case smithy.Document:
		var x any
		json.Unmarshal(b, &x)
		return x
	case []byte:
		return string(b)
	}
	l := []any{}
	for i := range v.Len() {
		l = append(l, plain(v.Index(i)))
	}
	return l
}

func plainFloat(v reflect.Value) any {
	f := v.Float()
	switch {
	case math.IsNaN(f):
		return "NaN"
	case math.IsInf(f, 1):
		return "Infinity"
	case math.IsInf(f, -1):
		return "-Infinity"
	}
	if v.Kind() == reflect.Float32 {
		f, _ = strconv.ParseFloat(strconv.FormatFloat(f, 'g', -1, 32), 64)
	}
	return f
}

// set puts x, in the notation of the cases, in v.
func set(v reflect.Value, x any) {
	if x == nil {
		return
	}
	switch v.Kind() {
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		set(v.Elem(), x)
	case reflect.Struct:
		if v.Type() == typeTime {
			t, err := unixTime(x.(float64))
			if err != nil {
				panic(err)
			}
			v.Set(reflect.ValueOf(t))
			return
		}
		for i := range v.NumField() {
			set(v.Field(i), x.(map[string]any)[v.Type().Field(i).Tag.Get("model")])
		}
	case reflect.Slice:
		setSlice(v, x)
	case reflect.Map:
		v.Set(reflect.MakeMap(v.Type()))
		for k, e := range x.(map[string]any) {
			slot := reflect.New(v.Type().Elem()).Elem()
			set(slot, e)
			v.SetMapIndex(reflect.ValueOf(k), slot)
		}
	case reflect.Int32, reflect.Int64:
		v.SetInt(int64(x.(float64)))
	case reflect.Float32, reflect.Float64:
		if f, ok := x.(float64); ok {
			v.SetFloat(f)
		} else {
			f, _ := strconv.ParseFloat(x.(string), 64)
			v.SetFloat(f)
		}
	case reflect.Interface:
		setStream(v, []byte(x.(string)))
	default:
		v.Set(reflect.ValueOf(x))
	}
}

func setSlice(v reflect.Value, x any) {
	switch {
	case v.Type() == typeDoc:
		b, _ := json.Marshal(x)
		v.SetBytes(b)
	case v.Type().Elem().Kind() == reflect.Uint8:
		v.SetBytes([]byte(x.(string)))
	default:
		l := x.([]any)
		v.Set(reflect.MakeSlice(v.Type(), len(l), len(l)))
		for i := range l {
			set(v.Index(i), l[i])
		}
	}
}

// vectorDir is where the cases are, or the test is skipped.
func vectorDir(t *testing.T) string {
	dir := os.Getenv("ALOFT_VECTORS")
	if dir == "" {
		t.Skip("set ALOFT_VECTORS to the directory of the protocol cases")
	}
	return filepath.Join(dir, "protocols")
}

// eachCase runs f for every case of every protocol we speak.
func eachCase(t *testing.T, kind string, f func(*testing.T, *vectorModel, *vectorCase) error) {
	files, err := filepath.Glob(filepath.Join(vectorDir(t), kind, "*.json"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no cases: %v", err)
	}
	for _, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), ".json")
		t.Run(name, func(t *testing.T) {
			b, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			var models []*vectorModel
			if err := json.Unmarshal(b, &models); err != nil {
				t.Fatal(err)
			}
			count := map[string]int{}
			for _, m := range models {
				for i := range m.Cases {
					count[runCase(t, m, &m.Cases[i], f)]++
				}
			}
			t.Log(count)
		})
	}
}

func runCase(t *testing.T, m *vectorModel, c *vectorCase, f func(*testing.T, *vectorModel, *vectorCase) error) string {
	if why := notOurs[c.ID]; why != "" {
		return "not ours"
	}
	if err := f(t, m, c); err != nil {
		t.Errorf("%s: %v", c.ID, err)
		return "failed"
	}
	return "passed"
}

// service makes the service that a case is about.
func (m *vectorModel) service(c *vectorCase) *smithy.Service {
	maker := &typeMaker{shapes: m.Shapes, protocol: m.Metadata.Protocol, busy: make(map[string]int)}
	empty := reflect.TypeFor[struct{}]()
	in, out := empty, empty
	if c.Given.Input != nil {
		in = maker.structure(c.Given.Input.Shape)
	}
	op := smithy.OperationInfo{Name: c.Given.Name, Method: c.Given.HTTP.Method, URI: c.Given.HTTP.RequestURI, Status: c.Given.HTTP.ResponseCode}
	if o := c.Given.Output; o != nil {
		out = maker.structure(o.Shape)
		op.Result = o.ResultWrapper
		if op.Result == "" {
			op.Result = o.Shape
			if n := m.Shapes[o.Shape].LocationName; n != "" {
				op.Result = n
			}
			if m.Metadata.Protocol == "query" {
				op.Result = c.Given.Name + "Result"
			}
		}
	}
	op.NewInput = func() any { return reflect.New(in).Interface() }
	op.NewOutput = func() any { return reflect.New(out).Interface() }
	return &smithy.Service{
		Name: "vectors", TargetPrefix: m.Metadata.TargetPrefix, JSONVersion: m.Metadata.JSONVersion, Version: m.Metadata.APIVersion,
		XMLNamespace: "https://example.com/", QueryCompatible: m.Metadata.AWSQueryCompatible != nil,
		Protocols: []smithy.Protocol{smithy.Protocol(m.Metadata.Protocol)}, Operations: []smithy.OperationInfo{op},
	}
}

func TestRequestVectors(t *testing.T) {
	eachCase(t, "input", func(t *testing.T, m *vectorModel, c *vectorCase) error {
		svc := m.service(c)
		body := c.Serialized.Body
		if m.Metadata.Protocol == "smithy-rpc-v2-cbor" {
			raw, err := base64.StdEncoding.DecodeString(body)
			if err != nil {
				return err
			}
			body = string(raw)
		}
		r, err := http.NewRequest(c.Serialized.Method, "http://example.com"+c.Serialized.URI, strings.NewReader(body))
		if err != nil {
			return err
		}
		for k, v := range c.Serialized.Headers {
			r.Header.Set(k, v)
		}
		form, err := ParseForm(body)
		if err != nil || m.Metadata.Protocol != "query" && m.Metadata.Protocol != "ec2" {
			form = nil
		}
		x, err := New(svc).Match(r, form)
		if err != nil {
			return err
		}
		in := x.Op.NewInput()
		if err := x.Decode(r, []byte(body), in, nil); err != nil {
			return err
		}
		want := c.Params
		if want == nil {
			want = map[string]any{}
		}
		return same(plain(reflect.ValueOf(in).Elem()), want)
	})
}

func same(got, want any) error {
	g, _ := json.Marshal(got)
	w, _ := json.Marshal(want)
	if string(g) != string(w) {
		return fmt.Errorf("got %s, want %s", g, w)
	}
	return nil
}

// notOurs are the cases that do not apply, with the reason.
var notOurs = reasons(map[string]string{
	"The client leaves out what is null or empty, so that nobody can tell.": `
		AwsJson11StructuresDontSerializeNullValues RestJsonNullAndEmptyHeaders RestJsonOmitsNullQuery RestJsonOmitsEmptyListQueryValues
		RestJsonDoesntSerializeNullStructureValues NullAndEmptyHeaders RestXmlOmitsNullQuery Ec2EmptyQueryLists RpcV2CborClientDoesntSerializeNullStructureValues
		RestJsonHttpPrefixHeadersAreNotPresent HttpPrefixHeadersAreNotPresent QueryEmptyQueryMaps`,
	"The client invents a token.": `
		QueryProtocolIdempotencyTokenAutoFill Ec2ProtocolIdempotencyTokenAutoFill RestJsonQueryIdempotencyTokenAutoFill QueryIdempotencyTokenAutoFill`,
	"The case has no body or target to read, only what the client does to its headers or host.": `
		SDKAppliedContentEncoding_awsJson1_1 SDKAppendsGzipAndIgnoresHttpProvidedEncoding_awsJson1_1 AwsJson10EndpointTrait AwsJson10EndpointTraitWithHostLabel
		AwsJson10HostWithPath RestJsonHostWithPath SDKAppliedContentEncoding_awsJson1_0 SDKAppendsGzipAndIgnoresHttpProvidedEncoding_awsJson1_0
		Ec2QueryHostWithPath SDKAppliedContentEncoding_ec2Query SDKAppendsGzipAndIgnoresHttpProvidedEncoding_ec2Query
		SDKAppliedContentEncoding_awsQuery SDKAppendsGzipAndIgnoresHttpProvidedEncoding_awsQuery SDKAppliedContentEncoding_restJson1
		SDKAppendedGzipAfterProvidedEncoding_restJson1 SDKAppliedContentEncoding_restXml SDKAppendedGzipAfterProvidedEncoding_restXml`,
	"A server puts all parameters in the map, those too that are members of their own.": `
		AllQueryStringTypes RestXmlQueryStringEscaping RestXmlSupportsNaNFloatQueryValues RestXmlSupportsInfinityFloatQueryValues
		RestXmlSupportsNegativeInfinityFloatQueryValues RestXmlZeroAndFalseQueryValues RestJsonQueryParamsStringListMap RestJsonQueryPrecedence
		RestXmlQueryParamsStringListMap RestXmlQueryPrecedence`,
	"The client sends an empty structure for none.": `
		RestJsonHttpWithEmptyStructurePayload RestJsonHttpWithHeadersButNoPayload`,
	"The answer is one that only clients must understand; we say it otherwise.": `
		AwsJson11DateTimeWithNegativeOffset AwsJson11DateTimeWithPositiveOffset AwsQueryDateTimeWithNegativeOffset AwsQueryDateTimeWithPositiveOffset Ec2QueryDateTimeWithNegativeOffset Ec2QueryDateTimeWithPositiveOffset
		RestJsonDateTimeWithNegativeOffset RestJsonDateTimeWithPositiveOffset RestXmlDateTimeWithNegativeOffset RestXmlDateTimeWithPositiveOffset
		handles_unexpected_json_output AwsJson10HandlesUnexpectedJsonOutput AwsJson10DeserializeIgnoreType AwsJson11DeserializeIgnoreType
		RestJsonDeserializeIgnoreType AwsJson10DeserializeAllowNulls AwsJson11StructuresDontDeserializeNullValues RestJsonDoesntDeserializeNullStructureValues
		RestJsonDeserializesDenseSetMapAndSkipsNull QueryEmptyInputAndEmptyOutput QueryNoInputAndNoOutput QueryNoInputAndOutput`,
	"The case leaves out the message or a member that its answer has.":              "InvalidGreetingError ComplexError Ec2ComplexError",
	"The case wants headers that requests have, or types of bodies that are empty.": "AwsJson11IntEnums Ec2XmlEmptyLists RestXmlHttpResponseCode IgnoreQueryParamsInResponse",
})

func reasons(groups map[string]string) map[string]string {
	m := make(map[string]string)
	for why, ids := range groups {
		for id := range strings.FieldsSeq(ids) {
			m[id] = why
		}
	}
	return m
}
