package pack

import (
	"testing"

	"go.yaml.in/yaml/v3"
)

// FuzzTemplate holds that any YAML can be searched for code, and that what is
// found can be replaced and written again.
func FuzzTemplate(f *testing.F) {
	f.Add("Resources: {F: {Type: 'AWS::Lambda::Function', Properties: {Code: src}}}")
	f.Add("Globals: [1]\nResources: {F: {Type: AWS::Serverless::Function}}")
	f.Add("Globals: {Function: {CodeUri: .}}\nResources: {F: {Type: AWS::Serverless::Function, Properties: {Handler: a.b}}}")
	f.Fuzz(func(t *testing.T, text string) {
		var doc yaml.Node
		if yaml.Unmarshal([]byte(text), &doc) != nil || len(doc.Content) == 0 {
			return
		}
		found := findArtifacts(doc.Content[0], ".")
		for _, a := range found {
			a.set("bucket", "key")
		}
		if len(found) == 0 {
			return
		}
		out, err := yaml.Marshal(&doc)
		if err != nil {
			t.Fatal(err)
		}
		if err := yaml.Unmarshal(out, &doc); err != nil {
			t.Errorf("what was written does not parse: %v\n%s", err, out)
		}
	})
}
