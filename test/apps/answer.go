package main

import (
	"context"
	"strings"
	"time"

	cfn "github.com/aloft-cloud/aloft/internal/api/cloudformation"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/client"
	"github.com/aloft-cloud/aloft/test/apps/drive"
)

// longest is how long an application is driven.
const longest = 4 * time.Minute

// answers drives the application that is tried, and fills in what came of it.
// The application is the stack of that name, or all there are.
func (r *runner) answers(a application, stack string, res *result) {
	ctx, cancel := context.WithTimeout(context.Background(), longest)
	defer cancel()
	app := drive.App{Account: r.owner(), Dir: a.dir}
	if !r.others { // what is said of it may be above it
		app.Dir = a.top
	}
	for _, region := range regions {
		c := r.client().In(region)
		out, err := client.Do(ctx, c, cfn.DescribeStacks, &cfn.DescribeStacksInput{})
		if err != nil {
			res.Words = err.Error()
			return
		}
		for _, s := range out.Stacks {
			if strings.Contains(string(s.StackStatus), "ROLLBACK") {
				continue // of a region that was the wrong one
			}
			if s.ParentId == nil && s.StackName != "CDKToolkit" && !strings.HasPrefix(s.StackName, "given-") && (stack == "" || s.StackName == stack) {
				app.Stacks = append(app.Stacks, aws.Value(s.StackId))
			}
		}
		if app.Client = c; app.Stacks != nil {
			break
		}
	}
	report := drive.Run(ctx, app)
	res.Words, res.Answers, res.Wants, res.NoPath = report.Words, report.Answers, report.Wants, report.NoPath
}

// regions are those into which applications deploy themselves.
var regions = []string{
	"us-east-1", "us-east-2", "us-west-1", "us-west-2", "eu-west-1", "eu-west-2", "eu-west-3", "eu-central-1", "eu-north-1", "eu-south-1",
	"ap-southeast-1", "ap-southeast-2", "ap-northeast-1", "ap-northeast-2", "ap-south-1", "ap-east-1", "sa-east-1", "ca-central-1", "me-south-1", "af-south-1",
}
