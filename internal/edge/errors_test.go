package edge

import (
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/aloft-cloud/aloft/internal/api/catalog"
	"github.com/aloft-cloud/aloft/internal/protocol"
	"github.com/aloft-cloud/aloft/internal/smithy"
)

// A service that is not here refuses in words that its SDK reads.
func TestRefusesInTheProtocol(t *testing.T) {
	f := func(s *catalog.Service, name string, form *protocol.Form, want string) {
		t.Helper()
		r := httptest.NewRequest("POST", "http://localhost/model/x/invoke", nil)
		w := httptest.NewRecorder()
		if err := protocol.Unmatched(r, spoken(s, name, form)).EncodeError(w, errNoService(r, s, name, ""), "1"); err != nil {
			t.Fatal(err)
		}
		if got := w.Body.String(); w.Code != 501 || !strings.Contains(got, want) {
			t.Errorf("%s: %d %s, want %s", name, w.Code, got, want)
		}
	}
	f(nil, "bedrock", nil, `{"message":"Aloft knows no service that signs as \"bedrock\"."}`)
	f(&catalog.Service{Name: "ec2", Protocols: []smithy.Protocol{smithy.EC2}}, "ec2", new(protocol.Form), `<Response><Errors><Error><Code>NotImplemented</Code><Message>Aloft does not answer ec2`)
	f(nil, "elasticache", new(protocol.Form), `<Error><Code>NotImplemented</Code>`)
	f(&catalog.Service{Name: "s3", Protocols: []smithy.Protocol{smithy.RESTXML}}, "s3", nil, `<Error><Code>NotImplemented</Code>`)
}
