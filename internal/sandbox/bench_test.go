package sandbox

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"
	"time"
)

// programs are functions that answer with what they are asked.
func programs(b *testing.B) map[string]*Function {
	return map[string]*Function{
		"go":     self(b),
		"node":   node(b, "exports.handler = async (e) => e"),
		"python": python(b, "def handler(e, c): return e"),
	}
}

// quantiles reports the median and the 99th percentile of d.
func quantiles(b *testing.B, d []time.Duration) {
	slices.Sort(d)
	b.ReportMetric(float64(d[len(d)/2].Microseconds()), "p50-us")
	b.ReportMetric(float64(d[len(d)*99/100].Microseconds()), "p99-us")
	b.ReportMetric(0, "ns/op")
}

func BenchmarkWarm(b *testing.B) {
	for name, f := range programs(b) {
		b.Run(name, func(b *testing.B) {
			r := newRig(b, nil)
			r.invoke(b, f, `{"hello":"world"}`)
			var d []time.Duration
			for b.Loop() {
				began := time.Now()
				r.invoke(b, f, `{"hello":"world"}`)
				d = append(d, time.Since(began))
			}
			quantiles(b, d)
		})
	}
}

// BenchmarkWarmAtOnce has 16 clients.
func BenchmarkWarmAtOnce(b *testing.B) {
	for name, f := range programs(b) {
		b.Run(name, func(b *testing.B) {
			r := newRig(b, nil)
			b.SetParallelism(8)
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					r.invoke(b, f, `{"hello":"world"}`)
				}
			})
		})
	}
}

func BenchmarkCold(b *testing.B) {
	for name, f := range programs(b) {
		b.Run(name, func(b *testing.B) {
			r := newRig(b, nil)
			r.Prepare(f.Runtime)
			r.invoke(b, f, `{}`)
			time.Sleep(300 * time.Millisecond)
			var d []time.Duration
			for i := 0; b.Loop(); i++ {
				g := *f
				g.Revision = fmt.Sprint("bench", i)
				began := time.Now()
				r.invoke(b, &g, `{}`)
				d = append(d, time.Since(began))
				b.StopTimer()
				time.Sleep(100 * time.Millisecond) // as the pool fills again
				b.StartTimer()
			}
			quantiles(b, d)
		})
	}
}

// BenchmarkFloor is what starting costs without us.
func BenchmarkFloor(b *testing.B) {
	hello := filepath.Join(b.TempDir(), "hello")
	if err := os.WriteFile(hello+".go", []byte("package main\nfunc main() {}"), 0o644); err != nil {
		b.Fatal(err)
	}
	if out, err := exec.Command("go", "build", "-o", hello, hello+".go").CombinedOutput(); err != nil {
		b.Skip(string(out))
	}
	for name, argv := range map[string][]string{"go": {hello}, "node": {"node", "-e", "0"}, "python": {"/usr/bin/python3", "-c", "0"}} {
		b.Run(name, func(b *testing.B) {
			var d []time.Duration
			for b.Loop() {
				began := time.Now()
				if err := exec.Command(argv[0], argv[1:]...).Run(); err != nil {
					b.Skip(err)
				}
				d = append(d, time.Since(began))
			}
			quantiles(b, d)
		})
	}
}
