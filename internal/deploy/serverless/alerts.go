package serverless

import (
	"maps"
	"slices"
	"strings"
)

// What the plugins serverless-plugin-aws-alerts and serverless-plugin-metric
// make: alarms of functions with the topics they tell, and metrics counted from
// what functions write.

// usualAlarms are the alarms that need no definition.
var usualAlarms = object{
	"functionInvocations": usualAlarm("Invocations", "Sum", 100),
	"functionErrors":      usualAlarm("Errors", "Sum", 1),
	"functionDuration":    usualAlarm("Duration", "Average", 500),
	"functionThrottles":   usualAlarm("Throttles", "Sum", 1),
}

func usualAlarm(metric, statistic string, threshold int) object {
	return object{
		"namespace": "AWS/Lambda", "metric": metric, "statistic": statistic, "threshold": threshold, "period": 60, "evaluationPeriods": 1,
		"datapointsToAlarm": 1, "comparisonOperator": "GreaterThanOrEqualToThreshold", "treatMissingData": "missing",
	}
}

// alerts adds the alarms of custom.alerts, and of functions.
func (b *builder) alerts() error {
	config := asObject(at(b.s.root, "custom", "alerts"))
	if !b.s.plugins["serverless-plugin-aws-alerts"] || config == nil || !b.s.at(config["stages"]) {
		return nil
	}
	definitions := maps.Clone(usualAlarms)
	for name, own := range asObject(config["definitions"]) {
		definition := asObject(clone(asObject(definitions[name])))
		if definition == nil {
			definition = object{}
		}
		merge(definition, asObject(own))
		definitions[name] = definition
	}
	topics := b.alertTopics(asObject(config["topics"]))
	for _, f := range b.s.functions {
		entries := append(list(config["alarms"]), list(f.config["alarms"])...)
		for _, entry := range entries {
			name := text(first(at(entry, "name"), entry))
			definition := asObject(clone(asObject(definitions[name])))
			if own := asObject(entry); own != nil {
				if definition == nil {
					definition = object{}
				}
				merge(definition, own)
			}
			if definition == nil {
				return b.s.errorAt(in(f.path, "alarms"), "there is no definition of the alarm %q", name)
			}
			b.alert(f, name, definition, topics, config)
		}
	}
	return nil
}

// alertActions are the members of an alarm that name topics, by what topics are for.
var alertActions = map[string]string{"ok": "OKActions", "alarm": "AlarmActions", "insufficientData": "InsufficientDataActions"}

// alertTopics adds the topics of alarms, and returns their ARNs by what they are for.
func (b *builder) alertTopics(config object) object {
	arns := object{}
	for _, purpose := range keys(config) {
		topic, notifications := first(at(config[purpose], "topic"), config[purpose]), list(at(config[purpose], "notifications"))
		name, isText := topic.(string)
		if !isText || strings.HasPrefix(name, "arn:") {
			arns[purpose] = topic
			continue
		}
		props := object{"TopicName": name}
		for _, n := range notifications {
			if endpoint := at(n, "endpoint"); endpoint != nil {
				props["Subscription"] = append(asList(props["Subscription"]), object{"Protocol": at(n, "protocol"), "Endpoint": endpoint})
			}
		}
		id := "AwsAlerts" + upperFirst(purpose)
		b.add(id, "AWS::SNS::Topic", props)
		arns[purpose] = ref(id)
	}
	return arns
}

// alert adds one alarm of a function.
func (b *builder) alert(f *function, name string, definition, topics, config object) {
	id := logical(f.key) + upperFirst(name)
	props := object{
		"Namespace": definition["namespace"], "MetricName": definition["metric"], "Threshold": definition["threshold"],
		"Period": definition["period"], "EvaluationPeriods": first(definition["evaluationPeriods"], 1),
		"ComparisonOperator": definition["comparisonOperator"], "TreatMissingData": first(definition["treatMissingData"], "missing"),
		"Dimensions": []any{object{"Name": "FunctionName", "Value": ref(functionID(f.key))}},
	}
	for member, of := range map[string]string{
		"DatapointsToAlarm": "datapointsToAlarm", "AlarmDescription": "description", "ActionsEnabled": "actionsEnabled",
		"EvaluateLowSampleCountPercentile": "evaluateLowSampleCountPercentile",
	} {
		put(props, member, definition[of])
	}
	if statistic := text(definition["statistic"]); strings.HasPrefix(statistic, "p") {
		props["ExtendedStatistic"] = statistic
	} else {
		put(props, "Statistic", definition["statistic"])
	}
	if pattern := definition["pattern"]; pattern != nil {
		metric := upperFirst(name) + functionID(f.key)
		namespace := ref("AWS::StackName")
		b.metricFilter(id+"LogMetricFilterALERT", f, metric, pattern, namespace, "1")
		props["Namespace"], props["MetricName"] = namespace, metric
		delete(props, "Dimensions")
	}
	if dimensions := list(definition["dimensions"]); len(dimensions) > 0 {
		props["Dimensions"] = alertDimensions(dimensions, props["Dimensions"])
	}
	for purpose, member := range alertActions {
		if topic := topics[purpose]; topic != nil {
			props[member] = []any{topic}
		}
	}
	if template := text(first(definition["nameTemplate"], config["nameTemplate"])); template != "" {
		prefix := text(first(definition["prefixTemplate"], config["prefixTemplate"], "$[stackName]"))
		words := strings.NewReplacer(
			"$[functionName]", f.key, "$[functionId]", functionID(f.key), "$[metricName]", text(props["MetricName"]),
			"$[metricId]", text(props["MetricName"]), "$[stackName]", b.s.StackName(),
		)
		props["AlarmName"] = strings.TrimPrefix(words.Replace(prefix+"-"+template), "-")
	}
	b.add(id+"Alarm", "AWS::CloudWatch::Alarm", props)
}

// alertDimensions are those of a definition, and those of the function that it
// does not name.
func alertDimensions(own []any, usual any) []any {
	var all []any
	named := make(map[string]bool)
	for _, d := range own {
		named[text(at(d, "Name"))] = true
		all = append(all, d)
	}
	for _, d := range asList(usual) {
		if !named[text(at(d, "Name"))] {
			all = append(all, d)
		}
	}
	return all
}

// metrics adds the filters of custom.metrics.
func (b *builder) metrics() {
	if !b.s.plugins["serverless-plugin-metric"] {
		return
	}
	for _, m := range list(at(b.s.root, "custom", "metrics")) {
		only := texts(at(m, "functions"))
		for _, f := range b.s.functions {
			if len(only) > 0 && !slices.Contains(only, f.key) {
				continue
			}
			name := text(at(m, "name"))
			namespace := first(at(m, "namespace"), b.s.Name+"/"+b.s.Stage)
			value := text(first(at(m, "value"), "1"))
			b.metricFilter(logical(f.key)+"MetricFilter"+logical(alphanumeric(name)), f, f.key+"-"+name, at(m, "pattern"), namespace, value)
		}
	}
}

// metricFilter counts in a metric what a function writes that is like pattern.
func (b *builder) metricFilter(id string, f *function, metric string, pattern, namespace any, value string) {
	b.add(id, "AWS::Logs::MetricFilter", object{
		"LogGroupName": "/aws/lambda/" + f.name, "FilterPattern": pattern,
		"MetricTransformations": []any{object{"MetricValue": value, "MetricNamespace": namespace, "MetricName": metric}},
	}, logGroupID(f.key))
}
