package template

import (
	"math/big"
	"net/netip"
	"strconv"
)

const maxCIDRs = 256

// cidr cuts a block of addresses into smaller ones. Its arguments are the
// block, how many to make, and how many host bits each has.
func cidr(args []any) (any, error) {
	if len(args) != 2 && len(args) != 3 {
		return nil, badArgs("Fn::Cidr")
	}
	text, ok := Text(args[0])
	block, err := netip.ParsePrefix(text)
	if !ok || err != nil {
		return nil, badArgs("Fn::Cidr")
	}
	width := block.Addr().BitLen()
	hostBits := 8
	if width == 128 {
		hostBits = 64
	}
	count, ok := wholeNumber(args[1])
	if len(args) == 3 && ok {
		hostBits, ok = wholeNumber(args[2])
	}
	if !ok || count < 1 || count > maxCIDRs || hostBits < 1 || hostBits > width-block.Bits() {
		return nil, badArgs("Fn::Cidr")
	}
	if room := width - hostBits - block.Bits(); room < 8 && count > 1<<room {
		return nil, errorf("Template error: Fn::Cidr cannot make %d blocks of %d bits in %s", count, hostBits, text)
	}
	start := new(big.Int).SetBytes(block.Masked().Addr().AsSlice())
	step := new(big.Int).Lsh(big.NewInt(1), uint(hostBits))
	list := []any{}
	for range count {
		addr, _ := netip.AddrFromSlice(start.FillBytes(make([]byte, width/8)))
		list = append(list, netip.PrefixFrom(addr, width-hostBits).String())
		start.Add(start, step)
	}
	return list, nil
}

func wholeNumber(v any) (int, bool) {
	text, ok := Text(v)
	n, err := strconv.Atoi(text)
	return n, ok && err == nil
}
