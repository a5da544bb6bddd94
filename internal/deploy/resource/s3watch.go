package resource

import (
	"cmp"

	"github.com/aloft-cloud/aloft/internal/api/s3"
	"github.com/aloft-cloud/aloft/internal/smithy"
)

// watchSettings say who watches what is in a bucket, and where it goes besides.
func watchSettings() []bucketSetting {
	return []bucketSetting{
		{"AccelerateConfiguration", func(op *Op, bucket string, v any) error {
			status := cmp.Or(text(object(v)["AccelerationStatus"]), "Suspended")
			_, err := Do(op, s3.PutBucketAccelerateConfiguration, &s3.PutBucketAccelerateConfigurationInput{
				Bucket: bucket, AccelerateConfiguration: &s3.AccelerateConfiguration{Status: &status},
			})
			return err
		}},
		{"LoggingConfiguration", func(op *Op, bucket string, v any) error {
			status := &s3.BucketLoggingStatus{}
			in := &s3.PutBucketLoggingInput{Bucket: bucket, BucketLoggingStatus: status}
			if v == nil {
				_, err := Do(op, s3.PutBucketLogging, in)
				return err
			}
			status.LoggingEnabled = &s3.LoggingEnabled{TargetBucket: bucket}
			return put(op, s3.PutBucketLogging, in, status.LoggingEnabled, renamed(v, map[string]string{"DestinationBucketName": "TargetBucket", "LogFilePrefix": "TargetPrefix"}))
		}},
		{"ReplicationConfiguration", func(op *Op, bucket string, v any) error {
			if v == nil {
				_, err := Do(op, s3.DeleteBucketReplication, &s3.DeleteBucketReplicationInput{Bucket: bucket})
				return err
			}
			in := &s3.PutBucketReplicationInput{Bucket: bucket, ReplicationConfiguration: &s3.ReplicationConfiguration{}}
			return put(op, s3.PutBucketReplication, in, in.ReplicationConfiguration, renamed(v, map[string]string{"TagFilter": "Tag", "TagFilters": "Tags"}))
		}},
		eachConfiguration("MetricsConfigurations", filtered, s3.PutBucketMetricsConfiguration, s3.DeleteBucketMetricsConfiguration),
		eachConfiguration("AnalyticsConfigurations", analysis, s3.PutBucketAnalyticsConfiguration, s3.DeleteBucketAnalyticsConfiguration),
		eachConfiguration("IntelligentTieringConfigurations", filtered, s3.PutBucketIntelligentTieringConfiguration, s3.DeleteBucketIntelligentTieringConfiguration),
		eachConfiguration("InventoryConfigurations", inventory, s3.PutBucketInventoryConfiguration, s3.DeleteBucketInventoryConfiguration),
	}
}

// eachConfiguration is a property that is a list of configurations, which are
// put one by one, and removed if they are in the list no more. form is one as
// the operation, whose member of that name it is, wants it.
func eachConfiguration[In, Out, Gone, Went any](property string, form func(c map[string]any) map[string]any, putOne smithy.Operation[In, Out], remove smithy.Operation[Gone, Went]) bucketSetting {
	member := property[:len(property)-1]
	return bucketSetting{property, func(op *Op, bucket string, v any) error {
		kept := make(map[string]bool)
		for _, element := range list(v) {
			c := object(element)
			kept[text(c["Id"])] = true
			in := new(In)
			if err := Bind(op, map[string]any{"Bucket": bucket, "Id": c["Id"], member: form(c)}, in); err != nil {
				return err
			}
			if _, err := Do(op, putOne, in); err != nil {
				return err
			}
		}
		for _, element := range list(op.Old[property]) {
			id := object(element)["Id"]
			if kept[text(id)] {
				continue
			}
			in := new(Gone)
			if err := Bind(op, map[string]any{"Bucket": bucket, "Id": id}, in); err != nil {
				return err
			}
			if _, err := Do(op, remove, in); ignoreGone(err) != nil {
				return err
			}
		}
		return nil
	}}
}

// filtered is c with what it is about as a filter.
func filtered(c map[string]any) map[string]any {
	out, about := make(map[string]any), make(map[string]any)
	for key, v := range c {
		switch key {
		case "Prefix", "AccessPointArn":
			about[key] = v
		case "TagFilters":
			about["Tags"] = v
		default:
			out[key] = v
		}
	}
	tags := list(about["Tags"])
	switch {
	case len(about) == 0:
	case len(about) > 1, len(tags) > 1:
		out["Filter"] = map[string]any{"And": about}
	case len(tags) == 1:
		out["Filter"] = map[string]any{"Tag": tags[0]}
	default:
		out["Filter"] = about
	}
	return out
}

// analysis is an analysis of storage classes as S3 wants it.
func analysis(c map[string]any) map[string]any {
	out := filtered(c)
	if d := object(object(object(out["StorageClassAnalysis"])["DataExport"])["Destination"]); d != nil {
		to := map[string]any{"S3BucketDestination": renamed(d, map[string]string{"BucketArn": "Bucket"})}
		export := object(object(out["StorageClassAnalysis"])["DataExport"])
		out["StorageClassAnalysis"] = map[string]any{"DataExport": map[string]any{"OutputSchemaVersion": export["OutputSchemaVersion"], "Destination": to}}
	}
	return out
}

// inventory is an inventory as S3 wants it.
func inventory(c map[string]any) map[string]any {
	out := pick(c, "Id", "IncludedObjectVersions", "OptionalFields")
	out["IsEnabled"] = c["Enabled"]
	out["Schedule"] = map[string]any{"Frequency": c["ScheduleFrequency"]}
	out["Destination"] = map[string]any{"S3BucketDestination": renamed(c["Destination"], map[string]string{"BucketArn": "Bucket", "BucketAccountId": "AccountId"})}
	if prefix, has := c["Prefix"]; has {
		out["Filter"] = map[string]any{"Prefix": prefix}
	}
	return out
}
