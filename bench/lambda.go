package main

import (
	"fmt"
	"net/http"
	"os/exec"
	"slices"
	"sync"
	"time"

	"github.com/aloft-cloud/aloft/internal/api/iam"
	api "github.com/aloft-cloud/aloft/internal/api/lambda"
	"github.com/aloft-cloud/aloft/internal/auth/sigv4"
	"github.com/aloft-cloud/aloft/internal/client"
)

const (
	coldRounds = 15
	refill     = 500 * time.Millisecond // blank workers are made off the path
	atOnce     = 20                     // cold starts of a burst
)

// lambda measures warm and cold invokes of each runtime that is installed, and
// what many functions cost.
func (b *bench) lambda() error {
	c := b.client()
	role, err := client.Do(b.ctx, c, iam.CreateRole, &iam.CreateRoleInput{RoleName: "bench", AssumeRolePolicyDocument: trust})
	if err != nil {
		return err
	}
	_, err = client.Do(b.ctx, c, iam.PutRolePolicy, &iam.PutRolePolicyInput{RoleName: "bench", PolicyName: "tables", PolicyDocument: mayList})
	if err != nil {
		return err
	}
	codes, err := b.codes()
	if err != nil {
		return err
	}
	for _, code := range codes {
		if err := b.create(c, role.Role.Arn, code.name, code); err != nil {
			return err
		}
		if err := b.cold(c, code); err != nil {
			return fmt.Errorf("%s: %w", code.name, err)
		}
		if !code.warm {
			continue
		}
		if err := b.burst(c, code); err != nil {
			return fmt.Errorf("%s: %w", code.name, err)
		}
		if err := b.warm(code); err != nil {
			return fmt.Errorf("%s: %w", code.name, err)
		}
	}
	return b.many(c, role.Role.Arn, codes[len(codes)-1])
}

const trust = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"lambda.amazonaws.com"},"Action":"sts:AssumeRole"}]}`

const mayList = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"dynamodb:ListTables","Resource":"*"}]}`

func (b *bench) create(c *client.Client, role, name string, code code) error {
	in := &api.CreateFunctionInput{
		FunctionName: name, Runtime: &code.runtime, Handler: &code.handler, Role: role,
		Code: &api.FunctionCode{ZipFile: code.zip}, MemorySize: new(int32(512)), Timeout: new(int32(30)),
	}
	if _, err := client.Do(b.ctx, c, api.CreateFunction, in); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return nil
}

// call invokes a function and reports how long that took.
func (b *bench) call(c *client.Client, name string) (time.Duration, error) {
	began := time.Now()
	out, err := client.Do(b.ctx, c, api.Invoke, &api.InvokeInput{FunctionName: name, Payload: []byte("{}")})
	if err == nil && out.FunctionError != nil {
		err = fmt.Errorf("%s", out.Payload)
	}
	return time.Since(began), err
}

// renew has the next invokes of a function start new workers.
func (b *bench) renew(c *client.Client, name string, round int) error {
	_, err := client.Do(b.ctx, c, api.UpdateFunctionConfiguration, &api.UpdateFunctionConfigurationInput{
		FunctionName: name, Environment: &api.Environment{Variables: map[string]string{"ROUND": fmt.Sprint(round)}},
	})
	return err
}

// cold measures first invokes, each after a change that makes a new worker, and
// in turn with its floor, so that both see the same machine.
func (b *bench) cold(c *client.Client, code code) error {
	// What its language needs, such as an SDK, is had once.
	if _, err := b.call(c, code.name); err != nil {
		return err
	}
	if code.prepare != nil {
		if err := code.prepare(); err != nil {
			return err
		}
	}
	var took, floor []time.Duration
	for i := range coldRounds {
		if err := b.renew(c, code.name, i); err != nil {
			return err
		}
		time.Sleep(refill)
		d, err := b.call(c, code.name)
		if err != nil {
			return err
		}
		took = append(took, d)
		if d, err = code.floor(); err != nil {
			return err
		}
		floor = append(floor, d)
	}
	cold, bare := median(took), median(floor)
	note := fmt.Sprintf("%.1f to %.1f ms; its bare process boots in %.1f ms: %.2f of it", ms(took[0]), ms(took[len(took)-1]), ms(bare), float64(cold)/float64(bare))
	if code.coldBar != nil {
		note += fmt.Sprintf(", bar %.1f ms", code.coldBar(ms(bare)))
	}
	row(code.name+", cold invoke", fmt.Sprintf("%.1f ms", ms(cold)), note)
	return nil
}

// burst measures many cold starts at once: more than there are blank workers.
func (b *bench) burst(c *client.Client, code code) error {
	if err := b.renew(c, code.name, coldRounds); err != nil {
		return err
	}
	time.Sleep(refill)
	var mu sync.Mutex
	var took []time.Duration
	var failed error
	var wg sync.WaitGroup
	for range atOnce {
		wg.Go(func() {
			d, err := b.call(c, code.name)
			mu.Lock()
			defer mu.Unlock()
			took = append(took, d)
			if err != nil {
				failed = err
			}
		})
	}
	wg.Wait()
	if failed != nil {
		return failed
	}
	row(fmt.Sprintf("%s, %d invokes at once of none", code.name, atOnce), fmt.Sprintf("%.1f ms", ms(slices.Max(took))), fmt.Sprintf("until the last answer; p50 %.1f ms", ms(median(took))))
	return nil
}

func median(d []time.Duration) time.Duration {
	slices.Sort(d)
	return d[len(d)/2]
}

// warm measures invokes of a worker that is there.
func (b *bench) warm(code code) error {
	request := b.invoke(code.name)
	for _, clients := range []int{1, 16} {
		l := load{requests: [][]byte{request}, clients: clients, duration: b.duration}
		if err := l.warmUp(b.aloft.addr); err != nil {
			return err
		}
		floor, err := l.run(b.null.addr)
		if err != nil {
			return err
		}
		f, err := l.run(b.aloft.addr)
		if err != nil {
			return err
		}
		note := fmt.Sprintf("p99 %.2f ms, %.0f/s; null server p50 %.2f ms, %.0f/s", ms(f.p99), f.rate, ms(floor.p50), floor.rate)
		if clients == 1 {
			note += fmt.Sprintf(", bar %.2f ms", code.warmBar)
		} else if code.rateBar > 0 {
			note += fmt.Sprintf(", bar %.0f/s", code.rateBar)
		}
		row(fmt.Sprintf("%s, warm invoke, %d clients, p50", code.name, clients), fmt.Sprintf("%.2f ms", ms(f.p50)), note)
	}
	return nil
}

// warmUp has as many workers made as the load will use, and their code compiled.
func (l load) warmUp(addr string) error {
	l.duration = 2 * time.Second
	_, err := l.run(addr)
	return err
}

// invoke returns a signed invoke, as bytes.
func (b *bench) invoke(name string) []byte {
	r, err := http.NewRequest(http.MethodPost, "http://"+b.aloft.addr+"/2015-03-31/functions/"+name+"/invocations", nil)
	if err != nil {
		panic(err) // an address of our own
	}
	body := []byte(`{"hello":"world"}`)
	sigv4.Sign(r, sigv4.Credentials{AccessKey: b.aloft.key, Secret: b.aloft.secret}, "us-east-1", "lambda", time.Now(), body)
	return raw(r, body)
}

// boot is the floor that is the whole life of a process.
func boot(argv ...string) func() (time.Duration, error) {
	return func() (time.Duration, error) {
		began := time.Now()
		cmd := exec.Command(argv[0], argv[1:]...)
		if out, err := cmd.CombinedOutput(); err != nil && cmd.ProcessState == nil {
			return 0, fmt.Errorf("%w\n%s", err, out)
		}
		return time.Since(began), nil
	}
}
