package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/aloft-cloud/aloft/internal/client"
)

const (
	manyFunctions = 1000
	manyCalled    = 100
)

// many deploys functions that nobody calls, and then calls some in turn.
func (b *bench) many(c *client.Client, role string, code code) error {
	time.Sleep(time.Second) // what ran before ends
	mb, _, err := b.aloft.residentMB()
	if err != nil {
		return err
	}
	processes, err := b.aloft.children()
	if err != nil {
		return err
	}
	began := time.Now()
	for i := range manyFunctions {
		if err := b.create(c, role, fmt.Sprint("many-", i), code); err != nil {
			return err
		}
	}
	took := time.Since(began)
	time.Sleep(2 * time.Second)
	grown, _, err := b.aloft.residentMB()
	if err != nil {
		return err
	}
	more, err := b.aloft.children()
	if err != nil {
		return err
	}
	row(fmt.Sprintf("%d functions deployed", manyFunctions), fmt.Sprintf("%d processes", more-processes),
		fmt.Sprintf("more than before; %.1f KB of Aloft's memory each; %.1f s", (grown-mb)*1024/manyFunctions, took.Seconds()))
	var all []time.Duration
	for i := range manyCalled {
		d, err := b.call(c, fmt.Sprint("many-", i))
		if err != nil {
			return err
		}
		all = append(all, d)
	}
	if more, err = b.aloft.children(); err != nil {
		return err
	}
	row(fmt.Sprintf("%d of them called in turn, p50", manyCalled), fmt.Sprintf("%.1f ms", ms(median(all))), fmt.Sprintf("without a pause; %d processes then", more))
	return nil
}

// children counts the processes that a has started and that live.
func (a *instance) children() (int, error) {
	stats, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil {
		return 0, err
	}
	n := 0
	for _, name := range stats {
		text, err := os.ReadFile(name)
		if err != nil {
			continue // it has ended
		}
		_, rest, _ := strings.Cut(string(text), ") ")
		var state string
		var parent int
		if _, err := fmt.Sscan(rest, &state, &parent); err == nil && parent == a.cmd.Process.Pid {
			n++
		}
	}
	return n, nil
}
