package resource

import "github.com/aloft-cloud/aloft/internal/api/ses"

func receiptRuleSet() *Type {
	made := func(name string) *Made { return &Made{PhysicalID: name} }
	return &Type{
		Name:       "AWS::SES::ReceiptRuleSet",
		Properties: Props("RuleSetName@ Tags-"),
		Naming:     Naming{Property: "RuleSetName", Max: 64},
		Create: func(op *Op) (*Made, error) {
			name := op.Named("RuleSetName")
			_, err := Do(op, ses.CreateReceiptRuleSet, &ses.CreateReceiptRuleSetInput{RuleSetName: name})
			return madeUnless(err, made(name))
		},
		Delete: func(op *Op) error {
			_, err := Do(op, ses.DeleteReceiptRuleSet, &ses.DeleteReceiptRuleSetInput{RuleSetName: op.PhysicalID})
			return err
		},
		Find: func(op *Op) (*Made, error) {
			name := op.Named("RuleSetName")
			_, err := Do(op, ses.DescribeReceiptRuleSet, &ses.DescribeReceiptRuleSetInput{RuleSetName: name})
			if err != nil {
				return nil, ignoreGone(err)
			}
			return made(name), nil
		},
	}
}

// madeUnless is what was made, unless making it failed.
func madeUnless(err error, m *Made) (*Made, error) {
	if err != nil {
		return nil, err
	}
	return m, nil
}

func receiptRule() *Type {
	name := func(op *Op) string {
		if name := text(object(op.New["Rule"])["Name"]); name != "" {
			return name
		}
		return op.Name
	}
	read := func(op *Op) (*ses.ReceiptRule, error) {
		rule := &ses.ReceiptRule{}
		if err := Bind(op, object(op.New["Rule"]), rule); err != nil {
			return nil, err
		}
		rule.Name = name(op)
		return rule, nil
	}
	after := func(op *Op) *string {
		if after := op.Text("After"); after != "" {
			return &after
		}
		return nil
	}
	return &Type{
		Name:       "AWS::SES::ReceiptRule",
		Properties: Props("After Rule! RuleSetName!@"),
		Naming:     Naming{Max: 64},
		Shape:      func() any { return &ses.CreateReceiptRuleInput{} },
		Create: func(op *Op) (*Made, error) {
			rule, err := read(op)
			if err != nil {
				return nil, err
			}
			_, err = Do(op, ses.CreateReceiptRule, &ses.CreateReceiptRuleInput{RuleSetName: op.Text("RuleSetName"), After: after(op), Rule: rule})
			return madeUnless(err, &Made{PhysicalID: rule.Name})
		},
		Update: func(op *Op) (*Made, error) {
			rule, err := read(op)
			if err != nil {
				return nil, err
			}
			if _, err := Do(op, ses.UpdateReceiptRule, &ses.UpdateReceiptRuleInput{RuleSetName: op.Text("RuleSetName"), Rule: rule}); err != nil {
				return nil, err
			}
			if op.Changed("After") {
				_, err = Do(op, ses.SetReceiptRulePosition, &ses.SetReceiptRulePositionInput{RuleSetName: op.Text("RuleSetName"), RuleName: rule.Name, After: after(op)})
			}
			return madeUnless(err, &Made{PhysicalID: rule.Name})
		},
		Delete: func(op *Op) error {
			_, err := Do(op, ses.DeleteReceiptRule, &ses.DeleteReceiptRuleInput{RuleSetName: text(op.Old["RuleSetName"]), RuleName: op.PhysicalID})
			return err
		},
		Find: func(op *Op) (*Made, error) {
			_, err := Do(op, ses.DescribeReceiptRule, &ses.DescribeReceiptRuleInput{RuleSetName: op.Text("RuleSetName"), RuleName: name(op)})
			if err != nil {
				return nil, ignoreGone(err)
			}
			return &Made{PhysicalID: name(op)}, nil
		},
		Replaces: func(old, new map[string]any) bool {
			return !Equal(object(old["Rule"])["Name"], object(new["Rule"])["Name"])
		},
	}
}

func receiptFilter() *Type {
	name := func(op *Op) string {
		if name := text(object(op.New["Filter"])["Name"]); name != "" {
			return name
		}
		return op.Name
	}
	return &Type{
		Name:       "AWS::SES::ReceiptFilter",
		Properties: Props("Filter!@"),
		Naming:     Naming{Max: 64},
		Shape:      func() any { return &ses.CreateReceiptFilterInput{} },
		Create: func(op *Op) (*Made, error) {
			filter := &ses.ReceiptFilter{}
			if err := Bind(op, object(op.New["Filter"]), filter); err != nil {
				return nil, err
			}
			filter.Name = name(op)
			_, err := Do(op, ses.CreateReceiptFilter, &ses.CreateReceiptFilterInput{Filter: filter})
			return madeUnless(err, &Made{PhysicalID: filter.Name})
		},
		Delete: func(op *Op) error {
			_, err := Do(op, ses.DeleteReceiptFilter, &ses.DeleteReceiptFilterInput{FilterName: op.PhysicalID})
			return err
		},
		Find: func(op *Op) (*Made, error) {
			out, err := Do(op, ses.ListReceiptFilters, &ses.ListReceiptFiltersInput{})
			if err != nil {
				return nil, err
			}
			for _, f := range out.Filters {
				if f.Name == name(op) {
					return &Made{PhysicalID: f.Name}, nil
				}
			}
			return nil, nil
		},
	}
}
