package dynamodb

import (
	"strings"
	"testing"

	"github.com/aloft-cloud/aloft/internal/item"
	"github.com/aloft-cloud/aloft/internal/jx"
)

// TestIon checks that what is written in Ion is read again as it was.
func TestIon(t *testing.T) {
	check := func(text, want string) {
		t.Helper()
		var it item.Item
		if err := it.DecodeJSON(jx.NewReader(text)); err != nil {
			t.Fatal(err)
		}
		line, err := appendIon(nil, []exportedMember{{"Item", it}})
		if err != nil {
			t.Fatal(err)
		}
		if string(line) != want {
			t.Errorf("%s is %s in Ion, want %s", text, line, want)
		}
		if got := ionItem(line); !got.Equal(it) {
			t.Errorf("%s is read as %s", line, got.AppendJSON(nil))
		}
	}
	check(`{"k":{"S":"x"},"n":{"N":"600"}}`, `$ion_1_0 {Item:{k:"x",n:600.}}`)
	check(`{"n":{"N":"-12.5"},"b":{"B":"AAE="}}`, `$ion_1_0 {Item:{b:{{AAE=}},n:-12.5}}`)
	check(`{"s":{"NS":["1","2"]},"t":{"SS":["a"]}}`, `$ion_1_0 {Item:{s:$dynamodb_NS::[1.,2.],t:$dynamodb_SS::["a"]}}`)
	check(`{"a b":{"M":{"null":{"NULL":true}}},"l":{"L":[{"BOOL":true},{"S":"say \"hi\"\n"}]}}`, `$ion_1_0 {Item:{'a b':{'null':null},l:[true,"say \"hi\"\n"]}}`)
	check(`{"n":{"N":"1E125"},"m":{"N":"-1E-130"}}`, `$ion_1_0 {Item:{m:-1d-130,n:1`+strings.Repeat("0", 125)+`.}}`)
	for _, text := range []string{"", "1", "{Item:1}", "{Item:{a:2007T}}", "{Item:{a:x::[1]}}", "{Item:{a:$dynamodb_SS::[1]}}", "{Item:{a:1e3}}", "{Item:", "{Item:{a:$dynamodb_SS::[\"a\",\"a\"]}}"} {
		if got := ionItem([]byte(text)); got != nil && got.Err() == nil {
			t.Errorf("%s is read as %s", text, got.AppendJSON(nil))
		}
	}
}
