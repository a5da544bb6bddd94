package ca

import (
	"bytes"
	"crypto/sha1"
	"encoding/binary"
	"encoding/pem"
	"fmt"
	"time"
	"unicode/utf16"
)

// keyStorePassword protects nothing: it is what Java's own trust store has, and
// programs that give one give this.
const keyStorePassword = "changeit"

// KeyStore is Bundle as a trust store of Java, in the format JKS.
func (a *Authority) KeyStore() []byte {
	var body bytes.Buffer
	count := 0
	for rest := a.Bundle(); ; count++ {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil {
			break
		}
		put(&body, uint32(2)) // a trusted certificate
		putString(&body, fmt.Sprintf("root%d", count))
		put(&body, uint64(time.Now().UnixMilli()))
		putString(&body, "X.509")
		put(&body, uint32(len(block.Bytes)))
		body.Write(block.Bytes)
	}
	var store bytes.Buffer
	put(&store, uint32(0xfeedfeed))
	put(&store, uint32(2)) // the version
	put(&store, uint32(count))
	store.Write(body.Bytes())
	sum := sha1.New()
	binary.Write(sum, binary.BigEndian, utf16.Encode([]rune(keyStorePassword)))
	sum.Write([]byte("Mighty Aphrodite"))
	sum.Write(store.Bytes())
	return sum.Sum(store.Bytes())
}

func put[T uint16 | uint32 | uint64](b *bytes.Buffer, v T) { binary.Write(b, binary.BigEndian, v) }

func putString(b *bytes.Buffer, s string) {
	put(b, uint16(len(s)))
	b.WriteString(s)
}
