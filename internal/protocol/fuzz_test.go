package protocol

import (
	"bytes"
	"net/http"
	"net/url"
	"reflect"
	"strings"
	"testing"

	"github.com/aloft-cloud/aloft/internal/smithy"
)

var kitchenPlan = planOf(reflect.TypeFor[kitchen]())

// show prints k whole, so that two can be compared.
func (k *kitchen) show() []byte {
	return modelNames.jsonStruct(nil, kitchenPlan, reflect.ValueOf(k).Elem())
}

const kitchenJSON = `{"Name":"soup","Count":5.0,"Flag":true,"Long":-3,"Float":1.5,"Double":"NaN","text":"a\"\u00e9\r\n<>&","Color":"RED","Blob":"aGk=",
	"When":1.5e9,"ISO":"2020-01-02T03:04:05.678Z","HTTP":"Thu, 02 Jan 2020 03:04:05 GMT","Unix":-1.5,"Times":["2020-01-02T03:04:05+01:00"],"List":["a"],"Renamed":[],
	"Flat":["x","y"],"Nested":[[1],[],[2,3]],"Sparse":["a",null],"Map":{"k":"A"},"FlatMap":{"x":1},"Weights":{"w":0.5},"Deep":{"d":{"Id":"i","Size":1}},
	"Holes":{"h":null},"Part":{"Id":"p","Size":2,"note":"n","Up":{"Id":"u","Size":0},"Kids":[{"Id":"k","Size":3}]},"Parts":[{"Id":"q","Size":4}],"Either":{"B":[1]},"Document":{"any":[1,"x"]},"Unknown":{"x":[{}]}}`

func FuzzJSONDecode(f *testing.F) {
	f.Add(kitchenJSON)
	f.Add(`{"Part":null,"List":[null,"b"],"Map":{"a":null},"Either":{}}`)
	f.Fuzz(func(t *testing.T, text string) {
		var k, back kitchen
		if (&decoder{}).decodeJSON(text, reflect.ValueOf(&k).Elem()) != nil {
			return
		}
		checkAll(t, &k)
		wire := wireNames.jsonStruct(nil, kitchenPlan, reflect.ValueOf(&k).Elem())
		if err := (&decoder{}).decodeJSON(string(wire), reflect.ValueOf(&back).Elem()); err != nil {
			t.Fatalf("%s: %v", wire, err)
		}
		if !bytes.Equal(k.show(), back.show()) {
			t.Errorf("\n got %s\nwant %s", back.show(), k.show())
		}
	})
}

func FuzzCBORDecode(f *testing.F) {
	var k kitchen
	if err := (&decoder{}).decodeJSON(kitchenJSON, reflect.ValueOf(&k).Elem()); err != nil {
		f.Fatal(err)
	}
	f.Add(kitchenPlan.appendCBOR(nil, reflect.ValueOf(&k).Elem(), false))
	f.Add([]byte("\xbf\x64text\x7f\x61a\x61b\xff\xff"))
	f.Add([]byte("\xa1\x64List\x9b\xff\xff\xff\xff\xff\xff\xff\xff"))
	f.Add(bytes.Repeat([]byte{0x9f}, 10000))
	f.Add(bytes.Repeat([]byte{0xc1}, 10000))
	f.Fuzz(func(t *testing.T, body []byte) {
		var k, back kitchen
		if (&decoder{}).decodeCBOR(string(body), kitchenPlan, reflect.ValueOf(&k).Elem()) != nil {
			return
		}
		checkAll(t, &k)
		wire := kitchenPlan.appendCBOR(nil, reflect.ValueOf(&k).Elem(), false)
		if err := (&decoder{}).decodeCBOR(string(wire), kitchenPlan, reflect.ValueOf(&back).Elem()); err != nil {
			t.Fatalf("%x: %v", wire, err)
		}
		if !bytes.Equal(k.show(), back.show()) {
			t.Errorf("\n got %s\nwant %s", back.show(), k.show())
		}
	})
}

func FuzzXMLDecode(f *testing.F) {
	var k kitchen
	if err := (&decoder{}).decodeJSON(kitchenJSON, reflect.ValueOf(&k).Elem()); err != nil {
		f.Fatal(err)
	}
	f.Add(string(xmlWriter{}.value(nil, "R", &shape{kind: kindStruct, structure: kitchenPlan}, reflect.ValueOf(&k).Elem())))
	f.Add(`<?xml version="1.0"?><R><List><member>a</member></List><!-- c --><text><![CDATA[<x>]]></text></R>`)
	f.Add(`<!DOCTYPE r [<!ENTITY a "b">]><R>&a;</R>`)
	f.Add(strings.Repeat("<a>", 10000))
	f.Fuzz(func(t *testing.T, body string) {
		var k, back kitchen
		if (&decoder{}).decodeXML(body, kitchenPlan, reflect.ValueOf(&k).Elem()) != nil {
			return
		}
		checkAll(t, &k)
		k.Sparse, k.Holes = nil, nil // XML has no null
		wire := xmlWriter{}.value(nil, "R", &shape{kind: kindStruct, structure: kitchenPlan}, reflect.ValueOf(&k).Elem())
		if err := (&decoder{}).decodeXML(string(wire), kitchenPlan, reflect.ValueOf(&back).Elem()); err != nil {
			t.Fatalf("%s: %v", wire, err)
		}
		if !bytes.Equal(k.show(), back.show()) {
			t.Errorf("\n got %s\nwant %s", back.show(), k.show())
		}
	})
}

func FuzzQueryDecode(f *testing.F) {
	f.Add("Action=Cook&Name=soup&Count=5&List.member.1=a&List.member.2=b&Flat.1=x&Nested.member.1.member.1=5&Map.entry.1.key=k&Map.entry.1.value=A&FlatMap.1.K=k&FlatMap.1.V=1" +
		"&Part.Id=p&Part.Size=1&Part.Up.Id=u&Part.Kids.member.1.Id=x&When=2020-01-02T03:04:05Z&Blob=aGk%3D&Either.A=x&text=%C3%A9+%26")
	f.Add("List=&Map=&Either=&Part=")
	f.Add(strings.Repeat("a.", 10000) + "b=c")
	f.Add("List.member.99999999999999999999=a&List.member.-1=b&List.member.0=c")
	f.Fuzz(func(t *testing.T, body string) {
		form, err := ParseForm(body)
		if err != nil {
			return
		}
		var k, back kitchen
		if (&decoder{}).queryStruct(form, kitchenPlan, reflect.ValueOf(&k).Elem()) != nil {
			return
		}
		checkAll(t, &k)
		wire := wireNames.jsonStruct(nil, kitchenPlan, reflect.ValueOf(&k).Elem())
		if err := (&decoder{}).decodeJSON(string(wire), reflect.ValueOf(&back).Elem()); err != nil {
			t.Fatalf("%s: %v", wire, err)
		}
		if !bytes.Equal(k.show(), back.show()) {
			t.Errorf("\n got %s\nwant %s", back.show(), k.show())
		}
	})
}

// Whatever the path, a match or a refusal comes back, and labels are what was sent.
func FuzzMatch(f *testing.F) {
	svc := &smithy.Service{Name: "x", Protocols: []smithy.Protocol{smithy.RESTXML}, Operations: []smithy.OperationInfo{
		{Name: "Root", Method: "GET", URI: "/"},
		{Name: "Bucket", Method: "GET", URI: "/{Bucket}"},
		{Name: "Key", Method: "GET", URI: "/{Bucket}/{Key+}"},
		{Name: "Literal", Method: "GET", URI: "/{Bucket}/a/b"},
		{Name: "Tail", Method: "GET", URI: "/{Bucket}/{Key+}/tail"},
	}}
	api := New(svc)
	f.Add("/")
	f.Add("/b//k%2f/")
	f.Add("/b/a/b")
	f.Add("/b/x/y/tail?x-id=Key")
	f.Add("//")
	f.Fuzz(func(t *testing.T, uri string) {
		u, err := url.ParseRequestURI(uri)
		if err != nil {
			return
		}
		x, err := api.Match(&http.Request{Method: "GET", URL: u, Header: http.Header{}}, nil)
		if err != nil || x.Op.Name != "Key" {
			return
		}
		if got, want := "/"+x.labels[0].value+"/"+x.labels[1].value, u.Path; got != want {
			t.Errorf("%q: labels make %q, want %q", uri, got, want)
		}
	})
}

// checkAll checks k, which must not panic, and sees that what is sensitive stays.
func checkAll(t *testing.T, k *kitchen) {
	c := checker{}
	c.check(kitchenPlan, reflect.ValueOf(k).Elem())
	if k.Secret != nil && len(*k.Secret) > 8 && len(c.problems) > 0 && k.Text == nil && strings.Contains(c.message(), *k.Secret) && !bytes.Contains(without(k).show(), []byte(*k.Secret)) {
		t.Errorf("message tells a secret: %s", c.message())
	}
}

func without(k *kitchen) *kitchen {
	c := *k
	c.Secret = nil
	return &c
}
