package dynamodb

import (
	"crypto/rand"
	"errors"
	"slices"
	"time"

	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/item"
	"github.com/aloft-cloud/aloft/internal/store"
)

var (
	tables   = store.NewTable[aws.ARN, table]("dynamodb.table")
	versions = store.NewBytes[aws.ARN]("dynamodb.version") // of the rows in tables
	rowsOf   = store.NewBytes[rowsKey]("dynamodb.item")
)

// A version is a row of tables as it was at one time. It is marked, or read, with
// every request in place of the row, which is kept in memory decoded; see findTable.
type version [16]byte

func newVersion() (v version) {
	rand.Read(v[:])
	return v
}

// A rowsKey names the items of a table, or the entries of one of its indexes.
// Ids are never used again, so what is made under the name of something
// deleted is empty.
type rowsKey struct {
	Table string // its id
	Index string // id of the index, empty for the table's items
}

// A table is all that is known of a table besides its items.
type table struct {
	ID          string // a UUID
	Created     time.Time
	Key         keySchema
	Definitions []definition // in the order they came
	Locals      []*index     `json:",omitempty"`
	Globals     []*index     `json:",omitempty"`
	LastIndex   int          `json:",omitempty"` // id of the index made last
	Tags        map[string]string
	Billing     billing
	TTL         ttl
	Stream      stream
	Encryption  *encryption   `json:",omitempty"`
	Class       string        `json:",omitempty"`
	ClassSince  time.Time     `json:",omitzero"`
	Protected   bool          `json:",omitempty"` // from deletion
	Policy      policy        `json:",omitzero"`
	Recovery    recovery      `json:",omitzero"`
	Restored    *restoration  `json:",omitempty"`
	Kinesis     []destination `json:",omitempty"`
	Insights    []insight     `json:",omitempty"`
	Replicas    []replica     `json:",omitempty"` // in all regions, its own too; nil: it is no global table
	Consistency string        `json:",omitempty"` // between replicas
	Global      time.Time     `json:",omitzero"`  // when it became one of version 2017.11.29
	Importing   aws.ARN       `json:",omitzero"`  // the import that fills it
	Copies      []aws.ARN     `json:",omitempty"` // backups and exports that are being made
	Transition  *transition   `json:",omitempty"` // what it is going through

	arn     aws.ARN // of the row
	version version
	current store.Rows  // its version, under no key
	mark    *store.Mark // of that, if there could be one
	rows    store.Rows  // its items
}

// A definition is the type of an attribute that keys use.
type definition struct {
	Name string
	Type item.Type
}

// A keySchema names the attributes of a key: those that items are spread by,
// and those that order items with the same. Keys of tables have one of the
// first, and at most one of the second.
type keySchema struct {
	Hash  []definition
	Range []definition `json:",omitempty"`
}

// An index orders the items of a table by other attributes.
type index struct {
	Name       string
	ID         string
	Key        keySchema
	Projection string   // ALL, KEYS_ONLY, INCLUDE
	Include    []string `json:",omitempty"`
	Billing    billing
	Backfill   *backfill `json:",omitempty"` // what is being done before it can be read

	local bool
	rows  store.Rows
	keys  []string // attributes of its key and the table's, each once
}

// Billing is how a table or index is paid for.
type billing struct {
	OnDemand      bool
	OnDemandSince time.Time `json:",omitzero"`
	Read, Write   int64     // units, if provisioned; the most, or 0, if not
	Increased     time.Time `json:",omitzero"`
	Decreased     time.Time `json:",omitzero"`
	Decreases     int64     // today
	WarmRead      int64     `json:",omitempty"` // asked for
	WarmWrite     int64     `json:",omitempty"`
}

// units are what is provisioned: none on demand.
func (b *billing) units() (read, write int64) {
	if b.OnDemand {
		return 0, 0
	}
	return b.Read, b.Write
}

// indexes yields the table's indexes.
func (t *table) indexes(yield func(*index) bool) {
	for _, list := range [][]*index{t.Globals, t.Locals} {
		for _, ix := range list {
			if !yield(ix) {
				return
			}
		}
	}
}

// name returns the table's name.
func (t *table) name() string { return tableName(t.arn) }

// attributes yields the attributes of a key.
func (k *keySchema) attributes(yield func(definition) bool) {
	for _, list := range [][]definition{k.Hash, k.Range} {
		for _, d := range list {
			if !yield(d) {
				return
			}
		}
	}
}

// names returns the names of the key's attributes.
func (k *keySchema) names() []string {
	var names []string
	for d := range k.attributes {
		names = append(names, d.Name)
	}
	return names
}

// fits reports whether it has all attributes of the key, of the right types.
func (k *keySchema) fits(it item.Item) bool {
	for d := range k.attributes {
		if it.Get(d.Name).Type() != d.Type {
			return false
		}
	}
	return true
}

// complete fills in what is not in the row.
func (t *table) complete(arn aws.ARN, v version) {
	t.arn, t.version, t.current = arn, v, versions.Rows(arn)
	t.rows = rowsOf.Rows(rowsKey{Table: t.ID})
	for _, ix := range t.Locals {
		ix.local = true
	}
	for ix := range t.indexes {
		ix.rows = rowsOf.Rows(rowsKey{Table: t.ID, Index: ix.ID})
		ix.keys = t.Key.names()
		for _, name := range ix.Key.names() {
			if !slices.Contains(ix.keys, name) {
				ix.keys = append(ix.keys, name)
			}
		}
	}
}

// readTable returns the table that arn names, for the caller to change.
func readTable(tx *store.Tx, arn aws.ARN) (*table, error) {
	var v version
	err := versions.Rows(arn).Read(tx, nil, func(row []byte) error {
		copy(v[:], row)
		return nil
	})
	if err != nil {
		return nil, err
	}
	t, err := tables.Get(tx, arn)
	if err != nil {
		return nil, err
	}
	t.complete(arn, v)
	return &t, nil
}

// putTable keeps what the caller has changed of t, and of its replicas with it.
func putTable(tx *store.Tx, t *table) error {
	if err := t.share(tx); err != nil {
		return err
	}
	return putOne(tx, t)
}

func putOne(tx *store.Tx, t *table) error {
	t.complete(t.arn, newVersion())
	if err := t.current.Put(tx, nil, t.version[:]); err != nil {
		return err
	}
	return tables.Put(tx, t.arn, *t)
}

// findTable returns the table that arn names, which must not be changed. One
// that is still being restored cannot be used, nor can one without its key.
func (s *Service) findTable(tx *store.Tx, arn aws.ARN) (*table, error) {
	t, err := s.lookTable(tx, arn)
	if err == nil && t.unfinished() {
		return nil, errNoResource
	}
	if err == nil && t.Encryption != nil {
		err = s.checkKey(tx, t)
	}
	return t, err
}

// assumeTable returns the table that arn names as it was last seen, or nil, for
// a View that reads its rows. If it finds any, the table is there as far as
// reads care: its key never changes, an index is deleted with its rows, and ids
// are never used again. If it finds none, it must ask findTable. That spares
// the read of the version, a third of a GetItem.
func (s *Service) assumeTable(arn aws.ARN) *table {
	v, ok := s.known.Load(arn)
	if !ok {
		return nil
	}
	t := v.(*table)
	if _, gone := s.gone.Load(goneKey{arn, t.ID}); gone || t.unfinished() || t.limited(false) || t.Encryption.named() != "" {
		return nil
	}
	return t
}

// A goneKey names a table, or a replica, that has been deleted.
type goneKey struct {
	Table aws.ARN
	ID    string
}

// part ends what assumeTable says of a table that is being deleted. Its rows
// may stay, for a backup or for replicas, so whoever sees the deletion must
// see this too: call it before the deletion commits.
func (s *Service) part(arn aws.ARN, id string) {
	s.gone.Store(goneKey{arn, id}, true)
	s.known.Delete(arn)
}

// lookTable is findTable for what may be known of a table before it can be used.
// Its version, marked or read, is part of what tx depends on.
func (s *Service) lookTable(tx *store.Tx, arn aws.ARN) (*table, error) {
	if v, ok := s.known.Load(arn); ok {
		known := v.(*table)
		if tx.Holds(known.mark) {
			return known, nil
		}
		same := false
		err := known.current.Read(tx, nil, func(row []byte) error {
			same = version(row) == known.version
			return nil
		})
		if err == nil && same {
			if m := known.current.Mark(tx, nil); m != nil {
				marked := *known
				marked.mark = m
				s.known.Store(arn, &marked)
			}
			return known, nil
		}
	}
	t, err := readTable(tx, arn)
	if errors.Is(err, store.ErrNotFound) {
		return nil, errNoResource
	}
	if err != nil {
		return nil, err
	}
	t.mark = t.current.Mark(tx, nil)
	s.known.Store(arn, t)
	return t, nil
}

// changeTable reads the table that arn names and keeps what change makes of it.
func changeTable(tx *store.Tx, arn aws.ARN, change func(*table) error) (*table, error) {
	t, err := readTable(tx, arn)
	if errors.Is(err, store.ErrNotFound) {
		return nil, errNoTable(arn)
	}
	if err != nil {
		return nil, err
	}
	if t.unfinished() {
		return nil, errInUse(t)
	}
	if err := change(t); err != nil {
		return nil, err
	}
	return t, putTable(tx, t)
}

// itemKey returns the key of the row of an item. Items lie in the order of a
// hash of their partition key, then by that, then by sort key.
func (t *table) itemKey(it item.Item) []byte {
	return appendKey(make([]byte, 0, 64), it, &t.Key)
}

// appendKey appends the key of it, which fits k, to b.
func appendKey(b []byte, it item.Item, k *keySchema) []byte {
	var room [4]item.Value
	vs := room[:0]
	for _, d := range k.Hash {
		vs = append(vs, it.Get(d.Name))
	}
	b = appendHash(b, vs)
	for _, v := range vs {
		b = item.AppendKey(b, v)
	}
	for _, d := range k.Range {
		b = item.AppendKey(b, it.Get(d.Name))
	}
	return b
}

func appendHash(b []byte, vs []item.Value) []byte {
	hash := item.Hash(vs...)
	return append(b, hash[:]...)
}

// entryKey returns the key of the entry that it has in ix, or nil if it has
// none. Entries with the same index key are in the order of a hash of the
// item's key.
func (t *table) entryKey(ix *index, it item.Item) []byte {
	if !ix.Key.fits(it) {
		return nil
	}
	key := appendKey(make([]byte, 0, 96), it, &ix.Key)
	var room [2]item.Value
	own := room[:0]
	for d := range t.Key.attributes {
		own = append(own, it.Get(d.Name))
	}
	key = appendHash(key, own)
	for _, v := range own {
		key = item.AppendKey(key, v)
	}
	return key
}

// project returns what of it an entry of ix holds.
func (ix *index) project(it item.Item) item.Item {
	if ix.Projection == "ALL" {
		return it
	}
	return pick(it, ix.keys, ix.Include)
}

// pick returns the attributes of it that are in one of lists of names.
func pick(it item.Item, lists ...[]string) item.Item {
	var out []item.Attribute
	for _, names := range lists {
		for _, name := range names {
			if v := it.Get(name); v != nil {
				out = append(out, item.Attribute{Name: name, Value: v})
			}
		}
	}
	return item.New(out...)
}

// without returns list without what is one of out.
func without[T comparable](list []T, out ...T) []T {
	return slices.DeleteFunc(list, func(v T) bool { return slices.Contains(out, v) })
}
