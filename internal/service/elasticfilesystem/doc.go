// Package elasticfilesystem is EFS: file systems that functions have in common,
// and keep.
//
// A file system is a directory of the platform's own, which the sandbox mounts
// into the workers of the functions that name one of its access points. Their
// workers run as one user, so that what one of them makes is the others' too,
// whoever the access point says they are. A row comes before its directory, and
// goes before it: what has no row is removed, at the start too.
//
//	service.go     the table              filesystem.go  file systems
//	store.go       rows                   accesspoint.go access points
//	share.go       directories            mounttarget.go mount targets
//	setting.go     policies, life cycle   tag.go         tags
package elasticfilesystem
