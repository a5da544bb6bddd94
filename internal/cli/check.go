package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/deploy"
	"github.com/aloft-cloud/aloft/internal/deploy/resource"
	"github.com/aloft-cloud/aloft/internal/deploy/serverless"
	"github.com/aloft-cloud/aloft/internal/deploy/template"
	"github.com/aloft-cloud/aloft/internal/pack"
	"github.com/aloft-cloud/aloft/internal/platform"
)

// A checked application is what `deploy --check` says of it.
type checked struct {
	File     string           `json:"file"`
	Deploys  bool             `json:"deploys"`
	Works    []string         `json:"works"`
	Findings []deploy.Finding `json:"findings"`
}

// errWouldFail ends a check that found what would be refused.
var errWouldFail = errors.New("it would not be deployed as it is")

// checkAll says what would come of applications, before anything is made.
func (d *deployer) checkAll(ctx context.Context, paths []string) ([]checked, error) {
	types, err := platform.Types()
	if err != nil {
		return nil, err
	}
	tasks, err := newTaskTable()
	if err != nil {
		return nil, err
	}
	var all []checked
	for _, path := range paths {
		parts, err := findParts(path)
		if err != nil {
			return nil, err
		}
		for _, p := range parts {
			c, err := d.checkPart(ctx, p, types, tasks)
			if err != nil {
				return nil, err
			}
			d.showChecked(c)
			all = append(all, *c)
		}
	}
	for _, c := range all {
		if !c.Deploys {
			return all, errWouldFail
		}
	}
	return all, nil
}

func (d *deployer) checkPart(ctx context.Context, p *part, types resource.Table, tasks *taskTable) (*checked, error) {
	c := &checked{File: p.file, Works: []string{}, Findings: []deploy.Finding{}}
	service := pack.IsService(p.file)
	doc, err := d.templateOf(ctx, p)
	if err != nil {
		c.Findings = append(c.Findings, deploy.Finding{Line: 1, Kind: deploy.Refused, Message: err.Error()})
		return c, nil
	}
	given := make(map[string]string)
	for _, param := range d.parameters {
		given[aws.Value(param.ParameterKey)] = aws.Value(param.ParameterValue)
	}
	lacking := tasks.lackingTasks(doc, filepath.Dir(p.file))
	missing := pack.Assume(ctx, doc.Root, filepath.Dir(p.file))
	review := deploy.Look(doc, types, given, deploy.Place{
		Account: "000000000000", Region: d.client.Region(), StackName: "check",
		StackID: "arn:aws:cloudformation:" + d.client.Region() + ":000000000000:stack/check/00000000-0000-0000-0000-000000000000",
	}, localParts(filepath.Dir(p.file)))
	c.Deploys, c.Works = true, append(c.Works, review.Works...)
	review.Findings = append(review.Findings, lacking...)
	for _, m := range missing {
		line := doc.Line("Resources", m.Resource, "Properties", m.Property)
		review.Findings = append(review.Findings, deploy.Finding{
			Line: line, Resource: m.Resource, Kind: deploy.Refused, Message: m.String(),
		})
	}
	for _, f := range review.Findings {
		if service {
			f.Line = 1 // what is generated has no place of its own
		}
		c.Findings = append(c.Findings, f)
		c.Deploys = c.Deploys && f.Kind != deploy.Refused
	}
	return c, nil
}

// templateOf returns the template of an application, without building it.
func (d *deployer) templateOf(ctx context.Context, p *part) (*template.Document, error) {
	text, err := os.ReadFile(p.file)
	if err != nil {
		return nil, err
	}
	if pack.IsService(p.file) {
		if p.service, err = d.loadService(ctx, p.file, p.params); err != nil {
			return nil, err
		}
		code := make(map[string]serverless.Code)
		for _, a := range p.service.Artifacts() {
			code[a.Name] = serverless.Code{Bucket: "code", Key: "code", Digest: "0"}
		}
		for _, i := range p.service.Images() {
			code[i.Name] = serverless.Code{Image: "000000000000.dkr.ecr.us-east-1.amazonaws.com/image:latest"}
		}
		tree, err := p.service.Template(code)
		if err != nil {
			return nil, err
		}
		if text, err = json.Marshal(tree); err != nil {
			return nil, err
		}
	}
	return template.Parse(string(text), template.Options{Aliases: true})
}

// showChecked prints what was found.
func (d *deployer) showChecked(c *checked) {
	verdict := "would be deployed"
	if !c.Deploys {
		verdict = "would not be deployed"
	}
	fmt.Fprintf(d.out, "\n  %s %s: %d resources work", c.File, verdict, len(c.Works))
	counts := make(map[string]int)
	for _, f := range c.Findings {
		counts[f.Kind]++
	}
	for _, kind := range []struct{ name, words string }{{deploy.Kept, "kept as records"}, {deploy.Noted, "with a note"}, {deploy.Refused, "refused"}} {
		if n := counts[kind.name]; n > 0 {
			fmt.Fprintf(d.out, ", %d %s", n, kind.words)
		}
	}
	fmt.Fprintln(d.out)
	marks := map[string]string{deploy.Refused: "✗", deploy.Kept: "○", deploy.Noted: "·"}
	for _, f := range c.Findings {
		what := f.Message
		if f.Resource != "" {
			what = f.Resource + ": " + what
		}
		fmt.Fprintf(d.out, "    %s %s:%d: %s\n", marks[f.Kind], filepath.Base(c.File), f.Line, what)
	}
}

// localParts reads the parts of templates that macros include from the files that
// would be uploaded. Other macros are in an Aloft that need not run.
type localParts string

// Module implements deploy.Macros: what is registered is not known here.
func (dir localParts) Module(string) (map[string]any, error) { return nil, nil }

// Include implements deploy.Macros.
func (dir localParts) Include(location string) (string, error) {
	if strings.Contains(location, "://") {
		return "", fmt.Errorf("%s is in a bucket: --check does not look there", location)
	}
	text, err := os.ReadFile(filepath.Join(string(dir), filepath.FromSlash(location)))
	return string(text), err
}

// Run implements deploy.Macros.
func (localParts) Run(name string, _ deploy.MacroEvent) (any, error) {
	return nil, &deploy.MacroError{Message: "the macro " + name + " is run by Aloft: --check does not know what it makes"}
}
