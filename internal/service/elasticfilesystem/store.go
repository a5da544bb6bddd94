package elasticfilesystem

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"strings"

	api "github.com/aloft-cloud/aloft/internal/api/elasticfilesystem"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/store"
)

var (
	fileSystems  = store.NewTable[aws.ARN, fileSystem]("elasticfilesystem.filesystem")
	accessPoints = store.NewTable[aws.ARN, api.AccessPointDescription]("elasticfilesystem.accesspoint")
	mountTargets = store.NewTable[aws.ARN, mountTarget]("elasticfilesystem.mounttarget")
)

// A fileSystem is one, and what was set of it.
type fileSystem struct {
	Is        api.FileSystemDescription
	Lifecycle []api.LifecyclePolicy
	Backup    string // status
	Policy    string // "" is none
}

// A mountTarget is one; its group is kept as it was given.
type mountTarget struct {
	Is             api.MountTargetDescription
	SecurityGroups []string
}

func newID(kind string) string {
	var b [9]byte
	rand.Read(b[:])
	return kind + "-" + hex.EncodeToString(b[:])[:17]
}

// arnOf names a resource that is given by its id, or by its ARN. One of another
// account, or region, is none of the caller's: there is none of that id.
func arnOf(call *aws.Call, kind, given string) aws.ARN {
	if arn, err := aws.ParseARN(given); err == nil && arn.Account == call.Account && arn.Region == call.Region {
		return arn
	}
	return call.ARN("elasticfilesystem", kind+"/"+given)
}

func fileSystemARN(call *aws.Call, given string) aws.ARN { return arnOf(call, "file-system", given) }

func accessPointARN(call *aws.Call, given string) aws.ARN { return arnOf(call, "access-point", given) }

func mountTargetARN(call *aws.Call, given string) aws.ARN { return arnOf(call, "mount-target", given) }

func idOf(arn aws.ARN) string { return arn.Resource[strings.LastIndexByte(arn.Resource, '/')+1:] }

func findFileSystem(tx *store.Tx, arn aws.ARN) (fileSystem, error) {
	fs, err := fileSystems.Get(tx, arn)
	if errors.Is(err, store.ErrNotFound) {
		f := api.FileSystemNotFound
		return fs, f.With(&api.FileSystemNotFoundDetail{ErrorCode: f.Code}, "File system '"+idOf(arn)+"' does not exist.")
	}
	return fs, err
}

func findAccessPoint(tx *store.Tx, arn aws.ARN) (api.AccessPointDescription, error) {
	ap, err := accessPoints.Get(tx, arn)
	if errors.Is(err, store.ErrNotFound) {
		f := api.AccessPointNotFound
		return ap, f.With(&api.AccessPointNotFoundDetail{ErrorCode: f.Code}, "Access point '"+idOf(arn)+"' does not exist.")
	}
	return ap, err
}

func findMountTarget(tx *store.Tx, arn aws.ARN) (mountTarget, error) {
	mt, err := mountTargets.Get(tx, arn)
	if errors.Is(err, store.ErrNotFound) {
		f := api.MountTargetNotFound
		return mt, f.With(&api.MountTargetNotFoundDetail{ErrorCode: f.Code}, "Mount target '"+idOf(arn)+"' does not exist.")
	}
	return mt, err
}

// badRequest refuses an input.
func badRequest(why string) error {
	f := api.BadRequest
	return f.With(&api.BadRequestDetail{ErrorCode: f.Code}, why)
}

// targetsOf returns the mount targets of a file system.
func targetsOf(tx *store.Tx, fs aws.ARN) (list []mountTarget) {
	for _, mt := range mountTargets.Scan(tx, aws.ARN{Service: fs.Service, Region: fs.Region, Account: fs.Account}) {
		if mt.Is.FileSystemId == idOf(fs) {
			list = append(list, mt)
		}
	}
	return list
}
