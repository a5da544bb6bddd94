package storetest

import (
	"strings"
	"testing"
)

// The checker finds each kind of broken promise.
func TestCheck(t *testing.T) {
	write := func(id int, at int64, ops ...Op) Txn { return Txn{ID: id, Start: at, End: at + 1, Ops: ops} }
	both := func(at int64, list []int, set []int) Txn {
		return write(-1, at, Op{Kind: Read, Seen: list}, Op{Kind: Scan, Seen: set})
	}
	a := func(v int) Op { return Op{Kind: Append, Val: v} }
	i := func(v int) Op { return Op{Kind: Insert, Val: v} }
	unknown := write(3, 0, a(9))
	unknown.Unknown = true
	for _, test := range []struct {
		name    string
		history []Txn
		want    string
	}{
		{"nothing wrong", []Txn{write(1, 10, a(1), i(2)), write(2, 20, a(3)), unknown, both(30, []int{1, 3}, []int{2})}, ""},
		{"unknown and kept", []Txn{write(1, 10, a(1)), unknown, both(30, []int{1, 9}, nil)}, ""},
		{"lost", []Txn{write(1, 10, a(1)), both(30, nil, nil)}, "lost"},
		{"garbage", []Txn{both(30, []int{1}, nil)}, "nobody wrote"},
		{"two orders", []Txn{write(1, 0, a(1)), write(2, 0, a(2)), both(0, []int{1, 2}, nil), both(0, []int{2, 1}, nil)}, "two orders"},
		{"stale read", []Txn{write(1, 10, a(1)), both(20, nil, nil), both(30, []int{1}, nil)}, "cycle"},
		{"stale scan", []Txn{write(1, 10, i(1)), both(20, nil, nil), both(30, nil, []int{1})}, "cycle"},
		{"torn for ever", []Txn{{ID: 1, Unknown: true, Ops: []Op{a(1), i(2)}}, both(20, []int{1}, nil)}, "lost"},
		{"torn", []Txn{{ID: 1, Unknown: true, Ops: []Op{a(1), i(2)}}, both(20, []int{1}, nil), both(30, []int{1}, []int{2})}, "cycle"},
		{"write skew", []Txn{
			{ID: 1, Start: 0, End: 9, Ops: []Op{{Kind: Scan}, {Kind: Append, Key: 5, Val: 1}}},
			{ID: 2, Start: 0, End: 9, Ops: []Op{{Kind: Read, Key: 5}, i(2)}},
			write(3, 30, Op{Kind: Read, Key: 5, Seen: []int{1}}, Op{Kind: Scan, Seen: []int{2}}),
		}, "cycle"},
	} {
		err := Check(test.history)
		if test.want == "" && err != nil || test.want != "" && (err == nil || !strings.Contains(err.Error(), test.want)) {
			t.Errorf("%s: Check = %v, want %q", test.name, err, test.want)
		}
	}
}
