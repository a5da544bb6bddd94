package dynamodb

import (
	"slices"
	"strings"

	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/item"
)

const (
	maxHashKey  = 2048
	maxRangeKey = 1024
	maxItem     = 400 << 10
)

// checkKey refuses a key that is not one of t.
func (t *table) checkKey(key item.Item) error {
	if key.Len() != len(t.Key.Hash)+len(t.Key.Range) {
		return errKeySchema
	}
	for d := range t.Key.attributes {
		if err := checkKeyValue(d, key.Get(d.Name), d == t.Key.Hash[0]); err != nil {
			return err
		}
	}
	return nil
}

// checkKeyValue refuses a value that cannot be part of a key.
func checkKeyValue(d definition, v item.Value, hash bool) error {
	if v.Type() != d.Type {
		return errKeySchema
	}
	if v.Len() == 0 && d.Type != item.N {
		return errEmptyKey(d)
	}
	return checkKeySize(v, hash)
}

// emptyKey begins what is said of keys that are empty.
const emptyKey = "One or more parameter values are not valid. The AttributeValue for a key attribute cannot contain an empty "

func errEmptyKey(d definition) error {
	return refuse(emptyKey + kindName(d.Type) + " value. Key: " + d.Name)
}

// errGetKey puts err as GetItem does, which alone says of empty keys what it says of others.
func errGetKey(err error) error {
	if rest, ok := strings.CutPrefix(aws.Refusal(err).Message, emptyKey); ok {
		return refuse(invalid + emptyKey[strings.Index(emptyKey, "The "):] + rest)
	}
	return err
}

func kindName(t item.Type) string {
	if t == item.B {
		return "binary"
	}
	return "string"
}

func checkKeySize(v item.Value, hash bool) error {
	switch n := v.Size(); {
	case hash && n > maxHashKey:
		return refuse(invalid + "Size of hashkey has exceeded the maximum size limit of2048 bytes")
	case !hash && n > maxRangeKey:
		return refuse(invalid + "Aggregated size of all range keys has exceeded the size limit of 1024 bytes")
	}
	return nil
}

// checkItem refuses an item that cannot be one of t.
func (t *table) checkItem(it item.Item) error {
	for d := range t.Key.attributes {
		v := it.Get(d.Name)
		switch {
		case v == nil:
			return refuse(invalid + "Missing the key " + d.Name + " in the item")
		case v.Type() != d.Type:
			return refuse(invalid + "Type mismatch for key " + d.Name + " expected: " + d.Type.String() + " actual: " + v.Type().String())
		case v.Len() == 0 && d.Type != item.N:
			return errEmptyKey(d)
		}
		if err := checkKeySize(v, d == t.Key.Hash[0]); err != nil {
			return err
		}
	}
	for ix := range t.indexes {
		if err := ix.checkItem(it); err != nil {
			return err
		}
	}
	return nil
}

// checkItem refuses an item that has an attribute of the index's key, but of
// another type or with a value that cannot be a key.
func (ix *index) checkItem(it item.Item) error {
	for d := range ix.Key.attributes {
		v := it.Get(d.Name)
		switch {
		case v == nil || ix.local && d == ix.Key.Hash[0]:
			continue
		case v.Type() != d.Type:
			return errIndexType(ix, d, v.Type())
		case v.Len() == 0 && d.Type != item.N:
			return refuse("One or more parameter values are not valid. A value specified for a secondary index key is not supported. " +
				"The AttributeValue for a key attribute cannot contain an empty " + kindName(d.Type) + " value. IndexName: " + ix.Name + ", IndexKey: " + d.Name)
		}
		if err := checkKeySize(v, slices.Contains(ix.Key.Hash, d)); err != nil {
			return err
		}
	}
	return nil
}

func errIndexType(ix *index, d definition, actual item.Type) error {
	return refuse(invalid + "Type mismatch for Index Key " + d.Name + " Expected: " + d.Type.String() + " Actual: " + actual.String() + " IndexName: " + ix.Name)
}

// checkUpdated refuses an item that an update has made of old, if it has
// changed an attribute of an index's key to what cannot be a key.
func (t *table) checkUpdated(old, it item.Item) error {
	for ix := range t.indexes {
		for d := range ix.Key.attributes {
			v := it.Get(d.Name)
			if v == nil || v.Equal(old.Get(d.Name)) {
				continue
			}
			if v.Type() != d.Type {
				return refuse("The update expression attempted to update the secondary index key to unsupported type")
			}
			if v.Len() == 0 && d.Type != item.N {
				return refuse("One or more parameter values are not valid. The update expression attempted to update a secondary index key to a value that is not supported. " +
					"The AttributeValue for a key attribute cannot contain an empty " + kindName(d.Type) + " value.")
			}
			if err := checkKeySize(v, slices.Contains(ix.Key.Hash, d)); err != nil {
				return err
			}
		}
	}
	if it.Size() > maxItem {
		return errUpdateSize
	}
	return checkNesting(it)
}

// checkNesting refuses an item that is nested too deep, as a part of it may
// have come to be in an update.
func checkNesting(it item.Item) error {
	for _, v := range it.All {
		if v.Depth() > item.MaxDepth {
			return errNesting
		}
	}
	return nil
}
