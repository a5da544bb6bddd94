package protocol

import (
	"encoding/json"
	"errors"
	"hash/crc32"
	"io"
	"net/http/httptest"
	"reflect"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/smithy"
)

// ask decodes a request to svc and returns its input, or the refusal.
func ask(t *testing.T, svc *smithy.Service, method, uri, body string, headers ...string) (*Exchange, any, error) {
	t.Helper()
	r := httptest.NewRequest(method, uri, strings.NewReader(body))
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	var form *Form
	if strings.HasPrefix(r.Header.Get("Content-Type"), "application/x-www-form-urlencoded") {
		var err error
		if form, err = ParseForm(body); err != nil {
			t.Fatal(err)
		}
	}
	x, err := New(svc).Match(r, form)
	if err != nil {
		return x, nil, err
	}
	in := x.Op.NewInput()
	return x, in, x.Decode(r, []byte(body), in, nil)
}

func TestViolations(t *testing.T) {
	f := func(body, want string) {
		t.Helper()
		_, _, err := ask(t, kitchenAPI("kitchen", smithy.JSON), "POST", "/", body, "X-Amz-Target", "Kitchen_2020.Cook")
		var got string
		if err != nil {
			got = err.(*aws.Error).Message
		}
		if got != want {
			t.Errorf("%s:\n got %s\nwant %s", body, got, want)
		}
	}
	one := func(at, problem string) string {
		return "1 validation error detected: Value " + at + " failed to satisfy constraint: " + problem
	}
	ok := `"Name":"soup","Count":0`
	f(`{`+ok+`}`, "")
	f(`{"Count":1}`, one("null at 'name'", "Member must not be null"))
	f(`{"Name":"soup","Count":null}`, one("null at 'count'", "Member must not be null"))
	f(`{"Name":"","Count":1}`, "2 validation errors detected: Value '' at 'name' failed to satisfy constraint: Member must satisfy regular expression pattern: [a-z]+; "+
		"Value '' at 'name' failed to satisfy constraint: Member must have length greater than or equal to 1")
	f(`{"Name":"abcdefghi","Count":101}`, "2 validation errors detected: Value 'abcdefghi' at 'name' failed to satisfy constraint: Member must have length less than or equal to 8; "+
		"Value '101' at 'count' failed to satisfy constraint: Member must have value less than or equal to 100")
	f(`{`+ok+`,"Color":"BLUE"}`, one("'BLUE' at 'color'", "Member must satisfy enum value set: [RED, GREEN]"))
	f(`{`+ok+`,"Long":-6}`, one("'-6' at 'long'", "Member must have value greater than or equal to -5"))
	f(`{`+ok+`,"Double":11}`, one("'11.0' at 'double'", "Member must have value less than or equal to 10.0"))
	f(`{`+ok+`,"List":["a","b","c","d"]}`, one("'[a, b, c, d]' at 'list'", "Member must have length less than or equal to 3"))
	f(`{`+ok+`,"List":["a","B!"]}`, one("'[a, B!]' at 'list'",
		"Member must satisfy constraint: [Member must have length less than or equal to 5, Member must have length greater than or equal to 1, Member must satisfy regular expression pattern: [a-z]+]"))
	f(`{`+ok+`,"Map":{"long":"A"}}`, one("'{long=A}' at 'map'", "Map keys must satisfy constraint: [Member must have length less than or equal to 3]"))
	f(`{`+ok+`,"Weights":{"w":2}}`, one("'{w=2.0}' at 'weights'",
		"Map value must satisfy constraint: [Member must have value less than or equal to 1.0, Member must have value greater than or equal to 0.0, Member must not be null]"))
	f(`{`+ok+`,"Parts":[{"Id":"a","Size":1},{"Size":1}]}`, one("null at 'parts.2.member.id'", "Member must not be null"))
	f(`{`+ok+`,"Deep":{"k":{"Id":"a"}}}`, one("null at 'deep.k.member.size'", "Member must not be null"))
	f(`{`+ok+`,"Nested":[[1],[2,10]]}`, one("'[2, 10]' at 'nested.2.member'", "Member must satisfy constraint: [Member must have value less than or equal to 9]"))
	f(`{`+ok+`,"Secret":"hush!"}`, "1 validation error detected: Value at 'secret' failed to satisfy constraint: Member must have length less than or equal to 3")
	f(`{"Name":"ääää","Count":1,"text":"x"}`, one("'ääää' at 'name'", "Member must satisfy regular expression pattern: [a-z]+"))
}

// A handler may check members itself.
func TestOwnChecks(t *testing.T) {
	r := httptest.NewRequest("POST", "/", nil)
	r.Header.Set("X-Amz-Target", "Kitchen_2020.Cook")
	x, err := New(kitchenAPI("kitchen", smithy.JSON)).Match(r, nil)
	if err != nil {
		t.Fatal(err)
	}
	f := func(own []string, want string) {
		t.Helper()
		err := x.Decode(r, []byte(`{"Color":"BLUE","Count":1}`), new(kitchen), own)
		if got := aws.Refusal(err).Message; err != nil && got != want || err == nil && want != "" {
			t.Errorf("own %v: got %v, want %s", own, err, want)
		}
	}
	f([]string{"*"}, "")
	f([]string{"Name", "Color"}, "")
	f([]string{"Color"}, "1 validation error detected: Value null at 'name' failed to satisfy constraint: Member must not be null")
}

func TestWrongTypes(t *testing.T) {
	f := func(body, want string) {
		t.Helper()
		_, _, err := ask(t, kitchenAPI("kitchen", smithy.JSON), "POST", "/", body, "X-Amz-Target", "Kitchen_2020.Cook")
		if !errors.Is(err, aws.SerializationFault) || aws.Refusal(err).Message != want {
			t.Errorf("%s: got %v, want %s", body, err, want)
		}
	}
	f(`{"Name":5}`, "NUMBER_VALUE cannot be converted to String")
	f(`{"Count":"5"}`, "STRING_VALUE cannot be converted to Integer")
	f(`{"Count":2147483648}`, "DECIMAL_VALUE cannot be converted to Integer")
	f(`{"Count":5.5}`, "DECIMAL_VALUE cannot be converted to Integer")
	f(`{"List":{}}`, "Start of structure or map found where not expected")
	f(`{"List":"a"}`, "Unexpected field type")
	f(`{"Part":[]}`, "Unrecognized collection type class java.util.Map")
	f(`{"Blob":5}`, "only base-64-encoded strings are convertible to bytes")
	f(`{"Blob":"23456"}`, "Base64 encoded length is expected a multiple of 4 bytes but found: 5")
	f(`{"Blob":"=+/="}`, "Invalid last non-pad Base64 character dectected")
	f(`{"Either":{"A":"a","B":[]}}`, errUnion.Error())
	f(`{"Either":{}}`, errUnion.Error())
	f(`{"When":1e300}`, errTime.Error())
	f(`[]`, "Unrecognized collection type class java.util.Map")
	f(`{"Name":"a"`, "invalid JSON")
	f(`{"Name":"a"}}`, "invalid JSON")
	f(strings.Repeat(`{"Part":`, 2000), "JSON nested too deep")
}

// Null is absent, except in sparse collections; unknown members are skipped.
func TestNull(t *testing.T) {
	var k kitchen
	if err := DecodeJSON([]byte(`{"Name":null,"List":["a",null,"b"],"Sparse":["a",null],"Map":{"x":null},"Holes":{"h":null},"Part":null,"What":{"x":[1,{}]}}`), &k); err != nil {
		t.Fatal(err)
	}
	want := kitchen{List: []string{"a", "b"}, Sparse: []*string{new("a"), nil}, Map: map[string]string{}, Holes: map[string]*string{"h": nil}}
	if !reflect.DeepEqual(k, want) {
		t.Errorf("got %s, want %s", k.show(), want.show())
	}
}

// Java dies of exponents, and clocks have milliseconds.
func TestTimesInJSON(t *testing.T) {
	f := func(in time.Time, want string) {
		t.Helper()
		if got := string(appendUnix(nil, in)); got != want {
			t.Errorf("%v is %s, want %s", in, got, want)
		}
	}
	f(time.Unix(1700000000, 0), "1700000000")
	f(time.UnixMilli(1700000000120), "1700000000.12")
	f(time.UnixMilli(1700000000001), "1700000000.001")
	f(time.UnixMilli(-1500), "-1.5")
	f(time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC), "253402300799")
}

// answer encodes out, or err if it is not nil, in the protocol of x.
func answer(t *testing.T, x *Exchange, out any, err error) *httptest.ResponseRecorder {
	t.Helper()
	w := httptest.NewRecorder()
	if err != nil {
		err = x.EncodeError(w, err, "req-1")
	} else {
		err = x.Encode(w, out, "req-1")
	}
	if err != nil {
		t.Fatal(err)
	}
	return w
}

func TestCRC32(t *testing.T) {
	x := &Exchange{api: New(kitchenAPI("dynamodb", smithy.JSON)), Protocol: smithy.JSON, json: "1.0"}
	for _, err := range []error{nil, aws.ValidationException.Errorf("no")} {
		w := answer(t, x, &kitchen{Name: "soup"}, err)
		want := strconv.FormatUint(uint64(crc32.ChecksumIEEE(w.Body.Bytes())), 10)
		if got := w.Header().Get("x-amz-crc32"); got != want {
			t.Errorf("got sum %s, want %s", got, want)
		}
	}
}

func TestErrors(t *testing.T) {
	gone := aws.Fault{Code: "ResourceGone", QueryCode: "Resource.Gone", Status: 410}
	f := func(svc *smithy.Service, p smithy.Protocol, err error, status int, header, body string) {
		t.Helper()
		x := &Exchange{api: New(svc), Protocol: p, json: "1.1"}
		w := answer(t, x, nil, err)
		name, value, _ := strings.Cut(header, ": ")
		if w.Code != status || w.Body.String() != body || w.Header().Get(name) != value {
			t.Errorf("%s %s: got %d %s: %s %s\nwant %d %s %s", svc.Name, p, w.Code, name, w.Header().Get(name), w.Body, status, header, body)
		}
	}
	compatible := kitchenAPI("sqs", smithy.JSON)
	compatible.QueryCompatible = true
	f(compatible, smithy.JSON, gone.Errorf("It is gone."), 410, "x-amzn-query-error: Resource.Gone;Sender",
		`{"__type":"com.amazonaws.sqs#ResourceGone","message":"It is gone."}`)
	f(kitchenAPI("dynamodb", smithy.JSON), smithy.JSON, aws.SerializationFault.Errorf("no"), 400, "x-amzn-requestid: req-1",
		`{"__type":"com.amazon.coral.service#SerializationException","Message":"no"}`)
	f(kitchenAPI("logs", smithy.JSON), smithy.JSON, aws.AccessDenied.Errorf("no"), 400, "Content-Type: application/x-amz-json-1.1",
		`{"__type":"AccessDeniedException","Message":"no"}`)
	f(kitchenAPI("lambda", smithy.RESTJSON), smithy.RESTJSON, gone.Errorf("no"), 410, "x-amzn-errortype: ResourceGone",
		`{"Type":"User","Message":"no"}`)
	f(kitchenAPI("x", smithy.RESTJSON), smithy.RESTJSON, gone.With(&part{Id: "i", Size: 1}, "no"), 410, "Content-Type: application/json",
		`{"message":"no","Id":"i","Size":1}`)
	f(kitchenAPI("iam", smithy.Query), smithy.Query, aws.AccessDenied.Errorf("<no>"), 403, "Content-Type: text/xml",
		`<ErrorResponse xmlns="http://kitchen/"><Error><Type>Sender</Type><Code>AccessDenied</Code><Message>&lt;no&gt;</Message></Error><RequestId>req-1</RequestId></ErrorResponse>`)
	f(kitchenAPI("s3", smithy.RESTXML), smithy.RESTXML, gone.With(&part{Id: "i", Size: 1}, "no"), 410, "x-amz-request-id: req-1",
		xmlProlog+`<Error><Code>Resource.Gone</Code><Message>no</Message><Id>i</Id><Size>1</Size><RequestId>req-1</RequestId><HostId>req-1/aloft</HostId></Error>`)
	f(kitchenAPI("s3", smithy.RESTXML), smithy.RESTXML, errors.New("secret"), 500, "Content-Type: application/xml",
		xmlProlog+`<Error><Code>InternalError</Code><Message>The request failed because of an internal error.</Message><RequestId>req-1</RequestId><HostId>req-1/aloft</HostId></Error>`)
	f(kitchenAPI("x", smithy.CBOR), smithy.CBOR, gone.Errorf("no"), 410, "smithy-protocol: rpc-v2-cbor",
		"\xbf\x66__type\x6cResourceGone\x67message\x62no\xff")
}

func TestHeadHasNoBody(t *testing.T) {
	r := httptest.NewRequest("HEAD", "/nope", nil)
	x, err := New(kitchenAPI("s3", smithy.RESTXML)).Match(r, nil)
	w := answer(t, x, nil, err)
	if w.Code != 404 || w.Body.Len() > 0 {
		t.Errorf("got %d with body %q", w.Code, w.Body)
	}
}

// Every service is to be had as JSON by the name of its folder.
func TestOurJSON(t *testing.T) {
	type object struct {
		Bucket string        `aws:"Bucket,required,uri"`
		Size   *int32        `aws:"x-size,header"`
		State  *int32        `aws:"State,statusCode"`
		Tags   []string      `aws:"tagList"`
		Body   io.ReadCloser `aws:"Body,payload"`
	}
	svc := &smithy.Service{Name: "store", Protocols: []smithy.Protocol{smithy.RESTXML}, Operations: []smithy.OperationInfo{{
		Name: "Put", Method: "PUT", URI: "/{Bucket}", NewInput: func() any { return new(object) }, NewOutput: func() any { return new(object) },
	}}}
	x, in, err := ask(t, svc, "POST", "/", `{"Bucket":"b","Size":5,"tagList":["x"],"Body":"aGk="}`, "X-Amz-Target", "store.Put")
	if err != nil {
		t.Fatal(err)
	}
	w := answer(t, x, in, nil)
	if want := `{"Bucket":"b","Size":5,"Tags":["x"],"Body":"aGk="}`; w.Body.String() != want || w.Header().Get("Content-Type") != "application/x-amz-json-1.0" {
		t.Errorf("got %s %s, want %s", w.Header(), w.Body, want)
	}
	_, _, err = ask(t, svc, "POST", "/", `{}`, "X-Amz-Target", "store.Put")
	if want := "1 validation error detected: Value null at 'bucket' failed to satisfy constraint: Member must not be null"; err == nil || aws.Refusal(err).Message != want {
		t.Errorf("got %v, want %s", err, want)
	}
	_, _, err = ask(t, svc, "POST", "/", `{}`, "X-Amz-Target", "stor.Put")
	if !errors.Is(err, aws.UnknownOperation) {
		t.Errorf("another service's target: got %v", err)
	}
}

func TestNoSuchOperation(t *testing.T) {
	f := func(p smithy.Protocol, method, uri, body string, status int, code string, headers ...string) {
		t.Helper()
		x, _, err := ask(t, kitchenAPI("kitchen", p), method, uri, body, headers...)
		if err == nil {
			t.Fatalf("%s %s: no error", method, uri)
		}
		w := answer(t, x, nil, err)
		if w.Code != status || !strings.Contains(w.Body.String()+w.Header().Get("X-Amzn-Errortype"), code) {
			t.Errorf("%s %s %s: got %d %s, want %d %s", p, method, uri, w.Code, w.Body, status, code)
		}
	}
	form := []string{"Content-Type", "application/x-www-form-urlencoded; charset=utf-8"}
	f(smithy.JSON, "POST", "/", "{}", 400, "UnknownOperationException", "X-Amz-Target", "Kitchen_2020.Bake")
	f(smithy.JSON, "POST", "/", "{}", 400, "UnknownOperationException")
	f(smithy.Query, "POST", "/", "Action=Bake&Version=2020-01-01", 400, "InvalidAction", form...)
	f(smithy.Query, "POST", "/", "Action=Cook&Version=2019-01-01", 400, "InvalidAction", form...)
	f(smithy.Query, "POST", "/", "", 400, "MissingAction", form...)
	f(smithy.RESTJSON, "POST", "/bake", "", 404, "UnknownOperationException")
	f(smithy.RESTXML, "GET", "/cook", "", 405, "MethodNotAllowed")
	f(smithy.CBOR, "POST", "/service/Kitchen/operation/Bake", "", 400, "UnknownOperationException", "Smithy-Protocol", "rpc-v2-cbor")
}

// A query may come in the URL, and lists in any order.
func TestQueryForms(t *testing.T) {
	_, in, err := ask(t, kitchenAPI("kitchen", smithy.Query), "GET", "/?Action=Cook&Name=soup&Count=1&List.member.2=b&List.member.10=c&List.member.1=a", "")
	if err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(in.(*kitchen).List, ""); got != "abc" {
		t.Errorf("got list %s, want abc", got)
	}
}

// XML that declares a type, and so might have entities, is refused.
func TestXMLRefused(t *testing.T) {
	for _, body := range []string{
		`<!DOCTYPE k [<!ENTITY e "eeee">]><K><Name>&e;</Name></K>`, `<K><Name>&e;</Name></K>`, `<K>`, `<K></L>`, `<K/><K/>`, `text`, ``, `<K/>text`,
		`<?xml version="1.0" encoding="UTF-7"?><K/>`, strings.Repeat("<a>", 200) + strings.Repeat("</a>", 200),
	} {
		if _, err := parseXML(body); err == nil {
			t.Errorf("%.40q is taken for a document", body)
		}
	}
}

func TestXMLText(t *testing.T) {
	got := string(appendXMLText(nil, "a\"<>&'\r\n\t\x00\x1fé\xff"))
	if want := "a&quot;&lt;&gt;&amp;'&#xD;\n\t\ufffd\ufffdé\ufffd"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

// The first child of a query's answer is its result.
func TestQueryAnswer(t *testing.T) {
	svc := kitchenAPI("kitchen", smithy.Query)
	x := &Exchange{api: New(svc), Op: &svc.Operations[0], Protocol: smithy.Query}
	w := answer(t, x, &kitchen{Name: "soup", Flat: []string{"a", "b"}, Renamed: []string{"c"}, Map: map[string]string{"k": "v"}}, nil)
	want := `<CookResponse xmlns="http://kitchen/"><CookResult><Name>soup</Name><Count>0</Count><Renamed><Item>c</Item></Renamed><Flat>a</Flat><Flat>b</Flat>` +
		`<Map><entry><key>k</key><value>v</value></entry></Map></CookResult><ResponseMetadata><RequestId>req-1</RequestId></ResponseMetadata></CookResponse>`
	if got := w.Body.String(); got != want {
		t.Errorf("\n got %s\nwant %s", got, want)
	}
}

// A stream that cannot be read to its end is a failure before anything is sent
// in JSON, and an error of Encode where it is the body.
func TestBrokenStream(t *testing.T) {
	type output struct {
		Body io.ReadCloser `aws:"Body,payload"`
	}
	svc := &smithy.Service{Name: "store", Protocols: []smithy.Protocol{smithy.RESTXML}, Operations: []smithy.OperationInfo{{Name: "Get", NewOutput: func() any { return new(output) }}}}
	for _, p := range []smithy.Protocol{smithy.JSON, smithy.RESTXML} {
		x := &Exchange{api: New(svc), Op: &svc.Operations[0], Protocol: p, ours: true}
		w := httptest.NewRecorder()
		err := x.Encode(w, &output{Body: io.NopCloser(io.MultiReader(strings.NewReader("half"), broken{}))}, "req-1")
		if !errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, ErrCut) != (w.Body.Len() > 0) || p == smithy.JSON && w.Body.Len() > 0 {
			t.Errorf("%s: got %v after %q", p, err, w.Body)
		}
	}
}

type broken struct{}

func (broken) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

// Answers are valid JSON whatever strings hold.
func TestJSONIsValid(t *testing.T) {
	b, err := EncodeJSON(&kitchen{Name: "\xff\x00\u2028\"", Map: map[string]string{"\xff": "\n"}})
	if err != nil || !json.Valid(b) {
		t.Errorf("%s: %v", b, err)
	}
}

func TestSplitHeader(t *testing.T) {
	f := func(in string, dates bool, want ...string) {
		t.Helper()
		if got := splitHeader(in, dates); strings.Join(got, "|") != strings.Join(want, "|") {
			t.Errorf("%q: got %q, want %q", in, got, want)
		}
	}
	f(`a, b,c`, false, "a", "b", "c")
	f(`"a,b", "c\"d"`, false, "a,b", `c"d`)
	f(`"open`, false, "open")
	f(`"a" x, b`, false, "a", "b")
	f("Mon, 16 Dec 2019 23:48:18 GMT, Tue, 17 Dec 2019 23:48:18 GMT", true, "Mon, 16 Dec 2019 23:48:18 GMT", "Tue, 17 Dec 2019 23:48:18 GMT")
}
