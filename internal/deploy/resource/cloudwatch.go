package resource

import (
	"maps"
	"slices"

	"github.com/aloft-cloud/aloft/internal/api/cloudwatch"
)

// CloudWatch has the types of CloudWatch.
func CloudWatch() []*Type {
	return []*Type{metricAlarm(), compositeAlarm(), dashboard()}
}

// alarmTags are tags as CloudWatch has them.
func alarmTags(tags map[string]string) []cloudwatch.Tag {
	var all []cloudwatch.Tag
	for _, key := range slices.Sorted(maps.Keys(tags)) {
		all = append(all, cloudwatch.Tag{Key: key, Value: tags[key]})
	}
	return all
}

func metricAlarm() *Type {
	shape := func(op *Op) (*cloudwatch.PutMetricAlarmInput, error) {
		in := &cloudwatch.PutMetricAlarmInput{}
		if err := Bind(op, without(op.New, "AlarmName", "Tags"), in); err != nil {
			return nil, err
		}
		in.AlarmName = op.PhysicalID
		return in, nil
	}
	t := &Type{
		Name: "AWS::CloudWatch::Alarm",
		Properties: Props(`ActionsEnabled AlarmActions AlarmDescription AlarmName@ ComparisonOperator! DatapointsToAlarm Dimensions
			EvaluateLowSampleCountPercentile EvaluationCriteria- EvaluationInterval- EvaluationPeriods ExtendedStatistic InsufficientDataActions
			MetricName Metrics Namespace OKActions Period Statistic Tags Threshold ThresholdMetricId- TreatMissingData Unit`),
		Shape: func() any { return new(cloudwatch.PutMetricAlarmInput) },
	}
	ofAlarm(t, cloudwatch.AlarmTypeMetricAlarm, func(op *Op, tags []cloudwatch.Tag) error {
		in, err := shape(op)
		if err != nil {
			return err
		}
		in.Tags = tags
		_, err = Do(op, cloudwatch.PutMetricAlarm, in)
		return err
	})
	return t
}

func compositeAlarm() *Type {
	t := &Type{
		Name: "AWS::CloudWatch::CompositeAlarm",
		Properties: Props(`ActionsEnabled ActionsSuppressor- ActionsSuppressorExtensionPeriod- ActionsSuppressorWaitPeriod- AlarmActions
			AlarmDescription AlarmName@ AlarmRule! InsufficientDataActions OKActions Tags`),
		Shape: func() any { return new(cloudwatch.PutCompositeAlarmInput) },
	}
	ofAlarm(t, cloudwatch.AlarmTypeCompositeAlarm, func(op *Op, tags []cloudwatch.Tag) error {
		in := &cloudwatch.PutCompositeAlarmInput{}
		if err := Bind(op, without(op.New, "AlarmName", "Tags"), in); err != nil {
			return err
		}
		in.AlarmName, in.Tags = op.PhysicalID, tags
		_, err := Do(op, cloudwatch.PutCompositeAlarm, in)
		return err
	})
	return t
}

// ofAlarm makes t the type of alarms of a kind, which put puts under the
// physical id of op.
func ofAlarm(t *Type, kind string, put func(op *Op, tags []cloudwatch.Tag) error) {
	t.Attributes, t.Naming = []string{"Arn"}, Naming{Property: "AlarmName", Max: 255}
	made := func(op *Op, name string) *Made {
		return &Made{PhysicalID: name, Attributes: map[string]any{"Arn": op.ARN("cloudwatch", "alarm:"+name)}}
	}
	exists := func(op *Op, name string) (bool, error) {
		out, err := Do(op, cloudwatch.DescribeAlarms, &cloudwatch.DescribeAlarmsInput{AlarmNames: []string{name}, AlarmTypes: []string{kind}})
		if err != nil {
			return false, err
		}
		return len(out.MetricAlarms)+len(out.CompositeAlarms) > 0, nil
	}
	t.Create = func(op *Op) (*Made, error) {
		name := op.Named("AlarmName")
		if there, err := exists(op, name); err != nil {
			return nil, err
		} else if there {
			return nil, alreadyExists("Resource of type '%s' with identifier '%s' already exists.", t.Name, name)
		}
		as := *op
		as.PhysicalID = name
		if err := put(&as, alarmTags(tagMap(op.New["Tags"]))); err != nil {
			return nil, err
		}
		return made(op, name), nil
	}
	t.Update = func(op *Op) (*Made, error) {
		if err := put(op, nil); err != nil {
			return nil, err
		}
		arn := op.ARN("cloudwatch", "alarm:"+op.PhysicalID)
		return made(op, op.PhysicalID), retag(op, tagMap, func(tags map[string]string) error {
			_, err := Do(op, cloudwatch.TagResource, &cloudwatch.TagResourceInput{ResourceARN: arn, Tags: alarmTags(tags)})
			return err
		}, func(keys []string) error {
			_, err := Do(op, cloudwatch.UntagResource, &cloudwatch.UntagResourceInput{ResourceARN: arn, TagKeys: keys})
			return err
		})
	}
	t.Delete = func(op *Op) error {
		_, err := Do(op, cloudwatch.DeleteAlarms, &cloudwatch.DeleteAlarmsInput{AlarmNames: []string{op.PhysicalID}})
		return err
	}
	t.Find = func(op *Op) (*Made, error) {
		name := op.Named("AlarmName")
		if there, err := exists(op, name); err != nil || !there {
			return nil, err
		}
		return made(op, name), nil
	}
}

func dashboard() *Type {
	put := func(op *Op, name string) (*Made, error) {
		_, err := Do(op, cloudwatch.PutDashboard, &cloudwatch.PutDashboardInput{DashboardName: name, DashboardBody: document(op.New["DashboardBody"])})
		if err != nil {
			return nil, err
		}
		return &Made{PhysicalID: name}, nil
	}
	return &Type{
		Name:       "AWS::CloudWatch::Dashboard",
		Properties: Props("DashboardBody! DashboardName@ Tags-"),
		Naming:     Naming{Property: "DashboardName", Max: 255},
		Create: func(op *Op) (*Made, error) {
			name := op.Named("DashboardName")
			if _, err := Do(op, cloudwatch.GetDashboard, &cloudwatch.GetDashboardInput{DashboardName: name}); err == nil {
				return nil, alreadyExists("Resource of type 'AWS::CloudWatch::Dashboard' with identifier '%s' already exists.", name)
			} else if err := ignoreGone(err); err != nil {
				return nil, err
			}
			return put(op, name)
		},
		Update: func(op *Op) (*Made, error) { return put(op, op.PhysicalID) },
		Delete: func(op *Op) error {
			_, err := Do(op, cloudwatch.DeleteDashboards, &cloudwatch.DeleteDashboardsInput{DashboardNames: []string{op.PhysicalID}})
			return ignoreGone(err)
		},
		Find: func(op *Op) (*Made, error) {
			name := op.Named("DashboardName")
			if _, err := Do(op, cloudwatch.GetDashboard, &cloudwatch.GetDashboardInput{DashboardName: name}); err != nil {
				return nil, ignoreGone(err)
			}
			return &Made{PhysicalID: name}, nil
		},
	}
}
