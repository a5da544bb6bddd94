package lambda

import (
	"encoding/base64"

	"github.com/aloft-cloud/aloft/internal/aws"
)

// maxPage is how many items an answer lists at most.
const maxPage = 50

// A pager takes the items of one page from those of a list, which pass it in
// the order of their keys.
type pager struct {
	after string // key of the last item of the page before
	last  string // that was taken
	left  int    // that the page has room for
	more  bool   // items come after the page
}

// newPager begins the page after marker.
func newPager(marker *string, limit *int32) (*pager, error) {
	after, err := base64.RawURLEncoding.DecodeString(aws.Value(marker))
	if err != nil {
		return nil, invalid("Invalid Marker: %s", *marker)
	}
	return &pager{after: string(after), left: min(maxPage, int(aws.Or(limit, maxPage)))}, nil
}

// takes reports whether the item with that key is on the page.
func (p *pager) takes(key string) bool {
	switch {
	case p.after != "" && key <= p.after:
		return false
	case p.left == 0:
		p.more = true
		return false
	}
	p.left--
	p.last = key
	return true
}

// next is the marker of the page after, nil if there is none.
func (p *pager) next() *string {
	if !p.more {
		return nil
	}
	return new(base64.RawURLEncoding.EncodeToString([]byte(p.last)))
}
