package main

import (
	"strconv"
	"strings"
)

// tag is the tag of a member, in the language that package smithy describes.
// Constraints are for what comes in.
func (a *api) tag(s *shape, member string, input bool) string {
	r := s.Members.at[member]
	t := a.Shapes.at[r.Shape]
	opts := append([]string{a.wireName(r, t, member)}, a.place(s, r, t, member)...)
	opts = append(opts, a.options(t, r, input)...)
	tag := "aws:" + strconv.Quote(strings.Join(opts, ","))
	if enum := enumeration(t, r); input && len(enum) > 0 {
		tag += " enum:" + strconv.Quote(strings.Join(enum, "|"))
	}
	if input && t.Pattern != "" {
		tag += " pattern:" + strconv.Quote(t.Pattern)
	}
	tag += a.elements("", t, input)
	if strings.Contains(tag, "`") {
		return strconv.Quote(tag)
	}
	return "`" + tag + "`"
}

// wireName is the member's name on the wire. Elements of a list without
// wrapper are named by the list's own element name, if it says one.
func (a *api) wireName(r *ref, t *shape, member string) string {
	if (r.Flattened || t.Flattened) && t.Type == "list" && t.Member.LocationName != "" {
		return t.Member.LocationName
	}
	if r.LocationName != "" {
		return r.LocationName
	}
	return member
}

func (a *api) isEC2() bool { return a.Metadata.protocols()[0] == "ec2" }

// queryName is the member's name in queries, if it differs. Those of EC2 begin
// with a capital letter.
func (a *api) queryName(r *ref, t *shape, member string) string {
	wire := a.wireName(r, t, member)
	if name := strings.ToUpper(wire[:1]) + wire[1:]; a.isEC2() && r.QueryName == "" && name != wire {
		return name
	}
	return r.QueryName
}

// place says where the member travels and in what form.
func (a *api) place(s *shape, r *ref, t *shape, member string) []string {
	var opts []string
	add := func(yes bool, opt string) {
		if yes {
			opts = append(opts, opt)
		}
	}
	add(s.requires(member), "required")
	if query := a.queryName(r, t, member); query != "" {
		add(true, "qname="+query)
		add(!a.isEC2(), "xname="+query)
	}
	add(r.Location != "", r.Location)
	add(s.Payload == member, "payload")
	add(r.Flattened || t.Flattened, "flat")
	add(r.Attribute, "attr")
	ns := r.Namespace
	if ns == nil {
		ns = t.Namespace
	}
	if ns != nil {
		add(ns.URI != "", "ns="+ns.URI)
		add(ns.Prefix != "", "nsp="+ns.Prefix)
	}
	add(r.JSONValue, "jsonvalue")
	add(s.Events, "event")
	add(r.EventPayload, "eventpayload")
	add(r.EventHeader, "eventheader")
	return opts
}

// options are those of a shape wherever it is: as a member, element or key.
func (a *api) options(t *shape, r *ref, input bool) []string {
	opts := collection(t, r)
	if f := t.TSFormat; f != "" {
		opts = append(opts, "ts="+f)
	} else if f := r.TSFormat; f != "" {
		opts = append(opts, "ts="+f)
	}
	if t.Sparse {
		opts = append(opts, "sparse")
	}
	if t.Sensitive {
		opts = append(opts, "sensitive")
	}
	if input {
		opts = append(opts, bounds(t)...)
	}
	return opts
}

// collection names the elements of a list or map, where not as usual.
func collection(t *shape, r *ref) []string {
	var opts []string
	name := func(opt string, r *ref, usual string) {
		if r.LocationName != "" && r.LocationName != usual {
			opts = append(opts, opt+"="+r.LocationName)
		}
	}
	switch {
	case t.Type == "list" && !t.Flattened && !r.Flattened:
		name("item", t.Member, "member")
	case t.Type == "map":
		name("key", t.Key, "key")
		name("value", t.Value, "value")
	}
	return opts
}

// bounds are the least and the most of s.
func bounds(s *shape) []string {
	var opts []string
	number := s.Type == "integer" || s.Type == "long" || s.Type == "float" || s.Type == "double"
	if s.Min != "" && (number || s.Min != "0") {
		opts = append(opts, "min="+s.Min.String())
	}
	if s.Max != "" {
		opts = append(opts, "max="+s.Max.String())
	}
	return opts
}

func enumeration(t *shape, r *ref) []string {
	if len(r.Enum) > 0 {
		return r.Enum
	}
	return t.Enum
}

// elements are the tags that describe what the collection t holds: item and
// mapkey, and below path what those hold in turn.
func (a *api) elements(path string, t *shape, input bool) string {
	if t.Go != "" {
		return ""
	}
	tag := ""
	describe := func(name string, r *ref) {
		e := a.Shapes.at[r.Shape]
		text := strings.Join(a.options(e, r, input), ",")
		if input {
			text += ";;" + strings.Join(enumeration(e, r), "|") + ";;" + e.Pattern
		}
		if text = strings.TrimRight(text, ";"); text != "" {
			tag += " " + path + name + ":" + strconv.Quote(text)
		}
		tag += a.elements(path+name+".", e, input)
	}
	switch t.Type {
	case "list":
		describe("item", t.Member)
	case "map":
		describe("mapkey", t.Key)
		describe("item", t.Value)
	}
	return tag
}
