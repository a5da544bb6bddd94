package edge

import (
	"net/http"
	"strings"

	"github.com/aloft-cloud/aloft/internal/api/catalog"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/protocol"
	"github.com/aloft-cloud/aloft/internal/smithy"
)

// spoken is the protocol of the service s of a name. One that is not known, so
// that s is nil, speaks REST JSON as most do, if what it is sent is no form.
func spoken(s *catalog.Service, name string, form *protocol.Form) smithy.Protocol {
	switch {
	case s != nil:
		return s.Protocols[0]
	case name != "" && form == nil:
		return smithy.RESTJSON
	}
	return ""
}

// errNoService refuses a request for the service s, which is not there, by
// name; s is nil if there is none of that name.
func errNoService(r *http.Request, s *catalog.Service, name, action string) error {
	switch {
	case s != nil:
		if op := operationOf(s, r, action); op != "" {
			return aws.NotImplemented.Errorf("Aloft does not answer %s:%s yet.", name, op)
		}
		return aws.NotImplemented.Errorf("Aloft does not answer %s yet.", name)
	case name != "":
		return aws.NotImplemented.Errorf("Aloft knows no service that signs as %q.", name)
	}
	return aws.UnknownOperation.Errorf("Aloft cannot tell which service is meant: the request is not signed for one, " +
		"and has no X-Amz-Target, no Action, and no host or path of a service.")
}

// operationOf is the name of the operation of s that r asks for, or "".
func operationOf(s *catalog.Service, r *http.Request, action string) string {
	if t := r.Header.Get("X-Amz-Target"); t != "" {
		return t[strings.LastIndexByte(t, '.')+1:]
	}
	if _, op, ok := strings.Cut(r.URL.Path, "/operation/"); ok {
		return op
	}
	if action != "" {
		return action
	}
	for _, op := range s.Operations {
		if op.Method == r.Method && sameShape(op.URI, r.URL.EscapedPath()) {
			return op.Name
		}
	}
	return ""
}

// sameShape reports whether path is one that the template uri describes.
func sameShape(uri, path string) bool {
	uri, _, _ = strings.Cut(uri, "?")
	want, got := strings.Split(strings.Trim(uri, "/"), "/"), strings.Split(strings.Trim(path, "/"), "/")
	if len(want) != len(got) {
		return false
	}
	for i := range want {
		if !strings.HasPrefix(want[i], "{") && want[i] != got[i] {
			return false
		}
	}
	return true
}
