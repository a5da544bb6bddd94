package resource

import (
	"github.com/aloft-cloud/aloft/internal/api/logs"
	"github.com/aloft-cloud/aloft/internal/aws"
)

func metricFilter() *Type {
	put := func(op *Op, name string) (*Made, error) {
		in := &logs.PutMetricFilterInput{}
		properties := without(op.New, "FilterName", "MetricTransformations")
		if err := Bind(op, properties, in); err != nil {
			return nil, err
		}
		in.FilterName = name
		for _, v := range list(op.New["MetricTransformations"]) {
			t := logs.MetricTransformation{}
			of := object(v)
			if err := Bind(op, without(of, "Dimensions"), &t); err != nil {
				return nil, err
			}
			for _, d := range list(of["Dimensions"]) {
				if t.Dimensions == nil {
					t.Dimensions = make(map[string]string)
				}
				t.Dimensions[text(object(d)["Key"])] = text(object(d)["Value"])
			}
			in.MetricTransformations = append(in.MetricTransformations, t)
		}
		if _, err := Do(op, logs.PutMetricFilter, in); err != nil {
			return nil, err
		}
		return &Made{PhysicalID: name}, nil
	}
	return &Type{
		Name: "AWS::Logs::MetricFilter",
		Properties: Props(`ApplyOnTransformedLogs EmitSystemFieldDimensions- FieldSelectionCriteria- FilterName@ FilterPattern! LogGroupName!@
			MetricTransformations!`),
		Naming: Naming{Property: "FilterName", Max: 512},
		Create: func(op *Op) (*Made, error) { return put(op, op.Named("FilterName")) },
		Update: func(op *Op) (*Made, error) { return put(op, op.PhysicalID) },
		Delete: func(op *Op) error {
			_, err := Do(op, logs.DeleteMetricFilter, &logs.DeleteMetricFilterInput{LogGroupName: text(op.Old["LogGroupName"]), FilterName: op.PhysicalID})
			return err
		},
	}
}

func subscriptionFilter() *Type {
	put := func(op *Op, name string) (*Made, error) {
		in := &logs.PutSubscriptionFilterInput{}
		if err := Bind(op, without(op.New, "FilterName"), in); err != nil {
			return nil, err
		}
		in.FilterName = name
		if _, err := Do(op, logs.PutSubscriptionFilter, in); err != nil {
			return nil, err
		}
		return &Made{PhysicalID: name}, nil
	}
	return &Type{
		Name: "AWS::Logs::SubscriptionFilter",
		Properties: Props(`ApplyOnTransformedLogs DestinationArn! Distribution EmitSystemFields- FieldSelectionCriteria- FilterName@
			FilterPattern! LogGroupName!@ RoleArn`),
		Naming: Naming{Property: "FilterName", Max: 512},
		Create: func(op *Op) (*Made, error) { return put(op, op.Named("FilterName")) },
		Update: func(op *Op) (*Made, error) { return put(op, op.PhysicalID) },
		Delete: func(op *Op) error {
			_, err := Do(op, logs.DeleteSubscriptionFilter, &logs.DeleteSubscriptionFilterInput{LogGroupName: text(op.Old["LogGroupName"]), FilterName: op.PhysicalID})
			return err
		},
	}
}

func logsResourcePolicy() *Type {
	put := func(op *Op, name string) (*Made, error) {
		in := &logs.PutResourcePolicyInput{PolicyName: &name, PolicyDocument: new(document(op.New["PolicyDocument"]))}
		if _, err := Do(op, logs.PutResourcePolicy, in); err != nil {
			return nil, err
		}
		return &Made{PhysicalID: name}, nil
	}
	return &Type{
		Name:       "AWS::Logs::ResourcePolicy",
		Properties: Props("PolicyDocument! PolicyName!@"),
		Create:     func(op *Op) (*Made, error) { return put(op, op.Text("PolicyName")) },
		Update:     func(op *Op) (*Made, error) { return put(op, op.PhysicalID) },
		Delete: func(op *Op) error {
			_, err := Do(op, logs.DeleteResourcePolicy, &logs.DeleteResourcePolicyInput{PolicyName: &op.PhysicalID})
			return err
		},
	}
}

func logsAccountPolicy() *Type {
	put := func(op *Op) (*Made, error) {
		in := &logs.PutAccountPolicyInput{PolicyDocument: document(op.New["PolicyDocument"])}
		if err := Bind(op, without(op.New, "PolicyDocument"), in); err != nil {
			return nil, err
		}
		if _, err := Do(op, logs.PutAccountPolicy, in); err != nil {
			return nil, err
		}
		return &Made{PhysicalID: op.Call.Account + "|" + in.PolicyType + "|" + in.PolicyName, Attributes: map[string]any{"AccountId": op.Call.Account}}, nil
	}
	return &Type{
		Name:       "AWS::Logs::AccountPolicy",
		Properties: Props("PolicyDocument! PolicyName!@ PolicyType!@ Scope SelectionCriteria"),
		Attributes: []string{"AccountId"},
		Create:     put,
		Update:     put,
		Delete: func(op *Op) error {
			_, err := Do(op, logs.DeleteAccountPolicy, &logs.DeleteAccountPolicyInput{PolicyName: text(op.Old["PolicyName"]), PolicyType: text(op.Old["PolicyType"])})
			return err
		},
	}
}

func queryDefinition() *Type {
	put := func(op *Op, id *string) (*Made, error) {
		in := &logs.PutQueryDefinitionInput{}
		if err := Bind(op, op.New, in); err != nil {
			return nil, err
		}
		in.QueryDefinitionId = id
		out, err := Do(op, logs.PutQueryDefinition, in)
		if err != nil {
			return nil, err
		}
		made := aws.Value(out.QueryDefinitionId)
		return &Made{PhysicalID: made, Attributes: map[string]any{"QueryDefinitionId": made}}, nil
	}
	return &Type{
		Name:       "AWS::Logs::QueryDefinition",
		Properties: Props("LogGroupNames Name! Parameters- QueryLanguage QueryString!"),
		Attributes: []string{"QueryDefinitionId"},
		Create:     func(op *Op) (*Made, error) { return put(op, nil) },
		Update:     func(op *Op) (*Made, error) { return put(op, &op.PhysicalID) },
		Delete: func(op *Op) error {
			_, err := Do(op, logs.DeleteQueryDefinition, &logs.DeleteQueryDefinitionInput{QueryDefinitionId: op.PhysicalID})
			return err
		},
	}
}
