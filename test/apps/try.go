package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"time"

	cfn "github.com/aloft-cloud/aloft/internal/api/cloudformation"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/client"
)

// try deploys one application and calls it.
func (r *runner) try(a application) result {
	res := result{Collection: a.title, Name: a.name, Kind: a.kind}
	if a.file == "" || a.kind == kindCDK && r.synth == "" {
		res.What, res.Words = another, "no template"
		return res
	}
	g := r.given(a)
	stack := ""
	for range 30 { // each time it asks for one thing more
		if a.kind == kindCDK {
			res.What, res.Words, stack = r.tryCDK(a, g)
		} else {
			res.What, res.Words, stack = r.once(g.app, g)
		}
		if res.What == works {
			r.answers(a, stack, &res)
			break
		}
		said := res.Words
		res.Words = ownPaths.ReplaceAllString(strings.ReplaceAll(res.Words, a.top+"/", ""), "")
		if res.What != other || !g.learn(said) {
			break
		}
	}
	if res.What == other && g.said != "" {
		res.Words += ": " + strings.Join(strings.Fields(ownPaths.ReplaceAllString(g.said, "")), " ")
	}
	if g.home != 0 {
		r.clean()
		r.account = g.home
	}
	return res
}

// once checks and deploys an application with what is given to it, as a stack.
func (r *runner) once(a application, g *given) (what, words, stack string) {
	check, said := r.aloftDoes(g, append([]string{"deploy", "--check", "--json", a.file}, g.flags()...)...)
	var found []struct {
		Findings []struct{ Kind, Type, Message string }
	}
	if json.Unmarshal(check, &found) != nil || len(found) == 0 {
		return judge(said)
	}
	var types, refused []string
	for _, f := range found[0].Findings {
		switch words := strings.Fields(f.Message); {
		case f.Kind != "refused":
		case strings.HasPrefix(f.Message, "Aloft does not support the type"):
			types = append(types, f.Type)
		case strings.HasPrefix(f.Message, "Aloft does not support the property"):
			types = append(types, words[6]+" of "+f.Type)
		default:
			refused = append(refused, f.Message)
		}
	}
	slices.Sort(types)
	switch types = slices.Compact(types); {
	case types != nil:
		return lacks, strings.Join(types, ", "), ""
	case refused != nil:
		return judge(strings.Join(slices.Compact(refused), "; "))
	}
	args := []string{"deploy", "--json", a.file}
	if !r.ownNames || a.kind != kindService {
		args = append(args, "--stack", g.stack)
	}
	out, said := r.aloftDoes(g, append(args, g.flags()...)...)
	var done struct {
		Stack, Status string
	}
	if json.Unmarshal(out, &done) != nil || !strings.HasSuffix(done.Status, "_COMPLETE") || strings.Contains(done.Status, "ROLLBACK") {
		return judge(said)
	}
	return works, "", done.Stack
}

// aloftDoes runs aloft, and returns what it prints and what it complains of.
func (r *runner) aloftDoes(g *given, args ...string) (out []byte, said string) {
	args = append(args, "--endpoint", r.endpoint, "--region", r.region, "--access-key-id", r.owner())
	return r.command("", g.environ(), r.aloft, args...)
}

// owner is the account of the application that is tried.
func (r *runner) owner() string { return fmt.Sprintf("%012d", 100000000000+r.account) }

// command runs a program.
func (r *runner) command(dir string, env []string, name string, args ...string) (out []byte, said string) {
	ctx, cancel := context.WithTimeout(context.Background(), buildPatience)
	defer cancel()
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir = dir
	cmd.Env = append(cmd.Environ(), env...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // what it starts ends with it
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	cmd.WaitDelay = time.Second
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := cmd.Run()
	said = strings.TrimSpace(strings.TrimPrefix(strings.TrimSpace(stderr.String()), "aloft: "))
	if ctx.Err() != nil {
		said = "it took longer than " + buildPatience.String()
	} else if said == "" && err != nil {
		said = err.Error()
	}
	return stdout.Bytes(), said
}

// client calls the Aloft as the owner of the application that is tried.
func (r *runner) client() *client.Client {
	return client.New(client.Config{Endpoint: r.endpoint, Region: r.region, AccessKey: r.owner(), Secret: "secret"})
}

// clean deletes the stacks of the account, the last one first.
func (r *runner) clean() {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	for _, region := range regions {
		c := r.client().In(region)
		for range 3 { // what others import goes after them
			out, err := client.Do(ctx, c, cfn.DescribeStacks, &cfn.DescribeStacksInput{})
			if err != nil || len(out.Stacks) == 0 {
				break
			}
			for _, s := range out.Stacks {
				if s.ParentId == nil && (s.StackName != "CDKToolkit" || len(out.Stacks) == 1) { // others are deleted as its role
					r.delete(ctx, c, s.StackId)
				}
			}
		}
	}
}

// delete deletes a stack and waits until that is done or has failed.
func (r *runner) delete(ctx context.Context, c *client.Client, id *string) {
	if _, err := client.Do(ctx, c, cfn.DeleteStack, &cfn.DeleteStackInput{StackName: aws.Value(id)}); err != nil {
		return
	}
	for ctx.Err() == nil {
		out, err := client.Do(ctx, c, cfn.DescribeStacks, &cfn.DescribeStacksInput{StackName: id})
		if _, refused := errors.AsType[*aws.Error](err); refused || err == nil && !strings.HasSuffix(string(out.Stacks[0].StackStatus), "_IN_PROGRESS") {
			return
		}
		time.Sleep(100 * time.Millisecond)
	}
}

// ownPaths are what words say of the machine on which an application was tried.
var ownPaths = regexp.MustCompile(`(/[\w.-]+)+/build/[0-9a-f]+/?|\x1b\[[0-9;]*m|(/[\w.-]+){2,}/`)

var (
	typesLacking = regexp.MustCompile(`Unrecognized resource types: \[(.*?)\]`)
	ownWords     = regexp.MustCompile(`\bAloft [a-z]`)
)

// judge tells what Aloft lacks from what an application asks of its user, or
// does not bring, by what was said.
func judge(said string) (what, words, stack string) {
	words = strings.Join(strings.Fields(said), " ")
	if types := typesLacking.FindStringSubmatch(words); types != nil {
		return lacks, types[1], ""
	}
	if ownWords.MatchString(words) {
		return lacks, words, ""
	}
	return other, words, ""
}
