package drive

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"strings"
	"time"

	"github.com/aloft-cloud/aloft/internal/api/firehose"
	"github.com/aloft-cloud/aloft/internal/api/kinesis"
	"github.com/aloft-cloud/aloft/internal/api/s3control"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/client"
)

// What functions see that stand between others: between who reads an object and
// the bucket, and between a delivery stream and who reads that.

// lenses reads an object through each access point of Object Lambda.
func (d *driver) lenses(ctx context.Context) {
	for _, p := range d.all("AWS::S3ObjectLambda::AccessPoint") {
		of, err := client.Do(ctx, d.Client, s3control.GetAccessPointForObjectLambda, &s3control.GetAccessPointForObjectLambdaInput{AccountId: d.Account, Name: p.id})
		if err != nil || of.Alias == nil {
			continue
		}
		out, err := client.Do(ctx, d.Client, s3control.GetAccessPointConfigurationForObjectLambda, &s3control.GetAccessPointConfigurationForObjectLambdaInput{AccountId: d.Account, Name: p.id})
		if err != nil || len(out.Configuration.TransformationConfigurations) == 0 {
			continue
		}
		point := out.Configuration.SupportingAccessPoint
		behind, err := client.Do(ctx, d.Client, s3control.GetAccessPoint, &s3control.GetAccessPointInput{AccountId: d.Account, Name: point[strings.LastIndexByte(point, '/')+1:]})
		if err != nil {
			continue
		}
		f := out.Configuration.TransformationConfigurations[0].ContentTransformation.AwsLambda
		if f == nil {
			continue
		}
		key, body := d.object(ctx, f.FunctionArn, "", "")
		d.drive(ctx, entry{name: "an object read through " + p.logical, targets: []target{{arn: f.FunctionArn}}, do: func(ctx context.Context) error {
			if err := d.put(ctx, aws.Value(behind.Bucket), key, body, ""); err != nil {
				return err
			}
			return d.get(ctx, aws.Value(of.Alias.Value), key)
		}})
	}
}

// get reads an object.
func (d *driver) get(ctx context.Context, bucket, key string) error {
	response, err := d.Client.HTTP(ctx, "s3", http.MethodGet, "/"+bucket+"/"+key, nil)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if response.StatusCode >= 300 {
		text, _ := io.ReadAll(io.LimitReader(response.Body, 1<<12))
		return fmt.Errorf("GetObject: %s %s", response.Status, text)
	}
	_, err = io.Copy(io.Discard, response.Body)
	return err
}

// deliveries puts a record into each delivery stream that tells an API of the
// application.
func (d *driver) deliveries(ctx context.Context) {
	for _, p := range d.all("AWS::KinesisFirehose::DeliveryStream") {
		out, err := client.Do(ctx, d.Client, firehose.DescribeDeliveryStream, &firehose.DescribeDeliveryStreamInput{DeliveryStreamName: p.id})
		if err != nil || len(out.DeliveryStreamDescription.Destinations) == 0 {
			continue
		}
		to := out.DeliveryStreamDescription.Destinations[0].HttpEndpointDestinationDescription
		if to == nil || !strings.Contains(aws.Value(to.EndpointConfiguration.Url), ".execute-api.") {
			continue
		}
		e := entry{name: "a record of delivery stream " + p.logical, wait: 70 * time.Second}
		for _, f := range d.all("AWS::Lambda::Function") {
			if source := d.source(ctx, f.id); !strings.Contains(source, "methodArn") { // it is no authorizer
				e.targets = append(e.targets, target{arn: "arn:aws:lambda:us-east-1:" + d.Account + ":function:" + f.id})
			}
		}
		source := out.DeliveryStreamDescription.Source
		e.do = func(ctx context.Context) error {
			if source != nil && source.KinesisStreamSourceDescription != nil {
				_, err := client.Do(ctx, d.Client, kinesis.PutRecord, &kinesis.PutRecordInput{StreamARN: source.KinesisStreamSourceDescription.KinesisStreamARN, Data: []byte(`{"id":"1"}`), PartitionKey: new("1")})
				return err
			}
			_, err := client.Do(ctx, d.Client, firehose.PutRecord, &firehose.PutRecordInput{DeliveryStreamName: p.id, Record: &firehose.Record{Data: []byte(`{"id":"1"}`)}})
			return err
		}
		d.drive(ctx, e)
	}
}

var condition = regexp.MustCompile(`\$\.([\w.]+)\s*(!?=)\s*"?([^"\s)}&|]+)"?`)

// line is one that a filter of a log group lets through. What its pattern finds in
// JSON is a record of CloudTrail, as it mostly is.
func line(pattern string) string {
	all := condition.FindAllStringSubmatch(pattern, -1)
	if !strings.HasPrefix(strings.TrimSpace(pattern), "{") || all == nil {
		return strings.Trim(strings.ReplaceAll(pattern, "?", ""), `"`) + " ERROR one line"
	}
	record := map[string]any{
		"eventVersion": "1.08", "eventTime": "2026-01-02T03:04:05Z", "eventSource": "lambda.amazonaws.com", "eventName": "Invoke", "awsRegion": "us-east-1", "sourceIPAddress": "192.0.2.1",
		"userIdentity":      map[string]any{"type": "IAMUser", "principalId": "AIDAEXAMPLE", "arn": "arn:aws:iam::123456789012:user/one", "accountId": "123456789012", "userName": "one"},
		"resources":         []any{map[string]any{"type": "AWS::Lambda::Function", "ARN": "arn:aws:lambda:us-east-1:123456789012:function:one", "accountId": "123456789012"}},
		"requestParameters": map[string]any{"functionName": "one"}, "responseElements": nil, "eventType": "AwsApiCall", "readOnly": false,
	}
	for _, m := range all {
		at := record
		path := strings.Split(m[1], ".")
		for _, name := range path[:len(path)-1] {
			inner, ok := at[name].(map[string]any)
			if !ok {
				inner = make(map[string]any)
				at[name] = inner
			}
			at = inner
		}
		value := strings.ReplaceAll(m[3], "*", "1")
		if m[2] == "!=" {
			value = "not " + value
		}
		at[path[len(path)-1]] = value
	}
	return cmp.Or(encoded(record), "{}")
}
