package firehose

import (
	"context"
	"reflect"
	"strconv"
	"time"

	api "github.com/aloft-cloud/aloft/internal/api/firehose"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/store"
)

const destinationID = "destinationId-000000000001"

// setMembers sets the members of dst, a pointer to a struct, to those of src
// that have the same name and are set: what is configured, changed and
// described has three shapes in the API, which differ in what may be left out.
func setMembers(dst, src any) {
	to, from := reflect.ValueOf(dst).Elem(), reflect.ValueOf(src).Elem()
	for i := range from.NumField() {
		value := from.Field(i)
		member := to.FieldByName(from.Type().Field(i).Name)
		if !member.IsValid() || value.IsZero() {
			continue
		}
		if value.Kind() == reflect.Pointer && member.Kind() == value.Type().Elem().Kind() {
			value = value.Elem()
		}
		if member.Kind() == reflect.Pointer && member.Type().Elem() == value.Type() {
			p := reflect.New(value.Type())
			p.Elem().Set(value)
			value = p
		}
		if member.Type() == value.Type() {
			member.Set(value)
		}
	}
}

// extended is a configuration of S3 in the form that has all members.
func extended(in *api.S3DestinationConfiguration) *api.ExtendedS3DestinationConfiguration {
	out := new(api.ExtendedS3DestinationConfiguration)
	setMembers(out, in)
	return out
}

// setDestination sets where row leads.
func (row *stream) setDestination(in *api.CreateDeliveryStreamInput) error {
	for name, there := range map[string]bool{
		"Redshift": in.RedshiftDestinationConfiguration != nil, "Elasticsearch": in.ElasticsearchDestinationConfiguration != nil,
		"OpenSearch Service":    in.AmazonopensearchserviceDestinationConfiguration != nil,
		"OpenSearch Serverless": in.AmazonOpenSearchServerlessDestinationConfiguration != nil,
		"Splunk":                in.SplunkDestinationConfiguration != nil, "Snowflake": in.SnowflakeDestinationConfiguration != nil,
		"Iceberg": in.IcebergDestinationConfiguration != nil,
	} {
		if there {
			return errAbsent("destinations of " + name)
		}
	}
	count := 0
	if in.S3DestinationConfiguration != nil {
		count, row.S3, row.Plain = count+1, extended(in.S3DestinationConfiguration), true
	}
	if in.ExtendedS3DestinationConfiguration != nil {
		count, row.S3 = count+1, in.ExtendedS3DestinationConfiguration
	}
	if in.HttpEndpointDestinationConfiguration != nil {
		count, row.HTTP = count+1, in.HttpEndpointDestinationConfiguration
		row.S3 = extended(row.HTTP.S3Configuration)
	}
	if count != 1 {
		return invalid("Exactly one destination configuration is supported for a Firehose")
	}
	return nil
}

// rolesOf are the roles that a stream is to act as.
func rolesOf(in *api.CreateDeliveryStreamInput) (roles []string) {
	if c := in.KinesisStreamSourceConfiguration; c != nil {
		roles = append(roles, c.RoleARN)
	}
	if c := in.S3DestinationConfiguration; c != nil {
		roles = append(roles, c.RoleARN)
	}
	if c := in.ExtendedS3DestinationConfiguration; c != nil {
		roles = append(roles, c.RoleARN)
		if c.S3BackupConfiguration != nil {
			roles = append(roles, c.S3BackupConfiguration.RoleARN)
		}
	}
	if c := in.HttpEndpointDestinationConfiguration; c != nil {
		roles = append(roles, c.S3Configuration.RoleARN)
		if c.RoleARN != nil {
			roles = append(roles, *c.RoleARN)
		}
	}
	return roles
}

// rolesOfUpdate are the roles that a stream is to act as from now on.
func rolesOfUpdate(in *api.UpdateDestinationInput) (roles []string) {
	add := func(role *string) {
		if role != nil {
			roles = append(roles, *role)
		}
	}
	if u := in.S3DestinationUpdate; u != nil {
		add(u.RoleARN)
	}
	if u := in.ExtendedS3DestinationUpdate; u != nil {
		add(u.RoleARN)
		if u.S3BackupUpdate != nil {
			add(u.S3BackupUpdate.RoleARN)
		}
	}
	if u := in.HttpEndpointDestinationUpdate; u != nil {
		add(u.RoleARN)
		if u.S3Update != nil {
			add(u.S3Update.RoleARN)
		}
	}
	return roles
}

// describe returns the destination of a stream, as AWS describes it: with what
// it does where nothing was said.
func (row *stream) describe() api.DestinationDescription {
	out := api.DestinationDescription{DestinationId: destinationID}
	plain := describeS3(row.S3)
	if row.HTTP != nil {
		h := &api.HttpEndpointDestinationDescription{S3DestinationDescription: plain, EndpointConfiguration: new(api.HttpEndpointDescription)}
		setMembers(h, row.HTTP)
		setMembers(h.EndpointConfiguration, row.HTTP.EndpointConfiguration)
		out.HttpEndpointDestinationDescription = h
		return out
	}
	out.S3DestinationDescription = plain
	if row.Plain {
		return out
	}
	e := &api.ExtendedS3DestinationDescription{S3BackupMode: new(api.S3BackupModeDisabled)}
	setMembers(e, row.S3)
	setMembers(e, plain)
	if row.S3.S3BackupConfiguration != nil {
		e.S3BackupDescription = describeS3(extended(row.S3.S3BackupConfiguration))
	}
	out.ExtendedS3DestinationDescription = e
	return out
}

func describeS3(c *api.ExtendedS3DestinationConfiguration) *api.S3DestinationDescription {
	hints := hintsOf(c)
	out := &api.S3DestinationDescription{
		CompressionFormat:        api.CompressionFormatUncompressed,
		EncryptionConfiguration:  &api.EncryptionConfiguration{NoEncryptionConfig: new(api.NoEncryptionConfigNoEncryption)},
		CloudWatchLoggingOptions: &api.CloudWatchLoggingOptions{Enabled: new(false)},
	}
	setMembers(out, c)
	out.BufferingHints = &api.BufferingHints{SizeInMBs: new(int32(hints.bytes >> 20)), IntervalInSeconds: new(int32(hints.age / time.Second))}
	return out
}

// UpdateDestination changes where a stream leads, or how.
func (s *Service) UpdateDestination(ctx context.Context, call *aws.Call, in *api.UpdateDestinationInput) (*api.UpdateDestinationOutput, error) {
	for _, role := range rolesOfUpdate(in) {
		if err := s.checkRole(ctx, streamARN(call, in.DeliveryStreamName), role); err != nil {
			return nil, err
		}
	}
	err := s.change(ctx, call, in.DeliveryStreamName, func(tx *store.Tx, arn aws.ARN, row *stream) error {
		if version := strconv.Itoa(row.Version); version != in.CurrentDeliveryStreamVersionId {
			return api.ConcurrentModificationException.Errorf("Cannot update firehose: %s since the current version id: %s and specified version id: %s do not match", in.DeliveryStreamName, version, in.CurrentDeliveryStreamVersionId)
		}
		if in.DestinationId != destinationID {
			return invalid("Destination Id %s not found", in.DestinationId)
		}
		if err := row.update(in); err != nil {
			return err
		}
		row.Version++
		row.Updated = time.Now()
		tx.AfterCommit(func() { s.retune(arn, row) })
		return row.check()
	})
	return &api.UpdateDestinationOutput{}, err
}

// update changes the destination of a stream, which stays of its kind.
func (row *stream) update(in *api.UpdateDestinationInput) error {
	s3 := aws.Value(row.S3)
	row.S3 = &s3
	switch {
	case in.ExtendedS3DestinationUpdate != nil && row.HTTP == nil:
		u := in.ExtendedS3DestinationUpdate
		setMembers(row.S3, u)
		row.Plain = false
		if u.S3BackupUpdate != nil {
			backup := aws.Value(s3.S3BackupConfiguration)
			setMembers(&backup, u.S3BackupUpdate)
			row.S3.S3BackupConfiguration = &backup
		}
	case in.S3DestinationUpdate != nil && row.HTTP == nil:
		setMembers(row.S3, in.S3DestinationUpdate)
	case in.HttpEndpointDestinationUpdate != nil && row.HTTP != nil:
		u := in.HttpEndpointDestinationUpdate
		h := aws.Value(row.HTTP)
		setMembers(&h, u)
		row.HTTP = &h
		if u.EndpointConfiguration != nil {
			row.Access = nil // it has another, or none
		}
		if u.S3Update != nil {
			setMembers(row.S3, u.S3Update)
		}
	default:
		return invalid("Exactly one destination update must be provided, of the type that the destination has")
	}
	return nil
}
