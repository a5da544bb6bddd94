package ecr

import (
	"encoding/json"
	"net/http"
	"regexp"
	"strconv"
	"strings"

	api "github.com/aloft-cloud/aloft/internal/api/ecr"
	"github.com/aloft-cloud/aloft/internal/auth"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/dispatch"
)

// A path is one of the registry's protocol, of a repository.
var pathForm = regexp.MustCompile(`^/v2/([a-z0-9]+(?:[._/-]+[a-z0-9]+)*)/(blobs|manifests|tags)/(uploads/?[^/]*|[^/]+)$`)

// isRegistry reports whether r speaks the registry's protocol.
func isRegistry(r *http.Request) bool {
	return r.URL.Path == "/v2/" && !strings.HasPrefix(r.Header.Get("Authorization"), "AWS4") || r.URL.Path == "/v2" || pathForm.MatchString(r.URL.Path)
}

func regionOfHost(host string) string {
	_, rest, _ := strings.Cut(host, ".ecr.")
	region, _, _ := strings.Cut(rest, ".")
	return region
}

// Codes of the protocol.
const (
	unauthorized    = "UNAUTHORIZED"
	denied          = "DENIED"
	nameUnknown     = "NAME_UNKNOWN"
	manifestUnknown = "MANIFEST_UNKNOWN"
	blobUnknown     = "BLOB_UNKNOWN"
	blobMissing     = "MANIFEST_BLOB_UNKNOWN"
	uploadUnknown   = "BLOB_UPLOAD_UNKNOWN"
	uploadInvalid   = "BLOB_UPLOAD_INVALID"
	digestInvalid   = "DIGEST_INVALID"
	manifestInvalid = "MANIFEST_INVALID"
	tagInvalid      = "TAG_INVALID"
	unsupported     = "UNSUPPORTED"
	unknown         = "UNKNOWN"
)

// refusals say how faults of ECR are told in the protocol.
var refusals = []struct {
	fault  aws.Fault
	code   string
	status int
}{
	{api.RepositoryNotFoundException, nameUnknown, http.StatusNotFound},
	{api.ImageNotFoundException, manifestUnknown, http.StatusNotFound},
	{api.UploadNotFoundException, uploadUnknown, http.StatusNotFound},
	{api.InvalidLayerException, digestInvalid, http.StatusBadRequest},
	{api.InvalidParameterException, manifestInvalid, http.StatusBadRequest},
	{api.ImageDigestDoesNotMatchException, digestInvalid, http.StatusBadRequest},
	{api.ImageTagAlreadyExistsException, tagInvalid, http.StatusBadRequest},
	{api.LayersNotFoundException, blobMissing, http.StatusNotFound},
	{api.ReferencedImagesNotFoundException, blobMissing, http.StatusNotFound},
	{aws.AccessDenied, denied, http.StatusForbidden},
}

// A visit is one request of the protocol.
type visit struct {
	s          *Service
	w          http.ResponseWriter
	r          *http.Request
	call       *aws.Call
	repository string // name
	rest       string // after blobs/, manifests/ or tags/
}

func (v *visit) arn() aws.ARN { return v.call.ARN("ecr", repositoryKind+v.repository) }

// serve answers the registry's protocol. own says that call is of the account
// and region that the host names.
func (s *Service) serve(w http.ResponseWriter, r *http.Request, call *aws.Call, own bool) {
	w.Header().Set("Docker-Distribution-Api-Version", "registry/2.0")
	call, err := s.visitor(r, call, own)
	v := &visit{s: s, w: w, r: r, call: call}
	if err != nil {
		v.fail(err)
		return
	}
	if call == nil {
		w.Header().Set("Www-Authenticate", `Basic realm="`+s.cfg.Endpoint+`/",service="ecr.amazonaws.com"`)
		v.refuse(http.StatusUnauthorized, unauthorized, "a password of `aws ecr get-login-password` is needed")
		return
	}
	m := pathForm.FindStringSubmatch(r.URL.Path)
	if m == nil {
		v.root()
		return
	}
	v.repository, v.rest = m[1], m[3]
	switch {
	case m[2] == "tags" && v.rest == "list" && r.Method == http.MethodGet:
		err = v.tags()
	case m[2] == "manifests":
		err = v.manifest()
	case m[2] == "blobs":
		err = v.blob()
	default:
		v.refuse(http.StatusMethodNotAllowed, unsupported, "the registry has no such operation")
	}
	if err != nil {
		v.fail(err)
	}
}

// root says that this is a registry.
func (v *visit) root() {
	if p := strings.TrimSuffix(v.r.URL.Path, "/"); p != "/v2" {
		v.refuse(http.StatusNotFound, unsupported, "the registry has no such path")
		return
	}
	v.json(http.StatusOK, map[string]any{})
}

// visitor is the call of who sends r: nil if they must say who they are.
func (s *Service) visitor(r *http.Request, call *aws.Call, own bool) (*aws.Call, error) {
	visitor := *call
	if visitor.Region == "" {
		visitor.Region = s.cfg.Region
	}
	user, password, ok := r.BasicAuth()
	if ok && user == userName {
		c, valid, err := s.check(r.Context(), password)
		if err != nil {
			return nil, err
		}
		if valid {
			visitor.Principal = c.Principal
			if !own {
				visitor.Account, visitor.Region = c.Account, c.Region
			}
			return &visitor, nil
		}
	}
	if !s.cfg.Local || ok && user == userName {
		return nil, nil
	}
	if !own {
		visitor.Account = auth.DefaultAccount
	}
	visitor.Principal = aws.Principal{Kind: aws.Root, ARN: "arn:aws:iam::" + visitor.Account + ":root", ID: visitor.Account, Account: visitor.Account}
	return &visitor, nil
}

// fail tells of an error.
func (v *visit) fail(err error) {
	refusal := aws.Refusal(err)
	for _, r := range refusals {
		if refusal.Code == r.fault.Code {
			v.refuse(r.status, r.code, refusal.Message)
			return
		}
	}
	if refusal.Status >= 500 && v.r.Context().Err() == nil {
		v.s.cfg.Log.Error("registry", "method", v.r.Method, "path", v.r.URL.Path, "err", err)
	}
	v.refuse(refusal.Status, unknown, refusal.Message)
}

func (v *visit) refuse(status int, code, message string) {
	v.json(status, map[string]any{"errors": []map[string]string{{"code": code, "message": message}}})
}

func (v *visit) json(status int, answer any) {
	b, err := json.Marshal(answer)
	if err != nil {
		status = http.StatusInternalServerError
	}
	v.w.Header().Set("Content-Type", "application/json")
	v.w.Header().Set("Content-Length", strconv.Itoa(len(b)))
	v.w.WriteHeader(status)
	if v.r.Method != http.MethodHead {
		v.w.Write(b)
	}
}

// tags lists the tags of a repository.
func (v *visit) tags() error {
	tags := []string{}
	in := &api.ListImagesInput{RepositoryName: v.repository, Filter: &api.ListImagesFilter{TagStatus: new(api.TagStatusTagged)}, MaxResults: new(int32(1000))}
	for {
		out, err := dispatch.Call(v.r.Context(), v.s.cfg.Table, v.call, api.ListImages, in)
		if err != nil {
			return err
		}
		for _, id := range out.ImageIds {
			tags = append(tags, aws.Value(id.ImageTag))
		}
		if in.NextToken = out.NextToken; in.NextToken == nil {
			break
		}
	}
	v.json(http.StatusOK, map[string]any{"name": v.repository, "tags": tags})
	return nil
}
