package main

import (
	"fmt"
	"slices"
	"strings"
)

// protocolConst are the names package smithy gives to protocols.
var protocolConst = map[string]string{
	"json": "smithy.JSON", "rest-json": "smithy.RESTJSON", "rest-xml": "smithy.RESTXML",
	"query": "smithy.Query", "ec2": "smithy.EC2", "smithy-rpc-v2-cbor": "smithy.CBOR",
}

func (a *api) writeOperations(f *file) {
	f.printf("var (\n")
	for _, n := range a.shaped() {
		f.printf("%s = %s[%sInput, %sOutput]{Service: %q, Name: %q}\n", n, f.uses("smithy.Operation"), n, n, a.Folder, n)
	}
	f.printf(")\n\n// API is all that the protocols know of %s.\n", a.Metadata.ServiceID)
	f.printf("var API = &smithy.Service{\n")
	a.writeMetadata(f)
	f.printf("Operations: []smithy.OperationInfo{\n")
	for _, n := range a.Operations.names {
		a.writeOperation(f, n, a.Operations.at[n])
	}
	f.printf("},\n}\n")
}

// writeMetadata writes the fields that describe the service.
func (a *api) writeMetadata(f *file) {
	field := func(name, value string) {
		if value != "" {
			f.printf("%s: %q,\n", name, value)
		}
	}
	md := &a.Metadata
	field("Name", a.Folder)
	field("ARNName", a.ARN)
	field("SigningName", md.signingName())
	field("EndpointPrefix", md.EndpointPrefix)
	field("SDKID", md.ServiceID)
	field("Version", md.APIVersion)
	field("TargetPrefix", md.TargetPrefix)
	field("JSONVersion", md.JSONVersion)
	field("XMLNamespace", md.XMLNamespace)
	f.printf("Protocols: []smithy.Protocol{%s},\n", md.constants())
	if md.QueryCompatible != nil {
		f.printf("QueryCompatible: true,\n")
	}
}

func (md *metadata) constants() string {
	var names []string
	for _, p := range md.protocols() {
		names = append(names, protocolConst[p])
	}
	return strings.Join(names, ", ")
}

func (a *api) writeOperation(f *file, name string, op *operation) {
	f.printf("{Name: %q, Method: %q, URI: %q", name, op.HTTP.Method, op.HTTP.URI)
	if c := op.HTTP.ResponseCode; c != 0 && c != 200 {
		f.printf(", Status: %d", c)
	}
	field := func(name, value string) {
		if value != "" {
			f.printf(", %s: %q", name, value)
		}
	}
	field("Result", a.result(op))
	if op.Input != nil {
		field("Root", op.Input.LocationName)
	}
	field("HostPrefix", op.Endpoint.HostPrefix)
	if op.ChecksumRequired || op.Checksum.Required {
		f.printf(", Checksum: true")
	}
	if op.Unwrapped {
		f.printf(", Unwrapped: true")
	}
	if op.AuthType == "none" {
		f.printf(", NoAuth: true")
	}
	if a.Some != nil && !a.Some[name] {
		f.printf("},\n")
		return
	}
	f.printf(", NewInput: func() any { return new(%sInput) }, NewOutput: func() any { return new(%sOutput) }},\n", name, name)
}

// result is the name of the element around an answer in XML.
func (a *api) result(op *operation) string {
	switch {
	case op.Output == nil:
		return ""
	case op.Output.Wrapper != "":
		return op.Output.Wrapper
	case a.Metadata.protocols()[0] == "json" && slices.Contains(a.Metadata.protocols(), "query"):
		return op.Name + "Result"
	case a.Metadata.protocols()[0] != "rest-xml":
		return ""
	case op.Output.LocationName != "":
		return op.Output.LocationName
	}
	return op.Output.Shape
}

func (a *api) writeFaults(f *file) {
	faults := a.faults()
	if len(faults) == 0 {
		return
	}
	f.uses("aws.Fault")
	f.printf("var (\n")
	for _, n := range faults {
		f.printf("%s = aws.Fault{%s}\n", exported(n), a.fault(n))
	}
	f.printf(")\n\n")
	for _, n := range faults {
		a.writeDetail(f, n)
	}
}

// fault is the inside of the literal of a fault. Protocols with XML answers
// speak in codes, the others in names of shapes.
func (a *api) fault(name string) string {
	s := a.Shapes.at[name]
	code, query := name, s.Error.Code
	if p := a.Metadata.protocols()[0]; (p == "query" || p == "rest-xml") && query != "" {
		code, query = query, ""
	}
	fields := fmt.Sprintf("Code: %q", code)
	if a.Metadata.QueryCompatible != nil && query != "" && query != code {
		fields += fmt.Sprintf(", QueryCode: %q", query)
	}
	status := s.Error.Status
	switch {
	case status != 0:
	case s.Fault:
		status = 500
	default:
		status = 400
	}
	return fields + fmt.Sprintf(", Status: %d", status)
}

// writeDetail writes the structure of a fault's members besides its message.
func (a *api) writeDetail(f *file, name string) {
	s := a.Shapes.at[name]
	var members []string
	for _, n := range s.Members.names {
		switch n {
		case "message", "Message", "code", "Code":
		default:
			members = append(members, n)
		}
	}
	if len(members) == 0 {
		return
	}
	f.printf("// %sDetail is what %s says besides its message.\n", exported(name), exported(name))
	f.printf("type %sDetail struct {\n", exported(name))
	for _, n := range members {
		f.printf("%s %s %s\n", exported(n), f.uses(a.fieldType(s, n)), a.tag(s, n, false))
	}
	f.printf("}\n\n")
}

func (a *api) writeEnums(f *file) {
	names := a.enums()
	if len(names) == 0 {
		return
	}
	f.printf("const (\n")
	for _, n := range names {
		for _, v := range a.Shapes.at[n].Enum {
			if v == "" {
				continue
			}
			c := exported(n) + constant(v)
			for a.taken[c] {
				c += "_"
			}
			a.taken[c] = true
			f.printf("%s = %q\n", c, v)
		}
		f.printf("\n")
	}
	f.printf(")\n")
}

// enums are the enumerations in use, in order of their names.
func (a *api) enums() []string {
	var names []string
	for _, n := range a.sortedShapes() {
		if s := a.Shapes.at[n]; (a.in[n] || a.out[n]) && s.Type == "string" && len(s.Enum) > 0 {
			names = append(names, n)
		}
	}
	return names
}
