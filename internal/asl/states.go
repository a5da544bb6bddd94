package asl

import (
	"fmt"
	"slices"
	"strings"

	"github.com/aloft-cloud/aloft/internal/tree"
)

func (o object) task(s *State) {
	o.require(o.at, "Resource")
	s.Resource, _ = o.text("Resource")
	if _, given := o.o.Get("Resource"); given {
		o.checkResource(s.Resource)
	}
	s.flow.timeout, s.flow.timeoutName = o.computed("TimeoutSeconds", o.wholeNumber(1, maxSeconds))
	s.flow.heartbeat, s.flow.heartbeatName = o.computed("HeartbeatSeconds", o.wholeNumber(1, maxSeconds))
	if t, h := s.flow.timeout, s.flow.heartbeat; t != nil && h != nil && t.isConstant() && h.isConstant() {
		a, _ := tree.Int(t.constant)
		if b, _ := tree.Int(h.constant); b >= a {
			o.p.schema(o.at, "HeartbeatSeconds must be less than TimeoutSeconds")
		}
	}
	c, given := o.object("Credentials")
	if !given {
		return
	}
	for _, name := range []string{"RoleArn", "RoleArn.$"} {
		v, found := c.o.Get(name)
		switch {
		case !found:
		case name == "RoleArn":
			s.flow.role, s.flow.roleName = o.compile(v, c.at+"/"+name), name
		case o.lang == JSONPath:
			s.flow.role, s.flow.roleName = o.dynamic(name, v, c.at), name
		}
	}
	if s.flow.role == nil {
		o.p.schema(c.at, "The field 'RoleArn' is required but was missing")
	}
}

// checkResource refuses what is no ARN, and what express machines cannot do.
func (o object) checkResource(arn string) {
	at := o.at + "/Resource"
	fields := strings.Split(arn, ":")
	if len(fields) < 6 || fields[0] != "arn" || fields[5] == "" {
		o.p.schema(at, "Value is not a valid resource ARN")
		return
	}
	if !o.p.express || fields[2] != "states" {
		return
	}
	switch {
	case fields[5] == "activity":
		o.p.schema(at, "Express state machine does not support Activity ARN")
	case strings.HasSuffix(arn, ".sync") || strings.Contains(arn, ".sync:"):
		o.p.schema(at, "Express state machine does not support '.sync' service integration")
	case strings.HasSuffix(arn, ".waitForTaskToken"):
		o.p.schema(at, "Express state machine does not support '.waitForTaskToken' service integration")
	}
}

func (o object) pass(s *State) {
	v, given := o.o.Get("Result")
	if !given {
		return
	}
	s.flow.result, s.flow.hasResult = v, true
	if result, ok := v.(*tree.Object); ok {
		for name := range result.All() {
			if strings.HasSuffix(name, ".$") {
				o.p.add(severityWarning, "PASS_RESULT_IS_STATIC", o.at+"/Result/"+name, "Attempt to use a path in the result of a pass state.")
			}
		}
	}
}

func (o object) wait(s *State) {
	f := &s.flow
	f.waitName = o.oneOf("Seconds", "SecondsPath", "Timestamp", "TimestampPath")
	switch f.waitName {
	case "":
		o.p.schema(o.at, "One of these fields is required: [Seconds, SecondsPath, Timestamp, TimestampPath]")
	case "Seconds":
		f.wait, _ = o.computed("Seconds", o.wholeNumber(0, maxSeconds))
	case "Timestamp":
		f.wait, _ = o.computed("Timestamp", func(v Value, at string) {
			text, ok := v.(string)
			if ok {
				_, ok = parseTimestamp(text)
			}
			if !ok {
				o.p.schema(at, "String does not match RFC3339 timestamp")
			}
		})
	default:
		f.wait = o.path(f.waitName).template
	}
	if f.wait == nil {
		f.wait = &template{}
	}
}

func (o object) fail(s *State) {
	text := func(v Value, at string) {
		if _, ok := v.(string); !ok {
			o.p.schema(at, "Expected value of type String")
		}
	}
	s.flow.failError, s.flow.failErrorName = o.computed("Error", text)
	s.flow.failCause, s.flow.failCauseName = o.computed("Cause", text)
}

func (o object) parallel(s *State) {
	o.require(o.at, "Branches")
	if list, _ := o.o.Get("Branches"); list != nil {
		if list, ok := list.([]Value); ok && len(list) == 0 {
			o.p.schema(o.at+"/Branches", "Value cannot be empty")
		}
	}
	o.each("Branches", func(b object) { s.Branches = append(s.Branches, o.p.machine(b, s)) })
}

func (o object) mapState(s *State) {
	field := o.oneOf("ItemProcessor", "Iterator")
	inner, ok := o.object(field)
	if field == "" {
		o.require(o.at, "ItemProcessor")
	}
	if !ok {
		return
	}
	distributed, express := inner.processorConfig()
	if distributed && o.p.express {
		o.p.schema(inner.at+"/ProcessorConfig/Mode", "Express state machine does not support Map state in DISTRIBUTED mode")
	}
	outer := o.p.express
	o.p.express = outer || express
	s.Processor = o.p.machine(inner, s)
	o.p.express = outer
	s.Processor.Distributed, s.Processor.Express = distributed, express

	f := &s.flow
	if s.QueryLanguage == JSONata {
		f.items = o.template("Items")
	} else {
		f.itemsPath = o.path("ItemsPath")
	}
	f.itemSelector = o.template("ItemSelector")
	if f.itemSelector == nil {
		f.itemSelector = f.parameters // as it once was
	}
	f.parameters = nil
	for i, name := range []string{"MaxConcurrency", "ToleratedFailureCount", "ToleratedFailurePercentage"} {
		check := o.wholeNumber(0, 1<<31-1)
		if i == 2 {
			check = o.percentage
		}
		f.limits[i].template, f.limits[i].name = o.computed(name, check)
	}
	o.distributed(s)
}

func (o object) percentage(v Value, at string) {
	n, ok := v.(number)
	if f, err := n.Float64(); !ok || err != nil || f < 0 || f > 100 {
		o.p.schema(at, "ToleratedFailurePercentage must be between 0 and 100.")
	}
}

func (o object) processorConfig() (distributed, express bool) {
	c, ok := o.object("ProcessorConfig")
	if !ok {
		return false, false
	}
	c.only(c.at, []string{"Mode", "ExecutionType", "Comment"})
	distributed = c.choiceOf("Mode", "INLINE", "DISTRIBUTED") == "DISTRIBUTED"
	kind := c.choiceOf("ExecutionType", "STANDARD", "EXPRESS")
	if distributed {
		c.require(c.at, "ExecutionType")
	}
	return distributed, kind == "EXPRESS"
}

const maxLabel = 40

// distributed reads what only a distributed Map has.
func (o object) distributed(s *State) {
	if label, ok := o.text("Label"); ok {
		s.Label = label
		switch {
		case len(label) > maxLabel:
			o.p.schema(o.at+"/Label", "Label cannot exceed %d characters", maxLabel)
		case label == "":
			o.p.schema(o.at+"/Label", "Label cannot be empty")
		}
		for _, r := range label {
			if strings.ContainsRune("?*<>{}[]:;,\\|^~$#%&`\" ", r) || r < ' ' || r >= 0x7f && r <= 0x9f {
				o.p.schema(o.at+"/Label", "Label contains invalid character: '%c'", r)
				break
			}
		}
	}
	for _, name := range []string{"ItemReader", "ItemBatcher", "ResultWriter", "Label"} {
		if _, given := o.o.Get(name); given && !s.Processor.Distributed {
			o.p.schema(o.at, "Field '%s' is only supported for Map state in DISTRIBUTED mode", name)
		}
	}
	if r, ok := o.object("ItemReader"); ok {
		s.reader = r.itemReader()
	}
	if w, ok := o.object("ResultWriter"); ok {
		s.writer = w.resultWriter()
	}
	if b, ok := o.object("ItemBatcher"); ok {
		b.only(b.at, []string{"MaxItemsPerBatch", "MaxItemsPerBatchPath", "MaxInputBytesPerBatch", "MaxInputBytesPerBatchPath", "BatchInput", "Comment"})
		s.batcher = &batching{input: b.template("BatchInput")}
		s.batcher.maxItems.template, s.batcher.maxItems.name = b.computed("MaxItemsPerBatch", b.wholeNumber(1, maxItems))
		s.batcher.maxBytes.template, s.batcher.maxBytes.name = b.computed("MaxInputBytesPerBatch", b.wholeNumber(1, maxBatchBytes))
		if s.batcher.maxItems.template == nil && s.batcher.maxBytes.template == nil {
			o.p.schema(b.at, "One of these fields is required: [MaxItemsPerBatch, MaxItemsPerBatchPath, MaxInputBytesPerBatch, MaxInputBytesPerBatchPath]")
		}
	}
}

// resourceAndArguments reads what ItemReader and ResultWriter share.
func (o object) resourceAndArguments(resources ...string) *access {
	a := &access{argName: "Parameters"}
	if o.lang == JSONata {
		a.argName = "Arguments"
	}
	a.arguments = o.template(a.argName)
	a.resource, _ = o.text("Resource")
	ok := slices.ContainsFunc(resources, func(r string) bool { return strings.HasSuffix(a.resource, ":states:::"+r) })
	if a.resource != "" && !ok {
		o.p.schema(o.at+"/Resource", "Value is not a valid resource ARN")
	}
	return a
}

func (o object) itemReader() *access {
	o.require(o.at, "Resource")
	a := o.resourceAndArguments("s3:getObject", "s3:listObjectsV2")
	o.only(o.at, []string{"Resource", a.argName, "ReaderConfig", "Comment"})
	c, ok := o.object("ReaderConfig")
	if !ok {
		return a
	}
	c.only(c.at, []string{"InputType", "CSVHeaderLocation", "CSVHeaders", "CSVDelimiter", "MaxItems", "MaxItemsPath", "ManifestType", "Transformation", "ItemsPointer", "Comment"})
	r := &a.config
	r.InputType = c.choiceOf("InputType", "CSV", "JSON", "JSONL", "PARQUET", "MANIFEST")
	r.ManifestType = c.choiceOf("ManifestType", "ATHENA_DATA", "S3_INVENTORY")
	r.Transformation = c.choiceOf("Transformation", "NONE", "LOAD_AND_FLATTEN")
	r.ItemsPointer, _ = c.text("ItemsPointer")
	r.HeadersInFile = c.choiceOf("CSVHeaderLocation", "FIRST_ROW", "GIVEN") != "GIVEN"
	v, given := c.o.Get("CSVHeaders")
	if !r.HeadersInFile && !given {
		o.p.schema(c.at, "These fields are required: [CSVHeaders]")
	}
	list, _ := v.([]Value)
	for _, x := range list {
		name, ok := x.(string)
		if !ok {
			o.p.schema(c.at+"/CSVHeaders", "Expected value of type String")
		}
		r.Headers = append(r.Headers, name)
	}
	delimiters := map[string]rune{"": 0, "COMMA": ',', "PIPE": '|', "SEMICOLON": ';', "SPACE": ' ', "TAB": '\t'}
	r.Delimiter = delimiters[c.choiceOf("CSVDelimiter", "COMMA", "PIPE", "SEMICOLON", "SPACE", "TAB")]
	a.maxItems.template, a.maxItems.name = c.computed("MaxItems", c.wholeNumber(0, maxItems))
	return a
}

func (o object) resultWriter() *access {
	a := o.resourceAndArguments("s3:putObject")
	o.only(o.at, []string{"Resource", a.argName, "WriterConfig", "Comment"})
	if c, ok := o.object("WriterConfig"); ok {
		c.only(c.at, []string{"Transformation", "OutputType", "Comment"})
		a.writing.Transformation = c.choiceOf("Transformation", "NONE", "COMPACT", "FLATTEN")
		a.writing.OutputType = c.choiceOf("OutputType", "JSON", "JSONL")
	} else if a.resource == "" {
		o.require(o.at, "Resource")
	}
	return a
}

func (o object) choice(s *State) {
	o.require(o.at, "Choices")
	v, given := o.o.Get("Choices")
	if list, ok := v.([]Value); given && ok && len(list) == 0 {
		o.p.schema(o.at+"/Choices", "Value cannot be empty")
	}
	s.flow.other, _ = o.text("Default")
	o.each("Choices", func(c object) {
		r := rule{test: c.comparison(true)}
		r.next, _ = c.text("Next")
		c.require(c.at, "Next")
		r.flow.assign = c.variables()
		if c.lang == JSONata {
			r.flow.output = c.template("Output")
		}
		s.flow.choices = append(s.flow.choices, r)
	})
}

// comparison reads a rule; a top one has more than its condition.
func (o object) comparison(top bool) comparison {
	operator := ""
	for name := range o.o.All() {
		switch name {
		case "Comment", "Variable":
			continue
		case "Next", "Assign":
			if top {
				continue
			}
		case "Output":
			if top && o.lang == JSONata {
				continue
			}
		}
		if !isOperator(name) || o.lang == JSONata && name != "Condition" || o.lang == JSONPath && name == "Condition" {
			o.p.schema(o.at, "Field '%s' is not supported", name)
			continue
		}
		if operator != "" {
			o.p.schema(o.at, "Only one of these fields is allowed: [%s, %s]", operator, name)
		}
		operator = name
	}
	c := comparison{operator: operator}
	switch operator {
	case "":
		if o.lang == JSONata {
			o.require(o.at, "Condition")
		} else {
			o.p.schema(o.at, "A comparison operator is required")
		}
	case "Condition":
		if c.condition = o.template("Condition"); c.condition.query == nil {
			if _, ok := c.condition.constant.(bool); !ok {
				o.p.schema(o.at+"/Condition", "Expected value of type Boolean, or JSONata expression")
			}
		}
	case "And", "Or":
		o.each(operator, func(part object) { c.parts = append(c.parts, part.comparison(false)) })
		if len(c.parts) == 0 {
			o.p.schema(o.at+"/"+operator, "Value cannot be empty")
		}
	case "Not":
		if part, ok := o.object("Not"); ok {
			c.parts = []comparison{part.comparison(false)}
		}
	default:
		o.compared(&c)
	}
	return c
}

func isOperator(name string) bool {
	switch name {
	case "And", "Or", "Not", "Condition", "IsPresent":
		return true
	}
	base, isPath := strings.CutSuffix(name, "Path")
	_, known := comparators[base]
	return known && !(isPath && (strings.HasPrefix(base, "Is") || base == "StringMatches"))
}

// compared reads the Variable and what it is compared with.
func (o object) compared(c *comparison) {
	o.require(o.at, "Variable")
	if text, ok := o.text("Variable"); ok {
		p, err := referencePath(text)
		if err != nil {
			o.p.schema(o.at+"/Variable", "Value is not a Reference Path: %s", err)
		} else {
			c.variable = p
			o.p.refer(&template{path: p})
		}
	}
	at := o.at + "/" + c.operator
	if strings.HasSuffix(c.operator, "Path") {
		text, _ := o.text(c.operator)
		p, err := referencePath(text)
		if err != nil {
			o.p.schema(at, "Value is not a Reference Path: %s", err)
		} else {
			c.path = p
			o.p.refer(&template{path: p})
		}
		return
	}
	c.value, _ = o.o.Get(c.operator)
	want := ""
	switch {
	case strings.HasPrefix(c.operator, "Is"), strings.HasPrefix(c.operator, "Boolean"):
		want = "boolean"
	case strings.HasPrefix(c.operator, "Numeric"):
		want = "number"
	default:
		want = "string"
	}
	if typeName(c.value) != want {
		o.p.schema(at, "Expected value of type %s", map[string]string{"boolean": "Boolean", "number": "Number", "string": "String"}[want])
	} else if strings.HasPrefix(c.operator, "Timestamp") {
		if _, ok := asTime(c.value); !ok {
			o.p.schema(at, "String does not match RFC3339 timestamp")
		}
	}
}

// checkGraph holds that transitions lead to states, that every state can be
// reached, and that the machine can end.
func (p *parser) checkGraph(m *Machine) {
	targets := true
	p.checkTargets(m, "", &targets)
	if !slices.ContainsFunc(m.Names, func(n string) bool { return m.States[n].End }) {
		p.add(severityError, "MISSING_END_STATE", "", "Workflow has no terminal state")
		return
	}
	p.checkReach(m)
}

// each yields where the states of a level lead to, by place.
func (s *State) each(yield func(at, to string)) {
	if s.Next != "" {
		yield(s.path+"/Next", s.Next)
	}
	for i, r := range s.flow.choices {
		yield(fmt.Sprintf("%s/Choices[%d]/Next", s.path, i), r.next)
	}
	if s.flow.other != "" {
		yield(s.path+"/Default", s.flow.other)
	}
	for i, c := range s.Catch {
		yield(fmt.Sprintf("%s/Catch[%d]/Next", s.path, i), c.Next)
	}
}

func (s *State) inner() []*Machine {
	if s.Processor != nil {
		return []*Machine{s.Processor}
	}
	return s.Branches
}

func (p *parser) checkTargets(m *Machine, at string, ok *bool) {
	missing := func(at, to string) {
		if m.States[to] == nil {
			*ok = false
			p.add(severityError, codeTarget, at, "Missing 'Next' target: %s", to)
		}
	}
	missing(at+"/StartAt", m.StartAt)
	for _, n := range m.Names {
		s := m.States[n]
		s.each(missing)
		for i, inner := range s.inner() {
			part := s.path + "/ItemProcessor"
			if s.Type == Parallel {
				part = fmt.Sprintf("%s/Branches[%d]", s.path, i)
			}
			p.checkTargets(inner, part, ok)
		}
	}
}

func (p *parser) checkReach(m *Machine) {
	reached := map[string]bool{}
	todo := []string{m.StartAt}
	for len(todo) > 0 {
		n := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		if s := m.States[n]; s != nil && !reached[n] {
			reached[n] = true
			s.each(func(_, to string) { todo = append(todo, to) })
		}
	}
	for _, n := range m.Names {
		if !reached[n] {
			p.add(severityError, codeTarget, m.States[n].path, "State \"%s\" is not reachable.", n)
		}
		for _, inner := range m.States[n].inner() {
			p.checkReach(inner)
		}
	}
}
