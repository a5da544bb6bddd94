package edge

import (
	"encoding/json"
	"net/http"
	"strings"
)

// ownPrefix begins the paths that are Aloft's own, on hosts of no service.
const ownPrefix = "/_aloft/"

// serveOwn answers paths of Aloft itself. It reports whether path is one.
func (h *Handler) serveOwn(w http.ResponseWriter, r *http.Request) bool {
	switch path := r.URL.Path; {
	case path == ownPrefix+"health":
		writeJSON(w, http.StatusOK, map[string]any{"status": "ok", "version": h.cfg.Version})
	case path == "/_localstack/health":
		writeJSON(w, http.StatusOK, h.localHealth())
	case path == "/_localstack/init/ready":
		writeJSON(w, http.StatusOK, map[string]any{"completed": true, "scripts": []any{}})
	case strings.HasPrefix(path, ownPrefix):
		writeJSON(w, http.StatusNotFound, map[string]any{"message": "Aloft has no " + path + "."})
	default:
		return false
	}
	return true
}

// localHealth is the answer that Testcontainers and others wait for.
func (h *Handler) localHealth() any {
	services := make(map[string]string)
	for _, def := range h.cfg.Table.Services() {
		services[def.API.Name] = "running"
	}
	return map[string]any{"services": services, "edition": "aloft", "version": h.cfg.Version}
}

func writeJSON(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	json.NewEncoder(w).Encode(v) // an error here is the client's absence
}
