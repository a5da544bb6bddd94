package s3

import (
	"strings"
	"time"

	api "github.com/aloft-cloud/aloft/internal/api/s3"
)

// A condition is what a reader wants to hold of an object.
type condition struct {
	match, noneMatch     *string // ETags
	modified, unmodified *time.Time
	prefix               string // of the headers' names: "x-amz-copy-source-"
}

// check refuses o if c does not hold. As in HTTP, dates count only where ETags
// are not given.
func (c condition) check(o object) error {
	switch {
	case c.match != nil && !matches(*c.match, o.ETag):
		return errCondition(c.prefix + "If-Match")
	case c.match == nil && c.unmodified != nil && o.Modified.After(*c.unmodified):
		return errCondition(c.prefix + "If-Unmodified-Since")
	case c.noneMatch != nil && matches(*c.noneMatch, o.ETag):
		return c.same(o, "If-None-Match")
	case c.noneMatch == nil && c.modified != nil && !o.Modified.After(*c.modified):
		return c.same(o, "If-Modified-Since")
	}
	return nil
}

// same refuses an object that the caller has already.
func (c condition) same(o object, header string) error {
	if c.prefix != "" {
		return errCondition(c.prefix + header)
	}
	return api.NotModified.With(&api.NotModifiedDetail{
		ETag: new(quoted(o.ETag)), LastModified: &o.Modified, VersionId: o.versionID(),
	}, "Not Modified")
}

// matches reports whether a list of ETags has etag.
func matches(list, etag string) bool {
	for t := range strings.SplitSeq(list, ",") {
		if t = unquoted(strings.TrimSpace(t)); t == etag || t == "*" {
			return true
		}
	}
	return false
}

func quoted(etag string) string { return `"` + etag + `"` }

func unquoted(etag string) string { return strings.Trim(strings.TrimPrefix(etag, "W/"), `"`) }

// A guard is what a writer wants to hold of the object that is there already.
type guard struct{ match, noneMatch *string }

// check refuses what S3 takes from nobody.
func (g guard) check() error {
	switch {
	case g.match != nil && g.noneMatch != nil:
		return errHeader("If-Match,If-None-Match", "Multiple conditional request headers present in the request")
	case g.match != nil && *g.match == "*":
		return errHeader("If-Match", "We don't accept the provided value of If-Match header for this API")
	case g.noneMatch != nil && *g.noneMatch != "*":
		return errHeader("If-None-Match", "We don't accept the provided value of If-None-Match header for this API")
	}
	return nil
}

// allows refuses to replace old, the latest version of key, if g does not hold.
func (g guard) allows(key string, old object, found bool) error {
	found = found && !old.Marker
	switch {
	case g.noneMatch != nil && found:
		return errCondition("If-None-Match")
	case g.match != nil && !found:
		return errNoKey(key)
	case g.match != nil && unquoted(*g.match) != old.ETag:
		return errCondition("If-Match")
	}
	return nil
}
