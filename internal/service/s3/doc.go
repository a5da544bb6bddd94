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
// Content is encrypted where the request or the bucket asks for it, by a key of
// the caller's, of KMS, or of this installation. It costs about half of the
// throughput of large objects, so where nobody asks it is left to the disk.
//
// Keys are bytes. "a//b" and "../x" are names like others.
//
//	service.go      the table of operations     object.go   put, get, head
//	access.go       what a caller must be       version.go  how versions follow
//	                allowed to do                           one another
//	store.go        tables and keys             members.go  what many shapes have
//	errors.go       refusals                    delete.go   delete, one and many
//	bucket.go       buckets                     copy.go     copy objects and parts
//	config.go       settings of buckets         list.go     list objects and versions
//	policy.go       bucket policies             listing.go  keys in order, folded
//	acl.go          access control lists,       row.go      objects as rows
//	aclput.go       and their operations
//	cors.go         pages of other sites        multipart.go  uploads in parts
//	website.go      websites, and site.go       complete.go and their completion
//	                their visitors              archive.go  objects that went cold
//	notification.go who is told, and notify.go  tagging.go  tags
//	                of what                     content.go  content, in and out
//	lifecycle.go    when objects go, and        range.go    ranges
//	                sweep.go their going        condition.go  If-Match and the like
//	post.go         HTML forms, and             lock.go     what may not be removed, and
//	                postpolicy.go which are     lockconfig.go by which rule
//	                taken                       absent.go   settings there are none of,
//	                                            and kept.go   that are kept and no more
//	customer.go     keys of customers           seal.go     what encrypted content keeps
//	encryption.go   keys of KMS and ours,       sealed/     content in chunks, encrypted
//	                                            checksum/   its sums
//	control.go      access points, and          point.go    what comes by them
//	lens.go         those of Object Lambda,     see.go      what their functions are
//	lenscontrol.go  their operations            seen.go     told, and what they answer
//	replication.go  what goes to other buckets  replica.go  and what comes there
//	inventory.go    reports of buckets
//	logging.go      whose requests are logged   log.go      and the log
//	select.go       queries over an object:     query/      their SQL
//	                                            rows/       CSV and JSON, in and out
package s3
