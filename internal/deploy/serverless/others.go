package serverless

import "strings"

// eventKinds are the events beyond APIs, in the order in which they are added.
var eventKinds = []struct {
	kind string
	add  func(*builder) error
}{
	{"websocket", nil}, {"http", nil}, {"httpApi", nil},
	{"schedule", (*builder).schedules},
	{"s3", (*builder).buckets},
	{"sns", (*builder).topics},
	{"sqs", (*builder).queues},
	{"stream", (*builder).streams},
	{"cloudwatchEvent", (*builder).cloudWatchEvents},
	{"cloudwatchLog", (*builder).logEvents},
	{"eventBridge", (*builder).eventBridge},
	{"cognitoUserPool", (*builder).userPools},
	{"alexaSkill", (*builder).alexa},
	{"alexaSmartHome", nil}, // with alexaSkill
	{"alb", (*builder).balancers},
	{"iot", (*builder).topicRules},
}

// refusedEvents are those of the framework that Aloft has nothing for.
var refusedEvents = map[string]string{
	"iotFleetProvisioning": "IoT fleets",
	"cloudFront":           "functions at CloudFront's edge",
	"activemq":             "ActiveMQ brokers",
	"rabbitmq":             "RabbitMQ brokers",
	"kafka":                "Kafka clusters",
	"msk":                  "Kafka clusters",
}

func (b *builder) otherEvents() error {
	known := make(map[string]bool)
	for _, k := range eventKinds {
		known[k.kind] = true
	}
	for _, f := range b.s.functions {
		for _, e := range f.events {
			if what := refusedEvents[e.kind]; what != "" {
				return b.s.errorAt(in(e.path, e.kind), "Aloft has no %s", what)
			}
			if !known[e.kind] && !b.s.pluginEvent(e.kind) {
				return b.s.errorAt(in(e.path, e.kind), "there is no event of this kind")
			}
		}
	}
	for _, k := range eventKinds {
		if k.add == nil {
			continue
		}
		if err := k.add(b); err != nil {
			return err
		}
	}
	return nil
}

// alexa adds the permissions of the events of Alexa's kinds. Nothing of Alexa
// is here: its skills may be elsewhere.
func (b *builder) alexa() error {
	count := make(map[string]int)
	for _, kind := range []string{"alexaSkill", "alexaSmartHome"} {
		principal, suffix := "alexa-appkit.amazon.com", "LambdaPermissionAlexaSkill"
		if kind == "alexaSmartHome" {
			principal, suffix = "alexa-connectedhome.amazon.com", "LambdaPermissionAlexaSmartHome"
		}
		for _, e := range b.s.events(kind) {
			count[e.fn.key+kind]++
			action := "lambda:InvokeFunction"
			if enabled(e) == "DISABLED" {
				action = "lambda:DisableInvokeFunction"
			}
			props := object{"FunctionName": e.fn.target(), "Action": action, "Principal": principal}
			if id := first(e.get("appId"), e.config); text(id) != "" {
				props["EventSourceToken"] = id
			}
			b.add(logical(e.fn.key)+suffix+itoa(count[e.fn.key+kind]), "AWS::Lambda::Permission", props, e.fn.aliasID())
		}
	}
	return nil
}

// userPools adds the pools of the events of kind cognitoUserPool.
func (b *builder) userPools() error {
	triggers := make(map[string]object)
	on := make(map[string][]any)
	for _, e := range b.s.events("cognitoUserPool") {
		pool, trigger := text(e.get("pool")), text(e.get("trigger"))
		if pool == "" || trigger == "" {
			return b.s.errorAt(in(e.path, "cognitoUserPool"), "want pool and trigger")
		}
		if truthy(e.get("existing")) {
			return b.s.errorAt(in(e.path, "cognitoUserPool", "existing"), "Aloft does not change user pools of other stacks")
		}
		if triggers[pool] == nil {
			triggers[pool] = object{}
		}
		triggers[pool][trigger] = e.fn.target()
		if trigger == "CustomSMSSender" || trigger == "CustomEmailSender" {
			triggers[pool][trigger] = object{"LambdaArn": e.fn.target(), "LambdaVersion": first(e.get("lambdaVersion"), "V1_0")}
			put(triggers[pool], "KMSKeyID", e.get("kmsKeyId"))
		}
		on[pool] = append(on[pool], first(e.fn.aliasID(), functionID(e.fn.key)))
		b.permit(logical(e.fn.key)+"LambdaPermissionCognitoUserPool"+alphanumeric(pool)+"TriggerSource"+alphanumeric(trigger),
			e.fn, "cognito-idp.amazonaws.com", getAtt("CognitoUserPool"+alphanumeric(pool), "Arn"))
	}
	for _, pool := range keys(triggers) {
		b.add("CognitoUserPool"+alphanumeric(pool), "AWS::Cognito::UserPool", object{"UserPoolName": pool, "LambdaConfig": triggers[pool]}, on[pool]...)
	}
	return nil
}

// lineEnds takes the ends of lines out of a statement, as the Framework does.
var lineEnds = strings.NewReplacer("\r\n", "", "\n", "")

// topicRules adds the rules of IoT of the events of kind iot.
func (b *builder) topicRules() error {
	count := make(map[string]int)
	for _, e := range b.s.events("iot") {
		sql := text(e.get("sql"))
		if sql == "" {
			return b.s.errorAt(in(e.path, "iot"), "want sql")
		}
		count[e.fn.key]++
		n := itoa(count[e.fn.key])
		payload := object{
			"RuleDisabled": enabled(e) == "DISABLED", "Sql": lineEnds.Replace(sql),
			"Actions": []any{object{"Lambda": object{"FunctionArn": e.fn.target()}}},
		}
		put(payload, "AwsIotSqlVersion", e.get("sqlVersion"))
		put(payload, "Description", e.get("description"))
		props := object{"TopicRulePayload": payload}
		put(props, "RuleName", e.get("name"))
		id := logical(e.fn.key) + "IotTopicRule" + n
		b.add(id, "AWS::IoT::TopicRule", props, e.fn.aliasID())
		source := join("", "arn:", ref("AWS::Partition"), ":iot:", ref("AWS::Region"), ":", ref("AWS::AccountId"), ":rule/", ref(id))
		b.permit(logical(e.fn.key)+"LambdaPermissionIotTopicRule"+n, e.fn, "iot.amazonaws.com", source)
	}
	return nil
}
