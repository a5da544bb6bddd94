package protocol

import (
	"cmp"
	"net/http"
	"reflect"

	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/jx"
	"github.com/aloft-cloud/aloft/internal/smithy"
)

// Unmatched returns an exchange for refusing a request that is for no service
// we answer: in the protocol it seems to speak, or else in usual, which is that
// of the service it is for, or "".
func Unmatched(r *http.Request, usual smithy.Protocol) *Exchange {
	x := &Exchange{Protocol: cmp.Or(usual, smithy.RESTXML), json: "1.0", head: r.Method == http.MethodHead}
	switch {
	case r.Header.Get("X-Amz-Target") != "":
		x.Protocol = smithy.JSON
	case r.Header.Get("Smithy-Protocol") != "":
		x.Protocol = smithy.CBOR
	}
	return x
}

// Beside returns the exchange of a request to a that is none of its operations.
func (a *API) Beside(r *http.Request) *Exchange {
	return &Exchange{api: a, Protocol: a.svc.Protocols[0], json: a.svc.JSONVersion, head: r.Method == http.MethodHead}
}

// Identify says in h which request is answered, as clients of the API look for it.
func (x *Exchange) Identify(h http.Header, requestID string) { x.identify(h, requestID) }

// EncodeError answers with the refusal in err. An error that holds none is a
// failure of ours, of which the caller learns nothing.
func (x *Exchange) EncodeError(w http.ResponseWriter, err error, requestID string) error {
	e := aws.Refusal(err)
	h := w.Header()
	h.Del("Content-Length")
	h.Del("Content-Type")
	status := e.Status
	if (x.Protocol == smithy.JSON || x.Protocol == smithy.CBOR) && e.JSONStatus != 0 {
		status = e.JSONStatus
	}
	if status == 0 {
		status = http.StatusBadRequest
	}
	var b []byte
	switch x.Protocol {
	case smithy.JSON:
		x.queryError(h, e)
		if b = x.jsonError(e); x.bare {
			b = []byte("<" + e.Code + "/>\n")
		}
	case smithy.CBOR:
		x.queryError(h, e)
		b = x.cborError(e)
	case smithy.RESTJSON:
		h["X-Amzn-Errortype"] = []string{e.Code}
		b = x.restError(e)
		bindError(h, e)
	default:
		b = x.xmlError(e, requestID)
		bindError(h, e)
	}
	return x.send(w, status, b, requestID)
}

// bindError puts those members of a fault in headers that travel there.
func bindError(h http.Header, e *aws.Error) {
	if v, s := detail(e); s != nil && s.bound {
		bindOut(h, s, v, 0)
	}
}

// detail returns the members of a fault besides its message, or nil.
func detail(e *aws.Error) (reflect.Value, *structure) {
	v := reflect.ValueOf(e.Detail)
	if v.Kind() != reflect.Pointer || v.IsNil() || v.Elem().Kind() != reflect.Struct {
		return v, nil
	}
	return v.Elem(), planOf(v.Elem().Type())
}

// queryError says the fault as clients know it that once spoke query.
func (x *Exchange) queryError(h http.Header, e *aws.Error) {
	if x.api == nil || !x.api.svc.QueryCompatible {
		return
	}
	h["X-Amzn-Query-Error"] = []string{e.QueryName() + ";" + side(e)}
}

// side says who is at fault.
func side(e *aws.Error) string {
	if e.Status >= 500 {
		return "Receiver"
	}
	return "Sender"
}

// typeOf is the type of a fault in awsJson and CBOR. Clients read what is
// behind the last #.
func (x *Exchange) typeOf(e *aws.Error) string {
	if x.api == nil || x.api.quirks.namespace == "" {
		return e.Code
	}
	switch e.Fault {
	case aws.ValidationException:
		return x.framework("com.amazon.coral.validate#", e.Code)
	case aws.SerializationFault, aws.UnknownOperation, aws.AccessDenied, aws.InternalFailure, aws.NotImplemented:
		return x.framework("com.amazon.coral.service#", e.Code)
	}
	switch e.Code {
	case "MissingAuthenticationTokenException", "IncompleteSignatureException", "InvalidSignatureException", "UnrecognizedClientException":
		return x.framework("com.amazon.coral.service#", e.Code)
	}
	return x.api.quirks.namespace + e.Code
}

func (x *Exchange) framework(namespace, code string) string {
	if x.api.quirks.shared {
		return namespace + code
	}
	return code
}

// messageKey is what the member with the message is called.
func (x *Exchange) messageKey(e *aws.Error) string {
	switch e.Fault {
	case aws.SerializationFault, aws.AccessDenied:
		return "Message"
	}
	return "message"
}

func (x *Exchange) jsonError(e *aws.Error) []byte {
	b := jx.AppendString([]byte(`{"__type":`), x.typeOf(e))
	return x.jsonMembers(b, e, x.messageKey(e))
}

func (x *Exchange) restError(e *aws.Error) []byte {
	if x.api != nil && x.api.quirks.userType {
		who := "User"
		if e.Status >= 500 {
			who = "Service"
		}
		b := jx.AppendString([]byte(`{"Type":`), who)
		return x.jsonMembers(b, e, "Message")
	}
	return x.jsonMembers([]byte{'{'}, e, "message")
}

// jsonMembers ends the object b with the message and the other members of e.
func (x *Exchange) jsonMembers(b []byte, e *aws.Error, key string) []byte {
	start := 1
	if len(b) > start {
		b = append(b, ',')
	}
	if e.Message != "" {
		b = jx.AppendKey(b, key)
		b = jx.AppendString(b, e.Message)
		b = append(b, ',')
	}
	if v, s := detail(e); s != nil {
		members := wireNames.jsonStruct(nil, s, v)
		if inner := members[1 : len(members)-1]; len(inner) > 0 {
			b = append(append(b, inner...), ',')
		}
	}
	return jx.Close(b, start, '}')
}

func (x *Exchange) cborError(e *aws.Error) []byte {
	b := appendCBORText([]byte{0xbf}, "__type")
	b = appendCBORText(b, x.typeOf(e))
	if e.Message != "" {
		b = appendCBORText(b, x.messageKey(e))
		b = appendCBORText(b, e.Message)
	}
	if v, s := detail(e); s != nil {
		return append(b, s.appendCBOR(nil, v, x.oldCBOR)[1:]...)
	}
	return append(b, cborBreak)
}

// xmlError is the body of a refusal in query and REST XML.
func (x *Exchange) xmlError(e *aws.Error, requestID string) []byte {
	plain := x.api == nil || x.api.quirks.plainErrors
	var b []byte
	switch {
	case x.Protocol == smithy.EC2:
		b = closeXML(appendXMLText(openXML([]byte(xmlProlog+"<Response><Errors><Error>"), "Code"), e.QueryName()), "Code")
		b = closeXML(appendXMLText(openXML(b, "Message"), e.Message), "Message")
		if v, s := detail(e); s != nil {
			b = xmlWriter{}.members(b, s, v)
		}
		b = closeXML(appendXMLText(openXML(append(b, "</Error></Errors>"...), "RequestID"), requestID), "RequestID")
		return closeXML(b, "Response")
	case plain && x.Protocol == smithy.RESTXML:
		b = append(b, xmlProlog+"<Error>"...)
	case x.Protocol == smithy.RESTXML:
		b = append(b, xmlProlog...)
		fallthrough
	default:
		b = append(b, "<ErrorResponse"...)
		if x.api != nil && x.api.namespace() != "" {
			b = appendXMLAttr(b, "xmlns", x.api.namespace())
		}
		b = append(b, "><Error>"...)
		b = closeXML(append(openXML(b, "Type"), side(e)...), "Type")
	}
	code := e.QueryName()
	if plain && e.Fault == aws.InternalFailure {
		code = "InternalError"
	}
	b = closeXML(appendXMLText(openXML(b, "Code"), code), "Code")
	if e.Message != "" {
		b = closeXML(appendXMLText(openXML(b, "Message"), e.Message), "Message")
	}
	if v, s := detail(e); s != nil {
		b = xmlWriter{}.members(b, s, v)
	}
	if plain && x.Protocol == smithy.RESTXML {
		b = closeXML(appendXMLText(openXML(b, "RequestId"), requestID), "RequestId")
		b = closeXML(appendXMLText(openXML(b, "HostId"), hostID(requestID)), "HostId")
		return closeXML(b, "Error")
	}
	b = closeXML(b, "Error")
	b = closeXML(appendXMLText(openXML(b, "RequestId"), requestID), "RequestId")
	return closeXML(b, "ErrorResponse")
}
