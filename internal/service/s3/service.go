package s3

import (
	"crypto/cipher"
	"slices"
	"sync"
	"sync/atomic"

	api "github.com/aloft-cloud/aloft/internal/api/s3"
	"github.com/aloft-cloud/aloft/internal/auth"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/dispatch"
	"github.com/aloft-cloud/aloft/internal/event"
	"github.com/aloft-cloud/aloft/internal/service"
	"github.com/aloft-cloud/aloft/internal/store"
	"github.com/aloft-cloud/aloft/internal/store/master"
	"github.com/aloft-cloud/aloft/internal/task"
)

// Service is S3.
type Service struct {
	db      *store.DB
	blobs   *store.Blobs
	table   *dispatch.Table
	events  *event.Router
	deliver event.Deliverer

	sessions *dispatch.Sessions
	log      requestLog

	epoch atomic.Uint64 // counts changes of what auth asks for

	mint   Mint
	lenses waiting    // requests that wait for what functions make of objects
	runs   task.Group // of those functions

	buffers sync.Pool // of *[]byte, which content passes through

	master func() (cipher.AEAD, error) // wraps the keys of objects
}

// Config is what S3 stands on.
type Config struct {
	DB      *store.DB
	Table   *dispatch.Table // of the functions that buckets notify, and of KMS
	Key     string          // file of the key that wraps those of objects; empty in memory
	Events  *event.Router   // takes what buckets notify
	Deliver event.Deliverer // says whether it would arrive

	Sessions *dispatch.Sessions // of the roles that replicate
	Mint     Mint               // of keys that functions of Object Lambda read with
}

// A Mint makes temporary keys: auth.Mint does.
type Mint interface {
	NewSession(p aws.Principal) (auth.Credentials, error)
}

// New returns S3.
func New(cfg Config) *Service {
	s := &Service{db: cfg.DB, blobs: cfg.DB.Blobs(), table: cfg.Table, events: cfg.Events, deliver: cfg.Deliver, sessions: cfg.Sessions, mint: cfg.Mint}
	s.master = master.Later(cfg.Key)
	s.log.bell = task.NewBell()
	s.buffers.New = func() any { return new(make([]byte, 64<<10)) }
	return s
}

// changed says that tx changes what auth asks for.
func (s *Service) changed(tx *store.Tx) { tx.AfterCommit(func() { s.epoch.Add(1) }) }

// Definition implements the contract in package service.
func (s *Service) Definition() service.Definition {
	return service.Definition{
		API:        api.API,
		Also:       []string{lensService},
		Policy:     s.resourcePolicy,
		Owner:      s.owner,
		Opens:      s.opens,
		Epoch:      s.epoch.Load,
		Receive:    receive,
		Origin:     s.origin,
		Tasks:      s.tasks(),
		Form:       s.servePost,
		Hosts:      []service.Host{{Suffix: siteSuffix, Serve: s.serveSite}},
		Operations: s.operations(),
	}
}

func (s *Service) operations() []service.Operation {
	all := slices.Concat(s.bucketOperations(), s.keptOperations(), s.objectOperations())
	for i, op := range all {
		all[i] = s.logs(op)
	}
	all = append(all, service.OpEach(api.WriteGetObjectResponse, s.WriteGetObjectResponse, s.mayAnswer))
	return append(all, service.OpEach(replicateObject, s.replicateObject, mayHaveReplicated), service.OpEach(putReplica, s.putReplica, mayReplicate))
}

func (s *Service) bucketOperations() []service.Operation {
	return []service.Operation{
		service.OpEach(api.CreateBucket, s.CreateBucket, mayCreate),
		onBucket(api.DeleteBucket, s.DeleteBucket, "DeleteBucket"),
		s.throughPoint(onBucket(api.HeadBucket, s.HeadBucket, "ListBucket")),
		service.OpEach(api.ListBuckets, s.ListBuckets, mayListBuckets),
		s.throughPoint(onBucket(api.GetBucketLocation, s.GetBucketLocation, "GetBucketLocation")),
		onBucket(api.PutBucketVersioning, s.PutBucketVersioning, "PutBucketVersioning").But("MFA delete is refused."),
		onBucket(api.GetBucketVersioning, s.GetBucketVersioning, "GetBucketVersioning"),
		onBucket(api.PutBucketTagging, s.PutBucketTagging, "PutBucketTagging"),
		onBucket(api.GetBucketTagging, s.GetBucketTagging, "GetBucketTagging"),
		onBucket(api.DeleteBucketTagging, s.DeleteBucketTagging, "PutBucketTagging"),
		onBucket(api.PutBucketEncryption, s.PutBucketEncryption, "PutEncryptionConfiguration").But("Two layers (aws:kms:dsse) are refused."),
		onBucket(api.GetBucketEncryption, s.GetBucketEncryption, "GetEncryptionConfiguration"),
		onBucket(api.DeleteBucketEncryption, s.DeleteBucketEncryption, "PutEncryptionConfiguration"),
		onBucket(api.PutBucketOwnershipControls, s.PutBucketOwnershipControls, "PutBucketOwnershipControls"),
		onBucket(api.GetBucketOwnershipControls, s.GetBucketOwnershipControls, "GetBucketOwnershipControls"),
		onBucket(api.DeleteBucketOwnershipControls, s.DeleteBucketOwnershipControls, "PutBucketOwnershipControls"),
		onBucket(api.PutBucketPolicy, s.PutBucketPolicy, "PutBucketPolicy"),
		onBucket(api.GetBucketPolicy, s.GetBucketPolicy, "GetBucketPolicy"),
		onBucket(api.GetBucketPolicyStatus, s.GetBucketPolicyStatus, "GetBucketPolicyStatus"),
		onBucket(api.DeleteBucketPolicy, s.DeleteBucketPolicy, "DeleteBucketPolicy"),
		onBucket(api.PutPublicAccessBlock, s.PutPublicAccessBlock, "PutBucketPublicAccessBlock"),
		onBucket(api.GetPublicAccessBlock, s.GetPublicAccessBlock, "GetBucketPublicAccessBlock"),
		onBucket(api.DeletePublicAccessBlock, s.DeletePublicAccessBlock, "PutBucketPublicAccessBlock"),
		onBucket(api.PutBucketCors, s.PutBucketCors, "PutBucketCORS"),
		onBucket(api.GetBucketCors, s.GetBucketCors, "GetBucketCORS"),
		onBucket(api.DeleteBucketCors, s.DeleteBucketCors, "PutBucketCORS"),
		onBucket(api.PutBucketNotificationConfiguration, s.PutBucketNotificationConfiguration, "PutBucketNotification"),
		onBucket(api.GetBucketNotificationConfiguration, s.GetBucketNotificationConfiguration, "GetBucketNotification"),
		onBucket(api.PutBucketWebsite, s.PutBucketWebsite, "PutBucketWebsite"),
		onBucket(api.GetBucketWebsite, s.GetBucketWebsite, "GetBucketWebsite"),
		onBucket(api.DeleteBucketWebsite, s.DeleteBucketWebsite, "DeleteBucketWebsite"),
		onBucket(api.PutBucketLifecycleConfiguration, s.PutBucketLifecycleConfiguration, "PutLifecycleConfiguration"),
		onBucket(api.GetBucketLifecycleConfiguration, s.GetBucketLifecycleConfiguration, "GetLifecycleConfiguration"),
		onBucket(api.DeleteBucketLifecycle, s.DeleteBucketLifecycle, "PutLifecycleConfiguration"),

		onBucket(api.PutBucketAcl, s.PutBucketAcl, "PutBucketAcl"),
		onBucket(api.GetBucketAcl, s.GetBucketAcl, "GetBucketAcl"),
		onBucket(api.PutBucketLogging, s.PutBucketLogging, "PutBucketLogging").But("Target grants are kept and shown."),
		onBucket(api.GetBucketLogging, s.GetBucketLogging, "GetBucketLogging"),
		service.OpEach(api.PutBucketReplication, s.PutBucketReplication, mayReplicateBy).But("Objects that are there already, and later changes of tags, lists and locks, are not replicated. Metrics and time control are kept and shown."),
		onBucket(api.GetBucketReplication, s.GetBucketReplication, "GetReplicationConfiguration"),
		onBucket(api.DeleteBucketReplication, s.DeleteBucketReplication, "PutReplicationConfiguration"),
		onBucket(api.PutBucketRequestPayment, s.PutBucketRequestPayment, "PutBucketRequestPayment").But("That requesters pay is refused."),
		onBucket(api.GetBucketRequestPayment, s.GetBucketRequestPayment, "GetBucketRequestPayment"),
		onBucket(api.PutBucketAbac, s.PutBucketAbac, "PutBucketAbac").But("That tags say who may use a bucket is refused."),
		onBucket(api.GetBucketAbac, s.GetBucketAbac, "GetBucketAbac"),
		onBucket(api.PutBucketAccelerateConfiguration, s.PutBucketAccelerateConfiguration, "PutAccelerateConfiguration").But("Kept and shown: all hosts are as near."),
		onBucket(api.GetBucketAccelerateConfiguration, s.GetBucketAccelerateConfiguration, "GetAccelerateConfiguration"),
		onBucket(api.PutObjectLockConfiguration, s.PutObjectLockConfiguration, "PutBucketObjectLockConfiguration").But(noHolds),
		onBucket(api.GetObjectLockConfiguration, s.GetObjectLockConfiguration, "GetBucketObjectLockConfiguration"),
	}
}

func (s *Service) keptOperations() []service.Operation {
	return []service.Operation{
		onBucket(api.PutBucketMetricsConfiguration, s.PutBucketMetricsConfiguration, "PutMetricsConfiguration").But("Kept and shown; CloudWatch hears nothing."),
		onBucket(api.GetBucketMetricsConfiguration, s.GetBucketMetricsConfiguration, "GetMetricsConfiguration"),
		onBucket(api.DeleteBucketMetricsConfiguration, s.DeleteBucketMetricsConfiguration, "PutMetricsConfiguration"),
		onBucket(api.ListBucketMetricsConfigurations, s.ListBucketMetricsConfigurations, "GetMetricsConfiguration"),
		onBucket(api.PutBucketInventoryConfiguration, s.PutBucketInventoryConfiguration, "PutInventoryConfiguration").But("ORC and Parquet, and the fields of tiers, bucket keys and lists, are refused."),
		onBucket(api.GetBucketInventoryConfiguration, s.GetBucketInventoryConfiguration, "GetInventoryConfiguration"),
		onBucket(api.DeleteBucketInventoryConfiguration, s.DeleteBucketInventoryConfiguration, "PutInventoryConfiguration"),
		onBucket(api.ListBucketInventoryConfigurations, s.ListBucketInventoryConfigurations, "GetInventoryConfiguration"),
		onBucket(api.PutBucketAnalyticsConfiguration, s.PutBucketAnalyticsConfiguration, "PutAnalyticsConfiguration").But("Kept and shown; exports are refused."),
		onBucket(api.GetBucketAnalyticsConfiguration, s.GetBucketAnalyticsConfiguration, "GetAnalyticsConfiguration"),
		onBucket(api.DeleteBucketAnalyticsConfiguration, s.DeleteBucketAnalyticsConfiguration, "PutAnalyticsConfiguration"),
		onBucket(api.ListBucketAnalyticsConfigurations, s.ListBucketAnalyticsConfigurations, "GetAnalyticsConfiguration"),
		onBucket(api.PutBucketIntelligentTieringConfiguration, s.PutBucketIntelligentTieringConfiguration, "PutIntelligentTieringConfiguration").But("Kept and shown; objects stay where they can be read at once."),
		onBucket(api.GetBucketIntelligentTieringConfiguration, s.GetBucketIntelligentTieringConfiguration, "GetIntelligentTieringConfiguration"),
		onBucket(api.DeleteBucketIntelligentTieringConfiguration, s.DeleteBucketIntelligentTieringConfiguration, "PutIntelligentTieringConfiguration"),
		onBucket(api.ListBucketIntelligentTieringConfigurations, s.ListBucketIntelligentTieringConfigurations, "GetIntelligentTieringConfiguration"),
	}
}

const noHolds = "Event holds are refused."

func (s *Service) objectOperations() []service.Operation {
	const kept = "Content is encrypted where the request or the bucket asks for it; where neither does, AES256 is left to the disk."
	operations := []service.Operation{
		service.OpEach(api.PutObject, s.PutObject, mayPut).But(kept),
		service.OpEach(postObject, s.postObject, mayPut),
		onVersion(api.GetObject, s.GetObject, "GetObject", "GetObjectVersion"),
		onObject(api.SelectObjectContent, s.SelectObjectContent, "GetObject").But("Parquet is refused."),
		onVersion(api.HeadObject, s.HeadObject, "GetObject", "GetObjectVersion"),
		onVersion(api.GetObjectAttributes, s.GetObjectAttributes, "GetObjectAttributes", "GetObjectVersionAttributes"),
		onVersion(api.GetObjectAcl, s.GetObjectAcl, "GetObjectAcl", "GetObjectVersionAcl"),
		onVersion(api.PutObjectAcl, s.PutObjectAcl, "PutObjectAcl", "PutObjectVersionAcl"),
		service.OpEach(api.CopyObject, s.CopyObject, mayCopy).But(kept),
		service.OpEach(api.DeleteObject, s.DeleteObject, mayDelete),
		service.OpSome(api.DeleteObjects, s.DeleteObjects, mayDeleteEach),
		service.OpEach(api.PutObjectRetention, s.PutObjectRetention, mayRetain).But(noHolds),
		onObject(api.GetObjectRetention, s.GetObjectRetention, "GetObjectRetention"),
		onObject(api.PutObjectLegalHold, s.PutObjectLegalHold, "PutObjectLegalHold"),
		onObject(api.GetObjectLegalHold, s.GetObjectLegalHold, "GetObjectLegalHold"),
		service.OpEach(api.ListObjects, s.ListObjects, mayList),
		service.OpEach(api.ListObjectsV2, s.ListObjectsV2, mayListV2),
		service.OpEach(api.ListObjectVersions, s.ListObjectVersions, mayListVersions),
		onVersion(api.RestoreObject, s.RestoreObject, "RestoreObject", "RestoreObject").But("Objects can be read at once, whatever the tier."),
		onVersion(api.PutObjectTagging, s.PutObjectTagging, "PutObjectTagging", "PutObjectVersionTagging"),
		onVersion(api.GetObjectTagging, s.GetObjectTagging, "GetObjectTagging", "GetObjectVersionTagging"),
		onVersion(api.DeleteObjectTagging, s.DeleteObjectTagging, "DeleteObjectTagging", "DeleteObjectVersionTagging"),
		service.OpEach(api.CreateMultipartUpload, s.CreateMultipartUpload, mayBegin).But(kept),
		onObject(api.UploadPart, s.UploadPart, "PutObject"),
		service.OpEach(api.UploadPartCopy, s.UploadPartCopy, mayCopyPart),
		onObject(api.CompleteMultipartUpload, s.CompleteMultipartUpload, "PutObject"),
		onObject(api.AbortMultipartUpload, s.AbortMultipartUpload, "AbortMultipartUpload"),
		onObject(api.ListParts, s.ListParts, "ListMultipartUploadParts"),
		service.OpEach(api.ListMultipartUploads, s.ListMultipartUploads, mayListUploads),
	}
	for i, op := range operations {
		operations[i] = s.throughPoint(op)
	}
	return operations
}
