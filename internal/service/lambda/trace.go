package lambda

import (
	"crypto/rand"
	"encoding/hex"
	"fmt"
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
	text := hex.EncodeToString(id[:])
	return fmt.Sprintf("Root=1-%08x-%s;Parent=%s;Sampled=0", time.Now().Unix(), text[:24], text[24:])
}

// hashOf tells a function apart from others in lineages.
func hashOf(fn aws.ARN) string {
	h := fnv.New32a()
	h.Write([]byte(fn.String()))
	return fmt.Sprintf("%08x", h.Sum32())
}

// depth is how often a function ran in the chain of invokes that a trace header
// comes from.
func depth(trace string, fn aws.ARN) int {
	for part := range strings.SplitSeq(trace, ";") {
		if lineage, ok := strings.CutPrefix(part, "Lineage="); ok {
			for link := range strings.SplitSeq(lineage, "|") {
				fields := strings.Split(link, ":")
				if len(fields) == 3 && fields[1] == hashOf(fn) {
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
func deeper(trace string, fn aws.ARN) string {
	if trace == "" {
		trace = newTrace()
	}
	var parts, links []string
	for part := range strings.SplitSeq(trace, ";") {
		lineage, ok := strings.CutPrefix(part, "Lineage=")
		if !ok {
			parts = append(parts, part)
			continue
		}
		for link := range strings.SplitSeq(lineage, "|") {
			if !strings.Contains(link, ":"+hashOf(fn)+":") {
				links = append(links, link)
			}
		}
	}
	links = append(links, fmt.Sprintf("1:%s:%d", hashOf(fn), depth(trace, fn)+1))
	links = links[max(0, len(links)-maxLineage):]
	return strings.Join(append(parts, "Lineage="+strings.Join(links, "|")), ";")
}

// loops reports whether an event with that trace header is one of a chain
// without end, as far as one can tell.
func (t *target) loops(trace string) bool {
	return !t.mayLoop && depth(trace, t.function) >= maxDepth
}

// errLoop says that a function invokes itself.
func errLoop() error {
	return api.RecursiveInvocationException.Errorf("Lambda has detected that your function is being invoked in a recursive loop with other AWS resources and stopped your function's invocation.")
}
