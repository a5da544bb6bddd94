package amplify

import (
	"io"
	"net/http"
	"strconv"
)

// Pages of our own.
const (
	pageWelcome = "<!DOCTYPE html><html><head><meta charset=\"utf-8\"><title>Welcome</title></head><body><h1>Welcome</h1><p>Your app will appear here once you complete your first deployment.</p></body></html>\n"
	pageMissing = "<!DOCTYPE html><html><head><meta charset=\"utf-8\"><title>404</title></head><body><h1>404</h1><p>There is nothing here.</p></body></html>\n"
	pageClosed  = "<!DOCTYPE html><html><head><meta charset=\"utf-8\"><title>401</title></head><body><h1>401</h1><p>Unauthorized</p></body></html>\n"
	pageMethod  = "<!DOCTYPE html><html><head><meta charset=\"utf-8\"><title>405</title></head><body><h1>405</h1><p>Files are read, and not written.</p></body></html>\n"
	pageBroken  = "<!DOCTYPE html><html><head><meta charset=\"utf-8\"><title>502</title></head><body><h1>502</h1><p>What this path leads to does not answer.</p></body></html>\n"
)

// show answers with a page of our own.
func show(w http.ResponseWriter, r *http.Request, status int, page string) {
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Length", strconv.Itoa(len(page)))
	w.WriteHeader(status)
	if r.Method != http.MethodHead {
		io.WriteString(w, page) // nobody is there to be told of an error
	}
}
