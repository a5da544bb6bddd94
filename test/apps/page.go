package main

import (
	"fmt"
	"strings"
)

const heading = `# Applications that were tried

Written by ` + "`go run ./test/apps`" + `: each application was deployed as it was fetched, with one ` + "`aloft deploy`" + `, where
` + "`aloft deploy --check`" + ` had nothing against it; those of the CDK by ` + "`cdk deploy`" + ` of what ` + "`cdk synth`" + ` made. Values stood for
parameters, environment variables and files that an application asks of its user, and what it says must be there already
was made. Packages were built as its author builds them where the tool was at hand.

An application *answers* if one of its entries did. Each entry was driven as the world would: routes with the bodies, paths and
tokens that fit them, queues and topics with a message, streams and tables with a record, buckets with an object, buses with an
event that the rule's pattern lets through, GraphQL APIs with a query of their schema, WebSocket APIs with a connection and a
message to each route, user pools with a user, state machines with an input; schedules, and events that only AWS's own services
send, were given to the targets of their rules. What was put there is what the application ships as an example, or else made of
its models, schemas, patterns and sources. The entry answers if it took that, and what is behind it ran without an error, by the
metrics of functions, queues, topics and rules and by the executions of state machines. Functions without any entry were
invoked; functions of frameworks and custom resources do not count.

What *wants what is not here* calls a service that Aloft does not have, or a host of some other company, and does not answer for
that; the last column has it by name. Words that begin with *earlier* are of a run in which routes were asked and functions
invoked with an event of their kind, before entries were driven. What has *nothing to drive* is infrastructure only. None of this is a promise:
` + "`aloft deploy --check DIR`" + ` says what would work of yours.

What is *refused* has the types, properties or operations that Aloft lacks by their names. *AWS refuses it too* is what AWS
refuses in the same words, and *wants what is gone* what needs packages that nobody
publishes any more, or that were not to be had where this was tried: both tell nothing of
Aloft, and the shares are of the rest. *Not deployed for another reason* has that in the words that a user sees: a file, a value,
a layer or a tool is not there. Of those that were deployed and do not answer, some do not because they could not on AWS either:
their sources were read, and the last column says what was found there.
`

// page writes what is known as a page.
func (r *runner) page() string {
	for i := range r.results {
		if class, why := judgedOf(&r.results[i]); class == answers {
			r.results[i].Answers = true
			r.results[i].Words += ": " + why
		}
	}
	var page strings.Builder
	page.WriteString(heading)
	page.WriteString("\n| | tried | AWS refuses it too | wants what is gone | of the rest: deployed | answer | want what is not here | nothing to drive | refused | not deployed for another reason | not tried yet |\n|---|---|---|---|---|---|---|---|---|---|---|\n")
	for _, title := range r.titles {
		fmt.Fprintf(&page, "| %s | %s |\n", title, r.count(title))
	}
	fmt.Fprintf(&page, "| **all** | %s |\n", r.count(""))
	for _, title := range r.titles {
		r.table(&page, title)
	}
	return page.String()
}

// count has the numbers of a collection, or of all.
func (r *runner) count(title string) string {
	count := make(map[string]int)
	answer, wanting, nothing, all, untried := 0, 0, 0, 0, 0
	for _, res := range r.results {
		if title != "" && res.Collection != title {
			continue
		}
		if res.What == another {
			if res.Kind != "" {
				untried++
			}
			continue
		}
		all++
		if class, _ := classOf(&res); class != classed {
			count[class]++
			continue
		}
		count[res.What]++
		switch {
		case res.What != works:
		case res.Answers:
			answer++
		case res.NoPath:
			nothing++
		case wantsOf(&res) != "":
			wanting++
		}
	}
	rest := max(1, all-count[awsToo]-count[noMore])
	return fmt.Sprintf("%d | %d | %d | %d (%d %%) | %d (%d %%) | %d | %d | %d | %d | %d", all, count[awsToo], count[noMore],
		count[works], 100*count[works]/rest, answer, 100*answer/rest, wanting, nothing, count[lacks], count[other], untried)
}

// table writes the table of a collection.
func (r *runner) table(page *strings.Builder, title string) {
	fmt.Fprintf(page, "\n## %s\n\n| application | kind | result | answers | |\n|---|---|---|---|---|\n", title)
	var others, untried []string
	for _, res := range r.results {
		switch {
		case res.Collection != title:
			continue
		case res.What == another && res.Kind != "":
			untried = append(untried, res.Name)
			continue
		case res.What == another:
			others = append(others, res.Name)
			continue
		}
		words := res.Words
		what, answered := res.What, ""
		if class, why := classOf(&res); class != classed {
			what, words = class, why+": "+words
		}
		switch {
		case res.What != works:
		case res.Answers:
			answered = "yes"
		case res.NoPath:
			answered = "nothing to drive"
		case wantsOf(&res) != "":
			answered, words = wants, wantsOf(&res)+": "+words
		}
		words = strings.ReplaceAll(words, "|", "\\|")
		if runes := []rune(words); len(runes) > 240 {
			words = string(runes[:240]) + " …"
		}
		fmt.Fprintf(page, "| %s | %s | %s | %s | %s |\n", res.Name, res.Kind, what, answered, words)
	}
	if others != nil {
		fmt.Fprintf(page, "\nWithout a template, or another tool's: %s.\n", strings.Join(others, ", "))
	}
	if untried != nil {
		fmt.Fprintf(page, "\nNot tried yet: %s.\n", strings.Join(untried, ", "))
	}
}
