package elasticloadbalancing

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"slices"
	"time"

	api "github.com/aloft-cloud/aloft/internal/api/elasticloadbalancing"
	"github.com/aloft-cloud/aloft/internal/aws"
)

// Cookies by which a browser comes to where it was.
const (
	groupCookie     = "AWSALBTG"
	targetCookie    = "AWSALB"
	appTargetCookie = "AWSALBAPP-0"
)

// A ticket says in a cookie where a browser was.
type ticket struct {
	At    string // a group's ARN, or a target's name
	Until time.Time
}

// seal makes a text of v that only we can read, and only as what it is for.
func (s *Service) seal(v any, is string) (string, error) {
	text, err := json.Marshal(v)
	if err != nil {
		return "", err
	}
	return base64.RawURLEncoding.EncodeToString(s.key.Seal(nil, nil, text, []byte(is))), nil
}

// open reads what seal made, if it did.
func (s *Service) open(text, is string, v any) bool {
	sealed, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil {
		return false
	}
	plain, err := s.key.Open(nil, nil, sealed, []byte(is))
	return err == nil && json.Unmarshal(plain, v) == nil
}

// ticket is where a cookie says that the browser was, or "".
func (x *exchange) ticket(cookie, of string) string {
	c, err := x.r.Cookie(cookie)
	var t ticket
	if err != nil || !x.Service.open(c.Value, cookie+of, &t) || !time.Now().Before(t.Until) {
		return ""
	}
	return t.At
}

// stuck is the group where the browser was, if that counts.
func (x *exchange) stuck(f *api.ForwardActionConfig) *servedGroup {
	if !aws.Value(f.TargetGroupStickinessConfig.Enabled) {
		return nil
	}
	at := x.ticket(groupCookie, x.b.arn.String())
	if !slices.ContainsFunc(f.TargetGroups, func(t api.TargetGroupTuple) bool { return *t.TargetGroupArn == at }) {
		return nil
	}
	return x.rule.groups[at]
}

// stuckTarget is the target where the browser was, if that counts.
func (x *exchange) stuckTarget(g *servedGroup) *servedTarget {
	if g.attributes[stickyOn] != "true" {
		return nil
	}
	cookie := targetCookie
	if g.attributes[stickyKind] == "app_cookie" {
		cookie = appTargetCookie
	}
	at := x.ticket(cookie, *g.row.TargetGroupArn)
	for _, t := range g.targets {
		if t.name() == at && t.rests.Load() <= time.Now().UnixNano() {
			return t
		}
	}
	return nil
}

// stick has the browser come back to where it is led.
func (x *exchange) stick(f *api.ForwardActionConfig, g *servedGroup, t *servedTarget) {
	if c := f.TargetGroupStickinessConfig; aws.Value(c.Enabled) {
		x.giveTicket(groupCookie, x.b.arn.String(), *g.row.TargetGroupArn, time.Duration(aws.Value(c.DurationSeconds))*time.Second)
	}
	if g.attributes[stickyOn] == "true" && g.attributes[stickyKind] == "lb_cookie" {
		x.giveTicket(targetCookie, *g.row.TargetGroupArn, t.name(), seconds(g.attributes, stickyLasts))
	}
}

// stickApp has the browser come back if the application gives it its cookie.
func (x *exchange) stickApp(t *servedTarget, resp *http.Response) {
	g := t.group
	if g.attributes[stickyOn] != "true" || g.attributes[stickyKind] != "app_cookie" {
		return
	}
	if slices.ContainsFunc(resp.Cookies(), func(c *http.Cookie) bool { return c.Name == g.attributes[appCookie] }) {
		x.giveTicket(appTargetCookie, *g.row.TargetGroupArn, t.name(), seconds(g.attributes, appLasts))
	}
}

// giveTicket sets a cookie, and its like for requests from pages of other sites.
func (x *exchange) giveTicket(cookie, of, at string, lasts time.Duration) {
	until := time.Now().Add(lasts).UTC()
	text, err := x.Service.seal(ticket{at, until}, cookie+of)
	if err != nil {
		return
	}
	c := http.Cookie{Name: cookie, Value: text, Expires: until, Path: "/"}
	http.SetCookie(x.w, &c)
	if cookie != appTargetCookie {
		c.Name, c.SameSite, c.Secure = cookie+"CORS", http.SameSiteNoneMode, true
		http.SetCookie(x.w, &c)
	}
}
