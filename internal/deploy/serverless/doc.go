// Package serverless understands serverless.yml, the Serverless Framework's
// description of an application, and makes a CloudFormation template of it. It
// makes nothing else, and knows no service: what variables refer to beyond the
// file, and what the code of functions became, it is told.
//
// An application is loaded (Load): its files are read, its variables resolved
// (variable.go, resolve.go, source.go) and its older spellings made new ones
// (normal.go). A Service says which code it has (Artifacts), and given where
// that went, makes the template (Template): the role all functions share, the
// functions, one file per kind of event, what plugins would add, and last the
// resources that the application declares itself. Names and logical ids are
// those of the framework, since applications refer to them.
//
// What the framework or a plugin would do and Aloft does not is an Error that
// names it and its place, or a Note if the application works without.
package serverless
