package drive

import (
	"context"
	"strings"

	"github.com/aloft-cloud/aloft/internal/api/s3"
	"github.com/aloft-cloud/aloft/internal/api/ses"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/client"
)

// driveSender is who sends mail to applications.
const driveSender = "driver@example.net"

// receiptRules sends mail to whom each rule of the application's receipt rule sets
// is about, once the set is active, as people make theirs by hand.
func (d *driver) receiptRules(ctx context.Context) {
	for _, p := range d.all("AWS::SES::ReceiptRuleSet") {
		if _, err := client.Do(ctx, d.Client, ses.SetActiveReceiptRuleSet, &ses.SetActiveReceiptRuleSetInput{RuleSetName: &p.id}); err != nil {
			continue
		}
		set, err := client.Do(ctx, d.Client, ses.DescribeReceiptRuleSet, &ses.DescribeReceiptRuleSetInput{RuleSetName: p.id})
		if err != nil {
			continue
		}
		for _, rule := range set.Rules {
			to := d.recipient(rule.Recipients)
			if !aws.Value(rule.Enabled) || to == "" {
				continue
			}
			d.drive(ctx, entry{
				name: "mail to rule " + rule.Name, targets: d.mailTargets(ctx, rule.Actions),
				do: func(ctx context.Context) error { return d.mail(ctx, to) },
			})
		}
	}
}

// recipient is somebody whom a rule is about that names these.
func (d *driver) recipient(recipients []string) string {
	if len(recipients) > 0 {
		first := recipients[0]
		if strings.Contains(first, "@") {
			return first
		}
		if domain, ok := strings.CutPrefix(first, "."); ok {
			first = "mail." + domain
		}
		return "contact@" + first
	}
	for _, p := range d.all("AWS::SES::EmailIdentity") {
		if !strings.Contains(p.id, "@") {
			return "contact@" + p.id
		}
	}
	return ""
}

// mailTargets are the functions that hear of mail, by the rule itself or by the
// bucket that it puts it in.
func (d *driver) mailTargets(ctx context.Context, actions []ses.ReceiptAction) (out []target) {
	for _, a := range actions {
		switch {
		case a.LambdaAction != nil:
			out = append(out, target{arn: a.LambdaAction.FunctionArn})
		case a.S3Action != nil:
			told, err := client.Do(ctx, d.Client, s3.GetBucketNotificationConfiguration, &s3.GetBucketNotificationConfigurationInput{Bucket: a.S3Action.BucketName})
			if err != nil {
				continue
			}
			for _, c := range told.LambdaFunctionConfigurations {
				out = append(out, target{arn: c.LambdaFunctionArn})
			}
		}
	}
	return out
}

// mail sends a message to an address, by SES itself.
func (d *driver) mail(ctx context.Context, to string) error {
	if _, err := client.Do(ctx, d.Client, ses.VerifyEmailIdentity, &ses.VerifyEmailIdentityInput{EmailAddress: driveSender}); err != nil {
		return err
	}
	_, err := client.Do(ctx, d.Client, ses.SendEmail, &ses.SendEmailInput{
		Source: driveSender, Destination: &ses.Destination{ToAddresses: []string{to}},
		Message: &ses.Message{Subject: &ses.Content{Data: "one"}, Body: &ses.Body{Text: &ses.Content{Data: "A message to read."}}},
	})
	return err
}
