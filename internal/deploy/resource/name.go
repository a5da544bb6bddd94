package resource

import (
	"crypto/rand"
	"strings"
)

// Naming is how a resource is named that the template does not name.
type Naming struct {
	Property string // that names it; empty: it has no name of its own
	Max      int    // letters; 0: 255
	Lower    bool   // small letters only, as buckets
	Letters  bool   // no hyphens
}

const randomLetters = 12

// NewName makes a name of the stack's, the logical id and random letters.
func (n Naming) NewName(stack, id string) string {
	most := n.Max
	if most == 0 {
		most = 255
	}
	letters := "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
	separator := "-"
	if n.Lower {
		letters = letters[26:]
		stack, id = strings.ToLower(stack), strings.ToLower(id)
	}
	if n.Letters {
		separator = ""
		stack = strings.ReplaceAll(stack, "-", "")
	}
	room := most - randomLetters - 2*len(separator)
	if len(stack)+len(id) > room {
		stack = stack[:min(len(stack), max(room/2, room-len(id)))]
		id = id[:min(len(id), room-len(stack))]
	}
	return stack + separator + id + separator + random(letters)
}

// random returns letters, each as likely as any other.
func random(letters string) string {
	var b strings.Builder
	var buf [1]byte
	limit := byte(256 / len(letters) * len(letters) % 256)
	for b.Len() < randomLetters {
		rand.Read(buf[:])
		if limit != 0 && buf[0] >= limit {
			continue
		}
		b.WriteByte(letters[int(buf[0])%len(letters)])
	}
	return b.String()
}

// Named returns the name that the template gives the resource, or the one that
// was generated for it.
func (op *Op) Named(property string) string {
	if name := op.Text(property); name != "" {
		return name
	}
	return op.Name
}
