// Package protocol turns requests into inputs and outputs into answers, in all
// five protocols that AWS's services speak: awsJson, awsQuery, restJson1,
// restXml and rpcv2Cbor.
//
// Nothing here is written per service or operation. One engine walks the
// structs of package api by a plan, made once per type from the tags that
// package smithy describes, and the plan drives all protocols both ways:
//
//	Match   request -> operation and protocol: by target, action or path
//	Decode  request -> *Input, checked against the model's constraints
//	Encode  *Output -> answer, in the protocol of the request
//
// What services do differently beyond their models is a row in quirks.go.
package protocol
