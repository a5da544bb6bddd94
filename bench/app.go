package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"os/exec"
	"time"
)

// app deploys the to-do list and measures requests that go the whole way: HTTP
// API, function, table.
func (b *bench) app() error {
	began := time.Now()
	cmd := exec.CommandContext(b.ctx, b.bin, "deploy", "examples/todo", "--json", "--endpoint", "http://"+b.aloft.addr)
	cmd.Env = append(cleanEnv(), "AWS_ACCESS_KEY_ID="+b.aloft.key, "AWS_SECRET_ACCESS_KEY="+b.aloft.secret)
	out, err := cmd.CombinedOutput()
	if err != nil {
		return fmt.Errorf("deploy, which wants the root of the project as its folder: %w\n%s", err, out)
	}
	row("deploy of the to-do list, compile included", fmt.Sprintf("%.1f s", time.Since(began).Seconds()), "")
	var done struct{ Outputs map[string]string }
	if err := json.Unmarshal(out, &done); err != nil {
		return err
	}
	u, err := url.Parse(done.Outputs["Url"])
	if err != nil {
		return err
	}
	for _, l := range []struct {
		name, method, path, body string
		bar                      float64
	}{
		{"page: API, function", http.MethodGet, "/", "", 0},
		{"create: API, function, PutItem", http.MethodPost, "/todos", `{"title":"measure"}`, 2},
	} {
		r, err := http.NewRequest(l.method, "http://"+b.aloft.addr+l.path, nil)
		if err != nil {
			return err
		}
		r.Host = u.Host
		request := raw(r, []byte(l.body))
		for _, clients := range []int{1, 16} {
			run := load{requests: [][]byte{request}, clients: clients, duration: b.duration}
			if err := run.warmUp(b.aloft.addr); err != nil {
				return err
			}
			floor, err := run.run(b.null.addr)
			if err != nil {
				return err
			}
			f, err := run.run(b.aloft.addr)
			if err != nil {
				return err
			}
			note := fmt.Sprintf("p99 %.2f ms, %.0f/s; null server p50 %.2f ms", ms(f.p99), f.rate, ms(floor.p50))
			if l.bar > 0 && clients == 1 {
				note += fmt.Sprintf(", bar %.0f ms", l.bar)
			}
			row(fmt.Sprintf("%s, %d clients, p50", l.name, clients), fmt.Sprintf("%.2f ms", ms(f.p50)), note)
		}
	}
	return nil
}
