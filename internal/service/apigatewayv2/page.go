package apigatewayv2

import (
	"encoding/base64"
	"strconv"

	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/store"
)

// usualPage and maxPage are how many items a list has, and has at most.
const (
	usualPage = 100
	maxPage   = 500
)

// pageOf reads what a caller asks of a list: how many items, and past which id.
func pageOf(maxResults, token *string) (limit int, after string, err error) {
	limit = usualPage
	if maxResults != nil {
		if limit, err = strconv.Atoi(*maxResults); err != nil || limit < 1 {
			return 0, "", errBad("Invalid value for maxResults: %s", *maxResults)
		}
	}
	if token != nil {
		b, err := base64.RawURLEncoding.DecodeString(*token)
		if err != nil || len(b) == 0 {
			return 0, "", errToken()
		}
		after = string(b)
	}
	return min(limit, maxPage), after, nil
}

// tokenAfter is the token with which a list goes on past id.
func tokenAfter(id string) *string {
	return new(base64.RawURLEncoding.EncodeToString([]byte(id)))
}

// list returns a page of the parts of an API from their table.
func list[V, Item any](tx *store.Tx, table store.Table[partKey, V], call *aws.Call, apiID string, maxResults, token *string, item func(V) Item) ([]Item, *string, error) {
	limit, after, err := pageOf(maxResults, token)
	if err != nil {
		return nil, nil, err
	}
	arn, _, err := findAPI(tx, call, apiID)
	if err != nil {
		return nil, nil, err
	}
	items, last := []Item{}, ""
	for key, row := range table.ScanAfter(tx, partKey{API: arn}, partKey{arn, after}) {
		if len(items) == limit {
			return items, tokenAfter(last), nil
		}
		items, last = append(items, item(row)), key.ID
	}
	return items, nil, nil
}
