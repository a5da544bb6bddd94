package firewall

import (
	"crypto/md5"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"html"
	"net/url"
	"path"
	"slices"
	"strings"

	api "github.com/aloft-cloud/aloft/internal/api/wafv2"
)

// transforms are the ways in which a part of a request may be read.
var transforms = map[string]func(string) string{
	"NONE":                 func(s string) string { return s },
	"LOWERCASE":            strings.ToLower,
	"UPPERCASE":            strings.ToUpper,
	"TRIM":                 strings.TrimSpace,
	"TRIM_LEFT":            func(s string) string { return strings.TrimLeft(s, " \t\r\n\v\f") },
	"TRIM_RIGHT":           func(s string) string { return strings.TrimRight(s, " \t\r\n\v\f") },
	"HTML_ENTITY_DECODE":   html.UnescapeString,
	"COMPRESS_WHITE_SPACE": func(s string) string { return strings.Join(strings.Fields(s), " ") },
	"REMOVE_WHITESPACE":    func(s string) string { return strings.Join(strings.Fields(s), "") },
	"REMOVE_NULLS":         func(s string) string { return strings.ReplaceAll(s, "\x00", "") },
	"REPLACE_NULLS":        func(s string) string { return strings.ReplaceAll(s, "\x00", " ") },
	"NORMALIZE_PATH":       normalize,
	"NORMALIZE_PATH_WIN":   func(s string) string { return normalize(strings.ReplaceAll(s, `\`, "/")) },
	"URL_DECODE": func(s string) string {
		if plain, err := url.QueryUnescape(s); err == nil {
			return plain
		}
		return s
	},
	"BASE64_DECODE": func(s string) string {
		if plain, err := base64.StdEncoding.DecodeString(s); err == nil {
			return string(plain)
		}
		return s
	},
	"HEX_DECODE": func(s string) string {
		if plain, err := hex.DecodeString(s); err == nil {
			return string(plain)
		}
		return s
	},
	"MD5":    func(s string) string { sum := md5.Sum([]byte(s)); return string(sum[:]) },
	"SHA256": func(s string) string { sum := sha256.Sum256([]byte(s)); return string(sum[:]) },
}

func normalize(s string) string {
	if s == "" {
		return s
	}
	out := path.Clean(s)
	if strings.HasSuffix(s, "/") && out != "/" {
		out += "/"
	}
	return out
}

// reader is a chain of transforms.
func reader(all []api.TextTransformation) (func(string) string, error) {
	all = slices.Clone(all)
	slices.SortStableFunc(all, func(a, b api.TextTransformation) int { return int(a.Priority) - int(b.Priority) })
	var chain []func(string) string
	for _, t := range all {
		f := transforms[t.Type]
		if f == nil {
			return nil, &Lack{"the text transformation " + t.Type}
		}
		chain = append(chain, f)
	}
	return func(s string) string {
		for _, f := range chain {
			s = f(s)
		}
		return s
	}, nil
}
