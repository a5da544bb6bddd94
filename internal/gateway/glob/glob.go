// Package glob matches texts with patterns in which * is any letters and ? is
// one, as CloudFront and load balancers have them for paths and hosts.
package glob

import "strings"

// Match reports whether all of s is what pattern says. It takes time in
// proportion to both lengths at worst.
func Match(pattern, s string) bool {
	p, i, star, mark := 0, 0, -1, 0
	for i < len(s) {
		switch {
		case p < len(pattern) && pattern[p] == '*':
			star, mark = p, i
			p++
		case p < len(pattern) && (pattern[p] == '?' || pattern[p] == s[i]):
			p++
			i++
		case star >= 0:
			mark++
			p, i = star+1, mark
		default:
			return false
		}
	}
	return strings.Trim(pattern[p:], "*") == ""
}
