package sigv4

import (
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// Ways in which a request carries a signature.
const (
	None   Form = iota // it is not signed
	Header             // in the header Authorization
	Query              // in the query: presigned
	Post               // in the fields of a form: a signed policy
)

// A Form says where in a request its signature is.
type Form uint8

// A Signature is what a request claims of who signed it. Nothing of it is
// true before Verify has said so.
type Signature struct {
	Form      Form
	AccessKey string
	Region    string // in SigV4a the first of the region set
	Service   string // as services name themselves in signatures: "dynamodb"
	Token     string // of temporary credentials
	Time      time.Time
	Expires   time.Duration // how long a presigned request is valid

	asymmetric bool   // SigV4a
	version2   bool   // SigV2, presigned, of S3
	date       string // day of the scope: "20150830"
	timestamp  string // Time as it was signed
	headers    string // names of the signed headers: "host;x-amz-date"
	signature  string // in hexadecimal
	wrong      *refusal
}

const (
	algorithm   = "AWS4-HMAC-SHA256"
	algorithm4a = "AWS4-ECDSA-P256-SHA256"
	terminator  = "aws4_request"
	timeFormat  = "20060102T150405Z"
	maxExpires  = 7 * 24 * time.Hour
)

// Parse finds the signature of r. It always returns one: a request that is not
// signed has Form None, and what is wrong with a signature Verify tells.
func Parse(r *http.Request) *Signature {
	s := new(Signature)
	auth := r.Header.Get("Authorization")
	query := r.URL.RawQuery
	presigned := strings.Contains(query, "X-Amz-Algorithm") && r.URL.Query().Has("X-Amz-Algorithm") || strings.Contains(query, "X-Amz-Signature=")
	switch {
	case auth != "":
		s.parseHeader(auth, r)
		if presigned {
			s.wrong = &refusal{
				s3:    invalidArgument.Errorf("Only one auth mechanism allowed; only the X-Amz-Algorithm query parameter, Signature query string parameter or the Authorization header should be specified"),
				other: errBoth(),
			}
		}
	case presigned:
		s.parseQuery(r.URL.Query())
	case strings.Contains(query, "AWSAccessKeyId="):
		s.parseVersion2(r.URL.Query())
	}
	return s
}

// Malformed returns what is wrong with the signature itself, whatever its
// time, its key and the request: nil if nothing is.
func (s *Signature) Malformed(s3 bool) error { return s.wrong.words(s3) }

func errVersion2() *refusal {
	return &refusal{
		s3:    invalidRequest.Errorf("The authorization mechanism you have provided is not supported. Please use AWS4-HMAC-SHA256."),
		other: IncompleteSignature.Errorf("Signature Version 2 is not supported. Please use AWS4-HMAC-SHA256."),
	}
}

// parseHeader reads the form Authorization: ALGORITHM Credential=…, SignedHeaders=…, Signature=….
func (s *Signature) parseHeader(auth string, r *http.Request) {
	name, params, _ := strings.Cut(auth, " ")
	switch name {
	case algorithm:
	case algorithm4a:
		s.asymmetric = true
	case "AWS":
		s.wrong = errVersion2()
		return
	default:
		s.wrong = &refusal{s3: invalidArgument.Errorf("Unsupported Authorization Type"), other: ErrUnsigned}
		if !strings.HasPrefix(name, "AWS4-") {
			return
		}
	}
	s.Form = Header
	s.Token = r.Header.Get("X-Amz-Security-Token")
	var credential string
	for params != "" {
		var part string
		part, params, _ = strings.Cut(params, ",")
		key, value, _ := strings.Cut(strings.TrimSpace(part), "=")
		switch key {
		case "Credential":
			credential = value
		case "SignedHeaders":
			s.headers = value
		case "Signature":
			s.signature = value
		}
	}
	bad := s.parseCredential(credential)
	dated := s.parseDate(r)
	if s.wrong != nil {
		if s.wrong.other = errIncomplete("Authorization header requires 'AWS4-HMAC-SHA256' algorithm.", auth); !s.whole(credential, dated) {
			s.wrong.other = errIncomplete(s.missing(credential, dated), auth)
		}
		return
	}
	if s.asymmetric {
		s.Region, _, _ = strings.Cut(r.Header.Get("X-Amz-Region-Set"), ",")
	}
	switch {
	case credential == "" || s.headers == "" || s.signature == "":
		s.wrong = &refusal{
			s3:    headerMalformed.Errorf("The authorization header is malformed; the authorization header requires three components: Credential, SignedHeaders, and Signature."),
			other: errIncomplete(s.missing(credential, dated), auth),
		}
	case bad != nil:
		s.wrong = &refusal{
			s3:    headerMalformed.Errorf("The authorization header is malformed; %s", bad.s3),
			other: bad.other,
		}
	case !dated:
		s.wrong = &refusal{
			s3:    accessDenied.Errorf("AWS authentication requires a valid Date or x-amz-date header"),
			other: errIncomplete(s.missing(credential, dated), auth),
		}
	case s.timestamp[:8] != s.date:
		s.wrong = s.errDate(headerMalformed.Errorf("The authorization header is malformed; Invalid credential date %q. Date is not the same as X-Amz-Date: %q.", s.date, s.timestamp[:8]))
	}
}

// whole reports whether the header of s lacks nothing.
func (s *Signature) whole(credential string, dated bool) bool {
	return credential != "" && s.signature != "" && s.headers != "" && dated
}

// missing lists what the header of s lacks.
func (s *Signature) missing(credential string, dated bool) string {
	var b strings.Builder
	for _, p := range [...]struct{ name, value string }{
		{"Credential", credential}, {"Signature", s.signature}, {"SignedHeaders", s.headers},
	} {
		if p.value == "" {
			b.WriteString("Authorization header requires '" + p.name + "' parameter. ")
		}
	}
	if !dated {
		b.WriteString("Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header. ")
	}
	return strings.TrimSpace(b.String())
}

func (s *Signature) errDate(s3 error) *refusal {
	return &refusal{s3: s3, other: InvalidSignature.Errorf(
		"Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: '%s' != '%s', from '%s'.",
		s.date, s.timestamp[:8], s.timestamp)}
}

// parseCredential splits KEY/DATE/REGION/SERVICE/aws4_request; SigV4a has no
// region there. The words for S3 that it returns are still to be begun. It
// splits from the end, since an id that is not ours may hold a slash.
func (s *Signature) parseCredential(c string) *refusal {
	var end string
	rest, ok := cutLast(c, &end)
	ok = ok && cutInto(&rest, &s.Service)
	if !s.asymmetric {
		ok = ok && cutInto(&rest, &s.Region)
	}
	ok = ok && cutInto(&rest, &s.date)
	s.AccessKey = rest
	if !ok || s.AccessKey == "" || s.Service == "" {
		s.AccessKey, _, _ = strings.Cut(c, "/")
		return &refusal{
			s3:    words(`the Credential is mal-formed; expecting "<YOUR-AKID>/YYYYMMDD/REGION/SERVICE/aws4_request".`),
			other: IncompleteSignature.Errorf("Credential must have exactly 5 slash-delimited elements, e.g. keyid/date/region/service/term, got '%s'", c),
		}
	}
	if end != terminator {
		return &refusal{
			s3:    words(`incorrect terminal "` + end + `". This endpoint uses "aws4_request".`),
			other: InvalidSignature.Errorf("Credential should be scoped with a valid terminator: 'aws4_request', not '%s'.", end),
		}
	}
	if _, err := time.Parse("20060102", s.date); err != nil {
		return &refusal{
			s3:    words(`incorrect date format "` + s.date + `". This date in the credential must be in the format "yyyyMMdd".`),
			other: IncompleteSignature.Errorf("Credential must have a date in the format yyyyMMdd, got '%s'", s.date),
		}
	}
	return nil
}

type words string

func (w words) Error() string { return string(w) }

func cutLast(s string, last *string) (rest string, ok bool) {
	i := strings.LastIndexByte(s, '/')
	if i < 0 {
		return s, false
	}
	*last = s[i+1:]
	return s[:i], true
}

func cutInto(rest, last *string) (ok bool) {
	*rest, ok = cutLast(*rest, last)
	return ok
}

// parseDate reads when a request with an Authorization header was signed.
func (s *Signature) parseDate(r *http.Request) bool {
	s.timestamp = r.Header.Get("X-Amz-Date")
	if s.timestamp == "" {
		s.timestamp = r.Header.Get("Date")
	}
	var err error
	if s.Time, err = time.Parse(timeFormat, s.timestamp); err == nil {
		return true
	}
	if s.Time, err = http.ParseTime(s.timestamp); err != nil {
		return false
	}
	s.Time = s.Time.UTC()
	s.timestamp = s.Time.Format(timeFormat)
	return true
}

// parseQuery reads the presigned form.
func (s *Signature) parseQuery(q url.Values) {
	s.Form = Query
	s.Token = q.Get("X-Amz-Security-Token")
	s.signature = q.Get("X-Amz-Signature")
	s.headers = q.Get("X-Amz-SignedHeaders")
	s.timestamp = q.Get("X-Amz-Date")
	s.asymmetric = q.Get("X-Amz-Algorithm") == algorithm4a
	credential := q.Get("X-Amz-Credential")
	bad := s.parseCredential(credential)
	if s.asymmetric {
		s.Region, _, _ = strings.Cut(q.Get("X-Amz-Region-Set"), ",")
	}
	s.wrong = missingQuery(q)
	if s.wrong != nil && s.wrong.other != nil {
		return
	}
	if wrong := s.parseQueryValues(q, bad); wrong != nil {
		s.wrong = wrong
	}
}

// missingQuery refuses a presigned request that lacks parameters.
func missingQuery(q url.Values) *refusal {
	var lacks strings.Builder
	for _, name := range []string{"Algorithm", "Credential", "Signature", "SignedHeaders", "Date"} {
		if q.Get("X-Amz-"+name) == "" {
			lacks.WriteString("AWS query-string parameters must include 'X-Amz-" + name + "'. ")
		}
	}
	if lacks.Len() == 0 && q.Get("X-Amz-Expires") != "" {
		return nil
	}
	r := &refusal{s3: queryParameters.Errorf("Query-string authentication version 4 requires the X-Amz-Algorithm, X-Amz-Credential, X-Amz-Signature, X-Amz-Date, X-Amz-SignedHeaders, and X-Amz-Expires parameters.")}
	switch {
	case lacks.Len() == 0: // only S3 insists on an expiry; elsewhere it is that of the clock's skew
	case q.Has("X-Amz-Algorithm"):
		r.other = IncompleteSignature.Errorf("%sRe-examine the query-string parameters.", lacks.String())
	default:
		r.other = ErrUnsigned
	}
	return r
}

// parseQueryValues reads the values of a presigned request that has all of them.
func (s *Signature) parseQueryValues(q url.Values, bad *refusal) *refusal {
	both := func(format string, args ...any) *refusal {
		return &refusal{s3: queryParameters.Errorf(format, args...), other: IncompleteSignature.Errorf(format, args...)}
	}
	if a := q.Get("X-Amz-Algorithm"); a != algorithm && a != algorithm4a {
		return both(`X-Amz-Algorithm only supports "AWS4-HMAC-SHA256 and AWS4-ECDSA-P256-SHA256"`)
	}
	if bad != nil {
		return &refusal{s3: queryParameters.Errorf("Error parsing the X-Amz-Credential parameter; %s", bad.s3), other: bad.other}
	}
	var err error
	if s.Time, err = time.Parse(timeFormat, s.timestamp); err != nil {
		return both(`X-Amz-Date must be in the ISO8601 Long Format "yyyyMMdd'T'HHmmss'Z'"`)
	}
	if s.timestamp[:8] != s.date {
		return s.errDate(queryParameters.Errorf("Invalid credential date %q. This date is not the same as X-Amz-Date: %q.", s.date, s.timestamp[:8]))
	}
	s.Expires = MaxSkew
	if text := q.Get("X-Amz-Expires"); text != "" {
		n, err := strconv.ParseInt(text, 10, 32)
		switch {
		case err != nil:
			return both("X-Amz-Expires should be a number")
		case n < 0:
			return both("X-Amz-Expires must be non-negative")
		case n > int64(maxExpires/time.Second):
			return both("X-Amz-Expires must be less than a week (in seconds); that is, the given X-Amz-Expires must be less than 604800 seconds")
		}
		s.Expires = time.Duration(n) * time.Second
	}
	return nil
}
