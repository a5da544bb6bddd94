package lambda

import (
	"crypto/rand"
	"encoding/binary"
	"encoding/hex"
	"hash/fnv"
	"strconv"
	"strings"
	"time"

	api "github.com/aloft-cloud/aloft/internal/api/lambda"
	"github.com/aloft-cloud/aloft/internal/aws"
)

// maxDepth is how often a function runs in a chain of invokes that it causes
// itself before the chain is broken.
const maxDepth = 16

// maxTrace is how long a trace header is that is kept.
const maxTrace = 512

// newTrace is a trace header for an invoke that has none.
func newTrace() string {
	var id [20]byte
	rand.Read(id[:])
	binary.BigEndian.PutUint64(id[12:], binary.BigEndian.Uint64(id[12:])|1) // a parent is not zero
	text := make([]byte, 0, 128)
	text = append(text, "Root=1-"...)
	text = hex.AppendEncode(text, binary.BigEndian.AppendUint32(nil, uint32(time.Now().Unix())))
	text = append(text, '-')
	text = hex.AppendEncode(text, id[:12])
	text = append(text, ";Parent="...)
	text = hex.AppendEncode(text, id[12:])
	return string(append(text, ";Sampled=0"...))
}

// hashOf tells a function apart from others in lineages.
func hashOf(fn aws.ARN) string {
	h := fnv.New32a()
	h.Write([]byte(fn.String()))
	return hex.EncodeToString(h.Sum(nil))
}

// depth is how often the function of a hash ran in the chain of invokes that a
// trace header comes from.
func depth(trace, hash string) int {
	for part := range strings.SplitSeq(trace, ";") {
		if lineage, ok := strings.CutPrefix(part, "Lineage="); ok {
			for link := range strings.SplitSeq(lineage, "|") {
				fields := strings.Split(link, ":")
				if len(fields) == 3 && fields[1] == hash {
					n, _ := strconv.Atoi(fields[2])
					return n
				}
			}
		}
	}
	return 0
}

// maxLineage is how many functions a lineage tells of; the oldest are left out.
const maxLineage = 3

// deeper is a trace header with one more run of a function in its lineage.
func deeper(trace, hash string) string {
	if trace == "" {
		return newTrace() + ";Lineage=1:" + hash + ":1"
	}
	var parts, links []string
	for part := range strings.SplitSeq(trace, ";") {
		lineage, ok := strings.CutPrefix(part, "Lineage=")
		if !ok {
			parts = append(parts, part)
			continue
		}
		for link := range strings.SplitSeq(lineage, "|") {
			if !strings.Contains(link, ":"+hash+":") {
				links = append(links, link)
			}
		}
	}
	links = append(links, "1:"+hash+":"+strconv.Itoa(depth(trace, hash)+1))
	links = links[max(0, len(links)-maxLineage):]
	return strings.Join(append(parts, "Lineage="+strings.Join(links, "|")), ";")
}

// loops reports whether an event with that trace header is one of a chain
// without end, as far as one can tell.
func (t *target) loops(trace string) bool {
	return !t.mayLoop && depth(trace, t.hash) >= maxDepth
}

// errLoop says that a function invokes itself.
func errLoop() error {
	return api.RecursiveInvocationException.Errorf("Lambda has detected that your function is being invoked in a recursive loop with other AWS resources and stopped your function's invocation.")
}
