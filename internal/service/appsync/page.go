package appsync

import (
	"encoding/base64"
	"iter"

	api "github.com/aloft-cloud/aloft/internal/api/appsync"
	"github.com/aloft-cloud/aloft/internal/aws"
)

// maxPage is how many items a list has at most.
const maxPage = 25

// page takes a page of rows, which scan yields past a key's text, and returns
// the token with which the list goes on.
func page[K, V, Item any](token *string, maxResults *int32, scan func(after string) iter.Seq2[K, V], name func(K) string, item func(K, V) (Item, bool)) ([]Item, *string, error) {
	after := ""
	if token != nil {
		b, err := base64.RawURLEncoding.DecodeString(*token)
		if err != nil || len(b) == 0 {
			return nil, nil, api.BadRequestException.Errorf("Invalid pagination token given.")
		}
		after = string(b)
	}
	limit := int(min(aws.Or(maxResults, maxPage), maxPage))
	if limit < 1 {
		limit = maxPage
	}
	items, last := []Item{}, ""
	for k, v := range scan(after) {
		it, ok := item(k, v)
		if !ok {
			continue
		}
		if len(items) == limit {
			return items, new(base64.RawURLEncoding.EncodeToString([]byte(last))), nil
		}
		items, last = append(items, it), name(k)
	}
	return items, nil, nil
}
