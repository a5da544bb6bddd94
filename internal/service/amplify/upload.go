package amplify

import (
	"crypto/md5"
	"encoding/hex"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/store"
)

// uploadPath is what the path of the URL of an upload begins with: then come the
// id of the app, the ticket, and the path of the file, unless it is a zip file.
const uploadPath = "/_aloft/amplify/"

// base is the platform, as the caller sees it.
func (s *Service) base(call *aws.Call) string {
	switch {
	case call.Host == "":
		return strings.TrimSuffix(s.cfg.Endpoint, "/")
	case call.Secure:
		return "https://" + call.Host
	}
	return "http://" + call.Host
}

func (s *Service) uploadURL(call *aws.Call, app, ticket string) string {
	return s.base(call) + uploadPath + app + "/" + ticket
}

func escapePath(path string) string { return (&url.URL{Path: path}).EscapedPath() }

// put takes a file that a deployment awaits. Who knows the ticket may put it.
func (s *Service) put(w http.ResponseWriter, r *http.Request, _ *aws.Call) {
	if r.Method != http.MethodPut {
		w.Header().Set("Allow", http.MethodPut)
		http.Error(w, "Files are put here.", http.StatusMethodNotAllowed)
		return
	}
	id, rest, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, uploadPath), "/")
	pass, name, _ := strings.Cut(rest, "/")
	all, err := s.index.Get(r.Context())
	if err != nil {
		s.failed(w, err)
		return
	}
	key := fileKey{all.apps[id], pass, name}
	err = s.db.View(r.Context(), func(tx *store.Tx) error { return awaited(tx, key) })
	if err == nil {
		var sum string
		if sum, err = s.keep(w, r, key); err == nil {
			w.Header().Set("ETag", `"`+sum+`"`)
			return
		}
	}
	var tooMuch *http.MaxBytesError
	switch {
	case errors.Is(err, store.ErrNotFound):
		http.Error(w, "No deployment awaits this file.", http.StatusForbidden)
	case errors.As(err, &tooMuch):
		http.Error(w, "The file is too large.", http.StatusRequestEntityTooLarge)
	default:
		s.failed(w, err)
	}
}

// awaited refuses a file that no deployment awaits, as not found.
func awaited(tx *store.Tx, key fileKey) error {
	t, err := tickets.Get(tx, setKey{key.App, key.Set})
	if err != nil {
		return err
	}
	if time.Now().After(t.Expires) {
		return store.ErrNotFound
	}
	_, err = uploads.Get(tx, key)
	return err
}

// keep keeps the content of r, and returns its sum.
func (s *Service) keep(w http.ResponseWriter, r *http.Request, key fileKey) (string, error) {
	up, sum := s.db.Blobs().Create(r.Context()), md5.New()
	defer up.Close()
	if _, err := io.Copy(io.MultiWriter(up, sum), http.MaxBytesReader(w, r.Body, maxBytes)); err != nil {
		return "", err
	}
	if err := up.Finish(); err != nil {
		return "", err
	}
	text := hex.EncodeToString(sum.Sum(nil))
	return text, s.db.Update(r.Context(), func(tx *store.Tx) error {
		if err := awaited(tx, key); err != nil {
			return err
		}
		u, err := uploads.Get(tx, key)
		if err != nil {
			return err
		}
		if err := s.db.Blobs().Drop(tx, u.Body); err != nil {
			return err
		}
		if u.Body, err = up.Keep(tx); err != nil {
			return err
		}
		u.There, u.MD5 = true, text
		return uploads.Put(tx, key, u)
	})
}

// failed answers for what is nobody's fault but ours.
func (s *Service) failed(w http.ResponseWriter, err error) {
	s.cfg.Log.Error("amplify", "err", err)
	http.Error(w, "Internal Server Error", http.StatusInternalServerError)
}
