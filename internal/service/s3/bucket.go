package s3

import (
	"context"
	"errors"
	"net/netip"
	"regexp"
	"slices"
	"strings"
	"time"

	api "github.com/aloft-cloud/aloft/internal/api/s3"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/store"
)

// usEast1 is the region whose buckets have no location.
const usEast1 = "us-east-1"

var bucketName = regexp.MustCompile(`^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$`)

// checkBucketName refuses what no bucket may be called.
func checkBucketName(name string) error {
	_, notIP := netip.ParseAddr(name)
	reserved := strings.HasPrefix(name, "xn--") || strings.HasPrefix(name, "sthree-") || strings.HasPrefix(name, "amzn-s3-demo-") ||
		strings.HasSuffix(name, "-s3alias") || strings.HasSuffix(name, "--ol-s3") || strings.HasSuffix(name, "--x-s3") || strings.HasSuffix(name, ".mrap")
	if bucketName.MatchString(name) && !strings.Contains(name, "..") && notIP != nil && !reserved {
		return nil
	}
	return api.InvalidBucketName.With(&api.InvalidBucketNameDetail{BucketName: name}, "The specified bucket is not valid.")
}

// CreateBucket makes a bucket. Names are everybody's: there is one of each.
func (s *Service) CreateBucket(ctx context.Context, call *aws.Call, in *api.CreateBucketInput) (*api.CreateBucketOutput, error) {
	row, conf, err := newBucket(call, in)
	if err != nil {
		return nil, err
	}
	arn := bucketARN(in.Bucket)
	err = s.db.Update(ctx, func(tx *store.Tx) error {
		old, err := buckets.Get(tx, arn)
		switch {
		case err == nil:
			return errTaken(in.Bucket, old, row)
		case !errors.Is(err, store.ErrNotFound):
			return err
		}
		if err := buckets.Put(tx, arn, row); err != nil {
			return err
		}
		if err := owned.Put(tx, ownedKey{ownedBy(row.Owner), in.Bucket}, struct{}{}); err != nil {
			return err
		}
		s.changed(tx)
		return configs.Put(tx, arn, conf)
	})
	if err != nil {
		return nil, err
	}
	out := &api.CreateBucketOutput{Location: new("/" + in.Bucket), BucketArn: new(arn.String())}
	if row.Location != "" {
		out.Location = new("http://" + in.Bucket + ".s3.amazonaws.com/")
	}
	return out, nil
}

// errTaken refuses a name that is taken. In us-east-1 alone, as ever, one's own
// bucket may be made again, which changes nothing.
func errTaken(name string, old, row bucket) error {
	switch {
	case old.Owner != row.Owner:
		return api.BucketAlreadyExists.With(&api.BucketAlreadyExistsDetail{BucketName: name}, "The requested bucket name is not available."+
			" The bucket namespace is shared by all users of the system. Please select a different name and try again.")
	case old.Region == usEast1 && row.Region == usEast1:
		return nil
	}
	return api.BucketAlreadyOwnedByYou.With(&api.BucketAlreadyOwnedByYouDetail{BucketName: name},
		"Your previous request to create the named bucket succeeded and you already own it.")
}

// newBucket returns what in makes.
func newBucket(call *aws.Call, in *api.CreateBucketInput) (bucket, settings, error) {
	row := bucket{Owner: call.Account, Region: call.Region, Created: time.Now().UTC().Truncate(time.Second)}
	conf := settings{Ownership: api.ObjectOwnershipBucketOwnerEnforced, Access: blockAll()}
	if err := checkBucketName(in.Bucket); err != nil {
		return row, conf, err
	}
	if aws.Value(in.ObjectLockEnabledForBucket) {
		row.Locks, row.Versioning = true, api.BucketVersioningStatusEnabled
	}
	if in.ObjectOwnership != nil {
		if !isOwnership(*in.ObjectOwnership) {
			return row, conf, api.InvalidArgument.With(&api.InvalidArgumentDetail{ArgumentName: new("x-amz-object-ownership")},
				"Invalid x-amz-object-ownership header: "+*in.ObjectOwnership)
		}
		conf.Ownership = *in.ObjectOwnership
	}
	w, err := wishOf(in)
	if err == nil {
		err = conf.admits(w, row)
	}
	if errors.Is(err, api.AccessControlListNotSupported) {
		err = errListed()
	}
	if err != nil {
		return row, conf, err
	}
	if grants := w.list(row.Owner, row.Owner); len(grants) > 1 || w.canned == "" && len(w.grants) > 0 {
		conf.Grants = &grants
	}
	if c := in.CreateBucketConfiguration; c != nil {
		if c.Location != nil || c.Bucket != nil {
			return row, conf, errLacking("directory buckets")
		}
		conf.Tags = c.Tags
		if err := checkTags(c.Tags, maxBucketTags); err != nil {
			return row, conf, err
		}
		row.Region, row.Location, err = locate(call.Region, aws.Value(c.LocationConstraint))
	} else {
		row.Region, row.Location, err = locate(call.Region, "")
	}
	return row, conf, err
}

// regions are those that a location constraint may name.
var regions = []string{
	api.BucketLocationConstraintAfSouth1, api.BucketLocationConstraintApEast1, api.BucketLocationConstraintApNortheast1,
	api.BucketLocationConstraintApNortheast2, api.BucketLocationConstraintApNortheast3, api.BucketLocationConstraintApSouth1,
	api.BucketLocationConstraintApSouth2, api.BucketLocationConstraintApSoutheast1, api.BucketLocationConstraintApSoutheast2,
	api.BucketLocationConstraintApSoutheast3, api.BucketLocationConstraintApSoutheast4, api.BucketLocationConstraintCaCentral1,
	api.BucketLocationConstraintEuCentral1, api.BucketLocationConstraintEuCentral2, api.BucketLocationConstraintEuNorth1,
	api.BucketLocationConstraintEuSouth1, api.BucketLocationConstraintEuSouth2, api.BucketLocationConstraintEuWest1,
	api.BucketLocationConstraintEuWest2, api.BucketLocationConstraintEuWest3, api.BucketLocationConstraintIlCentral1,
	api.BucketLocationConstraintMeCentral1, api.BucketLocationConstraintMeSouth1, api.BucketLocationConstraintSaEast1,
	api.BucketLocationConstraintUsEast2, api.BucketLocationConstraintUsWest1, api.BucketLocationConstraintUsWest2,
}

// locate returns where a bucket goes that is asked for in region with a
// location constraint: us-east-1 makes buckets anywhere, the others at home.
func locate(region, constraint string) (where, location string, err error) {
	home := constraint == region || constraint == api.BucketLocationConstraintEu && region == api.BucketLocationConstraintEuWest1
	switch {
	case region == usEast1 && constraint == "":
		return region, "", nil
	case region == usEast1 && constraint == api.BucketLocationConstraintEu:
		return api.BucketLocationConstraintEuWest1, constraint, nil
	case region == usEast1 && slices.Contains(regions, constraint):
		return constraint, constraint, nil
	case region == usEast1:
		return "", "", api.InvalidLocationConstraint.With(&api.InvalidLocationConstraintDetail{LocationConstraint: constraint},
			"The specified location-constraint is not valid")
	case constraint != "" && home:
		return region, constraint, nil
	case constraint == "":
		constraint = "unspecified"
	}
	return "", "", api.IllegalLocationConstraintException.Errorf(
		"The %s location constraint is incompatible for the region specific endpoint this request was sent to.", constraint)
}

// DeleteBucket removes a bucket that has no objects, be they old versions.
func (s *Service) DeleteBucket(ctx context.Context, call *aws.Call, in *api.DeleteBucketInput) (*api.DeleteBucketOutput, error) {
	err := s.db.Update(ctx, func(tx *store.Tx) error {
		b, row, err := findBucket(tx, in.Bucket, in.ExpectedBucketOwner)
		if err != nil {
			return err
		}
		for range objects.Scan(tx, objectKey{Bucket: b}) {
			return errNotEmpty(in.Bucket, row)
		}
		for range pointsOf.Scan(tx, pointOf{Bucket: b}) {
			return api.InvalidBucketState.Errorf("The bucket you tried to delete has access points attached. Delete your access points before deleting your bucket.")
		}
		for k := range uploads.Scan(tx, uploadKey{Bucket: b}) {
			if err := s.dropParts(tx, b, k.ID); err != nil {
				return err
			}
		}
		s.changed(tx)
		return errors.Join(
			uploads.DeletePrefix(tx, uploadKey{Bucket: b}),
			metrics.rows.DeletePrefix(tx, configKey{Bucket: b}), inventories.rows.DeletePrefix(tx, configKey{Bucket: b}), reported.DeletePrefix(tx, configKey{Bucket: b}), analytics.rows.DeletePrefix(tx, configKey{Bucket: b}), tierings.rows.DeletePrefix(tx, configKey{Bucket: b}),
			policies.Delete(tx, b), replications.Delete(tx, b), loggings.Delete(tx, b), configs.Delete(tx, b), notifications.Delete(tx, b),
			owned.Delete(tx, ownedKey{ownedBy(row.Owner), in.Bucket}),
			buckets.Delete(tx, b))
	})
	if err != nil {
		return nil, err
	}
	return &api.DeleteBucketOutput{}, nil
}

func errNotEmpty(name string, row bucket) error {
	message := "The bucket you tried to delete is not empty"
	if row.versioned() {
		message += ". You must delete all versions in the bucket."
	}
	return api.BucketNotEmpty.With(&api.BucketNotEmptyDetail{BucketName: name}, message)
}

// HeadBucket says whether there is a bucket, and where.
func (s *Service) HeadBucket(ctx context.Context, call *aws.Call, in *api.HeadBucketInput) (*api.HeadBucketOutput, error) {
	out := &api.HeadBucketOutput{AccessPointAlias: new(false)}
	return out, s.db.View(ctx, func(tx *store.Tx) error {
		arn, row, err := findBucket(tx, in.Bucket, in.ExpectedBucketOwner)
		out.BucketArn, out.BucketRegion = new(arn.String()), &row.Region
		return err
	})
}

// GetBucketLocation says where a bucket is, in words that us-east-1 has none for.
func (s *Service) GetBucketLocation(ctx context.Context, call *aws.Call, in *api.GetBucketLocationInput) (*api.GetBucketLocationOutput, error) {
	out := new(api.GetBucketLocationOutput)
	return out, s.db.View(ctx, func(tx *store.Tx) error {
		_, row, err := findBucket(tx, in.Bucket, in.ExpectedBucketOwner)
		out.LocationConstraint = &row.Location
		return err
	})
}

// ListBuckets lists the buckets of the caller's account.
func (s *Service) ListBuckets(ctx context.Context, call *aws.Call, in *api.ListBucketsInput) (*api.ListBucketsOutput, error) {
	const usual = 10_000
	asked := in.Prefix != nil || in.BucketRegion != nil || in.MaxBuckets != nil || in.ContinuationToken != nil // for more than all names
	after := ""
	if in.ContinuationToken != nil {
		var err error
		if after, err = parseToken(*in.ContinuationToken); err != nil {
			return nil, err
		}
	}
	most := int(aws.Or(in.MaxBuckets, usual))
	if most < 1 || most > usual {
		return nil, errArgument("max-buckets", itoa(most), "Argument max-buckets must be an integer between 1 and 10000")
	}
	if r := in.BucketRegion; r != nil && *r != usEast1 && !slices.Contains(regions, *r) {
		return nil, api.InvalidArgument.With(&api.InvalidArgumentDetail{ArgumentName: new("bucket-region")}, "Argument value "+*r+" is not a valid AWS Region")
	}
	out := &api.ListBucketsOutput{Buckets: []api.Bucket{}, Owner: &api.Owner{ID: new(canonicalID(call.Account))}, Prefix: in.Prefix}
	account := ownedKey{Owner: ownedBy(call.Account)}
	err := s.db.View(ctx, func(tx *store.Tx) error {
		for k := range owned.ScanAfter(tx, account, ownedKey{account.Owner, after}) {
			if !strings.HasPrefix(k.Bucket, aws.Value(in.Prefix)) {
				continue
			}
			row, err := buckets.Get(tx, bucketARN(k.Bucket))
			if err != nil {
				return err
			}
			if in.BucketRegion != nil && row.Region != *in.BucketRegion {
				continue
			}
			if len(out.Buckets) == most {
				out.ContinuationToken = new(newToken(*out.Buckets[most-1].Name))
				return nil
			}
			entry := api.Bucket{Name: &k.Bucket, CreationDate: &row.Created, BucketArn: new(bucketARN(k.Bucket).String())}
			if asked {
				entry.BucketRegion = &row.Region
			}
			out.Buckets = append(out.Buckets, entry)
		}
		return nil
	})
	return out, err
}
