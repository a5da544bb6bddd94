package main

import "path"

const catalogDoc = `// Package catalog knows every operation of every service by name, answered
// here or not, so that what is not can be refused by its name.
`

const catalogTypes = `
// A Service is one API of AWS's.
type Service struct {
	Name           string // as its folder has it, or would
	ARNName        string // in ARNs and policies
	SigningName    string
	EndpointPrefix string
	TargetPrefix   string
	Version        string // "2012-11-05"
	Protocols      []smithy.Protocol
	Operations     []Operation
}

// An Operation is the little that routing needs of one.
type Operation struct {
	Name   string
	Method string // of REST protocols, as is URI
	URI    string
}

`

// writeCatalog adds the catalog of all services to files.
func writeCatalog(all []*api, files map[string][]byte) error {
	f := &file{imports: make(map[string]bool)}
	f.uses("smithy.")
	f.printf("%s// Services are all services that have a name here, in order.\nvar Services = []Service{\n", catalogTypes)
	for _, a := range all {
		md := &a.Metadata
		f.printf("{Name: %q, ARNName: %q, SigningName: %q, EndpointPrefix: %q, TargetPrefix: %q, Version: %q,\n",
			a.Folder, a.ARN, md.signingName(), md.EndpointPrefix, md.TargetPrefix, md.APIVersion)
		f.printf("Protocols: []smithy.Protocol{%s},\nOperations: []Operation{\n", md.constants())
		for _, n := range a.Operations.names {
			f.printf("{%q, ", n)
			if op := a.Operations.at[n]; op.HTTP.Method != "POST" || op.HTTP.URI != "/" {
				f.printf("%q, %q},\n", op.HTTP.Method, op.HTTP.URI)
			} else {
				f.printf("\"\", \"\"},\n")
			}
		}
		f.printf("}},\n")
	}
	f.printf("}\n")
	src, err := f.source(catalogDoc, "catalog")
	if err != nil {
		return err
	}
	files[path.Join(apiDir, "catalog", "catalog.go")] = src
	return nil
}
