package cloudwatch

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/aloft-cloud/aloft/internal/service/cloudwatch/formula"
)

// partsOf are what tells a metric's data from those of others, in the order
// they have in labels; the second is its name.
func partsOf(m *metric, statistic, period string) []string {
	parts := []string{m.Namespace, m.Name}
	var values []string
	for _, d := range m.Dimensions {
		values = append(values, d.Value)
	}
	return append(parts, strings.Join(values, " "), statistic, period)
}

// distinct returns a label for each of n: the name, and those parts in which
// they differ.
func distinct(n int, parts func(int) []string) []string {
	var differ [5]bool
	all := make([][]string, n)
	for i := range n {
		all[i] = parts(i)
		for k := range differ {
			differ[k] = differ[k] || all[i][k] != all[0][k]
		}
	}
	labels := make([]string, n)
	for i, p := range all {
		var words []string
		for k, word := range p {
			if (differ[k] || k == 1) && word != "" {
				words = append(words, word)
			}
		}
		labels[i] = strings.Join(words, " ")
	}
	return labels
}

// placeholder is what a label has in place of something of its data.
var placeholder = regexp.MustCompile(`\$\{\s*(?:(LABEL|MIN|MAX|AVG|SUM|FIRST|LAST|MIN_MAX_RANGE|DATAPOINT_COUNT|(?:MIN|MAX|FIRST|LAST)_TIME(?:_RELATIVE)?)|PROP\(\s*['"]([^'"]*)['"]\s*\))\s*\}`)

// fillLabel puts what there is to say of a series for the placeholders of a label.
func fillLabel(label, usual string, q *query, s *formula.Series, zone *time.Location, now time.Time) string {
	if !strings.Contains(label, "${") {
		return label
	}
	return placeholder.ReplaceAllStringFunc(label, func(text string) string {
		m := placeholder.FindStringSubmatch(text)
		if m[1] == "LABEL" {
			return usual
		}
		if m[1] != "" {
			return tellOf(s, m[1], zone, now)
		}
		return propertyOf(q, s, m[2], text)
	})
}

func propertyOf(q *query, s *formula.Series, name, unknown string) string {
	m, _ := s.Metric.(*metric)
	switch {
	case name == "Stat":
		return q.stat.String()
	case name == "Period":
		return strconv.FormatInt(s.Period, 10)
	case m == nil:
		return unknown
	case name == "MetricName":
		return m.Name
	case name == "Namespace":
		return m.Namespace
	}
	for _, d := range m.Dimensions {
		if "Dim."+d.Name == name {
			return d.Value
		}
	}
	return unknown
}

// tellOf returns what a placeholder stands for.
func tellOf(s *formula.Series, what string, zone *time.Location, now time.Time) string {
	if what == "DATAPOINT_COUNT" {
		return strconv.Itoa(len(s.Values))
	}
	if len(s.Values) == 0 {
		return "--"
	}
	lowest, highest, total := 0, 0, 0.0
	for i, v := range s.Values {
		if v < s.Values[lowest] {
			lowest = i
		}
		if v > s.Values[highest] {
			highest = i
		}
		total += v
	}
	kind, timed, _ := strings.Cut(what, "_TIME")
	at := map[string]int{"MIN": lowest, "MAX": highest, "FIRST": 0, "LAST": len(s.Values) - 1}[kind]
	switch {
	case what == "MIN_MAX_RANGE":
		return number(s.Values[lowest]) + " ~ " + number(s.Values[highest])
	case timed == "_RELATIVE":
		return now.Sub(time.Unix(s.Times[at], 0)).Truncate(time.Second).String() + " ago"
	case strings.Contains(what, "_TIME"):
		return time.Unix(s.Times[at], 0).In(zone).Format("2006-01-02 15:04 UTC")
	case what == "SUM":
		return number(total)
	case what == "AVG":
		return number(total / float64(len(s.Values)))
	}
	return number(s.Values[at])
}

// number is a value as labels and reasons have it.
func number(v float64) string {
	text := strconv.FormatFloat(v, 'f', -1, 64)
	if !strings.Contains(text, ".") {
		text += ".0"
	}
	return text
}

// parseZone reads an offset as "+0130".
func parseZone(text string) (*time.Location, error) {
	t, err := time.Parse("-0700", text)
	if err != nil {
		return nil, fmt.Errorf("no offset: %q", text)
	}
	return t.Location(), nil
}
