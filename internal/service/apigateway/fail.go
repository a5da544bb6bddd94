package apigateway

import (
	"errors"
	"net/http"
	"strconv"
	"strings"

	api "github.com/aloft-cloud/aloft/internal/api/apigateway"
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
	x.addFailure()
	if f.cause != nil {
		x.cfg.Log.Warn("request to an API failed", "request", x.req.ID, "host", x.host, "method", x.req.Method, "path", x.req.FullPath, "err", f.cause)
	}
	set := responseOf(x.v.responses, f.kind)
	status, err := strconv.Atoi(aws.Value(set.StatusCode))
	if err != nil || status < 200 {
		status = f.status
	}
	contentType, body := x.ownBody(f, &set)
	if f.cause != nil {
		x.logFailure("Execution failed: %s", aws.Refusal(f.cause).Message)
	}
	x.log("Gateway response type: %s with status code: %d", f.kind, status)
	x.logData("Gateway response body: %s", short(body))
	h := http.Header{"Content-Type": {contentType}, "X-Amzn-Errortype": {f.errorType}}
	for to, from := range set.ResponseParameters {
		if values, ok := x.parameter(from); ok {
			setHeader(h, strings.TrimPrefix(to, "gatewayresponse.header."), values)
		}
	}
	x.reply = &proxy.Reply{Status: status, Header: h, Body: body}
}

// ownBody is the body of an answer of the gateway's own.
func (x *exchange) ownBody(f *failure, set *api.GatewayResponse) (contentType string, body []byte) {
	contentType, text := jsonType, usualTemplate
	for part := range strings.SplitSeq(x.req.Header.Get("Accept"), ",") {
		if t, ok := set.ResponseTemplates[mediaType(part)]; ok {
			contentType, text = mediaType(part), t
			break
		}
	}
	if t, ok := set.ResponseTemplates[contentType]; ok {
		text = t
	} else if keys := sortedKeys(set.ResponseTemplates); len(keys) > 0 {
		contentType = keys[0]
		text = set.ResponseTemplates[contentType]
	}
	if text != usualTemplate {
		for _, t := range compileTemplates(map[string]string{contentType: text}) {
			if rendered, err := x.render(t, string(x.req.Body)); err == nil {
				return contentType, []byte(rendered)
			}
		}
	}
	body = []byte(`{"message":`)
	if f.kind == accessDenied { // that is how AWS writes it
		body = []byte(`{"Message":`)
	}
	if f.null {
		body = append(body, "null"...)
	} else {
		body = jx.AppendString(body, f.message)
	}
	return jsonType, append(body, '}')
}
