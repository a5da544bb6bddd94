package elasticloadbalancing

import (
	"net/http"
	"strings"

	api "github.com/aloft-cloud/aloft/internal/api/elasticloadbalancing"
	"github.com/aloft-cloud/aloft/internal/aws"
)

// fixed answers with what an action says.
func (x *exchange) fixed(c *api.FixedResponseActionConfig) {
	status := 0
	for _, digit := range c.StatusCode { // three digits, by its pattern
		status = status*10 + int(digit-'0')
	}
	x.say(status, aws.Or(c.ContentType, "text/plain; charset=utf-8"), aws.Value(c.MessageBody))
}

// redirect sends the client to where an action says.
func (x *exchange) redirect(c *api.RedirectActionConfig) {
	status := http.StatusMovedPermanently
	if c.StatusCode == api.RedirectActionStatusCodeEnumHttp302 {
		status = http.StatusFound
	}
	x.header().Set("Location", x.location(c))
	x.page(status)
}

// location is where a redirect leads, with what it takes of the request.
func (x *exchange) location(c *api.RedirectActionConfig) string {
	proto := "http"
	if x.secure() {
		proto = "https"
	}
	fill := strings.NewReplacer("#{protocol}", proto, "#{host}", x.host, "#{port}", x.port,
		"#{path}", strings.TrimPrefix(x.r.URL.EscapedPath(), "/"), "#{query}", x.r.URL.RawQuery).Replace
	to := strings.ToLower(fill(*c.Protocol)) + "://" + fill(*c.Host) + ":" + fill(*c.Port) + fill(*c.Path)
	if query := fill(*c.Query); query != "" {
		to += "?" + query
	}
	return to
}
