package main

import (
	"strings"
	"unicode"
)

// exported is a model's name as an exported Go name.
func exported(s string) string {
	s = strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) || unicode.IsDigit(r) {
			return r
		}
		return '_'
	}, s)
	return strings.ToUpper(s[:1]) + s[1:]
}

// constant is the end of the name of an enumeration's constant: "ACTIVE" is
// Active, "python3.14" is Python314, "aws:kms:dsse" is AwsKmsDsse, and
// "s3:ObjectCreated:*" is S3ObjectCreatedAll. Words that are written in small
// letters somewhere keep their own.
func constant(value string) string {
	var b strings.Builder
	words := strings.FieldsFunc(strings.ReplaceAll(value, "*", " All "), func(r rune) bool {
		return !unicode.IsLetter(r) && !unicode.IsDigit(r)
	})
	for _, w := range words {
		if strings.ToUpper(w) == w {
			w = strings.ToLower(w)
		}
		b.WriteString(strings.ToUpper(w[:1]) + w[1:])
	}
	return b.String()
}
