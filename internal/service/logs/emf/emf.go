// Package emf reads CloudWatch's embedded metric format: log events that are
// JSON and say of some of their members that they are metrics.
package emf

import (
	"encoding/json"
	"strconv"
	"strings"
)

// Limits of a document.
const (
	maxMetrics    = 100
	maxDimensions = 30
	maxSets       = 30
	maxValues     = 100
)

// A Datum is something that was measured.
type Datum struct {
	Namespace  string
	Name       string
	Unit       string // "" if it says none
	Dimensions [][2]string
	Values     []float64
	Time       int64 // ms; 0 if it says none
	Fine       bool  // its storage resolution is a second
}

type directive struct {
	Namespace  string     `json:"Namespace"`
	Dimensions [][]string `json:"Dimensions"`
	Metrics    []struct {
		Name              string `json:"Name"`
		Unit              string `json:"Unit"`
		StorageResolution int    `json:"StorageResolution"`
	} `json:"Metrics"`
}

// Parse returns what a log event measures. One that is not of the format, or
// not well formed, measures nothing.
func Parse(message string) []Datum {
	if !strings.Contains(message, `"_aws"`) {
		return nil
	}
	message = unprefixed(message)
	var head struct {
		AWS struct {
			Timestamp  int64       `json:"Timestamp"`
			Directives []directive `json:"CloudWatchMetrics"`
		} `json:"_aws"`
	}
	var members map[string]json.RawMessage
	if json.Unmarshal([]byte(message), &head) != nil || json.Unmarshal([]byte(message), &members) != nil {
		return nil
	}
	var data []Datum
	for _, d := range head.AWS.Directives {
		if d.Namespace == "" || len(d.Metrics) > maxMetrics || len(d.Dimensions) > maxSets {
			continue
		}
		sets := d.dimensions(members)
		for _, m := range d.Metrics {
			values := numbers(members[m.Name])
			for _, set := range sets {
				if len(values) > 0 {
					data = append(data, Datum{d.Namespace, m.Name, m.Unit, set, values, head.AWS.Timestamp, m.StorageResolution == 1})
				}
			}
		}
	}
	return data
}

// unprefixed is what a log event says, without what console.log of functions in
// Node.js puts before it: a time, the id of the request, and the level.
func unprefixed(message string) string {
	if strings.HasPrefix(strings.TrimSpace(message), "{") {
		return message
	}
	if parts := strings.SplitN(message, "\t", 4); len(parts) == 4 {
		return parts[3]
	}
	return message
}

// dimensions are the sets of dimensions of d with their values. One without a
// value leaves out its set.
func (d *directive) dimensions(members map[string]json.RawMessage) [][][2]string {
	if len(d.Dimensions) == 0 {
		return [][][2]string{nil}
	}
	var sets [][][2]string
	for _, names := range d.Dimensions {
		set := make([][2]string, 0, len(names))
		for _, name := range names {
			if value := text(members[name]); value != "" && len(names) <= maxDimensions {
				set = append(set, [2]string{name, value})
			}
		}
		if len(set) == len(names) {
			sets = append(sets, set)
		}
	}
	return sets
}

// text is a value of a dimension.
func text(raw json.RawMessage) string {
	var s string
	if json.Unmarshal(raw, &s) == nil {
		return s
	}
	var n json.Number
	if json.Unmarshal(raw, &n) == nil {
		return n.String()
	}
	var b bool
	if raw != nil && json.Unmarshal(raw, &b) == nil {
		return strconv.FormatBool(b)
	}
	return ""
}

// numbers are the values of a metric: one, or a list.
func numbers(raw json.RawMessage) []float64 {
	var one *float64
	if raw == nil {
		return nil
	}
	if json.Unmarshal(raw, &one) == nil && one != nil {
		return []float64{*one}
	}
	var all []float64
	if json.Unmarshal(raw, &all) != nil || len(all) > maxValues {
		return nil
	}
	return all
}
