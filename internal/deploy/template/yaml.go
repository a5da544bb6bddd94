package template

import (
	"encoding/json"
	"errors"
	"io"
	"math/big"
	"regexp"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

func indexName(i int) string { return strconv.Itoa(i) }

func parseYAML(text string, options Options) (*Document, error) {
	dec := yaml.NewDecoder(strings.NewReader(text))
	var doc yaml.Node
	if err := dec.Decode(&doc); err != nil {
		if errors.Is(err, io.EOF) && options.Plain {
			return &Document{text: text}, nil
		}
		if options.Plain {
			return nil, errorf("%s", strings.TrimPrefix(err.Error(), "yaml: "))
		}
		return nil, notYAML(err)
	}
	r := yamlReader{options: options}
	v, err := r.value(doc.Content[0], 0)
	if err != nil {
		return nil, err
	}
	root, ok := v.(map[string]any)
	if !ok && !options.Plain {
		return nil, errorf("Template format error: unsupported structure.")
	}
	return &Document{Root: root, Value: v, text: text, node: doc.Content[0]}, nil
}

var yamlLine = regexp.MustCompile(`line (\d+)`)

func notYAML(err error) error {
	if m := yamlLine.FindStringSubmatch(err.Error()); m != nil {
		return errorf("Template format error: YAML not well-formed. (line %s)", m[1])
	}
	return errorf("Template format error: YAML not well-formed.")
}

func notYAMLAt(n *yaml.Node, reason string) error {
	return errorf("Template format error: YAML not well-formed. (line %d, column %d): %s", n.Line, n.Column, reason)
}

// shortForms are the tags that stand for functions.
var shortForms = map[string]string{
	"!Ref": "Ref", "!Condition": "Condition",
	"!And": "Fn::And", "!Base64": "Fn::Base64", "!Cidr": "Fn::Cidr", "!Contains": "Fn::Contains",
	"!EachMemberEquals": "Fn::EachMemberEquals", "!EachMemberIn": "Fn::EachMemberIn",
	"!Equals": "Fn::Equals", "!FindInMap": "Fn::FindInMap", "!GetAZs": "Fn::GetAZs", "!GetAtt": "Fn::GetAtt",
	"!If": "Fn::If", "!ImportValue": "Fn::ImportValue", "!Join": "Fn::Join", "!Length": "Fn::Length",
	"!Not": "Fn::Not", "!Or": "Fn::Or", "!RefAll": "Fn::RefAll", "!Select": "Fn::Select", "!Split": "Fn::Split",
	"!Sub": "Fn::Sub", "!ToJsonString": "Fn::ToJsonString", "!Transform": "Fn::Transform",
	"!ValueOf": "Fn::ValueOf", "!ValueOfAll": "Fn::ValueOfAll",
}

// A yamlReader makes plain values of nodes.
type yamlReader struct {
	options Options
	nodes   int
}

func (r *yamlReader) value(n *yaml.Node, depth int) (any, error) {
	if r.nodes++; r.nodes > maxNodes {
		return nil, errorf("Template format error: the template has more than %d values.", maxNodes)
	}
	if depth > maxDepth {
		return nil, errorf("Template format error: values are nested more than %d deep.", maxDepth)
	}
	if n.Kind == yaml.AliasNode {
		if !r.options.Aliases {
			return nil, errorf("Template error: YAML aliases are not allowed in CloudFormation templates")
		}
		return r.value(n.Alias, depth+1)
	}
	if strings.HasPrefix(n.Tag, "!") && !strings.HasPrefix(n.Tag, "!!") {
		return r.function(n, depth)
	}
	return r.plain(n, depth)
}

// function reads a value with a short form's tag.
func (r *yamlReader) function(n *yaml.Node, depth int) (any, error) {
	name, ok := shortForms[n.Tag]
	if !ok {
		return nil, notYAMLAt(n, "unknown tag "+n.Tag)
	}
	bare := *n
	bare.Tag = ""
	if n.Kind == yaml.ScalarNode {
		bare.Tag = "!!str"
		if n.Style&(yaml.SingleQuotedStyle|yaml.DoubleQuotedStyle|yaml.LiteralStyle|yaml.FoldedStyle) == 0 {
			bare.Tag = plainTag(n.Value)
		}
	}
	arg, err := r.plain(&bare, depth+1)
	if err != nil {
		return nil, err
	}
	if s, ok := arg.(string); ok && name == "Fn::GetAtt" {
		resource, attribute, found := strings.Cut(s, ".")
		arg = []any{resource}
		if found {
			arg = []any{resource, attribute}
		}
	}
	return map[string]any{name: arg}, nil
}

// plainTag is the tag of an untagged plain scalar.
func plainTag(text string) string {
	n := yaml.Node{Kind: yaml.ScalarNode, Value: text}
	return n.ShortTag()
}

func (r *yamlReader) plain(n *yaml.Node, depth int) (any, error) {
	switch n.Kind {
	case yaml.MappingNode:
		return r.mapping(n, depth)
	case yaml.SequenceNode:
		list := make([]any, 0, len(n.Content))
		for _, c := range n.Content {
			v, err := r.value(c, depth+1)
			if err != nil {
				return nil, err
			}
			list = append(list, v)
		}
		return list, nil
	case yaml.ScalarNode:
		return r.scalar(n)
	}
	return nil, notYAMLAt(n, "unsupported value")
}

func (r *yamlReader) mapping(n *yaml.Node, depth int) (any, error) {
	m := make(map[string]any, len(n.Content)/2)
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, val := n.Content[i], n.Content[i+1]
		if key.Kind == yaml.AliasNode && r.options.Aliases {
			key = key.Alias
		}
		if key.Kind != yaml.ScalarNode {
			return nil, notYAMLAt(key, "map keys must be strings")
		}
		v, err := r.value(val, depth+1)
		if err != nil {
			return nil, err
		}
		if key.ShortTag() == "!!merge" {
			if !r.options.Aliases {
				return nil, errorf("Template error: YAML aliases are not allowed in CloudFormation templates")
			}
			if !merge(m, v) {
				return nil, notYAMLAt(val, "only maps can be merged")
			}
			continue
		}
		m[key.Value] = v
	}
	return m, nil
}

// merge adds to m what v, a map or a list of maps, has beyond it.
func merge(m map[string]any, v any) bool {
	switch v := v.(type) {
	case map[string]any:
		for k, member := range v {
			if _, has := m[k]; !has {
				m[k] = member
			}
		}
		return true
	case []any:
		for _, element := range v {
			if _, ok := element.(map[string]any); !ok || !merge(m, element) {
				return false
			}
		}
		return true
	}
	return false
}

// scalar reads a scalar as YAML 1.1 has it, which is what CloudFormation reads.
// Dates stay text, and so do digits after a zero: they are ids, not octals.
func (r *yamlReader) scalar(n *yaml.Node) (any, error) {
	switch tag := n.ShortTag(); tag {
	case "!!str", "!!timestamp", "!!merge":
		if n.Style == 0 && !r.options.Plain {
			if b, ok := oldBool(n.Value); ok {
				return b, nil
			}
		}
		return n.Value, nil
	case "!!int", "!!float":
		return number(n.Value), nil
	case "!!bool":
		b, err := strconv.ParseBool(strings.ToLower(n.Value))
		if err != nil {
			return nil, notYAMLAt(n, "not a boolean")
		}
		return b, nil
	case "!!null":
		return nil, nil
	default:
		return nil, notYAMLAt(n, "unsupported tag "+tag)
	}
}

func oldBool(s string) (value, ok bool) {
	switch s {
	case "yes", "Yes", "YES", "on", "On", "ON":
		return true, true
	case "no", "No", "NO", "off", "Off", "OFF":
		return false, true
	}
	return false, false
}

var jsonNumber = regexp.MustCompile(`^-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][-+]?[0-9]+)?$`)

// number spells text as JSON does, or leaves it a string if it is none.
func number(text string) any {
	if jsonNumber.MatchString(text) {
		return json.Number(text)
	}
	digits := strings.TrimLeft(text, "+-")
	if len(digits) > 1 && digits[0] == '0' && strings.Trim(digits, "0123456789") == "" {
		return text
	}
	if len(text) <= 100 {
		if i, ok := new(big.Int).SetString(text, 0); ok {
			return json.Number(i.String())
		}
	}
	if f, err := strconv.ParseFloat(strings.ReplaceAll(text, "_", ""), 64); err == nil {
		if s := strconv.FormatFloat(f, 'f', -1, 64); jsonNumber.MatchString(s) {
			return json.Number(s)
		}
	}
	return text
}

func lineYAML(n *yaml.Node, path []string) int {
	if n == nil {
		return 1
	}
	line := n.Line
	for _, want := range path {
		if n.Kind == yaml.AliasNode {
			n = n.Alias
		}
		next, at := childYAML(n, want)
		if next == nil {
			break
		}
		n, line = next, at
	}
	return line
}

func childYAML(n *yaml.Node, want string) (child *yaml.Node, line int) {
	switch n.Kind {
	case yaml.MappingNode:
		for i := 0; i+1 < len(n.Content); i += 2 {
			if n.Content[i].Value == want {
				return n.Content[i+1], n.Content[i].Line
			}
		}
	case yaml.SequenceNode:
		if i, err := strconv.Atoi(want); err == nil && 0 <= i && i < len(n.Content) {
			return n.Content[i], n.Content[i].Line
		}
	}
	return nil, 0
}
