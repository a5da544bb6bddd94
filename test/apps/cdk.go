package main

import (
	"context"
	"encoding/json"
	"errors"
	"hash/crc32"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	cfn "github.com/aloft-cloud/aloft/internal/api/cloudformation"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/client"
)

// tryCDK deploys an application of the CDK by its own tool.
func (r *runner) tryCDK(a application, g *given) (what, words, stack string) {
	// What is synthesised has the account in it, so that it is always the same one.
	r.account = int(crc32.ChecksumIEEE([]byte(a.title + a.name)))
	env := append(g.environ(), "AWS_ENDPOINT_URL="+r.endpoint, "AWS_REGION="+r.region, "AWS_DEFAULT_REGION="+r.region, "CDK_DISABLE_VERSION_CHECK=1",
		"AWS_ACCESS_KEY_ID="+r.owner(), "AWS_SECRET_ACCESS_KEY=secret", "CDK_DISABLE_CLI_TELEMETRY=1", "JSII_SILENCE_WARNING_UNTESTED_NODE_VERSION=1", "TS_NODE_TRANSPILE_ONLY=1")
	made := r.madeOf(a)
	if said := r.synthesise(a.file, made, env); said != "" {
		return judge("cdk synth: " + complaint(said))
	}
	types, err := r.lackingIn(made, g)
	if err != nil {
		return judge(err.Error())
	}
	if types != nil {
		return lacks, strings.Join(types, ", "), ""
	}
	for _, region := range r.regionsOf(made) {
		if err := r.bootstrap(region); err != nil {
			return judge("cdk bootstrap: " + err.Error())
		}
	}
	outputs := filepath.Join(r.synth, "outputs.json")
	args := []string{"deploy", "--app", made, "--all", "--require-approval", "never", "--no-notices", "--progress", "events", "--outputs-file", outputs}
	files, _ := filepath.Glob(filepath.Join(made, "*.template.json")) // a pattern that is fine
	for _, file := range files {
		g.fill(file)
	}
	for name, value := range g.parameters {
		args = append(args, "--parameters", name+"="+value)
	}
	printed, said := r.command(a.file, env, "cdk", args...)
	said += string(printed)
	byStack := make(map[string]map[string]string)
	text, err := os.ReadFile(outputs)
	if err == nil {
		err = json.Unmarshal(text, &byStack)
	}
	os.Remove(outputs)
	if err != nil && !strings.Contains(said, "✅") || strings.Contains(said, "❌") {
		return judge(complaint(said))
	}
	return works, "", ""
}

// environment is where the CDK says that a stack belongs.
var environment = regexp.MustCompile(`"environment": "aws://[^/]+/([^"]+)"`)

// regionsOf are the regions into which the stacks of an application go.
func (r *runner) regionsOf(made string) []string {
	text, _ := os.ReadFile(filepath.Join(made, "manifest.json")) // one that is not there names none
	var list []string
	for _, m := range environment.FindAllSubmatch(text, -1) {
		region := string(m[1])
		if region == "unknown-region" {
			region = r.region
		}
		list = append(list, region)
	}
	slices.Sort(list)
	return slices.Compact(list)
}

// madeOf is the directory for what is synthesised of an application.
func (r *runner) madeOf(a application) string {
	return filepath.Join(r.synth, strings.ReplaceAll(a.title+"+"+a.name, "/", "+"))
}

// lackingIn names the types that templates have and Aloft does not.
func (r *runner) lackingIn(made string, g *given) ([]string, error) {
	files, err := filepath.Glob(filepath.Join(made, "*.template.json"))
	if err != nil {
		return nil, err
	}
	var types []string
	for _, file := range files {
		check, _ := r.aloftDoes(g, "deploy", "--check", "--json", file)
		var found []struct {
			Findings []struct{ Kind, Type, Message string }
		}
		if json.Unmarshal(check, &found) != nil || len(found) == 0 {
			continue
		}
		for _, f := range found[0].Findings {
			if f.Kind == "refused" && strings.HasPrefix(f.Message, "Aloft does not support the type") {
				types = append(types, f.Type)
			}
		}
	}
	slices.Sort(types)
	return slices.Compact(types), nil
}

// bootstrap makes in a region of the account what `cdk bootstrap` makes.
func (r *runner) bootstrap(region string) error {
	file := filepath.Join(r.synth, "bootstrap.yaml")
	body, err := os.ReadFile(file)
	if err != nil {
		text, said := r.command("", nil, "cdk", "bootstrap", "--show-template")
		if len(text) == 0 {
			return errorOf(said)
		}
		body = text
		if err := os.WriteFile(file, body, 0o644); err != nil {
			return err
		}
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	c := r.client().In(region)
	_, err = client.Do(ctx, c, cfn.CreateStack, &cfn.CreateStackInput{
		StackName: "CDKToolkit", TemplateBody: new(string(body)), Capabilities: []string{"CAPABILITY_NAMED_IAM"},
	})
	if refusal, ok := errors.AsType[*aws.Error](err); ok && refusal.Code == "AlreadyExistsException" {
		return nil // it was tried before
	}
	if err != nil {
		return err
	}
	return r.settled(ctx, c, "CDKToolkit")
}

// complaint is what the CDK says of what went wrong, without its progress.
func complaint(said string) string {
	var lines []string
	for line := range strings.Lines(said) {
		low := strings.ToLower(line)
		if strings.Contains(line, "_COMPLETE") || strings.Contains(line, "_IN_PROGRESS") {
			continue // events of what went well
		}
		if strings.Contains(low, "error") || strings.Contains(low, "fail") || strings.Contains(line, "❌") || strings.Contains(low, "cannot") || strings.Contains(line, "Aloft") {
			lines = append(lines, strings.TrimSpace(line))
		}
	}
	if lines == nil {
		return said
	}
	return strings.Join(lines[:min(len(lines), 6)], " ")
}
