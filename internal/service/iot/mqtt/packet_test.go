package mqtt

import (
	"bufio"
	"bytes"
	"errors"
	"reflect"
	"testing"
)

var packets = []*Packet{
	{Kind: Connect, Version: V4, Clean: true, KeepAlive: 30, ClientID: "dev"},
	{Kind: Connect, Version: V5, KeepAlive: 30, ClientID: "dev", User: new("u"), Password: []byte("p"), Properties: Properties{SessionExpiry: new(uint32(60))},
		Will: &Will{Topic: "w", Payload: []byte("gone"), QoS: 1, Retain: true, Properties: Properties{WillDelay: new(uint32(1))}}},
	{Kind: Publish, Topic: "a/b", Payload: []byte("x"), QoS: 1, ID: 7, Retain: true},
	{Kind: Subscribe, ID: 1, Filters: []Filter{{Topic: "a/#", QoS: 1}, {Topic: "b"}}},
	{Kind: Unsubscribe, ID: 2, Filters: []Filter{{Topic: "a/#"}}},
	{Kind: Suback, ID: 1, Codes: []byte{1, 0x80}},
	{Kind: Puback, ID: 9},
	{Kind: Connack, SessionPresent: true},
	{Kind: Pingreq}, {Kind: Pingresp}, {Kind: Disconnect},
}

func TestPackets(t *testing.T) {
	for _, p := range packets {
		for _, version := range []byte{V4, V5} {
			if p.Version != 0 && p.Version != version {
				continue
			}
			b := p.Append(nil, version)
			got, err := Read(bufio.NewReader(bytes.NewReader(b)), version)
			if err != nil {
				t.Errorf("%+v: %x: %v", p, b, err)
				continue
			}
			if len(got.Payload) == 0 {
				got.Payload = nil
			}
			if !reflect.DeepEqual(got, p) {
				t.Errorf("%x = %+v, want %+v", b, got, p)
			}
		}
	}
	whole := &Packet{Kind: Publish, Topic: "t", Payload: []byte("x"), Properties: Properties{
		PayloadFormat: new(byte(1)), MessageExpiry: new(uint32(9)), ContentType: new("c"), ResponseTopic: new("r"), Correlation: []byte{1},
		Subscription: []uint32{300}, Alias: new(uint16(2)), User: [][2]string{{"k", "v"}, {"k", "w"}},
	}}
	got, err := Read(bufio.NewReader(bytes.NewReader(whole.Append(nil, V5))), V5)
	if err != nil || !reflect.DeepEqual(got, whole) {
		t.Errorf("%+v, %v, want %+v", got, err, whole)
	}
}

func TestMalformed(t *testing.T) {
	for _, text := range []string{
		"\x00\x00", "\xf0\x00", "\x80\x00", "\x82\x02\x00\x01", "\x82\x05\x00\x00\x00\x01a\x00", "\x36\x03\x00\x01a", "\x30\x02\x00\x09",
		"\x10\x00", "\x30\x80\x80\x80\x80\x00", "\x30\x03\x00\x01\xff", "\xc0\x01x", "\x32\x05\x00\x01a\x00\x00", "\x30\x80\x00",
	} {
		if p, err := Read(bufio.NewReader(bytes.NewReader([]byte(text))), V4); !errors.Is(err, ErrMalformed) {
			t.Errorf("%x: %+v, %v", text, p, err)
		}
	}
	old := "\x10\x0c\x00\x06MQIsdp\x03\x02\x00\x00"
	if _, err := Read(bufio.NewReader(bytes.NewReader([]byte(old))), 0); !errors.Is(err, ErrVersion) {
		t.Errorf("version 3.1: %v", err)
	}
	if _, err := Read(bufio.NewReader(bytes.NewReader([]byte("\x30\xff\xff\xff\x7f"))), V4); !errors.Is(err, ErrTooLarge) {
		t.Errorf("large: %v", err)
	}
}

// FuzzRead checks that what is read is written so that it reads the same.
func FuzzRead(f *testing.F) {
	for _, p := range packets {
		f.Add(p.Append(nil, V4), false)
		f.Add(p.Append(nil, V5), true)
	}
	f.Fuzz(func(t *testing.T, b []byte, five bool) {
		version := byte(V4)
		if five {
			version = V5
		}
		p, err := Read(bufio.NewReader(bytes.NewReader(b)), version)
		if err != nil {
			return
		}
		again := p.Append(nil, version)
		got, err := Read(bufio.NewReader(bytes.NewReader(again)), version)
		if err != nil || !reflect.DeepEqual(got, p) {
			t.Errorf("%x: %+v\n%x: %+v, %v", b, p, again, got, err)
		}
	})
}
