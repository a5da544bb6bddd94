// Package sam is the Serverless Application Model: it makes of a template with
// resources such as AWS::Serverless::Function one with those that
// CloudFormation makes. It is a function of trees, and knows no service.
//
// The transform goes through a template in this order: Globals are merged into
// the resources they are for, the events of functions gather into APIs that
// nobody declared (implicit.go), and then every SAM resource becomes what it
// stands for: first functions and state machines, which add their events to
// the definitions of APIs, then APIs, then the rest. Connectors come last, since
// they join what the others became. A resource that is wrong does not
// keep the others from being looked at: all that is wrong is said at once, in
// the words of AWS's transform, whose outputs this package is held to.
package sam
