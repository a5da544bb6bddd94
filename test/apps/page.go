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

An application *answers* if one of its routes or function URLs answered below 500 in words of its own, or else if a function
of it handled an event, or a state machine of it an input, without an error. Its function code ran as it is: one that wants
a model of Bedrock or a key of some other company finds none here, and answers with its own complaint. It is no promise:
` + "`aloft deploy --check DIR`" + ` says what would work of yours.

What is refused has the types, properties or operations that Aloft lacks by their names. What was not deployed for another
reason has that in the words that a user sees: a file, a value, a layer or a tool is not there, or the template asks for what
AWS refuses as well.
`

// page writes what is known as a page.
func (r *runner) page() string {
	var page strings.Builder
	page.WriteString(heading)
	page.WriteString("\n| | tried | deployed | of these answer | refused | not deployed for another reason | not tried yet |\n|---|---|---|---|---|---|---|\n")
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
	answer, all, untried := 0, 0, 0
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
		count[res.What]++
		if res.What == works && res.Answers {
			answer++
		}
	}
	return fmt.Sprintf("%d | %d (%d %%) | %d | %d | %d | %d", all, count[works], 100*count[works]/max(1, all), answer, count[lacks], count[other], untried)
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
		words := strings.ReplaceAll(res.Words, "|", "\\|")
		if runes := []rune(words); len(runes) > 240 {
			words = string(runes[:240]) + " …"
		}
		answers := ""
		if res.What == works && res.Answers {
			answers = "yes"
		}
		fmt.Fprintf(page, "| %s | %s | %s | %s | %s |\n", res.Name, res.Kind, res.What, answers, words)
	}
	if others != nil {
		fmt.Fprintf(page, "\nWithout a template, or another tool's: %s.\n", strings.Join(others, ", "))
	}
	if untried != nil {
		fmt.Fprintf(page, "\nNot tried yet: %s.\n", strings.Join(untried, ", "))
	}
}
