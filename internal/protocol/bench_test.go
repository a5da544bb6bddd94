package protocol

import (
	"encoding/json"
	"encoding/xml"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/aloft-cloud/aloft/internal/api/dynamodb"
	"github.com/aloft-cloud/aloft/internal/smithy"
)

const putItem = `{"TableName":"orders","Item":{"pk":{"S":"customer#4711"},"sk":{"S":"order#2024-05-06T07:08:09Z"},"total":{"N":"1234.56"},"paid":{"BOOL":true},` +
	`"lines":{"L":[{"M":{"sku":{"S":"a-1"},"count":{"N":"2"}}},{"M":{"sku":{"S":"b-2"},"count":{"N":"1"}}}]}},"ReturnValues":"NONE"}`

// plainPut is PutItem as a plain structure, without a codec of its own.
type plainPut struct {
	TableName    string                `aws:"TableName,required,min=1,max=1024"`
	Item         map[string]plainValue `aws:"Item,required" mapkey:"max=65535"`
	ReturnValues *string               `aws:"ReturnValues" enum:"NONE|ALL_OLD"`
}

type plainValue struct {
	S    *string               `aws:"S" json:",omitempty"`
	N    *string               `aws:"N" json:",omitempty"`
	BOOL *bool                 `aws:"BOOL" json:",omitempty"`
	L    []plainValue          `aws:"L" json:",omitempty"`
	M    map[string]plainValue `aws:"M" json:",omitempty"`
}

func BenchmarkDecodePutItem(b *testing.B) {
	decode := func(b *testing.B, svc *smithy.Service, newInput func() any) {
		api := New(svc)
		r := httptest.NewRequest("POST", "/", nil)
		r.Header.Set("X-Amz-Target", svc.TargetPrefix+".PutItem")
		body := []byte(putItem)
		b.ReportAllocs()
		for b.Loop() {
			x, err := api.Match(r, nil)
			if err != nil {
				b.Fatal(err)
			}
			if err := x.Decode(r, body, newInput(), nil); err != nil {
				b.Fatal(err)
			}
		}
	}
	plain := func() any { return new(plainPut) }
	b.Run("item", func(b *testing.B) { decode(b, dynamodb.API, func() any { return new(dynamodb.PutItemInput) }) })
	b.Run("plain", func(b *testing.B) {
		decode(b, &smithy.Service{Name: "p", TargetPrefix: "P", Protocols: []smithy.Protocol{smithy.JSON}, Operations: []smithy.OperationInfo{{Name: "PutItem", NewInput: plain}}}, plain)
	})
	b.Run("encoding/json", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if err := json.Unmarshal([]byte(putItem), new(plainPut)); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// A discard is a ResponseWriter that keeps nothing.
type discard struct{ h http.Header }

func (d *discard) Header() http.Header         { return d.h }
func (d *discard) Write(b []byte) (int, error) { return len(b), nil }
func (d *discard) WriteHeader(int)             {}

func encodeLoop(b *testing.B, x *Exchange, out any) {
	w := &discard{h: make(http.Header)}
	b.ReportAllocs()
	for b.Loop() {
		clear(w.h)
		if err := x.Encode(w, out, "request-id"); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkEncodeGetItem(b *testing.B) {
	x := &Exchange{api: New(dynamodb.API), Protocol: smithy.JSON, json: "1.0"}
	var plain struct{ Item map[string]plainValue }
	in := new(dynamodb.PutItemInput)
	if err := DecodeJSON([]byte(putItem), in); err != nil {
		b.Fatal(err)
	}
	if err := json.Unmarshal([]byte(putItem), &plain); err != nil {
		b.Fatal(err)
	}
	b.Run("item", func(b *testing.B) { encodeLoop(b, x, &dynamodb.GetItemOutput{Item: in.Item}) })
	b.Run("plain", func(b *testing.B) { encodeLoop(b, x, &plain) })
	b.Run("encoding/json", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := json.Marshal(&plain); err != nil {
				b.Fatal(err)
			}
		}
	})
}

type listing struct {
	Name     string   `aws:"Name"`
	Contents []listed `aws:"Contents,flat"`
}

type listed struct {
	Key          *string    `aws:"Key"`
	LastModified *time.Time `aws:"LastModified"`
	ETag         *string    `aws:"ETag"`
	Size         *int64     `aws:"Size"`
	StorageClass *string    `aws:"StorageClass"`
}

func BenchmarkEncodeListObjects(b *testing.B) {
	out := listing{Name: "bucket"}
	for i := range 1000 {
		out.Contents = append(out.Contents, listed{
			Key: new("photos/2024/05/image-" + strconv.Itoa(i) + ".jpg"), LastModified: new(time.UnixMilli(1700000000000)),
			ETag: new(`"` + strings.Repeat("0", 32) + `"`), Size: new(int64(i * 1000)), StorageClass: new("STANDARD"),
		})
	}
	svc := &smithy.Service{Name: "s3", Protocols: []smithy.Protocol{smithy.RESTXML}}
	x := &Exchange{api: New(svc), Op: &smithy.OperationInfo{Name: "ListObjectsV2", Result: "ListBucketResult"}, Protocol: smithy.RESTXML}
	b.Run("engine", func(b *testing.B) { encodeLoop(b, x, &out) })
	b.Run("encoding/xml", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := xml.Marshal(&out); err != nil {
				b.Fatal(err)
			}
		}
	})
}

func BenchmarkDecodeQuery(b *testing.B) {
	const body = "Action=Cook&Name=soup&Count=5&List.member.1=a&List.member.2=b&Flat.1=x&Part.Id=p&Part.Size=1&Version=2020-01-01"
	b.ReportAllocs()
	for b.Loop() {
		form, err := ParseForm(body)
		if err != nil {
			b.Fatal(err)
		}
		if err := new(decoder).queryStruct(form, kitchenPlan, reflect.ValueOf(new(kitchen)).Elem()); err != nil {
			b.Fatal(err)
		}
	}
}
