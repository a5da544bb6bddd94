package apigateway

import (
	"crypto/tls"
	"crypto/x509"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"

	api "github.com/aloft-cloud/aloft/internal/api/apigateway"
)

// A server of an integration sees the certificate of the stage, once it has one.
func TestClientCertificate(t *testing.T) {
	b := newBench(t)
	cert, err := b.GenerateClientCertificate(t.Context(), b.call, &api.GenerateClientCertificateInput{})
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM([]byte(*cert.PemEncodedCertificate))
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, r.TLS.PeerCertificates[0].Subject.CommonName)
	}))
	server.TLS = &tls.Config{ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: pool}
	server.StartTLS()
	defer server.Close()
	id := b.deploy(`"paths":{
		"/trusting":{"get":{"x-amazon-apigateway-integration":{"type":"http_proxy","httpMethod":"GET","uri":"` + server.URL + `","tlsConfig":{"insecureSkipVerification":true}}}},
		"/wary":{"get":{"x-amazon-apigateway-integration":{"type":"http_proxy","httpMethod":"GET","uri":"` + server.URL + `"}}}}`)

	if w := b.do(id, "GET /dev/trusting", ""); w.Code != http.StatusGatewayTimeout {
		t.Errorf("without a certificate: got %d %s", w.Code, w.Body)
	}
	patch := []api.PatchOperation{{Op: new("replace"), Path: new("/clientCertificateId"), Value: cert.ClientCertificateId}}
	if _, err := b.UpdateStage(t.Context(), b.call, &api.UpdateStageInput{RestApiId: id, StageName: "dev", PatchOperations: patch}); err != nil {
		t.Fatal(err)
	}
	if w := b.do(id, "GET /dev/trusting", ""); w.Code != http.StatusOK || w.Body.String() != "ApiGateway" {
		t.Errorf("with a certificate: got %d %s", w.Code, w.Body)
	}
	if w := b.do(id, "GET /dev/wary", ""); w.Code != http.StatusGatewayTimeout {
		t.Errorf("a server that nobody vouches for: got %d %s", w.Code, w.Body)
	}
	patch[0].Value = new("none")
	if _, err := b.UpdateStage(t.Context(), b.call, &api.UpdateStageInput{RestApiId: id, StageName: "dev", PatchOperations: patch}); err == nil {
		t.Error("a certificate that is not there was taken")
	}
}
