package protocol

import (
	"errors"
	"io"
	"iter"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws/protocol/eventstream"

	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/smithy"
)

type tune struct {
	smithy.Union
	Note *note `aws:"Note,event"`
	Raw  *raw  `aws:"Raw,event"`
	Rest *rest `aws:"Rest,event"`
}

type note struct {
	Pitch *string `aws:"pitch"`
	Hush  *int32  `aws:"hush"`
}

type raw struct {
	Loud  *bool      `aws:"loud,eventheader"`
	Count *int32     `aws:"count,eventheader"`
	At    *time.Time `aws:"at,eventheader"`
	Sound []byte     `aws:"sound,eventpayload"`
}

type rest struct{}

type song struct {
	Title *string                `aws:"Title"`
	Tunes iter.Seq2[tune, error] `aws:"Tunes,payload"`
}

func sing(end error) iter.Seq2[tune, error] {
	return func(yield func(tune, error) bool) {
		if yield(tune{Note: &note{Pitch: new("c")}}, nil) && yield(tune{Raw: &raw{Loud: new(true), Count: new(int32(5)), At: new(time.UnixMilli(7)), Sound: []byte("la")}}, nil) &&
			yield(tune{Rest: &rest{}}, nil) && end != nil {
			yield(tune{}, end)
		}
	}
}

// The SDK's reader understands our streams.
func TestEvents(t *testing.T) {
	f := func(p smithy.Protocol, end error, want ...string) {
		t.Helper()
		svc := kitchenAPI("x", p)
		x := &Exchange{api: New(svc), Op: &svc.Operations[0], Protocol: p, json: "1.1"}
		w := httptest.NewRecorder()
		if err := x.Encode(w, &song{Title: new("t"), Tunes: sing(end)}, "req-1"); err != nil {
			t.Fatal(err)
		}
		if ct := w.Header().Get("Content-Type"); ct != "application/vnd.amazon.eventstream" || !w.Flushed {
			t.Errorf("%s: content type %s, flushed %v", p, ct, w.Flushed)
		}
		d := eventstream.NewDecoder()
		var got []string
		for {
			m, err := d.Decode(w.Body, nil)
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
			var all []string
			for _, h := range m.Headers {
				all = append(all, h.Value.String())
			}
			got = append(got, strings.Join(all, " ")+" "+string(m.Payload))
		}
		if strings.Join(got, "\n") != strings.Join(want, "\n") {
			t.Errorf("%s: got\n%s\nwant\n%s", p, strings.Join(got, "\n"), strings.Join(want, "\n"))
		}
	}
	f(smithy.RESTJSON, nil, `event Note application/json {"pitch":"c"}`, "event Raw application/octet-stream true 0x00000005 7 la", "event Rest ")
	f(smithy.RESTXML, aws.ValidationException.Errorf("out of tune"), `event Note text/xml <pitch>c</pitch>`, "event Raw application/octet-stream true 0x00000005 7 la", "event Rest ",
		"error ValidationException out of tune ")
	f(smithy.JSON, errors.New("secret"), `event initial-response application/x-amz-json-1.1 {"Title":"t"}`, `event Note application/x-amz-json-1.1 {"pitch":"c"}`,
		"event Raw application/octet-stream true 0x00000005 7 la", "event Rest ", "error InternalFailure The request failed because of an internal error. ")
}

// In our own JSON a stream is a list.
func TestEventsInOurJSON(t *testing.T) {
	svc := kitchenAPI("x", smithy.RESTJSON)
	x := &Exchange{api: New(svc), Op: &svc.Operations[0], Protocol: smithy.JSON, json: "1.0", ours: true}
	w := answer(t, x, &song{Title: new("t"), Tunes: sing(nil)}, nil)
	if want := `{"Title":"t","Tunes":[{"Note":{"Pitch":"c"}},{"Raw":{"Loud":true,"Count":5,"At":0.007,"Sound":"bGE="}},{"Rest":{}}]}`; w.Body.String() != want {
		t.Errorf("got %s, want %s", w.Body, want)
	}
}
