package sandbox

import (
	"maps"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/aloft-cloud/aloft/internal/sandbox/fence"
	"github.com/aloft-cloud/aloft/internal/sandbox/rapi"
)

// Extensions of a function are the programs in /opt/extensions, from its
// layers. They run beside the function, in its fence, from before its start:
// a worker is ready, and free again, once they wait for their next event too.

// shutdownLimit is how long extensions may take when their worker ends.
const shutdownLimit = 2 * time.Second

// extensionsOf names the extensions of f.
func extensionsOf(f *Function) []string {
	var names []string
	lists := f.Image.extensions()
	for _, layer := range f.Layers {
		entries, err := os.ReadDir(filepath.Join(layer, "extensions"))
		if err != nil {
			continue // most layers have none
		}
		lists = append(lists, entries)
	}
	for _, entries := range lists {
		for _, e := range entries {
			info, err := e.Info()
			if err == nil && info.Mode().IsRegular() && info.Mode()&0o111 != 0 && !slices.Contains(names, e.Name()) {
				names = append(names, e.Name())
			}
		}
	}
	slices.Sort(names)
	return names
}

// startExtensions starts f's extensions beside w.
func (w *worker) startExtensions(f *Function, creds Credentials) *failure {
	for _, name := range w.extensions {
		ours, its, err := fence.Pipe()
		if err != nil {
			return &failure{status: "error", errorType: "Extension.LaunchError", message: err.Error()}
		}
		p, err := w.proc.Beside(&fence.Spec{
			Root: w.root.Root, Argv: []string{filepath.Join(w.at.opt, "extensions", name)}, Dir: "/", Out: its,
			Env: func(a fence.Addresses) []string {
				env := baseEnv(w.at)
				maps.Copy(env, functionEnv(f, w.at, creds, w.stream, w.kind, a.Endpoint))
				env["AWS_LAMBDA_RUNTIME_API"] = a.API
				for _, name := range []string{"_HANDLER", "AWS_EXECUTION_ENV", "AWS_LAMBDA_LOG_GROUP_NAME", "AWS_LAMBDA_LOG_STREAM_NAME"} {
					delete(env, name)
				}
				return list(env)
			},
		})
		its.Close()
		if err != nil {
			ours.Close()
			return &failure{status: "error", errorType: "Extension.LaunchError", message: name + ": " + err.Error()}
		}
		w.m.group.Go(func() { w.log.also(ours) })
		w.beside.Add(1)
		w.m.group.Go(func() {
			exit := p.Wait()
			p.Release()
			w.beside.Add(-1)
			if exit.Signal != "killed" { // not with its worker
				w.extensionChanged("Extension.Crash")
			}
		})
	}
	return nil
}

// extensionChanged is told that an extension has registered, waits, or has
// failed, with the type of its error.
func (w *worker) extensionChanged(errorType string) {
	if errorType != "" && !w.leaving.Load() {
		put(w.failed, rapi.Answer{ErrorType: errorType, Body: errorDocument(errorType, "An extension of the function has failed.")})
		return
	}
	signal(w.registered)
	w.settled()
}

// awaitExtensions waits until all extensions have registered.
func (w *worker) awaitExtensions(limit <-chan time.Time) *failure {
	for !w.api.Registered(w.extensions) {
		if why := w.await(w.registered, limit); why != nil {
			return why
		}
	}
	return nil
}

// leave ends a worker that nobody uses, after its extensions were told.
func (w *worker) leave() {
	w.leaving.Store(true)
	if w.beside.Load() > 0 {
		w.proc.Thaw()
		w.telemetry.flush()
		by := time.Now().Add(shutdownLimit)
		if w.api.TellShutdown("spindown", by) > 0 {
			w.awaitEnd(by)
		}
	}
	w.dismiss()
}

// awaitEnd waits until w's extensions have ended, or the time has come.
func (w *worker) awaitEnd(by time.Time) {
	const pause = 10 * time.Millisecond
	timer := time.NewTimer(pause)
	defer timer.Stop()
	for w.beside.Load() > 0 && time.Now().Before(by) {
		select {
		case <-timer.C:
			timer.Reset(pause)
		case <-w.exited:
			return
		}
	}
}
