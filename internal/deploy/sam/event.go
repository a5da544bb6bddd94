package sam

import (
	"cmp"
	"maps"
	"slices"
)

// An event is one of the Events of a function or a state machine.
type event struct {
	t      *transformer
	owner  *macro
	name   string // in Events
	id     string // of what is made for it: the owner's and the name
	typ    string
	props  object
	attrs  object    // that what is made has
	target any       // what permissions and mappings name: the function, or its alias
	arn    any       // of that
	to     string    // logical id of that
	role   *resource // that the target acts as
	api    object    // properties of the API it is of
	apiID  string
}

// An eventType is how events of a type are checked and expanded.
type eventType struct {
	schema schema
	link   func(*event) error // finds what it refers to in the template
	expand func(*event) ([]*resource, error)
}

var functionEvents = map[string]eventType{
	"AlexaSkill":       {schema: newSchema("AlexaSkill", "SkillId:s"), expand: expandAlexa},
	"Api":              {schema: newSchema("Api", "Path!:s Method!:s RestApiId!:s Stage:s Auth:m RequestModel:m RequestParameters:l TimeoutInMillis:i ResponseTransferMode:s"), link: linkREST, expand: expandRESTEvent},
	"CloudWatchEvent":  {schema: newSchema("CloudWatchEvent", ruleProperties), expand: expandRule},
	"CloudWatchLogs":   {schema: newSchema("CloudWatchLogs", "LogGroupName!:s FilterPattern!:s"), expand: expandLogs},
	"Cognito":          {schema: newSchema("Cognito", "UserPool!:s Trigger!:s[s]="), link: linkUserPool, expand: expandCognito},
	"DocumentDB":       {schema: newSchema("DocumentDB", pullProperties+"Cluster! DatabaseName! CollectionName FullDocument"), expand: expandPull},
	"DynamoDB":         {schema: newSchema("DynamoDB", streamProperties), expand: expandPull},
	"EventBridgeRule":  {schema: newSchema("EventBridgeRule", ruleProperties), expand: expandRule},
	"HttpApi":          {schema: newSchema("HttpApi", "Path:s Method:s ApiId:s Stage:s Auth:m TimeoutInMillis:i RouteSettings:m PayloadFormatVersion:s"), link: linkHTTP, expand: expandHTTPEvent},
	"IoTRule":          {schema: newSchema("IoTRule", "Sql!:s AwsIotSqlVersion:s"), expand: expandIoT},
	"Kinesis":          {schema: newSchema("Kinesis", streamProperties), expand: expandPull},
	"MQ":               {schema: newSchema("MQ", pullProperties+"Broker! DynamicPolicyName:b="), expand: expandPull},
	"MSK":              {schema: newSchema("MSK", streamProperties), expand: expandPull},
	"S3":               {schema: newSchema("S3", "Bucket!:s Events!:s[s]= Filter:{s}"), link: linkBucket, expand: expandS3},
	"SNS":              {schema: newSchema("SNS", "Topic!:s Region:s FilterPolicy FilterPolicyScope SqsSubscription:bm RedrivePolicy:m"), expand: expandSNS},
	"SQS":              {schema: newSchema("SQS", pullProperties+"Queue!"), expand: expandPull},
	"Schedule":         {schema: newSchema("Schedule", "Schedule!:s RuleName:s Input:s Enabled:b State:s Name:s Description:s DeadLetterConfig:m RetryPolicy:m"), expand: expandSchedule},
	"ScheduleV2":       {schema: scheduleV2Schema, expand: expandScheduleV2},
	"SelfManagedKafka": {schema: newSchema("SelfManagedKafka", pullProperties), expand: expandPull},
}

const ruleProperties = `EventBusName:s RuleName:s Pattern:m DeadLetterConfig:m RetryPolicy:m Input:s InputPath:s Target:m
	Enabled:b State:s InputTransformer:m`

// newEvent reads an event of m and checks its properties.
func newEvent(m *macro, types map[string]eventType, name string) (*event, error) {
	tree := asObject(asObject(m.props["Events"])[name])
	e := &event{t: m.t, owner: m, name: name, id: m.id + name, typ: asString(tree["Type"]), attrs: m.passed()}
	typ, known := types[e.typ]
	if !known {
		return nil, badEvent(name, "Resource dict has missing or invalid value for key Type. Event Type is: %s.", shown(tree["Type"]))
	}
	if !alphanumeric.MatchString(e.id) {
		return nil, badResource(e.id, "Logical ids must be alphanumeric.")
	}
	if v, has := tree["Properties"]; has && !isMap(v) {
		return nil, badResource(e.id, "Properties of a resource must be an object.")
	}
	e.props = maps.Clone(asObject(tree["Properties"]))
	if e.props == nil {
		e.props = object{}
	}
	return e, typ.schema.check(e.id, e.props)
}

// linkEvents checks the events before anything is made.
func (f *function) linkEvents() error {
	for _, name := range keys(asObject(f.props["Events"])) {
		e, err := newEvent(f.macro, functionEvents, name)
		if err == nil && functionEvents[e.typ].link != nil {
			err = functionEvents[e.typ].link(e)
		}
		if err != nil {
			return ofEvent(f.id, err)
		}
	}
	return nil
}

// events makes what the events of the function need.
func (f *function) events() ([]*resource, error) {
	var made []*resource
	for _, name := range f.eventOrder() {
		e, err := newEvent(f.macro, functionEvents, name)
		if err != nil {
			return nil, ofEvent(f.id, err)
		}
		e.target, e.arn, e.to, e.role = f.made.ref(), f.made.arn(), f.made.id, f.role
		if f.alias != nil {
			e.target, e.arn, e.to = f.alias.ref(), f.alias.ref(), f.alias.id
		}
		typ := functionEvents[e.typ]
		if typ.link != nil {
			if err := typ.link(e); err != nil {
				return nil, ofEvent(f.id, err)
			}
		}
		more, err := typ.expand(e)
		if err != nil {
			return nil, ofEvent(f.id, err)
		}
		made = append(made, more...)
	}
	return made, nil
}

// eventOrder sorts events by path, so that the $default route of an HTTP API,
// which may make others' permissions unnecessary, comes first.
func (f *function) eventOrder() []string {
	events := asObject(f.props["Events"])
	key := func(name string) string {
		if path, ok := at(events[name], "Properties", "Path").(string); ok {
			return path
		}
		return name
	}
	names := keys(events)
	slices.SortStableFunc(names, func(a, b string) int { return cmp.Compare(key(a), key(b)) })
	return names
}

// permission lets a service call the target of the event.
func (e *event) permission(id, principal string, source, account, token any) *resource {
	r := newResource("AWS::Lambda::Permission", id, maps.Clone(e.attrs))
	r.props["Action"] = "lambda:InvokeFunction"
	r.props["FunctionName"] = e.target
	r.props["Principal"] = principal
	put(r.props, "SourceArn", source)
	put(r.props, "SourceAccount", account)
	put(r.props, "EventSourceToken", token)
	return r
}

func (e *event) make(typ, id string) *resource { return newResource(typ, id, maps.Clone(e.attrs)) }

func expandAlexa(e *event) ([]*resource, error) {
	return []*resource{e.permission(e.id+"Permission", "alexa-appkit.amazon.com", nil, nil, e.props["SkillId"])}, nil
}

func expandIoT(e *event) ([]*resource, error) {
	source := sub("arn:aws:iot:${AWS::Region}:${AWS::AccountId}:rule/${RuleName}", object{"RuleName": ref(e.id)})
	rule := e.make("AWS::IoT::TopicRule", e.id)
	payload := object{"Sql": e.props["Sql"], "RuleDisabled": false, "Actions": []any{object{"Lambda": object{"FunctionArn": e.arn}}}}
	if given(e.props["AwsIotSqlVersion"]) {
		payload["AwsIotSqlVersion"] = e.props["AwsIotSqlVersion"]
	}
	rule.props["TopicRulePayload"] = payload
	return []*resource{e.permission(e.id+"Permission", "iot.amazonaws.com", source, sub("${AWS::AccountId}", nil), nil), rule}, nil
}

func expandLogs(e *event) ([]*resource, error) {
	source := sub("arn:aws:logs:${AWS::Region}:${AWS::AccountId}:log-group:${__LogGroupName__}:*",
		object{"__LogGroupName__": e.props["LogGroupName"]})
	permission := e.permission(e.id+"Permission", "logs.amazonaws.com", source, nil, nil)
	filter := e.make("AWS::Logs::SubscriptionFilter", e.id)
	filter.dependsOn = []any{permission.id}
	copyMembers(filter.props, e.props, "LogGroupName", "FilterPattern")
	filter.props["DestinationArn"] = e.arn
	return []*resource{permission, filter}, nil
}

func linkUserPool(e *event) error {
	pool, _ := e.props["UserPool"].(object)
	if v, has := pool["Ref"]; has {
		id, ok := v.(string)
		if !ok {
			return badEvent(e.id, "Ref in Userpool is not a string.")
		}
		if e.t.resources[id] != nil {
			return nil
		}
	}
	return badEvent(e.name, "Cognito events must reference a Cognito UserPool in the same template.")
}

// expandCognito makes the target a trigger of a user pool of the template.
func expandCognito(e *event) ([]*resource, error) {
	id := asString(asObject(e.props["UserPool"])["Ref"])
	permission := e.permission(e.to+"CognitoPermission", "cognito-idp.amazonaws.com", getAtt(id, "Arn"), nil, nil)
	p := e.t.properties(id)
	if p["LambdaConfig"] == nil {
		p["LambdaConfig"] = object{}
	}
	if err := wantResource(id, "LambdaConfig", p["LambdaConfig"], aMap); err != nil {
		return nil, err
	}
	config := asObject(p["LambdaConfig"])
	triggers := asList(e.props["Trigger"])
	if one, ok := e.props["Trigger"].(string); ok {
		triggers = []any{one}
	}
	for _, trigger := range triggers {
		if _, has := config[asString(trigger)]; has {
			return nil, badEvent(e.name, `Cognito trigger "%s" defined multiple times.`, shown(e.props["Trigger"]))
		}
		config[asString(trigger)] = e.arn
	}
	pool, err := e.t.existing(id, userPoolSchema)
	return []*resource{permission, pool}, err
}

// existing is a resource of the template that events change.
func (t *transformer) existing(id string, s schema) (*resource, error) {
	tree := asObject(t.resources[id])
	if tree["Type"] != s.typ {
		return nil, badResource(id, "Resource has incorrect Type; expected '%s', got '%s'", s.typ, shown(tree["Type"]))
	}
	r := newResource(s.typ, id, object{})
	copyMembers(r.attrs, tree, "DeletionPolicy", "UpdatePolicy", "Condition", "UpdateReplacePolicy", "Metadata")
	r.dependsOn = tree["DependsOn"]
	r.props = t.properties(id)
	return r, s.check(id, r.props)
}

var userPoolSchema = newSchema("AWS::Cognito::UserPool", `AccountRecoverySetting AdminCreateUserConfig AliasAttributes
	AutoVerifiedAttributes DeletionProtection DeviceConfiguration EmailAuthenticationMessage EmailAuthenticationSubject
	EmailConfiguration EmailVerificationMessage EmailVerificationSubject EnabledMfas LambdaConfig MfaConfiguration Policies
	Schema SmsAuthenticationMessage SmsConfiguration SmsVerificationMessage UserAttributeUpdateSettings UsernameAttributes
	UsernameConfiguration UserPoolAddOns UserPoolName UserPoolTags UserPoolTier VerificationMessageTemplate
	WebAuthnRelyingPartyID WebAuthnUserVerification`)

var bucketSchema = newSchema("AWS::S3::Bucket", `AccessControl AccelerateConfiguration AnalyticsConfigurations BucketEncryption
	BucketName CorsConfiguration IntelligentTieringConfigurations InventoryConfigurations LifecycleConfiguration
	LoggingConfiguration MetricsConfigurations NotificationConfiguration ObjectLockConfiguration ObjectLockEnabled
	OwnershipControls PublicAccessBlockConfiguration ReplicationConfiguration Tags VersioningConfiguration WebsiteConfiguration`)

func linkBucket(e *event) error {
	bucket, _ := e.props["Bucket"].(object)
	if v, has := bucket["Ref"]; has {
		id, ok := v.(string)
		if !ok {
			return badEvent(e.name, "'Ref' value in S3 events is not a valid string.")
		}
		if e.t.resources[id] != nil {
			return nil
		}
	}
	return badEvent(e.name, "S3 events must reference an S3 bucket in the same template.")
}

// expandS3 makes a bucket of the template tell the target of what happens in it.
func expandS3(e *event) ([]*resource, error) {
	id := asString(asObject(e.props["Bucket"])["Ref"])
	permission := e.permission(e.id+"Permission", "s3.amazonaws.com", nil, ref("AWS::AccountId"), nil)
	condition := permission.attrs["Condition"]
	if err := e.bucketWaits(id, permission, condition); err != nil {
		return nil, err
	}
	p := e.t.properties(id)
	if p["NotificationConfiguration"] == nil {
		p["NotificationConfiguration"] = object{}
	}
	if err := wantResource(id, "NotificationConfiguration", p["NotificationConfiguration"], aMap); err != nil {
		return nil, err
	}
	notify := asObject(p["NotificationConfiguration"])
	if notify["LambdaConfigurations"] == nil {
		notify["LambdaConfigurations"] = []any{}
	}
	list, ok := notify["LambdaConfigurations"].([]any)
	if !ok {
		return nil, badResource(id, "Invalid type for LambdaConfigurations. Must be a list.")
	}
	types := asList(e.props["Events"])
	if one, ok := e.props["Events"].(string); ok {
		types = []any{one}
	}
	for _, typ := range types {
		mapping := object{"Function": e.arn, "Event": typ}
		put(mapping, "Filter", e.props["Filter"])
		if condition != nil {
			mapping = choice(condition, mapping, noValue())
		}
		if !contains(list, mapping) {
			list = append(list, mapping)
		}
	}
	notify["LambdaConfigurations"] = list
	bucket, err := e.t.existing(id, bucketSchema)
	return []*resource{permission, bucket}, err
}

// bucketWaits makes the bucket wait for the permission. Where that may not be,
// a tag refers to it instead of DependsOn.
func (e *event) bucketWaits(id string, permission *resource, condition any) error {
	bucket := asObject(e.t.resources[id])
	if condition != nil {
		p := e.t.properties(id)
		if p["Tags"] == nil {
			p["Tags"] = []any{}
		}
		if err := wantResource(id, "Tags", p["Tags"], aList); err != nil {
			return err
		}
		p["Tags"] = append(asList(p["Tags"]), object{
			"Key":   "sam:ConditionalDependsOn:" + permission.id,
			"Value": choice(condition, ref(permission.id), "no dependency"),
		})
		return nil
	}
	var on []any
	switch v := bucket["DependsOn"].(type) {
	case nil:
	case string:
		on = []any{v}
	case []any:
		on = slices.Clone(v)
	default:
		return badResource(e.id, "Invalid type for field 'DependsOn'. Expected a string or list of strings.")
	}
	if slices.ContainsFunc(on, func(v any) bool { return !isString(v) }) {
		return badResource(e.id, "Invalid type for field 'DependsOn'. Expected a string or list of strings.")
	}
	if !contains(on, permission.id) {
		on = append(on, permission.id)
	}
	bucket["DependsOn"] = on
	return nil
}
