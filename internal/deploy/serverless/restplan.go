package serverless

import "slices"

// validateRequest adds what a request must look like.
func (b *builder) validateRequest(h *endpoint, id string, props object) {
	schemas := asObject(first(h.request["schemas"], h.request["schema"]))
	needed := len(schemas) > 0
	for _, v := range h.requestParameters() {
		needed = needed || truthy(v)
	}
	if !needed {
		return
	}
	validator := "ApiGateway" + alphanumeric(b.s.Name) + "RequestValidator"
	b.add(validator, "AWS::ApiGateway::RequestValidator", object{
		"RestApiId": b.restRef(), "ValidateRequestBody": true, "ValidateRequestParameters": true,
		"Name": b.s.prefix() + " | Validate request body and querystring parameters",
	})
	props["RequestValidatorId"] = ref(validator)
	models := object{}
	for _, kind := range keys(schemas) {
		models[kind] = ref(b.model(id, kind, schemas[kind]))
	}
	if len(models) > 0 {
		props["RequestModels"] = models
	}
}

// model adds the model of a body, and returns its id. Models that the provider
// declares are shared.
func (b *builder) model(method, kind string, schema any) string {
	id := method + startCase(kind) + "Model"
	if shared := at(b.s.provider(), "apiGateway", "request", "schemas", text(schema)); text(schema) != "" && shared != nil {
		id, kind, schema = "ApiGateway"+camelCase(text(schema))+"Model", "application/json", shared
	}
	props := object{"RestApiId": b.restRef(), "ContentType": kind, "Schema": schema}
	if inner := at(schema, "schema"); inner != nil {
		props["Schema"] = inner
		put(props, "Name", at(schema, "name"))
		put(props, "Description", at(schema, "description"))
	}
	b.add(id, "AWS::ApiGateway::Model", props)
	return id
}

// usagePlans adds keys and the plans of their use. Plans may be several, by
// name, each with keys of its own.
func (b *builder) usagePlans(api object) error {
	plans, keysSaid := api["usagePlan"], api["apiKeys"]
	if plans == nil && keysSaid == nil {
		return nil
	}
	var names []string
	if l, several := plans.([]any); several {
		for _, plan := range l {
			for _, name := range keys(asObject(plan)) {
				names = append(names, name)
				b.usagePlan(name, at(plan, name))
			}
		}
	} else {
		b.usagePlan("", plans)
	}
	n := 0
	for _, key := range list(keysSaid) {
		m := asObject(key)
		if named := keys(m); len(named) == 1 && slices.Contains(names, named[0]) {
			for i, key := range list(m[named[0]]) {
				b.apiKey(named[0], i+1, key)
			}
			continue
		} else if len(named) == 1 && asList(m[named[0]]) != nil {
			return b.s.errorAt([]string{"provider", "apiGateway", "apiKeys"}, "there is no usage plan %q for its keys", named[0])
		}
		n++
		b.apiKey("", n, key)
	}
	return nil
}

func usagePlanID(name string) string { return "ApiGatewayUsagePlan" + upperFirst(name) }

func (b *builder) usagePlan(name string, plan any) {
	props := object{
		"ApiStages":     []any{object{"ApiId": b.restRef(), "Stage": b.s.Stage}},
		"Description":   "Usage plan for " + b.s.Name + " " + b.s.Stage + " stage",
		"UsagePlanName": b.s.prefix(),
	}
	if name != "" {
		props["Description"] = `Usage plan "` + name + `" for ` + b.s.Name + " " + b.s.Stage + " stage"
		props["UsagePlanName"] = b.s.Name + "-" + name + "-" + b.s.Stage
	}
	if q := asObject(at(plan, "quota")); q != nil {
		quota := object{}
		put(quota, "Limit", q["limit"])
		put(quota, "Offset", q["offset"])
		put(quota, "Period", q["period"])
		props["Quota"] = quota
	}
	if t := asObject(at(plan, "throttle")); t != nil {
		throttle := object{}
		put(throttle, "BurstLimit", t["burstLimit"])
		put(throttle, "RateLimit", t["rateLimit"])
		props["Throttle"] = throttle
	}
	b.add(usagePlanID(name), "AWS::ApiGateway::UsagePlan", props, "ApiGatewayDeployment"+instanceID)
}

func (b *builder) apiKey(plan string, n int, key any) {
	id := "ApiGatewayApiKey" + upperFirst(plan) + itoa(n)
	props := object{
		"Enabled":   first(at(key, "enabled"), true),
		"StageKeys": []any{object{"RestApiId": b.restRef(), "StageName": b.s.Stage}},
	}
	put(props, "Name", first(at(key, "name"), nonEmpty(text(key))))
	put(props, "Value", at(key, "value"))
	put(props, "Description", at(key, "description"))
	put(props, "CustomerId", at(key, "customerId"))
	b.add(id, "AWS::ApiGateway::ApiKey", props, "ApiGatewayDeployment"+instanceID)
	b.add("ApiGatewayUsagePlanKey"+upperFirst(plan)+itoa(n), "AWS::ApiGateway::UsagePlanKey", object{
		"KeyId": ref(id), "KeyType": "API_KEY", "UsagePlanId": ref(usagePlanID(plan)),
	})
}
