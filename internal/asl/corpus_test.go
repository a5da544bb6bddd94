package asl

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/aloft-cloud/aloft/internal/tree"
	"go.yaml.in/yaml/v3"
)

// TestCorpus parses every state machine in the files of a folder, by hand: of
// applications, such as github.com/aws-samples/step-functions-workflows-collection.
func TestCorpus(t *testing.T) {
	dir := os.Getenv("ASL_CORPUS")
	if dir == "" {
		t.Skip("needs ASL_CORPUS, a folder of applications")
	}
	parsed, refused := 0, map[string]int{}
	filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		for _, definition := range definitionsIn(path) {
			m, found := Parse(definition)
			if m != nil {
				parsed++
				continue
			}
			rel, _ := filepath.Rel(dir, path)
			t.Logf("%s: %s", rel, InvalidDefinition(found))
			refused[found[0].Code]++
		}
		return nil
	})
	t.Logf("%d parsed; refused: %v", parsed, refused)
}

var substitution = regexp.MustCompile(`\$\{[^}]*\}`)

// definitionsIn are the objects of a file that have StartAt and States, with an
// ARN for each substitution.
func definitionsIn(path string) (found [][]byte) {
	text, err := os.ReadFile(path)
	if err != nil || !strings.Contains(string(text), "StartAt") {
		return nil
	}
	text = substitution.ReplaceAll(text, []byte("arn:aws:lambda:us-east-1:111111111111:function:f"))
	var v any
	switch filepath.Ext(path) {
	case ".json":
		v, err = tree.Parse(text)
	case ".yaml", ".yml":
		var doc yaml.Node
		if err = yaml.Unmarshal(text, &doc); err == nil {
			v = fromYAML(&doc)
		}
	}
	if err != nil {
		fmt.Println(path, err)
	}
	var walk func(v any)
	walk = func(v any) {
		switch v := v.(type) {
		case []any:
			for _, x := range v {
				walk(x)
			}
		case *tree.Object:
			_, start := v.Get("StartAt")
			if _, states := v.Get("States"); start && states {
				found = append(found, tree.Append(nil, v))
				return
			}
			for _, x := range v.All() {
				walk(x)
			}
		}
	}
	walk(v)
	return found
}

func fromYAML(n *yaml.Node) any {
	switch n.Kind {
	case yaml.DocumentNode:
		return fromYAML(n.Content[0])
	case yaml.AliasNode:
		return fromYAML(n.Alias)
	case yaml.SequenceNode:
		list := []any{}
		for _, x := range n.Content {
			list = append(list, fromYAML(x))
		}
		return list
	case yaml.MappingNode:
		o := &tree.Object{}
		for i := 0; i+1 < len(n.Content); i += 2 {
			o.Set(n.Content[i].Value, fromYAML(n.Content[i+1]))
		}
		return o
	}
	var v any
	if n.Decode(&v) != nil || strings.HasPrefix(n.Tag, "!") && !strings.HasPrefix(n.Tag, "!!") {
		return "arn:aws:lambda:us-east-1:111111111111:function:f"
	}
	b, err := json.Marshal(v)
	if err != nil {
		return n.Value
	}
	x, _ := tree.Parse(b)
	return x
}
