package dynamodb

import (
	"slices"
	"strings"

	api "github.com/aloft-cloud/aloft/internal/api/dynamodb"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/item"
)

const (
	maxLocals       = 5
	maxGlobals      = 20
	maxKeyParts     = 4 // attributes of each kind in the key of a global index
	maxUnits        = 1_000_000_000_000
	maxProjected    = 100 // named attributes, over all indexes
	keyHash         = "HASH"
	keyRange        = "RANGE"
	projectInclude  = "INCLUDE"
	payPerRequest   = "PAY_PER_REQUEST"
	provisioned     = "PROVISIONED"
	onlyOneLocalKey = 2 // attributes of a table's or local index's key, at most
)

// A schema is what the attributes of a table's keys are, as they are checked.
type schema struct {
	definitions []definition
	seen        map[string]bool // names of indexes
	projected   int             // named attributes
}

func newSchema(defs []api.AttributeDefinition) (*schema, error) {
	s := &schema{seen: make(map[string]bool)}
	for _, d := range defs {
		if slices.ContainsFunc(s.definitions, func(have definition) bool { return have.Name == d.AttributeName }) {
			return nil, refuse(invalid + "Duplicate AttributeName in AttributeDefinitions: " + d.AttributeName)
		}
		t, _ := item.TypeNamed(d.AttributeType) // S, N or B: the decoder checks
		s.definitions = append(s.definitions, definition{d.AttributeName, t})
	}
	return s, nil
}

func (s *schema) find(name string) (definition, bool) {
	i := slices.IndexFunc(s.definitions, func(d definition) bool { return d.Name == name })
	if i < 0 {
		return definition{}, false
	}
	return s.definitions[i], true
}

// key reads the elements of a key, of at most the given number of attributes
// of each kind.
func (s *schema) key(elems []api.KeySchemaElement, most int) (keySchema, error) {
	var k keySchema
	var names []string
	for _, e := range elems {
		names = append(names, e.AttributeName)
	}
	for _, e := range elems {
		if _, ok := s.find(e.AttributeName); !ok {
			return k, refusef(invalid+"Some index key attributes are not defined in AttributeDefinitions. Keys: [%s], AttributeDefinitions: [%s]",
				strings.Join(names, ", "), strings.Join(s.names(), ", "))
		}
	}
	if len(names) == 2 && names[0] == names[1] {
		return k, refuse("Both the Hash Key and the Range Key element in the KeySchema have the same name")
	}
	if elems[0].KeyType != keyHash {
		return k, refuse("Invalid KeySchema: The first KeySchemaElement is not a HASH key type")
	}
	for i, e := range elems {
		d, _ := s.find(e.AttributeName)
		switch {
		case slices.Contains(names[:i], e.AttributeName):
			return k, refuse("Invalid KeySchema: Some attributes are used more than once. Keys: [" + strings.Join(names, ", ") + "]")
		case e.KeyType == keyRange:
			k.Range = append(k.Range, d)
		case len(k.Range) > 0:
			return k, refuse("Invalid KeySchema: HASH key types must come before RANGE key types")
		case len(k.Hash) == most && most == 1:
			return k, refuse("Invalid KeySchema: The second KeySchemaElement is not a RANGE key type")
		default:
			k.Hash = append(k.Hash, d)
		}
	}
	if len(k.Hash) > most || len(k.Range) > most {
		return k, refuse("1 validation error detected: Value '" + "[" + strings.Join(names, ", ") + "]" +
			"' at 'keySchema' failed to satisfy constraint: Member must have length less than or equal to " + item.Int(2*most).Text())
	}
	return k, nil
}

func (s *schema) names() []string {
	names := make([]string, len(s.definitions))
	for i, d := range s.definitions {
		names[i] = d.Name
	}
	return names
}

// projection checks what an index holds and adds it to ix.
func (s *schema) projection(ix *index, p *api.Projection) error {
	if p.ProjectionType == nil {
		return refuse(invalid + "Unknown ProjectionType: null")
	}
	ix.Projection = *p.ProjectionType
	switch {
	case p.NonKeyAttributes != nil && ix.Projection != projectInclude:
		return refuse(invalid + "ProjectionType is " + ix.Projection + ", but NonKeyAttributes is specified")
	case p.NonKeyAttributes == nil && ix.Projection == projectInclude:
		return refuse(invalid + "ProjectionType is INCLUDE, but NonKeyAttributes is not specified")
	}
	for i, name := range p.NonKeyAttributes {
		if slices.Contains(p.NonKeyAttributes[:i], name) {
			return refuse(invalid + "Duplicate attribute name in NonKeyAttributes: " + name)
		}
	}
	s.projected += len(p.NonKeyAttributes)
	if s.projected > maxProjected {
		return refusef(invalid+"Number of NonKeyAttributes exceeds the per-table limit of %d", maxProjected)
	}
	ix.Include = p.NonKeyAttributes
	return nil
}

// unique notes the name of an index.
func (s *schema) unique(name string) error {
	if s.seen[name] {
		return refuse(invalid + "Duplicate index name: " + name)
	}
	s.seen[name] = true
	return nil
}

// local reads the definition of a local index of t.
func (s *schema) local(t *table, in api.LocalSecondaryIndex) (*index, error) {
	ix := &index{Name: in.IndexName}
	var err error
	if ix.Key, err = s.key(in.KeySchema, 1); err != nil {
		return nil, err
	}
	if len(ix.Key.Range) == 0 {
		return nil, refuse(invalid + "Index KeySchema does not have a range key for index: " + ix.Name)
	}
	if own, of := ix.Key.Hash[0].Name, t.Key.Hash[0].Name; own != of {
		return nil, refuse(invalid + "Index KeySchema does not have the same leading hash key as table KeySchema for index: " + ix.Name +
			". index hash key: " + own + ", table hash key: " + of)
	}
	if err := s.projection(ix, in.Projection); err != nil {
		return nil, err
	}
	return ix, s.unique(ix.Name)
}

// global reads the definition of a global index of t.
func (s *schema) global(t *table, in api.GlobalSecondaryIndex) (*index, error) {
	ix := &index{Name: in.IndexName}
	var err error
	if ix.Key, err = s.key(in.KeySchema, maxKeyParts); err != nil {
		return nil, err
	}
	if err := s.projection(ix, in.Projection); err != nil {
		return nil, err
	}
	if err := ix.bill(t, in.ProvisionedThroughput, in.OnDemandThroughput, in.WarmThroughput); err != nil {
		return nil, err
	}
	return ix, s.unique(ix.Name)
}

// bill sets how a global index of t is paid for.
func (ix *index) bill(t *table, p *api.ProvisionedThroughput, d *api.OnDemandThroughput, w *api.WarmThroughput) error {
	switch {
	case t.Billing.OnDemand && p != nil:
		return refuse(invalid + "ProvisionedThroughput should not be specified for index: " + ix.Name + " when BillingMode is PAY_PER_REQUEST")
	case !t.Billing.OnDemand && p == nil:
		return refuse(invalid + "ProvisionedThroughput must be specified for index: " + ix.Name)
	}
	ix.Billing.OnDemand = t.Billing.OnDemand
	return ix.Billing.set(p, d, w)
}

// set takes over the parameters of billing that are given.
func (b *billing) set(p *api.ProvisionedThroughput, d *api.OnDemandThroughput, w *api.WarmThroughput) error {
	if p != nil {
		if p.ReadCapacityUnits > maxUnits {
			return refusef("Given value %d for ReadCapacityUnits is out of bounds", p.ReadCapacityUnits)
		}
		if p.WriteCapacityUnits > maxUnits {
			return refusef("Given value %d for WriteCapacityUnits is out of bounds", p.WriteCapacityUnits)
		}
		b.Read, b.Write = p.ReadCapacityUnits, p.WriteCapacityUnits
	}
	if d != nil && b.OnDemand {
		b.Read, b.Write = max(0, aws.Or(d.MaxReadRequestUnits, b.Read)), max(0, aws.Or(d.MaxWriteRequestUnits, b.Write))
	}
	if w != nil {
		b.WarmRead, b.WarmWrite = aws.Or(w.ReadUnitsPerSecond, b.WarmRead), aws.Or(w.WriteUnitsPerSecond, b.WarmWrite)
	}
	return nil
}

// unused refuses definitions of attributes that no key uses.
func (s *schema) unused(t *table) error {
	used := make(map[string]bool)
	keys := []*keySchema{&t.Key}
	for ix := range t.indexes {
		keys = append(keys, &ix.Key)
	}
	var names []string
	for _, k := range keys {
		for d := range k.attributes {
			if !used[d.Name] {
				names = append(names, d.Name)
			}
			used[d.Name] = true
		}
	}
	switch {
	case len(used) == len(s.definitions):
		return nil
	case len(keys) == 1:
		return refuse(invalid + "Number of attributes in KeySchema does not exactly match number of attributes defined in AttributeDefinitions")
	}
	return refusef(invalid+"Some AttributeDefinitions are not used. AttributeDefinitions: [%s], keys used: [%s]",
		strings.Join(s.names(), ", "), strings.Join(names, ", "))
}
