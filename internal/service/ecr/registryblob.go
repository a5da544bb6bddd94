package ecr

import (
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	api "github.com/aloft-cloud/aloft/internal/api/ecr"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/dispatch"
	"github.com/aloft-cloud/aloft/internal/sandbox/image"
)

const maxManifest = 4 << 20 // bytes

// manifest takes in, gives out and removes manifests.
func (v *visit) manifest() error {
	ctx, id := v.r.Context(), identify(v.rest)
	switch v.r.Method {
	case http.MethodGet, http.MethodHead:
		out, err := dispatch.Call(ctx, v.s.cfg.Table, v.call, api.BatchGetImage, &api.BatchGetImageInput{RepositoryName: v.repository, ImageIds: []api.ImageIdentifier{id}})
		if err != nil {
			return err
		}
		if len(out.Images) == 0 {
			return errNoImage(v.arn(), id)
		}
		i := out.Images[0]
		v.w.Header().Set("Content-Type", aws.Value(i.ImageManifestMediaType))
		v.w.Header().Set("Docker-Content-Digest", aws.Value(i.ImageId.ImageDigest))
		http.ServeContent(v.w, v.r, "", time.Time{}, strings.NewReader(aws.Value(i.ImageManifest)))
		return nil
	case http.MethodPut:
		return v.putManifest(id)
	case http.MethodDelete:
		out, err := dispatch.Call(ctx, v.s.cfg.Table, v.call, api.BatchDeleteImage, &api.BatchDeleteImageInput{RepositoryName: v.repository, ImageIds: []api.ImageIdentifier{id}})
		if err != nil {
			return err
		}
		if len(out.Failures) > 0 {
			return errNoImage(v.arn(), id)
		}
		v.w.WriteHeader(http.StatusAccepted)
		return nil
	}
	v.refuse(http.StatusMethodNotAllowed, unsupported, "the registry has no such operation")
	return nil
}

func (v *visit) putManifest(id api.ImageIdentifier) error {
	body, err := io.ReadAll(io.LimitReader(v.r.Body, maxManifest+1))
	if err != nil {
		return err
	}
	if len(body) == 0 || len(body) > maxManifest {
		return api.InvalidParameterException.Errorf("A manifest has at most %d bytes, and at least one.", maxManifest)
	}
	in := &api.PutImageInput{RepositoryName: v.repository, ImageManifest: string(body), ImageTag: id.ImageTag, ImageDigest: id.ImageDigest}
	if t, _, _ := strings.Cut(v.r.Header.Get("Content-Type"), ";"); t != "" {
		in.ImageManifestMediaType = &t
	}
	_, err = dispatch.Call(v.r.Context(), v.s.cfg.Table, v.call, api.PutImage, in)
	if err != nil && aws.Refusal(err).Code != api.ImageAlreadyExistsException.Code { // which here is no failure
		return err
	}
	digest := digestOf(body)
	v.created("/v2/"+v.repository+"/manifests/"+digest, digest)
	return nil
}

func (v *visit) created(location, digest string) {
	v.w.Header().Set("Location", location)
	v.w.Header().Set("Docker-Content-Digest", digest)
	v.w.Header().Set("Content-Length", "0")
	v.w.WriteHeader(http.StatusCreated)
}

// blob takes in and gives out layers.
func (v *visit) blob() error {
	id, isUpload := strings.CutPrefix(v.rest, "uploads")
	id = strings.TrimPrefix(id, "/")
	switch method := v.r.Method; {
	case isUpload && id == "" && method == http.MethodPost:
		return v.beginUpload()
	case isUpload && id != "" && (method == http.MethodPatch || method == http.MethodPut || method == http.MethodGet || method == http.MethodDelete):
		return v.upload(id)
	case !isUpload && (method == http.MethodGet || method == http.MethodHead):
		return v.download(v.rest)
	}
	v.refuse(http.StatusMethodNotAllowed, unsupported, "the registry has no such operation")
	return nil
}

func (v *visit) download(digest string) error {
	if !image.IsDigest(digest) {
		v.refuse(http.StatusBadRequest, digestInvalid, "the digest is not valid")
		return nil
	}
	_, err := dispatch.Call(v.r.Context(), v.s.cfg.Table, v.call, api.GetDownloadUrlForLayer, &api.GetDownloadUrlForLayerInput{RepositoryName: v.repository, LayerDigest: digest})
	if err != nil && aws.Refusal(err).Code == api.LayersNotFoundException.Code {
		v.refuse(http.StatusNotFound, blobUnknown, aws.Refusal(err).Message)
		return nil
	}
	if err != nil {
		return err
	}
	body, err := v.s.openLayer(v.r.Context(), v.arn(), digest)
	if err != nil {
		return err
	}
	defer body.Close()
	v.w.Header().Set("Content-Type", "application/octet-stream")
	v.w.Header().Set("Docker-Content-Digest", digest)
	http.ServeContent(v.w, v.r, "", time.Time{}, body)
	return nil
}

func (v *visit) beginUpload() error {
	out, err := dispatch.Call(v.r.Context(), v.s.cfg.Table, v.call, api.InitiateLayerUpload, &api.InitiateLayerUploadInput{RepositoryName: v.repository})
	if err != nil {
		return err
	}
	if digest := v.r.URL.Query().Get("digest"); digest != "" { // the whole layer in one request
		return v.upload(*out.UploadId)
	}
	v.accepted(http.StatusAccepted, *out.UploadId, 0)
	return nil
}

// accepted says how much of an upload has come.
func (v *visit) accepted(status int, id string, size int64) {
	v.w.Header().Set("Location", "/v2/"+v.repository+"/blobs/uploads/"+id)
	v.w.Header().Set("Docker-Upload-Uuid", id)
	v.w.Header().Set("Range", fmt.Sprintf("0-%d", max(0, size-1)))
	v.w.Header().Set("Content-Length", "0")
	v.w.WriteHeader(status)
}

// upload takes in some of a layer, or the rest of it. Who knows the name of the
// upload was permitted to begin it.
func (v *visit) upload(id string) error {
	u, err := v.s.uploading(v.arn(), id)
	if err != nil {
		return err
	}
	u.mu.Lock()
	size := u.size
	u.mu.Unlock()
	switch v.r.Method {
	case http.MethodGet:
		v.accepted(http.StatusNoContent, id, size)
		return nil
	case http.MethodDelete:
		v.s.drop(u)
		v.w.WriteHeader(http.StatusNoContent)
		return nil
	}
	if from, _, ok := strings.Cut(v.r.Header.Get("Content-Range"), "-"); ok && from != strconv.FormatInt(size, 10) {
		v.accepted(http.StatusRequestedRangeNotSatisfiable, id, size)
		return nil
	}
	if size, err = u.write(v.r.Body); err != nil {
		return err
	}
	if v.r.Method == http.MethodPatch {
		v.accepted(http.StatusAccepted, id, size)
		return nil
	}
	digest := v.r.URL.Query().Get("digest")
	if !image.IsDigest(digest) {
		v.refuse(http.StatusBadRequest, digestInvalid, "the digest is not valid")
		return nil
	}
	if err := v.s.finish(v.r.Context(), u, digest); err != nil {
		return err
	}
	v.created("/v2/"+v.repository+"/blobs/"+digest, digest)
	return nil
}
