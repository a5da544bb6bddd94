package s3

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"time"

	api "github.com/aloft-cloud/aloft/internal/api/s3"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/dispatch"
	"github.com/aloft-cloud/aloft/internal/event"
	"github.com/aloft-cloud/aloft/internal/service"
	"github.com/aloft-cloud/aloft/internal/service/s3/checksum"
	"github.com/aloft-cloud/aloft/internal/smithy"
	"github.com/aloft-cloud/aloft/internal/store"
)

// replicateObject answers deliveries of buckets to others; putReplica does what
// they ask for, as the role of the replication. AWS has no such operations.
var (
	replicateObject = smithy.Operation[replicateInput, replicateOutput]{Service: "s3", Name: "ReplicateObject"}
	putReplica      = smithy.Operation[replicateInput, replicateOutput]{Service: "s3", Name: "PutReplica"}
)

// A replicateInput says which version goes where.
type replicateInput struct {
	Bucket, Key, Version string
	Role                 string
	To                   *api.Destination

	marker, tagged bool // what it is, once that is known
}

type replicateOutput struct{}

// destination is the name of the bucket it goes to.
func (in *replicateInput) destination() string {
	return strings.TrimPrefix(in.To.Bucket, "arn:aws:s3:::")
}

// A replication is how far an object has come to other buckets.
type replication struct {
	Status string   `json:",omitempty"`
	Waits  []string `json:",omitempty"` // buckets that have not got it
}

func (r *replication) waitFor(bucket string) {
	r.Status, r.Waits = api.ReplicationStatusPending, append(r.Waits, bucket)
}

// receive answers deliveries to buckets.
func receive(d *event.Delivery) (operation string, in any, err error) {
	if d.Source.Service != "s3" {
		return "", nil, api.InvalidRequest.Errorf("A bucket takes deliveries of buckets alone.")
	}
	to := new(replicateInput)
	return replicateObject.Name, to, json.Unmarshal(d.Body, to)
}

// mayHaveReplicated lets buckets have objects replicated, and nobody else.
func mayHaveReplicated(call *aws.Call, in *replicateInput, _ check) error {
	if p := call.Principal; p.Kind == aws.Service && p.Source == bucketARN(in.Bucket) {
		return nil
	}
	return aws.AccessDenied.Errorf("Access Denied")
}

// mayReplicate lets a role replicate that may read there and write here.
func mayReplicate(call *aws.Call, in *replicateInput, check check) error {
	if call.Via != "s3" {
		return aws.AccessDenied.Errorf("Access Denied")
	}
	to := objectARN(in.destination(), in.Key)
	if in.marker {
		return check(service.Access{Action: "s3:ReplicateDelete", Resource: to})
	}
	actions := []service.Access{
		{Action: "s3:GetObjectVersionForReplication", Resource: objectARN(in.Bucket, in.Key)},
		{Action: "s3:ReplicateObject", Resource: to},
	}
	if in.tagged {
		actions = append(actions, service.Access{Action: "s3:ReplicateTags", Resource: to})
	}
	for _, a := range actions {
		if err := check(a); err != nil {
			return err
		}
	}
	return nil
}

// replicateObject implements the operation of that name: a refusal is noted in
// the object, any other failure is tried again.
func (s *Service) replicateObject(ctx context.Context, call *aws.Call, in *replicateInput) (*replicateOutput, error) {
	var o object
	found := false
	err := s.db.View(ctx, func(tx *store.Tx) (err error) {
		o, found, err = findVersion(tx, bucketARN(in.Bucket), in.Key, &in.Version)
		return err
	})
	if err != nil || !found { // it was removed since
		return &replicateOutput{}, err
	}
	in.marker, in.tagged = o.Marker, len(o.Tags) > 0
	session, err := s.sessions.Assume(ctx, call, in.Role)
	if err == nil {
		_, err = dispatch.Call(ctx, s.table, session.Call(call).Through("s3"), putReplica, in)
	}
	if _, refused := errors.AsType[*aws.Error](err); err != nil && !refused {
		return nil, err
	}
	return &replicateOutput{}, s.settle(ctx, in, err != nil)
}

// settle notes in an object that one of the buckets it goes to has got it, or
// will not.
func (s *Service) settle(ctx context.Context, in *replicateInput, failed bool) error {
	return s.db.Update(ctx, func(tx *store.Tx) error {
		b := bucketARN(in.Bucket)
		o, found, err := findVersion(tx, b, in.Key, &in.Version)
		if err != nil || !found {
			return err
		}
		r := &o.more().Replication
		r.Waits = slices.DeleteFunc(slices.Clone(r.Waits), func(to string) bool { return to == in.destination() })
		switch {
		case failed:
			r.Status = api.ReplicationStatusFailed
		case len(r.Waits) == 0 && r.Status == api.ReplicationStatusPending:
			r.Status = api.ReplicationStatusCompleted
		}
		return s.change(tx, b, in.Key, o)
	})
}

// putReplica implements the operation of that name.
func (s *Service) putReplica(ctx context.Context, call *aws.Call, in *replicateInput) (*replicateOutput, error) {
	if in.marker {
		return &replicateOutput{}, s.keepReplica(ctx, call, in, object{Marker: true, Modified: time.Now().UTC().Truncate(time.Second)}, nil)
	}
	src, err := s.openSource(ctx, call, copySource{in.Bucket, in.Key, &in.Version}, nil, nil, condition{}, func(size int64) (span, error) { return span{0, size}, nil })
	if err != nil {
		return nil, err
	}
	defer src.Close()
	var row bucket
	err = s.db.View(ctx, func(tx *store.Tx) (err error) {
		_, row, err = findBucket(tx, in.destination(), nil)
		return err
	})
	if err != nil {
		return nil, err
	}
	c := claim{sum: sum{Algorithm: checksum.CRC64NVME, Type: checksum.FullObject}}
	if c.key, err = s.keyFor(ctx, call, row, in.encryption(&src.object), in.destination(), in.Key); err != nil {
		return nil, err
	}
	r, err := s.receive(ctx, src, c)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	from := &src.object
	o := object{
		Modified: from.Modified, Size: from.Size, ETag: from.ETag, Sum: from.Sum,
		Headers: from.Headers, Metadata: from.Metadata, Tags: from.Tags, Class: from.Class,
	}
	if class := in.To.StorageClass; class != nil {
		if o.Class = *class; o.Class == api.StorageClassStandard {
			o.Class = ""
		}
	}
	o.setSeal(r.seal)
	if row.Locks {
		o.setLock(from.locked())
	}
	return &replicateOutput{}, s.keepReplica(ctx, call, in, o, r)
}

// encryption is how a replica of o is to be encrypted, as a request would say it.
func (in *replicateInput) encryption(o *object) *api.PutObjectInput {
	as := new(api.PutObjectInput)
	switch at := o.seal(); {
	case at != nil && at.KMSKey != "":
		as.ServerSideEncryption = new(api.ServerSideEncryptionAwsKms)
		as.SSEKMSKeyId = aws.Value(in.To.EncryptionConfiguration).ReplicaKmsKeyID
	case at != nil:
		as.ServerSideEncryption = new(api.ServerSideEncryptionAes256)
	}
	return as
}

// keepReplica makes o a version of the key in the bucket it goes to.
func (s *Service) keepReplica(ctx context.Context, call *aws.Call, in *replicateInput, o object, r *received) error {
	return s.db.Update(ctx, func(tx *store.Tx) error {
		b, row, err := findBucket(tx, in.destination(), nil)
		if err != nil {
			return err
		}
		if row.Versioning != api.BucketVersioningStatusEnabled {
			return api.InvalidRequest.Errorf("Destination bucket must have versioning enabled.")
		}
		o := o
		o.replica = true
		if r != nil {
			if in.To.AccessControlTranslation == nil {
				if err := o.place(tx, b, row, call); err != nil {
					return err
				}
			}
			o.more().Replication.Status = api.ReplicationStatusReplica
		}
		fresh, err := s.insertReplica(tx, b, row, in, o, r)
		if err != nil || !fresh {
			return err
		}
		d := deed{call: call, bucket: b.Resource, key: in.Key, event: "ObjectCreated:Put", reason: "PutObject"}
		if o.Marker {
			d.event, d.reason = "ObjectRemoved:DeleteMarkerCreated", "DeleteObject"
		}
		o.Version = in.Version
		return s.tell(tx, row, d, o)
	})
}

// insertReplica makes o, whose content is r, the version that it is in the
// bucket it comes from, unless that is there already. Where another version has
// its place, it gets one of its own.
func (s *Service) insertReplica(tx *store.Tx, b aws.ARN, row bucket, in *replicateInput, o object, r *received) (fresh bool, err error) {
	now, found, err := latest(tx, b, in.Key)
	if err != nil {
		return false, err
	}
	seq, named := parseVersionID(in.Version)
	if _, there, err := findVersion(tx, b, in.Key, &in.Version); err != nil || there {
		return false, err
	}
	taken := !named || found && now.Seq == seq
	if named && !taken {
		if taken, err = older.Has(tx, versionKey{b, in.Key, seq}); err != nil {
			return false, err
		}
	}
	if r != nil {
		if o.Body, err = r.Keep(tx); err != nil {
			return false, err
		}
	}
	if taken {
		_, err = s.putVersion(tx, b, row, in.Key, o)
		return true, err
	}
	o.Seq, o.Version = seq, in.Version
	if err := protect(tx, b, row, &o); err != nil {
		return false, err
	}
	if found && now.Seq > seq {
		return true, older.Put(tx, versionKey{b, in.Key, seq}, o)
	}
	if found {
		err = older.Put(tx, versionKey{b, in.Key, now.Seq}, now)
	}
	return true, errors.Join(err, objects.Put(tx, objectKey{b, in.Key}, o))
}
