package deploy

import (
	"context"
	"maps"
	"slices"

	"github.com/aloft-cloud/aloft/internal/task"
)

// walk visits every node of a graph after those it needs, up to most at once.
// When a visit fails, those that wait for it are left out; with stop, so is all
// that has not begun. It returns what failed.
func walk(ctx context.Context, graph map[string][]string, most int, stop bool, visit func(string) error) map[string]error {
	type result struct {
		node string
		err  error
	}
	waits := make(map[string]int, len(graph))
	users := make(map[string][]string)
	var ready []string
	for _, node := range slices.Sorted(maps.Keys(graph)) {
		for _, need := range graph[node] {
			if _, has := graph[need]; has && need != node {
				waits[node]++
				users[need] = append(users[need], node)
			}
		}
		if waits[node] == 0 {
			ready = append(ready, node)
		}
	}
	failed := make(map[string]error)
	results := make(chan result)
	var group task.Group
	defer group.Wait()
	running := 0
	for {
		for len(ready) > 0 && running < most && ctx.Err() == nil && (!stop || len(failed) == 0) {
			node := ready[0]
			ready = ready[1:]
			running++
			group.Go(func() { results <- result{node, visit(node)} })
		}
		if running == 0 {
			return failed
		}
		r := <-results
		running--
		if r.err != nil {
			failed[r.node] = r.err
			continue
		}
		for _, user := range users[r.node] {
			if waits[user]--; waits[user] == 0 {
				ready = append(ready, user)
			}
		}
	}
}

// reverse turns a graph around: what needed others is needed by them.
func reverse(graph map[string][]string) map[string][]string {
	out := make(map[string][]string, len(graph))
	for node := range graph {
		out[node] = nil
	}
	for _, node := range slices.Sorted(maps.Keys(graph)) {
		for _, need := range graph[node] {
			if _, has := graph[need]; has {
				out[need] = append(out[need], node)
			}
		}
	}
	return out
}
