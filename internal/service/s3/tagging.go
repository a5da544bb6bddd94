package s3

import (
	"context"
	"errors"
	"net/url"
	"strings"
	"unicode/utf8"

	api "github.com/aloft-cloud/aloft/internal/api/s3"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/store"
)

const (
	maxTags       = 10 // of an object
	maxBucketTags = 50
)

// PutObjectTagging sets the tags of an object.
func (s *Service) PutObjectTagging(ctx context.Context, call *aws.Call, in *api.PutObjectTaggingInput) (*api.PutObjectTaggingOutput, error) {
	if in.Tagging == nil {
		return nil, errMalformed()
	}
	if err := checkTags(in.Tagging.TagSet, maxTags); err != nil {
		return nil, err
	}
	version, err := s.tagObject(ctx, deed{call: call, bucket: in.Bucket, key: in.Key, event: "ObjectTagging:Put"}, in.VersionId, in.ExpectedBucketOwner, in.Tagging.TagSet)
	if err != nil {
		return nil, err
	}
	return &api.PutObjectTaggingOutput{VersionId: version}, nil
}

// DeleteObjectTagging removes the tags of an object.
func (s *Service) DeleteObjectTagging(ctx context.Context, call *aws.Call, in *api.DeleteObjectTaggingInput) (*api.DeleteObjectTaggingOutput, error) {
	version, err := s.tagObject(ctx, deed{call: call, bucket: in.Bucket, key: in.Key, event: "ObjectTagging:Delete"}, in.VersionId, in.ExpectedBucketOwner, nil)
	if err != nil {
		return nil, err
	}
	return &api.DeleteObjectTaggingOutput{VersionId: version}, nil
}

func (s *Service) tagObject(ctx context.Context, d deed, version, expectedOwner *string, tags []api.Tag) (*string, error) {
	var named *string
	err := s.db.Update(ctx, func(tx *store.Tx) error {
		b, row, err := findBucket(tx, d.bucket, expectedOwner)
		if err != nil {
			return err
		}
		o, err := findObject(tx, b, row, d.key, version, "PUT")
		if err != nil {
			return err
		}
		if err := s.tell(tx, row, d, o); err != nil {
			return err
		}
		if named = o.versionID(); named == nil {
			o.Version = nullVersion
		}
		o.Tags = tags
		return s.change(tx, b, d.key, o)
	})
	return named, err
}

// GetObjectTagging returns the tags of an object.
func (s *Service) GetObjectTagging(ctx context.Context, call *aws.Call, in *api.GetObjectTaggingInput) (*api.GetObjectTaggingOutput, error) {
	out := new(api.GetObjectTaggingOutput)
	err := s.db.View(ctx, func(tx *store.Tx) error {
		b, row, err := findBucket(tx, in.Bucket, in.ExpectedBucketOwner)
		if err != nil {
			return err
		}
		o, err := findObject(tx, b, row, in.Key, in.VersionId, "GET")
		out.TagSet, out.VersionId = o.Tags, o.versionID()
		return err
	})
	if out.TagSet == nil {
		out.TagSet = []api.Tag{}
	}
	return out, err
}

// checkTags refuses tags that S3 does not take.
func checkTags(tags []api.Tag, most int) error {
	if len(tags) > most {
		if most == maxTags {
			return aws.Fault{Code: "BadRequest", Status: 400}.Errorf("Object tags cannot be greater than 10")
		}
		return aws.Fault{Code: "BadRequest", Status: 400}.Errorf("Bucket tag count cannot be greater than 50")
	}
	seen := make(map[string]bool)
	for _, t := range tags {
		switch {
		case seen[t.Key]:
			return errTag(t.Key, "Cannot provide multiple Tags with the same key")
		case strings.HasPrefix(t.Key, "aws:"):
			return errTag(t.Key, "System tags cannot be added/updated by requester")
		case t.Key == "" || utf8.RuneCountInString(t.Key) > 128:
			return errTag(t.Key, "The TagKey you have provided is invalid")
		case utf8.RuneCountInString(t.Value) > 256:
			return errTag(t.Key, "The TagValue you have provided is invalid")
		}
		seen[t.Key] = true
	}
	return nil
}

func errTag(key, message string) error {
	return api.InvalidTag.With(&api.InvalidTagDetail{TagKey: key}, message)
}

// parseTagging reads tags as the header x-amz-tagging has them: as a query.
func parseTagging(header string) ([]api.Tag, error) {
	if header == "" {
		return nil, nil
	}
	var tags []api.Tag
	for pair := range strings.SplitSeq(header, "&") {
		k, v, _ := strings.Cut(pair, "=")
		key, err1 := url.QueryUnescape(k)
		value, err2 := url.QueryUnescape(v)
		if errors.Join(err1, err2) != nil || key == "" {
			return nil, errArgument("x-amz-tagging", header, "The header 'x-amz-tagging' shall be encoded as UTF-8 then URLEncoded URL query parameters without tag name duplicates.")
		}
		tags = append(tags, api.Tag{Key: key, Value: value})
	}
	return tags, checkTags(tags, maxTags)
}
