package resource

import (
	"encoding/base64"
	"strings"

	"github.com/aloft-cloud/aloft/internal/api/wafv2"
)

// WAFv2 has the types of AWS WAF.
func WAFv2() []*Type {
	return []*Type{webACL(), ruleGroup(), ipSet(), patternSet(), webACLAssociation()}
}

// A guarding is what a thing of WAF's is called: its physical ID is
// NAME|ID|SCOPE.
type guarding struct{ name, id, scope string }

func guardingOf(physical string) guarding {
	parts := strings.SplitN(physical+"||", "|", 4)
	return guarding{parts[0], parts[1], parts[2]}
}

func (g guarding) made(arn string, attributes map[string]any) *Made {
	all := map[string]any{"Arn": arn, "Id": g.id}
	for name, v := range attributes {
		all[name] = v
	}
	return &Made{PhysicalID: g.name + "|" + g.id + "|" + g.scope, Attributes: all}
}

// bindGuard binds properties as templates write them: texts that are searched
// for are plain, or are in base64 under another name.
func bindGuard(op *Op, in any) error {
	properties := without(op.New, "Tags")
	properties["Rules"] = searched(properties["Rules"])
	if properties["Rules"] == nil {
		delete(properties, "Rules")
	}
	if tags := tagMap(op.New["Tags"]); tags != nil {
		properties["Tags"] = op.New["Tags"]
	}
	return Bind(op, properties, in)
}

func searched(v any) any {
	switch v := v.(type) {
	case []any:
		out := make([]any, len(v))
		for i := range v {
			out[i] = searched(v[i])
		}
		return out
	case map[string]any:
		out := make(map[string]any, len(v))
		for name, value := range v {
			if name == "SearchStringBase64" {
				if plain, err := base64.StdEncoding.DecodeString(text(value)); err == nil { // else it is refused by its name
					name, value = "SearchString", string(plain)
				}
			}
			out[name] = searched(value)
		}
		return out
	}
	return v
}

// A guardKind is how things of WAF's of one kind are made.
type guardKind struct {
	create func(op *Op, name string) (id string, err error)
	get    func(op *Op, g guarding) (made *Made, token string, err error)
	update func(op *Op, g guarding, token string) error
	remove func(op *Op, g guarding, token string) error
	list   func(op *Op, marker *string) (ids map[string]string, next *string, err error) // a page, by name
}

// guard gives a type what all kinds of WAF's do alike.
func (k guardKind) guard(t *Type) *Type {
	t.Naming = Naming{Property: "Name", Max: 128}
	t.Create = func(op *Op) (*Made, error) {
		name := op.Named("Name")
		id, err := k.create(op, name)
		if err != nil {
			return nil, err
		}
		g := guarding{name, id, op.Text("Scope")}
		made, _, err := k.get(op, g)
		if err != nil {
			return g.made("", nil), err
		}
		return made, nil
	}
	t.Update = func(op *Op) (*Made, error) {
		g := guardingOf(op.PhysicalID)
		_, token, err := k.get(op, g)
		if err != nil {
			return nil, err
		}
		if err := k.update(op, g, token); err != nil {
			return nil, err
		}
		made, _, err := k.get(op, g)
		if err != nil {
			return nil, err
		}
		return made, retagGuard(op, made)
	}
	t.Delete = func(op *Op) error {
		g := guardingOf(op.PhysicalID)
		_, token, err := k.get(op, g)
		if err != nil {
			return err
		}
		return k.remove(op, g, token)
	}
	t.Find = func(op *Op) (*Made, error) {
		for marker := (*string)(nil); ; {
			ids, next, err := k.list(op, marker)
			if err != nil {
				return nil, err
			}
			name := op.Named("Name")
			if id, there := ids[name]; there {
				made, _, err := k.get(op, guarding{name, id, op.Text("Scope")})
				return made, err
			}
			if marker = next; marker == nil {
				return nil, nil
			}
		}
	}
	return t
}

func webACL() *Type {
	return guardKind{
		create: func(op *Op, name string) (string, error) {
			in := &wafv2.CreateWebACLInput{}
			if err := bindGuard(op, in); err != nil {
				return "", err
			}
			in.Name = name
			out, err := Do(op, wafv2.CreateWebACL, in)
			if err != nil {
				return "", err
			}
			return *out.Summary.Id, nil
		},
		get: func(op *Op, g guarding) (*Made, string, error) {
			out, err := Do(op, wafv2.GetWebACL, &wafv2.GetWebACLInput{Name: &g.name, Id: &g.id, Scope: &g.scope})
			if err != nil {
				return nil, "", err
			}
			return g.made(out.WebACL.ARN, map[string]any{"Capacity": *out.WebACL.Capacity, "LabelNamespace": *out.WebACL.LabelNamespace}), *out.LockToken, nil
		},
		update: func(op *Op, g guarding, token string) error {
			in := &wafv2.UpdateWebACLInput{}
			if err := bindGuard(op, in); err != nil {
				return err
			}
			in.Name, in.Id, in.Scope, in.LockToken = g.name, g.id, g.scope, token
			_, err := Do(op, wafv2.UpdateWebACL, in)
			return err
		},
		remove: func(op *Op, g guarding, token string) error {
			_, err := Do(op, wafv2.DeleteWebACL, &wafv2.DeleteWebACLInput{Name: g.name, Id: g.id, Scope: g.scope, LockToken: token})
			return err
		},
		list: func(op *Op, marker *string) (map[string]string, *string, error) {
			out, err := Do(op, wafv2.ListWebACLs, &wafv2.ListWebACLsInput{Scope: op.Text("Scope"), NextMarker: marker})
			if err != nil {
				return nil, nil, err
			}
			ids := make(map[string]string)
			for _, a := range out.WebACLs {
				ids[*a.Name] = *a.Id
			}
			return ids, out.NextMarker, nil
		},
	}.guard(&Type{
		Name:       "AWS::WAFv2::WebACL",
		Properties: Props("ApplicationConfig- AssociationConfig CaptchaConfig ChallengeConfig CustomResponseBodies DataProtectionConfig DefaultAction! Description Name@ OnSourceDDoSProtectionConfig- Rules Scope!@ Tags TokenDomains VisibilityConfig!"),
		Attributes: []string{"Arn", "Id", "Capacity", "LabelNamespace"},
		Note:       "Rules of AWS's managed groups that need lists which only AWS has (reputations of addresses, anonymous networks, some bots) match nothing; the others look for what AWS tells of them.",
	})
}

func retagGuard(op *Op, made *Made) error {
	arn := text(made.Attributes["Arn"])
	return retag(op, tagMap, func(tags map[string]string) error {
		in := &wafv2.TagResourceInput{ResourceARN: arn}
		for name, value := range tags {
			in.Tags = append(in.Tags, wafv2.Tag{Key: name, Value: value})
		}
		_, err := Do(op, wafv2.TagResource, in)
		return err
	}, func(names []string) error {
		_, err := Do(op, wafv2.UntagResource, &wafv2.UntagResourceInput{ResourceARN: arn, TagKeys: names})
		return err
	})
}

func ruleGroup() *Type {
	return guardKind{
		create: func(op *Op, name string) (string, error) {
			in := &wafv2.CreateRuleGroupInput{}
			if err := bindGuard(op, in); err != nil {
				return "", err
			}
			in.Name = name
			out, err := Do(op, wafv2.CreateRuleGroup, in)
			if err != nil {
				return "", err
			}
			return *out.Summary.Id, nil
		},
		get: func(op *Op, g guarding) (*Made, string, error) {
			out, err := Do(op, wafv2.GetRuleGroup, &wafv2.GetRuleGroupInput{Name: &g.name, Id: &g.id, Scope: &g.scope})
			if err != nil {
				return nil, "", err
			}
			return g.made(out.RuleGroup.ARN, map[string]any{"LabelNamespace": *out.RuleGroup.LabelNamespace}), *out.LockToken, nil
		},
		update: func(op *Op, g guarding, token string) error {
			in := &wafv2.UpdateRuleGroupInput{}
			if err := bindGuard(op, in); err != nil {
				return err
			}
			in.Name, in.Id, in.Scope, in.LockToken = g.name, g.id, g.scope, token
			_, err := Do(op, wafv2.UpdateRuleGroup, in)
			return err
		},
		remove: func(op *Op, g guarding, token string) error {
			_, err := Do(op, wafv2.DeleteRuleGroup, &wafv2.DeleteRuleGroupInput{Name: g.name, Id: g.id, Scope: g.scope, LockToken: token})
			return err
		},
		list: func(op *Op, marker *string) (map[string]string, *string, error) {
			out, err := Do(op, wafv2.ListRuleGroups, &wafv2.ListRuleGroupsInput{Scope: op.Text("Scope"), NextMarker: marker})
			if err != nil {
				return nil, nil, err
			}
			ids := make(map[string]string)
			for _, a := range out.RuleGroups {
				ids[*a.Name] = *a.Id
			}
			return ids, out.NextMarker, nil
		},
	}.guard(&Type{
		Name:       "AWS::WAFv2::RuleGroup",
		Properties: Props("AvailableLabels- Capacity!@ ConsumedLabels- CustomResponseBodies Description Name@ Rules Scope!@ Tags VisibilityConfig!"),
		Attributes: []string{"Arn", "Id", "LabelNamespace"},
	})
}

func ipSet() *Type {
	return guardKind{
		create: func(op *Op, name string) (string, error) {
			in := &wafv2.CreateIPSetInput{}
			if err := bindGuard(op, in); err != nil {
				return "", err
			}
			in.Name = name
			out, err := Do(op, wafv2.CreateIPSet, in)
			if err != nil {
				return "", err
			}
			return *out.Summary.Id, nil
		},
		get: func(op *Op, g guarding) (*Made, string, error) {
			out, err := Do(op, wafv2.GetIPSet, &wafv2.GetIPSetInput{Name: g.name, Id: g.id, Scope: g.scope})
			if err != nil {
				return nil, "", err
			}
			return g.made(out.IPSet.ARN, nil), *out.LockToken, nil
		},
		update: func(op *Op, g guarding, token string) error {
			in := &wafv2.UpdateIPSetInput{}
			if err := bindGuard(op, in); err != nil {
				return err
			}
			in.Name, in.Id, in.Scope, in.LockToken = g.name, g.id, g.scope, token
			_, err := Do(op, wafv2.UpdateIPSet, in)
			return err
		},
		remove: func(op *Op, g guarding, token string) error {
			_, err := Do(op, wafv2.DeleteIPSet, &wafv2.DeleteIPSetInput{Name: g.name, Id: g.id, Scope: g.scope, LockToken: token})
			return err
		},
		list: func(op *Op, marker *string) (map[string]string, *string, error) {
			out, err := Do(op, wafv2.ListIPSets, &wafv2.ListIPSetsInput{Scope: op.Text("Scope"), NextMarker: marker})
			if err != nil {
				return nil, nil, err
			}
			ids := make(map[string]string)
			for _, a := range out.IPSets {
				ids[*a.Name] = *a.Id
			}
			return ids, out.NextMarker, nil
		},
	}.guard(&Type{
		Name:       "AWS::WAFv2::IPSet",
		Properties: Props("Addresses! Description IPAddressVersion!@ Name@ Scope!@ Tags"),
		Attributes: []string{"Arn", "Id"},
	})
}

// patternList is the list of patterns of a template, which are texts there.
func patternList(op *Op) []wafv2.Regex {
	out := []wafv2.Regex{}
	for _, v := range list(op.New["RegularExpressionList"]) {
		out = append(out, wafv2.Regex{RegexString: new(text(v))})
	}
	return out
}

func patternSet() *Type {
	return guardKind{
		create: func(op *Op, name string) (string, error) {
			in := &wafv2.CreateRegexPatternSetInput{}
			if err := Bind(op, pick(op.New, "Description", "Scope", "Tags"), in); err != nil {
				return "", err
			}
			in.Name, in.RegularExpressionList = name, patternList(op)
			out, err := Do(op, wafv2.CreateRegexPatternSet, in)
			if err != nil {
				return "", err
			}
			return *out.Summary.Id, nil
		},
		get: func(op *Op, g guarding) (*Made, string, error) {
			out, err := Do(op, wafv2.GetRegexPatternSet, &wafv2.GetRegexPatternSetInput{Name: g.name, Id: g.id, Scope: g.scope})
			if err != nil {
				return nil, "", err
			}
			return g.made(*out.RegexPatternSet.ARN, nil), *out.LockToken, nil
		},
		update: func(op *Op, g guarding, token string) error {
			in := &wafv2.UpdateRegexPatternSetInput{}
			if err := Bind(op, pick(op.New, "Description"), in); err != nil {
				return err
			}
			in.Name, in.Id, in.Scope, in.LockToken, in.RegularExpressionList = g.name, g.id, g.scope, token, patternList(op)
			_, err := Do(op, wafv2.UpdateRegexPatternSet, in)
			return err
		},
		remove: func(op *Op, g guarding, token string) error {
			_, err := Do(op, wafv2.DeleteRegexPatternSet, &wafv2.DeleteRegexPatternSetInput{Name: g.name, Id: g.id, Scope: g.scope, LockToken: token})
			return err
		},
		list: func(op *Op, marker *string) (map[string]string, *string, error) {
			out, err := Do(op, wafv2.ListRegexPatternSets, &wafv2.ListRegexPatternSetsInput{Scope: op.Text("Scope"), NextMarker: marker})
			if err != nil {
				return nil, nil, err
			}
			ids := make(map[string]string)
			for _, a := range out.RegexPatternSets {
				ids[*a.Name] = *a.Id
			}
			return ids, out.NextMarker, nil
		},
	}.guard(&Type{
		Name:       "AWS::WAFv2::RegexPatternSet",
		Properties: Props("Description Name@ RegularExpressionList! Scope!@ Tags"),
		Attributes: []string{"Arn", "Id"},
	})
}

func webACLAssociation() *Type {
	put := func(op *Op) (*Made, error) {
		in := &wafv2.AssociateWebACLInput{WebACLArn: op.Text("WebACLArn"), ResourceArn: op.Text("ResourceArn")}
		if _, err := Do(op, wafv2.AssociateWebACL, in); err != nil {
			return nil, err
		}
		return &Made{PhysicalID: in.WebACLArn + "|" + in.ResourceArn}, nil
	}
	return &Type{
		Name:       "AWS::WAFv2::WebACLAssociation",
		Properties: Props("ResourceArn!@ WebACLArn!@"),
		Note:       "Of stages of REST APIs alone.",
		Create:     put,
		Find:       put, // to do it again makes no difference
		Delete: func(op *Op) error {
			_, resource, _ := strings.Cut(op.PhysicalID, "|")
			_, err := Do(op, wafv2.DisassociateWebACL, &wafv2.DisassociateWebACLInput{ResourceArn: resource})
			return err
		},
	}
}
