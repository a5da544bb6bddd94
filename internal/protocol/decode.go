package protocol

import (
	"net/http"
	"reflect"

	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/smithy"
)

// Streams reports whether the operation's input holds the request's body as a
// stream. Decode then takes it from the request and no body.
func (x *Exchange) Streams() bool {
	if x.Op == nil || x.Op.NewInput == nil || !x.rest() {
		return false
	}
	s := planOf(reflect.TypeOf(x.Op.NewInput()).Elem())
	return s.payload != nil && s.payload.kind == kindStream
}

func (x *Exchange) rest() bool {
	return x.Protocol == smithy.RESTJSON || x.Protocol == smithy.RESTXML
}

// Decode fills in, a pointer to the operation's input, from the request that
// was matched and its whole body. It refuses what is malformed or of a wrong
// type. What breaks a constraint of the model it refuses in AWS's words, all
// problems at once, but for the members that the operation's handler checks
// itself: own holds their Go names, or "*" for all.
func (x *Exchange) Decode(r *http.Request, body []byte, in any, own []string) error {
	v := reflect.ValueOf(in).Elem()
	s := planOf(v.Type())
	d := &decoder{free: x.ours, java: x.api.quirks.javaPackage}
	if err := x.decode(d, r, string(body), s, v); err != nil {
		return x.refuse(err)
	}
	return x.api.check(x.Op.Name, v, checker{absent: d.absent, own: own})
}

// Check refuses an input of the operation op that did not come by Decode, as
// Decode would.
func (a *API) Check(op string, in any, own []string) error {
	return a.check(op, reflect.ValueOf(in).Elem(), checker{own: own})
}

// DecodeInput fills in, an input of the operation op, from its JSON form with
// members by the names they have in the service's documentation, and refuses
// what Decode would.
func (a *API) DecodeInput(op string, text []byte, in any, own []string) error {
	v := reflect.ValueOf(in).Elem()
	d := &decoder{free: true}
	if err := d.decodeJSON(string(text), v); err != nil {
		return aws.SerializationFault.Errorf("%s", err)
	}
	return a.check(op, v, checker{absent: d.absent, own: own})
}

func (a *API) check(op string, v reflect.Value, c checker) error {
	s := planOf(v.Type())
	if !s.checked || a.quirks.unchecked {
		return nil
	}
	if a.quirks.inputPrefix {
		c.prefix = lowerFirst(op) + "Input."
	}
	if words := c.absence(s, a.quirks.absent); words != "" {
		return aws.ValidationException.Errorf("%s", words)
	}
	if c.check(s, v); len(c.problems) == 0 {
		return nil
	}
	if code := a.quirks.violation; code != "" {
		return aws.Fault{Code: code, Status: http.StatusBadRequest}.Errorf("%s", c.message())
	}
	return aws.ValidationException.Errorf("%s", c.message())
}

func (x *Exchange) decode(d *decoder, r *http.Request, body string, s *structure, v reflect.Value) error {
	switch x.Protocol {
	case smithy.JSON:
		if body == "" && x.api.quirks.shared {
			return words("") // as of DynamoDB: a refusal without a word
		}
		if body == "" {
			body = "{}"
		}
		return d.decodeJSON(body, v)
	case smithy.CBOR:
		d.oldCBOR = x.oldCBOR
		return d.decodeCBOR(body, s, v)
	case smithy.Query, smithy.EC2:
		return d.queryStruct(x.form, s, v)
	}
	return d.rest(&request{Request: r, labels: x.labels, query: x.query, body: body, xml: x.Protocol == smithy.RESTXML}, s, v)
}

// refuse puts an error of a decoder in the words of the protocol.
func (x *Exchange) refuse(err error) error {
	switch {
	case err == errMalformed:
		return err
	case x.Protocol == smithy.Query || x.Protocol == smithy.EC2:
		return malformedInput.Errorf("%s", err)
	case x.Protocol != smithy.RESTXML:
		return aws.SerializationFault.Errorf("%s", err)
	case err == errXML || err == errUnion:
		return malformedXML.Errorf("The XML you provided was not well-formed or did not validate against our published schema")
	}
	return invalidInput.Errorf("%s", err)
}

// DecodeJSON fills out, a pointer to a structure, from its JSON form, as a
// client does. Nothing is required, and members may have any of their names.
func DecodeJSON(text []byte, out any) error {
	d := &decoder{free: true, lax: true}
	return d.decodeJSON(string(text), reflect.ValueOf(out).Elem())
}

// EncodeJSON returns the JSON form of in, a pointer to a structure, with all
// its members by the names they have in the service's documentation. It reads
// a stream to its end.
func EncodeJSON(in any) ([]byte, error) {
	v := reflect.ValueOf(in).Elem()
	s := planOf(v.Type())
	if err := buffer(s, v); err != nil {
		return nil, err
	}
	return modelNames.jsonStruct(nil, s, v), nil
}
