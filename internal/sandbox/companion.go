package sandbox

import (
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strconv"
	"time"
)

// startCompanions has the companions of f answer at w's loopback. Where w has no
// network of its own, it is the host's, and a port is one worker's alone.
func (w *worker) startCompanions(f *Function, creds Credentials) *failure {
	for port, companion := range f.Companions {
		l, err := w.proc.Listen("127.0.0.1:" + strconv.Itoa(port))
		if err != nil {
			return &failure{status: "error", errorType: "Extension.LaunchError", message: fmt.Sprintf("port %d: %v", port, err)}
		}
		server := &http.Server{Handler: companion(creds, func(line string) { w.log.write(line + "\n") }), ReadHeaderTimeout: 30 * time.Second,
			ErrorLog: slog.NewLogLogger(w.m.cfg.Log.Handler(), slog.LevelDebug)}
		w.m.mu.Lock()
		ended := w.dead
		if !ended {
			w.companions = append(w.companions, server)
		}
		w.m.mu.Unlock()
		if ended {
			l.Close()
			return nil // which is found out next
		}
		left := make(chan struct{}, maxConns)
		w.m.group.Go(func() {
			if err := server.Serve(&limited{l, left, w}); !errors.Is(err, http.ErrServerClosed) {
				w.m.cfg.Log.Debug("a companion of a function ended", "function", f.ARN, "err", err)
			}
		})
	}
	return nil
}

// endCompanions ends them with their worker.
func (w *worker) endCompanions() {
	w.m.mu.Lock()
	all := w.companions
	w.m.mu.Unlock()
	for _, server := range all {
		server.Close()
	}
}
