package edge

import (
	"mime"
	"net/http"

	"github.com/aloft-cloud/aloft/internal/auth/sigv4"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/protocol"
	"github.com/aloft-cloud/aloft/internal/service"
)

// form returns the service that r is an HTML form with a file for, or nil.
func (h *Handler) form(r *http.Request) *service.Definition {
	if r.Method != http.MethodPost {
		return nil
	}
	if kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || kind != "multipart/form-data" {
		return nil
	}
	return h.forms[h.router.route(r, func(string) string { return "" })]
}

// operateForm has a service answer a form.
func (h *Handler) operateForm(def *service.Definition, w http.ResponseWriter, r *http.Request, requestID string) (*protocol.Exchange, any, error) {
	x := h.apis[def.API.Name].Beside(r)
	x.Identify(w.Header(), requestID)
	err := def.Form(w, r, func(t *sigv4.Text) (*aws.Call, error) {
		call, err := h.cfg.Auth.AuthenticateText(r, t)
		if call != nil {
			call.RequestID = requestID
		}
		return call, err
	})
	if err != nil {
		return x, nil, err
	}
	return nil, nil, nil
}
