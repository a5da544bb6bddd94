package codedeploy

import "testing"

// What is read of an AppSpec file is whole, or refused.
func FuzzParseSpec(f *testing.F) {
	f.Add(`{"version":0.0,"Resources":[{"f":{"Type":"AWS::Lambda::Function","Properties":{"Name":"f","Alias":"live","CurrentVersion":"1","TargetVersion":"2"}}}],"Hooks":[{"BeforeAllowTraffic":"g"}]}`)
	f.Add("version: 0.0\nResources:\n  - f:\n      Type: AWS::Lambda::Function\n")
	f.Fuzz(func(t *testing.T, text string) {
		of, err := parseSpec(text)
		if err == nil && (of.Function == "" || of.Alias == "" || of.Current == "" || of.Target == "") {
			t.Errorf("parseSpec(%q) = %+v, which lacks something", text, of)
		}
	})
}
