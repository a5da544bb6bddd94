package xray

import "testing"

// No text makes the reader of segments panic, and what it takes has ids.
func FuzzParse(f *testing.F) {
	f.Add(`{"id":"70de5b6f19ff9a0a","trace_id":"1-581cf771-a006649127e371903a2de979","name":"a","start_time":1,"end_time":2,"subsegments":[{"name":"b"}]}`)
	f.Fuzz(func(t *testing.T, text string) {
		d, code := parse(text)
		if code == "" && (d.ID == "" || d.TraceID == "") {
			t.Errorf("took %q", text)
		}
		d.each(func(*document) {})
	})
}
