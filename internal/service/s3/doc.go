// Package s3 is S3: buckets of objects, with versions, checksums and uploads in
// parts.
//
// The idea that makes it work: content and rows are apart. An object's content
// goes to the store's bodies first, in constant memory and summed on its way;
// then one transaction checks what the caller asked for (does the bucket exist,
// has the object the ETag that was expected) and writes the row that makes the
// content an object. Rows never hold content, so a listing reads only rows.
//
// The latest version of a key, be it a delete marker, is in one table, which
// listings scan; those before it are in another. The parts of an upload are
// rows of their own, and when the upload is completed they stay what they are:
// the object refers to them.
//
// Keys are bytes. "a//b" and "../x" are names like others.
//
//	service.go    the table of operations     object.go     put, get, head
//	access.go     what a caller must be       version.go    how versions follow
//	              allowed to do                             one another
//	store.go      rows                        delete.go     delete, one and many
//	errors.go     refusals                    copy.go       copy objects and parts
//	bucket.go     buckets                     list.go       list objects and versions
//	config.go     settings of buckets         multipart.go  uploads in parts
//	policy.go     bucket policies             complete.go   and their completion
//	absent.go     settings there are none of  tagging.go    tags
//	content.go    content, in and out         condition.go  If-Match and the like
package s3
