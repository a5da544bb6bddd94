package apigateway

import (
	"errors"
	"net/http"
	"strconv"

	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/gateway/proxy"
	"github.com/aloft-cloud/aloft/internal/jx"
)

// fail makes the reply one of the gateway's own.
func (x *exchange) fail(err error) {
	f, ok := errors.AsType[*failure](err)
	if !ok {
		f = errInternal.because(err)
	}
	x.state.failure = f
	if f.cause != nil {
		x.cfg.Log.Warn("request to an API failed", "request", x.req.ID, "host", x.host, "method", x.req.Method, "path", x.req.FullPath, "err", f.cause)
	}
	set := responseOf(x.v.responses, f.kind)
	status, err := strconv.Atoi(aws.Value(set.StatusCode))
	if err != nil || f.status != 0 && aws.Value(set.DefaultResponse) && usualStatus[f.kind] == "" {
		status = f.status
	}
	message := "null"
	if !f.null {
		message = string(jx.AppendString(nil, f.message))
	}
	body := `{"message":` + message + `}`
	x.reply = &proxy.Reply{Status: status, Header: http.Header{"Content-Type": {"application/json"}, "X-Amzn-Errortype": {f.errorType}}, Body: []byte(body)}
}
