package protocol

import (
	"net/http"
	"reflect"
	"strconv"
	"strings"
)

// memberOptions reads those options of an aws tag that only members have.
func (f *field) memberOptions(options []string) {
	for _, o := range options {
		name, value, _ := strings.Cut(o, "=")
		switch name {
		case "required":
			f.required = true
		case "header":
			f.place = inHeader
			f.name = http.CanonicalHeaderKey(f.name)
		case "headers":
			f.place = inHeaders
			f.name = strings.ToLower(f.name)
		case "uri":
			f.place = inURI
		case "querystring":
			f.place = inQuery
		case "statusCode":
			f.place = inStatus
		case "payload":
			f.payload = true
		case "attr":
			f.attr = true
		case "eventpayload":
			f.eventPayload = true
		case "eventheader":
			f.eventHeader = true
		case "ns":
			f.ns = value
		case "nsp":
			f.nsp = value
		case "qname":
			f.query = value
		case "xname":
			f.xml = value
		}
	}
}

// options reads the options that a shape has wherever it is.
func (s *shape) options(options []string) {
	for _, o := range options {
		name, value, _ := strings.Cut(o, "=")
		switch name {
		case "flat":
			s.flat = true
		case "sparse":
			s.sparse = true
		case "sensitive":
			s.sensitive = true
		case "jsonvalue":
			s.jsonValue = true
		case "item":
			s.item = value
		case "key":
			s.keyName = value
		case "value":
			s.valueName = value
		case "ts":
			s.time = timeForms[value]
		case "min":
			if n, err := strconv.ParseFloat(value, 64); err == nil {
				s.constrained().min = &n
			}
		case "max":
			if n, err := strconv.ParseFloat(value, 64); err == nil {
				s.constrained().max = &n
			}
		}
	}
}

func (s *shape) enumeration(values string) {
	if values != "" {
		s.constrained().enum = strings.Split(values, "|")
	}
}

func (s *shape) pattern(expr string) {
	if expr != "" {
		s.constrained().pattern = newPattern(expr)
	}
}

func (s *shape) constrained() *limits {
	if s.limits == nil {
		s.limits = new(limits)
	}
	return s.limits
}

// below reads the tags that describe what a collection holds: item and mapkey,
// and under them those of what is deeper.
func (s *shape) below(path string, tag reflect.StructTag) {
	if s.elem != nil {
		s.elem.described(tag.Get(path + "item"))
		s.elem.below(path+"item.", tag)
	}
	if s.key != nil {
		s.key.described(tag.Get(path + "mapkey"))
	}
}

// described reads options, an enum and a pattern, separated by ";;".
func (s *shape) described(text string) {
	parts := strings.SplitN(text, ";;", 3)
	s.options(strings.Split(parts[0], ","))
	if len(parts) > 1 {
		s.enumeration(parts[1])
	}
	if len(parts) > 2 {
		s.pattern(parts[2])
	}
}
