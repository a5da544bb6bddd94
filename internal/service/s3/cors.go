package s3

import (
	"cmp"
	"context"
	"net/http"
	"net/url"
	"slices"
	"strings"

	api "github.com/aloft-cloud/aloft/internal/api/s3"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/protocol"
	"github.com/aloft-cloud/aloft/internal/store"
)

// corsMethods are those that a rule may allow.
var corsMethods = []string{http.MethodGet, http.MethodPut, http.MethodPost, http.MethodDelete, http.MethodHead}

// PutBucketCors says which pages of other sites may use a bucket.
func (s *Service) PutBucketCors(ctx context.Context, call *aws.Call, in *api.PutBucketCorsInput) (*api.PutBucketCorsOutput, error) {
	rules := aws.Value(in.CORSConfiguration).CORSRules
	if len(rules) == 0 || len(rules) > 100 {
		return nil, errMalformed()
	}
	for _, r := range rules {
		if len(r.AllowedMethods) == 0 || len(r.AllowedOrigins) == 0 {
			return nil, errMalformed()
		}
		for _, m := range r.AllowedMethods {
			if !slices.Contains(corsMethods, m) {
				return nil, api.InvalidRequest.Errorf("Found unsupported HTTP method in CORS config. Unsupported method is %s", m)
			}
		}
		if err := firstError(checkWildcards("AllowedOrigin", r.AllowedOrigins), checkWildcards("AllowedHeader", r.AllowedHeaders)); err != nil {
			return nil, err
		}
	}
	err := s.configure(ctx, in.Bucket, in.ExpectedBucketOwner, func(c *settings) { c.CORS = rules })
	return &api.PutBucketCorsOutput{}, err
}

func checkWildcards(name string, patterns []string) error {
	for _, p := range patterns {
		if strings.Count(p, "*") > 1 {
			return api.InvalidRequest.Errorf("%s %q can not have more than one wildcard.", name, p)
		}
	}
	return nil
}

// GetBucketCors returns the rules of a bucket that has any.
func (s *Service) GetBucketCors(ctx context.Context, call *aws.Call, in *api.GetBucketCorsInput) (*api.GetBucketCorsOutput, error) {
	c, err := s.settingsOf(ctx, in.Bucket, in.ExpectedBucketOwner)
	if err == nil && len(c.CORS) == 0 {
		err = api.NoSuchCORSConfiguration.With(&api.NoSuchCORSConfigurationDetail{BucketName: in.Bucket}, "The CORS configuration does not exist")
	}
	return &api.GetBucketCorsOutput{CORSRules: c.CORS}, err
}

// DeleteBucketCors removes the rules of a bucket.
func (s *Service) DeleteBucketCors(ctx context.Context, call *aws.Call, in *api.DeleteBucketCorsInput) (*api.DeleteBucketCorsOutput, error) {
	err := s.configure(ctx, in.Bucket, in.ExpectedBucketOwner, func(c *settings) { c.CORS = nil })
	return &api.DeleteBucketCorsOutput{}, err
}

// origin implements service.Definition.Origin: it lets the pages that the
// bucket's rules allow read the answer, and answers what browsers ask before.
func (s *Service) origin(h http.Header, r *http.Request) (answered bool, err error) {
	bucket, object := bucketOf(r)
	var rules []api.CORSRule
	err = s.db.View(r.Context(), func(tx *store.Tx) error {
		c, err := findSettings(tx, bucketARN(bucket))
		rules = c.CORS
		return err
	})
	if err != nil {
		return false, err
	}
	preflight := r.Method == http.MethodOptions
	q := corsRequest{origin: r.Header.Get("Origin"), method: r.Method}
	if preflight && q.origin == "" {
		return true, api.BadRequest.Errorf("Insufficient information. Origin request header needed.")
	}
	if preflight {
		q.method = r.Header.Get("Access-Control-Request-Method")
		q.headers = splitList(r.Header.Get("Access-Control-Request-Headers"))
	}
	for i := range rules {
		if q.allowedBy(&rules[i]) {
			q.answer(h, &rules[i])
			return preflight, nil
		}
	}
	if !preflight {
		return false, nil
	}
	return true, errForbidden(len(rules) > 0, cmp.Or(q.method, r.Method), object)
}

func errForbidden(enabled bool, method string, object bool) error {
	d := &api.AccessForbiddenDetail{Method: method, ResourceType: "BUCKET"}
	if object {
		d.ResourceType = "OBJECT"
	}
	if !enabled {
		return api.AccessForbidden.With(d, "CORSResponse: CORS is not enabled for this bucket.")
	}
	return api.AccessForbidden.With(d, "CORSResponse: This CORS request is not allowed. This is usually because the evalution of Origin,"+
		" request method / Access-Control-Request-Method or Access-Control-Request-Headers are not whitelisted by the resource's CORS spec.")
}

// bucketOf returns the bucket that r is for, and whether it is for an object.
func bucketOf(r *http.Request) (bucket string, object bool) {
	path := strings.TrimPrefix(r.URL.EscapedPath(), "/")
	if bucket := protocol.BucketOf(r.Host); bucket != "" {
		return bucket, path != ""
	}
	name, key, _ := strings.Cut(path, "/")
	if plain, err := url.PathUnescape(name); err == nil {
		name = plain
	}
	return name, key != ""
}

// A corsRequest is what a page wants to do.
type corsRequest struct {
	origin, method string
	headers        []string // in small letters; nil but before the request itself
}

func (q *corsRequest) allowedBy(rule *api.CORSRule) bool {
	for _, h := range q.headers {
		if !slices.ContainsFunc(rule.AllowedHeaders, func(p string) bool { return matchWildcard(strings.ToLower(p), h) }) {
			return false
		}
	}
	return slices.Contains(rule.AllowedMethods, q.method) &&
		slices.ContainsFunc(rule.AllowedOrigins, func(p string) bool { return matchWildcard(p, q.origin) })
}

// answer sets the headers by which a browser knows that rule allows q.
func (q *corsRequest) answer(h http.Header, rule *api.CORSRule) {
	if slices.Contains(rule.AllowedOrigins, "*") {
		h.Set("Access-Control-Allow-Origin", "*")
	} else {
		h.Set("Access-Control-Allow-Origin", q.origin)
		h.Set("Access-Control-Allow-Credentials", "true")
	}
	h.Set("Access-Control-Allow-Methods", strings.Join(rule.AllowedMethods, ", "))
	if len(q.headers) > 0 {
		h.Set("Access-Control-Allow-Headers", strings.Join(q.headers, ", "))
	}
	if len(rule.ExposeHeaders) > 0 {
		h.Set("Access-Control-Expose-Headers", strings.Join(rule.ExposeHeaders, ", "))
	}
	if rule.MaxAgeSeconds != nil {
		h.Set("Access-Control-Max-Age", itoa(*rule.MaxAgeSeconds))
	}
	h.Set("Vary", "Origin, Access-Control-Request-Headers, Access-Control-Request-Method")
}

// matchWildcard reports whether s is pattern, whose one star stands for anything.
func matchWildcard(pattern, s string) bool {
	before, after, star := strings.Cut(pattern, "*")
	if !star {
		return pattern == s
	}
	return len(s) >= len(before)+len(after) && strings.HasPrefix(s, before) && strings.HasSuffix(s, after)
}

// splitList returns the items of a header, in small letters.
func splitList(header string) []string {
	var items []string
	for item := range strings.SplitSeq(strings.ToLower(header), ",") {
		if item = strings.TrimSpace(item); item != "" {
			items = append(items, item)
		}
	}
	return items
}
