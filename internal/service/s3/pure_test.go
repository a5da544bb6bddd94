package s3

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	api "github.com/aloft-cloud/aloft/internal/api/s3"
	"github.com/aloft-cloud/aloft/internal/aws"
)

func TestParseRange(t *testing.T) {
	f := func(header string, want span, partial bool, refused bool) {
		t.Helper()
		got, p, err := parseRange(header, 10)
		if got != want || p != partial || (err != nil) != refused {
			t.Errorf("parseRange(%q) = %v, %v, %v; want %v, %v, refused %v", header, got, p, err, want, partial, refused)
		}
	}
	all := span{0, 10}
	f("bytes=0-0", span{0, 1}, true, false)
	f("bytes=0-100", all, true, false)
	f("bytes=1-", span{1, 9}, true, false)
	f("bytes=-2", span{8, 2}, true, false)
	f("bytes=-15", all, true, false)
	f("bytes=9-9", span{9, 1}, true, false)
	f("bytes=1-0", all, false, false)
	f("bytes=0--1", all, false, false)
	f("bytes=0-1,3-4", all, false, false)
	f("bytes=-", all, false, false)
	f("bytes=+1-2", all, false, false)
	f("0-8", all, false, false)
	f("bytes=-0", span{}, false, true)
	f("bytes=10-", span{}, false, true)
	f("bytes=100-200", span{}, false, true)
	f("bytes=99999999999999999999-", all, false, false)
}

// A range lies within what it is a range of.
func FuzzParseRange(f *testing.F) {
	f.Add("bytes=0-1", int64(5))
	f.Add("bytes=-1", int64(0))
	f.Fuzz(func(t *testing.T, header string, size int64) {
		if size < 0 {
			return
		}
		at, partial, err := parseRange(header, size)
		if err == nil && (at.from < 0 || at.size < 0 || at.from+at.size > size || partial && at.size == 0) {
			t.Errorf("parseRange(%q, %d) = %v", header, size, at)
		}
		if at, err := parseCopyRange(header, size); err == nil && (at.from < 0 || at.size < 1 || at.from+at.size > size) {
			t.Errorf("parseCopyRange(%q, %d) = %v", header, size, at)
		}
	})
}

func TestParseCopySource(t *testing.T) {
	f := func(header, bucket, key, version string) {
		t.Helper()
		c, err := parseCopySource(header)
		if err != nil || c.bucket != bucket || c.key != key || aws.Value(c.version) != version {
			t.Errorf("parseCopySource(%q) = %v, %v", header, c, err)
		}
	}
	f("b/k", "b", "k", "")
	f("/b/k", "b", "k", "")
	f("b//k", "b", "/k", "")
	f("b%2Fa%2Fc", "b", "a/c", "")
	f("b/a+b%2Bc?versionId=v1", "b", "a b+c", "v1")
	f("b/k?x", "b", "k?x", "")
	for _, bad := range []string{"", "b", "b/", "/", "/b", "b/%zz"} {
		if c, err := parseCopySource(bad); err == nil {
			t.Errorf("parseCopySource(%q) = %v, want a refusal", bad, c)
		}
	}
}

// What parses has a bucket without a slash, and a key.
func FuzzParseCopySource(f *testing.F) {
	f.Add("/b/k%20x?versionId=v")
	f.Fuzz(func(t *testing.T, header string) {
		if c, err := parseCopySource(header); err == nil && (c.bucket == "" || c.key == "" || strings.Contains(c.bucket, "/")) {
			t.Errorf("parseCopySource(%q) = %v", header, c)
		}
	})
}

// Tags that parse are within the limits, and no name comes twice.
func FuzzParseTagging(f *testing.F) {
	f.Add("a=1&b=%20")
	f.Fuzz(func(t *testing.T, header string) {
		tags, err := parseTagging(header)
		if err == nil && checkTags(tags, maxTags) != nil {
			t.Errorf("parseTagging(%q) = %v", header, tags)
		}
	})
}

// What is left of a policy without its public statements is not public.
func FuzzPolicy(f *testing.F) {
	f.Add(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":"*","Action":"s3:*","Resource":"arn:aws:s3:::b/*"},
		{"Effect":"Deny","Principal":{"AWS":["*"]},"Action":"s3:*","Resource":["arn:aws:s3:::b"],"Condition":{"Bool":{"aws:SecureTransport":"false"}}}]}`)
	f.Fuzz(func(t *testing.T, text string) {
		if checkPolicy(text) != nil {
			return
		}
		p, err := parsePolicy("arn:aws:s3:::b", text)
		if err != nil {
			return
		}
		rest, err := p.withoutPublic(text)
		if err != nil {
			t.Fatalf("withoutPublic of %q: %v", text, err)
		}
		if rest == "" {
			return
		}
		if err := checkPolicy(rest); err != nil {
			t.Errorf("%q less its public statements is %q: %v", text, rest, err)
		}
		if q, err := parsePolicy("arn:aws:s3:::b", rest); err != nil || q.public() {
			t.Errorf("%q less its public statements is %q: %v", text, rest, err)
		}
	})
}

func TestPublic(t *testing.T) {
	f := func(statement string, want bool) {
		t.Helper()
		p, err := parsePolicy("arn:aws:s3:::b", `{"Statement":[{"Action":"s3:GetObject","Resource":"arn:aws:s3:::b/*",`+statement+`}]}`)
		if err != nil || p.public() != want {
			t.Errorf("public of %s = %v, %v; want %v", statement, p.public(), err, want)
		}
	}
	f(`"Effect":"Allow","Principal":"*"`, true)
	f(`"Effect":"Allow","Principal":{"AWS":"*"}`, true)
	f(`"Effect":"Allow","Principal":{"AWS":["111111111111","*"]}`, true)
	f(`"Effect":"Allow","Principal":{"AWS":"111111111111"}`, false)
	f(`"Effect":"Allow","Principal":{"Service":"cloudfront.amazonaws.com"}`, false)
	f(`"Effect":"Deny","Principal":"*"`, false)
	f(`"Effect":"Allow","Principal":"*","Condition":{"StringEquals":{"aws:SourceAccount":"111111111111"}}`, false)
	f(`"Effect":"Allow","Principal":"*","Condition":{"StringLike":{"aws:SourceArn":"*"}}`, true)
	f(`"Effect":"Allow","Principal":"*","Condition":{"StringNotEquals":{"aws:SourceAccount":"111111111111"}}`, true)
	f(`"Effect":"Allow","Principal":"*","Condition":{"IpAddress":{"aws:SourceIp":"0.0.0.0/0"}}`, true)
	f(`"Effect":"Allow","Principal":"*","Condition":{"IpAddress":{"aws:SourceIp":"10.0.0.0/8"}}`, false)
	f(`"Effect":"Allow","Principal":"*","Condition":{"Bool":{"aws:SecureTransport":"true"}}`, true)
}

func TestLocate(t *testing.T) {
	f := func(region, constraint, where, location, code string) {
		t.Helper()
		w, l, err := locate(region, constraint)
		if w != where || l != location || code == "" && err != nil || code != "" && (err == nil || aws.Refusal(err).Code != code) {
			t.Errorf("locate(%q, %q) = %q, %q, %v", region, constraint, w, l, err)
		}
	}
	f("us-east-1", "", "us-east-1", "", "")
	f("us-east-1", "us-west-2", "us-west-2", "us-west-2", "")
	f("us-east-1", "EU", "eu-west-1", "EU", "")
	f("us-east-1", "us-east-1", "", "", "InvalidLocationConstraint")
	f("us-east-1", "moon", "", "", "InvalidLocationConstraint")
	f("eu-central-1", "eu-central-1", "eu-central-1", "eu-central-1", "")
	f("eu-west-1", "EU", "eu-west-1", "EU", "")
	f("eu-central-1", "", "", "", "IllegalLocationConstraintException")
	f("eu-central-1", "us-west-2", "", "", "IllegalLocationConstraintException")
}

func TestVersionID(t *testing.T) {
	for _, seq := range []uint64{0, 1, 1 << 40, ^uint64(0)} {
		id := newVersionID(seq)
		if got, ok := parseVersionID(id); len(id) != 32 || !ok || got != seq {
			t.Errorf("parseVersionID(%q) = %d, %v; want %d", id, got, ok, seq)
		}
	}
	if _, ok := parseVersionID("HPniJFCxqTsMuIH9KX8K8wEjNUgmABCD"); ok {
		t.Error("an id of AWS's was taken for ours")
	}
}

// Pages of any size, put together, list what is there, folded as S3 folds.
func TestListing(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	s := newService(t, "")
	var all []string
	for range 60 {
		var b strings.Builder
		for range 1 + r.IntN(6) {
			b.WriteString([]string{"a", "b", "/", "//", "\xff", "é", "a/"}[r.IntN(7)])
		}
		if !slices.Contains(all, b.String()) {
			all = append(all, b.String())
			put(t, s, b.String(), bytes.NewReader(nil))
		}
	}
	slices.Sort(all)
	for range 200 {
		prefix := []string{"", "a", "a/", "/", "b/a", "\xff"}[r.IntN(6)]
		delimiter := []string{"", "/", "a", "//"}[r.IntN(4)]
		after := []string{"", "a/", "a/b", "/", all[r.IntN(len(all))]}[r.IntN(5)]
		most := int32(1 + r.IntN(20))
		got, want := pages(t, s, prefix, delimiter, after, most), expected(all, prefix, delimiter, after)
		if !slices.Equal(got, want) {
			t.Fatalf("prefix %q delimiter %q after %q by %d:\n got %q\nwant %q", prefix, delimiter, after, most, got, want)
		}
	}
}

// pages lists keys and common prefixes, page by page.
func pages(t *testing.T, s *Service, prefix, delimiter, after string, most int32) []string {
	in := &api.ListObjectsV2Input{Bucket: "bucket", Prefix: &prefix, Delimiter: &delimiter, StartAfter: &after, MaxKeys: &most}
	var listed []string
	for {
		out, err := s.ListObjectsV2(t.Context(), caller, in)
		if err != nil {
			t.Fatal(err)
		}
		var page []string
		for _, o := range out.Contents {
			page = append(page, *o.Key)
		}
		for _, p := range out.CommonPrefixes {
			page = append(page, *p.Prefix)
		}
		slices.Sort(page)
		listed = append(listed, page...)
		if int(*out.KeyCount) != len(page) || *out.IsTruncated && len(page) != int(most) {
			t.Fatalf("page of %d, said to have %d of %d", len(page), *out.KeyCount, most)
		}
		if !*out.IsTruncated {
			return listed
		}
		in.ContinuationToken = out.NextContinuationToken
	}
}

// expected is what pages should list, found the simple way.
func expected(all []string, prefix, delimiter, after string) []string {
	var want []string
	l := &listing{prefix: prefix, delimiter: delimiter}
	for _, key := range all {
		name := key
		if p := l.fold(key); p != "" {
			name = p
			if strings.HasPrefix(after, p) {
				continue // folded into what is not past after
			}
		}
		if key > after && strings.HasPrefix(key, prefix) && !slices.Contains(want, name) {
			want = append(want, name)
		}
	}
	return want
}

func TestEncodeURL(t *testing.T) {
	if got, want := encodeURL("a b/c+ü~*.-_%"), "a+b/c%2B%C3%BC%7E*.-_%25"; got != want {
		t.Errorf("encodeURL = %s, want %s", got, want)
	}
}

// Versions follow one another as a model of them does, whatever is done.
func TestVersionModel(t *testing.T) {
	for seed := range uint64(20) {
		modelRun(t, seed)
	}
}

// A modelVersion is one version in the model; the latest comes first.
type modelVersion struct {
	id, body string
	marker   bool
}

func modelRun(t *testing.T, seed uint64) {
	r := rand.New(rand.NewPCG(seed, 5))
	s := newService(t, "")
	var model []modelVersion
	status := ""
	add := func(v modelVersion) {
		if status != "Enabled" {
			model = slices.DeleteFunc(model, func(m modelVersion) bool { return m.id == nullVersion })
			v.id = nullVersion
		}
		model = slices.Insert(model, 0, v)
	}
	for i := range 40 {
		switch r.IntN(5) {
		case 0:
			status = []string{"Enabled", "Suspended"}[r.IntN(2)]
			if _, err := s.PutBucketVersioning(t.Context(), caller, &api.PutBucketVersioningInput{
				Bucket: "bucket", VersioningConfiguration: &api.VersioningConfiguration{Status: &status}}); err != nil {
				t.Fatal(err)
			}
		case 1, 2:
			body := fmt.Sprint(i)
			out := put(t, s, "k", strings.NewReader(body))
			add(modelVersion{id: aws.Value(out.VersionId), body: body})
		case 3:
			out, err := s.DeleteObject(t.Context(), caller, &api.DeleteObjectInput{Bucket: "bucket", Key: "k"})
			if err != nil {
				t.Fatal(err)
			}
			if status == "" {
				model = nil
			} else {
				add(modelVersion{id: aws.Value(out.VersionId), marker: true})
			}
		case 4:
			if len(model) == 0 {
				continue
			}
			v := model[r.IntN(len(model))]
			if _, err := s.DeleteObject(t.Context(), caller, &api.DeleteObjectInput{Bucket: "bucket", Key: "k", VersionId: &v.id}); err != nil {
				t.Fatal(err)
			}
			model = slices.DeleteFunc(model, func(m modelVersion) bool { return m.id == v.id })
		}
		checkModel(t, s, model, seed, i)
	}
}

func checkModel(t *testing.T, s *Service, model []modelVersion, seed uint64, step int) {
	t.Helper()
	out, err := s.ListObjectVersions(t.Context(), caller, &api.ListObjectVersionsInput{Bucket: "bucket"})
	if err != nil {
		t.Fatal(err)
	}
	if got := len(out.Versions) + len(out.DeleteMarkers); got != len(model) {
		t.Fatalf("seed %d step %d: %d versions, want %d", seed, step, got, len(model))
	}
	for i, v := range model {
		latest := false
		for _, o := range out.Versions {
			latest = latest || *o.VersionId == v.id && *o.IsLatest
		}
		for _, o := range out.DeleteMarkers {
			latest = latest || *o.VersionId == v.id && *o.IsLatest
		}
		if latest != (i == 0) {
			t.Fatalf("seed %d step %d: version %d of %d is latest: %v", seed, step, i, len(model), latest)
		}
		if v.marker {
			continue
		}
		if got := read(t, s, &api.GetObjectInput{Key: "k", VersionId: &v.id}); string(got) != v.body {
			t.Fatalf("seed %d step %d: version %d is %q, want %q", seed, step, i, got, v.body)
		}
	}
}
